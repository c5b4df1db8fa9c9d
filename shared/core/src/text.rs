//! Errors in one line.

use std::error::Error;
use std::fmt;

/// Displays an error with its causes: `cannot do this: because of that`.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(pub &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        out.write_str(&said)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            next = cause.source();
            let text = cause.to_string();
            // Some libraries repeat their cause in their own text.
            if !said.ends_with(&text) {
                write!(out, ": {text}")?;
            }
            said = text;
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
    fn every_cause_is_named_once() {
        let error = Outer(Middle(Inner));
        assert_eq!(
            Chain(&error).to_string(),
            "cannot start: no socket: permission denied"
        );
    }
}
