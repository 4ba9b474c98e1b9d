//! Reads the files of a crate into a [`Tree`], one module after the other.

use std::collections::BTreeSet;
use std::mem;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::names;
use super::tree::{Function, Module, ModuleId, Named, Sources, Tree, Use};

/// Reads the file of `module`, and the files of the modules it declares.
pub fn read_file(tree: &mut Tree, sources: &Sources, module: ModuleId, test: bool) {
    let file = tree.modules[module].file.clone();
    if test {
        tree.test_files.insert(file.clone());
    }
    let syntax = sources.get(&file).map(|text| syn::parse_file(text));
    match syntax {
        Some(Ok(syntax)) => {
            Reader { tree, sources, module, test, depth: 0, variables: BTreeSet::new() }.visit_file(&syntax);
        }
        Some(Err(error)) => tree.problems.push(format!("{file}: {error}")),
        None => tree.problems.push(format!("{file}: a `mod` names this file, and it is not there")),
    }
}

struct Reader<'t> {
    tree: &'t mut Tree,
    sources: &'t Sources,
    module: ModuleId,
    /// Whether what is read is compiled for tests only.
    test: bool,
    /// How many functions are around.
    depth: usize,
    /// The variables of the functions around: a path that is such a name alone names no item.
    variables: BTreeSet<String>,
}

impl Reader<'_> {
    fn here(&mut self) -> &mut Module {
        &mut self.tree.modules[self.module]
    }

    /// Runs `read` on a piece that its attributes may keep for tests.
    fn within(&mut self, attributes: &[syn::Attribute], span: Span, read: impl FnOnce(&mut Self)) {
        let before = self.test;
        if !before && attributes.iter().any(names::is_for_tests) {
            self.test = true;
            let file = self.here().file.clone();
            self.tree.test_items.entry(file).or_default().push((span.start().line, span.end().line));
        }
        read(self);
        self.test = before;
    }

    fn named(&mut self, path: Vec<String>, line: usize) {
        let variable = path.len() == 1 && self.variables.contains(&path[0]);
        if !variable && !path.is_empty() {
            let test = self.test;
            self.here().paths.push(Named { path, line, test });
        }
    }

    /// The file of a child module, which is not inline.
    fn file_of(&self, path: &str) -> String {
        let front = format!("{path}/mod.rs");
        if self.sources.contains_key(&front) { front } else { format!("{path}.rs") }
    }

    fn child(&mut self, item: &syn::ItemMod) {
        let name = item.ident.to_string();
        let parent = &self.tree.modules[self.module];
        let elsewhere = item.attrs.iter().any(|attribute| attribute.path().is_ident("path"));
        if elsewhere && !self.test {
            let problem = format!("{}: `mod {name}` has a path of its own", parent.file);
            self.tree.problems.push(problem);
        }
        if elsewhere {
            return;
        }
        let path = [&parent.path[..], std::slice::from_ref(&name)].concat();
        let file = if item.content.is_some() { parent.file.clone() } else { self.file_of(&path.join("/")) };
        let id = self.tree.modules.len();
        self.tree.modules.push(Module { path, parent: Some(self.module), file, ..Module::default() });
        self.here().children.insert(name, id);
        match &item.content {
            Some((_, items)) => {
                let above = mem::replace(&mut self.module, id);
                items.iter().for_each(|item| self.visit_item(item));
                self.module = above;
            }
            None => read_file(self.tree, self.sources, id, self.test),
        }
    }

    fn function(&mut self, signature: &syn::Signature, block: Option<&syn::Block>, read: impl FnOnce(&mut Self)) {
        if let Some(block) = block.filter(|_| !self.test) {
            let line = names::line(signature);
            let lines = block.span().end().line + 1 - line;
            let function = Function { file: self.here().file.clone(), line, name: signature.ident.to_string(), lines };
            self.tree.functions.push(function);
        }
        let mut variables = Variables(self.variables.clone());
        variables.visit_signature(signature);
        block.into_iter().for_each(|block| variables.visit_block(block));
        let above = mem::replace(&mut self.variables, variables.0);
        self.depth += 1;
        read(self);
        self.depth -= 1;
        self.variables = above;
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let (attributes, name) = described(item);
        if let (Some(name), 0) = (name, self.depth) {
            self.here().items.insert(name.to_string());
        }
        self.within(attributes, item.span(), |reader| visit::visit_item(reader, item));
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.child(item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let (public, test) = (!matches!(item.vis, syn::Visibility::Inherited), self.test);
        let uses = names::of_use(&item.tree, &[]).into_iter().map(|brought| Use { brought, public, test });
        self.here().uses.extend(uses);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        let name = item.rename.as_ref().map_or(&item.ident, |(_, name)| name).to_string();
        let brought = names::Brought { path: vec![item.ident.to_string()], name: Some(name), line: names::line(item) };
        let test = self.test;
        self.here().uses.push(Use { brought, public: false, test });
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, Some(&item.block), |reader| visit::visit_item_fn(reader, item));
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Const(item) => &item.attrs[..],
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Type(item) => &item.attrs,
            syn::ImplItem::Macro(item) => &item.attrs,
            _ => &[],
        };
        self.within(attributes, item.span(), |reader| visit::visit_impl_item(reader, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, Some(&item.block), |reader| visit::visit_impl_item_fn(reader, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.function(&item.sig, item.default.as_ref(), |reader| visit::visit_trait_item_fn(reader, item));
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.within(&field.attrs, field.span(), |reader| visit::visit_field(reader, field));
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        self.within(&field.attrs, field.span(), |reader| visit::visit_field_value(reader, field));
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.within(&variant.attrs, variant.span(), |reader| visit::visit_variant(reader, variant));
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.within(&arm.attrs, arm.span(), |reader| visit::visit_arm(reader, arm));
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        self.within(&local.attrs, local.span(), |reader| visit::visit_local(reader, local));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.named(names::of_path(path), names::line(path));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.named(names::of_path(&call.path), names::line(call));
        names::of_tokens(call.tokens.clone()).into_iter().for_each(|(path, line)| self.named(path, line));
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            let paths = [names::of_tokens(list.tokens.clone()), names::quoted(list.tokens.clone())].concat();
            paths.into_iter().for_each(|(path, line)| self.named(path, line));
        }
    }

    /// `pub(in crate::catalog)` imports nothing.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}
}

/// The names that patterns bind.
struct Variables(BTreeSet<String>);

impl<'ast> Visit<'ast> for Variables {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        let name = pattern.ident.to_string();
        // A constant is a pattern, too, and binds nothing.
        if !name.starts_with(char::is_uppercase) {
            self.0.insert(name);
        }
        visit::visit_pat_ident(self, pattern);
    }
}

/// The attributes of an item, and the name it defines, where it defines one.
fn described(item: &syn::Item) -> (&[syn::Attribute], Option<&syn::Ident>) {
    use syn::Item;
    match item {
        Item::Const(item) => (&item.attrs, Some(&item.ident)),
        Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        Item::ExternCrate(item) => (&item.attrs, None),
        Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        Item::ForeignMod(item) => (&item.attrs, None),
        Item::Impl(item) => (&item.attrs, None),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
        Item::Mod(item) => (&item.attrs, None),
        Item::Static(item) => (&item.attrs, Some(&item.ident)),
        Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        Item::TraitAlias(item) => (&item.attrs, Some(&item.ident)),
        Item::Type(item) => (&item.attrs, Some(&item.ident)),
        Item::Union(item) => (&item.attrs, Some(&item.ident)),
        Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}
