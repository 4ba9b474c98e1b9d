//! The layer test: imports point down, nothing imports in a circle, foreign crates stay in their folder, files and
//! functions stay small.
//!
//! Every file of `engine/src` is parsed, and every import is followed to the file that defines what it names. What is
//! compiled for tests only may look anywhere. One dependency stays unseen: a call of a method that another file
//! adds to a type has no path that could be followed.
//!
//! | file | what it holds |
//! |---|---|
//! | `tree.rs` | the modules of a crate, as data |
//! | `reader.rs` | from source text to modules |
//! | `names.rs` | the paths that pieces of syntax hold |
//! | `resolve.rs` | what a path names |
//! | `graph.rs` | imports as arrows, and the cycles among them |
//! | `table.rs` | the layers, and the folders of foreign crates |
//! | `sizes.rs` | how long files, functions, bindings and tests are |
//! | `mutations.rs` | what the checks must see, and what they must not mind |

mod graph;
mod mutations;
mod names;
mod reader;
mod resolve;
mod sizes;
mod table;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use graph::Graph;
use table::Layers;
use tree::{Sources, Tree};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("is there")
}

/// The files below a folder whose names end in one of `kinds`; what was built there is left out.
fn files(folder: &Path, kinds: &[&str]) -> Sources {
    let mut found = Sources::new();
    for entry in fs::read_dir(folder).expect("lists") {
        let path = entry.expect("lists").path();
        let name = path.file_name().expect("has a name").to_string_lossy().into_owned();
        if name.starts_with('.') || ["target", "build", "__pycache__"].contains(&&*name) {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path, kinds).into_iter().map(|(below, text)| (format!("{name}/{below}"), text)));
        } else if path.extension().is_some_and(|kind| kinds.iter().any(|one| kind == *one)) {
            found.insert(name, fs::read_to_string(&path).expect("reads"));
        }
    }
    found
}

fn engine() -> Sources {
    let sources = files(&repository().join("engine/src"), &["rs"]);
    assert!(sources.len() > 200, "{} files: the test must see them", sources.len());
    sources
}

fn architecture() -> String {
    fs::read_to_string(repository().join("docs/ARCHITECTURE.md")).expect("reads")
}

/// What is wrong with the imports of a crate.
fn wrong_imports(sources: &Sources, layers: &Layers) -> Vec<String> {
    let tree = Tree::read(sources);
    let imports = resolve::imports(&tree);
    let mut problems = tree.problems.clone();
    problems.extend(table::differences(&tree, layers));
    problems.extend(table::upward(&tree, &imports, layers));
    problems.extend(table::strays(&tree));
    let mut graphs = vec![Graph::of_files(&tree, &imports)];
    graphs.extend(tree.with_folders().into_iter().map(|parent| Graph::of_children(&tree, &imports, parent)));
    for graph in graphs {
        for (nodes, cycle) in graph.cycles() {
            let nodes = nodes.into_iter().collect::<Vec<_>>().join(" ");
            problems.push(format!("a cycle among {nodes}: {}", graph.describe(&tree, &cycle)));
        }
    }
    problems
}

fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn imports_point_down_and_never_in_a_circle() {
    assert_none(&wrong_imports(&engine(), &table::read(&architecture())));
}

#[test]
fn files_and_functions_stay_small() {
    assert_none(&sizes::of_engine(&engine()));
}

#[test]
fn bindings_stay_thin() {
    assert_none(&sizes::of_bindings(&repository()));
}

#[test]
fn tests_keep_up_with_the_code() {
    assert_none(&sizes::of_tests(&repository(), &engine()));
}
