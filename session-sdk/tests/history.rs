//! The history: messages that disappear, export and import.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::time::Duration;

use session_localnet::network::{Network, Plan};
use session_sdk::content::Expiration;
use session_sdk::{Account, Client, Error, Event, Events, Page, Seed, StoreError};

/// A limit for everything that waits.
const LIMIT: Duration = Duration::from_secs(60);

async fn message(events: &mut Events) -> session_sdk::Message {
    let message = tokio::time::timeout(LIMIT, async {
        loop {
            if let Event::Message(message) = events.next().await.unwrap() {
                return message;
            }
        }
    });
    message.await.expect("a message comes in time")
}

async fn texts(client: &Client, with: &Client) -> Vec<String> {
    let conversation = client.conversation(*with.id());
    let history = conversation.history(Page::default()).await.unwrap();
    let texts = history.iter().filter_map(|record| record.text());
    texts.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_disappear_after_they_were_read() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::new(folder.path().join("network"));
    let network = Network::start(&plan).await.unwrap();
    let connect = async |name: &str| {
        let pin = network.seed_certificate().to_vec();
        let builder = Client::builder(Account::random().unwrap()).created();
        let builder = builder.test_network();
        let builder = builder.seeds([Seed::new(network.seed_url(), [pin])]);
        let client = builder.store(folder.path().join(name)).connect().await;
        client.unwrap()
    };
    let (alice, bob) = (connect("alice").await, connect("bob").await);
    let with_bob = alice.conversation(*bob.id());
    with_bob.send("stays").await.unwrap();
    let timer = Expiration::after_read(2);
    with_bob.set_timer(timer).await.unwrap();
    with_bob.send("goes").await.unwrap();
    let mut events = bob.events();
    // Both are on their way at once, and either can be there first.
    let mut came = [(); 2].map(|()| String::new());
    for text in &mut came {
        *text = message(&mut events).await.text().unwrap().to_owned();
    }
    came.sort();
    assert_eq!(came, ["goes", "stays"]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(texts(&bob, &alice).await, ["goes", "stays"], "not read yet");
    bob.conversation(*alice.id()).mark_read().await.unwrap();
    assert_eq!(texts(&bob, &alice).await.len(), 2, "its time has begun");
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(texts(&bob, &alice).await, ["stays"]);
    assert_eq!(texts(&alice, &bob).await, ["stays"]);
}

/// A client that reaches nobody.
async fn offline(store: Option<&std::path::Path>) -> Client {
    let builder = Client::builder(Account::random().unwrap()).created();
    let builder = builder.seeds([Seed::new("https://127.0.0.1:1", [vec![1]])]);
    let builder = match store {
        Some(path) => builder.store(path),
        None => builder,
    };
    builder.connect().await.unwrap()
}

#[tokio::test]
async fn a_history_is_exported_and_imported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.sqlite");
    // More than is read at once, from one store into the other.
    let (from, to) = (offline(Some(&file)).await, offline(None).await);
    let notes = from.conversation(*from.id());
    for number in 0..503 {
        notes.send(&format!("note {number}")).await.unwrap();
    }
    let mut lines = Vec::new();
    let count = from.export_history(|line| {
        lines.push(line.to_owned());
        Ok(())
    });
    assert_eq!(count.await.unwrap(), 503);
    let first: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(first["text"], "note 0");
    assert_eq!(first["conversation"], from.id().to_string());
    assert!(lines.iter().all(|line| !line.contains('\n')));

    assert_eq!(to.import_history(&lines).await.unwrap(), 503);
    assert_eq!(
        to.import_history(&lines).await.unwrap(),
        503,
        "twice is once"
    );
    let page = Page {
        before: None,
        limit: 1_000,
    };
    let [before, after] = [&from, &to].map(|client| client.conversation(*from.id()));
    assert_eq!(
        before.history(page).await.unwrap(),
        after.history(page).await.unwrap()
    );
    let mut again = Vec::new();
    let count = to.export_history(|line| {
        again.push(line.to_owned());
        Ok(())
    });
    assert_eq!(count.await.unwrap(), 503);
    assert_eq!(again, lines);

    let broken = [lines[0].as_str(), "{}"];
    let refused = to.import_history(broken).await;
    assert!(
        matches!(refused, Err(Error::Import { line: 2 })),
        "{refused:?}"
    );
    let full = from
        .export_history(|_| Err(std::io::Error::other("full")))
        .await;
    assert!(matches!(full, Err(Error::Io(_))), "{full:?}");
}

/// Whether a file, or what SQLite keeps beside it, contains these bytes.
fn holds(file: &std::path::Path, wanted: &[u8]) -> bool {
    let files = std::fs::read_dir(file.parent().unwrap()).unwrap();
    let mut files = files.map(|one| std::fs::read(one.unwrap().path()).unwrap());
    files.any(|bytes| bytes.windows(wanted.len()).any(|window| window == wanted))
}

#[tokio::test]
async fn a_file_with_a_key_shows_nothing_without_it() {
    let seed = Account::random().unwrap().seed();
    for key in [None, Some([7; 32])] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("records.sqlite");
        let open = |key: Option<[u8; 32]>| {
            let builder = Client::builder(Account::from_seed(&seed)).created();
            let builder = builder.seeds([Seed::new("https://127.0.0.1:1", [vec![1]])]);
            match key {
                Some(key) => builder.encrypted_store(&file, key).connect(),
                None => builder.store(&file).connect(),
            }
        };
        let client = open(key).await.unwrap();
        client.set_name("Name of the account").await.unwrap();
        let notes = client.conversation(*client.id());
        notes.send("A secret text").await.unwrap();
        notes.send("another one").await.unwrap();
        assert_eq!(client.search("SECRET", 9).await.unwrap().len(), 1);
        let is_open = key.is_none();
        assert_eq!(holds(&file, b"secret text"), is_open);
        assert_eq!(holds(&file, b"Name of the account"), is_open);
        let before = notes.history(Page::default()).await.unwrap();
        assert_eq!(before.len(), 2);
        drop((client, notes));

        // With the same key everything is there again; with another one, or in the other form, nothing.
        let again = loop {
            match open(key).await {
                Ok(client) => break client,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        let notes = again.conversation(*again.id());
        assert_eq!(notes.history(Page::default()).await.unwrap(), before);
        let name = again.edit(|configs| Ok(configs.profile.name().into_owned()));
        assert_eq!(name.await.unwrap(), "Name of the account");
        drop((again, notes));
        for other in [None, Some([7; 32]), Some([8; 32])] {
            if other != key {
                let refused = open(other).await;
                let is_key = matches!(&refused, Err(Error::Store(StoreError::Key)));
                assert!(is_key, "{refused:?}");
            }
        }
    }
}

#[test]
fn a_file_in_an_older_or_a_newer_format_is_refused() {
    for format in [1, 99] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("records.sqlite");
        drop(session_sdk::SqliteStore::open(&file).unwrap());
        let database = rusqlite::Connection::open(&file).unwrap();
        database
            .pragma_update(None, "user_version", format)
            .unwrap();
        drop(database);
        let refused = session_sdk::SqliteStore::open(&file);
        assert!(
            matches!(&refused, Err(StoreError::Version { expected: 2, got }) if *got == format),
            "{refused:?}"
        );
    }
}
