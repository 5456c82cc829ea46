//! Content: round trips of every kind, and one test for each refused input.
#![cfg(feature = "protobuf")]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::field_reassign_with_default,
    clippy::string_slice,
    missing_docs
)]

mod lenient;
mod not_written;
mod omitted;
mod rejected;
mod round_trips;
mod text;

use prost::Message as _;
use session_proto::Secret;
use session_proto::content::{
    AnyId, AttachmentKey, Call, CallStep, Content, ContentError, Expiration, ExpirationMode,
    FileKey, GroupSeed, GroupUpdate, Kind, MemberAuthData, Picture, PictureKey, Profile, Typing,
    UnixMillis, decode, without_community_signature,
};
use session_proto::limits::{MAX_CONTENT, MAX_RECEIPTS};
use session_proto::schema::session as wire;
use session_proto::wire::WireError;
use session_types::ParseError;

const TIME: UnixMillis = UnixMillis::new(1_754_971_101_000);

const UUID: &str = "1d4f9a8e-0000-4000-8000-000000000000";

fn id(prefix: u8) -> AnyId {
    let mut bytes = [0xab; 33];
    bytes[0] = prefix;
    AnyId::from_bytes(bytes)
}

fn refused(content: &wire::Content) -> ContentError {
    decode(&content.encode_to_vec()).unwrap_err()
}

fn read(content: &wire::Content) -> Content {
    decode(&content.encode_to_vec()).unwrap().content
}

fn data(data: wire::DataMessage) -> wire::Content {
    wire::Content {
        data_message: Some(data),
        ..wire::Content::default()
    }
}

fn with_body(body: &str) -> wire::DataMessage {
    let mut message = wire::DataMessage::default();
    message.body = Some(body.into());
    message
}

fn group(update: wire::GroupUpdateMessage) -> wire::Content {
    let mut message = wire::DataMessage::default();
    message.group_update_message = Some(update);
    data(message)
}

/// A field of wire type 2.
fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_varint(u64::from(number << 3 | 2), &mut out);
    prost::encoding::encode_varint(bytes.len() as u64, &mut out);
    out.extend_from_slice(bytes);
    out
}

#[test]
fn the_signature_of_communities_is_cut_out_of_the_bytes() {
    let signature = field(17, &[7; 64]);
    let before = Content::text("hello").encode(TIME, None).unwrap();
    let unknown = field(300, b"unknown");
    // Wherever it stands, and with unknown fields around it.
    for (left, right) in [(&before, &unknown), (&unknown, &before)] {
        let bytes = [left.as_slice(), &signature, right].concat();
        let rest = [left.as_slice(), right].concat();
        assert_eq!(without_community_signature(&bytes).unwrap(), rest);
        assert_eq!(
            decode(&bytes).unwrap().community_signature,
            Some(vec![7; 64])
        );
    }
}

#[test]
fn secrets_are_not_printed() {
    let promote = GroupUpdate::Promote {
        seed: GroupSeed::from_bytes(&[0x5a; 32]),
        name: "g".into(),
    };
    let content = Content::from(Kind::Group(promote));
    assert!(!format!("{content:?}").contains("90"));
    let profile = Profile {
        picture: Some(Picture {
            url: "https://a.example".into(),
            key: PictureKey::from_bytes(&[0x5a; 32]),
        }),
        ..Profile::default()
    };
    let call = Call {
        uuid: "1d4f9a8e-0000-4000-8000-000000000000".into(),
        step: CallStep::Offer(vec!["90".into()]),
    };
    for content in [
        content,
        Content::text("x").with_profile(profile.clone()),
        Content::from(Kind::RequestAccepted).with_profile(profile),
        Content::from(Kind::Call(call)),
    ] {
        let bytes = content.encode(TIME, None).unwrap();
        assert!(
            bytes
                .windows(2)
                .any(|pair| pair == [90, 90] || pair == b"90")
        );
        assert!(!format!("{content:?}").contains("90"));
        let decoded = wire::Content::decode(bytes.as_slice());
        assert!(!format!("{:?}", decoded.unwrap()).contains("90"));
    }
}

#[test]
fn keys_have_their_length() {
    for got in [0, 31, 33, 64] {
        let refused = ParseError::Length { expected: 32, got };
        let bytes = vec![1; got];
        assert_eq!(PictureKey::try_from(bytes.as_slice()), Err(refused));
        assert_eq!(GroupSeed::try_from(bytes.as_slice()), Err(refused));
        assert_eq!(FileKey::try_from(bytes.as_slice()), Err(refused));
    }
    assert!(MemberAuthData::try_from([1; 99].as_slice()).is_err());
    let one = PictureKey::from_bytes(&[1; 32]);
    assert_eq!(one, one.clone());
    assert_ne!(one, PictureKey::from_bytes(&[2; 32]));
    let current = AttachmentKey::from(FileKey::from_bytes(&[1; 32]));
    assert_eq!(current.expose_bytes(), [1; 32]);
    assert_eq!(format!("{current:?}"), "Current(FileKey(..))");
}

#[test]
fn generated_types_with_keys_zeroize_themselves() {
    const fn wiped<T: zeroize::ZeroizeOnDrop>() {}
    wiped::<wire::AttachmentPointer>();
    wiped::<wire::DataMessage>();
    wiped::<wire::GroupUpdateInviteMessage>();
    wiped::<wire::GroupUpdatePromoteMessage>();
    wiped::<wire::KeyPair>();
    wiped::<wire::MessageRequestResponse>();
}

#[test]
fn a_notice_that_stays_is_written_as_one_that_stays() {
    let bytes = const_hex::decode("4209080110fbefc7a6a034782020202020206e6035").unwrap();
    let first = decode(&bytes).unwrap();
    let again = decode(
        &first
            .content
            .encode(first.sent_at.unwrap_or(TIME), None)
            .unwrap(),
    )
    .unwrap();
    assert_eq!(again.content, first.content);
}
