//! When an IP is probed: at once, and again every few milliseconds until the
//! decision, so that one lost frame does not decide it. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Gap between two probes for one IP.
const GAP: Duration = Duration::from_millis(15);

/// The IPs being probed.
#[derive(Debug, Default)]
pub struct Prober {
    open: BTreeMap<IpAddr, Probe>,
}

#[derive(Debug)]
struct Probe {
    next: Instant,
    until: Instant,
}

impl Prober {
    /// Probes an IP from now until `until`.
    pub fn start(&mut self, ip: IpAddr, now: Instant, until: Instant) {
        self.open.insert(ip, Probe { next: now, until });
    }

    /// Ends the probing of an IP, because another host answered.
    pub fn stop(&mut self, ip: IpAddr) {
        self.open.remove(&ip);
    }

    /// The IPs to probe now.
    pub fn due(&mut self, now: Instant) -> Vec<IpAddr> {
        self.open.retain(|_, probe| now < probe.until);
        let mut due = Vec::new();
        for (ip, probe) in &mut self.open {
            if probe.next <= now {
                probe.next = now + GAP;
                due.push(*ip);
            }
        }
        due
    }

    /// When [`due`](Self::due) will next have something.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        self.open.values().map(|probe| probe.next).min()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::{Duration, Instant};

    use super::Prober;

    const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn probes_several_times_until_the_end() {
        let start = Instant::now();
        let mut prober = Prober::default();
        prober.start(IP, start, start + Duration::from_millis(60));
        let probed = (0..100)
            .filter(|ms| !prober.due(start + Duration::from_millis(*ms)).is_empty())
            .collect::<Vec<_>>();
        assert_eq!(probed, [0, 15, 30, 45]);
        assert_eq!(prober.next_timeout(), None);
    }

    #[test]
    fn an_answer_ends_the_probing() {
        let start = Instant::now();
        let mut prober = Prober::default();
        prober.start(IP, start, start + Duration::from_millis(60));
        prober.stop(IP);
        assert!(prober.due(start).is_empty());
    }
}
