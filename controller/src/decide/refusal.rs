//! Why a Service gets no address, or must release one, for its owner. Pure.

use std::fmt;
use std::net::IpAddr;

use ferrolb_core::range::Family;

use crate::allocator::{ClaimRefusal, PoolRefusal};

/// Why a Service does not get what it requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The field or an annotation cannot be parsed.
    Malformed(String),
    /// The requested addresses do not match the Service's IP families.
    RequestedFamilies {
        /// The requested addresses.
        requested: Vec<IpAddr>,
        /// The families of the Service, primary first.
        needed: Vec<Family>,
    },
    /// Requested addresses are unavailable; the reason of each.
    Requested(Vec<ClaimRefusal>),
    /// The requested pool does not exist.
    UnknownPool {
        /// The requested pool.
        requested: String,
        /// The existing pools.
        known: Vec<String>,
    },
    /// The Service requires dual stack but has one family only.
    NotDual,
    /// The Service has no IP family yet.
    NoFamily,
    /// No pool can serve the Service; the pools in order, each with its reason.
    NoPool(Vec<(String, PoolRefusal)>),
}

/// Every reason that [`Refusal::reason`] can return.
pub const REASONS: [&str; 7] = [
    "InvalidRequest",
    "FamilyMismatch",
    "RequestedAddressUnavailable",
    "UnknownPool",
    "NotDualStack",
    "NoIPFamily",
    "NoAddressAvailable",
];

impl Refusal {
    /// The reason of the condition, and the label of the metric.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "InvalidRequest",
            Self::RequestedFamilies { .. } => "FamilyMismatch",
            Self::Requested(_) => "RequestedAddressUnavailable",
            Self::UnknownPool { .. } => "UnknownPool",
            Self::NotDual => "NotDualStack",
            Self::NoFamily => "NoIPFamily",
            Self::NoPool(_) => "NoAddressAvailable",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(problem) => {
                write!(f, "Cannot parse the requested address: {problem}")
            }
            Self::RequestedFamilies { requested, needed } => write!(
                f,
                "Requested {} does not match the IP families of the Service ({})",
                list(requested),
                list(needed)
            ),
            Self::Requested(reasons) => {
                write!(f, "Cannot assign the requested address: {}", list(reasons))
            }
            Self::UnknownPool { requested, known } => write!(
                f,
                "Requested pool {requested} does not exist; available pools: {}",
                shortened(known.iter().map(String::as_str), ", ")
            ),
            Self::NotDual => {
                f.write_str("The Service requires dual stack but has only one IP family")
            }
            Self::NoFamily => f.write_str("The Service has no IP family yet"),
            Self::NoPool(pools) if pools.is_empty() => {
                f.write_str("No address available: no pools are configured")
            }
            Self::NoPool(pools) => {
                let reasons = pools
                    .iter()
                    .map(|(pool, why)| format!("pool {pool}: {why}"));
                write!(f, "No address available: {}", shortened(reasons, "; "))
            }
        }
    }
}

/// A preference for two families of which one is unavailable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What is missing.
    pub families: Vec<Family>,
    /// The pool of the other address.
    pub pool: String,
    /// Why it cannot provide both.
    pub why: PoolRefusal,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            families,
            pool,
            why,
        } = self;
        write!(f, "no {} address: pool {pool}: {why}", list(families))
    }
}

/// An address that a Service must release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// The address.
    pub ip: IpAddr,
    /// Why.
    pub why: ReleaseReason,
}

/// Why an address must leave a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseReason {
    /// No pool contains it (any more).
    Uncovered,
    /// Another Service holds it, or its pool excludes it.
    Claim(ClaimRefusal),
    /// Its pool, by name, does not serve the Service (any more).
    Barred(String, PoolRefusal),
    /// Another host, with this hardware address, uses it on the LAN.
    ForeignHost(String),
    /// The Service does not have this family (any more).
    Family(Family),
    /// The Service has another address of this family.
    Surplus(Family),
}

impl fmt::Display for Released {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ip = self.ip;
        match &self.why {
            ReleaseReason::Uncovered => write!(f, "Released {ip}: no pool contains it"),
            ReleaseReason::Claim(reason) => write!(f, "Released {ip}: {reason}"),
            ReleaseReason::Barred(pool, why) => {
                write!(f, "Released {ip}: pool {pool}: {why}")
            }
            ReleaseReason::ForeignHost(mac) => {
                write!(f, "Released {ip}: another host ({mac}) uses it on the LAN")
            }
            ReleaseReason::Family(family) => {
                write!(f, "Released {ip}: the Service has no IP family {family}")
            }
            ReleaseReason::Surplus(family) => {
                write!(f, "Released {ip}: the Service has another {family} address")
            }
        }
    }
}

/// The most entries listed in one message, so that a condition stays short enough
/// for the API server.
const LISTED: usize = 20;

/// The first entries, and the number of the others.
fn shortened<T: Into<String>>(texts: impl Iterator<Item = T>, separator: &str) -> String {
    let mut texts: Vec<String> = texts.map(Into::into).collect();
    let more = texts.len().saturating_sub(LISTED);
    if more > 0 {
        texts.truncate(LISTED);
        texts.push(format!("and {more} more"));
    }
    texts.join(separator)
}

/// Values separated by commas.
pub(crate) fn list<T: ToString>(values: &[T]) -> String {
    values
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
