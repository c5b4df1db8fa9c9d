//! Why a Service gets no address, or loses one, in words its owner can act on.

use std::fmt;
use std::net::IpAddr;

use ferrolb_core::range::Family;

use crate::allocator::{ClaimRefusal, PoolRefusal};

/// Why a Service does not get what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The field or an annotation cannot be understood.
    Malformed(String),
    /// The addresses asked for do not match the Service's IP families.
    RequestedFamilies {
        /// What was asked for.
        requested: Vec<IpAddr>,
        /// What the Service wants, primary first.
        wanted: Vec<Family>,
    },
    /// Addresses asked for cannot be had; each with its reason.
    Requested(Vec<ClaimRefusal>),
    /// The pool asked for does not exist.
    UnknownPool {
        /// What was asked for.
        requested: String,
        /// The pools there are.
        known: Vec<String>,
    },
    /// The Service requires dual stack but has one family only.
    NotDual,
    /// The Service has no IP family yet.
    NoFamily,
    /// Every pool was considered and none can serve; in order, with reasons.
    NoPool(Vec<(String, PoolRefusal)>),
}

/// Every word that [`Refusal::reason`] may say.
pub const REASONS: [&str; 7] = [
    "InvalidRequest",
    "FamilyMismatch",
    "RequestedAddress",
    "UnknownPool",
    "NotDualStack",
    "NoFamily",
    "NoAddress",
];

impl Refusal {
    /// One word for it: the condition's reason and the metric's label.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "InvalidRequest",
            Self::RequestedFamilies { .. } => "FamilyMismatch",
            Self::Requested(_) => "RequestedAddress",
            Self::UnknownPool { .. } => "UnknownPool",
            Self::NotDual => "NotDualStack",
            Self::NoFamily => "NoFamily",
            Self::NoPool(_) => "NoAddress",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(problem) => write!(f, "cannot read the requested address: {problem}"),
            Self::RequestedFamilies { requested, wanted } => write!(
                f,
                "the requested {} does not match the Service's families {}",
                list(requested),
                list(wanted)
            ),
            Self::Requested(reasons) => {
                write!(f, "cannot assign the requested address: {}", list(reasons))
            }
            Self::UnknownPool { requested, known } => write!(
                f,
                "the requested pool {requested} does not exist; there are {}",
                shortened(known.iter().map(String::as_str), ", ")
            ),
            Self::NotDual => f.write_str("requires dual stack but has one IP family"),
            Self::NoFamily => f.write_str("the Service has no IP family yet"),
            Self::NoPool(pools) if pools.is_empty() => {
                f.write_str("no address: the configuration has no pools")
            }
            Self::NoPool(pools) => {
                let reasons = pools
                    .iter()
                    .map(|(pool, why)| format!("pool {pool}: {why}"));
                write!(f, "no address: {}", shortened(reasons, "; "))
            }
        }
    }
}

/// A preference for two families of which one cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What is missing.
    pub families: Vec<Family>,
    /// The pool of the other address.
    pub pool: String,
    /// Why it does not give both.
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

/// An address a Service may not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The address.
    pub ip: IpAddr,
    /// Why.
    pub why: ReleaseReason,
}

/// Why an address in a status may not stay there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseReason {
    /// No pool covers it (any more).
    Uncovered,
    /// It is held by another Service, or its pool leaves it out.
    Claim(ClaimRefusal),
    /// Its pool, which is named, is not (any more) for the Service.
    Barred(String, PoolRefusal),
    /// A stranger with this hardware address uses it on the LAN.
    ForeignHost(String),
    /// The Service wants no address of this family.
    Family(Family),
    /// The Service has another one of this family.
    Surplus(Family),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ip = self.ip;
        match &self.why {
            ReleaseReason::Uncovered => write!(f, "{ip} was taken back: no pool covers it"),
            ReleaseReason::Claim(reason) => write!(f, "{ip} was taken back: {reason}"),
            ReleaseReason::Barred(pool, why) => {
                write!(f, "{ip} was taken back: pool {pool}: {why}")
            }
            ReleaseReason::ForeignHost(mac) => write!(
                f,
                "{ip} was taken back: {mac}, which is no speaker of ours, uses it on the LAN"
            ),
            ReleaseReason::Family(family) => {
                write!(
                    f,
                    "{ip} was released: the Service wants no {family} address"
                )
            }
            ReleaseReason::Surplus(family) => {
                write!(
                    f,
                    "{ip} was taken back: the Service has another {family} address"
                )
            }
        }
    }
}

/// The most that is listed in one message; a condition must stay short enough
/// for the API server.
const LISTED: usize = 20;

/// The first of many, and how many there are more.
fn shortened<T: Into<String>>(texts: impl Iterator<Item = T>, separator: &str) -> String {
    let mut texts: Vec<String> = texts.map(Into::into).collect();
    let more = texts.len().saturating_sub(LISTED);
    if more > 0 {
        texts.truncate(LISTED);
        texts.push(format!("and {more} more"));
    }
    texts.join(separator)
}

/// Values in a row, separated by commas.
pub(crate) fn list<T: ToString>(values: &[T]) -> String {
    values
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
