//! Claims of other hosts on IPs, thinned out so that a flood on the LAN cannot
//! flood the engine. Pure: time comes with each sighting.
//!
//! Within a short window the first sighting of each (link, IP, MAC) passes at
//! once; of later ones only the last is kept and passes when the window ends. So
//! an answer to a probe is delayed by one window at most, and never lost behind an
//! older sighting.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::answer::OwnedOnLink;
use super::frame::FrameKind;
use ferrolb_core::mac::Mac;

/// Shortest window.
const WINDOW: Duration = Duration::from_millis(10);
/// The window grows with its contents: at most 50,000 sightings a second pass.
const PER_SIGHTING: Duration = Duration::from_micros(20);
/// More claimants than this for one IP within one window add no information.
const CLAIMANTS: usize = 4;

/// Another host claimed an IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// Kernel index of the link on which the frame was received.
    pub link: u32,
    /// The IP.
    pub ip: IpAddr,
    /// The hardware address that the host gave.
    pub mac: Mac,
    /// What the frame is to the IP.
    pub kind: FrameKind,
    /// When it was read from the socket.
    pub at: Instant,
}

/// Whether a frame of this kind that claims `ip` is reported: a test of an IP
/// owned on the link it came in on, or any other claim on a watched IP.
#[must_use]
pub fn is_of_interest(
    kind: FrameKind,
    ip: IpAddr,
    owned: OwnedOnLink<'_>,
    watched: &HashSet<IpAddr>,
) -> bool {
    match kind {
        FrameKind::DadProbe => owned.contains(ip),
        FrameKind::Request | FrameKind::Reply | FrameKind::Gratuitous => watched.contains(&ip),
    }
}

/// The sightings of the current window.
#[derive(Debug, Default)]
pub struct Sightings {
    opened: Option<Instant>,
    claimants: HashMap<(u32, IpAddr), Vec<Claimant>>,
    count: u32,
}

#[derive(Debug)]
struct Claimant {
    mac: Mac,
    kept: Option<Sighting>,
}

impl Sightings {
    /// Adds a sighting; returns it if it passes at once.
    pub fn observe(&mut self, sighting: Sighting) -> Option<Sighting> {
        self.opened.get_or_insert(sighting.at);
        let claimants = self
            .claimants
            .entry((sighting.link, sighting.ip))
            .or_default();
        if let Some(claimant) = claimants.iter_mut().find(|s| s.mac == sighting.mac) {
            claimant.kept = Some(sighting);
            return None;
        }
        if claimants.len() >= CLAIMANTS {
            return None;
        }
        claimants.push(Claimant {
            mac: sighting.mac,
            kept: None,
        });
        self.count = self.count.saturating_add(1);
        Some(sighting)
    }

    /// When the window ends and `flush` is due.
    #[must_use]
    pub fn ends(&self) -> Option<Instant> {
        let window = WINDOW.max(PER_SIGHTING.saturating_mul(self.count));
        self.opened.map(|opened| opened + window)
    }

    /// At the end of the window, the kept sightings pass and open a new one.
    pub fn flush(&mut self, now: Instant) -> Vec<Sighting> {
        if self.ends().is_none_or(|end| now < end) {
            return Vec::new();
        }
        let mut passed = Vec::new();
        self.claimants.retain(|_, claimants| {
            claimants.retain_mut(|claimant| {
                let kept = claimant.kept.take();
                passed.extend(kept);
                kept.is_some()
            });
            !claimants.is_empty()
        });
        self.count = u32::try_from(passed.len()).unwrap_or(u32::MAX);
        self.opened = (!passed.is_empty()).then_some(now);
        passed
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::{Duration, Instant};

    use super::{CLAIMANTS, FrameKind, Mac, Sighting, Sightings, WINDOW};

    fn sighting(ip: u32, mac: u8, at: Instant) -> Sighting {
        Sighting {
            link: 1,
            ip: Ipv4Addr::from(ip).into(),
            mac: Mac([2, 0, 0, 0, 0, mac]),
            kind: FrameKind::Reply,
            at,
        }
    }

    #[test]
    fn the_first_of_each_claimant_passes_at_once() {
        let (mut sightings, now) = (Sightings::default(), Instant::now());
        for ip in 0..1000 {
            assert!(sightings.observe(sighting(ip, 1, now)).is_some());
            assert!(sightings.observe(sighting(ip, 2, now)).is_some());
        }
    }

    #[test]
    fn a_repeated_sighting_passes_when_the_window_ends() {
        let (mut sightings, now) = (Sightings::default(), Instant::now());
        let last = sighting(7, 1, now + Duration::from_millis(2));
        sightings.observe(sighting(7, 1, now));
        assert_eq!(sightings.observe(sighting(7, 1, now)), None);
        assert_eq!(sightings.observe(last), None);
        assert_eq!(sightings.flush(now + WINDOW / 2), []);
        assert_eq!(sightings.flush(now + WINDOW), [last]);
    }

    #[test]
    fn a_flood_passes_once_per_window_and_leaves_nothing_behind() {
        let (mut sightings, mut now) = (Sightings::default(), Instant::now());
        let mut passed = 0;
        for _ in 0..1000 {
            now += Duration::from_micros(100);
            passed += sightings.flush(now).len();
            passed += usize::from(sightings.observe(sighting(7, 1, now)).is_some());
        }
        assert!(passed <= 11, "{passed} passed in 100 ms");
        sightings.flush(now + WINDOW);
        sightings.flush(now + WINDOW * 2);
        assert!(sightings.claimants.is_empty() && sightings.ends().is_none());
    }

    #[test]
    fn forged_claimants_of_one_address_are_bounded() {
        let (mut sightings, now) = (Sightings::default(), Instant::now());
        let passed = (0..=255)
            .filter(|mac| sightings.observe(sighting(7, *mac, now)).is_some())
            .count();
        assert_eq!(passed, CLAIMANTS);
    }

    #[test]
    fn the_window_grows_with_what_passes() {
        let (mut sightings, now) = (Sightings::default(), Instant::now());
        for ip in 0..5000 {
            sightings.observe(sighting(ip, 1, now));
        }
        assert_eq!(sightings.ends(), Some(now + Duration::from_millis(100)));
    }
}
