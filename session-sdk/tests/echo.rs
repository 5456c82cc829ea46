//! Two accounts on a network of nodes on this machine.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::time::Duration;

use session_client::{Event as ClientEvent, Status};
use session_localnet::network::{Network, Plan};
use session_sdk::{Account, Builder, Client, Event, MemoryStore, Message, Page, SqliteStore};

/// A limit for everything that waits.
const LIMIT: Duration = Duration::from_secs(60);

struct World {
    network: Network,
    folder: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan::new(folder.path().join("network"));
        Self {
            network: Network::start(&plan).await.unwrap(),
            folder,
        }
    }

    fn builder(&self, account: Account) -> Builder {
        let pin = self.network.seed_certificate().to_vec();
        let seed = session_sdk::Seed::new(self.network.seed_url(), [pin]);
        Client::builder(account).test_network().seeds([seed])
    }
}

async fn message(events: &mut session_sdk::Events) -> Message {
    tokio::time::timeout(LIMIT, async {
        loop {
            if let Event::Message(message) = events.next().await.unwrap() {
                return message;
            }
        }
    })
    .await
    .expect("a message comes in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_answers_and_a_restart_shows_nothing_twice() {
    let world = World::start().await;
    let bob = world.builder(Account::random().unwrap()).created();
    let bob = bob
        .store_in(MemoryStore::default())
        .connect()
        .await
        .unwrap();
    bob.set_name("Echo").await.unwrap();
    let mut bobs = bob.events();
    let bob_id = *bob.id();
    let bot = tokio::spawn(async move {
        while let Some(event) = bobs.next().await {
            if let Event::Message(message) = event {
                let text = message.text().unwrap().to_owned();
                message.reply(&format!("You wrote: {text}")).await.unwrap();
            }
        }
    });

    let account = Account::random().unwrap();
    let seed = account.seed();
    let file = world.folder.path().join("alice.sqlite");
    let alice = world.builder(account).created().store(&file);
    let alice = alice.connect().await.unwrap();
    let mut events = alice.events();
    let with_bob = alice.conversation(bob_id);
    with_bob.send("first").await.unwrap();
    let answer = message(&mut events).await;
    assert_eq!(answer.text(), Some("You wrote: first"));
    assert_eq!(*answer.author(), session_client::types::AnyId::from(bob_id));
    assert!(
        !answer.record().is_request,
        "who is written to is a contact"
    );
    tokio::time::timeout(LIMIT, alice.flush())
        .await
        .unwrap()
        .unwrap();
    let history = with_bob.history(Page::default()).await.unwrap();
    let texts: Vec<_> = history
        .iter()
        .map(|record| (record.text().unwrap(), record.status))
        .collect();
    assert_eq!(
        texts,
        [
            ("You wrote: first", Status::Received),
            ("first", Status::Delivered)
        ]
    );
    assert_eq!(alice.search("WROTE", 10).await.unwrap().len(), 1);
    let name = alice
        .edit(move |configs| Ok(configs.contacts.get(&bob_id).unwrap().name.into_owned()))
        .await
        .unwrap();
    assert_eq!(name, "Echo");
    drop((alice, with_bob, events, answer));

    // The same account again, from its file: it goes on, and shows nothing twice.
    let again = loop {
        // The first one may still be closing its file.
        let account = Account::from_seed(&seed);
        match world.builder(account).store(&file).connect().await {
            Ok(client) => break client,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    let mut events = again.events();
    again.conversation(bob_id).send("second").await.unwrap();
    assert_eq!(message(&mut events).await.text(), Some("You wrote: second"));
    let history = again
        .conversation(bob_id)
        .history(Page::default())
        .await
        .unwrap();
    assert_eq!(history.len(), 4);
    bot.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_device_gets_copies_profile_and_contacts() {
    let world = World::start().await;
    let account = Account::random().unwrap();
    let seed = account.seed();
    let phone = world.builder(account).created().connect().await.unwrap();
    let bob = world.builder(Account::random().unwrap()).created();
    let bob = bob.connect().await.unwrap();
    phone.set_name("Alice").await.unwrap();
    phone.conversation(*bob.id()).send("hello").await.unwrap();
    tokio::time::timeout(LIMIT, phone.flush())
        .await
        .unwrap()
        .unwrap();

    let mut bobs = bob.events();
    let hello = message(&mut bobs).await;
    assert_eq!(hello.text(), Some("hello"));
    assert!(hello.record().is_request, "nobody has accepted Alice yet");
    hello.reply("hi").await.unwrap();
    let second = message(&mut phone.events()).await;
    assert_eq!(second.text(), Some("hi"));

    // Another device of Alice, which knows nothing but the account.
    let tablet = world
        .builder(Account::from_seed(&seed))
        .connect()
        .await
        .unwrap();
    let mut events = tablet.events();
    let (mut texts, mut is_synced) = (Vec::new(), false);
    tokio::time::timeout(LIMIT, async {
        while texts.len() < 2 || !is_synced {
            match events.next().await.unwrap() {
                Event::Message(message) => texts.push(message.text().unwrap().to_owned()),
                Event::Other(event) => match *event {
                    ClientEvent::Message(own) => texts.push(own.text().unwrap().to_owned()),
                    ClientEvent::Synced => is_synced = true,
                    _ => {}
                },
                _ => {}
            }
        }
    })
    .await
    .expect("everything comes in time");
    texts.sort();
    assert_eq!(texts, ["hello", "hi"]);
    let bob_id = *bob.id();
    let (name, is_approved) = tablet
        .edit(move |configs| {
            let contact = configs.contacts.get(&bob_id);
            Ok((
                configs.profile.name().into_owned(),
                contact.is_some_and(|contact| contact.is_approved && contact.has_approved_us),
            ))
        })
        .await
        .unwrap();
    assert_eq!(name, "Alice");
    assert!(is_approved);
}

#[tokio::test]
async fn a_file_of_another_account_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.sqlite");
    let seeds = || [session_sdk::Seed::new("https://127.0.0.1:1", [vec![1]])];
    let first = Client::builder(Account::random().unwrap()).seeds(seeds());
    drop(
        first
            .store_in(SqliteStore::open(&file).unwrap())
            .connect()
            .await
            .unwrap(),
    );
    let second = Client::builder(Account::random().unwrap())
        .seeds(seeds())
        .store(&file);
    let error = second.connect().await.unwrap_err();
    assert!(error.to_string().contains("another account"), "{error}");
    let none = Client::builder(Account::random().unwrap()).connect().await;
    assert!(matches!(none, Err(session_sdk::Error::NoSeeds)));
}
