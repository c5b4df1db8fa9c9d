//! The files written for a node before it is powered on: the order for its init process,
//! and the configuration of kubelet, containerd and CNI.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::init::{NodeOrder, Service};
use crate::dirs::Dirs;
use crate::error::LabError;
use crate::flags;
use crate::options::{Clocks, Options};
use crate::pki::Pki;
use crate::plan;
use crate::tools::Tools;
use crate::{control_plane, files};

/// The sandbox image of pods.
pub(crate) const PAUSE_IMAGE: &str = "ferrolb.local/pause:1";

/// Writes all files and returns the path of the order.
pub(super) fn write(dirs: &Dirs, node: u8, options: &Options) -> Result<PathBuf, LabError> {
    let dir = dirs.node(node);
    let tools = Tools::standard();
    let pki = Pki::at(&dirs.file("pki"));
    files::write_json(
        &dir.join("kubelet.yaml"),
        &kubelet(&pki.ca(), options.timing.clocks()),
    )?;
    files::write(
        &dir.join("containerd.toml"),
        containerd(&tools, &dir.join("cni")),
    )?;
    files::write_json(&dir.join("cni/10-lab.conflist"), &cni(node))?;
    let order = dir.join("order.json");
    files::write_json(&order, &order_for(dirs, node, options, &tools))?;
    Ok(order)
}

fn order_for(dirs: &Dirs, node: u8, options: &Options, tools: &Tools) -> NodeOrder {
    let dir = dirs.node(node);
    let kubeconfig = dir.join("kubelet.kubeconfig");
    let service = |name: &str, args: Vec<String>| Service {
        name: name.to_owned(),
        program: tools.program(name),
        args,
        log: dirs.node_log(node, name),
    };
    NodeOrder {
        hostname: plan::node_name(node),
        disk: dir.clone(),
        images: dirs.file("images"),
        path: super::node_path(),
        containerd: service(
            "containerd",
            vec![format!(
                "--config={}",
                dir.join("containerd.toml").display()
            )],
        ),
        services: vec![
            service(
                "kubelet",
                flags::kubelet(node, &dir.join("kubelet.yaml"), &kubeconfig),
            ),
            service(
                "kube-proxy",
                flags::proxy(
                    node,
                    options.proxy_mode,
                    &control_plane::kubeconfig(dirs, "proxy"),
                ),
            ),
        ],
    }
}

/// KubeletConfiguration where it differs from the defaults. Images cannot be pulled
/// again, so a full disk must not delete them; iptables and swap belong to the host.
fn kubelet(ca: &Path, clocks: Clocks) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": false,
        "cgroupDriver": "cgroupfs",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": ca},
        },
        "authorization": {"mode": "Webhook"},
        "resolvConf": "",
        "failSwapOn": false,
        "makeIPTablesUtilChains": false,
        "maxPods": 110,
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi"},
        // The default would be created in the host's /usr.
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "nodeStatusUpdateFrequency": format!("{}s", clocks.status),
        "nodeLeaseDurationSeconds": clocks.lease,
    })
}

/// The configuration of containerd 2. A host without CAP_SYS_RESOURCE cannot lower
/// `oom_score_adj`, and runc's error about it does not tell the cause.
fn containerd(tools: &Tools, cni: &Path) -> String {
    format!(
        "version = 3\n\
         [plugins.'io.containerd.internal.v1.opt']\n\
         path = '/var/lib/containerd/opt'\n\
         [plugins.'io.containerd.cri.v1.images'.pinned_images]\n\
         sandbox = '{PAUSE_IMAGE}'\n\
         [plugins.'io.containerd.cri.v1.runtime']\n\
         restrict_oom_score_adj = true\n\
         [plugins.'io.containerd.cri.v1.runtime'.cni]\n\
         bin_dirs = ['{}']\n\
         conf_dir = '{}'\n\
         [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]\n\
         runtime_type = 'io.containerd.runc.v2'\n\
         [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]\n\
         SystemdCgroup = false\n\
         BinaryName = '{}'\n",
        tools.cni().display(),
        cni.display(),
        tools.program("runc").display(),
    )
}

/// The CNI configuration: a bridge for the node's pods, with addresses of both families.
fn cni(node: u8) -> Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "lab",
        "plugins": [{
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": true,
            "hairpinMode": true,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": plan::pods_v4(node)}], [{"subnet": plan::pods_v6(node)}]],
                "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}],
            },
        }],
    })
}
