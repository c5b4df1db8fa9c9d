//! The UDP socket of gossip and its options. Apart from the packet sockets, the
//! only file of the speaker that names socket2.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use socket2::SockRef;

/// Room for datagrams that the kernel holds back while it resolves the MAC of a
/// dead member.
const BUFFER: usize = 1 << 20;

/// Binds a non-blocking socket with large buffers.
pub(super) fn bind(listen: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(listen)?;
    let options = SockRef::from(&socket);
    // The kernel caps both at its own limits.
    options.set_send_buffer_size(BUFFER)?;
    options.set_recv_buffer_size(BUFFER)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
