//! How the story is told: numbered steps, what was typed, what came back.
//! Writes text and knows nothing of what it means.

use std::io::{self, Write};

/// Tells the story on a writer; bold headings only where colours are wanted.
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

    /// A command as a person would type it.
    pub(super) fn command(&mut self, command: &str) -> io::Result<()> {
        self.text(&format!("$ {command}"))
    }

    /// Text, indented below the step.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        for line in text.trim_end().lines() {
            writeln!(self.out, "   {line}")?;
        }
        self.out.flush()
    }

    /// The step being told, for an error.
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

    fn told(colour: bool) -> String {
        let mut text = Vec::new();
        let mut printer = Printer::new(&mut text, colour);
        printer.step("The plug is pulled").unwrap();
        printer.text("one\ntwo\n").unwrap();
        assert_eq!(printer.position(), "at step 1 (The plug is pulled)");
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn is_plain_text_without_colours() {
        assert_eq!(told(false), "\n1. The plug is pulled\n   one\n   two\n");
    }

    #[test]
    fn colours_only_the_headings() {
        assert_eq!(told(true).matches('\u{1b}').count(), 2);
    }
}
