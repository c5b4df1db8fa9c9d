//! A claim about a host that fills the HTTP port of a speaker's node with idle
//! connections: nobody notices.

use std::collections::VecDeque;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use ferrolb_lab::lab::Lab;
use ferrolb_lab::plan::{self, Network};
use ferrolb_lab::{netns, observe};

use crate::failover::{GRACEFUL_BOUND, SettledService, bounded, summary};
use crate::failure::{Failure, ensure};
use crate::fixture::{Fixture, SYSTEM, note};

/// Readiness is probed every second and fails after three.
const DURATION: Duration = Duration::from_secs(15);
/// A speaker that kept them was killed for its memory at 6,375.
const MINIMUM: usize = 8_000;
/// Connections the client holds, the newest.
const HELD: usize = 10_000;
/// How much more memory the speaker may use.
const GROWTH: f64 = 16.0 * 1024.0 * 1024.0;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) fn do_not_disturb_a_speaker(fixture: &Fixture) -> Result<(), Failure> {
    let settled = SettledService::of(fixture)?;
    let (lab, owner) = (settled.lab, settled.owner);
    let before = (memory(lab, owner)?, restarts(fixture, owner)?);
    let probe = settled.probe()?;

    let address = SocketAddr::from((node_address(owner)?, 9617));
    let (opened, held) = netns::enter(&lab.client_namespace(), || fill(address))?;
    let during = memory(lab, owner)?;
    let silence = probe.finish()?;
    drop(held);
    note(&format!(
        "{opened} connections opened in {} s; speaker at {:.1} MiB before, {:.1} MiB with them; {}",
        DURATION.as_secs(),
        before.0 / 1024.0 / 1024.0,
        during / 1024.0 / 1024.0,
        summary(&silence)
    ));

    ensure(opened >= MINIMUM, || {
        format!("only {opened} connections were opened")
    })?;
    ensure(during < before.0 + GROWTH, || {
        format!("resident bytes grew from {} to {during}", before.0)
    })?;
    let after = restarts(fixture, owner)?;
    ensure(after == before.1, || {
        format!("restarts and readiness: {}, then {after}", before.1)
    })?;
    let now = observe::wait_for_one_owner(lab, settled.ip, DURATION)?;
    ensure(now == owner, || {
        format!("node {now} took the IP over from node {owner}")
    })?;
    bounded(&silence, GRACEFUL_BOUND)
}

fn node_address(node: u8) -> Result<std::net::Ipv4Addr, Failure> {
    Ok(Network::Lan.v4(plan::node_host(node)).parse()?)
}

/// Opens connections with half a request as fast as one client can, and holds them.
fn fill(address: SocketAddr) -> (usize, VecDeque<TcpStream>) {
    let (start, mut opened) = (Instant::now(), 0);
    let mut held = VecDeque::new();
    while start.elapsed() < DURATION {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(mut stream) => {
                // The speaker may have closed it already.
                let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n");
                opened += 1;
                held.push_back(stream);
            }
            // No descriptor or port is left, or the accept queue is full.
            Err(_) => drop(held.pop_front()),
        }
        if held.len() > HELD {
            held.pop_front();
        }
    }
    (opened, held)
}

/// The resident bytes of the node's speaker, as it reports them to the client.
fn memory(lab: &Lab, node: u8) -> Result<f64, Failure> {
    let url = format!("http://{}:9617/metrics", node_address(node)?);
    let metrics = lab.client(["curl", "-fsS", "--retry", "3", "--max-time", "5", &url])?;
    let name = "process_resident_memory_bytes ";
    let value = metrics.lines().find_map(|line| line.strip_prefix(name));
    let value = value.ok_or_else(|| Failure::new(format!("{url} has no {name}")))?;
    Ok(value.parse()?)
}

/// Restarts and readiness of the node's speaker.
fn restarts(fixture: &Fixture, node: u8) -> Result<String, Failure> {
    let pods = fixture.pods("speaker", Some(node))?;
    let fields = "-ojsonpath={.metadata.name} \
                  {.status.containerStatuses[0].restartCount} \
                  {.status.containerStatuses[0].ready}";
    let mut args = vec!["-n", SYSTEM, "get", fields];
    args.extend(pods.iter().map(String::as_str));
    Ok(fixture.lab.kubectl(args)?)
}
