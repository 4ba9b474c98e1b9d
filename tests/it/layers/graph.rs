//! Imports as arrows, between files and between the modules of one folder; and the cycles among them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::resolve::Import;
use super::tree::{ModuleId, Tree};

/// Arrows between nodes, each with the imports that it stands for.
#[derive(Default)]
pub struct Graph<'i> {
    /// From the node that imports to the node that is imported.
    pub arrows: BTreeMap<String, BTreeMap<String, Vec<&'i Import>>>,
}

/// For each node that can be reached from another the node before it on the shortest way.
type Ways<'g> = BTreeMap<&'g str, &'g str>;

impl<'i> Graph<'i> {
    /// From the file that imports to the file that defines.
    pub fn of_files(tree: &Tree, imports: &'i [Import]) -> Self {
        let mut graph = Graph::default();
        for import in imports {
            let to = import.defined.iter().map(|module| tree.modules[*module].file.clone());
            graph.add(&tree.modules[import.from].file, to.collect(), import);
        }
        graph
    }

    /// Between the children of `parent`. What a path only leads through counts, too, `parent` itself excepted.
    pub fn of_children(tree: &Tree, imports: &'i [Import], parent: ModuleId) -> Self {
        let mut graph = Graph::default();
        for import in imports.iter().filter(|import| tree.is_below(import.from, parent)) {
            let passed = import.passed.iter().filter(|module| **module != parent);
            let to = import.defined.iter().chain(passed).filter(|module| tree.is_below(**module, parent));
            graph.add(&child(tree, parent, import.from), to.map(|to| child(tree, parent, *to)).collect(), import);
        }
        graph
    }

    fn add(&mut self, from: &str, to: BTreeSet<String>, import: &'i Import) {
        for to in to.into_iter().filter(|to| to != from) {
            self.arrows.entry(from.to_owned()).or_default().entry(to).or_default().push(import);
        }
    }

    fn ways(&self, from: &str) -> Ways<'_> {
        let mut before = Ways::new();
        let Some((from, _)) = self.arrows.get_key_value(from) else { return before };
        let mut open = VecDeque::from([from.as_str()]);
        while let Some(at) = open.pop_front() {
            for next in self.arrows.get(at).into_iter().flat_map(BTreeMap::keys) {
                if !before.contains_key(next.as_str()) {
                    before.insert(next, at);
                    open.push_back(next);
                }
            }
        }
        before
    }

    /// The sets of nodes that reach each other, each with the shortest cycle in it: the first node comes again at the
    /// end.
    pub fn cycles(&self) -> Vec<(BTreeSet<&str>, Vec<&str>)> {
        let ways: BTreeMap<&str, Ways> = self.arrows.keys().map(|from| (from.as_str(), self.ways(from))).collect();
        let mut cycles: Vec<(BTreeSet<&str>, Vec<&str>)> = Vec::new();
        // A node that reaches itself lies on a cycle.
        for (from, way) in ways.iter().filter(|(from, way)| way.contains_key(*from)) {
            if !cycles.iter().any(|(nodes, _)| nodes.contains(from)) {
                let back = |to: &&&str| ways.get(**to).is_some_and(|way| way.contains_key(from));
                let nodes: BTreeSet<&str> = way.keys().filter(back).copied().collect();
                let all = nodes.iter().filter_map(|node| cycle(node, &ways[node]));
                let shortest = all.min_by_key(Vec::len).unwrap_or_default();
                cycles.push((nodes, shortest));
            }
        }
        cycles
    }

    /// Each step of a cycle with its imports, one a line.
    pub fn describe(&self, tree: &Tree, cycle: &[&str]) -> String {
        let mut lines = BTreeSet::new();
        for (at, step) in cycle.windows(2).enumerate() {
            let imports = self.arrows.get(step[0]).and_then(|to| to.get(step[1])).into_iter().flatten();
            lines.extend(imports.map(|import| (at, format!("\n    {} -> {}", import.place(tree), step[1]))));
        }
        cycle.join(" -> ") + &lines.into_iter().map(|(_, line)| line).collect::<String>()
    }
}

/// The way from a node back to itself.
fn cycle<'g>(node: &'g str, ways: &Ways<'g>) -> Option<Vec<&'g str>> {
    let mut cycle = vec![node];
    loop {
        let before = *ways.get(cycle.last()?)?;
        cycle.push(before);
        if before == node {
            break;
        }
    }
    cycle.reverse();
    Some(cycle)
}

/// The child of `parent` in which a module lies; the file of `parent` where it is there itself.
pub fn child(tree: &Tree, parent: ModuleId, module: ModuleId) -> String {
    let (parent, module) = (&tree.modules[parent], &tree.modules[module]);
    match module.path.get(parent.path.len()) {
        Some(name) if module.file != parent.file => name.clone(),
        _ => parent.file.clone(),
    }
}
