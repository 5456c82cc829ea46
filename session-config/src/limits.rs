//! Limits of configs. Limits without a section of the protocol are ours; they bound memory.

use core::time::Duration;

/// Maximum length of a stored message, in bytes (protocol: config, section 9.1).
pub const MAX_MESSAGE: usize = 76_800;
/// Maximum length of a padded config that is split into parts, in bytes (protocol: config, section 9.1).
pub const MAX_MULTIPART: usize = 5_000_000;
/// Length of the chunk of every part except the last one, in bytes (protocol: config, section 9.3).
pub const CHUNK: usize = 76_710;
/// Maximum number of parts of a config.
pub const MAX_PARTS: usize = 255;
/// Maximum length of a config after decompression, in bytes.
pub const MAX_PLAIN: usize = 64 << 20;
/// Maximum number of dicts and sets in the data of a config.
pub const MAX_CONTAINERS: usize = 1 << 17;
/// Maximum total length of the parts of unfinished configs that are kept, in bytes. Beyond it, the
/// set that expires first is dropped.
pub const MAX_UNFINISHED: usize = 20 << 20;
/// Maximum number of unfinished and of remembered finished sets, in each case.
pub const MAX_SETS: usize = 1024;
/// How many seqnos back a message names its ancestors (protocol: config, section 3.4).
pub const LAG: i64 = 5;
/// How long an unfinished set is kept after its last new part, in milliseconds.
pub const UNFINISHED_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// How long a finished set is remembered, in milliseconds.
pub const FINISHED_MS: u64 = 14 * 24 * 60 * 60 * 1000;
/// How long a config is stored, in milliseconds: 30 days. Keep it alive by extending it.
pub const LIFETIME_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// How much newer than a generation's successor the newest key must be before the generation is dropped
/// (protocol: groups, section 5.5).
pub const GROUP_KEY_AGE: Duration = Duration::from_secs(60 * 24 * 60 * 60);
/// Maximum number of keys of a group that are kept.
pub const MAX_GROUP_KEYS: usize = 4096;
/// Maximum number of key messages of a group whose names are kept.
pub const MAX_KEY_MESSAGES: usize = 16_384;
/// Maximum number of members of a group whose keys fit in one message: 33 times 45 entries of 51 bytes.
pub const MAX_GROUP_MEMBERS: usize = 1485;
