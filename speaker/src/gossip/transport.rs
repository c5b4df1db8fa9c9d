//! chitchat's transport over UDP with every datagram sealed. One of the two
//! files that name chitchat.
//!
//! No failure of one datagram ends gossip: what cannot be sent, received or
//! opened is counted, logged now and then, and dropped.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chacha20poly1305::{XNonce, aead::Generate};
use chitchat::transport::{Socket, Transport};
use chitchat::{ChitchatMessage, Deserializable, Serializable};
use ferrolb_core::text::Chain;
use thiserror::Error;
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::counters::{DropReason, GossipCounters};
use super::fragments::{self, Reassembler};
use super::seal::{Keyring, OpenError, SealError};
use super::udp;

/// Whether datagrams to and from an address pass. In production all pass; tests
/// partition the network with it.
pub type Filter = Arc<dyn Fn(SocketAddr) -> bool + Send + Sync>;

const DATAGRAM_MAX: usize = 65_535;
/// How long a datagram may wait for room in the kernel. Longer would delay the
/// beats to all others.
const SEND_TIMEOUT: Duration = Duration::from_millis(3);
/// Pause after a receive error, so that a lasting one does not spin.
const RECEIVE_PAUSE: Duration = Duration::from_millis(5);
const LOG_GAP: Duration = Duration::from_secs(30);

/// Why a datagram was not sent.
#[derive(Debug, Error)]
enum SendError {
    #[error("cannot get random bytes for a nonce: {0}")]
    Random(String),
    #[error("the message is too long for 255 datagrams")]
    TooLong,
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("cannot send the datagram")]
    Io(#[from] io::Error),
    #[error("the socket's send buffer is full")]
    Full,
}

/// What a socket needs.
pub(super) struct SocketParts {
    pub(super) keyring: Keyring,
    pub(super) counters: Arc<GossipCounters>,
    pub(super) filter: Filter,
    /// Notified each time chitchat has handled a message, a round or a command.
    pub(super) settled: Arc<Notify>,
}

/// A bound socket, handed to chitchat when it asks for one.
pub(super) struct SealedTransport {
    socket: Mutex<Option<SealedSocket>>,
}

impl SealedTransport {
    /// Binds the socket. Returns the transport and the bound address.
    pub(super) fn bind(listen: SocketAddr, parts: SocketParts) -> io::Result<(Self, SocketAddr)> {
        let socket = udp::bind(listen)?;
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
            .ok_or_else(|| anyhow::anyhow!("the gossip socket on {listen} is already in use"))?;
        Ok(Box::new(socket))
    }
}

struct SealedSocket {
    udp: UdpSocket,
    parts: SocketParts,
    reassembler: Reassembler,
    number: u32,
    /// The send buffer was full last time: do not wait with the next datagram.
    full: bool,
    buffer: Box<[u8]>,
    log: LogLimit,
}

#[async_trait]
impl Socket for SealedSocket {
    async fn send(&mut self, to: SocketAddr, message: ChitchatMessage) -> anyhow::Result<()> {
        if !(self.parts.filter)(to) {
            return Ok(());
        }
        if let Err(error) = self.send_fragments(to, &message.serialize_to_vec()).await {
            self.parts.counters.count_send_error();
            if self.log.allows(Instant::now()) {
                warn!(%to, error = %Chain(&error), "cannot send gossip datagram");
            }
        }
        Ok(())
    }

    /// chitchat may drop this future at any await without losing anything.
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
                    if self.log.allows(Instant::now()) {
                        warn!(%error, "cannot receive gossip datagrams");
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
            reassembler: Reassembler::default(),
            number: 0,
            full: false,
            buffer: vec![0; DATAGRAM_MAX].into_boxed_slice(),
            log: LogLimit::default(),
        }
    }

    async fn send_fragments(&mut self, to: SocketAddr, message: &[u8]) -> Result<(), SendError> {
        self.number = self.number.wrapping_add(1);
        for fragment in fragments::split(message, self.number).ok_or(SendError::TooLong)? {
            let nonce =
                XNonce::try_generate().map_err(|error| SendError::Random(error.to_string()))?;
            let datagram = self.parts.keyring.seal(&fragment, nonce.into())?;
            self.send_datagram(to, &datagram).await?;
        }
        Ok(())
    }

    async fn send_datagram(&mut self, to: SocketAddr, datagram: &[u8]) -> Result<(), SendError> {
        let wait = if self.full {
            Duration::ZERO
        } else {
            SEND_TIMEOUT
        };
        let sent = timeout(wait, self.udp.send_to(datagram, to)).await;
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
        let decoded = self.decode(length, from);
        decoded.unwrap_or_else(|reason| {
            self.parts.counters.count_dropped(reason);
            if self.log.allows(Instant::now()) {
                warn!(%from, reason = reason.label(), "gossip datagram dropped");
            }
            None
        })
    }

    fn decode(
        &mut self,
        length: usize,
        from: SocketAddr,
    ) -> Result<Option<ChitchatMessage>, DropReason> {
        let datagram = self.buffer.get(..length).unwrap_or_default();
        let fragment = self.parts.keyring.open(datagram).map_err(drop_reason)?;
        let added = self.reassembler.add(from, &fragment);
        let Some(message) = added.map_err(|_| DropReason::Malformed)? else {
            return Ok(None);
        };
        let decoded = ChitchatMessage::deserialize(&mut message.as_slice());
        decoded.map(Some).map_err(|_| DropReason::Malformed)
    }
}

fn drop_reason(error: OpenError) -> DropReason {
    match error {
        OpenError::TooShort { .. } => DropReason::TooShort,
        OpenError::Version { .. } => DropReason::Version,
        OpenError::UnknownKey { .. } => DropReason::UnknownKey,
        OpenError::Forged => DropReason::Forged,
    }
}

/// One log line each [`LOG_GAP`]; the counters have the rest. Not an outage that
/// ends: datagrams that fail and others that do not alternate.
#[derive(Debug, Default)]
struct LogLimit {
    last: Option<Instant>,
}

impl LogLimit {
    fn allows(&mut self, now: Instant) -> bool {
        let due = self
            .last
            .is_none_or(|last| now.saturating_duration_since(last) >= LOG_GAP);
        if due {
            self.last = Some(now);
        }
        due
    }
}
