//! The former owners of an IP, as far as they matter for the next decision.

use std::time::{Duration, Instant};

use super::super::Epoch;
use super::super::context::{Rival, Situation};
use ferrolb_core::key::NodeName;

/// What is remembered of one IP.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The last other node seen to own it.
    previous: Option<NodeName>,
    /// The highest epoch ever seen. Claims that were deleted count too.
    highest: Epoch,
    /// When this node took it by force, and how often that happened in quick succession.
    forced: Option<(Instant, u32)>,
    /// The live member that claims it, and since when.
    rival_since: Option<(NodeName, Instant)>,
}

impl History {
    pub(super) fn record(&mut self, situation: &Situation, now: Instant) {
        self.highest = self.highest.max(situation.top_epoch);
        let rival = situation.rival.as_ref().map(|rival| &rival.node);
        if let Some(owner) = rival.or(situation.last_owner.as_ref()) {
            self.previous = Some(owner.clone());
        }
        if self.rival_since.as_ref().map(|(node, _)| node) != rival {
            self.rival_since = rival.cloned().map(|node| (node, now));
        }
    }

    /// Whether no node was ever seen to own it.
    pub(super) fn is_fresh(&self) -> bool {
        self.previous.is_none()
    }

    pub(super) fn previous(&self) -> Option<NodeName> {
        self.previous.clone()
    }

    /// How often in quick succession it was taken by force, if the last time is not
    /// longer ago than `memory`.
    pub(super) fn forced_takeovers(&self, memory: Duration, now: Instant) -> Option<u32> {
        let (at, times) = self.forced?;
        (now < at + memory).then_some(times)
    }

    /// The record of a takeover from `rival` now: forced if the rival is alive but does
    /// not answer on the LAN.
    pub(super) fn forced_by(
        &self,
        rival: Option<&Rival>,
        flap_window: Duration,
        now: Instant,
    ) -> Option<(Instant, u32)> {
        let rival = rival.filter(|rival| rival.failed)?;
        let since = self.rival_since.as_ref().map(|(_, since)| *since);
        let quick = since.is_some_and(|since| now < since + flap_window);
        let before = if quick { rival.forced_takeovers } else { 0 };
        Some((now, before + 1))
    }

    pub(super) fn set_forced_takeovers(&mut self, forced: Option<(Instant, u32)>) {
        self.forced = forced;
    }

    /// The epoch for a new claim, and the history after it.
    pub(super) fn next_epoch(&self) -> (Epoch, Self) {
        let highest = self.highest + 1;
        let history = Self {
            highest,
            ..Self::default()
        };
        (highest, history)
    }

    /// The history after this node withdrew.
    pub(super) fn after_withdrawal(&self, to: Option<NodeName>) -> Self {
        Self {
            previous: to,
            highest: self.highest,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{History, Rival, Situation};

    const WINDOW: Duration = Duration::from_secs(5);

    fn rival(failed: bool) -> Rival {
        Rival {
            node: "b".to_owned(),
            outranks: true,
            failed,
            suspected: false,
            forced_takeovers: 2,
        }
    }

    #[test]
    fn forced_takeovers_add_up_within_the_flap_window_only() {
        let now = Instant::now();
        let mut history = History::default();
        let situation = Situation {
            rival: Some(rival(true)),
            ..Situation::default()
        };
        history.record(&situation, now);
        let taken = |after: Duration, failed: bool| {
            let forced = history.forced_by(Some(&rival(failed)), WINDOW, now + after);
            forced.map(|(_, times)| times)
        };
        assert_eq!(taken(Duration::from_secs(4), true), Some(3));
        assert_eq!(taken(WINDOW, true), Some(1));
        assert_eq!(taken(Duration::ZERO, false), None, "it gives the IP up");
    }

    #[test]
    fn epochs_survive_a_withdrawal() {
        let (epoch, history) = History::default().next_epoch();
        let history = history.after_withdrawal(Some("b".to_owned()));
        assert!(!history.is_fresh());
        assert_eq!(history.next_epoch().0, epoch + 1);
    }
}
