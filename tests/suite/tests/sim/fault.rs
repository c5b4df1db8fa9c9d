//! The faults of a cluster, and random sequences of them.

use std::time::Duration;

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_xorshift::XorShiftRng;

use crate::host::Freeze;

/// One fault, or the end of one; stations are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Puts a station on a part of the LAN.
    Lan(usize, usize),
    /// Puts a station on a part of the gossip network.
    Gossip(usize, usize),
    /// Whether a station's LAN port sends.
    Tx(usize, bool),
    /// Whether it receives.
    Rx(usize, bool),
    /// Whether its link has carrier.
    Carrier(usize, bool),
    /// Freezes a process or a machine, or resumes it.
    Freeze(usize, Freeze),
    /// Kills the speaker.
    Kill(usize),
    /// Switches the machine off.
    Off(usize),
    /// Starts the machine if it is off, and the speaker.
    Start(usize),
    /// Shuts the speaker down in order.
    Drain(usize),
    /// Whether a station is ineligible for the IP with this index.
    Ineligible(usize, usize, bool),
    /// A station's preference for the IP with this index.
    Prefer(usize, usize, u32),
}

/// Kinds of faults, from which a random sequence is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Lan,
    Gossip,
    Tx,
    Rx,
    Carrier,
    Process,
    Machine,
    Kill,
    Off,
    Drain,
    Ineligible,
    Prefer,
}

impl Kind {
    pub(crate) const ALL: [Self; 12] = [
        Self::Lan,
        Self::Gossip,
        Self::Tx,
        Self::Rx,
        Self::Carrier,
        Self::Process,
        Self::Machine,
        Self::Kill,
        Self::Off,
        Self::Drain,
        Self::Ineligible,
        Self::Prefer,
    ];

    /// A fault of this kind and how it ends.
    fn fault(self, station: usize, ips: usize, rng: &mut XorShiftRng) -> (Fault, Fault) {
        let ip = rng.random_range(0..ips);
        let side = rng.random_range(1..=2);
        match self {
            Self::Lan => (Fault::Lan(station, side), Fault::Lan(station, 0)),
            Self::Gossip => (Fault::Gossip(station, side), Fault::Gossip(station, 0)),
            Self::Tx => (Fault::Tx(station, false), Fault::Tx(station, true)),
            Self::Rx => (Fault::Rx(station, false), Fault::Rx(station, true)),
            Self::Carrier => (
                Fault::Carrier(station, false),
                Fault::Carrier(station, true),
            ),
            Self::Process => freeze(station, Freeze::Process),
            Self::Machine => freeze(station, Freeze::Machine),
            Self::Kill => (Fault::Kill(station), Fault::Start(station)),
            Self::Off => (Fault::Off(station), Fault::Start(station)),
            Self::Drain => (Fault::Drain(station), Fault::Start(station)),
            Self::Ineligible => (
                Fault::Ineligible(station, ip, true),
                Fault::Ineligible(station, ip, false),
            ),
            Self::Prefer => (
                Fault::Prefer(station, ip, rng.random_range(1..=3)),
                Fault::Prefer(station, ip, 0),
            ),
        }
    }
}

fn freeze(station: usize, freeze: Freeze) -> (Fault, Fault) {
    let end = Fault::Freeze(station, Freeze::No);
    (Fault::Freeze(station, freeze), end)
}

/// `count` faults at random times within `span`, each with its end.
pub(crate) fn script(
    kinds: &[Kind],
    count: usize,
    span: Duration,
    (stations, ips): (usize, usize),
    rng: &mut XorShiftRng,
) -> Vec<(Duration, Fault)> {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let mut script = Vec::new();
    for _ in 0..count {
        let Some(kind) = kinds.choose(rng) else {
            continue;
        };
        let station = rng.random_range(0..stations);
        let (fault, end) = kind.fault(station, ips, rng);
        let from = rng.random_range(0..millis);
        // Short faults are as interesting as long ones.
        let longest = if rng.random_bool(0.5) { 400 } else { millis };
        let until = (from + rng.random_range(1..=longest)).min(millis);
        script.push((Duration::from_millis(from), fault));
        script.push((Duration::from_millis(until), end));
    }
    script.sort_by_key(|(at, _)| *at);
    script
}
