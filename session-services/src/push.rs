//! The push server: a device subscribes to the swarms of its accounts, and is woken with an encrypted
//! payload (protocol: push).
//!
//! [`client`] makes requests and reads replies, [`server`] answers them, [`payload`] seals and opens
//! what reaches the device. Between the two, the push server subscribes at the storage nodes with
//! the signature that it was given: `session_storage`.

pub mod client;
pub mod payload;
mod request;
pub mod server;

pub use request::{Access, Device, Fields, SUBSCRIBE, Signer, UNSUBSCRIBE};

/// Base URL of the deployed server.
pub const BASE_URL: &str = "https://push.getsession.org";
/// The deployed server's X25519 key, in hex.
pub const X25519_KEY: &str = "d7557fe563e2610de876c0ac7341b62f3c82d5eea4b62c702392ea4368f51b3b";
/// Maximum length of a request, in bytes.
pub const REQUEST_MAX: usize = 100_000;
/// Lifetime of a signature.
pub const SIGNATURE_AGE_MAX: core::time::Duration = session_types::limits::MONITOR_AGE_MAX;
/// Maximum time by which a signature may lie in the future.
pub const SIGNATURE_AHEAD_MAX: core::time::Duration = session_types::limits::MONITOR_AHEAD_MAX;

/// Error codes of the server.
pub mod code {
    /// Malformed request.
    pub const BAD_INPUT: u8 = 1;
    /// The service is not available.
    pub const SERVICE_NOT_AVAILABLE: u8 = 2;
    /// The service did not answer in time.
    pub const SERVICE_TIMEOUT: u8 = 3;
    /// Any other refusal.
    pub const ERROR: u8 = 4;
    /// A failure of the server.
    pub const INTERNAL: u8 = 5;
}
