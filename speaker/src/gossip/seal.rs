//! How a gossip message is sealed: XChaCha20-Poly1305 under a key that all
//! speakers share. Pure: the nonce comes in as an argument.
//!
//! Layout of a datagram, in bytes:
//!
//! | offset | length | what |
//! |---|---|---|
//! | 0 | 1 | version of this layout: 1 |
//! | 1 | 4 | key id: the first bytes of SHA-256 over a fixed text and the key |
//! | 5 | 24 | nonce |
//! | 29 | message + 16 | ciphertext, then the Poly1305 tag |
//!
//! The first 29 bytes and the cluster's name are associated data, so neither
//! can be changed or taken from another cluster. A key ring sends with one key
//! and accepts several, so that keys can be rotated without a gap.
//!
//! A replayed datagram is opened again: nothing here keeps state. Gossip ignores
//! it, because heartbeats and versions only grow.

use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use thiserror::Error;

#[cfg(test)]
mod tests;

/// The name of the gossip cluster, sealed into every datagram.
pub(super) const CLUSTER: &str = "ferrolb";
/// How many bytes sealing adds to a message.
pub(super) const OVERHEAD: usize = HEADER_LEN + TAG_LEN;
/// Bytes of a nonce. At this length random ones do not collide in practice.
pub(super) const NONCE_LEN: usize = 24;

const VERSION: u8 = 1;
const KEY_LEN: usize = 32;
const ID_LEN: usize = 4;
const ID_DOMAIN: &[u8] = b"ferrolb gossip key id 1";
const HEADER_LEN: usize = 1 + ID_LEN + NONCE_LEN;
const TAG_LEN: usize = 16;

/// The bytes are not a key.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// Wrong length.
    #[error("a gossip key has 32 bytes, but the Secret holds {found}")]
    Length {
        /// The number of bytes found.
        found: usize,
    },
}

/// A message could not be sealed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SealError {
    /// The cipher does not take a message of this length.
    #[error("cannot seal a message of {length} bytes: too long for the cipher")]
    TooLong {
        /// The message's length in bytes.
        length: usize,
    },
}

/// A datagram was not sealed by a member of this cluster. One variant for each defect.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OpenError {
    /// Shorter than an empty sealed message.
    #[error("{length} bytes are too few for a sealed message")]
    TooShort {
        /// The datagram's length in bytes.
        length: usize,
    },
    /// Another layout.
    #[error("unknown layout version {found}")]
    Version {
        /// The version it claims.
        found: u8,
    },
    /// A key that is not on the ring.
    #[error("key id {} is not on the ring", hex(*id))]
    UnknownKey {
        /// The id of the key it claims.
        id: [u8; ID_LEN],
    },
    /// Authentication failed.
    #[error("authentication failed: altered, or sealed without the key")]
    Forged,
}

/// One shared key. Of it, only the id can be printed.
#[derive(Clone)]
pub struct Key {
    id: [u8; ID_LEN],
    cipher: XChaCha20Poly1305,
}

impl Key {
    /// Makes a key of exactly 32 bytes.
    ///
    /// # Errors
    /// When there are more or fewer bytes.
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        let found = secret.len();
        let bytes: [u8; KEY_LEN] = secret.try_into().map_err(|_| KeyError::Length { found })?;
        let digest = Sha256::new()
            .chain_update(ID_DOMAIN)
            .chain_update(bytes)
            .finalize();
        Ok(Self {
            id: std::array::from_fn(|index| digest[index]),
            cipher: XChaCha20Poly1305::new(&bytes.into()),
        })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(id {})", hex(self.id))
    }
}

/// The keys of a speaker: one it sends with, and those it accepts.
#[derive(Debug, Clone)]
pub struct Keyring {
    /// Seals datagrams that are sent.
    pub send: Key,
    /// Open datagrams that are received.
    pub accept: Vec<Key>,
}

impl Keyring {
    /// A ring of one key, for sending and for receiving.
    ///
    /// # Errors
    /// When the secret is not exactly 32 bytes long.
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        let send = Key::from_secret(secret)?;
        let accept = vec![send.clone()];
        Ok(Self { send, accept })
    }

    /// Seals a message. A nonce must never be used twice with one key.
    ///
    /// # Errors
    /// When the message is longer than the cipher takes, far beyond any datagram.
    pub fn seal(&self, plain: &[u8], nonce: [u8; NONCE_LEN]) -> Result<Vec<u8>, SealError> {
        let mut datagram = Vec::with_capacity(OVERHEAD + plain.len());
        datagram.push(VERSION);
        datagram.extend(self.send.id);
        datagram.extend(nonce);
        let aad = associated(&datagram);
        let payload = Payload {
            msg: plain,
            aad: &aad,
        };
        let sealed = self.send.cipher.encrypt(&XNonce::from(nonce), payload);
        let length = plain.len();
        datagram.extend(sealed.map_err(|_| SealError::TooLong { length })?);
        Ok(datagram)
    }

    /// Opens a datagram and returns the message in it.
    ///
    /// # Errors
    /// When it was not sealed, whole, with an accepted key for this cluster.
    pub fn open(&self, datagram: &[u8]) -> Result<Vec<u8>, OpenError> {
        let length = datagram.len();
        if length < OVERHEAD {
            return Err(OpenError::TooShort { length });
        }
        let (header, sealed) = datagram.split_at(HEADER_LEN);
        if header[0] != VERSION {
            return Err(OpenError::Version { found: header[0] });
        }
        let id = std::array::from_fn(|index| header[1 + index]);
        let nonce: [u8; NONCE_LEN] = std::array::from_fn(|index| header[1 + ID_LEN + index]);
        let aad = associated(header);
        let mut error = OpenError::UnknownKey { id };
        for key in self.accept.iter().filter(|key| key.id == id) {
            let payload = Payload {
                msg: sealed,
                aad: &aad,
            };
            match key.cipher.decrypt(&XNonce::from(nonce), payload) {
                Ok(plain) => return Ok(plain),
                Err(_) => error = OpenError::Forged,
            }
        }
        Err(error)
    }
}

fn associated(header: &[u8]) -> Vec<u8> {
    [header, CLUSTER.as_bytes()].concat()
}

fn hex(id: [u8; ID_LEN]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}
