//! What a storage server sends to a subscriber when a message comes in.
//!
//! ```text
//! dict      @   id of the account or group, 33 bytes
//!           h   hash of the message
//!           n   namespace
//!           t   when it was stored, Unix milliseconds
//!           z   when it expires, Unix milliseconds
//!           ~   the data, if the subscription asked for it
//! ```
//!
//! The dict is not signed; `~` is data here and not a signature. Protocol: messages, section 7.

use alloc::vec::Vec;

use session_identity::{AnyId, IdError};
use session_proto::bt;

/// A message that came in, borrowed from the notice of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notification<'a> {
    /// Whose swarm it came into.
    pub id: AnyId,
    /// Its hash.
    pub hash: &'a str,
    /// Its namespace.
    pub namespace: i16,
    /// When it was stored, Unix milliseconds.
    pub stored_ms: u64,
    /// When it expires, Unix milliseconds.
    pub expiry_ms: u64,
    /// What was stored, not in base64.
    pub data: Option<&'a [u8]>,
}

/// A dict that is no notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotificationError {
    /// Not canonical bt-encoding.
    #[error(transparent)]
    Encoding(#[from] bt::Error),
    /// A part is missing, or of another kind.
    #[error(transparent)]
    Field(#[from] bt::FieldError),
    /// The id is of no kind that there is.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The hash is not text.
    #[error("hash is not UTF-8")]
    Hash,
    /// The namespace is out of range.
    #[error("namespace {got} does not fit into 16 bits")]
    Namespace {
        /// The number.
        got: i64,
    },
}

/// Returns the id if its kind is known.
fn known(id: AnyId) -> Result<AnyId, IdError> {
    id.kind().map(|_| id)
}

impl<'a> Notification<'a> {
    /// Reads a notification.
    ///
    /// # Errors
    ///
    /// [`NotificationError`] if it is none.
    ///
    /// ```
    /// # use session_identity::{Account, Seed};
    /// # let account = Account::from_seed(&Seed::from_short(&[1; 16]));
    /// use session_message::notify::Notification;
    ///
    /// let notice = Notification {
    ///     id: (*account.id()).into(),
    ///     hash: "hash",
    ///     namespace: 0,
    ///     stored_ms: 1_754_971_101_000,
    ///     expiry_ms: 1_756_180_701_000,
    ///     data: Some(b"data"),
    /// };
    /// assert_eq!(Notification::parse(&notice.encode())?, notice);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn parse(input: &'a [u8]) -> Result<Self, NotificationError> {
        let dict = bt::parse_dict(input)?;
        let got = dict.i64("n")?;
        Ok(Self {
            id: known(AnyId::from_bytes(*dict.array("@")?))?,
            hash: core::str::from_utf8(dict.bytes("h")?).map_err(|_| NotificationError::Hash)?,
            namespace: i16::try_from(got).map_err(|_| NotificationError::Namespace { got })?,
            stored_ms: dict.u64("t")?,
            expiry_ms: dict.u64("z")?,
            data: match dict.get(b"~") {
                None => None,
                Some(_) => Some(dict.bytes("~")?),
            },
        })
    }

    /// Writes the notification.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        bt::dict(|dict| {
            dict.bytes(b"@", self.id.as_bytes());
            dict.bytes(b"h", self.hash.as_bytes());
            dict.int(b"n", self.namespace);
            dict.int(b"t", self.stored_ms);
            dict.int(b"z", self.expiry_ms);
            if let Some(data) = self.data {
                dict.bytes(b"~", data);
            }
        })
    }
}
