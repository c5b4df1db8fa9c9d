//! Claims about sealing: what is opened is what was sealed, and nothing else opens.

use proptest::prelude::*;

use super::{Key, KeyError, Keyring, NONCE_LEN, OVERHEAD, OpenError};

fn ring(byte: u8) -> Keyring {
    Keyring::from_secret(&[byte; 32]).unwrap()
}

fn sealed(plain: &[u8]) -> Vec<u8> {
    ring(7).seal(plain, [9; NONCE_LEN]).unwrap()
}

#[test]
fn refuses_a_secret_that_is_not_32_bytes_long() {
    for found in [0, 31, 33, 64] {
        let refused = Keyring::from_secret(&vec![1; found]).unwrap_err();
        assert_eq!(refused, KeyError::Length { found });
    }
}

#[test]
fn a_key_prints_its_id_and_not_itself() {
    let printed = format!("{:?}", Key::from_secret(&[0xAB; 32]).unwrap());
    assert!(printed.starts_with("Key(id "), "{printed}");
    assert!(
        !printed.contains("171") && !printed.contains("abab"),
        "{printed}"
    );
}

#[test]
fn the_layout_is_as_documented() {
    let datagram = sealed(b"beat");
    assert_eq!(datagram.len(), OVERHEAD + 4);
    assert_eq!(datagram[0], 1);
    assert_eq!(&datagram[1..5], &ring(7).send.id);
    assert_eq!(&datagram[5..29], &[9; NONCE_LEN]);
}

#[test]
fn refuses_another_layout_version() {
    let mut datagram = sealed(b"beat");
    datagram[0] = 2;
    let refused = ring(7).open(&datagram).unwrap_err();
    assert_eq!(refused, OpenError::Version { found: 2 });
}

#[test]
fn refuses_a_key_that_is_not_on_the_ring() {
    let refused = ring(8).open(&sealed(b"beat")).unwrap_err();
    let id = ring(7).send.id;
    assert_eq!(refused, OpenError::UnknownKey { id });
}

#[test]
fn refuses_a_message_without_its_tag() {
    let datagram = sealed(b"");
    let refused = ring(7).open(&datagram[..OVERHEAD - 1]).unwrap_err();
    assert_eq!(
        refused,
        OpenError::TooShort {
            length: OVERHEAD - 1
        }
    );
}

#[test]
fn accepts_the_old_key_while_sending_with_the_new_one() {
    let mut rotating = ring(8);
    rotating.accept.push(ring(7).send);
    assert_eq!(rotating.open(&sealed(b"beat")).unwrap(), b"beat");
    let newer = rotating.seal(b"beat", [1; NONCE_LEN]).unwrap();
    assert_eq!(ring(8).open(&newer).unwrap(), b"beat");
    assert!(ring(7).open(&newer).is_err());
}

proptest! {
    #[test]
    fn opens_what_was_sealed(plain: Vec<u8>, nonce: [u8; NONCE_LEN]) {
        let datagram = ring(7).seal(&plain, nonce).unwrap();
        prop_assert_eq!(ring(7).open(&datagram).unwrap(), plain);
    }

    #[test]
    fn refuses_any_flipped_bit(plain: Vec<u8>, at: prop::sample::Index, bit in 0..8_u8) {
        let mut datagram = sealed(&plain);
        let at = at.index(datagram.len());
        datagram[at] ^= 1 << bit;
        prop_assert!(ring(7).open(&datagram).is_err());
    }

    #[test]
    fn refuses_arbitrary_bytes(bytes: Vec<u8>) {
        prop_assert!(ring(7).open(&bytes).is_err());
    }

    #[test]
    fn refuses_arbitrary_bytes_behind_a_true_header(tail: Vec<u8>) {
        let datagram = [&sealed(b"")[..29], &tail].concat();
        prop_assert!(ring(7).open(&datagram).is_err());
    }
}
