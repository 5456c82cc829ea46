//! What identifies a message, to recognise one that was seen before.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use session_crypto::Blake2b;
use session_types::{AnyId, UnixMillis, hex};

/// Key of a message: equal for two copies of one message, different for two messages.
///
/// Storage servers hold several copies of a message and can replay it, so a client must recognise
/// the messages that it has processed. Author and time do not identify a message: one author can
/// send two in the same millisecond, for instance two sync copies to different people (protocol:
/// messages, section 4.8). The key consists of
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
/// use session_message::{Opener, Sealer, UnixMillis};
///
/// let [alice, bob] = [(); 2].map(|()| Account::from_seed(&Seed::generate(rng)));
/// let now = UnixMillis::new(1_754_971_101_000);
/// let (sealer, mut opener) = (Sealer::new(&alice), Opener::new(&bob));
/// let mut seen = BTreeSet::new();
/// for (text, is_new) in [("one", true), ("two", true), ("one", false)] {
///     let message = sealer.seal_direct(rng, bob.id(), &Content::text(text), now)?;
///     let opened = opener.open_direct(&message.data)?;
///     assert_eq!(seen.insert(opened.key()), is_new);
/// }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey {
    conversation: AnyId,
    author: AnyId,
    sent_at: UnixMillis,
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
    pub fn new(conversation: AnyId, author: AnyId, sent_at: UnixMillis, content: &[u8]) -> Self {
        let hash = Blake2b::personal(PERSONAL).chain(content);
        Self {
            conversation,
            author,
            sent_at,
            content_hash: hash.finalize(),
        }
    }

    /// Returns the conversation: the other account, the group, or the other blinded id of a community.
    #[must_use]
    pub const fn conversation(&self) -> &AnyId {
        &self.conversation
    }

    /// Returns the authenticated author.
    #[must_use]
    pub const fn author(&self) -> &AnyId {
        &self.author
    }

    /// Returns the time of sending.
    #[must_use]
    pub const fn sent_at(&self) -> UnixMillis {
        self.sent_at
    }

    /// Returns the BLAKE2b hash of the content.
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
        bytes.extend_from_slice(&self.sent_at.get().to_be_bytes());
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
            conversation: AnyId::from_bytes(take(&mut rest)?),
            author: AnyId::from_bytes(take(&mut rest)?),
            sent_at: UnixMillis::new(u64::from_be_bytes(take(&mut rest)?)),
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
        hex::write(f, &self.to_bytes())
    }
}

impl FromStr for MessageKey {
    type Err = MessageKeyError;

    fn from_str(text: &str) -> Result<Self, MessageKeyError> {
        // Longer text is not even decoded.
        if text.len() != 2 * Self::ENCODED_LENGTH {
            return Err(MessageKeyError);
        }
        let bytes = hex::decode_vec(text).ok_or(MessageKeyError)?;
        Self::try_from(bytes.as_slice())
    }
}
