//! The three servers, each a future that runs until the process exits. They use sockets
//! that are already open.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::identity::Identity;

/// Delay after a failed accept or receive, e.g. without free file descriptors.
const RETRY_DELAY: Duration = Duration::from_millis(20);

/// A listener for both families; IPv4 only where the kernel has no IPv6.
pub(crate) async fn listen(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await,
    }
}

/// A UDP socket for both families; IPv4 only where the kernel has no IPv6.
pub(crate) async fn receive(port: u16) -> io::Result<UdpSocket> {
    match UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        Ok(socket) => Ok(socket),
        Err(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).await,
    }
}

/// HTTP: `/` returns pod and node, `/healthz` the health.
pub(crate) async fn http(listener: TcpListener, identity: &Identity) -> io::Result<()> {
    let line = identity.line().to_owned();
    let router = Router::new()
        .route("/", get(|| async move { line }))
        .route("/healthz", get(|| async { "ok\n" }));
    axum::serve(listener, router).await
}

/// TCP: sends pod and node, then waits until the client closes its side.
pub(crate) async fn tcp(listener: TcpListener, identity: &Identity) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(answer(stream, identity.clone()));
            }
            Err(_) => tokio::time::sleep(RETRY_DELAY).await,
        }
    }
}

/// Serves one TCP client; errors end only this connection.
async fn answer(mut stream: TcpStream, identity: Identity) {
    if stream.write_all(identity.line().as_bytes()).await.is_err() {
        return;
    }
    let mut ignored = [0; 512];
    while matches!(stream.read(&mut ignored).await, Ok(1..)) {}
}

/// UDP: answers each datagram with the line and the datagram's tag.
pub(crate) async fn udp(socket: UdpSocket, identity: &Identity) {
    let mut datagram = [0; 2048];
    loop {
        match socket.recv_from(&mut datagram).await {
            // A client that has gone away is not an error.
            Ok((len, from)) => drop(
                socket
                    .send_to(&identity.answer(&datagram[..len]), from)
                    .await,
            ),
            Err(_) => tokio::time::sleep(RETRY_DELAY).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn loopback(port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }

    fn identity() -> Identity {
        Identity::new("echo-1", "node-2")
    }

    /// Sends `request`, closes the sending half and reads to the end.
    async fn converse(port: u16, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(loopback(port)).await.unwrap();
        stream.write_all(request).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn http_returns_pod_and_node() {
        let listener = listen(0).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { http(listener, &identity()).await });
        let get =
            |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = converse(port, get("/").as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("pod=echo-1 node=node-2\n"),
            "{answer}"
        );
        let health = converse(port, get("/healthz").as_bytes()).await;
        assert!(health.ends_with("ok\n"), "{health}");
    }

    #[tokio::test]
    async fn tcp_sends_the_line_and_closes_after_the_client() {
        let listener = listen(0).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { tcp(listener, &identity()).await });
        assert_eq!(
            converse(port, b"anything").await,
            "pod=echo-1 node=node-2\n"
        );
    }

    #[tokio::test]
    async fn udp_echoes_the_tag_over_ipv4_and_ipv6() {
        let socket = receive(0).await.unwrap();
        let port = socket.local_addr().unwrap().port();
        tokio::spawn(async move { udp(socket, &identity()).await });
        for local in [
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            (Ipv6Addr::LOCALHOST, 0).into(),
        ] {
            let client = UdpSocket::bind(local).await.unwrap();
            client.send_to(b"seq 7", (local.ip(), port)).await.unwrap();
            let mut answer = [0; 100];
            let (len, _) = client.recv_from(&mut answer).await.unwrap();
            assert_eq!(&answer[..len], b"pod=echo-1 node=node-2\nseq 7");
        }
    }
}
