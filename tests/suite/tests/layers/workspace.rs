//! The modules of all crates as trees, and where a path leads in them: aliases,
//! re-exports and globs are followed, until the path names an item of ours or a crate
//! of somebody else.

use std::collections::BTreeMap;

use crate::modules::{Function, Module, parse};
use crate::packages::{Package, TargetKind};
use crate::sources::Sources;

/// A module in its place.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) file: String,
    /// From the crate's root, its name first.
    pub(crate) path: Vec<String>,
    /// The file's head; that of an inner module is its file's.
    pub(crate) head: String,
    pub(crate) is_test: bool,
    pub(crate) module: Module,
    pub(crate) parent: Option<usize>,
    pub(crate) children: BTreeMap<String, usize>,
    /// The root of its crate.
    pub(crate) root: usize,
}

/// Everything that the rules look at.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) nodes: Vec<Node>,
    pub(crate) packages: Vec<Package>,
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) functions: Vec<(String, Function)>,
    /// The roots of libraries by the name that other crates use.
    libraries: BTreeMap<String, usize>,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Into a module of ours, and how the path goes on there.
    Ours(usize, Vec<String>),
    /// Into another crate, or to something that is only known where it is used.
    Foreign(Vec<String>),
}

/// Longer chains of aliases do not occur; a circle of them ends here.
const MAX_ALIASES: usize = 12;

impl Workspace {
    /// Reads all crates.
    pub(crate) fn of(sources: Sources) -> Self {
        let mut workspace = Self {
            packages: sources.packages,
            files: sources.files,
            ..Self::default()
        };
        for package in workspace.packages.clone() {
            for target in &package.targets {
                let name = package.identifier();
                let path = vec![name.clone()];
                let is_test = target.kind == TargetKind::Test;
                let root = workspace.add_file(&target.file, path, None, is_test);
                if target.kind == TargetKind::Library {
                    workspace.libraries.extend(root.map(|root| (name, root)));
                }
            }
        }
        workspace
    }

    fn add_file(
        &mut self,
        file: &str,
        path: Vec<String>,
        parent: Option<usize>,
        is_test: bool,
    ) -> Option<usize> {
        let text = self.files.get(file)?;
        let parsed = parse(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let head = head(text);
        let functions = parsed.functions.into_iter();
        let named = functions.map(|function| (file.to_owned(), function));
        self.functions.extend(named);
        let mut modules = parsed.modules;
        modules.sort_by_key(|module| module.inside.len());
        let mut own = None;
        for module in modules {
            let mut path = path.clone();
            path.extend(module.inside.iter().cloned());
            let parent = match own {
                None => parent,
                Some(own) => self.descend(own, &module.inside[..module.inside.len() - 1]),
            };
            let declared = module.declared.clone();
            let node = Node {
                file: file.to_owned(),
                path,
                head: head.clone(),
                is_test: is_test || module.is_test,
                module,
                parent,
                children: BTreeMap::new(),
                root: 0,
            };
            let index = self.add(node);
            own.get_or_insert(index);
            self.add_declared(index, &declared);
        }
        own
    }

    fn add(&mut self, mut node: Node) -> usize {
        let index = self.nodes.len();
        node.root = node.parent.map_or(index, |parent| self.nodes[parent].root);
        if let (Some(parent), Some(name)) = (node.parent, node.path.last()) {
            self.nodes[parent].children.insert(name.clone(), index);
        }
        self.nodes.push(node);
        index
    }

    fn add_declared(&mut self, index: usize, declared: &BTreeMap<String, bool>) {
        for (name, is_test) in declared {
            let Node {
                file,
                path,
                is_test: parent_is_test,
                module,
                ..
            } = &self.nodes[index];
            // The file's own module, or one around it, is the crate.
            let is_root = path.len() == module.inside.len() + 1;
            let Some(file) = file_of(&self.files, file, is_root, &module.inside, name) else {
                continue;
            };
            let mut path = path.clone();
            path.push(name.clone());
            let is_test = *parent_is_test || *is_test;
            self.add_file(&file, path, Some(index), is_test);
        }
    }

    fn descend(&self, from: usize, names: &[String]) -> Option<usize> {
        let step = |node: usize, name: &String| self.nodes[node].children.get(name).copied();
        names.iter().try_fold(from, step)
    }

    /// Where a path that is written in a module leads; an alias may have several meanings.
    pub(crate) fn follow(&self, from: usize, path: &[String]) -> Vec<Place> {
        let mut places = Vec::new();
        self.follow_on(from, path, MAX_ALIASES, &mut places);
        places.sort();
        places.dedup();
        places
    }

    fn follow_on(&self, from: usize, path: &[String], left: usize, places: &mut Vec<Place>) {
        let Some((first, rest)) = path.split_first() else {
            return places.push(Place::Ours(from, Vec::new()));
        };
        let node = &self.nodes[from];
        let start = match first.as_str() {
            "crate" => Some(node.root),
            "self" => Some(from),
            "super" => node.parent,
            name => node.children.get(name).copied(),
        };
        if let Some(start) = start {
            return self.follow_in(start, rest, left, places);
        }
        if self.follow_aliases(from, path, left, places) {
            return;
        }
        match self.libraries.get(first) {
            Some(&library) if library != node.root => self.follow_in(library, rest, left, places),
            _ if node.module.items.contains(first) => {
                places.push(Place::Ours(from, path.to_vec()));
            }
            _ => places.push(Place::Foreign(path.to_vec())),
        }
    }

    /// Goes on inside of a module of ours.
    fn follow_in(&self, at: usize, path: &[String], left: usize, places: &mut Vec<Place>) {
        let node = &self.nodes[at];
        let Some((first, rest)) = path.split_first() else {
            return places.push(Place::Ours(at, Vec::new()));
        };
        if first == "super" || first == "self" {
            return self.follow_on(at, path, left, places);
        }
        if let Some(&child) = node.children.get(first) {
            return self.follow_in(child, rest, left, places);
        }
        if node.module.items.contains(first) || !self.follow_aliases(at, path, left, places) {
            places.push(Place::Ours(at, path.to_vec()));
        }
    }

    /// Follows what a module imports under the path's first name; whether it does.
    fn follow_aliases(
        &self,
        at: usize,
        path: &[String],
        left: usize,
        places: &mut Vec<Place>,
    ) -> bool {
        let Some(left) = left.checked_sub(1) else {
            return false;
        };
        let module = &self.nodes[at].module;
        let tokens = [&module.code, &module.test_code];
        let aliases = tokens.into_iter().flat_map(|tokens| &tokens.aliases);
        let mut found = false;
        for alias in aliases.filter(|alias| alias.name == path[0]) {
            if alias.path.first() == Some(&alias.name) {
                // `use tokio;` or `use a::b` under the name `a`: nothing to follow.
                continue;
            }
            let whole: Vec<String> = alias.path.iter().chain(&path[1..]).cloned().collect();
            self.follow_on(at, &whole, left, places);
            found = true;
        }
        found || self.follow_globs(at, path, left, places)
    }

    /// Looks for the path's first name in the modules that are imported whole.
    fn follow_globs(
        &self,
        at: usize,
        path: &[String],
        left: usize,
        places: &mut Vec<Place>,
    ) -> bool {
        let globs = self.nodes[at]
            .module
            .code
            .paths
            .iter()
            .filter(|named| named.is_glob);
        for glob in globs {
            let mut modules = Vec::new();
            self.follow_on(at, &glob.path, left, &mut modules);
            for place in modules {
                if let Place::Ours(module, rest) = place
                    && module != at
                    && rest.is_empty()
                    && self.has(module, &path[0])
                {
                    self.follow_in(module, path, left, places);
                    return true;
                }
            }
        }
        false
    }

    /// Whether a module defines, declares or imports a name.
    fn has(&self, module: usize, name: &String) -> bool {
        let node = &self.nodes[module];
        let mut aliases = node.module.code.aliases.iter();
        node.module.items.contains(name)
            || node.children.contains_key(name)
            || aliases.any(|alias| alias.name == *name)
    }

    /// The module and those around it, innermost first.
    pub(crate) fn lineage(&self, node: usize) -> Vec<usize> {
        std::iter::successors(Some(node), |&node| self.nodes[node].parent).collect()
    }

    /// A module's name for a report.
    pub(crate) fn name(&self, node: usize) -> String {
        self.nodes[node].path.join("::")
    }
}

/// The `//!` lines that a file opens with.
fn head(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with("//!"));
    lines
        .map(|line| line.trim_start_matches("//!").trim())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The file of `mod name;`: roots and `a/mod.rs` look beside themselves, `a.rs` in `a`.
fn file_of(
    files: &BTreeMap<String, String>,
    parent: &str,
    is_root: bool,
    inside: &[String],
    name: &str,
) -> Option<String> {
    let (folder, stem) = parent.rsplit_once('/')?;
    let stem = stem.trim_end_matches(".rs");
    let mut place = folder.to_owned();
    if !is_root && stem != "mod" {
        place = format!("{place}/{stem}");
    }
    for module in inside {
        place = format!("{place}/{module}");
    }
    let names = [
        format!("{place}/{name}.rs"),
        format!("{place}/{name}/mod.rs"),
    ];
    names.into_iter().find(|file| files.contains_key(file))
}
