//! What ARP and neighbour discovery frames share: fixed fields read from an array
//! whose length is known at compile time, and the bytes of a frame to send.
//! Pure; cannot panic.

use std::ops::{Deref, DerefMut};

/// Length of an Ethernet header.
pub(super) const ETHERNET_LEN: usize = 14;
/// EtherTypes of frames with an 802.1Q or 802.1ad tag.
pub(super) const TYPE_VLAN: u16 = 0x8100;
pub(super) const TYPE_SERVICE_VLAN: u16 = 0x88a8;

/// Length of the longest frame that we send: a neighbour advertisement with its
/// one option.
const CAPACITY: usize = 86;

/// The `N` bytes at `OFFSET`; that they exist is checked when compiling.
pub(super) fn at<const OFFSET: usize, const N: usize, const LEN: usize>(
    frame: &[u8; LEN],
) -> [u8; N] {
    const { assert!(OFFSET + N <= LEN) }
    std::array::from_fn(|i| frame[OFFSET + i])
}

/// The bytes of a frame to send, without padding and frame check sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameBytes {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl FrameBytes {
    /// This many zeros, and never more than the longest frame has.
    pub(super) fn zeroed(length: usize) -> Self {
        Self {
            bytes: [0; CAPACITY],
            length: length.min(CAPACITY),
        }
    }
}

impl Deref for FrameBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl DerefMut for FrameBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, FrameBytes, at};

    #[test]
    fn a_frame_is_never_longer_than_its_capacity() {
        assert_eq!(FrameBytes::zeroed(42)[..], [0; 42]);
        assert_eq!(FrameBytes::zeroed(CAPACITY + 1)[..], [0; CAPACITY]);
    }

    #[test]
    fn reads_a_field_in_the_middle() {
        assert_eq!(at::<1, 2, _>(&[1, 2, 3, 4]), [2, 3]);
    }
}
