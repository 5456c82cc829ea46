//! Closed groups: what admins and members do, and what others see of it.
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
    ActError, Answer, Call, Group, GroupChange, Invitee, MessageRefused, NewGroup, RemoveMessages,
    ReportError, Stage,
};
use session_config::members::MemberStatus;
use session_config::{GroupKeyring, UserGroups};
use session_crypto::Ed25519Secret;
use session_message::content::Content;
use session_message::{Disposition, Sealer};
use session_types::{Namespace, UnixMillis};
use swarm::{Device, Net, START, Stored, account};

fn secret() -> Ed25519Secret {
    Ed25519Secret::from_seed(&[3; 32])
}

/// A group of an admin and some members, all of whom have accepted.
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
    for _ in 0..2 {
        for device in &mut devices {
            device.sync(net);
        }
    }
    devices
}

/// Whether two devices have the same info, members and newest key.
fn are_equal(one: &Device, two: &Device) -> bool {
    let (one, two) = (one.group.as_ref().unwrap(), two.group.as_ref().unwrap());
    one.info().data() == two.info().data()
        && one.members().data() == two.members().data()
        && one.keys().newest().map(|key| key.expose_bytes())
            == two.keys().newest().map(|key| key.expose_bytes())
}

fn status(device: &mut Device, of: u16) -> Option<MemberStatus> {
    let members = device.group().members();
    Some(members.status(&members.get(account(of).id())?))
}

#[test]
fn a_new_group_is_stored_keys_first() {
    let net = &mut Net::new(1);
    let bob = Device::new(1);
    let members = [Invitee::new(bob.id(), "Bob"), Invitee::new(bob.id(), "Bob")];
    let new = NewGroup {
        name: "Hikers",
        own_name: "Ann",
        members: &members,
        ..NewGroup::default()
    };
    let mut ann = Group::create(account(0), &secret(), &new, net.at()).unwrap();
    let job = ann.poll(net.at(), &mut net.rng).unwrap().unwrap();
    let namespaces: Vec<_> = job
        .calls
        .iter()
        .map(|call| match call {
            Call::Store(message) => message.namespace,
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        Namespace::GROUP_KEYS,
        Namespace::GROUP_INFO,
        Namespace::GROUP_MEMBERS,
    ];
    assert_eq!(namespaces, expected);
    // Nobody is invited before that is stored.
    let again = ann.poll(net.at(), &mut net.rng).unwrap().unwrap();
    assert_eq!(again.calls, job.calls);
    assert_eq!(ann.report(job.ticket, &[]), Err(ReportError::Ticket));
    let again = ann.poll(net.at(), &mut net.rng).unwrap().unwrap();
    ann.report(again.ticket, &net.run(&again)).unwrap();
    assert!(!ann.keys().has_pending());
    let job = ann.poll(net.at(), &mut net.rng).unwrap().unwrap();
    let [Call::Send { to, .. }] = job.calls.as_slice() else {
        panic!("{job:?}")
    };
    assert_eq!(*to, bob.id());
    assert_eq!(ann.members().iter().count(), 2);
}

#[test]
fn members_join_talk_and_are_promoted() {
    let net = &mut Net::new(2);
    let mut devices = group_of(net, 2);
    assert_eq!(
        status(&mut devices[0], 0),
        Some(MemberStatus::PromotionAccepted)
    );
    assert_eq!(
        status(&mut devices[0], 1),
        Some(MemberStatus::InviteAccepted)
    );
    for device in &mut devices {
        device.sync(net);
        assert_eq!(device.group().name(), "Hikers");
        assert_eq!(device.group().stage(), Stage::Joined);
        assert!(device.say(net, "hello"));
    }
    for device in &mut devices {
        assert_eq!(device.texts(net).len(), 3);
    }
    let bob = devices[1].id();
    assert_eq!(
        devices[1].group().rename("Climbers"),
        Err(ActError::NotAdmin)
    );
    devices[0].group().promote(&[bob]).unwrap();
    for _ in 0..2 {
        for device in &mut devices {
            device.sync(net);
        }
    }
    assert!(devices[1].group().is_admin());
    assert_eq!(
        status(&mut devices[0], 1),
        Some(MemberStatus::PromotionAccepted)
    );
    devices[1].group().rename("Climbers").unwrap();
    devices[1].group().set_timer(3600).unwrap();
    devices[1].group().set_description("up").unwrap();
    for _ in 0..2 {
        for device in &mut devices {
            device.sync(net);
        }
    }
    for device in &mut devices {
        assert_eq!(device.group().name(), "Climbers");
        assert_eq!(device.group().info().expiry(), 3600);
        assert_eq!(device.group().info().description(), "up");
    }
    assert_eq!(devices[0].group().promote(&[bob]), Err(ActError::IsAdmin));
}

#[test]
fn history_is_read_exactly_if_it_is_given() {
    for history in [false, true] {
        let net = &mut Net::new(3);
        let mut devices = group_of(net, 1);
        assert!(devices[0].say(net, "before"));
        let mut carl = Device::new(9);
        devices[0]
            .group()
            .invite(&[Invitee::new(carl.id(), "Carl")], history)
            .unwrap();
        let job = devices[0]
            .group()
            .poll(net.at(), &mut net.rng)
            .unwrap()
            .unwrap();
        let keys = job.calls.iter().filter(
            |call| matches!(call, Call::Store(message) if message.namespace == Namespace::GROUP_KEYS),
        );
        assert_eq!(keys.count(), if history { 2 } else { 1 });
        assert!(
            job.calls
                .iter()
                .any(|call| matches!(call, Call::Unrevoke(tokens) if tokens.len() == 1))
        );
        devices[0].sync(net);
        assert!(devices[0].say(net, "after"));
        for _ in 0..2 {
            carl.sync(net);
            devices[0].sync(net);
        }
        let expected: &[&str] = if history {
            &["before", "after"]
        } else {
            &["after"]
        };
        assert_eq!(carl.texts(net), expected);
        // What no key opens is kept, not dropped.
        let refused: Vec<_> = carl
            .open_all(net)
            .into_iter()
            .filter_map(Result::err)
            .collect();
        assert!(
            refused
                .iter()
                .all(|one| one.disposition() == Disposition::TryAgainLater)
        );
        assert_eq!(refused.is_empty(), history);
        let id = carl.id();
        assert!(!carl.group().members().get(&id).unwrap().has_supplement);
    }
}

#[test]
fn a_removed_member_is_told_and_locked_out() {
    for messages in [RemoveMessages::No, RemoveMessages::Yes] {
        let net = &mut Net::new(4);
        let mut devices = group_of(net, 2);
        let carl = devices[2].id();
        assert!(devices[2].say(net, "from Carl"));
        devices[0].group().remove(&[carl], messages).unwrap();
        assert!(matches!(
            status(&mut devices[0], 2),
            Some(MemberStatus::Removed | MemberStatus::RemovedWithMessages)
        ));
        devices[0].sync(net);
        assert_eq!(status(&mut devices[0], 2), None);
        assert!(devices[0].say(net, "secret"));
        // With everything that is stored, the removed member still reads nothing of it.
        let mut spy = Device::new(2);
        let dump = devices[2].group().dump(net.at());
        let id = *devices[0].group().id();
        spy.group = Some(Group::load(account(2), id, &dump, net.at()).unwrap());
        for namespace in [
            Namespace::GROUP_KEYS,
            Namespace::GROUP_INFO,
            Namespace::GROUP_MEMBERS,
        ] {
            let all = net.fetch(namespace);
            let all: Vec<_> = all.iter().map(Stored::incoming).collect();
            spy.group().receive(namespace, &all, net.at());
        }
        assert!(!spy.texts(net).contains(&"secret".to_owned()));
        assert!(!devices[2].say(net, "once more"));
        assert_eq!(
            devices[2].fetch(net),
            [GroupChange::Kicked { was_invited: false }]
        );
        assert_eq!(devices[2].group().stage(), Stage::Kicked);
        let sealed = devices[2].group().poll(net.at(), &mut net.rng).unwrap();
        assert_eq!(sealed, None);
        // Messages of somebody who is no member are refused.
        devices[1].sync(net);
        let refused = devices[1].open_all(net).into_iter().filter_map(Result::err);
        assert!(
            refused
                .into_iter()
                .any(|reason| reason == MessageRefused::Stranger)
        );
        // A new invitation makes the notice meaningless.
        devices[0]
            .group()
            .invite(&[Invitee::new(carl, "Carl")], false)
            .unwrap();
        for _ in 0..3 {
            devices[0].sync(net);
            devices[2].sync(net);
        }
        assert_eq!(devices[2].group().stage(), Stage::Joined);
        assert!(devices[2].say(net, "back again"));
        assert!(devices[0].texts(net).contains(&"back again".to_owned()));
    }
}

#[test]
fn a_removal_continues_wherever_it_was_interrupted() {
    let mut cuts = 0;
    for cut in 0.. {
        let net = &mut Net::new(5);
        let mut devices = group_of(net, 2);
        let (carl, token) = (devices[2].id(), devices[2].token().unwrap());
        devices[0]
            .group()
            .remove(&[carl], RemoveMessages::Yes)
            .unwrap();
        // The process is killed after `cut` calls: what it had reported is saved, and no more.
        let mut left = cut;
        let mut finished = false;
        loop {
            let at = net.at();
            let Some(job) = devices[0].group().poll(at, &mut net.rng).unwrap() else {
                finished = true;
                break;
            };
            let made = job.calls.len().min(left);
            left -= made;
            let answers: Vec<_> = job.calls[..made]
                .iter()
                .map(|call| net.call(call))
                .collect();
            if made < job.calls.len() {
                break;
            }
            devices[0].group().report(job.ticket, &answers).unwrap();
            devices[0].restart(net);
        }
        devices[0].restart(net);
        devices[0].sync(net);
        assert_eq!(status(&mut devices[0], 2), None, "cut {cut}");
        assert!(net.revoked.contains(&token));
        assert!(!devices[0].group().keys().has_pending());
        assert!(devices[0].say(net, "secret"));
        devices[2].fetch(net);
        assert_eq!(devices[2].group().stage(), Stage::Kicked);
        devices[1].sync(net);
        devices[1].sync(net);
        assert!(devices[1].texts(net).contains(&"secret".to_owned()));
        assert!(are_equal(&devices[0], &devices[1]));
        cuts = cut;
        if finished {
            break;
        }
    }
    // Members and message; revocation, notice, deletion, the messages; key, info, members, deletion.
    assert!(cuts >= 10, "{cuts}");
}

#[test]
fn another_admin_finishes_a_removal() {
    let net = &mut Net::new(6);
    let mut devices = group_of(net, 3);
    let (bob, carl) = (devices[1].id(), devices[2].id());
    devices[0].group().promote(&[bob]).unwrap();
    for _ in 0..2 {
        devices.iter_mut().for_each(|device| device.sync(net));
    }
    devices[0]
        .group()
        .remove(&[carl], RemoveMessages::No)
        .unwrap();
    devices[0].work(net, 1);
    assert_eq!(status(&mut devices[0], 2), Some(MemberStatus::Removed));
    devices[1].sync(net);
    assert_eq!(status(&mut devices[1], 2), None);
    devices[0].sync(net);
    assert_eq!(status(&mut devices[0], 2), None);
    assert!(are_equal(&devices[0], &devices[1]));
    let keys = [0, 1].map(|index| devices[index].group.as_ref().unwrap().keys());
    assert!(keys[0].has_same_keys(keys[1]));
}

#[test]
fn sends_that_fail_are_shown_and_repeated_on_request() {
    let net = &mut Net::new(7);
    let mut devices = group_of(net, 0);
    let bob = Device::new(1);
    devices[0]
        .group()
        .invite(&[Invitee::new(bob.id(), "Bob")], true)
        .unwrap();
    assert_eq!(
        status(&mut devices[0], 1),
        Some(MemberStatus::InviteSending)
    );
    devices[0].work(net, 1);
    let at = net.at();
    let job = devices[0].group().poll(at, &mut net.rng).unwrap().unwrap();
    devices[0]
        .group()
        .report(job.ticket, &[Answer::Failed])
        .unwrap();
    assert_eq!(status(&mut devices[0], 1), Some(MemberStatus::InviteFailed));
    devices[0].work(net, 9);
    assert!(net.inboxes.is_empty());
    devices[0].group().send_again(&bob.id()).unwrap();
    devices[0].restart(net);
    devices[0].work(net, 9);
    assert_eq!(net.inboxes[&bob.id()].len(), 1);
    assert_eq!(status(&mut devices[0], 1), Some(MemberStatus::InviteSent));
}

#[test]
fn deletion_applies_to_what_was_sent_before() {
    let net = &mut Net::new(8);
    let mut devices = group_of(net, 1);
    assert!(devices[1].say(net, "old"));
    net.now += 5_000;
    let limit = net.at();
    net.now += 5_000;
    assert!(devices[1].say(net, "new"));
    let old = net.fetch(Namespace::GROUP_MESSAGES);
    devices[0].group().delete_before(limit).unwrap();
    devices[0]
        .group()
        .delete_before(UnixMillis::new(START))
        .unwrap();
    devices[0].sync(net);
    assert!(net.fetch(Namespace::GROUP_MESSAGES).len() < old.len());
    devices[1].sync(net);
    assert_eq!(devices[1].texts(net), ["new"]);
    // A copy that somebody has kept is refused.
    let reasons = old
        .iter()
        .filter_map(|one| devices[1].group().open(&one.incoming()).err());
    assert!(
        reasons
            .into_iter()
            .any(|reason| reason == MessageRefused::Deleted)
    );
    net.now += 2_000;
    devices[0]
        .group()
        .delete_attachments_before(net.at())
        .unwrap();
    devices[0].sync(net);
    devices[1].sync(net);
    assert!(
        devices[1]
            .open_all(net)
            .into_iter()
            .flatten()
            .all(|one| one.attachments_deleted)
    );
}

#[test]
fn members_leave_and_the_last_admin_cannot() {
    let net = &mut Net::new(9);
    let mut devices = group_of(net, 1);
    assert_eq!(devices[0].group().leave(), Err(ActError::LastAdmin));
    devices[1].group().leave().unwrap();
    assert_eq!(devices[1].group().stage(), Stage::Leaving);
    devices[1].restart(net);
    devices[1].work(net, 9);
    assert_eq!(devices[1].group().stage(), Stage::Left);
    devices[0].sync(net);
    assert_eq!(status(&mut devices[0], 1), None);
    let mut groups = UserGroups::new(account(1));
    devices[1].group().write_entry(&mut groups).unwrap();
    assert_eq!(groups.groups().count(), 0);
}

#[test]
fn a_destroyed_group_is_over() {
    let net = &mut Net::new(10);
    let mut devices = group_of(net, 1);
    devices[0].group().destroy().unwrap();
    assert_eq!(
        devices[0].group().rename("x"),
        Err(ActError::Stage(Stage::Destroyed))
    );
    devices[0].sync(net);
    let changes = devices[1].fetch(net);
    assert!(changes.contains(&GroupChange::Destroyed));
    assert_eq!(devices[1].group().stage(), Stage::Destroyed);
    assert!(!devices[1].say(net, "late"));
    let mut groups = UserGroups::new(account(1));
    devices[1].group().write_entry(&mut groups).unwrap();
    let entry = groups.groups().next().unwrap();
    assert_eq!(
        entry.group.removed,
        session_config::groups::Removed::Destroyed
    );
}

#[test]
fn lost_messages_are_stored_again() {
    let net = &mut Net::new(11);
    let mut devices = group_of(net, 1);
    devices.iter_mut().for_each(|device| device.sync(net));
    let before = [Namespace::GROUP_INFO, Namespace::GROUP_MEMBERS].map(|one| net.fetch(one));
    net.stored.remove(&Namespace::GROUP_INFO);
    net.stored.remove(&Namespace::GROUP_MEMBERS);
    // A member stores the very bytes again.
    devices[1]
        .group()
        .recover(|name| name.starts_with("none"))
        .unwrap();
    devices[1].work(net, 9);
    for (before, namespace) in before
        .iter()
        .zip([Namespace::GROUP_INFO, Namespace::GROUP_MEMBERS])
    {
        let after = net.fetch(namespace);
        assert_eq!(after.len(), 1);
        assert!(before.iter().any(|one| one.data == after[0].data));
    }
    // Keys are made anew, by an admin.
    let generation = devices[0].group().keys().generation();
    net.stored.remove(&Namespace::GROUP_KEYS);
    let has: Vec<_> = net
        .stored
        .values()
        .flatten()
        .map(|one| one.hash.clone())
        .collect();
    devices[0]
        .group()
        .recover(|name| has.iter().any(|one| one == name))
        .unwrap();
    devices[0].work(net, 9);
    assert_eq!(devices[0].group().keys().generation(), generation + 1);
    devices[1].sync(net);
    assert!(devices[1].say(net, "still here"));
    assert!(devices[0].texts(net).contains(&"still here".to_owned()));
}

#[test]
fn other_devices_take_the_group_from_the_account() {
    let net = &mut Net::new(12);
    let mut devices = group_of(net, 1);
    for device in &mut devices {
        let mut groups = UserGroups::new(Arc::clone(&device.account));
        device.group().write_entry(&mut groups).unwrap();
        let entry = groups.groups().next().unwrap();
        assert_eq!(entry.group.name, "Hikers");
        let other = Group::from_entry(Arc::clone(&device.account), &entry).unwrap();
        let mut other = Device::with(other);
        other.fetch(net);
        assert_eq!(
            other.group().members().data(),
            device.group().members().data()
        );
        assert_eq!(other.group().is_admin(), device.group().is_admin());
    }
}

#[test]
fn the_key_of_the_time_is_tried_first() {
    let net = &mut Net::new(13);
    let mut devices = group_of(net, 1);
    let mut times = Vec::new();
    for number in 10..20 {
        net.now += 1000;
        let invitee = Device::new(number);
        devices[0]
            .group()
            .invite(&[Invitee::new(invitee.id(), "")], false)
            .unwrap();
        devices[0].sync(net);
        net.now += 1000;
        times.push(net.at());
        assert!(devices[0].say(net, &number.to_string()));
    }
    devices[1].sync(net);
    let keys = devices[1].group.as_ref().unwrap().keys();
    assert!(keys.count() > 10);
    for (index, at) in times.iter().enumerate() {
        let newest_first: Vec<_> = keys.iter().collect();
        let expected = newest_first[times.len() - 1 - index];
        let order: Vec<_> = keys.iter_at(*at).collect();
        assert!(core::ptr::eq(order[0], expected));
        assert_eq!(order.len(), keys.count());
        let id = devices[1].group.as_ref().unwrap().id();
        let message = &net.fetch(Namespace::GROUP_MESSAGES);
        let text = message.iter().find(|one| one.at > *at).unwrap();
        let opened = session_message::group::layer::open(id, order, &text.data).unwrap();
        assert_eq!(opened.key_index, 0);
    }
}

#[test]
fn a_pending_key_seals_and_opens() {
    let net = &mut Net::new(14);
    let mut devices = group_of(net, 1);
    let other = Device::new(7);
    devices[0]
        .group()
        .invite(&[Invitee::new(other.id(), "")], false)
        .unwrap();
    assert!(devices[0].group().keys().has_pending());
    devices[0].restart(net);
    assert!(devices[0].group().keys().has_pending());
    assert!(devices[0].say(net, "pending"));
    assert!(devices[0].texts(net).contains(&"pending".to_owned()));
    devices[1].sync(net);
    assert!(!devices[1].texts(net).contains(&"pending".to_owned()));
    devices[0].work(net, 9);
    devices[1].sync(net);
    assert!(devices[1].texts(net).contains(&"pending".to_owned()));
}

#[test]
fn strangers_with_a_key_are_refused() {
    let net = &mut Net::new(15);
    let mut devices = group_of(net, 1);
    let eve = Sealer::new(account(66));
    let group = devices[0].group.as_ref().unwrap();
    let key = group.keys().newest().unwrap();
    let at = net.at();
    let sealed = eve.seal_group(&mut net.rng, group.id(), key, &Content::text("hi"), at);
    let sealed = sealed.unwrap();
    net.store(&sealed);
    let refused = devices[1].open_all(net).into_iter().filter_map(Result::err);
    assert_eq!(refused.collect::<Vec<_>>(), [MessageRefused::Stranger]);
    // Before the members are known nobody is a stranger.
    let mut groups = UserGroups::new(account(1));
    devices[1].group().write_entry(&mut groups).unwrap();
    let entry = groups.groups().next().unwrap();
    let mut fresh = Device::with(Group::from_entry(account(1), &entry).unwrap());
    let keys = net.fetch(Namespace::GROUP_KEYS);
    let keys: Vec<_> = keys.iter().map(Stored::incoming).collect();
    fresh
        .group()
        .receive(Namespace::GROUP_KEYS, &keys, net.at());
    let refused: Vec<_> = fresh
        .open_all(net)
        .into_iter()
        .filter_map(Result::err)
        .collect();
    assert!(!refused.is_empty() && refused.iter().all(|one| *one == MessageRefused::NotFetched));
}

#[test]
fn two_admins_make_the_same_of_the_same() {
    let ids = [account(1), account(2)];
    let make = |number| {
        let invitees: Vec<_> = ids.iter().map(|one| Invitee::new(*one.id(), "")).collect();
        let new = NewGroup {
            name: "Hikers",
            members: &invitees,
            ..NewGroup::default()
        };
        Group::create(account(number), &secret(), &new, UnixMillis::new(START)).unwrap()
    };
    let (mut one, mut two) = (make(0), make(0));
    let mut net = Net::new(16);
    let jobs =
        [&mut one, &mut two].map(|group| group.poll(net.at(), &mut net.rng).unwrap().unwrap());
    assert_eq!(jobs[0].calls, jobs[1].calls);
    let ring = GroupKeyring {
        id: one.id(),
        admin: None,
        keys: &[],
    };
    assert!(
        session_config::GroupInfo::new_group(ring)
            .unwrap()
            .is_read_only()
    );
}
