//! Shared configs: 1,000 contacts, and how the cost grows to 10,000.

use std::cell::RefCell;
use std::sync::Arc;

use session_config::Contacts;
use session_config::contacts::Contact;
use session_crypto::Blake2b;
use session_identity::{Account, Seed};
use session_proto::zstd::{Compressor, Encoder};
use session_types::{AccountId, UnixMillis};

use crate::Suite;

const NOW: UnixMillis = UnixMillis::new(1_754_971_101_000);

/// Contacts with random ids, names and times.
fn contacts(count: u64) -> Vec<Contact<'static>> {
    (0..count)
        .map(|number| {
            let hash = Blake2b::<64>::new().chain(&number.to_be_bytes()).finalize();
            let mut id = [5; 33];
            id[1..].copy_from_slice(&hash[..32]);
            let letters = hash[32..48].iter().map(|byte| char::from(b'a' + byte % 26));
            let name: String = letters.take(usize::from(hash[48] % 17)).collect();
            let mut contact = Contact::new(AccountId::from_bytes(id).unwrap());
            contact.name = name.into();
            contact.is_approved = hash[49] & 1 == 1;
            contact.is_blocked = hash[49] & 2 == 2;
            contact.created = 1_600_000_000 + i64::from(hash[50]) * 400_000;
            contact
        })
        .collect()
}

/// The encoder apart: what is left is ours.
struct Uncompressed;

impl Compressor for Uncompressed {
    fn compress(&self, plain: &[u8]) -> Vec<u8> {
        plain.to_vec()
    }
}

fn named(messages: &[Vec<u8>]) -> Vec<(String, &[u8])> {
    let names = (0..messages.len()).map(|number| number.to_string());
    names.zip(messages.iter().map(Vec::as_slice)).collect()
}

fn merge(config: &mut Contacts, messages: &[(String, &[u8])]) {
    let messages: Vec<(&str, &[u8])> = messages
        .iter()
        .map(|(name, data)| (name.as_str(), *data))
        .collect();
    config.merge(&messages, NOW).unwrap();
}

pub fn run(suite: &mut Suite) {
    // Microseconds of the C++ library with 1,000 contacts, in the order of the operations.
    let reference = [
        ("set", 2900.0),
        ("first push", 1900.0),
        ("merge into empty", 2600.0),
        ("change and push", 1790.0),
        ("dump", 820.0),
        ("load", 2690.0),
        ("load and merge a conflict", 12_400.0),
    ];
    measure(suite, 1_000, &reference);
    measure(suite, 10_000, &[]);
}

fn measure(suite: &mut Suite, count: u64, reference: &[(&str, f64)]) {
    const GROUP: &str = "shared configs";
    with_operations(count, &mut |what, prepare, run| {
        let mut operation = suite.operation(GROUP, &format!("{count} contacts, {what}"));
        if let Some((_, time)) = reference.iter().find(|(name, _)| *name == what) {
            operation = operation.reference(*time);
        }
        operation.run_prepared(prepare, |()| run());
    });
}

/// Takes the name of an operation, what comes before it, and the operation.
pub type Each<'a> = dyn FnMut(&str, &mut dyn FnMut(), &mut dyn FnMut()) + 'a;

/// Hands every operation on so many contacts to `each`.
pub fn with_operations(count: u64, each: &mut Each<'_>) {
    let account = Arc::new(Account::from_seed(&Seed::from_short(&[1; 16])));
    let records = contacts(count);
    let empty = || Contacts::new(Arc::clone(&account));
    let filled = || {
        let mut config = empty();
        records
            .iter()
            .for_each(|contact| config.set(contact).unwrap());
        config
    };
    let mut config = filled();
    let first = config.push(NOW).unwrap();
    let first_messages = named(&first.messages);
    config.confirm_pushed(
        first.seqno,
        first_messages.iter().map(|(name, _)| name.clone()),
    );
    let dump = config.dump(NOW);
    let load = || Contacts::load(Arc::clone(&account), &dump, NOW).unwrap();
    let change = |config: &mut Contacts, byte: u8| {
        let mut contact = Contact::new(AccountId::from_bytes([5; 33]).unwrap());
        contact.priority = i64::from(byte);
        config.set(&contact).unwrap();
    };
    let conflict = [1, 2].map(|byte| {
        let mut config = load();
        change(&mut config, byte);
        config.push(NOW).unwrap().messages
    });
    let conflict = conflict.concat();
    let conflict = named(&conflict);

    // What an operation works on is made before it, and dropped when the next one is made.
    let made = RefCell::new(empty());
    let nothing = &mut || {};
    let on = |run: &dyn Fn(&mut Contacts)| run(&mut made.borrow_mut());
    each("set", nothing, &mut || *made.borrow_mut() = filled());
    each(
        "first push",
        &mut || *made.borrow_mut() = filled(),
        &mut || on(&|config| drop(config.push(NOW).unwrap())),
    );
    each(
        "merge into empty",
        &mut || *made.borrow_mut() = empty(),
        &mut || on(&|config| merge(config, &first_messages)),
    );
    let changed_and_pushed = |compressor: &dyn Compressor| {
        on(&|config| {
            change(config, 3);
            drop(config.push_with(NOW, compressor).unwrap());
        });
    };
    each(
        "change and push",
        &mut || *made.borrow_mut() = load(),
        &mut || changed_and_pushed(&Encoder),
    );
    each(
        "change and push, without the compressor",
        &mut || *made.borrow_mut() = load(),
        &mut || changed_and_pushed(&Uncompressed),
    );
    *made.borrow_mut() = config;
    each("dump", nothing, &mut || {
        on(&|config| drop(config.dump(NOW)))
    });
    each("load", nothing, &mut || drop(load()));
    each("load and merge a conflict", nothing, &mut || {
        merge(&mut load(), &conflict)
    });
}
