//! The logs of a lab by name: `api`, `etcd`, `controller-manager`, `scheduler`, `relay`;
//! `kubelet-2`, `containerd-2`, `kube-proxy-2`, `init-2`; `controller`, `speaker-2`.
//! All are read from files, so that they are available while the API server is down.

use std::path::{Path, PathBuf};

use crate::dirs::Dirs;
use crate::error::LabError;
use crate::{ferrolb, files};

/// Log files of the control plane by their short name.
const CONTROL_PLANE: [(&str, &str); 5] = [
    ("api", "kube-apiserver"),
    ("etcd", "etcd"),
    ("controller-manager", "kube-controller-manager"),
    ("scheduler", "kube-scheduler"),
    ("relay", "relay"),
];
/// Programs of a node that have a log.
const NODE_PROGRAMS: [&str; 4] = ["kubelet", "containerd", "kube-proxy", "init"];

/// The text of a log. In FerroLB's logs a line names pod and container.
pub(crate) fn read(dirs: &Dirs, nodes: u8, name: &str) -> Result<String, LabError> {
    if let Some((_, file)) = CONTROL_PLANE.iter().find(|(short, _)| *short == name) {
        return files::read(&dirs.log(file));
    }
    if name == "controller" {
        return (1..=nodes).map(|node| pods(dirs, node, name)).collect();
    }
    let unknown = || LabError::UnknownLog {
        name: name.to_owned(),
    };
    let (program, node) = name.rsplit_once('-').ok_or_else(unknown)?;
    let node: u8 = node
        .parse()
        .ok()
        .filter(|node| (1..=nodes).contains(node))
        .ok_or_else(unknown)?;
    match program {
        "speaker" => pods(dirs, node, program),
        program if NODE_PROGRAMS.contains(&program) => files::read(&dirs.node_log(node, program)),
        _ => Err(unknown()),
    }
}

/// All logs that the node's kubelet keeps of a component's pods, previous containers
/// included.
fn pods(dirs: &Dirs, node: u8, component: &str) -> Result<String, LabError> {
    let mut text = String::new();
    for file in pod_logs(dirs, node, component)? {
        text += &format!("==> {} <==\n", short(&file));
        text.extend(
            files::read(&file)?
                .lines()
                .map(|line| format!("{}\n", message(line))),
        );
    }
    Ok(text)
}

/// `…/var/log/pods/NAMESPACE_POD_UID/CONTAINER/N.log`.
fn pod_logs(dirs: &Dirs, node: u8, component: &str) -> Result<Vec<PathBuf>, LabError> {
    let top = dirs.node(node).join("var/log/pods");
    let prefix = format!("{}_ferrolb-{component}-", ferrolb::NAMESPACE);
    let mut found = Vec::new();
    for pod in files::list(&top)?
        .into_iter()
        .filter(|pod| pod.starts_with(&prefix))
    {
        let dir = top.join(pod).join(component);
        found.extend(
            files::list(&dir)?
                .into_iter()
                .filter(|name| name.ends_with(".log"))
                .map(|name| dir.join(name)),
        );
    }
    Ok(found)
}

fn short(file: &Path) -> String {
    let mut parts: Vec<_> = file
        .iter()
        .rev()
        .take(3)
        .map(|part| part.to_string_lossy())
        .collect();
    parts.reverse();
    parts.join("/")
}

/// The message of a line in the container runtime's format: time, stream, flag, message.
fn message(line: &str) -> &str {
    line.splitn(4, ' ').nth(3).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_of_the_container_runtime_is_removed() {
        assert_eq!(
            message("2026-01-01T00:00:00Z stderr F INFO  owner is node-2"),
            "INFO  owner is node-2"
        );
        assert_eq!(message("odd"), "odd");
    }

    #[test]
    fn the_error_for_an_unknown_name_lists_the_known_ones() {
        let dir = tempfile::tempdir().unwrap();
        let text = read(&Dirs::at(dir.path()), 3, "speaker-9")
            .unwrap_err()
            .to_string();
        assert!(text.contains("speaker-N"), "{text}");
    }
}
