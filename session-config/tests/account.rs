//! The configs of an account together, and the life cycle of one.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::std_instead_of_alloc,
    missing_docs
)]

use std::sync::Arc;

use session_config::contacts::{Contact, ContactChange};
use session_config::conversations::{Conversation, Progress};
use session_config::field::Picture;
use session_config::profile::ProfileChange;
use session_config::zstd::Encoder;
use session_config::{
    Change, Compressor, Contacts, Fetch, How, MergeError, PushError, State, UserConfigs,
};
use session_crypto::config::{self, Domain};
use session_crypto::{Blake2b, SymmetricKey};
use session_identity::{Account, Seed};
use session_types::{AccountId, Namespace, UnixMillis};

const NOW: UnixMillis = UnixMillis::new(1_795_377_199_099);

fn account() -> Arc<Account> {
    Arc::new(Account::from_seed(&Seed::from_short(&[9; 16])))
}

fn id(number: u8) -> AccountId {
    let mut bytes = [number; 33];
    bytes[0] = 5;
    AccountId::from_bytes(bytes).unwrap()
}

fn named(number: u8, name: &str) -> Contact<'static> {
    Contact {
        name: name.to_owned().into(),
        ..Contact::new(id(number))
    }
}

#[test]
fn a_restored_account_pushes_only_after_a_complete_fetch() {
    let mut first = UserConfigs::created(account());
    first.profile.set_name("Ann", NOW).unwrap();
    first.contacts.set(&named(1, "Bob")).unwrap();
    first
        .conversations
        .set(
            &Conversation::Account(id(1)),
            &Progress {
                last_read: NOW,
                ..Progress::default()
            },
            NOW,
        )
        .unwrap();
    let all = first.push(NOW).unwrap();
    assert_eq!(all.obsolete, [""; 0]);
    let namespaces: Vec<Namespace> = all.pushes.iter().map(|push| push.namespace).collect();
    assert_eq!(namespaces, UserConfigs::NAMESPACES[..3]);
    for push in &all.pushes {
        let name = format!("{}", push.namespace);
        first.confirm_pushed(push.namespace, push.seqno, [name]);
    }
    assert!(first.push(NOW).unwrap().is_empty());
    assert_eq!(first.keep_alive(NOW).collect::<Vec<_>>(), ["2", "3", "4"]);

    let mut second = UserConfigs::restored(account());
    second.profile.set_note_priority(1).unwrap();
    assert!(!second.needs_push());
    assert_eq!(second.push(NOW), Err(PushError::NotFetched));
    // Nor does one of its configs go out past the others.
    assert!(!second.profile.needs_push());
    assert_eq!(second.profile.push(NOW), Err(PushError::NotFetched));
    let mut changes = Vec::new();
    for namespace in UserConfigs::NAMESPACES {
        assert_eq!(second.push(NOW), Err(PushError::NotFetched));
        let push = all.pushes.iter().find(|push| push.namespace == namespace);
        let name = format!("{namespace}");
        let messages: Vec<(&str, &[u8])> = push
            .iter()
            .map(|push| (name.as_str(), push.messages[0].as_slice()))
            .collect();
        // A part of the messages is not enough.
        second
            .merge(namespace, &messages, Fetch::Partial, NOW)
            .unwrap();
        assert_eq!(second.push(NOW), Err(PushError::NotFetched));
        // What was not fetched completely is not forgotten in a dump.
        let dump = second.dump(NOW);
        second = UserConfigs::load(account(), &dump, NOW).unwrap();
        assert_eq!(second.profile.push(NOW), Err(PushError::NotFetched));
        let merged = second
            .merge(namespace, &messages, Fetch::Complete, NOW)
            .unwrap();
        changes.extend(merged.changes);
    }
    assert!(second.is_fetched());
    assert_eq!(second.profile.name(), "Ann");
    assert_eq!(second.profile.note_priority(), 1);
    // Its own change goes out now, and only that.
    let all = second.push(NOW).unwrap();
    assert_eq!(all.pushes.len(), 1);
    assert_eq!(all.pushes[0].namespace, Namespace::USER_PROFILE);
    assert_eq!(all.obsolete, ["2"]);
    assert!(
        second.merge(Namespace::DEFAULT, &[], Fetch::Complete, NOW) == Err(MergeError::Namespace)
    );
}

/// Protocol: config, section 3.2: a key before the seqno is of a later version.
#[test]
fn a_config_of_a_later_version_is_not_replaced() {
    let later = config::pad(b"d1:!i1e1:#i1e1:&de1:<le1:=dee").unwrap();
    let key = SymmetricKey::from_bytes(*account().ed25519().expose_seed());
    let later = config::encrypt(&key, Domain::new("Contacts").unwrap(), &later).unwrap();
    let mut configs = UserConfigs::restored(account());
    for namespace in UserConfigs::NAMESPACES {
        // Junk that nobody with the key has made does not lock the account.
        let mut messages: Vec<(&str, &[u8])> = vec![("junk", b"not a config")];
        if namespace == Namespace::CONTACTS {
            messages.push(("later", &later));
            let merged = configs.merge(namespace, &messages, Fetch::Complete, NOW);
            assert_eq!(merged, Err(MergeError::NoneValid));
        } else {
            configs
                .merge(namespace, &messages, Fetch::Complete, NOW)
                .unwrap();
        }
    }
    assert_eq!(configs.push(NOW), Err(PushError::NotFetched));
    configs
        .merge(Namespace::CONTACTS, &[], Fetch::Complete, NOW)
        .unwrap();
    assert!(configs.push(NOW).is_ok());
}

#[test]
fn a_merge_says_what_changed() {
    let mut one = UserConfigs::created(account());
    let mut two = UserConfigs::created(account());
    one.profile.set_name("Ann", NOW).unwrap();
    one.contacts.set(&named(1, "Bob")).unwrap();
    one.contacts.set(&named(2, "Carol")).unwrap();
    let mut changes = Vec::new();
    for push in one.push(NOW).unwrap().pushes {
        let merged = two.merge(
            push.namespace,
            &[("x", &push.messages[0])],
            Fetch::Complete,
            NOW,
        );
        changes.extend(merged.unwrap().changes);
        one.confirm_pushed(push.namespace, push.seqno, ["x".to_owned()]);
    }
    assert_eq!(
        changes,
        [
            Change::Profile(ProfileChange::Name),
            Change::Contact(ContactChange::Contact(id(1), How::Added)),
            Change::Contact(ContactChange::Contact(id(2), How::Added)),
        ]
    );
    one.contacts.remove(&id(1)).unwrap();
    one.contacts.set(&named(2, "Caroline")).unwrap();
    let push = one.push(NOW).unwrap().pushes.remove(0);
    let merged = two
        .merge(
            push.namespace,
            &[("y", &push.messages[0])],
            Fetch::Complete,
            NOW,
        )
        .unwrap();
    assert_eq!(
        merged.changes,
        [
            Change::Contact(ContactChange::Contact(id(2), How::Changed)),
            Change::Contact(ContactChange::Contact(id(1), How::Removed)),
        ]
    );
    // The same again changes nothing.
    let merged = two
        .merge(
            push.namespace,
            &[("y", &push.messages[0])],
            Fetch::Complete,
            NOW,
        )
        .unwrap();
    assert_eq!(merged.changes, []);
}

/// Protocol: config, section 7.8.
#[test]
fn conflicts_share_a_seqno_with_the_next_change() {
    let mut c1 = Contacts::new(account());
    c1.set(&named(0, "alfonso")).unwrap();
    let push = c1.push(NOW).unwrap();
    c1.confirm_pushed(push.seqno, ["fakehash1".to_owned()]);
    let dump = c1.dump(NOW);
    let load = || Contacts::load(account(), &dump, NOW).unwrap();
    let (mut c2, mut c3) = (load(), load());
    c2.set(&named(1, "barney")).unwrap();
    c3.set(&named(2, "chalmondeley")).unwrap();
    let (p2, p3) = (c2.push(NOW).unwrap(), c3.push(NOW).unwrap());
    assert_eq!((p2.seqno, p3.seqno), (2, 2));
    assert_eq!(p2.obsolete, ["fakehash1"]);
    assert_eq!(p3.obsolete, ["fakehash1"]);
    let messages: [(&str, &[u8]); 2] = [
        ("fakehash2", &p2.messages[0]),
        ("fakehash3", &p3.messages[0]),
    ];
    let merged = c1.merge(&messages, NOW).unwrap();
    assert_eq!(merged.accepted, ["fakehash2", "fakehash3"]);
    assert!(c1.needs_push() && c1.needs_dump() && c1.state() == State::Dirty);
    c1.set(&named(3, "elly")).unwrap();
    let push = c1.push(NOW).unwrap();
    assert_eq!(push.seqno, 3);
    assert_eq!(push.obsolete, ["fakehash1", "fakehash2", "fakehash3"]);
    assert_eq!(c1.state(), State::Waiting);
}

/// Devices that do the same are satisfied by each other's message.
#[test]
fn equal_changes_need_one_message() {
    let mut first = Contacts::new(account());
    first.set(&named(0, "alfonso")).unwrap();
    let push = first.push(NOW).unwrap();
    first.confirm_pushed(push.seqno, ["fakehash1".to_owned()]);
    let dump = first.dump(NOW);
    let load = || Contacts::load(account(), &dump, NOW).unwrap();
    let (mut c1, mut c2, mut c3) = (load(), load(), load());
    for device in [&mut c1, &mut c2, &mut c3] {
        device.set(&named(1, "barney")).unwrap();
    }
    let second = c2.push(NOW).unwrap();
    c2.confirm_pushed(second.seqno, ["fakehash2".to_owned()]);
    c1.merge(&[("fakehash2", &second.messages[0])], NOW)
        .unwrap();
    assert_eq!(c1.state(), State::Clean);
    assert!(c1.current_hashes().eq(["fakehash2"]));
    c2.set(&named(2, "carl")).unwrap();
    let third = c2.push(NOW).unwrap();
    c1.merge(&[("fakehash3", &third.messages[0])], NOW).unwrap();
    assert!(c1.current_hashes().eq(["fakehash3"]));
    c1.set(&named(3, "dora")).unwrap();
    let push = c1.push(NOW).unwrap();
    assert_eq!(push.seqno, 4);
    assert_eq!(push.obsolete, ["fakehash1", "fakehash2", "fakehash3"]);
    let messages: [(&str, &[u8]); 2] = [
        ("fakehash2", &second.messages[0]),
        ("fakehash3", &third.messages[0]),
    ];
    c3.merge(&messages, NOW).unwrap();
    assert_eq!(c3.state(), State::Clean);
    assert!(c3.current_hashes().eq(["fakehash3"]));
    assert_eq!(c3.seqno(), 3);
}

/// Another encoder, which is allowed to give other bytes.
struct Other;

impl Compressor for Other {
    fn compress(&self, plain: &[u8]) -> Vec<u8> {
        zstd::bulk::compress(plain, 19).unwrap()
    }
}

#[test]
fn what_was_received_is_stored_again_as_it_was() {
    let mut sender = Contacts::new(account());
    for number in 0..40 {
        sender
            .set(&named(number, "a name that is compressed well"))
            .unwrap();
    }
    let sent = sender.push_with(NOW, &Other).unwrap();
    let mut receiver = Contacts::new(account());
    receiver.merge(&[("sent", &sent.messages[0])], NOW).unwrap();
    assert_eq!(
        receiver.push_with(NOW, &Encoder).unwrap().messages,
        sent.messages
    );
    let dump = receiver.dump(NOW);
    let mut loaded = Contacts::load(account(), &dump, NOW).unwrap();
    assert_eq!(
        loaded.push_with(NOW, &Encoder).unwrap().messages,
        sent.messages
    );
    assert_eq!(loaded.state(), State::Clean);
    // After a change our own encoder is used.
    loaded.set(&named(41, "new")).unwrap();
    assert_ne!(
        loaded.push_with(NOW, &Encoder).unwrap().messages,
        sent.messages
    );
}

#[test]
fn a_setter_that_fails_changes_nothing() {
    let mut configs = UserConfigs::created(account());
    configs.profile.set_name("Ann", NOW).unwrap();
    let before = configs.profile.plaintext();
    assert!(configs.profile.set_name(&"x".repeat(101), NOW).is_err());
    assert!(Picture::new("", [1; 32]).is_err());
    assert!(Picture::new("x".repeat(224), [1; 32]).is_err());
    assert_eq!(configs.profile.plaintext(), before);
    configs.contacts.set(&named(1, "Bob")).unwrap();
    let before = configs.contacts.plaintext();
    let error = configs.contacts.update(&id(1), |contact| {
        contact.is_blocked = true;
        contact.set_nickname(&"x".repeat(101))
    });
    assert!(error.is_err());
    assert_eq!(configs.contacts.plaintext(), before);
}

#[test]
fn contacts_are_read_without_copies() {
    let mut contacts = Contacts::new(account());
    contacts.set(&named(1, "Bob")).unwrap();
    let contact = contacts.iter().next().unwrap();
    assert!(matches!(contact.name, std::borrow::Cow::Borrowed("Bob")));
}

#[test]
fn a_config_that_is_too_long_does_not_hold_up_the_others() {
    let mut configs = UserConfigs::created(account());
    configs.profile.set_name("Ann", NOW).unwrap();
    // Pictures' keys do not shrink: more than five megabytes.
    for number in 0..70_000_u32 {
        let hash = Blake2b::<64>::new().chain(&number.to_be_bytes()).finalize();
        let mut id = [5; 33];
        id[1..].copy_from_slice(&hash[..32]);
        let mut contact = Contact::new(AccountId::from_bytes(id).unwrap());
        contact.picture = Some(Picture::new("u", hash[32..].try_into().unwrap()).unwrap());
        configs.contacts.set(&contact).unwrap();
    }
    let before = configs.contacts.state();
    let all = configs.push(NOW).unwrap();
    assert_eq!(all.pushes.len(), 1);
    assert!(matches!(
        all.failed[..],
        [(Namespace::CONTACTS, PushError::TooLong { .. })]
    ));
    assert_eq!(configs.contacts.state(), before);
    assert_eq!(configs.contacts.seqno(), 1);
}
