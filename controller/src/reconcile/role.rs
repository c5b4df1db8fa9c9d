//! Whether this replica leads, and whether it may choose addresses yet. Pure.

use std::collections::BTreeSet;

/// A list without which no address may be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum List {
    Configuration,
    Namespaces,
    Services,
}

/// The role of this replica.
#[derive(Debug, Default)]
pub(super) struct Role {
    leads: bool,
    /// The lists that have arrived in the present role.
    listed: BTreeSet<List>,
    active: bool,
}

impl Role {
    /// A leader or a follower, without any list.
    pub(super) fn new(leads: bool) -> Self {
        Self {
            leads,
            ..Self::default()
        }
    }

    pub(super) fn leads(&self) -> bool {
        self.leads
    }

    /// Notes that a list has arrived.
    pub(super) fn list(&mut self, list: List) {
        self.listed.insert(list);
    }

    /// Whether every list that the present role needs has arrived.
    pub(super) fn is_listed(&self) -> bool {
        match self.leads {
            true => self.listed.len() == 3,
            false => self.listed.contains(&List::Configuration),
        }
    }

    /// Whether addresses are chosen.
    pub(super) fn is_active(&self) -> bool {
        self.active
    }

    /// Begins to choose if this is a leader with every list; whether it does so
    /// only now.
    pub(super) fn activate(&mut self) -> bool {
        let before = self.active;
        self.active = self.leads && self.is_listed();
        self.active && !before
    }
}

#[cfg(test)]
mod tests {
    use super::{List, Role};

    #[test]
    fn a_leader_is_activated_once_by_its_last_list() {
        let mut role = Role::new(true);
        role.list(List::Services);
        role.list(List::Configuration);
        assert!(!role.is_listed() && !role.activate());
        role.list(List::Namespaces);
        assert!(role.activate() && role.is_active());
        assert!(!role.activate() && role.is_active());
    }

    #[test]
    fn a_follower_needs_the_configuration_alone_and_is_never_active() {
        let mut role = Role::new(false);
        role.list(List::Services);
        assert!(!role.is_listed());
        role.list(List::Configuration);
        assert!(role.is_listed() && !role.activate());
    }
}
