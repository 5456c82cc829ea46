//! The layers around a Content: the Envelope, and the WebSocketMessage around it.
//!
//! ```text
//! WebSocketMessage { type = REQUEST, request = { verb = "", path = "", body, requestId = 0 } }
//!                                                                      |
//! Envelope { type, sourceDevice = 1, timestamp, content, proSig } <----'
//! ```
//!
//! Both are parsed in place and borrow from the input. Protocol: messages,
//! sections 2.1, 2.2 and 4.

use alloc::vec::Vec;

use session_types::{Ed25519Signature, UnixMillis};

use crate::limits::{MAX_CONTENT, SOURCE_DEVICE};
use crate::wire::{WireError, WireField, WireValue, fields};

impl<'a> WireField<'a> {
    fn varint(&self, field: &'static str) -> Result<u64, WireError> {
        match self.value {
            WireValue::Varint(value) => Ok(value),
            _ => Err(WireError::FieldType { field }),
        }
    }

    fn bytes(&self, field: &'static str) -> Result<&'a [u8], WireError> {
        match self.value {
            WireValue::Bytes(bytes) => Ok(bytes),
            _ => Err(WireError::FieldType { field }),
        }
    }
}

/// Stores a field that may occur once.
fn set<T>(place: &mut Option<T>, value: T, field: &'static str) -> Result<(), WireError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(WireError::Repeated { field }),
    }
}

fn check_length(input: &[u8]) -> Result<(), WireError> {
    // An envelope and its wrapper add a few hundred bytes, an encryption a few hundred more.
    let max = MAX_CONTENT.saturating_add(4096);
    if input.len() > max {
        return Err(WireError::TooLong {
            max,
            got: input.len(),
        });
    }
    Ok(())
}

/// The kind of conversation that an envelope names. Receivers ignore it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EnvelopeKind {
    /// A one-to-one message: the content is encrypted.
    Session,
    /// A closed group message: the content is plain, and the envelope is encrypted.
    ClosedGroup,
}

impl EnvelopeKind {
    const fn number(self) -> u64 {
        // The values of the schema's enum `Type`.
        match self {
            Self::Session => 6,
            Self::ClosedGroup => 7,
        }
    }
}

/// An envelope that borrows its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The kind of conversation.
    pub kind: EnvelopeKind,
    /// The claimed sender. Untrusted; must not be sent.
    pub source: Option<&'a [u8]>,
    /// The time of sending. Not authenticated in one-to-one messages.
    pub sent_at: UnixMillis,
    /// Number of the sender's device: [`SOURCE_DEVICE`], or absent.
    pub source_device: Option<u32>,
    /// The content: ciphertext for [`EnvelopeKind::Session`], plain for
    /// [`EnvelopeKind::ClosedGroup`].
    pub content: Option<&'a [u8]>,
    /// The signature of the sender's Session Pro key over `content`, or a decoy; 64 bytes.
    pub pro_signature: Option<&'a [u8]>,
}

impl<'a> Envelope<'a> {
    /// Makes an envelope as clients write it.
    #[must_use]
    pub const fn new(
        kind: EnvelopeKind,
        sent_at: UnixMillis,
        content: &'a [u8],
        pro_signature: &'a Ed25519Signature,
    ) -> Self {
        Self {
            kind,
            source: None,
            sent_at,
            source_device: Some(SOURCE_DEVICE),
            content: Some(content),
            pro_signature: Some(pro_signature.as_bytes()),
        }
    }

    /// Parses an envelope. Unknown fields are skipped.
    ///
    /// # Errors
    ///
    /// [`WireError`] if the input is not a protobuf message, lacks `type` or `timestamp`, has an
    /// unknown `type`, or repeats a field.
    pub fn parse(input: &'a [u8]) -> Result<Self, WireError> {
        check_length(input)?;
        let (mut kind, mut source, mut timestamp) = (None, None, None);
        let (mut device, mut content, mut signature) = (None, None, None);
        for field in fields(input) {
            let field = field?;
            match field.number {
                1 => set(&mut kind, field.varint("type")?, "type")?,
                2 => set(&mut source, field.bytes("source")?, "source")?,
                5 => set(&mut timestamp, field.varint("timestamp")?, "timestamp")?,
                7 => set(&mut device, field.varint("sourceDevice")?, "sourceDevice")?,
                8 => set(&mut content, field.bytes("content")?, "content")?,
                11 => set(&mut signature, field.bytes("proSig")?, "proSig")?,
                _ => {}
            }
        }
        let kinds = [EnvelopeKind::Session, EnvelopeKind::ClosedGroup];
        let kind = kinds
            .into_iter()
            .find(|known| kind == Some(known.number()))
            // To a proto2 parser, an unknown value of an enum is no value.
            .ok_or(WireError::Missing { field: "type" })?;
        Ok(Self {
            kind,
            source,
            sent_at: UnixMillis::new(timestamp.ok_or(WireError::Missing { field: "timestamp" })?),
            // Numbers of 32 bits are cut to their lower half, as every parser does.
            source_device: device.map(|device| {
                let [a, b, c, d, ..] = device.to_le_bytes();
                u32::from_le_bytes([a, b, c, d])
            }),
            content,
            pro_signature: signature,
        })
    }

    /// Encodes the envelope.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let length = |part: Option<&[u8]>| part.map_or(0, <[u8]>::len);
        let parts = [self.source, self.content, self.pro_signature];
        let length = parts
            .into_iter()
            .map(length)
            .fold(40, usize::saturating_add);
        let mut out = Vec::with_capacity(length);
        put_varint(&mut out, 1, self.kind.number());
        if let Some(source) = self.source {
            put_bytes(&mut out, 2, source);
        }
        put_varint(&mut out, 5, self.sent_at.get());
        if let Some(device) = self.source_device {
            put_varint(&mut out, 7, u64::from(device));
        }
        if let Some(content) = self.content {
            put_bytes(&mut out, 8, content);
        }
        if let Some(signature) = self.pro_signature {
            put_bytes(&mut out, 11, signature);
        }
        out
    }
}

/// Wraps an envelope for storage in a swarm, in a WebSocketMessage of type REQUEST.
///
/// ```
/// use session_proto::content::{Ed25519Signature, UnixMillis};
/// use session_proto::envelope::{self, Envelope, EnvelopeKind};
///
/// let sent_at = UnixMillis::new(1_754_971_101_000);
/// let signature = Ed25519Signature::from_bytes([7; 64]);
/// let envelope = Envelope::new(EnvelopeKind::Session, sent_at, b"sealed", &signature);
/// let data = envelope::wrap(&envelope.encode());
/// let read = Envelope::parse(envelope::unwrap(&data)?)?;
/// assert_eq!(read.sent_at, sent_at);
/// assert_eq!(read.content, Some(b"sealed".as_slice()));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use]
pub fn wrap(envelope: &[u8]) -> Vec<u8> {
    let mut request = Vec::with_capacity(envelope.len().saturating_add(20));
    // Some parsers take these three as required.
    put_bytes(&mut request, 1, b"");
    put_bytes(&mut request, 2, b"");
    put_bytes(&mut request, 3, envelope);
    put_varint(&mut request, 4, 0);
    let mut out = Vec::with_capacity(request.len().saturating_add(12));
    put_varint(&mut out, 1, 1);
    put_bytes(&mut out, 2, &request);
    out
}

/// Returns the envelope in a WebSocketMessage of type REQUEST.
///
/// # Errors
///
/// [`WireError`] if the input is not a protobuf message, is not of type REQUEST, has no request with
/// a body, or repeats a field.
pub fn unwrap(input: &[u8]) -> Result<&[u8], WireError> {
    check_length(input)?;
    let (mut kind, mut request) = (None, None);
    for field in fields(input) {
        let field = field?;
        match field.number {
            1 => set(&mut kind, field.varint("type")?, "type")?,
            2 => set(&mut request, field.bytes("request")?, "request")?,
            _ => {}
        }
    }
    if kind != Some(1) {
        return Err(WireError::Missing { field: "type" });
    }
    let request = request.ok_or(WireError::Missing { field: "request" })?;
    let mut body = None;
    for field in fields(request) {
        let field = field?;
        if field.number == 3 {
            set(&mut body, field.bytes("body")?, "body")?;
        }
    }
    body.ok_or(WireError::Missing { field: "body" })
}

fn put_raw_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        let [low, ..] = value.to_le_bytes();
        out.push(low | 0x80);
        value >>= 7;
    }
    let [low, ..] = value.to_le_bytes();
    out.push(low);
}

fn put_varint(out: &mut Vec<u8>, number: u32, value: u64) {
    put_raw_varint(out, u64::from(number) << 3);
    put_raw_varint(out, value);
}

fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_raw_varint(out, u64::from(number) << 3 | 2);
    put_raw_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::session::envelope::Type;
    use crate::schema::{session, websocket};
    use prost::Message;

    const TIME: UnixMillis = UnixMillis::new(1_754_971_101_000);

    /// Protocol: messages, section 9, V4.
    #[test]
    fn envelope_and_wrapper_are_those_of_the_vector() {
        let signature = Ed25519Signature::from_bytes([0xbb; 64]);
        let envelope = Envelope::new(EnvelopeKind::Session, TIME, &[0xaa; 4], &signature);
        let bytes = envelope.encode();
        let head = const_hex::encode(&bytes[..19]);
        assert_eq!(head, "080628c8aeb7e3893338014204aaaaaaaa5a40");
        assert_eq!(bytes[19..], *signature.as_bytes());
        assert_eq!(Envelope::parse(&bytes).unwrap(), envelope);

        let wrapped = wrap(&bytes);
        assert_eq!(const_hex::encode(&wrapped[..10]), "0801125b0a0012001a53");
        assert_eq!(wrapped[10..93], bytes);
        assert_eq!(wrapped[93..], [0x20, 0]);
        assert_eq!(unwrap(&wrapped).unwrap(), bytes);
    }

    #[test]
    fn the_generated_types_write_the_same_bytes() {
        let signature = Ed25519Signature::from_bytes([3; 64]);
        for kind in [EnvelopeKind::Session, EnvelopeKind::ClosedGroup] {
            for length in [0, 1, 127, 128, 20_000] {
                let content = alloc::vec![7; length];
                let envelope = Envelope::new(kind, TIME, &content, &signature);
                let generated = session::Envelope {
                    r#type: match kind {
                        EnvelopeKind::Session => Type::SessionMessage.into(),
                        EnvelopeKind::ClosedGroup => Type::ClosedGroupMessage.into(),
                    },
                    timestamp: TIME.get(),
                    source_device: Some(1),
                    content: Some(content.clone()),
                    pro_sig: Some([3; 64].to_vec()),
                    ..Default::default()
                };
                assert_eq!(envelope.encode(), generated.encode_to_vec());
                let generated = websocket::WebSocketMessage {
                    r#type: Some(1),
                    request: Some(websocket::WebSocketRequestMessage {
                        verb: Some("".into()),
                        path: Some("".into()),
                        body: Some(envelope.encode()),
                        request_id: Some(0),
                        headers: Vec::new(),
                    }),
                    response: None,
                };
                assert_eq!(wrap(&envelope.encode()), generated.encode_to_vec());
            }
        }
    }

    #[test]
    fn required_fields_are_required() {
        let missing = |field| Err(WireError::Missing { field });
        assert_eq!(Envelope::parse(&[]), missing("type"));
        assert_eq!(Envelope::parse(&[0x08, 6]), missing("timestamp"));
        assert_eq!(Envelope::parse(&[0x28, 1]), missing("type"));
        // Present with zero is present.
        let zero = Envelope::parse(&[0x08, 6, 0x28, 0]).unwrap();
        assert_eq!(zero.sent_at, UnixMillis::EPOCH);
        assert_eq!(zero.content, None);
        // Not a value of the enum.
        assert_eq!(Envelope::parse(&[0x08, 5, 0x28, 1]), missing("type"));
        assert_eq!(unwrap(&[]), Err(WireError::Missing { field: "type" }));
        assert_eq!(
            unwrap(&[0x08, 2]),
            Err(WireError::Missing { field: "type" })
        );
        assert_eq!(
            unwrap(&[0x08, 1]),
            Err(WireError::Missing { field: "request" })
        );
        let no_body = [0x08, 1, 0x12, 2, 0x20, 0];
        assert_eq!(unwrap(&no_body), Err(WireError::Missing { field: "body" }));
    }

    #[test]
    fn community_data_does_not_pass_for_an_envelope() {
        // A Content: its field 1 is a message.
        let content = const_hex::decode("0a070a0568656c6c6f78c8aeb7e38933").unwrap();
        let wrong_type = Err(WireError::FieldType { field: "type" });
        assert_eq!(Envelope::parse(&content), wrong_type);
    }

    #[test]
    fn wrong_types_repetitions_and_cut_messages_are_refused() {
        let refused = |bytes: &[u8]| Envelope::parse(bytes).unwrap_err();
        assert_eq!(
            refused(&[0x08, 6, 0x08, 6, 0x28, 1]),
            WireError::Repeated { field: "type" }
        );
        assert_eq!(
            refused(&[0x08, 6, 0x2a, 0]),
            WireError::FieldType { field: "timestamp" }
        );
        assert_eq!(refused(&[0x08, 6, 0x28]), WireError::Truncated);
        assert_eq!(refused(&[0x08, 6, 0x28, 1, 0x42, 9]), WireError::Truncated);
        let long = alloc::vec![0; 2_000_000];
        assert!(matches!(refused(&long), WireError::TooLong { .. }));
    }
}
