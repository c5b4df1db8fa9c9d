//! Claims about FerroLB's logs: no denied permission and no panic.

use crate::failure::{Failure, ensure};
use crate::fixture::Fixture;

/// Marks a permission that is missing in the manifests.
const DENIAL: &str = "forbidden";
/// Marks a panic.
const PANIC: &str = "panicked at";
/// Number of characters of a bad line that are shown.
const SHOWN: usize = 300;

pub(crate) fn are_clean(fixture: &Fixture) -> Result<(), Failure> {
    fixture.settle()?;
    are_readable(fixture)?;
    fixture.read_logs()?;
    let found = fixture.bad_lines_found();
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

/// The bad lines in the logs of all existing pods, previous containers included.
pub(crate) fn bad_lines_found(fixture: &Fixture) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for name in names(fixture) {
        found.extend(bad_lines(&name, &fixture.lab.logs(&name)?));
    }
    Ok(found)
}

/// The names of FerroLB's logs in the lab.
fn names(fixture: &Fixture) -> Vec<String> {
    let speakers = (1..=fixture.lab.nodes()).map(|node| format!("speaker-{node}"));
    speakers.chain(["controller".to_owned()]).collect()
}

/// Checks that the logs are not empty, or the search would prove nothing.
fn are_readable(fixture: &Fixture) -> Result<(), Failure> {
    for name in names(fixture) {
        let log = fixture.lab.logs(&name)?;
        let has_lines = log
            .lines()
            .any(|line| !line.starts_with("==>") && !line.trim().is_empty());
        ensure(has_lines, || format!("the log of {name} is empty"))?;
    }
    Ok(())
}

fn bad_lines(of: &str, log: &str) -> Vec<String> {
    let bad = |line: &&str| is_denial(line) || line.contains(PANIC);
    log.lines()
        .filter(bad)
        .map(|line| format!("{of}: {line}"))
        .collect()
}

/// Whether a line reports a denied permission.
pub(crate) fn is_denial(line: &str) -> bool {
    line.to_ascii_lowercase().contains(DENIAL)
}
