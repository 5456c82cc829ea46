//! Builds a packet from the inside out, in place.

use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::x25519::SharedSecret;
use session_crypto::{Ed25519Public, KeyError, X25519Public, X25519Secret};

use crate::MAX_PACKET_LENGTH;
use crate::cipher::{Cipher, LayerKey, MAX_NONCE, TooLong};
use crate::client::hop::{Hop, Peer, Request, StorageOptions};
use crate::client::reply::{Expected, ReplyKey};
use crate::frame::Frame;
use crate::routing;

/// Nodes that a packet may pass, the destination included if it is a node.
pub const MAX_NODES: usize = 16;

/// Why a packet cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The packet would pass more nodes than the network allows.
    #[error("expected at most {MAX_NODES} nodes, got {0}")]
    TooManyNodes(usize),
    /// The packet would be longer than a guard takes.
    #[error("packet of {0} bytes is longer than the {MAX_PACKET_LENGTH} that a node takes")]
    TooLong(usize),
    /// The X25519 key of a hop (from 0, the guard) or of the destination (the last) has small
    /// order.
    #[error("key of hop {0} has small order")]
    Key(usize),
}

impl From<TooLong> for BuildError {
    fn from(_: TooLong) -> Self {
        Self::TooLong(usize::MAX)
    }
}

/// A packet, ready for the guard, and the key that opens the one answer to it.
#[derive(Debug)]
pub struct Sealed {
    /// The packet: the body of the request to the guard.
    pub packet: Vec<u8>,
    /// Opens the answer.
    pub reply_key: ReplyKey,
}

/// What a client keeps of one layer: enough for any cipher that the answer may have.
pub(crate) struct LayerSecret {
    pub(crate) cipher: Cipher,
    shared: SharedSecret,
    ephemeral: X25519Public,
    server: X25519Public,
}

impl LayerSecret {
    fn new(rng: &mut (impl CryptoRng + ?Sized), peer: &Peer) -> Result<Self, KeyError> {
        let secret = X25519Secret::generate(rng);
        Ok(Self {
            cipher: peer.cipher,
            shared: peer.agree(&secret)?,
            ephemeral: secret.public(),
            server: *peer.public(),
        })
    }

    pub(crate) fn key(&self, cipher: Cipher) -> LayerKey {
        LayerKey::derive(cipher, &self.shared, &self.ephemeral, &self.server)
    }
}

/// Where a relay layer leads.
enum Next<'a> {
    Node(&'a Ed25519Public),
    Server(&'a routing::ServerUrl),
}

/// Builds a packet: the request for its destination, wrapped in one layer for each hop of the
/// path, guard first (protocol: onion, section 4.5).
///
/// With an empty path the packet is for the destination itself, which is useful in tests only.
///
/// Draws, for the destination and then for each hop from the last to the first, an ephemeral
/// secret of 32 bytes and a nonce (24 bytes for xchacha20, 12 for aes-gcm).
///
/// # Errors
///
/// [`BuildError`] if there are too many nodes, a key has small order, or the packet would be longer
/// than [`MAX_PACKET_LENGTH`].
pub fn seal(
    rng: &mut (impl CryptoRng + ?Sized),
    path: &[Hop],
    request: &Request<'_>,
) -> Result<Sealed, BuildError> {
    let (peer, mut next, expected) = match request {
        Request::Storage { node, options, .. } => (
            &node.peer,
            Next::Node(&node.ed25519),
            Expected::Storage {
                base64: options.base64,
            },
        ),
    };
    let nodes = path
        .len()
        .saturating_add(matches!(next, Next::Node(_)).into());
    if nodes > MAX_NODES {
        return Err(BuildError::TooManyNodes(nodes));
    }

    // What stands before the payload: a length and a nonce for each layer.
    let ciphers = path.iter().map(|hop| hop.peer.cipher).chain([peer.cipher]);
    let mut start = ciphers.fold(0usize, |sum, cipher| {
        sum.saturating_add(Frame::HEAD)
            .saturating_add(cipher.nonce_length())
    });
    let length = max_length(start, path.len(), request);
    if length > MAX_PACKET_LENGTH.saturating_add(SLACK) {
        return Err(BuildError::TooLong(length));
    }
    let mut packet = Vec::with_capacity(length);
    packet.resize(start, 0);
    push_payload(&mut packet, request)?;

    let small_order = |index| move |_: KeyError| BuildError::Key(index);
    let destination = LayerSecret::new(rng, peer).map_err(small_order(path.len()))?;
    start = destination
        .key(peer.cipher)
        .seal_tail(rng, &mut packet, start)?;

    let mut hops: Vec<(Ed25519Public, LayerSecret)> = Vec::with_capacity(path.len());
    for (index, hop) in path.iter().enumerate().rev() {
        start = write_length(&mut packet, start)?;
        let inner = hops.last().map_or(&destination, |(_, layer)| layer);
        match next {
            Next::Node(node) => {
                routing::push_relay(&mut packet, node, inner.cipher, &inner.ephemeral);
            }
            Next::Server(url) => {
                routing::push_exit(&mut packet, url, inner.cipher, &inner.ephemeral);
            }
        }
        let layer = LayerSecret::new(rng, &hop.peer).map_err(small_order(index))?;
        start = layer.key(layer.cipher).seal_tail(rng, &mut packet, start)?;
        hops.push((hop.ed25519, layer));
        next = Next::Node(&hop.ed25519);
    }
    write_length(&mut packet, start)?;
    let outermost = hops.last().map_or(&destination, |(_, layer)| layer);
    routing::push_outer(&mut packet, outermost.cipher, &outermost.ephemeral, 0);
    if packet.len() > MAX_PACKET_LENGTH {
        return Err(BuildError::TooLong(packet.len()));
    }

    hops.reverse();
    let destination_node = match request {
        Request::Storage { node, .. } => Some(node.ed25519),
    };
    Ok(Sealed {
        packet,
        reply_key: ReplyKey::new(expected, destination, destination_node, hops),
    })
}

/// How much [`max_length`] may be too high without a packet being refused for it.
const SLACK: usize = 4096;

/// An upper bound of the packet's length, so that its buffer never grows.
fn max_length(head: usize, hops: usize, request: &Request<'_>) -> usize {
    let (payload, last) = match request {
        Request::Storage { body, .. } => (body.len(), 0),
    };
    let layer = routing::MAX_RELAY.saturating_add(MAX_NONCE);
    head.saturating_add(payload)
        .saturating_add(last)
        .saturating_add(layer.saturating_mul(hops.saturating_add(2)))
}

/// Writes the length of `packet[start..]` just before it, and returns where the length begins.
fn write_length(packet: &mut [u8], start: usize) -> Result<usize, TooLong> {
    let (head, blob) = packet.split_at_mut_checked(start).ok_or(TooLong)?;
    let place = head.last_chunk_mut().ok_or(TooLong)?;
    *place = u32::try_from(blob.len())
        .map_err(|_| TooLong)?
        .to_le_bytes();
    Ok(start.saturating_sub(Frame::HEAD))
}

/// The plaintext of the destination's layer.
fn push_payload(packet: &mut Vec<u8>, request: &Request<'_>) -> Result<(), TooLong> {
    match request {
        Request::Storage { body, options, .. } => {
            let length = u32::try_from(body.len()).map_err(|_| TooLong)?;
            packet.extend_from_slice(&length.to_le_bytes());
            packet.extend_from_slice(body);
            packet.extend_from_slice(control(*options).as_bytes());
        }
    }
    Ok(())
}

/// The JSON behind the body of a storage request. Its key `headers` makes the node the last one.
const fn control(options: StorageOptions) -> &'static str {
    match (options.base64, options.json) {
        (true, false) => r#"{"headers":""}"#,
        (true, true) => r#"{"headers":"","json":true}"#,
        (false, false) => r#"{"base64":false,"headers":""}"#,
        (false, true) => r#"{"base64":false,"headers":"","json":true}"#,
    }
}
