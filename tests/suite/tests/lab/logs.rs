//! What FerroLB's own logs must never say.

use crate::failure::{Failure, ensure};
use crate::fixture::Fixture;

/// A right that is missing in the shipped manifests.
const REFUSAL: &str = "forbidden";
/// A broken program.
const PANIC: &str = "panicked at";
/// How much of a bad line is shown.
const SHOWN: usize = 300;

pub(crate) fn are_clean(fixture: &Fixture) -> Result<(), Failure> {
    fixture.settle()?;
    are_readable(fixture)?;
    fixture.read_logs()?;
    let found = fixture.complaints();
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
pub(crate) fn complaints(fixture: &Fixture) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for name in names(fixture) {
        found.extend(bad_lines(&name, &fixture.lab.logs(&name)?));
    }
    Ok(found)
}

/// The logs of FerroLB, by the lab's names for them.
fn names(fixture: &Fixture) -> Vec<String> {
    let speakers = (1..=fixture.lab.nodes()).map(|node| format!("speaker-{node}"));
    speakers.chain(["controller".to_owned()]).collect()
}

/// A search that finds no log at all would prove nothing.
fn are_readable(fixture: &Fixture) -> Result<(), Failure> {
    for name in names(fixture) {
        let log = fixture.lab.logs(&name)?;
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
