//! The listeners against clients that hold connections, over real sockets.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Pages, Render, probe, servers};
use crate::args::Probe;
use crate::metrics::Metrics;
use crate::ready::Readiness;
use crate::tasks::Tasks;

const ANY: &str = "127.0.0.1:0";
/// Idle connections opened; `FERROLB_IDLE_CONNECTIONS` chooses another number.
const IDLE: usize = 3_000;
/// As many of them are held at once as the usual limit of descriptors permits.
const HELD: usize = 15_000;

struct Running {
    public: SocketAddr,
    probes: SocketAddr,
    readiness: Readiness,
    cancel: CancellationToken,
    tasks: Tasks,
}

fn start(state: Render) -> Running {
    let readiness = Readiness::default();
    let pages = Pages {
        program: "ferrolb-test",
        metrics: Metrics::for_program().unwrap(),
        readiness: readiness.clone(),
        state,
    };
    let address = ANY.parse().unwrap();
    let (public, probes) = servers(address, address, pages).unwrap();
    let cancel = CancellationToken::new();
    let mut tasks = Tasks::default();
    let running = (
        public.listener.local_addr().unwrap(),
        probes.listener.local_addr().unwrap(),
    );
    tasks.spawn_infallible("http", public.run(cancel.clone()));
    tasks.spawn_infallible("probes", probes.run(cancel.clone()));
    Running {
        public: running.0,
        probes: running.1,
        readiness,
        cancel,
        tasks,
    }
}

fn quick() -> Render {
    Arc::new(|| async { Some("{}".to_owned()) }.boxed())
}

async fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    Ok(response)
}

/// A connection with half a request.
async fn hold(address: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    let half = b"GET /metrics HTTP/1.1\r\nHost: x\r\n";
    stream.write_all(half).await?;
    Ok(stream)
}

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.unwrap().parse().unwrap()
}

/// Opens idle connections from 64 clients at a time and holds them.
async fn fill(address: SocketAddr, number: usize) -> Vec<VecDeque<TcpStream>> {
    const CLIENTS: usize = 64;
    let opened = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let opened = Arc::clone(&opened);
        clients.spawn(async move {
            let mut held = VecDeque::new();
            while opened.fetch_add(1, Ordering::Relaxed) < number {
                if let Ok(stream) = hold(address).await {
                    held.push_back(stream);
                }
                if held.len() > HELD / CLIENTS {
                    held.pop_front();
                }
            }
            held
        });
    }
    clients.join_all().await
}

/// The slowest of the probes made until cancelled, all of which must succeed.
async fn probe_all_the_time(address: SocketAddr, until: CancellationToken) -> Duration {
    let mut slowest = Duration::ZERO;
    while !until.is_cancelled() {
        let start = Instant::now();
        let response = get(address, "/livez").await.unwrap();
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        slowest = slowest.max(start.elapsed());
        sleep(Duration::from_millis(10)).await;
    }
    slowest
}

#[allow(
    clippy::print_stderr,
    reason = "the measured values, shown with --nocapture"
)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_idle_connections_change_nothing() {
    let number =
        std::env::var("FERROLB_IDLE_CONNECTIONS").map_or(IDLE, |number| number.parse().unwrap());
    let server = start(quick());
    let filled = CancellationToken::new();
    let probes = tokio::spawn(probe_all_the_time(server.probes, filled.clone()));
    // The first connections touch what every process has once.
    get(server.public, "/metrics").await.unwrap();
    drop(fill(server.public, 200).await);
    let before = resident_kib();

    let start = Instant::now();
    let held = fill(server.public, number).await;
    let filling = start.elapsed();
    let memory = resident_kib().saturating_sub(before);
    filled.cancel();
    let slowest = probes.await.unwrap();

    let mut metrics = String::new();
    let start = Instant::now();
    for _ in 0..20 {
        metrics = get(server.public, "/metrics").await.unwrap();
        assert!(metrics.starts_with("HTTP/1.1 200 "), "{metrics}");
    }
    let scrape = start.elapsed() / 20;
    let dropped = "ferrolb_test_http_connections_dropped_total{reason=\"limit\"} ";
    let dropped = metrics.split_once(dropped).unwrap().1;
    let dropped: usize = dropped.lines().next().unwrap().parse().unwrap();
    // The others were open to the end, or timed out.
    assert!(
        dropped > number * 9 / 10,
        "{dropped} of {number} were dropped"
    );

    let start = Instant::now();
    server.cancel.cancel();
    server.tasks.run(&server.cancel).await.unwrap();
    let ending = start.elapsed();
    let count: usize = held.iter().map(VecDeque::len).sum();
    eprintln!(
        "{number} idle connections opened in {filling:?}, {count} held by the clients: {memory} KiB more resident, \
         slowest probe {slowest:?}, scrape {scrape:?}, end after {ending:?}"
    );
    assert!(slowest < Duration::from_millis(900), "{slowest:?}");
    assert!(scrape < Duration::from_millis(200), "{scrape:?}");
    assert!(ending < Duration::from_millis(800), "{ending:?}");
    // Of the clients' own streams too, about 300 bytes each.
    assert!(memory < 4_096 + number, "{memory} KiB");
}

#[tokio::test(start_paused = true)]
async fn half_a_request_is_dropped_after_five_seconds() {
    let server = start(quick());
    let start = tokio::time::Instant::now();
    let mut held = hold(server.public).await.unwrap();
    // RST, or the end of the stream.
    let _reset = held.read(&mut [0; 64]).await;
    let waited = start.elapsed().as_secs();
    assert!((5..7).contains(&waited), "{waited} s");
}

#[tokio::test]
async fn a_request_in_flight_is_answered_at_the_end() {
    let slow: Render = Arc::new(|| {
        async {
            sleep(Duration::from_millis(100)).await;
            Some("{\"slow\": true}".to_owned())
        }
        .boxed()
    });
    let server = start(slow);
    let request = tokio::spawn(get(server.public, "/state"));
    sleep(Duration::from_millis(50)).await;
    let start = Instant::now();
    server.cancel.cancel();
    server.tasks.run(&server.cancel).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(400));
    let response = request.await.unwrap().unwrap();
    assert!(response.ends_with("{\"slow\": true}"), "{response}");
    assert!(response.contains("application/json"), "{response}");
}

/// More than the kernel buffers, to a client that never reads.
#[tokio::test]
async fn a_client_that_does_not_read_delays_no_end() {
    let large: Render = Arc::new(|| async { Some("x".repeat(8 << 20)) }.boxed());
    let server = start(large);
    let mut held = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(server.public).await.unwrap();
        let request = b"GET /state HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(request).await.unwrap();
        held.push(stream);
    }
    assert!(
        get(server.public, "/metrics")
            .await
            .unwrap()
            .contains(" 200 ")
    );
    server.cancel.cancel();
    let ended = timeout(Duration::from_millis(800), server.tasks.run(&server.cancel));
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_listener_of_the_probes_shows_health_only() {
    let server = start(quick());
    let found = async |address, path| get(address, path).await.unwrap().contains(" 200 ");
    for path in ["/livez", "/readyz"] {
        assert!(found(server.probes, path).await);
        assert!(found(server.public, path).await);
    }
    for path in ["/metrics", "/state"] {
        assert!(!found(server.probes, path).await);
        assert!(found(server.public, path).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_probes_itself() {
    let server = start(quick());
    let address = server.probes;
    let probed = async |page| {
        let probe = move || probe::probe(address, page);
        tokio::task::spawn_blocking(probe).await.unwrap()
    };
    assert_eq!(probed(Probe::Livez).await, ("ok\n".to_owned(), true));
    let pending = server.readiness.expect("lists");
    let (text, ready) = probed(Probe::Readyz).await;
    assert_eq!((text.as_str(), ready), ("waiting for: lists\n", false));
    drop(pending);
    assert!(probed(Probe::Readyz).await.1);
    server.cancel.cancel();
    server.tasks.run(&server.cancel).await.unwrap();
    assert!(!probed(Probe::Livez).await.1);
}
