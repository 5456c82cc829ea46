//! Limits and constants of the message formats, in one place.
//!
//! Limits of the protocol name their section. The others bound the memory that hostile input uses to a
//! small multiple of its length; they lie far above what clients send.

use core::time::Duration;

/// Maximum encoded length of a `Content`, in bytes. Its wrapper may have 4,096 more.
///
/// The largest message of the protocol is a closed group message (protocol: crypto, section 3).
pub const MAX_CONTENT: usize = 1_000_000;
/// Maximum number of attachments of a message (protocol: messages, section 2.4).
pub const MAX_ATTACHMENTS: usize = 32;
/// Maximum number of link previews of a message. Clients send one.
pub const MAX_PREVIEWS: usize = 16;
/// Maximum number of messages that a read receipt names.
pub const MAX_RECEIPTS: usize = 10_000;
/// Maximum number of member ids, or message hashes, that a group update names.
pub const MAX_LISTED: usize = 4_096;
/// Maximum number of session descriptions or candidates of a call message.
pub const MAX_SDPS: usize = 256;

/// Maximum number of Unicode scalar values of a text (protocol: messages, section 5.6).
pub const MAX_TEXT: usize = 2_000;
/// Maximum number of Unicode scalar values of a text whose sender has Session Pro.
pub const MAX_TEXT_PRO: usize = 10_000;
/// Maximum number of pinned conversations without Session Pro.
pub const MAX_PINNED: usize = 5;

/// Bit of `DataMessage.flags` that changes the timer of a conversation.
pub const FLAG_EXPIRATION_TIMER_UPDATE: u32 = 2;
/// Bit of `AttachmentPointer.flags` of a voice message.
pub const FLAG_VOICE_MESSAGE: u32 = 1;
/// Value of `Envelope.sourceDevice` in every message.
pub const SOURCE_DEVICE: u32 = 1;

/// Maximum distance between the timestamp in a community message and the time of its posting: 6
/// hours (protocol: messages, section 4.8).
pub const MAX_COMMUNITY_SKEW: Duration = Duration::from_secs(6 * 60 * 60);

/// Bit of a profile with the Session Pro badge.
pub const PROFILE_FEATURE_BADGE: u64 = 1 << 0;
/// Bit of a profile with an animated picture.
pub const PROFILE_FEATURE_ANIMATED_PICTURE: u64 = 1 << 1;
/// Bit of a text of more than [`MAX_TEXT`] scalar values.
pub const MESSAGE_FEATURE_LONG_TEXT: u64 = 1 << 0;
