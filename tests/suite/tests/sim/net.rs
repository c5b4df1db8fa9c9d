//! A network that loses, delays, duplicates and reorders messages, is partitioned, and
//! has ports that are dead in one direction. Gossip and the LAN are two of these, so that
//! each can fail alone.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::RngExt;
use rand_xorshift::XorShiftRng;

/// The usual longest delay, and the rare one.
const USUAL: Duration = Duration::from_millis(5);
pub(crate) const RARE: Duration = Duration::from_millis(30);
/// How often a message takes the rare delay, and how often it comes twice.
const RARELY: f64 = 0.005;
const TWICE: f64 = 0.002;

/// One network; stations are counted from 0.
#[derive(Debug)]
pub(crate) struct Net {
    /// The partition of each station.
    side: Vec<usize>,
    /// Stations that cannot send.
    pub(crate) tx_dead: BTreeSet<usize>,
    /// Stations that cannot receive.
    pub(crate) rx_dead: BTreeSet<usize>,
    /// How often a message is lost.
    loss: f64,
}

impl Net {
    pub(crate) fn new(stations: usize, loss: f64) -> Self {
        Self {
            side: vec![0; stations],
            tx_dead: BTreeSet::new(),
            rx_dead: BTreeSet::new(),
            loss,
        }
    }

    pub(crate) fn side(&self, station: usize) -> usize {
        self.side[station]
    }

    pub(crate) fn put(&mut self, station: usize, side: usize) {
        self.side[station] = side;
    }

    /// Whether a station sends and receives.
    pub(crate) fn works(&self, station: usize) -> bool {
        !self.tx_dead.contains(&station) && !self.rx_dead.contains(&station)
    }

    /// The delays after which a message arrives: none, one, or two.
    pub(crate) fn carry(&self, from: usize, to: usize, rng: &mut XorShiftRng) -> Vec<Duration> {
        let connected = self.side[from] == self.side[to]
            && !self.tx_dead.contains(&from)
            && !self.rx_dead.contains(&to);
        if !connected || (self.loss > 0.0 && rng.random_bool(self.loss)) {
            return Vec::new();
        }
        let times = if rng.random_bool(TWICE) { 2 } else { 1 };
        (0..times).map(|_| delay(rng)).collect()
    }
}

fn delay(rng: &mut XorShiftRng) -> Duration {
    let most = if rng.random_bool(RARELY) { RARE } else { USUAL };
    let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(rng.random_range(100..=micros))
}
