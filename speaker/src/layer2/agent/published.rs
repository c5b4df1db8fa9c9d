//! What gossip and the responder were last given, so that each gets only changes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::output::{Note, Output, Outputs};
use crate::layer2::gossip_keys::{self, IpKeys, KeyChange};

/// The links on which this node answers for each IP.
pub(super) type AnsweredOn = BTreeMap<IpAddr, BTreeSet<u32>>;

/// The state that the others know.
#[derive(Debug, Default)]
pub(super) struct Published {
    ip_keys: IpKeys,
    isolated: bool,
    answering: AnsweredOn,
}

impl Published {
    /// Publishes the keys about IPs; true if they changed.
    pub(super) fn ip_keys(&mut self, keys: IpKeys, outputs: &mut Outputs) -> bool {
        let changes = gossip_keys::changes(&self.ip_keys, &keys);
        if changes.is_empty() {
            return false;
        }
        self.ip_keys = keys;
        outputs.publish(changes);
        true
    }

    /// Publishes whether no other member answers this node on the LAN.
    pub(super) fn isolated(&mut self, isolated: bool, outputs: &mut Outputs) {
        if isolated == self.isolated {
            return;
        }
        self.isolated = isolated;
        outputs.note(Note::Isolated(isolated));
        outputs.publish(vec![gossip_keys::isolated(isolated)]);
    }

    /// Gives the responder its table.
    pub(super) fn answer(&mut self, answering: AnsweredOn, outputs: &mut Outputs) {
        if answering == self.answering {
            return;
        }
        let owned = answering.clone().into_iter().collect();
        outputs.push(Output::Answer(owned));
        self.answering = answering;
    }

    /// The table that the responder has.
    pub(super) fn answering(&self) -> &AnsweredOn {
        &self.answering
    }

    /// Whether the others know of no IP that this node has anything to do with.
    pub(super) fn is_empty(&self) -> bool {
        self.ip_keys.is_empty()
    }

    /// What to publish so that nothing about IPs remains.
    pub(super) fn retraction(&self) -> Vec<KeyChange> {
        gossip_keys::changes(&self.ip_keys, &IpKeys::new())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::{IpAddr, Ipv4Addr};

    use super::{AnsweredOn, Published};
    use crate::layer2::agent::output::Outputs;
    use crate::layer2::gossip_keys::IpKeys;

    const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 100));

    #[test]
    fn what_is_known_already_is_not_published_again() {
        let (mut published, mut outputs) = (Published::default(), Outputs::default());
        let keys = IpKeys::from([(format!("claim/{IP}"), "1".to_owned())]);
        assert!(published.ip_keys(keys.clone(), &mut outputs));
        published.isolated(true, &mut outputs);
        let table = AnsweredOn::from([(IP, BTreeSet::from([2]))]);
        published.answer(table.clone(), &mut outputs);
        assert_eq!(outputs.take().len(), 4);
        assert!(!published.ip_keys(keys, &mut outputs));
        published.isolated(true, &mut outputs);
        published.answer(table, &mut outputs);
        assert_eq!(outputs.take(), []);
    }

    #[test]
    fn a_retraction_deletes_every_key_about_ips() {
        let (mut published, mut outputs) = (Published::default(), Outputs::default());
        let claim = format!("claim/{IP}");
        let keys = IpKeys::from([(claim.clone(), "1".to_owned())]);
        published.ip_keys(keys, &mut outputs);
        assert_eq!(published.retraction(), [(claim, None)]);
        assert!(!published.is_empty());
    }
}
