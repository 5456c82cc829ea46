//! The secrets of a packet's layers, which build the packet and open its reply.

use alloc::vec::Vec;

use session_crypto::x25519::Agreement;
use session_crypto::{KeyError, X25519Public};

use crate::cipher::{Cipher, LayerKey};

/// The layer keys that a client keeps, enough for any cipher of the reply.
///
/// The secrets stay in the list in which they were made, which zeroizes itself: moving a secret out
/// of a list leaves a copy behind.
pub(crate) struct LayerSecrets {
    /// The key of the destination, then of each hop, from the last to the first.
    agreements: Vec<Agreement>,
    /// The cipher and the key of each.
    peers: Vec<(Cipher, X25519Public)>,
}

impl LayerSecrets {
    /// Takes the agreements and the peers in the same order: the destination, then each hop from
    /// the last to the first.
    pub(crate) const fn new(
        agreements: Vec<Agreement>,
        peers: Vec<(Cipher, X25519Public)>,
    ) -> Self {
        Self { agreements, peers }
    }

    /// Iterates over the destination's layer, then those of the hops from the last to the first.
    pub(crate) fn iter(
        &self,
    ) -> impl DoubleEndedIterator<Item = LayerSecret<'_>> + ExactSizeIterator {
        let layers = self.agreements.iter().zip(&self.peers);
        layers.map(|(agreement, (cipher, server))| LayerSecret {
            cipher: *cipher,
            agreement,
            server,
        })
    }
}

/// The secret of one layer.
#[derive(Clone, Copy)]
pub(crate) struct LayerSecret<'a> {
    pub(crate) cipher: Cipher,
    agreement: &'a Agreement,
    server: &'a X25519Public,
}

impl<'a> LayerSecret<'a> {
    /// Returns the client's ephemeral public key.
    pub(crate) const fn ephemeral(&self) -> &'a X25519Public {
        &self.agreement.ephemeral
    }

    /// Derives the key of this layer for a cipher.
    pub(crate) fn key(&self, cipher: Cipher) -> Result<LayerKey, KeyError> {
        let shared = self.agreement.shared.as_ref().map_err(|error| *error)?;
        Ok(LayerKey::derive(
            cipher,
            shared,
            self.ephemeral(),
            self.server,
        ))
    }
}
