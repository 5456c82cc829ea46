//! Limits of the storage server: sizes, lifetimes and clock windows (protocol: storage-rpc,
//! sections 1, 3.5 and 5). Times are in milliseconds unless the name says otherwise.

/// One second.
pub const SECOND_MS: u64 = 1_000;
/// One minute.
pub const MINUTE_MS: u64 = 60 * SECOND_MS;
/// One hour.
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
/// One day.
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// Longest request body in bytes.
pub const BODY_MAX: usize = 10 * 1024 * 1024;
/// Longest data of one message in bytes.
pub const MESSAGE_DATA_MAX: usize = 76_800;
/// The same as base64, in characters.
pub const MESSAGE_BASE64_MAX: usize = 102_400;

/// Shortest lifetime of a message.
pub const TTL_MIN_MS: u64 = 10 * SECOND_MS;
/// Longest lifetime in a public inbox.
pub const TTL_MAX_INBOX_MS: u64 = 14 * DAY_MS;
/// Longest lifetime in the other namespaces, and from now on when an expiry is changed.
pub const TTL_MAX_MS: u64 = 30 * DAY_MS;

/// How far the time of a signature may be from the node's clock, either way.
pub const SIGNATURE_TOLERANCE_MS: u64 = 60 * SECOND_MS;
/// The same in `delete_all` and `expire_all` when another node forwarded the request.
pub const SIGNATURE_TOLERANCE_FORWARDED_MS: u64 = 70 * SECOND_MS;
/// How far the time of a stored message may lie ahead, and its expiry behind, the node's clock.
pub const STORE_TOLERANCE_MS: u64 = 10 * SECOND_MS;
/// Timestamps below this are taken for seconds and refused.
pub const TIMESTAMP_MIN: u64 = 1_000_000_000;

/// Most requests in one `batch` or `sequence`.
pub const BATCH_MAX: usize = 20;
/// Most tokens in one `revoke_subaccount`, and most that a node keeps for an account.
pub const REVOKED_MAX: usize = 50;
/// Most bytes in the answer to `retrieve`, as `max_size` counts them.
pub const RETRIEVE_SIZE_MAX: u64 = 7_800_000;
/// The divisor of [`RETRIEVE_SIZE_MAX`] when a request sets no limit.
pub const RETRIEVE_DEFAULT_SHARE: u64 = 5;
/// What each message of an answer costs beside its hash and data.
pub const RETRIEVE_MESSAGE_OVERHEAD: u64 = 100;

/// How long a node waits for the answers of the other members of its swarm.
pub const FORWARD_TIMEOUT_MS: u64 = 5 * SECOND_MS;
/// Requests that a client may send at once before it is limited.
pub const RATE_LIMIT_BUCKET: u32 = 600;
/// Requests a second that a client is given back.
pub const RATE_LIMIT_REFILL: u32 = 300;
/// Client addresses that a node remembers.
pub const RATE_LIMIT_ADDRESSES: usize = 10_000;

/// How old the time of a `monitor` signature may be, in seconds.
pub const MONITOR_AGE_MAX_S: u64 = 14 * 24 * 3600;
/// How far the time of a `monitor` signature may lie ahead, in seconds.
pub const MONITOR_AHEAD_MAX_S: u64 = 24 * 3600;
/// How long a subscription lasts.
pub const MONITOR_LIFETIME_MS: u64 = 65 * MINUTE_MS;
/// How often a client should renew its subscription.
pub const MONITOR_RENEW_MS: u64 = 60 * MINUTE_MS;
