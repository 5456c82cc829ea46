//! Encoding and decoding returns the same content.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use session_proto::content::{
    Attachment, AttachmentKey, Call, CallStep, DataExtraction, DataExtractionKind, DeleteContent,
    Ed25519Signature, FileKey, IceCandidate, InfoChange, Invitation, Invite, LegacyFileKey,
    MemberAuthData, MemberChange, MemberChangeKind, Message, Picture, Preview, Quote, Reaction,
    ReadReceipt, Unsend,
};

use super::*;

fn text() -> impl Strategy<Value = String> {
    "\\PC{1,20}"
}

fn any_id() -> impl Strategy<Value = AnyId> {
    any::<([u8; 32], bool)>().prop_map(|(key, is_group)| {
        let mut bytes = [if is_group { 3 } else { 5 }; 33];
        bytes[1..].copy_from_slice(&key);
        AnyId::from_bytes(bytes)
    })
}

fn account() -> impl Strategy<Value = AnyId> {
    any_id().prop_map(|id| {
        let mut bytes = *id.as_bytes();
        bytes[0] = 5;
        AnyId::from_bytes(bytes)
    })
}

fn signature() -> impl Strategy<Value = Ed25519Signature> {
    any::<[[u8; 32]; 2]>().prop_map(|[r, s]| Ed25519Signature::from_parts(&r, &s))
}

fn attachment_key() -> impl Strategy<Value = AttachmentKey> {
    any::<([[u8; 32]; 2], bool)>().prop_map(|(halves, is_legacy)| {
        if is_legacy {
            let key = LegacyFileKey::try_from(halves.concat().as_slice());
            AttachmentKey::from(key.unwrap())
        } else {
            AttachmentKey::from(FileKey::from_bytes(&halves[0]))
        }
    })
}

fn auth_data() -> impl Strategy<Value = MemberAuthData> {
    vec(any::<u8>(), 100).prop_map(|bytes| MemberAuthData::try_from(bytes.as_slice()).unwrap())
}

fn time() -> impl Strategy<Value = UnixMillis> {
    any::<u64>().prop_map(UnixMillis::new)
}

fn attachment() -> impl Strategy<Value = Attachment> {
    (
        (text(), of(attachment_key()), of(vec(any::<u8>(), 32))),
        (any::<Option<u32>>(), of(text()), of(text()), of(text())),
        any::<(Option<u32>, Option<u32>, bool)>(),
    )
        .prop_map(
            |((url, key, digest), (size, content_type, file_name, caption), rest)| Attachment {
                url,
                key,
                digest,
                size,
                content_type,
                file_name,
                caption,
                width: rest.0,
                height: rest.1,
                is_voice_message: rest.2,
            },
        )
}

fn message() -> impl Strategy<Value = Message> {
    (
        text(),
        vec(attachment(), 0..4),
        of((time(), any_id())),
        of((0..1000_u32, of(text()), of(attachment()))),
    )
        .prop_map(|(mut text, attachments, quote, preview)| {
            let previews = preview.map(|(page, title, image)| {
                let url = format!("https://a.example/{page}");
                text.push_str(&url);
                Preview { url, title, image }
            });
            Message {
                text,
                attachments,
                quote: quote.map(|(sent_at, author)| Quote { sent_at, author }),
                previews: previews.into_iter().collect(),
            }
        })
}

fn group_update() -> impl Strategy<Value = GroupUpdate> {
    let group = any_id().prop_map(|id| {
        let mut bytes = *id.as_bytes();
        bytes[0] = 3;
        AnyId::from_bytes(bytes)
    });
    let info = prop_oneof![
        text().prop_map(InfoChange::Name),
        Just(InfoChange::Picture),
        any::<u32>().prop_map(InfoChange::Expiration),
    ];
    let member = prop_oneof![
        Just(MemberChangeKind::Added),
        Just(MemberChangeKind::Removed),
        Just(MemberChangeKind::Promoted),
    ];
    prop_oneof![
        (group, text(), auth_data(), signature()).prop_map(
            |(group, name, auth_data, admin_signature)| GroupUpdate::Invite(Invite {
                group,
                name,
                auth_data,
                admin_signature
            })
        ),
        (any::<[u8; 32]>(), text()).prop_map(|(seed, name)| GroupUpdate::Promote {
            seed: GroupSeed::from_bytes(&seed),
            name,
        }),
        (info, signature()).prop_map(|(change, admin_signature)| GroupUpdate::InfoChange {
            change,
            admin_signature
        }),
        (
            member,
            vec(account(), 0..5),
            any::<Option<bool>>(),
            signature()
        )
            .prop_map(|(kind, members, history_shared, admin_signature)| {
                GroupUpdate::MemberChange(MemberChange {
                    kind,
                    members,
                    history_shared,
                    admin_signature,
                })
            }),
        Just(GroupUpdate::MemberLeft),
        Just(GroupUpdate::MemberLeftNotification),
        Just(GroupUpdate::InviteResponse),
        (vec(account(), 1..5), vec(text(), 0..5), of(signature())).prop_map(
            |(members, hashes, admin_signature)| GroupUpdate::DeleteContent(DeleteContent {
                members,
                hashes,
                admin_signature
            })
        ),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    let sdps = || vec(text(), 1..4);
    let candidate =
        (text(), any::<u32>(), text()).prop_map(|(sdp, line_index, line_id)| IceCandidate {
            sdp,
            line_index,
            line_id,
        });
    let step = prop_oneof![
        Just(CallStep::PreOffer),
        sdps().prop_map(CallStep::Offer),
        sdps().prop_map(CallStep::Answer),
        sdps().prop_map(CallStep::ProvisionalAnswer),
        vec(candidate, 1..4).prop_map(CallStep::IceCandidates),
        Just(CallStep::EndCall),
    ];
    ("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", step)
        .prop_map(|(uuid, step)| Call { uuid, step })
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        message().prop_map(Kind::Message),
        (time(), any_id(), text(), any::<bool>()).prop_map(
            |(sent_at, author, emoji, is_removal)| Kind::Reaction(Reaction {
                sent_at,
                author,
                emoji,
                is_removal
            })
        ),
        (text(), text()).prop_map(|(url, name)| Kind::Invitation(Invitation { url, name })),
        Just(Kind::ExpirationUpdate),
        group_update().prop_map(Kind::Group),
        call().prop_map(Kind::Call),
        vec(time(), 0..9).prop_map(|sent_at| Kind::ReadReceipt(ReadReceipt { sent_at })),
        any::<bool>().prop_map(|is_stopped| Kind::Typing(Typing {
            sent_at: TIME,
            is_stopped
        })),
        (any::<bool>(), of(time())).prop_map(|(saved, sent_at)| Kind::DataExtraction(
            DataExtraction {
                kind: if saved {
                    DataExtractionKind::MediaSaved
                } else {
                    DataExtractionKind::Screenshot
                },
                sent_at
            }
        )),
        (1..u64::MAX, account()).prop_map(|(sent_at, author)| Kind::Unsend(Unsend {
            sent_at: UnixMillis::new(sent_at),
            author
        })),
        Just(Kind::RequestAccepted),
    ]
}

fn profile() -> impl Strategy<Value = Profile> {
    let picture = (text(), any::<[u8; 32]>()).prop_filter_map("local key", |(url, key)| {
        let key = PictureKey::from_bytes(&key);
        (!url.contains("e=")).then_some(Picture { url, key })
    });
    (of(text()), of(picture), any::<u64>()).prop_map(|(name, picture, updated_seconds)| Profile {
        name,
        picture,
        updated_seconds,
    })
}

prop_compose! {
    fn content()(
        kind in kind(),
        profile in of(profile()),
        sync_target in of(any_id()),
        expiration in of((any::<bool>(), any::<u32>())),
        blocks in any::<Option<bool>>(),
    ) -> Content {
        let is_data = kind.is_data_message();
        let mut content = Content::from(kind);
        if is_data {
            content.profile = profile;
            content.sync_target = sync_target;
            content.blocks_community_requests = blocks;
        } else if content.kind == Kind::RequestAccepted {
            content.profile = profile;
        }
        if content.kind.can_expire() {
            content.expiration = expiration.map(|(read, seconds)| {
                if read || matches!(content.kind, Kind::DataExtraction(_)) {
                    Expiration::after_read(seconds)
                } else {
                    Expiration::after_send(seconds)
                }
            });
        }
        if content.kind == Kind::ExpirationUpdate {
            content.expiration.get_or_insert(Expiration::OFF);
        }
        content
    }
}

proptest! {
    #[test]
    fn every_kind_reads_back(content in content(), sent_at in Just(TIME)) {
        let bytes = content.encode(sent_at, None).unwrap();
        let decoded = decode(&bytes).unwrap();
        prop_assert_eq!(&decoded.content, &content);
        prop_assert_eq!(decoded.sent_at, Some(sent_at));
        prop_assert_eq!(decoded.pro, None);
        prop_assert_eq!(without_community_signature(&bytes).unwrap(), bytes);
    }

    #[test]
    fn flipped_bytes_do_no_harm(
        content in content(),
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let mut bytes = content.encode(TIME, None).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = value;
        let _ = decode(&bytes);
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }
}
