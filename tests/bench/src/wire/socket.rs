//! A packet socket for ARP on one NIC.

use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use anyhow::{Context, Result};
use ferrolb_core::mac::Mac;
use ferrolb_speaker::layer2::wire::arp::ArpFrame;
use nix::ifaddrs::getifaddrs;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{LinkAddr, bind};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, Socket, Type};

/// `ETH_P_ARP` of `linux/if_ether.h`.
const ETH_P_ARP: u16 = 0x0806;
/// Longer than any ARP frame, padding included.
const ROOM: usize = 128;

/// Receives and sends ARP on one NIC.
#[derive(Debug)]
pub(crate) struct ArpSocket {
    socket: Socket,
    mac: Mac,
}

impl ArpSocket {
    /// Opens it in the namespace of the calling thread.
    pub(crate) fn open(nic: &str) -> Result<Self> {
        let (address, mac) = address_of(nic)?;
        let protocol = Protocol::from(i32::from(ETH_P_ARP.to_be()));
        let kind = Type::RAW.nonblocking().cloexec();
        let socket = Socket::new(Domain::PACKET, kind, Some(protocol))
            .context("cannot open a packet socket")?;
        bind(socket.as_raw_fd(), &address).with_context(|| format!("cannot bind it to {nic}"))?;
        let this = Self { socket, mac };
        // Before it was bound it received from every NIC.
        while this.receive()?.is_some() {}
        Ok(this)
    }

    /// The NIC's hardware address.
    pub(crate) fn mac(&self) -> Mac {
        self.mac
    }

    /// Sends a frame; false if the kernel has no room for it now.
    pub(crate) fn send(&self, frame: &ArpFrame) -> io::Result<bool> {
        match self.socket.send(&frame.emit()) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.raw_os_error() == Some(nix::errno::Errno::ENOBUFS as i32) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for a frame, at most `within`.
    pub(crate) fn wait(&self, within: Duration) -> Result<()> {
        let mut polled = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        match ppoll(&mut polled, Some(TimeSpec::from_duration(within)), None) {
            Ok(_) | Err(nix::Error::EINTR) => Ok(()),
            Err(error) => Err(error).context("cannot wait for an answer"),
        }
    }

    /// The next valid frame, if one is waiting.
    pub(crate) fn receive(&self) -> io::Result<Option<ArpFrame>> {
        let mut buffer = [0; ROOM];
        loop {
            match (&self.socket).read(&mut buffer) {
                Ok(length) => {
                    let frame = buffer.get(..length).map(ArpFrame::parse);
                    if let Some(Ok(frame)) = frame {
                        return Ok(Some(frame));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }
}

fn address_of(nic: &str) -> Result<(LinkAddr, Mac)> {
    let found = getifaddrs()
        .context("cannot list the NICs")?
        .filter(|interface| interface.interface_name == nic)
        .find_map(|interface| interface.address?.as_link_addr().copied());
    let address = found.with_context(|| format!("there is no NIC {nic}"))?;
    let mac = address
        .addr()
        .with_context(|| format!("{nic} has no hardware address"))?;
    Ok((address, Mac(mac)))
}
