//! What a process has used, from `/proc`.

use anyhow::{Context, Result};
use nix::unistd::{SysconfVar, sysconf};

/// What a process has used so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Usage {
    /// Processor time in user and kernel mode, in seconds.
    pub(crate) seconds: f64,
    /// Resident memory, in MiB.
    pub(crate) resident: f64,
}

impl Usage {
    /// Of this process, its threads included.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{pid}/{file}");
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        let ticks = ticks(&read("stat")?).context("no processor time in stat")?;
        let resident = kibibytes(&read("status")?).context("no VmRSS in status")?;
        let second = sysconf(SysconfVar::CLK_TCK)?.context("no clock ticks")?;
        Ok(Self {
            seconds: ticks / u32::try_from(second).map(f64::from)?,
            resident: resident / 1024.0,
        })
    }
}

/// The sum of fields 14 and 15 of a stat line (proc(5)); the program's name
/// before them may hold spaces.
fn ticks(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some(next()? + next()?)
}

fn kibibytes(status: &str) -> Option<f64> {
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_past_a_name_with_parentheses() {
        let stat = "12 (odd) name) S 1 2 3 4 5 6 7 8 9 10 300 20 0 0 20";
        assert_eq!(ticks(stat).map(f64::to_bits), Some(320f64.to_bits()));
    }

    #[test]
    fn this_process_has_memory() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.resident > 0.0 && usage.seconds >= 0.0);
    }
}
