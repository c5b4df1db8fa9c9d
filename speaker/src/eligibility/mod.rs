//! Which IPs are to be announced, and which nodes may announce each by policy: by
//! the configuration, Services, their EndpointSlices and Nodes. Pure: three verbs
//! for each kind (apply, delete, reset), no client.
//!
//! Links and liveness are considered in `layer2`.

mod advertisements;
mod node;
mod node_filter;
mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ferrolb_core::config::Config;
use ferrolb_core::key::{NodeName, ObjectKey};

use advertisements::Advertisements;
pub use ferrolb_core::ineligible::Ineligible;
pub use node::{DesiredIp, DesiredIps, EligibilityByNode, Interfaces, NodeEligibility};
pub use node_filter::NodeFilter;
pub use views::{Endpoint, NodeView, ServiceView, SliceView};

/// The policy, according to what the API server last reported.
#[derive(Debug, Default)]
pub struct Eligibility {
    node_filter: NodeFilter,
    /// None before the first one: nothing is announced.
    config: Option<Config>,
    services: BTreeMap<ObjectKey, ServiceView>,
    slices: BTreeMap<ObjectKey, SliceView>,
    /// The names of the slices of each Service.
    slices_of: BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    nodes: BTreeMap<NodeName, NodeView>,
    services_of: BTreeMap<IpAddr, BTreeSet<ObjectKey>>,

    advertisements: Advertisements,
    desired: Arc<DesiredIps>,
    stale: Stale,
}

/// What has to be computed again.
#[derive(Debug, Default)]
struct Stale {
    everything: bool,
    ips: BTreeSet<IpAddr>,
}

impl Eligibility {
    /// No Services yet; this filter excludes Nodes.
    #[must_use]
    pub fn new(node_filter: NodeFilter) -> Self {
        Self {
            node_filter,
            ..Self::default()
        }
    }

    /// This configuration is active; true if it differs from the last one.
    pub fn configure(&mut self, config: Config) -> bool {
        let config = Some(config);
        let changed = self.config != config;
        if changed {
            self.config = config;
            self.stale.everything = true;
        }
        changed
    }

    /// Whether a configuration is active.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.config.is_some()
    }

    /// A Service exists and looks like this.
    pub fn apply_service(&mut self, service: ServiceView) {
        if self.services.get(&service.key) == Some(&service) {
            return;
        }
        self.delete_service(&service.key);
        for ip in &service.ips {
            let services = self.services_of.entry(*ip).or_default();
            services.insert(service.key.clone());
        }
        self.stale.ips.extend(&service.ips);
        self.services.insert(service.key.clone(), service);
    }

    /// A Service was deleted, or is no longer ours.
    pub fn delete_service(&mut self, key: &ObjectKey) {
        let Some(service) = self.services.remove(key) else {
            return;
        };
        for ip in &service.ips {
            remove_from(&mut self.services_of, ip, key);
        }
        self.stale.ips.extend(&service.ips);
    }

    /// These are all Services of ours.
    pub fn reset_services(&mut self, services: Vec<ServiceView>) {
        self.services.clear();
        self.services_of.clear();
        self.stale.everything = true;
        services
            .into_iter()
            .for_each(|view| self.apply_service(view));
    }

    /// An EndpointSlice exists and looks like this.
    pub fn apply_slice(&mut self, slice: SliceView) {
        if self.slices.get(&slice.key) == Some(&slice) {
            return;
        }
        self.delete_slice(&slice.key);
        self.endpoints_changed(&slice.service);
        let slices = self.slices_of.entry(slice.service.clone()).or_default();
        slices.insert(slice.key.clone());
        self.slices.insert(slice.key.clone(), slice);
    }

    /// An EndpointSlice was deleted.
    pub fn delete_slice(&mut self, key: &ObjectKey) {
        if let Some(slice) = self.slices.remove(key) {
            remove_from(&mut self.slices_of, &slice.service, key);
            self.endpoints_changed(&slice.service);
        }
    }

    /// These are all EndpointSlices.
    pub fn reset_slices(&mut self, slices: Vec<SliceView>) {
        self.slices.clear();
        self.slices_of.clear();
        self.stale.everything = true;
        slices.into_iter().for_each(|view| self.apply_slice(view));
    }

    /// A Node exists and looks like this.
    pub fn apply_node(&mut self, node: NodeView) {
        // A Node is written every few seconds; little of it matters here.
        if self.nodes.get(&node.name) != Some(&node) {
            self.nodes.insert(node.name.clone(), node);
            self.stale.everything = true;
        }
    }

    /// A Node was deleted.
    pub fn delete_node(&mut self, name: &str) {
        self.stale.everything |= self.nodes.remove(name).is_some();
    }

    /// These are all Nodes.
    pub fn reset_nodes(&mut self, nodes: Vec<NodeView>) {
        self.nodes = nodes
            .into_iter()
            .map(|node| (node.name.clone(), node))
            .collect();
        self.stale.everything = true;
    }

    /// The Nodes there are.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeName> {
        self.nodes.keys()
    }

    /// The Services that have an IP.
    pub fn services_of(&self, ip: IpAddr) -> impl Iterator<Item = &ServiceView> {
        let keys = self.services_of.get(&ip).into_iter().flatten();
        keys.filter_map(|key| self.services.get(key))
    }

    /// Every IP to announce, with the nodes that the advertisements select. An IP
    /// that no pool contains is missing: another provider assigned it.
    pub fn desired(&mut self) -> &Arc<DesiredIps> {
        let stale = std::mem::take(&mut self.stale);
        if stale.everything {
            if let Some(config) = &self.config {
                self.advertisements = Advertisements::new(config, &self.nodes);
            }
            let ips = self.services_of.keys();
            let desired = ips.filter_map(|ip| Some((*ip, self.desired_ip(*ip)?.into())));
            self.desired = Arc::new(desired.collect());
        }
        for ip in stale.ips.iter().filter(|_| !stale.everything) {
            let now = self.desired_ip(*ip);
            let desired = Arc::make_mut(&mut self.desired);
            match now {
                Some(now) => desired.insert(*ip, now.into()),
                None => desired.remove(ip),
            };
        }
        &self.desired
    }

    /// The result of the last call of [`desired`](Self::desired).
    #[must_use]
    pub fn last_desired(&self) -> &DesiredIps {
        &self.desired
    }

    fn desired_ip(&self, ip: IpAddr) -> Option<DesiredIp> {
        let services = self.services_of(ip);
        let of_services: Vec<EligibilityByNode> = services
            .filter_map(|service| self.nodes_for(service, ip))
            .collect();
        (!of_services.is_empty()).then(|| DesiredIp::shared(of_services))
    }

    /// The nodes that the advertisements select for one Service, each with the
    /// reason of its Node or endpoints that makes it ineligible.
    fn nodes_for(&self, service: &ServiceView, ip: IpAddr) -> Option<EligibilityByNode> {
        let mut nodes = self.advertisements.nodes_for(ip, &service.labels)?;
        let hosts: BTreeSet<Option<&NodeName>> = self
            .endpoints(service, ip)
            .map(|end| end.node.as_ref())
            .collect();
        for (name, node) in &mut nodes {
            let served = if service.local {
                hosts.contains(&Some(name))
            } else {
                !hosts.is_empty()
            };
            let of_node = self
                .nodes
                .get(name)
                .and_then(|node| self.node_filter.check(node));
            node.ineligible = of_node.or((!served).then_some(Ineligible::NoEndpoint));
        }
        Some(nodes)
    }

    /// The serving endpoints in the IP's family.
    fn endpoints(&self, service: &ServiceView, ip: IpAddr) -> impl Iterator<Item = &Endpoint> {
        let keys = self.slices_of.get(&service.key).into_iter().flatten();
        keys.filter_map(|key| self.slices.get(key))
            .filter(move |slice| slice.ipv6 == ip.is_ipv6())
            .flat_map(|slice| &slice.serving)
    }

    fn endpoints_changed(&mut self, service: &ObjectKey) {
        if let Some(service) = self.services.get(service) {
            self.stale.ips.extend(&service.ips);
        }
    }
}

fn remove_from<K: Ord>(sets: &mut BTreeMap<K, BTreeSet<ObjectKey>>, key: &K, member: &ObjectKey) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(member);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
