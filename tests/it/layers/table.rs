//! The layers: the table of docs/ARCHITECTURE.md, the folders that are there, and what may import what.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Graph, child};
use super::resolve::{Import, foreign};
use super::tree::{ROOT, Tree};

/// Crates that show in one folder each.
const FOREIGN: [(&str, &str); 6] = [
    ("heed", "catalog"),
    ("tantivy", "text"),
    ("usearch", "vector"),
    ("ort", "model"),
    ("tokenizers", "model"),
    ("parquet", "offline/export"),
];

/// The layer of each folder, or file, directly below `engine/src`; 0 is the lowest.
pub type Layers = BTreeMap<String, usize>;

/// The table `| layer | modules | what they are |` of docs/ARCHITECTURE.md.
pub fn read(architecture: &str) -> Layers {
    let lines = architecture.lines().skip_while(|line| !line.starts_with("| layer | modules |")).skip(2);
    let mut layers = Layers::new();
    for line in lines.take_while(|line| line.starts_with('|')) {
        let mut cells = line.split('|').skip(1).map(str::trim);
        if let (Some(Ok(layer)), Some(modules)) = (cells.next().map(str::parse), cells.next()) {
            let names = modules.split([' ', ',', '`', '/']).filter(|name| !name.is_empty());
            layers.extend(names.map(|name| (name.to_owned(), layer)));
        }
    }
    layers
}

/// Where the table, the folders and the `mod` lines of lib.rs, which run from the lowest layer to the highest, differ.
pub fn differences(tree: &Tree, layers: &Layers) -> Vec<String> {
    // Modules are numbered in the order in which they are declared.
    let children = 1..tree.modules.len();
    let declared = children.filter(|id| tree.modules[*id].parent == Some(ROOT)).map(|id| &tree.modules[id]);
    let names: Vec<&str> =
        declared.filter(|module| !tree.test_files.contains(&module.file)).map(|module| &*module.path[0]).collect();
    let mut problems = Vec::new();
    for name in names.iter().filter(|name| !layers.contains_key(**name)) {
        problems.push(format!("docs/ARCHITECTURE.md: the table of layers lacks `{name}`"));
    }
    for name in layers.keys().filter(|name| !names.contains(&name.as_str())) {
        problems.push(format!("docs/ARCHITECTURE.md: there is no `{name}`, which the table of layers names"));
    }
    let levels: Vec<(&str, usize)> = names.iter().filter_map(|name| Some((*name, *layers.get(*name)?))).collect();
    for pair in levels.windows(2).filter(|pair| pair[0].1 > pair[1].1) {
        problems.push(format!("lib.rs: `mod {}` is of a higher layer than `mod {}` below it", pair[0].0, pair[1].0));
    }
    let used: BTreeSet<usize> = layers.values().copied().collect();
    if !used.iter().copied().eq(0..used.len()) {
        problems.push(format!("docs/ARCHITECTURE.md: the layers are numbered {used:?}"));
    }
    problems
}

/// The imports that do not point to a lower layer.
pub fn upward(tree: &Tree, imports: &[Import], layers: &Layers) -> Vec<String> {
    let graph = Graph::of_children(tree, imports, ROOT);
    let front = child(tree, ROOT, ROOT);
    let mut problems = Vec::new();
    for (from, arrows) in graph.arrows.iter().filter(|(from, _)| **from != front) {
        for (to, imports) in arrows {
            // What lib.rs defines itself lies above everything.
            let level = |name: &str| layers.get(name).copied().unwrap_or(usize::MAX);
            let direction = match level(from).cmp(&level(to)) {
                std::cmp::Ordering::Greater => continue,
                std::cmp::Ordering::Equal => "beside it",
                std::cmp::Ordering::Less => "above it",
            };
            let lines = imports.iter().map(|import| format!("\n    {}", import.place(tree)));
            problems.push(format!("{from} imports {to}, which is {direction}:{}", lines.collect::<String>()));
        }
    }
    problems
}

/// Crates that show outside of their folder.
pub fn strays(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    for path in foreign(tree) {
        let home = FOREIGN.iter().find(|(name, _)| *name == path.name).map(|(_, home)| *home);
        if let Some(home) = home.filter(|home| !path.file.starts_with(&format!("{home}/"))) {
            problems.push(format!("{}:{}: {} shows outside of {home}/", path.file, path.line, path.name));
        }
    }
    problems
}
