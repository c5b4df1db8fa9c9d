//! Which sockets may still hold requests from a time without voucher. Pure.
//!
//! The deadline alone does not tell: after a freeze the engine may renew it
//! before the responder has read what queued up.

use std::collections::BTreeSet;

/// The links whose sockets have not been read empty since the last lapse.
#[derive(Debug, Default)]
pub(super) struct Stale {
    lapses: u64,
    links: BTreeSet<u32>,
}

impl Stale {
    /// Takes the number of lapses so far; a new one makes all of `open` stale.
    pub(super) fn notice(&mut self, lapses: u64, open: impl Iterator<Item = u32>) {
        if lapses != self.lapses {
            self.lapses = lapses;
            self.links = open.collect();
        }
    }

    /// The socket of `link` was read until nothing was left.
    pub(super) fn emptied(&mut self, link: u32) {
        self.links.remove(&link);
    }

    /// Whether a request just read on `link` may be an old one.
    pub(super) fn contains(&self, link: u32) -> bool {
        self.links.contains(&link)
    }
}

#[cfg(test)]
mod tests {
    use super::Stale;

    #[test]
    fn after_a_lapse_a_link_is_stale_until_it_is_emptied() {
        let mut stale = Stale::default();
        stale.notice(1, [2, 3].into_iter());
        assert!(stale.contains(2) && stale.contains(3));
        stale.emptied(2);
        assert!(!stale.contains(2) && stale.contains(3));
    }

    #[test]
    fn the_same_lapse_counts_once() {
        let mut stale = Stale::default();
        stale.notice(1, [2].into_iter());
        stale.emptied(2);
        stale.notice(1, [2].into_iter());
        assert!(!stale.contains(2));
        stale.notice(2, [2].into_iter());
        assert!(stale.contains(2));
    }

    #[test]
    fn a_link_opened_after_the_lapse_was_noticed_is_fresh() {
        let mut stale = Stale::default();
        stale.notice(1, [2].into_iter());
        assert!(!stale.contains(3));
    }
}
