//! Receipts, typing, screenshots, reactions and link previews on a network of nodes on this machine.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::time::Duration;

use session_client::Event as Other;
use session_localnet::network::{Network, Plan};
use session_sdk::content::{DataExtractionKind, Kind, Message, Preview};
use session_sdk::{Account, Client, Event, Events, Seed};

/// A limit for everything that waits.
const LIMIT: Duration = Duration::from_secs(60);

async fn connect(network: &Network, receipts: bool) -> Client {
    let pin = network.seed_certificate().to_vec();
    let builder = Client::builder(Account::random().unwrap()).created();
    let builder = builder.test_network();
    let builder = builder.seeds([Seed::new(network.seed_url(), [pin])]);
    let builder = match receipts {
        true => builder.read_receipts(),
        false => builder,
    };
    builder.connect().await.unwrap()
}

async fn wait<T>(events: &mut Events, wanted: impl Fn(Event) -> Option<T>) -> T {
    let found = tokio::time::timeout(LIMIT, async {
        loop {
            let event = events.next().await.unwrap();
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    });
    found.await.expect("it happens in time")
}

async fn message(events: &mut Events) -> session_sdk::Message {
    wait(events, |event| match event {
        Event::Message(message) => Some(message),
        _ => None,
    })
    .await
}

async fn other(events: &mut Events, wanted: impl Fn(&Other) -> bool) {
    wait(events, |event| match event {
        Event::Other(event) => wanted(&event).then_some(()),
        _ => None,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_are_sent_and_come_out_as_events() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::new(folder.path().join("network"));
    let network = Network::start(&plan).await.unwrap();
    let (alice, bob) = (
        connect(&network, false).await,
        connect(&network, true).await,
    );
    let (mut of_alice, mut of_bob) = (alice.events(), bob.events());
    let (with_bob, with_alice) = (alice.conversation(*bob.id()), bob.conversation(*alice.id()));
    assert!(with_bob.typing(true).await.is_err(), "no contact yet");
    let preview = Message {
        text: "see https://example.org/page".into(),
        previews: vec![Preview {
            url: "https://example.org/page".into(),
            title: Some("A page".into()),
            image: None,
        }],
        ..Message::default()
    };
    let kind = Kind::Message(preview);
    with_bob.send_content(kind.clone()).await.unwrap();
    let came = message(&mut of_bob).await;
    assert_eq!(came.record().content.kind, kind);
    // What was accepted is told.
    bob.accept(*alice.id()).await.unwrap();
    other(
        &mut of_alice,
        |event| matches!(event, Other::RequestAccepted { by } if by == bob.id()),
    )
    .await;
    came.reply("hi").await.unwrap();
    message(&mut of_alice).await;
    with_alice.mark_read().await.unwrap();
    let sent_at = came.sent_at();
    other(&mut of_alice, |event| {
        matches!(event, Other::Read { by, sent_at: read } if by == bob.id() && read == &[sent_at])
    })
    .await;
    came.react("👍").await.unwrap();
    other(
        &mut of_alice,
        |event| matches!(event, Other::Reaction { reaction, .. } if reaction.sent_at == sent_at),
    )
    .await;
    with_bob.typing(true).await.unwrap();
    other(
        &mut of_bob,
        |event| matches!(event, Other::Typing { by, is_typing: true } if by == alice.id()),
    )
    .await;
    with_bob.screenshot_taken().await.unwrap();
    other(&mut of_bob, |event| {
        matches!(
            event,
            Other::Extraction {
                kind: DataExtractionKind::Screenshot,
                ..
            }
        )
    })
    .await;

    // Who is blocked writes to nobody; a device that comes later knows it all.
    bob.block(*alice.id(), true).await.unwrap();
    for step in [bob.flush().await, bob.pushed().await] {
        step.unwrap();
    }
    with_bob.send("blocked").await.unwrap();
    alice.flush().await.unwrap();
    bob.sync().await.unwrap();
    let history = with_alice
        .history(session_sdk::Page::default())
        .await
        .unwrap();
    assert!(
        history
            .iter()
            .all(|message| message.text() != Some("blocked"))
    );
    assert_eq!(history.len(), 2);
}
