//! One-to-one messages and sync copies.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    missing_docs
)]

extern crate alloc;

use core::time::Duration;

use rand_chacha::ChaCha20Rng;
use session_crypto::{Blinding, Ed25519PublicExt, X25519Secret};
use session_identity::{Account, Group, Seed};
use session_message::content::{
    AnyId, Attachment, Call, CallStep, Content, Ed25519Signature, Expiration, GroupUpdate, Kind,
    MemberAuthData, Message, Part, Profile, ReadReceipt, Typing, Unsend,
};
use session_message::{
    AuthorError, Disposition, MessageKey, Namespace, OpenError, Opened, Opener, SENT_MAX, SENT_MIN,
    SealError, SealedMessage, Sealer, SymmetricKey, UnixMillis, admin, content,
};
use session_proto::content::ContentError;
use session_proto::envelope::{self, Envelope};
use session_proto::padding;
use session_proto::wire::WireError;
use session_types::limits::{TTL_MAX_INBOX, TTL_MIN, TTL_TYPING};
use testkit::rng;

const TIME: UnixMillis = UnixMillis::new(1_754_971_101_000);
const MINUTE: Duration = Duration::from_secs(60);
const NO_SIGNATURE: Ed25519Signature = Ed25519Signature::from_bytes([0; 64]);

fn account(byte: u8) -> Account {
    Account::from_seed(&Seed::try_from([byte; 16].as_slice()).unwrap())
}

fn id(account: &Account) -> AnyId {
    AnyId::from_bytes(account.id().to_bytes())
}

fn seal(
    sender: &Account,
    recipient: &Account,
    content: &Content,
) -> Result<SealedMessage, SealError> {
    Sealer::new(sender).seal_direct(&mut rng(), recipient.id(), content, TIME)
}

fn open_direct(account: &Account, data: &[u8]) -> Result<Opened, OpenError> {
    Opener::new(account).open_direct(data)
}

/// A time some milliseconds later or earlier.
fn shifted(time: UnixMillis, ms: i64) -> UnixMillis {
    UnixMillis::new(time.get().saturating_add_signed(ms))
}

/// Any bytes as the content of a one-to-one message.
fn seal_raw(sender: &Account, recipient: &Account, raw: &[u8], time: UnixMillis) -> Vec<u8> {
    let mut padded = raw.to_vec();
    padding::pad(&mut padded);
    seal_padded(sender, recipient, &padded, time)
}

fn seal_padded(sender: &Account, recipient: &Account, padded: &[u8], time: UnixMillis) -> Vec<u8> {
    let to = recipient.x25519_public();
    let sealed = session_crypto::direct::seal(&mut rng(), sender.ed25519(), &to, padded);
    let sealed = sealed.unwrap();
    let envelope = Envelope::new(
        envelope::EnvelopeKind::Session,
        time,
        &sealed,
        &NO_SIGNATURE,
    );
    envelope::wrap(&envelope.encode())
}

#[test]
fn what_is_sealed_opens_with_sender_time_and_content() {
    let (alice, bob) = (account(1), account(2));
    let content = Content::text("hello").with_profile(Profile::named("Alice"));
    let sealed = seal(&alice, &bob, &content).unwrap();
    assert_eq!(sealed.namespace, Namespace::DEFAULT);
    assert_eq!(sealed.ttl, TTL_MAX_INBOX);
    let opened = open_direct(&bob, &sealed.data).unwrap();
    assert_eq!(opened.sender, *alice.id());
    assert_eq!(opened.sender_ed25519, alice.ed25519_public());
    assert_eq!(opened.sent_at, TIME);
    assert!(opened.is_time_signed);
    assert_eq!(opened.content, content);
    assert_eq!(opened.pro, None);
    assert_eq!(opened.conversation, id(&alice));
    assert_eq!(*opened.raw, content.encode(TIME, None).unwrap());
}

#[test]
fn a_remembered_sender_makes_no_difference() {
    let bob = account(2);
    let mut opener = Opener::new(&bob).remembering(2);
    let mut forgetful = Opener::new(&bob).remembering(0);
    let (carol, mut other) = (account(3), Opener::new(account(3)));
    for round in 0..2 {
        for sender in [&account(1), &carol, &bob] {
            let content = Content::text(format!("round {round}"));
            let data = seal(sender, &bob, &content).unwrap().data;
            let opened = opener.open_direct(&data).unwrap();
            assert_eq!(forgetful.open_direct(&data).as_ref(), Ok(&opened));
            assert_eq!(open_direct(&bob, &data).as_ref(), Ok(&opened));
            assert_eq!(opened.sender, *sender.id());
            assert!(other.open_direct(&data).is_err());
        }
    }
    assert!(format!("{opener:?}").contains("len: 2"), "{opener:?}");
}

#[test]
fn nobody_else_opens_it() {
    let (alice, bob) = (account(1), account(2));
    let sealed = seal(&alice, &bob, &Content::text("hello")).unwrap();
    for other in [&alice, &account(3)] {
        assert!(matches!(
            open_direct(other, &sealed.data),
            Err(OpenError::Decrypt(_))
        ));
    }
    let ciphertext = Envelope::parse(envelope::unwrap(&sealed.data).unwrap())
        .unwrap()
        .content
        .unwrap();
    let at = sealed
        .data
        .windows(ciphertext.len())
        .position(|part| part == ciphertext);
    for offset in [0, 31, 32, 47, 48, ciphertext.len() - 1] {
        let mut changed = sealed.data.clone();
        changed[at.unwrap() + offset] ^= 1;
        assert!(matches!(
            open_direct(&bob, &changed),
            Err(OpenError::Decrypt(_))
        ));
    }
}

#[test]
fn the_envelope_is_that_of_all_clients() {
    let (alice, bob) = (account(1), account(2));
    let sealed = seal(&alice, &bob, &Content::text("hello")).unwrap();
    let envelope = Envelope::parse(envelope::unwrap(&sealed.data).unwrap()).unwrap();
    assert_eq!(envelope.kind, envelope::EnvelopeKind::Session);
    assert_eq!(envelope.source, None);
    assert_eq!(envelope.source_device, Some(1));
    assert_eq!(envelope.sent_at, TIME);
    // 160 bytes of padded content.
    assert_eq!(envelope.content.unwrap().len(), 160 + 144);
    // A decoy: R is a point, S a reduced scalar.
    let decoy: &[u8; 64] = envelope.pro_signature.unwrap().try_into().unwrap();
    let (r, s) = decoy.split_first_chunk::<32>().unwrap();
    let point = session_crypto::Ed25519Public::from_bytes(*r);
    assert!(point.to_x25519().is_ok());
    assert!(s[31] <= 0x10);
}

#[test]
fn each_kind_has_its_time_to_live() {
    let (alice, bob) = (account(1), account(2));
    let ttl_of = |content: &Content| seal(&alice, &bob, content).unwrap().ttl;
    let call = Call {
        uuid: "1d4f9a8e-0000-4000-8000-000000000000".into(),
        step: CallStep::PreOffer,
    };
    assert_eq!(ttl_of(&Kind::Typing(Typing::STARTED).into()), TTL_TYPING);
    assert_eq!(ttl_of(&Kind::Call(call).into()), Duration::from_secs(300));
    let receipt = ReadReceipt {
        sent_at: vec![TIME],
    };
    assert_eq!(ttl_of(&Kind::ReadReceipt(receipt).into()), TTL_MAX_INBOX);
    let text = |expiration| Content::text("x").with_expiration(expiration);
    assert_eq!(ttl_of(&text(Expiration::after_send(60))), MINUTE);
    assert_eq!(ttl_of(&text(Expiration::after_read(60))), TTL_MAX_INBOX);
    assert_eq!(ttl_of(&text(Expiration::OFF)), TTL_MAX_INBOX);
    // The message about a timer disappears by it.
    let update = |expiration| Content::from(Kind::ExpirationUpdate).with_expiration(expiration);
    assert_eq!(ttl_of(&update(Expiration::after_send(60))), MINUTE);
    assert_eq!(ttl_of(&update(Expiration::after_read(60))), TTL_MAX_INBOX);
    assert_eq!(ttl_of(&update(Expiration::OFF)), TTL_MAX_INBOX);

    // The sender's own copy has been read; a note to oneself counts from sending.
    let copy = |expiration, to: &Account| {
        let copy = Sealer::new(&alice).seal_copy(&mut rng(), to.id(), &text(expiration), TIME);
        copy.unwrap().ttl
    };
    assert_eq!(copy(Expiration::after_read(60), &bob), MINUTE);
    assert_eq!(copy(Expiration::after_send(60), &bob), MINUTE);
    assert_eq!(copy(Expiration::OFF, &bob), TTL_MAX_INBOX);
    let note = seal(&alice, &alice, &text(Expiration::after_read(60))).unwrap();
    assert_eq!(note.ttl, MINUTE);
}

#[test]
fn storage_servers_take_every_time_to_live() {
    let (alice, bob) = (account(1), account(2));
    for (seconds, ttl) in [
        (5, TTL_MIN),
        (10, Duration::from_secs(10)),
        (11, Duration::from_secs(11)),
        (1_209_599, Duration::from_secs(1_209_599)),
        (1_209_600, TTL_MAX_INBOX),
        (1_209_601, TTL_MAX_INBOX),
        (365 * 24 * 60 * 60, TTL_MAX_INBOX),
        (u32::MAX, TTL_MAX_INBOX),
    ] {
        let content = Content::text("x").with_expiration(Expiration::after_send(seconds));
        assert_eq!(seal(&alice, &bob, &content).unwrap().ttl, ttl);
        assert_eq!(seal(&alice, &alice, &content).unwrap().ttl, ttl);
        let copy = Sealer::new(&alice).seal_copy(&mut rng(), bob.id(), &content, TIME);
        assert_eq!(copy.unwrap().ttl, ttl);
    }
}

#[test]
fn what_is_too_long_to_be_stored_is_not_sealed() {
    let (alice, bob) = (account(1), account(2));
    let attached = |length| {
        Content::from(Kind::Message(Message {
            attachments: vec![Attachment {
                caption: Some("a".repeat(length)),
                ..Attachment::default()
            }],
            ..Message::default()
        }))
    };
    // The padding hides up to 160 bytes.
    let lengths = 76_300..76_600;
    let sealed = lengths.map(|length| seal(&alice, &bob, &attached(length)));
    let (fits, refused): (Vec<_>, Vec<_>) = sealed.partition(Result::is_ok);
    let longest = fits.into_iter().map(|sealed| sealed.unwrap().data.len());
    let longest = longest.max().unwrap();
    assert!((76_640..=76_800).contains(&longest), "{longest}");
    assert_eq!(
        refused.first(),
        Some(&Err(SealError::TooLong {
            max: 76_800,
            got: longest + 160
        }))
    );
    let copy = Sealer::new(&alice).seal_copy(&mut rng(), bob.id(), &attached(77_000), TIME);
    assert!(matches!(copy, Err(SealError::TooLong { .. })));
}

#[test]
fn a_sync_copy_says_where_it_belongs() {
    let (alice, bob) = (account(1), account(2));
    let content = Content::text("hello");
    let sealed = Sealer::new(&alice)
        .seal_copy(&mut rng(), bob.id(), &content, TIME)
        .unwrap();
    let opened = open_direct(&alice, &sealed.data).unwrap();
    assert_eq!(opened.sender, *alice.id());
    assert_eq!(opened.conversation, id(&bob));
    assert_eq!(opened.content.as_text(), Some("hello"));
    // What has no place for it is copied as it is.
    let unsend = Kind::Unsend(Unsend {
        sent_at: UnixMillis::new(1),
        author: id(&alice),
    });
    let sealed = Sealer::new(&alice)
        .seal_copy(&mut rng(), bob.id(), &unsend.into(), TIME)
        .unwrap();
    let opened = open_direct(&alice, &sealed.data).unwrap();
    assert_eq!(opened.content.sync_target, None);
}

#[test]
fn a_sync_copy_of_somebody_else_is_refused() {
    let (alice, bob) = (account(1), account(2));
    let mut content = Content::text("you wrote this");
    content.sync_target = Some(id(&account(3)));
    let refused = AuthorError::SyncTarget;
    assert_eq!(seal(&alice, &bob, &content), Err(refused.into()));
    let raw = content.encode(TIME, None).unwrap();
    let forged = seal_raw(&alice, &bob, &raw, TIME);
    assert_eq!(open_direct(&bob, &forged), Err(refused.into()));
}

#[test]
fn only_the_author_can_unsend() {
    let (alice, bob) = (account(1), account(2));
    let unsend = |author| {
        Content::from(Kind::Unsend(Unsend {
            sent_at: shifted(TIME, -1),
            author,
        }))
    };
    let own = seal(&alice, &bob, &unsend(id(&alice))).unwrap();
    assert!(open_direct(&bob, &own.data).is_ok());
    let other = unsend(id(&bob));
    let refused = AuthorError::Unsend;
    assert_eq!(seal(&alice, &bob, &other), Err(refused.into()));
    let raw = other.encode(TIME, None).unwrap();
    let forged = seal_raw(&alice, &bob, &raw, TIME);
    assert_eq!(open_direct(&bob, &forged), Err(refused.into()));
}

#[test]
fn our_own_devices_delete_messages_of_others() {
    let (alice, bob) = (account(1), account(2));
    let unsend = Content::from(Kind::Unsend(Unsend {
        sent_at: shifted(TIME, -1),
        author: id(&bob),
    }));
    let sealed = seal(&alice, &alice, &unsend).unwrap();
    let opened = open_direct(&alice, &sealed.data).unwrap();
    assert_eq!(opened.content, unsend);
    assert_eq!(opened.sender, *alice.id());
    let copy = Sealer::new(&alice)
        .seal_copy(&mut rng(), bob.id(), &unsend, TIME)
        .unwrap();
    assert_eq!(
        open_direct(&alice, &copy.data).unwrap().content,
        opened.content
    );
}

#[test]
fn a_message_is_sealed_with_a_time_in_milliseconds_only() {
    let (alice, bob) = (account(1), account(2));
    let content = Content::text("hello");
    for (sent_at, is_sealed) in [
        (0, false),
        (TIME.as_secs(), false),
        (SENT_MIN.get() - 1, false),
        (1_000_000_000_000, true),
        (TIME.get(), true),
        (9_999_999_999_999, true),
        (SENT_MAX.get() + 1, false),
        (TIME.get() * 1000, false),
        (u64::MAX, false),
    ] {
        let sent_at = UnixMillis::new(sent_at);
        let refused = SealError::SentTime { got: sent_at };
        let expected = if is_sealed { Ok(()) } else { Err(refused) };
        let (sealer, mut rng) = (Sealer::new(&alice), rng());
        let sealed = sealer.seal_direct(&mut rng, bob.id(), &content, sent_at);
        assert_eq!(sealed.map(|_| ()), expected);
        let copy = sealer.seal_copy(&mut rng, bob.id(), &content, sent_at);
        assert_eq!(copy.map(|_| ()), expected);
        let (group, key) = (Group::generate(&mut rng), SymmetricKey::from_bytes([9; 32]));
        let sealed = sealer.seal_group(&mut rng, group.id(), &key, &content, sent_at);
        assert_eq!(sealed.map(|_| ()), expected);
        let post = sealer.seal_post(&content, sent_at);
        assert_eq!(post.map(|_| ()), expected);
        let server = X25519Secret::from_bytes([3; 32]).public();
        let blinded = |account: &Account| account.blinded(Blinding::Blind25, &server).unwrap();
        let to = AnyId::from(&blinded(&bob));
        let sealed = sealer.seal_inbox(&mut rng, &blinded(&alice), &to, &content, sent_at);
        assert_eq!(sealed.map(|_| ()), expected);
    }
}

/// Two messages of one author at one time, which differ in nothing but their conversation or text.
#[test]
fn messages_of_one_millisecond_are_told_apart() {
    let (alice, bob, carol) = (account(1), account(2), account(3));
    let open = |data: &[u8]| open_direct(&alice, data).unwrap().key();
    let copy = |to: &Account, text: &str| {
        let content = Content::text(text);
        let copy = Sealer::new(&alice)
            .seal_copy(&mut rng(), to.id(), &content, TIME)
            .unwrap();
        open(&copy.data)
    };
    let one = copy(&bob, "one");
    assert_eq!(copy(&bob, "one"), one);
    assert_ne!(copy(&bob, "two"), one);
    let other = copy(&carol, "one");
    assert_ne!(other, one);
    assert_eq!(one.conversation(), &id(&bob));
    assert_eq!(other.conversation(), &id(&carol));
    assert_eq!(
        (one.author(), one.sent_at()),
        (other.author(), other.sent_at())
    );
    assert_eq!((one.author(), one.sent_at()), (&id(&alice), TIME));

    // The same message stored again, in another envelope and with another decoy.
    let content = Content::text("hello");
    let mut rng = rng();
    let key = |rng: &mut ChaCha20Rng| {
        let sealed = Sealer::new(&bob)
            .seal_direct(rng, alice.id(), &content, TIME)
            .unwrap();
        (open(&sealed.data), sealed.data)
    };
    let (first, second) = (key(&mut rng), key(&mut rng));
    assert_ne!(first.1, second.1);
    assert_eq!(first.0, second.0);
}

#[test]
fn a_message_key_is_stored_as_bytes_or_text() {
    let bob = account(2);
    let sealed = seal(&account(1), &bob, &Content::text("hello")).unwrap();
    let key = open_direct(&bob, &sealed.data).unwrap().key();
    let (bytes, text) = (key.to_bytes(), key.to_string());
    assert_eq!(bytes.len(), MessageKey::ENCODED_LENGTH);
    assert_eq!(text, const_hex::encode(&bytes));
    assert_eq!(MessageKey::try_from(bytes.as_slice()), Ok(key));
    assert_eq!(text.parse(), Ok(key));
    assert_eq!(text.to_uppercase().parse(), Ok(key));
    for length in [0, 105, 107] {
        let mut bytes = bytes.clone();
        bytes.resize(length, 0);
        assert!(MessageKey::try_from(bytes.as_slice()).is_err());
    }
    for bad in [&text[1..], &text[2..], &format!("{text}00"), ""] {
        assert!(bad.parse::<MessageKey>().is_err(), "{bad}");
    }
    assert!(text.replacen('0', "g", 1).parse::<MessageKey>().is_err());
    assert!(text.replacen("00", "é", 1).parse::<MessageKey>().is_err());
    let other = MessageKey::new(*key.conversation(), *key.author(), shifted(TIME, 1), b"");
    assert_eq!(key < other, key.to_bytes() < other.to_bytes());
}

/// The name of a sender as deployed desktop clients write it.
#[test]
fn a_name_that_is_not_text_does_not_lose_the_message() {
    let (alice, bob) = (account(1), account(2));
    let raw = Content::text("hello").with_profile(Profile::named("Bob xyz"));
    let mut raw = raw.encode(TIME, None).unwrap();
    let at = raw.windows(3).position(|part| part == b"xyz").unwrap();
    raw[at..at + 3].copy_from_slice(b"\xed\xa0\xbd");
    let opened = open_direct(&bob, &seal_raw(&alice, &bob, &raw, TIME)).unwrap();
    assert_eq!(opened.content.as_text(), Some("hello"));
    let name = opened.content.profile.unwrap().name;
    assert_eq!(name.as_deref(), Some("Bob \u{fffd}\u{fffd}\u{fffd}"));
    assert!(opened.content.omitted.contains(Part::Text));
    assert_eq!(*opened.raw, raw);
}

#[test]
fn the_time_must_be_the_same_in_both_places() {
    let (alice, bob) = (account(1), account(2));
    let raw = Content::text("x").encode(TIME, None).unwrap();
    let (before, after) = (shifted(TIME, -1), shifted(TIME, 1));
    for envelope in [before, after, UnixMillis::new(1), UnixMillis::MAX] {
        let data = seal_raw(&alice, &bob, &raw, envelope);
        assert_eq!(
            open_direct(&bob, &data),
            Err(OpenError::Time {
                envelope,
                content: TIME
            })
        );
    }
    // Zero in either place, or no time at all, is an old client's.
    let opened = open_direct(&bob, &seal_raw(&alice, &bob, &raw, UnixMillis::EPOCH)).unwrap();
    assert_eq!((opened.sent_at, opened.is_time_signed), (TIME, true));
    for content_ms in [Some(0), None] {
        let content = session_proto::schema::session::Content {
            sig_timestamp: content_ms,
            ..content::decode_wire(&raw).unwrap()
        };
        let old = prost::Message::encode_to_vec(&content);
        let opened = open_direct(&bob, &seal_raw(&alice, &bob, &old, TIME)).unwrap();
        assert_eq!((opened.sent_at, opened.is_time_signed), (TIME, false));
    }
}

#[test]
fn an_error_says_what_to_do_with_the_message() {
    let (alice, bob) = (account(1), account(2));
    let disposition = |data: &[u8]| open_direct(&bob, data).unwrap_err().disposition();
    let raw = |content: &[u8]| disposition(&seal_raw(&alice, &bob, content, TIME));
    // A version that does not exist yet.
    assert_eq!(disposition(&[0, 3, 1]), Disposition::KeepForNewerVersion);
    // A content with nothing but an unknown field, an unknown receipt, an unknown flag.
    for newer in [
        &[0xc2, 0x0c, 1, b'?'][..],
        &[0x2a, 2, 0x08, 2],
        &[0x0a, 5, 0x0a, 1, b'x', 0x20, 4],
    ] {
        assert_eq!(raw(newer), Disposition::KeepForNewerVersion, "{newer:x?}");
    }
    // Nothing at all, an obsolete receipt, and a message for somebody else.
    assert_eq!(raw(b""), Disposition::Drop);
    assert_eq!(raw(&[0x2a, 2, 0x08, 0]), Disposition::Drop);
    let other = seal(&bob, &alice, &Content::text("hello")).unwrap();
    assert_eq!(disposition(&other.data), Disposition::Drop);
}

#[test]
fn an_account_can_be_owned_or_shared() {
    let (alice, bob) = (account(1), alloc::rc::Rc::new(account(2)));
    let sealer = Sealer::new(alice);
    let sealed = sealer.seal_direct(&mut rng(), bob.id(), &Content::text("hello"), TIME);
    let opened = Opener::new(bob.clone()).open_direct(&sealed.unwrap().data);
    assert_eq!(opened.unwrap().sender, *sealer.account().id());
    assert!(!format!("{sealer:?}").contains("Secret"));
}

#[test]
fn a_typing_indicator_is_for_its_own_time() {
    let (alice, bob) = (account(1), account(2));
    let good = seal(&alice, &bob, &Kind::Typing(Typing::STARTED).into()).unwrap();
    assert!(open_direct(&bob, &good.data).is_ok());
    // timestamp 5, STARTED
    let data = seal_raw(&alice, &bob, &[0x32, 4, 0x08, 5, 0x10, 0], TIME);
    assert_eq!(open_direct(&bob, &data), Err(OpenError::TypingTime));
}

#[test]
fn group_updates_for_all_do_not_come_one_to_one() {
    let (alice, bob) = (account(1), account(2));
    let content = Content::from(Kind::Group(GroupUpdate::MemberLeft));
    let kind = "group update";
    assert_eq!(
        seal(&alice, &bob, &content),
        Err(SealError::NotHere { kind })
    );
    let raw = content.encode(TIME, None).unwrap();
    let data = seal_raw(&alice, &bob, &raw, TIME);
    assert_eq!(open_direct(&bob, &data), Err(OpenError::NotHere { kind }));
}

#[test]
fn an_invitation_is_signed_for_its_invitee_and_time() {
    let (alice, bob, carol) = (account(1), account(2), account(3));
    let group = session_crypto::Ed25519Secret::from_seed(&[7; 32]);
    let invite = |invitee: &Account, time| {
        Content::from(Kind::Group(admin::invite(
            &group,
            invitee.id(),
            "group",
            &MemberAuthData::try_from([1; 100].as_slice()).unwrap(),
            time,
        )))
    };
    let sealed = seal(&alice, &bob, &invite(&bob, TIME)).unwrap();
    assert!(open_direct(&bob, &sealed.data).is_ok());
    for wrong in [invite(&carol, TIME), invite(&bob, shifted(TIME, 1))] {
        assert_eq!(seal(&alice, &bob, &wrong), Err(SealError::AdminSignature));
        let raw = wrong.encode(TIME, None).unwrap();
        let data = seal_raw(&alice, &bob, &raw, TIME);
        assert_eq!(open_direct(&bob, &data), Err(OpenError::AdminSignature));
    }
}

#[test]
fn a_promotion_hands_over_the_group() {
    let (alice, bob) = (account(1), account(2));
    let group = session_crypto::Ed25519Secret::from_seed(&[7; 32]);
    let content = Content::from(Kind::Group(admin::promote(&group, "group")));
    let sealed = seal(&alice, &bob, &content).unwrap();
    let opened = open_direct(&bob, &sealed.data).unwrap();
    let Kind::Group(GroupUpdate::Promote { seed, name }) = opened.content.kind else {
        panic!("another kind");
    };
    let (secret, id) = admin::group_of_seed(&seed);
    assert_eq!(secret.public(), group.public());
    assert_eq!(id.ed25519(), group.public());
    assert_eq!(name, "group");
}

#[test]
fn long_texts_need_pro() {
    let (alice, bob) = (account(1), account(2));
    // Characters, not bytes.
    assert!(seal(&alice, &bob, &Content::text("ä".repeat(2000))).is_ok());
    assert_eq!(
        seal(&alice, &bob, &Content::text("a".repeat(2001))),
        Err(SealError::TextTooLong {
            max: 2000,
            got: 2001
        })
    );
}

#[test]
fn layers_that_are_not_there_are_refused() {
    let bob = account(2);
    let missing = |field| WireError::Missing { field };
    let open = |data: &[u8]| open_direct(&bob, data).unwrap_err();
    assert_eq!(open(b""), OpenError::Wrapper(missing("type")));
    assert_eq!(open(&[0, 3, 1]), OpenError::Version);
    assert_eq!(
        open(&envelope::wrap(b"")),
        OpenError::Envelope(missing("type"))
    );
    assert_eq!(
        open(&envelope::wrap(&[0x08, 6])),
        OpenError::Envelope(missing("timestamp"))
    );
    assert_eq!(
        open(&envelope::wrap(&[0x08, 6, 0x28, 1])),
        OpenError::NoContent
    );
    let empty_content = [0x08, 6, 0x28, 1, 0x42, 0];
    assert!(matches!(
        open(&envelope::wrap(&empty_content)),
        OpenError::Decrypt(_)
    ));
}

#[test]
fn a_source_is_empty_or_an_id_and_means_nothing() {
    let (alice, bob) = (account(1), account(2));
    let sealed = seal(&alice, &bob, &Content::text("hello")).unwrap();
    let envelope = Envelope::parse(envelope::unwrap(&sealed.data).unwrap()).unwrap();
    let with = |source: &[u8]| {
        let envelope = Envelope {
            source: Some(source),
            ..envelope
        };
        open_direct(&bob, &envelope::wrap(&envelope.encode()))
    };
    let other = account(3).id().to_string();
    for source in [b"".as_slice(), other.as_bytes()] {
        assert_eq!(with(source).unwrap().sender, *alice.id());
    }
    for source in [b"0".as_slice(), &[b'g'; 66], &[b'a'; 33], &[b'a'; 67]] {
        assert_eq!(with(source), Err(OpenError::Source));
    }
}

#[test]
fn a_pro_signature_of_another_length_is_refused() {
    let (alice, bob) = (account(1), account(2));
    let sealed = seal(&alice, &bob, &Content::text("hello")).unwrap();
    let envelope = Envelope::parse(envelope::unwrap(&sealed.data).unwrap()).unwrap();
    let with = |pro_signature: Option<&'static [u8]>| {
        let envelope = Envelope {
            pro_signature,
            ..envelope
        };
        open_direct(&bob, &envelope::wrap(&envelope.encode()))
    };
    assert!(with(None).is_ok());
    static SIGNATURES: [u8; 65] = [1; 65];
    for got in [0, 63, 65] {
        let refused = OpenError::ProSignatureLength { got };
        assert_eq!(with(Some(&SIGNATURES[..got])), Err(refused));
    }
}

#[test]
fn padding_of_old_clients_and_none_are_read() {
    let (alice, bob) = (account(1), account(2));
    let raw = Content::text("hello").encode(TIME, None).unwrap();
    for padding in [&b""[..], b"\x80", b"\x80\0\0"] {
        let padded = [raw.as_slice(), padding].concat();
        let data = seal_padded(&alice, &bob, &padded, TIME);
        let opened = open_direct(&bob, &data).unwrap();
        assert_eq!(*opened.raw, raw);
    }
    let zeros = seal_padded(&alice, &bob, &[0; 160], TIME);
    assert!(matches!(
        open_direct(&bob, &zeros),
        Err(OpenError::Padding(_))
    ));
    let nothing = seal_padded(&alice, &bob, b"\x80\0", TIME);
    assert_eq!(open_direct(&bob, &nothing), Err(ContentError::Empty.into()));
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(open_direct(&account(2), &bytes).is_err());
        }

        #[test]
        fn a_changed_byte_never_changes_what_is_read(
            at in any::<prop::sample::Index>(),
            value in any::<u8>(),
        ) {
            let (alice, bob) = (account(1), account(2));
            let content = Content::text("hello");
            let mut data = seal(&alice, &bob, &content).unwrap().data;
            let at = at.index(data.len());
            data[at] = value;
            if let Ok(opened) = open_direct(&bob, &data) {
                prop_assert_eq!(opened.content, content);
                prop_assert_eq!(opened.sent_at, TIME);
                prop_assert_eq!(opened.sender, *alice.id());
            }
        }
    }
}
