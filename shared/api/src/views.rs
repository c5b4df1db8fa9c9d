//! What `/state` of the programs shows, as types for whoever reads it. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ferrolb_core::ineligible::{Ineligible, UnannouncedReason};
use ferrolb_core::key::NodeName;
use serde::{Deserialize, Serialize};

/// `/state` of the controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ControllerState {
    /// Whether this replica allocates addresses; otherwise the rest is empty.
    pub active: bool,
    /// The pools and how full they are.
    pub pools: Vec<PoolState>,
    /// The addresses in use, ascending.
    pub addresses: Vec<AddressState>,
    /// The addresses that only Services that request them get, ascending.
    pub quarantined: Vec<QuarantinedAddress>,
    /// The Services that do not have what they request.
    pub refused: Vec<RefusedService>,
}

/// How full a pool is in one family. Counts are text, because an IPv6 pool
/// does not fit a JSON number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolState {
    /// The pool's name.
    pub name: String,
    /// `IPv4` or `IPv6`.
    pub family: String,
    /// Addresses that may be allocated.
    pub total: String,
    /// Addresses in use.
    pub used: String,
    /// Addresses that are free but in quarantine, see `quarantined`.
    pub withheld: String,
    /// Addresses left.
    pub free: String,
}

/// One address and the Services that have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressState {
    /// The address.
    pub ip: IpAddr,
    /// Its pool.
    pub pool: Option<String>,
    /// Namespace and name of each Service that has it.
    pub services: Vec<String>,
}

/// An address that another host on the LAN uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuarantinedAddress {
    /// The address.
    pub ip: IpAddr,
    /// Its pool.
    pub pool: Option<String>,
    /// The other host's hardware address.
    #[serde(rename = "stranger")]
    pub foreign_mac: String,
    /// For how many more seconds it is not allocated.
    pub seconds_left: u64,
}

/// A Service that does not have what it requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusedService {
    /// Namespace and name.
    pub service: String,
    /// The reason in one word.
    pub reason: String,
    /// The reason in a sentence.
    pub message: String,
}

/// `/state` of a speaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpeakerState {
    /// Its node.
    pub node: NodeName,
    /// Whether it knows enough to announce anything.
    pub settled: bool,
    /// The other gossip members.
    pub members: Vec<MemberView>,
    /// The node's links.
    pub links: Vec<LinkView>,
    /// The IPs that this speaker announces, and those that no speaker announces.
    pub ips: Vec<IpView>,
}

/// Another member of the gossip cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberView {
    /// Its node.
    pub node: NodeName,
    /// Whether the failure detector considers it alive.
    pub alive: bool,
}

/// A network link of the speaker's node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkView {
    /// The interface.
    pub name: String,
    /// Why nothing is announced on it; absent where it is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsuitable: Option<String>,
}

/// One IP, its owner, and why the other nodes may not announce it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IpView {
    /// The IP.
    pub ip: IpAddr,
    /// Namespace and name of each Service that has it.
    pub services: Vec<String>,
    /// The node that announces it.
    pub owner: Option<NodeName>,
    /// Why no node may announce it; absent where a node may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<UnannouncedReason>,
    /// Why each node that may not announce it may not. The others may.
    pub ineligible: BTreeMap<NodeName, Ineligible>,
}

#[cfg(test)]
mod tests {
    use ferrolb_core::ineligible::{Ineligible, UnannouncedReason};

    use super::{IpView, LinkView, MemberView, SpeakerState};

    #[test]
    fn the_state_of_a_speaker_is_read_back_as_it_was() {
        let draining = Ineligible::Draining {
            taint: "going".to_owned(),
        };
        let state = SpeakerState {
            node: "a".to_owned(),
            settled: true,
            members: vec![MemberView {
                node: "b".to_owned(),
                alive: true,
            }],
            links: vec![LinkView {
                name: "eth0".to_owned(),
                unsuitable: None,
            }],
            ips: vec![IpView {
                ip: "192.0.2.1".parse().unwrap(),
                services: vec!["default/web".to_owned()],
                owner: None,
                reason: Some(UnannouncedReason::NoEligibleNode),
                ineligible: [("b".to_owned(), draining)].into(),
            }],
        };
        let json = serde_json::to_value(&state).unwrap();
        assert_eq!(json["ips"][0]["ineligible"]["b"]["reason"], "Draining");
        assert_eq!(json["ips"][0]["reason"], "NoEligibleNode");
        assert_eq!(serde_json::from_value::<SpeakerState>(json).unwrap(), state);
    }
}
