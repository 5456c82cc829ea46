//! The layers around a user config, which are those of a one-to-one message to our own account.
//!
//! ```text
//! SharedConfigMessage { kind, seqno, data }    data: the encrypted config
//!   v
//! Content { sharedConfigMessage }, 0x80        one byte of padding
//!   v                                          sealed to ourselves, the same bytes on every device
//! Envelope { type = 6, timestamp = 1, content }, in a WebSocketMessage
//! ```
//!
//! The caller seals between [`encode`] and [`enclose`], and opens between [`enclosed`] and [`decode`].
//! Protocol: messages, section 8; config, section 10.

use alloc::vec::Vec;

use prost::Message as _;
use session_types::UnixMillis;

use crate::content::{ContentError, decode_wire};
use crate::envelope::{self, Envelope, EnvelopeKind};
use crate::padding::MARKER;
use crate::schema::session::shared_config_message::Kind;
use crate::schema::session::{Content, SharedConfigMessage};
use crate::wire::WireError;

/// A content that is not the expected config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SharedConfigError {
    /// The content does not end with the padding marker.
    #[error("content of a config does not end with the padding marker")]
    Padding,
    /// The content is malformed.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The content holds no config, or a config of another kind.
    #[error("content is not the expected config")]
    Kind,
}

/// Encodes the padded content that holds an encrypted config.
#[must_use]
pub fn encode(kind: Kind, seqno: i64, data: &[u8]) -> Vec<u8> {
    let content = Content {
        shared_config_message: Some(SharedConfigMessage {
            kind: kind.into(),
            seqno,
            data: data.to_vec(),
        }),
        ..Content::default()
    };
    let mut plain = content.encode_to_vec();
    plain.push(MARKER);
    plain
}

/// Encodes the Envelope and the WebSocketMessage around a sealed content.
#[must_use]
pub fn enclose(sealed: &[u8]) -> Vec<u8> {
    let envelope = Envelope {
        kind: EnvelopeKind::Session,
        source: None,
        sent_at: UnixMillis::new(1),
        source_device: None,
        content: Some(sealed),
        pro_signature: None,
    };
    envelope::wrap(&envelope.encode())
}

/// Returns the sealed content of a WebSocketMessage with an Envelope; `None` if the envelope has no
/// content.
///
/// # Errors
///
/// [`WireError`] if one of the layers is malformed: the config may be stored without them.
pub fn enclosed(data: &[u8]) -> Result<Option<&[u8]>, WireError> {
    Ok(Envelope::parse(envelope::unwrap(data)?)?.content)
}

/// Decodes the padded content that [`encode`] makes. Returns the seqno and the encrypted config.
///
/// Unlike in messages, content without the padding marker is rejected.
///
/// # Errors
///
/// [`SharedConfigError`] if the content is not padded, malformed, or of another kind.
pub fn decode(kind: Kind, padded: &[u8]) -> Result<(i64, Vec<u8>), SharedConfigError> {
    let last = padded.iter().rposition(|byte| *byte != 0);
    let content = last
        .and_then(|last| padded.split_at_checked(last))
        .filter(|(_, padding)| padding.first() == Some(&MARKER))
        .map(|(content, _)| content)
        .ok_or(SharedConfigError::Padding)?;
    let shared = decode_wire(content)?.shared_config_message;
    let shared = shared.filter(|shared| Kind::try_from(shared.kind) == Ok(kind));
    shared
        .map(|shared| (shared.seqno, shared.data))
        .ok_or(SharedConfigError::Kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_comes_back_as_its_own_kind_only() {
        let padded = encode(Kind::Contacts, -7, b"encrypted");
        let decoded = decode(Kind::Contacts, &padded);
        assert_eq!(decoded, Ok((-7, b"encrypted".to_vec())));
        let error = Err(SharedConfigError::Kind);
        assert_eq!(decode(Kind::UserGroups, &padded), error);
        // More zeros are accepted, a missing marker is not.
        let longer = [padded.as_slice(), &[0; 9]].concat();
        assert_eq!(decode(Kind::Contacts, &longer), decoded);
        let bare = &padded[..padded.len() - 1];
        let error = Err(SharedConfigError::Padding);
        assert_eq!(decode(Kind::Contacts, bare), error);
        assert_eq!(decode(Kind::Contacts, b""), error);
        let error = Err(SharedConfigError::Kind);
        assert_eq!(decode(Kind::Contacts, &[MARKER]), error);
    }

    #[test]
    fn a_sealed_content_comes_back() {
        assert_eq!(enclosed(&enclose(b"sealed")), Ok(Some(&b"sealed"[..])));
        assert!(enclosed(b"bare").is_err());
    }
}
