//! Reads times as MetalLB's resources write them: `90s`, `1m30s`.

use jiff::SignedDuration;

use crate::config::Seconds;
use crate::config::fault::Findings;
use crate::config::node::Mapping;

/// What becomes of a part of a second.
#[derive(Clone, Copy)]
pub(super) enum Fraction {
    /// It is dropped, as MetalLB does.
    Drop,
    /// It is a fault.
    Refuse,
}

/// A time of up to 65,535 s, as many as BGP's messages have room for.
pub(super) fn read(
    fields: &Mapping<'_>,
    name: &str,
    fraction: Fraction,
    found: &mut Findings,
) -> Option<Seconds> {
    let node = fields.field(name)?;
    let text = node.text(found)?;
    let parsed: Result<SignedDuration, _> = match text.trim() {
        "0" => Ok(SignedDuration::ZERO),
        text => text.parse(),
    };
    let Ok(time) = parsed else {
        found.fault(&node.path, format!("{text:?} is no time such as 90s"));
        return None;
    };
    let whole = time.subsec_nanos() == 0 || matches!(fraction, Fraction::Drop);
    match u16::try_from(time.as_secs()) {
        Ok(seconds) if whole && !time.is_negative() => Some(Seconds(seconds)),
        Ok(_) if !whole => {
            found.fault(&node.path, format!("{text:?} is not in whole seconds"));
            None
        }
        _ => {
            found.fault(&node.path, format!("{text:?} is not from 0s to 65535s"));
            None
        }
    }
}
