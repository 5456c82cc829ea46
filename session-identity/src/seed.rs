//! Seeds: the secret from which all keys of an account are derived.

use alloc::string::String;
use core::fmt;

use rand_core::CryptoRng;
use session_crypto::{Ed25519Secret, KeyError};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::bytes::{join, split};
use crate::phrase::{self, DetectError, Language, PhraseError};

/// The seed of an account: 16 bytes, or 32 (protocol: identity, section 1.1).
///
/// Every account that a Session client creates has a seed of 16 bytes. 16 zero bytes extend it to
/// the 32 bytes that keys are derived from; it is never hashed or stretched. A seed of 32 bytes
/// whose last 16 are zero is the same seed as its first 16 bytes.
///
/// Zeroized on drop, never printed; it cannot be cloned.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; 32]);

impl Seed {
    /// Length of the short form in bytes.
    pub const SHORT_LENGTH: usize = 16;
    /// Length of the full form in bytes.
    pub const FULL_LENGTH: usize = 32;

    /// Generates a seed of 16 bytes, as Session clients do.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut short = Zeroizing::new([0; 16]);
        rng.fill_bytes(short.as_mut_slice());
        Self::from_short(&short)
    }

    /// Generates a seed of 16 bytes with the operating system's generator. Requires the feature
    /// `getrandom`.
    ///
    /// # Errors
    ///
    /// [`getrandom::Error`] if the generator fails.
    #[cfg(feature = "getrandom")]
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut short = Zeroizing::new([0; 16]);
        getrandom::fill(short.as_mut_slice())?;
        Ok(Self::from_short(&short))
    }

    /// Takes a seed of 16 bytes.
    #[must_use]
    pub fn from_short(bytes: &[u8; 16]) -> Self {
        Self(join(bytes, &[0; 16]))
    }

    /// Takes a seed of 32 bytes.
    #[must_use]
    pub const fn from_full(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    /// Takes the seed of a 64-byte libsodium secret key, as some clients store it.
    ///
    /// # Errors
    ///
    /// [`KeyError::Mismatch`] if its public half does not belong to the seed.
    pub fn from_libsodium(secret: &[u8; 64]) -> Result<Self, KeyError> {
        let secret = Ed25519Secret::from_libsodium(secret)?;
        Ok(Self::from_full(secret.expose_seed()))
    }

    /// Returns whether the last 16 bytes are zero, so that 16 bytes or 13 words suffice.
    #[must_use]
    pub fn is_short(&self) -> bool {
        let (_, tail) = split::<16, 16, 32>(&self.0);
        tail.ct_eq(&[0; 16]).into()
    }

    /// Returns the 32 bytes that keys are derived from, an Ed25519 seed, for example to store them.
    #[must_use]
    pub const fn expose_full(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the shortest form: 16 bytes if the others are zero, 32 if not.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        let (short, _) = split::<16, 16, 32>(&self.0);
        if self.is_short() { short } else { &self.0 }
    }

    /// Returns the recovery phrase: 13 words for a short seed, 25 for another.
    ///
    /// ```
    /// # #[cfg(feature = "english")] {
    /// use session_identity::{Language, Seed};
    ///
    /// let phrase = Seed::from_short(&[0; 16]).to_phrase(Language::English);
    /// assert_eq!(*phrase, ["abbey"; 13].join(" "));
    /// # }
    /// ```
    #[must_use]
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "16 and 32 bytes can be written"
    )]
    pub fn to_phrase(&self, language: Language) -> Zeroizing<String> {
        phrase::encode(self.expose_bytes(), language).expect("16 or 32 bytes")
    }

    /// Reads a recovery phrase of 13 or 25 words, the last of which is a checksum.
    ///
    /// The checksum misses about one wrong word in twelve. Show the account id and have it
    /// confirmed, or use [`Account::restore`](crate::Account::restore).
    ///
    /// # Errors
    ///
    /// [`PhraseError`] for the first mistake.
    pub fn from_phrase(text: &str, language: Language) -> Result<Self, PhraseError> {
        match phrase::count(text) {
            words @ (13 | 25) => Self::from_words(text, words, language),
            got => Err(PhraseError::WordCount {
                expected: "13 or 25",
                got,
            }),
        }
    }

    /// Reads a recovery phrase of 12 or 24 words, without its checksum word.
    ///
    /// Every wrong word that is in the list restores another account. Use this only if the person
    /// has no more than these words, and have the account id confirmed.
    ///
    /// # Errors
    ///
    /// [`PhraseError`] for the first mistake.
    pub fn from_phrase_without_checksum(
        text: &str,
        language: Language,
    ) -> Result<Self, PhraseError> {
        match phrase::count(text) {
            words @ (12 | 24) => Self::from_words(text, words, language),
            got => Err(PhraseError::WordCount {
                expected: "12 or 24",
                got,
            }),
        }
    }

    /// Reads a recovery phrase of 13 or 25 words in the language that fits.
    ///
    /// # Errors
    ///
    /// [`DetectError`] if no language fits, or several with different seeds.
    pub fn from_phrase_in_any_language(text: &str) -> Result<(Self, Language), DetectError> {
        match phrase::count(text) {
            13 | 25 => {
                let (language, bytes) = phrase::decode_any(text)?;
                Ok((Self::from_decoded(&bytes), language))
            }
            got => Err(PhraseError::WordCount {
                expected: "13 or 25",
                got,
            }
            .into()),
        }
    }

    fn from_words(text: &str, words: usize, language: Language) -> Result<Self, PhraseError> {
        let bytes = phrase::decode_counted(text, words, language)?;
        Ok(Self::from_decoded(&bytes))
    }

    /// Takes the bytes of a phrase whose words were counted.
    #[expect(
        clippy::expect_used,
        reason = "12 or 13 words are 16 bytes, 24 or 25 words are 32"
    )]
    fn from_decoded(bytes: &[u8]) -> Self {
        bytes.try_into().expect("16 or 32 bytes")
    }
}

/// The input has neither 16 nor 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a seed of 16 or 32 bytes, got {got}")]
pub struct SeedLengthError {
    /// Length of the input in bytes.
    pub got: usize,
}

impl TryFrom<&[u8]> for Seed {
    type Error = SeedLengthError;

    fn try_from(bytes: &[u8]) -> Result<Self, SeedLengthError> {
        if let Ok(short) = <&[u8; 16]>::try_from(bytes) {
            return Ok(Self::from_short(short));
        }
        match <&[u8; 32]>::try_from(bytes) {
            Ok(full) => Ok(Self::from_full(full)),
            Err(_) => Err(SeedLengthError { got: bytes.len() }),
        }
    }
}

impl ConstantTimeEq for Seed {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}
