//! The layer test: imports point down, siblings do not see each other, foreign crates stay in their folder, and files
//! and functions stay small. docs/ARCHITECTURE.md has the table.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules by layer, lowest first. In layers 2 and 4 modules may not import their siblings.
const LAYERS: [&[&str]; 6] = [
    &["config", "error", "exposure", "id", "kind", "limits", "prefetch", "random", "retention", "score", "time"],
    &[
        "calibration",
        "candidate",
        "control",
        "cursor",
        "evaluation",
        "event",
        "filter",
        "impression",
        "item",
        "json",
        "lifecycle",
        "ranking",
        "request",
        "rule",
        "schema",
        "stats",
        "training",
    ],
    &["catalog", "model", "text", "vector"],
    &[
        "event_tail",
        "fit_space",
        "forget",
        "impression_queue",
        "intent",
        "interests",
        "item_space",
        "live",
        "live_weights",
        "recover",
        "refit",
        "registry",
        "relations",
        "segments",
        "snapshot",
        "stores",
    ],
    &[
        "arrange",
        "calibrate",
        "evaluate",
        "export",
        "impress",
        "ingest",
        "maintain",
        "observe",
        "open",
        "rank",
        "respond",
        "retrieve",
    ],
    &["engine"],
];
const NO_SIBLINGS: [usize; 2] = [2, 4];
/// Crates that show in one folder each.
const FOREIGN: [(&str, &str); 6] = [
    ("heed", "catalog"),
    ("tantivy", "text"),
    ("usearch", "vector"),
    ("ort", "model"),
    ("tokenizers", "model"),
    ("parquet", "export"),
];
const LONGEST_FILE: usize = 500;

fn sources() -> Vec<(String, PathBuf, String)> {
    // Without the `tests/..` of the way there: folders of that name hold tests, which may look anywhere.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/src").canonicalize().expect("is there");
    let mut found = Vec::new();
    walk(&root, &mut found);
    let module = |path: &Path| {
        let first = path.strip_prefix(&root).expect("is below").components().next().expect("has a name");
        first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
    };
    found.into_iter().map(|path| (module(&path), path.clone(), fs::read_to_string(&path).expect("reads"))).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("lists") {
        let path = entry.expect("lists").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// A file without its inline test module: tests may look anywhere.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// Modules named in `crate::name` paths, brace lists included.
fn imports(text: &str) -> BTreeSet<String> {
    let code: String =
        shipped(text).lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut names = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(list) => {
                let list = list.split('}').next().unwrap_or_default();
                names.extend(list.split(',').filter_map(|part| first_name(part.trim())));
            }
            None => names.extend(first_name(after)),
        }
    }
    names
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    name.starts_with(|c: char| c.is_lowercase()).then_some(name)
}

/// Whether a line of code has a path that begins with a crate's name: `ort::`, but not `report::`.
fn names(line: &str, foreign: &str) -> bool {
    let path = format!("{foreign}::");
    let begins = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    line.match_indices(&path).any(|(at, _)| begins(at))
}

fn is_test_file(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
}

#[test]
fn imports_point_down() {
    let mut wrong = Vec::new();
    let shipped = sources();
    let shipped: Vec<_> = shipped.iter().filter(|(module, path, _)| module != "lib" && !is_test_file(path)).collect();
    assert!(shipped.len() > 100, "{} files: the test must see them", shipped.len());
    for (module, path, text) in shipped {
        let own = layer(module).unwrap_or_else(|| panic!("`{module}` is in no layer: add it to the table"));
        for import in imports(text) {
            let Some(of) = layer(&import) else { continue };
            let sideways = of == own && import != *module && NO_SIBLINGS.contains(&own);
            if of > own || sideways {
                wrong.push(format!("{}: layer {own} imports {import} of layer {of}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_test_sees_an_upward_import() {
    assert!(imports("use crate::engine::Engine;").contains("engine"));
    assert!(imports("use crate::{engine::Engine, id};").contains("engine"));
    assert!(imports("fn f() { crate::engine::go() }").contains("engine"));
    assert!(!imports("// crate::engine is above").contains("engine"));
}

#[test]
fn foreign_crates_stay_in_their_folder() {
    let mut wrong = Vec::new();
    for (module, path, text) in sources() {
        for (foreign, home) in FOREIGN {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let elsewhere = code.filter(|line| names(line, foreign)).count();
            if module != home && elsewhere > 0 {
                wrong.push(format!("{} names {foreign}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_short_and_open_with_their_idea() {
    for (_, path, text) in sources().iter().filter(|(_, path, _)| !is_test_file(path)) {
        let lines = shipped(text).lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", path.display());
        assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
    }
}
