//! Names of accounts in the Session name service (protocol: identity, section 4).
//!
//! A name is looked up by its hash, and the account id found is encrypted with a key that follows
//! from the name: the service does not learn what it stores.
//!
//! ```text
//! value: account id (33), XChaCha20-Poly1305 under BLAKE2b-32(name; key = hash) | tag (16)
//! ```
//!
//! The value and its 24-byte nonce come apart. Old records have no nonce; they need the feature
//! `legacy-names` (`Name::open_legacy`).

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use base64ct::{Base64, Encoding};
use rand_core::CryptoRng;
use session_crypto::{Blake2b, DecryptError, SymmetricKey, xchacha};

use crate::AccountId;
use crate::bytes::copy_prefix;

#[cfg(feature = "legacy-names")]
mod legacy;
#[cfg(feature = "legacy-names")]
pub use legacy::LegacyError;

/// Length in bytes of the longest name.
pub const MAX_LENGTH: usize = 64;
/// Length in bytes of an encrypted value: an account id and a tag.
pub const VALUE_LENGTH: usize = AccountId::LENGTH + xchacha::TAG_LENGTH;
/// Length in bytes of a nonce.
pub const NONCE_LENGTH: usize = xchacha::NONCE_LENGTH;

/// A name, in lower case: 1 to 64 letters, digits and underscores, and hyphens between them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Text that is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Empty or too long.
    #[error("expected a name of 1 to {MAX_LENGTH} characters, got {got} bytes")]
    Length {
        /// Bytes that were given.
        got: usize,
    },
    /// A character that no name has.
    #[error("expected a name of letters, digits, underscores and hyphens")]
    Character,
    /// A hyphen at the beginning or the end.
    #[error("expected a name that neither begins nor ends with a hyphen")]
    Hyphen,
    /// A capital letter, where only the form of the service is taken.
    #[error("expected a name in lower case")]
    UpperCase,
}

impl Name {
    /// Takes a name that is in lower case already, as the service stores it.
    ///
    /// What people type is read with [`FromStr`].
    ///
    /// # Errors
    ///
    /// [`NameError`], also for capital letters.
    pub fn from_lower_case(text: &str) -> Result<Self, NameError> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(NameError::UpperCase);
        }
        text.parse()
    }

    /// The name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hash by which the name is looked up.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Blake2b::<32>::new().chain(self.0.as_bytes()).finalize()
    }

    /// The hash in padded base64, 44 characters: what a request for the name carries.
    #[must_use]
    pub fn hash_base64(&self) -> String {
        Base64::encode_string(&self.hash())
    }

    /// The key of the value in the current form.
    fn key(&self) -> SymmetricKey {
        let hash = Blake2b::<32>::keyed(&self.hash());
        SymmetricKey::from_bytes(hash.chain(self.0.as_bytes()).finalize())
    }

    /// Decrypts the value of a current record.
    ///
    /// Whoever answers the request could have made it up: ask several nodes, and take only what
    /// all of them say.
    ///
    /// # Errors
    ///
    /// [`DecryptError`] for whatever is wrong: lengths, the tag, or a content that is no account id.
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
        let (id, tag) = value
            .split_first_chunk::<{ AccountId::LENGTH }>()
            .ok_or(DecryptError)?;
        let tag = tag.try_into().map_err(|_| DecryptError)?;
        let mut id = *id;
        xchacha::decrypt_detached(&self.key(), nonce, &mut id, tag)?;
        AccountId::from_bytes(id).map_err(|_| DecryptError)
    }

    /// Encrypts an account id under the name, with a nonce of the generator: value and nonce.
    #[must_use]
    pub fn seal(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        id: &AccountId,
    ) -> ([u8; VALUE_LENGTH], [u8; NONCE_LENGTH]) {
        let mut nonce = [0; NONCE_LENGTH];
        rng.fill_bytes(&mut nonce);
        let mut value = [0; VALUE_LENGTH];
        let (text, tag) = value.split_at_mut(AccountId::LENGTH);
        copy_prefix(text, id.as_bytes());
        // 33 bytes are not too long for the cipher.
        if let Ok(made) = xchacha::encrypt_detached(&self.key(), &nonce, text) {
            copy_prefix(tag, &made);
        }
        (value, nonce)
    }
}

/// Reads a name as people type it: capital letters become small ones. Nothing is trimmed.
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
