//! Where the figures and the progress go.

use std::io::Write;

/// One line of the report, to standard output.
pub(crate) fn print(line: &str) {
    #[allow(clippy::print_stdout, reason = "the table is what this program is for")]
    {
        println!("{line}");
    }
}

/// One line for whoever watches, to standard error.
pub(crate) fn note(line: &str) {
    // Nobody watching is fine.
    let _ = writeln!(std::io::stderr(), "         {line}");
}
