//! Generates the CRD files in `config/crd`.

use ferrolb_core::config::Kind;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

use crate::bgp::{BFDProfile, BGPAdvertisement, BGPPeer, Community};
use crate::l2::L2Advertisement;
use crate::l2_status::ServiceL2Status;
use crate::pool::IPAddressPool;

/// The first line of each file.
const HEADER: &str =
    "# Generated from the types in shared/api by `cargo xtask crds`. Do not edit.\n";

/// The CRD of a kind.
#[must_use]
pub fn of(kind: Kind) -> CustomResourceDefinition {
    match kind {
        Kind::IpAddressPool => IPAddressPool::crd(),
        Kind::L2Advertisement => L2Advertisement::crd(),
        Kind::BgpAdvertisement => BGPAdvertisement::crd(),
        Kind::BgpPeer => BGPPeer::crd(),
        Kind::BfdProfile => BFDProfile::crd(),
        Kind::Community => Community::crd(),
    }
}

/// Name and text of each file in `config/crd`.
///
/// # Errors
/// When a CRD cannot be written as YAML.
pub fn files() -> Result<Vec<(String, String)>, serde_saphyr::ser_error::Error> {
    let crds = Kind::ALL
        .map(of)
        .into_iter()
        .chain([ServiceL2Status::crd()]);
    crds.map(|crd| {
        let name = format!("{}.yaml", crd.spec.names.plural);
        let yaml = serde_saphyr::to_string(&crd)?;
        Ok((name, format!("{HEADER}{yaml}")))
    })
    .collect()
}
