//! The output format of the demo: numbered steps, commands and their results.

use std::io::{self, Write};

/// Prints the demo on a writer, with bold headings if `colour` is set.
pub(super) struct Printer<'a> {
    out: &'a mut dyn Write,
    colour: bool,
    step: usize,
    title: &'static str,
}

impl<'a> Printer<'a> {
    pub(super) fn new(out: &'a mut dyn Write, colour: bool) -> Self {
        Self {
            out,
            colour,
            step: 0,
            title: "",
        }
    }

    /// Begins the next step.
    pub(super) fn step(&mut self, title: &'static str) -> io::Result<()> {
        self.step += 1;
        self.title = title;
        let heading = format!("{}. {title}", self.step);
        match self.colour {
            true => writeln!(self.out, "\n\u{1b}[1m{heading}\u{1b}[0m"),
            false => writeln!(self.out, "\n{heading}"),
        }
    }

    /// A command as a user would type it.
    pub(super) fn command(&mut self, command: &str) -> io::Result<()> {
        self.text(&format!("$ {command}"))
    }

    /// Text below the heading of the step.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        for line in text.trim_end().lines() {
            writeln!(self.out, "   {line}")?;
        }
        self.out.flush()
    }

    /// The current step, for an error message.
    pub(super) fn position(&self) -> String {
        match self.step {
            0 => "before its first step".to_owned(),
            step => format!("at step {step} ({})", self.title),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(colour: bool) -> String {
        let mut text = Vec::new();
        let mut printer = Printer::new(&mut text, colour);
        printer.step("Link down").unwrap();
        printer.text("one\ntwo\n").unwrap();
        assert_eq!(printer.position(), "at step 1 (Link down)");
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn output_is_plain_text_without_colours() {
        assert_eq!(printed(false), "\n1. Link down\n   one\n   two\n");
    }

    #[test]
    fn only_headings_are_coloured() {
        assert_eq!(printed(true).matches('\u{1b}').count(), 2);
    }
}
