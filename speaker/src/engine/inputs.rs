//! Taking in messages: what each one changes in the engine's state.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrolb_core::names::ACCEPTED_CONFIG_MAP;

use super::Engine;
use crate::interfaces::{Link, Links, suitable};
use crate::k8s::{Accepted, Update, Watched};
use crate::net::responder::WireEvent;
use crate::ownership::Action;
use crate::reach::LanLink;
use crate::said;
use crate::wire::frame::Sign;
use crate::wire::mac::Mac;

/// A starting speaker waits so long to see the peers that the API server knows
/// of, before it takes anything: one that sees nobody would take everything.
const SETTLE: Duration = Duration::from_secs(2);

/// Which first lists are in.
#[derive(Debug, Default)]
pub(super) struct Synced {
    services: bool,
    slices: bool,
    nodes: bool,
    pods: bool,
    config: bool,
    settled: bool,
}

impl Synced {
    fn lists(&self) -> bool {
        self.services && self.slices && self.nodes && self.pods && self.config
    }
}

impl Engine {
    pub(super) fn updated(&mut self, update: Update) {
        match update {
            Update::Config(change) => self.config_changed(change),
            Update::Service(change) => match change {
                Watched::Apply(service) => self.demand.apply_service(service),
                Watched::Delete(key) => self.demand.delete_service(&key),
                Watched::Reset(all) => {
                    self.demand.reset_services(all);
                    self.synced.services = true;
                }
            },
            Update::Slice(change) => match change {
                Watched::Apply(slice) => self.demand.apply_slice(slice),
                Watched::Delete(key) => self.demand.delete_slice(&key),
                Watched::Reset(all) => {
                    self.demand.reset_slices(all);
                    self.synced.slices = true;
                }
            },
            Update::Node(change) => match change {
                Watched::Apply(node) => self.demand.apply_node(node),
                Watched::Delete(key) => self.demand.delete_node(&key.name),
                Watched::Reset(all) => {
                    self.demand.reset_nodes(all);
                    self.synced.nodes = true;
                }
            },
            Update::Pod(change) => {
                match change {
                    Watched::Apply((key, ip)) => {
                        self.pods.insert(key, ip);
                    }
                    Watched::Delete(key) => {
                        self.pods.remove(&key);
                    }
                    Watched::Reset(all) => {
                        self.pods = all.into_iter().collect();
                        self.synced.pods = true;
                    }
                }
                self.gossip.set_peers(self.peers());
            }
        }
        self.stale |= self.demand.has_changed();
    }

    /// The last configuration that could be read stays in force.
    fn config_changed(&mut self, change: Watched<Accepted>) {
        let now = match change {
            Watched::Apply(now) => Some(now),
            Watched::Delete(_) => None,
            Watched::Reset(all) => all.into_iter().next(),
        };
        if !matches!(now, Some(Err(_))) {
            // To know that there is none is to know.
            self.synced.config = true;
            self.configured = None;
        }
        if let Some(Ok(config)) = now {
            let (pools, adverts) = (config.pools.len(), config.l2_advertisements.len());
            if self.demand.configure(*config) {
                tracing::info!(pools, advertisements = adverts, "configuration in force");
            }
            return;
        }
        let consequence = match self.demand.is_configured() {
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

    pub(super) async fn links_changed(&mut self, links: &Arc<Links>) {
        let fit: Vec<Link> = links
            .values()
            .filter(|link| suitable(link, &self.exclude).is_ok())
            .cloned()
            .collect();
        let published: Vec<LanLink> = fit.iter().map(lan_link).collect();
        self.wire.set_links(fit);
        if published != self.links {
            let names: Vec<&str> = published.iter().map(|link| link.name.as_str()).collect();
            if names.is_empty() {
                tracing::warn!("no link with carrier to announce on");
            } else {
                tracing::info!(links = names.join(","), "links to announce on");
            }
            self.gossip.publish(vec![said::links(&published)]).await;
            self.links = published;
            self.stale = true;
        }
    }

    pub(super) async fn sighted(&mut self, event: WireEvent) {
        match event {
            WireEvent::Seen {
                ip,
                mac,
                sign: Sign::Tested,
                at,
                ..
            } => self.tested(ip, mac, at),
            WireEvent::Seen {
                link,
                ip,
                mac,
                sign,
                at,
            } => {
                self.witnessed(link, ip, mac, sign, at);
                let facts = &self.survey.facts;
                let asked = self.ownership.asks(ip);
                let actions = self.ownership.heard(ip, mac, facts, at);
                if asked && !self.ownership.asks(ip) {
                    self.asker.stop(ip);
                    self.metrics.verdicts.with_label_values(&["answered"]).inc();
                }
                self.perform(actions, at);
                self.publish_claims(at).await;
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

    /// Somebody tested whether it may have an IP of ours, and was refused by the
    /// responder. Speakers without a link-local address ask in the same form.
    fn tested(&mut self, ip: IpAddr, mac: Mac, at: Instant) {
        let others = &self.survey.facts.others;
        if !others.values().any(|other| other.macs.contains(&mac)) {
            self.note(&Action::Conflict { ip, mac }, at);
        }
    }

    /// Whether this speaker knows enough to own anything: its lists are in, and
    /// it sees its peers or has waited long enough for them.
    pub(super) async fn is_settled(&mut self, now: Instant) -> bool {
        if !self.synced.settled && self.synced.lists() {
            let waited = now - self.started > SETTLE;
            self.synced.settled = waited || self.sees_all_peers();
            if self.synced.settled {
                self.stale = true;
                self.gossip.publish(vec![said::starting(false)]).await;
                tracing::info!(
                    members = self.view.members.len(),
                    "joined the gossip cluster"
                );
                self.joined = None;
            }
        }
        self.synced.settled
    }

    fn sees_all_peers(&self) -> bool {
        let alive = self.view.members.values().filter(|member| member.alive);
        let seen: Vec<_> = alive.map(|member| member.addr).collect();
        self.peers().iter().all(|peer| seen.contains(peer))
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
