//! Malformed contents that are accepted.

use super::*;

#[test]
fn unknown_fields_and_another_order_are_read() {
    let mut bytes = vec![0x78];
    prost::encoding::encode_varint(TIME.get(), &mut bytes);
    bytes.extend(field(200, b"what is this"));
    bytes.extend(field(1, &field(1, b"hello")));
    let decoded = decode(&bytes).unwrap();
    assert_eq!(decoded.content, Content::text("hello"));
    assert_eq!(decoded.sent_at, Some(TIME));
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
    assert_eq!(mixed.parse::<AnyId>().unwrap().prefix(), 0x01);
    assert_eq!(
        mixed.parse::<AnyId>().unwrap().to_string(),
        mixed.to_lowercase()
    );
    for other in ['g', 'G', '`', '@', '/', ':'] {
        let text = text.replacen('a', &other.to_string(), 1);
        assert!(text.parse::<AnyId>().is_err(), "{other}");
    }
}

#[test]
fn packed_numbers_are_read() {
    let receipt = field(5, &[0x08, 1, 0x12, 3, 5, 6, 7]);
    let Kind::ReadReceipt(receipt) = decode(&receipt).unwrap().content.kind else {
        panic!("another kind");
    };
    assert_eq!(receipt.sent_at, [5, 6, 7].map(UnixMillis::new));
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
    message.profile_key = Some(Secret::new([1; 32]));
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
    message.profile_key = Some(Secret::new([1; 32]));
    let profile = read(&data(message)).profile.unwrap();
    assert_eq!(
        profile.picture.unwrap().key,
        PictureKey::from_bytes(&[1; 32])
    );
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
