//! What this node has to say about each Service whose IPs it holds, or may not
//! hold because of a stranger: the contents of its `ServiceL2Status` objects.
//! Pure; how they are written is `k8s/l2_status`.

mod object;
mod plan;
pub mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::layer2::election::{Action, Cause, Epoch};
use crate::layer2::links::LanLink;
use ferrolb_core::key::NodeName;
use ferrolb_core::key::ObjectKey;
use ferrolb_core::mac::Mac;

/// What one node says about one Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct L2Status {
    /// The Service.
    pub service: ObjectKey,
    /// Its IPs that the node answers for, with the epoch of its claim on each.
    pub announces: BTreeMap<IpAddr, Epoch>,
    /// Its IPs that the node would answer for if a stranger did not hold them.
    pub conflicts: BTreeMap<IpAddr, Mac>,
    /// The interfaces on which it answers.
    pub interfaces: BTreeSet<String>,
}

/// What another node said before it fell silent, and this node knows better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SupersededStatus {
    /// The IP that this node took from it.
    pub ip: IpAddr,
    /// With which epoch: the other's claim was lower.
    pub epoch: Epoch,
}

/// Everything this node has to say, by the names of the objects that say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct L2Statuses {
    /// Its own objects.
    pub own: BTreeMap<String, L2Status>,
    /// Objects of nodes that died, to be removed in their place.
    pub superseded: BTreeMap<String, SupersededStatus>,
}

/// From whom this node took its IPs when they fell silent.
#[derive(Debug, Default)]
pub struct PreviousOwners(BTreeMap<IpAddr, (NodeName, Epoch)>);

/// What testimonies are made from.
#[derive(Debug)]
pub struct L2StatusInputs<'a> {
    /// This node.
    pub node: &'a str,
    /// The IPs it answers for, and on which links.
    pub answering: &'a BTreeMap<IpAddr, BTreeSet<u32>>,
    /// The epochs of its claims.
    pub claims: &'a BTreeMap<IpAddr, Epoch>,
    /// The IPs that strangers hold.
    pub conflicts: &'a BTreeMap<IpAddr, Mac>,
    /// Its links.
    pub links: &'a [LanLink],
    /// From whom it took IPs.
    pub predecessors: &'a PreviousOwners,
}

impl PreviousOwners {
    /// Takes note of what an action means for them.
    pub fn note(&mut self, action: &Action) {
        match action {
            Action::TakeOver {
                ip,
                epoch,
                cause: Cause::Failover,
                from: Some(node),
            } => {
                self.0.insert(*ip, (node.clone(), *epoch));
            }
            Action::TakeOver { ip, .. } | Action::Withdraw { ip, .. } => {
                self.0.remove(ip);
            }
            _ => {}
        }
    }
}

/// What there is to say. `services` gives the Services that hold an IP.
pub fn l2_statuses(
    evidence: &L2StatusInputs<'_>,
    services: impl Fn(IpAddr) -> Vec<ObjectKey>,
) -> L2Statuses {
    let mut said = L2Statuses::default();
    for (ip, links) in evidence.answering {
        let Some(epoch) = evidence.claims.get(ip) else {
            continue;
        };
        for service in services(*ip) {
            if let Some((node, epoch)) = evidence.predecessors.0.get(ip) {
                let superseded = SupersededStatus {
                    ip: *ip,
                    epoch: *epoch,
                };
                said.superseded.insert(name(&service, node), superseded);
            }
            let testimony = said.about(evidence.node, service);
            testimony.announces.insert(*ip, *epoch);
            let used = evidence.links.iter();
            let used = used.filter(|link| links.contains(&link.index));
            testimony
                .interfaces
                .extend(used.map(|link| link.name.clone()));
        }
    }
    for (ip, mac) in evidence.conflicts {
        for service in services(*ip) {
            let testimony = said.about(evidence.node, service);
            testimony.conflicts.insert(*ip, *mac);
        }
    }
    said
}

impl L2Statuses {
    fn about(&mut self, node: &str, service: ObjectKey) -> &mut L2Status {
        let name = name(&service, node);
        self.own.entry(name).or_insert_with(|| L2Status {
            service,
            announces: BTreeMap::new(),
            conflicts: BTreeMap::new(),
            interfaces: BTreeSet::new(),
        })
    }
}

/// The name of the object in which a node speaks of a Service: the same for
/// everyone, so that an heir knows what to remove, and valid whatever the names
/// it stems from.
#[must_use]
pub fn name(service: &ObjectKey, node: &str) -> String {
    format!("l2-{}", hash(&format!("{service}/{node}"), 16))
}

/// The first bytes of a hash, in hexadecimal.
#[must_use]
pub fn hash(text: &str, bytes: usize) -> String {
    let digest = Sha256::digest(text);
    digest
        .iter()
        .take(bytes)
        .fold(String::new(), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests;
