//! What the advertisements let a node do for an IP. Pure.

use std::collections::BTreeMap;

use ferrolb_core::key::NodeName;

use super::rules::Bar;
use crate::host::interfaces::Patterns;

/// The interfaces on which a node may announce an IP: those that every one of
/// the lists names; without a list all suitable ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interfaces(Vec<Patterns>);

impl Interfaces {
    /// Those that the patterns match.
    #[must_use]
    pub fn named(patterns: Patterns) -> Self {
        Self(vec![patterns])
    }

    /// Whether an interface of this name is one of them.
    #[must_use]
    pub fn allow(&self, name: &str) -> bool {
        self.0.iter().all(|list| list.matching(name).is_some())
    }

    /// Those of both, for Services that share an IP.
    fn and(mut self, other: &Self) -> Self {
        for list in &other.0 {
            if !self.0.contains(list) {
                self.0.push(list.clone());
            }
        }
        self
    }
}

/// What a node may do for an IP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    /// Where it may announce.
    pub interfaces: Interfaces,
    /// How much it is preferred: the weights that match it, summed.
    pub score: u32,
    /// What keeps it from announcing all the same.
    pub bar: Option<Bar>,
}

impl Grant {
    /// For Services that share an IP, the grant for both.
    fn and(self, other: &Self) -> Self {
        Self {
            interfaces: self.interfaces.and(&other.interfaces),
            score: self.score.saturating_add(other.score),
            bar: self.bar.or_else(|| other.bar.clone()),
        }
    }
}

/// The nodes that advertisements admit for one IP.
pub type Grants = BTreeMap<NodeName, Grant>;

/// An IP that Services want announced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Who may announce it, and who may not just now.
    pub grants: Grants,
    /// Each of the Services that share it has a node, but no node serves all.
    pub at_odds: bool,
}

impl Wanted {
    /// Services that share an IP have one owner, which serves all of them.
    pub(super) fn shared(services: Vec<Grants>) -> Self {
        let each_served = services.iter().all(is_served);
        let together = services.into_iter().reduce(both).unwrap_or_default();
        Self {
            at_odds: each_served && !is_served(&together),
            grants: together,
        }
    }

    /// The nodes that may announce it now.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeName> {
        let open = self.grants.iter().filter(|(_, grant)| grant.bar.is_none());
        open.map(|(node, _)| node)
    }
}

fn is_served(grants: &Grants) -> bool {
    grants.values().any(|grant| grant.bar.is_none())
}

fn both(one: Grants, other: Grants) -> Grants {
    let both = one.into_iter().filter_map(|(node, grant)| {
        let grant = grant.and(other.get(&node)?);
        Some((node, grant))
    });
    both.collect()
}
