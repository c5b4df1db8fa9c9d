//! Every way the lab can fail, said so that the reader knows what to do next.
//! No I/O here.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// What went wrong while building, changing or removing a lab.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A file or directory could not be read, written, linked or removed.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// The verb: "read", "write", "create", …
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A program could not be started at all.
    #[error("cannot start `{command}`")]
    Start {
        /// The command line.
        command: String,
        /// The operating system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A program ran and failed.
    #[error("`{command}` failed ({status}): {stderr}")]
    Failed {
        /// The command line.
        command: String,
        /// Its exit status.
        status: ExitStatus,
        /// What it wrote to stderr, trimmed.
        stderr: String,
    },
    /// A system call was refused.
    #[error("cannot {doing}")]
    System {
        /// What was being done to what.
        doing: String,
        /// The operating system's answer.
        #[source]
        source: nix::errno::Errno,
    },
    /// A certificate or key could not be made.
    #[error("cannot make the certificate of {subject}")]
    Certificate {
        /// Whose certificate.
        subject: String,
        /// The reason.
        #[source]
        source: rcgen::Error,
    },
    /// A file of the lab, or a program's answer, is not what it should be.
    #[error("cannot understand {what}")]
    Parse {
        /// The file or answer.
        what: String,
        /// The reason.
        #[source]
        source: serde_json::Error,
    },
    /// An image could not be assembled.
    #[error("cannot assemble the image {reference}")]
    Image {
        /// The image's reference.
        reference: String,
        /// The reason.
        #[source]
        source: crate::image::ImageError,
    },
    /// Something did not happen in time.
    #[error("waited {} s for {what}; last seen: {last}", waited.as_secs())]
    Timeout {
        /// What was waited for.
        what: String,
        /// For how long.
        waited: Duration,
        /// What the last look showed.
        last: String,
    },
    /// The user has to change something first; the sentence says what.
    #[error("{0}")]
    Refused(String),
    /// SIGINT or SIGTERM arrived.
    #[error("interrupted")]
    Interrupted,
}

impl LabError {
    /// The error and its causes on one line, for a person.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut line = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            line.push_str(": ");
            line.push_str(&error.to_string());
            cause = error.source();
        }
        line
    }
}
