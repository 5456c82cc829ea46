//! A store that fails in the middle, as a full disk does.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use session_client::{Change, ConversationId, Message as Record, MessageId};
use session_sdk::{
    Account, Client, Error, Event, Events, MemoryStore, Page, Pair, Seed, Store, StoreError,
};
use zeroize::Zeroizing;

/// A store that takes nothing while it is full.
struct Limited {
    inner: MemoryStore,
    is_full: Arc<AtomicBool>,
}

impl Store for Limited {
    fn load(&mut self) -> Result<Vec<Pair>, StoreError> {
        self.inner.load()
    }

    fn get(&mut self, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.inner.get(key)
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(StoreError::Other("no space left on device".into()));
        }
        self.inner.apply(changes)
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.inner.put(key, value)
    }

    fn history(
        &mut self,
        conversation: &ConversationId,
        page: Page,
    ) -> Result<Vec<Record>, StoreError> {
        self.inner.history(conversation, page)
    }

    fn messages(
        &mut self,
        after: Option<&MessageId>,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        self.inner.messages(after, limit)
    }

    fn search(&mut self, text: &str, limit: u32) -> Result<Vec<Record>, StoreError> {
        self.inner.search(text, limit)
    }
}

async fn next(events: &mut Events) -> Event {
    let next = tokio::time::timeout(Duration::from_secs(20), events.next()).await;
    next.expect("an event comes in time").unwrap()
}

#[tokio::test]
async fn the_application_learns_that_the_store_fails_and_it_goes_on() {
    let is_full = Arc::new(AtomicBool::new(false));
    let store = Limited {
        inner: MemoryStore::default(),
        is_full: Arc::clone(&is_full),
    };
    // Nobody answers there: the network plays no part.
    let client = Client::builder(Account::random().unwrap())
        .created()
        .seeds([Seed::new("https://127.0.0.1:1", [vec![1]])])
        .store_in(store)
        .connect()
        .await
        .unwrap();
    let mut events = client.events();
    let notes = client.conversation(*client.id());
    notes.send("before").await.unwrap();

    is_full.store(true, Ordering::SeqCst);
    let waiting = tokio::spawn({
        let notes = notes.clone();
        async move { notes.send("in the middle").await }
    });
    let failed = next(&mut events).await;
    assert!(
        matches!(&failed, Event::StoreFailed(error) if error.to_string().contains("no space left")),
        "{failed:?}"
    );
    // What cannot be persisted is not begun; what is there can be read.
    let refused = notes.send("after").await;
    assert!(
        matches!(refused, Err(Error::Store(StoreError::Failing))),
        "{refused:?}"
    );
    let refused = client.set_name("Full").await;
    assert!(
        matches!(refused, Err(Error::Store(StoreError::Failing))),
        "{refused:?}"
    );
    assert_eq!(notes.history(Page::default()).await.unwrap().len(), 1);
    assert!(!waiting.is_finished(), "sent before it was persisted");

    is_full.store(false, Ordering::SeqCst);
    assert!(matches!(next(&mut events).await, Event::StoreRecovered));
    waiting.await.unwrap().unwrap();
    notes.send("later").await.unwrap();
    let history = notes.history(Page::default()).await.unwrap();
    let texts: Vec<_> = history
        .iter()
        .map(|record| record.text().unwrap())
        .collect();
    assert_eq!(texts, ["later", "in the middle", "before"]);
}

#[tokio::test]
async fn the_application_learns_of_damaged_records() {
    let mut store = MemoryStore::default();
    store.put(b"o12345678", b"not a message").unwrap();
    let client = Client::builder(Account::random().unwrap())
        .seeds([Seed::new("https://127.0.0.1:1", [vec![1]])])
        .store_in(store)
        .connect()
        .await
        .unwrap();
    let damaged = next(&mut client.events()).await;
    assert!(
        matches!(&damaged, Event::Damaged { key, .. } if key == b"o12345678"),
        "{damaged:?}"
    );
}
