//! Translates objects of the API into the values that decisions are made from.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ferrolb_core::names::{
    ADDRESS_POOL, ALLOCATED, ALLOW_SHARED_IP, ALLOW_SHARED_IP_NAMESPACES, ANNOTATION_PREFIXES,
    ANNOUNCED, LOAD_BALANCER_IPS,
};
use ferrolb_core::range::{Family, address};
use ferrolb_runtime::kube::object_key;
use k8s_openapi::api::core::v1::{LoadBalancerIngress, Service, ServiceSpec};
use kube::ResourceExt;

use crate::service::{
    ConditionStatus, FamilyPolicy, ObservedCondition, Protocol, Request, ServiceView, Terms,
};

#[cfg(test)]
mod tests;

/// What decisions need of a Service.
#[must_use]
pub fn service(object: &Service) -> ServiceView {
    let empty = ServiceSpec::default();
    let spec = object.spec.as_ref().unwrap_or(&empty);
    let created = object.metadata.creation_timestamp.as_ref();
    let (status, ingress_is_canonical) = status(object);
    let (request, pool, sharing) = wishes(object, spec);
    ServiceView {
        key: object_key(object),
        uid: object.uid().unwrap_or_default(),
        version: object.resource_version().unwrap_or_default(),
        created: created.map_or(0, |time| time.0.as_second()),
        deleting: object.metadata.deletion_timestamp.is_some(),
        load_balancer: spec.type_.as_deref() == Some("LoadBalancer"),
        class: spec.load_balancer_class.clone(),
        families: families(spec),
        policy: policy(spec),
        labels: object.labels().clone(),
        request,
        pool,
        terms: sharing.map(|key| Arc::new(terms(object, spec, key))),
        allocated: condition(object, ALLOCATED),
        announced: condition(object, ANNOUNCED),
        status,
        ingress_is_canonical,
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

/// A condition of ours as the status shows it.
fn condition(object: &Service, kind: &str) -> Option<ObservedCondition> {
    let conditions = object.status.as_ref()?.conditions.as_ref()?;
    let ours = conditions.iter().find(|c| c.type_ == kind)?;
    Some(ObservedCondition {
        status: ConditionStatus::read(&ours.status),
        reason: ours.reason.clone(),
        message: ours.message.clone(),
        since: ours.last_transition_time.0.to_string(),
    })
}

/// The addresses, the pool and the sharing key the user asks for. What
/// contradicts itself makes the request malformed.
fn wishes(object: &Service, spec: &ServiceSpec) -> (Request, Option<String>, Option<String>) {
    let request = request(object, spec);
    match (
        annotation(object, ADDRESS_POOL),
        annotation(object, ALLOW_SHARED_IP),
    ) {
        (Ok(pool), Ok(sharing)) => (request, pool, sharing),
        (Err(problem), _) | (_, Err(problem)) => (Request::Malformed(problem), None, None),
    }
}

/// An annotation under any of the prefixes; empty means nothing.
fn annotation(object: &Service, name: &str) -> Result<Option<String>, String> {
    let names = ANNOTATION_PREFIXES.map(|prefix| format!("{prefix}{name}"));
    let values = names
        .iter()
        .filter_map(|name| Some((name, object.annotations().get(name)?)));
    let mut values = values.filter(|(_, value)| !value.is_empty());
    let Some((first, value)) = values.next() else {
        return Ok(None);
    };
    match values.find(|(_, other)| *other != value) {
        Some((second, _)) => Err(format!("{first} and {second} ask for different things")),
        None => Ok(Some(value.clone())),
    }
}

/// The terms on which a Service with this key shares its address.
fn terms(object: &Service, spec: &ServiceSpec, key: String) -> Terms {
    let protocol = |name: Option<&str>| match name {
        Some("UDP") => Protocol::Udp,
        Some("SCTP") => Protocol::Sctp,
        _ => Protocol::Tcp,
    };
    let ports = spec.ports.iter().flatten().filter_map(|port| {
        let number = u16::try_from(port.port).ok()?;
        Some((protocol(port.protocol.as_deref()), number))
    });
    let local = spec.external_traffic_policy.as_deref() == Some("Local");
    let selector = spec.selector.clone().unwrap_or_default();
    let others = object.annotations().get(ALLOW_SHARED_IP_NAMESPACES);
    let others = others.into_iter().flat_map(|names| names.split(','));
    Terms {
        key,
        ports: ports.collect(),
        local: if local { selector } else { BTreeMap::new() },
        namespaces: others.map(|name| name.trim().to_owned()).collect(),
    }
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
