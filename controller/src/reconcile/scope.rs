//! Which Services this controller serves: their class, and the labels of their
//! namespaces. Pure.

use std::collections::BTreeSet;

use ferrolb_core::change::Change;
use ferrolb_core::selector::Labels;

use crate::decide::{Context, Namespaces};

/// The class and the namespaces.
#[derive(Debug, Default)]
pub(super) struct Scope {
    class: Option<String>,
    namespaces: Namespaces,
}

impl Scope {
    /// Services of this class, or without a class; no namespace is known yet.
    pub(super) fn new(class: Option<String>) -> Self {
        Self {
            class,
            namespaces: Namespaces::new(),
        }
    }

    /// The same class without what is known of namespaces.
    pub(super) fn take(&mut self) -> Self {
        Self::new(self.class.take())
    }

    /// What decisions need of it.
    pub(super) fn context(&self) -> Context<'_> {
        Context {
            class: self.class.as_deref(),
            namespaces: &self.namespaces,
        }
    }

    /// Stores a change; the namespaces whose labels differ now.
    pub(super) fn apply(&mut self, change: Change<(String, Labels), String>) -> BTreeSet<String> {
        match change {
            Change::Apply((name, labels)) => {
                let before = self.namespaces.insert(name.clone(), labels);
                let differs = before.as_ref() != self.namespaces.get(&name);
                differs.then_some(name).into_iter().collect()
            }
            Change::Delete(name) => {
                let before = self.namespaces.remove(&name);
                before.map(|_| name).into_iter().collect()
            }
            Change::Reset(all) => {
                let all = all.into_iter().collect();
                let before = std::mem::replace(&mut self.namespaces, all);
                let names = before.keys().chain(self.namespaces.keys()).cloned();
                names
                    .filter(|name| before.get(name) != self.namespaces.get(name))
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ferrolb_core::change::Change;
    use ferrolb_core::selector::Labels;

    use super::Scope;

    fn labels(value: &str) -> Labels {
        [("env".to_owned(), value.to_owned())].into()
    }

    fn changed(scope: &mut Scope, change: Change<(String, Labels), String>) -> Vec<String> {
        scope.apply(change).into_iter().collect()
    }

    #[test]
    fn names_the_namespaces_whose_labels_differ() {
        let mut scope = Scope::new(None);
        let one = |name: &str, value| (name.to_owned(), labels(value));
        let all = Change::Reset(vec![one("a", "x"), one("b", "x")]);
        assert_eq!(changed(&mut scope, all), ["a", "b"]);
        let again = Change::Apply(one("a", "x"));
        assert_eq!(changed(&mut scope, again), Vec::<String>::new());
        assert_eq!(changed(&mut scope, Change::Apply(one("a", "y"))), ["a"]);
        let all = Change::Reset(vec![one("a", "y"), one("c", "x")]);
        assert_eq!(changed(&mut scope, all), ["b", "c"]);
        assert_eq!(changed(&mut scope, Change::Delete("c".to_owned())), ["c"]);
        let unknown = Change::Delete("c".to_owned());
        assert_eq!(changed(&mut scope, unknown), Vec::<String>::new());
    }
}
