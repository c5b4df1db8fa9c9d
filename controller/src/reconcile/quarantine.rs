//! For how long an address that another host uses is not allocated. Which pool
//! lacks it meanwhile is the allocator's business. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ferrolb_core::key::ObjectKey;

use crate::allocator::Allocator;

/// How long a quarantine lasts.
pub(super) const QUARANTINE: Duration = Duration::from_secs(600);

/// The addresses in quarantine, and until when.
#[derive(Debug, Default)]
pub(super) struct Quarantine(BTreeMap<IpAddr, Duration>);

impl Quarantine {
    /// Adds addresses, each with the hardware address of the host that uses it; the
    /// Services that hold them. Those in quarantine already stay as they are.
    pub(super) fn add(
        &mut self,
        conflicts: BTreeMap<IpAddr, String>,
        allocator: &mut Allocator,
        now: Duration,
    ) -> BTreeSet<ObjectKey> {
        let mut holders = BTreeSet::new();
        for (ip, mac) in conflicts {
            if allocator.pool_of(ip).is_some() && allocator.foreign_mac(ip).is_none() {
                holders.extend(allocator.quarantine(ip, mac));
                self.0.insert(ip, now + QUARANTINE);
            }
        }
        holders
    }

    /// Ends those that have lasted long enough.
    pub(super) fn end_due(&mut self, allocator: &mut Allocator, now: Duration) {
        self.0.retain(|ip, until| {
            let lasts = *until > now;
            if !lasts {
                allocator.readmit(*ip);
            }
            lasts
        });
    }

    /// When the next one ends.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.0.values().min().copied()
    }

    /// The addresses, and until when each is in quarantine.
    pub(super) fn iter(&self) -> impl Iterator<Item = (IpAddr, Duration)> {
        self.0.iter().map(|(ip, until)| (*ip, *until))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use super::{QUARANTINE, Quarantine};
    use crate::allocator::Allocator;
    use crate::tests::{allocator, ip, key, service};

    const LAN: &str = "[{name: lan, addresses: [10.0.0.1-10.0.0.2]}]";

    fn add(quarantine: &mut Quarantine, allocator: &mut Allocator, ip: IpAddr, now: Duration) {
        let conflict = [(ip, "02:00:00:00:00:99".to_owned())].into();
        quarantine.add(conflict, allocator, now);
    }

    #[test]
    fn names_the_holders_and_leaves_addresses_of_no_pool_alone() {
        let (mut quarantine, mut allocator) = (Quarantine::default(), allocator(LAN));
        let web = service("web");
        allocator.claim(web.claimant(), ip("10.0.0.1")).unwrap();
        let mac = || "02:00:00:00:00:99".to_owned();
        let conflicts = [(ip("10.0.0.1"), mac()), (ip("192.0.2.1"), mac())].into();
        let holders = quarantine.add(conflicts, &mut allocator, Duration::ZERO);
        assert_eq!(holders, [key("web")].into());
        assert_eq!(quarantine.iter().count(), 1);
    }

    #[test]
    fn a_conflict_that_is_reported_again_does_not_prolong_it() {
        let (mut quarantine, mut allocator) = (Quarantine::default(), allocator(LAN));
        add(
            &mut quarantine,
            &mut allocator,
            ip("10.0.0.1"),
            Duration::ZERO,
        );
        let later = QUARANTINE / 2;
        add(&mut quarantine, &mut allocator, ip("10.0.0.1"), later);
        assert_eq!(quarantine.next_timeout(), Some(QUARANTINE));
        quarantine.end_due(&mut allocator, QUARANTINE - Duration::from_secs(1));
        assert!(allocator.foreign_mac(ip("10.0.0.1")).is_some());
        quarantine.end_due(&mut allocator, QUARANTINE);
        assert!(allocator.foreign_mac(ip("10.0.0.1")).is_none());
        assert_eq!(quarantine.next_timeout(), None);
    }
}
