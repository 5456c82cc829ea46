//! Messages as JSON events and as text for people.

use client::clock::written;
use client::foreign::Foreign;
use client::message::Incoming;
use serde_json::{Map, Value, json};
use session_message::content::{
    AnyId, Attachment, CallStep, DataExtractionKind, ExpirationMode, Kind, Message, ReadReceipt,
    UnixMillis,
};

/// The event of a message: who, where, when, its kind, and everything that the kind has in it.
pub(crate) fn event(message: &Incoming) -> Value {
    let reply_to = message
        .reply_to
        .map(|(author, sent_ms)| target(&author, sent_ms));
    let mut event = Map::new();
    for (name, value) in [
        ("event", json!("message")),
        ("from", json!(message.from.to_string())),
        ("own", json!(message.own)),
        ("conversation", json!(message.conversation.to_string())),
        (
            "name",
            json!(message.name.as_ref().map(Foreign::as_untrusted)),
        ),
        ("sent_ms", json!(message.sent_ms)),
        ("kind", json!(message.kind)),
        (
            "text",
            json!(message.text.as_ref().map(Foreign::as_untrusted)),
        ),
        ("reply_to", json!(reply_to)),
    ] {
        event.insert(name.to_owned(), value);
    }
    if let Some((name, value)) = details(message) {
        event.insert(name.to_owned(), value);
    }
    Value::Object(event)
}

/// What a kind has in it besides a text, under the name of the event's member.
fn details(message: &Incoming) -> Option<(&'static str, Value)> {
    Some(match &message.content.kind {
        Kind::Message(message) if message.attachments.is_empty() => return None,
        Kind::Message(message) => (
            "attachments",
            message.attachments.iter().map(attachment).collect(),
        ),
        Kind::Reaction(reaction) => (
            "reaction",
            json!({
                "emoji": reaction.emoji,
                "removed": reaction.is_removal,
                "target": target(&reaction.author, reaction.sent_at.get()),
            }),
        ),
        Kind::ReadReceipt(receipt) => ("read", json!({"sent_ms": times_ms(receipt)})),
        Kind::Unsend(unsend) => (
            "unsend",
            json!({"target": target(&unsend.author, unsend.sent_at.get())}),
        ),
        Kind::Typing(typing) => ("typing", json!({"stopped": typing.is_stopped})),
        Kind::DataExtraction(notice) => (
            "extraction",
            json!({"what": extracted(notice.kind), "sent_ms": notice.sent_at.map(UnixMillis::get)}),
        ),
        Kind::Invitation(invitation) => (
            "invitation",
            json!({"url": invitation.url, "name": invitation.name}),
        ),
        Kind::ExpirationUpdate => {
            let expiration = message.content.expiration?;
            let mode = match expiration.mode {
                ExpirationMode::AfterRead => "after read",
                ExpirationMode::AfterSend => "after send",
                ExpirationMode::Off => "off",
            };
            (
                "expiration",
                json!({"mode": mode, "seconds": expiration.seconds}),
            )
        }
        Kind::Call(call) => ("call", json!({"uuid": call.uuid, "step": step(&call.step)})),
        _ => return None,
    })
}

/// A message that another one is about.
fn target(author: &AnyId, sent_ms: u64) -> Value {
    json!({"author": author.to_string(), "sent_ms": sent_ms})
}

fn times_ms(receipt: &ReadReceipt) -> Vec<u64> {
    receipt
        .sent_at
        .iter()
        .map(|sent_at| sent_at.get())
        .collect()
}

pub(crate) fn attachment(file: &Attachment) -> Value {
    json!({
        "url": file.url,
        "key": file.key.as_ref().map(|key| const_hex::encode(key.expose_bytes())),
        "digest": file.digest.as_ref().map(const_hex::encode),
        "size": file.size,
        "content_type": file.content_type,
        "file_name": file.file_name,
        "caption": file.caption,
        "width": file.width,
        "height": file.height,
        "voice_message": file.is_voice_message,
    })
}

const fn extracted(kind: DataExtractionKind) -> &'static str {
    match kind {
        DataExtractionKind::Screenshot => "screenshot",
        DataExtractionKind::MediaSaved => "media saved",
    }
}

const fn step(step: &CallStep) -> &'static str {
    match step {
        CallStep::PreOffer => "pre-offer",
        CallStep::Offer(_) => "offer",
        CallStep::Answer(_) => "answer",
        CallStep::ProvisionalAnswer(_) => "provisional answer",
        CallStep::IceCandidates(_) => "ice candidates",
        CallStep::EndCall => "end call",
    }
}

/// The message as text: a line that says who and when, then its content, indented.
pub(crate) fn for_people(message: &Incoming) -> String {
    let from = message.from.to_string();
    let who = match (message.own, &message.name) {
        (true, _) if message.conversation.to_string() == from => "note to myself".to_owned(),
        (true, _) => format!("I wrote to {}", message.conversation),
        (false, Some(name)) => format!("{from} ({name})"),
        (false, None) => from,
    };
    let at = written(message.sent_ms);
    let mut said = format!("{who} at {at}");
    let mut line = |text: &str| {
        said.push_str("\n  ");
        said.push_str(text);
    };
    if let Some((author, sent_ms)) = message.reply_to {
        line(&format!("> in reply to {author}:{}", written(sent_ms)));
    }
    if let Some(text) = &message.text {
        line(&text.lines().replace('\n', "\n  "));
    }
    for text in described(message) {
        line(&text);
    }
    said
}

/// What is not text, in words; each foreign text on one line.
fn described(message: &Incoming) -> Vec<String> {
    let shown = |text: &str| Foreign::from(text).to_string();
    match &message.content.kind {
        Kind::Message(Message { attachments, .. }) => {
            let files = attachments.iter().map(|file| {
                let name = file.file_name.as_deref().unwrap_or("without a name");
                format!("(file: {}, {})", shown(name), shown(&file.url))
            });
            files.collect()
        }
        Kind::Reaction(reaction) => {
            let what = if reaction.is_removal {
                "took back"
            } else {
                "reacted with"
            };
            let (author, at) = (reaction.author, written(reaction.sent_at.get()));
            vec![format!(
                "({what} {} to {author}:{at})",
                shown(&reaction.emoji)
            )]
        }
        Kind::ReadReceipt(receipt) => {
            let times = receipt.sent_at.iter().map(|sent_at| written(sent_at.get()));
            vec![format!(
                "(has read: {})",
                times.collect::<Vec<_>>().join(", ")
            )]
        }
        Kind::Unsend(unsend) => {
            let (author, at) = (unsend.author, written(unsend.sent_at.get()));
            vec![format!("(deletes {author}:{at})")]
        }
        Kind::Invitation(invitation) => {
            let (name, url) = (shown(&invitation.name), shown(&invitation.url));
            vec![format!("(invites to {name}: {url})")]
        }
        _ => vec![format!("({})", message.kind)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::message::Incoming;
    use session_identity::{Account, Seed};
    use session_message::MessageKey;
    use session_message::content::{Content, Profile, Quote, Reaction, ReadReceipt, Unsend};

    const SENT: u64 = 1_795_809_667_123;

    fn incoming(content: Content) -> Incoming {
        let bytes = [1; 16];
        let from = *Account::from_seed(&Seed::from_short(&bytes)).id();
        let quote = match &content.kind {
            Kind::Message(message) => message.quote,
            _ => None,
        };
        let profile = content.profile.as_ref();
        let (id, sent_at) = (AnyId::from(from), UnixMillis::new(SENT));
        Incoming {
            key: MessageKey::new(id, id, sent_at, &content.encode(sent_at, None).unwrap()),
            from,
            own: false,
            conversation: id,
            name: profile.and_then(|profile| profile.name.clone().map(Foreign::from)),
            sent_ms: SENT,
            text: content.as_text().map(Foreign::from),
            kind: content.kind.name(),
            reply_to: quote.map(|quote| (quote.author, quote.sent_at.get())),
            content,
        }
    }

    #[test]
    fn a_name_or_a_text_forges_no_message() {
        let other = format!("05{}", "6a".repeat(32));
        let forged = format!("hi\n{other} (Carol) at {}\n  send me money", written(SENT));
        let named = Content::text(&*forged).with_profile(Profile::named(forged.clone()));
        let said = for_people(&incoming(named));
        let heads = said.lines().filter(|line| !line.starts_with("  "));
        assert_eq!(heads.count(), 1, "{said}");
        assert!(!said.lines().any(|line| line.starts_with(&other)), "{said}");
        let hidden = Content::text("\u{1b}[2J\u{202e}\u{200b}\u{9b}\u{2028}");
        let said = for_people(&incoming(hidden));
        assert_eq!(client::foreign::lines(&said), said);
    }

    #[test]
    fn every_kind_has_its_fields() {
        let author = AnyId::from_bytes([5; 33]);
        let id = author.to_string();
        let about = json!({"author": id, "sent_ms": 7});
        let of = |kind: Kind| event(&incoming(Content::from(kind)));
        let reaction = of(Kind::Reaction(Reaction {
            sent_at: UnixMillis::new(7),
            author,
            emoji: "👍".to_owned(),
            is_removal: false,
        }));
        assert_eq!(reaction["kind"], "reaction");
        let expected = json!({"emoji": "👍", "removed": false, "target": about});
        assert_eq!(reaction["reaction"], expected);
        let receipt = of(Kind::ReadReceipt(ReadReceipt {
            sent_at: [7, 8].map(UnixMillis::new).to_vec(),
        }));
        assert_eq!(receipt["read"], json!({"sent_ms": [7, 8]}));
        let unsend = of(Kind::Unsend(Unsend {
            sent_at: UnixMillis::new(7),
            author,
        }));
        assert_eq!(unsend["unsend"], json!({"target": about}));
        let file = Attachment {
            url: "http://filev2.getsession.org/file/1".to_owned(),
            size: Some(9),
            file_name: Some("a.txt".to_owned()),
            ..Attachment::default()
        };
        let message = of(Kind::Message(Message {
            attachments: vec![file],
            quote: Some(Quote {
                sent_at: UnixMillis::new(7),
                author,
            }),
            ..Message::default()
        }));
        assert_eq!(message["attachments"][0]["file_name"], "a.txt");
        assert_eq!(message["attachments"][0]["size"], 9);
        assert_eq!(message["reply_to"], about);
        let text = event(&incoming(Content::text("hello")));
        assert_eq!(text["text"], "hello");
        assert_eq!(text.get("attachments"), None);
    }
}
