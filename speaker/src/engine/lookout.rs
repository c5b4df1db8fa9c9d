//! Watching the others: on the wire by the watchman, in gossip by the view.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Instant;

use super::Engine;
use crate::ownership::OnWire;
use crate::said;
use crate::watchlist::watchlist;
use crate::wire::frame::{Frame, Sign};
use crate::wire::mac::Mac;

impl Engine {
    /// Works out anew whom to watch, from facts that have just changed.
    pub(super) fn plan_watch(&mut self, now: Instant) {
        let watch = self.ownership.look_ahead(&self.survey.facts);
        let list = watchlist(&watch, &self.survey, &self.links);
        let wanted = self.survey.facts.candidates.keys().copied();
        let watched: HashSet<IpAddr> = wanted.chain(list.addresses()).collect();
        self.wire.set_watched(watched);
        self.watchman.set(list, now);
        let others = self.survey.facts.others.iter();
        let stations = others.flat_map(|(node, other)| {
            let macs = other.macs.iter();
            macs.map(|mac| (*mac, node.clone()))
        });
        self.stations = stations.collect();
    }

    /// Takes what the watchman sees into the facts; true if that is news.
    pub(super) fn look_at_wire(&mut self, now: Instant) -> bool {
        let seen = self.watchman.on_wire(now);
        let isolated = self.watchman.is_isolated(now);
        let facts = &mut self.survey.facts;
        if seen == facts.wire && isolated == facts.isolated {
            return false;
        }
        let before = |node| facts.wire.get(node).copied().unwrap_or_default();
        let is_missed = |it: OnWire| matches!(it, OnWire::Misses | OnWire::Silent);
        for (node, on_wire) in &seen {
            if is_missed(*on_wire) && !is_missed(before(node)) {
                self.metrics.suspicions.with_label_values(&["wire"]).inc();
                tracing::debug!(node, "missed an answer on the wire");
            }
            if *on_wire == OnWire::Silent && before(node) != OnWire::Silent {
                tracing::warn!(
                    node,
                    "does not answer on the LAN, on which this node is heard"
                );
            }
        }
        facts.wire = seen;
        facts.isolated = isolated;
        true
    }

    /// Somebody said on the wire to have an address.
    pub(super) fn witnessed(&mut self, link: u32, ip: IpAddr, mac: Mac, sign: Sign, at: Instant) {
        if !self.is_answer(link, ip, sign) {
            return;
        }
        if let Some(node) = self.stations.get(&mac) {
            self.watchman.heard(node, link, ip, at);
        }
    }

    /// Whether a sign answers a question of this node. Without a link-local
    /// address it asks for IPv6 in the form that is answered to everybody.
    fn is_answer(&self, link: u32, ip: IpAddr, sign: Sign) -> bool {
        let mut links = self.links.iter().filter(|it| it.index == link);
        match sign {
            Sign::Told => true,
            Sign::Announced => ip.is_ipv6() && links.any(|link| link.sender().link_local.is_none()),
            Sign::Asked | Sign::Tested => false,
        }
    }

    /// Puts the watchman's questions on the wire.
    pub(super) fn ask_stations(&mut self, now: Instant) {
        for question in self.watchman.due(now) {
            let mut links = self.links.iter();
            let Some(link) = links.find(|link| link.index == question.link) else {
                continue;
            };
            let frame = Frame::probe_to(question.ip, link.sender(), question.station);
            if let Err(error) = self.wire.send(link.index, &frame) {
                tracing::debug!(ip = %question.ip, link = link.name, %error, "cannot ask");
            }
        }
    }

    /// Tells the others whether anybody answers this node on the LAN.
    pub(super) async fn publish_isolation(&mut self) {
        let isolated = self.survey.facts.isolated;
        if isolated == self.said_isolated {
            return;
        }
        self.said_isolated = isolated;
        if isolated {
            tracing::warn!(
                "no other speaker answers on the LAN; whoever is heard there may take over"
            );
        } else {
            tracing::info!("heard on the LAN again");
        }
        self.gossip.publish(vec![said::isolated(isolated)]).await;
    }

    /// The last sign of life of a lost owner, in gossip or on the wire.
    pub(super) fn last_sign(&self, node: &str) -> Option<Instant> {
        let gossip = self
            .view
            .members
            .get(node)
            .and_then(|member| member.silent_since);
        let wire = self.watchman.last_answer(node);
        gossip.into_iter().chain(wire).max()
    }
}
