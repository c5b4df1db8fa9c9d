//! The contents of this node's `ServiceL2Status` objects: for each Service the IPs
//! that the node announces, those that another host uses, and those that it
//! reports because no node may announce them. Pure except `writer`, which writes
//! the objects.

mod object;
mod plan;
pub mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::layer2::election::{Action, Cause, Epoch};
use crate::layer2::links::LanLink;
use ferrolb_core::ineligible::Unannounced;
use ferrolb_core::key::{NodeName, ObjectKey};
use ferrolb_core::mac::Mac;

/// What one node reports about one Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct L2Status {
    /// The Service.
    pub service: ObjectKey,
    /// Its IPs that the node answers for, with the epoch of its claim on each.
    pub announces: BTreeMap<IpAddr, Epoch>,
    /// Its IPs that the node would answer for if another host did not use them.
    pub conflicts: BTreeMap<IpAddr, Mac>,
    /// Its IPs that no node may announce and this node reports.
    pub unannounced: BTreeMap<IpAddr, Unannounced>,
    /// The interfaces on which it answers.
    pub interfaces: BTreeSet<String>,
}

/// A report of a node that fell silent, which this node knows to be outdated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SupersededStatus {
    /// The IP that this node took from it.
    pub ip: IpAddr,
    /// The epoch of this node's claim; the other's was lower.
    pub epoch: Epoch,
}

/// Everything this node reports, by the names of the objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct L2Statuses {
    /// Its own objects.
    pub own: BTreeMap<String, L2Status>,
    /// Objects of dead nodes, to be removed on their behalf.
    pub superseded: BTreeMap<String, SupersededStatus>,
}

/// The nodes from which this node took IPs when they fell silent.
#[derive(Debug, Default)]
pub struct PreviousOwners(BTreeMap<IpAddr, (NodeName, Epoch)>);

/// What the objects are made from.
#[derive(Debug)]
pub struct L2StatusInputs<'a> {
    /// This node.
    pub node: &'a str,
    /// The IPs it answers for, and on which links.
    pub answering: &'a BTreeMap<IpAddr, BTreeSet<u32>>,
    /// The epochs of its claims.
    pub claims: &'a BTreeMap<IpAddr, Epoch>,
    /// The IPs that other hosts use.
    pub conflicts: &'a BTreeMap<IpAddr, Mac>,
    /// The IPs to report because no node may announce them.
    pub unannounced: &'a BTreeMap<IpAddr, Unannounced>,
    /// Its links.
    pub links: &'a [LanLink],
    /// The nodes from which it took IPs.
    pub previous_owners: &'a PreviousOwners,
}

impl PreviousOwners {
    /// Follows an action.
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

/// The objects that there should be. `services` gives the Services that have an IP.
pub fn l2_statuses(
    inputs: &L2StatusInputs<'_>,
    services: impl Fn(IpAddr) -> Vec<ObjectKey>,
) -> L2Statuses {
    let mut statuses = L2Statuses::default();
    for (ip, links) in inputs.answering {
        let Some(epoch) = inputs.claims.get(ip) else {
            continue;
        };
        for service in services(*ip) {
            if let Some((node, epoch)) = inputs.previous_owners.0.get(ip) {
                let superseded = SupersededStatus {
                    ip: *ip,
                    epoch: *epoch,
                };
                statuses.superseded.insert(name(&service, node), superseded);
            }
            let status = statuses.about(inputs.node, service);
            status.announces.insert(*ip, *epoch);
            let used = inputs.links.iter();
            let used = used.filter(|link| links.contains(&link.index));
            status.interfaces.extend(used.map(|link| link.name.clone()));
        }
    }
    for (ip, mac) in inputs.conflicts {
        for service in services(*ip) {
            let status = statuses.about(inputs.node, service);
            status.conflicts.insert(*ip, *mac);
        }
    }
    for (ip, why) in inputs.unannounced {
        for service in services(*ip) {
            let status = statuses.about(inputs.node, service);
            status.unannounced.insert(*ip, why.clone());
        }
    }
    statuses
}

impl L2Statuses {
    fn about(&mut self, node: &str, service: ObjectKey) -> &mut L2Status {
        let name = name(&service, node);
        self.own.entry(name).or_insert_with(|| L2Status {
            service,
            announces: BTreeMap::new(),
            conflicts: BTreeMap::new(),
            unannounced: BTreeMap::new(),
            interfaces: BTreeSet::new(),
        })
    }
}

/// The name of a node's object for a Service. All nodes compute the same one, so
/// that a successor knows which object to remove; a hash, because the names may be
/// longer than an object's name.
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
