//! Which Services hold which addresses, looked up from either side and by sharing
//! key. It does not know pools. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ferrolb_core::key::ObjectKey;

use crate::service::{Claimant, Terms};

type Holders = BTreeMap<ObjectKey, Option<Arc<Terms>>>;

/// Who holds what, on which terms.
#[derive(Debug, Clone, Default)]
pub(super) struct Holdings {
    by_ip: BTreeMap<IpAddr, Holders>,
    by_service: BTreeMap<ObjectKey, BTreeSet<IpAddr>>,
    by_sharing_key: BTreeMap<String, BTreeSet<IpAddr>>,
}

impl Holdings {
    /// The holders of an address.
    pub(super) fn of(&self, ip: IpAddr) -> impl Iterator<Item = (&ObjectKey, Option<&Terms>)> {
        let holders = self.by_ip.get(&ip).into_iter().flatten();
        holders.map(|(key, terms)| (key, terms.as_deref()))
    }

    /// Each address with one of its holders.
    pub(super) fn claims(&self) -> impl Iterator<Item = (IpAddr, Claimant<'_>)> {
        self.by_ip.iter().flat_map(|(ip, holders)| {
            holders.iter().map(|(key, terms)| {
                let terms = terms.as_ref();
                (*ip, Claimant { key, terms })
            })
        })
    }

    /// Every address held, ascending, with its holders.
    pub(super) fn iter(&self) -> impl Iterator<Item = (IpAddr, impl Iterator<Item = &ObjectKey>)> {
        let each = self.by_ip.iter();
        each.map(|(ip, holders)| (*ip, holders.keys()))
    }

    /// Whether any Service holds an address.
    pub(super) fn is_held(&self, ip: IpAddr) -> bool {
        self.by_ip.contains_key(&ip)
    }

    /// Whether any Service of a namespace holds an address.
    pub(super) fn in_namespace(&self, namespace: &str, ip: IpAddr) -> bool {
        self.of(ip).any(|(key, _)| key.namespace == namespace)
    }

    /// The terms on which a Service holds an address, if it does.
    pub(super) fn terms(&self, key: &ObjectKey, ip: IpAddr) -> Option<Option<&Arc<Terms>>> {
        let terms = self.by_ip.get(&ip)?.get(key)?;
        Some(terms.as_ref())
    }

    /// The addresses of a Service, ascending.
    pub(super) fn held(&self, key: &ObjectKey) -> impl Iterator<Item = IpAddr> {
        self.by_service.get(key).into_iter().flatten().copied()
    }

    /// The addresses held under a sharing key, ascending.
    pub(super) fn shared(&self, sharing_key: &str) -> impl Iterator<Item = IpAddr> {
        let addresses = self.by_sharing_key.get(sharing_key);
        addresses.into_iter().flatten().copied()
    }

    /// Adds a holder of an address.
    pub(super) fn insert(&mut self, claimant: Claimant<'_>, ip: IpAddr) {
        let (key, terms) = (claimant.key.clone(), claimant.terms.cloned());
        if let Some(terms) = &terms {
            let shared = self.by_sharing_key.entry(terms.key.clone()).or_default();
            shared.insert(ip);
        }
        self.by_service.entry(key.clone()).or_default().insert(ip);
        self.by_ip.entry(ip).or_default().insert(key, terms);
    }

    /// Removes a holder of an address; its terms, if it was one.
    pub(super) fn remove(&mut self, key: &ObjectKey, ip: IpAddr) -> Option<Option<Arc<Terms>>> {
        let holders = self.by_ip.get_mut(&ip)?;
        let terms = holders.remove(key)?;
        if holders.is_empty() {
            self.by_ip.remove(&ip);
        }
        remove(&mut self.by_service, key, ip);
        if let Some(terms) = &terms {
            let shares = |other: &Terms| other.key == terms.key;
            if !self.of(ip).any(|(_, other)| other.is_some_and(shares)) {
                remove(&mut self.by_sharing_key, &terms.key, ip);
            }
        }
        Some(terms)
    }
}

/// Removes an address from a set, and the set if nothing is left.
fn remove<K: Ord>(sets: &mut BTreeMap<K, BTreeSet<IpAddr>>, key: &K, ip: IpAddr) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(&ip);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    use super::Holdings;
    use crate::service::{Claimant, Terms};
    use crate::tests::{ip, key};

    #[test]
    fn an_address_stays_under_its_sharing_key_until_its_last_holder_is_gone() {
        let terms = Arc::new(Terms {
            key: "k".to_owned(),
            ports: BTreeSet::new(),
            local: BTreeMap::new(),
            namespaces: BTreeSet::new(),
        });
        let (a, b, ip) = (key("a"), key("other/b"), ip("10.0.0.1"));
        let mut holdings = Holdings::default();
        for key in [&a, &b] {
            let terms = Some(&terms);
            holdings.insert(Claimant { key, terms }, ip);
        }
        assert!(holdings.in_namespace("other", ip));
        assert_eq!(holdings.remove(&b, ip), Some(Some(terms.clone())));
        assert!(!holdings.in_namespace("other", ip));
        assert_eq!(holdings.shared("k").collect::<Vec<_>>(), [ip]);
        assert_eq!(holdings.terms(&a, ip), Some(Some(&terms)));
        holdings.remove(&a, ip);
        assert_eq!(holdings.remove(&a, ip), None);
        assert_eq!(holdings.shared("k").count(), 0);
        assert!(!holdings.is_held(ip));
    }
}
