//! The agent's view of what others reported last.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use super::membership::live_addresses;
use crate::eligibility::DesiredIps;
use crate::gossip::View;

/// What gossip and the API server reported last, and whether the agent considered it.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    pub(super) view: Arc<View>,
    pub(super) desired: Arc<DesiredIps>,
    considered: bool,
}

impl Inputs {
    /// Replaces the gossip view.
    pub(super) fn set_view(&mut self, view: Arc<View>) {
        self.view = view;
        self.invalidate();
    }

    /// Replaces the desired IPs; the same ones again change nothing.
    pub(super) fn set_desired(&mut self, desired: Arc<DesiredIps>) {
        if !Arc::ptr_eq(&self.desired, &desired) {
            self.desired = desired;
            self.invalidate();
        }
    }

    /// The last snapshot may be out of date.
    pub(super) fn invalidate(&mut self) {
        self.considered = false;
    }

    /// Whether anything changed since the last call.
    pub(super) fn take_changed(&mut self) -> bool {
        !std::mem::replace(&mut self.considered, true)
    }

    /// The gossip addresses of the live members.
    pub(super) fn live_addresses(&self) -> BTreeSet<SocketAddr> {
        live_addresses(&self.view)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Inputs;
    use crate::eligibility::DesiredIps;

    #[test]
    fn the_same_desired_ips_change_nothing() {
        let mut inputs = Inputs::default();
        assert!(inputs.take_changed(), "there is no snapshot yet");
        assert!(!inputs.take_changed());
        let desired = Arc::new(DesiredIps::new());
        inputs.set_desired(Arc::clone(&desired));
        assert!(inputs.take_changed());
        inputs.set_desired(desired);
        assert!(!inputs.take_changed());
    }
}
