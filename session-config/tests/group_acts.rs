//! Closed groups: invitations that are declined, pictures, what authors may still say, and steps of a
//! removal that fail one at a time.
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

use std::sync::Arc;

use session_config::field::Picture;
use session_config::group::{
    ActError, Answer, Call, Group, GroupRefused, Incoming, InviteError, Invitee, MessageRefused,
    NewGroup, RemoveMessages, Stage,
};
use session_config::groups::GroupAccess;
use session_config::members::MemberStatus;
use session_config::{GroupMembers, UserGroups};
use session_crypto::Ed25519Secret;
use session_identity::subaccount::{AuthData, Permissions};
use session_message::content::{
    Content, GroupSeed, GroupUpdate, InfoChange, Kind, MemberAuthData, MemberChangeKind,
};
use session_message::{Disposition, Opener, Sealer, admin};
use session_types::{AccountId, Namespace, UnixMillis};
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
    settle(net, &mut devices);
    devices
}

fn settle(net: &mut Net, devices: &mut [Device]) {
    for _ in 0..3 {
        for device in devices.iter_mut() {
            device.sync(net);
        }
    }
}

fn status(device: &mut Device, of: u16) -> Option<MemberStatus> {
    let members = device.group().members();
    Some(members.status(&members.get(account(of).id())?))
}

/// The invitation that waits in the inbox of a device.
fn invitation(net: &Net, device: &Device) -> session_message::content::Invite {
    let inbox = &net.inboxes[&device.id()];
    let mut opener = Opener::new(Arc::clone(&device.account));
    let opened = opener.open_direct(inbox.last().unwrap()).unwrap();
    match opened.content.kind {
        Kind::Group(GroupUpdate::Invite(invite)) => invite,
        other => panic!("{other:?}"),
    }
}

/// What the control messages in namespace 11 say, in their order.
fn controls(device: &mut Device, net: &Net) -> Vec<GroupUpdate> {
    let opened = device.open_all(net).into_iter().flatten();
    let updates = opened.filter_map(|arrived| match arrived.message.content.kind {
        Kind::Group(update) => Some(update),
        _ => None,
    });
    updates.collect()
}

#[test]
fn a_declined_invitation_leaves_nothing() {
    let net = &mut Net::new(1);
    let mut devices = group_of(net, 1);
    let carl = Device::new(2);
    let invitee = [Invitee::new(carl.id(), "Carl")];
    devices[0].group().invite(&invitee, false).unwrap();
    devices[0].sync(net);
    let mut group = Group::invited(Arc::clone(&carl.account), &invitation(net, &carl)).unwrap();
    assert_eq!(group.stage(), Stage::Invited);
    assert_eq!(group.name(), "Hikers");
    let mut groups = UserGroups::new(Arc::clone(&carl.account));
    group.write_entry(&mut groups).unwrap();
    assert!(groups.groups().next().unwrap().group.is_invited);
    // Whoever has not accepted does nothing and reads nothing.
    assert_eq!(group.leave(), Err(ActError::Stage(Stage::Invited)));
    assert_eq!(group.poll(net.at(), &mut net.rng), Ok(None));
    let message = net.fetch(Namespace::GROUP_MESSAGES);
    let refused = group.open(&message[0].incoming()).unwrap_err();
    assert_eq!(refused, MessageRefused::Stage(Stage::Invited));
    assert_eq!(refused.disposition(), Disposition::TryAgainLater);

    let before = net.stored.clone();
    group.decline().unwrap();
    assert_eq!(group.stage(), Stage::Left);
    assert!(group.needs_dump());
    assert_eq!(group.decline(), Err(ActError::Stage(Stage::Left)));
    assert_eq!(group.accept(), Err(ActError::Stage(Stage::Left)));
    // Nobody is told.
    assert_eq!(group.poll(net.at(), &mut net.rng), Ok(None));
    assert_eq!(net.stored.len(), before.len());
    group.write_entry(&mut groups).unwrap();
    assert_eq!(groups.groups().count(), 0);
    // It stays declined after a restart, and another invitation counts.
    let dump = group.dump(net.at());
    let id = *group.id();
    let again = Group::load(Arc::clone(&carl.account), id, &dump, net.at());
    let mut again = again.unwrap();
    assert_eq!(again.stage(), Stage::Left);
    again.invited_again(&invitation(net, &carl)).unwrap();
    again.accept().unwrap();
    assert_eq!(again.stage(), Stage::Joined);
    assert_eq!(again.decline(), Err(ActError::Stage(Stage::Joined)));
    assert_eq!(
        again.invited_again(&invitation(net, &carl)),
        Err(InviteError::Joined)
    );
}

#[test]
fn every_member_sees_the_picture() {
    let net = &mut Net::new(2);
    let mut devices = group_of(net, 1);
    let picture = Picture::new("http://example.com/1", [1; 32]).unwrap();
    assert_eq!(
        devices[1].group().set_picture(Some(&picture)),
        Err(ActError::NotAdmin)
    );
    devices[0].group().set_picture(Some(&picture)).unwrap();
    // Twice is once.
    devices[0].group().set_picture(Some(&picture)).unwrap();
    settle(net, &mut devices);
    assert_eq!(devices[1].group().info().picture(), Some(picture.clone()));
    let told = |device: &mut Device, net: &Net| {
        let controls = controls(device, net).into_iter();
        controls
            .filter(|one| {
                matches!(
                    one,
                    GroupUpdate::InfoChange {
                        change: InfoChange::Picture,
                        ..
                    }
                )
            })
            .count()
    };
    assert_eq!(told(&mut devices[1], net), 1);
    let seqno = devices[0].group().info().seqno();
    devices[0].group().set_picture(Some(&picture)).unwrap();
    assert_eq!(devices[0].group().info().seqno(), seqno);
    devices[0].group().set_picture(None).unwrap();
    settle(net, &mut devices);
    assert_eq!(devices[1].group().info().picture(), None);
    assert_eq!(told(&mut devices[1], net), 2);
}

#[test]
fn acts_are_announced_once_and_in_their_order() {
    let net = &mut Net::new(3);
    let mut devices = group_of(net, 2);
    let (bob, carl) = (devices[1].id(), devices[2].id());
    let group = devices[0].group();
    group.rename("Climbers").unwrap();
    group.rename("Climbers").unwrap();
    group.set_timer(60).unwrap();
    group.set_timer(60).unwrap();
    group.promote(&[bob]).unwrap();
    group
        .invite(&[Invitee::new(account(7).id().to_owned(), "")], true)
        .unwrap();
    group.remove(&[carl], RemoveMessages::Yes).unwrap();
    settle(net, &mut devices[..2]);
    let said = controls(&mut devices[1], net);
    let said: Vec<_> = said
        .iter()
        .map(|update| match update {
            GroupUpdate::InfoChange {
                change: InfoChange::Name(name),
                ..
            } => name.clone(),
            GroupUpdate::InfoChange {
                change: InfoChange::Expiration(60),
                ..
            } => "timer".into(),
            GroupUpdate::MemberChange(change) => {
                let all: &[(MemberChangeKind, AccountId, &str)] = &[
                    (MemberChangeKind::Promoted, bob, "promoted"),
                    (MemberChangeKind::Added, *account(7).id(), "added"),
                    (MemberChangeKind::Removed, carl, "removed"),
                ];
                let same = all
                    .iter()
                    .find(|(one, id, _)| *one == change.kind && change.members == [(*id).into()]);
                same.map_or_else(|| format!("{update:?}"), |(_, _, name)| (*name).to_owned())
            }
            GroupUpdate::DeleteContent(delete) => {
                assert_eq!(delete.members, [carl.into()]);
                "delete".into()
            }
            GroupUpdate::InviteResponse => "accepted".into(),
            other => format!("{other:?}"),
        })
        .filter(|text| text != "accepted")
        .collect();
    assert_eq!(
        said,
        [
            "Climbers", "timer", "promoted", "added", "removed", "delete"
        ]
    );
}

#[test]
fn who_is_being_removed_is_not_heard_and_does_nothing() {
    let net = &mut Net::new(4);
    let mut devices = group_of(net, 2);
    let carl = devices[2].id();
    assert!(devices[2].say(net, "early"));
    devices[0]
        .group()
        .remove(&[carl], RemoveMessages::No)
        .unwrap();
    // Only the mark is stored: the removal itself is yet to come.
    devices[0].work(net, 1);
    assert_eq!(status(&mut devices[0], 2), Some(MemberStatus::Removed));
    for index in [0, 1] {
        devices[index].fetch(net);
        let refused: Vec<_> = devices[index]
            .open_all(net)
            .into_iter()
            .filter_map(Result::err)
            .collect();
        assert!(refused.contains(&MessageRefused::Removed), "{refused:?}");
        assert_eq!(MessageRefused::Removed.disposition(), Disposition::Drop);
        assert!(!devices[index].texts(net).contains(&"early".to_owned()));
    }
    devices[2].fetch(net);
    assert!(devices[2].group().is_being_removed());
    assert!(!devices[2].say(net, "late"));
    assert_eq!(
        devices[0].group().promote(&[carl]),
        Err(ActError::MemberBeingRemoved)
    );
    assert_eq!(
        devices[0].group().invite(&[Invitee::new(carl, "")], false),
        Err(ActError::MemberBeingRemoved)
    );
    assert_eq!(
        devices[0].group().send_again(&carl),
        Err(ActError::MemberBeingRemoved)
    );
    // With messages is more than without, and is not taken back.
    devices[0]
        .group()
        .remove(&[carl], RemoveMessages::Yes)
        .unwrap();
    devices[0]
        .group()
        .remove(&[carl], RemoveMessages::No)
        .unwrap();
    assert_eq!(
        status(&mut devices[0], 2),
        Some(MemberStatus::RemovedWithMessages)
    );
    devices[0].sync(net);
    assert_eq!(status(&mut devices[0], 2), None);
}

/// An admin whom another one is removing.
#[test]
fn an_admin_who_is_being_removed_does_nothing_more() {
    let net = &mut Net::new(5);
    let mut devices = group_of(net, 2);
    let bob = devices[1].id();
    devices[0].group().promote(&[bob]).unwrap();
    settle(net, &mut devices);
    assert_eq!(
        devices[0].group().invite(&[Invitee::new(bob, "")], false),
        Err(ActError::IsAdmin)
    );
    devices[0]
        .group()
        .remove(&[bob], RemoveMessages::No)
        .unwrap();
    devices[0].work(net, 1);
    devices[1].fetch(net);
    assert_eq!(
        devices[1].group().rename("mine"),
        Err(ActError::BeingRemoved)
    );
    assert_eq!(
        devices[1].group().recover(|_| true),
        Err(ActError::Stage(Stage::Joined))
    );
    // It deletes what is obsolete, and stores nothing.
    let job = devices[1].group().poll(net.at(), &mut net.rng).unwrap();
    let calls = job.into_iter().flat_map(|job| job.calls);
    assert!(
        calls
            .into_iter()
            .all(|call| matches!(call, Call::Delete(_)))
    );
    let own = devices[0].id();
    assert_eq!(
        devices[0].group().remove(&[own], RemoveMessages::No),
        Err(ActError::Own)
    );
    assert_eq!(
        devices[0].group().invite(&[Invitee::new(own, "")], true),
        Err(ActError::Own)
    );
    let nobody = *account(44).id();
    assert_eq!(
        devices[0].group().remove(&[nobody], RemoveMessages::No),
        Err(ActError::NoMember)
    );
    assert_eq!(
        devices[0].group().promote(&[nobody]),
        Err(ActError::NoMember)
    );
}

#[test]
fn each_step_of_a_removal_is_repeated_until_it_is_done() {
    // Which step fails: the members and their notice to the group, then revocation, notice, the message
    // about the deletion and the deletion, then the new key, the info and the members.
    for failing in 0..12 {
        let net = &mut Net::new(6);
        let mut devices = group_of(net, 2);
        let (carl, token) = (devices[2].id(), devices[2].token().unwrap());
        devices[0]
            .group()
            .remove(&[carl], RemoveMessages::Yes)
            .unwrap();
        let (mut step, mut has_failed, mut erased) = (0, false, false);
        let generation = devices[0].group().keys().generation();
        while let Some(job) = devices[0].group().poll(net.at(), &mut net.rng).unwrap() {
            let mut answers = Vec::new();
            for call in &job.calls {
                let fails = step == failing && !has_failed;
                step += 1;
                if fails {
                    has_failed = true;
                    answers.push(Answer::Failed);
                    break;
                }
                // The key that the member does not get comes only when all of that is done.
                let is_key = matches!(call, Call::Store(message)
                    if message.namespace == Namespace::GROUP_KEYS);
                if is_key {
                    assert!(net.revoked.contains(&token));
                    assert!(!net.fetch(Namespace::REVOKED_GROUP_MESSAGES).is_empty());
                }
                answers.push(net.call(call));
            }
            devices[0].group().report(job.ticket, &answers).unwrap();
            devices[0].restart(net);
            let is_gone = status(&mut devices[0], 2).is_none();
            assert!(is_gone || !erased, "nobody comes back");
            erased = is_gone;
        }
        assert!(erased && !devices[0].group().keys().has_pending());
        assert_eq!(devices[0].group().keys().generation(), generation + 1);
        assert!(has_failed || failing > 8, "step {failing} was never made");
        devices[2].fetch(net);
        assert_eq!(devices[2].group().stage(), Stage::Kicked);
    }
}

#[test]
fn seeds_and_invitations_of_other_groups_are_refused() {
    let net = &mut Net::new(7);
    let mut devices = group_of(net, 1);
    let other = Ed25519Secret::from_seed(&[5; 32]);
    let seed = GroupSeed::from_bytes(other.expose_seed());
    assert_eq!(
        devices[1].group().become_admin(&seed),
        Err(InviteError::OtherGroup)
    );
    assert!(!devices[1].group().is_admin());
    let bob = Arc::clone(&devices[1].account);
    let auth = AuthData::create(&other, bob.id(), Permissions::MEMBER).unwrap();
    let auth = MemberAuthData::from_bytes(&auth.expose_bytes());
    let update = admin::invite(&other, bob.id(), "Other", &auth, net.at());
    let GroupUpdate::Invite(invite) = update else {
        panic!("{update:?}")
    };
    devices[1].group().leave().unwrap();
    devices[1].work(net, 9);
    assert_eq!(
        devices[1].group().invited_again(&invite),
        Err(InviteError::OtherGroup)
    );
    assert_eq!(devices[1].group().stage(), Stage::Left);
    // An entry without access is of no use.
    let mut groups = UserGroups::new(Arc::clone(&devices[0].account));
    devices[0].group().write_entry(&mut groups).unwrap();
    let id = *devices[0].group().id();
    groups
        .update_group(&id, |entry| entry.access = GroupAccess::None)
        .unwrap();
    let entry = groups.groups().next().unwrap();
    let refused = Group::from_entry(Arc::clone(&devices[0].account), &entry).unwrap_err();
    assert_eq!(refused, InviteError::NoAccess);
}

#[test]
fn a_promotion_is_an_invitation_to_who_knows_nothing_of_the_group() {
    let net = &mut Net::new(8);
    let mut devices = group_of(net, 0);
    let mut bob = Device::new(1);
    let invitee = [Invitee::new(bob.id(), "Bob")];
    devices[0].group().invite(&invitee, false).unwrap();
    devices[0].work(net, 1);
    devices[0].group().promote(&[bob.id()]).unwrap();
    assert_eq!(
        status(&mut devices[0], 1),
        Some(MemberStatus::PromotionSending)
    );
    devices[0].sync(net);
    assert_eq!(
        status(&mut devices[0], 1),
        Some(MemberStatus::PromotionSent)
    );
    bob.sync(net);
    assert!(bob.group().is_admin());
    assert_eq!(bob.group().stage(), Stage::Joined);
    devices[0].sync(net);
    assert_eq!(
        status(&mut devices[0], 1),
        Some(MemberStatus::PromotionAccepted)
    );
    assert!(bob.say(net, "I manage"));
    assert!(devices[0].texts(net).contains(&"I manage".to_owned()));
    assert_eq!(
        devices[0].group().send_again(&bob.id()),
        Err(ActError::IsAdmin)
    );
}

#[test]
fn nothing_is_done_before_the_group_was_fetched() {
    let net = &mut Net::new(9);
    let mut devices = group_of(net, 1);
    let seed = GroupSeed::from_bytes(secret().expose_seed());
    let mut fresh = Group::promoted(account(9), &seed, "Hikers").unwrap();
    let ids = [devices[1].id()];
    assert_eq!(
        fresh.remove(&ids, RemoveMessages::No),
        Err(ActError::NotFetched)
    );
    assert_eq!(fresh.promote(&ids), Err(ActError::NotFetched));
    let invitee = [Invitee::new(*account(8).id(), "")];
    assert_eq!(fresh.invite(&invitee, false), Err(ActError::NotFetched));
    assert_eq!(fresh.poll(net.at(), &mut net.rng), Ok(None));
    let sealer = Sealer::new(account(9));
    let text = Content::text("too early");
    let at = net.at();
    let sealed = fresh.seal(&sealer, &mut net.rng, &text, at);
    assert_eq!(sealed, Err(ActError::NoKey));
    let message = Incoming {
        hash: "x",
        data: &[],
        stored_at: UnixMillis::new(START),
    };
    let received = fresh.receive(Namespace::GROUP_MESSAGES, &[message], net.at());
    assert_eq!(received.refused[0].1, GroupRefused::Namespace);
    // A notice cannot be judged before the keys are there.
    devices[0].group().remove(&ids, RemoveMessages::No).unwrap();
    devices[0].sync(net);
    let notices = net.fetch(Namespace::REVOKED_GROUP_MESSAGES);
    let notices: Vec<_> = notices.iter().map(Stored::incoming).collect();
    let entry_of = |device: &mut Device| {
        let mut groups = UserGroups::new(Arc::clone(&device.account));
        device.group().write_entry(&mut groups).unwrap();
        let entry = groups.groups().next().unwrap();
        Group::from_entry(Arc::clone(&device.account), &entry).unwrap()
    };
    let mut bob = entry_of(&mut devices[1]);
    let received = bob.receive(Namespace::REVOKED_GROUP_MESSAGES, &notices, net.at());
    assert_eq!(received.refused[0].1, GroupRefused::NoKey);
    assert_eq!(bob.stage(), Stage::Joined);
    // But if the swarm refuses us, too, there is no doubt.
    bob.note_access_refused();
    bob.receive(Namespace::REVOKED_GROUP_MESSAGES, &notices, net.at());
    assert_eq!(bob.stage(), Stage::Kicked);
    assert_eq!(
        bob.members().namespace(),
        GroupMembers::new_group(session_config::GroupKeyring {
            id: bob.id(),
            admin: None,
            keys: &[]
        })
        .unwrap()
        .namespace()
    );
}
