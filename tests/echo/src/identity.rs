//! The answer: the names of pod and node as one line of text, and the echoed tag of a
//! UDP probe. No sockets here.

use std::sync::Arc;

/// How many bytes of a datagram are echoed: enough for a prober's sequence number, too
/// few to make the workload an amplifier.
pub(crate) const TAG_LEN: usize = 32;

/// The line in every answer; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Identity(Arc<str>);

impl Identity {
    /// From `POD_NAME` and `NODE_NAME`, set by the manifest through the downward API; a
    /// missing one is `unknown`.
    pub(crate) fn from_env() -> Self {
        let name = |key| std::env::var(key).unwrap_or_else(|_| "unknown".to_owned());
        Self::new(&name("POD_NAME"), &name("NODE_NAME"))
    }

    /// `pod=POD node=NODE` and a line feed.
    pub(crate) fn new(pod: &str, node: &str) -> Self {
        Self(format!("pod={pod} node={node}\n").into())
    }

    /// The line, with its line feed.
    pub(crate) fn line(&self) -> &str {
        &self.0
    }

    /// The answer to a datagram: the line, then the first [`TAG_LEN`] bytes of
    /// the datagram.
    pub(crate) fn answer(&self, datagram: &[u8]) -> Vec<u8> {
        let tag = &datagram[..datagram.len().min(TAG_LEN)];
        [self.0.as_bytes(), tag].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_with_the_line_and_the_tag() {
        let identity = Identity::new("echo-1", "node-2");
        assert_eq!(identity.answer(b"seq 7"), b"pod=echo-1 node=node-2\nseq 7");
        assert_eq!(identity.answer(b""), b"pod=echo-1 node=node-2\n");
    }

    #[test]
    fn echoes_no_more_than_the_tag() {
        let identity = Identity::new("p", "n");
        let answer = identity.answer(&[b'x'; 1000]);
        assert_eq!(answer.len(), identity.line().len() + TAG_LEN);
    }
}
