//! Builds and opens onion packets.

use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRng;
use session_onion::client::{BuildError, Hop, Reply, ReplyError, ReplyKey, Request, seal};

/// Builds packets and opens their answers.
///
/// [`Encrypted`] is the one for use. A simulation of days of network time can put another in its
/// place that costs no cryptography.
pub trait Onion {
    /// The key that opens the answer to one packet.
    type Key: fmt::Debug;

    /// Builds a packet for the first hop of a path.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if there can be no such packet.
    fn seal(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        path: &[Hop],
        request: &Request<'_>,
    ) -> Result<(Vec<u8>, Self::Key), BuildError>;

    /// Opens an answer: the HTTP status and the body that the guard gave.
    ///
    /// # Errors
    ///
    /// [`ReplyError`] if the destination has not encrypted it for this packet.
    fn open(&self, key: Self::Key, status: u16, body: &[u8]) -> Result<Reply, ReplyError>;
}

/// Onion packets as the network takes them (protocol: onion, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Encrypted;

impl Onion for Encrypted {
    type Key = ReplyKey;

    fn seal(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        path: &[Hop],
        request: &Request<'_>,
    ) -> Result<(Vec<u8>, ReplyKey), BuildError> {
        let sealed = seal(rng, path, request)?;
        Ok((sealed.packet, sealed.reply_key))
    }

    fn open(&self, key: ReplyKey, status: u16, body: &[u8]) -> Result<Reply, ReplyError> {
        key.open(status, body)
    }
}
