//! Closed groups: whatever is done, lost, repeated or comes late, devices end equal, dumps are whole
//! and nothing panics.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    missing_docs
)]

#[path = "support/swarm.rs"]
mod swarm;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_config::field::Picture;
use session_config::group::{
    Answer, Call, Group, Incoming, Invitee, Keys, NewGroup, RemoveMessages, Stage,
};
use session_crypto::Ed25519Secret;
use session_message::content::GroupSeed;
use session_types::{AccountId, GroupId, Namespace, UnixMillis};
use swarm::{DAY, Device, Net, START, Stored, account};

fn secret() -> Ed25519Secret {
    Ed25519Secret::from_seed(&[3; 32])
}

/// A group of two admins and two members who have accepted.
fn group(net: &mut Net) -> Vec<Device> {
    let mut devices: Vec<_> = (1..=3).map(Device::new).collect();
    let ids: Vec<_> = devices
        .iter()
        .map(|one| Invitee::new(one.id(), ""))
        .collect();
    let new = NewGroup {
        name: "Hikers",
        members: &ids,
        ..NewGroup::default()
    };
    let admin = Group::create(account(0), &secret(), &new, net.at()).unwrap();
    devices.insert(0, Device::with(admin));
    settle(net, &mut devices, 2);
    let promoted = devices[1].id();
    devices[0].group().promote(&[promoted]).unwrap();
    settle(net, &mut devices, 3);
    assert!(devices[1].group().is_admin());
    devices
}

fn settle(net: &mut Net, devices: &mut [Device], rounds: usize) {
    for _ in 0..rounds {
        for device in devices.iter_mut() {
            device.sync(net);
        }
    }
}

/// What one device does: which act, which device, and of what.
type Act = (u8, u8, u8);

fn acts() -> impl Strategy<Value = Vec<Act>> {
    vec((0..18_u8, 0..4_u8, any::<u8>()), 1..14)
}

/// Does something; what is not possible is refused.
fn act(net: &mut Net, devices: &mut [Device], (what, who, of): Act) {
    net.now += 1_000;
    let id = *account(u16::from(of % 7)).id();
    let at = net.at();
    let device = &mut devices[usize::from(who)];
    let group = device.group.as_mut().unwrap();
    let picture = Picture::new("http://example.com/1", [of; 32]).unwrap();
    let seed = GroupSeed::from_bytes(secret().expose_seed());
    let _ = match what {
        0 | 1 => group.invite(&[Invitee::new(id, "one")], what == 1),
        2 => group.remove(&[id], RemoveMessages::No),
        3 => group.remove(&[id], RemoveMessages::Yes),
        4 => group.rename(&format!("Name {}", of % 4)),
        5 => group.set_timer(u32::from(of % 3)),
        6 => group.set_picture((of % 3 > 0).then_some(&picture)),
        7 => group.delete_before(UnixMillis::new(net.now - 60_000)),
        8 => group.promote(&[id]),
        9 => group.send_again(&id),
        10 => {
            device.read_inbox(net);
            Ok(())
        }
        11 => {
            device.fetch(net);
            Ok(())
        }
        12 => {
            device.work(net, usize::from(of % 4));
            Ok(())
        }
        13 => {
            device.restart(net);
            Ok(())
        }
        14 => {
            device.open_all(net);
            Ok(())
        }
        15 => {
            device.say(net, "text");
            Ok(())
        }
        16 => group.recover(|name| name.len() % 2 == usize::from(of) % 2),
        _ if of < 16 => group.leave(),
        _ if of < 24 => group.become_admin(&seed).map_or(Ok(()), |()| Ok(())),
        _ => group.set_description(if of % 2 == 0 { "" } else { "up" }),
    };
    assert!(net.at() >= at);
}

fn receive(group: &mut Group, namespace: Namespace, messages: &[Stored], at: UnixMillis) {
    let incoming: Vec<_> = messages.iter().map(Stored::incoming).collect();
    group.receive(namespace, &incoming, at);
}

/// What others must have, too.
fn state(group: &Group) -> (Vec<u8>, Vec<u8>, Option<[u8; 32]>) {
    let key = group.keys().newest().map(|key| *key.expose_bytes());
    (
        group.info().plaintext().to_vec(),
        group.members().plaintext().to_vec(),
        key,
    )
}

const SHARED: [Namespace; 3] = [
    Namespace::GROUP_KEYS,
    Namespace::GROUP_INFO,
    Namespace::GROUP_MEMBERS,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Admins do things; others get all that was ever stored, in any order, with repetitions and
    /// losses, and then what is stored at the end.
    #[test]
    fn late_lost_and_repeated_messages_make_no_difference(
        acts in acts(),
        order in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..40),
        seed in 0..1000_u64,
    ) {
        let net = &mut Net::new(seed);
        net.loss = 8;
        let mut devices = group(&mut Net::new(seed));
        // The same group on a network that loses things.
        let mut other = Net::new(seed);
        devices.clear();
        devices.extend(group(&mut other));
        std::mem::swap(net, &mut other);
        net.loss = 8;
        let mut log: BTreeMap<Namespace, BTreeMap<String, Stored>> = BTreeMap::new();
        let note = |net: &Net, log: &mut BTreeMap<Namespace, BTreeMap<String, Stored>>| {
            for namespace in SHARED {
                for one in net.fetch(namespace) {
                    log.entry(namespace).or_default().insert(one.hash.clone(), one);
                }
            }
        };
        for (what, who, of) in acts {
            // Nobody leaves or is removed: who is out is not equal. Two others come and go.
            let of = 5 + of % 2;
            if what != 17 {
                act(net, &mut devices, (what, who % 2, of));
            }
            note(net, &mut log);
        }
        net.loss = 0;
        settle(net, &mut devices, 6);
        note(net, &mut log);
        let truth = state(devices[0].group());
        for device in &mut devices[1..] {
            prop_assert_eq!(state(device.group()), truth.clone());
        }
        // Devices that come later: a member's and an admin's.
        for index in [2, 0] {
            let account = Arc::clone(&devices[index].account);
            let mut groups = session_config::UserGroups::new(Arc::clone(&account));
            devices[index].group().write_entry(&mut groups).unwrap();
            let entry = groups.groups().next().unwrap();
            let mut late = Group::from_entry(account, &entry).unwrap();
            for (namespace, message) in &order {
                let namespace = *namespace.get(&SHARED);
                let all: Vec<_> = log[&namespace].values().cloned().collect();
                let some = message.index(all.len());
                receive(&mut late, namespace, &all[some..(some + 2).min(all.len())], net.at());
            }
            for namespace in SHARED {
                receive(&mut late, namespace, &net.fetch(namespace), net.at());
            }
            prop_assert_eq!(state(&late), truth.clone());
        }
    }

    /// The order in which key messages come means nothing.
    #[test]
    fn keys_of_any_order_are_the_same_list(
        ages in vec((0..2_u8, 0..70_u64), 1..9),
        order in Just((0..18_usize).collect::<Vec<_>>()).prop_shuffle(),
        repeated in 0..18_usize,
    ) {
        let id = GroupId::from_ed25519(&secret().public());
        let members = [*account(1).id()];
        let others = [*account(1).id(), *account(2).id()];
        let mut admin = Keys::new(account(0), id, Some(&secret())).unwrap();
        let mut messages = Vec::new();
        let mut at = START;
        for (index, (other, days)) in ages.iter().enumerate() {
            at += days * DAY + 1;
            // Some generations have two keys: two admins made them at once.
            let all: &[&[AccountId]] = match other {
                0 => &[&members],
                _ => &[&members, &others],
            };
            for members in all {
                admin.rekey(members).unwrap();
                let message = admin.pending_message().unwrap().to_vec();
                at += 1;
                messages.push((format!("hash{index}-{}", members.len()), message, at));
            }
            let count = messages.len() - all.len();
            for (name, message, at) in &messages[count..] {
                admin.load(name, message, UnixMillis::new(*at)).unwrap();
            }
        }
        let load = |order: &[usize]| {
            let mut keys = Keys::new(account(1), id, None).unwrap();
            for index in order {
                if let Some((name, message, at)) = messages.get(*index) {
                    keys.load(name, message, UnixMillis::new(*at)).unwrap();
                }
            }
            keys
        };
        let in_order = load(&(0..18).collect::<Vec<_>>());
        let mut shuffled = load(&[order.clone(), vec![order[repeated]]].concat());
        prop_assert!(in_order.has_same_keys(&shuffled));
        let names = |keys: &Keys| keys.active_hashes().map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(names(&in_order), names(&shuffled));
        let dump = shuffled.dump();
        let mut again = Keys::load_dump(account(1), id, None, &dump).unwrap();
        prop_assert_eq!(again.dump(), dump);
    }

    /// A loaded dump is the group: it says the same and wants to send the same.
    #[test]
    fn a_loaded_dump_is_the_group(acts in acts(), seed in 0..1000_u64) {
        let net = &mut Net::new(seed);
        let mut devices = group(net);
        net.loss = 10;
        for one in acts {
            act(net, &mut devices, one);
            let at = net.at();
            for device in &mut devices {
                let account = Arc::clone(&device.account);
                let group = device.group();
                let dump = group.dump(at);
                prop_assert!(!group.needs_dump());
                let mut again = Group::load(account, *group.id(), &dump, at).unwrap();
                prop_assert_eq!(again.stage(), group.stage());
                prop_assert_eq!(again.is_admin(), group.is_admin());
                prop_assert_eq!(again.name(), group.name());
                prop_assert_eq!(again.info().data(), group.info().data());
                prop_assert_eq!(again.members().data(), group.members().data());
                prop_assert!(again.keys().has_same_keys(group.keys()));
                prop_assert_eq!(again.keys().has_pending(), group.keys().has_pending());
                let keep = |group: &Group| {
                    group.keep_alive(at).map(str::to_owned).collect::<Vec<_>>()
                };
                prop_assert_eq!(keep(&again), keep(group));
                // A config that was changed takes another seqno when it is loaded.
                let waits = [&again, group].map(|group| {
                    (group.info().needs_push(), group.members().needs_push())
                });
                prop_assert_eq!(waits[0], waits[1]);
                if waits[0] == (false, false) {
                    prop_assert_eq!(again.dump(at), dump);
                }
                let poll = |group: &mut Group| {
                    let rng = &mut ChaCha20Rng::seed_from_u64(5);
                    let job = group.poll(at, rng).unwrap();
                    let calls = job.map(|job| job.calls).unwrap_or_default().into_iter();
                    let calls = calls.map(|call| match call {
                        Call::Store(message) if waits[0] != (false, false) => {
                            format!("{:?}", message.namespace)
                        }
                        call => format!("{call:?}"),
                    });
                    calls.collect::<Vec<_>>()
                };
                prop_assert_eq!(poll(&mut again), poll(group));
            }
        }
    }

    /// Random acts, answers and messages: errors, never a panic, and no act after the end.
    #[test]
    fn random_acts_and_answers_never_panic(
        acts in acts(),
        answers in vec(vec(0..4_u8, 0..9), 1..6),
        bytes in vec(vec(any::<u8>(), 0..80), 1..6),
        seed in 0..1000_u64,
    ) {
        let net = &mut Net::new(seed);
        let mut devices = group(net);
        for (index, (what, who, of)) in acts.into_iter().enumerate() {
            act(net, &mut devices, (what, who, of));
            let (at, given) = (net.at(), &answers[index % answers.len()]);
            let group = devices[usize::from(who)].group.as_mut().unwrap();
            if let Ok(Some(job)) = group.poll(at, &mut net.rng) {
                let answer = |kind: &u8| match kind {
                    0 => Answer::Failed,
                    1 => Answer::Done,
                    _ => Answer::Stored { hash: format!("odd{of}"), at },
                };
                let made: Vec<_> = given.iter().map(answer).collect();
                let _ = group.report(job.ticket, &made);
                prop_assert!(group.report(job.ticket, &made).is_err());
            }
            let data = &bytes[index % bytes.len()];
            let hash = of.to_string();
            let incoming = Incoming { hash: &hash, data, stored_at: at };
            for namespace in [SHARED.as_slice(), &[Namespace::REVOKED_GROUP_MESSAGES, Namespace::DEFAULT]].concat() {
                let received = group.receive(namespace, &[incoming], at);
                prop_assert!(received.changes.is_empty());
            }
            prop_assert!(group.open(&incoming).is_err());
            let stage = group.stage();
            if !matches!(stage, Stage::Joined | Stage::Invited) {
                prop_assert!(group.rename("late").is_err());
                prop_assert!(group.invite(&[Invitee::new(AccountId::from_x25519(
                    &session_types::X25519Public::from_bytes([9; 32])), "")], true).is_err());
            }
        }
    }
}
