//! Finds who answers ARP for an address, by `arping` (package iputils-arping) in
//! a namespace whose NIC is `eth0`.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use crate::error::LabError;
use crate::{netns, run};

/// The MACs, in lower case, that answered three ARP requests, one second apart.
/// Every request is a broadcast, so that a second owner is detected too.
pub fn answerers(namespace: &str, ip: Ipv4Addr) -> Result<BTreeSet<String>, LabError> {
    request(namespace, ip, "3")
}

/// Whether one broadcast ARP request is answered within a second.
pub fn is_answered(namespace: &str, ip: Ipv4Addr) -> Result<bool, LabError> {
    request(namespace, ip, "1").map(|macs| !macs.is_empty())
}

/// `arping` exits with status 1 when a request is not answered, which is not an
/// error here; its last lines show whether it sent any.
fn request(namespace: &str, ip: Ipv4Addr, count: &str) -> Result<BTreeSet<String>, LabError> {
    let ip = ip.to_string();
    let argv = ["arping", "-b", "-c", count, "-w", count, "-I", "eth0", &ip];
    let mut command = netns::exec(namespace, argv);
    let rendered = run::render(&command);
    let output = command.output().map_err(|source| LabError::Start {
        command: rendered.clone(),
        source,
    })?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if stdout.contains("Sent ") {
        return Ok(macs(&stdout));
    }
    let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(LabError::Failed {
        command: rendered,
        status: output.status,
        stderr,
    })
}

/// The MACs in lines such as
/// `Unicast reply from 10.77.0.240 [02:FE:00:77:00:0B]  0.712ms`.
fn macs(output: &str) -> BTreeSet<String> {
    let mac = |line: &str| {
        let (_, rest) = line.split_once(" reply from ")?;
        let (_, rest) = rest.split_once('[')?;
        rest.split_once(']')
            .map(|(mac, _)| mac.to_ascii_lowercase())
    };
    output.lines().filter_map(mac).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answering_mac_is_listed_once() {
        let output = "ARPING 10.77.0.240 from 10.77.0.200 eth0\n\
            Unicast reply from 10.77.0.240 [02:FE:00:77:00:0B]  0.712ms\n\
            Unicast reply from 10.77.0.240 [02:FE:00:77:00:0C]  0.802ms\n\
            Unicast reply from 10.77.0.240 [02:FE:00:77:00:0B]  0.600ms\n\
            Sent 3 probes (3 broadcast(s))\nReceived 3 response(s)\n";
        let expected = ["02:fe:00:77:00:0b", "02:fe:00:77:00:0c"].map(str::to_owned);
        assert_eq!(macs(output), BTreeSet::from(expected));
    }

    #[test]
    fn no_reply_gives_no_mac() {
        assert!(macs("ARPING 10.77.0.240 from 10.77.0.200 eth0\nSent 3 probes\n").is_empty());
    }
}
