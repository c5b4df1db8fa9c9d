//! Names of objects, keys, annotations and conditions that FerroLB uses in a
//! cluster. Pure: constants only.

/// Default namespace.
pub const NAMESPACE: &str = "ferrolb-system";

/// ConfigMap that holds the configuration.
pub const CONFIG_MAP: &str = "ferrolb";

/// Key of [`CONFIG_MAP`] whose value is the configuration as YAML text.
pub const CONFIG_KEY: &str = "config.yaml";

/// Key of [`CONFIG_MAP`] used by MetalLB's legacy ConfigMap; read if
/// [`CONFIG_KEY`] is absent.
pub const LEGACY_CONFIG_KEY: &str = "config";

/// ConfigMap in which the active controller stores the accepted configuration,
/// merged from all sources, under [`CONFIG_KEY`]. The speakers read only this
/// one; a restarted controller falls back to it while the sources are invalid.
pub const ACCEPTED_CONFIG_MAP: &str = "ferrolb-accepted";

/// Annotation of [`ACCEPTED_CONFIG_MAP`]: the objects it was made from, with
/// their versions.
pub const MADE_FROM: &str = "ferrolb.io/made-from";

/// Lease held by the active controller.
pub const LEASE: &str = "ferrolb-controller";

/// Secret with the key that encrypts the speakers' gossip.
pub const GOSSIP_SECRET: &str = "ferrolb-gossip";

/// Key of [`GOSSIP_SECRET`] whose value is the gossip key.
pub const GOSSIP_SECRET_KEY: &str = "key";

/// Length of the gossip key in bytes.
pub const GOSSIP_KEY_LENGTH: usize = 32;

/// Field manager and Event reporter of the controller.
pub const CONTROLLER: &str = "ferrolb-controller";

/// Field manager and Event reporter of the speakers.
pub const SPEAKER: &str = "ferrolb-speaker";

/// Prefixes of Service annotations: FerroLB's own, and MetalLB's current and
/// legacy ones, so that its users keep their manifests.
pub const ANNOTATION_PREFIXES: [&str; 3] = ["ferrolb.io/", "metallb.io/", "metallb.universe.tf/"];

/// Annotation (after a prefix) that requests addresses: one, or one per IP
/// family separated by a comma.
pub const LOAD_BALANCER_IPS: &str = "loadBalancerIPs";

/// Annotation (after a prefix) that requests a pool by name.
pub const ADDRESS_POOL: &str = "address-pool";

/// Annotation (after a prefix) with a sharing key: Services with the same key may
/// share an address if their ports differ.
pub const ALLOW_SHARED_IP: &str = "allow-shared-ip";

/// Annotation with other namespaces, separated by commas, whose Services may
/// share an address with this one; they must name this namespace in turn.
pub const ALLOW_SHARED_IP_NAMESPACES: &str = "ferrolb.io/allow-shared-ip-namespaces";

/// Service condition: whether the requested addresses are assigned.
pub const ALLOCATED: &str = "ferrolb.io/Allocated";

/// Service condition: whether the addresses are announced, and by which nodes.
pub const ANNOUNCED: &str = "ferrolb.io/Announced";

/// API group of MetalLB's resources, which are read and written as they are.
pub const METALLB_GROUP: &str = "metallb.io";
