//! Files and pictures on a network of nodes on this machine, with its file server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::path::Path;
use std::time::Duration;

use session_client::Event as Other;
use session_localnet::network::{Network, Plan};
use session_sdk::{
    Account, Client, Error, Event, Events, FileError, Message, NewFile, Page, Seed, SqliteStore,
    Store,
};

/// A limit for everything that waits.
const LIMIT: Duration = Duration::from_secs(90);

async fn connect(network: &Network, data: &Path, store: Option<&Path>) -> Client {
    let pin = network.seed_certificate().to_vec();
    let described = std::fs::read(data.join("network.json")).unwrap();
    let described: serde_json::Value = serde_json::from_slice(&described).unwrap();
    let file = &described["servers"]["file"];
    let text = |name: &str| file[name].as_str().unwrap();
    let builder = Client::builder(Account::random().unwrap()).created();
    let builder = builder.test_network();
    let builder = builder.seeds([Seed::new(network.seed_url(), [pin])]);
    let builder = builder
        .file_server(text("url"), text("pubkey_ed25519"))
        .unwrap();
    let builder = match store {
        Some(path) => builder.store(path),
        None => builder,
    };
    builder.connect().await.unwrap()
}

async fn wait<T>(events: &mut Events, wanted: impl Fn(Event) -> Option<T>) -> T {
    let found = tokio::time::timeout(LIMIT, async {
        loop {
            if let Some(found) = wanted(events.next().await.unwrap()) {
                return found;
            }
        }
    });
    found.await.expect("it happens in time")
}

async fn message(events: &mut Events) -> Message {
    wait(events, |event| match event {
        Event::Message(message) => Some(message),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_pictures_go_from_one_to_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("network");
    let network = Network::start(&Plan::new(&data)).await.unwrap();
    let records = folder.path().join("alice.sqlite");
    let alice = connect(&network, &data, Some(&records)).await;
    let bob = connect(&network, &data, None).await;
    let (mut of_alice, mut of_bob) = (alice.events(), bob.events());
    let with_bob = alice.conversation(*bob.id());

    let content: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    let source = folder.path().join("photo.png");
    std::fs::write(&source, &content).unwrap();
    let note = NewFile::from_bytes("../../notes.txt", "a note").with_caption("read me");
    with_bob
        .send_files("two files", [NewFile::at(&source), note])
        .await
        .unwrap();
    // What was sent does not need its source any more.
    std::fs::remove_file(&source).unwrap();
    let came = message(&mut of_bob).await;
    assert_eq!(came.text(), Some("two files"));
    let [photo, note] = came.files() else {
        panic!("{:?}", came.files());
    };
    assert_eq!(photo.content_type.as_deref(), Some("image/png"));
    assert_eq!(photo.size, Some(300_000));
    assert_eq!(note.caption.as_deref(), Some("read me"));
    let inbox = folder.path().join("inbox");
    std::fs::create_dir(&inbox).unwrap();
    let saved = bob.save(photo, &inbox).await.unwrap();
    assert_eq!(saved, inbox.join("photo.png"));
    assert_eq!(std::fs::read(&saved).unwrap(), content);
    assert_eq!(
        bob.save(photo, &inbox).await.unwrap(),
        inbox.join("photo (2).png")
    );
    // The name of the other one was a path.
    assert_eq!(
        bob.save(note, &inbox).await.unwrap(),
        inbox.join("notes.txt")
    );
    assert_eq!(
        *bob.download(note).await.unwrap().content().unwrap(),
        b"a note"
    );
    wait(&mut of_alice, |event| match event {
        Event::Other(event) => matches!(*event, Other::Uploaded { left: 0, .. }).then_some(()),
        _ => None,
    })
    .await;

    // One that is given up does not hold up the next.
    let given_up = tokio::time::timeout(Duration::from_millis(1), bob.download(photo));
    assert!(given_up.await.is_err());
    let mut changed = photo.clone();
    changed.key = note.key.clone();
    let before = std::fs::read_dir(&inbox).unwrap().count();
    let refused = bob.save(&changed, &inbox).await;
    assert!(
        matches!(refused, Err(Error::File(FileError::Decrypt))),
        "{refused:?}"
    );
    changed.url = changed.url.replace("/file/", "/file/1");
    let refused = bob.save(&changed, &inbox).await;
    assert!(
        matches!(refused, Err(Error::File(FileError::Fetch(_)))),
        "{refused:?}"
    );
    assert_eq!(
        std::fs::read_dir(&inbox).unwrap().count(),
        before,
        "nothing is left"
    );
    let missing = with_bob
        .send_file(NewFile::at(folder.path().join("missing")))
        .await;
    assert!(
        matches!(missing, Err(Error::File(FileError::Read(_)))),
        "{missing:?}"
    );
    let empty = with_bob.send_file(NewFile::from_bytes("empty", [])).await;
    assert!(
        matches!(empty, Err(Error::File(FileError::Seal(_)))),
        "{empty:?}"
    );

    // A picture goes with the messages.
    alice.set_name("Alice").await.unwrap();
    alice.set_picture(b"a picture".as_slice()).await.unwrap();
    wait(&mut of_alice, |event| match event {
        Event::Other(event) => matches!(*event, Other::PictureSet).then_some(()),
        _ => None,
    })
    .await;
    with_bob.send("with a picture").await.unwrap();
    message(&mut of_bob).await;
    let picture = bob
        .picture_of(*alice.id())
        .await
        .unwrap()
        .expect("they have one");
    assert_eq!(*picture.content().unwrap(), b"a picture");
    assert!(alice.picture_of(*bob.id()).await.unwrap().is_none());

    // The history has what was sent; the records have no content but that of the picture.
    let history = with_bob.history(Page::default()).await.unwrap();
    assert_eq!(history.len(), 2);
    tokio::time::timeout(LIMIT, alice.flush())
        .await
        .unwrap()
        .unwrap();
    drop((alice, with_bob, of_alice));
    let contents = |store: &mut SqliteStore| {
        let contents = (0..10_u64).filter(|number| {
            let key = [b"b".as_slice(), &number.to_be_bytes()].concat();
            store.get(&key).unwrap().is_some()
        });
        contents.count()
    };
    let mut store = SqliteStore::open(&records).unwrap();
    assert_eq!(contents(&mut store), 1);
    let loaded = store.load().unwrap();
    assert!(
        loaded.iter().all(|(key, _)| key[0] != b'b'),
        "loaded at the start"
    );
    assert!(loaded.iter().any(|(key, _)| key[0] == b'f'));
}
