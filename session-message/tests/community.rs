//! Community posts, inbox messages, Session Pro and notifications.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::field_reassign_with_default,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use session_crypto::Ed25519PublicExt;
use session_crypto::blind::{BlindedSecret, Blinding};
use session_crypto::pro::Proof;
use session_crypto::{Ed25519Public, Ed25519Secret, Ed25519Signature, X25519Public};
use session_identity::{Account, AnyId, GroupId, Seed};
use session_message::community::Post;
use session_message::content::{self, Content, Kind, Reaction, Typing, Unsend};
use session_message::inbox::Metadata;
use session_message::notify::Notification;
use session_message::pro::{Signer, Status};
use session_message::{
    AuthorError, Namespace, OpenError, Opener, SealError, Sealer, SymmetricKey, UnixMillis,
};
use session_proto::envelope::{self, Envelope, EnvelopeKind};
use session_proto::limits::{MESSAGE_FEATURE_LONG_TEXT, PROFILE_FEATURE_BADGE};
use session_proto::padding;
use session_proto::schema::session as wire;
use testkit::rng;

const TIME: UnixMillis = UnixMillis::new(1_754_971_101_000);

fn account(byte: u8) -> Account {
    Account::from_seed(&Seed::try_from([byte; 16].as_slice()).unwrap())
}

fn rotating() -> Ed25519Secret {
    Ed25519Secret::from_seed(&[2; 32])
}

fn backend() -> Ed25519Public {
    Ed25519Secret::from_seed(&[3; 32]).public()
}

fn proof(expiry_seconds: u64) -> Proof {
    let mut proof = Proof {
        revocation_tag: [0x11; 32],
        rotating_key: rotating().public(),
        expiry_seconds,
        signature: Ed25519Signature::from_bytes([0; 64]),
    };
    let backend = Ed25519Secret::from_seed(&[3; 32]);
    proof.signature = backend.sign(&proof.signed_message());
    proof
}

fn seal_post(
    content: &Content,
    sent_at: UnixMillis,
    pro: Option<Signer>,
) -> Result<Vec<u8>, SealError> {
    let mut sealer = Sealer::new(account(1));
    sealer.set_pro(pro);
    sealer.seal_post(content, sent_at)
}

fn open_post(data: &[u8], posted_at: UnixMillis, now: UnixMillis) -> Result<Post, OpenError> {
    Opener::new(account(2)).open_post(data, posted_at, now)
}

fn signer(proof: Proof, profile_features: u64) -> Signer {
    Signer::new(rotating(), proof, profile_features).unwrap()
}

/// A time some milliseconds later or earlier.
fn shifted(ms: i64) -> UnixMillis {
    UnixMillis::new(TIME.get().saturating_add_signed(ms))
}

/// Six hours in milliseconds.
const SKEW: i64 = 6 * 60 * 60 * 1000;

mod posts {
    use super::*;

    #[test]
    fn what_is_made_is_read() {
        let content = Content::text("hello");
        let data = seal_post(&content, TIME, None).unwrap();
        assert_eq!(data.len() % 160, 0);
        let post = open_post(&data, TIME, TIME).unwrap();
        assert_eq!(post.content, content);
        assert_eq!(post.sent_at, TIME);
        assert!(post.is_time_signed);
        assert_eq!(post.pro, None);
    }

    #[test]
    fn the_time_lies_within_six_hours_of_posting() {
        let data = seal_post(&Content::text("x"), TIME, None).unwrap();
        for posted in [shifted(-SKEW), shifted(SKEW)] {
            assert!(open_post(&data, posted, TIME).is_ok());
        }
        for posted in [
            shifted(-SKEW - 1),
            shifted(SKEW + 1),
            UnixMillis::EPOCH,
            UnixMillis::MAX,
        ] {
            assert_eq!(
                open_post(&data, posted, TIME),
                Err(OpenError::PostingTime {
                    posted,
                    content: TIME
                })
            );
        }
    }

    #[test]
    fn kinds_without_a_meaning_are_refused() {
        let reaction = Kind::Reaction(Reaction {
            sent_at: UnixMillis::new(1),
            author: AnyId::from_bytes([5; 33]),
            emoji: "x".into(),
            is_removal: false,
        });
        for kind in [reaction, Kind::Typing(Typing::STARTED)] {
            let content = Content::from(kind);
            let kind = content.kind.name();
            assert_eq!(
                seal_post(&content, TIME, None),
                Err(SealError::NotHere { kind })
            );
            let mut data = content.encode(TIME, None).unwrap();
            padding::pad(&mut data);
            assert_eq!(
                open_post(&data, TIME, TIME),
                Err(OpenError::NotHere { kind })
            );
        }
        let mut content = Content::text("x");
        content.sync_target = Some(AnyId::from_bytes([5; 33]));
        let refused = AuthorError::SyncTarget;
        assert_eq!(seal_post(&content, TIME, None), Err(refused.into()));
        let mut data = content.encode(TIME, None).unwrap();
        padding::pad(&mut data);
        assert_eq!(open_post(&data, TIME, TIME), Err(refused.into()));
    }

    #[test]
    fn an_envelope_of_a_later_generation_is_read() {
        let (rotating, proof) = (rotating(), proof(TIME.as_secs()));
        let signer = || signer(proof, PROFILE_FEATURE_BADGE);
        let signed_inside = seal_post(&Content::text("x"), TIME, Some(signer())).unwrap();
        let unsigned =
            content::without_community_signature(padding::unpad(&signed_inside).unwrap());
        let mut padded = unsigned.unwrap();
        padding::pad(&mut padded);
        let signature = rotating.sign(&padded);
        let kind = EnvelopeKind::Session;
        let envelope = Envelope::new(kind, TIME, &padded, &signature);
        let post = open_post(&envelope.encode(), TIME, TIME).unwrap();
        assert_eq!(post.pro.unwrap().status(&backend()), Status::Valid);

        // Its source is raw bytes here.
        let with = |source| {
            let envelope = Envelope { source, ..envelope };
            open_post(&envelope.encode(), TIME, TIME)
        };
        assert!(with(Some(&[5; 33])).is_ok());
        assert_eq!(with(Some(b"")), Err(OpenError::Source));
        assert_eq!(with(Some(&[b'a'; 66])), Err(OpenError::Source));

        let twice = Envelope::new(kind, TIME, &signed_inside, &signature);
        assert_eq!(
            open_post(&twice.encode(), TIME, TIME),
            Err(OpenError::TwoProSignatures)
        );
    }

    #[test]
    fn a_pro_signature_is_checked_over_the_bytes_as_they_came() {
        let (rotating, proof) = (rotating(), proof(TIME.as_secs()));
        let signer = || signer(proof, PROFILE_FEATURE_BADGE);
        let data = seal_post(&Content::text("hello"), TIME, Some(signer())).unwrap();
        let content = padding::unpad(&data).unwrap();
        let unsigned = content::without_community_signature(content).unwrap();

        // A sender that writes a field this schema does not know, and signs it.
        let mut newer = unsigned;
        newer.extend([0xe2, 0x12, 1, b'?']);
        let mut padded = newer.clone();
        padding::pad(&mut padded);
        let signature = rotating.sign(&padded);
        let sealed = |signature: &[u8]| {
            let mut data = newer.clone();
            data.extend([0x8a, 0x01, u8::try_from(signature.len()).unwrap()]);
            data.extend(signature);
            padding::pad(&mut data);
            data
        };
        let post = open_post(&sealed(signature.as_bytes()), TIME, TIME).unwrap();
        assert_eq!(post.pro.unwrap().status(&backend()), Status::Valid);

        // Over other bytes: delivered, but not as Pro.
        let post = open_post(&sealed(&[1; 64]), TIME, TIME).unwrap();
        assert_eq!(
            post.pro.unwrap().status(&backend()),
            Status::InvalidSignature
        );
        assert_eq!(
            open_post(&sealed(&[1; 63]), TIME, TIME),
            Err(OpenError::ProSignatureLength { got: 63 })
        );
    }

    #[test]
    fn the_clock_of_the_reader_decides_whether_a_proof_holds() {
        let proof = proof(TIME.as_secs());
        let signer = || signer(proof, PROFILE_FEATURE_BADGE);
        let data = seal_post(&Content::text("hello"), TIME, Some(signer())).unwrap();
        let status = |now| {
            let post = open_post(&data, TIME, now).unwrap();
            post.pro.unwrap().status(&backend())
        };
        assert_eq!(status(shifted(999)), Status::Valid);
        assert_eq!(status(shifted(1000)), Status::Expired);
    }
}

mod pro {
    use super::*;

    #[test]
    fn one_to_one_the_ciphertext_is_signed() {
        let (alice, bob) = (account(1), account(2));
        let (rotating, proof) = (rotating(), proof(TIME.as_secs()));
        let signer = || signer(proof, 0);
        let content = Content::text("a".repeat(10_000));
        let sealed = Sealer::new(&alice)
            .with_pro(signer())
            .seal_direct(&mut rng(), bob.id(), &content, TIME)
            .unwrap();
        let opened = Opener::new(&bob).open_direct(&sealed.data).unwrap();
        let claim = opened.pro.unwrap();
        assert_eq!(claim.message_features, MESSAGE_FEATURE_LONG_TEXT);
        assert_eq!(claim.profile_features, 0);
        assert_eq!(claim.proof, Some(proof));
        assert_eq!(claim.status(&backend()), Status::Valid);
        let envelope = Envelope::parse(envelope::unwrap(&sealed.data).unwrap()).unwrap();
        let signature = Ed25519Signature::try_from(envelope.pro_signature.unwrap()).unwrap();
        let ciphertext = envelope.content.unwrap();
        assert!(rotating.public().verify(ciphertext, &signature).is_ok());

        // A signature of another message.
        let swapped = Envelope {
            pro_signature: Some(&[1; 64]),
            ..envelope
        };
        let opened = Opener::new(&bob)
            .open_direct(&envelope::wrap(&swapped.encode()))
            .unwrap();
        let status = opened.pro.unwrap().status(&backend());
        assert_eq!(status, Status::InvalidSignature);
        // None at all: an old client, not Pro.
        let unsigned = Envelope {
            pro_signature: None,
            ..envelope
        };
        let opened = Opener::new(&bob)
            .open_direct(&envelope::wrap(&unsigned.encode()))
            .unwrap();
        assert_eq!(opened.pro, None);

        let sealer = Sealer::new(&alice).with_pro(signer());
        let copy = sealer.seal_copy(&mut rng(), bob.id(), &content, TIME);
        let opened = Opener::new(&alice)
            .open_direct(&copy.unwrap().data)
            .unwrap();
        assert_eq!(opened.pro.unwrap().status(&backend()), Status::Valid);
    }

    #[test]
    fn in_groups_the_plain_content_is_signed() {
        let alice = account(1);
        let id = GroupId::from_ed25519(&Ed25519Secret::from_seed(&[7; 32]).public());
        let key = SymmetricKey::from_bytes([9; 32]);
        let (rotating, proof) = (rotating(), proof(TIME.as_secs() - 1));
        let signer = || signer(proof, PROFILE_FEATURE_BADGE);
        let content = Content::text("x");
        let sealed = Sealer::new(&alice)
            .with_pro(signer())
            .seal_group(&mut rng(), &id, &key, &content, TIME)
            .unwrap();
        let opened = Opener::new(account(2))
            .open_group(&id, [&key], &sealed.data)
            .unwrap();
        let claim = opened.pro.unwrap();
        assert_eq!(claim.profile_features, PROFILE_FEATURE_BADGE);
        assert_eq!(claim.status(&backend()), Status::Expired);
        assert_eq!(claim.status(&rotating.public()), Status::InvalidProof);
    }

    #[test]
    fn nothing_is_said_where_no_feature_is_used() {
        let (alice, bob) = (account(1), account(2));
        let proof = proof(TIME.as_secs());
        let signer = || signer(proof, 0);
        let content = Content::text("short");
        let sealed = Sealer::new(&alice)
            .with_pro(signer())
            .seal_direct(&mut rng(), bob.id(), &content, TIME)
            .unwrap();
        assert_eq!(
            Opener::new(&bob).open_direct(&sealed.data).unwrap().pro,
            None
        );
        let long = Content::text("a".repeat(10_001));
        assert_eq!(
            Sealer::new(&alice)
                .with_pro(signer())
                .seal_direct(&mut rng(), bob.id(), &long, TIME),
            Err(SealError::TextTooLong {
                max: 10_000,
                got: 10_001
            })
        );
    }

    #[test]
    fn a_proof_is_for_its_key() {
        let proof = proof(1);
        let other = Ed25519Secret::from_seed(&[9; 32]);
        assert_eq!(
            Signer::new(other, proof, 0).map(|_| ()),
            Err(SealError::ProKey)
        );
    }

    /// A post with what it says about Pro, and a signature that is not checked.
    fn open_with(pro: wire::ProMessage, time: Option<u64>) -> Result<Option<Status>, OpenError> {
        let mut message = wire::DataMessage::default();
        message.body = Some("x".into());
        let content = wire::Content {
            data_message: Some(message),
            sig_timestamp: time,
            pro_message: Some(pro),
            pro_sig_for_community_message_only: Some(vec![1; 64]),
            ..wire::Content::default()
        };
        let mut data = prost::Message::encode_to_vec(&content);
        padding::pad(&mut data);
        let post = open_post(&data, TIME, TIME)?;
        Ok(post.pro.map(|claim| claim.status(&backend())))
    }

    fn whole() -> wire::ProProof {
        wire::ProProof {
            revocation_tag: Some(vec![1; 32]),
            rotating_public_key: Some(vec![1; 32]),
            expiry_unix_ts: Some(1),
            sig: Some(vec![1; 64]),
        }
    }

    #[test]
    fn parts_of_a_proof_are_all_there_or_it_is_refused() {
        let open = |proof: wire::ProProof| {
            let message = wire::ProMessage {
                proof: Some(proof),
                ..wire::ProMessage::default()
            };
            open_with(message, Some(TIME.get()))
        };
        assert_eq!(open(whole()), Ok(Some(Status::InvalidProof)));
        let refused = |change: &dyn Fn(&mut wire::ProProof), field| {
            let mut proof = whole();
            change(&mut proof);
            assert_eq!(open(proof), Err(OpenError::ProProof { field }));
        };
        refused(&|proof| proof.revocation_tag = None, "revocationTag");
        refused(
            &|proof| proof.revocation_tag = Some(vec![1; 31]),
            "revocationTag",
        );
        refused(
            &|proof| proof.rotating_public_key = None,
            "rotatingPublicKey",
        );
        refused(&|proof| proof.expiry_unix_ts = None, "expiryUnixTs");
        refused(&|proof| proof.sig = Some(vec![1; 65]), "sig");
    }

    #[test]
    fn a_message_without_a_proof_is_delivered_as_not_pro() {
        let none = wire::ProMessage::default();
        assert_eq!(open_with(none, Some(TIME.get())), Ok(Some(Status::NoProof)));
    }

    #[test]
    fn a_pro_message_must_say_when_it_was_sent() {
        for time in [None, Some(0)] {
            let message = wire::ProMessage {
                proof: Some(whole()),
                ..wire::ProMessage::default()
            };
            assert_eq!(open_with(message, time), Err(OpenError::ProTime));
        }
    }
}

mod inboxes {
    use super::*;

    fn server() -> X25519Public {
        Ed25519Secret::from_seed(&[0x33; 32]).to_x25519().public()
    }

    #[test]
    fn both_sides_open_it() {
        for blinding in [Blinding::Blind15, Blinding::Blind25] {
            let (alice, bob) = (account(1), account(2));
            let alice_blinded = alice.blinded(blinding, &server()).unwrap();
            let bob_blinded = bob.blinded(blinding, &server()).unwrap();
            let (from, to) = (AnyId::from(&alice_blinded), AnyId::from(&bob_blinded));
            let content = Content::text("hello");
            let data = Sealer::new(&alice)
                .seal_inbox(&mut rng(), &alice_blinded, &to, &content, TIME)
                .unwrap();
            let metadata = Metadata {
                sender: &from,
                recipient: &to,
                posted_at: shifted(5),
            };
            for own in [&alice_blinded, &bob_blinded] {
                let opened = Opener::new(account(2))
                    .open_inbox(own, &metadata, &data, TIME)
                    .unwrap();
                assert_eq!(opened.sender, *alice.id());
                assert_eq!(opened.sender_ed25519, alice.ed25519_public());
                assert_eq!(opened.content, content);
                assert_eq!(opened.sent_at, TIME);
                let peer = if own.public() == alice_blinded.public() {
                    to
                } else {
                    from
                };
                assert_eq!(opened.conversation.as_bytes(), peer.as_bytes());
            }
            let other = account(3).blinded(blinding, &server()).unwrap();
            assert!(matches!(
                Opener::new(account(2)).open_inbox(&other, &metadata, &data, TIME),
                Err(OpenError::Decrypt(_))
            ));
            // The server names somebody else as the sender.
            let other = AnyId::from(&other);
            let forged = Metadata {
                sender: &other,
                ..metadata
            };
            assert!(matches!(
                Opener::new(account(2)).open_inbox(&bob_blinded, &forged, &data, TIME),
                Err(OpenError::Decrypt(_))
            ));
            let late = Metadata {
                posted_at: shifted(SKEW + 1),
                ..metadata
            };
            assert!(matches!(
                Opener::new(account(2)).open_inbox(&bob_blinded, &late, &data, TIME),
                Err(OpenError::PostingTime { .. })
            ));
        }
    }

    #[test]
    fn ids_of_another_kind_are_refused() {
        let alice = account(1).blinded(Blinding::Blind15, &server()).unwrap();
        let bob = account(2).blinded(Blinding::Blind25, &server()).unwrap();
        for recipient in [AnyId::from(&bob), AnyId::from(*account(2).id())] {
            let content = Content::text("x");
            assert_eq!(
                Sealer::new(account(1)).seal_inbox(&mut rng(), &alice, &recipient, &content, TIME),
                Err(SealError::Prefix {
                    expected: 0x15,
                    got: recipient.prefix()
                })
            );
        }
    }

    #[test]
    fn the_blinded_key_is_that_of_the_account() {
        let [alice, bob] =
            [1, 2].map(|byte| account(byte).blinded(Blinding::Blind25, &server()).unwrap());
        let sealer = Sealer::new(account(3));
        let (to, content) = (AnyId::from(&bob), Content::text("x"));
        let sealed = sealer.seal_inbox(&mut rng(), &alice, &to, &content, TIME);
        assert_eq!(sealed, Err(SealError::OtherAccount));
    }

    #[test]
    fn only_the_author_can_unsend() {
        let alice = account(1).blinded(Blinding::Blind15, &server()).unwrap();
        let bob = account(2).blinded(Blinding::Blind15, &server()).unwrap();
        let (from, to) = (AnyId::from(&alice), AnyId::from(&bob));
        let metadata = Metadata {
            sender: &from,
            recipient: &to,
            posted_at: TIME,
        };
        let open = |author: [u8; 33]| {
            let unsend = Kind::Unsend(Unsend {
                sent_at: UnixMillis::new(1),
                author: AnyId::from_bytes(author),
            });
            let content = Content::from(unsend);
            let sealed = Sealer::new(account(1))
                .seal_inbox(&mut rng(), &alice, &to, &content, TIME)
                .map(|_| ());
            let opened = Opener::new(account(2)).open_inbox(
                &bob,
                &metadata,
                &unchecked(&alice, &bob, &content),
                TIME,
            );
            (sealed, opened.map(|_| ()))
        };
        assert_eq!(open(from.to_bytes()), (Ok(()), Ok(())));
        assert_eq!(open(account(1).id().to_bytes()), (Ok(()), Ok(())));
        let refused = AuthorError::Unsend;
        assert_eq!(
            open(to.to_bytes()),
            (Err(refused.into()), Err(refused.into()))
        );
    }

    #[test]
    fn sync_copies_go_to_oneself_only() {
        let [alice, bob] =
            [1, 2].map(|byte| account(byte).blinded(Blinding::Blind25, &server()).unwrap());
        let mut content = Content::text("x");
        content.sync_target = Some(AnyId::from_bytes(account(3).id().to_bytes()));
        let refused = AuthorError::SyncTarget;
        for (to, result) in [(&bob, Err(refused)), (&alice, Ok(()))] {
            let (from, id) = (AnyId::from(&alice), AnyId::from(to));
            let sealed =
                Sealer::new(account(1)).seal_inbox(&mut rng(), &alice, &id, &content, TIME);
            assert_eq!(sealed.map(|_| ()), result.map_err(SealError::from));
            let metadata = Metadata {
                sender: &from,
                recipient: &id,
                posted_at: TIME,
            };
            let opened = Opener::new(account(2)).open_inbox(
                to,
                &metadata,
                &unchecked(&alice, to, &content),
                TIME,
            );
            assert_eq!(opened.map(|_| ()), result.map_err(OpenError::from));
        }
    }

    /// A message past the checks of sealing.
    fn unchecked(from: &BlindedSecret, to: &BlindedSecret, content: &Content) -> Vec<u8> {
        let mut plain = content.encode(TIME, None).unwrap();
        padding::pad(&mut plain);
        session_crypto::inbox::seal(&mut rng(), from, &to.public(), &plain).unwrap()
    }
}

mod notifications {
    use super::*;

    const HASH: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn notification() -> Notification<'static> {
        Notification {
            id: AnyId::from_bytes(account(1).id().to_bytes()),
            hash: HASH.parse().unwrap(),
            namespace: Namespace::REVOKED_GROUP_MESSAGES,
            stored_at: UnixMillis::new(1),
            expires_at: UnixMillis::new(2),
            data: Some(b"data"),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for data in [None, Some(&b""[..]), Some(b"data")] {
            let notification = Notification {
                data,
                ..notification()
            };
            let bytes = notification.encode();
            assert_eq!(Notification::parse(&bytes), Ok(notification));
        }
        let bytes = notification().encode();
        assert!(bytes.starts_with(b"d1:@33:\x05"));
        assert!(bytes.ends_with(
            b"1:h43:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1:ni-11e1:ti1e1:zi2e1:~4:datae"
        ));
    }

    #[test]
    fn what_is_no_notification_is_refused() {
        for bytes in [
            &b"de"[..],
            b"d1:@3:abc1:h1:x1:ni0e1:ti0e1:zi0ee",
            b"",
            &b"l".repeat(1_000_000),
        ] {
            assert!(Notification::parse(bytes).is_err());
        }
        let good = notification().encode();
        let text = String::from_utf8_lossy(&good);
        assert!(text.contains("1:ni-11e"));
        let replace = |from: &[u8], to: &[u8]| {
            let at = good.windows(from.len()).position(|part| part == from);
            let mut bytes = good.clone();
            bytes.splice(at.unwrap()..at.unwrap() + from.len(), to.iter().copied());
            Notification::parse(&bytes).map(|_| ())
        };
        assert!(replace(b"i-11e", b"i32767e").is_ok());
        assert!(replace(b"i-11e", b"i32768e").is_err());
        assert!(replace(b"43:A", b"43:\xff").is_err());
        assert!(replace(b"43:AA", b"42:A").is_err());
        assert!(replace(b"ti1e", b"ti-1e").is_err());
        assert!(replace(b"d1:@33:\x05", b"d1:@33:\xee").is_err());
    }
}
