//! Text that is not UTF-8, and deprecated fields.

use session_proto::content::{IceCandidate, Omitted, Part, decode_wire};

use super::*;

/// "Bob " and an unpaired surrogate, as deployed desktop clients write it.
const SURROGATE: &[u8] = b"Bob \xed\xa0\xbd";
const REPLACED: &str = "Bob \u{fffd}\u{fffd}\u{fffd}";

fn decoded(bytes: &[u8]) -> Content {
    let decoded = decode(bytes).unwrap();
    assert_eq!(
        decoded.content.omitted,
        Omitted::from_iter([Part::Text]),
        "{decoded:?}"
    );
    decoded.content
}

#[test]
fn texts_are_read_lossily() {
    let body = decoded(&field(1, &field(1, SURROGATE)));
    assert_eq!(body.as_text(), Some(REPLACED));
    // The name beside a text, with everything else as it was.
    let profile = field(101, &[field(1, SURROGATE), field(2, b"https://a")].concat());
    let message = [field(1, b"hello"), field(6, &[7; 32]), profile].concat();
    let mut bytes = field(1, &message);
    bytes.push(0x78);
    prost::encoding::encode_varint(TIME.get(), &mut bytes);
    bytes.extend(field(200, b"\xff"));
    let content = decoded(&bytes);
    assert_eq!(content.as_text(), Some("hello"));
    let profile = content.profile.unwrap();
    assert_eq!(profile.name.as_deref(), Some(REPLACED));
    let picture = profile.picture.unwrap();
    assert_eq!(picture.url, "https://a");
    assert_eq!(decode(&bytes).unwrap().sent_at, Some(TIME));
}

/// As the standard library reads it, whatever the sequence.
#[test]
fn each_invalid_sequence_becomes_one_replacement() {
    for text in [
        &b"\xff"[..],
        b"a\xf0\x9f\x98",
        b"\xf0\x9f\x98\x80\x80",
        b"\xc0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x82",
        b"\xed\xbf\xbf\xe2\x82\xac",
    ] {
        let content = decoded(&field(1, &field(1, text)));
        assert_eq!(
            content.as_text(),
            Some(&*String::from_utf8_lossy(text)),
            "{text:x?}"
        );
    }
}

#[test]
fn texts_of_all_kinds_are_read_lossily() {
    let attachment = [
        &[0x09, 0, 0, 0, 0, 0, 0, 0, 0][..],
        &field(2, SURROGATE),
        &field(7, SURROGATE),
        &field(11, SURROGATE),
        &field(101, SURROGATE),
    ]
    .concat();
    let Kind::Message(message) = decoded(&field(1, &field(2, &attachment))).kind else {
        panic!("another kind");
    };
    let [attachment] = message.attachments.as_slice() else {
        panic!("another number");
    };
    assert_eq!(attachment.url, REPLACED);
    for text in [
        &attachment.content_type,
        &attachment.file_name,
        &attachment.caption,
    ] {
        assert_eq!(text.as_deref(), Some(REPLACED));
    }

    let invitation = field(102, &[field(1, SURROGATE), field(3, SURROGATE)].concat());
    let Kind::Invitation(invitation) = decoded(&field(1, &invitation)).kind else {
        panic!("another kind");
    };
    assert_eq!((&*invitation.url, &*invitation.name), (REPLACED, REPLACED));

    let author = field(2, id(5).to_string().as_bytes());
    let parts = [&[0x08, 1][..], &author, &field(3, SURROGATE), &[0x20, 0]];
    let Kind::Reaction(reaction) = decoded(&field(1, &field(11, &parts.concat()))).kind else {
        panic!("another kind");
    };
    assert_eq!(reaction.emoji, REPLACED);

    let call = [
        &[0x08, 4][..],
        &field(2, SURROGATE),
        &[0x18, 1],
        &field(4, SURROGATE),
        &field(5, UUID.as_bytes()),
    ];
    let Kind::Call(call) = decoded(&field(3, &call.concat())).kind else {
        panic!("another kind");
    };
    assert_eq!(call.uuid, UUID);
    let candidate = IceCandidate {
        sdp: REPLACED.into(),
        line_index: 1,
        line_id: REPLACED.into(),
    };
    assert_eq!(call.step, CallStep::IceCandidates(vec![candidate]));

    let promote = [field(1, &[9; 32]), field(2, SURROGATE)].concat();
    let promote = decoded(&field(1, &field(120, &field(4, &promote))));
    let expected = GroupUpdate::Promote {
        seed: GroupSeed::from_bytes(&[9; 32]),
        name: REPLACED.into(),
    };
    assert_eq!(promote.kind, Kind::Group(expected));
}

#[test]
fn an_id_is_not_made_by_replacing() {
    let author = field(2, SURROGATE);
    let unsend = field(9, &[&[0x08, 1][..], &author].concat());
    let error = ContentError::Id { field: "author" };
    assert_eq!(decode(&unsend), Err(error));
}

/// The signature of an admin covers the text of ids and hashes, not the bytes received.
#[test]
fn a_hash_of_a_deletion_is_not_replaced() {
    let delete = |hash: &[u8]| {
        let delete = field(120, &field(7, &field(2, hash)));
        decode(&field(1, &delete)).map(|decoded| decoded.content.kind.name())
    };
    assert_eq!(delete(b"hash"), Ok("group update"));
    assert_eq!(delete(SURROGATE), Err(ContentError::Malformed));
    // A replacement that the sender has written, and signed.
    assert_eq!(delete(REPLACED.as_bytes()), Ok("group update"));
}

#[test]
fn deprecated_fields_are_stepped_over_whatever_is_in_them() {
    let author = field(2, id(5).to_string().as_bytes());
    let quote = |deprecated: &[u8]| {
        let quote = [&[0x08, 1][..], &author, deprecated].concat();
        let message = [field(1, b"hello"), field(8, &quote)].concat();
        let content = decode(&field(1, &message)).unwrap().content;
        assert_eq!(content.omitted, Omitted::NONE);
        let Kind::Message(message) = content.kind else {
            panic!("another kind");
        };
        assert_eq!(message.text, "hello");
        let quote = message.quote.unwrap();
        assert_eq!((quote.sent_at, quote.author), (UnixMillis::new(1), id(5)));
    };
    quote(&[]);
    quote(&field(3, SURROGATE));
    quote(&field(3, b"a").repeat(3));
    quote(&[0x18, 5]);
    // A quoted attachment with a name that is no text, and a thumbnail that lacks its id.
    quote(&field(4, &[field(2, SURROGATE), field(3, b"")].concat()));
    quote(&field(4, b"").repeat(100));
    // The timestamp of a data message, as text; and the thumbnail of an attachment, as a number.
    let message = [field(1, b"hello"), field(7, SURROGATE)].concat();
    let content = decode(&field(1, &message)).unwrap().content;
    assert_eq!(content, Content::text("hello"));
    let attachment = [&[0x09, 0, 0, 0, 0, 0, 0, 0, 0][..], &[0x28, 1]].concat();
    assert!(decode(&field(1, &field(2, &attachment))).is_ok());
}

#[test]
fn deprecated_fields_are_not_handed_out() {
    let author = field(2, id(5).to_string().as_bytes());
    let quote = [&[0x08, 1][..], &author, &field(3, b"quoted")].concat();
    let message = [field(1, b"hello"), field(8, &quote)].concat();
    let content = decode_wire(&field(1, &message)).unwrap();
    let message = content.data_message.as_ref().unwrap();
    assert_eq!(message.quote.as_ref().unwrap().text, None);
    assert_eq!(message.body.as_deref(), Some("hello"));
}

#[test]
fn long_garbage_is_refused() {
    // Short, it may grow to three times its length.
    assert!(decode(&field(1, &field(1, &[0xff; 300]))).is_ok());
    assert_eq!(
        decode(&field(1, &field(1, &[0xff; 10_000]))),
        Err(ContentError::Malformed)
    );
}

#[test]
fn a_kind_of_a_newer_version_is_told_from_nothing() {
    let unknown = Err(ContentError::UnknownKind);
    assert_eq!(decode(&field(200, b"new")), unknown);
    assert_eq!(decode(&field(1, &field(200, b"new"))), unknown);
    let update = field(1, &field(120, &field(9, b"new")));
    assert_eq!(decode(&update), unknown);
    // A profile alone; kinds that are no longer in use.
    for empty in [
        field(1, &field(101, &field(1, b"Bob"))),
        field(7, b"old"),
        field(1, &field(104, b"old")),
    ] {
        assert_eq!(decode(&empty), Err(ContentError::Empty));
    }
}
