//! Messages to the engine: each is passed to the part that it concerns.

use std::sync::Arc;
use std::time::Instant;

use super::Engine;
use crate::host::interfaces::Links;
use crate::k8s::Update;
use crate::layer2::gossip_keys;
use crate::layer2::io::responder::WireEvent;

impl Engine {
    /// The API server reported a change.
    pub(super) fn updated(&mut self, update: Update) {
        let concerns_peers = matches!(update, Update::Pod(_));
        self.cluster.apply(update);
        if concerns_peers {
            self.gossip.set_peers(self.cluster.peers());
        }
        if self.cluster.knows_config() {
            self.guards.configured = None;
        }
    }

    /// The kernel reported other links.
    pub(super) async fn links_changed(&mut self, links: &Arc<Links>) {
        let now = Instant::now();
        let down_before = self.links.down().to_vec();
        let flapped = self.links.update(links);
        if self.links.down() != down_before {
            let key = gossip_keys::links_down(self.links.down());
            self.gossip.publish(vec![key]).await;
            self.reporter.mark_stale();
        }
        self.agent.links_changed(self.links.lan_links(), now);
        if flapped {
            self.agent.carrier_flapped(now);
        }
        self.wire.set_links(self.links.suitable().to_vec());
    }

    /// The responder reported something. The outputs that follow from a sighting
    /// are carried out before the next one is considered.
    pub(super) async fn wire_event(&mut self, event: WireEvent) {
        match event {
            WireEvent::Seen(sighting) => {
                self.agent.observe(&sighting);
                self.carry_out(sighting.at).await;
            }
            WireEvent::LinkOpened { link } => {
                tracing::debug!(link = self.link_name(link), "listening for requests");
                self.guards.listening = None;
            }
            WireEvent::LinkFailed { link, error } => {
                tracing::warn!(
                    link = self.link_name(link),
                    error,
                    "cannot answer on this link"
                );
            }
            WireEvent::GroupFailed { link, group, error } => {
                tracing::warn!(
                    link = self.link_name(link),
                    %group,
                    error,
                    "cannot join IPv6 multicast group; neighbour solicitations do not arrive"
                );
            }
        }
    }
}
