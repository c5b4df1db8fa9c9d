//! The requests that make the objects on the API server as they should be. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::l2_status::{L2Status, L2Statuses, SupersededStatus};

/// What is known of the objects on the API server.
#[derive(Debug, Default)]
pub(super) struct KnownObjects {
    /// This node's objects by name; `None` where the content is unknown.
    pub(super) own: BTreeMap<String, Option<L2Status>>,
    /// Objects of dead nodes that are deleted, or were right after all.
    pub(super) handled: BTreeSet<(String, SupersededStatus)>,
}

/// One request, or a few about one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Write the content; the status only where it may differ.
    Write {
        name: String,
        content: L2Status,
        status: bool,
    },
    /// Delete an object of this node.
    Delete { name: String },
    /// Delete an object of a dead node unless it has changed.
    DeleteSuperseded {
        name: String,
        superseded: SupersededStatus,
    },
}

impl KnownObjects {
    /// The next steps, at most `most`: deletions come first.
    pub(super) fn plan(&self, wanted: &L2Statuses, most: usize) -> Vec<Step> {
        let gone = self
            .own
            .keys()
            .filter(|name| !wanted.own.contains_key(*name));
        let delete = gone.map(|name| Step::Delete { name: name.clone() });
        let supersede = wanted.superseded.iter().filter_map(|(name, superseded)| {
            let step = Step::DeleteSuperseded {
                name: name.clone(),
                superseded: *superseded,
            };
            let handled = self.handled.contains(&(name.clone(), *superseded));
            (!handled).then_some(step)
        });
        let write = wanted.own.iter().filter_map(|(name, content)| {
            let before = self.own.get(name).and_then(Option::as_ref);
            if before == Some(content) {
                return None;
            }
            let same_status = |before: &L2Status| {
                before.service == content.service && before.interfaces == content.interfaces
            };
            Some(Step::Write {
                name: name.clone(),
                content: content.clone(),
                status: !before.is_some_and(same_status),
            })
        });
        delete.chain(supersede).chain(write).take(most).collect()
    }

    /// A step begins: until it succeeds, the content of its object is unknown.
    pub(super) fn begin(&mut self, step: &Step) {
        match step {
            Step::Write { name, .. } | Step::Delete { name } => {
                self.own.insert(name.clone(), None);
            }
            Step::DeleteSuperseded { .. } => {}
        }
    }

    /// A step has succeeded.
    pub(super) fn done(&mut self, step: Step) {
        match step {
            Step::Write { name, content, .. } => {
                self.own.insert(name, Some(content));
            }
            Step::Delete { name } => {
                self.own.remove(&name);
            }
            Step::DeleteSuperseded { name, superseded } => {
                self.handled.insert((name, superseded));
            }
        }
    }

    /// Forgets objects of dead nodes that are no longer of interest.
    pub(super) fn forget_outdated(&mut self, wanted: &L2Statuses) {
        self.handled
            .retain(|(name, superseded)| wanted.superseded.get(name) == Some(superseded));
    }
}

#[cfg(test)]
mod tests {
    use ferrolb_core::key::ObjectKey;

    use super::{KnownObjects, Step};
    use crate::report::l2_status::{L2Status, L2Statuses, SupersededStatus};

    fn content(epoch: u64, interface: &str) -> L2Status {
        L2Status {
            service: ObjectKey {
                namespace: "default".to_owned(),
                name: "web".to_owned(),
            },
            announces: [("192.0.2.1".parse().unwrap(), epoch)].into(),
            conflicts: [].into(),
            unannounced: [].into(),
            interfaces: [interface.to_owned()].into(),
        }
    }

    fn wanted(content: Option<L2Status>) -> L2Statuses {
        L2Statuses {
            own: content
                .map(|content| ("l2-x".to_owned(), content))
                .into_iter()
                .collect(),
            superseded: [].into(),
        }
    }

    fn writes(content: L2Status, status: bool) -> Vec<Step> {
        vec![Step::Write {
            name: "l2-x".to_owned(),
            content,
            status,
        }]
    }

    fn known(known: Option<L2Status>) -> KnownObjects {
        KnownObjects {
            own: [("l2-x".to_owned(), known)].into(),
            ..KnownObjects::default()
        }
    }

    #[test]
    fn writes_only_what_is_another_than_before() {
        let one = wanted(Some(content(1, "eth0")));
        assert_eq!(
            KnownObjects::default().plan(&one, 9),
            writes(content(1, "eth0"), true)
        );
        assert!(known(Some(content(1, "eth0"))).plan(&one, 9).is_empty());
        assert_eq!(
            known(Some(content(9, "eth0"))).plan(&one, 9),
            writes(content(1, "eth0"), false)
        );
        assert_eq!(
            known(Some(content(1, "eth9"))).plan(&one, 9),
            writes(content(1, "eth0"), true)
        );
    }

    #[test]
    fn what_a_failed_write_left_is_written_or_removed() {
        let mut known = KnownObjects::default();
        let step = &writes(content(1, "eth0"), true)[0];
        known.begin(step);
        let again = known.plan(&wanted(Some(content(1, "eth0"))), 9);
        assert_eq!(again, writes(content(1, "eth0"), true));
        let gone = Step::Delete {
            name: "l2-x".to_owned(),
        };
        assert_eq!(known.plan(&wanted(None), 9), [gone]);
    }

    #[test]
    fn leftovers_are_removed_once() {
        let mut known = known(None);
        let steps = known.plan(&wanted(None), 9);
        assert_eq!(steps.len(), 1);
        steps.into_iter().for_each(|step| known.done(step));
        assert!(known.plan(&wanted(None), 9).is_empty());
    }

    #[test]
    fn a_dead_owner_is_overruled_once_for_each_take_over() {
        let superseded = |epoch| SupersededStatus {
            ip: "192.0.2.1".parse().unwrap(),
            epoch,
        };
        let after = |epoch| L2Statuses {
            superseded: [("l2-b".to_owned(), superseded(epoch))].into(),
            ..L2Statuses::default()
        };
        let mut known = KnownObjects::default();
        for epoch in [2, 4] {
            let steps = known.plan(&after(epoch), 9);
            assert_eq!(steps.len(), 1);
            steps.into_iter().for_each(|step| known.done(step));
            known.forget_outdated(&after(epoch));
            assert!(known.plan(&after(epoch), 9).is_empty());
        }
        assert_eq!(known.handled.len(), 1);
    }

    #[test]
    fn takes_no_more_steps_at_once_than_it_may() {
        let many = (0..9).map(|number| (format!("l2-{number}"), content(1, "eth0")));
        let wanted = L2Statuses {
            own: many.collect(),
            superseded: [].into(),
        };
        assert_eq!(KnownObjects::default().plan(&wanted, 4).len(), 4);
    }
}
