//! The handle to gossip: start it, read the view, publish keys, stop it.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::cluster::Cluster;
use super::counters::GossipCounters;
use super::driver::Driver;
use super::roster::{Incarnation, Roster};
use super::seal::Keyring;
use super::transport::{Filter, SealedTransport, SocketParts};
use super::view::View;

/// No member is considered dead before this many intervals of silence.
const QUIET_INTERVALS: u32 = 3;
/// Intervals from a death to its detection: four of silence, one to the next check.
const DETECTION_INTERVALS: u32 = 5;

/// How to take part in gossip.
#[derive(Debug, Clone)]
pub struct GossipOptions {
    /// The Kubernetes node's name: the member's name.
    pub node: String,
    /// The number of this start, higher than that of every earlier start on
    /// this node (milliseconds since 1970 are fine). With a lower one the others
    /// keep following the former start until they consider it dead, one detection
    /// time later; with the same one they give this process the former one's keys.
    pub generation: u64,
    /// The UDP address to bind, of the same family as the peers' addresses.
    pub listen: SocketAddr,
    /// The address that others send to. Port 0 stands for the bound port.
    pub advertise: SocketAddr,
    /// Time between two rounds of gossip. See [`Gossip::detection_time`].
    pub interval: Duration,
    /// Seals datagrams that are sent and opens those received.
    pub keyring: Keyring,
}

/// Gossip could not be started.
#[derive(Debug, Error)]
pub enum GossipError {
    /// The socket could not be bound.
    #[error("cannot bind UDP address {} port {} for gossip", listen.ip(), listen.port())]
    Bind {
        /// The requested address.
        listen: SocketAddr,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// chitchat did not start.
    #[error("cannot start gossip on {listen}: {reason}")]
    Start {
        /// The requested address.
        listen: SocketAddr,
        /// The cause.
        reason: String,
    },
}

/// Membership in the gossip cluster. Dropping it leaves like a killed process;
/// an orderly leave publishes a key first.
pub struct Gossip {
    own: Incarnation,
    interval: Duration,
    cluster: Arc<Cluster>,
    view: watch::Receiver<Arc<View>>,
    peers: watch::Sender<BTreeSet<SocketAddr>>,
    settled: Arc<Notify>,
    driver: JoinHandle<()>,
    cancel: DropGuard,
}

impl fmt::Debug for Gossip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gossip")
            .field("own", &self.own)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

impl Gossip {
    /// Binds the socket and starts without peers: see [`Self::set_peers`].
    ///
    /// # Errors
    /// When the address cannot be bound or chitchat does not start.
    pub async fn start(
        options: GossipOptions,
        counters: Arc<GossipCounters>,
    ) -> Result<Self, GossipError> {
        Self::start_filtered(options, counters, Arc::new(|_| true)).await
    }

    /// Like [`Self::start`], with a filter for the addresses of datagrams.
    ///
    /// # Errors
    /// As for [`Self::start`].
    pub async fn start_filtered(
        options: GossipOptions,
        counters: Arc<GossipCounters>,
        filter: Filter,
    ) -> Result<Self, GossipError> {
        let listen = options.listen;
        let settled = Arc::new(Notify::new());
        let parts = SocketParts {
            keyring: options.keyring,
            counters,
            filter,
            settled: Arc::clone(&settled),
        };
        let bound = SealedTransport::bind(listen, parts);
        let (transport, bound) = bound.map_err(|source| GossipError::Bind { listen, source })?;
        let own = Incarnation {
            node: options.node,
            generation: options.generation,
            addr: with_port(options.advertise, bound.port()),
        };
        let started = Cluster::start(&own, options.interval, &transport).await;
        let cluster = started.map_err(|error| GossipError::Start {
            listen,
            reason: format!("{error:#}"),
        })?;
        Ok(Self::spawn(
            own,
            options.interval,
            Arc::new(cluster),
            settled,
        ))
    }

    fn spawn(
        own: Incarnation,
        interval: Duration,
        cluster: Arc<Cluster>,
        settled: Arc<Notify>,
    ) -> Self {
        let (show, view) = watch::channel(Arc::new(View::default()));
        let (peers, peers_changed) = watch::channel(BTreeSet::new());
        let cancel = CancellationToken::new();
        let driver = Driver {
            cluster: Arc::clone(&cluster),
            roster: Roster::new(own.clone(), interval * QUIET_INTERVALS),
            view: show,
            peers: peers_changed,
            settled: Arc::clone(&settled),
            interval,
        };
        Self {
            own,
            interval,
            cluster,
            view,
            peers,
            settled,
            driver: tokio::spawn(driver.run(cancel.clone())),
            cancel: cancel.drop_guard(),
        }
    }

    /// The members and their keys, a new value on every change: liveness, a key
    /// set, changed or deleted. The channel closes when gossip ends, also by a
    /// failure, which callers must handle.
    #[must_use]
    pub fn view(&self) -> watch::Receiver<Arc<View>> {
        self.view.clone()
    }

    /// The address that others send to, with the port that was bound.
    #[must_use]
    pub fn advertised(&self) -> SocketAddr {
        self.own.addr
    }

    /// Sets (`Some`) and deletes (`None`) own keys in one step, and sends them to
    /// all live members at once instead of in the next round.
    pub async fn publish(&self, changes: Vec<(String, Option<String>)>) {
        let peers = self.cluster.change(&changes).await;
        for addr in peers.into_iter().flatten() {
            self.cluster.contact(addr);
        }
        self.settled.notify_one();
    }

    /// Addresses of the other speakers according to the API server. Silent ones
    /// are contacted now and every second interval. Members that were found stay
    /// without this.
    pub fn set_peers(&self, peers: BTreeSet<SocketAddr>) {
        self.peers.send_replace(peers);
    }

    /// The time between two rounds of gossip.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// How long a death usually takes to be detected: five intervals. The earliest
    /// is three intervals after the last beat; the usual gap between beats grows
    /// with the cluster, so among a hundred members it can take seven.
    #[must_use]
    pub fn detection_time(&self) -> Duration {
        self.interval * DETECTION_INTERVALS
    }

    /// Leaves: ends the tasks and closes the socket. Sends nothing.
    pub async fn stop(self) {
        drop(self.cancel);
        // A driver that panicked has been reported by the closed view channel.
        let _ = self.driver.await;
        self.cluster.stop().await;
    }
}

fn with_port(advertise: SocketAddr, bound: u16) -> SocketAddr {
    match advertise.port() {
        0 => SocketAddr::new(advertise.ip(), bound),
        _ => advertise,
    }
}
