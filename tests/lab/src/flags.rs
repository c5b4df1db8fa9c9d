//! The command lines of etcd and the Kubernetes programs. Pure functions of what differs
//! between a lab and a standalone API server.

use std::path::{Path, PathBuf};

use crate::options::{Clocks, ProxyMode};
use crate::pki::Pki;
use crate::plan::{self, Network};

/// Flags of etcd.
#[derive(Debug, Clone)]
pub(crate) struct EtcdFlags {
    /// Its data directory.
    pub(crate) data: PathBuf,
    /// Its client port on loopback.
    pub(crate) client: u16,
    /// Its peer port on loopback.
    pub(crate) peer: u16,
}

impl EtcdFlags {
    /// The command line, without the program.
    #[must_use]
    pub(crate) fn args(&self) -> Vec<String> {
        let client = format!("http://127.0.0.1:{}", self.client);
        let peer = format!("http://127.0.0.1:{}", self.peer);
        vec![
            format!("--data-dir={}", self.data.display()),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
            "--log-level=warn".to_owned(),
            // Durability is not needed in a lab, and fsync is slow.
            "--unsafe-no-fsync".to_owned(),
        ]
    }
}

/// Flags of kube-apiserver.
#[derive(Debug, Clone)]
pub(crate) struct ApiFlags {
    /// etcd's client port on loopback.
    pub(crate) etcd: u16,
    /// The endpoint of the `kubernetes` Service.
    pub(crate) advertise: String,
    /// The address to listen on.
    pub(crate) bind: String,
    /// The port to listen on.
    pub(crate) port: u16,
    /// Certificates and keys.
    pub(crate) pki: Pki,
    /// The token file.
    pub(crate) tokens: PathBuf,
    /// Whether kubelets and service accounts exist: adds their authorizer and admission.
    pub(crate) nodes: bool,
}

impl ApiFlags {
    /// The command line, without the program.
    #[must_use]
    pub(crate) fn args(&self) -> Vec<String> {
        let mut args = vec![
            format!("--etcd-servers=http://127.0.0.1:{}", self.etcd),
            format!("--advertise-address={}", self.advertise),
            format!("--bind-address={}", self.bind),
            format!("--secure-port={}", self.port),
            format!("--tls-cert-file={}", self.pki.cert("apiserver").display()),
            format!(
                "--tls-private-key-file={}",
                self.pki.key("apiserver").display()
            ),
            format!("--token-auth-file={}", self.tokens.display()),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!(
                "--service-account-key-file={}",
                self.pki.tokens_public().display()
            ),
            format!(
                "--service-account-signing-key-file={}",
                self.pki.key("tokens").display()
            ),
            format!(
                "--service-cluster-ip-range={},{}",
                plan::SERVICES_V4,
                plan::SERVICES_V6
            ),
            "--allow-privileged=true".to_owned(),
        ];
        args.extend(if self.nodes {
            self.with_nodes()
        } else {
            without_nodes()
        });
        args
    }

    fn with_nodes(&self) -> Vec<String> {
        vec![
            "--authorization-mode=Node,RBAC".to_owned(),
            "--enable-admission-plugins=NodeRestriction".to_owned(),
            format!(
                "--kubelet-client-certificate={}",
                self.pki.cert("kubelet-client").display()
            ),
            format!(
                "--kubelet-client-key={}",
                self.pki.key("kubelet-client").display()
            ),
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
        ]
    }
}

fn without_nodes() -> Vec<String> {
    vec![
        "--authorization-mode=RBAC".to_owned(),
        // No controller creates service accounts here, so they must not be required.
        "--disable-admission-plugins=ServiceAccount".to_owned(),
    ]
}

/// kube-controller-manager's command line. With the default request rate, starting its
/// controllers takes five seconds.
pub(crate) fn controller_manager(
    kubeconfig: &Path,
    pki: &Pki,
    plugins: &Path,
    clocks: Clocks,
) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        "--use-service-account-credentials=true".to_owned(),
        format!(
            "--service-account-private-key-file={}",
            pki.key("tokens").display()
        ),
        format!("--root-ca-file={}", pki.ca().display()),
        "--leader-elect=false".to_owned(),
        "--allocate-node-cidrs=false".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        // The default would be created in the host's /usr.
        format!("--flex-volume-plugin-dir={}", plugins.display()),
        "--kube-api-qps=1000".to_owned(),
        "--kube-api-burst=1000".to_owned(),
        format!("--node-monitor-grace-period={}s", clocks.grace),
        format!("--node-monitor-period={}s", clocks.monitor),
    ]
}

/// kube-scheduler's command line.
pub(crate) fn scheduler(kubeconfig: &Path) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        "--leader-elect=false".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
    ]
}

/// The kubelet's command line; the rest is in its configuration file.
pub(crate) fn kubelet(node: u8, config: &Path, kubeconfig: &Path) -> Vec<String> {
    let host = plan::node_host(node);
    vec![
        format!("--config={}", config.display()),
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--hostname-override={}", plan::node_name(node)),
        format!(
            "--node-ip={},{}",
            Network::Lan.v4(host),
            Network::Lan.v6(host)
        ),
    ]
}

/// kube-proxy's command line. The connection tracking limits belong to the host and stay
/// unchanged.
pub(crate) fn proxy(node: u8, mode: ProxyMode, kubeconfig: &Path) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--hostname-override={}", plan::node_name(node)),
        format!("--proxy-mode={}", mode.flag()),
        format!("--cluster-cidr={},{}", plan::PODS_V4, plan::PODS_V6),
        "--conntrack-max-per-core=0".to_owned(),
        "--healthz-bind-address=127.0.0.1:10256".to_owned(),
    ]
}
