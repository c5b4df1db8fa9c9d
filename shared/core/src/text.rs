//! An error and its causes as one line of text. Pure.

use std::error::Error;
use std::fmt;

/// Displays an error followed by its causes, separated by colons: `cannot read
/// the file: permission denied`. Use it wherever an error is logged or shown.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(pub &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut previous = self.0.to_string();
        out.write_str(&previous)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            next = cause.source();
            let text = cause.to_string();
            // Some libraries repeat the cause in their own text.
            if !previous.ends_with(&text) {
                write!(out, ": {text}")?;
            }
            previous = text;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use thiserror::Error;

    use super::Chain;

    #[derive(Debug, Error)]
    #[error("cannot start")]
    struct Outer(#[source] Middle);

    #[derive(Debug, Error)]
    #[error("no socket: {0}")]
    struct Middle(#[source] Inner);

    #[derive(Debug, Error)]
    #[error("permission denied")]
    struct Inner;

    #[test]
    fn shows_every_cause_once() {
        let error = Outer(Middle(Inner));
        assert_eq!(
            Chain(&error).to_string(),
            "cannot start: no socket: permission denied"
        );
    }
}
