//! Translates objects of the API into the values that decisions are made from.

use std::net::IpAddr;

use ferrolb_core::config::{Config, Faults};
use ferrolb_core::names::{ANNOTATION_PREFIXES, CONFIG_KEY, LOAD_BALANCER_IPS};
use ferrolb_core::range::{Family, address};
use k8s_openapi::api::core::v1::{ConfigMap, LoadBalancerIngress, Service, ServiceSpec};
use kube::ResourceExt;

use crate::reconcile::{FaultyConfig, Seen};
use crate::service::{FamilyPolicy, Request, ServiceKey, ServiceView};

#[cfg(test)]
mod tests;

/// What decisions need of a Service.
#[must_use]
pub fn service(object: &Service) -> ServiceView {
    let empty = ServiceSpec::default();
    let spec = object.spec.as_ref().unwrap_or(&empty);
    let created = object.metadata.creation_timestamp.as_ref();
    let (status, tidy) = status(object);
    ServiceView {
        key: key(object),
        uid: object.uid().unwrap_or_default(),
        version: object.resource_version().unwrap_or_default(),
        created: created.map_or(0, |time| time.0.as_second()),
        deleting: object.metadata.deletion_timestamp.is_some(),
        load_balancer: spec.type_.as_deref() == Some("LoadBalancer"),
        class: spec.load_balancer_class.clone(),
        families: families(spec),
        policy: policy(spec),
        request: request(object, spec),
        status,
        tidy,
    }
}

/// Namespace and name of a Service.
#[must_use]
pub fn key(object: &Service) -> ServiceKey {
    ServiceKey {
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
    }
}

/// The configuration in a ConfigMap.
#[must_use]
pub fn config(object: &ConfigMap) -> Seen {
    let text = object.data.as_ref().and_then(|data| data.get(CONFIG_KEY));
    let config = match text {
        Some(text) => Config::from_yaml(text),
        None => Err(Faults::whole(format!(
            "the ConfigMap has no key {CONFIG_KEY}"
        ))),
    };
    match config {
        Ok(config) => Seen::Good(config),
        Err(faults) => Seen::Faulty(FaultyConfig {
            uid: object.uid().unwrap_or_default(),
            faults,
        }),
    }
}

fn families(spec: &ServiceSpec) -> Vec<Family> {
    let names = spec.ip_families.iter().flatten();
    let family = |name: &String| match name.as_str() {
        "IPv4" => Some(Family::V4),
        "IPv6" => Some(Family::V6),
        _ => None,
    };
    names.filter_map(family).collect()
}

fn policy(spec: &ServiceSpec) -> FamilyPolicy {
    match spec.ip_family_policy.as_deref() {
        Some("PreferDualStack") => FamilyPolicy::PreferDual,
        Some("RequireDualStack") => FamilyPolicy::RequireDual,
        _ => FamilyPolicy::Single,
    }
}

/// The status' addresses, and whether it is written as we would write it. The
/// server fills in `ipMode` VIP itself; a server too old to know it drops it.
fn status(object: &Service) -> (Vec<IpAddr>, bool) {
    let status = object
        .status
        .as_ref()
        .and_then(|status| status.load_balancer.as_ref());
    let ingress = status
        .and_then(|status| status.ingress.as_deref())
        .unwrap_or_default();
    let ips = ingress
        .iter()
        .filter_map(|entry| entry.ip.as_ref()?.parse().ok());
    (ips.collect(), ingress.iter().all(is_tidy))
}

fn is_tidy(entry: &LoadBalancerIngress) -> bool {
    let vip = entry.ip_mode.as_deref().is_none_or(|mode| mode == "VIP");
    entry.ip.is_some() && entry.hostname.is_none() && vip
}

/// The field or the annotations; several may say the same, but not different
/// things.
fn request(object: &Service, spec: &ServiceSpec) -> Request {
    let field = spec.load_balancer_ip.as_ref().filter(|ip| !ip.is_empty());
    let mut sources: Vec<(String, &String)> = field
        .map(|ip| ("spec.loadBalancerIP".to_owned(), ip))
        .into_iter()
        .collect();
    for prefix in ANNOTATION_PREFIXES {
        let name = format!("{prefix}{LOAD_BALANCER_IPS}");
        if let Some(value) = object.annotations().get(&name) {
            sources.push((name, value));
        }
    }
    match read_all(&sources) {
        Ok(Some(ips)) => Request::These(ips),
        Ok(None) => Request::Any,
        Err(problem) => Request::Malformed(problem),
    }
}

fn read_all(sources: &[(String, &String)]) -> Result<Option<Vec<IpAddr>>, String> {
    let mut agreed: Option<(&str, Vec<IpAddr>)> = None;
    for (name, value) in sources {
        let ips = addresses(name, value)?;
        match &agreed {
            Some((first, other)) if *other != ips => {
                return Err(format!("{first} and {name} ask for different addresses"));
            }
            Some(_) => {}
            None => agreed = Some((name, ips)),
        }
    }
    Ok(agreed.map(|(_, ips)| ips))
}

/// One address, or one of each family.
fn addresses(name: &str, value: &str) -> Result<Vec<IpAddr>, String> {
    let parsed = value.split(',').map(address);
    let mut ips = parsed
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{name}: {error}"))?;
    ips.sort_unstable();
    match ips[..] {
        [_] => Ok(ips),
        [IpAddr::V4(_), IpAddr::V6(_)] => Ok(ips),
        _ => Err(format!(
            "{name}: {value:?} is more than one address of a family"
        )),
    }
}
