//! The sockets of the links to listen on: opened, closed, reopened after a
//! failure. Owned by the responder's thread; others read the published table.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrolb_core::range::Family;
use ferrolb_core::text::Chain;

use super::WireEvent;
use crate::host::interfaces::Link;
use crate::layer2::io::socket::{LinkSocket, SocketError};
use ferrolb_core::mac::Mac;

/// Gap between attempts to open sockets after a failure.
const RETRY: Duration = Duration::from_millis(250);

/// A link's sockets, one for each family.
#[derive(Debug)]
struct Pair {
    v4: LinkSocket,
    v6: LinkSocket,
}

impl Pair {
    fn open(link: &Link) -> Result<Self, SocketError> {
        Ok(Self {
            v4: LinkSocket::open(link, Family::V4)?,
            v6: LinkSocket::open(link, Family::V6)?,
        })
    }
}

/// Open sockets by link.
#[derive(Debug, Default, Clone)]
pub(super) struct SocketTable(BTreeMap<u32, Arc<Pair>>);

impl SocketTable {
    pub(super) fn get(&self, link: u32, family: Family) -> Option<&LinkSocket> {
        let pair = self.0.get(&link)?;
        Some(match family {
            Family::V4 => &pair.v4,
            Family::V6 => &pair.v6,
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &LinkSocket> {
        self.0.values().flat_map(|pair| [&pair.v4, &pair.v6])
    }

    /// Whether `mac` is the address of one of our own links.
    pub(super) fn is_own_mac(&self, mac: Mac) -> bool {
        self.iter().any(|socket| socket.mac() == mac)
    }
}

/// The links to listen on and their state.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    wanted: BTreeMap<u32, Link>,
    open: Arc<SocketTable>,
    failed: BTreeSet<u32>,
    retry_at: Option<Instant>,
}

impl Sockets {
    /// The open sockets, to publish.
    pub(super) fn table(&self) -> Arc<SocketTable> {
        Arc::clone(&self.open)
    }

    /// Sets the links and opens those that are new.
    pub(super) fn want(&mut self, links: Vec<Link>, now: Instant) -> Vec<WireEvent> {
        self.wanted = links.into_iter().map(|link| (link.index, link)).collect();
        let wanted = &self.wanted;
        self.failed.retain(|index| wanted.contains_key(index));
        Arc::make_mut(&mut self.open).0.retain(|index, pair| {
            wanted
                .get(index)
                .is_some_and(|link| link.mac == pair.v4.mac())
        });
        self.open_missing(now)
    }

    /// Whether the link is in the set.
    pub(super) fn wants(&self, link: u32) -> bool {
        self.wanted.contains_key(&link)
    }

    /// Closes the sockets of a link after an error; they are retried after a while.
    pub(super) fn fail(&mut self, link: u32, error: &dyn Error, now: Instant) -> Option<WireEvent> {
        Arc::make_mut(&mut self.open).0.remove(&link);
        self.retry_at.get_or_insert(now + RETRY);
        self.failed.insert(link).then(|| WireEvent::LinkFailed {
            link,
            error: Chain(error).to_string(),
        })
    }

    /// When to retry.
    pub(super) const fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Retries failed links, if it is time.
    pub(super) fn retry(&mut self, now: Instant) -> Vec<WireEvent> {
        if self.retry_at.is_none_or(|at| now < at) {
            return Vec::new();
        }
        self.open_missing(now)
    }

    fn open_missing(&mut self, now: Instant) -> Vec<WireEvent> {
        self.retry_at = None;
        let missing: Vec<Link> = self
            .wanted
            .values()
            .filter(|link| !self.open.0.contains_key(&link.index))
            .cloned()
            .collect();
        missing
            .iter()
            .filter_map(|link| self.open_one(link, now))
            .collect()
    }

    fn open_one(&mut self, link: &Link, now: Instant) -> Option<WireEvent> {
        match Pair::open(link) {
            Ok(pair) => {
                let open = Arc::make_mut(&mut self.open);
                open.0.insert(link.index, Arc::new(pair));
                self.failed.remove(&link.index);
                Some(WireEvent::LinkOpened { link: link.index })
            }
            Err(error) => self.fail(link.index, &error, now),
        }
    }
}
