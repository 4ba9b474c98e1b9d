//! What the checks must see: each mutation is applied to the sources in memory and must add a problem. And what they
//! must not mind: correct code that a check by lines would take for an import.

use std::sync::LazyLock;

use super::graph::Graph;
use super::resolve::imports;
use super::table::{self, Layers};
use super::tree::{Sources, Tree};
use super::{architecture, engine, sizes, wrong_imports};

/// The crate in memory, to be changed.
#[derive(Clone)]
struct Mutant {
    sources: Sources,
    layers: Layers,
}

/// The crate as it is, with its problems.
static ORIGINAL: LazyLock<(Mutant, Vec<String>)> = LazyLock::new(|| {
    let mutant = Mutant { sources: engine(), layers: table::read(&architecture()) };
    let problems = wrong_imports(&mutant.sources, &mutant.layers);
    (mutant, problems)
});

impl Mutant {
    fn new() -> Self {
        ORIGINAL.0.clone()
    }

    /// Appends code to a file of a folder.
    fn append(mut self, folder: &str, code: &str) -> Self {
        let file = self.file(folder);
        *self.text(&file) += &format!("\n{code}\n");
        self
    }

    /// The first shipped file of a folder beside its mod.rs.
    fn file(&self, folder: &str) -> String {
        let is = |file: &&String| {
            let below = file.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
            below.is_some_and(|name| !name.contains('/') && name != "mod.rs" && name != "tests.rs")
        };
        self.sources.keys().find(is).unwrap_or_else(|| panic!("no file in {folder}")).clone()
    }

    fn text(&mut self, file: &str) -> &mut String {
        self.sources.get_mut(file).unwrap_or_else(|| panic!("no {file}"))
    }

    /// The problems that the sources as they are do not have.
    fn added(&self) -> Vec<String> {
        let after = wrong_imports(&self.sources, &self.layers);
        after.into_iter().filter(|problem| !ORIGINAL.1.contains(problem)).collect()
    }

    /// Fails unless one new problem contains all of `words`.
    #[track_caller]
    fn must_fail(self, words: &[&str]) {
        let added = self.added();
        let found = added.iter().any(|problem| words.iter().all(|word| problem.contains(word)));
        assert!(found, "no problem with {words:?} among {added:#?}");
    }

    #[track_caller]
    fn must_pass(self) {
        let added = self.added();
        assert!(added.is_empty(), "{added:#?}");
    }
}

/// Code that is added to a file of catalog/ must be seen as an import of the engine.
#[track_caller]
fn catalog_must_not(code: &str, name: &str) {
    let mutant = Mutant::new().append("catalog", code);
    let file = mutant.file("catalog");
    mutant.must_fail(&["catalog imports engine, which is above it", &file, name]);
}

#[test]
fn sees_an_import_through_the_crates_root() {
    catalog_must_not("use crate::Engine;", "crate::Engine");
}

#[test]
fn sees_a_name_in_a_nested_list() {
    catalog_must_not("use crate::{base::{id, time::{self}}, engine::{Engine}};", "crate::engine::Engine");
}

#[test]
fn sees_a_way_through_super() {
    catalog_must_not("use super::super::engine::Engine;", "super::super::engine::Engine");
    catalog_must_not("use self::super::super::Engine as Other;", "self::super::super::Engine");
}

#[test]
fn sees_a_renamed_module() {
    catalog_must_not("use crate::engine as e;\nfn mutation() { e::Engine::open(); }", "e::Engine::open");
}

#[test]
fn sees_a_glob() {
    catalog_must_not("use crate::engine::*;", "crate::engine::*");
}

#[test]
fn sees_an_import_in_a_function() {
    catalog_must_not("impl Mutation { fn go() { if true { use crate::engine::Engine; } } }", "crate::engine::Engine");
}

#[test]
fn sees_an_import_in_an_inline_module() {
    catalog_must_not("mod inner { mod deeper { use super::super::super::super::engine::Engine; } }", "engine::Engine");
}

#[test]
fn sees_a_path_in_an_expression_and_in_a_type() {
    catalog_must_not("fn mutation() { let _ = crate::engine::Engine::open; }", "crate::engine::Engine::open");
    catalog_must_not("fn mutation(_: &[Option<crate::Engine>]) {}", "crate::Engine");
}

#[test]
fn sees_a_path_in_a_macro_and_in_an_attribute() {
    catalog_must_not("fn mutation() { println!(\"{}\", vec![crate::engine::Engine::NAME].len()) }", "Engine::NAME");
    catalog_must_not("macro_rules! mutation { () => { $crate::engine::Engine::go() } }", "crate::engine::Engine::go");
    catalog_must_not("struct S { #[serde(with = \"crate::engine::text\")] field: u8 }", "crate::engine::text");
}

#[test]
fn sees_an_import_behind_a_re_export() {
    let mutant = || {
        let mut mutant = Mutant::new().append("catalog", "use crate::base::Hidden;");
        *mutant.text("base/mod.rs") += "\npub use crate::engine::Engine as Hidden;\n";
        mutant
    };
    mutant().must_fail(&["base imports engine, which is above it", "base/mod.rs"]);
    mutant().must_fail(&["catalog imports engine, which is above it", "crate::base::Hidden"]);
}

#[test]
fn sees_a_stage_that_imports_a_stage() {
    Mutant::new().append("rank", "use crate::retrieve as before;").must_fail(&["rank imports retrieve", "beside it"]);
}

#[test]
fn sees_a_cycle_of_two_files() {
    let mut mutant = Mutant::new();
    let tree = Tree::read(&mutant.sources);
    let imports = imports(&tree);
    let graph = Graph::of_files(&tree, &imports);
    let api = |file: &str| file.starts_with("api/") && !file.ends_with("/mod.rs");
    let arrows = graph.arrows.iter().flat_map(|(from, to)| to.keys().map(move |to| (from.clone(), to.clone())));
    let (from, to) = arrows.into_iter().find(|(from, to)| api(from) && api(to)).expect("files of api/ use each other");
    let module = from.trim_end_matches(".rs").replace('/', "::");
    *mutant.text(&from) += "\npub(crate) struct Mutation;\n";
    *mutant.text(&to) += &format!("\nfn mutation(_: crate::{module}::Mutation) {{}}\n");
    mutant.must_fail(&["a cycle among", &from, &to, "Mutation"]);
}

/// A folder with a front door, a file behind it, and one more beside it.
fn folder(front: &str, behind: &str, beside: &str) -> Mutant {
    let mut mutant = Mutant::new();
    *mutant.text("api/mod.rs") += "\nmod mutation;\nmod beside;\n";
    for (file, code) in [("mutation/mod.rs", front), ("mutation/behind.rs", behind), ("beside.rs", beside)] {
        mutant.sources.insert(format!("api/{file}"), format!("//! A mutation.\n{code}\n"));
    }
    mutant
}

#[test]
fn sees_a_cycle_through_a_front_door() {
    let front = "mod behind;\npub(crate) struct Shared;\nfn f() { behind::go() }";
    folder(front, "use super::Shared;", "").must_fail(&["a cycle among", "api/mutation/behind.rs", "super::Shared"]);
    let front = "mod behind;\npub(crate) use behind::go;\npub(crate) struct Shared;\nfn f() { go() }";
    folder(front, "use super::Shared;", "").must_fail(&["a cycle among", "api/mutation/behind.rs", "super::Shared"]);
}

#[test]
fn sees_a_cycle_through_re_exported_globs() {
    let front = "mod behind;\npub(crate) use behind::*;";
    let behind = "pub(crate) struct Behind;\nuse super::super::beside::Beside;";
    let beside = "pub(crate) struct Beside;\nuse super::mutation::Behind;";
    folder(front, behind, beside).must_fail(&["a cycle among", "api/mutation/behind.rs", "api/beside.rs"]);
}

#[test]
fn sees_a_cycle_through_a_function_of_its_modules_name() {
    let front = "mod behind;\npub(crate) use behind::behind;";
    let behind = "pub(crate) fn behind() {}\nuse crate::api::beside::Beside;";
    let beside = "pub(crate) struct Beside;\nuse super::mutation::behind;";
    folder(front, behind, beside).must_fail(&["a cycle among", "api/mutation/behind.rs", "api/beside.rs"]);
}

#[test]
fn sees_a_cycle_of_folders_without_one_of_files() {
    let front = "mod behind;\nmod other;";
    let mut mutant =
        folder(front, "pub(crate) struct Behind;", "pub(crate) struct B;\nuse super::mutation::behind::Behind;");
    mutant.sources.insert("api/mutation/other.rs".into(), "//! A mutation.\nuse crate::api::beside::B;\n".into());
    mutant.must_fail(&["a cycle among beside mutation"]);
}

#[test]
fn sees_a_folder_that_is_not_in_the_table_and_a_row_without_folder() {
    let mut mutant = Mutant::new();
    mutant.layers.remove("registry");
    mutant.must_fail(&["the table of layers lacks `registry`"]);
    let mut mutant = Mutant::new();
    mutant.layers.insert("ranking".into(), 1);
    mutant.must_fail(&["there is no `ranking`"]);
}

#[test]
fn sees_lib_rs_out_of_order() {
    let mut mutant = Mutant::new();
    let lib = mutant.text("lib.rs");
    *lib = format!("{}\nmod base;\n", lib.replacen("mod base;", "", 1));
    mutant.must_fail(&["lib.rs: `mod", "than `mod base` below it"]);
}

#[test]
fn sees_a_foreign_crate_outside_of_its_folder() {
    Mutant::new().append("text", "use heed as store;").must_fail(&["heed shows outside of catalog/"]);
    Mutant::new().append("rank", "fn f(_: ort::Session) {}").must_fail(&["ort shows outside of model/"]);
    Mutant::new().append("api", "extern crate usearch;").must_fail(&["usearch shows outside of vector/"]);
    let inside = Mutant::new().append("offline", "use parquet::{file::reader as r};");
    inside.must_fail(&["parquet shows outside of offline/export/"]);
}

#[test]
fn sees_a_file_that_no_module_names() {
    let mut mutant = Mutant::new();
    mutant.sources.insert("catalog/forgotten.rs".into(), "//! Gone.".into());
    mutant.must_fail(&["catalog/forgotten.rs: no `mod` names this file"]);
}

#[test]
fn sees_what_is_too_long_or_does_not_open() {
    let added = |code: &str, times: usize| {
        let mut mutant = Mutant::new();
        let file = mutant.file("catalog");
        *mutant.text(&file) += &code.repeat(times);
        sizes::of_engine(&mutant.sources)
    };
    let contains =
        |problems: Vec<String>, words: &str| assert!(problems.iter().any(|one| one.contains(words)), "{words}");
    contains(added("\n", 500), "lines of a file, max");
    contains(added(&format!("fn long() {{{}}}\n", "\n".repeat(80)), 1), "lines of a function, max: 81");
    contains(added(&format!("fn long() {{{}}}\n", "\n".repeat(26)), 400), "lines of a function, p90: 27");
    let mut mutant = Mutant::new();
    mutant.text("lib.rs").insert(0, '\n');
    contains(sizes::of_engine(&mutant.sources), "lib.rs does not open");
    let before = sizes::of_engine(&ORIGINAL.0.sources);
    let tests = format!("#[cfg(test)]\nmod more {{ fn long() {{{}}} }}\n", "\n".repeat(500));
    assert_eq!(added(&tests, 1), before, "tests may be long");
}

#[test]
fn does_not_mind_what_is_no_import() {
    let comment =
        "// use crate::engine::Engine;\n/// [`crate::engine::Engine`]\nfn f() -> &'static str { \"crate::Engine\" }";
    Mutant::new().append("catalog", comment).must_pass();
    let tests = "#[cfg(test)]\nmod more { use crate::engine::Engine; fn f() { Engine::open() } }";
    Mutant::new().append("catalog", tests).must_pass();
    let method = "impl M { #[cfg(all(test, unix))] fn f() { crate::engine::go() } }";
    Mutant::new().append("catalog", method).must_pass();
    // A field and a variable of a module's name.
    let names = "fn f(engine: &M) { println!(\"{}\", self.engine.retrieve); engine.retrieve() }";
    Mutant::new().append("catalog", names).must_pass();
    Mutant::new().append("catalog", "pub(in crate::catalog) struct Mutation;").must_pass();
}

#[test]
fn does_not_mind_a_front_door() {
    let behind = "pub(crate) struct Behind;\npub(crate) fn go() {}\nuse super::super::beside::Beside;";
    let front = "pub(crate) mod behind;\npub(crate) use behind::{Behind, go};\nfn f(go: u8) -> u8 { go }";
    folder(front, behind, "pub(crate) struct Beside;").must_pass();
    // Files behind one door may import each other through it.
    let mut mutant =
        folder("mod behind;\nmod other;\npub(crate) use behind::Behind;", behind, "pub(crate) struct Beside;");
    mutant.sources.insert("api/mutation/other.rs".into(), "//! A mutation.\nuse super::Behind;\n".into());
    mutant.must_pass();
}
