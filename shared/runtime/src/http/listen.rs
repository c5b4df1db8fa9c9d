//! Opens a listener: with small buffers, for IPv4 and IPv6 where the kernel has
//! both.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};

use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket};

use super::HttpError;

/// Connections that wait to be accepted; the kernel drops further ones.
const BACKLOG: u32 = 1024;
/// Kernel memory for what a client sends. A request is below 1 KiB.
const RECEIVE_BUFFER: u32 = 8 << 10;
/// Kernel memory for what a client does not read. The kernel doubles it, and
/// would else let it grow to megabytes for each connection.
const SEND_BUFFER: u32 = 32 << 10;

/// Opens the listener, so that a taken port is an error at start and not later.
pub(super) fn bind(flag: &'static str, address: SocketAddr) -> Result<TcpListener, HttpError> {
    open_any(address, open).map_err(|source| HttpError::Listen {
        flag,
        address,
        source,
    })
}

/// `[::]` means every address. A kernel without IPv6 (`ipv6.disable=1`) has no
/// such sockets; there every address is `0.0.0.0`.
fn open_any<L>(address: SocketAddr, open: impl Fn(SocketAddr) -> io::Result<L>) -> io::Result<L> {
    let error = match open(address) {
        Err(error) if address.is_ipv6() && address.ip().is_unspecified() => error,
        outcome => return outcome,
    };
    // With these, IPv6 works, and something else is wrong.
    if let ErrorKind::AddrInUse | ErrorKind::PermissionDenied = error.kind() {
        return Err(error);
    }
    let fallback = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
    tracing::info!(%error, %address, %fallback, "no IPv6 in the kernel, listening on IPv4");
    open(fallback)
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        let socket = TcpSocket::new_v6()?;
        // Hosts with net.ipv6.bindv6only would leave IPv4 out.
        SockRef::from(&socket).set_only_v6(false)?;
        socket
    };
    socket.set_reuseaddr(true)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};
    use std::net::SocketAddr;

    use super::open_any;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// As a kernel without IPv6.
    fn without_ipv6(address: SocketAddr) -> Result<SocketAddr, Error> {
        if address.is_ipv6() {
            return Err(Error::other("address family not supported"));
        }
        Ok(address)
    }

    #[test]
    fn every_address_is_every_ipv4_address_without_ipv6() {
        let opened = open_any(address("[::]:9617"), without_ipv6).unwrap();
        assert_eq!(opened, address("0.0.0.0:9617"));
        assert!(open_any(address("[::1]:9617"), without_ipv6).is_err());
        assert!(open_any(address("[::]:9617"), Ok).unwrap().is_ipv6());
    }

    #[test]
    fn a_taken_port_is_not_tried_again() {
        let taken = |address: SocketAddr| match address.is_ipv6() {
            true => Err(Error::from(ErrorKind::AddrInUse)),
            false => Ok(()),
        };
        let error = open_any(address("[::]:9617"), taken).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn both_families_reach_the_wildcard() {
        let listener = super::bind("--http-listen", address("[::]:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .unwrap();
    }
}
