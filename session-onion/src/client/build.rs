//! Builds a packet from the inside out, in place.

use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::x25519::agree_all;
use session_crypto::{Ed25519Public, X25519Secret};

use crate::MAX_PACKET_LENGTH;
use crate::cipher::{Cipher, TooLong};
use crate::client::hop::{Hop, Peer, Request, StorageOptions};
use crate::client::layers::{LayerSecret, LayerSecrets};
use crate::client::reply::{Expected, ReplyKey, Route};
use crate::frame::Frame;
use crate::routing::{self, ServerUrl};

/// Maximum number of nodes that a packet passes, including the destination if it is a node.
pub const MAX_NODES: usize = 16;

/// The packet cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The packet would pass more nodes than the network allows.
    #[error("expected at most {MAX_NODES} nodes, got {0}")]
    TooManyNodes(usize),
    /// The packet would exceed [`MAX_PACKET_LENGTH`].
    #[error("expected a packet of at most {MAX_PACKET_LENGTH} bytes, got {0}")]
    TooLong(usize),
    /// The X25519 key of a hop (from 0, the guard) or of the destination (the last) has small
    /// order.
    #[error("key of hop {0} has small order")]
    Key(usize),
    /// Nodes accept the cipher from old clients only.
    #[error("cipher is not sent by clients")]
    Cipher,
}

impl From<TooLong> for BuildError {
    fn from(_: TooLong) -> Self {
        // Longer than anything that passes the check of the payload's length.
        Self::TooLong(usize::MAX)
    }
}

/// A packet, ready for the guard, and the key that opens the one reply to it.
#[derive(Debug)]
#[must_use]
pub struct Sealed {
    /// The packet: the body of the request to the guard.
    pub packet: Vec<u8>,
    /// Opens the reply.
    pub reply_key: ReplyKey,
}

/// The next node after a relay layer.
enum Next<'a> {
    Node(&'a Ed25519Public),
    Server(&'a ServerUrl),
}

/// The innermost layer: its plaintext in three parts, its recipient, and how to reach it.
struct Innermost<'a> {
    head: Vec<u8>,
    body: &'a [u8],
    tail: &'static str,
    peer: &'a Peer,
    next: Next<'a>,
    expected: Expected,
}

impl<'a> Innermost<'a> {
    fn of(request: &Request<'a>) -> Result<Self, TooLong> {
        Ok(match *request {
            Request::Storage {
                node,
                body,
                options,
            } => Self {
                head: u32::try_from(body.len())
                    .map_err(|_| TooLong)?
                    .to_le_bytes()
                    .into(),
                body,
                tail: control(options),
                peer: &node.peer,
                next: Next::Node(&node.ed25519),
                expected: Expected::Storage {
                    base64: options.base64,
                },
            },
            Request::Server { server, request } => Self {
                head: request.head(),
                body: request.body.unwrap_or(&[]),
                tail: "e",
                peer: &server.peer,
                next: Next::Server(&server.url),
                expected: Expected::V4,
            },
        })
    }

    fn length(&self) -> usize {
        self.head
            .len()
            .saturating_add(self.body.len())
            .saturating_add(self.tail.len())
    }

    /// Rejects a request that is too long before it is copied.
    fn check_length(&self) -> Result<(), BuildError> {
        if self.length() > MAX_PACKET_LENGTH {
            return Err(BuildError::TooLong(self.length()));
        }
        Ok(())
    }

    fn push(&self, packet: &mut Vec<u8>) {
        packet.extend_from_slice(&self.head);
        packet.extend_from_slice(self.body);
        packet.extend_from_slice(self.tail.as_bytes());
    }
}

/// Returns the JSON behind the body of a storage request. Its key `headers` marks the final node.
const fn control(options: StorageOptions) -> &'static str {
    match (options.base64, options.json) {
        (true, false) => r#"{"headers":""}"#,
        (true, true) => r#"{"headers":"","json":true}"#,
        (false, false) => r#"{"base64":false,"headers":""}"#,
        (false, true) => r#"{"base64":false,"headers":"","json":true}"#,
    }
}

/// Builds a packet: the request for its destination, wrapped in one layer for each hop of the
/// path, guard first (protocol: onion, section 4.5).
///
/// The example program `onion` of this crate does the same layer by layer. An empty path addresses
/// the packet to the destination itself, which is useful in tests only.
///
/// The generator is asked, for the destination and then for each hop from the last to the first,
/// for an ephemeral secret of 32 bytes and a nonce (24 bytes for xchacha20, 12 for aes-gcm).
///
/// # Errors
///
/// [`BuildError`] if there are too many nodes, a key has small order, the packet would exceed
/// [`MAX_PACKET_LENGTH`], or clients do not send one of the ciphers.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::Ed25519Secret;
/// use session_onion::client::{Hop, Request, seal};
///
/// let keys = [(); 4].map(|()| Ed25519Secret::generate(rng).public());
/// let hops: Vec<Hop> = keys.into_iter().map(Hop::from_ed25519).collect::<Result<_, _>>()?;
/// let body = br#"{"method":"info","params":{}}"#;
/// let sealed = seal(rng, &hops[..3], &Request::storage(&hops[3], body))?;
/// // The packet goes to the first hop by HTTPS; the key opens the one reply to it.
/// let refused = sealed.reply_key.open(400, b"Invalid ciphertext");
/// assert!(refused.is_err());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn seal(
    rng: &mut (impl CryptoRng + ?Sized),
    path: &[Hop],
    request: &Request<'_>,
) -> Result<Sealed, BuildError> {
    let innermost = Innermost::of(request)?;
    let is_node = matches!(innermost.next, Next::Node(_));
    let nodes = path.len().saturating_add(is_node.into());
    if nodes > MAX_NODES {
        return Err(BuildError::TooManyNodes(nodes));
    }
    let ciphers = path.iter().map(|hop| hop.peer.cipher);
    let ciphers = ciphers.chain([innermost.peer.cipher]);
    if !ciphers.clone().all(Cipher::is_sent) {
        return Err(BuildError::Cipher);
    }
    innermost.check_length()?;

    // A length and a nonce for each layer precede the payload.
    let mut start = ciphers.fold(0usize, |sum, cipher| {
        sum.saturating_add(Frame::HEAD)
            .saturating_add(cipher.nonce_length())
    });
    let mut packet = Vec::with_capacity(max_length(start, path.len(), &innermost));
    packet.resize(start, 0);
    innermost.push(&mut packet);
    let secrets = layer_secrets(rng, path, &innermost, &mut packet, start)?;
    let mut layers = secrets.iter();
    // There is always one for the destination.
    let mut inner = layers.next().ok_or(BuildError::Key(path.len()))?;
    start = encrypt(&inner, path.len(), &mut packet, start)?;

    let mut next = innermost.next;
    for ((index, hop), layer) in path.iter().enumerate().rev().zip(layers) {
        start = write_length(&mut packet, start)?;
        let ephemeral = inner.ephemeral();
        match next {
            Next::Node(node) => routing::push_relay(&mut packet, node, inner.cipher, ephemeral),
            Next::Server(url) => routing::push_exit(&mut packet, url, inner.cipher, ephemeral),
        }
        start = encrypt(&layer, index, &mut packet, start)?;
        inner = layer;
        next = Next::Node(&hop.ed25519);
    }
    write_length(&mut packet, start)?;
    routing::push_outer(&mut packet, inner.cipher, inner.ephemeral(), 0);
    if packet.len() > MAX_PACKET_LENGTH {
        return Err(BuildError::TooLong(packet.len()));
    }

    let route = Route {
        hops: path.iter().map(|hop| hop.ed25519).collect(),
        destination: match request {
            Request::Storage { node, .. } => Some(node.ed25519),
            Request::Server { .. } => None,
        },
    };
    Ok(Sealed {
        packet,
        reply_key: ReplyKey::new(innermost.expected, secrets, route),
    })
}

/// Encrypts the layer of a hop (from 0, the guard) or of the destination.
fn encrypt(
    layer: &LayerSecret<'_>,
    hop: usize,
    packet: &mut Vec<u8>,
    start: usize,
) -> Result<usize, BuildError> {
    let key = layer.key(layer.cipher).map_err(|_| BuildError::Key(hop))?;
    Ok(key.seal_behind_nonce(packet, start)?)
}

/// Draws the secrets of the destination's layer and then of each hop's, from the last to the first.
///
/// Their nonces are drawn too and written into the packet, whose payload begins at `start`.
fn layer_secrets(
    rng: &mut (impl CryptoRng + ?Sized),
    path: &[Hop],
    innermost: &Innermost<'_>,
    packet: &mut [u8],
    mut start: usize,
) -> Result<LayerSecrets, BuildError> {
    let peers = || {
        let hops = path.iter().rev().map(|hop| &hop.peer);
        [innermost.peer].into_iter().chain(hops)
    };
    let mut ephemerals = Vec::with_capacity(path.len().saturating_add(1));
    for peer in peers() {
        ephemerals.push(X25519Secret::generate(rng));
        let nonce = peer.cipher.nonce_before(packet, start)?;
        start = start.saturating_sub(nonce.len().saturating_add(Frame::HEAD));
        rng.fill_bytes(nonce);
    }
    // All at once, which saves most of their inversions.
    let pairs: Vec<_> = ephemerals
        .iter()
        .zip(peers())
        .map(|(ephemeral, peer)| (ephemeral, peer.key()))
        .collect();
    Ok(LayerSecrets::new(
        agree_all(&pairs),
        peers().map(|peer| (peer.cipher, *peer.public())).collect(),
    ))
}

/// Returns an upper bound of the packet's length, so that its buffer never grows.
fn max_length(head: usize, hops: usize, innermost: &Innermost<'_>) -> usize {
    let url = match innermost.next {
        Next::Node(_) => 0,
        Next::Server(url) => url.max_json_length(),
    };
    let layer = routing::MAX_RELAY.saturating_add(Cipher::TAG_LENGTH);
    head.saturating_add(innermost.length())
        .saturating_add(url)
        .saturating_add(layer.saturating_mul(hops.saturating_add(1)))
}

/// Writes the length of `packet[start..]` just before it, and returns the offset of the length.
fn write_length(packet: &mut [u8], start: usize) -> Result<usize, TooLong> {
    let (head, blob) = packet.split_at_mut_checked(start).ok_or(TooLong)?;
    let place = head.last_chunk_mut().ok_or(TooLong)?;
    *place = u32::try_from(blob.len())
        .map_err(|_| TooLong)?
        .to_le_bytes();
    Ok(start.saturating_sub(Frame::HEAD))
}
