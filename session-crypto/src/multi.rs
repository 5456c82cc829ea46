//! One message for many recipients: a ciphertext for each, all with one nonce.
//!
//! Each recipient finds their ciphertext by trying all of them. The key of each is
//! `BLAKE2b-32(key = domain; X25519(sender, recipient) || sender || recipient)`, with the sender's key
//! first on both sides (protocol: crypto, section 6).
//!
//! ```text
//! each entry: ciphertext | tag (16)
//! ```
//!
//! The message does not name its sender: the recipient must know the sender's key beforehand.
//!
//! # The nonce
//!
//! Sender, recipient and domain determine the key. **A nonce must never be reused for the same three
//! with another message.** Draw it at random, or hash all content with a secret key.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::short_tag::TagKey;
use crate::x25519::{SharedSecret, X25519Public, X25519Secret};
use crate::xchacha::{self, NONCE_LENGTH, TAG_LENGTH};
use crate::{Blake2b, DecryptError, EncryptError, KeyError, SymmetricKey};

/// Overhead of a ciphertext in bytes.
pub const OVERHEAD: usize = TAG_LENGTH;
/// Maximum significant length of a domain in bytes. Two domains with the same first 64 bytes yield the
/// same keys.
pub const MAX_DOMAIN_LENGTH: usize = crate::blake2b::MAX_KEY_LENGTH;

/// Number of recipients whose keys are computed together. A larger batch is hardly faster.
const BATCH: usize = 64;

/// One side of messages to or from many recipients: a key pair and a domain.
///
/// ```
/// # use getrandom::{SysRng, rand_core::{Rng, UnwrapErr}};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::X25519Secret;
/// use session_crypto::multi::Party;
///
/// let [sender, first, second] = [(); 3].map(|()| X25519Secret::generate(rng));
/// let mut nonce = [0; 24];
/// rng.fill_bytes(&mut nonce);
/// let recipients = [first.public(), second.public()];
/// let sealed = Party::new(&sender, b"domain").seal_to_all(&recipients, &nonce, &[b"hello"])?;
/// // Each recipient tries all entries and opens their own.
/// let entries = sealed.iter().map(Vec::as_slice);
/// let party = Party::new(&second, b"domain");
/// assert_eq!(party.open_from(&sender.public(), &nonce, entries)?.as_slice(), b"hello");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Party<'a> {
    secret: &'a X25519Secret,
    public: X25519Public,
    domain: &'a [u8],
}

impl<'a> Party<'a> {
    /// Creates a party from a secret key and a domain, which may be empty. Only the first 64 bytes of
    /// the domain are significant.
    #[must_use]
    pub fn new(secret: &'a X25519Secret, domain: &'a [u8]) -> Self {
        Self {
            secret,
            public: secret.public(),
            domain,
        }
    }

    /// As [`new`](Self::new), if the public key is known. It must be the one of the secret.
    pub(crate) const fn with_public(
        secret: &'a X25519Secret,
        public: X25519Public,
        domain: &'a [u8],
    ) -> Self {
        Self {
            secret,
            public,
            domain,
        }
    }

    /// Returns the public key.
    #[must_use]
    pub const fn public(&self) -> &X25519Public {
        &self.public
    }

    /// Returns the key for messages from this side to `recipient`. Constant-time in the secret.
    ///
    /// # Errors
    ///
    /// [`KeyError::NonContributory`] if the recipient's key has small order.
    pub fn key_to(&self, recipient: &X25519Public) -> Result<SymmetricKey, KeyError> {
        self.key(recipient, &self.public, recipient)
    }

    /// Returns the key for messages from `sender` to this side. Constant-time in the secret.
    ///
    /// # Errors
    ///
    /// [`KeyError::NonContributory`] if the sender's key has small order.
    pub fn key_from(&self, sender: &X25519Public) -> Result<SymmetricKey, KeyError> {
        self.key(sender, sender, &self.public)
    }

    /// Returns the keys for messages from this side to each recipient, faster than one by one.
    /// Constant-time in the secret.
    ///
    /// A recipient whose key has small order has [`KeyError::NonContributory`] in its place.
    #[must_use]
    pub fn keys_to_all(&self, recipients: &[X25519Public]) -> Vec<Result<SymmetricKey, KeyError>> {
        let mut keys = Vec::with_capacity(recipients.len());
        for batch in recipients.chunks(BATCH) {
            let shared = self.secret.diffie_hellman_all(batch);
            keys.extend(
                batch
                    .iter()
                    .zip(shared)
                    .map(|(recipient, shared)| Ok(self.derive(&shared?, &self.public, recipient))),
            );
        }
        keys
    }

    fn key(
        &self,
        peer: &X25519Public,
        sender: &X25519Public,
        recipient: &X25519Public,
    ) -> Result<SymmetricKey, KeyError> {
        let shared = self.secret.diffie_hellman(peer)?;
        Ok(self.derive(&shared, sender, recipient))
    }

    fn derive(
        &self,
        shared: &SharedSecret,
        sender: &X25519Public,
        recipient: &X25519Public,
    ) -> SymmetricKey {
        SymmetricKey::from_bytes(
            Blake2b::<32>::keyed_prefix(self.domain)
                .chain(shared.expose_bytes())
                .chain(sender.as_bytes())
                .chain(recipient.as_bytes())
                .finalize(),
        )
    }

    /// Seals `message` to one recipient. The result is [`OVERHEAD`] bytes longer.
    ///
    /// To seal to many, call it for each with the same nonce. A recipient whose key is rejected may be
    /// left out. Constant-time in secret and message.
    ///
    /// # Errors
    ///
    /// [`EncryptError::Key`] if the recipient's key has small order.
    pub fn seal_to(
        &self,
        recipient: &X25519Public,
        nonce: &[u8; NONCE_LENGTH],
        message: &[u8],
    ) -> Result<Vec<u8>, EncryptError> {
        let key = self.key_to(recipient)?;
        seal(&key, nonce, message)
    }

    /// Seals to every recipient: one message for all, or as many messages as recipients.
    ///
    /// The ciphertexts are in the order of the recipients.
    ///
    /// # Errors
    ///
    /// [`EncryptError::MessageCount`] if there is another number of messages,
    /// [`EncryptError::RepeatedRecipient`] if a recipient would get two different messages with one
    /// nonce, and [`EncryptError::Key`] if a recipient's key has small order.
    pub fn seal_to_all(
        &self,
        recipients: &[X25519Public],
        nonce: &[u8; NONCE_LENGTH],
        messages: &[&[u8]],
    ) -> Result<Vec<Vec<u8>>, EncryptError> {
        if messages.len() != 1 && messages.len() != recipients.len() {
            return Err(EncryptError::MessageCount {
                recipients: recipients.len(),
                got: messages.len(),
            });
        }
        if messages.len() > 1 {
            let mut given = BTreeMap::new();
            for (recipient, message) in recipients.iter().zip(messages) {
                if *given.entry(recipient).or_insert(message) != message {
                    return Err(EncryptError::RepeatedRecipient);
                }
            }
        }
        let mut ciphertexts = Vec::with_capacity(recipients.len());
        let messages = messages.iter().cycle();
        for (key, message) in self.keys_to_all(recipients).into_iter().zip(messages) {
            ciphertexts.push(seal(&key?, nonce, message)?);
        }
        Ok(ciphertexts)
    }

    /// Opens the first of `ciphertexts` that is for this side.
    ///
    /// Entries shorter than a tag are skipped. The time reveals how many were tried; otherwise it is
    /// constant-time in the secret. The message is from `sender` or from this side.
    ///
    /// # Errors
    ///
    /// [`DecryptError`] if no entry opens, which is expected for non-recipients.
    pub fn open_from<'c>(
        &self,
        sender: &X25519Public,
        nonce: &[u8; NONCE_LENGTH],
        ciphertexts: impl IntoIterator<Item = &'c [u8]>,
    ) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let key = self.key_from(sender)?;
        open(&key, nonce, ciphertexts)
    }
}

pub(crate) fn seal(
    key: &SymmetricKey,
    nonce: &[u8; NONCE_LENGTH],
    message: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    xchacha::encrypt_between(key, nonce, &[], &[message], 0, &[])
}

/// Opens the first of `ciphertexts` that opens with `key`, as [`Party::open_from`].
///
/// # Errors
///
/// [`DecryptError`] if no entry opens.
pub fn open<'c>(
    key: &SymmetricKey,
    nonce: &[u8; NONCE_LENGTH],
    ciphertexts: impl IntoIterator<Item = &'c [u8]>,
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    // All have one key and one nonce: what comes of both is made once.
    let (_, tags) = xchacha::start(key, nonce);
    let own = first_authentic(&tags, &mut ciphertexts.into_iter());
    xchacha::open(key, nonce, own.ok_or(DecryptError)?)
}

/// Returns the first of `ciphertexts` whose tag is right. Only this becomes public of the key: which one
/// it is. A function of its own, so that the constant-time check can tell this branch from others.
#[inline(never)]
#[expect(
    clippy::manual_find,
    reason = "the branch is to be in this function, not in one of the library"
)]
fn first_authentic<'c>(
    tags: &TagKey,
    ciphertexts: &mut dyn Iterator<Item = &'c [u8]>,
) -> Option<&'c [u8]> {
    for ciphertext in ciphertexts {
        if tags.is_right(ciphertext) {
            return Some(ciphertext);
        }
    }
    None
}

impl fmt::Debug for Party<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}
