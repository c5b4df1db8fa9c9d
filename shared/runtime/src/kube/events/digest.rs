//! Keeps Events from becoming a flood: what is said again about an object is
//! counted on the Event that said it first, and one object gets no more than a
//! few writes at a time. Pure: time comes in.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// What is said again within this time is counted, not written anew. The API
/// server forgets Events after an hour.
const SAME: Duration = Duration::from_secs(600);

/// Writes about one object in quick succession, and how long until one more.
const BURST: u32 = 25;
const REFILL: Duration = Duration::from_secs(10);

/// What is said about which object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Saying {
    /// Names the object among all objects.
    pub(super) object: String,
    pub(super) reason: &'static str,
    pub(super) note: String,
}

/// What becomes of one saying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It becomes an Event of its own.
    New,
    /// It is counted on the Event of this name.
    Again { event: String, count: i32 },
    /// Too much was written about the object just now.
    Withheld,
}

/// What was said lately.
#[derive(Debug, Default)]
pub(super) struct Digest {
    told: HashMap<Saying, Told>,
    objects: HashMap<String, Bucket>,
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Told {
    event: String,
    count: i32,
    last: Instant,
}

/// Holds what may still be written; full after a quiet while.
#[derive(Debug)]
struct Bucket {
    left: u32,
    /// Up to when refills are counted.
    refilled: Instant,
}

impl Digest {
    /// Judges one saying.
    pub(super) fn judge(&mut self, saying: &Saying, now: Instant) -> Verdict {
        self.sweep(now);
        let bucket = self.objects.entry(saying.object.clone());
        let allowed = bucket.or_insert_with(|| Bucket::full(now)).take(now);
        let again = self.told.get_mut(saying).map(|told| {
            told.count = told.count.saturating_add(1);
            told.last = now;
            Verdict::Again {
                event: told.event.clone(),
                count: told.count,
            }
        });
        match again {
            _ if !allowed => Verdict::Withheld,
            Some(again) => again,
            None => Verdict::New,
        }
    }

    /// A saying has become the Event of this name.
    pub(super) fn written(&mut self, saying: Saying, event: String, now: Instant) {
        let told = Told {
            event,
            count: 1,
            last: now,
        };
        self.told.insert(saying, told);
    }

    /// The Event of a saying is gone.
    pub(super) fn forgotten(&mut self, saying: &Saying) {
        self.told.remove(saying);
    }

    fn sweep(&mut self, now: Instant) {
        if self.swept.is_some_and(|swept| now - swept < REFILL) {
            return;
        }
        self.swept = Some(now);
        self.told.retain(|_, told| now - told.last < SAME);
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

    use super::{BURST, Digest, REFILL, SAME, Saying, Verdict};

    fn saying(object: &str, note: &str) -> Saying {
        Saying {
            object: object.to_owned(),
            reason: "Announced",
            note: note.to_owned(),
        }
    }

    fn again(count: i32) -> Verdict {
        Verdict::Again {
            event: "web.1".to_owned(),
            count,
        }
    }

    #[test]
    fn what_is_said_again_is_counted_on_the_first_event() {
        let now = Instant::now();
        let mut digest = Digest::default();
        let said = saying("web", "by node-1");
        assert_eq!(digest.judge(&said, now), Verdict::New);
        digest.written(said.clone(), "web.1".to_owned(), now);
        assert_eq!(digest.judge(&said, now), again(2));
        assert_eq!(digest.judge(&said, now + SAME / 2), again(3));
        let other = saying("web", "by node-2");
        assert_eq!(digest.judge(&other, now + SAME / 2), Verdict::New);
    }

    #[test]
    fn what_was_said_long_ago_or_is_gone_is_said_anew() {
        let now = Instant::now();
        let mut digest = Digest::default();
        let said = saying("web", "by node-1");
        digest.written(said.clone(), "web.1".to_owned(), now);
        assert_eq!(digest.judge(&said, now + SAME), Verdict::New);
        digest.written(said.clone(), "web.1".to_owned(), now + SAME);
        digest.forgotten(&said);
        assert_eq!(digest.judge(&said, now + SAME), Verdict::New);
    }

    #[test]
    fn a_flood_about_one_object_is_withheld_and_leaves_the_others_alone() {
        let start = Instant::now();
        let mut digest = Digest::default();
        let mut written = 0;
        for second in 0..600_u64 {
            for change in 0..10 {
                let note = format!("{second}.{change}");
                let now = start + Duration::from_secs(second);
                if digest.judge(&saying("web", &note), now) == Verdict::New {
                    written += 1;
                }
            }
        }
        let fair = u64::from(BURST) + 600 / REFILL.as_secs();
        assert!((fair - 2..=fair + 2).contains(&written), "{written}");
        let end = start + Duration::from_secs(600);
        assert_eq!(digest.judge(&saying("dns", "x"), end), Verdict::New);
    }

    #[test]
    fn what_was_withheld_is_in_the_next_count() {
        let now = Instant::now();
        let mut digest = Digest::default();
        let said = saying("web", "conflict");
        digest.written(said.clone(), "web.1".to_owned(), now);
        for _ in 0..BURST + 7 {
            digest.judge(&said, now);
        }
        let expected = i32::try_from(BURST).unwrap() + 9;
        assert_eq!(digest.judge(&said, now + REFILL), again(expected));
    }
}
