//! The task that owns the roster: it publishes every change at once and contacts
//! peers that are silent, so that gossip forms and heals without seeds.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::cluster::Cluster;
use super::roster::Roster;
use super::view::View;

/// Silent peers are contacted every this many intervals. chitchat contacts one
/// dead member now and then, too rarely to heal quickly.
const CONTACT_EVERY: usize = 2;
/// Peers contacted at a time, at most.
const CONTACT_MAX: usize = 8;

pub(super) struct Driver {
    pub(super) cluster: Arc<Cluster>,
    pub(super) roster: Roster,
    pub(super) view: watch::Sender<Arc<View>>,
    pub(super) peers: watch::Receiver<BTreeSet<SocketAddr>>,
    /// Notified when chitchat has finished anything that may be a change.
    pub(super) settled: Arc<Notify>,
    pub(super) interval: Duration,
}

impl Driver {
    /// Runs until cancelled, or until chitchat ends by itself: then the view's
    /// channel closes.
    pub(super) async fn run(mut self, cancel: CancellationToken) {
        let ended = self.cluster.ended();
        tokio::pin!(ended);
        let mut tick = interval(self.interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ticks: usize = 0;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                result = &mut ended => return log_end(result),
                () = self.settled.notified() => {}
                changed = self.peers.changed() => match changed {
                    Ok(()) => self.contact(ticks),
                    Err(_) => return,
                },
                _ = tick.tick() => {
                    ticks = ticks.wrapping_add(1);
                    if ticks.is_multiple_of(CONTACT_EVERY) {
                        self.contact(ticks / CONTACT_EVERY);
                    }
                }
            }
            self.refresh().await;
        }
    }

    fn contact(&self, round: usize) {
        let peers = self.peers.borrow().clone();
        for addr in self.roster.to_contact(&peers, round, CONTACT_MAX) {
            self.cluster.contact(addr);
        }
    }

    async fn refresh(&mut self) {
        let known = |who: &_| self.roster.version(who);
        let observations = self.cluster.observations(known).await;
        if let Some(view) = self.roster.update(observations, Instant::now()) {
            self.view.send_replace(Arc::new(view));
        }
    }
}

fn log_end(result: Result<(), String>) {
    match result {
        Ok(()) => error!("gossip task exited unexpectedly"),
        Err(error) => error!(error, "gossip task failed"),
    }
}
