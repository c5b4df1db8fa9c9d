//! The status of each `IPAddressPool`, and a warning when a pool fills up. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ferrolb_api::pool::IPAddressPoolStatus;
use ferrolb_core::change::Change;
use ferrolb_core::range::Family;

use super::action::{Action, BackgroundWrite, PoolNotice};
use crate::allocator::Usage;

/// The least time between two writes of one pool's status.
const PAUSE: Duration = Duration::from_secs(1);

/// The least time after a write that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// How full, in percent, a pool is when a warning is due.
const LEVELS: [u128; 3] = [75, 90, 100];

/// How far, in points of percent, usage must fall below a level before reaching
/// it again counts.
const SLACK: u128 = 5;

/// The least time between two warnings of one level, for pools so small that
/// one address more or less is beyond the slack.
const REPEAT: Duration = Duration::from_secs(600);

/// An `IPAddressPool` in our namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolObject {
    /// `metadata.name`
    pub name: String,
    /// `metadata.uid`
    pub uid: String,
    /// Its status, if it has one.
    pub shown: Option<IPAddressPoolStatus>,
}

/// The pools as objects, and what was reported of them.
#[derive(Debug, Default)]
pub(super) struct Pools {
    /// Whether it is known which pools are objects.
    listed: bool,
    objects: BTreeMap<String, PoolObject>,
    /// Pools whose status is being written.
    writing: BTreeSet<String>,
    /// When the status of a pool may be written again.
    not_before: BTreeMap<String, Duration>,
    /// When the next held back status may be written.
    due: Option<Duration>,
    full: BTreeMap<(String, Family), Fullness>,
}

impl Pools {
    /// Stores a change of the objects.
    pub(super) fn apply(&mut self, change: Change<PoolObject, String>) {
        match change {
            Change::Apply(object) => {
                self.objects.insert(object.name.clone(), object);
            }
            Change::Delete(name) => {
                self.objects.remove(&name);
                self.not_before.remove(&name);
            }
            Change::Reset(all) => {
                let all = all.into_iter();
                self.objects = all.map(|object| (object.name.clone(), object)).collect();
                self.listed = true;
            }
        }
    }

    /// A write ended; with the object's uid and what was written if it succeeded.
    pub(super) fn write_ended(
        &mut self,
        name: &str,
        written: Option<(&str, IPAddressPoolStatus)>,
        now: Duration,
    ) {
        self.writing.remove(name);
        let Some((uid, counts)) = written else {
            self.not_before
                .insert(name.to_owned(), now + PAUSE_AFTER_FAILURE);
            return;
        };
        let object = self.objects.get_mut(name);
        if let Some(object) = object.filter(|object| object.uid == uid) {
            object.shown = Some(counts);
        }
    }

    /// When a status that is held back may be written.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.due
    }

    /// Writes and warnings, given how full the pools are now. None until it is known
    /// which pools are objects, because the warnings refer to these.
    pub(super) fn report<'a>(
        &mut self,
        usage: impl Iterator<Item = (&'a str, Usage)>,
        now: Duration,
    ) -> Vec<Action> {
        let mut actions = Vec::new();
        if !self.listed {
            return actions;
        }
        let mut counts: BTreeMap<&str, IPAddressPoolStatus> = BTreeMap::new();
        for (pool, usage) in usage {
            count(counts.entry(pool).or_default(), usage);
            let notice = self.warn(pool, usage, now);
            actions.extend(notice.map(Action::NotifyPool));
        }
        self.full
            .retain(|(pool, _), _| counts.contains_key(&**pool));
        self.due = None;
        for (pool, counts) in counts {
            actions.extend(self.write(pool, counts, now).map(Action::Background));
        }
        actions
    }

    fn warn(&mut self, pool: &str, usage: Usage, now: Duration) -> Option<PoolNotice> {
        let place = (pool.to_owned(), usage.family);
        let level = self.full.entry(place).or_default().rise(usage, now)?;
        Some(PoolNotice {
            pool: pool.to_owned(),
            uid: self.objects.get(pool).map(|object| object.uid.clone()),
            reason: match level {
                100 => "PoolExhausted",
                _ => "PoolUsageHigh",
            },
            note: note(pool, level, usage),
        })
    }

    fn write(
        &mut self,
        pool: &str,
        counts: IPAddressPoolStatus,
        now: Duration,
    ) -> Option<BackgroundWrite> {
        let object = self.objects.get(pool)?;
        if object.shown == Some(counts) || self.writing.contains(pool) {
            return None;
        }
        let not_before = self.not_before.get(pool).copied().unwrap_or_default();
        if not_before > now {
            self.due = Some(self.due.map_or(not_before, |due| due.min(not_before)));
            return None;
        }
        self.writing.insert(pool.to_owned());
        self.not_before.insert(pool.to_owned(), now + PAUSE);
        Some(BackgroundWrite::PoolStatus {
            name: pool.to_owned(),
            uid: object.uid.clone(),
            counts,
        })
    }
}

/// Enters the usage of one family; more than fits counts as the highest number.
fn count(status: &mut IPAddressPoolStatus, usage: Usage) {
    let number = |count: u128| i64::try_from(count).unwrap_or(i64::MAX);
    let (assigned, available) = match usage.family {
        Family::V4 => (&mut status.assigned_ipv4, &mut status.available_ipv4),
        Family::V6 => (&mut status.assigned_ipv6, &mut status.available_ipv6),
    };
    *assigned = number(usage.used);
    *available = number(usage.free());
}

/// The warnings of one pool and family.
#[derive(Debug, Default)]
struct Fullness {
    /// The level reached and not left well below since; 0 for none.
    level: u128,
    /// When each level was last reported.
    reported: BTreeMap<u128, Duration>,
}

impl Fullness {
    /// The level to warn about now.
    fn rise(&mut self, usage: Usage, now: Duration) -> Option<u128> {
        let reached = LEVELS
            .into_iter()
            .rev()
            .find(|level| reaches(usage, *level));
        let reached = reached.unwrap_or_default();
        if reached <= self.level {
            let holds = |level: &u128| *level <= reached || !is_below(usage, *level - SLACK);
            let held = LEVELS
                .into_iter()
                .rev()
                .filter(|level| *level <= self.level);
            self.level = held.into_iter().find(holds).unwrap_or_default();
            return None;
        }
        self.level = reached;
        let quiet = self
            .reported
            .get(&reached)
            .is_none_or(|at| *at + REPEAT <= now);
        quiet.then(|| {
            self.reported.insert(reached, now);
            reached
        })
    }
}

/// Whether this many percent are not free.
fn reaches(usage: Usage, percent: u128) -> bool {
    usage.total > 0 && !is_below(usage, percent)
}

fn is_below(usage: Usage, percent: u128) -> bool {
    let taken = usage.total - usage.free();
    taken.saturating_mul(100) < usage.total.saturating_mul(percent)
}

fn note(pool: &str, level: u128, usage: Usage) -> String {
    let Usage {
        family,
        total,
        used,
        withheld,
    } = usage;
    let kept = match withheld {
        0 => String::new(),
        _ => format!(", {withheld} in quarantine because another host uses them"),
    };
    match level {
        100 => {
            format!(
                "Pool {pool} has no free {family} address: {used} of {total} assigned{kept}. Add addresses to the pool"
            )
        }
        _ => format!(
            "Pool {pool} is {level}% full for {family}: {used} of {total} addresses assigned{kept}, {} free",
            usage.free()
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ferrolb_core::range::Family::{V4, V6};

    use super::{Fullness, IPAddressPoolStatus, count, note};
    use crate::allocator::Usage;

    fn usage(used: u128, total: u128) -> Usage {
        Usage {
            family: V4,
            total,
            used,
            withheld: 0,
        }
    }

    /// The levels reported while usage goes through these, a second apart.
    fn reported(total: u128, course: &[u128]) -> Vec<Option<u128>> {
        let mut fullness = Fullness::default();
        let steps = course.iter().zip(0..);
        let steps = steps
            .map(|(used, second)| fullness.rise(usage(*used, total), Duration::from_secs(second)));
        steps.collect()
    }

    #[test]
    fn each_level_is_reported_once_on_the_way_up() {
        let reported = reported(100, &[10, 74, 75, 80, 89, 90, 99, 100]);
        let expected = [None, None, Some(75), None, None, Some(90), None, Some(100)];
        assert_eq!(reported, expected);
    }

    #[test]
    fn a_leap_reports_the_highest_level_only() {
        assert_eq!(reported(100, &[0, 95, 96]), [None, Some(90), None]);
        assert_eq!(reported(1, &[0, 1]), [None, Some(100)]);
    }

    #[test]
    fn usage_that_oscillates_around_a_level_is_reported_once() {
        assert_eq!(
            reported(100, &[75, 74, 75, 71, 75]),
            [Some(75), None, None, None, None]
        );
        // One address is more than the slack here, so time is what helps.
        assert_eq!(
            reported(4, &[4, 3, 4, 3, 4]),
            [Some(100), None, None, None, None]
        );
    }

    #[test]
    fn a_level_reached_again_after_a_real_fall_is_reported_again() {
        let mut fullness = Fullness::default();
        let mut at = |used, second| fullness.rise(usage(used, 100), Duration::from_secs(second));
        assert_eq!(at(90, 0), Some(90));
        assert_eq!(at(60, 1), None);
        assert_eq!(at(76, 2), Some(75));
        assert_eq!(at(92, 700), Some(90));
    }

    #[test]
    fn an_address_in_quarantine_is_not_free() {
        let mut fullness = Fullness::default();
        let withheld = Usage {
            withheld: 1,
            ..usage(3, 4)
        };
        assert_eq!(fullness.rise(withheld, Duration::ZERO), Some(100));
        assert_eq!(
            note("lan", 100, withheld),
            "Pool lan has no free IPv4 address: 3 of 4 assigned, \
             1 in quarantine because another host uses them. Add addresses to the pool"
        );
    }

    #[test]
    fn counts_beyond_sixty_three_bits_stop_at_the_highest_number() {
        let mut counts = IPAddressPoolStatus::default();
        count(
            &mut counts,
            Usage {
                family: V6,
                total: u128::MAX,
                used: 2,
                withheld: 0,
            },
        );
        assert_eq!((counts.assigned_ipv6, counts.available_ipv6), (2, i64::MAX));
        assert_eq!((counts.assigned_ipv4, counts.available_ipv4), (0, 0));
    }
}
