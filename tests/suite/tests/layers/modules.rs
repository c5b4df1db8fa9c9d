//! One Rust file as its modules: the file's own and those written inside of it, each
//! with what it names, what it defines and how large that is. Knows nothing of other
//! files.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Attribute, ImplItem, Item, ItemImpl, Meta, Token};

use crate::tokens::Tokens;

/// A module as its text shows it.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// Below the file's own module; empty for that itself.
    pub(crate) inside: Vec<String>,
    /// Compiled for tests only.
    pub(crate) is_test: bool,
    /// The code that ships.
    pub(crate) code: Tokens,
    /// What is compiled for tests only.
    pub(crate) test_code: Tokens,
    /// Names of what is defined here.
    pub(crate) items: BTreeSet<String>,
    /// Modules in files of their own, and whether they are compiled for tests only.
    pub(crate) declared: BTreeMap<String, bool>,
    pub(crate) structs: Vec<Struct>,
    pub(crate) impls: Vec<Impl>,
}

/// How large a struct is.
#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) name: String,
    pub(crate) fields: usize,
    pub(crate) derives: BTreeSet<String>,
}

/// How many methods an `impl` adds to a type.
#[derive(Debug)]
pub(crate) struct Impl {
    pub(crate) target: Vec<String>,
    pub(crate) methods: usize,
}

/// How long a function is.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) lines: usize,
}

/// A parsed file.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) modules: Vec<Module>,
    pub(crate) functions: Vec<Function>,
}

/// Parses a file.
pub(crate) fn parse(text: &str) -> Result<Parsed, syn::Error> {
    let file = syn::parse_file(text)?;
    let mut functions = Functions::default();
    functions.visit_file(&file);
    let mut own = Module::default();
    for attribute in &file.attrs {
        own.code.read(attribute.to_token_stream());
    }
    let mut modules = Vec::new();
    read_items(file.items, own, &mut modules);
    Ok(Parsed {
        modules,
        functions: functions.0,
    })
}

fn read_items(items: Vec<Item>, mut module: Module, modules: &mut Vec<Module>) {
    for item in items {
        match item {
            Item::Mod(inner) => {
                let name = inner.ident.to_string();
                let is_test = module.is_test || is_for_tests(&inner.attrs);
                let Some((_, items)) = inner.content else {
                    module.declared.insert(name, is_test);
                    continue;
                };
                let mut inside = module.inside.clone();
                inside.push(name);
                let nested = Module {
                    inside,
                    is_test,
                    ..Module::default()
                };
                read_items(items, nested, modules);
            }
            Item::Impl(block) => read_impl(block, &mut module),
            item => read_item(&item, &mut module),
        }
    }
    modules.push(module);
}

fn read_item(item: &Item, module: &mut Module) {
    let (name, attributes) = name_and_attributes(item);
    let is_test = module.is_test || is_for_tests(attributes);
    let place = if is_test {
        &mut module.test_code
    } else {
        &mut module.code
    };
    place.read(item.to_token_stream());
    if is_test {
        return;
    }
    module.items.extend(name);
    if let Item::Struct(item) = item {
        module.structs.push(Struct {
            name: item.ident.to_string(),
            fields: item.fields.len(),
            derives: derives(&item.attrs),
        });
    }
}

fn name_and_attributes(item: &Item) -> (Option<String>, &[Attribute]) {
    let (name, attributes) = match item {
        Item::Const(item) => (&item.ident, &item.attrs),
        Item::Enum(item) => (&item.ident, &item.attrs),
        Item::Fn(item) => (&item.sig.ident, &item.attrs),
        Item::Static(item) => (&item.ident, &item.attrs),
        Item::Struct(item) => (&item.ident, &item.attrs),
        Item::Trait(item) => (&item.ident, &item.attrs),
        Item::Type(item) => (&item.ident, &item.attrs),
        Item::Use(item) => return (None, &item.attrs),
        Item::Macro(item) => return (None, &item.attrs),
        _ => return (None, &[]),
    };
    (Some(name.to_string()), attributes)
}

fn read_impl(mut block: ItemImpl, module: &mut Module) {
    let whole_is_test = module.is_test || is_for_tests(&block.attrs);
    let (tests, items): (Vec<_>, Vec<_>) =
        std::mem::take(&mut block.items)
            .into_iter()
            .partition(|item| {
                whole_is_test || matches!(item, ImplItem::Fn(item) if is_for_tests(&item.attrs))
            });
    for item in tests {
        module.test_code.read(item.to_token_stream());
    }
    let is_method =
        |item: &&ImplItem| matches!(item, ImplItem::Fn(item) if item.sig.receiver().is_some());
    let methods = items.iter().filter(is_method).count();
    block.items = items;
    if whole_is_test {
        module.test_code.read(block.to_token_stream());
        return;
    }
    module.code.read(block.to_token_stream());
    if let (None, syn::Type::Path(target)) = (&block.trait_, &*block.self_ty) {
        let segments = target.path.segments.iter();
        module.impls.push(Impl {
            target: segments.map(|segment| segment.ident.to_string()).collect(),
            methods,
        });
    }
}

/// `#[cfg(test)]`, alone or together with something else.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            let words = list.tokens.to_string();
            words == "test" || (words.starts_with("all") && words.contains("test"))
        }
        Meta::Path(path) => path.is_ident("test"),
        _ => false,
    })
}

fn derives(attributes: &[Attribute]) -> BTreeSet<String> {
    let lists = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("derive"));
    let parsed = lists.filter_map(|list| {
        list.parse_args_with(Punctuated::<syn::Path, Token![,]>::parse_terminated)
            .ok()
    });
    let last = |path: syn::Path| Some(path.segments.last()?.ident.to_string());
    parsed.flatten().filter_map(last).collect()
}

/// Collects the functions of a file, nested ones and those of tests included.
#[derive(Default)]
struct Functions(Vec<Function>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, end: proc_macro2::Span) {
        let first = signature.fn_token.span().start().line;
        self.0.push(Function {
            name: signature.ident.to_string(),
            lines: end.end().line - first + 1,
        });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, item.block.span());
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, item.block.span());
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block.span());
        }
        syn::visit::visit_trait_item_fn(self, item);
    }
}
