//! The probes and announcements for IPs that follow from the election's actions.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::output::{Output, Outputs};
use super::published::AnsweredOn;
use crate::layer2::announcer::Announcer;
use crate::layer2::election::Action;
use crate::layer2::links::LanLink;
use crate::layer2::prober::Prober;
use crate::layer2::wire::frame::Frame;

/// When to send what for which IP.
#[derive(Debug)]
pub(super) struct Transmissions {
    prober: Prober,
    announcer: Announcer,
}

impl Transmissions {
    /// `refresh` is the gap between announcements when nothing changes.
    pub(super) fn new(refresh: Option<Duration>) -> Self {
        Self {
            prober: Prober::default(),
            announcer: Announcer::new(refresh),
        }
    }

    /// Starts or stops what an action asks for. `last_sign` is when the previous
    /// owner of an IP that is taken over was last heard.
    pub(super) fn apply(&mut self, action: &Action, last_sign: Option<Instant>, now: Instant) {
        match action {
            Action::Probe { ip, until } => self.prober.start(*ip, now, *until),
            Action::TakeOver { ip, .. } => {
                self.announcer.start(*ip, last_sign.unwrap_or(now), now);
            }
            Action::Announce { ip } => self.announcer.start(*ip, now, now),
            Action::Withdraw { ip, .. } => self.announcer.stop(*ip),
            Action::Conflict { .. } => {}
        }
    }

    pub(super) fn stop_probing(&mut self, ip: IpAddr) {
        self.prober.stop(ip);
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let both = [self.prober.next_timeout(), self.announcer.next_timeout()];
        both.into_iter().flatten().min()
    }

    /// Sends what is due. Only IPs that this node answers for are announced.
    pub(super) fn send_due(
        &mut self,
        routes: &Routes<'_>,
        answering: &AnsweredOn,
        now: Instant,
        outputs: &mut Outputs,
    ) {
        for ip in self.prober.due(now) {
            routes.send(ip, |link| vec![Frame::probe(ip, link.sender())], outputs);
        }
        for ip in self.announcer.due(now) {
            if answering.contains_key(&ip) {
                routes.send(ip, |link| Frame::announcements(ip, link.mac), outputs);
            }
        }
    }
}

/// The links that are used, and those on which each IP may be announced.
pub(super) struct Routes<'a> {
    pub(super) links: &'a [LanLink],
    pub(super) links_of: &'a BTreeMap<IpAddr, BTreeSet<u32>>,
}

impl Routes<'_> {
    /// Sends frames on each of this node's links for an IP.
    fn send(&self, ip: IpAddr, frames: impl Fn(&LanLink) -> Vec<Frame>, outputs: &mut Outputs) {
        let allowed = self.links_of.get(&ip);
        for link in self.links {
            if allowed.is_some_and(|links| links.contains(&link.index)) {
                for frame in frames(link) {
                    outputs.push(Output::Send(link.index, frame));
                }
            }
        }
    }
}
