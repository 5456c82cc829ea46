//! Short authentication strings: emoji that two devices show while one is linked to the account.
//!
//! This module is upcoming: no released client links devices yet. It is outside of this crate's SemVer
//! promises, and exists with the feature `v2` only.
//!
//! The user compares the emoji on both devices. Deriving them is slow on purpose (Argon2id, 16 MiB), so that
//! nobody finds another request with the same emoji in the minutes that a request is valid. Protocol:
//! protocol-v2, section 8.3.

use alloc::string::String;
use alloc::vec;
use core::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use session_crypto::Blake2b;

/// Number of emoji to show.
pub const SHORT: usize = 7;
/// Number of emoji in the extended view: three lines of seven.
pub const EXTENDED: usize = 21;

const MEMORY_KIB: u32 = 16 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The emoji of the Matrix client-server API, in their order.
const EMOJI: [&str; 64] = [
    "🐶",
    "🐱",
    "🦁",
    "🐎",
    "🦄",
    "🐷",
    "🐘",
    "🐰",
    "🐼",
    "🐓",
    "🐧",
    "🐢",
    "🐟",
    "🐙",
    "🦋",
    "🌷",
    "🌳",
    "🌵",
    "🍄",
    "🌏",
    "🌙",
    "☁\u{fe0f}",
    "🔥",
    "🍌",
    "🍎",
    "🍓",
    "🌽",
    "🍕",
    "🎂",
    "❤\u{fe0f}",
    "😀",
    "🤖",
    "🎩",
    "👓",
    "🔧",
    "🎅",
    "👍",
    "☂\u{fe0f}",
    "⌛",
    "⏰",
    "🎁",
    "💡",
    "📕",
    "✏\u{fe0f}",
    "📎",
    "✂\u{fe0f}",
    "🔒",
    "🔑",
    "🔨",
    "☎\u{fe0f}",
    "🏁",
    "🚂",
    "🚲",
    "✈\u{fe0f}",
    "🚀",
    "🏆",
    "⚽",
    "🎸",
    "🎺",
    "🔔",
    "⚓",
    "🎧",
    "📁",
    "📌",
];

/// A short authentication string: 21 emoji, of which [`Display`](fmt::Display) shows the first seven.
///
/// ```
/// use session_identity::link_sas::Sas;
///
/// // The decrypted request, exactly as it was sent.
/// let sas = Sas::of_request(b"test link request plaintext")?;
/// assert_eq!(sas.indices()[..4], [31, 49, 61, 38]);
/// assert_eq!(sas.to_string(), "🤖 ☎️ 🎧 ⌛ 🐶 🦁 ✏️");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sas([u8; 16]);

/// The memory for deriving a short authentication string, 16 MiB, is not available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("deriving the short authentication string failed")]
pub struct SasError;

impl Sas {
    /// Derives the string of a link request: the decrypted inner dict exactly as it was sent, its signature
    /// included. Takes 16 MiB of memory.
    ///
    /// # Errors
    ///
    /// [`SasError`] if the memory is not available.
    pub fn of_request(plaintext: &[u8]) -> Result<Self, SasError> {
        let salt = Self::salt(plaintext);
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(16)).map_err(|_| SasError)?;
        let mut seed = [0; 16];
        let count = params.block_count();
        let mut blocks = vec![];
        blocks.try_reserve_exact(count).map_err(|_| SasError)?;
        blocks.resize(count, Block::default());
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(plaintext, &salt, &mut seed, &mut blocks)
            .map_err(|_| SasError)?;
        Ok(Self(seed))
    }

    /// Returns the check emoji of a device group, by its id. They tell groups apart, and prove nothing.
    #[must_use]
    pub fn of_group(id: &[u8; 8]) -> Self {
        Self(
            Blake2b::<16>::personal(b"SessionDvGrp_SAS")
                .chain(id)
                .finalize(),
        )
    }

    /// Returns the salt of a request.
    fn salt(plaintext: &[u8]) -> [u8; 16] {
        Blake2b::<16>::personal(b"SessionLinkEmoji")
            .chain(plaintext)
            .finalize()
    }

    /// Returns the 16 bytes that the emoji show.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns the numbers of the emoji, each in `0..64`: six bits each, the lowest first.
    #[must_use]
    pub fn indices(&self) -> [u8; EXTENDED] {
        let bits = u128::from_le_bytes(self.0);
        let mut shift = 0_u32;
        [(); EXTENDED].map(|()| {
            let [low, ..] = bits.unbounded_shr(shift).to_le_bytes();
            shift = shift.saturating_add(6);
            low & 63
        })
    }

    /// Returns the emoji.
    #[must_use]
    pub fn emoji(&self) -> [&'static str; EXTENDED] {
        self.indices().map(|index| {
            // Absent: never, an index has six bits.
            EMOJI.get(usize::from(index)).copied().unwrap_or_default()
        })
    }

    /// Returns the extended view: three lines of seven emoji, with a space between two and a line feed
    /// after the first and the second line.
    #[must_use]
    pub fn to_extended_text(&self) -> String {
        let lines = self.emoji();
        let (lines, _) = lines.as_chunks::<SHORT>();
        let mut text = String::new();
        for line in lines {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&line.join(" "));
        }
        text
    }
}

impl fmt::Display for Sas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, emoji) in self.emoji().iter().take(SHORT).enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            f.write_str(emoji)?;
        }
        Ok(())
    }
}
