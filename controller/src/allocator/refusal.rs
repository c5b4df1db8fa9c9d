//! Why an address is unavailable, and what would help. Pure.

use std::fmt;
use std::net::IpAddr;

use ferrolb_core::key::ObjectKey;
use ferrolb_core::range::Family;
use thiserror::Error;

use super::sharing::Conflict;

/// Why a certain address is unavailable.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClaimRefusal {
    /// No pool contains it.
    #[error("no pool contains {0}")]
    Uncovered(IpAddr),
    /// Its pool has `avoidBuggyIPs` on and it ends in .0 or .255.
    #[error("{ip} is excluded from pool {pool} (avoidBuggyIPs)")]
    Avoided {
        /// The address.
        ip: IpAddr,
        /// The pool's name.
        pool: String,
    },
    /// Another Service holds it, and the two may not share it.
    #[error("{ip} is held by Service {holder}{conflict}")]
    Held {
        /// The address.
        ip: IpAddr,
        /// The Service that holds it.
        holder: ObjectKey,
        /// Why it is not shared.
        conflict: Conflict,
    },
    /// It is in another pool than the requested one.
    #[error("{ip} is in pool {pool}, not in the requested pool {requested}")]
    OtherPool {
        /// The address.
        ip: IpAddr,
        /// The pool it is in.
        pool: String,
        /// The requested pool.
        requested: String,
    },
    /// Its pool does not serve this Service.
    #[error("{ip} is in pool {pool}: {why}")]
    Barred {
        /// The address.
        ip: IpAddr,
        /// The pool it is in.
        pool: String,
        /// Why the pool does not serve it.
        why: PoolRefusal,
    },
}

/// Why a pool has no address for a Service.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PoolRefusal {
    /// `autoAssign: false`, and the Service requests neither the pool nor an address of it.
    #[error("autoAssign is false")]
    NotAutoAssign,
    /// `serviceAllocation` does not select the Service's namespace.
    #[error("namespace {0} is not selected")]
    Namespace(String),
    /// `serviceAllocation` does not select the Service's labels.
    #[error("labels of the Service are not selected")]
    Labels,
    /// A general pool, and a pinned pool allows no fallback to it.
    #[error("not used, because pool {0} has fallback: false")]
    NoFallback(String),
    /// The namespace holds as many of its addresses as it may.
    #[error("namespace {namespace} already holds {most} {family} addresses (maxPerNamespace)")]
    Quota {
        /// The Service's namespace.
        namespace: String,
        /// The family counted.
        family: Family,
        /// How many it may hold.
        most: u32,
    },
    /// It has no range of a family the Service needs.
    #[error("has no {0} addresses")]
    Without(Family),
    /// Every address of the family is held.
    #[error("no free {0} address")]
    Exhausted(Family),
    /// Every address of the family is held or in quarantine.
    #[error("no free {family} address, {} in quarantine: {}", withheld.len(), hosts(withheld))]
    Withheld {
        /// The family.
        family: Family,
        /// Those that no Service holds, with the hosts that use them.
        withheld: Vec<ForeignHost>,
    },
    /// Every address of the family is held, and one with the Service's sharing
    /// key cannot be shared.
    #[error("no free {family} address, and none can be shared: {refusal}")]
    Unshareable {
        /// The family.
        family: Family,
        /// The first address with the same key, and why it cannot be shared.
        refusal: Box<ClaimRefusal>,
    },
}

/// A host that is not a speaker and uses an address of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignHost {
    /// The address.
    pub ip: IpAddr,
    /// Its hardware address, as reported.
    pub mac: String,
}

impl fmt::Display for ForeignHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (used by another host, {})", self.ip, self.mac)
    }
}

/// The most hosts that one reason names.
const NAMED: usize = 5;

fn hosts(withheld: &[ForeignHost]) -> String {
    let named = withheld.iter().take(NAMED).map(ToString::to_string);
    let more = withheld.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("and {more} more"));
    named.chain(more).collect::<Vec<_>>().join(", ")
}

/// Something that has become available, for Services that wait for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Opening {
    /// A free address of the family in the pool.
    Free(String, Family),
    /// The address, which a Service released or holds on other terms.
    Address(IpAddr),
    /// Quota of a namespace in a pool.
    Quota(String, String, Family),
    /// Something that is held under a sharing key.
    Key(String),
}
