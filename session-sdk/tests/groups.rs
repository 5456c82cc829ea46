//! A closed group of three accounts on a network of nodes on this machine.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::time::Duration;

use session_client::Event as ClientEvent;
use session_localnet::network::{Network, Plan};
use session_sdk::config::group::{GroupChange, RemoveMessages, Stage};
use session_sdk::{Account, Client, ConversationId, Event, Events, Group, Page, Seed};

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

async fn invitation(events: &mut Events) -> Group {
    wait(events, |event| match event {
        Event::Invited { group, .. } => Some(group.clone()),
        _ => None,
    })
    .await
}

async fn text(events: &mut Events) -> String {
    wait(events, |event| match event {
        Event::Message(message) => message.text().map(str::to_owned),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn three_accounts_use_a_group() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::new(folder.path().join("network"));
    let network = Network::start(&plan).await.unwrap();
    let file = folder.path().join("bob.sqlite");
    let alice = connect(&network, None).await;
    let bob = connect(&network, Some(&file)).await;
    let carol = connect(&network, None).await;
    let [mut of_alice, mut of_bob, mut of_carol] = [&alice, &bob, &carol].map(Client::events);

    let group = alice
        .create_group("Hikers", &[*bob.id(), *carol.id()])
        .await
        .unwrap();
    let bobs = invitation(&mut of_bob).await;
    assert_eq!(bobs.name().await.unwrap(), "Hikers");
    assert_eq!(bobs.stage().await.unwrap(), Stage::Invited);
    bobs.accept().await.unwrap();
    let carols = invitation(&mut of_carol).await;
    carols.accept().await.unwrap();

    group.send("hello").await.unwrap();
    assert_eq!(text(&mut of_bob).await, "hello");
    assert_eq!(text(&mut of_carol).await, "hello");
    // A reply goes to the group.
    bobs.send("hi all").await.unwrap();
    assert_eq!(text(&mut of_alice).await, "hi all");
    let in_group = wait(&mut of_carol, |event| match event {
        Event::Message(message) => Some(*message.conversation().with()),
        _ => None,
    });
    assert_eq!(in_group.await, ConversationId::Group(*group.id()));

    group.rename("Walkers").await.unwrap();
    group
        .remove(&[*carol.id()], RemoveMessages::No)
        .await
        .unwrap();
    wait(&mut of_carol, |event| match event {
        Event::Other(event) => matches!(
            **event,
            ClientEvent::Group {
                change: GroupChange::Kicked { .. },
                ..
            }
        )
        .then_some(()),
        _ => None,
    })
    .await;
    assert_eq!(carols.stage().await.unwrap(), Stage::Kicked);
    assert!(
        carols.send("late").await.is_err(),
        "who was removed cannot write"
    );

    let history = bobs.conversation().history(Page::default()).await.unwrap();
    let texts: Vec<_> = history.iter().filter_map(|record| record.text()).collect();
    assert_eq!(texts, ["hi all", "hello"]);
    bobs.leave().await.unwrap();
    wait(&mut of_bob, |event| match event {
        Event::Other(event) => matches!(**event, ClientEvent::GroupLeft { .. }).then_some(()),
        _ => None,
    })
    .await;
    assert!(bob.groups().await.unwrap().is_empty());
}
