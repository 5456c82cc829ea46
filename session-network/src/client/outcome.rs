//! What came back from the network, and what it means (protocol: onion, section 9).

use alloc::string::String;

use session_crypto::Ed25519Public;
use session_types::hex;

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

/// Whom a plain error counts against, as `session-onion` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Nobody.
    Nobody,
    /// The path as a whole: one strike.
    Path,
    /// The first hop: one strike.
    Guard,
    /// The node of this key: one strike.
    Node(Ed25519Public),
    /// The node of this key, which is out of the network: it is struck out.
    Gone(Ed25519Public),
    /// The destination, whose chain daemon is broken: it is struck out.
    DestinationGone,
}

/// What a storage server says whose chain daemon is broken.
pub(super) const BROKEN: &str = "oxend returned unparsable data";

/// Reads a plain error. What it says is a hint at best: statuses that would redirect the client or
/// set its clock are never believed here.
pub(crate) fn blame(status: u16, body: &[u8]) -> Blame {
    let text = String::from_utf8_lossy(body.get(..512).unwrap_or(body));
    let named = |pattern: &str| -> Option<Ed25519Public> {
        let (_, rest) = text.split_once(pattern)?;
        let key = rest.split(|end: char| end.is_ascii_whitespace()).next()?;
        hex::decode(key).map(Ed25519Public::from_bytes)
    };
    match status {
        500 if text.contains("Invalid response from snode") => Blame::Path,
        502 if text.contains(BROKEN) => Blame::DestinationGone,
        502 => named("Next node not found: ")
            .or_else(|| named("Next node is currently unreachable: "))
            .map_or(Blame::Nobody, Blame::Gone),
        503 if text.contains("Service node is not ready: ")
            || text.contains("Server busy, try again later") =>
        {
            Blame::Guard
        }
        503 => named("Snode not ready: ").map_or(Blame::Nobody, Blame::Node),
        504 if text.contains("Request time out") => Blame::Path,
        _ => Blame::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn named_nodes_are_found_and_redirects_are_not_believed() {
        let key = "2acc59565018f4290215c59969f006d1c80e2f4494f3b16fb5ec288b09f0ca7b";
        let key_bytes = Ed25519Public::from_bytes(hex::decode(key).unwrap());
        let (node, gone) = (Blame::Node(key_bytes), Blame::Gone(key_bytes));
        for (status, text, expected) in [
            (502, format!("Next node not found: {key}"), gone),
            (
                502,
                format!("502 Bad Gateway\n\nNext node not found: {key}\n"),
                gone,
            ),
            (
                502,
                format!("Next node is currently unreachable: {key}"),
                gone,
            ),
            (503, format!("Snode not ready: {key}"), node),
            (502, "Next node not found: 2acc".into(), Blame::Nobody),
            (200, format!("Next node not found: {key}"), Blame::Nobody),
            (502, BROKEN.into(), Blame::DestinationGone),
            (
                503,
                "Service node is not ready: not in any swarm\n".into(),
                Blame::Guard,
            ),
            (503, "Server busy, try again later".into(), Blame::Guard),
            (500, "Invalid response from snode".into(), Blame::Path),
            (500, String::new(), Blame::Nobody),
            (421, String::new(), Blame::Nobody),
            (406, String::new(), Blame::Nobody),
            (504, "Request time out".into(), Blame::Path),
            (504, String::new(), Blame::Nobody),
        ] {
            assert_eq!(blame(status, text.as_bytes()), expected, "{text}");
        }
    }
}
