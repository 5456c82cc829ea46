//! Contents that are not encoded, and the form of encoded ones.

use super::*;
use session_proto::content::{Attachment, DataExtraction, DataExtractionKind, Message, Preview};

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
        uuid: "1d4f9a8e-0000-4000-8000-000000000000".into(),
        step: CallStep::Offer(Vec::new()),
    };
    assert!(refused(&Content::from(Kind::Call(call))) == ContentError::Missing { field: "sdps" });
    let update = Content::from(Kind::ExpirationUpdate);
    assert!(matches!(refused(&update), ContentError::Missing { .. }));
    let nowhere = Content::text("x").with_profile(Profile {
        picture: Some(Picture {
            url: String::new(),
            key: PictureKey::from_bytes(&[1; 32]),
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
                key: PictureKey::from_bytes(&[1; 32]),
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
        sent_at: None,
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
    assert_eq!(typing.sent_at, TIME);
    assert!(typing.is_stopped);
}
