//! The payload that reaches a device (protocol: push, section 3).
//!
//! ```text
//! nonce (24) | XChaCha20-Poly1305 of: bt-list [ metadata as JSON, message ], zeros to 256 bytes
//! ```
//!
//! Nothing says who made it but the device's key: treat an opened payload as a hint, and the message
//! in it as one that was retrieved from the swarm.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rand_core::CryptoRng;
use serde::Deserialize;
use serde_json::json;
use session_crypto::{DecryptError, EncryptError, SymmetricKey, push, xchacha};
use session_proto::bt;
use session_types::{AnyId, MessageHash, Namespace, UnixMillis, base64, hex};

/// Maximum length of a message in a payload, in bytes. Longer ones are left out.
pub const MESSAGE_MAX: usize = 2500;
/// The plaintext is padded to a multiple of this many bytes.
const BLOCK: usize = 256;

/// A rejected payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The text is not base64.
    #[error("the payload is not base64")]
    Base64,
    /// The payload is malformed or fails authentication.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
    /// The content is not a bt-list that begins with metadata.
    #[error("the payload is not a list of metadata and a message")]
    Content,
    /// A value of the metadata is missing or malformed.
    #[error("metadata: {field} is missing or malformed")]
    Field {
        /// The key of the value.
        field: &'static str,
    },
    /// The message has another length than the metadata says.
    #[error("expected a message of {expected} bytes, got {got}")]
    Length {
        /// Length in the metadata.
        expected: u64,
        /// Length of the message.
        got: usize,
    },
}

/// Notice of a new message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// In whose swarm it is.
    pub id: AnyId,
    /// Its hash.
    pub hash: MessageHash,
    /// Its namespace.
    pub namespace: Namespace,
    /// Time of storing. Absent from older servers.
    pub stored: Option<UnixMillis>,
    /// Expiry. Absent from older servers.
    pub expiry: Option<UnixMillis>,
    /// The message as it was stored, if the payload contains it.
    pub message: Option<Vec<u8>>,
    /// Whether the message was too long for a payload: show a generic notice and poll.
    pub is_too_long: bool,
}

impl Notification {
    /// Seals a notification for a device, as the push server does. A message of more than
    /// [`MESSAGE_MAX`] bytes is left out.
    ///
    /// # Errors
    ///
    /// [`EncryptError`] if the plaintext is too long for the cipher.
    pub fn seal(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        key: &SymmetricKey,
    ) -> Result<Vec<u8>, EncryptError> {
        let message = self.message.as_deref();
        let sent = message.filter(|message| message.len() <= MESSAGE_MAX);
        let mut metadata = json!({
            "@": self.id.to_string(),
            "#": self.hash.to_string(),
            "n": self.namespace.number(),
        });
        if let Some(fields) = metadata.as_object_mut() {
            for (key, time) in [("t", self.stored), ("z", self.expiry)] {
                if let Some(time) = time {
                    fields.insert(key.into(), json!(time.get()));
                }
            }
            if let Some(message) = message {
                fields.insert("l".into(), json!(message.len()));
            }
            if self.is_too_long || message.is_some() && sent.is_none() {
                fields.insert("B".into(), json!(true));
            }
        }
        let mut plain = bt::list(|list| {
            list.bytes(metadata.to_string().as_bytes());
            if let Some(message) = sent {
                list.bytes(message);
            }
        });
        plain.resize(plain.len().next_multiple_of(BLOCK), 0);
        xchacha::encrypt(rng, key, &plain)
    }

    /// Opens the base64 text of a notification's `enc_payload`.
    ///
    /// # Errors
    ///
    /// [`PayloadError`] if the payload is malformed or not for this device.
    pub fn open_base64(key: &SymmetricKey, text: &str) -> Result<Self, PayloadError> {
        let payload = base64::decode(text).ok_or(PayloadError::Base64)?;
        Self::open(key, &payload)
    }

    /// Opens a payload.
    ///
    /// # Errors
    ///
    /// [`PayloadError`] if the payload is malformed or not for this device.
    pub fn open(key: &SymmetricKey, payload: &[u8]) -> Result<Self, PayloadError> {
        let content = push::decrypt(key, payload)?;
        let limits = bt::Limits::default();
        let (value, _) = bt::parse_prefix(&content, &limits).map_err(|_| PayloadError::Content)?;
        let mut items = value.as_list().ok_or(PayloadError::Content)?.iter();
        let metadata = match items.next() {
            Some(bt::Value::Bytes(text)) => Metadata::from_json(text)?,
            // Older servers, for notifications without a message.
            Some(bt::Value::Dict(dict)) => Metadata::from_dict(&dict)?,
            _ => return Err(PayloadError::Content),
        };
        let message = match items.next() {
            None => None,
            Some(value) => Some(value.as_bytes().ok_or(PayloadError::Content)?.to_vec()),
        };
        metadata.notification(message)
    }
}

/// JSON writes the flag as a boolean or as an integer.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Flag {
    Bool(bool),
    Int(u8),
    #[default]
    Absent,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "@")]
    id: String,
    #[serde(rename = "#")]
    hash: String,
    #[serde(rename = "n")]
    namespace: i16,
    #[serde(rename = "t")]
    stored: Option<u64>,
    #[serde(rename = "z")]
    expiry: Option<u64>,
    #[serde(rename = "l")]
    length: Option<u64>,
    #[serde(rename = "B", default)]
    too_long: Flag,
}

impl Metadata {
    fn from_json(text: &[u8]) -> Result<Self, PayloadError> {
        serde_json::from_slice(text).map_err(|_| PayloadError::Content)
    }

    fn from_dict(dict: &bt::Dict<'_>) -> Result<Self, PayloadError> {
        let text = |key: &'static str| {
            let bytes = dict.bytes(key).ok();
            let text = bytes.and_then(|bytes| core::str::from_utf8(bytes).ok());
            text.map(ToString::to_string)
                .ok_or(PayloadError::Field { field: key })
        };
        let number = |key: &'static str| match dict.get(key.as_bytes()) {
            None => Ok(None),
            Some(_) => match dict.u64(key) {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(PayloadError::Field { field: key }),
            },
        };
        // The id may be bytes or hex here.
        let id = match dict.array::<33>("@") {
            Ok(bytes) => hex::encode(bytes),
            Err(_) => text("@")?,
        };
        let namespace = dict
            .i64("n")
            .ok()
            .and_then(|number| i16::try_from(number).ok());
        Ok(Self {
            id,
            hash: text("#")?,
            namespace: namespace.ok_or(PayloadError::Field { field: "n" })?,
            stored: number("t")?,
            expiry: number("z")?,
            length: number("l")?,
            too_long: Flag::Bool(number("B")?.is_some_and(|flag| flag != 0)),
        })
    }

    fn notification(self, message: Option<Vec<u8>>) -> Result<Notification, PayloadError> {
        let field = |field| PayloadError::Field { field };
        if let (Some(message), Some(expected)) = (&message, self.length) {
            let got = message.len();
            if u64::try_from(got) != Ok(expected) {
                return Err(PayloadError::Length { expected, got });
            }
        }
        Ok(Notification {
            id: self.id.parse().map_err(|_| field("@"))?,
            hash: self.hash.parse().map_err(|_| field("#"))?,
            namespace: Namespace::new(self.namespace),
            stored: self.stored.map(UnixMillis::new),
            expiry: self.expiry.map(UnixMillis::new),
            message,
            is_too_long: match self.too_long {
                Flag::Bool(flag) => flag,
                Flag::Int(number) => number != 0,
                Flag::Absent => false,
            },
        })
    }
}
