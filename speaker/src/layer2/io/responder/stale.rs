//! Which sockets may still hold requests from a time when the watchdog had
//! expired. Pure.
//!
//! The deadline alone is not enough: after a freeze the engine may renew it
//! before the responder has read the frames that queued up.

use std::collections::BTreeSet;

use ferrolb_core::range::Family;

/// A socket: its link and its family.
pub(super) type SocketId = (u32, Family);

/// The sockets that have not been read empty since the watchdog last expired.
#[derive(Debug, Default)]
pub(super) struct Stale {
    expirations: u64,
    sockets: BTreeSet<SocketId>,
}

impl Stale {
    /// Takes the number of expirations so far; a new number makes all of `open` stale.
    pub(super) fn notice(&mut self, expirations: u64, open: impl Iterator<Item = SocketId>) {
        if expirations != self.expirations {
            self.expirations = expirations;
            self.sockets = open.collect();
        }
    }

    /// The socket was read until nothing was left.
    pub(super) fn emptied(&mut self, socket: SocketId) {
        self.sockets.remove(&socket);
    }

    /// Whether a request just read from the socket may be an old one.
    pub(super) fn contains(&self, socket: SocketId) -> bool {
        self.sockets.contains(&socket)
    }
}

#[cfg(test)]
mod tests {
    use super::{Family, SocketId, Stale};

    const A: SocketId = (2, Family::V4);
    const B: SocketId = (2, Family::V6);

    #[test]
    fn after_an_expiration_a_socket_is_stale_until_it_is_emptied() {
        let mut stale = Stale::default();
        stale.notice(1, [A, B].into_iter());
        assert!(stale.contains(A) && stale.contains(B));
        stale.emptied(A);
        assert!(!stale.contains(A) && stale.contains(B));
    }

    #[test]
    fn the_same_expiration_counts_once() {
        let mut stale = Stale::default();
        stale.notice(1, [A].into_iter());
        stale.emptied(A);
        stale.notice(1, [A].into_iter());
        assert!(!stale.contains(A));
        stale.notice(2, [A].into_iter());
        assert!(stale.contains(A));
    }

    #[test]
    fn a_socket_opened_after_the_expiration_was_noticed_is_fresh() {
        let mut stale = Stale::default();
        stale.notice(1, [A].into_iter());
        assert!(!stale.contains(B));
    }
}
