//! Errors of connections.

use std::io;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// There is no socket, or the address cannot be used.
    #[error("no UDP socket: {0}")]
    Socket(#[from] io::Error),
    /// The handshake did not end in time, or the network refused the packets.
    #[error("no answer")]
    NoAnswer,
    /// The handshake failed: the peer has another key, or refused us.
    #[error("handshake failed: {0}")]
    Refused(String),
    /// The key cannot be used for TLS.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Why a request got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// No answer in time.
    #[error("timeout")]
    TimedOut,
    /// The connection or the stream was closed.
    #[error("connection closed")]
    Closed,
    /// The message is longer than a stream can carry.
    #[error("message too long")]
    TooLong,
    /// Too many requests wait for an answer.
    #[error("too many open requests")]
    Busy,
}
