//! Limits of the network: sizes, times to live and clock windows (protocol: storage-rpc, sections
//! 1, 3.5 and 5).
//!
//! Limits of one format stand beside its reader.

use core::time::Duration;

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours.saturating_mul(3600))
}

const fn days(days: u64) -> Duration {
    hours(days.saturating_mul(24))
}

/// Maximum length of a request body, in bytes.
pub const BODY_MAX: usize = 10 * 1024 * 1024;
/// Maximum length of the data of one stored message, in bytes.
pub const MESSAGE_DATA_MAX: usize = 76_800;
/// Maximum length of the data of one stored message in base64, in characters.
pub const MESSAGE_BASE64_MAX: usize = 102_400;

/// Minimum time to live of a message: 10 seconds.
pub const TTL_MIN: Duration = Duration::from_secs(10);
/// Maximum time to live in a public inbox, and the usual one of messages: 14 days.
pub const TTL_MAX_INBOX: Duration = days(14);
/// Maximum time to live in the other namespaces, and the usual one of configs, group keys and
/// notices to removed members: 30 days. Also the maximum, from now on, of a changed expiry.
pub const TTL_MAX: Duration = days(30);
/// Time to live of a typing indicator: 20 seconds.
pub const TTL_TYPING: Duration = Duration::from_secs(20);
/// Time to live of a step of a call: 5 minutes.
pub const TTL_CALL: Duration = Duration::from_secs(5 * 60);

/// Maximum distance between the time of a signature and the node's clock, either way: 60 seconds.
pub const SIGNATURE_TOLERANCE: Duration = Duration::from_secs(60);
/// The same for `delete_all` and `expire_all` when another node forwards the request: 70 seconds.
pub const SIGNATURE_TOLERANCE_FORWARDED: Duration = Duration::from_secs(70);
/// Maximum time by which a stored message's time may be ahead of the node's clock, and its expiry
/// behind it: 10 seconds.
pub const STORE_TOLERANCE: Duration = Duration::from_secs(10);
/// Minimum value of a timestamp in milliseconds. Nodes take smaller values for seconds and reject
/// them.
pub const TIMESTAMP_MIN: u64 = 1_000_000_000;

/// Maximum number of requests in one `batch` or `sequence`.
pub const BATCH_MAX: usize = 20;
/// Maximum number of tokens in one `revoke_subaccount`, and of tokens that a node keeps for an
/// account.
pub const REVOKED_MAX: usize = 50;
/// Maximum size of the answer to `retrieve`, in bytes, as `max_size` counts them.
pub const RETRIEVE_SIZE_MAX: u64 = 7_800_000;
/// Divisor of [`RETRIEVE_SIZE_MAX`] when a request sets no limit.
pub const RETRIEVE_DEFAULT_SHARE: u64 = 5;
/// Size of each message of an answer beside its hash and data, in bytes, as `max_size` counts them.
pub const RETRIEVE_MESSAGE_OVERHEAD: u64 = 100;

/// Time that a node waits for the answers of the other members of its swarm: 5 seconds.
pub const FORWARD_TIMEOUT: Duration = Duration::from_secs(5);
/// Number of requests that a client may send at once before it is limited.
pub const RATE_LIMIT_BUCKET: u32 = 600;
/// Number of requests a second that a client is given back.
pub const RATE_LIMIT_REFILL: u32 = 300;
/// Number of client addresses that a node remembers.
pub const RATE_LIMIT_ADDRESSES: usize = 10_000;

/// Maximum age of a `monitor` signature: 14 days.
pub const MONITOR_AGE_MAX: Duration = days(14);
/// Maximum time by which a `monitor` signature may be ahead of the node's clock: 24 hours.
pub const MONITOR_AHEAD_MAX: Duration = hours(24);
/// Lifetime of a subscription: 65 minutes.
pub const MONITOR_LIFETIME: Duration = Duration::from_secs(65 * 60);
/// Interval at which a client should renew its subscription: 60 minutes.
pub const MONITOR_RENEW: Duration = hours(1);
