//! Finds what a path names: through `crate`, `self` and `super`, child modules, renames, globs and re-exports.

use std::collections::BTreeSet;

use super::names::Brought;
use super::tree::{ModuleId, Named, ROOT, Tree, Use};

/// An import of shipped code: a name of a `use`, or a path in an expression, a type, a macro.
#[derive(Debug)]
pub struct Import {
    /// The module that imports.
    pub from: ModuleId,
    /// The line of the name.
    pub line: usize,
    /// The path as it is written.
    pub name: String,
    /// The modules that define what is imported, wherever it is re-exported.
    pub defined: BTreeSet<ModuleId>,
    /// The modules that the path and the re-exports on its way lead through.
    pub passed: BTreeSet<ModuleId>,
}

impl Import {
    /// `file:line: name`.
    pub fn place(&self, tree: &Tree) -> String {
        format!("{}:{}: {}", tree.modules[self.from].file, self.line, self.name)
    }
}

/// A path that leads into another crate.
pub struct Foreign {
    /// The file that names it.
    pub file: String,
    /// The line of the name.
    pub line: usize,
    /// The crate.
    pub name: String,
}

/// Every import of shipped code, without the front doors: a `pub use` of what lies below its own module, which the
/// module's own code does not use.
pub fn imports(tree: &Tree) -> Vec<Import> {
    let mut all = Vec::new();
    for (from, module) in tree.modules.iter().enumerate() {
        for one in module.uses.iter().filter(|one| !one.test) {
            let import = import(tree, from, &one.brought.path, one.brought.line, one.brought.name.is_none());
            all.extend(import.filter(|import| !is_front_door(tree, one, import)));
        }
        // A name alone is in scope by an item or a `use` of this module, which counts where it stands.
        for named in module.paths.iter().filter(|named| !named.test && named.path.len() > 1) {
            all.extend(import(tree, from, &named.path, named.line, false));
        }
    }
    all
}

/// Every path into another crate, those of tests included.
pub fn foreign(tree: &Tree) -> Vec<Foreign> {
    let mut all = Vec::new();
    for (id, module) in tree.modules.iter().enumerate() {
        let uses = module.uses.iter().map(|one| (&one.brought.path, one.brought.line));
        let paths = module.paths.iter().filter(|named| named.path.len() > 1).map(|named| (&named.path, named.line));
        for (path, line) in uses.chain(paths) {
            let found = Search::default().path(tree, id, path).into_iter();
            all.extend(found.filter_map(|found| match found {
                Found::Foreign(name) => Some(Foreign { file: module.file.clone(), line, name }),
                _ => None,
            }));
        }
    }
    all
}

fn import(tree: &Tree, from: ModuleId, path: &[String], line: usize, glob: bool) -> Option<Import> {
    let mut search = Search::default();
    let mut defined = BTreeSet::new();
    let mut all = search.path(tree, from, path);
    if all.is_empty() {
        // A macro defines it: it is where the way ends.
        let ways = (1..path.len()).rev().map(|length| Search::default().path(tree, from, &path[..length]));
        let module = |found| if let Found::Module(module) = found { Found::Item(module) } else { found };
        all = ways.into_iter().find(|found| !found.is_empty()).into_iter().flatten().map(module).collect();
    }
    for found in all {
        match found {
            Found::Item(module) => drop(defined.insert(module)),
            Found::Module(module) => {
                search.passed.insert(module);
                if glob {
                    defined.extend(search.everything(tree, module));
                }
            }
            Found::Foreign(_) => {}
        }
    }
    let name = path.join("::") + if glob { "::*" } else { "" };
    let passed = search.passed;
    (!defined.is_empty() || !passed.is_empty()).then_some(Import { from, line, name, defined, passed })
}

/// Whether a `use` only shows to others what lies below its own module.
fn is_front_door(tree: &Tree, one: &Use, import: &Import) -> bool {
    let from = import.from;
    let below = |module: &ModuleId| *module != from && tree.is_below(*module, from);
    let inside = import.defined.iter().all(below)
        && import.passed.iter().all(|module| below(module) || tree.is_below(from, *module));
    one.public && inside && !tree.modules[from].paths.iter().any(|named| !named.test && uses(tree, named, one, import))
}

/// Whether a path in code begins with a name that a `use` brings.
fn uses(tree: &Tree, named: &Named, one: &Use, import: &Import) -> bool {
    match &one.brought.name {
        Some(name) => *name == named.path[0],
        None => {
            let found = Search::default().path(tree, import.from, &named.path[..1]);
            found.iter().any(|found| matches!(found, Found::Item(module) if import.defined.contains(module)))
        }
    }
}

/// What a path names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Module(ModuleId),
    /// An item, by the module that defines it.
    Item(ModuleId),
    /// Something of another crate.
    Foreign(String),
}

/// One search, with the modules that it led through.
#[derive(Default)]
struct Search {
    passed: BTreeSet<ModuleId>,
    /// The names that are being looked for, each in one `use` of one module: a circle of re-exports ends here.
    open: BTreeSet<(ModuleId, usize, String)>,
}

impl Search {
    /// What a path names in the module `from`. Modules, types and functions may share a name: then it is all of them.
    fn path(&mut self, tree: &Tree, from: ModuleId, path: &[String]) -> BTreeSet<Found> {
        let Some((first, rest)) = path.split_first() else { return BTreeSet::new() };
        let mut found = match first.as_str() {
            "crate" => BTreeSet::from([Found::Module(ROOT)]),
            "self" => BTreeSet::from([Found::Module(from)]),
            "super" => tree.modules[from].parent.map(Found::Module).into_iter().collect(),
            "Self" => return BTreeSet::new(),
            name => self.name(tree, from, name),
        };
        if found.is_empty() {
            found.insert(Found::Foreign(first.clone()));
        }
        for segment in rest {
            found = self.step(tree, found, segment);
        }
        found
    }

    /// One segment further. Where a module and a function share a name, the module leads on.
    fn step(&mut self, tree: &Tree, at: BTreeSet<Found>, segment: &str) -> BTreeSet<Found> {
        let leads = at.iter().any(|found| matches!(found, Found::Module(_)));
        let mut next = BTreeSet::new();
        for found in at {
            match found {
                Found::Module(module) => {
                    self.passed.insert(module);
                    match segment {
                        "self" => drop(next.insert(Found::Module(module))),
                        "super" => next.extend(tree.modules[module].parent.map(Found::Module)),
                        _ => next.extend(self.name(tree, module, segment)),
                    }
                }
                // `Type::function` and `Enum::Variant` are where the type is.
                item if !leads => drop(next.insert(item)),
                _ => {}
            }
        }
        next
    }

    /// What a name is in a module. Names that are declared there hide those of globs.
    fn name(&mut self, tree: &Tree, module: ModuleId, name: &str) -> BTreeSet<Found> {
        let here = &tree.modules[module];
        let mut found: BTreeSet<Found> = here.children.get(name).copied().map(Found::Module).into_iter().collect();
        found.extend(here.items.contains(name).then_some(Found::Item(module)));
        found.extend(self.brought(tree, module, name, false));
        if found.is_empty() { self.brought(tree, module, name, true) } else { found }
    }

    /// What the `use` trees of a module bring by a name: those that name it, or the globs.
    fn brought(&mut self, tree: &Tree, module: ModuleId, name: &str, globs: bool) -> BTreeSet<Found> {
        let mut found = BTreeSet::new();
        for (at, Use { brought: one, .. }) in tree.modules[module].uses.iter().enumerate() {
            let brings = one.name.as_ref().map_or(globs, |brought| !globs && brought == name);
            if !brings || !self.open.insert((module, at, name.to_owned())) {
                continue;
            }
            let mut from = self.path(tree, module, &one.path);
            if globs {
                from.retain(|found| matches!(found, Found::Module(_)));
                from = self.step(tree, from, name);
            }
            found.extend(from);
            self.open.remove(&(module, at, name.to_owned()));
        }
        found
    }

    /// The modules that define what a glob of `module` brings.
    fn everything(&mut self, tree: &Tree, module: ModuleId) -> BTreeSet<ModuleId> {
        let here = &tree.modules[module];
        let mut defined: BTreeSet<ModuleId> = (!here.items.is_empty()).then_some(module).into_iter().collect();
        for (at, one) in here.uses.iter().enumerate().filter(|(_, one)| one.public && !one.test) {
            let Brought { path, name, .. } = &one.brought;
            let again = name.is_none() && !self.open.insert((module, at, "*".to_owned()));
            for found in if again { BTreeSet::new() } else { self.path(tree, module, path) } {
                match found {
                    Found::Item(module) => drop(defined.insert(module)),
                    Found::Module(below) if name.is_none() => defined.extend(self.everything(tree, below)),
                    _ => {}
                }
            }
        }
        defined
    }
}
