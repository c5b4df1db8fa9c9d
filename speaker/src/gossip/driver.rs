//! The task that owns the roster: it shows every change at once and greets
//! those that are not heard, so that gossip forms and heals without seeds.

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

/// The unheard are greeted every so many intervals. chitchat greets one of the
/// dead now and then, too seldom for a quick heal.
const GREET_EVERY: usize = 2;
/// At most so many at a time.
const GREET_MOST: usize = 8;

pub(super) struct Keeper {
    pub(super) cluster: Arc<Cluster>,
    pub(super) roster: Roster,
    pub(super) view: watch::Sender<Arc<View>>,
    pub(super) peers: watch::Receiver<BTreeSet<SocketAddr>>,
    /// Rings when chitchat has finished anything that may be a change.
    pub(super) settled: Arc<Notify>,
    pub(super) interval: Duration,
}

impl Keeper {
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
                outcome = &mut ended => return report(outcome),
                () = self.settled.notified() => {}
                changed = self.peers.changed() => match changed {
                    Ok(()) => self.greet(ticks),
                    Err(_) => return,
                },
                _ = tick.tick() => {
                    ticks = ticks.wrapping_add(1);
                    if ticks.is_multiple_of(GREET_EVERY) {
                        self.greet(ticks / GREET_EVERY);
                    }
                }
            }
            self.refresh().await;
        }
    }

    fn greet(&self, round: usize) {
        let peers = self.peers.borrow().clone();
        for addr in self.roster.unheard(&peers, round, GREET_MOST) {
            self.cluster.greet(addr);
        }
    }

    async fn refresh(&mut self) {
        let known = |who: &_| self.roster.version(who);
        let sightings = self.cluster.sightings(known).await;
        if let Some(view) = self.roster.update(sightings, Instant::now()) {
            self.view.send_replace(Arc::new(view));
        }
    }
}

fn report(outcome: Result<(), String>) {
    match outcome {
        Ok(()) => error!("gossip ended although nobody asked it to"),
        Err(reason) => error!(reason, "gossip failed"),
    }
}
