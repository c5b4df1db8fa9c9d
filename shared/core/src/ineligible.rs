//! Why no node announces an IP: the list of reasons for one node, and what they
//! amount to for the IP. Both programs and every client use this list. Pure.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::key::NodeName;

/// The most names given per reason; a count covers the others.
pub const MAX_NAMES: usize = 3;

/// Why a node may not announce an IP.
///
/// In the order of the checks: policy, then liveness, then links. So the later
/// the reason, the closer the node came to announcing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "reason")]
pub enum Ineligible {
    /// Its speaker is a gossip member, but the API server has no such Node.
    NoNode,
    /// No L2 advertisement for the IP selects the node.
    NotSelected,
    /// Its Node carries the well-known exclude label.
    Excluded,
    /// Its Node's condition `NetworkUnavailable` is true.
    NetworkUnavailable,
    /// Its Node has this taint, with which it is being drained.
    Draining {
        /// The taint's key.
        taint: String,
    },
    /// No endpoint serves traffic that arrives at this node.
    NoEndpoint,
    /// No live speaker runs on it.
    NoSpeaker,
    /// It has no interface that is suitable and has carrier.
    NoLink,
    /// The advertisements select none of its interfaces.
    InterfaceNotSelected,
    /// Its interfaces in the IP's subnet have lost their carrier or are down.
    LinkDown,
    /// None of its selected interfaces is in the IP's subnet, while another
    /// node has one that is.
    NotInSubnet,
    /// A newer version has a reason that this one does not know.
    #[serde(other)]
    Unknown,
}

impl Display for Ineligible {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoNode => "no Node object for",
            Self::NotSelected => "no L2Advertisement selects",
            Self::Excluded => "exclude label on",
            Self::NetworkUnavailable => "network unavailable on",
            Self::Draining { taint } => return write!(f, "drain taint {taint} on"),
            Self::NoEndpoint => "no endpoint on",
            Self::NoSpeaker => "no running speaker on",
            Self::NoLink => "no usable interface on",
            Self::InterfaceNotSelected => "no interface selected by an L2Advertisement on",
            Self::LinkDown => "link down on",
            Self::NotInSubnet => "no interface in the subnet on",
            Self::Unknown => "another reason on",
        })
    }
}

/// Why an IP is not announced: the reason of the condition `Announced`, and the
/// label of the speakers' gauge.
///
/// Of the nodes' reasons the furthest decides: where one node lacks only a link,
/// the link is what to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum UnannouncedReason {
    /// No L2 advertisement for the IP selects any node.
    NotSelected,
    /// Nodes are selected, but their labels, taints or conditions exclude each.
    NoEligibleNode,
    /// No node that is left has an endpoint of the Service.
    NoEndpoint,
    /// No node that is left runs a live speaker.
    NoSpeaker,
    /// No node that is left has a suitable link for the IP.
    NoLink,
    /// Each Service that shares the IP has eligible nodes, but none in common.
    NoCommonNode,
    /// Nobody reports a reason, or one of a newer version.
    #[serde(other)]
    NotAnnounced,
}

impl UnannouncedReason {
    /// Every reason that a speaker reports.
    pub const ALL: [Self; 6] = [
        Self::NotSelected,
        Self::NoEligibleNode,
        Self::NoEndpoint,
        Self::NoSpeaker,
        Self::NoLink,
        Self::NoCommonNode,
    ];

    /// As reason of a condition.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSelected => "NotSelected",
            Self::NoEligibleNode => "NoEligibleNode",
            Self::NoEndpoint => "NoEndpoint",
            Self::NoSpeaker => "NoSpeaker",
            Self::NoLink => "NoLink",
            Self::NoCommonNode => "NoCommonNode",
            Self::NotAnnounced => "NotAnnounced",
        }
    }

    /// As value of a metric's label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NotSelected => "not_selected",
            Self::NoEligibleNode => "no_eligible_node",
            Self::NoEndpoint => "no_endpoint",
            Self::NoSpeaker => "no_speaker",
            Self::NoLink => "no_link",
            Self::NoCommonNode => "no_common_node",
            Self::NotAnnounced => "not_announced",
        }
    }
}

impl From<&Ineligible> for UnannouncedReason {
    fn from(reason: &Ineligible) -> Self {
        match reason {
            Ineligible::NoNode | Ineligible::NotSelected => Self::NotSelected,
            Ineligible::Excluded | Ineligible::NetworkUnavailable | Ineligible::Draining { .. } => {
                Self::NoEligibleNode
            }
            Ineligible::NoEndpoint => Self::NoEndpoint,
            Ineligible::NoSpeaker => Self::NoSpeaker,
            Ineligible::NoLink
            | Ineligible::InterfaceNotSelected
            | Ineligible::LinkDown
            | Ineligible::NotInSubnet => Self::NoLink,
            Ineligible::Unknown => Self::NotAnnounced,
        }
    }
}

/// The nodes that share a reason: how many, and the first few names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodesByReason {
    /// The reason.
    #[serde(flatten)]
    pub reason: Ineligible,
    /// How many nodes have it.
    pub count: usize,
    /// Up to [`MAX_NAMES`] of them, in order.
    pub nodes: Vec<NodeName>,
}

impl Display for NodesByReason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let named = self.nodes.iter().take(MAX_NAMES).cloned();
        let named = named.collect::<Vec<_>>().join(", ");
        match self.count {
            1 => write!(f, "{} {named}", self.reason),
            count if count > self.nodes.len() => {
                write!(f, "{} {count} nodes ({named}, …)", self.reason)
            }
            count => write!(f, "{} {count} nodes ({named})", self.reason),
        }
    }
}

/// Why an IP is not announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unannounced {
    /// In one word.
    pub reason: UnannouncedReason,
    /// The nodes by reason, those closest to announcing first.
    pub nodes: Vec<NodesByReason>,
}

impl Unannounced {
    /// What the nodes' reasons amount to.
    #[must_use]
    pub fn new(reasons: &BTreeMap<NodeName, Ineligible>, no_common_node: bool) -> Self {
        let mut by_reason: BTreeMap<&Ineligible, Vec<&NodeName>> = BTreeMap::new();
        for (node, reason) in reasons {
            by_reason.entry(reason).or_default().push(node);
        }
        let furthest = by_reason.keys().next_back();
        let furthest = furthest.map_or(UnannouncedReason::NotSelected, |it| (*it).into());
        let nodes = by_reason.into_iter().rev();
        let nodes = nodes.map(|(reason, nodes)| NodesByReason {
            reason: reason.clone(),
            count: nodes.len(),
            nodes: nodes.into_iter().take(MAX_NAMES).cloned().collect(),
        });
        Self {
            reason: if no_common_node {
                UnannouncedReason::NoCommonNode
            } else {
                furthest
            },
            nodes: nodes.collect(),
        }
    }
}

impl Display for Unannounced {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.reason == UnannouncedReason::NoCommonNode {
            f.write_str("no node is eligible for all Services that share it")?;
        } else if self.nodes.is_empty() {
            f.write_str("there is no node")?;
        }
        let common = self.reason == UnannouncedReason::NoCommonNode;
        for (number, nodes) in self.nodes.iter().enumerate() {
            let separator = if common || number > 0 { "; " } else { "" };
            write!(f, "{separator}{nodes}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Ineligible, Unannounced, UnannouncedReason};

    fn unannounced(reasons: &[(&str, Ineligible)]) -> Unannounced {
        let reasons = reasons.iter().cloned();
        let reasons = reasons.map(|(node, reason)| (node.to_owned(), reason));
        Unannounced::new(&reasons.collect(), false)
    }

    fn draining() -> Ineligible {
        Ineligible::Draining {
            taint: "going".to_owned(),
        }
    }

    #[test]
    fn a_message_has_counts_and_names_per_reason_the_closest_to_announcing_first() {
        let message = unannounced(&[
            ("node-a", Ineligible::NoEndpoint),
            ("node-b", Ineligible::NoEndpoint),
            ("node-c", Ineligible::NotInSubnet),
        ]);
        let expected =
            "no interface in the subnet on node-c; no endpoint on 2 nodes (node-a, node-b)";
        assert_eq!(message.to_string(), expected);
        assert_eq!(unannounced(&[]).to_string(), "there is no node");
    }

    #[test]
    fn a_message_stays_short_however_many_nodes_there_are() {
        let nodes: Vec<String> = (100..400).map(|number| format!("n{number}")).collect();
        let all: Vec<_> = nodes.iter().map(|it| (&**it, draining())).collect();
        let expected = "drain taint going on 300 nodes (n100, n101, n102, …)";
        assert_eq!(unannounced(&all).to_string(), expected);
        assert_eq!(unannounced(&all).nodes[0].nodes.len(), 3);
    }

    #[test]
    fn the_furthest_node_decides_the_reason() {
        use Ineligible as No;
        let cases = [
            (
                vec![No::NoNode, No::NotSelected],
                UnannouncedReason::NotSelected,
            ),
            (
                vec![No::NotSelected, No::Excluded],
                UnannouncedReason::NoEligibleNode,
            ),
            (
                vec![No::NetworkUnavailable],
                UnannouncedReason::NoEligibleNode,
            ),
            (vec![draining()], UnannouncedReason::NoEligibleNode),
            (
                vec![No::Excluded, No::NoEndpoint],
                UnannouncedReason::NoEndpoint,
            ),
            (
                vec![No::NoEndpoint, No::NoSpeaker],
                UnannouncedReason::NoSpeaker,
            ),
            (vec![No::NoSpeaker, No::NoLink], UnannouncedReason::NoLink),
            (vec![No::InterfaceNotSelected], UnannouncedReason::NoLink),
            (vec![No::LinkDown], UnannouncedReason::NoLink),
            (vec![No::NotInSubnet], UnannouncedReason::NoLink),
            (vec![], UnannouncedReason::NotSelected),
        ];
        for (reasons, expected) in cases {
            let nodes = ["a", "b"].into_iter().zip(reasons).collect::<Vec<_>>();
            assert_eq!(unannounced(&nodes).reason, expected, "{nodes:?}");
        }
    }

    #[test]
    fn services_without_a_common_node_have_a_reason_of_their_own() {
        let nodes = [("a".to_owned(), Ineligible::NoEndpoint)].into();
        let unannounced = Unannounced::new(&nodes, true);
        assert_eq!(unannounced.reason, UnannouncedReason::NoCommonNode);
        let expected = "no node is eligible for all Services that share it; no endpoint on a";
        assert_eq!(unannounced.to_string(), expected);
    }

    #[test]
    fn condition_reasons_are_the_names_that_travel() {
        for reason in UnannouncedReason::ALL {
            let json = serde_json::to_value(reason).unwrap();
            assert_eq!(json, reason.as_str());
        }
    }
}
