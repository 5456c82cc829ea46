//! Shared configs: 1,000 contacts, and how the cost grows to 10,000.

use std::sync::Arc;

use session_config::contacts::Contact;
use session_config::{Compressor, Contacts};
use session_crypto::Blake2b;
use session_identity::{Account, Seed};
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
    const GROUP: &str = "shared configs";
    // Microseconds of the C++ library with 1,000 contacts.
    measure(
        suite,
        GROUP,
        1_000,
        Some([2900.0, 1900.0, 2600.0, 1790.0, 820.0, 2690.0, 12_400.0]),
    );
    measure(suite, GROUP, 10_000, None);
}

fn measure(suite: &mut Suite, group: &'static str, count: u64, reference: Option<[f64; 7]>) {
    let mut next = 0;
    with_operations(count, &mut |what, run| {
        let name = format!("{count} contacts, {what}");
        let operation = suite.operation(group, &name);
        let operation = match reference.and_then(|times| times.get(next).copied()) {
            Some(time) if !what.contains("alone") => {
                next += 1;
                operation.reference(time)
            }
            _ => operation,
        };
        operation.run(run);
    });
}

/// Hands every operation on so many contacts to `each`, with its name.
pub fn with_operations(count: u64, each: &mut dyn FnMut(&str, &mut dyn FnMut())) {
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
    let changed = |byte: u8| {
        let mut config = load();
        let mut contact = Contact::new(AccountId::from_bytes([5; 33]).unwrap());
        contact.priority = i64::from(byte);
        config.set(&contact).unwrap();
        config
    };
    let conflict = [1, 2]
        .map(|byte| changed(byte).push(NOW).unwrap().messages)
        .concat();
    let conflict = named(&conflict);

    each("set", &mut || drop(filled()));
    each("set and first push", &mut || {
        drop(filled().push(NOW).unwrap())
    });
    each("merge into empty", &mut || {
        merge(&mut empty(), &first_messages)
    });
    each("load, change and push", &mut || {
        drop(changed(3).push(NOW).unwrap())
    });
    each(
        "load, change and push, alone without the encoder",
        &mut || {
            drop(changed(3).push_with(NOW, &Uncompressed).unwrap());
        },
    );
    each("dump", &mut || drop(config.dump(NOW)));
    each("load", &mut || drop(load()));
    each("load and merge a conflict", &mut || {
        merge(&mut load(), &conflict)
    });
}
