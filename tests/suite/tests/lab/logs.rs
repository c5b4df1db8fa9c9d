//! What FerroLB's own logs must never say.

use crate::failure::{Broken, ensure};
use crate::fixture::Stage;

/// A right that is missing in the shipped manifests.
const REFUSAL: &str = "forbidden";
/// A broken program.
const PANIC: &str = "panicked at";
/// How much of a bad line is shown.
const SHOWN: usize = 300;

pub(crate) fn are_clean(stage: &Stage) -> Result<(), Broken> {
    stage.settle()?;
    are_readable(stage)?;
    stage.read_logs()?;
    let found = stage.complaints();
    let shown = |line: &String| line.chars().take(SHOWN).collect::<String>();
    ensure(found.is_empty(), || {
        let lines: Vec<String> = found.iter().map(shown).collect();
        format!(
            "{} bad lines in the logs:\n{}",
            lines.len(),
            lines.join("\n")
        )
    })
}

/// The bad lines in the logs of all pods that exist now, and of their
/// containers' former lives.
pub(crate) fn complaints(stage: &Stage) -> Result<Vec<String>, Broken> {
    let mut found = Vec::new();
    for name in names(stage) {
        found.extend(bad_lines(&name, &stage.lab.logs(&name)?));
    }
    Ok(found)
}

/// The logs of FerroLB, by the lab's names for them.
fn names(stage: &Stage) -> Vec<String> {
    let speakers = (1..=stage.lab.nodes()).map(|node| format!("speaker-{node}"));
    speakers.chain(["controller".to_owned()]).collect()
}

/// A search that finds no log at all would prove nothing.
fn are_readable(stage: &Stage) -> Result<(), Broken> {
    for name in names(stage) {
        let log = stage.lab.logs(&name)?;
        let said = log
            .lines()
            .any(|line| !line.starts_with("==>") && !line.trim().is_empty());
        ensure(said, || format!("the log of {name} is empty"))?;
    }
    Ok(())
}

fn bad_lines(of: &str, log: &str) -> Vec<String> {
    let bad = |line: &&str| is_refusal(line) || line.contains(PANIC);
    log.lines()
        .filter(bad)
        .map(|line| format!("{of}: {line}"))
        .collect()
}

/// Whether a line tells of a right that was refused.
pub(crate) fn is_refusal(line: &str) -> bool {
    line.to_ascii_lowercase().contains(REFUSAL)
}
