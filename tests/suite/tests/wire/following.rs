//! Claims about links: changes in the kernel are known at once.

use std::time::Duration;

use crate::host::Followed;
use crate::lan::{Lan, ip};
use crate::wait::until;

pub(crate) fn notices_carrier_loss_within_a_second() {
    let lan = Lan::new();
    let followed = Followed::new(&lan.speaker());
    followed.suitable("eth0");
    for _ in 0..3 {
        ip(&lan.bridge(), "link set s0 down");
        let (link, took) = until("the carrier is lost", || {
            followed.find("eth0").filter(|l| !l.carrier)
        });
        assert!(link.up, "only the cable was pulled: {link:?}");
        assert!(took < Duration::from_secs(1), "noticed after {took:?}");
        ip(&lan.bridge(), "link set s0 up");
        followed.suitable("eth0");
    }
}

/// The ends of a veth pair in different namespaces may have the same index. Then
/// the kernel treats one like a real NIC and delays the event of a second change
/// for up to a second.
pub(crate) fn counts_a_carrier_that_came_back_at_once() {
    let lan = Lan::new();
    let (bridge, speaker) = (lan.bridge(), lan.speaker());
    let cable = format!("link add s1 index 77 type veth peer name eth1 index 77 netns {speaker}");
    ip(&bridge, &cable);
    ip(&bridge, "link set s1 up");
    ip(&speaker, "link set eth1 up");
    let followed = Followed::new(&speaker);
    let mut changes = followed.suitable("eth1").carrier_changes;
    for _ in 0..5 {
        ip(&bridge, "link set s1 down");
        ip(&bridge, "link set s1 up");
        let (_, took) = until("the loss is counted", || {
            let link = followed.find("eth1")?;
            (link.carrier && link.carrier_changes == changes + 2).then_some(())
        });
        assert!(took < Duration::from_millis(500), "known after {took:?}");
        changes += 2;
    }
}

pub(crate) fn notices_a_new_nic_its_addresses_and_its_end() {
    let lan = Lan::new();
    let followed = Followed::new(&lan.speaker());
    assert_eq!(followed.find("eth1"), None);
    lan.plug_in(&lan.speaker(), "eth1", "s1");
    followed.suitable("eth1");
    ip(&lan.speaker(), "addr add 198.51.100.7/24 dev eth1");
    let addressed = |present: bool| {
        let address = "198.51.100.7/24";
        until("the address comes or goes", || {
            let link = followed.find("eth1")?;
            let has = link.addresses.iter().any(|a| a.to_string() == address);
            (has == present).then_some(())
        });
    };
    addressed(true);
    ip(&lan.speaker(), "addr del 198.51.100.7/24 dev eth1");
    addressed(false);
    ip(&lan.speaker(), "link del eth1");
    until("the NIC goes", || {
        followed.find("eth1").is_none().then_some(())
    });
}
