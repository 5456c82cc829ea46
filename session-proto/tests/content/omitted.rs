//! A malformed decoration is left out, and the rest of the message is read.

use session_proto::content::{Message, Omitted, Part, Reaction};

use super::*;

fn omitted(parts: impl IntoIterator<Item = Part>) -> Omitted {
    Omitted::from_iter(parts)
}

fn pointer(key: Option<Vec<u8>>) -> wire::AttachmentPointer {
    let mut pointer = wire::AttachmentPointer::default();
    pointer.key = key.map(Secret::from);
    pointer.url = Some("https://a.example/1".into());
    pointer
}

fn reaction() -> wire::data_message::Reaction {
    wire::data_message::Reaction {
        id: 1,
        author: id(5).to_string(),
        emoji: Some("x".into()),
        action: 0,
    }
}

fn invitation() -> wire::data_message::OpenGroupInvitation {
    wire::data_message::OpenGroupInvitation {
        url: "https://a.example/room?public_key=00".into(),
        name: "room".into(),
    }
}

/// Reads a message, which must show its text and nothing but it.
fn text_only(message: wire::DataMessage, part: Part) {
    let content = read(&data(message));
    assert_eq!(content.as_text(), Some("hello"), "{part}");
    assert_eq!(content.omitted, omitted([part]), "{part}");
    let text = Content::text("hello");
    assert_eq!(content.kind, text.kind, "{part}");
}

#[test]
fn a_picture_key_of_another_length_loses_the_picture_only() {
    for length in [0, 16, 31, 33, 64] {
        let mut message = with_body("hello");
        message.profile_key = Some(Secret::new(vec![1; length]));
        message.profile = Some(wire::LokiProfile {
            display_name: Some("Bob".into()),
            profile_picture: Some("https://a.example/1".into()),
            last_update_seconds: Some(7),
        });
        let content = read(&data(message.clone()));
        let mut profile = Profile::named("Bob");
        profile.updated_seconds = 7;
        assert_eq!(content.profile, Some(profile.clone()));
        text_only(message, Part::ProfilePicture);

        let mut content = wire::Content::default();
        content.message_request_response = Some(wire::MessageRequestResponse {
            is_approved: true,
            profile_key: Some(Secret::new(vec![1; length])),
            profile: Some(wire::LokiProfile {
                display_name: Some("Bob".into()),
                profile_picture: Some("https://a.example/1".into()),
                last_update_seconds: Some(7),
            }),
        });
        let content = read(&content);
        assert_eq!(content.kind, Kind::RequestAccepted);
        assert_eq!(content.profile, Some(profile));
        assert_eq!(content.omitted, omitted([Part::ProfilePicture]));
    }
    // A key without a picture is what clients without a picture send.
    let mut message = with_body("hello");
    message.profile_key = Some(Secret::new(vec![1; 16]));
    assert_eq!(read(&data(message)), Content::text("hello"));
}

#[test]
fn an_attachment_key_of_another_length_loses_the_attachment_only() {
    for length in [1, 16, 31, 33, 48, 63, 65] {
        let mut message = with_body("hello");
        message.attachments = vec![pointer(Some(vec![1; length]))];
        text_only(message.clone(), Part::Attachment);
        // The others stay.
        message.attachments.push(pointer(Some(vec![1; 32])));
        let Kind::Message(read) = read(&data(message.clone())).kind else {
            panic!("another kind");
        };
        assert_eq!(read.attachments.len(), 1);
        // Alone it is what the message is about.
        message.body = None;
        message.attachments.truncate(1);
        let field = "key";
        let error = ContentError::Length {
            field,
            expected: 32,
            got: length,
        };
        assert_eq!(refused(&data(message)), error);
    }
}

#[test]
fn a_quote_of_nobody_loses_the_quote_only() {
    let good = id(5).to_string();
    for author in ["", "Bob", &good[1..], &format!("{good}0")] {
        let mut message = with_body("hello");
        message.quote = Some(wire::data_message::Quote {
            id: 1,
            author: author.into(),
            ..wire::data_message::Quote::default()
        });
        text_only(message.clone(), Part::Quote);
        message.body = None;
        let error = ContentError::Id { field: "author" };
        assert_eq!(refused(&data(message)), error);
    }
}

#[test]
fn a_preview_of_another_address_and_its_image_are_left_out() {
    let preview = |url: &str, key| wire::data_message::Preview {
        url: url.into(),
        title: None,
        image: Some(pointer(Some(vec![1; key]))),
    };
    let mut message = with_body("hello");
    message.preview = vec![preview("https://a.example", 32)];
    text_only(message, Part::Preview);

    let mut message = with_body("see https://a.example");
    message.preview = vec![preview("https://a.example", 16)];
    let content = read(&data(message));
    let Kind::Message(Message { previews, .. }) = &content.kind else {
        panic!("another kind");
    };
    assert_eq!(previews[0].url, "https://a.example");
    assert_eq!(previews[0].image, None);
    assert_eq!(content.omitted, omitted([Part::PreviewImage]));
}

#[test]
fn a_reaction_or_an_invitation_beside_a_text_is_left_out() {
    let mut message = with_body("hello");
    message.reaction = Some(reaction());
    text_only(message.clone(), Part::Reaction);
    // One that would be refused alone, too.
    message.reaction.as_mut().unwrap().author.clear();
    text_only(message, Part::Reaction);

    let mut message = with_body("hello");
    message.open_group_invitation = Some(invitation());
    text_only(message, Part::Invitation);

    let mut message = wire::DataMessage::default();
    message.open_group_invitation = Some(invitation());
    message.reaction = Some(reaction());
    let content = read(&data(message));
    assert!(matches!(content.kind, Kind::Invitation(_)));
    assert_eq!(content.omitted, omitted([Part::Reaction]));

    let mut message = wire::DataMessage::default();
    message.reaction = Some(reaction());
    let content = read(&data(message));
    let expected = Reaction {
        sent_at: UnixMillis::new(1),
        author: id(5),
        emoji: "x".into(),
        is_removal: false,
    };
    assert_eq!(content, Content::from(Kind::Reaction(expected)));
}

#[test]
fn a_member_that_is_no_account_is_left_out() {
    let change = wire::GroupUpdateMemberChangeMessage {
        r#type: 1,
        member_session_ids: vec![id(5).to_string(), "x".into()],
        admin_signature: vec![1; 64],
        ..wire::GroupUpdateMemberChangeMessage::default()
    };
    let mut update = wire::GroupUpdateMessage::default();
    update.member_change_message = Some(change);
    assert_eq!(read(&group(update)).omitted, omitted([Part::Member]));
}

#[test]
fn what_was_left_out_is_not_written() {
    let mut message = with_body("hello");
    message.reaction = Some(reaction());
    let content = read(&data(message));
    let bytes = content.encode(TIME, None).unwrap();
    assert_eq!(bytes, Content::text("hello").encode(TIME, None).unwrap());
}
