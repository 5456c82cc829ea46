//! A send that is refused changes nothing.
#![allow(clippy::unwrap_used, clippy::std_instead_of_alloc, missing_docs)]

use core::time::Duration;
use std::sync::Arc;

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use session_client::config::Fetch;
use session_client::content::Content;
use session_client::network::{Config, Network, Now, Seed as SeedNode};
use session_client::types::{MonotonicTime, Namespace, UnixMillis};
use session_client::{Batch, Client, SendError, Settings};
use session_crypto::SymmetricKey;
use session_crypto::config::{self, Domain};
use session_identity::{Account, AccountId, Seed};

const NOW: UnixMillis = UnixMillis::new(1_795_377_199_099);

fn account(number: u8) -> Arc<Account> {
    Arc::new(Account::from_seed(&Seed::from_short(&[number; 16])))
}

fn network() -> Network {
    Network::new(
        Config::test_network(),
        vec![SeedNode::new("https://seed.example", [])],
    )
}

fn now() -> Now {
    Now::new(MonotonicTime::new(Duration::from_secs(1)), NOW)
}

/// Contacts that have the last number there is: they cannot be changed any more.
fn last_contacts(account: &Account) -> Vec<u8> {
    let plain = format!("d1:#i{}e1:&de1:<le1:=dee", i64::MAX);
    let key = SymmetricKey::from_bytes(*account.ed25519().expose_seed());
    let padded = config::pad(plain.as_bytes()).unwrap();
    config::encrypt(&key, Domain::new("Contacts").unwrap(), &padded).unwrap()
}

fn send(client: &mut Client, to: &AccountId, text: &str) -> Result<(), SendError> {
    let rng = &mut UnwrapErr(SysRng);
    let sent = client.send(to, Content::text(text), &network(), now(), rng);
    sent.map(|_| ())
}

fn take(client: &mut Client) -> Option<Batch> {
    let batch = client.take_batch();
    client.persisted();
    batch
}

#[test]
fn a_refused_send_changes_nothing() {
    let (own, bob) = (account(1), account(2));
    let mut client = Client::created(Arc::clone(&own), Settings::default());
    let stored = last_contacts(&own);
    let merged = client.edit(
        |configs| {
            let messages = [("last", stored.as_slice())];
            configs.merge(Namespace::CONTACTS, &messages, Fetch::Complete, NOW)
        },
        now(),
    );
    assert_eq!(merged.unwrap().accepted, ["last"]);
    take(&mut client);

    let refused = send(&mut client, bob.id(), "hello");
    assert!(
        matches!(refused, Err(SendError::Contacts(_))),
        "{refused:?}"
    );
    assert_eq!(client.outgoing(), 0);
    assert_eq!(take(&mut client), None, "nothing to be persisted");

    // What needs no change of the contacts is sent, with the first number.
    send(&mut client, own.id(), "note").unwrap();
    let sending: Vec<u64> = client.sending().map(|send| send.get()).collect();
    assert_eq!(sending, [1]);
}

#[test]
fn nothing_is_sent_to_an_account_that_is_blocked() {
    let (own, bob) = (account(1), account(2));
    let mut client = Client::created(own, Settings::default());
    let block = |client: &mut Client, is_blocked| {
        let block = |contact: &mut session_client::config::contacts::Contact<'_>| {
            contact.is_blocked = is_blocked;
            Ok(())
        };
        let blocked = client.edit(|all| all.contacts.update(bob.id(), block), now());
        blocked.unwrap();
        take(client);
    };
    block(&mut client, true);
    assert_eq!(
        send(&mut client, bob.id(), "hello"),
        Err(SendError::Blocked)
    );
    assert_eq!(take(&mut client), None);
    block(&mut client, false);
    assert_eq!(send(&mut client, bob.id(), "hello"), Ok(()));
    let id = session_client::ConversationId::from(bob.id());
    let message = take(&mut client).unwrap();
    let is_message = |change: &session_client::Change| match change {
        session_client::Change::Put {
            key: session_client::Key::Message(message),
            ..
        } => *message.conversation() == id,
        _ => false,
    };
    assert_eq!(
        message.changes.iter().filter(|one| is_message(one)).count(),
        1
    );
}
