//! What an account has beside its messages: configs on two devices, communities, files.

use alloc::borrow::ToOwned as _;
use alloc::sync::Arc;
use alloc::vec;
use core::time::Duration;

use session_client::content::Content;
use session_client::{Client, Settings};
use session_community::reply::{self, Change};
use session_community::request::{self, Posts};
use session_community::server::{self, Config, Memory, Room, Store as _};
use session_community::{Signer, auth, http, post::NewPost};
use session_config::contacts::Contact;
use session_config::{Fetch, UserConfigs};
use session_crypto::{Blinding, X25519Secret};
use session_identity::Account;
use session_network::{Config as NetworkConfig, Network, Now, Seed, Target};
use session_services::file::FileUrl;
use session_storage::Info;
use session_types::{MonotonicTime, Namespace, UnixMillis};

use crate::generator::Generator;

/// Two devices change their contacts at the same time, and agree. Returns `None` if they do not.
pub fn sync(account: Account, other: &Account, now: UnixMillis) -> Option<()> {
    let account = Arc::new(account);
    let mut phone = UserConfigs::created(Arc::clone(&account));
    let mut laptop = UserConfigs::restored(account);
    for namespace in UserConfigs::NAMESPACES {
        laptop.merge(namespace, &[], Fetch::Complete, now).ok()?;
    }
    let mut contact = Contact::new(*other.id());
    contact.name = "a name that repeats, a name that repeats, a name that repeats".into();
    phone.contacts.set(&contact).ok()?;
    contact.is_blocked = true;
    laptop.contacts.set(&contact).ok()?;
    let from_phone = phone.push(now).ok()?.pushes.pop()?;
    let from_laptop = laptop.push(now).ok()?.pushes.pop()?;
    let namespace = Namespace::CONTACTS;
    phone.confirm_pushed(namespace, from_phone.seqno, ["one".to_owned()]);
    laptop.confirm_pushed(namespace, from_laptop.seqno, ["two".to_owned()]);
    let (one, two) = (from_phone.messages.first()?, from_laptop.messages.first()?);
    phone.merge(namespace, &[("two", two)], Fetch::Complete, now).ok()?;
    laptop.merge(namespace, &[("one", one)], Fetch::Complete, now).ok()?;
    let merged = phone.push(now).ok()?;
    let is_equal = phone.contacts.data() == laptop.contacts.data() && merged == laptop.push(now).ok()?;
    let dump = phone.dump(now);
    (is_equal && dump.len() > 100 && merged.obsolete == ["one", "two"]).then_some(())
}

/// A post goes to a community and comes back.
pub fn post(account: &Account, rng: &mut Generator, now: UnixMillis) -> Option<()> {
    let server = X25519Secret::generate(rng).public();
    let signer = Signer::blinded(Blinding::Blind15, account, &server).ok()?;
    let (config, mut store) = (Config::new(server), Memory::new());
    store.put_room(&Room::new("lounge", "Lounge", now)).ok()?;
    let room = "lounge".parse().ok()?;
    let post = NewPost::new(vec![1; 160], &signer, rng);
    let mut ask = |request: http::Request, nonce: u8| {
        let request = auth::sign(request, &signer, &[nonce; 16], now);
        server::handle(&config, &request, now, &mut store).ok()
    };
    ask(request::send(&room, &post), 1)?;
    let posts = ask(request::posts(&room, Posts::Recent, None, None), 2)?;
    let mut posts = reply::messages(&posts).ok()?.into_iter();
    let is_ours = |change: Change| match change {
        Change::Posted { message, .. } => message.is_verified && message.author == signer.public_id(),
        _ => false,
    };
    posts.any(is_ours).then_some(())
}

/// A request waits for a network, and an address of a file is read.
pub fn others(rng: &mut Generator, now: UnixMillis) -> Option<()> {
    let seeds = vec![Seed::new("https://seed1.getsession.org:4443", [])];
    let mut network = Network::new(NetworkConfig::default(), seeds);
    let now = Now::new(MonotonicTime::new(Duration::ZERO), now);
    network.request(Target::AnyNode, Info, now);
    // It asks the seed for its list of nodes.
    let _post = network.poll(now, rng)?;
    // A whole client: a message is in its outbox, and waits for being persisted.
    let account = Arc::new(Account::generate(rng));
    let mut client = Client::created(account, Settings::default());
    client.send(Account::generate(rng).id(), Content::text("hello"), &network, now, rng).ok()?;
    let batch = client.take_batch()?;
    if batch.changes.is_empty() || client.outgoing() != 1 {
        return None;
    }
    let url: FileUrl = "http://filev2.getsession.org/file/123".parse().ok()?;
    (url.id.as_str() == "123").then_some(())
}
