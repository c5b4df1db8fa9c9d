//! The Events of a speaker about Services: what it did with an IP, for whoever
//! owns the Service. Pure.

use std::net::IpAddr;

use ferrolb_runtime::kube::events::{EventNote, reference};

use crate::eligibility::ServiceView;
use crate::layer2::election::{Action, Cause};

/// The Event about an action, if it deserves one, for one of the Services that
/// have the IP.
#[must_use]
pub fn of_action(action: &Action, node: &str, service: &ServiceView) -> Option<EventNote> {
    let (warning, reason, verb, note) = match action {
        Action::TakeOver {
            ip, cause, from, ..
        } => {
            let how = how(*cause, node, from.as_deref().unwrap_or("another node"));
            let note = format!("Node {node} announces {ip}{how}");
            (false, "Announced", "Announce", note)
        }
        Action::Withdraw { ip, to: Some(to) } => {
            let note = format!("Node {node} withdrew {ip}; node {to} announces it");
            (false, "HandedOver", "Withdraw", note)
        }
        Action::Conflict { ip, mac } => {
            let note = format!(
                "Another host ({mac}) claims {ip} on the LAN; give that host another address, \
                 or exclude the IP from its pool"
            );
            (true, "AddressConflict", "Announce", note)
        }
        _ => return None,
    };
    Some(event(service, warning, reason, verb, note))
}

/// The Event for one of several Services that share an IP, if no node is eligible
/// for all of them.
#[must_use]
pub fn no_common_node(ip: IpAddr, service: &ServiceView, all: &[String]) -> EventNote {
    let all = all.join(", ");
    let note = format!(
        "Not announcing {ip}: no node is eligible for all Services that share it ({all}); \
         give them endpoints on a common node, or IPs of their own"
    );
    event(service, true, "NoCommonNode", "Announce", note)
}

fn how(cause: Cause, node: &str, from: &str) -> String {
    match cause {
        Cause::Fresh => String::new(),
        Cause::Failover => format!(", taken over from {from}, which stopped responding"),
        Cause::HandOver => format!(", handed over by {from}"),
        Cause::Preferred => format!(", taken over from {from}, because {node} is preferred"),
        Cause::Rebalance => format!(", taken over from {from} to balance the load"),
    }
}

fn event(
    service: &ServiceView,
    warning: bool,
    reason: &'static str,
    action: &'static str,
    note: String,
) -> EventNote {
    let (namespace, name) = (&service.key.namespace, &service.key.name);
    EventNote {
        regarding: reference("v1", "Service", Some(namespace), name, &service.uid),
        warning,
        reason,
        action,
        note,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::{no_common_node, of_action};
    use crate::eligibility::ServiceView;
    use crate::layer2::election::{Action, Cause};
    use ferrolb_core::key::ObjectKey;
    use ferrolb_core::mac::Mac;

    const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn service() -> ServiceView {
        let key = ObjectKey {
            namespace: "default".to_owned(),
            name: "web".to_owned(),
        };
        ServiceView {
            key,
            uid: "7".to_owned(),
            labels: [].into(),
            ips: vec![IP],
            local: false,
        }
    }

    #[test]
    fn a_take_over_names_both_nodes_and_the_cause() {
        let note = |cause, from: Option<&str>| {
            let action = Action::TakeOver {
                ip: IP,
                epoch: 2,
                cause,
                from: from.map(str::to_owned),
            };
            of_action(&action, "a", &service()).unwrap().note
        };
        assert_eq!(note(Cause::Fresh, None), "Node a announces 192.0.2.1");
        let expected = "Node a announces 192.0.2.1, taken over from b, which stopped responding";
        assert_eq!(note(Cause::Failover, Some("b")), expected);
    }

    #[test]
    fn a_conflict_is_a_warning_with_ip_and_mac() {
        let mac = Mac([2, 0, 0, 0, 0, 9]);
        let event = of_action(&Action::Conflict { ip: IP, mac }, "a", &service()).unwrap();
        assert!(event.warning);
        assert!(event.note.contains("192.0.2.1") && event.note.contains("02:00:00:00:00:09"));
        assert_eq!(event.regarding.uid.as_deref(), Some("7"));
    }

    #[test]
    fn an_action_that_moves_nothing_has_no_event() {
        for action in [
            Action::Announce { ip: IP },
            Action::Withdraw { ip: IP, to: None },
        ] {
            assert!(of_action(&action, "a", &service()).is_none());
        }
    }

    #[test]
    fn services_without_a_common_node_are_all_named() {
        let all = ["default/web".to_owned(), "default/dns".to_owned()];
        let note = no_common_node(IP, &service(), &all).note;
        assert!(note.contains("192.0.2.1") && note.contains("default/web, default/dns"));
    }
}
