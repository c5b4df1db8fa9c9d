//! When each owned IP is announced: at once after a takeover, again with gaps of
//! more than a second (Linux and many routers ignore a second change of a
//! neighbour entry within one second), then in a slow refresh. Pure. All
//! announcements of a node are rate-limited, so that taking over a thousand IPs
//! does not make a burst.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Gaps after the first announcement of a takeover.
const REPEATS: [Duration; 4] = [
    Duration::from_millis(1100),
    Duration::from_millis(1100),
    Duration::from_millis(2200),
    Duration::from_millis(4400),
];

/// How many IPs are announced in one batch, and the gap to the next batch.
const BATCH: usize = 50;
const BATCH_GAP: Duration = Duration::from_millis(5);

/// The announcements still to be made.
#[derive(Debug)]
pub struct Announcer {
    refresh: Option<Duration>,
    /// By due time, then by the time since which nobody has answered for the IP.
    queue: BTreeSet<(Instant, Instant, IpAddr)>,
    plans: BTreeMap<IpAddr, Plan>,
    not_before: Option<Instant>,
}

#[derive(Debug)]
struct Plan {
    due: Instant,
    silent_since: Instant,
    made: usize,
}

impl Announcer {
    /// `refresh` is the gap between announcements when nothing changes; none
    /// turns the refresh off.
    #[must_use]
    pub fn new(refresh: Option<Duration>) -> Self {
        Self {
            refresh,
            queue: BTreeSet::new(),
            plans: BTreeMap::new(),
            not_before: None,
        }
    }

    /// Starts announcing an IP, or restarts. Of IPs that start together, the one
    /// without an answer for longest comes first.
    pub fn start(&mut self, ip: IpAddr, silent_since: Instant, now: Instant) {
        self.stop(ip);
        let plan = Plan {
            due: now,
            silent_since,
            made: 0,
        };
        self.schedule(ip, plan);
    }

    /// Stops announcing an IP.
    pub fn stop(&mut self, ip: IpAddr) {
        if let Some(plan) = self.plans.remove(&ip) {
            self.queue.remove(&(plan.due, plan.silent_since, ip));
        }
    }

    /// The IPs to announce now, those waiting longest first.
    pub fn due(&mut self, now: Instant) -> Vec<IpAddr> {
        if self.not_before.is_some_and(|gate| now < gate) {
            return Vec::new();
        }
        let ready = self.queue.iter().take_while(|(due, ..)| *due <= now);
        let batch: Vec<IpAddr> = ready.take(BATCH).map(|(_, _, ip)| *ip).collect();
        for ip in &batch {
            self.advance(*ip, now);
        }
        self.not_before = (batch.len() == BATCH).then(|| now + BATCH_GAP);
        batch
    }

    /// When [`due`](Self::due) will next have something.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        let (due, ..) = self.queue.first()?;
        Some(self.not_before.map_or(*due, |gate| gate.max(*due)))
    }

    fn advance(&mut self, ip: IpAddr, now: Instant) {
        let Some(plan) = self.plans.remove(&ip) else {
            return;
        };
        self.queue.remove(&(plan.due, plan.silent_since, ip));
        if let Some(gap) = REPEATS.get(plan.made).copied().or(self.refresh) {
            let next = Plan {
                due: now + gap,
                silent_since: now,
                made: plan.made + 1,
            };
            self.schedule(ip, next);
        }
    }

    fn schedule(&mut self, ip: IpAddr, plan: Plan) {
        self.queue.insert((plan.due, plan.silent_since, ip));
        self.plans.insert(ip, plan);
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::{Duration, Instant};

    use super::{Announcer, BATCH};

    fn ip(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(0xC000_0200 + number))
    }

    /// Milliseconds after the start at which `ip(0)` is announced.
    fn announced(announcer: &mut Announcer, start: Instant, count: usize) -> Vec<u128> {
        let mut times = Vec::new();
        while times.len() < count {
            let Some(at) = announcer.next_timeout() else {
                break;
            };
            announcer
                .due(at)
                .iter()
                .for_each(|_| times.push((at - start).as_millis()));
        }
        times
    }

    #[test]
    fn announces_at_once_then_with_gaps_over_a_second_then_slowly() {
        let start = Instant::now();
        let mut announcer = Announcer::new(Some(Duration::from_secs(60)));
        announcer.start(ip(0), start, start);
        let expected = [0, 1100, 2200, 4400, 8800, 68_800, 128_800];
        assert_eq!(announced(&mut announcer, start, 7), expected);
    }

    #[test]
    fn stops_after_the_repeats_without_a_refresh() {
        let start = Instant::now();
        let mut announcer = Announcer::new(None);
        announcer.start(ip(0), start, start);
        assert_eq!(announced(&mut announcer, start, 9).len(), 5);
    }

    #[test]
    fn a_withdrawn_ip_is_not_announced_again() {
        let now = Instant::now();
        let mut announcer = Announcer::new(Some(Duration::from_secs(60)));
        announcer.start(ip(0), now, now);
        announcer.stop(ip(0));
        assert!(announcer.due(now).is_empty());
        assert_eq!(announcer.next_timeout(), None);
    }

    #[test]
    fn the_ip_without_an_answer_for_longest_is_announced_first() {
        let now = Instant::now();
        let mut announcer = Announcer::new(None);
        announcer.start(ip(1), now, now);
        announcer.start(ip(2), now - Duration::from_millis(100), now);
        announcer.start(ip(3), now - Duration::from_millis(50), now);
        assert_eq!(announcer.due(now), [ip(2), ip(3), ip(1)]);
    }

    #[test]
    fn a_thousand_ips_are_sent_in_batches() {
        let now = Instant::now();
        let mut announcer = Announcer::new(None);
        (0..1000).for_each(|number| announcer.start(ip(number), now, now));
        assert_eq!(announcer.due(now).len(), BATCH);
        assert!(announcer.due(now).is_empty());
        let next = announcer.next_timeout().unwrap();
        assert!(next > now);
        assert_eq!(announcer.due(next).len(), BATCH);
    }
}
