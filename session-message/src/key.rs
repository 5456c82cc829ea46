//! What identifies a message, to recognise one that was seen before.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use session_crypto::Blake2b;
use session_proto::content::Id;

/// Key of a message: equal for two copies of one message, different for two messages.
///
/// Storage servers hold several copies of a message and can replay it, so a client must recognise
/// what it has processed. Author and time are not enough: one author can send two messages in the
/// same millisecond, for instance two sync copies to different people (protocol: messages, section
/// 4.8). The key is made of
///
/// - the conversation,
/// - the authenticated author,
/// - the time of sending,
/// - a hash of the opened content as it was received.
///
/// It is [`ENCODED_LENGTH`](Self::ENCODED_LENGTH) bytes, or twice as many lower-case hex digits as
/// text.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use std::collections::BTreeSet;
///
/// use session_identity::{Account, Seed};
/// use session_message::content::Content;
/// use session_message::direct;
///
/// let [alice, bob] = [(); 2].map(|()| Account::from_seed(&Seed::generate(rng)));
/// let now_ms = 1_754_971_101_000;
/// let mut seen = BTreeSet::new();
/// for (text, is_new) in [("one", true), ("two", true), ("one", false)] {
///     let message = direct::seal(rng, &alice, bob.id(), &Content::text(text), now_ms)?;
///     let opened = direct::open(&bob, &message.data)?;
///     assert_eq!(seen.insert(opened.key()), is_new);
/// }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey {
    conversation: Id,
    author: Id,
    sent_ms: u64,
    content_hash: [u8; 32],
}

/// Personalisation of the content hash.
const PERSONAL: &[u8; 16] = b"MessageKeyConten";

impl MessageKey {
    /// Length of the encoded key in bytes.
    pub const ENCODED_LENGTH: usize = 33 + 33 + 8 + 32;

    /// Makes the key of a message from its parts.
    ///
    /// `content` is the opened content as it was received, without padding. Use
    /// [`Opened::key`](crate::Opened::key) for a message that this crate has opened.
    #[must_use]
    pub fn new(conversation: Id, author: Id, sent_ms: u64, content: &[u8]) -> Self {
        let hash = Blake2b::personal(PERSONAL).chain(content);
        Self {
            conversation,
            author,
            sent_ms,
            content_hash: hash.finalize(),
        }
    }

    /// The conversation: the other account, the group, or the other blinded id of a community.
    #[must_use]
    pub const fn conversation(&self) -> &Id {
        &self.conversation
    }

    /// The authenticated author.
    #[must_use]
    pub const fn author(&self) -> &Id {
        &self.author
    }

    /// The time of sending, in Unix milliseconds.
    #[must_use]
    pub const fn sent_ms(&self) -> u64 {
        self.sent_ms
    }

    /// The BLAKE2b hash of the content.
    #[must_use]
    pub const fn content_hash(&self) -> &[u8; 32] {
        &self.content_hash
    }

    /// Encodes the key: conversation, author, big-endian time, hash.
    ///
    /// Encoded keys sort by conversation, author and time.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::ENCODED_LENGTH);
        bytes.extend_from_slice(self.conversation.as_bytes());
        bytes.extend_from_slice(self.author.as_bytes());
        bytes.extend_from_slice(&self.sent_ms.to_be_bytes());
        bytes.extend_from_slice(&self.content_hash);
        bytes
    }
}

/// The input is not an encoded [`MessageKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a message key of 106 bytes or 212 hex digits")]
pub struct MessageKeyError;

impl TryFrom<&[u8]> for MessageKey {
    type Error = MessageKeyError;

    fn try_from(bytes: &[u8]) -> Result<Self, MessageKeyError> {
        fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], MessageKeyError> {
            let (head, after) = rest.split_first_chunk().ok_or(MessageKeyError)?;
            *rest = after;
            Ok(*head)
        }
        let mut rest = bytes;
        let key = Self {
            conversation: Id::from_bytes(take(&mut rest)?),
            author: Id::from_bytes(take(&mut rest)?),
            sent_ms: u64::from_be_bytes(take(&mut rest)?),
            content_hash: take(&mut rest)?,
        };
        if rest.is_empty() {
            Ok(key)
        } else {
            Err(MessageKeyError)
        }
    }
}

impl fmt::Display for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.to_bytes();
        bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for MessageKey {
    type Err = MessageKeyError;

    fn from_str(text: &str) -> Result<Self, MessageKeyError> {
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(MessageKeyError);
        };
        let digit = |character: u8| char::from(character).to_digit(16);
        let byte = |[high, low]: &[u8; 2]| {
            let value = digit(*high)? << 4 | digit(*low)?;
            u8::try_from(value).ok()
        };
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        Self::try_from(bytes.ok_or(MessageKeyError)?.as_slice())
    }
}

impl From<MessageKey> for String {
    fn from(key: MessageKey) -> Self {
        key.to_string()
    }
}
