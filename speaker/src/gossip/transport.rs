//! chitchat's transport over UDP with every datagram sealed. One of the two
//! files that name chitchat.
//!
//! Nothing that happens to one datagram ends the gossip: what cannot be sent,
//! received or opened is counted, at most rarely logged, and dropped.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chacha20poly1305::{XNonce, aead::Generate};
use chitchat::transport::{Socket, Transport};
use chitchat::{ChitchatMessage, Deserializable, Serializable};
use thiserror::Error;
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::counters::{GossipCounters, Refusal};
use super::fragments::{self, Joiner};
use super::seal::{Keyring, OpenError, SealError};

/// Decides whether datagrams to and from an address pass. The real one lets
/// all pass; a test cuts the network with it.
pub type Filter = Arc<dyn Fn(SocketAddr) -> bool + Send + Sync>;

/// Room for what the kernel holds back while it looks for a dead member's MAC.
const SOCKET_BUFFER: usize = 1 << 20;
const DATAGRAM_MAX: usize = 65_535;
/// How long a datagram may wait for room in the kernel. Longer would hold up
/// the beats to everybody else.
const SEND_PATIENCE: Duration = Duration::from_millis(3);
/// Pause after an error on receiving, so that a lasting one does not spin.
const RECEIVE_PAUSE: Duration = Duration::from_millis(5);
const LOG_GAP: Duration = Duration::from_secs(30);

/// Why a datagram was not sent.
#[derive(Debug, Error)]
enum SendError {
    #[error("the system gave no random bytes for a nonce: {0}")]
    Random(String),
    #[error("the message is too long to be cut into datagrams")]
    TooLong,
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("the kernel refused the datagram: {0}")]
    Io(#[from] io::Error),
    #[error("the kernel had no room for the datagram")]
    Full,
}

/// What a socket is made of.
pub(super) struct SocketParts {
    pub(super) keyring: Keyring,
    pub(super) counters: Arc<GossipCounters>,
    pub(super) filter: Filter,
    /// Told each time chitchat has dealt with a message, a round or a command.
    pub(super) settled: Arc<Notify>,
}

/// A bound socket, handed to chitchat when it asks for one.
pub(super) struct SealedTransport {
    socket: Mutex<Option<SealedSocket>>,
}

impl SealedTransport {
    /// Binds the socket. Returns the transport and the bound address.
    pub(super) fn bind(listen: SocketAddr, parts: SocketParts) -> io::Result<(Self, SocketAddr)> {
        let socket = std::net::UdpSocket::bind(listen)?;
        let options = socket2::SockRef::from(&socket);
        // Both are wishes: the kernel caps them at its own limits.
        options.set_send_buffer_size(SOCKET_BUFFER)?;
        options.set_recv_buffer_size(SOCKET_BUFFER)?;
        socket.set_nonblocking(true)?;
        let bound = socket.local_addr()?;
        let sealed = SealedSocket::new(UdpSocket::from_std(socket)?, parts);
        let socket = Mutex::new(Some(sealed));
        Ok((Self { socket }, bound))
    }
}

#[async_trait]
impl Transport for SealedTransport {
    async fn open(&self, listen: SocketAddr) -> anyhow::Result<Box<dyn Socket>> {
        let mut slot = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let socket = slot
            .take()
            .ok_or_else(|| anyhow::anyhow!("the gossip socket on {listen} is in use"))?;
        Ok(Box::new(socket))
    }
}

struct SealedSocket {
    udp: UdpSocket,
    parts: SocketParts,
    joiner: Joiner,
    number: u32,
    /// The kernel had no room for the last datagram: do not wait for the next.
    full: bool,
    buffer: Box<[u8]>,
    log: RareLog,
}

#[async_trait]
impl Socket for SealedSocket {
    async fn send(&mut self, to: SocketAddr, message: ChitchatMessage) -> anyhow::Result<()> {
        if !(self.parts.filter)(to) {
            return Ok(());
        }
        if let Err(error) = self.send_parts(to, &message.serialize_to_vec()).await {
            self.parts.counters.count_send_error();
            if self.log.may(Instant::now()) {
                warn!(%to, %error, "gossip datagram not sent");
            }
        }
        Ok(())
    }

    /// chitchat may drop this future at any await; nothing is lost by that.
    async fn recv(&mut self) -> anyhow::Result<(SocketAddr, ChitchatMessage)> {
        // chitchat waits here again each time it has finished something.
        self.parts.settled.notify_one();
        loop {
            match self.udp.recv_from(&mut self.buffer).await {
                Ok((length, from)) => {
                    if let Some(message) = self.accept(length, from) {
                        return Ok((from, message));
                    }
                }
                Err(error) => {
                    self.parts.counters.count_receive_error();
                    if self.log.may(Instant::now()) {
                        warn!(%error, "receiving gossip failed");
                    }
                    sleep(RECEIVE_PAUSE).await;
                }
            }
        }
    }
}

impl SealedSocket {
    fn new(udp: UdpSocket, parts: SocketParts) -> Self {
        Self {
            udp,
            parts,
            joiner: Joiner::default(),
            number: 0,
            full: false,
            buffer: vec![0; DATAGRAM_MAX].into_boxed_slice(),
            log: RareLog::default(),
        }
    }

    async fn send_parts(&mut self, to: SocketAddr, message: &[u8]) -> Result<(), SendError> {
        self.number = self.number.wrapping_add(1);
        for part in fragments::split(message, self.number).ok_or(SendError::TooLong)? {
            let nonce =
                XNonce::try_generate().map_err(|error| SendError::Random(error.to_string()))?;
            let datagram = self.parts.keyring.seal(&part, nonce.into())?;
            self.send_datagram(to, &datagram).await?;
        }
        Ok(())
    }

    async fn send_datagram(&mut self, to: SocketAddr, datagram: &[u8]) -> Result<(), SendError> {
        let patience = if self.full {
            Duration::ZERO
        } else {
            SEND_PATIENCE
        };
        let sent = timeout(patience, self.udp.send_to(datagram, to)).await;
        self.full = sent.is_err();
        let bytes = sent.map_err(|_| SendError::Full)??;
        self.parts.counters.count_sent(bytes);
        Ok(())
    }

    fn accept(&mut self, length: usize, from: SocketAddr) -> Option<ChitchatMessage> {
        if !(self.parts.filter)(from) {
            return None;
        }
        self.parts.counters.count_received(length);
        let outcome = self.decode(length, from);
        outcome.unwrap_or_else(|reason| {
            self.parts.counters.count_refused(reason);
            if self.log.may(Instant::now()) {
                warn!(%from, reason = reason.label(), "gossip datagram refused");
            }
            None
        })
    }

    fn decode(
        &mut self,
        length: usize,
        from: SocketAddr,
    ) -> Result<Option<ChitchatMessage>, Refusal> {
        let datagram = self.buffer.get(..length).unwrap_or_default();
        let part = self.parts.keyring.open(datagram).map_err(refusal)?;
        let joined = self.joiner.join(from, &part);
        let Some(message) = joined.map_err(|_| Refusal::Malformed)? else {
            return Ok(None);
        };
        let decoded = ChitchatMessage::deserialize(&mut message.as_slice());
        decoded.map(Some).map_err(|_| Refusal::Malformed)
    }
}

fn refusal(error: OpenError) -> Refusal {
    match error {
        OpenError::TooShort { .. } => Refusal::TooShort,
        OpenError::Version { .. } => Refusal::Version,
        OpenError::UnknownKey { .. } => Refusal::UnknownKey,
        OpenError::Forged => Refusal::Forged,
    }
}

/// Lets one line through each [`LOG_GAP`]; the counters tell the rest.
#[derive(Debug, Default)]
struct RareLog {
    last: Option<Instant>,
}

impl RareLog {
    fn may(&mut self, now: Instant) -> bool {
        let due = self
            .last
            .is_none_or(|last| now.saturating_duration_since(last) >= LOG_GAP);
        if due {
            self.last = Some(now);
        }
        due
    }
}
