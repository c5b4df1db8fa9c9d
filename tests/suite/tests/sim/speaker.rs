//! One speaker: the shipped agent, fed from the simulated networks, with its outputs
//! carried out on them.

use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use ferrolb_speaker::eligibility::DesiredIps;
use ferrolb_speaker::gossip::View;
use ferrolb_speaker::layer2::agent::{Agent, Note, Output, Settings};
use ferrolb_speaker::layer2::gossip_keys::KeyChange;
use ferrolb_speaker::layer2::wire::answer::Owned;
use ferrolb_speaker::layer2::wire::frame::Purpose;

use ferrolb_core::key::NodeName;

use crate::scene::{DETECTION, INITIAL_PROBE, INTERVAL, REFRESH};
use crate::world::World;

/// The desired IPs.
pub(crate) type Desired = Arc<DesiredIps>;

/// The responder's state.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) owned: Owned,
    pub(crate) watched: HashSet<IpAddr>,
    pub(crate) renewed_until: Option<Instant>,
}

pub(crate) struct Speaker {
    pub(crate) agent: Agent,
    pub(crate) table: Table,
}

impl Speaker {
    /// A speaker that expects these peers, and whose lists are complete.
    pub(crate) fn new(
        node: NodeName,
        peers: BTreeSet<SocketAddr>,
        desired: Desired,
        now: Instant,
    ) -> Self {
        let settings = Settings {
            node,
            interval: INTERVAL,
            detection_time: DETECTION,
            refresh: Some(REFRESH),
            initial_probe: INITIAL_PROBE,
        };
        let mut agent = Agent::new(settings, now);
        agent.expect_peers(peers);
        agent.set_desired(desired);
        Self {
            agent,
            table: Table::default(),
        }
    }

    /// Whether it may own IPs: settled, with a link in use, and not leaving.
    pub(crate) fn is_willing(&self) -> bool {
        let agent = &self.agent;
        agent.is_settled() && !agent.links().is_empty() && !agent.is_leaving()
    }

    pub(crate) fn set_desired(&mut self, desired: Desired) {
        self.agent.set_desired(desired);
    }

    pub(crate) fn view_changed(&mut self, view: View) {
        self.agent.view_changed(Arc::new(view));
    }

    pub(crate) fn poll(&mut self, now: Instant) {
        self.agent.poll(now);
    }

    /// The responder answers for every IP that is claimed or announced, and for none whose
    /// claim is deleted: otherwise a neighbour gets no answer, or two.
    fn check(&self, output: &Output) {
        let answers = |ip: IpAddr| self.table.owned.contains_key(&ip);
        match output {
            Output::Publish(changes) => {
                for (ip, claimed) in changes.iter().filter_map(claim) {
                    assert_eq!(claimed, answers(ip), "{ip}: {output:?}");
                }
            }
            Output::Send(_, frame) if frame.purpose() == Purpose::Announcement => {
                assert!(answers(frame.claim().0), "{output:?}");
            }
            _ => {}
        }
    }
}

/// The IP of a claim, and whether it is set or deleted.
fn claim((key, value): &KeyChange) -> Option<(IpAddr, bool)> {
    let ip = key.strip_prefix("claim/")?.parse().ok()?;
    Some((ip, value.is_some()))
}

impl World {
    /// Carries out the outputs of a speaker, in their order.
    pub(super) fn carry_out(&mut self, station: usize) {
        let Some(process) = self.hosts[station].awake() else {
            return;
        };
        for output in process.speaker.agent.take_outputs() {
            self.carry_out_one(station, output);
        }
    }

    fn carry_out_one(&mut self, station: usize, output: Output) {
        let Some(process) = self.hosts[station].awake() else {
            return;
        };
        process.speaker.check(&output);
        let table = &mut process.speaker.table;
        match output {
            Output::Publish(changes) => self.publish(station, &changes),
            Output::Answer(owned) => table.owned = owned,
            Output::Watch(ips) => table.watched = ips,
            Output::Renew(until) => table.renewed_until = Some(until),
            Output::Send(_, frame) => self.send_frame(station, frame),
            Output::Note(Note::Action { action, .. }) => self.record(station, &action),
            Output::Note(_) => {}
        }
    }

    /// Sets keys, and opens an exchange with all live members.
    pub(super) fn publish(&mut self, station: usize, changes: &[KeyChange]) {
        let Some(process) = self.hosts[station].awake() else {
            return;
        };
        let members = process.member.publish(changes);
        let syn = process.member.syn();
        for to in members {
            self.send_datagram(station, to, &syn);
        }
    }
}
