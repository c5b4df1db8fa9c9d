//! Pieces of frames: fixed fields read from an array whose length is known
//! when compiling, and a frame being put together. Pure; cannot panic.

use std::ops::Deref;

/// Bytes of the longest frame we put together: a neighbour advertisement with
/// its one option.
const CAPACITY: usize = 86;

/// The `N` bytes at `OFFSET`; that they exist is checked when compiling.
pub(super) fn at<const OFFSET: usize, const N: usize, const LEN: usize>(
    frame: &[u8; LEN],
) -> [u8; N] {
    const { assert!(OFFSET + N <= LEN) }
    std::array::from_fn(|i| frame[OFFSET + i])
}

/// A frame ready for the wire, without padding and checksum of the Ethernet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameBytes {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl FrameBytes {
    /// A frame made of these parts, in order; what does not fit is left out.
    pub(super) fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut frame = Self {
            bytes: [0; CAPACITY],
            length: 0,
        };
        for (place, byte) in frame.bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *place = *byte;
            frame.length += 1;
        }
        frame
    }
}

impl Deref for FrameBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, FrameBytes, at};

    #[test]
    fn parts_follow_each_other() {
        let frame = FrameBytes::of([&[1, 2][..], &[], &[3]]);
        assert_eq!(&frame[..], [1, 2, 3]);
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let frame = FrameBytes::of([&[7; CAPACITY][..], &[8]]);
        assert_eq!(&frame[..], [7; CAPACITY]);
    }

    #[test]
    fn reads_a_field_in_the_middle() {
        assert_eq!(at::<1, 2, _>(&[1, 2, 3, 4]), [2, 3]);
    }
}
