//! The open connections of a listener: at most a fixed number, of which the
//! oldest makes room for a new one.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};

/// Connections closed before they were done, by reason.
#[derive(Debug, Default)]
pub struct Dropped {
    limit: AtomicU64,
    timeout: AtomicU64,
}

impl Dropped {
    pub(super) fn timed_out(&self) {
        self.timeout.fetch_add(1, Ordering::Relaxed);
    }

    /// The values by label.
    pub(super) fn values(&self) -> Vec<(&'static str, u64)> {
        let values = [("limit", &self.limit), ("timeout", &self.timeout)];
        let read = |(label, value): (_, &AtomicU64)| (label, value.load(Ordering::Relaxed));
        values.map(read).to_vec()
    }
}

/// Open connections, the oldest first.
pub(super) struct Connections {
    limit: usize,
    tasks: JoinSet<()>,
    open: Vec<(IpAddr, AbortHandle)>,
}

impl Connections {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            tasks: JoinSet::new(),
            open: Vec::with_capacity(limit),
        }
    }

    /// Serves a connection from this address. If too many are open, another one
    /// is closed for it.
    pub(super) fn add(
        &mut self,
        peer: IpAddr,
        serve: impl Future<Output = ()> + Send + 'static,
        dropped: &Dropped,
    ) {
        while self.tasks.try_join_next().is_some() {}
        self.open.retain(|(_, task)| !task.is_finished());
        if self.open.len() >= self.limit
            && let Some(index) = to_drop(self.open.iter().map(|(source, _)| *source))
        {
            self.open.remove(index).1.abort();
            dropped.limit.fetch_add(1, Ordering::Relaxed);
        }
        self.open.push((source(peer), self.tasks.spawn(serve)));
    }

    /// Waits for those that are open, then closes what is left.
    pub(super) async fn finish(mut self, within: Duration) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _left = tokio::time::timeout(within, all).await;
        self.tasks.shutdown().await;
    }
}

/// What connections are counted by: the address, or the /64 of an IPv6 address,
/// which is all one host's.
fn source(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Which connection to close, given their sources from the oldest to the newest:
/// the oldest of the source that has most. So a host that holds many cannot
/// interrupt a slow download of another one.
fn to_drop(sources: impl Iterator<Item = IpAddr>) -> Option<usize> {
    let mut counts: BTreeMap<IpAddr, (usize, usize)> = BTreeMap::new();
    for (index, source) in sources.enumerate() {
        counts.entry(source).or_insert((0, index)).0 += 1;
    }
    let most = counts
        .into_values()
        .max_by_key(|(count, oldest)| (*count, usize::MAX - oldest));
    most.map(|(_, oldest)| oldest)
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::net::IpAddr;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Connections, Dropped, source, to_drop};

    fn dropped_of(sources: &[u8]) -> Option<usize> {
        to_drop(sources.iter().map(|last| IpAddr::from([192, 0, 2, *last])))
    }

    #[test]
    fn the_oldest_of_the_source_with_most_connections_is_dropped() {
        assert_eq!(dropped_of(&[]), None);
        assert_eq!(dropped_of(&[1, 2, 2, 1, 2]), Some(1));
        assert_eq!(dropped_of(&[3, 1, 2]), Some(0));
    }

    #[test]
    fn one_ipv6_host_is_one_source_and_a_mapped_address_is_ipv4() {
        let network = |text: &str| source(text.parse().unwrap());
        assert_eq!(network("2001:db8::1:2:3:4"), network("2001:db8::5"));
        assert_ne!(network("2001:db8:0:1::5"), network("2001:db8::5"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_limit_are_open_and_none_delays_the_end() {
        let dropped = Dropped::default();
        let mut connections = Connections::new(4);
        for _ in 0..100 {
            connections.add([192, 0, 2, 1].into(), pending(), &dropped);
            tokio::task::yield_now().await;
            assert!(connections.open.len() <= 4);
            assert!(connections.tasks.len() <= 6);
        }
        assert_eq!(dropped.values(), [("limit", 96), ("timeout", 0)]);
        let start = Instant::now();
        connections.finish(Duration::from_millis(300)).await;
        assert_eq!(start.elapsed(), Duration::from_millis(300));
    }
}
