//! The devices of an account as a group: who belongs to it, and the keys that they share.
//!
//! This module is upcoming: no released client makes device groups yet. It is outside of this crate's
//! SemVer promises, and exists with the feature `v2` only.
//!
//! Devices of one account exchange group messages in the account's own swarm, namespace 21. Each message
//! is a full snapshot: the records of the devices, tombstones of those that left or were removed, and the
//! account keys of [`session_crypto::v2`]. [`Device`] is the state of one device: what arrives is fed to it,
//! and it says what has to be sent.
//!
//! | module | contents | protocol |
//! |---|---|---|
//! | [`account_keys`] | the shared keys: rotation, conflicts, retention | protocol-v2, section 5 |
//! | [`record`], [`payload`] | what a message says | protocol-v2, sections 6.1 and 6.2 |
//! | [`message`] | the signed and encrypted message | protocol-v2, sections 6.3 to 6.5 |
//! | [`group`] | the group as a device knows it | protocol-v2, sections 6.5 to 7 and 9 |
//! | [`link`] | requests to be admitted | protocol-v2, section 8 |
//! | [`device`] | a whole device: keys, group, fetches, requests, what to send | protocol-v2, sections 5 to 9 |
//! | [`membership`] | what a client shows | protocol-v2, section 7 |

pub mod account_keys;
pub mod device;
pub mod group;
pub mod link;
pub mod membership;
pub mod message;
pub mod payload;
pub mod record;

pub use account_keys::{AccountKey, Keyring};
pub use device::{About, Device, DeviceEvent, FetchedMessage, LeaveError, Outgoing};
pub use group::{DeviceGroup, DeviceState, Row};
pub use payload::Payload;
pub use record::{DeviceId, Record};

use session_types::Namespace;

/// The namespace of group messages and link requests, in the account's own swarm.
pub const NAMESPACE: Namespace = Namespace::new(21);
