//! Rejected contents, one test for each reason.

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
        member_left_notification_message: Some(wire::GroupUpdateMemberLeftNotificationMessage {}),
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
        uuid: UUID.into(),
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
fn lists_of_numbers_that_are_cut() {
    let call = |lines: &[u8]| {
        let call = [&[0x08, 4][..], &field(2, b"sdp"), &field(3, lines)].concat();
        decode(&field(
            3,
            &[call, field(4, b"0"), field(5, UUID.as_bytes())].concat(),
        ))
        .map(|_| ())
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
    let invite = wire::GroupUpdateInviteMessage {
        group_session_id: id(3).to_string(),
        name: "g".into(),
        member_auth_data: Secret::new([1; 100]),
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
    assert!(with(&|invite| invite.member_auth_data = Secret::new([1; 101])).is_err());
    assert!(with(&|invite| invite.admin_signature.truncate(63)).is_err());
    assert!(with(&|invite| invite.group_session_id = id(5).to_string()).is_err());
    let promote = group(wire::GroupUpdateMessage {
        promote_message: Some(wire::GroupUpdatePromoteMessage {
            group_identity_seed: Secret::new([1; 64]),
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
    assert!(call(Type::PreOffer, UUID, 0, 0).is_ok());
    assert!(call(Type::IceCandidates, UUID, 2, 2).is_ok());
    assert!(call(Type::PreOffer, &UUID.to_uppercase(), 0, 0).is_ok());
    for uuid in [
        "",
        "u",
        &UUID[1..],
        &format!("{UUID}0"),
        &UUID.replace('-', "0"),
        &UUID.replacen('d', "g", 1),
        &UUID.replacen('d', "é", 1),
    ] {
        let refused = call(Type::PreOffer, uuid, 0, 0);
        assert_eq!(refused, Err(ContentError::Uuid), "{uuid}");
    }
    assert_eq!(
        call(Type::Offer, UUID, 0, 0),
        Err(ContentError::Missing { field: "sdps" })
    );
    assert_eq!(
        call(Type::IceCandidates, UUID, 2, 1),
        Err(ContentError::ParallelLists)
    );
}
