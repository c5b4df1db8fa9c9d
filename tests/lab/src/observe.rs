//! Observes a Service: its addresses in the cluster, its answer on the LAN, and the
//! nodes that answer ARP for it. Shared by the demo and the suites; read-only.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::error::LabError;
use crate::lab::Lab;
use crate::probe::{Responder, arp};
use crate::{netns, plan, run, wait};

/// The external IPs in a Service's status, in order; empty while it has none.
pub fn external_ips(lab: &Lab, namespace: &str, service: &str) -> Result<Vec<IpAddr>, LabError> {
    let path = "-ojsonpath={.status.loadBalancer.ingress[*].ip}";
    let ips = lab.kubectl(["-n", namespace, "get", "service", service, path])?;
    let parse = |ip: &str| {
        ip.parse().map_err(|_| LabError::UnexpectedAnswer {
            origin: format!("the status of Service {namespace}/{service}"),
            answer: ip.to_owned(),
        })
    };
    ips.split_whitespace().map(parse).collect()
}

/// Waits for a Service's IPv4 external IP.
pub fn wait_for_ip(lab: &Lab, namespace: &str, service: &str) -> Result<Ipv4Addr, LabError> {
    let what = format!("an external IPv4 address of Service {namespace}/{service}");
    wait::until(&what, Duration::from_secs(30), || {
        let ips = external_ips(lab, namespace, service).map_err(|error| error.sentence())?;
        let v4 = |ip: &IpAddr| match ip {
            IpAddr::V4(ip) => Some(*ip),
            IpAddr::V6(_) => None,
        };
        ips.iter()
            .find_map(v4)
            .ok_or_else(|| format!("the status contains {ips:?}"))
    })
}

/// Runs curl on the client once and returns who answered.
pub fn curl(lab: &Lab, ip: Ipv4Addr) -> Result<Responder, LabError> {
    let url = format!("http://{ip}/");
    let argv = [
        "curl",
        "--silent",
        "--show-error",
        "--fail",
        "--max-time",
        "2",
        &url,
    ];
    let answer = run::output(&mut netns::exec(&lab.client_namespace(), argv))?;
    Responder::parse(&answer).ok_or(LabError::UnexpectedAnswer {
        origin: url,
        answer,
    })
}

/// Waits until curl on the client gets an answer.
pub fn wait_for_answer(lab: &Lab, ip: Ipv4Addr) -> Result<Responder, LabError> {
    wait::until(
        &format!("an answer from http://{ip}/"),
        Duration::from_secs(30),
        || curl(lab, ip).map_err(|error| error.sentence()),
    )
}

/// The nodes that answer ARP requests of the client for an address.
pub fn owners(lab: &Lab, ip: Ipv4Addr) -> Result<Vec<u8>, LabError> {
    let macs = arp::answerers(&lab.client_namespace(), ip)?;
    macs.iter().map(|mac| node_of(mac, ip)).collect()
}

/// The node whose NIC has this MAC.
fn node_of(mac: &str, ip: Ipv4Addr) -> Result<u8, LabError> {
    (1..=plan::MAX_NODES)
        .find(|node| plan::Network::Lan.mac(plan::node_host(*node)) == mac)
        .ok_or_else(|| LabError::UnknownMac {
            ip,
            mac: mac.to_owned(),
        })
}

/// Waits until exactly one node answers ARP for an address, and returns it.
pub fn wait_for_one_owner(lab: &Lab, ip: Ipv4Addr, within: Duration) -> Result<u8, LabError> {
    wait::until(
        &format!("exactly one node to answer ARP for {ip}"),
        within,
        || match owners(lab, ip)
            .map_err(|error| error.sentence())?
            .as_slice()
        {
            [owner] => Ok(*owner),
            several => Err(format!("nodes {several:?} answer")),
        },
    )
}

/// The nodes that have an address on any interface; there should be none.
pub fn carriers(lab: &Lab, ip: IpAddr) -> Result<Vec<String>, LabError> {
    let mut found = Vec::new();
    for node in 1..=lab.nodes() {
        let argv = ["ip", "-oneline", "address", "show"];
        let addresses = run::output(&mut netns::exec(&lab.node_namespace(node), argv))?;
        if carries(&addresses, ip) {
            found.push(plan::node_name(node));
        }
    }
    Ok(found)
}

/// Whether the output of `ip -oneline address` names this address.
fn carries(addresses: &str, ip: IpAddr) -> bool {
    let of_word = |word: &str| {
        word.split('/')
            .next()
            .and_then(|ip| ip.parse::<IpAddr>().ok())
    };
    addresses
        .split_whitespace()
        .filter_map(of_word)
        .any(|found| found == ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_whatever_its_prefix_length() {
        let output = "2: eth0    inet 10.77.0.11/24 brd 10.77.0.255 scope global eth0\n\
            2: eth0    inet6 fd77::11/64 scope global nodad\n";
        assert!(carries(output, "10.77.0.11".parse().unwrap()));
        assert!(carries(output, "fd77:0::11".parse().unwrap()));
        assert!(!carries(output, "10.77.0.1".parse().unwrap()));
    }
}
