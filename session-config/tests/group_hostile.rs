//! Closed groups and bytes from outside: cut, changed, forged, and what an admin who lies can make.
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

use session_config::group::{
    ActError, Group, GroupChange, GroupRefused, Incoming, InviteError, Invitee, KeyMessageError,
    Keys, NewGroup, RekeyError, Stage,
};
use session_config::limits::{MAX_GROUP_KEYS, MAX_GROUP_MEMBERS, MAX_KEY_MESSAGES};
use session_crypto::Ed25519Secret;
use session_crypto::group_keys::{MEMBER_DOMAIN, Rekey};
use session_crypto::multi::Party;
use session_identity::subaccount::{AuthData, Permissions};
use session_message::content::{GroupUpdate, MemberAuthData};
use session_message::{OpenError, admin, kicked};
use session_proto::bt;
use session_types::{AccountId, GroupId, Namespace, UnixMillis, X25519Public};
use swarm::{Device, Net, START, account};

const NOW: UnixMillis = UnixMillis::new(START);

fn secret() -> Ed25519Secret {
    Ed25519Secret::from_seed(&[3; 32])
}

fn id() -> GroupId {
    GroupId::from_ed25519(&secret().public())
}

fn stranger(number: u32) -> AccountId {
    let mut key = [9; 32];
    [key[0], key[1], key[2], key[3]] = number.to_le_bytes();
    AccountId::from_x25519(&X25519Public::from_bytes(key))
}

/// A key message as an admin can write it who does not keep to the rules.
fn lie(generation: u64, for_admins: &Rekey, for_members: &Rekey) -> Vec<u8> {
    let fill = |dict: &mut bt::DictWriter<'_>| {
        dict.bytes(b"#", &for_admins.nonce)
            .int(b"G", generation)
            .bytes(b"K", &for_admins.for_admins)
            .list(b"k", |list| {
                for entry in &for_members.for_members {
                    list.bytes(entry);
                }
            });
    };
    bt::signed_dict(fill, |message| secret().sign(message).to_bytes()).unwrap()
}

#[test]
fn cut_and_changed_key_messages_change_nothing() {
    let bob = account(1);
    let mut admin = Keys::new(account(0), id(), Some(&secret())).unwrap();
    admin.rekey(&[*bob.id()]).unwrap();
    let rekey = admin.pending_message().unwrap().to_vec();
    admin.load("one", &rekey, NOW).unwrap();
    let supplement = admin.supplement(&[*bob.id()]).unwrap();
    for message in [rekey, supplement] {
        for reader in [None, Some(secret())] {
            let mut keys = Keys::new(account(1), id(), reader.as_ref()).unwrap();
            let before = keys.dump();
            for length in 0..message.len() {
                assert!(keys.load("cut", &message[..length], NOW).is_err());
            }
            let mut changed = message.clone();
            for bit in 0..message.len() * 8 {
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(keys.load("changed", &changed, NOW).is_err(), "bit {bit}");
                changed[bit / 8] ^= 1 << (bit % 8);
            }
            assert!(!keys.needs_dump());
            assert_eq!(*keys.dump(), *before);
        }
    }
}

#[test]
fn an_admin_who_skips_generations_is_followed_as_far_as_there_are_some() {
    let members = [*account(1).id()];
    let mut admin = Keys::new(account(0), id(), Some(&secret())).unwrap();
    let rekey = Rekey::new(&secret(), &members, 7_000_000).unwrap();
    assert!(
        admin
            .load("far", &lie(7_000_000, &rekey, &rekey), NOW)
            .unwrap()
            .found
    );
    admin.rekey(&members).unwrap();
    let next = admin.pending_message().unwrap().to_vec();
    assert_eq!(
        admin.load("next", &next, NOW).unwrap().generation,
        7_000_001
    );
    let last = i64::MAX as u64;
    let rekey = Rekey::new(&secret(), &members, last).unwrap();
    admin.load("last", &lie(last, &rekey, &rekey), NOW).unwrap();
    assert_eq!(admin.rekey(&members), Err(RekeyError::Generation));
    let beyond = lie(last + 1, &rekey, &rekey);
    assert_eq!(
        admin.load("beyond", &beyond, NOW),
        Err(KeyMessageError::Generation)
    );
}

#[test]
fn members_who_were_given_another_key_than_the_admins_read_again_after_the_next_one() {
    let bob = account(1);
    let members = [*account(0).id(), *bob.id()];
    let [one, two] = [0, 1].map(|generation| Rekey::new(&secret(), &members, generation).unwrap());
    // The nonce is that of the first: the entries of the second need theirs, so swap both.
    let message = lie(0, &two, &two);
    let mut admin = Keys::new(account(0), id(), Some(&secret())).unwrap();
    let mut member = Keys::new(bob, id(), None).unwrap();
    admin.load("lie", &message, NOW).unwrap();
    let other = lie(0, &one, &one);
    member.load("other", &other, NOW).unwrap();
    assert!(!admin.has_same_keys(&member));
    // Honest admins see that the key is not the one of these members and this generation.
    assert!(!admin.is_for(&members));
    admin.rekey(&members).unwrap();
    let honest = admin.pending_message().unwrap().to_vec();
    admin.load("honest", &honest, NOW).unwrap();
    assert!(member.load("honest", &honest, NOW).unwrap().found);
    assert!(admin.is_for(&members));
    assert_eq!(
        admin.newest().unwrap().expose_bytes(),
        member.newest().unwrap().expose_bytes()
    );
}

#[test]
fn entries_are_counted_and_measured() {
    let bob = account(1);
    let mut keys = Keys::new(bob, id(), None).unwrap();
    let mut rekey = Rekey::new(&secret(), &[*account(1).id()], 0).unwrap();
    for (count, ok) in [
        (45, true),
        (44, false),
        (0, true),
        (75, true),
        (90, true),
        (46, false),
    ] {
        rekey.for_members.resize(count, [7; 48]);
        let loaded = keys.load("name", &lie(0, &rekey, &rekey), NOW);
        assert_eq!(loaded.is_ok(), ok, "{count}");
    }
}

/// Signs a key message with these entries under `list`.
fn with_entries(list: &[u8], rekey: &Rekey, entries: &[Vec<u8>]) -> Vec<u8> {
    let fill = |dict: &mut bt::DictWriter<'_>| {
        dict.bytes(b"#", &rekey.nonce);
        if list == b"+" {
            dict.list(b"+", |list| {
                entries.iter().for_each(|one| {
                    list.bytes(one);
                })
            });
            dict.int(b"G", 0_u64);
        } else {
            dict.int(b"G", 0_u64).bytes(b"K", &rekey.for_admins);
            dict.list(b"k", |list| {
                entries.iter().for_each(|one| {
                    list.bytes(one);
                })
            });
        }
    };
    bt::signed_dict(fill, |message| secret().sign(message).to_bytes()).unwrap()
}

#[test]
fn one_entry_of_another_length_spoils_the_message() {
    let bob = account(1);
    let rekey = Rekey::new(&secret(), &[*bob.id()], 0).unwrap();
    let mut entries: Vec<Vec<u8>> = rekey.for_members.iter().map(|one| one.to_vec()).collect();
    let load = |list: &[u8], entries: &[Vec<u8>]| {
        let mut keys = Keys::new(account(1), id(), None).unwrap();
        keys.load("name", &with_entries(list, &rekey, entries), NOW)
    };
    assert!(load(b"k", &entries).unwrap().found);
    for length in [0, 47, 49] {
        entries[44] = vec![7; length];
        assert_eq!(load(b"k", &entries), Err(KeyMessageError::EntryLength));
    }
    for (length, ok) in [(67, false), (68, true), (90, true)] {
        let entries = [vec![7; 100], vec![7; length]];
        assert_eq!(load(b"+", &entries).is_ok(), ok, "{length}");
    }
}

#[test]
fn a_list_of_too_many_keys_is_refused_whole() {
    let bob = account(1);
    let rekey = Rekey::new(&secret(), &[*bob.id()], 0).unwrap();
    let sender = secret().to_x25519();
    let party = Party::new(&sender, MEMBER_DOMAIN);
    for (count, ok) in [(MAX_GROUP_KEYS, true), (MAX_GROUP_KEYS + 1, false)] {
        let list = bt::list(|list| {
            for number in 0..count as u32 {
                let mut key = [7; 32];
                [key[0], key[1], key[2], key[3]] = number.to_be_bytes();
                list.dict(|dict| {
                    dict.int(b"g", 1_u64).bytes(b"k", &key).int(b"t", START);
                });
            }
        });
        let entry = party.seal_to(&bob.id().x25519(), &rekey.nonce, &list);
        let message = with_entries(b"+", &rekey, &[entry.unwrap()]);
        let mut keys = Keys::new(account(1), id(), None).unwrap();
        let loaded = keys.load("name", &message, NOW);
        assert_eq!(loaded.is_ok(), ok, "{loaded:?}");
        assert_eq!(keys.count(), if ok { count } else { 0 });
        if ok {
            // There is no room for one more, but for those that are there.
            let next = lie(1, &rekey, &rekey);
            assert_eq!(
                keys.load("next", &next, NOW),
                Err(KeyMessageError::TooManyKeys)
            );
            assert!(keys.load("again", &message, NOW).unwrap().found);
        } else {
            assert_eq!(loaded, Err(KeyMessageError::TooManyKeys));
        }
    }
}

#[test]
fn names_of_key_messages_have_a_maximum() {
    let rekey = Rekey::new(&secret(), &[*account(1).id()], 0).unwrap();
    for (count, expected) in [
        (MAX_KEY_MESSAGES - 1, MAX_KEY_MESSAGES),
        (MAX_KEY_MESSAGES, MAX_KEY_MESSAGES),
    ] {
        let dump = bt::dict(|dict| {
            dict.list(b"A", |list| {
                list.list(|names| {
                    names.int(0_u64);
                    for number in 0..count {
                        names.bytes(number.to_string().as_bytes());
                    }
                });
            });
            dict.list(b"L", |list| {
                list.dict(|dict| {
                    dict.int(b"g", 0_u64).bytes(b"k", &[7; 32]).int(b"t", START);
                });
            });
        });
        let mut keys = Keys::load_dump(account(1), id(), None, &dump).unwrap();
        let loaded = keys.load("one more", &lie(0, &rekey, &rekey), NOW);
        assert!(loaded.unwrap().found);
        assert_eq!(keys.active_hashes().count(), expected);
        assert_eq!(keys.count(), 2);
    }
}

#[test]
fn a_supplement_is_for_somebody() {
    let mut admin = Keys::new(account(0), id(), Some(&secret())).unwrap();
    assert_eq!(
        admin.supplement(&[*account(1).id()]),
        Err(RekeyError::NoKey)
    );
    admin.rekey(&[]).unwrap();
    let message = admin.pending_message().unwrap().to_vec();
    admin.load("name", &message, NOW).unwrap();
    // A key of small order is nobody's.
    let nobody = AccountId::from_x25519(&X25519Public::from_bytes([0; 32]));
    assert_eq!(admin.supplement(&[nobody]), Err(RekeyError::NoRecipient));
    assert_eq!(admin.supplement(&[]), Err(RekeyError::NoRecipient));
    let ids = [nobody, *account(1).id()];
    let supplement = admin.supplement(&ids).unwrap();
    let mut bob = Keys::new(account(1), id(), None).unwrap();
    assert!(bob.load("name", &supplement, NOW).unwrap().found);
    let mut member = Keys::new(account(1), id(), None).unwrap();
    assert_eq!(member.rekey(&[]), Err(RekeyError::NotAdmin));
    assert_eq!(member.supplement(&ids), Err(RekeyError::NotAdmin));
}

#[test]
fn ten_thousand_members_are_too_many_to_write_and_not_to_read() {
    let many: Vec<_> = (0..10_000).map(stranger).collect();
    let mut admin = Keys::new(account(0), id(), Some(&secret())).unwrap();
    assert!(matches!(
        admin.rekey(&many),
        Err(RekeyError::TooLong { .. })
    ));
    assert!(!admin.has_pending());
    admin.rekey(&many[..MAX_GROUP_MEMBERS]).unwrap();
    let longest = admin.pending_message().unwrap().len();
    assert!(
        longest <= session_types::limits::MESSAGE_DATA_MAX,
        "{longest}"
    );
    let invitees: Vec<_> = many.iter().map(|id| Invitee::new(*id, "")).collect();
    let new = NewGroup {
        name: "All",
        members: &invitees,
        ..NewGroup::default()
    };
    let refused = Group::create(account(0), &secret(), &new, NOW).unwrap_err();
    assert!(
        matches!(refused, ActError::TooManyMembers { got: 10_001, .. }),
        "{refused:?}"
    );
    // A message for so many is read all the same.
    let bob = account(1);
    let mut all = many[..9_989].to_vec();
    all.push(*bob.id());
    let rekey = Rekey::new(&secret(), &all, 0).unwrap();
    let mut member = Keys::new(bob, id(), None).unwrap();
    assert!(
        member
            .load("all", &lie(0, &rekey, &rekey), NOW)
            .unwrap()
            .found
    );
}

#[test]
fn only_an_admin_removes_us_and_not_for_later() {
    let net = &mut Net::new(1);
    let members = [Invitee::new(*account(1).id(), "")];
    let new = NewGroup {
        name: "Hikers",
        members: &members,
        ..NewGroup::default()
    };
    let group = Group::create(account(0), &secret(), &new, net.at()).unwrap();
    let (mut ann, mut bob) = (Device::with(group), Device::new(1));
    for _ in 0..2 {
        ann.sync(net);
        bob.sync(net);
    }
    let mut notice = |data: &[u8], hash: &str| {
        let incoming = Incoming {
            hash,
            data,
            stored_at: NOW,
        };
        bob.group()
            .receive(Namespace::REVOKED_GROUP_MESSAGES, &[incoming], NOW)
    };
    let own = [*account(1).id()];
    let eve = Ed25519Secret::from_seed(&[66; 32]);
    let forged = kicked::seal(&mut net.rng, &eve, &own, 0).unwrap().data;
    let refused = notice(&forged, "forged").refused[0].1;
    assert!(
        matches!(refused, GroupRefused::Notice(OpenError::Decrypt(_))),
        "{refused:?}"
    );
    let other = kicked::seal(&mut net.rng, &secret(), &[stranger(1)], 0)
        .unwrap()
        .data;
    assert!(matches!(
        notice(&other, "other").refused[0].1,
        GroupRefused::Notice(_)
    ));
    // Signed for a generation that there is not yet: it would remove us whenever we come back.
    let later = kicked::seal(&mut net.rng, &secret(), &own, 50)
        .unwrap()
        .data;
    assert_eq!(
        notice(&later, "later").refused[0].1,
        GroupRefused::EarlyNotice
    );
    for length in 0..later.len() {
        assert!(notice(&later[..length], "cut").changes.is_empty());
    }
    let real = kicked::seal(&mut net.rng, &secret(), &own, 0).unwrap().data;
    let changes = notice(&real, "real").changes;
    assert_eq!(changes, [GroupChange::Kicked { was_invited: false }]);
    assert_eq!(bob.group().stage(), Stage::Kicked);
}

#[test]
fn invitations_without_valid_auth_data_are_refused() {
    let (bob, eve) = (account(1), account(2));
    let invite = |auth: &AuthData| {
        let auth = MemberAuthData::from_bytes(&auth.expose_bytes());
        match admin::invite(&secret(), bob.id(), "Hikers", &auth, NOW) {
            GroupUpdate::Invite(invite) => invite,
            other => panic!("{other:?}"),
        }
    };
    let good = AuthData::create(&secret(), bob.id(), Permissions::MEMBER).unwrap();
    assert!(Group::invited(account(1), &invite(&good)).is_ok());
    // Of somebody else, by another group, without the right to write, changed.
    let foreign = AuthData::create(&secret(), eve.id(), Permissions::MEMBER).unwrap();
    let other = Ed25519Secret::from_seed(&[5; 32]);
    let other = AuthData::create(&other, bob.id(), Permissions::MEMBER).unwrap();
    let reading = AuthData::create(&secret(), bob.id(), Permissions::READ).unwrap();
    for bad in [&foreign, &other, &reading] {
        let refused = Group::invited(account(1), &invite(bad)).unwrap_err();
        assert!(matches!(refused, InviteError::AuthData(_)), "{refused:?}");
    }
    // Bit 7 of byte 35 does not count: multiplication ignores it.
    for bit in (0..100 * 8).filter(|bit| *bit != 35 * 8 + 7) {
        let mut bytes = *good.expose_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(
            Group::invited(account(1), &invite(&AuthData::from_bytes(&bytes))).is_err(),
            "{bit}"
        );
    }
}

#[test]
fn dumps_are_read_whole_or_not_at_all() {
    let members = [Invitee::new(*account(1).id(), "Bob")];
    let new = NewGroup {
        name: "Hikers",
        members: &members,
        ..NewGroup::default()
    };
    let group = Group::create(account(0), &secret(), &new, NOW).unwrap();
    let (net, mut device) = (&mut Net::new(2), Device::with(group));
    device.work(net, 9);
    let dump = device.group().dump(NOW);
    let mut again = Group::load(account(0), id(), &dump, NOW).unwrap();
    assert_eq!(*again.dump(NOW), *dump);
    for length in (0..dump.len()).step_by(7) {
        assert!(Group::load(account(0), id(), &dump[..length], NOW).is_err());
    }
    let foreign = GroupId::from_ed25519(&Ed25519Secret::from_seed(&[8; 32]).public());
    assert!(Group::load(account(0), foreign, &dump, NOW).is_err());
}
