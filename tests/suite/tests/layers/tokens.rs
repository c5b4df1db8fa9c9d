//! Finds every path in a stream of tokens, in each form that Rust has: plain, after
//! `use` (nested, renamed, with a glob), with type arguments in the middle, as
//! `<Type as Trait>::name`, in attributes (strings included) and inside of macros. Also
//! finds method calls, and the words `async` and `await`.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};
use syn::UseTree;
use syn::ext::IdentExt;

/// A path as written, before any import is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
    /// Ends with `*`.
    pub(crate) is_glob: bool,
}

/// A name that stands for a path: from `use`, `extern crate … as` or `type`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alias {
    pub(crate) name: String,
    pub(crate) path: Vec<String>,
}

/// What a stream of tokens names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tokens {
    pub(crate) paths: Vec<Named>,
    pub(crate) aliases: Vec<Alias>,
    /// Names of methods that are called without arguments, and where.
    pub(crate) bare_calls: Vec<(String, usize)>,
    /// Lines with `async` or `await`.
    pub(crate) suspends: Vec<usize>,
}

impl Tokens {
    /// Adds what a stream names.
    pub(crate) fn read(&mut self, stream: TokenStream) {
        self.walk(stream, false);
    }

    fn walk(&mut self, stream: TokenStream, in_attribute: bool) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at = match token {
                TokenTree::Group(group) => {
                    let attribute = is_attribute(&tokens[..at], group);
                    self.walk(group.stream(), in_attribute || attribute);
                    at + 1
                }
                TokenTree::Literal(literal) if in_attribute => {
                    self.quoted(&literal.to_string(), literal.span().start().line);
                    at + 1
                }
                TokenTree::Ident(_) => self.word(&tokens, at),
                TokenTree::Punct(punct) if punct.as_char() == '.' => self.member(&tokens, at),
                TokenTree::Punct(punct) if punct.as_char() == '<' => self.qualified(&tokens, at),
                _ => at + 1,
            };
        }
    }

    fn word(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        match ident(tokens.get(at)).as_deref() {
            Some("use") => self.import(tokens, at),
            Some("extern") if is_word(tokens.get(at + 1), "crate") => self.external(tokens, at),
            Some("type") => self.type_alias(tokens, at),
            Some("async") => {
                self.suspends.push(line(&tokens[at]));
                at + 1
            }
            _ => self.path(tokens, at),
        }
    }

    fn import(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let rest = &tokens[at + 1..];
        if is_punct(rest.first(), '<') {
            return at + 1; // `impl Trait + use<'a>`
        }
        let length = rest.iter().position(|token| is_punct(Some(token), ';'));
        let length = length.unwrap_or(rest.len());
        let skipped = rest.iter().take_while(|token| is_punct(Some(token), ':'));
        let tree = &rest[skipped.count()..length];
        self.tree(tree.iter().cloned().collect(), &[], line(&tokens[at]));
        at + 1 + length
    }

    fn tree(&mut self, stream: TokenStream, before: &[String], line: usize) {
        if let Ok(tree) = syn::parse2::<UseTree>(stream) {
            self.expand(&tree, before.to_vec(), line);
        }
    }

    fn expand(&mut self, tree: &UseTree, mut path: Vec<String>, line: usize) {
        match tree {
            UseTree::Path(inner) => {
                path.push(inner.ident.unraw().to_string());
                self.expand(&inner.tree, path, line);
            }
            UseTree::Name(name) => {
                let name = name.ident.unraw().to_string();
                self.imported(path, &name, None, line);
            }
            UseTree::Rename(name) => {
                let alias = name.rename.unraw().to_string();
                self.imported(path, &name.ident.unraw().to_string(), Some(alias), line);
            }
            UseTree::Glob(_) => self.paths.push(Named {
                path,
                line,
                is_glob: true,
            }),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.expand(tree, path.clone(), line);
                }
            }
        }
    }

    fn imported(&mut self, mut path: Vec<String>, name: &str, alias: Option<String>, line: usize) {
        if name != "self" || path.is_empty() {
            path.push(name.to_owned());
        }
        let alias = alias.or_else(|| path.last().cloned());
        self.named(path.clone(), line);
        if let Some(name) = alias.filter(|name| name != "_") {
            self.aliases.push(Alias { name, path });
        }
    }

    fn external(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let Some(name) = ident(tokens.get(at + 2)) else {
            return at + 2;
        };
        let alias = is_word(tokens.get(at + 3), "as").then(|| ident(tokens.get(at + 4)));
        self.imported(Vec::new(), &name, alias.flatten(), line(&tokens[at]));
        at + 3
    }

    /// `type Name = path;`; other types are read as usual.
    fn type_alias(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let target = is_punct(tokens.get(at + 2), '=').then(|| read_path(tokens, at + 3));
        if let (Some(name), Some((path, _))) = (ident(tokens.get(at + 1)), target)
            && !path.is_empty()
        {
            self.aliases.push(Alias { name, path });
        }
        at + 2
    }

    fn path(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let line = line(&tokens[at]);
        let (path, mut next) = read_path(tokens, at);
        let inside = tokens[at..next].iter();
        let arguments = inside.skip_while(|token| !is_punct(Some(token), '<'));
        self.walk(arguments.cloned().collect(), false);
        if is_colons(tokens, next) {
            // `a::{b, c}` and `a::*`, as macros have them.
            match tokens.get(next + 2) {
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let whole = TokenStream::from(TokenTree::Group(group.clone()));
                    self.tree(whole, &path, line);
                    next += 3;
                }
                Some(TokenTree::Punct(star)) if star.as_char() == '*' => {
                    let is_glob = true;
                    let path = path.clone();
                    self.paths.push(Named {
                        path,
                        line,
                        is_glob,
                    });
                    next += 3;
                }
                _ => {}
            }
        }
        if path.len() > 1 {
            self.named(path, line);
        }
        next
    }

    /// A field, a method or a range.
    fn member(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        if is_punct(tokens.get(at + 1), '.') {
            let dots = tokens[at..]
                .iter()
                .take_while(|token| is_punct(Some(token), '.') || is_punct(Some(token), '='));
            return at + dots.count();
        }
        let Some(name) = ident(tokens.get(at + 1)) else {
            return at + 1;
        };
        let line = line(&tokens[at + 1]);
        if name == "await" {
            self.suspends.push(line);
        } else if let Some(TokenTree::Group(arguments)) = tokens.get(at + 2)
            && arguments.delimiter() == Delimiter::Parenthesis
            && arguments.stream().is_empty()
        {
            self.bare_calls.push((name, line));
        }
        at + 2
    }

    /// `<Type>::name` and `<Type as Trait>::name`, else nothing.
    fn qualified(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let (mut path, end) = read_path(tokens, at + 1);
        let mut close = end;
        if is_word(tokens.get(end), "as") {
            let (_, after) = read_path(tokens, end + 1);
            close = after;
        }
        let is_qualified = is_punct(tokens.get(close), '>') && is_colons(tokens, close + 1);
        let last = ident(tokens.get(close + 3));
        if let (true, false, Some(last)) = (is_qualified, path.is_empty(), last) {
            path.push(last);
            self.named(path, line(&tokens[at]));
        }
        at + 1
    }

    /// A path in an attribute's string, as in `#[serde(with = "a::b")]`.
    fn quoted(&mut self, literal: &str, line: usize) {
        let text = literal.trim_matches('"');
        if !text.contains("::") {
            return;
        }
        if let Ok(path) = syn::parse_str::<syn::Path>(text) {
            let segments = path.segments.iter();
            let path = segments.map(|segment| segment.ident.unraw().to_string());
            self.named(path.collect(), line);
        }
    }

    fn named(&mut self, path: Vec<String>, line: usize) {
        self.paths.push(Named {
            path,
            line,
            is_glob: false,
        });
    }
}

/// The names from here on that `::` joins, type arguments left out, and where they end.
fn read_path(tokens: &[TokenTree], at: usize) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    let mut next = if is_colons(tokens, at) { at + 2 } else { at };
    while let Some(name) = ident(tokens.get(next)) {
        path.push(name);
        next += 1;
        if is_colons(tokens, next) && is_punct(tokens.get(next + 2), '<') {
            let end = after_arguments(tokens, next + 2);
            if !is_colons(tokens, end) {
                return (path, end);
            }
            next = end;
        }
        if !is_colons(tokens, next) || ident(tokens.get(next + 2)).is_none() {
            break;
        }
        next += 2;
    }
    (path, next)
}

/// Behind the `>` that closes the `<` at this place.
fn after_arguments(tokens: &[TokenTree], open: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, token) in tokens[open..].iter().enumerate() {
        let arrow = offset > 0 && is_punct(tokens.get(open + offset - 1), '-');
        if is_punct(Some(token), '<') {
            depth += 1;
        } else if is_punct(Some(token), '>') && !arrow {
            depth -= 1;
        }
        if depth == 0 {
            return open + offset + 1;
        }
    }
    tokens.len()
}

fn is_attribute(before: &[TokenTree], group: &Group) -> bool {
    let mut marks = before
        .iter()
        .rev()
        .skip_while(|token| is_punct(Some(token), '!'));
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket
        && is_punct(marks.next(), '#')
        && !is_word(first.as_ref(), "doc")
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let first = tokens.get(at);
    let joint = matches!(first, Some(TokenTree::Punct(punct)) if punct.spacing() == Spacing::Joint);
    joint && is_punct(first, ':') && is_punct(tokens.get(at + 1), ':')
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    ident(token).is_some_and(|name| name == word)
}

fn ident(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.unraw().to_string()),
        _ => None,
    }
}

fn line(token: &TokenTree) -> usize {
    token.span().start().line
}
