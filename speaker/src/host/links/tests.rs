//! Claims about how netlink messages become links. No sockets: messages are
//! made by hand; the wire suite tests against real kernels.

use std::net::Ipv6Addr;

use super::link::{InfoKind, InfoPortKind, WirelessEvent};
use super::*;

fn nic(flags: LinkFlags) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = 2;
    message.header.link_layer_type = LinkLayerType::Ether;
    message.header.flags = flags;
    message.attributes = vec![
        LinkAttribute::IfName("eth0".to_owned()),
        LinkAttribute::Address(vec![2, 0, 0, 0, 0, 1]),
    ];
    message
}

fn address(attributes: Vec<AddressAttribute>) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.index = 2;
    message.header.prefix_len = 24;
    message.attributes = attributes;
    message
}

fn local(ip: [u8; 4]) -> AddressMessage {
    address(vec![AddressAttribute::Local(ip.into())])
}

fn with_nic() -> Links {
    let mut links = Links::new();
    apply(
        &mut links,
        &RouteNetlinkMessage::NewLink(nic(LinkFlags::Up | LinkFlags::LowerUp)),
    );
    links
}

#[test]
fn a_change_of_flags_keeps_the_addresses() {
    let mut links = with_nic();
    apply(
        &mut links,
        &RouteNetlinkMessage::NewAddress(local([192, 0, 2, 1])),
    );
    apply(
        &mut links,
        &RouteNetlinkMessage::NewLink(nic(LinkFlags::Up)),
    );
    let link = &links[&2];
    assert!(link.up && !link.carrier);
    assert_eq!(
        (link.name.as_str(), link.mac),
        ("eth0", Mac([2, 0, 0, 0, 0, 1]))
    );
    assert_eq!(link.addresses, ["192.0.2.1/24".parse().unwrap()]);
}

#[test]
fn addresses_come_and_go_once_each() {
    let mut links = with_nic();
    for ip in [[192, 0, 2, 9], [192, 0, 2, 1], [192, 0, 2, 9]] {
        apply(&mut links, &RouteNetlinkMessage::NewAddress(local(ip)));
    }
    assert_eq!(links[&2].addresses.len(), 2);
    apply(
        &mut links,
        &RouteNetlinkMessage::DelAddress(local([192, 0, 2, 9])),
    );
    assert_eq!(links[&2].addresses, ["192.0.2.1/24".parse().unwrap()]);
}

#[test]
fn a_link_local_address_counts_once_it_is_not_tentative() {
    let mut links = with_nic();
    let fe80 = "fe80::1".parse::<Ipv6Addr>().unwrap();
    let mut message = address(vec![AddressAttribute::Address(fe80.into())]);
    message.header.flags = AddressHeaderFlags::Tentative | AddressHeaderFlags::Permanent;
    apply(
        &mut links,
        &RouteNetlinkMessage::NewAddress(message.clone()),
    );
    assert!(links[&2].addresses.is_empty());
    message.header.flags = AddressHeaderFlags::Permanent;
    apply(&mut links, &RouteNetlinkMessage::NewAddress(message));
    assert_eq!(links[&2].addresses, ["fe80::1/24".parse().unwrap()]);
}

#[test]
fn our_end_of_a_point_to_point_link_counts() {
    let mut links = with_nic();
    let both = address(vec![
        AddressAttribute::Address([192, 0, 2, 2].into()),
        AddressAttribute::Local([192, 0, 2, 1].into()),
    ]);
    apply(&mut links, &RouteNetlinkMessage::NewAddress(both));
    assert_eq!(links[&2].addresses, ["192.0.2.1/24".parse().unwrap()]);
}

#[test]
fn an_address_of_an_unknown_link_is_ignored() {
    let mut links = Links::new();
    apply(
        &mut links,
        &RouteNetlinkMessage::NewAddress(local([192, 0, 2, 1])),
    );
    assert!(links.is_empty());
}

#[test]
fn a_link_that_leaves_a_bridge_stays_on_the_node() {
    let mut links = with_nic();
    let mut port = nic(LinkFlags::Up);
    port.header.interface_family = AddressFamily::Bridge;
    apply(&mut links, &RouteNetlinkMessage::DelLink(port));
    assert!(links.contains_key(&2));
    apply(
        &mut links,
        &RouteNetlinkMessage::DelLink(nic(LinkFlags::Up)),
    );
    assert!(links.is_empty());
}

#[test]
fn a_fragment_from_a_wireless_driver_changes_nothing() {
    let (before, mut links) = (with_nic(), with_nic());
    let mut fragment = nic(LinkFlags::Up);
    fragment.attributes = vec![LinkAttribute::Wireless(WirelessEvent::Other(Vec::new()))];
    apply(&mut links, &RouteNetlinkMessage::NewLink(fragment));
    assert_eq!(links, before);
}

#[test]
fn a_port_has_a_master_and_a_member_of_a_vrf_has_none() {
    let mut message = nic(LinkFlags::Up);
    message.attributes.push(LinkAttribute::Controller(9));
    assert_eq!(read_link(&message).master, Some(9));
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Veth),
        LinkInfo::PortKind(InfoPortKind::Vrf),
    ]));
    assert_eq!(read_link(&message).master, None);
}

#[test]
fn a_link_that_is_not_ethernet_has_no_address() {
    let mut message = nic(LinkFlags::Up);
    message.header.link_layer_type = LinkLayerType::Infiniband;
    assert_eq!(read_link(&message).mac, Mac::ZERO);
}
