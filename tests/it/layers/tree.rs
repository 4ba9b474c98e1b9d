//! The modules of a crate as data: what each defines, imports and names, and where.

use std::collections::{BTreeMap, BTreeSet};

use super::names::Brought;
use super::reader;

/// The text of every source file by its path below the folder `src`, with `/` between folders.
pub type Sources = BTreeMap<String, String>;

/// A module's place in [`Tree::modules`].
pub type ModuleId = usize;

/// The module of lib.rs.
pub const ROOT: ModuleId = 0;

/// A module: a file, or an inline `mod` of one.
#[derive(Default)]
pub struct Module {
    /// The names on the way from the crate's root.
    pub path: Vec<String>,
    /// The module that declares it; none for the root.
    pub parent: Option<ModuleId>,
    /// The file that holds it.
    pub file: String,
    /// The modules it declares.
    pub children: BTreeMap<String, ModuleId>,
    /// The names of what it defines: types, functions, constants, traits, macros.
    pub items: BTreeSet<String>,
    /// The names of its `use` trees, those inside of functions included.
    pub uses: Vec<Use>,
    /// The paths in its code.
    pub paths: Vec<Named>,
}

/// One name of a `use` tree: `use a::{b, c as d}` has two.
pub struct Use {
    /// The path, and what it brings into scope.
    pub brought: Brought,
    /// Whether others may import through it: it has a visibility.
    pub public: bool,
    /// Whether it is compiled for tests only.
    pub test: bool,
}

/// A path in code: an expression, a type, a pattern, an attribute or the tokens of a macro.
pub struct Named {
    /// Its segments.
    pub path: Vec<String>,
    /// Where it begins.
    pub line: usize,
    /// Whether it is compiled for tests only.
    pub test: bool,
}

/// A function of shipped code.
pub struct Function {
    /// The file that holds it.
    pub file: String,
    /// The line of its signature.
    pub line: usize,
    /// Its name.
    pub name: String,
    /// Lines from the signature to the closing brace.
    pub lines: usize,
}

/// A whole crate.
#[derive(Default)]
pub struct Tree {
    /// Every module; [`ROOT`] comes first, and a parent before its children.
    pub modules: Vec<Module>,
    /// The files that are compiled for tests only.
    pub test_files: BTreeSet<String>,
    /// First and last line of each item that is compiled for tests only, by file.
    pub test_items: BTreeMap<String, Vec<(usize, usize)>>,
    /// Every function of shipped code.
    pub functions: Vec<Function>,
    /// What could not be read.
    pub problems: Vec<String>,
}

impl Tree {
    /// Reads lib.rs and every file that a `mod` below it names.
    pub fn read(sources: &Sources) -> Tree {
        let mut tree = Tree::default();
        tree.modules.push(Module { file: "lib.rs".into(), ..Module::default() });
        reader::read_file(&mut tree, sources, ROOT, false);
        let read: BTreeSet<&String> = tree.modules.iter().map(|module| &module.file).collect();
        let unread = sources.keys().filter(|file| !read.contains(file));
        let problems: Vec<String> = unread.map(|file| format!("{file}: no `mod` names this file")).collect();
        tree.problems.extend(problems);
        tree
    }

    /// Whether `module` is `ancestor` or lies below it.
    pub fn is_below(&self, module: ModuleId, ancestor: ModuleId) -> bool {
        self.modules[module].path.starts_with(&self.modules[ancestor].path)
    }

    /// The modules with a folder among their children: elsewhere cycles of children are cycles of files.
    pub fn with_folders(&self) -> BTreeSet<ModuleId> {
        let parent = |module: &Module| module.parent.filter(|parent| self.modules[*parent].file != module.file);
        let files = self.modules.iter().filter(|module| !self.test_files.contains(&module.file));
        files.filter_map(parent).filter_map(|folder| self.modules[folder].parent).collect()
    }

    /// Whether a line is compiled for tests only.
    pub fn is_test(&self, file: &str, line: usize) -> bool {
        let inside = |(first, last): &(usize, usize)| (*first..=*last).contains(&line);
        self.test_files.contains(file) || self.test_items.get(file).is_some_and(|items| items.iter().any(inside))
    }
}
