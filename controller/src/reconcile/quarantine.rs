//! Addresses that are not allocated for a while, because another host uses
//! them. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// How long an address that another host uses is not allocated.
pub(super) const QUARANTINE: Duration = Duration::from_secs(600);

/// Each address with the time at which its quarantine ends.
#[derive(Debug, Default)]
pub(super) struct Quarantine(BTreeMap<IpAddr, Duration>);

impl Quarantine {
    /// Starts or extends the quarantine of an address.
    pub(super) fn insert(&mut self, ip: IpAddr, now: Duration) {
        self.0.insert(ip, now + QUARANTINE);
    }

    /// Removes and returns the addresses whose quarantine is over.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<IpAddr> {
        let over = self.0.iter().filter(|(_, until)| **until <= now);
        let over: Vec<IpAddr> = over.map(|(ip, _)| *ip).collect();
        self.0.retain(|_, until| *until > now);
        over
    }

    /// When the next quarantine ends.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.0.values().min().copied()
    }

    /// The addresses, each with the time left.
    pub(super) fn remaining(&self, now: Duration) -> impl Iterator<Item = (IpAddr, Duration)> {
        let each = self.0.iter();
        each.map(move |(ip, until)| (*ip, until.saturating_sub(now)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{QUARANTINE, Quarantine};

    #[test]
    fn ends_after_its_time_and_only_then() {
        let mut quarantine = Quarantine::default();
        let ip = "192.0.2.1".parse().unwrap();
        let second = Duration::from_secs(1);
        quarantine.insert(ip, second);
        assert_eq!(quarantine.deadline(), Some(second + QUARANTINE));
        assert!(quarantine.expire(QUARANTINE).is_empty());
        assert_eq!(quarantine.expire(second + QUARANTINE), [ip]);
        assert_eq!(quarantine.deadline(), None);
    }
}
