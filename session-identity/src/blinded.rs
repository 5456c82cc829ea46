//! Blinded ids: the ids of accounts in communities, with the prefixes 15 and 25.
//!
//! [`session_crypto::blind`] has the arithmetic and explains it. This module has the ids (protocol:
//! identity, sections 6.2, 6.3 and 6.7).
//!
//! An account id has one 25-id in each community, but two candidates for its 15-id, and the account
//! id does not determine which of them the account has. [`Candidates15`] therefore only compares. No
//! one can open a message that is encrypted to the wrong candidate: encrypt to an id that the
//! community server names.

use session_crypto::blind;
use session_crypto::{BlindedSecret, Blinding, Ed25519PublicExt, KeyError, X25519PublicExt};
use session_types::{
    AccountId, AnyId, BlindedId15, BlindedId25, Ed25519Public, IdKind, X25519Public,
};

use crate::Account;

/// The two candidates for the 15-id of an account, computed from its account id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidates15([BlindedId15; 2]);

impl Candidates15 {
    /// Returns whether the id is one of the two, so that only the account can sign for it.
    #[must_use]
    pub fn contains(&self, id: &BlindedId15) -> bool {
        self.0.contains(id)
    }

    /// Returns the candidate whose key has the sign bit 0, which community servers store and compare.
    #[must_use]
    pub fn absolute(&self) -> BlindedId15 {
        let [first, _] = self.0;
        first.absolute()
    }
}

/// Returns the 15-id that an account really has in a community, from its Ed25519 key.
///
/// # Errors
///
/// [`KeyError`] if the key is not a valid account key.
pub fn blinded15(account: &Ed25519Public, server: &X25519Public) -> Result<BlindedId15, KeyError> {
    let key = Blinding::Blind15.key_of(account, server)?;
    Ok(BlindedId15::from_ed25519(&key))
}

/// Returns the 25-id of an account in a community, from its Ed25519 key.
///
/// The account id is enough: [`AccountIdExt::blinded25`].
///
/// # Errors
///
/// [`KeyError`] if the key is not a valid account key.
pub fn blinded25(account: &Ed25519Public, server: &X25519Public) -> Result<BlindedId25, KeyError> {
    let key = Blinding::Blind25.key_of(account, server)?;
    Ok(BlindedId25::from_ed25519(&key))
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for session_types::AccountId {}
}

/// Blinded ids that are computed from an account id, and its validation.
pub trait AccountIdExt: sealed::Sealed {
    /// Returns the two candidates for the 15-id of the account in a community.
    ///
    /// `server` is the community's key, from its URL.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the id's key is not a point of the prime-order subgroup.
    fn candidates15(&self, server: &X25519Public) -> Result<Candidates15, KeyError>;

    /// Returns the 25-id of the account in a community.
    ///
    /// `server` is the community's key, from its URL.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the id's key is not a point of the prime-order subgroup.
    fn blinded25(&self, server: &X25519Public) -> Result<BlindedId25, KeyError>;

    /// Returns whether a blinded id, 15 or 25, belongs to this account in a community.
    ///
    /// # Errors
    ///
    /// [`MatchError`] if the id is not blinded, or this id is not a valid account id.
    fn matches(&self, blinded: &AnyId, server: &X25519Public) -> Result<bool, MatchError>;

    /// Checks that the key is a point of the prime-order subgroup, other than the identity.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if it is not. No account has such an id.
    fn check(&self) -> Result<(), KeyError>;
}

impl AccountIdExt for AccountId {
    fn candidates15(&self, server: &X25519Public) -> Result<Candidates15, KeyError> {
        let keys = blind::candidates15(&self.x25519(), server)?;
        Ok(Candidates15(
            keys.map(|key| BlindedId15::from_ed25519(&key)),
        ))
    }

    fn blinded25(&self, server: &X25519Public) -> Result<BlindedId25, KeyError> {
        let key = blind::key25(&self.x25519(), server)?;
        Ok(BlindedId25::from_ed25519(&key))
    }

    fn matches(&self, blinded: &AnyId, server: &X25519Public) -> Result<bool, MatchError> {
        match blinded.kind() {
            Ok(IdKind::Blinded15(id)) => Ok(self.candidates15(server)?.contains(&id)),
            Ok(IdKind::Blinded25(id)) => Ok(self.blinded25(server)? == id),
            _ => Err(MatchError::NotBlinded {
                prefix: blinded.prefix(),
            }),
        }
    }

    fn check(&self) -> Result<(), KeyError> {
        self.x25519().to_ed25519_positive().to_x25519().map(|_| ())
    }
}

/// A blinded id cannot be matched against an account id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MatchError {
    /// The id is not blinded.
    #[error("expected an id with prefix 15 or 25, got {prefix:02x}")]
    NotBlinded {
        /// Prefix of the id.
        prefix: u8,
    },
    /// The account id is not valid.
    #[error("not a valid account id: {0}")]
    Account(#[from] KeyError),
}

impl Account {
    /// Returns the account's blinded key pair in a community.
    ///
    /// [`BlindedSecret::id`] returns its id, [`BlindedSecret::sign`] signs under that id.
    ///
    /// # Errors
    ///
    /// [`KeyError::ZeroScalar`] if the factor is zero, which has a negligible probability.
    pub fn blinded(
        &self,
        blinding: Blinding,
        server: &X25519Public,
    ) -> Result<BlindedSecret, KeyError> {
        BlindedSecret::new(blinding, self.ed25519(), server)
    }
}
