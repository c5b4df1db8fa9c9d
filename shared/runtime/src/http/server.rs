//! Serves one listener so that no client can fill it: a bounded number of
//! connections, one request on each, deadlines for all it does, and at most a
//! few thousand connections accepted a second.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures::FutureExt;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::connections::{Connections, Dropped};
use crate::outage::Outage;

/// The longest wait for a request's headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest a connection lasts; over the 10 s that Prometheus gives a scrape.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest wait for a client to close after its response.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest wait for open connections at the end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(300);
/// The least that hyper allows; longer headers are refused.
const BUFFER: usize = 8 << 10;
/// Connections accepted per [`PACE`]. Accepting is cheap, but a flood of it
/// would take the processor that the engine needs.
const BATCH: u32 = 8;
const PACE: Duration = Duration::from_millis(1);
/// The pause after the system refused to accept, for example for lack of
/// descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener and what it serves.
pub(super) struct Server {
    pub(super) listener: TcpListener,
    pub(super) router: Router,
    /// How many connections may be open at once.
    pub(super) limit: usize,
    pub(super) dropped: Arc<Dropped>,
}

impl Server {
    /// Serves until cancelled; then ends in well below a second, whatever the
    /// clients do.
    pub(super) async fn run(self, cancel: CancellationToken) {
        let mut connections = Connections::new(self.limit);
        let mut acceptor = Acceptor::new(self.listener);
        loop {
            let (stream, peer) = tokio::select! {
                () = cancel.cancelled() => break,
                accepted = acceptor.next() => accepted,
            };
            let (router, closing) = (self.router.clone(), cancel.clone());
            let dropped = Arc::clone(&self.dropped);
            let serve = async move {
                let served = timeout(CONNECTION_TIMEOUT, serve(stream, router, closing));
                if let Err(_) | Ok(Outcome::TimedOut) = served.await {
                    dropped.timed_out();
                }
            };
            connections.add(peer, serve, &self.dropped);
        }
        drop(acceptor);
        connections.finish(SHUTDOWN_TIMEOUT).await;
    }
}

struct Acceptor {
    listener: TcpListener,
    pace: Interval,
    accepted: u32,
    outage: Outage<Option<i32>>,
}

impl Acceptor {
    fn new(listener: TcpListener) -> Self {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            listener,
            pace,
            accepted: 0,
            outage: Outage::default(),
        }
    }

    /// The next connection. May be dropped while it waits.
    async fn next(&mut self) -> (TcpStream, IpAddr) {
        loop {
            if self.accepted == BATCH {
                self.pace.tick().await;
                self.accepted = 0;
            }
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    self.accepted += 1;
                    if self.outage.recovered() {
                        tracing::info!("accepting HTTP connections again");
                    }
                    return (stream, peer.ip());
                }
                Err(error) => self.failed(&error).await,
            }
        }
    }

    async fn failed(&mut self, error: &io::Error) {
        if self.outage.failed(error.raw_os_error()) {
            tracing::warn!(%error, "cannot accept HTTP connections");
        }
        sleep(ACCEPT_PAUSE).await;
    }
}

enum Outcome {
    Closed,
    TimedOut,
}

/// Answers one request. A request in flight is answered even if the program is
/// about to end.
async fn serve(stream: TcpStream, router: Router, closing: CancellationToken) -> Outcome {
    // Closing sends RST and frees the kernel's memory at once. Without it, what a
    // client does not read stays in the kernel for minutes after the connection
    // was closed here, and is not limited by the number of open ones.
    if stream.set_zero_linger().is_err() {
        return Outcome::Closed;
    }
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request| router.call(request).boxed());
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .keep_alive(false)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    let served = tokio::select! {
        served = &mut connection => served,
        () = closing.cancelled() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    if served.is_err_and(|error| error.is_timeout()) {
        return Outcome::TimedOut;
    }
    wait_for_close(connection.into_parts().io.into_inner()).await
}

/// Waits until the client has read the response and closed: before that, RST
/// would take it away.
async fn wait_for_close(mut stream: TcpStream) -> Outcome {
    let closed = async {
        stream.shutdown().await?;
        let mut rest = [0; 512];
        while stream.read(&mut rest).await? > 0 {}
        Ok::<(), io::Error>(())
    };
    match timeout(CLOSE_TIMEOUT, closed).await {
        Ok(_) => Outcome::Closed,
        Err(_) => Outcome::TimedOut,
    }
}
