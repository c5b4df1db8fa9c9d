//! Which IPs are wanted, and which nodes may announce each: Services, their
//! EndpointSlices and Nodes reduced to candidates. Pure: three verbs for each
//! kind (apply, delete, reset), no client.
//!
//! Liveness and links are not considered here; gossip and the wire know those.

mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::ownership::Node;
pub use views::{Endpoint, NodeView, ObjectKey, ServiceView, SliceView};

/// The demand for announcements, as the API server last told it.
#[derive(Debug, Default)]
pub struct Demand {
    services: BTreeMap<ObjectKey, ServiceView>,
    slices: BTreeMap<ObjectKey, SliceView>,
    /// Names of the slices of each Service.
    slices_of: BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    nodes: BTreeMap<Node, NodeView>,
    services_of: BTreeMap<IpAddr, BTreeSet<ObjectKey>>,
}

impl Demand {
    /// A Service exists and looks like this.
    pub fn apply_service(&mut self, service: ServiceView) {
        self.delete_service(&service.key);
        for ip in &service.ips {
            let services = self.services_of.entry(*ip).or_default();
            services.insert(service.key.clone());
        }
        self.services.insert(service.key.clone(), service);
    }

    /// A Service is gone, or is no longer ours.
    pub fn delete_service(&mut self, key: &ObjectKey) {
        let Some(service) = self.services.remove(key) else {
            return;
        };
        for ip in &service.ips {
            remove_from(&mut self.services_of, ip, key);
        }
    }

    /// These are all Services of ours.
    pub fn reset_services(&mut self, services: Vec<ServiceView>) {
        self.services.clear();
        self.services_of.clear();
        services
            .into_iter()
            .for_each(|view| self.apply_service(view));
    }

    /// An EndpointSlice exists and looks like this.
    pub fn apply_slice(&mut self, slice: SliceView) {
        self.delete_slice(&slice.key);
        let slices = self.slices_of.entry(slice.service.clone()).or_default();
        slices.insert(slice.key.clone());
        self.slices.insert(slice.key.clone(), slice);
    }

    /// An EndpointSlice is gone.
    pub fn delete_slice(&mut self, key: &ObjectKey) {
        if let Some(slice) = self.slices.remove(key) {
            remove_from(&mut self.slices_of, &slice.service, key);
        }
    }

    /// These are all EndpointSlices.
    pub fn reset_slices(&mut self, slices: Vec<SliceView>) {
        self.slices.clear();
        self.slices_of.clear();
        slices.into_iter().for_each(|view| self.apply_slice(view));
    }

    /// A Node exists and looks like this.
    pub fn apply_node(&mut self, node: NodeView) {
        self.nodes.insert(node.name.clone(), node);
    }

    /// A Node is gone.
    pub fn delete_node(&mut self, name: &str) {
        self.nodes.remove(name);
    }

    /// These are all Nodes.
    pub fn reset_nodes(&mut self, nodes: Vec<NodeView>) {
        self.nodes = nodes
            .into_iter()
            .map(|node| (node.name.clone(), node))
            .collect();
    }

    /// How many Nodes there are; the gossip interval follows it.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The Services that hold an IP.
    pub fn services_of(&self, ip: IpAddr) -> impl Iterator<Item = &ObjectKey> {
        self.services_of.get(&ip).into_iter().flatten()
    }

    /// Every wanted IP with the nodes that may announce it; an IP that no node
    /// may announce is there with an empty set.
    #[must_use]
    pub fn candidates(&self) -> BTreeMap<IpAddr, BTreeSet<Node>> {
        self.services_of
            .iter()
            .map(|(ip, services)| (*ip, self.candidates_of(*ip, services)))
            .collect()
    }

    /// Services that share an IP have one owner, which serves all of them.
    fn candidates_of(&self, ip: IpAddr, services: &BTreeSet<ObjectKey>) -> BTreeSet<Node> {
        let views = services.iter().filter_map(|key| self.services.get(key));
        let sets = views.map(|service| self.nodes_serving(service, ip));
        sets.reduce(|all, next| &all & &next).unwrap_or_default()
    }

    fn nodes_serving(&self, service: &ServiceView, ip: IpAddr) -> BTreeSet<Node> {
        let endpoints = self.endpoints(service, ip);
        let willing = self.nodes.values().filter(|node| node.may_announce());
        let names = willing.map(|node| node.name.clone());
        if service.local {
            let hosts: BTreeSet<&Node> = endpoints.filter_map(|end| end.node.as_ref()).collect();
            names.filter(|name| hosts.contains(name)).collect()
        } else if endpoints.count() > 0 {
            names.collect()
        } else {
            BTreeSet::new()
        }
    }

    /// The endpoints that serve, in the IP's family.
    fn endpoints(&self, service: &ServiceView, ip: IpAddr) -> impl Iterator<Item = &Endpoint> {
        let keys = self.slices_of.get(&service.key).into_iter().flatten();
        keys.filter_map(|key| self.slices.get(key))
            .filter(move |slice| slice.ipv6 == ip.is_ipv6())
            .flat_map(|slice| &slice.serving)
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
