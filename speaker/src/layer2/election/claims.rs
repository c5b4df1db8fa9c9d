//! The members' claims by IP, computed once instead of searching every member for
//! every IP.

use std::collections::HashMap;
use std::net::IpAddr;

use ferrolb_core::key::NodeName;

use super::rank::rank;
use super::{ElectionInput, Epoch};

/// What the other members published about one IP.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Claims<'a> {
    /// The live member with the highest claim.
    pub(super) best: Option<(Epoch, &'a NodeName)>,
    /// The dead member that claimed it last.
    pub(super) last: Option<(Epoch, &'a NodeName)>,
    /// A live member found that a foreign host uses it.
    pub(super) reported: bool,
}

impl Claims<'_> {
    /// The highest epoch of any claim on the IP.
    pub(super) fn top_epoch(&self) -> Epoch {
        let both = [self.best, self.last].into_iter().flatten();
        both.map(|(epoch, _)| epoch).max().unwrap_or(0)
    }
}

/// The claims on every IP that a member claims or reports.
#[derive(Debug, Default)]
pub(super) struct ClaimsByIp<'a>(HashMap<IpAddr, Claims<'a>>);

impl<'a> ClaimsByIp<'a> {
    pub(super) fn new(input: &'a ElectionInput) -> Self {
        let mut by_ip = Self::default();
        for (node, other) in &input.others {
            for (ip, epoch) in &other.claims {
                let claims = by_ip.0.entry(*ip).or_default();
                let claim = (*epoch, node);
                if other.alive {
                    let beaten = claims.best.is_none_or(|best| beats(*ip, claim, best));
                    claims.best = if beaten { Some(claim) } else { claims.best };
                } else {
                    claims.last = claims.last.max(Some(claim));
                }
            }
            for ip in other.conflicts.iter().filter(|_| other.alive) {
                by_ip.0.entry(*ip).or_default().reported = true;
            }
        }
        by_ip
    }

    pub(super) fn on(&self, ip: IpAddr) -> Claims<'a> {
        self.0.get(&ip).copied().unwrap_or_default()
    }
}

/// Whether one claim on an IP is higher than another: by epoch, if equal by
/// rank. A rank costs a hash, and equal epochs are rare.
pub(super) fn beats(ip: IpAddr, one: (Epoch, &NodeName), other: (Epoch, &NodeName)) -> bool {
    let by_rank = || rank(ip, one.1).cmp(&rank(ip, other.1));
    one.0.cmp(&other.0).then_with(by_rank).is_gt()
}
