//! Progress messages: one line per step with the time since the start.

use std::io::{IsTerminal, Write};
use std::time::Instant;

/// Receives one line per step of a long operation.
pub trait Progress {
    /// A step begins.
    fn step(&self, what: &str);
}

/// Discards progress messages.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _what: &str) {}
}

/// Writes to stderr; the elapsed time is dimmed on a terminal.
#[derive(Debug)]
pub struct Stderr {
    start: Instant,
    colour: bool,
}

impl Stderr {
    /// The clock starts now. `NO_COLOR` in the environment is respected.
    #[must_use]
    pub fn new() -> Self {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self {
            start: Instant::now(),
            colour,
        }
    }

    fn line(&self, what: &str) -> String {
        let time = format!("{:6.1}s", self.start.elapsed().as_secs_f64());
        if self.colour {
            format!("\u{1b}[2m{time}\u{1b}[0m  {what}\n")
        } else {
            format!("{time}  {what}\n")
        }
    }
}

impl Default for Stderr {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress for Stderr {
    fn step(&self, what: &str) {
        // A failure to show progress must not stop the work.
        let _unwritten = std::io::stderr().write_all(self.line(what).as_bytes());
    }
}
