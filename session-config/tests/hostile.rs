//! Bytes from outside: every cut and every changed bit, and what somebody who has the key can make.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_alloc,
    missing_docs
)]

use std::sync::Arc;

use session_config::contacts::Contact;
use session_config::limits::{MAX_SETS, MAX_UNFINISHED};
use session_config::{Contacts, DumpForm, MergeError, PushError, Refused, UserConfigs};
use session_config::{EditError, GroupInfo, GroupKeyring};
use session_crypto::config::{self, Domain};
use session_crypto::{Ed25519Secret, SymmetricKey, direct};
use session_identity::{Account, Seed};
use session_proto::schema::session::shared_config_message::Kind;
use session_proto::shared_config;
use session_types::{AccountId, GroupId, UnixMillis};

const NOW: UnixMillis = UnixMillis::new(1_795_377_199_099);

fn account() -> Arc<Account> {
    Arc::new(Account::from_seed(&Seed::from_short(&[9; 16])))
}

fn id(number: u8) -> AccountId {
    let mut bytes = [number; 33];
    bytes[0] = 5;
    AccountId::from_bytes(bytes).unwrap()
}

fn with_contact(number: u8) -> Contacts {
    let mut contacts = Contacts::new(account());
    let mut contact = Contact::new(id(number));
    contact.name = "Ann".into();
    contacts.set(&contact).unwrap();
    let push = contacts.push(NOW).unwrap();
    contacts.confirm_pushed(push.seqno, ["own".to_owned()]);
    contacts
}

/// Encrypts what is given as a config of the account.
fn encrypt(message: &[u8]) -> Vec<u8> {
    let key = SymmetricKey::from_bytes(*account().ed25519().expose_seed());
    config::encrypt(&key, Domain::new("Contacts").unwrap(), message).unwrap()
}

fn store(plain: &[u8]) -> Vec<u8> {
    encrypt(&config::pad(plain).unwrap())
}

/// Everything of a config that can be seen.
fn seen(contacts: &mut Contacts) -> (Vec<u8>, Vec<u8>) {
    let plain = contacts.plaintext().to_vec();
    (plain, contacts.dump_as(DumpForm::Full, NOW).to_vec())
}

/// Merging `data` changes nothing, and says why.
fn refused(contacts: &mut Contacts, data: &[u8]) -> Refused {
    let before = seen(contacts);
    let merged = contacts.merge(&[("bad", data)], NOW).unwrap();
    assert_eq!(merged.accepted, [""; 0]);
    assert_eq!(merged.changes, []);
    assert_eq!(seen(contacts), before);
    assert!(!contacts.needs_dump());
    merged.refused[0].1
}

#[test]
fn cut_messages_are_refused() {
    let mut contacts = with_contact(1);
    let message = with_contact(2).push(NOW).unwrap().messages.remove(0);
    for length in 0..message.len() {
        assert_eq!(refused(&mut contacts, &message[..length]), Refused::Decrypt);
    }
}

#[test]
fn changed_bits_are_noticed() {
    let mut contacts = with_contact(1);
    let plain = with_contact(2).plaintext().to_vec();
    let mut message = store(&plain);
    for bit in 0..message.len() * 8 {
        message[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(refused(&mut contacts, &message), Refused::Decrypt);
        message[bit / 8] ^= 1 << (bit % 8);
    }
    // The layers around the config are not authenticated: what is inside of them is.
    let mut wrapped = with_contact(2).push(NOW).unwrap().messages.remove(0);
    for bit in 0..wrapped.len() * 8 {
        wrapped[bit / 8] ^= 1 << (bit % 8);
        let mut other = Contacts::new(account());
        let merged = other.merge(&[("bad", &wrapped)], NOW).unwrap();
        assert!(merged.accepted.is_empty() || *other.plaintext() == *plain);
        wrapped[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn changed_plaintexts_never_break_a_config() {
    let base = with_contact(1).dump(NOW);
    let plain = with_contact(2).plaintext().to_vec();
    let mut accepted = 0;
    for bit in 0..plain.len() * 8 {
        let mut plain = plain.clone();
        plain[bit / 8] ^= 1 << (bit % 8);
        let mut contacts = Contacts::load(account(), &base, NOW).unwrap();
        let merged = contacts.merge(&[("odd", &store(&plain))], NOW).unwrap();
        accepted += merged.accepted.len();
        contacts.set(&Contact::new(id(7))).unwrap();
        // Whatever it holds now, others can read it.
        let push = contacts.push(NOW).unwrap();
        let mut other = Contacts::new(account());
        let merged = other.merge(&[("next", &push.messages[0])], NOW).unwrap();
        assert_eq!(merged.accepted, ["next"]);
        assert_eq!(other.data(), contacts.data());
        let dump = contacts.dump(NOW);
        Contacts::load(account(), &dump, NOW).unwrap();
    }
    assert!(accepted > 100);
}

#[test]
fn hostile_dicts_are_refused() {
    let mut contacts = with_contact(1);
    let around = |data: &[u8], lags: &[u8], diff: &[u8]| {
        [b"d1:#i9e1:&", data, b"1:<", lags, b"1:=", diff, b"e"].concat()
    };
    let deep = |depth: usize| [b"d1:a".repeat(depth), b"i1e".to_vec(), b"e".repeat(depth)].concat();
    let dicts = [b"d".to_vec(), b"1:ad1:bi1ee".to_vec(), b"e".to_vec()].concat();
    assert!(
        Contacts::new(account())
            .merge(&[("x", &store(&around(&dicts, b"le", b"de")))], NOW)
            .is_ok()
    );
    for plain in [
        around(&deep(70), b"le", b"de"),
        around(&deep(100_000), b"le", b"de"),
        around(b"de", b"le", &deep(100_000)),
        around(b"de", &b"l".repeat(100_000), b"de"),
        around(b"d1:ai9223372036854775808ee", b"le", b"de"),
        around(b"d1:ali1ei1eee", b"le", b"de"),
        around(b"d1:alee", b"le", b"de"),
        around(b"d1:adee", b"le", b"de"),
        around(b"de", b"le", b"d1:ai1ee"),
        around(b"de", b"le", b"d1:a1:+e"),
        around(
            b"de",
            b"lli9e32:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaadeee",
            b"de",
        ),
    ] {
        assert!(matches!(
            refused(&mut contacts, &store(&plain)),
            Refused::Message(_)
        ));
    }
}

/// The layers around a config must be made by our own account, even if the config inside is right.
#[test]
fn a_config_that_somebody_else_wrapped_is_refused() {
    let plain = with_contact(2).plaintext().to_vec();
    let inside = shared_config::encode(Kind::Contacts, 1, &store(&plain));
    let other = Account::from_seed(&Seed::from_short(&[8; 16]));
    let wrap = |sender: &Account| {
        let own = account().x25519_public();
        let sealed = direct::seal_deterministic(sender.ed25519(), &own, &inside).unwrap();
        shared_config::enclose(&sealed)
    };
    let mut contacts = with_contact(1);
    assert_eq!(refused(&mut contacts, &wrap(&other)), Refused::Decrypt);
    let merged = contacts.merge(&[("ours", &wrap(&account()))], NOW).unwrap();
    assert_eq!(merged.accepted, ["ours"]);
}

#[test]
fn too_many_dicts_are_refused() {
    // Small on the wire, large in memory.
    let mut data = b"d".to_vec();
    for number in 0..140_000_u32 {
        data.extend(b"4:");
        data.extend(number.to_be_bytes());
        data.extend(b"d0:i1ee");
    }
    data.push(b'e');
    let plain = [b"d1:#i9e1:&", data.as_slice(), b"1:<le1:=dee"].concat();
    let mut contacts = with_contact(1);
    assert!(matches!(
        refused(&mut contacts, &store(&plain)),
        Refused::Message(_)
    ));
}

#[test]
fn thousands_of_ancestors_are_read_or_skipped() {
    let lag = |seqno: i64, number: u32| {
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&number.to_be_bytes());
        [format!("li{seqno}e32:").as_bytes(), &hash, b"d1:x1:-ee"].concat()
    };
    let lags: Vec<u8> = (0..5_000).flat_map(|number| lag(8, number)).collect();
    let plain = [b"d1:#i9e1:&de1:<l", lags.as_slice(), b"e1:=d1:y0:ee"].concat();
    let mut contacts = with_contact(1);
    // The diff names what is not there: that is no reason to refuse it.
    let merged = contacts.merge(&[("many", &store(&plain))], NOW).unwrap();
    assert_eq!(merged.accepted, ["many"]);
    assert_eq!(&*contacts.plaintext(), plain.as_slice());
    // Older than the window: not looked at.
    let plain = b"d1:#i20e1:&de1:<lli9ei0elli3eeeee1:=dee";
    let merged = contacts.merge(&[("old", &store(plain))], NOW).unwrap();
    assert_eq!(merged.accepted, ["old"]);
    assert_eq!(contacts.seqno(), 20);
}

#[test]
fn the_last_seqno_cannot_be_passed() {
    let last = format!("d1:#i{}e1:&d1:zi1ee1:<le1:=dee", i64::MAX);
    let mut contacts = with_contact(1);
    contacts
        .merge(&[("last", &store(last.as_bytes()))], NOW)
        .unwrap();
    assert_eq!(contacts.seqno(), i64::MAX);
    let before = seen(&mut contacts);
    let error = contacts.set(&Contact::new(id(2))).unwrap_err();
    assert!(matches!(error, EditError::Seqno(_)));
    // A conflict with it cannot be merged either, and nothing is lost.
    let other = format!("d1:#i{}e1:&d1:zi2ee1:<le1:=dee", i64::MAX);
    let error = contacts
        .merge(&[("other", &store(other.as_bytes()))], NOW)
        .unwrap_err();
    assert!(matches!(error, MergeError::Seqno(_)));
    assert_eq!(seen(&mut contacts), before);
}

fn part(set: [u8; 32], index: u8, count: u8, chunk: &[u8]) -> Vec<u8> {
    let length = format!("{}:", chunk.len());
    let body = [
        b"ml32:".as_slice(),
        &set,
        b"1:",
        &[index],
        b"1:",
        &[count],
        length.as_bytes(),
        chunk,
        b"e",
    ];
    encrypt(&body.concat())
}

#[test]
fn unfinished_parts_take_bounded_memory() {
    let mut contacts = with_contact(1);
    let chunk = vec![7; 76_000];
    for number in 0..1_000_u32 {
        let mut set = [1; 32];
        set[..4].copy_from_slice(&number.to_be_bytes());
        let name = number.to_string();
        let message = part(set, 0, 2, &chunk);
        let merged = contacts.merge(&[(&name, &message)], NOW).unwrap();
        assert_eq!(merged.accepted, [name]);
    }
    let kept = contacts.active_hashes(NOW).count();
    assert_eq!(kept, 1 + MAX_UNFINISHED / chunk.len());
    assert!(contacts.dump(NOW).len() < MAX_UNFINISHED + 100_000);
    // As many small ones as there may be.
    let mut contacts = with_contact(1);
    for number in 0..1_500_u32 {
        let mut set = [2; 32];
        set[..4].copy_from_slice(&number.to_be_bytes());
        let name = number.to_string();
        contacts
            .merge(&[(&name, &part(set, 1, 255, b"x"))], NOW)
            .unwrap();
    }
    assert_eq!(contacts.active_hashes(NOW).count(), 1 + MAX_SETS);
    // They expire.
    let later = UnixMillis::new(NOW.get() + 8 * 24 * 60 * 60 * 1000);
    assert_eq!(contacts.active_hashes(later).count(), 1);
}

#[test]
fn parts_that_lie_are_refused() {
    let mut contacts = with_contact(1);
    let first = part([3; 32], 0, 2, b"d1:#i9e1:&d");
    contacts.merge(&[("first", &first)], NOW).unwrap();
    let _ = contacts.dump(NOW);
    // Another count, and an end with another hash.
    assert_eq!(
        refused(&mut contacts, &part([3; 32], 1, 3, b"e")),
        Refused::Part
    );
    assert_eq!(
        refused(&mut contacts, &part([3; 32], 1, 2, b"e")),
        Refused::Part
    );
    // The same where it is not the last one.
    let first = part([5; 32], 0, 3, b"d1:#i9e1:&d");
    contacts.merge(&[("third", &first)], NOW).unwrap();
    let _ = contacts.dump(NOW);
    assert_eq!(
        refused(&mut contacts, &part([5; 32], 1, 4, b"e")),
        Refused::Part
    );
    for (index, count) in [(0, 0), (0, 1), (2, 2), (255, 2)] {
        let message = part([4; 32], index, count, b"x");
        assert_eq!(refused(&mut contacts, &message), Refused::Format);
    }
    assert_eq!(
        refused(&mut contacts, &part([4; 32], 0, 2, b"")),
        Refused::Format
    );
}

#[test]
fn bombs_are_refused() {
    // 1,000 frames of 128 KiB blocks that repeat a byte: 128 MB out of 10 KB.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 10 << 3];
    for block in 1..=1_000_u32 {
        let header = (128 << 10 << 3) | 0b010 | u32::from(block == 1_000);
        frame.extend(&header.to_le_bytes()[..3]);
        frame.push(b'd');
    }
    let mut contacts = with_contact(1);
    let message = store(&[b"z".as_slice(), &frame].concat());
    assert_eq!(refused(&mut contacts, &message), Refused::Format);
}

#[test]
fn a_group_takes_only_what_its_admins_signed() {
    let (admin, other) = (
        Ed25519Secret::from_seed(&[1; 32]),
        Ed25519Secret::from_seed(&[2; 32]),
    );
    let group = |secret: &Ed25519Secret| {
        let id = [&[3], secret.public().as_bytes().as_slice()].concat();
        GroupId::from_bytes(id.try_into().unwrap()).unwrap()
    };
    let keys = [SymmetricKey::from_bytes([7; 32])];
    let info = |secret: &Ed25519Secret, admin: bool| {
        GroupInfo::new_group(GroupKeyring {
            id: &group(secret),
            admin: admin.then_some(secret),
            keys: &keys,
        })
        .unwrap()
    };
    // Both groups have the same key: the signature alone tells them apart.
    let mut forged = info(&other, true);
    forged.set_name("forged").unwrap();
    let forged = forged.push(NOW).unwrap().messages.remove(0);
    let mut real = info(&admin, true);
    real.set_name("real").unwrap();
    let real = real.push(NOW).unwrap().messages.remove(0);
    let mut member = info(&admin, false);
    let merged = member
        .merge(&[("forged", &forged), ("real", &real)], NOW)
        .unwrap();
    assert_eq!(merged.accepted, ["real"]);
    assert_eq!(member.name(), "real");
    assert_eq!(member.set_name("real"), Ok(()));
    assert_eq!(member.set_name("mine"), Err(EditError::ReadOnly));
    assert!(matches!(
        info(&admin, false).merge(&[("forged", &forged)], NOW),
        Err(MergeError::NoneValid)
    ));
    assert!(member.set_admin(&other).is_err());
    member.set_admin(&admin).unwrap();
    assert_eq!(member.set_name("ours"), Ok(()));
}

#[test]
fn cut_and_changed_dumps_do_not_panic() {
    let mut contacts = with_contact(1);
    contacts
        .merge(&[("part", &part([5; 32], 0, 2, b"x"))], NOW)
        .unwrap();
    let mut dump = contacts.dump(NOW).to_vec();
    for length in 0..dump.len() {
        assert!(Contacts::load(account(), &dump[..length], NOW).is_err());
    }
    for bit in 0..dump.len() * 8 {
        dump[bit / 8] ^= 1 << (bit % 8);
        if let Ok(mut loaded) = Contacts::load(account(), &dump, NOW) {
            // A changed stored form is not stored again.
            let plain = loaded.plaintext().to_vec();
            let push = loaded.push(NOW).unwrap();
            let mut other = Contacts::new(account());
            if loaded.seqno() > 0 {
                other.merge(&[("again", &push.messages[0])], NOW).unwrap();
                assert_eq!(*other.plaintext(), *plain);
            }
        }
        dump[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn a_config_without_a_key_cannot_be_used() {
    let secret = Ed25519Secret::from_seed(&[1; 32]);
    let id = [&[3], secret.public().as_bytes().as_slice()].concat();
    let id = GroupId::from_bytes(id.try_into().unwrap()).unwrap();
    let keyring = GroupKeyring {
        id: &id,
        admin: Some(&secret),
        keys: &[],
    };
    let mut info = GroupInfo::new_group(keyring).unwrap();
    info.set_name("x").unwrap();
    assert_eq!(info.push(NOW), Err(PushError::NoKey));
    assert_eq!(info.merge(&[("x", b"x")], NOW), Err(MergeError::NoKey));
    assert!(!format!("{keyring:?} {info:?}").contains("01010101"));
}

#[test]
fn secrets_are_not_printed() {
    let mut configs = UserConfigs::created(account());
    configs
        .contacts
        .set(&Contact {
            name: "hidden".into(),
            ..Contact::new(id(1))
        })
        .unwrap();
    let text = format!("{configs:?} {:?}", configs.contacts.data());
    assert!(
        !text.contains("hidden") && !text.contains("090909"),
        "{text}"
    );
}
