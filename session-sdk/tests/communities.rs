//! A room of a community server, on a network of nodes on this machine.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::time::Duration;

use session_client::Event as ClientEvent;
use session_client::types::AnyId;
use session_localnet::admin::Order;
use session_localnet::network::{Network, Plan};
use session_sdk::{Account, Client, ConversationId, Event, Events, Message, Page, Seed};

/// A limit for everything that waits.
const LIMIT: Duration = Duration::from_secs(90);

async fn connect(network: &Network, file: Option<&std::path::Path>) -> Client {
    let pin = network.seed_certificate().to_vec();
    let seed = Seed::new(network.seed_url(), [pin]);
    let builder = Client::builder(Account::random().unwrap()).created();
    let builder = builder.test_network().seeds([seed]);
    let builder = match file {
        Some(file) => builder.store(file),
        None => builder,
    };
    builder.connect().await.unwrap()
}

async fn wait<T>(events: &mut Events, wanted: impl Fn(&Event) -> Option<T>) -> T {
    let found = tokio::time::timeout(LIMIT, async {
        loop {
            let event = events.next().await.unwrap();
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    });
    found.await.expect("it happens in time")
}

async fn message(events: &mut Events) -> Message {
    wait(events, |event| match event {
        Event::Message(message) => Some(message.clone()),
        _ => None,
    })
    .await
}

async fn other(events: &mut Events, wanted: impl Fn(&ClientEvent) -> bool) {
    wait(events, |event| match event {
        Event::Other(event) => wanted(event).then_some(()),
        _ => None,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_use_a_room_and_its_inbox() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::new(folder.path().join("network"));
    let network = Network::start(&plan).await.unwrap();
    let order = Order {
        action: "room".into(),
        node: None,
        value: Some("lounge The Lounge".into()),
        swarm: None,
    };
    let done = network.admin.obey(&order).await.unwrap();
    let url = done.split_whitespace().last().unwrap();
    let file = folder.path().join("bob.sqlite");
    let (alice, bob) = (
        connect(&network, None).await,
        connect(&network, Some(&file)).await,
    );
    let (mut of_alice, mut of_bob) = (alice.events(), bob.events());
    alice.set_name("Alice").await.unwrap();
    assert!(alice.join("https://example.org/lounge").await.is_err());
    let room = alice.join(url).await.unwrap();
    let bobs = bob.join(&room.url().await.unwrap()).await.unwrap();
    assert_eq!(room.id(), bobs.id());
    other(&mut of_alice, |event| {
        matches!(event, ClientEvent::RoomChanged { .. })
    })
    .await;
    assert_eq!(room.name().await.unwrap(), "The Lounge");
    assert!(room.info().await.unwrap().unwrap().write);

    room.send("hello, everybody").await.unwrap();
    let hello = message(&mut of_bob).await;
    assert_eq!(hello.text(), Some("hello, everybody"));
    assert_eq!(*hello.author(), room.own_id().await.unwrap());
    assert_eq!(hello.room().unwrap().id(), room.id());
    hello.quote("hello, Alice").await.unwrap();
    hello.react("🥾").await.unwrap();
    let answer = message(&mut of_alice).await;
    assert_eq!(answer.text(), Some("hello, Alice"));
    other(
        &mut of_alice,
        |event| matches!(event, ClientEvent::Reactions { reactions, .. } if reactions.len() == 1),
    )
    .await;

    // Bob edits his post, and deletes it; the file that he has follows.
    let history = bobs.conversation().history(Page::default()).await.unwrap();
    let own = history
        .iter()
        .find(|one| one.text() == Some("hello, Alice"));
    let own = own.unwrap().clone();
    assert_eq!(own.author, AnyId::from(bob.id()));
    let post = own.post.as_ref().unwrap().id;
    bobs.edit(post, own.sent_at(), "hello, Alice!")
        .await
        .unwrap();
    other(&mut of_alice, |event| {
        matches!(event, ClientEvent::Edited(message) if message.text() == Some("hello, Alice!"))
    })
    .await;
    other(&mut of_bob, |event| matches!(event, ClientEvent::Edited(_))).await;
    assert_eq!(bob.search("alice!", 5).await.unwrap().len(), 1);
    bobs.delete(post).await.unwrap();
    other(&mut of_bob, |event| {
        matches!(event, ClientEvent::PostDeleted { .. })
    })
    .await;
    assert!(bob.search("alice!", 5).await.unwrap().is_empty());
    let mut lines = Vec::new();
    let count = bob.export_history(|line| {
        lines.push(line.to_owned());
        Ok(())
    });
    assert_eq!(count.await.unwrap(), 1);
    assert!(lines[0].contains("hello, everybody"));
    assert_eq!(bob.import_history(&lines).await.unwrap(), 1);

    // Bob writes to Alice, whose blinded id alone he knows, and she answers from her account.
    let with = bobs.user(*hello.author()).await.unwrap();
    assert!(matches!(with.with(), ConversationId::Blinded(_)));
    with.send("who are you?").await.unwrap();
    let asked = message(&mut of_alice).await;
    assert_eq!(asked.text(), Some("who are you?"));
    assert_eq!(*asked.author(), AnyId::from(bob.id()));
    assert!(asked.record().is_request);
    asked.reply("Alice").await.unwrap();
    let answer = message(&mut of_bob).await;
    assert_eq!(*answer.author(), AnyId::from(alice.id()));
    let history = answer
        .conversation()
        .history(Page::default())
        .await
        .unwrap();
    let texts: Vec<_> = history.iter().filter_map(|record| record.text()).collect();
    assert_eq!(texts, ["Alice", "who are you?"]);
    assert!(with.history(Page::default()).await.unwrap().is_empty());

    bobs.leave().await.unwrap();
    other(&mut of_bob, |event| {
        matches!(event, ClientEvent::RoomLeft { .. })
    })
    .await;
    assert!(bob.rooms().await.unwrap().is_empty());
    assert!(bobs.send("late").await.is_err());
}
