//! Accounts: the keys that are derived from a seed.

use core::fmt;

use rand_core::CryptoRng;
use session_crypto::{Ed25519Public, Ed25519Secret, X25519Public, X25519Secret};
use zeroize::ZeroizeOnDrop;

use crate::phrase::{Language, PhraseError};
use crate::{AccountId, Seed, UnblindedId};

/// All keys of an account, derived from its [`Seed`] (protocol: identity, section 1.2).
///
/// The Ed25519 key signs; the X25519 key opens messages that others sealed. Both have the same
/// secret scalar. The public X25519 key is the account id. Secrets are zeroized on drop and never
/// printed; an account cannot be cloned.
pub struct Account {
    ed25519: Ed25519Secret,
    x25519: X25519Secret,
    ed25519_public: Ed25519Public,
    id: AccountId,
}

// Both secrets zeroize themselves.
impl ZeroizeOnDrop for Account {}

impl Account {
    /// Generates the seed of a new account and derives its keys.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self::from_seed(&Seed::generate(rng))
    }

    /// Generates a new account with the operating system's generator. Requires the feature
    /// `getrandom`.
    ///
    /// # Errors
    ///
    /// [`getrandom::Error`] if the generator fails.
    #[cfg(feature = "getrandom")]
    pub fn random() -> Result<Self, getrandom::Error> {
        Seed::random().map(|seed| Self::from_seed(&seed))
    }

    /// Derives the keys. Constant-time.
    ///
    /// A program that creates an account:
    /// [`examples/account.rs`](https://github.com/session-crates/session-crates/blob/main/session-identity/examples/account.rs).
    ///
    /// ```
    /// use session_identity::{Account, Seed};
    ///
    /// let account = Account::from_seed(&Seed::from_short(&[0; 16]));
    /// assert!(account.id().to_string().starts_with("05"));
    /// ```
    #[must_use]
    pub fn from_seed(seed: &Seed) -> Self {
        let ed25519 = Ed25519Secret::from_seed(seed.expose_full());
        let x25519 = ed25519.to_x25519();
        Self {
            ed25519_public: ed25519.public(),
            id: AccountId::from_x25519(&ed25519.x25519_public()),
            ed25519,
            x25519,
        }
    }

    /// Restores the account of a phrase of 13 or 25 words, if it is the expected account.
    ///
    /// A program that restores an account:
    /// [`examples/restore.rs`](https://github.com/session-crates/session-crates/blob/main/session-identity/examples/restore.rs).
    ///
    /// Unlike the checksum of the phrase, the id detects every mistake: use this wherever the
    /// account id is known. Where it is not, restore the account with [`Seed::from_phrase`] and
    /// [`from_seed`](Self::from_seed), and have its [`id`](Self::id) confirmed.
    ///
    /// # Errors
    ///
    /// [`RestoreError`] if the phrase is malformed or restores another account.
    ///
    /// ```
    /// # #[cfg(feature = "english")] {
    /// use session_identity::{Account, Language, Seed};
    ///
    /// let account = Account::from_seed(&Seed::from_short(&[7; 16]));
    /// let phrase = account.seed().to_phrase(Language::English);
    /// assert!(Account::restore(&phrase, Language::English, account.id()).is_ok());
    /// // A valid phrase of another account.
    /// let other = Account::from_seed(&Seed::from_short(&[8; 16]));
    /// assert!(Account::restore(&phrase, Language::English, other.id()).is_err());
    /// # }
    /// ```
    pub fn restore(
        phrase: &str,
        language: Language,
        expected: &AccountId,
    ) -> Result<Self, RestoreError> {
        let account = Self::from_seed(&Seed::from_phrase(phrase, language)?);
        if account.id == *expected {
            Ok(account)
        } else {
            Err(RestoreError::OtherAccount { found: account.id })
        }
    }

    /// Returns the account id.
    #[must_use]
    pub const fn id(&self) -> &AccountId {
        &self.id
    }

    /// Returns the Ed25519 key pair.
    #[must_use]
    pub const fn ed25519(&self) -> &Ed25519Secret {
        &self.ed25519
    }

    /// Returns the Ed25519 public key.
    #[must_use]
    pub const fn ed25519_public(&self) -> Ed25519Public {
        self.ed25519_public
    }

    /// Returns the X25519 secret key.
    #[must_use]
    pub const fn x25519(&self) -> &X25519Secret {
        &self.x25519
    }

    /// Returns the X25519 public key: the account id without its prefix.
    #[must_use]
    pub fn x25519_public(&self) -> X25519Public {
        self.id.x25519()
    }

    /// Returns the id of the account in communities without blinding, `00`.
    #[must_use]
    pub fn unblinded_id(&self) -> UnblindedId {
        UnblindedId::from_ed25519(&self.ed25519_public)
    }

    /// Returns the seed, to store it or to show it as a phrase.
    #[must_use]
    pub fn seed(&self) -> Seed {
        Seed::from_full(self.ed25519.expose_seed())
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The account was not restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The phrase is malformed.
    #[error(transparent)]
    Phrase(#[from] PhraseError),
    /// The phrase is that of another account, or contains a mistake that the checksum does not
    /// detect.
    #[error("the phrase restores another account, {found}")]
    OtherAccount {
        /// The account that the phrase restores.
        found: AccountId,
    },
}
