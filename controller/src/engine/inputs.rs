//! Hands the inputs of the engine to the reconciler.

use super::Running;
use crate::config_log;
use crate::k8s::input::Input;
use crate::metrics::WriteResult;
use crate::reconcile::{ConfigState, StatusWrite, Written};

/// The most changes handed over before waiting Services are reconciled.
const BATCH: usize = 256;

impl Running {
    /// Hands over an input, and those that have arrived behind it.
    pub(super) fn inputs(&mut self, first: Input) {
        let mut next = Some(first);
        let mut room = BATCH;
        while let Some(input) = next {
            self.input(input);
            next = match room {
                0 => None,
                _ => self.watches.ready(),
            };
            room = room.saturating_sub(1);
        }
    }

    fn input(&mut self, input: Input) {
        let reconciler = &mut self.engine.reconciler;
        match input {
            Input::Services(change) => reconciler.services_changed(*change),
            Input::Namespaces(change) => reconciler.namespaces_changed(change),
            Input::Config(state, config_map) => {
                self.engine.events.config_map_changed(config_map);
                self.config(state);
            }
            Input::ConfigNotice(notice) => self.engine.events.object(&notice),
            Input::Nodes(change) => reconciler.nodes_changed(change),
            Input::Announcements(change) => reconciler.announcements_changed(change),
            Input::Pools(change) => reconciler.pools_changed(change),
        }
        if self.engine.reconciler.is_listed() {
            self.engine.unlisted = None;
        }
    }

    fn config(&mut self, state: ConfigState) {
        let metrics = &self.engine.metrics;
        if self.config.as_ref() != Some(&state) {
            config_log::log(&state, self.engine.reconciler.is_configured());
            let faults = i64::try_from(config_log::faults(&state)).unwrap_or(i64::MAX);
            metrics.config_faults.set(faults);
            self.config = Some(state.clone());
        }
        self.engine.reconciler.config_changed(state);
        let configured = self.engine.reconciler.is_configured();
        metrics.config_loaded.set(i64::from(configured));
    }

    pub(super) fn written(&mut self, write: &StatusWrite, outcome: Written) {
        self.engine.metrics.write_ended(match outcome {
            Written::Done(_) => WriteResult::Done,
            Written::Outdated => WriteResult::Outdated,
            Written::Failed => WriteResult::Failed,
        });
        self.engine.reconciler.written(write, outcome);
    }
}
