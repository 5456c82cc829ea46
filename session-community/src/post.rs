//! Posts: their data, signed, and who wrote it (protocol: community, section 5).
//!
//! Data is what `session_message::community` seals and opens. The server does not check signatures;
//! readers must.

use alloc::string::String;
use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::{Ed25519PublicExt, Ed25519Signature, SignatureError, xed25519};
use session_types::{AnyId, IdKind};

use crate::Signer;

/// A post to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPost {
    /// The padded content.
    pub data: Vec<u8>,
    /// The author's signature over the data.
    pub signature: Ed25519Signature,
    /// Files of the room that the post refers to.
    pub files: Vec<u64>,
    /// The only user who sees the post, moderators aside; moderators may set it.
    pub whisper_to: Option<AnyId>,
    /// Whether all moderators see the post and nobody else; moderators may set it.
    pub whisper_mods: bool,
}

impl NewPost {
    /// Signs the data of a post.
    #[must_use]
    pub fn new(data: Vec<u8>, signer: &Signer<'_>, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self {
            signature: signer.sign_post(&data, rng),
            data,
            files: Vec::new(),
            whisper_to: None,
            whisper_mods: false,
        }
    }

    /// Refers to uploaded files, which then live longer.
    #[must_use]
    pub fn with_files(mut self, files: impl Into<Vec<u64>>) -> Self {
        self.files = files.into();
        self
    }

    /// Shows the post to one user only.
    #[must_use]
    pub const fn whispered_to(mut self, user: AnyId) -> Self {
        self.whisper_to = Some(user);
        self
    }

    /// Shows the post to moderators only.
    #[must_use]
    pub const fn whispered_to_moderators(mut self) -> Self {
        self.whisper_mods = true;
        self
    }
}

/// Verifies that an author signed the data of a post.
///
/// # Errors
///
/// [`SignatureError`] if the signature does not verify, or the id is not one that posts: never show
/// the post as the author's.
pub fn verify(
    author: &AnyId,
    data: &[u8],
    signature: &Ed25519Signature,
) -> Result<(), SignatureError> {
    match author.kind() {
        Ok(IdKind::Account(id)) => xed25519::verify(&id.x25519(), data, signature),
        Ok(IdKind::Blinded15(id)) => id.ed25519().verify(data, signature),
        Ok(IdKind::Blinded25(id)) => id.ed25519().verify(data, signature),
        _ => Err(SignatureError),
    }
}

/// Checks an emoji of a reaction: 1 to 12 code points, as the server counts.
#[must_use]
pub fn is_emoji_length(emoji: &str) -> bool {
    (1..=12).contains(&emoji.chars().count())
}

/// An emoji that a server would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 12 code points, got {got}")]
pub struct EmojiError {
    /// Number of code points.
    pub got: usize,
}

/// An emoji of 1 to 12 code points.
///
/// ```
/// use session_community::post::Emoji;
///
/// let emoji: Emoji = "🍕".parse()?;
/// assert!("abcdefghijklm".parse::<Emoji>().is_err());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Emoji(String);

impl Emoji {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::str::FromStr for Emoji {
    type Err = EmojiError;

    fn from_str(text: &str) -> Result<Self, EmojiError> {
        if is_emoji_length(text) {
            return Ok(Self(text.into()));
        }
        let got = text.chars().count();
        Err(EmojiError { got })
    }
}
