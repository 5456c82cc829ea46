//! The ciphers of an onion layer (protocol: onion, section 2).
//!
//! A layer has a client side, which made an ephemeral key pair, and a server side, which has a
//! static one: a service node or an external server. The roles stay the same in the reply.
//!
//! ```text
//! xchacha20   nonce (24) | ciphertext | tag (16)     key = BLAKE2b-32(secret || client || server)
//! aes-gcm     nonce (12) | ciphertext | tag (16)     key = HKDF-SHA-256-Extract(salt = "LOKI", secret)
//! ```

#[cfg(feature = "aes-cbc")]
mod cbc;

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::str::FromStr;

use aes_gcm::Aes256Gcm;
use chacha20poly1305::aead::array::typenum::Unsigned;
use chacha20poly1305::consts::U16;
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use session_crypto::x25519::{PreparedPublic, SharedSecret};
use session_crypto::{Blake2b, DecryptError, KeyError, X25519Public, X25519Secret};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Length of the tag in bytes.
const TAG: usize = Cipher::TAG_LENGTH;
/// Salt of the key derivation of aes-gcm.
const SALT: &[u8] = b"LOKI";

/// A layer cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Cipher {
    /// XChaCha20-Poly1305, preferred by current clients.
    #[default]
    XChaCha20,
    /// AES-256-GCM, also used if no cipher is named.
    AesGcm,
    /// AES-256-CBC without authentication. Nodes accept it from old clients; nothing sends it.
    #[cfg(feature = "aes-cbc")]
    AesCbc,
}

impl Cipher {
    /// Maximum length in bytes of what is appended to the message: the tag, or the padding.
    pub(crate) const TAG_LENGTH: usize = 16;

    /// The cipher of a layer without `enc_type`.
    pub const UNNAMED: Self = Self::AesGcm;

    /// Returns the canonical name, which is the one written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::XChaCha20 => "xchacha20",
            Self::AesGcm => "aes-gcm",
            #[cfg(feature = "aes-cbc")]
            Self::AesCbc => "aes-cbc",
        }
    }

    /// Returns the length of the nonce in bytes.
    #[must_use]
    pub const fn nonce_length(self) -> usize {
        match self {
            Self::XChaCha20 => 24,
            Self::AesGcm => 12,
            #[cfg(feature = "aes-cbc")]
            Self::AesCbc => 16,
        }
    }

    /// Returns the place of the nonce of a layer whose ciphertext begins at `start`.
    pub(crate) fn nonce_before(
        self,
        buffer: &mut [u8],
        start: usize,
    ) -> Result<&mut [u8], TooLong> {
        let before = start.checked_sub(self.nonce_length()).ok_or(TooLong)?;
        buffer.get_mut(before..start).ok_or(TooLong)
    }

    /// Returns whether clients send it.
    #[must_use]
    pub const fn is_sent(self) -> bool {
        matches!(self, Self::XChaCha20 | Self::AesGcm)
    }

    /// Returns the length of the shortest ciphertext in bytes, that of an empty plaintext: 40 for
    /// xchacha20, 28 for aes-gcm.
    #[must_use]
    pub const fn overhead(self) -> usize {
        self.nonce_length().saturating_add(TAG)
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name is not that of a layer cipher. Names are case-sensitive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown layer cipher")]
pub struct UnknownCipher;

impl FromStr for Cipher {
    type Err = UnknownCipher;

    fn from_str(name: &str) -> Result<Self, UnknownCipher> {
        match name {
            "xchacha20" | "xchacha20-poly1305" => Ok(Self::XChaCha20),
            "aes-gcm" | "gcm" => Ok(Self::AesGcm),
            #[cfg(feature = "aes-cbc")]
            "aes-cbc" | "cbc" => Ok(Self::AesCbc),
            _ => Err(UnknownCipher),
        }
    }
}

/// The plaintext of a layer exceeds the limit of its cipher or of the 4-byte length in front of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("layer is too long for its cipher")]
pub struct TooLong;

/// The symmetric key of one layer, the same for request and reply.
///
/// It is zeroized on drop and never printed, and cannot be cloned.
pub struct LayerKey {
    cipher: Cipher,
    key: Zeroizing<[u8; 32]>,
}

impl ZeroizeOnDrop for LayerKey {}

impl LayerKey {
    /// Derives the key on the client's side from its ephemeral key pair and the server's key.
    ///
    /// # Errors
    ///
    /// [`KeyError::NonContributory`] if the server's key has small order.
    pub fn for_client(
        cipher: Cipher,
        ephemeral: &X25519Secret,
        ephemeral_public: &X25519Public,
        server: &X25519Public,
    ) -> Result<Self, KeyError> {
        let shared = ephemeral.diffie_hellman(server)?;
        Ok(Self::derive(cipher, &shared, ephemeral_public, server))
    }

    /// Derives the key on the client's side, with a precomputed table of the server's key.
    ///
    /// # Errors
    ///
    /// [`KeyError::NonContributory`] if the server's key has small order.
    pub fn for_client_prepared(
        cipher: Cipher,
        ephemeral: &X25519Secret,
        ephemeral_public: &X25519Public,
        server: &PreparedPublic,
    ) -> Result<Self, KeyError> {
        let shared = ephemeral.diffie_hellman_prepared(server)?;
        Ok(Self::derive(
            cipher,
            &shared,
            ephemeral_public,
            server.public(),
        ))
    }

    /// Derives the key on the server's side from its static key pair and the client's ephemeral key.
    ///
    /// # Errors
    ///
    /// [`KeyError::NonContributory`] if the client's key has small order.
    pub fn for_server(
        cipher: Cipher,
        secret: &X25519Secret,
        public: &X25519Public,
        ephemeral: &X25519Public,
    ) -> Result<Self, KeyError> {
        let shared = secret.diffie_hellman(ephemeral)?;
        Ok(Self::derive(cipher, &shared, ephemeral, public))
    }

    /// The order of the two public keys follows the role, not the direction.
    pub(crate) fn derive(
        cipher: Cipher,
        shared: &SharedSecret,
        client: &X25519Public,
        server: &X25519Public,
    ) -> Self {
        let key = match cipher {
            Cipher::XChaCha20 => Blake2b::<32>::new()
                .chain(shared.expose_bytes())
                .chain(client.as_bytes())
                .chain(server.as_bytes())
                .finalize(),
            Cipher::AesGcm => {
                // The second value could expand the key; it zeroizes itself.
                let (mut extracted, _) = Hkdf::<Sha256>::extract(Some(SALT), shared.expose_bytes());
                let key = extracted.into();
                extracted.as_mut_slice().zeroize();
                key
            }
            #[cfg(feature = "aes-cbc")]
            Cipher::AesCbc => *shared.expose_bytes(),
        };
        Self {
            cipher,
            key: Zeroizing::new(key),
        }
    }

    /// Returns the cipher that the key is for.
    #[must_use]
    pub const fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// Returns the 32 bytes of the key.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8; 32] {
        &self.key
    }

    /// Encrypts with a random nonce. Returns nonce, ciphertext and tag.
    ///
    /// # Errors
    ///
    /// [`TooLong`] if the plaintext exceeds the limit of the cipher (64 GiB or more).
    pub fn seal(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        plaintext: &[u8],
    ) -> Result<Vec<u8>, TooLong> {
        let nonce = self.cipher.nonce_length();
        let length = plaintext.len().saturating_add(self.cipher.overhead());
        let mut buffer = Vec::with_capacity(length);
        buffer.resize(nonce, 0);
        buffer.extend_from_slice(plaintext);
        self.seal_tail(rng, &mut buffer, nonce)?;
        Ok(buffer)
    }

    /// Encrypts `buffer[start..]` in place, writes the nonce just before it and the tag behind it,
    /// and returns the offset of the nonce.
    pub(crate) fn seal_tail(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Result<usize, TooLong> {
        rng.fill_bytes(self.cipher.nonce_before(buffer, start)?);
        self.seal_behind_nonce(buffer, start)
    }

    /// As [`seal_tail`](Self::seal_tail), with the nonce that precedes `start` already.
    pub(crate) fn seal_behind_nonce(
        &self,
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Result<usize, TooLong> {
        let before = start
            .checked_sub(self.cipher.nonce_length())
            .ok_or(TooLong)?;
        let (head, message) = buffer.split_at_mut_checked(start).ok_or(TooLong)?;
        let nonce = head.get(before..).ok_or(TooLong)?;
        let tag = match self.cipher {
            Cipher::XChaCha20 => seal_aead::<XChaCha20Poly1305>(&self.key, nonce, message)?,
            Cipher::AesGcm => seal_aead::<Aes256Gcm>(&self.key, nonce, message)?,
            #[cfg(feature = "aes-cbc")]
            Cipher::AesCbc => {
                let nonce = *nonce.first_chunk().ok_or(TooLong)?;
                cbc::seal(&self.key, &nonce, buffer, start)?;
                return Ok(before);
            }
        };
        buffer.extend_from_slice(&tag);
        Ok(before)
    }

    /// Decrypts nonce, ciphertext and tag.
    ///
    /// # Errors
    ///
    /// [`DecryptError`] if the ciphertext is malformed or fails authentication.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, DecryptError> {
        match self.cipher {
            Cipher::XChaCha20 => open_aead::<XChaCha20Poly1305>(&self.key, sealed),
            Cipher::AesGcm => open_aead::<Aes256Gcm>(&self.key, sealed),
            #[cfg(feature = "aes-cbc")]
            Cipher::AesCbc => cbc::open(&self.key, sealed),
        }
    }

    /// Decrypts the nonce, ciphertext and tag at `place` in a buffer, which then holds the plaintext alone.
    /// Needs no other buffer, except for aes-cbc. A failure leaves the buffer as it was.
    pub(crate) fn open_at(
        &self,
        buffer: &mut Vec<u8>,
        place: Range<usize>,
    ) -> Result<(), DecryptError> {
        let start = place.start.saturating_add(self.cipher.nonce_length());
        let end = place.end.checked_sub(TAG).ok_or(DecryptError)?;
        let sealed = buffer.get_mut(place).ok_or(DecryptError)?;
        match self.cipher {
            Cipher::XChaCha20 => open_aead_in_place::<XChaCha20Poly1305>(&self.key, sealed)?,
            Cipher::AesGcm => open_aead_in_place::<Aes256Gcm>(&self.key, sealed)?,
            #[cfg(feature = "aes-cbc")]
            Cipher::AesCbc => {
                *buffer = cbc::open(&self.key, sealed)?;
                return Ok(());
            }
        }
        buffer.truncate(end);
        buffer.drain(..start.min(end));
        Ok(())
    }
}

/// Writes bytes before those of a buffer, in place if its capacity suffices.
pub(crate) fn put_before(buffer: &mut Vec<u8>, head: &[u8]) {
    buffer.splice(..0, head.iter().copied());
}

/// Encrypts in place and returns the tag.
fn seal_aead<A: AeadInOut<TagSize = U16> + KeyInit>(
    key: &[u8; 32],
    nonce: &[u8],
    message: &mut [u8],
) -> Result<[u8; TAG], TooLong> {
    let cipher = A::new_from_slice(key).map_err(|_| TooLong)?;
    let nonce = nonce.try_into().map_err(|_| TooLong)?;
    let tag = cipher.encrypt_inout_detached(nonce, &[], message.into());
    tag.map(Into::into).map_err(|_| TooLong)
}

/// Checks the tag, then decrypts a copy of the ciphertext.
fn open_aead<A: AeadInOut<TagSize = U16> + KeyInit>(
    key: &[u8; 32],
    sealed: &[u8],
) -> Result<Vec<u8>, DecryptError> {
    let (nonce, sealed) = sealed
        .split_at_checked(A::NonceSize::USIZE)
        .ok_or(DecryptError)?;
    let (ciphertext, tag) = sealed.split_last_chunk::<TAG>().ok_or(DecryptError)?;
    let mut message = ciphertext.to_vec();
    decrypt::<A>(key, nonce, &mut message, tag)?;
    Ok(message)
}

/// Checks the tag, then decrypts the ciphertext between nonce and tag in place.
fn open_aead_in_place<A: AeadInOut<TagSize = U16> + KeyInit>(
    key: &[u8; 32],
    sealed: &mut [u8],
) -> Result<(), DecryptError> {
    let (nonce, sealed) = sealed
        .split_at_mut_checked(A::NonceSize::USIZE)
        .ok_or(DecryptError)?;
    let (message, tag) = sealed.split_last_chunk_mut::<TAG>().ok_or(DecryptError)?;
    decrypt::<A>(key, nonce, message, tag)
}

/// Checks the tag, then decrypts.
fn decrypt<A: AeadInOut<TagSize = U16> + KeyInit>(
    key: &[u8; 32],
    nonce: &[u8],
    message: &mut [u8],
    tag: &[u8; TAG],
) -> Result<(), DecryptError> {
    let cipher = A::new_from_slice(key).map_err(|_| DecryptError)?;
    let nonce = nonce.try_into().map_err(|_| DecryptError)?;
    cipher
        .decrypt_inout_detached(nonce, &[], message.into(), tag.into())
        .map_err(|_| DecryptError)
}

impl fmt::Debug for LayerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LayerKey({}, ..)", self.cipher)
    }
}
