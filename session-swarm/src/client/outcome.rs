//! What came back from the network, and what it means (protocol: [onion, section 9]).
//!
//! [onion, section 9]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/onion.md#section-9

use alloc::string::String;

use session_crypto::Ed25519Public;

use crate::hex;

/// What became of something that the client sent.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// The destination answered; this was inside the encryption.
    Answer {
        /// Its status.
        status: u16,
        /// Its body.
        body: &'a [u8],
    },
    /// A hop answered in clear. Anybody on the path can have written this.
    PathError {
        /// The status.
        status: u16,
        /// The body.
        body: &'a [u8],
    },
    /// An answer that does not decrypt.
    Undecryptable,
    /// No connection to the guard, resp. to the seed.
    Unreachable,
    /// No answer in time.
    TimedOut,
}

/// What a plain error blames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The node of this key.
    Node(Ed25519Public),
    /// The first hop.
    Guard,
    /// The path as a whole.
    Path,
}

/// Reads a plain error. What it says is a hint at best: statuses that would redirect the client or
/// set its clock are never believed here.
pub(crate) fn blame(status: u16, body: &[u8]) -> Blame {
    let text = String::from_utf8_lossy(body.get(..512).unwrap_or(body));
    let named = |pattern: &str| -> Option<Ed25519Public> {
        let (_, rest) = text.split_once(pattern)?;
        let key = rest.split_whitespace().next()?;
        hex::decode(key).map(Ed25519Public::from_bytes)
    };
    let node = match status {
        502 => {
            named("Next node not found: ").or_else(|| named("Next node is currently unreachable: "))
        }
        503 => named("Snode not ready: "),
        _ => None,
    };
    let is_guard = status == 503
        && (text.contains("Service node is not ready: ")
            || text.contains("Server busy, try again later"));
    match node {
        Some(node) => Blame::Node(node),
        None if is_guard || status == 429 => Blame::Guard,
        None => Blame::Path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn named_nodes_are_found_and_redirects_are_not_believed() {
        let key = "2acc59565018f4290215c59969f006d1c80e2f4494f3b16fb5ec288b09f0ca7b";
        let node = Blame::Node(Ed25519Public::from_bytes(hex::decode(key).unwrap()));
        for (status, text, expected) in [
            (502, format!("Next node not found: {key}"), node),
            (
                502,
                format!("502 Bad Gateway\n\nNext node not found: {key}\n"),
                node,
            ),
            (
                502,
                format!("Next node is currently unreachable: {key}"),
                node,
            ),
            (503, format!("Snode not ready: {key}"), node),
            (502, "Next node not found: 2acc".into(), Blame::Path),
            (200, format!("Next node not found: {key}"), Blame::Path),
            (
                503,
                "Service node is not ready: not in any swarm\n".into(),
                Blame::Guard,
            ),
            (421, String::new(), Blame::Path),
            (406, String::new(), Blame::Path),
            (504, "Request time out".into(), Blame::Path),
        ] {
            assert_eq!(blame(status, text.as_bytes()), expected, "{text}");
        }
    }
}
