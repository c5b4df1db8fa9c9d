//! The rules, one family a file. Each reads the workspace and returns its violations.

pub(crate) mod circles;
pub(crate) mod dependencies;
pub(crate) mod fences;
pub(crate) mod files;
pub(crate) mod purity;
pub(crate) mod sizes;

use std::fmt;

use crate::workspace::{Place, Workspace};

/// Something that a rule forbids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    /// The file, package or module.
    pub(crate) place: String,
    /// What is wrong, without line numbers, so that it can be listed in `known`.
    pub(crate) problem: String,
    /// Where in the file; 0 for the whole of it.
    pub(crate) line: usize,
}

impl Violation {
    pub(crate) fn new(place: &str, line: usize, problem: String) -> Self {
        Self {
            place: place.to_owned(),
            problem,
            line,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.place, self.problem),
            line => write!(f, "{}:{line}: {}", self.place, self.problem),
        }
    }
}

/// A path in the code that ships, with every import followed.
#[derive(Debug)]
pub(crate) struct Use {
    pub(crate) line: usize,
    pub(crate) is_glob: bool,
    pub(crate) to: Place,
}

impl Workspace {
    /// Every path that a module's shipped code names.
    pub(crate) fn uses(&self, node: usize) -> Vec<Use> {
        let mut uses = Vec::new();
        for named in &self.nodes[node].module.code.paths {
            for to in self.follow(node, &named.path) {
                let (line, is_glob) = (named.line, named.is_glob);
                uses.push(Use { line, is_glob, to });
            }
        }
        uses
    }

    /// The modules whose code ships: no tests.
    pub(crate) fn shipped(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|&node| !self.nodes[node].is_test)
    }
}

/// Whether a file is a place, or belongs to the module that the place's file opens.
pub(crate) fn is_below(file: &str, place: &str) -> bool {
    let folder = place.trim_end_matches("/mod.rs").trim_end_matches(".rs");
    file == place || file.starts_with(&format!("{folder}/"))
}
