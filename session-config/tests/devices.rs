//! Any number of devices that change a config, lose messages and get them late or twice: in the end
//! all have the same.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::std_instead_of_alloc,
    missing_docs
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use session_config::contacts::Contact;
use session_config::message::{self, Message, Trust};
use session_config::{Contacts, DumpForm, State};
use session_crypto::config::{self, Domain};
use session_crypto::{Blake2b, Ed25519PublicExt as _, Ed25519Secret, SymmetricKey};
use session_identity::{Account, Seed};
use session_proto::bt;
use session_types::{AccountId, UnixMillis};

const NOW: UnixMillis = UnixMillis::new(1_795_377_199_099);

fn account() -> Arc<Account> {
    Arc::new(Account::from_seed(&Seed::from_short(&[9; 16])))
}

fn id(number: u8) -> AccountId {
    let mut bytes = [number; 33];
    bytes[0] = 5;
    AccountId::from_bytes(bytes).unwrap()
}

/// What a device does.
#[derive(Debug, Clone)]
enum Action {
    /// Changes a contact.
    Set(u8, u8),
    /// Blocks a contact, whoever it is.
    Block(u8),
    /// Removes a contact.
    Remove(u8),
    /// Stores its config; or believes so, or its message gets lost.
    Push { stored: bool, confirmed: bool },
    /// Fetches some of the messages, in another order, one of them twice.
    Fetch(u32),
    /// Is started anew from its dump.
    Restart,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (0..6_u8, any::<u8>()).prop_map(|(id, name)| Action::Set(id, name)),
        1 => (0..6_u8).prop_map(Action::Block),
        1 => (0..6_u8).prop_map(Action::Remove),
        4 => (prop::bool::weighted(0.8), prop::bool::weighted(0.8)).prop_map(
            |(stored, confirmed)| Action::Push { stored, confirmed: stored && confirmed }
        ),
        4 => any::<u32>().prop_map(Action::Fetch),
        1 => Just(Action::Restart),
    ]
}

/// The swarm: messages by the name that their bytes give them.
#[derive(Default)]
struct Swarm(BTreeMap<String, Vec<u8>>);

impl Swarm {
    fn push(&mut self, device: &mut Contacts, stored: bool, confirmed: bool) {
        let push = device.push(NOW).unwrap();
        let mut names = Vec::new();
        for message in push.messages {
            let name = const_hex::encode(Blake2b::<16>::new().chain(&message).finalize());
            names.push(name.clone());
            if stored {
                self.0.insert(name, message);
            }
        }
        if confirmed {
            for name in push.obsolete {
                self.0.remove(&name);
            }
            device.confirm_pushed(push.seqno, names);
        }
    }

    fn fetch(&self, device: &mut Contacts, which: u32) {
        let mut messages: Vec<(&str, &[u8])> = Vec::new();
        for (index, (name, data)) in self.0.iter().enumerate() {
            if which >> (index % 32) & 1 == 1 {
                messages.insert(messages.len() / 2, (name, data));
            }
        }
        if let Some(first) = messages.first().copied() {
            messages.push(first);
        }
        let merged = device.merge(&messages, NOW).unwrap();
        assert!(merged.refused.is_empty());
    }
}

fn act(swarm: &mut Swarm, device: &mut Contacts, action: &Action) {
    match action {
        Action::Set(number, name) => {
            let mut contact = Contact::new(id(*number));
            contact.name = format!("name {name}").into();
            contact.pro_features = u64::from(*name);
            device.set(&contact).unwrap();
        }
        Action::Block(number) => device
            .update(&id(*number), |contact| {
                contact.is_blocked = true;
                Ok(())
            })
            .unwrap(),
        Action::Remove(number) => device.remove(&id(*number)).unwrap(),
        Action::Push { stored, confirmed } => swarm.push(device, *stored, *confirmed),
        Action::Fetch(which) => swarm.fetch(device, *which),
        Action::Restart => {
            let dump = device.dump(NOW);
            *device = Contacts::load(account(), &dump, NOW).unwrap();
        }
    }
}

fn settle(swarm: &mut Swarm, devices: &mut [Contacts]) {
    for _ in 0..12 {
        for device in &mut *devices {
            swarm.fetch(device, u32::MAX);
        }
        if devices.iter().all(|device| !device.needs_push()) {
            return;
        }
        for device in devices.iter_mut().filter(|device| device.needs_push()) {
            swarm.push(device, true, true);
        }
    }
    panic!("the devices do not come to rest");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 1 } else { 96 }))]

    #[test]
    fn devices_end_equal(
        count in 2..5_usize,
        actions in prop::collection::vec((0..5_usize, action()), 1..60),
    ) {
        let mut swarm = Swarm::default();
        let mut devices: Vec<Contacts> = (0..count).map(|_| Contacts::new(account())).collect();
        for (device, action) in &actions {
            act(&mut swarm, &mut devices[device % count], action);
        }
        settle(&mut swarm, &mut devices);
        for device in &devices {
            prop_assert_eq!(device.data(), devices[0].data());
            prop_assert_eq!(device.plaintext(), devices[0].plaintext());
        }
        // Nothing is left in the swarm but what is current.
        for device in &devices {
            let current: Vec<&str> = device.current_hashes().collect();
            prop_assert!(current.iter().all(|name| swarm.0.contains_key(*name)));
        }
    }

    #[test]
    fn a_loaded_dump_is_the_config(
        actions in prop::collection::vec((0..2_usize, action()), 1..30),
    ) {
        let mut swarm = Swarm::default();
        let mut devices = [(); 2].map(|()| Contacts::new(account()));
        for (device, action) in &actions {
            act(&mut swarm, &mut devices[*device], action);
        }
        for device in &mut devices {
            for form in [DumpForm::Full, DumpForm::Current] {
                let dump = device.dump_as(form, NOW);
                let mut loaded = Contacts::load(account(), &dump, NOW).unwrap();
                prop_assert_eq!(loaded.data(), device.data());
                prop_assert_eq!(loaded.state(), device.state());
                prop_assert!(loaded.current_hashes().eq(device.current_hashes()));
                if device.state() == State::Dirty {
                    prop_assert_eq!(loaded.seqno(), device.seqno() + 1);
                } else {
                    prop_assert_eq!(loaded.plaintext(), device.plaintext());
                    prop_assert_eq!(&*loaded.dump_as(form, NOW), &*dump);
                }
            }
        }
    }

    #[test]
    fn the_order_of_messages_means_nothing(
        actions in prop::collection::vec((0..3_usize, action()), 1..40),
        shift in any::<usize>(),
    ) {
        let mut swarm = Swarm::default();
        let mut devices = [(); 3].map(|()| Contacts::new(account()));
        let mut plains = Vec::new();
        for (device, action) in &actions {
            act(&mut swarm, &mut devices[*device], action);
            plains.push(devices[*device].plaintext().to_vec());
        }
        let mut slices: Vec<&[u8]> = plains.iter().map(Vec::as_slice).collect();
        let first = message::merge(&slices, None, None).unwrap();
        slices.reverse();
        let middle = shift % slices.len();
        slices.rotate_left(middle);
        let second = message::merge(&slices, None, None).unwrap();
        prop_assert_eq!(first.message.encode(None), second.message.encode(None));
        prop_assert_eq!(first.unmerged.is_some(), second.unmerged.is_some());
        // A merge of the result with any of them is the result.
        let merged = first.message.encode(None);
        slices.push(&merged);
        let again = message::merge(&slices, None, None).unwrap();
        prop_assert_eq!(again.message.encode(None), merged);
    }

    #[test]
    fn messages_are_encoded_as_they_were_read(data in tree(), seqno in 0..i64::MAX) {
        let plain = plaintext(seqno, &data);
        let message = Message::read(&plain, Trust::Unsigned).unwrap();
        prop_assert_eq!(&*message.encode(None), plain.as_slice());
    }

    #[test]
    fn unknown_keys_survive(data in tree(), names in prop::collection::vec(any::<u8>(), 0..4)) {
        let mut plain = plaintext(4, &data);
        // A key of a later version beside those of the message.
        let at = plain.windows(4).rposition(|four| four == b"1:=d").unwrap();
        let unknown = b"1:<le3:<<<d1:ai18446744073709551615e1:bli0eee";
        let lags = at - 5;
        plain.splice(lags..at, unknown.iter().copied());
        let message = Message::read(&plain, Trust::Unsigned).unwrap();
        prop_assert_eq!(&*message.encode(None), plain.as_slice());

        let key = SymmetricKey::from_bytes(*account().ed25519().expose_seed());
        let padded = config::pad(&plain).unwrap();
        let stored = config::encrypt(&key, Domain::new("Contacts").unwrap(), &padded).unwrap();
        let mut one = Contacts::new(account());
        prop_assert_eq!(one.merge(&[("name", &stored)], NOW).unwrap().accepted, ["name"]);
        prop_assert_eq!(&*one.plaintext(), plain.as_slice());
        for name in names {
            let mut contact = Contact::new(id(name));
            contact.name = "new".into();
            one.set(&contact).unwrap();
        }
        let changed = one.push(NOW).unwrap();
        let mut two = Contacts::new(account());
        two.merge(&[("next", &changed.messages[0])], NOW).unwrap();
        prop_assert_eq!(two.data(), one.data());
        let (before, after) = (plaintext(0, &data), two.plaintext());
        let dicts = [&before, &*after].map(|plain| bt::parse_dict(plain).unwrap());
        let [before, after] = dicts.map(|dict| dict.dict("&").unwrap());
        for entry in before {
            if entry.key != b"c" {
                prop_assert_eq!(after.get(entry.key), Some(entry.value));
            }
        }
        let key = bt::parse_dict(&two.plaintext()).unwrap().get(b"<<<").is_some();
        prop_assert!(key, "the unknown key of the message is gone");
    }
}

/// A tree of data, encoded: dicts of values of all kinds, three levels deep.
fn tree() -> impl Strategy<Value = Vec<u8>> {
    let scalar = prop_oneof![
        any::<i64>().prop_map(|int| format!("i{int}e").into_bytes()),
        prop::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| [
            format!("{}:", bytes.len()).as_bytes(),
            &bytes
        ]
        .concat()),
    ];
    let set = prop::collection::btree_set(any::<i64>(), 1..4).prop_map(|ints| {
        let ints: Vec<u8> = ints
            .iter()
            .flat_map(|int| format!("i{int}e").into_bytes())
            .collect();
        [b"l", ints.as_slice(), b"e"].concat()
    });
    let leaf = prop_oneof![scalar, set];
    let nested = leaf.prop_recursive(3, 24, 4, |inner| {
        prop::collection::btree_map(prop::collection::vec(any::<u8>(), 0..4), inner, 1..4)
            .prop_map(|entries| dict(&entries))
    });
    prop::collection::btree_map(prop::collection::vec(any::<u8>(), 0..4), nested, 0..6)
        .prop_map(|entries| dict(&entries))
}

fn dict(entries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<u8> {
    let mut out = b"d".to_vec();
    for (key, value) in entries {
        out.extend(format!("{}:", key.len()).bytes());
        out.extend(key);
        out.extend(value);
    }
    out.push(b'e');
    out
}

fn plaintext(seqno: i64, data: &[u8]) -> Vec<u8> {
    [format!("d1:#i{seqno}e1:&").as_bytes(), data, b"1:<le1:=dee"].concat()
}

/// Protocol: config, section 3.3.
#[test]
fn the_signature_of_the_specification_verifies() {
    let seed = "79f530dbf3d81aecc04072933c1b3e3edc0b7d91f2dcc2f7756f2611886cca5f";
    let secret = Ed25519Secret::from_seed(&const_hex::decode_to_array(seed).unwrap());
    let signature = "77267f4de7701ae348eba0ef73175281512ba3f1051cfed22dc3e31b9c699330\
                     2938863e09bc8b33638161071bd8dc397d5c1d3f674120d08fbb9c64dde2e907";
    let signed = b"d1:#i10e1:&d3:bard0:li42e1:a1:be4:asdfi123e3:xyz3:abce3:fooi123ee1:<le1:=d3:bard0:lli42e1:a1:belee4:asdf0:3:xyz0:e3:foo0:e";
    let mut plain = [
        signed.as_slice(),
        b"1:~64:",
        &const_hex::decode(signature).unwrap(),
        b"e",
    ]
    .concat();
    let verifier = secret.public().to_verifying_key().unwrap();
    let message = Message::read(&plain, Trust::Verify(&verifier)).unwrap();
    assert_eq!(&*message.encode(None), plain.as_slice());
    let at = plain.len() - 2;
    plain[at] = 0x17;
    assert!(Message::read(&plain, Trust::Verify(&verifier)).is_err());
}
