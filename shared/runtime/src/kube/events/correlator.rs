//! Keeps Events from becoming a flood: a repeated Event is counted on the first
//! one, and one object gets no more than a few writes at a time (client-go calls
//! these the aggregator and the spam filter). Pure: time is passed in.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// An Event repeated within this time is counted, not written again. The API
/// server forgets Events after an hour.
const REPEAT_WINDOW: Duration = Duration::from_secs(600);

/// Writes about one object in quick succession, and the time until one more.
const BURST: u32 = 25;
const REFILL: Duration = Duration::from_secs(10);

/// Events with the same key are the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct EventKey {
    /// Identifies the object among all objects.
    pub(super) object: String,
    pub(super) reason: &'static str,
    pub(super) note: String,
}

/// What to do with one Event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Write a new Event.
    New,
    /// Count it on the Event of this name.
    Repeated { event: String, count: i32 },
    /// Drop it: too many were written about the object just now.
    Withheld,
}

/// The Events written recently.
#[derive(Debug, Default)]
pub(super) struct Correlator {
    written: HashMap<EventKey, Written>,
    objects: HashMap<String, Bucket>,
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Written {
    event: String,
    count: i32,
    last: Instant,
}

/// A token bucket: the writes left, full after some quiet time.
#[derive(Debug)]
struct Bucket {
    left: u32,
    /// Until when refills are counted.
    refilled: Instant,
}

impl Correlator {
    /// Decides about one Event.
    pub(super) fn judge(&mut self, key: &EventKey, now: Instant) -> Verdict {
        self.sweep(now);
        let bucket = self.objects.entry(key.object.clone());
        let allowed = bucket.or_insert_with(|| Bucket::full(now)).take(now);
        let again = self.written.get_mut(key).map(|written| {
            written.count = written.count.saturating_add(1);
            written.last = now;
            Verdict::Repeated {
                event: written.event.clone(),
                count: written.count,
            }
        });
        match again {
            _ if !allowed => Verdict::Withheld,
            Some(again) => again,
            None => Verdict::New,
        }
    }

    /// An Event was written under this name.
    pub(super) fn written(&mut self, key: EventKey, event: String, now: Instant) {
        let written = Written {
            event,
            count: 1,
            last: now,
        };
        self.written.insert(key, written);
    }

    /// The Event does not exist any longer.
    pub(super) fn forgotten(&mut self, key: &EventKey) {
        self.written.remove(key);
    }

    fn sweep(&mut self, now: Instant) {
        if self.swept.is_some_and(|swept| now - swept < REFILL) {
            return;
        }
        self.swept = Some(now);
        self.written
            .retain(|_, written| now - written.last < REPEAT_WINDOW);
        self.objects
            .retain(|_, bucket| now - bucket.refilled < REFILL * BURST);
    }
}

impl Bucket {
    fn full(now: Instant) -> Self {
        Self {
            left: BURST,
            refilled: now,
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        while self.left < BURST && now - self.refilled >= REFILL {
            self.left += 1;
            self.refilled += REFILL;
        }
        if self.left == BURST {
            self.refilled = now;
        }
        let taken = self.left.checked_sub(1);
        self.left = taken.unwrap_or_default();
        taken.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{BURST, Correlator, EventKey, REFILL, REPEAT_WINDOW, Verdict};

    fn event(object: &str, note: &str) -> EventKey {
        EventKey {
            object: object.to_owned(),
            reason: "Announced",
            note: note.to_owned(),
        }
    }

    fn again(count: i32) -> Verdict {
        Verdict::Repeated {
            event: "web.1".to_owned(),
            count,
        }
    }

    #[test]
    fn a_repeated_event_is_counted_on_the_first() {
        let now = Instant::now();
        let mut correlator = Correlator::default();
        let key = event("web", "by node-1");
        assert_eq!(correlator.judge(&key, now), Verdict::New);
        correlator.written(key.clone(), "web.1".to_owned(), now);
        assert_eq!(correlator.judge(&key, now), again(2));
        assert_eq!(correlator.judge(&key, now + REPEAT_WINDOW / 2), again(3));
        let other = event("web", "by node-2");
        assert_eq!(
            correlator.judge(&other, now + REPEAT_WINDOW / 2),
            Verdict::New
        );
    }

    #[test]
    fn an_event_of_long_ago_or_that_is_gone_is_written_again() {
        let now = Instant::now();
        let mut correlator = Correlator::default();
        let key = event("web", "by node-1");
        correlator.written(key.clone(), "web.1".to_owned(), now);
        assert_eq!(correlator.judge(&key, now + REPEAT_WINDOW), Verdict::New);
        correlator.written(key.clone(), "web.1".to_owned(), now + REPEAT_WINDOW);
        correlator.forgotten(&key);
        assert_eq!(correlator.judge(&key, now + REPEAT_WINDOW), Verdict::New);
    }

    #[test]
    fn a_flood_about_one_object_is_withheld_and_leaves_the_others_alone() {
        let start = Instant::now();
        let mut correlator = Correlator::default();
        let mut written = 0;
        for second in 0..600_u64 {
            for change in 0..10 {
                let note = format!("{second}.{change}");
                let now = start + Duration::from_secs(second);
                if correlator.judge(&event("web", &note), now) == Verdict::New {
                    written += 1;
                }
            }
        }
        let fair = u64::from(BURST) + 600 / REFILL.as_secs();
        assert!((fair - 2..=fair + 2).contains(&written), "{written}");
        let end = start + Duration::from_secs(600);
        assert_eq!(correlator.judge(&event("dns", "x"), end), Verdict::New);
    }

    #[test]
    fn what_was_withheld_is_in_the_next_count() {
        let now = Instant::now();
        let mut correlator = Correlator::default();
        let key = event("web", "conflict");
        correlator.written(key.clone(), "web.1".to_owned(), now);
        for _ in 0..BURST + 7 {
            correlator.judge(&key, now);
        }
        let expected = i32::try_from(BURST).unwrap() + 9;
        assert_eq!(correlator.judge(&key, now + REFILL), again(expected));
    }
}
