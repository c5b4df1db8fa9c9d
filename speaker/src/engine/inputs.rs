//! Taking in messages: what each one changes in the engine's state.

use std::sync::Arc;
use std::time::Instant;

use ferrolb_core::change::Change;
use ferrolb_core::names::ACCEPTED_CONFIG_MAP;

use super::Engine;
use crate::host::interfaces::{Link, Links, flapped, suitable};
use crate::k8s::{Accepted, Update};
use crate::layer2::io::responder::WireEvent;
use crate::layer2::links::LanLink;

/// Which first lists are in.
#[derive(Debug, Default)]
pub(super) struct Synced {
    services: bool,
    slices: bool,
    nodes: bool,
    pods: bool,
    config: bool,
}

impl Synced {
    pub(super) fn lists(&self) -> bool {
        self.services && self.slices && self.nodes && self.pods && self.config
    }
}

impl Engine {
    pub(super) fn updated(&mut self, update: Update) {
        match update {
            Update::Config(change) => self.config_changed(change),
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
            Update::Pod(change) => {
                match change {
                    Change::Apply((key, ip)) => {
                        self.pods.insert(key, ip);
                    }
                    Change::Delete(key) => {
                        self.pods.remove(&key);
                    }
                    Change::Reset(all) => {
                        self.pods = all.into_iter().collect();
                        self.synced.pods = true;
                    }
                }
                self.gossip.set_peers(self.peers());
            }
        }
        if self.eligibility.has_changed() {
            self.conduct.wanted_changed();
        }
    }

    /// The last configuration that could be read stays in force.
    fn config_changed(&mut self, change: Change<Accepted>) {
        let now = change.single();
        if !matches!(now, Some(Err(_))) {
            // To know that there is none is to know.
            self.synced.config = true;
            self.configured = None;
        }
        if let Some(Ok(config)) = now {
            let (pools, adverts) = (config.pools.len(), config.l2_advertisements.len());
            if self.eligibility.configure(*config) {
                tracing::info!(pools, advertisements = adverts, "configuration in force");
            }
            return;
        }
        let consequence = match self.eligibility.is_configured() {
            true => "the last one stays in force",
            false => "nothing is announced before there is one",
        };
        let configmap = ACCEPTED_CONFIG_MAP;
        match now {
            Some(Err(faults)) => {
                tracing::error!(configmap, consequence, %faults, "cannot read the configuration");
            }
            _ => tracing::warn!(
                configmap,
                consequence,
                "the controller has accepted no configuration"
            ),
        }
    }

    pub(super) fn links_changed(&mut self, links: &Arc<Links>) {
        let fit: Vec<Link> = links
            .values()
            .filter(|link| suitable(link, &self.exclude).is_ok())
            .cloned()
            .collect();
        let now = Instant::now();
        let links = fit.iter().map(lan_link).collect();
        self.conduct.links_changed(links, now);
        if flapped(&self.fit, &fit) {
            self.conduct.carrier_flapped(now);
        }
        self.fit.clone_from(&fit);
        self.wire.set_links(fit);
    }

    /// What comes of a sighting is carried out before the next is considered.
    pub(super) async fn sighted(&mut self, event: WireEvent) {
        match event {
            WireEvent::Seen(sighting) => {
                self.conduct.sighted(&sighting);
                self.carry_out(sighting.at).await;
            }
            WireEvent::LinkOpened { link } => {
                tracing::debug!(link, "listening for questions");
                self.listening = None;
            }
            WireEvent::LinkFailed { link, error } => {
                tracing::warn!(link, error, "cannot answer on this link");
            }
            WireEvent::GroupFailed { link, group, error } => {
                tracing::warn!(link, %group, error, "cannot hear IPv6 questions on this link");
            }
        }
    }
}

fn lan_link(link: &Link) -> LanLink {
    LanLink {
        index: link.index,
        name: link.name.clone(),
        mac: link.mac,
        subnets: link.addresses.clone(),
    }
}
