//! What is read out of the API's objects.

use ferrolb_core::range::Family::{V4, V6};
use k8s_openapi::api::core::v1::Service;
use serde_json::json;

use super::service;
use crate::service::{FamilyPolicy, Request, ServiceView};

fn view(object: serde_json::Value) -> ServiceView {
    let object: Service = serde_json::from_value(object).unwrap();
    service(&object)
}

fn asking(field: Option<&str>, annotations: serde_json::Value) -> Request {
    let object = json!({
        "metadata": {"annotations": annotations},
        "spec": {"loadBalancerIP": field},
    });
    view(object).request
}

fn malformed(request: Request) -> String {
    match request {
        Request::Malformed(problem) => problem,
        other => panic!("{other:?} is not malformed"),
    }
}

#[test]
fn reads_what_decisions_need() {
    let view = view(json!({
        "metadata": {
            "namespace": "shop", "name": "web", "uid": "u", "resourceVersion": "17",
            "creationTimestamp": "1970-01-01T00:01:00Z",
        },
        "spec": {
            "type": "LoadBalancer", "loadBalancerClass": "c",
            "ipFamilies": ["IPv6", "IPv4"], "ipFamilyPolicy": "RequireDualStack",
        },
        "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1", "ipMode": "VIP"}]}},
    }));
    assert_eq!(view.key.to_string(), "shop/web");
    assert_eq!((view.created, view.version_number()), (60, Some(17)));
    assert!(view.load_balancer && view.ingress_is_canonical && !view.deleting);
    assert_eq!(view.class.as_deref(), Some("c"));
    assert_eq!(view.families, [V6, V4]);
    assert_eq!(view.policy, FamilyPolicy::RequireDual);
    assert_eq!(view.status[0].to_string(), "10.0.0.1");
}

#[test]
fn a_host_name_or_another_mode_in_the_status_is_not_ours() {
    for entry in [
        json!({"hostname": "h"}),
        json!({"ip": "10.0.0.1", "ipMode": "Proxy"}),
    ] {
        assert!(
            !view(json!({"status": {"loadBalancer": {"ingress": [entry]}}})).ingress_is_canonical
        );
    }
    let older_server = json!({"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}});
    assert!(view(older_server).ingress_is_canonical);
}

#[test]
fn reads_a_request_from_the_field_or_any_of_the_annotations() {
    let one = Request::These(vec!["10.0.0.1".parse().unwrap()]);
    assert_eq!(asking(Some("10.0.0.1"), json!({})), one);
    for prefix in ["ferrolb.io", "metallb.io", "metallb.universe.tf"] {
        let name = format!("{prefix}/loadBalancerIPs");
        assert_eq!(asking(None, json!({name: " 10.0.0.1 "})), one);
    }
    assert_eq!(asking(None, json!({})), Request::Any);
}

#[test]
fn two_addresses_must_be_of_two_families() {
    let both = asking(
        None,
        json!({"ferrolb.io/loadBalancerIPs": "fd77::1, 10.0.0.1"}),
    );
    assert!(matches!(both, Request::These(ips) if ips.len() == 2));
    let same = asking(
        None,
        json!({"ferrolb.io/loadBalancerIPs": "10.0.0.1,10.0.0.2"}),
    );
    assert!(malformed(same).contains("more than one address of a family"));
}

#[test]
fn sources_that_disagree_and_nonsense_are_malformed() {
    let agreeing = asking(
        Some("10.0.0.1"),
        json!({"metallb.io/loadBalancerIPs": "10.0.0.1"}),
    );
    assert!(matches!(agreeing, Request::These(_)));
    let different = asking(
        Some("10.0.0.1"),
        json!({"metallb.io/loadBalancerIPs": "10.0.0.2"}),
    );
    assert!(malformed(different).contains("ask for different addresses"));
    let nonsense = asking(None, json!({"ferrolb.io/loadBalancerIPs": "10.0.0.300"}));
    assert_eq!(
        malformed(nonsense),
        "ferrolb.io/loadBalancerIPs: \"10.0.0.300\" is not an IP address"
    );
}
