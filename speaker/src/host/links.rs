//! Links and their addresses as the kernel reports them. The only file that names
//! rtnetlink: it turns messages into `Links`. Needs no privilege.
//!
//! It subscribes first, then lists everything, then follows events, so nothing is
//! missed. When the kernel reports that it dropped messages, it lists everything
//! again. Suitable links are also queried periodically: the kernel reports a
//! second change of carrier up to a second late.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc::UnboundedReceiver;
use futures::{StreamExt, TryStreamExt};
use ipnet::IpNet;
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use netlink_packet_route::link::{
    self, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};
use rtnetlink::sys::SocketAddr;
use rtnetlink::{Handle, MulticastGroup, new_multicast_connection};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::host::interfaces::{Link, Links, Patterns, suitable};
use ferrolb_core::mac::Mac;

const GROUPS: [MulticastGroup; 3] = [
    MulticastGroup::Link,
    MulticastGroup::Ipv4Ifaddr,
    MulticastGroup::Ipv6Ifaddr,
];

/// How often suitable links are queried.
const RECHECK: Duration = Duration::from_millis(50);

type Events = UnboundedReceiver<(NetlinkMessage<RouteNetlinkMessage>, SocketAddr)>;

/// The links can no longer be followed.
#[derive(Debug, Error)]
pub enum LinksError {
    /// No netlink socket.
    #[error("cannot open a netlink socket for link and address events")]
    Open(#[source] std::io::Error),
    /// The kernel did not list them.
    #[error("cannot list links and addresses over netlink")]
    List(#[source] rtnetlink::Error),
    /// The socket was closed.
    #[error("the netlink socket for link events was closed")]
    Closed,
}

/// Publishes all links of this node, at first and after each change, until
/// cancelled. Those that are suitable, and not excluded, are also queried often.
///
/// # Errors
/// When the kernel's events cannot be read; there is no retry here.
pub async fn watch(
    out: watch::Sender<Arc<Links>>,
    exclude: Patterns,
    cancel: CancellationToken,
) -> Result<(), LinksError> {
    let (connection, handle, events) = open()?;
    tokio::select! {
        () = cancel.cancelled() => Ok(()),
        () = connection => Err(LinksError::Closed),
        ended = publish(&handle, events, &exclude, &out) => ended,
    }
}

fn open() -> Result<(impl Future<Output = ()>, Handle, Events), LinksError> {
    new_multicast_connection(&GROUPS).map_err(LinksError::Open)
}

async fn publish(
    handle: &Handle,
    mut events: Events,
    exclude: &Patterns,
    out: &watch::Sender<Arc<Links>>,
) -> Result<(), LinksError> {
    let mut links = list(handle).await?;
    let mut recheck = tokio::time::interval(RECHECK);
    recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        out.send_if_modified(|published| {
            let changed = **published != links;
            if changed {
                *published = Arc::new(links.clone());
            }
            changed
        });
        tokio::select! {
            event = events.next() => {
                let (event, _) = event.ok_or(LinksError::Closed)?;
                match event.payload {
                    NetlinkPayload::Overrun(_) => links = list(handle).await?,
                    NetlinkPayload::InnerMessage(message) => apply(&mut links, &message),
                    _ => {}
                }
            }
            _ = recheck.tick() => recheck_suitable(handle, exclude, &mut links).await,
        }
    }
}

async fn recheck_suitable(handle: &Handle, exclude: &Patterns, links: &mut Links) {
    let relevant = links
        .values()
        .filter(|link| suitable(link, exclude).is_ok());
    let indices: Vec<u32> = relevant.map(|link| link.index).collect();
    for index in indices {
        let mut answer = handle.link().get().match_index(index).execute();
        // A link that has just gone is an error here; its event follows.
        if let Ok(Some(link)) = answer.try_next().await {
            set_link(links, &link);
        }
    }
}

async fn list(handle: &Handle) -> Result<Links, LinksError> {
    let mut links = Links::new();
    let mut answers = handle.link().get().execute();
    while let Some(link) = answers.try_next().await.map_err(LinksError::List)? {
        set_link(&mut links, &link);
    }
    let mut answers = handle.address().get().execute();
    while let Some(address) = answers.try_next().await.map_err(LinksError::List)? {
        set_address(&mut links, &address, true);
    }
    Ok(links)
}

fn apply(links: &mut Links, message: &RouteNetlinkMessage) {
    match message {
        RouteNetlinkMessage::NewLink(link) => set_link(links, link),
        RouteNetlinkMessage::DelLink(link) if is_device(link) => {
            links.remove(&link.header.index);
        }
        RouteNetlinkMessage::NewAddress(address) => set_address(links, address, true),
        RouteNetlinkMessage::DelAddress(address) => set_address(links, address, false),
        _ => {}
    }
}

/// Bridges report their ports with messages of the same type, and Wi-Fi drivers
/// send fragments; neither describes the device itself.
fn is_device(link: &LinkMessage) -> bool {
    let wireless = |attribute: &LinkAttribute| matches!(attribute, LinkAttribute::Wireless(_));
    link.header.interface_family == AddressFamily::Unspec && !link.attributes.iter().any(wireless)
}

fn set_link(links: &mut Links, message: &LinkMessage) {
    if !is_device(message) {
        return;
    }
    let mut link = read_link(message);
    if let Some(known) = links.get_mut(&link.index) {
        if known.carrier_changes > link.carrier_changes {
            // Older than the answer to a query that arrived before it.
            return;
        }
        link.addresses = std::mem::take(&mut known.addresses);
    }
    links.insert(link.index, link);
}

fn read_link(message: &LinkMessage) -> Link {
    let has = |flag| message.header.flags.contains(flag);
    let mut link = Link {
        index: message.header.index,
        name: String::new(),
        mac: Mac::ZERO,
        up: has(LinkFlags::Up),
        carrier: has(LinkFlags::LowerUp),
        carrier_changes: 0,
        loopback: has(LinkFlags::Loopback),
        noarp: has(LinkFlags::Noarp),
        master: None,
        addresses: Vec::new(),
    };
    let ethernet = message.header.link_layer_type == LinkLayerType::Ether;
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::CarrierChanges(changes) => link.carrier_changes = *changes,
            LinkAttribute::Controller(master) => link.master = Some(*master),
            LinkAttribute::Address(address) if ethernet => {
                link.mac = address.as_slice().try_into().map_or(Mac::ZERO, Mac);
            }
            _ => {}
        }
    }
    if in_vrf(message) {
        link.master = None;
    }
    link
}

fn in_vrf(message: &LinkMessage) -> bool {
    let vrf = |info: &LinkInfo| matches!(info, LinkInfo::PortKind(link::InfoPortKind::Vrf));
    message.attributes.iter().any(
        |attribute| matches!(attribute, LinkAttribute::LinkInfo(infos) if infos.iter().any(vrf)),
    )
}

fn set_address(links: &mut Links, message: &AddressMessage, present: bool) {
    let Some(link) = links.get_mut(&message.header.index) else {
        return;
    };
    let Some(address) = read_address(message) else {
        return;
    };
    let present = present && !(is_link_local(address) && is_tentative(message));
    match (link.addresses.binary_search(&address), present) {
        (Err(place), true) => link.addresses.insert(place, address),
        (Ok(place), false) => drop(link.addresses.remove(place)),
        _ => {}
    }
}

/// A link-local address may not be used before it is known to be unique (RFC 4862
/// §5.4). The kernel sends another event when it is.
fn is_tentative(message: &AddressMessage) -> bool {
    let flags = message.header.flags;
    flags.intersects(AddressHeaderFlags::Tentative | AddressHeaderFlags::Dadfailed)
}

fn is_link_local(address: IpNet) -> bool {
    matches!(address.addr(), IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// On a point-to-point link `Address` is the peer's address and `Local` is ours.
fn read_address(message: &AddressMessage) -> Option<IpNet> {
    let mut address: Option<IpAddr> = None;
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(local) => address = Some(*local),
            AddressAttribute::Address(other) => address = address.or(Some(*other)),
            _ => {}
        }
    }
    IpNet::new(address?, message.header.prefix_len).ok()
}

#[cfg(test)]
mod tests;
