//! A large account starts quickly: 10,000 conversations, and as many processed messages as are
//! remembered. The history is not loaded.
#![allow(
    clippy::unwrap_used,
    clippy::std_instead_of_alloc,
    clippy::print_stdout,
    missing_docs
)]

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use session_client::config::contacts::Contact;
use session_client::network::Now;
use session_client::types::{AccountId, MonotonicTime, UnixMillis};
use session_client::{Change, Client, Settings};
use session_crypto::Blake2b;
use session_identity::{Account, Seed};

const NOW: UnixMillis = UnixMillis::new(1_795_377_199_099);
const CONVERSATIONS: u32 = 10_000;
const SEEN: u32 = 50_000;

fn hash(number: u32) -> [u8; 32] {
    Blake2b::<32>::new().chain(&number.to_be_bytes()).finalize()
}

#[test]
fn ten_thousand_conversations_start_in_two_seconds() {
    let account = Arc::new(Account::from_seed(&Seed::from_short(&[1; 16])));
    let mut client = Client::created(Arc::clone(&account), Settings::default());
    let now = Now::new(MonotonicTime::new(Duration::from_secs(1)), NOW);
    // In one change: each is persisted as a whole.
    let edited = client.edit(
        |configs| {
            (0..CONVERSATIONS).try_for_each(|number| {
                let id = [[5].as_slice(), &hash(number)].concat();
                let id = AccountId::from_bytes(id.try_into().unwrap()).unwrap();
                let mut contact = Contact::new(id);
                contact.name = format!("Contact {number}").into();
                (contact.is_approved, contact.has_approved_us) = (true, true);
                configs.contacts.set(&contact)
            })
        },
        now,
    );
    edited.unwrap();
    let mut records: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let batch = client.take_batch().unwrap();
    for change in batch.changes {
        if let Change::Put { key, value } = change {
            records.insert(key.to_bytes(), value.to_vec());
        }
    }
    for number in 0..SEEN {
        let key = [b"s".as_slice(), &hash(number)].concat();
        let expiry = NOW.get() + u64::from(number);
        records.insert(key, format!("d1:ki0e1:xi{expiry}ee").into_bytes());
    }
    let begin = Instant::now();
    let restored = Client::restore(account, Settings::default(), &records, NOW);
    let time = begin.elapsed();
    assert_eq!(restored.damaged, []);
    let contacts = restored.client.configs().contacts.iter().count();
    assert_eq!(contacts, CONVERSATIONS as usize);
    println!("{contacts} contacts, {} records: {time:?}", records.len());
    assert!(time < Duration::from_secs(2), "{time:?}");
}
