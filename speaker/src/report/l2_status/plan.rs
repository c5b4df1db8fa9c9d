//! What has to be done so that the objects say what they should. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::l2_status::{L2Status, L2Statuses, SupersededStatus};

/// What is known of the objects on the API server.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// This node's objects by name; none where it is unknown what one says.
    pub(super) own: BTreeMap<String, Option<L2Status>>,
    /// What needs no more removing.
    pub(super) settled: BTreeSet<(String, SupersededStatus)>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Write this; the status only where it may be another.
    Write {
        name: String,
        testimony: L2Status,
        status: bool,
    },
    /// Remove an object of this node.
    Delete { name: String },
    /// Remove an object of a dead node, if it still says what it said.
    Overrule {
        name: String,
        overruled: SupersededStatus,
    },
}

impl Board {
    /// The steps to be taken, at most so many: what is no longer so goes first.
    pub(super) fn plan(&self, wanted: &L2Statuses, most: usize) -> Vec<Step> {
        let gone = self
            .own
            .keys()
            .filter(|name| !wanted.own.contains_key(*name));
        let delete = gone.map(|name| Step::Delete { name: name.clone() });
        let overrule = wanted.overruled.iter().filter_map(|(name, overruled)| {
            let step = Step::Overrule {
                name: name.clone(),
                overruled: *overruled,
            };
            let settled = self.settled.contains(&(name.clone(), *overruled));
            (!settled).then_some(step)
        });
        let write = wanted.own.iter().filter_map(|(name, testimony)| {
            let known = self.own.get(name).and_then(Option::as_ref);
            if known == Some(testimony) {
                return None;
            }
            let same_status = |known: &L2Status| {
                known.service == testimony.service && known.interfaces == testimony.interfaces
            };
            Some(Step::Write {
                name: name.clone(),
                testimony: testimony.clone(),
                status: !known.is_some_and(same_status),
            })
        });
        delete.chain(overrule).chain(write).take(most).collect()
    }

    /// A step is about to be taken: until it has ended well, nobody knows what
    /// the object says.
    pub(super) fn begin(&mut self, step: &Step) {
        match step {
            Step::Write { name, .. } | Step::Delete { name } => {
                self.own.insert(name.clone(), None);
            }
            Step::Overrule { .. } => {}
        }
    }

    /// A step has ended well.
    pub(super) fn done(&mut self, step: Step) {
        match step {
            Step::Write {
                name, testimony, ..
            } => {
                self.own.insert(name, Some(testimony));
            }
            Step::Delete { name } => {
                self.own.remove(&name);
            }
            Step::Overrule { name, overruled } => {
                self.settled.insert((name, overruled));
            }
        }
    }

    /// Forgets what needs no remembering.
    pub(super) fn tidy(&mut self, wanted: &L2Statuses) {
        self.settled
            .retain(|(name, overruled)| wanted.overruled.get(name) == Some(overruled));
    }
}

#[cfg(test)]
mod tests {
    use ferrolb_core::key::ObjectKey;

    use super::{Board, Step};
    use crate::report::l2_status::{L2Status, L2Statuses, SupersededStatus};

    fn testimony(epoch: u64, interface: &str) -> L2Status {
        L2Status {
            service: ObjectKey {
                namespace: "default".to_owned(),
                name: "web".to_owned(),
            },
            announces: [("192.0.2.1".parse().unwrap(), epoch)].into(),
            conflicts: [].into(),
            interfaces: [interface.to_owned()].into(),
        }
    }

    fn wanted(testimony: Option<L2Status>) -> L2Statuses {
        L2Statuses {
            own: testimony
                .map(|said| ("l2-x".to_owned(), said))
                .into_iter()
                .collect(),
            overruled: [].into(),
        }
    }

    fn writes(testimony: L2Status, status: bool) -> Vec<Step> {
        vec![Step::Write {
            name: "l2-x".to_owned(),
            testimony,
            status,
        }]
    }

    fn board(known: Option<L2Status>) -> Board {
        Board {
            own: [("l2-x".to_owned(), known)].into(),
            ..Board::default()
        }
    }

    #[test]
    fn writes_only_what_is_another_than_before() {
        let one = wanted(Some(testimony(1, "eth0")));
        assert_eq!(
            Board::default().plan(&one, 9),
            writes(testimony(1, "eth0"), true)
        );
        assert!(board(Some(testimony(1, "eth0"))).plan(&one, 9).is_empty());
        assert_eq!(
            board(Some(testimony(9, "eth0"))).plan(&one, 9),
            writes(testimony(1, "eth0"), false)
        );
        assert_eq!(
            board(Some(testimony(1, "eth9"))).plan(&one, 9),
            writes(testimony(1, "eth0"), true)
        );
    }

    #[test]
    fn what_a_failed_write_left_is_written_or_removed() {
        let mut board = Board::default();
        let step = &writes(testimony(1, "eth0"), true)[0];
        board.begin(step);
        let again = board.plan(&wanted(Some(testimony(1, "eth0"))), 9);
        assert_eq!(again, writes(testimony(1, "eth0"), true));
        let gone = Step::Delete {
            name: "l2-x".to_owned(),
        };
        assert_eq!(board.plan(&wanted(None), 9), [gone]);
    }

    #[test]
    fn leftovers_are_removed_once() {
        let mut board = board(None);
        let steps = board.plan(&wanted(None), 9);
        assert_eq!(steps.len(), 1);
        steps.into_iter().for_each(|step| board.done(step));
        assert!(board.plan(&wanted(None), 9).is_empty());
    }

    #[test]
    fn a_dead_owner_is_overruled_once_for_each_take_over() {
        let overruled = |epoch| SupersededStatus {
            ip: "192.0.2.1".parse().unwrap(),
            epoch,
        };
        let after = |epoch| L2Statuses {
            overruled: [("l2-b".to_owned(), overruled(epoch))].into(),
            ..L2Statuses::default()
        };
        let mut board = Board::default();
        for epoch in [2, 4] {
            let steps = board.plan(&after(epoch), 9);
            assert_eq!(steps.len(), 1);
            steps.into_iter().for_each(|step| board.done(step));
            board.tidy(&after(epoch));
            assert!(board.plan(&after(epoch), 9).is_empty());
        }
        assert_eq!(board.settled.len(), 1);
    }

    #[test]
    fn takes_no_more_steps_at_once_than_it_may() {
        let many = (0..9).map(|number| (format!("l2-{number}"), testimony(1, "eth0")));
        let wanted = L2Statuses {
            own: many.collect(),
            overruled: [].into(),
        };
        assert_eq!(Board::default().plan(&wanted, 4).len(), 4);
    }
}
