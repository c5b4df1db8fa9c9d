//! Which objects of the speakers were left behind. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

/// How long an object may be outdated before it is considered left behind by its
/// speaker. A live speaker updates its objects in seconds.
pub(super) const LEFT_BEHIND: Duration = Duration::from_secs(30);

/// When each outdated object became so.
#[derive(Debug, Default)]
pub(super) struct Orphans(BTreeMap<String, Duration>);

impl Orphans {
    /// Notes whether an object is outdated now.
    pub(super) fn set(&mut self, name: &str, outdated: bool, now: Duration) {
        if outdated {
            self.0.entry(name.to_owned()).or_insert(now);
        } else {
            self.0.remove(name);
        }
    }

    /// Those left behind; each is returned once per [`LEFT_BEHIND`].
    pub(super) fn take_due(&mut self, now: Duration) -> Vec<&str> {
        let due = self.0.iter_mut();
        let due = due.filter(|(_, since)| **since + LEFT_BEHIND <= now);
        due.map(|(name, since)| {
            *since = now;
            name.as_str()
        })
        .collect()
    }

    /// When the next one will have been left behind.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.0.values().min().map(|since| *since + LEFT_BEHIND)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LEFT_BEHIND, Orphans};

    #[test]
    fn only_an_object_that_stays_outdated_is_left_behind_and_named_again_later() {
        let mut orphans = Orphans::default();
        orphans.set("a", true, Duration::ZERO);
        orphans.set("b", true, Duration::ZERO);
        orphans.set("a", true, LEFT_BEHIND / 2);
        orphans.set("b", false, LEFT_BEHIND / 2);
        assert_eq!(orphans.next_timeout(), Some(LEFT_BEHIND));
        assert_eq!(orphans.take_due(LEFT_BEHIND), ["a"]);
        assert_eq!(orphans.take_due(LEFT_BEHIND), [""; 0]);
        assert_eq!(orphans.take_due(LEFT_BEHIND * 2), ["a"]);
    }
}
