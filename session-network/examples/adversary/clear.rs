//! Packets that hide nothing, for networks in which days pass in a second.
//!
//! ```text
//! packet  number (8) | hops (1) | key (32) of each | 1 and the key of the node, or 0 and that of the server | body
//! answer  A | number (8) | status (2) | body
//! ```
#![allow(dead_code)]

use core::cell::Cell;

use rand_chacha::rand_core::CryptoRng;
use session_crypto::{Ed25519Public, X25519Public};
use session_network::Onion;
use session_onion::client::{BuildError, Hop, Reply, ReplyError, Request};
use session_onion::status::{Claim, Hearsay};

/// Builds packets that anybody can read. Each key opens the answers to its own packet alone.
#[derive(Debug, Default)]
pub struct Clear {
    count: Cell<u64>,
}

/// The content of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub number: u64,
    pub hops: Vec<Ed25519Public>,
    /// The node that answers, or `None` for a server.
    pub node: Option<Ed25519Public>,
    /// The server that answers, or `None` for a node.
    pub server: Option<X25519Public>,
    pub body: Vec<u8>,
}

impl Packet {
    pub fn read(bytes: &[u8]) -> Self {
        let mut rest = bytes;
        let mut take = |count: usize| {
            let (taken, left) = rest.split_at_checked(count).unwrap();
            rest = left;
            taken.to_vec()
        };
        let number = u64::from_be_bytes(take(8).try_into().unwrap());
        let hops = usize::from(take(1)[0]);
        let mut key = || Ed25519Public::from_bytes(take(32).try_into().unwrap());
        let hops = (0..hops).map(|_| key()).collect();
        let is_node = take(1)[0] == 1;
        let key: [u8; 32] = take(32).try_into().unwrap();
        Self {
            number,
            hops,
            node: is_node.then(|| Ed25519Public::from_bytes(key)),
            server: (!is_node).then(|| X25519Public::from_bytes(key)),
            body: rest.to_vec(),
        }
    }

    /// The answer of the destination, as its guard gives it.
    pub fn answer(&self, status: u16, body: &[u8]) -> Vec<u8> {
        let number = self.number.to_be_bytes();
        [b"A", number.as_slice(), &status.to_be_bytes(), body].concat()
    }
}

impl Onion for Clear {
    type Key = u64;

    fn seal(
        &self,
        _rng: &mut (impl CryptoRng + ?Sized),
        path: &[Hop],
        request: &Request<'_>,
    ) -> Result<(Vec<u8>, u64), BuildError> {
        let number = self.count.get();
        self.count.set(number + 1);
        let mut packet = number.to_be_bytes().to_vec();
        packet.push(path.len() as u8);
        for hop in path {
            packet.extend_from_slice(hop.ed25519().as_bytes());
        }
        match request {
            Request::Storage { node, body, .. } => {
                packet.push(1);
                packet.extend_from_slice(node.ed25519().as_bytes());
                packet.extend_from_slice(body);
            }
            Request::Server {
                server, request, ..
            } => {
                packet.push(0);
                packet.extend_from_slice(server.x25519().as_bytes());
                packet.extend_from_slice(&request.encode());
            }
            _ => return Err(BuildError::Cipher),
        }
        Ok((packet, number))
    }

    fn open(&self, key: u64, status: u16, body: &[u8]) -> Result<Reply, ReplyError> {
        let sealed = [b"A".as_slice(), &key.to_be_bytes()].concat();
        match body.strip_prefix(sealed.as_slice()) {
            Some([high, low, body @ ..]) if status == 200 => Ok(Reply {
                status: u16::from_be_bytes([*high, *low]),
                headers: Vec::new(),
                body: Some(body.to_vec()),
            }),
            _ => Err(Hearsay {
                status: Some(status),
                claim: Claim::Other,
                about: None,
                text: String::from_utf8_lossy(body).into_owned(),
            }
            .into()),
        }
    }
}
