//! Configs in several parts.

use std::collections::HashMap;

use session_config::contacts::Contact;
use session_config::field::Picture;
use session_config::{DumpForm, Rules};
use session_crypto::config::{self, Domain};
use session_crypto::{Blake2b, SymmetricKey};
use session_types::{AccountId, UnixMillis};
use testkit::Case;

use crate::device::{Device, Reference, Setup};
use crate::scenario::{hex, inline, normal, sorted, texts};
use crate::{ops, state};

fn blake2b(bytes: &[u8]) -> [u8; 32] {
    Blake2b::<32>::new().chain(bytes).finalize()
}

/// The H of a part.
fn set_hash(setup: &Setup, part: &[u8]) -> Option<[u8; 32]> {
    let domain = Domain::new("Contacts").unwrap();
    let body = config::decrypt(&SymmetricKey::from_bytes(setup.key()), domain, part).ok()?;
    body.strip_prefix(b"ml32:")?.first_chunk().copied()
}

struct Seat {
    device: Device,
    writer: bool,
    dump: Vec<u8>,
}

/// Returns how many stored messages were compared byte for byte.
pub(crate) fn run(case: Case<'_>) -> usize {
    let setup = Setup::new(case, case.text("config"), Rules::Current);
    let mut now = UnixMillis::new(case.number("now_ms"));
    let mut exact = 0;
    let mut stored: HashMap<String, Vec<u8>> = HashMap::new();
    let mut sets: HashMap<String, [u8; 32]> = HashMap::new();
    let mut seats: HashMap<String, Seat> = HashMap::new();
    for device in case.list("devices") {
        let writer = device.flag("writer");
        let (device, name) = (setup.make(writer), device.text("dev").to_owned());
        let dump = Vec::new();
        seats.insert(
            name,
            Seat {
                device,
                writer,
                dump,
            },
        );
    }
    for (index, step) in case.list("steps").into_iter().enumerate() {
        let what = format!(
            "{} step {index} {} {}",
            case.text("label"),
            step.text("step"),
            step.opt_text("note").unwrap_or("")
        );
        match step.text("step") {
            "clock" => {
                now = UnixMillis::new(step.number("now_ms"));
                continue;
            }
            "lie" => {
                let set = step.opt_text("set").map(|set| sets[set]);
                let set = set.unwrap_or_else(|| step.array("H"));
                stored.insert(step.text("name").to_owned(), lie(&setup, &set, step));
                continue;
            }
            _ => {}
        }
        let seat = seats.get_mut(step.text("dev")).unwrap();
        let device = &mut seat.device;
        match step.text("step") {
            "fill" => fill(device, step),
            "op" => {
                let done = ops::apply(device, step.text("op"), step.object("args"), now);
                assert_eq!(done, step.flag("ok"), "{what}");
            }
            "push" => exact += push(&setup, device, &mut stored, &mut sets, step, now, &what),
            "confirm" => {
                let hashes = if step.has("hashes") {
                    texts(step, "hashes")
                } else {
                    vec![step.text("hash").to_owned()]
                };
                device.confirm(step.signed("seqno"), hashes);
            }
            "merge" => {
                inline(step, &mut stored);
                let names = texts(step, "messages");
                let messages: Vec<(&str, &[u8])> = names
                    .iter()
                    .map(|name| (name.as_str(), stored[name].as_slice()))
                    .collect();
                let accepted = device.merge(&messages, now);
                assert_eq!(accepted.is_some(), step.flag("ok"), "{what}");
                assert_eq!(
                    accepted.unwrap_or_default(),
                    texts(step, "accepted"),
                    "{what}"
                );
            }
            "dump" => {
                seat.dump = device.dump(DumpForm::Current, now);
                if step.has("dump") {
                    assert_eq!(hex(&seat.dump), hex(&normal(&step.hex("dump"))), "{what}");
                }
            }
            "reload" => *device = setup.load(seat.writer, &seat.dump, now).unwrap(),
            "check" => check(device, step, &what),
            "state" => state::compare(&state::of(device, &setup, now), step.value("state"), &what),
            other => panic!("step {other}"),
        }
        let device = &seat.device;
        if step.has("needs_push") {
            assert_eq!(device.needs_push(), step.flag("needs_push"), "{what}");
        }
        if step.has("needs_dump") {
            assert_eq!(device.needs_dump(), step.flag("needs_dump"), "{what}");
        }
        if step.has("current_hashes") {
            let expected = sorted(texts(step, "current_hashes"));
            assert_eq!(device.current(), expected, "{what}");
        }
        if step.has("active_hashes") {
            let expected = sorted(texts(step, "active_hashes"));
            assert_eq!(device.active(now), expected, "{what}");
        }
    }
    exact
}

fn push(
    setup: &Setup,
    device: &mut Device,
    stored: &mut HashMap<String, Vec<u8>>,
    sets: &mut HashMap<String, [u8; 32]>,
    step: Case<'_>,
    now: UnixMillis,
    what: &str,
) -> usize {
    let push = device.push(now, &Reference);
    assert_eq!(push.seqno, step.signed("seqno"), "{what}");
    assert_eq!(
        sorted(push.obsolete),
        sorted(texts(step, "obsolete")),
        "{what}"
    );
    let plain = device.plain();
    assert_eq!(plain.len() as u64, step.number("plain_size"), "{what}");
    assert_eq!(blake2b(&plain), step.array("plain_blake2b_32"), "{what}");
    let expected = step.list("messages");
    assert_eq!(push.messages.len(), expected.len(), "{what}");
    // Two generations of releases of the compressor differ for long configs.
    let differs = push.messages.iter().zip(&expected);
    let differs =
        differs.filter(|(message, expected)| blake2b(message) != expected.array("blake2b_32"));
    let case = if differs.count() > 0 && step.has("zstd_1_5_6") {
        step.object("zstd_1_5_6")
    } else {
        step
    };
    for (message, expected) in push.messages.iter().zip(case.list("messages")) {
        assert_eq!(message.len() as u64, expected.number("size"), "{what}");
        assert_eq!(blake2b(message), expected.array("blake2b_32"), "{what}");
    }
    for (message, expected) in push.messages.iter().zip(&expected) {
        let name = expected.text("hash").to_owned();
        if let Some(hash) = set_hash(setup, message) {
            assert!(!case.has("padded_blake2b_32") || hash == case.array("padded_blake2b_32"));
            let set = name.split('.').next().unwrap();
            sets.insert(set.to_owned(), hash);
        }
        stored.insert(name, message.clone());
    }
    push.messages.len()
}

/// A part that is not one of those of its set.
fn lie(setup: &Setup, set: &[u8; 32], step: Case<'_>) -> Vec<u8> {
    let chunk = step.hex("chunk");
    let mut body = b"ml32:".to_vec();
    body.extend(set);
    for field in ["index", "count"] {
        body.extend(b"1:");
        body.push(u8::try_from(step.number(field)).unwrap());
    }
    body.extend(format!("{}:", chunk.len()).bytes());
    body.extend(&chunk);
    body.push(b'e');
    body.resize(chunk.len() + 50, 0);
    config::encrypt(
        &SymmetricKey::from_bytes(setup.key()),
        Domain::new("Contacts").unwrap(),
        &body,
    )
    .unwrap()
}

fn fill(device: &mut Device, step: Case<'_>) {
    let Device::Contacts(contacts) = device else {
        panic!("only contacts are filled");
    };
    for number in step.number("from")..step.number("to") {
        let h = Blake2b::<64>::keyed(&step.array::<32>("recipe_seed"))
            .chain(&number.to_be_bytes())
            .finalize();
        let id = [&[5], &h[..32]].concat().try_into().unwrap();
        let letters: String = h[32..48]
            .iter()
            .map(|x| char::from(b'a' + x % 26))
            .collect();
        let reversed: String = letters.chars().rev().collect();
        let mut contact = Contact::new(AccountId::from_bytes(id).unwrap());
        contact.name = letters[..usize::from(h[48] % 17)].to_owned().into();
        if h[49] >= 128 {
            contact.nickname = reversed[..usize::from(h[49] % 17)].to_owned().into();
        }
        contact.is_approved = h[50] & 1 != 0;
        contact.has_approved_us = h[50] & 2 != 0;
        contact.is_blocked = h[50] & 4 != 0;
        let created = u32::from_be_bytes(h[52..56].try_into().unwrap());
        contact.created = 1_600_000_000 + i64::from(created % 100_000_000);
        if h[51] & 3 == 0 {
            let url = format!("http://example.org/{}", hex(&h[56..64]));
            contact.picture = Some(Picture::new(url, blake2b(&h)).unwrap());
        }
        contacts.set(&contact).unwrap();
    }
}

fn check(device: &Device, step: Case<'_>, what: &str) {
    let Device::Contacts(contacts) = device else {
        panic!("only contacts are checked");
    };
    assert_eq!(
        contacts.iter().count() as u64,
        step.number("contacts"),
        "{what}"
    );
    for sample in step.list("sample") {
        let id = sample.text("session_id").parse().unwrap();
        let contact = contacts.get(&id).unwrap();
        state::compare(&state::contact(&contact), sample.0, what);
    }
}
