//! Reads a BFD profile. Pure.

use super::super::entry::Entry;
use super::super::pool;
use crate::config::BfdProfile;
use crate::config::fault::Findings;

const FIELDS: [&str; 7] = [
    "receiveInterval",
    "transmitInterval",
    "detectMultiplier",
    "echoInterval",
    "echoMode",
    "passiveMode",
    "minimumTtl",
];

/// Bounds of every interval, in milliseconds.
const INTERVAL: (i64, i64) = (10, 60_000);

/// Reads one profile.
pub(super) fn read(entry: &Entry<'_>, found: &mut Findings) -> BfdProfile {
    entry.check_fields(&FIELDS, found);
    let fields = &entry.fields;
    let number = |name: &str, (least, most): (i64, i64), found: &mut Findings| {
        let number = fields.field(name)?.number(least, most, found)?;
        u16::try_from(number).ok()
    };
    BfdProfile {
        name: entry.name.clone(),
        receive_interval: number("receiveInterval", INTERVAL, found),
        transmit_interval: number("transmitInterval", INTERVAL, found),
        detect_multiplier: number("detectMultiplier", (2, 255), found),
        echo_interval: number("echoInterval", INTERVAL, found),
        echo_mode: pool::flag(fields, "echoMode", false, found),
        passive_mode: pool::flag(fields, "passiveMode", false, found),
        minimum_ttl: number("minimumTtl", (1, 254), found),
    }
}
