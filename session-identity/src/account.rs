//! An account: the keys that follow from a seed.

use core::fmt;

use session_crypto::{Ed25519Public, Ed25519Secret, X25519Public, X25519Secret};
use zeroize::ZeroizeOnDrop;

use crate::phrase::{Language, PhraseError};
use crate::{AccountId, Seed, UnblindedId};

/// All keys of an account, derived from its [`Seed`] (protocol: identity, section 1.2).
///
/// The Ed25519 key signs, the X25519 key opens what others sealed; both have the same secret
/// scalar. The public X25519 key is the account id. Secrets are wiped when dropped, never printed;
/// an account cannot be cloned.
pub struct Account {
    ed25519: Ed25519Secret,
    x25519: X25519Secret,
    ed25519_public: Ed25519Public,
    id: AccountId,
}

// Both secrets wipe themselves.
impl ZeroizeOnDrop for Account {}

impl Account {
    /// Derives the keys. Constant time.
    ///
    /// A program that makes an account: [`examples/account.rs`](https://github.com/session-crates/session-crates/blob/main/session-identity/examples/account.rs).
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

    /// Restores the account of a phrase of 13 or 25 words, if it is the one that is expected.
    ///
    /// A program that restores an account: [`examples/restore.rs`](https://github.com/session-crates/session-crates/blob/main/session-identity/examples/restore.rs).
    ///
    /// Unlike the checksum of the phrase, the id tells every mistake: use this wherever the account
    /// id is known. Where it is not, make the account with [`Seed::from_phrase`] and
    /// [`from_seed`](Self::from_seed), and show [`id`](Self::id) to the person before going on.
    ///
    /// # Errors
    ///
    /// [`RestoreError`] if the phrase is no phrase or another account's.
    ///
    /// ```
    /// # #[cfg(feature = "english")] {
    /// use session_identity::{Account, Language, Seed};
    ///
    /// let account = Account::from_seed(&Seed::from_short(&[7; 16]));
    /// let phrase = account.seed().to_phrase(Language::English);
    /// assert!(Account::restore(&phrase, Language::English, account.id()).is_ok());
    /// // A phrase that is right, but another account's.
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

    /// The account id, by which everybody knows the account.
    #[must_use]
    pub const fn id(&self) -> &AccountId {
        &self.id
    }

    /// The Ed25519 key pair.
    #[must_use]
    pub const fn ed25519(&self) -> &Ed25519Secret {
        &self.ed25519
    }

    /// The Ed25519 public key.
    #[must_use]
    pub const fn ed25519_public(&self) -> Ed25519Public {
        self.ed25519_public
    }

    /// The X25519 secret.
    #[must_use]
    pub const fn x25519(&self) -> &X25519Secret {
        &self.x25519
    }

    /// The X25519 public key: the account id without its prefix.
    #[must_use]
    pub fn x25519_public(&self) -> X25519Public {
        self.id.x25519()
    }

    /// The id under which the account is known where a community asks for no blinding, `00`.
    #[must_use]
    pub fn unblinded_id(&self) -> UnblindedId {
        UnblindedId::from_ed25519(&self.ed25519_public)
    }

    /// The seed, to be stored or shown as a phrase.
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

/// Why an account was not restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The phrase itself is wrong.
    #[error(transparent)]
    Phrase(#[from] PhraseError),
    /// The phrase is complete, but it is that of another account: a mistake that the checksum did
    /// not notice, or simply another phrase.
    #[error("the phrase restores another account, {found}")]
    OtherAccount {
        /// The account that it restores.
        found: AccountId,
    },
}
