//! The lab of a bench: brought up once, settled between trials, taken down at the
//! end in any case.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ferrolb_core::mac::Mac;
use ferrolb_lab::lab::{Lab, Options};
use ferrolb_lab::observe;
use ferrolb_lab::plan::{self, Network};
use ferrolb_lab::progress::{Silent, Stderr};
use ferrolb_lab::{files, interrupt, netns, run, tools, wait};
use serde_json::json;

use crate::lab_lock::{self, LabLock};
use crate::say;
use crate::scrape::Metrics;
use crate::wire::observed;
use crate::wire::watcher::{Watch, Watcher};

/// FerroLB's namespace.
pub(crate) const SYSTEM: &str = "ferrolb-system";
/// The namespace of the workload.
const DEMO: &str = "demo";
/// How long anything but recovery may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long the cluster may take to be ready: kubelets that were without their API
/// server for long retry less and less often.
const RECOVERY: Duration = Duration::from_secs(180);
/// The time between two ARP requests for an IP.
pub(crate) const EVERY: Duration = Duration::from_millis(5);
/// How long one host must have been the only one that answers.
const SETTLED: Duration = Duration::from_millis(150);
/// The metrics port of the speakers.
const METRICS_PORT: u16 = 9617;

/// A lab with FerroLB, a workload, and a Service of each family.
#[derive(Debug)]
pub(crate) struct Testbed {
    pub(crate) lab: Lab,
    /// The IPv4 Service's address.
    pub(crate) v4: Ipv4Addr,
    /// The IPv6 Service's address.
    pub(crate) v6: IpAddr,
    _lock: LabLock,
}

impl Testbed {
    /// Brings it up with `nodes` nodes.
    pub(crate) fn up(nodes: u8) -> Result<Self> {
        interrupt::watch()?;
        let (lab, lock) = lab_lock::acquire()?;
        // Remains of another run may be of another version.
        lab.down(&Silent)?;
        let options = Options {
            nodes,
            ..Options::default()
        };
        let testbed = lab
            .up(&options, &Stderr::new())
            .map_err(anyhow::Error::from)
            .and_then(|()| deploy_workload(&lab));
        match testbed {
            Ok((v4, v6)) => {
                let testbed = Self {
                    lab,
                    v4,
                    v6,
                    _lock: lock,
                };
                testbed.wait_until_ready()?;
                testbed.wait_until_served()?;
                Ok(testbed)
            }
            Err(error) => {
                lab.down(&Silent)?;
                Err(error)
            }
        }
    }

    /// The number of nodes.
    pub(crate) fn nodes(&self) -> u8 {
        self.lab.nodes()
    }

    /// Starts to request an IPv4 address, from the bridge itself.
    pub(crate) fn watch(&self, ip: Ipv4Addr) -> Result<Watcher> {
        Watcher::start(Watch {
            namespace: self.lab.lan_namespace(),
            nic: Network::Lan.bridge().to_owned(),
            from: Network::Lan.v4(plan::GATEWAY).parse()?,
            ip,
            every: EVERY,
        })
    }

    /// Waits until every node and every pod of FerroLB and of the workload is Ready.
    pub(crate) fn wait_until_ready(&self) -> Result<()> {
        let timeout = format!("--timeout={}s", RECOVERY.as_secs());
        let ready = ["wait", "--for=condition=Ready", "nodes", "--all", &timeout];
        self.lab.kubectl(ready)?;
        for (namespace, what) in [
            (SYSTEM, "deployment/ferrolb-controller"),
            (SYSTEM, "daemonset/ferrolb-speaker"),
            (DEMO, "daemonset/echo"),
        ] {
            let status = ["-n", namespace, "rollout", "status", what, &timeout];
            self.lab.kubectl(status)?;
        }
        Ok(())
    }

    /// Waits until kube-proxy has the rules and the endpoints of both Services on
    /// every node: without them a successor answers ARP but no traffic.
    fn wait_until_served(&self) -> Result<()> {
        for node in 1..=self.nodes() {
            let what = format!("kube-proxy's rules on {}", plan::node_name(node));
            wait::until(&what, TIMEOUT, || self.serves(node))?;
        }
        Ok(())
    }

    fn serves(&self, node: u8) -> Result<(), String> {
        let families = [("ip", self.v4.to_string()), ("ip6", self.v6.to_string())];
        for (family, ip) in families {
            let holds = |map| {
                self.kube_proxy_map(node, family, map)
                    .map(|it| it.contains(&ip))
            };
            if !holds("service-ips")? {
                return Err(format!("none for {ip}"));
            }
            if holds("no-endpoint-services")? {
                return Err(format!("no endpoint for {ip}"));
            }
        }
        Ok(())
    }

    fn kube_proxy_map(&self, node: u8, family: &str, map: &str) -> Result<String, String> {
        let list = ["nft", "list", "map", family, "kube-proxy", map];
        let mut list = netns::exec(&self.lab.node_namespace(node), list);
        run::output(&mut list).map_err(|error| error.to_string())
    }

    /// Waits until every speaker sees all others and each IP has one owner, by the
    /// speakers' metrics; works without the API server.
    pub(crate) fn wait_until_agreed(&self) -> Result<()> {
        wait::until("the speakers to agree", TIMEOUT, || self.agree())?;
        Ok(())
    }

    /// Waits until one host alone has answered for a while.
    pub(crate) fn one_answers(&self, watcher: &Watcher) -> Result<Mac> {
        let least = SETTLED.as_millis() / EVERY.as_millis() / 2;
        let least = usize::try_from(least).unwrap_or(usize::MAX);
        let sole = wait::until("exactly one host to answer ARP", TIMEOUT, || {
            let answers = watcher.since(Instant::now() - SETTLED);
            observed::sole(&answers, least).ok_or_else(|| {
                let mut macs: Vec<Mac> = answers.iter().map(|answer| answer.mac).collect();
                macs.sort();
                macs.dedup();
                format!("{} answers, from {macs:?}", answers.len())
            })
        })?;
        Ok(sole)
    }

    /// The metrics of the speaker on a node.
    pub(crate) fn metrics(&self, node: u8) -> Result<Metrics> {
        let ip: IpAddr = Network::Lan.v4(plan::node_host(node)).parse()?;
        let address = SocketAddr::new(ip, METRICS_PORT);
        Metrics::fetch(&self.lab.lan_namespace(), address)
    }

    fn agree(&self) -> Result<(), String> {
        let (mut owned, mut desired) = (0.0, 0.0);
        for node in 1..=self.nodes() {
            let name = plan::node_name(node);
            let metrics = self
                .metrics(node)
                .map_err(|error| format!("{name}: {error:#}"))?;
            let members = metrics.sum("ferrolb_speaker_gossip_members", "");
            if (members - f64::from(self.nodes())).abs() > 0.5 {
                return Err(format!("{name} sees {members} members"));
            }
            owned += metrics.sum("ferrolb_speaker_owned_ips", "");
            desired = metrics.sum("ferrolb_speaker_desired_ips", "");
        }
        match (owned - desired).abs() < 0.5 {
            true => Ok(()),
            false => Err(format!("{owned} IPs owned, {desired} desired")),
        }
    }
}

impl Drop for Testbed {
    fn drop(&mut self) {
        // Harmless if it is down already.
        if let Err(error) = self.lab.down(&Silent) {
            say::note(&error.sentence());
        }
    }
}

/// The node whose NIC on the LAN has this MAC.
pub(crate) fn node_of(mac: Mac) -> Result<u8> {
    let text = mac.to_string();
    let node = (1..=plan::MAX_NODES).find(|node| Network::Lan.mac(plan::node_host(*node)) == text);
    node.with_context(|| format!("{mac} does not belong to a node"))
}

/// Deploys the workload and its two Services; returns their addresses.
fn deploy_workload(lab: &Lab) -> Result<(Ipv4Addr, IpAddr)> {
    for sample in ["echo.yaml", "service-local.yaml"] {
        let file = tools::checkout().join("config/samples").join(sample);
        lab.kubectl(["apply", "-f", &file.display().to_string()])?;
    }
    let file = lab.dirs().file("echo6.json");
    files::write_json(&file, &ipv6_service())?;
    lab.kubectl(["apply", "-f", &file.display().to_string()])?;
    let v4 = observe::wait_for_ip(lab, DEMO, "echo")?;
    let v6 = wait::until("the IPv6 Service's address", TIMEOUT, || {
        let ips = observe::external_ips(lab, DEMO, "echo6").map_err(|error| error.sentence())?;
        ips.first().copied().ok_or_else(|| "none yet".to_owned())
    })?;
    if !v6.is_ipv6() {
        bail!("the IPv6 Service has the address {v6}");
    }
    Ok((v4, v6))
}

fn ipv6_service() -> serde_json::Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": "echo6", "namespace": DEMO },
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "ipFamilies": ["IPv6"],
            "ipFamilyPolicy": "SingleStack",
            "selector": { "app.kubernetes.io/name": "echo" },
            "ports": [{ "name": "udp", "port": 82, "targetPort": "udp", "protocol": "UDP" }],
        },
    })
}
