//! The active configuration, and the one that was rejected last. Pure.

use ferrolb_core::config::Config;

use super::action::{ConfigState, InvalidConfig};

/// The configuration of this process.
#[derive(Debug, Default)]
pub(super) struct Configuration {
    /// The last valid one; stays active while a later one is invalid.
    active: Option<Config>,
    /// The invalid one that was reported last.
    reported: Option<InvalidConfig>,
}

/// What a new state of the configuration changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Applied {
    /// Whether another configuration is active now.
    pub(super) is_new: bool,
    /// An invalid configuration to report.
    pub(super) rejected: Option<InvalidConfig>,
}

impl Configuration {
    pub(super) fn active(&self) -> Option<&Config> {
        self.active.as_ref()
    }

    /// Stores a state. Only a leader reports; a follower remembers nothing, so that
    /// it reports once it leads.
    pub(super) fn apply(&mut self, state: ConfigState, leads: bool) -> Applied {
        let (config, invalid) = match state {
            ConfigState::Valid(config) => (Some(config), None),
            ConfigState::Invalid(invalid) => (invalid.in_force.clone(), Some(invalid)),
            ConfigState::Absent(accepted) => (accepted, None),
        };
        let is_new = config.is_some() && config != self.active;
        if is_new {
            self.active = config;
        }
        let invalid = invalid.filter(|_| leads);
        let rejected = invalid.clone().filter(|_| self.reported != invalid);
        self.reported = invalid;
        Applied { is_new, rejected }
    }
}

#[cfg(test)]
mod tests {
    use ferrolb_core::config::Config;

    use super::{Applied, Configuration};
    use crate::reconcile::{ConfigState, InvalidConfig};
    use crate::tests::config;

    fn invalid() -> InvalidConfig {
        InvalidConfig {
            uid: "uid".to_owned(),
            faults: Config::from_yaml("pools: 7").unwrap_err(),
            in_force: None,
        }
    }

    #[test]
    fn an_invalid_configuration_is_reported_once_by_a_leader_and_changes_nothing() {
        let mut configuration = Configuration::default();
        let lan = config("[{name: lan, addresses: [10.0.0.1/32]}]");
        let applied = configuration.apply(ConfigState::Valid(lan.clone()), false);
        assert!(applied.is_new);
        let mut apply = |leads| configuration.apply(ConfigState::Invalid(invalid()), leads);
        let silent = Applied {
            is_new: false,
            rejected: None,
        };
        assert_eq!(apply(false), silent);
        assert_eq!(apply(true).rejected, Some(invalid()));
        assert_eq!(apply(true), silent);
        assert_eq!(configuration.active(), Some(&lan));
    }
}
