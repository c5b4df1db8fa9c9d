//! Why an address cannot be had, and what would help.

use std::fmt;
use std::net::IpAddr;

use ferrolb_core::key::ObjectKey;
use ferrolb_core::range::Family;
use thiserror::Error;

use super::sharing::Conflict;

/// Why a certain address cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClaimRefusal {
    /// No pool covers it.
    #[error("{0} is in no pool")]
    Uncovered(IpAddr),
    /// Its pool has `avoidBuggyIPs` on and it ends in .0 or .255.
    #[error("{ip} is left out by pool {pool} (avoidBuggyIPs)")]
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
        /// Who holds it.
        holder: ObjectKey,
        /// Why it is not shared.
        conflict: Conflict,
    },
    /// It is in another pool than the one asked for.
    #[error("{ip} is in pool {pool}, not in the requested pool {requested}")]
    OtherPool {
        /// The address.
        ip: IpAddr,
        /// The pool it is in.
        pool: String,
        /// The pool asked for.
        requested: String,
    },
    /// Its pool is not for this Service.
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

/// Why a pool gives a Service nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PoolRefusal {
    /// `autoAssign: false`, and the Service asked for neither it nor its addresses.
    #[error("autoAssign is off")]
    NotAutoAssign,
    /// `serviceAllocation` does not select the Service's namespace.
    #[error("namespace {0} is not selected")]
    Namespace(String),
    /// `serviceAllocation` does not select the Service's labels.
    #[error("the Service's labels are not selected")]
    Labels,
    /// A general pool, and a pinned pool allows no fallback to it.
    #[error("not used, because pool {0} has fallback: false")]
    NoFallback(String),
    /// The namespace holds as many of its addresses as it may.
    #[error("namespace {namespace} holds {most} {family} already (maxPerNamespace)")]
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
    #[error("{0} is exhausted")]
    Exhausted(Family),
    /// Every address of the family is held or withheld.
    #[error(
        "{family} is exhausted, and {} kept back: {}",
        plural(withheld),
        strangers(withheld)
    )]
    Withheld {
        /// The family.
        family: Family,
        /// Those that nobody holds, and who uses them.
        withheld: Vec<Stranger>,
    },
    /// Every address of the family is held, and one with the Service's sharing
    /// key cannot be shared.
    #[error("{family} is exhausted, and sharing is not possible: {refusal}")]
    Unshareable {
        /// The family.
        family: Family,
        /// The first address with the same key, and why it cannot be shared.
        refusal: Box<ClaimRefusal>,
    },
}

/// A machine that is no speaker and answers for an address of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// The address.
    pub ip: IpAddr,
    /// The machine's hardware address, as it was reported.
    pub mac: String,
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (used by {} on the LAN)", self.ip, self.mac)
    }
}

/// The most strangers that one reason names.
const NAMED: usize = 5;

fn plural(withheld: &[Stranger]) -> String {
    match withheld.len() {
        1 => "one address is".to_owned(),
        many => format!("{many} addresses are"),
    }
}

fn strangers(withheld: &[Stranger]) -> String {
    let named = withheld.iter().take(NAMED).map(ToString::to_string);
    let more = withheld.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("and {more} more"));
    named.chain(more).collect::<Vec<_>>().join(", ")
}

/// Something that changed in favour of those who wait for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Opening {
    /// An address of the family came free in the pool.
    Free(String, Family),
    /// A Service let go of the address, or changed the terms it is held on.
    Address(IpAddr),
    /// A namespace holds one address of a pool less.
    Quota(String, String, Family),
    /// What is held under a sharing key has changed.
    Key(String),
}
