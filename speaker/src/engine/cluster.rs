//! What the API server shows, as far as the speaker needs it: who may announce
//! which IP, and where the other speakers are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use ferrolb_core::change::Change;
use ferrolb_core::key::ObjectKey;
use ferrolb_core::names::ACCEPTED_CONFIG_MAP;

use crate::eligibility::{Eligibility, NodeFilter};
use crate::k8s::{Accepted, Update};

/// The state of the watches.
pub(super) struct ClusterState {
    pub(super) eligibility: Eligibility,
    gossip_port: u16,
    pods: BTreeMap<ObjectKey, IpAddr>,
    synced: Synced,
}

/// Which first lists have arrived.
#[derive(Debug, Default)]
struct Synced {
    services: bool,
    slices: bool,
    nodes: bool,
    pods: bool,
    config: bool,
}

impl ClusterState {
    /// Nothing is known yet.
    pub(super) fn new(node_filter: NodeFilter, gossip_port: u16) -> Self {
        Self {
            eligibility: Eligibility::new(node_filter),
            gossip_port,
            pods: BTreeMap::new(),
            synced: Synced::default(),
        }
    }

    /// Whether all first lists have arrived.
    pub(super) const fn is_synced(&self) -> bool {
        let Synced {
            services,
            slices,
            nodes,
            pods,
            config,
        } = self.synced;
        services && slices && nodes && pods && config
    }

    /// Whether it is known which configuration there is, if any.
    pub(super) const fn knows_config(&self) -> bool {
        self.synced.config
    }

    /// The addresses of the speaker pods.
    pub(super) fn peers(&self) -> BTreeSet<SocketAddr> {
        let ips = self.pods.values();
        ips.map(|ip| SocketAddr::new(*ip, self.gossip_port))
            .collect()
    }

    /// The Services that have an IP.
    pub(super) fn services_of(&self, ip: IpAddr) -> Vec<String> {
        let services = self.eligibility.services_of(ip);
        services.map(|service| service.key.to_string()).collect()
    }

    /// Applies a change.
    pub(super) fn apply(&mut self, update: Update) {
        match update {
            Update::Config(change) => self.apply_config(change),
            Update::Service(change) => match change {
                Change::Apply(service) => self.eligibility.apply_service(service),
                Change::Delete(key) => self.eligibility.delete_service(&key),
                Change::Reset(all) => {
                    self.eligibility.reset_services(all);
                    self.synced.services = true;
                }
            },
            Update::Slice(change) => match change {
                Change::Apply(slice) => self.eligibility.apply_slice(slice),
                Change::Delete(key) => self.eligibility.delete_slice(&key),
                Change::Reset(all) => {
                    self.eligibility.reset_slices(all);
                    self.synced.slices = true;
                }
            },
            Update::Node(change) => match change {
                Change::Apply(node) => self.eligibility.apply_node(node),
                Change::Delete(key) => self.eligibility.delete_node(&key.name),
                Change::Reset(all) => {
                    self.eligibility.reset_nodes(all);
                    self.synced.nodes = true;
                }
            },
            Update::Pod(change) => match change {
                Change::Apply((key, ip)) => drop(self.pods.insert(key, ip)),
                Change::Delete(key) => drop(self.pods.remove(&key)),
                Change::Reset(all) => {
                    self.pods = all.into_iter().collect();
                    self.synced.pods = true;
                }
            },
        }
    }

    /// The last configuration that could be read stays active.
    fn apply_config(&mut self, change: Change<Accepted>) {
        let accepted = change.single();
        let consequence = match self.eligibility.is_configured() {
            true => "the last one stays active",
            false => "nothing is announced until there is one",
        };
        let configmap = ACCEPTED_CONFIG_MAP;
        match accepted {
            Some(Ok(config)) => {
                self.synced.config = true;
                let (pools, advertisements) = (config.pools.len(), config.l2_advertisements.len());
                if self.eligibility.configure(*config) {
                    tracing::info!(pools, advertisements, "configuration active");
                }
            }
            Some(Err(faults)) => {
                tracing::error!(configmap, consequence, %faults, "cannot read the accepted configuration");
            }
            None => {
                // To know that there is none is enough to be ready.
                self.synced.config = true;
                tracing::warn!(
                    configmap,
                    consequence,
                    "the controller has not accepted a configuration yet"
                );
            }
        }
    }
}
