//! Protobuf: the scanner, the content, the envelope and the padding.

use core::time::Duration;
use std::collections::BTreeSet;

use prost::Message as _;
use session_proto::content::{self, ContentError, ExpirationMode};
use session_proto::envelope::{self, Envelope};
use session_proto::stream::{Limits as StreamLimits, Received, RequestStream};
use session_proto::wire::{self, WireError};
use session_proto::zstd::{Compressor as _, Encoder, Limits, decompress, decompress_all};
use session_proto::{padding, schema};
use session_types::MonotonicTime;

use crate::input::Input;

/// Scanned fields are the input, piece by piece.
pub fn wire(data: &[u8]) {
    let mut seen = Vec::new();
    for field in wire::fields(data) {
        match field {
            Ok(field) => seen.extend_from_slice(field.raw),
            Err(_) => return assert!(data.starts_with(&seen)),
        }
    }
    assert_eq!(seen, data);
    let stripped = content::without_community_signature(data).expect("it is a message");
    assert_eq!(
        content::without_community_signature(&stripped),
        Ok(stripped.clone())
    );
}

/// A content that is read, written and read again stays what it is.
pub fn content(data: &[u8]) {
    let Ok(decoded) = content::decode(data) else {
        return;
    };
    let sent_at = match &decoded.content.kind {
        // It has the time of sending inside, which the writer sets.
        content::Kind::Typing(typing) => typing.sent_at,
        _ => decoded.sent_at.unwrap_or_default(),
    };
    let written = match decoded.content.encode(sent_at, decoded.pro.clone()) {
        Ok(written) => written,
        // A sender must not give away a local key, which a receiver cannot know to be one; and some
        // contents are shorter as they came, with packed numbers for one.
        Err(ContentError::LocalKey | ContentError::Wire(WireError::TooLong { .. })) => return,
        Err(error) => panic!("it was read and is not written: {error}"),
    };
    let again = content::decode(&written).expect("what is written can be read");
    let mut expected = decoded.content;
    expected.omitted = content::Omitted::NONE;
    // This one is always written so that it goes when it was read.
    if let (content::Kind::DataExtraction(_), Some(expiration)) =
        (&expected.kind, &mut expected.expiration)
        && expiration.mode != ExpirationMode::Off
    {
        expiration.mode = ExpirationMode::AfterRead;
    }
    assert_eq!(again.content, expected);
    assert_eq!(again.pro, decoded.pro);
}

/// Two sides of a stream: one writes what the input says, in pieces, and the rest of the input follows as the
/// bytes of a hostile peer. What is open never exceeds the limits, and every request ends once.
pub fn stream(data: &[u8]) {
    let mut input = Input::new(data);
    let limits = StreamLimits {
        message: 1 + usize::from(input.byte()) * 4,
        own: 8,
        theirs: 8,
    };
    let (mut client, mut node) = (RequestStream::new(limits), RequestStream::new(limits));
    let mut open = BTreeSet::new();
    let mut now = 0;
    let mut to_node = Vec::new();
    for _ in 0..input.byte() % 16 {
        now += u64::from(input.byte());
        let time = |after: u8| MonotonicTime::new(Duration::from_secs(now + u64::from(after)));
        match input.byte() % 4 {
            0 => {
                let deadline = time(input.byte());
                if let Ok((id, bytes)) = client.command(b"e", input.piece(), deadline) {
                    assert!(open.insert(id));
                    to_node.extend(bytes);
                }
            }
            1 => to_node.extend(client.notify(b"n", input.piece()).unwrap_or_default()),
            2 => {
                for id in client.expire(time(0)) {
                    assert!(open.remove(&id));
                }
            }
            _ => {
                let answers = serve(&mut node, &core::mem::take(&mut to_node), input.byte());
                take(&mut client, &answers, &mut open);
            }
        }
        assert!(client.open() <= limits.own && node.serving() <= limits.theirs);
        assert_eq!(client.open(), open.len());
    }
    for piece in input.rest().chunks(7) {
        take(&mut client, piece, &mut open);
        assert!(client.serving() <= limits.theirs);
    }
    for id in client.close() {
        assert!(open.remove(&id));
    }
    assert!(open.is_empty());
}

/// The node answers as the bits say, and returns what it wrote.
fn serve(node: &mut RequestStream, bytes: &[u8], bits: u8) -> Vec<u8> {
    let mut out = Vec::new();
    if node.feed(bytes).is_err() {
        return out;
    }
    while let Ok(Some(received)) = node.receive() {
        let Received::Command { id, body, .. } = received else {
            panic!("the node has asked nothing");
        };
        let answer = match bits.rotate_right(id as u32) & 3 {
            0 => node.reply(id, &body),
            1 => node.error(id, &body),
            2 => {
                assert!(node.forget(id));
                continue;
            }
            _ => continue,
        };
        out.extend(answer.expect("a command of this length fits"));
    }
    out
}

fn take(client: &mut RequestStream, bytes: &[u8], open: &mut BTreeSet<i64>) {
    if client.feed(bytes).is_err() {
        return;
    }
    while let Ok(Some(received)) = client.receive() {
        match received {
            Received::Reply { id, .. } | Received::Error { id, .. } => assert!(open.remove(&id)),
            Received::Command { .. } => {}
        }
    }
}

/// Whatever passes the bounds, prost reads; and prost's own bytes pass the bounds again.
pub fn prost(data: &[u8]) {
    let Ok(message) = content::decode_wire(data) else {
        return;
    };
    // prost takes neither text that is not UTF-8 nor malformed deprecated fields, which we repair;
    // and it reads deprecated fields, which we step over.
    let Ok(theirs) = schema::session::Content::decode(data) else {
        return;
    };
    let mut undeprecated = theirs.clone();
    without_deprecated(&mut undeprecated);
    assert_eq!(message, undeprecated);
    let written = theirs.encode_to_vec();
    if let Ok(again) = content::decode_wire(&written) {
        assert_eq!(again, undeprecated);
    }
}

fn without_deprecated(content: &mut schema::session::Content) {
    let Some(data) = &mut content.data_message else {
        return;
    };
    data.timestamp = None;
    if let Some(quote) = &mut data.quote {
        quote.text = None;
        quote.attachments.clear();
    }
    let images = data
        .preview
        .iter_mut()
        .flat_map(|preview| &mut preview.image);
    for attachment in data.attachments.iter_mut().chain(images) {
        attachment.thumbnail = None;
    }
}

/// Envelope and wrapper, by themselves and against prost.
pub fn envelope(data: &[u8]) {
    if let Ok(read) = Envelope::parse(data) {
        let written = read.encode();
        assert_eq!(Envelope::parse(&written).as_ref(), Ok(&read));
        // prost takes the source for text, which it need not be.
        if let Ok(theirs) = schema::session::Envelope::decode(data) {
            assert_eq!(theirs.timestamp, read.sent_at.get());
            assert_eq!(theirs.content.as_deref(), read.content);
            assert_eq!(theirs.pro_sig.as_deref(), read.pro_signature);
            assert_eq!(theirs.source_device, read.source_device);
        }
    }
    if let Ok(body) = envelope::unwrap(data) {
        assert_eq!(envelope::unwrap(&envelope::wrap(body)), Ok(body));
    }
    assert_eq!(envelope::unwrap(&envelope::wrap(data)), Ok(data));
}

/// Padding comes off again.
pub fn padding(data: &[u8]) {
    if let Ok(content) = padding::unpad(data) {
        assert!(data.starts_with(content));
    }
    let mut padded = data.to_vec();
    padding::pad(&mut padded);
    assert_eq!(padded.len(), padding::padded_len(data.len()));
    assert_eq!(padding::unpad(&padded), Ok(data));
}

/// Frames of our encoder are read by our decoder and by the reference one; any bytes are read within
/// the limits.
pub fn zstd(data: &[u8]) {
    let limits = Limits {
        max_length: 1 << 20,
        max_window: 8 << 20,
    };
    if let Ok(plain) = decompress_all(data, &limits) {
        assert!(plain.len() <= limits.max_length);
        if let Ok(other) = zstd::bulk::decompress(data, limits.max_length) {
            assert!(other == *plain);
        }
    }
    let repeated = repeated(data);
    for plain in [data, &repeated] {
        let frame = Encoder.compress(plain);
        assert!(frame.len() <= plain.len() + (plain.len() >> 12) + 16);
        let reference = zstd::bulk::decompress(&frame, plain.len()).expect("our frame");
        assert!(reference == plain);
        if !plain.is_empty() {
            assert!(*decompress(&frame, &limits).expect("our frame") == plain);
        }
    }
}

/// Bytes with repetitions, as the input says: pieces, and copies of what came before.
fn repeated(data: &[u8]) -> Vec<u8> {
    let mut input = Input::new(data);
    let mut out: Vec<u8> = Vec::new();
    while !input.is_empty() && out.len() < 400_000 {
        let choice = input.byte();
        if choice < 128 {
            out.extend_from_slice(input.take(choice.into()));
            continue;
        }
        let length = usize::from(u16::from_le_bytes(input.array()) >> (choice & 7));
        let distance = usize::from(u16::from_le_bytes(input.array())) << (choice >> 3 & 3);
        let Some(from) = out.len().checked_sub(distance + 1) else {
            continue;
        };
        for at in from..from + length {
            out.push(out[at]);
        }
    }
    out
}
