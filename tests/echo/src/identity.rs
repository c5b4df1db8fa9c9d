//! Who answers: the pod's and the node's name as one line of text, and how the
//! tag of a UDP probe is given back. No sockets here.

use std::sync::Arc;

/// How much of a datagram comes back with the answer: room for a prober's
/// sequence number, too little to make the workload an amplifier.
pub(crate) const TAG_LEN: usize = 32;

/// The line every answer carries; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Identity(Arc<str>);

impl Identity {
    /// From `POD_NAME` and `NODE_NAME`, which the manifest fills by the
    /// downward API. A missing one is said as `unknown`.
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
    /// what was asked.
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
    fn gives_back_no_more_than_the_tag() {
        let identity = Identity::new("p", "n");
        let answer = identity.answer(&[b'x'; 1000]);
        assert_eq!(answer.len(), identity.line().len() + TAG_LEN);
    }
}
