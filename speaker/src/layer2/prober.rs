//! When the wire is asked who answers for an IP: at once, and again every few
//! milliseconds until the verdict, so that one lost frame decides nothing. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Gap between two questions for one IP.
const GAP: Duration = Duration::from_millis(15);

/// The questions still to be put.
#[derive(Debug, Default)]
pub struct Asker {
    open: BTreeMap<IpAddr, Question>,
}

#[derive(Debug)]
struct Question {
    next: Instant,
    until: Instant,
}

impl Asker {
    /// Asks for an IP from now until the verdict.
    pub fn start(&mut self, ip: IpAddr, now: Instant, until: Instant) {
        self.open.insert(ip, Question { next: now, until });
    }

    /// Somebody answered: there is nothing more to ask.
    pub fn stop(&mut self, ip: IpAddr) {
        self.open.remove(&ip);
    }

    /// The IPs to ask for now.
    pub fn due(&mut self, now: Instant) -> Vec<IpAddr> {
        self.open.retain(|_, question| now < question.until);
        let mut due = Vec::new();
        for (ip, question) in &mut self.open {
            if question.next <= now {
                question.next = now + GAP;
                due.push(*ip);
            }
        }
        due
    }

    /// When [`due`](Self::due) will next have something.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.open.values().map(|question| question.next).min()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::{Duration, Instant};

    use super::Asker;

    const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn asks_several_times_until_the_verdict() {
        let start = Instant::now();
        let mut asker = Asker::default();
        asker.start(IP, start, start + Duration::from_millis(60));
        let asked = (0..100)
            .filter(|ms| !asker.due(start + Duration::from_millis(*ms)).is_empty())
            .collect::<Vec<_>>();
        assert_eq!(asked, [0, 15, 30, 45]);
        assert_eq!(asker.next_deadline(), None);
    }

    #[test]
    fn an_answer_ends_the_asking() {
        let start = Instant::now();
        let mut asker = Asker::default();
        asker.start(IP, start, start + Duration::from_millis(60));
        asker.stop(IP);
        assert!(asker.due(start).is_empty());
    }
}
