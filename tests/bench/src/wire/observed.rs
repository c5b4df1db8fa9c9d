//! Evaluation of the answers to a series of requests. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use ferrolb_core::mac::Mac;

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The number of the last request before it.
    pub(crate) request: u64,
    /// When it arrived.
    pub(crate) at: Instant,
    /// The hardware address in it.
    pub(crate) mac: Mac,
}

/// The number of requests answered by more than one host.
pub(crate) fn contested(answers: &[Answer]) -> usize {
    let mut by_request: BTreeMap<u64, BTreeSet<Mac>> = BTreeMap::new();
    for answer in answers {
        by_request
            .entry(answer.request)
            .or_default()
            .insert(answer.mac);
    }
    by_request.values().filter(|macs| macs.len() > 1).count()
}

/// The first answer that another host than `old` gave.
pub(crate) fn first_of_another(answers: &[Answer], old: Mac) -> Option<Answer> {
    answers.iter().find(|answer| answer.mac != old).copied()
}

/// The one host that gave every answer, if at least `least` were given.
pub(crate) fn sole(answers: &[Answer], least: usize) -> Option<Mac> {
    let first = answers.first()?.mac;
    let alone = answers.iter().all(|answer| answer.mac == first);
    (alone && answers.len() >= least).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const B: Mac = Mac([2, 0, 0, 0, 0, 2]);

    fn answers(given: &[(u64, Mac)]) -> Vec<Answer> {
        let at = Instant::now();
        given
            .iter()
            .map(|&(request, mac)| Answer { request, at, mac })
            .collect()
    }

    #[test]
    fn a_clean_change_of_owner_is_not_contested() {
        assert_eq!(contested(&answers(&[(1, A), (2, A), (3, B), (4, B)])), 0);
    }

    #[test]
    fn every_request_that_two_hosts_answer_counts_once() {
        let given = answers(&[(1, A), (2, A), (2, B), (3, B), (3, A), (3, B), (4, B)]);
        assert_eq!(contested(&given), 2);
    }

    #[test]
    fn one_host_is_sole_only_if_it_answered_often_enough() {
        let given = answers(&[(1, A), (2, A)]);
        assert_eq!(sole(&given, 2), Some(A));
        assert_eq!(sole(&given, 3), None);
        assert_eq!(sole(&answers(&[(1, A), (2, B)]), 1), None);
        assert_eq!(sole(&[], 0), None);
    }

    #[test]
    fn the_successor_is_the_first_other_host_that_answers() {
        let given = answers(&[(1, A), (5, B), (6, A)]);
        assert_eq!(first_of_another(&given, A).map(|a| a.request), Some(5));
        assert_eq!(first_of_another(&given[..1], A), None);
    }
}
