//! How long the addresses of each Service have been unannounced. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ferrolb_core::key::ObjectKey;

/// How long an address must be unannounced before the condition reports it: a
/// fresh one is not announced yet, and a new owner may report a moment after the
/// last one stopped.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// The Services with an address that is not announced.
#[derive(Debug, Default)]
pub(super) struct GracePeriods {
    /// The addresses of each, and since when.
    since: BTreeMap<ObjectKey, (Vec<IpAddr>, Duration)>,
    /// When the grace of each ends that has not ended yet.
    due: BTreeSet<(Duration, ObjectKey)>,
}

impl GracePeriods {
    /// Notes that one of these addresses is not announced; whether that has lasted
    /// for the whole grace. Other addresses have a grace of their own.
    pub(super) fn is_over(&mut self, key: &ObjectKey, ips: &[IpAddr], now: Duration) -> bool {
        let known = self.since.get(key).filter(|(known, _)| known == ips);
        let since = known.map(|(_, since)| *since);
        let since = since.unwrap_or_else(|| {
            self.end(key);
            self.since.insert(key.clone(), (ips.to_vec(), now));
            self.due.insert((now + GRACE, key.clone()));
            now
        });
        since + GRACE <= now
    }

    /// Notes that there is no such address.
    pub(super) fn end(&mut self, key: &ObjectKey) {
        if let Some((_, since)) = self.since.remove(key) {
            self.due.remove(&(since + GRACE, key.clone()));
        }
    }

    /// The Services whose grace has ended, each once.
    pub(super) fn take_due(&mut self, now: Duration) -> Vec<ObjectKey> {
        let mut keys = Vec::new();
        while self.due.first().is_some_and(|(due, _)| *due <= now) {
            keys.extend(self.due.pop_first().map(|(_, key)| key));
        }
        keys
    }

    /// When the next one ends.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.due.first().map(|(due, _)| *due)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{GRACE, GracePeriods};
    use crate::tests::{ips, key};

    #[test]
    fn each_end_is_named_once_and_stays() {
        let mut grace = GracePeriods::default();
        let (web, lan) = (key("web"), ips(&["10.0.0.1"]));
        assert!(!grace.is_over(&web, &lan, Duration::ZERO));
        assert!(!grace.is_over(&web, &lan, GRACE / 2));
        assert_eq!(grace.next_timeout(), Some(GRACE));
        assert_eq!(grace.take_due(GRACE), [key("web")]);
        assert_eq!(grace.take_due(GRACE), []);
        assert!(grace.is_over(&web, &lan, GRACE));
    }

    #[test]
    fn other_addresses_or_an_announcement_begin_a_new_grace() {
        let mut grace = GracePeriods::default();
        let (web, lan) = (key("web"), ips(&["10.0.0.1"]));
        grace.is_over(&web, &lan, Duration::ZERO);
        assert!(!grace.is_over(&web, &ips(&["10.0.0.2"]), GRACE));
        assert_eq!(grace.next_timeout(), Some(GRACE * 2));
        grace.end(&web);
        assert_eq!(grace.next_timeout(), None);
    }
}
