//! What a speaker says in Events: an action in words for the owner of the
//! Service. Pure.

use std::net::IpAddr;

use ferrolb_runtime::kube::events::{EventNote, reference};

use crate::eligibility::ServiceView;
use crate::layer2::election::{Action, Cause};

/// The Event that an action is worth, about one of the Services that hold the IP.
#[must_use]
pub fn of_action(action: &Action, node: &str, service: &ServiceView) -> Option<EventNote> {
    let (warning, reason, verb, note) = match action {
        Action::TakeOver {
            ip, cause, from, ..
        } => {
            let how = how(*cause, from.as_deref().unwrap_or("another node"));
            let note = format!("{node} announces {ip}{how}");
            (false, "Announced", "Announce", note)
        }
        Action::Withdraw { ip, to: Some(to) } => {
            let note = format!("{node} withdrew {ip}; {to} announces it");
            (false, "HandedOver", "Withdraw", note)
        }
        Action::Conflict { ip, mac } => {
            let note = format!("{mac}, which is no node of this cluster, claims {ip} on the LAN");
            (true, "AddressConflict", "Announce", note)
        }
        _ => return None,
    };
    Some(news(service, warning, reason, verb, note))
}

/// The Event for one of several Services that cannot share an IP, because no
/// node may announce it for all of them.
#[must_use]
pub fn at_odds(ip: IpAddr, service: &ServiceView, all: &[String]) -> EventNote {
    let all = all.join(", ");
    let note = format!(
        "nobody announces {ip}: each of the Services that share it ({all}) has nodes that may, \
         but none may for all of them"
    );
    news(service, true, "NoCommonNode", "Announce", note)
}

fn how(cause: Cause, from: &str) -> String {
    match cause {
        Cause::Fresh => String::new(),
        Cause::Failover => format!(", taken over from {from}, which fell silent"),
        Cause::HandOver => format!(", handed over by {from}"),
        Cause::Preferred => format!(", taken from {from}, since this node is preferred"),
        Cause::Rebalance => format!(", taken from {from}, which held more than its share"),
    }
}

fn news(
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

    use super::{at_odds, of_action};
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
        let told = |cause, from: Option<&str>| {
            let action = Action::TakeOver {
                ip: IP,
                epoch: 2,
                cause,
                from: from.map(str::to_owned),
            };
            of_action(&action, "a", &service()).unwrap().note
        };
        assert_eq!(told(Cause::Fresh, None), "a announces 192.0.2.1");
        let expected = "a announces 192.0.2.1, taken over from b, which fell silent";
        assert_eq!(told(Cause::Failover, Some("b")), expected);
    }

    #[test]
    fn a_conflict_is_a_warning_with_ip_and_mac() {
        let mac = Mac([2, 0, 0, 0, 0, 9]);
        let news = of_action(&Action::Conflict { ip: IP, mac }, "a", &service()).unwrap();
        assert!(news.warning);
        assert!(news.note.contains("192.0.2.1") && news.note.contains("02:00:00:00:00:09"));
        assert_eq!(news.regarding.uid.as_deref(), Some("7"));
    }

    #[test]
    fn what_the_user_need_not_know_is_not_said() {
        for action in [
            Action::Announce { ip: IP },
            Action::Withdraw { ip: IP, to: None },
        ] {
            assert!(of_action(&action, "a", &service()).is_none());
        }
    }

    #[test]
    fn services_at_odds_are_all_named() {
        let all = ["default/web".to_owned(), "default/dns".to_owned()];
        let note = at_odds(IP, &service(), &all).note;
        assert!(note.contains("192.0.2.1") && note.contains("default/web, default/dns"));
    }
}
