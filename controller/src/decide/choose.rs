//! Chooses addresses for a Service, given those it may keep. Pure.
//!
//! Order: requested addresses; the requested pool; those it has; one pool that
//! has all families; for `PreferDualStack` one pool that has the primary
//! family, else the other. Both addresses of a Service come from one pool
//! unless the user requests otherwise.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ferrolb_core::range::Family;

use super::admit::{self, Candidate, Context};
use super::families;
use super::refusal::{Missing, Refusal};
use crate::allocator::{Allocator, ClaimRefusal, Opening, PoolRefusal};
use crate::service::{FamilyPolicy, Request, ServiceView};

/// The addresses of a Service, why it does not get more, and what would help.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) refusal: Option<Refusal>,
    /// A preference that is not met.
    pub(super) missing: Option<Missing>,
    pub(super) waits: BTreeSet<Opening>,
}

impl Choice {
    fn done(addresses: Vec<IpAddr>) -> Self {
        Self {
            addresses,
            ..Self::default()
        }
    }

    /// Keeps what it has.
    fn refused(addresses: Vec<IpAddr>, refusal: Refusal) -> Self {
        Self {
            addresses,
            refusal: Some(refusal),
            ..Self::default()
        }
    }

    fn waiting_for(self, waits: BTreeSet<Opening>) -> Self {
        Self { waits, ..self }
    }
}

pub(super) fn choose(
    view: &ServiceView,
    kept: Vec<IpAddr>,
    allocator: &mut Allocator,
    context: &Context<'_>,
) -> Choice {
    let needed = families(view);
    if needed.is_empty() {
        return Choice::refused(kept, Refusal::NoFamily);
    }
    if view.policy == FamilyPolicy::RequireDual && needed.len() < 2 {
        return Choice::refused(kept, Refusal::NotDual);
    }
    let pool = match requested_pool(view, allocator) {
        Ok(pool) => pool,
        Err(refusal) => return Choice::refused(kept, refusal),
    };
    let mut chooser = Chooser {
        view,
        allocator,
        context,
        pool,
    };
    match &view.request {
        Request::Malformed(problem) => Choice::refused(kept, Refusal::Malformed(problem.clone())),
        Request::These(ips) => chooser.requested(ips, kept),
        Request::Any => chooser.fill(kept),
    }
}

/// The index of the pool that the user requests.
fn requested_pool(view: &ServiceView, allocator: &Allocator) -> Result<Option<usize>, Refusal> {
    let Some(name) = &view.pool else {
        return Ok(None);
    };
    let index = allocator.pools().position(|pool| pool.name == *name);
    let unknown = || Refusal::UnknownPool {
        requested: name.clone(),
        known: allocator.pools().map(|pool| pool.name.clone()).collect(),
    };
    index.map(Some).ok_or_else(unknown)
}

type Reasons = Vec<(String, PoolRefusal)>;

struct Chooser<'a> {
    view: &'a ServiceView,
    allocator: &'a mut Allocator,
    context: &'a Context<'a>,
    /// The pool that the user requests.
    pool: Option<usize>,
}

impl Chooser<'_> {
    /// Exactly what the user requests. If it is unavailable, the Service keeps what it
    /// has, which is better than nothing and than any other address.
    fn requested(&mut self, ips: &[IpAddr], kept: Vec<IpAddr>) -> Choice {
        if !families_fit(self.view, ips) {
            let refusal = Refusal::RequestedFamilies {
                requested: ips.to_vec(),
                needed: families(self.view).to_vec(),
            };
            return Choice::refused(kept, refusal);
        }
        let checks = ips.iter().map(|ip| self.check(*ip));
        let refused: Vec<_> = checks.filter_map(Result::err).collect();
        if refused.is_empty() {
            for ip in ips {
                let _checked = self.allocator.claim(self.view.claimant(), *ip);
            }
            return Choice::done(ips.to_vec());
        }
        let waits = refused.iter().filter_map(|refusal| self.opening(refusal));
        let waits = waits.collect();
        Choice::refused(kept, Refusal::Requested(refused)).waiting_for(waits)
    }

    /// Whether the Service may have a certain address.
    fn check(&self, ip: IpAddr) -> Result<(), ClaimRefusal> {
        self.allocator.check(self.view.claimant(), ip)?;
        let index = self.allocator.pool_of(ip);
        let index = index.ok_or(ClaimRefusal::Uncovered(ip))?;
        let pool = self.allocator.pool(index);
        if let Some(requested) = self.pool.filter(|requested| *requested != index) {
            return Err(ClaimRefusal::OtherPool {
                ip,
                pool: pool.name.clone(),
                requested: self.allocator.pool(requested).name.clone(),
            });
        }
        let admitted = admit::admits(self.view, pool, self.context);
        let key = &self.view.key;
        admitted
            .and_then(|()| self.allocator.within_quota(key, index, ip))
            .map_err(|why| ClaimRefusal::Barred {
                ip,
                pool: pool.name.clone(),
                why,
            })
    }

    /// What would help against the refusal of a certain address.
    fn opening(&self, refusal: &ClaimRefusal) -> Option<Opening> {
        match refusal {
            ClaimRefusal::Held { ip, .. } => Some(Opening::Address(*ip)),
            ClaimRefusal::Barred {
                pool,
                why: PoolRefusal::Quota { family, .. },
                ..
            } => Some(self.quota(pool, *family)),
            _ => None,
        }
    }

    fn quota(&self, pool: &str, family: Family) -> Opening {
        Opening::Quota(pool.to_owned(), self.view.key.namespace.clone(), family)
    }

    /// What it has, completed by what is missing.
    fn fill(&mut self, kept: Vec<IpAddr>) -> Choice {
        let fits = |ip: &IpAddr| self.pool.is_none() || self.allocator.pool_of(*ip) == self.pool;
        if kept.is_empty() || !kept.iter().all(fits) {
            return self.fresh(kept);
        }
        let has = |family: &&Family| kept.iter().any(|ip| Family::of(*ip) == **family);
        let missing: Vec<Family> = families(self.view)
            .iter()
            .filter(|f| !has(f))
            .copied()
            .collect();
        let Some(pool) = kept.first().and_then(|ip| self.allocator.pool_of(*ip)) else {
            return self.fresh(kept);
        };
        if missing.is_empty() {
            return Choice::done(kept);
        }
        let claimant = self.view.claimant();
        match self.allocator.allocate(claimant, pool, &missing) {
            Ok(more) => Choice::done([kept, more].concat()),
            Err(why) if self.view.policy == FamilyPolicy::PreferDual => {
                self.partial(kept, pool, &missing, why)
            }
            Err(_) => self.fresh(kept),
        }
    }

    /// A preference for two families, met by one.
    fn partial(
        &self,
        kept: Vec<IpAddr>,
        pool: usize,
        families: &[Family],
        why: PoolRefusal,
    ) -> Choice {
        let pool = self.allocator.pool(pool).name.clone();
        let waits = self.openings(&pool, &why);
        let missing = Missing {
            families: families.to_vec(),
            pool,
            why,
        };
        Choice {
            missing: Some(missing),
            ..Choice::done(kept).waiting_for(waits)
        }
    }

    /// Chooses all addresses of a Service again, while it keeps what it has.
    fn fresh(&mut self, kept: Vec<IpAddr>) -> Choice {
        let candidates = match self.pool {
            Some(pool) => {
                let config = self.allocator.pool(pool);
                vec![(pool, admit::admits(self.view, config, self.context))]
            }
            None => admit::candidates(self.view, self.allocator, self.context),
        };
        let families = families(self.view);
        let reasons = match self.try_pools(&candidates, families) {
            Ok(addresses) => return Choice::done(addresses),
            Err(reasons) => reasons,
        };
        if self.view.policy == FamilyPolicy::PreferDual && families.len() > 1 {
            for family in families {
                if let Ok(single) = self.try_pools(&candidates, &[*family]) {
                    // Trying the other again gives the reason.
                    return self.fill(single);
                }
            }
        }
        let waits = reasons.iter().flat_map(|(p, why)| self.openings(p, why));
        let waits = waits.collect();
        Choice::refused(kept, Refusal::NoPool(reasons)).waiting_for(waits)
    }

    /// What would help against the refusal of a pool.
    fn openings(&self, pool: &str, why: &PoolRefusal) -> BTreeSet<Opening> {
        let first = match why {
            PoolRefusal::Exhausted(family)
            | PoolRefusal::Withheld { family, .. }
            | PoolRefusal::Unshareable { family, .. } => Opening::Free(pool.to_owned(), *family),
            PoolRefusal::Quota { family, .. } => self.quota(pool, *family),
            _ => return BTreeSet::new(),
        };
        let terms = self.view.terms.as_ref();
        let key = terms.map(|terms| Opening::Key(terms.key.clone()));
        key.into_iter().chain([first]).collect()
    }

    /// The first pool that can provide all families, or the reason of each pool.
    fn try_pools(
        &mut self,
        candidates: &[Candidate],
        families: &[Family],
    ) -> Result<Vec<IpAddr>, Reasons> {
        let mut reasons = Vec::new();
        for (pool, verdict) in candidates {
            let claimant = self.view.claimant();
            let allocated = verdict
                .clone()
                .and_then(|()| self.allocator.allocate(claimant, *pool, families));
            match allocated {
                Ok(addresses) => return Ok(addresses),
                Err(why) => reasons.push((self.allocator.pool(*pool).name.clone(), why)),
            }
        }
        Err(reasons)
    }
}

/// Whether there is one address for each family; for a preference for two one is
/// enough.
fn families_fit(view: &ServiceView, ips: &[IpAddr]) -> bool {
    let needed = families(view);
    let once = |family: &Family| ips.iter().filter(|ip| Family::of(**ip) == *family).count() == 1;
    let covered = needed.iter().filter(|family| once(family)).count();
    let enough = covered == needed.len() || view.policy == FamilyPolicy::PreferDual;
    covered == ips.len() && enough
}
