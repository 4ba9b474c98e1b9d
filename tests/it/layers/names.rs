//! The paths that pieces of syntax hold: `use` trees, the tokens of macros, the text of attributes.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;

/// One name of a `use` tree.
pub struct Brought {
    /// The path it names; without a last `self`.
    pub path: Vec<String>,
    /// The name in scope; none for a glob, which brings every name.
    pub name: Option<String>,
    /// Where it stands.
    pub line: usize,
}

/// The names that a `use` tree brings; `way` is what leads to it.
pub fn of_use(tree: &syn::UseTree, way: &[String]) -> Vec<Brought> {
    let further = |ident: &syn::Ident| [way, &[ident.to_string()]].concat();
    match tree {
        syn::UseTree::Path(one) => of_use(&one.tree, &further(&one.ident)),
        syn::UseTree::Group(group) => group.items.iter().flat_map(|tree| of_use(tree, way)).collect(),
        syn::UseTree::Glob(glob) => vec![Brought { path: way.to_vec(), name: None, line: line(glob) }],
        syn::UseTree::Name(one) => {
            let path = without_self(further(&one.ident));
            vec![Brought { name: path.last().cloned(), path, line: line(one) }]
        }
        syn::UseTree::Rename(one) => {
            let path = without_self(further(&one.ident));
            vec![Brought { path, name: Some(one.rename.to_string()), line: line(one) }]
        }
    }
}

/// `a::b::self` is `a::b`.
fn without_self(mut path: Vec<String>) -> Vec<String> {
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    path
}

/// The segments of a path, without generic arguments.
pub fn of_path(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

/// The line on which a piece of syntax begins.
pub fn line(piece: &impl Spanned) -> usize {
    piece.span().start().line
}

/// The paths among the tokens of a macro or an attribute, each with its line.
pub fn of_tokens(tokens: TokenStream) -> Vec<(Vec<String>, usize)> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |at: usize, mark: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == mark);
    let separates = |at: usize| is(at, ':') && is(at + 1, ':');
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Group(group) => found.extend(of_tokens(group.stream())),
            TokenTree::Ident(first) => {
                // A field, a method, or the rest of `<A as B>::c`; but `..a` is a range or a rest.
                let member = at > 0 && is(at - 1, '.') && !(at > 1 && is(at - 2, '.'));
                let rest = at > 1 && separates(at - 2) && at > 2 && is(at - 3, '>');
                let mut path = vec![first.to_string()];
                while let (true, Some(TokenTree::Ident(next))) = (separates(at + 1), tokens.get(at + 3)) {
                    path.push(next.to_string());
                    at += 3;
                }
                if !member && !rest {
                    found.push((path, first.span().start().line));
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The paths in texts of an attribute, as in serde's `with = "crate::base::time"`.
pub fn quoted(tokens: TokenStream) -> Vec<(Vec<String>, usize)> {
    let paths = tokens.into_iter().flat_map(|token| match token {
        TokenTree::Group(group) => quoted(group.stream()),
        TokenTree::Literal(literal) => {
            let path = syn::parse_str::<syn::Path>(literal.to_string().trim_matches('"'));
            path.iter().map(|path| (of_path(path), literal.span().start().line)).collect()
        }
        _ => Vec::new(),
    });
    paths.filter(|(path, _)| path.len() > 1).collect()
}

/// Whether an attribute is a `cfg` that holds in tests only.
pub fn is_for_tests(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Meta>().is_ok_and(|meta| needs_test(&meta))
}

fn needs_test(condition: &syn::Meta) -> bool {
    let syn::Meta::List(list) = condition else { return condition.path().is_ident("test") };
    let parts = syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated;
    let Ok(parts) = list.parse_args_with(parts) else { return false };
    match list.path.get_ident().map(ToString::to_string).as_deref() {
        Some("all") => parts.iter().any(needs_test),
        Some("any") => !parts.is_empty() && parts.iter().all(needs_test),
        _ => false,
    }
}
