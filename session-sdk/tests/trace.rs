//! What is traced says nothing about who writes to whom, and what.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use session_localnet::network::{Network, Plan};
use session_sdk::{Account, Client, Event, NewFile, Seed};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

/// Writes down everything of every level.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(self.0, "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Notes {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut notes = self.0.lock().unwrap();
        writeln!(notes, "span {}", span.metadata().name()).unwrap();
        span.record(&mut Line(&mut notes));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Line(&mut self.0.lock().unwrap()));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_have_no_ids_names_and_texts() {
    let notes = Notes::default();
    tracing::subscriber::set_global_default(notes.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::new(folder.path().join("network"));
    let network = Network::start(&plan).await.unwrap();
    let connect = async |name: &str| {
        let pin = network.seed_certificate().to_vec();
        let builder = Client::builder(Account::random().unwrap()).created();
        let builder = builder.test_network();
        let builder = builder.seeds([Seed::new(network.seed_url(), [pin])]);
        builder
            .store(folder.path().join(name))
            .connect()
            .await
            .unwrap()
    };
    let (alice, bob) = (connect("secretfolder").await, connect("bob").await);
    alice.set_name("Secretname").await.unwrap();
    let with_bob = alice.conversation(*bob.id());
    with_bob.send("secrettext").await.unwrap();
    let mut events = bob.events();
    let came = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            if let Event::Message(message) = events.next().await.unwrap() {
                return message;
            }
        }
    });
    came.await.unwrap().react("👍").await.unwrap();
    // The file server of the main network is not there.
    with_bob
        .send_file(NewFile::from_bytes("secretfile.txt", "secrettext"))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let notes = notes.0.lock().unwrap().clone();
    for expected in [
        "span account",
        "event=\"message\"",
        "event=\"delivered\"",
        "outcome=",
    ] {
        assert!(notes.contains(expected), "{expected}");
    }
    for id in [alice.id(), bob.id()] {
        let id = id.to_string();
        assert!(!notes.contains(&id) && !notes.contains(&id[2..20]), "an id");
    }
    let lower = notes.to_lowercase();
    assert!(!lower.contains("secret"), "a name, a text, or a path");
}
