//! One log line for the first error of an outage and one for its end, instead
//! of one for each retry. Pure: the caller logs.

/// Whether something works, and if not, the cause last reported.
#[derive(Debug)]
pub struct Outage<C = ()>(Option<C>);

impl<C> Default for Outage<C> {
    fn default() -> Self {
        Self(None)
    }
}

impl<C: PartialEq> Outage<C> {
    /// Records a failure; whether it is to be logged, because an outage begins
    /// or has another cause now.
    #[must_use = "tells whether to log the failure"]
    pub fn failed(&mut self, cause: C) -> bool {
        let before = self.0.replace(cause);
        before != self.0
    }

    /// Records a success; whether it is to be logged, because an outage ends.
    #[must_use = "tells whether to log the success"]
    pub fn recovered(&mut self) -> bool {
        self.0.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::Outage;

    #[test]
    fn the_first_failure_of_an_outage_and_its_end_are_logged() {
        let mut outage = Outage::default();
        assert!(!outage.recovered());
        assert!(outage.failed(()));
        assert!(!outage.failed(()));
        assert!(outage.recovered());
        assert!(!outage.recovered());
        assert!(outage.failed(()));
    }

    #[test]
    fn another_cause_is_logged_within_the_same_outage() {
        let mut outage = Outage::default();
        let calls = ["refused", "refused", "missing", "refused"].map(|cause| outage.failed(cause));
        assert_eq!(calls, [true, false, true, true]);
        assert!(outage.recovered());
    }
}
