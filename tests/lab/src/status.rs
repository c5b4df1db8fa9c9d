//! `lab status`: the state of the lab in a few lines. Read-only.

use crate::control_plane;
use crate::faults;
use crate::lab::Lab;
use crate::plan::{self, Network};
use crate::run;

/// The state of the lab as text.
#[must_use]
pub fn text(lab: &Lab) -> String {
    let dirs = lab.dirs();
    if !lab.exists() {
        return format!("no lab in {}\n", dirs.root().display());
    }
    let state = if lab.is_up() { "up" } else { "incomplete" };
    let mut text = format!(
        "lab     {state}, in {}, prefix {}\n",
        dirs.root().display(),
        dirs.prefix()
    );
    let api = if control_plane::api_runs(dirs) {
        "running"
    } else {
        "stopped"
    };
    text += &format!(
        "api     {api}, {} in {}\n",
        Network::Lan.v4(plan::API),
        lab.api_namespace()
    );
    text += &format!(
        "client  {} in {}\n",
        Network::Lan.v4(plan::CLIENT),
        lab.client_namespace()
    );
    for node in 1..=lab.nodes() {
        let address = Network::Lan.v4(plan::node_host(node));
        text += &format!(
            "{}  {}, {address} in {}\n",
            plan::node_name(node),
            faults::state(dirs, node),
            dirs.node_name(node)
        );
    }
    text += &format!("env     {}\n", dirs.file("env").display());
    if control_plane::api_runs(dirs) {
        text + &cluster(lab)
    } else {
        text
    }
}

/// Nodes and pods as reported by the cluster, or the error.
fn cluster(lab: &Lab) -> String {
    let mut text = String::new();
    let mut nodes = lab.kubectl_command();
    nodes.args(["get", "nodes", "--request-timeout=5s"]);
    let mut pods = lab.kubectl_command();
    pods.args([
        "get",
        "pods",
        "--all-namespaces",
        "-owide",
        "--request-timeout=5s",
    ]);
    for command in [&mut nodes, &mut pods] {
        text.push('\n');
        text += &run::output(command).unwrap_or_else(|error| format!("{}\n", error.sentence()));
    }
    text
}
