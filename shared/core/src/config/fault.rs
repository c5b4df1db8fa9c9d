//! Faults in a configuration and warnings about it, each with its path. Pure.

use std::fmt;

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The path, such as `pools[1].addresses[0]`; empty for the whole document.
    pub path: String,
    /// What is wrong, with the value as written and what is allowed.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.problem);
        }
        write!(f, "{}: {}", self.path, self.problem)
    }
}

/// A remark about a configuration that is used all the same; shaped like a
/// fault.
pub type Warning = Fault;

/// The faults and warnings found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) faults: Faults,
    pub(super) warnings: Vec<Warning>,
}

impl Findings {
    /// Adds a fault.
    pub(super) fn fault(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.faults.add(path, problem);
    }

    /// Adds a warning.
    pub(super) fn warn(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.warnings.push(Warning {
            path: path.into(),
            problem: problem.into(),
        });
    }
}

/// All faults, in the order they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// One fault of the document as a whole.
    #[must_use]
    pub fn whole(problem: impl Into<String>) -> Self {
        let mut faults = Self::default();
        faults.add("", problem);
        faults
    }

    fn add(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.0.push(Fault {
            path: path.into(),
            problem: problem.into(),
        });
    }

    /// The faults.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Faults {
    /// All faults in one line, separated by semicolons.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
