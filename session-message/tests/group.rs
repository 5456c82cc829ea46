//! Messages of closed groups, and notices to removed members.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use core::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use session_crypto::{Ed25519Secret, X25519Secret};
use session_identity::{Account, AccountId, GroupId, Seed};
use session_message::content::{
    AnyId, Call, CallStep, Content, DeleteContent, Ed25519Signature, Expiration, GroupUpdate,
    InfoChange, Kind, MemberAuthData, MemberChangeKind, Typing,
};
use session_message::group::layer::{self, Options};
use session_message::{
    AuthorError, Disposition, Namespace, OpenError, Opened, Opener, SealError, SealedMessage,
    Sealer, SymmetricKey, UnixMillis, admin, kicked, multi,
};
use session_proto::bt;
use session_proto::envelope::{Envelope, EnvelopeKind};
use session_proto::wire::WireError;
use session_types::limits::{TTL_MAX, TTL_MAX_INBOX, TTL_MIN};
use testkit::rng;

const TIME: UnixMillis = UnixMillis::new(1_754_971_101_000);

fn account(byte: u8) -> Account {
    Account::from_seed(&Seed::try_from([byte; 16].as_slice()).unwrap())
}

fn admin_key() -> Ed25519Secret {
    Ed25519Secret::from_seed(&[7; 32])
}

fn group_id() -> GroupId {
    GroupId::from_ed25519(&admin_key().public())
}

fn key(byte: u8) -> SymmetricKey {
    SymmetricKey::from_bytes([byte; 32])
}

fn seal(content: &Content) -> Result<SealedMessage, SealError> {
    let sealer = Sealer::new(account(1));
    sealer.seal_group(&mut rng(), &group_id(), &key(9), content, TIME)
}

/// Any content in an envelope, past the checks of sealing.
fn seal_unchecked(content: &Content) -> Vec<u8> {
    let raw = content.encode(TIME, None).unwrap();
    let signature = Ed25519Signature::from_bytes([1; 64]);
    let envelope = Envelope::new(EnvelopeKind::ClosedGroup, TIME, &raw, &signature);
    seal_bytes(&envelope.encode())
}

fn seal_bytes(plain: &[u8]) -> Vec<u8> {
    let sender = account(1);
    let options = Options::default();
    layer::seal(
        &mut rng(),
        sender.ed25519(),
        &group_id(),
        &key(9),
        plain,
        options,
    )
    .unwrap()
}

fn open(data: &[u8]) -> Result<Opened, OpenError> {
    open_with(&group_id(), [&key(9)], data)
}

fn open_with<'k>(
    group: &GroupId,
    keys: impl IntoIterator<Item = &'k SymmetricKey>,
    data: &[u8],
) -> Result<Opened, OpenError> {
    Opener::new(account(2)).open_group(group, keys, data)
}

fn open_removal(
    account: &Account,
    group: &GroupId,
    generation: u64,
    data: &[u8],
) -> Result<u64, OpenError> {
    Opener::new(account).open_removal(group, generation, data)
}

fn auth_data() -> MemberAuthData {
    MemberAuthData::try_from([1; 100].as_slice()).unwrap()
}

#[test]
fn what_is_sealed_opens_with_any_key_of_the_group() {
    let content = Content::text("hello");
    let sealed = seal(&content).unwrap();
    assert_eq!(sealed.namespace, Namespace::GROUP_MESSAGES);
    assert_eq!(sealed.ttl, TTL_MAX_INBOX);
    assert_eq!(sealed.data.len() % 256, 0);
    let keys = [key(8), key(9)];
    let opened = open_with(&group_id(), &keys, &sealed.data).unwrap();
    assert_eq!(opened.sender, *account(1).id());
    assert_eq!(opened.content, content);
    assert_eq!(opened.sent_at, TIME);
    assert_eq!(opened.conversation.as_bytes(), group_id().as_bytes());
    assert_eq!(*opened.key().conversation(), opened.conversation);
    assert!(matches!(
        open_with(&group_id(), &keys[..1], &sealed.data),
        Err(OpenError::GroupDecrypt(_))
    ));
}

#[test]
fn a_message_without_its_key_waits_for_new_keys() {
    let sealed = seal(&Content::text("hello")).unwrap();
    let error = open_with(&group_id(), [&key(8)], &sealed.data).unwrap_err();
    assert_eq!(error.disposition(), Disposition::TryAgainLater);
    // A message of a newer version, and one that nobody will read.
    let newer = session_crypto::group::encrypt(&mut rng(), &key(9), b"d0:i2ee", 256).unwrap();
    let error = open(&newer).unwrap_err();
    assert_eq!(error.disposition(), Disposition::KeepForNewerVersion);
    let error = open(&seal_bytes(b"x")).unwrap_err();
    assert_eq!(error.disposition(), Disposition::Drop);
}

#[test]
fn a_message_cannot_be_passed_off_to_another_group() {
    let sealed = seal(&Content::text("hello")).unwrap();
    let other = Ed25519Secret::from_seed(&[8; 32]).public();
    let other = GroupId::from_ed25519(&other);
    assert!(matches!(
        open_with(&other, [&key(9)], &sealed.data),
        Err(OpenError::GroupDecrypt(_))
    ));
}

#[test]
fn long_messages_are_compressed() {
    let content = Content::text("all the same ".repeat(150));
    let sealed = seal(&content).unwrap();
    assert!(sealed.data.len() < 600, "{}", sealed.data.len());
    assert_eq!(open(&sealed.data).unwrap().content, content);
}

#[test]
fn compression_never_makes_a_padded_message_longer() {
    let seal = |plain: &[u8], compress, padding| {
        let options = Options { compress, padding };
        let sender = Ed25519Secret::from_seed(&[1; 32]);
        layer::seal(&mut rng(), &sender, &group_id(), &key(9), plain, options).unwrap()
    };
    let mut shorter = 0;
    for length in (1..400).chain([1_000, 5_000]) {
        let plain = vec![b'a'; length];
        let (packed, loose) = (seal(&plain, true, 256), seal(&plain, false, 256));
        assert!(packed.len() <= loose.len(), "{length}");
        shorter += u32::from(packed.len() < loose.len());
        // Without padding every byte counts, so it is compressed whenever that helps.
        if length > 40 {
            assert!(seal(&plain, true, 0).len() < seal(&plain, false, 0).len());
        }
        // What fits the least length is sent as it is, in the same bytes.
        assert_eq!(packed == loose, loose.len() == 256, "{length}");
    }
    assert!(shorter > 100);
}

#[test]
fn what_disappears_is_kept_for_its_time() {
    for expiration in [Expiration::after_send(60), Expiration::after_read(60)] {
        let content = Content::text("x").with_expiration(expiration);
        assert_eq!(seal(&content).unwrap().ttl, Duration::from_secs(60));
    }
    // As near to it as storage servers allow in this namespace.
    for (seconds, ttl) in [
        (5, TTL_MIN),
        (2_591_999, Duration::from_secs(2_591_999)),
        (365 * 24 * 60 * 60, TTL_MAX),
    ] {
        let content = Content::text("x").with_expiration(Expiration::after_send(seconds));
        assert_eq!(seal(&content).unwrap().ttl, ttl);
    }
}

#[test]
fn what_is_too_long_to_be_stored_is_not_sealed() {
    // Hashes that cannot be compressed much.
    let mut random = rng();
    let delete = |count: usize, rng: &mut ChaCha20Rng| {
        let hash = |_| {
            let mut bytes = [0; 32];
            rng.fill_bytes(&mut bytes);
            const_hex::encode(bytes)
        };
        let delete = DeleteContent {
            members: Vec::new(),
            hashes: (0..count).map(hash).collect(),
            admin_signature: None,
        };
        Content::from(Kind::Group(GroupUpdate::DeleteContent(delete)))
    };
    let content = delete(500, &mut random);
    assert_eq!(
        open(&seal(&content).unwrap().data).unwrap().content,
        content
    );
    let refused = seal(&delete(4_000, &mut random));
    assert!(
        matches!(refused, Err(SealError::TooLong { max: 76_800, got }) if got > 76_800),
        "{refused:?}"
    );

    let ids = |count: u16| -> Vec<_> {
        let secret = |number: u16| {
            let mut bytes = [7; 32];
            bytes[..2].copy_from_slice(&number.to_le_bytes());
            AccountId::from_x25519(&X25519Secret::from_bytes(bytes).public())
        };
        (0..count).map(secret).collect()
    };
    let notice =
        |count, generation| kicked::seal(&mut rng(), &admin_key(), &ids(count), generation);
    assert!(notice(1_000, u64::MAX).unwrap().data.len() <= 76_800);
    assert!(matches!(notice(1_500, 4), Err(SealError::TooLong { .. })));
}

#[test]
fn kinds_of_one_to_one_conversations_are_refused() {
    let admin = admin_key();
    let call = Call {
        uuid: "1d4f9a8e-0000-4000-8000-000000000000".into(),
        step: CallStep::EndCall,
    };
    for kind in [
        Kind::Typing(Typing::STARTED),
        Kind::Call(call),
        Kind::ExpirationUpdate,
        Kind::RequestAccepted,
        Kind::Group(admin::promote(&admin, "g")),
        Kind::Group(admin::invite(
            &admin,
            account(2).id(),
            "g",
            &auth_data(),
            TIME,
        )),
    ] {
        let mut content = Content::from(kind);
        if content.kind == Kind::ExpirationUpdate {
            content.expiration = Some(Expiration::OFF);
        }
        let kind = content.kind.name();
        assert_eq!(seal(&content), Err(SealError::NotHere { kind }));
        assert_eq!(
            open(&seal_unchecked(&content)),
            Err(OpenError::NotHere { kind })
        );
    }
}

#[test]
fn there_are_no_sync_copies_in_groups() {
    let mut content = Content::text("x");
    content.sync_target = Some(AnyId::from_bytes(account(2).id().to_bytes()));
    let refused = AuthorError::SyncTarget;
    assert_eq!(seal(&content), Err(refused.into()));
    assert_eq!(open(&seal_unchecked(&content)), Err(refused.into()));
}

#[test]
fn admin_signatures_are_made_and_checked() {
    let admin = admin_key();
    let updates = |key: &Ed25519Secret, time| {
        let members = [*account(2).id()];
        [
            admin::info_change(key, InfoChange::Name("new".into()), time),
            admin::info_change(key, InfoChange::Picture, time),
            admin::info_change(key, InfoChange::Expiration(60), time),
            admin::member_change(key, MemberChangeKind::Removed, &members, None, time),
            admin::delete_content(key, &members, &["hash"], time),
        ]
    };
    for update in updates(&admin, TIME) {
        let content = Content::from(Kind::Group(update));
        let sealed = seal(&content).unwrap();
        assert_eq!(open(&sealed.data).unwrap().content, content);
    }
    // Another time, another key.
    let other = Ed25519Secret::from_seed(&[8; 32]);
    for update in updates(&admin, UnixMillis::new(TIME.get() + 1))
        .into_iter()
        .chain(updates(&other, TIME))
    {
        let content = Content::from(Kind::Group(update));
        assert_eq!(seal(&content), Err(SealError::AdminSignature));
        assert_eq!(
            open(&seal_unchecked(&content)),
            Err(OpenError::AdminSignature)
        );
    }
}

#[test]
fn a_signature_is_for_its_kind_of_change() {
    let admin = admin_key();
    let GroupUpdate::InfoChange {
        admin_signature, ..
    } = admin::info_change(&admin, InfoChange::Picture, TIME)
    else {
        panic!("another update");
    };
    let forged = GroupUpdate::InfoChange {
        change: InfoChange::Name("new".into()),
        admin_signature,
    };
    let content = Content::from(Kind::Group(forged));
    assert_eq!(
        open(&seal_unchecked(&content)),
        Err(OpenError::AdminSignature)
    );
}

#[test]
fn members_delete_without_a_signature() {
    let delete = DeleteContent {
        members: Vec::new(),
        hashes: vec!["hash".into()],
        admin_signature: None,
    };
    let content = Content::from(Kind::Group(GroupUpdate::DeleteContent(delete)));
    assert!(open(&seal(&content).unwrap().data).is_ok());
}

#[test]
fn what_is_inside_must_be_an_envelope_with_content() {
    let missing = |field| OpenError::Envelope(WireError::Missing { field });
    assert_eq!(open(&seal_bytes(&[0x28, 1])), Err(missing("type")));
    assert_eq!(open(&seal_bytes(&[0x08, 7])), Err(missing("timestamp")));
    assert_eq!(
        open(&seal_bytes(&[0x08, 7, 0x28, 1])),
        Err(OpenError::NoContent)
    );
}

#[test]
fn empty_and_huge_messages_are_not_made() {
    let sender = account(1);
    let make = |plain: &[u8]| {
        let options = Options::default();
        layer::seal(
            &mut rng(),
            sender.ed25519(),
            &group_id(),
            &key(9),
            plain,
            options,
        )
    };
    assert!(matches!(make(b""), Err(SealError::Length { got: 0, .. })));
    assert!(make(&vec![1; 1_000_000]).is_ok());
    assert!(matches!(
        make(&vec![1; 1_000_001]),
        Err(SealError::Length { got: 1_000_001, .. })
    ));
}

/// Encrypts a message that a member with the key can write by hand.
mod hand_made {
    use super::*;

    fn encrypt(dict: &[u8]) -> Vec<u8> {
        session_crypto::group::encrypt(&mut rng(), &key(9), dict, 256).unwrap()
    }

    fn dict(fields: &[(&[u8], &[u8])], version: u64, signed: &[u8]) -> Vec<u8> {
        let sender = account(1);
        let signature = sender
            .ed25519()
            .sign_parts(&[signed, group_id().key_bytes()]);
        bt::dict(|d| {
            d.int(b"", version);
            d.bytes(b"a", sender.ed25519_public().as_bytes());
            d.bytes(b"s", signature.as_bytes());
            for (key, value) in fields {
                d.bytes(key, value);
            }
        })
    }

    fn open_dict(dict: &[u8]) -> Result<layer::Payload, OpenError> {
        layer::open(&group_id(), [&key(9)], &encrypt(dict))
    }

    #[test]
    fn unknown_keys_are_skipped() {
        let opened = open_dict(&dict(&[(b"b", b"?"), (b"d", b"x"), (b"zz", b"?")], 1, b"x"));
        assert_eq!(*opened.unwrap().plain, b"x");
    }

    #[test]
    fn versions_data_and_signatures_are_checked() {
        let refused = |dict: &[u8]| open_dict(dict).unwrap_err();
        assert_eq!(refused(&dict(&[(b"d", b"x")], 2, b"x")), OpenError::Version);
        assert_eq!(refused(&dict(&[], 1, b"")), OpenError::GroupData);
        let both = dict(&[(b"d", b"x"), (b"z", b"x")], 1, b"x");
        assert_eq!(refused(&both), OpenError::GroupData);
        assert_eq!(refused(&dict(&[(b"d", b"")], 1, b"")), OpenError::GroupData);
        assert_eq!(refused(&dict(&[(b"z", b"")], 1, b"")), OpenError::GroupData);
        assert!(matches!(
            refused(&dict(&[(b"d", b"x")], 1, b"y")),
            OpenError::GroupDecrypt(_)
        ));
        // Verified before it is decompressed.
        assert!(matches!(
            refused(&dict(&[(b"z", b"no frame")], 1, b"other")),
            OpenError::GroupDecrypt(_)
        ));
        assert_eq!(
            refused(&dict(&[(b"z", b"no frame")], 1, b"no frame")),
            OpenError::Compression
        );
        let large = vec![1; 1_000_001];
        assert_eq!(
            refused(&dict(&[(b"d", &large)], 1, &large)),
            OpenError::GroupData
        );
    }

    #[test]
    fn bombs_are_refused() {
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 10 << 3];
        for block in 1..=200_000_u32 {
            let header = (128 << 10 << 3) | 0b010 | u32::from(block == 200_000);
            frame.extend(&header.to_le_bytes()[..3]);
            frame.push(b'a');
        }
        let bomb = dict(&[(b"z", &frame)], 1, &frame);
        assert_eq!(open_dict(&bomb).unwrap_err(), OpenError::Compression);
    }

    #[test]
    fn what_is_no_canonical_dict_is_refused() {
        for bytes in [
            &b"l1:ae"[..],
            b"d0:i1e1:a1:xee",
            b"d1:a1:x0:i1ee",
            b"x",
            &b"l".repeat(1_000_000),
            b"d0:99999999999999999999:",
        ] {
            assert!(matches!(
                open_dict(bytes),
                Err(OpenError::Encoding(_) | OpenError::Field(_))
            ));
        }
        // All zeros: nothing is left after the padding.
        assert!(matches!(open_dict(&[0; 10]), Err(OpenError::Encoding(_))));
    }
}

#[test]
fn removed_members_and_nobody_else_read_their_notice() {
    let (admin, bob, carol) = (admin_key(), account(2), account(3));
    let sealed = kicked::seal(&mut rng(), &admin, &[*bob.id(), *carol.id()], 4).unwrap();
    assert_eq!(sealed.namespace, Namespace::REVOKED_GROUP_MESSAGES);
    assert_eq!(sealed.ttl, TTL_MAX);
    for removed in [&bob, &carol] {
        assert_eq!(open_removal(removed, &group_id(), 4, &sealed.data), Ok(4));
        assert_eq!(open_removal(removed, &group_id(), 0, &sealed.data), Ok(4));
        // Invited again since.
        assert_eq!(
            open_removal(removed, &group_id(), 5, &sealed.data),
            Err(OpenError::StaleNotice)
        );
    }
    assert!(matches!(
        open_removal(&account(1), &group_id(), 0, &sealed.data),
        Err(OpenError::Decrypt(_))
    ));
}

#[test]
fn notices_that_say_something_else_are_refused() {
    let bob = account(2);
    let secret = admin_key().to_x25519();
    let sender = session_crypto::multi::Party::new(&secret, kicked::DOMAIN);
    let open = |message: &[u8]| {
        let to = [bob.x25519_public()];
        let junk = multi::Junk::default();
        let data = multi::seal(&mut rng(), &sender, &[1; 24], &to, &[message], junk).unwrap();
        open_removal(&bob, &group_id(), 0, &data)
    };
    let own = bob.id().key_bytes().as_slice();
    assert_eq!(open(&[own, b"7"].concat()), Ok(7));
    for bad in [
        own.to_vec(),
        [own, b"-1"].concat(),
        [own, b"+1"].concat(),
        [own, b" 1"].concat(),
        [own, b"18446744073709551616"].concat(),
        [&[1; 32][..], b"7"].concat(),
        b"7".to_vec(),
    ] {
        assert_eq!(open(&bad), Err(OpenError::StaleNotice));
    }
}
