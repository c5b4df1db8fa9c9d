//! Two namespaces joined by a veth pair: the responder in one, the client in the
//! other.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ferrolb_core::mac::Mac;
use ferrolb_lab::{netns, run, tools, wait};
use ferrolb_speaker::host::interfaces::Link;
use ferrolb_speaker::layer2::io::counters::WireCounters;
use ferrolb_speaker::layer2::io::responder::{Wire, WireEvent};
use nix::ifaddrs::getifaddrs;
use tokio::sync::mpsc;

/// The name of both ends, each in its own namespace.
const NIC: &str = "eth0";
/// The number of owned IPs: one for each probe that may be outstanding.
const IPS: u8 = 64;
/// Longer than any bench takes.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// The responder and its client; removed when dropped.
pub(super) struct Bench {
    names: [String; 2],
    wire: Option<Wire>,
}

impl Bench {
    /// Makes the namespaces and starts the responder's thread.
    pub(super) fn new() -> Result<Self> {
        tools::require_root()?;
        tools::require(&["ip", "nsenter"])?;
        let name = |of: &str| format!("flbench-{}-{of}", std::process::id());
        let mut bench = Self {
            names: [name("speaker"), name("client")],
            wire: None,
        };
        let [speaker, client] = &bench.names;
        netns::create(speaker)?;
        netns::create(client)?;
        run::line(&format!(
            "ip -n {speaker} link add {NIC} type veth peer name {NIC} netns {client}"
        ))?;
        for namespace in [speaker, client] {
            run::line(&format!("ip -n {namespace} link set {NIC} up"))?;
        }
        bench.wire = Some(netns::enter(speaker, || answer(&bench.ips()))??);
        Ok(bench)
    }

    /// The client's namespace.
    pub(super) fn client(&self) -> &str {
        &self.names[1]
    }

    /// The owned IPs.
    pub(super) fn ips(&self) -> Vec<Ipv4Addr> {
        (1..=IPS)
            .map(|last| Ipv4Addr::new(192, 0, 2, last))
            .collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(wire) = self.wire.take() {
            wire.stop();
        }
        for name in &self.names {
            // One that was never created is gone already.
            let _ = netns::delete(name);
        }
    }
}

/// Starts the responder in the namespace of the calling thread; it answers for
/// these IPs on return.
fn answer(ips: &[Ipv4Addr]) -> Result<Wire> {
    let (sender, mut events) = mpsc::unbounded_channel();
    let wire = Wire::start(sender, Arc::new(WireCounters::default()))?;
    let link = link()?;
    let index = link.index;
    wire.renew(Instant::now() + LONG);
    wire.set_links(vec![link]);
    let links = BTreeSet::from([index]);
    let owned: HashMap<IpAddr, BTreeSet<u32>> = ips
        .iter()
        .map(|ip| (IpAddr::V4(*ip), links.clone()))
        .collect();
    wire.set_owned(owned);
    let opened = wait::until(
        "the responder's socket",
        Duration::from_secs(5),
        || match events.try_recv() {
            Ok(WireEvent::LinkOpened { .. }) => Ok(true),
            Ok(WireEvent::LinkFailed { .. }) => Ok(false),
            other => Err(format!("{other:?}")),
        },
    )?;
    if !opened {
        bail!("cannot open the responder's socket");
    }
    Ok(wire)
}

fn link() -> Result<Link> {
    let address = getifaddrs()?
        .filter(|interface| interface.interface_name == NIC)
        .find_map(|interface| interface.address?.as_link_addr().copied())
        .with_context(|| format!("there is no NIC {NIC}"))?;
    Ok(Link {
        index: u32::try_from(address.ifindex())?,
        name: NIC.to_owned(),
        mac: Mac(address.addr().context("the NIC has no hardware address")?),
        up: true,
        carrier: true,
        carrier_changes: 1,
        loopback: false,
        noarp: false,
        master: None,
        addresses: Vec::new(),
    })
}
