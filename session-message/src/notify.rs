//! Notifications that a storage server sends to subscribers when a message is stored.
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

use session_proto::bt;
use session_types::{AnyId, HashError, IdError, MessageHash, Namespace, UnixMillis};

/// A notification that a message was stored. It borrows the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notification<'a> {
    /// The account or group in whose swarm it was stored.
    pub id: AnyId,
    /// Hash of the message.
    pub hash: MessageHash,
    /// Namespace of the message.
    pub namespace: Namespace,
    /// When it was stored.
    pub stored_at: UnixMillis,
    /// When it expires.
    pub expires_at: UnixMillis,
    /// The stored bytes, not in base64.
    pub data: Option<&'a [u8]>,
}

/// The dict is not a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotificationError {
    /// The input is not canonical bt-encoding.
    #[error(transparent)]
    Encoding(#[from] bt::Error),
    /// A part is missing or has the wrong type.
    #[error(transparent)]
    Field(#[from] bt::FieldError),
    /// The id is of an unknown kind.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The hash is malformed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The namespace is out of range.
    #[error("namespace {got} does not fit into 16 bits")]
    Namespace {
        /// The number.
        got: i64,
    },
}

impl<'a> Notification<'a> {
    /// Parses a notification.
    ///
    /// # Errors
    ///
    /// [`NotificationError`] if the input is malformed.
    ///
    /// ```
    /// use session_message::notify::Notification;
    /// use session_types::{AnyId, MessageHash, Namespace, UnixMillis};
    ///
    /// let notice = Notification {
    ///     id: AnyId::from_parts(0x05, &[7; 32]),
    ///     hash: MessageHash::from_digest(&[1; 32]),
    ///     namespace: Namespace::DEFAULT,
    ///     stored_at: UnixMillis::new(1_754_971_101_000),
    ///     expires_at: UnixMillis::new(1_756_180_701_000),
    ///     data: Some(b"data"),
    /// };
    /// assert_eq!(Notification::parse(&notice.encode())?, notice);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn parse(input: &'a [u8]) -> Result<Self, NotificationError> {
        let dict = bt::parse_dict(input)?;
        let got = dict.i64("n")?;
        Ok(Self {
            id: AnyId::from_bytes(*dict.array("@")?).kind()?.into(),
            hash: MessageHash::try_from(dict.bytes("h")?)?,
            namespace: i16::try_from(got)
                .map(Namespace::new)
                .map_err(|_| NotificationError::Namespace { got })?,
            stored_at: UnixMillis::new(dict.u64("t")?),
            expires_at: UnixMillis::new(dict.u64("z")?),
            data: match dict.get(b"~") {
                None => None,
                Some(_) => Some(dict.bytes("~")?),
            },
        })
    }

    /// Encodes the notification.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        bt::dict(|dict| {
            dict.bytes(b"@", self.id.as_bytes());
            dict.bytes(b"h", self.hash.as_bytes());
            dict.int(b"n", self.namespace.number());
            dict.int(b"t", self.stored_at.get());
            dict.int(b"z", self.expires_at.get());
            if let Some(data) = self.data {
                dict.bytes(b"~", data);
            }
        })
    }
}
