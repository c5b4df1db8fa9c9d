//! Reads durations as written in MetalLB's resources: `90s`, `1m30s`. Pure.

use jiff::SignedDuration;

use crate::config::Seconds;
use crate::config::fault::Findings;
use crate::config::node::Mapping;

/// How a fraction of a second is handled.
#[derive(Clone, Copy)]
pub(super) enum Fraction {
    /// Dropped, as by MetalLB.
    Drop,
    /// A fault.
    Reject,
}

/// A duration of up to 65,535 s, the limit of the field in BGP messages.
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
        found.fault(
            &node.path,
            format!("{text:?} is not a duration such as 90s"),
        );
        return None;
    };
    let whole = time.subsec_nanos() == 0 || matches!(fraction, Fraction::Drop);
    match u16::try_from(time.as_secs()) {
        Ok(seconds) if whole && !time.is_negative() => Some(Seconds(seconds)),
        Ok(_) if !whole => {
            found.fault(
                &node.path,
                format!("must be in whole seconds, not {text:?}"),
            );
            None
        }
        _ => {
            found.fault(
                &node.path,
                format!("must be between 0s and 65535s, not {text:?}"),
            );
            None
        }
    }
}
