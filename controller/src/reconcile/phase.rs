//! Whether this replica may allocate: it leads, and its lists are complete. Pure.

use ferrolb_core::config::Config;

use super::action::{ConfigState, InvalidConfig};

/// The role of this replica, and which of its lists have arrived.
#[derive(Debug, Default)]
pub(super) struct Phase {
    pub(super) leading: bool,
    pub(super) services_listed: bool,
    pub(super) namespaces_listed: bool,
    pub(super) config_listed: bool,
}

impl Phase {
    /// Whether everything that an allocation needs, beside a configuration, is known.
    pub(super) fn may_allocate(&self) -> bool {
        self.leading && self.services_listed && self.namespaces_listed && self.config_listed
    }

    /// Whether every list that the present role needs has arrived.
    pub(super) fn is_listed(&self) -> bool {
        let served = self.services_listed && self.namespaces_listed;
        self.config_listed && (served || !self.leading)
    }
}

/// The accepted configuration, and the rejected one that was reported last.
#[derive(Debug, Default)]
pub(super) struct ActiveConfig {
    /// Stays active while a later one is invalid.
    pub(super) config: Option<Config>,
    rejected: Option<InvalidConfig>,
}

impl ActiveConfig {
    /// Takes in what the sources contain now. Returns the configuration if it is
    /// a different one, and a rejection that was not reported before.
    ///
    /// A follower does not remember rejections, so that it reports them once it leads.
    pub(super) fn update(
        &mut self,
        state: ConfigState,
        leading: bool,
    ) -> (Option<Config>, Option<InvalidConfig>) {
        let (config, rejected) = match state {
            ConfigState::Valid(config) => (Some(config), None),
            ConfigState::Invalid(invalid) => (invalid.in_force.clone(), Some(invalid)),
            ConfigState::Absent(in_force) => (in_force, None),
        };
        let changed = config.filter(|config| self.config.as_ref() != Some(config));
        if changed.is_some() {
            self.config.clone_from(&changed);
        }
        let is_new = leading && self.rejected != rejected;
        let report = rejected.clone().filter(|_| is_new);
        self.rejected = rejected.filter(|_| leading);
        (changed, report)
    }
}

#[cfg(test)]
mod tests {
    use super::{ActiveConfig, ConfigState, Phase};

    #[test]
    fn a_follower_is_listed_without_services() {
        let mut phase = Phase {
            config_listed: true,
            ..Phase::default()
        };
        assert!(phase.is_listed() && !phase.may_allocate());
        phase.leading = true;
        assert!(!phase.is_listed());
        phase.services_listed = true;
        phase.namespaces_listed = true;
        assert!(phase.is_listed() && phase.may_allocate());
    }

    #[test]
    fn a_configuration_that_is_the_same_is_no_change() {
        let mut active = ActiveConfig::default();
        let config = ferrolb_core::config::Config::default();
        let seen =
            |active: &mut ActiveConfig| active.update(ConfigState::Valid(config.clone()), true);
        assert!(seen(&mut active).0.is_some());
        assert!(seen(&mut active).0.is_none());
    }

    #[test]
    fn an_absent_configuration_keeps_the_active_one() {
        let mut active = ActiveConfig::default();
        active.update(ConfigState::Valid(Default::default()), true);
        assert_eq!(active.update(ConfigState::Absent(None), true), (None, None));
        assert!(active.config.is_some());
    }
}
