//! A server's side of the handshake, chosen when the ClientHello is there.
//!
//! rustls takes one configuration for all clients. Here it depends on the application protocol whether a key of the
//! client is required, and a key can only be asked of a client that can show a raw one.

use std::any::Any;
use std::sync::Arc;

use quinn::crypto::{
    self, ExportKeyingMaterialError, KeyPair, Keys, PacketKey, Session, UnsupportedVersion,
};
use quinn_proto::crypto::HeaderKey;
use quinn_proto::crypto::rustls::QuicServerConfig;
use quinn_proto::transport_parameters::TransportParameters;
use quinn_proto::{ConnectionId, Side, TransportError};

use super::hello::{self, Hello, Parsed};

/// The sides of the handshake for one application protocol.
pub(super) struct Choice {
    pub(super) alpn: &'static [u8],
    /// For clients that can show a raw key.
    pub(super) with_key: Arc<QuicServerConfig>,
    /// For clients that cannot; `None` if a key is required.
    pub(super) without_key: Option<Arc<QuicServerConfig>>,
}

/// A server's configuration for several application protocols.
pub(super) struct Selecting {
    /// The one that answers what fits no other.
    pub(super) first: Choice,
    pub(super) others: Vec<Choice>,
}

impl Selecting {
    fn choose(&self, hello: &Hello) -> &Arc<QuicServerConfig> {
        let is_offered = |choice: &&Choice| hello.alpn.iter().any(|name| name == choice.alpn);
        let mut choices = std::iter::once(&self.first).chain(&self.others);
        // Without a protocol in common, TLS refuses the client with the right alert.
        let choice = choices.find(is_offered).unwrap_or(&self.first);
        match &choice.without_key {
            Some(without) if !hello.has_raw_key => without,
            // A client without a key is refused by TLS.
            _ => &choice.with_key,
        }
    }
}

impl crypto::ServerConfig for Selecting {
    fn initial_keys(
        &self,
        version: u32,
        dst_cid: &ConnectionId,
    ) -> Result<Keys, UnsupportedVersion> {
        self.first.with_key.initial_keys(version, dst_cid)
    }

    fn retry_tag(&self, version: u32, orig_dst_cid: &ConnectionId, packet: &[u8]) -> [u8; 16] {
        self.first.with_key.retry_tag(version, orig_dst_cid, packet)
    }

    fn start_session(
        self: Arc<Self>,
        version: u32,
        params: &TransportParameters,
    ) -> Box<dyn Session> {
        let inner = Arc::clone(&self.first.with_key).start_session(version, params);
        Box::new(Waiting {
            inner,
            hello: Some((Vec::new(), self)),
            version,
            params: *params,
        })
    }
}

/// A session that waits for the ClientHello, and is then the chosen one.
struct Waiting {
    inner: Box<dyn Session>,
    /// The bytes so far, until the choice is made.
    hello: Option<(Vec<u8>, Arc<Selecting>)>,
    version: u32,
    params: TransportParameters,
}

impl Session for Waiting {
    fn read_handshake(&mut self, buf: &[u8]) -> Result<bool, TransportError> {
        let Some((bytes, selecting)) = &mut self.hello else {
            return self.inner.read_handshake(buf);
        };
        bytes.extend_from_slice(buf);
        match hello::parse(bytes) {
            Parsed::Incomplete => return Ok(false),
            Parsed::Malformed => {}
            Parsed::Whole(hello) => {
                let chosen = Arc::clone(selecting.choose(&hello));
                self.inner =
                    crypto::ServerConfig::start_session(chosen, self.version, &self.params);
            }
        }
        let bytes = std::mem::take(bytes);
        self.hello = None;
        self.inner.read_handshake(&bytes)
    }

    fn initial_keys(&self, dst_cid: &ConnectionId, side: Side) -> Keys {
        self.inner.initial_keys(dst_cid, side)
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        self.inner.handshake_data()
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        self.inner.peer_identity()
    }

    fn early_crypto(&self) -> Option<(Box<dyn HeaderKey>, Box<dyn PacketKey>)> {
        self.inner.early_crypto()
    }

    fn early_data_accepted(&self) -> Option<bool> {
        self.inner.early_data_accepted()
    }

    fn is_handshaking(&self) -> bool {
        self.inner.is_handshaking()
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        self.inner.transport_parameters()
    }

    fn write_handshake(&mut self, buf: &mut Vec<u8>) -> Option<Keys> {
        // Nothing is said before the choice.
        match self.hello {
            Some(_) => None,
            None => self.inner.write_handshake(buf),
        }
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        self.inner.next_1rtt_keys()
    }

    fn is_valid_retry(&self, orig_dst_cid: &ConnectionId, header: &[u8], payload: &[u8]) -> bool {
        self.inner.is_valid_retry(orig_dst_cid, header, payload)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        self.inner.export_keying_material(output, label, context)
    }
}
