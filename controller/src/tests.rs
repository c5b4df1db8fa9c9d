//! Values that the tests of several modules start from.

use std::net::IpAddr;

use ferrolb_core::config::Config;
use ferrolb_core::key::ObjectKey;
use ferrolb_core::range::Family::V4;
use ferrolb_core::selector::Labels;

use crate::allocator::Allocator;
use crate::service::{FamilyPolicy, Request, ServiceView};

/// A Service in namespace `default`, or in another that is named before a slash.
pub(crate) fn key(place: &str) -> ObjectKey {
    let (namespace, name) = place.split_once('/').unwrap_or(("default", place));
    ObjectKey {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

/// A Service of type LoadBalancer that asks for nothing and has nothing.
pub(crate) fn service(place: &str) -> ServiceView {
    ServiceView {
        key: key(place),
        uid: place.to_owned(),
        version: "1".to_owned(),
        created: 0,
        deleting: false,
        load_balancer: true,
        class: None,
        families: vec![V4],
        policy: FamilyPolicy::Single,
        labels: Labels::new(),
        request: Request::Any,
        pool: None,
        terms: None,
        allocated: None,
        announced: None,
        status: Vec::new(),
        ingress_is_canonical: true,
    }
}

/// A configuration with these pools, in YAML.
pub(crate) fn config(pools: &str) -> Config {
    Config::from_yaml(&format!("pools: {pools}")).unwrap()
}

/// These pools with every address free.
pub(crate) fn allocator(pools: &str) -> Allocator {
    Allocator::new(&config(pools))
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| ip(text)).collect()
}
