//! Without QUIC there are no connections to keep.

use std::net::SocketAddrV4;
use std::time::Duration;

use session_crypto::Ed25519Public;
use tokio::sync::mpsc;

use crate::http::Posted;

/// What a node does on its own: nothing.
#[derive(Debug)]
#[expect(dead_code, reason = "never made without QUIC")]
pub(crate) enum Told {
    Command(Ed25519Public, Vec<u8>, Vec<u8>),
    Closed(Ed25519Public),
}

/// No connections.
#[derive(Debug, Clone)]
pub(crate) struct Guards;

impl Guards {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Told>) {
        (Self, mpsc::channel(1).1)
    }

    /// Sends it over HTTPS.
    #[expect(clippy::unused_async, reason = "as with QUIC")]
    pub(crate) async fn post(
        &self,
        _to: (SocketAddrV4, Ed25519Public),
        _command: &'static str,
        _body: Vec<u8>,
        _handshake: Duration,
        _limit: Duration,
    ) -> Posted {
        Posted::NoQuic
    }
}
