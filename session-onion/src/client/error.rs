//! The ways in which a packet has no usable reply.

use alloc::string::String;
use core::fmt;

use crate::json::JsonError;
use crate::payload::v4::V4Error;
use crate::status::{Evidence, Hearsay};

/// There is no usable reply of the destination. The variant says who vouches for that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The destination's reply is authentic and malformed.
    #[error("malformed reply of the destination: {0}")]
    Malformed(#[from] MalformedReply),
    /// A hop refused the packet and encrypted its refusal.
    #[error(transparent)]
    Refused(#[from] HopRefusal),
    /// Nothing in the answer is authentic.
    #[error(transparent)]
    Hearsay(#[from] Hearsay),
}

impl ReplyError {
    /// Returns who vouches for it.
    #[must_use]
    pub const fn evidence(&self) -> Evidence {
        match self {
            Self::Malformed(_) => Evidence::Destination,
            Self::Refused(refusal) => Evidence::Hop(refusal.hop),
            Self::Hearsay(_) => Evidence::Hearsay,
        }
    }
}

/// The plaintext of the destination is not a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedReply {
    /// The JSON is malformed.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The version 4 response is malformed.
    #[error(transparent)]
    V4(#[from] V4Error),
    /// The bytes are not UTF-8 where JSON is expected.
    #[error("reply is not UTF-8")]
    NotUtf8,
    /// The status is not between 0 and 65535.
    #[error("status of the reply is out of range")]
    Status,
}

/// The refusal of a hop, authenticated with the key of its layer.
///
/// Only this hop, or the client itself, can have made it. A hop refuses if the content of its layer
/// makes no sense to it (protocol: onion, section 7.2), which an honest client never sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopRefusal {
    /// The hop, from 0, the guard.
    pub hop: usize,
    /// The status, or `None` if the refusal is malformed.
    pub status: Option<u16>,
    /// The text. Untrusted: escape it before printing it to a terminal.
    pub text: String,
}

impl fmt::Display for HopRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "hop {} answered {status}: {}", self.hop, self.text),
            None => write!(f, "hop {} answered with a malformed refusal", self.hop),
        }
    }
}

impl core::error::Error for HopRefusal {}
