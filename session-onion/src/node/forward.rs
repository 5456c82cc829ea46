//! The layers and payloads that a node forwards, and the answers to them.

use alloc::string::String;
use alloc::vec::Vec;

use session_crypto::{Ed25519Public, X25519Public};
use session_proto::bt;

use crate::cipher::Cipher;
use crate::node::answer::Answer;
use crate::packet::Layer;

/// A layer for another node.
#[derive(Debug)]
pub struct Relay {
    /// The Ed25519 key of the node. Decommissioned nodes accept layers too.
    pub next: Ed25519Public,
    pub(crate) data: Vec<u8>,
    pub(crate) ephemeral_key: X25519Public,
    pub(crate) cipher: Cipher,
    pub(crate) hop_no: u32,
}

impl Relay {
    /// Returns the layer, with the `hop_no` for the next node.
    #[must_use]
    pub fn layer(&self) -> Layer<'_> {
        Layer {
            ciphertext: &self.data,
            ephemeral_key: self.ephemeral_key,
            cipher: self.cipher,
            hop_no: self.hop_no,
        }
    }

    /// Encodes the message for the next node, the one part of an OxenMQ request `sn.onion_request`.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        self.layer().to_message()
    }

    /// Creates the answer if the next node is unknown.
    #[must_use]
    pub fn not_found(&self) -> Answer {
        Answer::plain(502, format_args!("Next node not found: {}", self.next))
    }

    /// Creates the answer if the next node is known, but not its address.
    #[must_use]
    pub fn unreachable(&self) -> Answer {
        Answer::plain(
            502,
            format_args!("Next node is currently unreachable: {}", self.next),
        )
    }

    /// Creates the answer if the next node has not answered within [`Self::TIMEOUT_SECONDS`].
    #[must_use]
    pub fn timed_out(&self) -> Answer {
        Answer::plain(504, "Request time out")
    }

    /// Timeout for the next node, in seconds.
    pub const TIMEOUT_SECONDS: u32 = 30;

    /// Creates the answer from that of the next node: the parts of its message, which are the status
    /// in decimal and the body. A status outside the protocol's list becomes 500.
    #[must_use]
    pub fn answered(&self, parts: &[&[u8]]) -> Answer {
        let [status, body, ..] = parts else {
            return Self::invalid_response();
        };
        let status = core::str::from_utf8(status)
            .ok()
            .filter(|text| is_decimal(text));
        match status.and_then(|text| text.parse().ok()) {
            None => Self::invalid_response(),
            Some(status) => Answer {
                status: passed_back(status),
                body: body.to_vec(),
            },
        }
    }

    /// Creates the answer from that of the next node over QUIC: a reply with a bencoded list of status and
    /// body, or an error, whose text is passed back with status 502 (protocol: quic, section 8).
    #[must_use]
    pub fn answered_quic(&self, answer: Result<&[u8], &[u8]>) -> Answer {
        let list = match answer {
            Ok(list) => list,
            Err(text) => {
                return Answer {
                    status: 502,
                    body: text.to_vec(),
                };
            }
        };
        let Ok(list) = bt::parse_list(list) else {
            return Self::invalid_response();
        };
        let mut items = list.into_iter();
        let status = items.next().and_then(|item| item.as_int()?.as_u64());
        let status = status.and_then(|status| u16::try_from(status).ok());
        let body = items.next().and_then(|item| item.as_bytes());
        match (status, body, items.next()) {
            (Some(status), Some(body), None) => Answer {
                status: passed_back(status),
                body: body.to_vec(),
            },
            _ => Self::invalid_response(),
        }
    }

    /// Creates the answer if the streams to the next node have more to send than they should.
    #[must_use]
    pub fn congested(&self) -> Answer {
        Answer::plain(503, "Next hop congested")
    }

    fn invalid_response() -> Answer {
        Answer::plain(500, "Invalid response from snode")
    }
}

fn is_decimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Maps a status to the one that is passed back over a hop.
const fn passed_back(status: u16) -> u16 {
    match status {
        200 | 400 | 401 | 403 | 404 | 406 | 410 | 413 | 421 | 429 | 502 | 503 | 504 => status,
        _ => 500,
    }
}

/// A payload for a server outside the network (protocol: onion, section 5.1).
///
/// The node posts it with the header `Content-Type: application/octet-stream`, follows no redirects,
/// and waits at most [`Self::TIMEOUT_SECONDS`].
#[derive(Debug)]
pub struct Exit {
    /// `http` or `https`.
    pub protocol: String,
    /// The host: a name or an address, of letters, digits and `.-_:[]` only.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path, which begins with `/`.
    pub target: String,
    /// The body to post.
    pub payload: Vec<u8>,
}

impl Exit {
    /// Timeout for the server, in seconds.
    pub const TIMEOUT_SECONDS: u32 = 25;

    /// Returns the URL to post to, without the port if it is the default of the protocol.
    #[must_use]
    pub fn url(&self) -> String {
        let Self {
            protocol,
            host,
            port,
            target,
            ..
        } = self;
        match (protocol.as_str(), port) {
            ("https", 443) | ("http", 80) => alloc::format!("{protocol}://{host}{target}"),
            _ => alloc::format!("{protocol}://{host}:{port}{target}"),
        }
    }

    /// Creates the answer from that of the server: its status and body, unchanged.
    #[must_use]
    pub fn answered(&self, status: u16, body: Vec<u8>) -> Answer {
        Answer { status, body }
    }

    /// Creates the answer if the server is unreachable, with the text of the HTTP library.
    #[must_use]
    pub fn failed(&self, error: &str) -> Answer {
        Answer::plain(502, error)
    }

    /// Creates the answer if the server has not answered in time, with the text of the HTTP library.
    #[must_use]
    pub fn timed_out(&self, error: &str) -> Answer {
        Answer::plain(504, error)
    }
}
