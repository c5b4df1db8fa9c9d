//! `make bench-engine`: how long one change keeps the engine busy when there are many IPs
//! and nodes. The code under test does no I/O and is measured in memory. A poll that takes
//! half of the detection time counts as a stall.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ferrolb_core::mac::Mac;
use ferrolb_speaker::eligibility::{DesiredIp, DesiredIps, NodeEligibility};
use ferrolb_speaker::gossip::{Member, View};
use ferrolb_speaker::layer2::election::{Election, ElectionView, LanState, Timing};
use ferrolb_speaker::layer2::gossip_keys;
use ferrolb_speaker::layer2::links::LanLink;
use ferrolb_speaker::layer2::snapshot::{SnapshotSources, take_snapshot};

use crate::figures::{Figures, Table};
use crate::say;

/// IPs and nodes of each row.
const SIZES: [(u32, u32); 4] = [(100, 10), (1_000, 10), (5_000, 10), (5_000, 30)];

/// How to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct EngineArgs {
    /// Changes for each row.
    #[arg(long, default_value_t = 20)]
    changes: u32,
}

/// Measures, and prints the table.
pub(crate) fn run(args: &EngineArgs) -> Result<()> {
    let head = [
        "IPs", "nodes", "snapshot", "plan", "decide", "publish", "all ms", "max ms",
    ];
    let mut table = Table::new(2, &head);
    for (ips, nodes) in SIZES {
        let scene = Scene::new(ips, nodes);
        let mut parts = vec![Vec::new(); 5];
        for _ in 0..args.changes {
            let times = scene.change();
            let all = times.iter().sum();
            for (part, time) in parts.iter_mut().zip(times.into_iter().chain([all])) {
                part.push(time.as_secs_f64() * 1e3);
            }
        }
        let mut cells = vec![ips.to_string(), nodes.to_string()];
        let figures = parts.iter().map(|part| Figures::of(part));
        let figures: Option<Vec<Figures>> = figures.collect();
        let figures = figures.context("nothing was measured")?;
        cells.extend(figures.iter().map(|part| format!("{:.2}", part.median)));
        cells.extend(figures.last().map(|all| format!("{:.2}", all.max)));
        table.row(cells);
    }
    for line in table.lines() {
        say::print(&line);
    }
    Ok(())
}

/// A node among others, of which the last is dead. Each owns its share of the IPs.
struct Scene {
    view: View,
    desired: DesiredIps,
    links: Vec<LanLink>,
}

impl Scene {
    fn new(ips: u32, nodes: u32) -> Self {
        let ip = |number: u32| IpAddr::from(Ipv4Addr::from_bits(0x0ac8_0000 + number));
        let eligible: BTreeMap<String, NodeEligibility> = (0..nodes)
            .map(|node| (name(node), NodeEligibility::default()))
            .collect();
        let desired = DesiredIp {
            nodes: eligible,
            no_common_node: false,
        };
        let members = (1..nodes).map(|node| {
            let claims = (0..ips).filter(|number| number % nodes == node);
            let claims = claims.map(|number| (format!("claim/{}", ip(number)), "1".to_owned()));
            let (links, value) = gossip_keys::links(&[link(node)]);
            let links = value.map(|value| (links, value));
            let member = Member {
                node: name(node),
                generation: 1,
                addr: SocketAddr::from(([127, 0, 0, 1], 9618)),
                alive: node + 1 < nodes,
                silent_since: None,
                state: claims.chain(links).collect(),
            };
            (name(node), member)
        });
        Self {
            view: View {
                members: members.collect(),
            },
            desired: (0..ips)
                .map(|number| (ip(number), Arc::new(desired.clone())))
                .collect(),
            links: vec![link(0)],
        }
    }

    /// The times of the parts of a poll after a member was lost.
    fn change(&self) -> [Duration; 4] {
        let now = Instant::now();
        let timing = Timing::default();
        let mut election = Election::new(name(0), timing);
        let sources = SnapshotSources {
            own_links: &self.links,
            held_down_links: &[],
            desired: &self.desired,
            answering: &BTreeMap::new(),
            draining: false,
        };
        let mut clock = Clock(Instant::now());
        let snapshot = take_snapshot(&name(0), &self.view, &sources);
        let snapshot_time = clock.lap();
        let (me, lan) = (name(0), LanState::default());
        let mut view = ElectionView::new(&me, &snapshot.input, &lan, 0);
        let monitored = election.plan(&view);
        let plan_time = clock.lap();
        let actions = election.step(&mut view, now);
        let step_time = clock.lap();
        let keys = gossip_keys::ip_keys(&election, now);
        let changes = gossip_keys::changes(&BTreeMap::new(), &keys);
        let publish_time = clock.lap();
        std::hint::black_box((monitored, actions, changes));
        [snapshot_time, plan_time, step_time, publish_time]
    }
}

struct Clock(Instant);

impl Clock {
    fn lap(&mut self) -> Duration {
        let before = std::mem::replace(&mut self.0, Instant::now());
        self.0 - before
    }
}

fn name(node: u32) -> String {
    format!("worker-{node}.example.org")
}

fn link(node: u32) -> LanLink {
    let [_, _, high, low] = node.to_be_bytes();
    let address = Ipv4Addr::new(10, 201, high, low);
    LanLink {
        index: 2,
        name: "eth0".to_owned(),
        mac: Mac([2, 0, 0, 0, high, low]),
        subnets: format!("{address}/8").parse().into_iter().collect(),
    }
}
