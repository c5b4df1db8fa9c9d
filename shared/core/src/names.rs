//! The names under which FerroLB is known in a cluster. Constants only.

/// Namespace FerroLB is installed in unless told otherwise.
pub const NAMESPACE: &str = "ferrolb-system";

/// ConfigMap that holds the configuration.
pub const CONFIG_MAP: &str = "ferrolb";

/// Key of [`CONFIG_MAP`] whose value is the configuration as YAML text.
pub const CONFIG_KEY: &str = "config.yaml";

/// Key of [`CONFIG_MAP`] under which MetalLB's former ConfigMap had its text;
/// read where [`CONFIG_KEY`] is not there.
pub const LEGACY_CONFIG_KEY: &str = "config";

/// ConfigMap in which the active controller keeps the configuration in force,
/// both doors merged, under [`CONFIG_KEY`]: what a restart falls back to while
/// the doors hold a fault, and what the speakers read.
pub const ACCEPTED_CONFIG_MAP: &str = "ferrolb-accepted";

/// Annotation of [`ACCEPTED_CONFIG_MAP`]: the objects it was made from, each
/// with its version.
pub const MADE_FROM: &str = "ferrolb.io/made-from";

/// Lease held by the one controller that may write.
pub const LEASE: &str = "ferrolb-controller";

/// Secret with the key that seals the speakers' gossip.
pub const GOSSIP_SECRET: &str = "ferrolb-gossip";

/// Key of [`GOSSIP_SECRET`] whose value is the sealing key itself.
pub const GOSSIP_SECRET_KEY: &str = "key";

/// Length of the sealing key in bytes.
pub const GOSSIP_KEY_LENGTH: usize = 32;

/// Field manager and event reporter of the controller.
pub const CONTROLLER: &str = "ferrolb-controller";

/// Field manager and event reporter of the speakers.
pub const SPEAKER: &str = "ferrolb-speaker";

/// Prefixes under which Service annotations are read: ours, and MetalLB's
/// present and former one, so that its users keep their manifests.
pub const ANNOTATION_PREFIXES: [&str; 3] = ["ferrolb.io/", "metallb.io/", "metallb.universe.tf/"];

/// Annotation (after a prefix) that asks for addresses: one, or one per IP
/// family separated by a comma.
pub const LOAD_BALANCER_IPS: &str = "loadBalancerIPs";

/// Annotation (after a prefix) that asks for a pool by its name.
pub const ADDRESS_POOL: &str = "address-pool";

/// Annotation (after a prefix) with a key: Services with the same key may hold
/// one address if their ports differ.
pub const ALLOW_SHARED_IP: &str = "allow-shared-ip";

/// Annotation with the other namespaces a Service shares an address with,
/// separated by commas; the Services there must name this one's.
pub const ALLOW_SHARED_IP_NAMESPACES: &str = "ferrolb.io/allow-shared-ip-namespaces";

/// Type of the Service condition that says whether it has what it asks for.
pub const ALLOCATED: &str = "ferrolb.io/Allocated";

/// Type of the Service condition that says which node announces its addresses.
pub const ANNOUNCED: &str = "ferrolb.io/Announced";
