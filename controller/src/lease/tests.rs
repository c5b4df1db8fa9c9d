//! At most one candidate leads, whatever is delayed or lost.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Election, Record, Step, Timing};

const TIMING: Timing = Timing {
    duration: Duration::from_secs(6),
};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn record(holder: &str, version: u64) -> Record {
    Record {
        holder: holder.to_owned(),
        version: version.to_string(),
        transitions: 0,
        duration: TIMING.duration,
    }
}

fn candidate(now: Instant) -> Election {
    Election::new("me".to_owned(), TIMING, now)
}

#[test]
fn creates_the_lease_if_there_is_none() {
    let now = Instant::now();
    let mut me = candidate(now);
    assert_eq!(me.step(now), Step::Read);
    me.observed(None, now);
    assert_eq!(me.step(now), Step::Create);
    me.acquired(record("me", 1), now);
    assert_eq!(me.leading_until(now), Some(now + seconds(4)));
}

#[test]
fn takes_a_released_lease_at_once() {
    let now = Instant::now();
    let mut me = candidate(now);
    me.observed(Some(record("", 3)), now);
    assert_eq!(me.step(now), Step::Take(record("", 3)));
}

#[test]
fn takes_a_lease_only_after_watching_it_unchanged_for_its_duration() {
    let now = Instant::now();
    let mut me = candidate(now);
    me.observed(Some(record("other", 1)), now);
    me.observed(Some(record("other", 2)), now + seconds(5));
    me.observed(Some(record("other", 2)), now + seconds(10));
    assert!(matches!(me.step(now + seconds(10)), Step::Wait(_)));
    me.observed(Some(record("other", 2)), now + seconds(11));
    assert_eq!(me.step(now + seconds(11)), Step::Take(record("other", 2)));
}

#[test]
fn stops_leading_by_itself_when_renewals_fail() {
    let now = Instant::now();
    let mut me = candidate(now);
    me.acquired(record("me", 1), now);
    assert_eq!(me.step(now + seconds(2)), Step::Renew(record("me", 1)));
    me.failed(now + seconds(3));
    assert!(me.leading_until(now + seconds(3)).is_some());
    assert!(me.leading_until(now + seconds(4)).is_none());
    assert_eq!(me.step(now + seconds(4)), Step::Read);
    assert!(me.held().is_none());
}

#[test]
fn a_renewal_whose_answer_was_lost_does_not_end_the_term() {
    let now = Instant::now();
    let mut me = candidate(now);
    me.acquired(record("me", 1), now);
    me.failed(now + seconds(2));
    me.refused(now + seconds(3));
    assert_eq!(me.step(now + seconds(3)), Step::Read);
    me.observed(Some(record("me", 2)), now + seconds(3));
    assert_eq!(me.step(now + seconds(3)), Step::Renew(record("me", 2)));
    assert_eq!(me.leading_until(now + seconds(3)), Some(now + seconds(4)));
}

#[test]
fn another_holder_ends_the_term_at_once() {
    let now = Instant::now();
    let mut me = candidate(now);
    me.acquired(record("me", 1), now);
    me.refused(now + seconds(1));
    me.observed(Some(record("other", 2)), now + seconds(1));
    assert_eq!(me.leading_until(now + seconds(1)), None);
}

/// A Lease on a server that refuses writes from an old version.
#[derive(Default)]
struct Server {
    record: Option<Record>,
    version: u64,
}

impl Server {
    fn put(&mut self, holder: &str, from: Option<&Record>) -> Option<Record> {
        if self.record.as_ref() != from {
            return None;
        }
        self.version += 1;
        self.record = Some(record(holder, self.version));
        self.record.clone()
    }
}

/// Lets one candidate act once; `lost` is whether its answer gets lost.
fn act(server: &mut Server, candidate: &mut Election, now: Instant, lost: bool) {
    let from = match candidate.step(now) {
        Step::Wait(_) => return,
        Step::Read if lost => return candidate.failed(now),
        Step::Read => return candidate.observed(server.record.clone(), now),
        Step::Create => None,
        Step::Take(record) | Step::Renew(record) => Some(record),
    };
    let acquired = server.put(candidate.identity(), from.as_ref());
    match acquired {
        _ if lost => candidate.failed(now),
        Some(record) => candidate.acquired(record, now),
        None => candidate.refused(now),
    }
}

proptest! {
    #[test]
    fn never_two_lead(steps in prop::collection::vec((0usize..3, 0u64..1500, prop::bool::weighted(0.2)), 1..300)) {
        let mut now = Instant::now();
        let mut server = Server::default();
        let mut candidates: Vec<_> = ["a", "b", "c"]
            .map(|name| Election::new(name.to_owned(), TIMING, now))
            .into();
        for (who, pause, lost) in steps {
            now += Duration::from_millis(pause);
            act(&mut server, &mut candidates[who], now, lost);
            let leading = candidates.iter().filter(|c| c.leading_until(now).is_some());
            prop_assert!(leading.count() <= 1);
        }
    }

    #[test]
    fn somebody_leads_soon_after_the_holder_is_gone(delay in 0u64..6000) {
        let mut now = Instant::now();
        let mut server = Server::default();
        let mut other = Election::new("other".to_owned(), TIMING, now);
        for _ in 0..3 {
            act(&mut server, &mut other, now, false);
        }
        now += Duration::from_millis(delay);
        let gone = now;
        let mut me = candidate(now);
        while me.leading_until(now).is_none() {
            act(&mut server, &mut me, now, false);
            now += Duration::from_millis(100);
            prop_assert!(now - gone <= seconds(8));
        }
    }
}
