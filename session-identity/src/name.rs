//! Names of accounts in the Session name service (protocol: identity, section 4).
//!
//! A name is looked up by its hash. The account id is encrypted with a key that is derived from the
//! name, so that the service does not learn what it stores.
//!
//! ```text
//! value: account id (33), XChaCha20-Poly1305 under BLAKE2b-32(name; key = hash) | tag (16)
//! ```
//!
//! The 24-byte nonce is stored beside the value. Old records have no nonce; they need the feature
//! `legacy-names` (`Name::open_legacy`).

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use rand_core::CryptoRng;
use session_crypto::{Blake2b, DecryptError, SymmetricKey, xchacha};
use session_types::{AccountId, base64};

use crate::bytes::{join, split};

#[cfg(feature = "legacy-names")]
mod legacy;
#[cfg(feature = "legacy-names")]
pub use legacy::LegacyError;

/// Maximum length of a name in bytes.
pub const MAX_LENGTH: usize = 64;
/// Length of an encrypted value in bytes: an account id and a tag.
pub const VALUE_LENGTH: usize = AccountId::LENGTH + xchacha::TAG_LENGTH;
/// Length of a nonce in bytes.
pub const NONCE_LENGTH: usize = xchacha::NONCE_LENGTH;

/// A name, in lower case: 1 to 64 letters, digits and underscores, and hyphens between them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// The text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text is empty or too long.
    #[error("expected a name of 1 to {MAX_LENGTH} characters, got {got} bytes")]
    Length {
        /// Length of the text in bytes.
        got: usize,
    },
    /// The text contains a character that names do not allow.
    #[error("expected a name of letters, digits, underscores and hyphens")]
    Character,
    /// The text begins or ends with a hyphen.
    #[error("expected a name that neither begins nor ends with a hyphen")]
    Hyphen,
    /// The text contains a capital letter, which the form of the service does not allow.
    #[error("expected a name in lower case")]
    UpperCase,
}

impl Name {
    /// Parses a name in lower case, as the service stores it. For typed names, use [`FromStr`].
    ///
    /// # Errors
    ///
    /// [`NameError`] if the text is not a name in lower case.
    pub fn from_lower_case(text: &str) -> Result<Self, NameError> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(NameError::UpperCase);
        }
        text.parse()
    }

    /// Returns the name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the hash by which the name is looked up.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Blake2b::<32>::new().chain(self.0.as_bytes()).finalize()
    }

    /// Returns the hash in padded base64, 44 characters, as requests for the name carry it.
    #[must_use]
    pub fn hash_base64(&self) -> String {
        base64::encode(self.hash())
    }

    /// Returns the key of the value in the current form.
    fn key(&self) -> SymmetricKey {
        let hash = Blake2b::<32>::keyed(&self.hash());
        SymmetricKey::from_bytes(hash.chain(self.0.as_bytes()).finalize())
    }

    /// Decrypts the value of a current record.
    ///
    /// A node can invent a value: ask several nodes, and accept only a value on which all agree.
    ///
    /// # Errors
    ///
    /// [`DecryptError`] if the value is malformed, fails authentication, or does not contain an
    /// account id.
    ///
    /// ```
    /// # use getrandom::{SysRng, rand_core::UnwrapErr};
    /// # let rng = &mut UnwrapErr(SysRng);
    /// use session_identity::name::Name;
    /// use session_identity::{Account, Seed};
    ///
    /// let id = *Account::from_seed(&Seed::generate(rng)).id();
    /// let name: Name = "Alice".parse()?;
    /// // Service nodes find the record by the hash of the name, and cannot read it.
    /// let (value, nonce) = name.seal(rng, &id);
    /// assert_eq!(name.open(&value, &nonce)?, id);
    /// assert!("alice in wonderland".parse::<Name>().is_err());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn open(&self, value: &[u8], nonce: &[u8]) -> Result<AccountId, DecryptError> {
        let nonce = nonce.try_into().map_err(|_| DecryptError)?;
        let value: &[u8; VALUE_LENGTH] = value.try_into().map_err(|_| DecryptError)?;
        let (id, tag): (&[u8; AccountId::LENGTH], _) = split(value);
        let mut id = *id;
        xchacha::decrypt_detached(&self.key(), nonce, &mut id, tag)?;
        AccountId::from_bytes(id).map_err(|_| DecryptError)
    }

    /// Encrypts an account id under the name, with a random nonce. Returns value and nonce.
    #[must_use]
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "the cipher encrypts up to 256 GiB"
    )]
    pub fn seal(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        id: &AccountId,
    ) -> ([u8; VALUE_LENGTH], [u8; NONCE_LENGTH]) {
        let mut nonce = [0; NONCE_LENGTH];
        rng.fill_bytes(&mut nonce);
        let mut text = id.to_bytes();
        let tag = xchacha::encrypt_detached(&self.key(), &nonce, &mut text);
        (join(&text, &tag.expect("33 bytes")), nonce)
    }
}

/// Parses a name as people type it, in either case. Nothing is trimmed.
impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.len() > MAX_LENGTH {
            return Err(NameError::Length { got: text.len() });
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !text.bytes().all(allowed) {
            return Err(NameError::Character);
        }
        if text.starts_with('-') || text.ends_with('-') {
            return Err(NameError::Hyphen);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}
