//! Content: round trips of every kind, and one test for each refused input.
#![cfg(feature = "protobuf")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::field_reassign_with_default,
    clippy::string_slice,
    missing_docs
)]

use prost::Message as _;
use session_proto::content::{
    Call, CallStep, Content, ContentError, Expiration, ExpirationMode, GroupUpdate, Id, Kind,
    Picture, Profile, Secret, Typing, decode, without_community_signature,
};
use session_proto::limits::{MAX_CONTENT, MAX_RECEIPTS};
use session_proto::schema::session as wire;
use session_proto::wire::WireError;

const TIME: u64 = 1_754_971_101_000;

fn id(prefix: u8) -> Id {
    let mut bytes = [0xab; 33];
    bytes[0] = prefix;
    Id::from_bytes(bytes)
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

mod rejected {
    use super::*;

    #[test]
    fn nothing_at_all() {
        assert_eq!(decode(b""), Err(ContentError::Empty));
        assert_eq!(
            refused(&data(wire::DataMessage::default())),
            ContentError::Empty
        );
        // Present and empty is empty.
        assert_eq!(refused(&data(with_body(""))), ContentError::Empty);
        // A profile alone is nothing to show.
        let mut only_profile = wire::DataMessage::default();
        only_profile.profile = Some(wire::LokiProfile::default());
        assert_eq!(refused(&data(only_profile)), ContentError::Empty);
        // A config is none of the kinds.
        let config = wire::Content {
            shared_config_message: Some(wire::SharedConfigMessage::default()),
            ..wire::Content::default()
        };
        assert_eq!(refused(&config), ContentError::Empty);
        assert_eq!(
            refused(&group(wire::GroupUpdateMessage::default())),
            ContentError::Empty
        );
    }

    #[test]
    fn two_kinds_at_once() {
        let mut content = data(with_body("text"));
        content.typing_message = Some(wire::TypingMessage::default());
        assert_eq!(refused(&content), ContentError::TwoKinds);

        let mut message = with_body("text");
        message.group_update_message = Some(wire::GroupUpdateMessage::default());
        assert_eq!(refused(&data(message)), ContentError::TwoKinds);

        let update = wire::GroupUpdateMessage {
            member_left_message: Some(wire::GroupUpdateMemberLeftMessage {}),
            member_left_notification_message: Some(
                wire::GroupUpdateMemberLeftNotificationMessage {},
            ),
            ..wire::GroupUpdateMessage::default()
        };
        assert_eq!(refused(&group(update)), ContentError::TwoKinds);
    }

    #[test]
    fn required_fields_that_are_missing() {
        let missing = |bytes: &[u8], name| {
            let error = ContentError::Wire(WireError::Missing { field: name });
            assert_eq!(decode(bytes), Err(error));
        };
        missing(&field(6, &[]), "timestamp");
        missing(&field(6, &[0x08, 1]), "action");
        missing(&field(5, &[]), "type");
        missing(&field(3, &[0x08, 1]), "uuid");
        missing(&field(9, &[0x08, 1]), "author");
        missing(&field(10, &[]), "isApproved");
        missing(&field(8, &[]), "type");
        // An attachment without its deprecated id, inside of a data message.
        missing(&field(1, &field(2, &[])), "id");
        missing(&field(1, &field(8, &[])), "id");
        missing(&field(1, &field(120, &field(1, &[]))), "groupSessionId");
    }

    #[test]
    fn a_required_field_with_zero_is_there() {
        let typing = decode(&field(6, &[0x08, 0, 0x10, 0])).unwrap();
        assert_eq!(typing.content.kind, Kind::Typing(Typing::STARTED));
    }

    #[test]
    fn values_that_the_schema_does_not_know() {
        let unknown = |bytes: &[u8], name| {
            assert_eq!(
                decode(bytes),
                Err(ContentError::UnknownValue { field: name })
            );
        };
        unknown(&field(6, &[0x08, 1, 0x10, 2]), "action");
        unknown(&field(5, &[0x08, 2]), "type");
        unknown(&field(8, &[0x08, 0]), "type");
        let call = wire::CallMessage {
            r#type: 7,
            uuid: "a".into(),
            ..wire::CallMessage::default()
        };
        unknown(&field(3, &call.encode_to_vec()), "type");
    }

    #[test]
    fn wrong_wire_types() {
        // A text as a number, a message as a number, a number as text.
        for bytes in [&field(1, &[0x08, 1])[..], &[0x08, 1], &field(15, b"1")] {
            assert!(matches!(
                decode(bytes),
                Err(ContentError::Wire(WireError::FieldType { .. }))
            ));
        }
        // A group, which protobuf parsers follow with recursion.
        let groups = [0x2b_u8].repeat(100_000);
        assert!(matches!(
            decode(&groups),
            Err(ContentError::Wire(WireError::WireType { wire_type: 3, .. }))
        ));
    }

    #[test]
    fn cut_messages() {
        let mut content = Content::text("hello").with_profile(Profile::named("Al"));
        content.sync_target = Some(id(5));
        let bytes = content.encode(TIME, None).unwrap();
        let text_only = decode(&bytes).unwrap().content;
        for cut in 0..bytes.len() {
            if let Ok(decoded) = decode(&bytes[..cut]) {
                // Only at the end of a field, and then the message is whole.
                assert_eq!(decoded.content.kind, text_only.kind);
            }
        }
        assert_eq!(
            decode(&[0x78, 0x80]),
            Err(ContentError::Wire(WireError::Truncated))
        );
        let long_varint = [&[0x78][..], &[0xff; 10]].concat();
        assert_eq!(
            decode(&long_varint),
            Err(ContentError::Wire(WireError::Varint))
        );
    }

    #[test]
    fn fields_that_come_twice() {
        let once = field(1, &field(1, b"hello"));
        let twice = [once.as_slice(), &once].concat();
        assert_eq!(
            decode(&twice),
            Err(ContentError::Wire(WireError::Repeated {
                field: "dataMessage"
            }))
        );
    }

    #[test]
    fn too_many_of_a_repeated_field() {
        let attachment = field(2, &[0x09, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert!(decode(&field(1, &attachment.repeat(32))).is_ok());
        assert_eq!(
            decode(&field(1, &attachment.repeat(33))),
            Err(ContentError::Wire(WireError::TooMany {
                field: "attachments",
                max: 32
            }))
        );
        // Numbers one by one, and packed.
        for numbers in [
            [0x10, 1].repeat(MAX_RECEIPTS + 1),
            field(2, &[1].repeat(MAX_RECEIPTS + 1)),
        ] {
            let receipt = field(5, &[&[0x08, 1][..], &numbers].concat());
            assert!(matches!(
                decode(&receipt),
                Err(ContentError::Wire(WireError::TooMany { .. }))
            ));
        }
        // Ids of two bytes each, which would take 24 in memory.
        let change = [&[0x08, 1][..], &[0x12, 0].repeat(400_000)].concat();
        assert!(matches!(
            decode(&field(1, &field(120, &field(3, &change)))),
            Err(ContentError::Wire(WireError::TooMany { .. }))
        ));
    }

    #[test]
    fn ten_megabytes_of_repeated_fields() {
        let bytes = field(1, &[0x12, 0].repeat(5_000_000));
        assert_eq!(
            decode(&bytes),
            Err(ContentError::Wire(WireError::TooLong {
                max: MAX_CONTENT,
                got: bytes.len()
            }))
        );
    }

    #[test]
    fn unknown_flags() {
        for flags in [1, 3, 4, u32::MAX] {
            let mut message = with_body("text");
            message.flags = Some(flags);
            assert_eq!(refused(&data(message)), ContentError::Flags { flags });
        }
        let mut message = with_body("text");
        message.flags = Some(0);
        assert_eq!(read(&data(message)), Content::text("text"));
    }

    #[test]
    fn ids_in_other_forms() {
        let good = id(5).to_string();
        for bad in [
            "",
            "05",
            &good[1..],
            &format!("{good}0"),
            &format!("0x{}", &good[2..]),
        ] {
            let mut content = wire::Content::default();
            content.unsend_request = Some(wire::UnsendRequest {
                timestamp: 1,
                author: bad.to_owned(),
            });
            let error = ContentError::Id { field: "author" };
            assert_eq!(refused(&content), error, "{bad}");
        }
        let mut message = with_body("x");
        message.sync_target = Some("abc".into());
        let error = ContentError::Id {
            field: "syncTarget",
        };
        assert_eq!(refused(&data(message)), error);
    }

    #[test]
    fn ids_in_upper_case_where_a_signature_covers_the_text() {
        let delete = |id: String| {
            let delete = wire::GroupUpdateDeleteMemberContentMessage {
                member_session_ids: vec![id],
                ..wire::GroupUpdateDeleteMemberContentMessage::default()
            };
            let mut update = wire::GroupUpdateMessage::default();
            update.delete_member_content = Some(delete);
            decode(&group(update).encode_to_vec()).map(|decoded| decoded.content.kind.name())
        };
        let field = "memberSessionIds";
        assert_eq!(delete(id(5).to_string()), Ok("group update"));
        assert_eq!(
            delete(id(5).to_string().to_uppercase()),
            Err(ContentError::Id { field })
        );
        assert_eq!(delete(id(3).to_string()), Err(ContentError::Id { field }));
    }

    #[test]
    fn texts_that_are_not_utf8() {
        assert_eq!(
            decode(&field(1, &field(1, &[0xff]))),
            Err(ContentError::Malformed)
        );
    }

    #[test]
    fn lists_of_numbers_that_are_cut() {
        let call = |lines: &[u8]| {
            let call = [&[0x08, 4][..], &field(2, b"sdp"), &field(3, lines)].concat();
            decode(&field(3, &[call, field(4, b"0"), field(5, b"u")].concat())).map(|_| ())
        };
        assert_eq!(call(&[0x80, 1]), Ok(()));
        assert_eq!(call(&[1, 0x80]), Err(ContentError::Malformed));
    }

    #[test]
    fn a_preview_of_another_address_and_nothing_else() {
        let mut message = wire::DataMessage::default();
        message.preview = vec![wire::data_message::Preview {
            url: "https://a.example".into(),
            ..wire::data_message::Preview::default()
        }];
        assert_eq!(refused(&data(message)), ContentError::Empty);
    }

    #[test]
    fn lengths_of_keys_and_signatures() {
        let mut message = with_body("x");
        message.profile_key = Some(vec![1; 31]);
        assert_eq!(
            refused(&data(message)),
            ContentError::Length {
                field: "profileKey",
                expected: 32,
                got: 31
            }
        );
        let invite = wire::GroupUpdateInviteMessage {
            group_session_id: id(3).to_string(),
            name: "g".into(),
            member_auth_data: vec![1; 100],
            admin_signature: vec![1; 64],
        };
        let with = |change: &dyn Fn(&mut wire::GroupUpdateInviteMessage)| {
            let mut invite = invite.clone();
            change(&mut invite);
            decode(
                &group(wire::GroupUpdateMessage {
                    invite_message: Some(invite),
                    ..wire::GroupUpdateMessage::default()
                })
                .encode_to_vec(),
            )
        };
        assert!(with(&|_| {}).is_ok());
        assert!(with(&|invite| invite.member_auth_data.push(0)).is_err());
        assert!(with(&|invite| invite.admin_signature.truncate(63)).is_err());
        assert!(with(&|invite| invite.group_session_id = id(5).to_string()).is_err());
        let promote = group(wire::GroupUpdateMessage {
            promote_message: Some(wire::GroupUpdatePromoteMessage {
                group_identity_seed: vec![1; 64],
                name: "g".into(),
            }),
            ..wire::GroupUpdateMessage::default()
        });
        assert!(matches!(
            refused(&promote),
            ContentError::Length { got: 64, .. }
        ));
    }

    #[test]
    fn approvals_that_say_no() {
        let content = wire::Content {
            message_request_response: Some(wire::MessageRequestResponse::default()),
            ..wire::Content::default()
        };
        assert_eq!(refused(&content), ContentError::NotApproved);
        let update = wire::GroupUpdateMessage {
            invite_response: Some(wire::GroupUpdateInviteResponseMessage { is_approved: false }),
            ..wire::GroupUpdateMessage::default()
        };
        assert_eq!(refused(&group(update)), ContentError::NotApproved);
    }

    #[test]
    fn notices_that_say_nothing() {
        // A receipt of delivery.
        assert_eq!(
            decode(&field(5, &[0x08, 0])),
            Err(ContentError::ObsoleteReceipt)
        );
        let mut content = wire::Content::default();
        content.unsend_request = Some(wire::UnsendRequest {
            timestamp: 0,
            author: id(5).to_string(),
        });
        assert_eq!(
            refused(&content),
            ContentError::ZeroTimestamp { field: "timestamp" }
        );
        let invitation = wire::data_message::OpenGroupInvitation {
            url: String::new(),
            name: "room".into(),
        };
        let mut message = wire::DataMessage::default();
        message.open_group_invitation = Some(invitation);
        assert_eq!(
            refused(&data(message)),
            ContentError::EmptyText { field: "url" }
        );
        let delete = wire::GroupUpdateMessage {
            delete_member_content: Some(wire::GroupUpdateDeleteMemberContentMessage::default()),
            ..wire::GroupUpdateMessage::default()
        };
        assert_eq!(refused(&group(delete)), ContentError::Empty);
    }

    #[test]
    fn calls_without_what_they_need() {
        let call = |kind: Type, uuid: &str, sdps: usize, lines: usize| {
            let mut call = wire::CallMessage {
                uuid: uuid.into(),
                sdps: vec!["sdp".into(); sdps],
                sdp_m_line_indexes: vec![0; lines],
                sdp_mids: vec!["0".into(); lines],
                ..wire::CallMessage::default()
            };
            call.set_type(kind);
            decode(&field(3, &call.encode_to_vec()))
        };
        use wire::call_message::Type;
        assert!(call(Type::PreOffer, "u", 0, 0).is_ok());
        assert!(call(Type::IceCandidates, "u", 2, 2).is_ok());
        assert_eq!(
            call(Type::PreOffer, "", 0, 0),
            Err(ContentError::EmptyText { field: "uuid" })
        );
        assert_eq!(
            call(Type::Offer, "u", 0, 0),
            Err(ContentError::Missing { field: "sdps" })
        );
        assert_eq!(
            call(Type::IceCandidates, "u", 2, 1),
            Err(ContentError::ParallelLists)
        );
    }
}

mod lenient {
    use super::*;

    #[test]
    fn unknown_fields_and_another_order_are_read() {
        let mut bytes = vec![0x78];
        prost::encoding::encode_varint(TIME, &mut bytes);
        bytes.extend(field(200, b"what is this"));
        bytes.extend(field(1, &field(1, b"hello")));
        let decoded = decode(&bytes).unwrap();
        assert_eq!(decoded.content, Content::text("hello"));
        assert_eq!(decoded.sent_ms, Some(TIME));
    }

    #[test]
    fn ids_in_upper_case_are_read_and_written_in_lower_case() {
        let mut content = wire::Content::default();
        content.unsend_request = Some(wire::UnsendRequest {
            timestamp: 1,
            author: id(5).to_string().to_uppercase(),
        });
        let Kind::Unsend(unsend) = read(&content).kind else {
            panic!("another kind");
        };
        assert_eq!(unsend.author, id(5));
        let text = format!("05{}", "ab".repeat(32));
        assert_eq!(unsend.author.to_string(), text);
        // One digit of each kind; and one of a kind of id that is not known.
        let mixed = format!("0123456789abcdefABCDEF{}", "f".repeat(44));
        assert_eq!(mixed.parse::<Id>().unwrap().prefix(), 0x01);
        assert_eq!(
            mixed.parse::<Id>().unwrap().to_string(),
            mixed.to_lowercase()
        );
        for other in ['g', 'G', '`', '@', '/', ':'] {
            let text = text.replacen('a', &other.to_string(), 1);
            assert!(text.parse::<Id>().is_err(), "{other}");
        }
    }

    #[test]
    fn packed_numbers_are_read() {
        let receipt = field(5, &[0x08, 1, 0x12, 3, 5, 6, 7]);
        let Kind::ReadReceipt(receipt) = decode(&receipt).unwrap().content.kind else {
            panic!("another kind");
        };
        assert_eq!(receipt.sent_ms, [5, 6, 7]);
    }

    #[test]
    fn a_timer_update_clears_what_else_is_there() {
        let mut message = with_body("text");
        message.flags = Some(2);
        let mut content = data(message);
        content.expiration_type = Some(1);
        content.expiration_timer = Some(60);
        let content = read(&content);
        assert_eq!(content.kind, Kind::ExpirationUpdate);
        assert_eq!(content.expiration, Some(Expiration::after_read(60)));
    }

    #[test]
    fn a_picture_needs_its_key_and_the_key_its_picture() {
        let mut message = with_body("text");
        message.profile_key = Some(vec![1; 32]);
        assert_eq!(read(&data(message.clone())).profile, None);
        message.profile = Some(wire::LokiProfile {
            display_name: Some("Al".into()),
            ..wire::LokiProfile::default()
        });
        assert_eq!(
            read(&data(message.clone())).profile,
            Some(Profile::named("Al"))
        );
        message.profile_key = None;
        message.profile.as_mut().unwrap().profile_picture = Some("https://x".into());
        assert_eq!(
            read(&data(message.clone())).profile,
            Some(Profile::named("Al"))
        );
        message.profile_key = Some(vec![1; 32]);
        let profile = read(&data(message)).profile.unwrap();
        assert_eq!(profile.picture.unwrap().key, Secret::new([1; 32]));
    }

    #[test]
    fn previews_of_other_addresses_are_left_out() {
        let preview = |url: &str| wire::data_message::Preview {
            url: url.into(),
            ..wire::data_message::Preview::default()
        };
        let mut message = with_body("see https://a.example/1 and http://b.example");
        message.preview = [
            "https://a.example/1",
            "http://b.example",
            "https://c.example",
        ]
        .map(preview)
        .to_vec();
        let Kind::Message(message) = read(&data(message)).kind else {
            panic!("another kind");
        };
        assert_eq!(message.previews.len(), 1);
    }

    #[test]
    fn member_changes_keep_only_accounts() {
        let change = wire::GroupUpdateMemberChangeMessage {
            r#type: 1,
            member_session_ids: vec![id(5).to_string(), id(3).to_string(), "x".into()],
            admin_signature: vec![1; 64],
            ..wire::GroupUpdateMemberChangeMessage::default()
        };
        let content = read(&group(wire::GroupUpdateMessage {
            member_change_message: Some(change),
            ..wire::GroupUpdateMessage::default()
        }));
        let Kind::Group(GroupUpdate::MemberChange(change)) = content.kind else {
            panic!("another kind");
        };
        assert_eq!(change.members, [id(5)]);
    }

    #[test]
    fn what_never_expires_has_no_expiration() {
        let bytes = [&field(6, &[0x08, 1, 0x10, 0])[..], &[0x60, 2, 0x68, 9]].concat();
        assert_eq!(decode(&bytes).unwrap().content.expiration, None);
    }
}

mod not_written {
    use super::*;
    use session_proto::content::{
        Attachment, DataExtraction, DataExtractionKind, Message, Preview,
    };

    fn refused(content: &Content) -> ContentError {
        content.encode(TIME, None).unwrap_err()
    }

    #[test]
    fn fields_without_a_place() {
        let typing = Content::from(Kind::Typing(Typing::STARTED));
        let kind = "typing indicator";
        let cases = [
            ("profile", typing.clone().with_profile(Profile::default())),
            (
                "expiration",
                typing.clone().with_expiration(Expiration::OFF),
            ),
            (
                "sync_target",
                Content {
                    sync_target: Some(id(5)),
                    ..typing.clone()
                },
            ),
            (
                "blocks_community_requests",
                Content {
                    blocks_community_requests: Some(true),
                    ..typing
                },
            ),
        ];
        for (field, content) in cases {
            assert_eq!(refused(&content), ContentError::Misplaced { field, kind });
        }
    }

    #[test]
    fn what_receivers_would_refuse() {
        assert_eq!(refused(&Content::text("")), ContentError::Empty);
        let message = |message| Content::from(Kind::Message(message));
        let many = Message {
            attachments: vec![Attachment::default(); 33],
            ..Message::default()
        };
        assert!(matches!(
            refused(&message(many)),
            ContentError::TooMany { .. }
        ));
        let preview = Message {
            text: "no address".into(),
            previews: vec![Preview {
                url: "https://a.example".into(),
                title: None,
                image: None,
            }],
            ..Message::default()
        };
        assert_eq!(refused(&message(preview)), ContentError::PreviewUrl);
        let call = Call {
            uuid: "u".into(),
            step: CallStep::Offer(Vec::new()),
        };
        assert!(
            refused(&Content::from(Kind::Call(call))) == ContentError::Missing { field: "sdps" }
        );
        let update = Content::from(Kind::ExpirationUpdate);
        assert!(matches!(refused(&update), ContentError::Missing { .. }));
        let promote = GroupUpdate::Promote {
            seed: Secret::new([1; 31]),
            name: "g".into(),
        };
        let promote = Content::from(Kind::Group(promote));
        assert!(matches!(refused(&promote), ContentError::Length { .. }));
        // Keys of a length that no receiver takes, and one without an address.
        for length in [0, 31, 33, 63, 65] {
            let attachment = Attachment {
                key: Some(Secret::new(vec![1; length])),
                ..Attachment::default()
            };
            let error = ContentError::Length {
                field: "key",
                expected: 32,
                got: length,
            };
            let attached = Message {
                attachments: vec![attachment.clone()],
                ..Message::default()
            };
            assert_eq!(refused(&message(attached)), error);
            let url = "https://a.example";
            let previewed = Message {
                text: url.into(),
                previews: vec![Preview {
                    url: url.into(),
                    title: None,
                    image: Some(attachment),
                }],
                ..Message::default()
            };
            assert_eq!(refused(&message(previewed)), error);
        }
        let nowhere = Content::text("x").with_profile(Profile {
            picture: Some(Picture {
                url: String::new(),
                key: Secret::new([1; 32]),
            }),
            ..Profile::default()
        });
        let field = "profilePicture";
        assert_eq!(refused(&nowhere), ContentError::EmptyText { field });
        let long = Content::text("a".repeat(MAX_CONTENT));
        assert!(matches!(
            refused(&long),
            ContentError::Wire(WireError::TooLong { .. })
        ));
    }

    #[test]
    fn keys_that_must_stay_with_their_owner() {
        let with_url = |url: &str| {
            Content::text("x").with_profile(Profile {
                picture: Some(Picture {
                    url: url.into(),
                    key: Secret::new([1; 32]),
                }),
                ..Profile::default()
            })
        };
        for url in ["https://h/1#e=aa", "https://h/1#p=bb&d&e=aa"] {
            assert_eq!(refused(&with_url(url)), ContentError::LocalKey);
        }
        assert!(with_url("https://h/e=1#p=bb&d").encode(TIME, None).is_ok());
    }

    #[test]
    fn a_data_extraction_notice_disappears_after_it_was_read() {
        let mut content = Content::from(Kind::DataExtraction(DataExtraction {
            kind: DataExtractionKind::MediaSaved,
            sent_ms: None,
        }));
        content.expiration = Some(Expiration::after_send(60));
        let decoded = decode(&content.encode(TIME, None).unwrap()).unwrap();
        let expiration = decoded.content.expiration.unwrap();
        assert_eq!(expiration.mode, ExpirationMode::AfterRead);
    }

    #[test]
    fn a_typing_indicator_takes_the_time_of_the_message() {
        let bytes = Content::from(Kind::Typing(Typing::STOPPED)).encode(TIME, None);
        let Kind::Typing(typing) = decode(&bytes.unwrap()).unwrap().content.kind else {
            panic!("another kind");
        };
        assert_eq!(typing.sent_ms, TIME);
        assert!(typing.is_stopped);
    }
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
        seed: Secret::new([0x5a; 32]),
        name: "g".into(),
    };
    let content = Content::from(Kind::Group(promote));
    assert!(!format!("{content:?}").contains("90"));
    let profile = Profile {
        picture: Some(Picture {
            url: "https://a.example".into(),
            key: Secret::new([0x5a; 32]),
        }),
        ..Profile::default()
    };
    let call = Call {
        uuid: "u".into(),
        step: CallStep::Offer(vec!["90".into()]),
    };
    for content in [
        content,
        Content::text("x").with_profile(profile.clone()),
        Content::from(Kind::RequestAccepted).with_profile(profile),
        Content::from(Kind::Call(call)),
    ] {
        let bytes = content.encode(1, None).unwrap();
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
fn generated_types_with_keys_wipe_themselves() {
    const fn wiped<T: zeroize::ZeroizeOnDrop>() {}
    wiped::<wire::AttachmentPointer>();
    wiped::<wire::DataMessage>();
    wiped::<wire::GroupUpdateInviteMessage>();
    wiped::<wire::GroupUpdatePromoteMessage>();
    wiped::<wire::KeyPair>();
    wiped::<wire::MessageRequestResponse>();
}

mod round_trips {
    use proptest::collection::vec;
    use proptest::option::of;
    use proptest::prelude::*;
    use session_proto::content::{
        Attachment, Call, CallStep, DataExtraction, DataExtractionKind, DeleteContent,
        IceCandidate, InfoChange, Invitation, Invite, MemberChange, MemberChangeKind, Message,
        Picture, Preview, Quote, Reaction, ReadReceipt, Unsend,
    };

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        "\\PC{1,20}"
    }

    fn any_id() -> impl Strategy<Value = Id> {
        any::<([u8; 32], bool)>().prop_map(|(key, is_group)| {
            let mut bytes = [if is_group { 3 } else { 5 }; 33];
            bytes[1..].copy_from_slice(&key);
            Id::from_bytes(bytes)
        })
    }

    fn account() -> impl Strategy<Value = Id> {
        any_id().prop_map(|id| {
            let mut bytes = *id.as_bytes();
            bytes[0] = 5;
            Id::from_bytes(bytes)
        })
    }

    fn signature() -> impl Strategy<Value = [u8; 64]> {
        any::<[[u8; 32]; 2]>().prop_map(|halves| halves.concat().try_into().unwrap())
    }

    fn secret(length: usize) -> impl Strategy<Value = Secret> {
        vec(any::<u8>(), length).prop_map(Secret::new)
    }

    fn attachment() -> impl Strategy<Value = Attachment> {
        (
            (
                text(),
                of(prop_oneof![secret(32), secret(64)]),
                of(vec(any::<u8>(), 32)),
            ),
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
            of((any::<u64>(), any_id())),
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
                    quote: quote.map(|(sent_ms, author)| Quote { sent_ms, author }),
                    previews: previews.into_iter().collect(),
                }
            })
    }

    fn group_update() -> impl Strategy<Value = GroupUpdate> {
        let group = any_id().prop_map(|id| {
            let mut bytes = *id.as_bytes();
            bytes[0] = 3;
            Id::from_bytes(bytes)
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
            (group, text(), secret(100), signature()).prop_map(
                |(group, name, auth_data, admin_signature)| GroupUpdate::Invite(Invite {
                    group,
                    name,
                    auth_data,
                    admin_signature
                })
            ),
            (secret(32), text()).prop_map(|(seed, name)| GroupUpdate::Promote { seed, name }),
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
        (text(), step).prop_map(|(uuid, step)| Call { uuid, step })
    }

    fn kind() -> impl Strategy<Value = Kind> {
        prop_oneof![
            message().prop_map(Kind::Message),
            (any::<u64>(), any_id(), text(), any::<bool>()).prop_map(
                |(sent_ms, author, emoji, is_removal)| Kind::Reaction(Reaction {
                    sent_ms,
                    author,
                    emoji,
                    is_removal
                })
            ),
            (text(), text()).prop_map(|(url, name)| Kind::Invitation(Invitation { url, name })),
            Just(Kind::ExpirationUpdate),
            group_update().prop_map(Kind::Group),
            call().prop_map(Kind::Call),
            vec(any::<u64>(), 0..9).prop_map(|sent_ms| Kind::ReadReceipt(ReadReceipt { sent_ms })),
            any::<bool>().prop_map(|is_stopped| Kind::Typing(Typing {
                sent_ms: TIME,
                is_stopped
            })),
            any::<(bool, Option<u64>)>().prop_map(|(saved, sent_ms)| Kind::DataExtraction(
                DataExtraction {
                    kind: if saved {
                        DataExtractionKind::MediaSaved
                    } else {
                        DataExtractionKind::Screenshot
                    },
                    sent_ms
                }
            )),
            (1..u64::MAX, account())
                .prop_map(|(sent_ms, author)| Kind::Unsend(Unsend { sent_ms, author })),
            Just(Kind::RequestAccepted),
        ]
    }

    fn profile() -> impl Strategy<Value = Profile> {
        let picture = (text(), secret(32)).prop_filter_map("local key", |(url, key)| {
            (!url.contains("e=")).then_some(Picture { url, key })
        });
        (of(text()), of(picture), any::<u64>()).prop_map(|(name, picture, updated_seconds)| {
            Profile {
                name,
                picture,
                updated_seconds,
            }
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
        fn every_kind_reads_back(content in content(), sent_ms in Just(TIME)) {
            let bytes = content.encode(sent_ms, None).unwrap();
            let decoded = decode(&bytes).unwrap();
            prop_assert_eq!(&decoded.content, &content);
            prop_assert_eq!(decoded.sent_ms, Some(sent_ms));
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
}

#[test]
fn a_notice_that_stays_is_written_as_one_that_stays() {
    let bytes = const_hex::decode("4209080110fbefc7a6a034782020202020206e6035").unwrap();
    let first = decode(&bytes).unwrap();
    let again = decode(
        &first
            .content
            .encode(first.sent_ms.unwrap_or(0), None)
            .unwrap(),
    )
    .unwrap();
    assert_eq!(again.content, first.content);
}
