//! The outermost layer, as it arrives at a node (protocol: onion, sections 4.4 and 6.3).
//!
//! A client sends it to the guard as a frame whose JSON names the ephemeral key and the cipher.
//! Nodes send it to each other as a bencoded dict.
//!
//! ```text
//! from a client  length (4, little-endian) | ciphertext | {"enc_type":…,"ephemeral_key":<hex>}
//! from a node    d "data" ciphertext  "enc_type" name  "ephemeral_key" key (32)  "hop_no" number e
//! ```

use alloc::string::String;
use alloc::vec::Vec;

use session_crypto::X25519Public;
use session_proto::bt;

use crate::cipher::{Cipher, TooLong};
use crate::frame::{Frame, FrameError};
use crate::json::{Field, JsonError, fields};
use crate::key::KeyTextError;
use crate::{key, routing};

/// The bytes are not a packet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// The bytes are not a frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The JSON behind the ciphertext is malformed.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A node's message is not canonical bt-encoding.
    #[error(transparent)]
    Encoding(#[from] bt::Error),
    /// A field of a node's message is missing or malformed.
    #[error(transparent)]
    Field(#[from] bt::FieldError),
    /// The text of the ephemeral key is not a key.
    #[error(transparent)]
    Key(#[from] KeyTextError),
    /// The cipher is unknown. The name is cut after 64 characters.
    #[error("Invalid encryption type {0}")]
    Cipher(String),
}

/// A sealed layer with the client's key and the cipher that open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer<'a> {
    /// The ciphertext.
    pub ciphertext: &'a [u8],
    /// The client's ephemeral key of this layer.
    pub ephemeral_key: X25519Public,
    /// The cipher of this layer.
    pub cipher: Cipher,
    /// Number of nodes that the packet has passed, as it claims.
    pub hop_no: u32,
}

impl<'a> Layer<'a> {
    /// Parses the packet that a client sends to its guard. `hop_no` is 0 if absent or negative.
    ///
    /// # Errors
    ///
    /// [`PacketError`] if the packet is malformed.
    pub fn from_packet(packet: &'a [u8]) -> Result<Self, PacketError> {
        let frame = Frame::parse(packet)?;
        let [ephemeral_key, cipher, hop_no] =
            fields(frame.json, ["ephemeral_key", "enc_type", "hop_no"])?;
        let ephemeral_key = key::from_hex(&ephemeral_key.required_text()?)?;
        let hop_no = hop_no.lax_integer()?.unwrap_or(0).max(0);
        Ok(Self {
            ciphertext: frame.blob,
            ephemeral_key: X25519Public::from_bytes(ephemeral_key),
            cipher: read_cipher(cipher)?,
            hop_no: u32::try_from(hop_no).unwrap_or(u32::MAX),
        })
    }

    /// Encodes the packet that a client sends to its guard.
    ///
    /// # Errors
    ///
    /// [`TooLong`] if the length of the ciphertext does not fit into four bytes.
    pub fn to_packet(&self) -> Result<Vec<u8>, TooLong> {
        let length = u32::try_from(self.ciphertext.len()).map_err(|_| TooLong)?;
        let mut packet = Vec::with_capacity(
            self.ciphertext
                .len()
                .saturating_add(Frame::HEAD)
                .saturating_add(routing::MAX_OUTER),
        );
        packet.extend_from_slice(&length.to_le_bytes());
        packet.extend_from_slice(self.ciphertext);
        routing::push_outer(&mut packet, self.cipher, &self.ephemeral_key, self.hop_no);
        Ok(packet)
    }

    /// Parses the message that a node sends to the next one. `hop_no` is 1 if absent or less.
    ///
    /// # Errors
    ///
    /// [`PacketError`] if the message is malformed.
    pub fn from_message(message: &'a [u8]) -> Result<Self, PacketError> {
        let dict = bt::parse_dict(message)?;
        let cipher = match dict.get(b"enc_type") {
            None => Cipher::UNNAMED,
            Some(_) => cipher_named(&String::from_utf8_lossy(dict.bytes("enc_type")?))?,
        };
        let hop_no = match dict.get(b"hop_no") {
            None => 1,
            Some(_) => dict.int("hop_no")?.as_i128().max(1),
        };
        Ok(Self {
            ciphertext: dict.bytes("data")?,
            ephemeral_key: X25519Public::from_bytes(*dict.array("ephemeral_key")?),
            cipher,
            hop_no: u32::try_from(hop_no).unwrap_or(u32::MAX),
        })
    }

    /// Encodes the message that a node sends to the next one, the one part of the OxenMQ request
    /// `sn.onion_request`.
    #[must_use]
    pub fn to_message(&self) -> Vec<u8> {
        bt::dict(|dict| {
            dict.bytes(b"data", self.ciphertext)
                .bytes(b"enc_type", self.cipher.name().as_bytes())
                .bytes(b"ephemeral_key", self.ephemeral_key.as_bytes())
                .int(b"hop_no", self.hop_no);
        })
    }
}

/// Reads the name of a cipher; [`Cipher::UNNAMED`] if absent.
pub(crate) fn read_cipher(field: Field<'_>) -> Result<Cipher, PacketError> {
    field
        .text()?
        .map_or(Ok(Cipher::UNNAMED), |name| cipher_named(&name))
}

/// Parses the name of a cipher.
fn cipher_named(name: &str) -> Result<Cipher, PacketError> {
    name.parse()
        .map_err(|_| PacketError::Cipher(name.chars().take(64).collect()))
}
