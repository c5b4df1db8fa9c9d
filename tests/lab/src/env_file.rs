//! `target/lab/env`: variables for other tools. The names are a stable interface,
//! documented in `tests/lab/README.md`.

use crate::dirs::Dirs;
use crate::error::LabError;
use crate::plan::{self, Network};
use crate::tools::Tools;
use crate::{control_plane, files, lan};

/// Name and value of each variable, in the order of the file.
pub(crate) fn variables(dirs: &Dirs, nodes: u8) -> Vec<(String, String)> {
    let mut all = vec![
        (
            "KUBECONFIG".to_owned(),
            control_plane::kubeconfig(dirs, "admin")
                .display()
                .to_string(),
        ),
        (
            "KUBECTL".to_owned(),
            Tools::standard().program("kubectl").display().to_string(),
        ),
        ("LAB_API".to_owned(), dirs.name(control_plane::API)),
        ("LAB_LAN".to_owned(), lan::namespace(dirs)),
        ("LAB_CLIENT".to_owned(), dirs.name("client")),
    ];
    for node in 1..=nodes {
        let name = plan::node_name(node);
        all.extend([
            (format!("LAB_NODE_{node}"), name.clone()),
            (format!("LAB_NODE_{node}_NS"), dirs.node_name(node)),
            (
                format!("LAB_NODE_{node}_IP"),
                Network::Lan.v4(plan::node_host(node)),
            ),
            (format!("LAB_NODE_{node}_PORT"), name),
        ]);
    }
    all
}

/// Writes the file, which a shell can source.
pub(crate) fn write(dirs: &Dirs, nodes: u8) -> Result<(), LabError> {
    files::replace(&dirs.file("env"), render(&variables(dirs, nodes)))
}

fn render(variables: &[(String, String)]) -> String {
    variables
        .iter()
        .map(|(name, value)| format!("export {name}={}\n", quoted(value)))
        .collect()
}

/// The text as a quoted shell word.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run;

    #[test]
    fn a_shell_reads_back_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("env");
        let value = "a path/with 'quotes' and $dollars";
        std::fs::write(&file, render(&[("LAB_X".to_owned(), value.to_owned())])).unwrap();
        let script = format!(". {} && printf %s \"$LAB_X\"", file.display());
        assert_eq!(
            run::output(&mut run::command("sh", ["-c", script.as_str()])).unwrap(),
            value
        );
    }

    #[test]
    fn every_node_has_its_four_variables() {
        let dir = tempfile::tempdir().unwrap();
        let names: Vec<String> = variables(&Dirs::at(dir.path()), 2)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert!(
            names.ends_with(
                &[
                    "LAB_NODE_2",
                    "LAB_NODE_2_NS",
                    "LAB_NODE_2_IP",
                    "LAB_NODE_2_PORT"
                ]
                .map(str::to_owned)
            )
        );
        assert_eq!(names.len(), 5 + 2 * 4);
    }
}
