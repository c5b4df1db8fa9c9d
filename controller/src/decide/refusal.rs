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
    /// The Service requires dual stack but has one family only.
    NotDual,
    /// The Service has no IP family yet.
    NoFamily,
    /// Every pool was considered and none can serve; in order, with reasons.
    NoPool(Vec<(String, PoolRefusal)>),
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
            Self::NotDual => f.write_str("requires dual stack but has one IP family"),
            Self::NoFamily => f.write_str("the Service has no IP family yet"),
            Self::NoPool(pools) if pools.is_empty() => {
                f.write_str("no address: the configuration has no pools")
            }
            Self::NoPool(pools) => {
                let reasons = pools
                    .iter()
                    .map(|(pool, why)| format!("pool {pool}: {why}"));
                write!(f, "no address: {}", reasons.collect::<Vec<_>>().join("; "))
            }
        }
    }
}

/// An address a Service may not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The address.
    pub ip: IpAddr,
    /// Why.
    pub why: Unfit,
}

/// Why an address in a status may not stay there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// No pool covers it (any more).
    Uncovered,
    /// It is held by another Service, or its pool leaves it out.
    Claim(ClaimRefusal),
    /// The Service wants no address of this family.
    Family(Family),
    /// The Service has another one of this family.
    Surplus(Family),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ip = self.ip;
        match &self.why {
            Unfit::Uncovered => write!(f, "{ip} was taken back: no pool covers it"),
            Unfit::Claim(reason) => write!(f, "{ip} was taken back: {reason}"),
            Unfit::Family(family) => {
                write!(
                    f,
                    "{ip} was released: the Service wants no {family} address"
                )
            }
            Unfit::Surplus(family) => {
                write!(
                    f,
                    "{ip} was taken back: the Service has another {family} address"
                )
            }
        }
    }
}

/// Values in a row, separated by commas.
pub(crate) fn list<T: ToString>(values: &[T]) -> String {
    values
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
