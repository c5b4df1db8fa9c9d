//! Output of the report and of progress.

use std::io::Write;

/// One line of the report, to standard output.
pub(crate) fn print(line: &str) {
    #[allow(clippy::print_stdout, reason = "this program prints tables")]
    {
        println!("{line}");
    }
}

/// One line of progress, to standard error.
pub(crate) fn note(line: &str) {
    // A closed standard error does not matter.
    let _ = writeln!(std::io::stderr(), "         {line}");
}
