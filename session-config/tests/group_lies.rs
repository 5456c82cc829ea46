//! Closed groups and what comes from outside to a device that is in one: every message cut and changed,
//! and an admin who does not keep to the rules.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    missing_docs
)]

#[path = "support/swarm.rs"]
mod swarm;

use std::sync::Arc;

use session_config::group::{
    ActError, Group, GroupChange, GroupRefused, Incoming, Invitee, Keys, MessageRefused, NewGroup,
    RekeyError, RemoveMessages, Stage,
};
use session_config::limits::MAX_GROUP_MEMBERS;
use session_config::members::Member;
use session_config::{GroupKeyring, GroupMembers};
use session_crypto::group_keys::{self, Rekey};
use session_crypto::{Blake2b, Ed25519Secret, SymmetricKey, xchacha};
use session_message::kicked;
use session_proto::bt;
use session_types::{AccountId, Namespace, SealedMessage, UnixMillis, X25519Public};
use swarm::{Device, Net, START, Stored, account};

const NOW: UnixMillis = UnixMillis::new(START);

fn secret() -> Ed25519Secret {
    Ed25519Secret::from_seed(&[3; 32])
}

fn stranger(number: u32) -> AccountId {
    // A point on the curve: a multiple of the base point.
    let mut seed = [9; 32];
    seed[4..8].copy_from_slice(&number.to_le_bytes());
    let public = session_crypto::X25519Secret::from_bytes(seed).public();
    AccountId::from_x25519(&public)
}

fn group_of(net: &mut Net, members: u16) -> Vec<Device> {
    let mut devices: Vec<_> = (1..=members).map(Device::new).collect();
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
    settle(net, &mut devices, 3);
    devices
}

fn settle(net: &mut Net, devices: &mut [Device], rounds: usize) {
    for _ in 0..rounds {
        for device in devices.iter_mut() {
            device.sync(net);
        }
    }
}

/// Everything that a device would lose if something from outside changed it.
fn snapshot(group: &mut Group) -> Vec<u8> {
    group.dump(NOW).to_vec()
}

#[test]
fn every_cut_and_every_flipped_bit_of_what_is_stored_changes_nothing() {
    let net = &mut Net::new(1);
    let mut devices = group_of(net, 1);
    assert!(devices[1].say(net, "hello"));
    let own = devices[1].id();
    let (rng, at) = (&mut net.rng.clone(), net.at());
    net.store(&kicked::seal(rng, &secret(), &[own], 0).unwrap());
    devices[0].group().rename("Climbers").unwrap();
    devices[0].work(net, 9);
    // Neither the new name nor the notice has come yet. For each namespace the newest message:
    let namespaces = [Group::NAMESPACES.as_slice(), &[Namespace::GROUP_MESSAGES]].concat();
    for namespace in namespaces {
        let message = net.fetch(namespace).pop().unwrap();
        let before = snapshot(devices[1].group());
        let mut data = message.data.clone();
        let mut check = |data: &[u8], what: usize| {
            let incoming = Incoming {
                hash: "changed",
                data,
                stored_at: at,
            };
            if namespace == Namespace::GROUP_MESSAGES {
                assert!(devices[1].group().open(&incoming).is_err(), "{what}");
            } else {
                let received = devices[1].group().receive(namespace, &[incoming], at);
                assert!(received.changes.is_empty(), "{namespace} {what}");
                assert_eq!(received.refused.len(), 1, "{namespace} {what}");
            }
        };
        for length in 0..data.len() {
            check(&data[..length], length);
        }
        for bit in 0..data.len() * 8 {
            data[bit / 8] ^= 1 << (bit % 8);
            check(&data, bit);
            data[bit / 8] ^= 1 << (bit % 8);
        }
        assert_eq!(snapshot(devices[1].group()), before, "{namespace}");
    }
    // As they are, they do something.
    devices[1].fetch(net);
    assert_eq!(devices[1].group().name(), "Climbers");
    assert_eq!(devices[1].group().stage(), Stage::Kicked);
}

#[test]
fn dumps_that_were_cut_are_refused_and_changed_ones_do_not_panic() {
    let net = &mut Net::new(2);
    let mut devices = group_of(net, 1);
    let invitee = [Invitee::new(*account(8).id(), "new")];
    devices[0].group().invite(&invitee, true).unwrap();
    for device in &mut devices {
        let (account, id) = (Arc::clone(&device.account), *device.group().id());
        let mut dump = device.group().dump(NOW).to_vec();
        for length in (0..dump.len()).step_by(5) {
            assert!(Group::load(Arc::clone(&account), id, &dump[..length], NOW).is_err());
        }
        let mut loaded = 0;
        for bit in (0..dump.len() * 8).step_by(61) {
            dump[bit / 8] ^= 1 << (bit % 8);
            if let Ok(mut group) = Group::load(Arc::clone(&account), id, &dump, NOW) {
                loaded += 1;
                let again = group.dump(NOW);
                assert!(Group::load(Arc::clone(&account), id, &again, NOW).is_ok());
                let _ = group.poll(NOW, &mut net.rng);
            }
            dump[bit / 8] ^= 1 << (bit % 8);
        }
        // A dump has no checksum: its user keeps it safe.
        assert!(loaded > 0);
    }
}

/// A key message with one key for the admins and another one for the members.
fn two_faced(generation: u64, members: &[AccountId]) -> Vec<u8> {
    let honest = Rekey::new(&secret(), members, generation).unwrap();
    // The same nonce with another key: entries of a rekey for others, as this admin can make them.
    let admins = group_keys::admin_secret(&secret(), b"SessionGroupKeyAdminKey");
    let mut key = [7; 32];
    let tag = xchacha::encrypt_detached(&admins, &honest.nonce, &mut key).unwrap();
    let for_admins: [u8; 48] = [key.as_slice(), &tag].concat().try_into().unwrap();
    let fill = |dict: &mut bt::DictWriter<'_>| {
        dict.bytes(b"#", &honest.nonce)
            .int(b"G", generation)
            .bytes(b"K", &for_admins)
            .list(b"k", |list| {
                for entry in &honest.for_members {
                    list.bytes(entry);
                }
            });
    };
    bt::signed_dict(fill, |message| secret().sign(message).to_bytes()).unwrap()
}

fn store(net: &mut Net, namespace: Namespace, data: Vec<u8>) {
    let ttl = namespace.usual_ttl();
    net.store(&SealedMessage {
        namespace,
        ttl,
        data,
    });
}

#[test]
fn an_admin_who_gives_members_another_key_is_overruled() {
    let net = &mut Net::new(3);
    let mut devices = group_of(net, 2);
    let members: Vec<_> = devices.iter().map(Device::id).collect();
    let generation = devices[0].group().keys().generation();
    store(
        net,
        Namespace::GROUP_KEYS,
        two_faced(generation + 1, &members),
    );
    devices[1].fetch(net);
    assert!(devices[1].say(net, "with the members' key"));
    // An honest admin cannot read that, and sees that the key is not the one of this generation.
    devices[0].fetch(net);
    assert!(
        !devices[0]
            .texts(net)
            .contains(&"with the members' key".to_owned())
    );
    settle(net, &mut devices, 2);
    assert_eq!(devices[0].group().keys().generation(), generation + 2);
    let newest = *devices[0].group().keys().newest().unwrap().expose_bytes();
    for device in &mut devices[1..] {
        assert_eq!(
            *device.group().keys().newest().unwrap().expose_bytes(),
            newest
        );
    }
    assert!(devices[0].say(net, "all again"));
    for device in &mut devices {
        assert!(device.texts(net).contains(&"all again".to_owned()));
    }
}

#[test]
fn an_admin_who_skips_generations_is_followed() {
    let net = &mut Net::new(4);
    let mut devices = group_of(net, 2);
    let members: Vec<_> = devices.iter().map(Device::id).collect();
    let far = Rekey::new(&secret(), &members, 1 << 40).unwrap();
    let fill = |dict: &mut bt::DictWriter<'_>| {
        dict.bytes(b"#", &far.nonce)
            .int(b"G", 1_u64 << 40)
            .bytes(b"K", &far.for_admins)
            .list(b"k", |list| {
                for entry in &far.for_members {
                    list.bytes(entry);
                }
            });
    };
    let message = bt::signed_dict(fill, |message| secret().sign(message).to_bytes()).unwrap();
    store(net, Namespace::GROUP_KEYS, message);
    settle(net, &mut devices, 2);
    for device in &mut devices {
        assert_eq!(device.group().keys().generation(), 1 << 40);
        assert!(device.say(net, "far"));
    }
    // Removals and invitations go on from there.
    let carl = devices[2].id();
    devices[0]
        .group()
        .remove(&[carl], RemoveMessages::No)
        .unwrap();
    settle(net, &mut devices, 2);
    assert_eq!(devices[2].group().stage(), Stage::Kicked);
    assert_eq!(devices[0].group().keys().generation(), (1 << 40) + 1);
}

/// Stores a list of members as an admin can sign it, whatever is in it.
fn store_members(net: &mut Net, admin: &mut Device, ids: &[AccountId]) {
    let group = admin.group();
    let id = *group.id();
    let newest = group.keys().newest().unwrap();
    let keys = [SymmetricKey::from_bytes(*newest.expose_bytes())];
    let ring = GroupKeyring {
        id: &id,
        admin: Some(&secret()),
        keys: &keys,
    };
    let mut members = GroupMembers::new_group(ring).unwrap();
    let stored = net.fetch(Namespace::GROUP_MEMBERS);
    let pairs: Vec<_> = stored
        .iter()
        .map(|one| (one.hash.as_str(), one.data.as_slice()))
        .collect();
    members.merge(&pairs, NOW).unwrap();
    for id in ids {
        members.set(&Member::new(*id)).unwrap();
    }
    for message in members.push(NOW).unwrap().messages {
        store(net, Namespace::GROUP_MEMBERS, message);
    }
}

#[test]
fn a_list_of_too_many_members_is_read_and_an_honest_admin_shortens_it() {
    let net = &mut Net::new(5);
    let mut devices = group_of(net, 1);
    let extra = MAX_GROUP_MEMBERS as u32 + 60;
    let ids: Vec<_> = (0..extra).map(stranger).collect();
    store_members(net, &mut devices[0], &ids);
    devices[1].fetch(net);
    assert_eq!(devices[1].group().members().iter().count(), ids.len() + 2);
    assert!(devices[1].say(net, "so many"));
    devices[0].fetch(net);
    let invitee = [Invitee::new(*account(9).id(), "")];
    let refused = devices[0].group().invite(&invitee, false).unwrap_err();
    assert!(
        matches!(refused, ActError::TooManyMembers { .. }),
        "{refused:?}"
    );
    // There can be no key for all of them, but they can be removed.
    devices[0]
        .group()
        .remove(&ids[..extra as usize - 5], RemoveMessages::No)
        .unwrap();
    let mut jobs = 0;
    loop {
        let at = net.at();
        let job = match devices[0].group().poll(at, &mut net.rng) {
            Ok(None) => break,
            Ok(Some(job)) => job,
            Err(error) => panic!("after {jobs} jobs: {error}"),
        };
        let answers = net.run(&job);
        let reported = devices[0].group().report(job.ticket, &answers);
        let too_long = matches!(
            reported,
            Err(session_config::group::ReportError::Act(ActError::Rekey(
                RekeyError::TooLong { .. }
            )))
        );
        assert!(reported.is_ok() || too_long, "{reported:?}");
        jobs += 1;
        assert!(jobs < 200);
    }
    let group = devices[0].group();
    assert_eq!(group.members().iter().count(), 7);
    let left: Vec<_> = group.members().iter().map(|one| one.id).collect();
    assert!(group.keys().is_for(&left));
    devices[1].sync(net);
    assert!(devices[1].say(net, "few again"));
    assert!(devices[0].texts(net).contains(&"few again".to_owned()));
}

#[test]
fn ten_thousand_members_are_read() {
    let net = &mut Net::new(6);
    let mut devices = group_of(net, 1);
    let ids: Vec<_> = (0..10_000_u32)
        .map(|number| {
            let key = Blake2b::<32>::new().chain(&number.to_le_bytes()).finalize();
            AccountId::from_x25519(&X25519Public::from_bytes(key))
        })
        .collect();
    store_members(net, &mut devices[0], &ids);
    assert!(net.fetch(Namespace::GROUP_MEMBERS).len() > 2, "in parts");
    devices[1].fetch(net);
    assert_eq!(devices[1].group().members().iter().count(), 10_002);
    assert!(devices[1].say(net, "still here"));
    let account = Arc::clone(&devices[1].account);
    let id = *devices[1].group().id();
    let dump = devices[1].group().dump(NOW);
    let again = Group::load(account, id, &dump, NOW).unwrap();
    assert_eq!(again.members().iter().count(), 10_002);
    // Many ids are not accounts: nothing can be made for them, and they can be removed all the same.
    devices[0].fetch(net);
    assert_eq!(
        devices[0]
            .group()
            .invite(&[Invitee::new(ids[0], "")], false),
        Err(ActError::TooManyMembers {
            max: MAX_GROUP_MEMBERS,
            got: 10_002
        })
    );
}

#[test]
fn a_removal_signed_for_later_does_not_wait_for_us() {
    let net = &mut Net::new(7);
    let mut devices = group_of(net, 1);
    let bob = devices[1].id();
    let generation = devices[0].group().keys().generation();
    let early = kicked::seal(&mut net.rng, &secret(), &[bob], generation + 2).unwrap();
    net.store(&early);
    devices[1].fetch(net);
    assert_eq!(devices[1].group().stage(), Stage::Joined);
    let notices = net.fetch(Namespace::REVOKED_GROUP_MESSAGES);
    let notices: Vec<_> = notices.iter().map(Stored::incoming).collect();
    let received =
        devices[1]
            .group()
            .receive(Namespace::REVOKED_GROUP_MESSAGES, &notices, net.at());
    assert_eq!(received.refused[0].1, GroupRefused::EarlyNotice);
    // It becomes valid with its generation, as a notice of then would be.
    for number in [8, 9] {
        let invitee = [Invitee::new(*account(number).id(), "")];
        devices[0].group().invite(&invitee, false).unwrap();
        devices[0].sync(net);
    }
    assert_eq!(
        devices[1].fetch(net).last(),
        Some(&GroupChange::Kicked { was_invited: false })
    );
    // Its sender is an admin, who can remove us at any time: an invitation ends it.
    devices[0]
        .group()
        .invite(&[Invitee::new(bob, "")], false)
        .unwrap();
    settle(net, &mut devices, 3);
    assert_eq!(devices[1].group().stage(), Stage::Joined);
}

#[test]
fn messages_with_a_time_before_the_limit_are_refused_whoever_sends_them() {
    let net = &mut Net::new(8);
    let mut devices = group_of(net, 1);
    net.now += 60_000;
    let limit = net.at();
    devices[0].group().delete_before(limit).unwrap();
    settle(net, &mut devices, 2);
    // A member sets the clock back.
    let now = net.now;
    net.now -= 30_000;
    assert!(devices[1].say(net, "backdated"));
    net.now = now + 1_000;
    assert!(devices[1].say(net, "in time"));
    let refused: Vec<_> = devices[0]
        .open_all(net)
        .into_iter()
        .filter_map(Result::err)
        .collect();
    assert!(refused.contains(&MessageRefused::Deleted), "{refused:?}");
    assert_eq!(devices[0].texts(net), ["in time"]);
}

#[test]
fn keys_of_another_group_load_nowhere() {
    let other = Ed25519Secret::from_seed(&[5; 32]);
    let id = session_types::GroupId::from_ed25519(&secret().public());
    assert!(Keys::new(account(0), id, Some(&other)).is_err());
    let other_id = session_types::GroupId::from_ed25519(&other.public());
    let mut admin = Keys::new(account(0), other_id, Some(&other)).unwrap();
    admin.rekey(&[*account(1).id()]).unwrap();
    let message = admin.pending_message().unwrap().to_vec();
    for admin in [None, Some(secret())] {
        let mut keys = Keys::new(account(1), id, admin.as_ref()).unwrap();
        assert!(keys.load("name", &message, NOW).is_err());
        assert!(keys.is_empty() && !keys.needs_dump());
    }
}
