//! One packet socket per link: opened, filtered, read and written here.
//! Safe calls only. Decides nothing about frames.
//!
//! The socket takes ARP only and is never promiscuous. It is made with its
//! protocol and thereby hears every link until it is bound, so it is deaf
//! (a filter that drops all) until it is bound and emptied.

use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{LinkAddr, bind};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use thiserror::Error;

use crate::interfaces::Link;
use crate::wire::mac::Mac;

/// `ETH_P_ARP` of `linux/if_ether.h`.
const ETH_P_ARP: u16 = 0x0806;
/// Room for a burst of answers to many probes; the kernel caps it.
const RECEIVE_BUFFER: usize = 4 << 20;

/// Why a link has no working socket.
#[derive(Debug, Error)]
pub enum SocketError {
    /// The kernel refuses packet sockets to this process.
    #[error(
        "no permission to open a packet socket: the speaker needs the capability CAP_NET_RAW \
         (in Kubernetes: uid 0 and securityContext.capabilities.add [\"NET_RAW\"])"
    )]
    Forbidden(#[source] io::Error),
    /// No socket for another reason.
    #[error("opening a packet socket")]
    Open(#[source] io::Error),
    /// The link went away before the socket was bound.
    #[error("link {name} (index {index}) does not exist any more")]
    Gone {
        /// Its name when it was last seen.
        name: String,
        /// Its kernel index.
        index: u32,
    },
    /// Binding, filtering or emptying failed.
    #[error("{action} the packet socket of link {name}")]
    Setup {
        /// What was being done.
        action: &'static str,
        /// The link's name.
        name: String,
        /// The kernel's word.
        #[source]
        source: io::Error,
    },
}

/// A packet socket that hears and says ARP on one link.
#[derive(Debug)]
pub(super) struct LinkSocket {
    link: u32,
    mac: Mac,
    socket: Socket,
}

impl LinkSocket {
    /// Opens, binds and filters a socket for `link`.
    pub(super) fn open(link: &Link) -> Result<Self, SocketError> {
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
            socket: packet_socket()?,
        };
        // Best effort: a smaller buffer only loses frames sooner in a burst.
        let _ = this.socket.set_recv_buffer_size(RECEIVE_BUFFER);
        this.socket
            .attach_filter(&DEAF)
            .map_err(setup("silencing"))?;
        // The address carries no protocol: the kernel keeps the socket's own.
        bind(this.socket.as_raw_fd(), &address)
            .map_err(io::Error::from)
            .map_err(setup("binding"))?;
        this.empty().map_err(setup("emptying"))?;
        this.socket
            .attach_filter(&arp_of_others(link.mac))
            .map_err(setup("filtering"))?;
        Ok(this)
    }

    /// The kernel index of its link.
    pub(super) const fn link(&self) -> u32 {
        self.link
    }

    /// The hardware address it speaks as.
    pub(super) const fn mac(&self) -> Mac {
        self.mac
    }

    /// Reads one frame; none when there is none now.
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

/// Finds out at start whether packet sockets are allowed at all.
///
/// # Errors
/// [`SocketError::Forbidden`] without `CAP_NET_RAW`.
pub(super) fn check_privilege() -> Result<(), SocketError> {
    packet_socket().map(drop)
}

fn packet_socket() -> Result<Socket, SocketError> {
    let protocol = Protocol::from(i32::from(ETH_P_ARP.to_be()));
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

/// Classic BPF (`linux/filter.h`): lets nothing through.
const DEAF: [SockFilter; 1] = [SockFilter::new(RETURN, 0, 0, 0)];

const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
/// Where the kernel shows the packet type: `SKF_AD_OFF + SKF_AD_PKTTYPE`.
const PACKET_TYPE: u32 = 0xffff_f004;
/// The first packet type that is not for us: `PACKET_OTHERHOST`. The kernel
/// gives it also to frames of a VLAN that has no interface here.
const OTHER_HOST: u32 = 3;
/// More bytes than an ARP frame has.
const WHOLE: u32 = 128;

/// ARP addressed to us or to a group, not from `mac` itself.
fn arp_of_others(mac: Mac) -> [SockFilter; 10] {
    let [a, b, c, d, e, f] = mac.0;
    let high = u32::from_be_bytes([a, b, c, d]);
    let low = u32::from(u16::from_be_bytes([e, f]));
    [
        SockFilter::new(LOAD_WORD, 0, 0, PACKET_TYPE),
        SockFilter::new(JUMP_AT_LEAST, 7, 0, OTHER_HOST),
        SockFilter::new(LOAD_HALF, 0, 0, 12),
        SockFilter::new(JUMP_EQUAL, 0, 5, u32::from(ETH_P_ARP)),
        SockFilter::new(LOAD_WORD, 0, 0, 6),
        SockFilter::new(JUMP_EQUAL, 0, 2, high),
        SockFilter::new(LOAD_HALF, 0, 0, 10),
        SockFilter::new(JUMP_EQUAL, 1, 0, low),
        SockFilter::new(RETURN, 0, 0, WHOLE),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}
