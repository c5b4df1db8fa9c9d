//! The options of neighbour discovery (RFC 4861 §4.6). Only link-layer addresses
//! are read; others are skipped. Pure.

use super::NdpError;
use ferrolb_core::mac::Mac;

const SOURCE: u8 = 1;
const TARGET: u8 = 2;
/// Lengths count in units of this many bytes.
const UNIT: usize = 8;

/// The sender's hardware address, if one is given.
pub(super) fn read_source(options: &[u8]) -> Result<Option<Mac>, NdpError> {
    read(options, SOURCE)
}

/// The target's hardware address, if one is given.
pub(super) fn read_target(options: &[u8]) -> Result<Option<Mac>, NdpError> {
    read(options, TARGET)
}

/// Goes through all options, since a malformed one invalidates the message; of
/// several addresses the first counts.
fn read(mut options: &[u8], wanted: u8) -> Result<Option<Mac>, NdpError> {
    let mut found = None;
    while let Some(kind) = options.first() {
        let length = UNIT * options.get(1).copied().map_or(0, usize::from);
        if length == 0 {
            return Err(NdpError::OptionEmpty);
        }
        let (option, rest) = options
            .split_at_checked(length)
            .ok_or(NdpError::OptionTooLong(length))?;
        if *kind == wanted {
            found = found.or(Some(address(option)?));
        }
        options = rest;
    }
    Ok(found)
}

fn address(option: &[u8]) -> Result<Mac, NdpError> {
    match option {
        [_, _, a, b, c, d, e, f] => Ok(Mac([*a, *b, *c, *d, *e, *f])),
        _ => Err(NdpError::OptionNotEthernet(option.len())),
    }
}
