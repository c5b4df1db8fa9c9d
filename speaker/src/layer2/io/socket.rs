//! One packet socket per link and family: opened, filtered, read and written
//! here. Safe calls only. Decides nothing about frames.
//!
//! The socket receives ARP or neighbour discovery and is never promiscuous. A
//! socket made with a protocol receives from every link until it is bound, so a
//! filter drops everything until it is bound and emptied.

mod filter;
pub(super) mod groups;

use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use ferrolb_core::range::Family;
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{LinkAddr, bind};
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

use crate::host::interfaces::Link;
use ferrolb_core::mac::Mac;

/// `ETH_P_ARP` of `linux/if_ether.h`.
const ETH_P_ARP: u16 = 0x0806;
/// `ETH_P_IPV6` of the same.
const ETH_P_IPV6: u16 = 0x86dd;
/// Room for any frame of a LAN without jumbo frames; a longer one is cut off
/// and then counted as malformed.
pub(super) const FRAME_ROOM: usize = 1514;
/// Room for a burst of answers to many probes; the kernel caps it.
const RECEIVE_BUFFER: usize = 4 << 20;

/// A link has no working socket.
#[derive(Debug, Error)]
pub enum SocketError {
    /// This process may not open packet sockets.
    #[error(
        "no permission to open a packet socket: the speaker needs the capability CAP_NET_RAW \
         (in Kubernetes: uid 0 and securityContext.capabilities.add [\"NET_RAW\"])"
    )]
    Forbidden(#[source] io::Error),
    /// No socket for another reason.
    #[error("cannot open a packet socket")]
    Open(#[source] io::Error),
    /// The link went away before the socket was bound.
    #[error("link {name} (index {index}) no longer exists")]
    Gone {
        /// Its name when it was last seen.
        name: String,
        /// Its kernel index.
        index: u32,
    },
    /// Binding, filtering or emptying failed.
    #[error("cannot {action} the packet socket of link {name}")]
    Setup {
        /// What failed.
        action: &'static str,
        /// The link's name.
        name: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// A packet socket for one family on one link.
#[derive(Debug)]
pub(super) struct LinkSocket {
    link: u32,
    mac: Mac,
    family: Family,
    socket: Socket,
}

impl LinkSocket {
    /// Opens, binds and filters a socket for `link`.
    pub(super) fn open(link: &Link, family: Family) -> Result<Self, SocketError> {
        let setup = |action| {
            let name = link.name.clone();
            move |source| SocketError::Setup {
                action,
                name,
                source,
            }
        };
        let address = address_of(link)?;
        let this = Self {
            link: link.index,
            mac: link.mac,
            family,
            socket: packet_socket(family)?,
        };
        // Best effort: a smaller buffer only loses frames sooner in a burst.
        let _ = this.socket.set_recv_buffer_size(RECEIVE_BUFFER);
        this.socket
            .attach_filter(&filter::DROP_ALL)
            .map_err(setup("silence"))?;
        // The address carries no protocol: the kernel keeps the socket's own.
        bind(this.socket.as_raw_fd(), &address)
            .map_err(io::Error::from)
            .map_err(setup("bind"))?;
        this.empty().map_err(setup("empty"))?;
        this.socket
            .attach_filter(&filter::of_other_hosts(family, link.mac))
            .map_err(setup("filter"))?;
        Ok(this)
    }

    /// The kernel index of its link.
    pub(super) const fn link(&self) -> u32 {
        self.link
    }

    /// The hardware address of its link.
    pub(super) const fn mac(&self) -> Mac {
        self.mac
    }

    /// Its family.
    pub(super) const fn family(&self) -> Family {
        self.family
    }

    /// Reads one frame, if one is waiting.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match (&self.socket).read(buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes one frame; never waits.
    pub(super) fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.socket.send(frame).map(drop)
    }

    fn empty(&self) -> io::Result<()> {
        let mut buffer = [0; 64];
        while self.receive(&mut buffer)?.is_some() {}
        Ok(())
    }
}

impl AsFd for LinkSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Checks at start whether packet sockets are allowed.
///
/// # Errors
/// [`SocketError::Forbidden`] without `CAP_NET_RAW`.
pub(super) fn check_privilege() -> Result<(), SocketError> {
    packet_socket(Family::V4).map(drop)
}

fn packet_socket(family: Family) -> Result<Socket, SocketError> {
    let protocol = match family {
        Family::V4 => ETH_P_ARP,
        Family::V6 => ETH_P_IPV6,
    };
    let protocol = Protocol::from(i32::from(protocol.to_be()));
    let kind = Type::RAW.nonblocking().cloexec();
    Socket::new(Domain::PACKET, kind, Some(protocol)).map_err(|error| {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EPERM | Errno::EACCES) => SocketError::Forbidden(error),
            _ => SocketError::Open(error),
        }
    })
}

fn address_of(link: &Link) -> Result<LinkAddr, SocketError> {
    let index = usize::try_from(link.index).ok();
    getifaddrs()
        .map_err(|errno| SocketError::Open(errno.into()))?
        .filter_map(|interface| interface.address?.as_link_addr().copied())
        .find(|address| Some(address.ifindex()) == index)
        .ok_or_else(|| SocketError::Gone {
            name: link.name.clone(),
            index: link.index,
        })
}
