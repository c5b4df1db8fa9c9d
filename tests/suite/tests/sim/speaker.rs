//! One speaker: the pure parts of the real one, in the order of the engine's
//! turn. What the engine gives to gossip and to the wire is handed back.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ferrolb_speaker::announcer::Announcer;
use ferrolb_speaker::asker::Asker;
use ferrolb_speaker::demand::Wanted;
use ferrolb_speaker::facts::{Ground, Survey, survey};
use ferrolb_speaker::gossip::View;
use ferrolb_speaker::ownership::{Action, Node, Ownership, Timing};
use ferrolb_speaker::reach::LanLink;
use ferrolb_speaker::said::{self, AboutIps, KeyChange};
use ferrolb_speaker::watchlist::watchlist;
use ferrolb_speaker::watchman::Watchman;
use ferrolb_speaker::wire::answer::Owned;
use ferrolb_speaker::wire::frame::{Frame, Sign};
use ferrolb_speaker::wire::mac::Mac;
use ferrolb_speaker::wire::sightings::Sighting;

use crate::scene::{DETECTION, INTERVAL, PROBE_FRESH, REFRESH};

const SETTLE: Duration = Duration::from_secs(2);
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// What Services want.
pub(crate) type Demand = Rc<BTreeMap<IpAddr, Wanted>>;

/// What a turn asks of the edges.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Keys for gossip.
    pub(crate) said: Vec<KeyChange>,
    /// Frames for the LAN.
    pub(crate) frames: Vec<Frame>,
    /// What was decided, for the record.
    pub(crate) actions: Vec<Action>,
}

/// What the responder was told.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) owned: Owned,
    pub(crate) watched: HashSet<IpAddr>,
    pub(crate) vouched: Option<Instant>,
}

pub(crate) struct Speaker {
    node: Node,
    members: usize,
    demand: Demand,
    view: View,
    links: Vec<LanLink>,
    survey: Survey,
    stale: bool,
    settled: bool,
    ownership: Ownership,
    announcer: Announcer,
    asker: Asker,
    watchman: Watchman,
    stations: HashMap<Mac, Node>,
    claims: BTreeMap<IpAddr, u64>,
    said: AboutIps,
    said_isolated: bool,
    answering: BTreeMap<IpAddr, BTreeSet<u32>>,
    started: Instant,
    last_turn: Instant,
    draining_since: Option<Instant>,
    pub(crate) table: Table,
    pub(crate) effects: Effects,
}

impl Speaker {
    /// A speaker in a cluster of so many, whose lists are in.
    pub(crate) fn new(node: Node, members: usize, demand: Demand, now: Instant) -> Self {
        Self {
            ownership: Ownership::new(node.clone(), Timing::new(INTERVAL, PROBE_FRESH)),
            announcer: Announcer::new(Some(REFRESH)),
            asker: Asker::default(),
            watchman: Watchman::new(INTERVAL),
            node,
            members,
            demand,
            view: View::default(),
            links: Vec::new(),
            survey: Survey::default(),
            stale: true,
            settled: false,
            stations: HashMap::new(),
            claims: BTreeMap::new(),
            said: AboutIps::new(),
            said_isolated: false,
            answering: BTreeMap::new(),
            started: now,
            last_turn: now,
            draining_since: None,
            table: Table::default(),
            effects: Effects {
                said: vec![said::starting(true)],
                ..Effects::default()
            },
        }
    }

    pub(crate) fn claims(&self) -> &BTreeMap<IpAddr, u64> {
        &self.claims
    }

    pub(crate) fn answering(&self) -> &BTreeMap<IpAddr, BTreeSet<u32>> {
        &self.answering
    }

    /// Whether it may own anything: settled, and not leaving.
    pub(crate) fn is_willing(&self) -> bool {
        self.settled && self.draining_since.is_none()
    }

    pub(crate) fn demand_changed(&mut self, demand: Demand) {
        self.demand = demand;
        self.stale = true;
    }

    pub(crate) fn view_changed(&mut self, view: View) {
        self.view = view;
        self.stale = true;
    }

    pub(crate) fn links_changed(&mut self, links: Vec<LanLink>) {
        self.effects.said.push(said::links(&links));
        self.links = links;
        self.stale = true;
    }

    pub(crate) fn drain(&mut self, now: Instant) {
        self.draining_since = Some(now);
        self.stale = true;
        self.effects.said.push(said::draining());
    }

    pub(crate) fn has_left(&self, now: Instant) -> bool {
        self.draining_since
            .is_some_and(|since| self.claims.is_empty() || now - since > DRAIN_LIMIT)
    }

    /// The last word of one that leaves.
    pub(crate) fn retire(&self) -> Vec<KeyChange> {
        said::changes(&self.said, &AboutIps::new())
    }

    pub(crate) fn sighted(&mut self, seen: &Sighting) {
        if seen.sign == Sign::Tested {
            return;
        }
        if seen.sign == Sign::Told
            && let Some(node) = self.stations.get(&seen.mac)
        {
            self.watchman.heard(node, seen.link, seen.ip, seen.at);
        }
        let asked = self.ownership.asks(seen.ip);
        let facts = &self.survey.facts;
        let actions = self.ownership.heard(seen.ip, seen.mac, facts, seen.at);
        if asked && !self.ownership.asks(seen.ip) {
            self.asker.stop(seen.ip);
        }
        self.perform(actions, seen.at);
        self.publish_claims(seen.at);
    }

    pub(crate) fn turn(&mut self, now: Instant) {
        if now - self.last_turn > DETECTION / 2 {
            self.watchman.forget();
            let actions = self.ownership.doubt(now);
            self.perform(actions, now);
        }
        self.last_turn = now;
        self.settle(now);
        let news = self.refresh_facts(now) | self.look_at_wire(now);
        let due = self.ownership.next_deadline().is_some_and(|at| at <= now);
        if self.settled && (news || due) {
            let actions = self.ownership.step(&self.survey.facts, now);
            self.perform(actions, now);
            self.publish_claims(now);
        }
        self.publish_isolation();
        self.ask_and_announce(now);
        self.ask_stations(now);
        self.table.vouched = Some(now + DETECTION / 2);
    }

    pub(crate) fn next_deadline(&self) -> Instant {
        let heartbeat = self.last_turn + DETECTION / 8;
        let deadlines = [
            self.ownership.next_deadline(),
            self.announcer.next_deadline(),
            self.asker.next_deadline(),
            self.watchman.next_deadline(),
        ];
        let deadlines = deadlines.into_iter().flatten();
        deadlines.fold(heartbeat, Instant::min)
    }

    fn settle(&mut self, now: Instant) {
        if !self.settled {
            let others = self.view.members.values();
            let seen = 1 + others.filter(|other| other.alive).count();
            self.settled = seen >= self.members || now - self.started > SETTLE;
            if self.settled {
                self.stale = true;
                self.effects.said.push(said::starting(false));
            }
        }
    }

    fn refresh_facts(&mut self, now: Instant) -> bool {
        if !std::mem::take(&mut self.stale) {
            return false;
        }
        let ground = Ground {
            own_links: &self.links,
            wanted: &self.demand,
            answering: &self.answering,
            draining: self.draining_since.is_some(),
        };
        let wire = std::mem::take(&mut self.survey.facts.wire);
        let isolated = self.survey.facts.isolated;
        self.survey = survey(&self.node, &self.view, &ground);
        self.survey.facts.wire = wire;
        self.survey.facts.isolated = isolated;
        self.plan_watch(now);
        self.update_answering();
        true
    }

    fn plan_watch(&mut self, now: Instant) {
        let watch = self.ownership.look_ahead(&self.survey.facts);
        let list = watchlist(&watch, &self.survey, &self.links);
        let wanted = self.survey.facts.candidates.keys().copied();
        self.table.watched = wanted.chain(list.addresses()).collect();
        self.watchman.set(list, now);
        let others = self.survey.facts.others.iter();
        let stations = others.flat_map(|(node, other)| {
            let macs = other.macs.iter();
            macs.map(|mac| (*mac, node.clone()))
        });
        self.stations = stations.collect();
    }

    fn look_at_wire(&mut self, now: Instant) -> bool {
        let seen = self.watchman.on_wire(now);
        let isolated = self.watchman.is_isolated(now);
        let facts = &mut self.survey.facts;
        let news = seen != facts.wire || isolated != facts.isolated;
        facts.wire = seen;
        facts.isolated = isolated;
        news
    }

    fn perform(&mut self, actions: Vec<Action>, now: Instant) {
        for action in &actions {
            match action {
                Action::Ask { ip, until } => self.asker.start(*ip, now, *until),
                Action::TakeOver { ip, .. } | Action::Announce { ip } => {
                    self.announcer.start(*ip, now, now);
                }
                Action::Withdraw { ip, .. } => self.announcer.stop(*ip),
                Action::Conflict { .. } => {}
            }
        }
        if !actions.is_empty() {
            self.update_answering();
        }
        self.effects.actions.extend(actions);
    }

    fn update_answering(&mut self) {
        let ips = self.ownership.answering();
        let answering = ips.filter_map(|ip| Some((ip, self.survey.links.get(&ip)?.clone())));
        let answering: BTreeMap<IpAddr, BTreeSet<u32>> = answering.collect();
        if answering != self.answering {
            self.table.owned = answering.clone().into_iter().collect();
            self.answering = answering;
        }
    }

    fn publish_claims(&mut self, now: Instant) {
        let said = said::about_ips(&self.ownership, now);
        let changes = said::changes(&self.said, &said);
        self.stale |= !changes.is_empty();
        self.effects.said.extend(changes);
        self.said = said;
        self.claims = self.ownership.claims().collect();
    }

    fn publish_isolation(&mut self) {
        let isolated = self.survey.facts.isolated;
        if isolated != self.said_isolated {
            self.said_isolated = isolated;
            self.effects.said.push(said::isolated(isolated));
        }
    }

    fn ask_and_announce(&mut self, now: Instant) {
        for ip in self.asker.due(now) {
            self.send(ip, |link| vec![Frame::probe(ip, link.sender())]);
        }
        for ip in self.announcer.due(now) {
            if self.answering.contains_key(&ip) {
                self.send(ip, |link| Frame::announcements(ip, link.mac));
            }
        }
    }

    fn send(&mut self, ip: IpAddr, frames: impl Fn(&LanLink) -> Vec<Frame>) {
        let allowed = self.survey.links.get(&ip);
        let links = self.links.iter();
        let links = links.filter(|link| allowed.is_some_and(|it| it.contains(&link.index)));
        self.effects.frames.extend(links.flat_map(frames));
    }

    fn ask_stations(&mut self, now: Instant) {
        for question in self.watchman.due(now) {
            let mut links = self.links.iter();
            if let Some(link) = links.find(|link| link.index == question.link) {
                let frame = Frame::probe_to(question.ip, link.sender(), question.station);
                self.effects.frames.push(frame);
            }
        }
    }
}
