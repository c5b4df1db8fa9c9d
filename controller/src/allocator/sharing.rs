//! When two Services may hold one address. Pure.

use std::fmt;

use ferrolb_core::key::ObjectKey;

use crate::service::{Protocol, Terms};

/// Why two Services may not hold one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// One of them does not share.
    Unshared,
    /// Their keys differ.
    Key,
    /// Both use this port.
    Port(Protocol, u16),
    /// With `externalTrafficPolicy: Local` they select different pods.
    Pods,
    /// They are in different namespaces, and not both list the other's.
    Namespace,
}

impl fmt::Display for Conflict {
    /// Follows the name of the holding Service.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unshared => Ok(()),
            Self::Key => f.write_str(" with another sharing key"),
            Self::Port(protocol, port) => write!(f, " with the same port {protocol} {port}"),
            Self::Pods => {
                f.write_str(
                ", which selects other pods, and externalTrafficPolicy is Local for one of them",
            )
            }
            Self::Namespace => f.write_str(
                " in another namespace; each must list the other's namespace in allow-shared-ip-namespaces",
            ),
        }
    }
}

/// A Service and its terms.
pub(super) type Party<'a> = (&'a ObjectKey, Option<&'a Terms>);

/// Why both may not hold one address; `None` if they may.
pub(super) fn conflict(a: Party<'_>, b: Party<'_>) -> Option<Conflict> {
    let (Some(ours), Some(theirs)) = (a.1, b.1) else {
        return Some(Conflict::Unshared);
    };
    if ours.key != theirs.key {
        return Some(Conflict::Key);
    }
    let apart = a.0.namespace != b.0.namespace;
    let named =
        ours.namespaces.contains(&b.0.namespace) && theirs.namespaces.contains(&a.0.namespace);
    if apart && !named {
        return Some(Conflict::Namespace);
    }
    if let Some((protocol, port)) = ours.ports.intersection(&theirs.ports).next() {
        return Some(Conflict::Port(*protocol, *port));
    }
    // Equal labels select different pods in different namespaces.
    let local = !ours.local.is_empty() || !theirs.local.is_empty();
    (ours.local != theirs.local || (apart && local)).then_some(Conflict::Pods)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use ferrolb_core::key::ObjectKey;

    use super::{Conflict, conflict};
    use crate::service::{Protocol, Terms};

    fn key(namespace: &str) -> ObjectKey {
        ObjectKey {
            namespace: namespace.to_owned(),
            name: "web".to_owned(),
        }
    }

    fn terms(port: u16) -> Terms {
        Terms {
            key: "k".to_owned(),
            ports: BTreeSet::from([(Protocol::Tcp, port)]),
            local: BTreeMap::new(),
            namespaces: BTreeSet::new(),
        }
    }

    fn open_to(namespace: &str, port: u16) -> Terms {
        Terms {
            namespaces: BTreeSet::from([namespace.to_owned()]),
            ..terms(port)
        }
    }

    fn local(app: &str, port: u16) -> Terms {
        Terms {
            local: BTreeMap::from([("app".to_owned(), app.to_owned())]),
            ..terms(port)
        }
    }

    fn within(a: &Terms, b: &Terms) -> Option<Conflict> {
        conflict((&key("x"), Some(a)), (&key("x"), Some(b)))
    }

    #[test]
    fn one_key_and_different_ports_may_share() {
        assert_eq!(within(&terms(80), &terms(443)), None);
        assert_eq!(within(&local("a", 80), &local("a", 443)), None);
    }

    #[test]
    fn names_the_conflict() {
        let port = Conflict::Port(Protocol::Tcp, 80);
        assert_eq!(within(&terms(80), &terms(80)), Some(port));
        let other = Terms {
            key: "other".to_owned(),
            ..terms(1)
        };
        assert_eq!(within(&terms(80), &other), Some(Conflict::Key));
        assert_eq!(
            within(&local("a", 80), &local("b", 81)),
            Some(Conflict::Pods)
        );
        assert_eq!(within(&local("a", 80), &terms(81)), Some(Conflict::Pods));
        let none = conflict((&key("x"), None), (&key("x"), Some(&terms(1))));
        assert_eq!(none, Some(Conflict::Unshared));
    }

    #[test]
    fn across_namespaces_both_sides_must_list_the_other() {
        let between = |a: &Terms, b: &Terms| conflict((&key("x"), Some(a)), (&key("y"), Some(b)));
        assert_eq!(
            between(&open_to("y", 1), &terms(2)),
            Some(Conflict::Namespace)
        );
        assert_eq!(between(&open_to("y", 1), &open_to("x", 2)), None);
    }

    #[test]
    fn equal_labels_in_two_namespaces_are_different_pods() {
        let with_local = |namespace: &str, port| Terms {
            local: local("a", port).local,
            ..open_to(namespace, port)
        };
        let (ours, theirs) = (with_local("y", 1), with_local("x", 2));
        let between = conflict((&key("x"), Some(&ours)), (&key("y"), Some(&theirs)));
        assert_eq!(between, Some(Conflict::Pods));
    }
}
