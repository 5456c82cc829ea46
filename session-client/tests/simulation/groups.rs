//! Closed groups: three accounts, with loss, and a crash at every moment.

use core::time::Duration;

use session_client::config::group::{Group, GroupChange, Invitee, NewGroup, RemoveMessages, Stage};
use session_client::types::{AnyId, GroupId, Namespace};
use session_client::{ConversationId, Event, Settings, Status};

use crate::device::{Device, Kill, run};
use crate::world::World;
use crate::{MINUTE, account};

/// Alice, Bob, Carol.
fn three(seed: u64) -> [Device; 3] {
    [1, 2, 3].map(|number| Device::new(account(number), true, seed * 10 + u64::from(number)))
}

/// Alice creates a group with the others.
pub fn create(devices: &mut [Device], world: &World, others: &[usize]) -> GroupId {
    let members: Vec<Invitee<'_>> = others
        .iter()
        .map(|number| Invitee::new(devices[*number].id(), ""))
        .collect();
    let new = NewGroup {
        name: "Hikers",
        members: &members,
        ..NewGroup::default()
    };
    let (created, _) = devices[0].act(world, |client, network, now, rng| {
        client.create_group(&new, network, now, rng)
    });
    created.unwrap()
}

fn stage(device: &Device, id: &GroupId) -> Option<Stage> {
    device.client().group(id).map(Group::stage)
}

/// Accepts the invitation as soon as it is there.
pub fn accept(devices: &mut [Device], number: usize, id: &GroupId, world: &mut World) {
    for _ in 0..60 {
        if stage(&devices[number], id) == Some(Stage::Invited) {
            devices[number].in_group(id, world, Group::accept).unwrap();
        }
        if stage(&devices[number], id) == Some(Stage::Joined) {
            return;
        }
        run(world, devices, Duration::from_secs(5));
    }
    panic!("no invitation came: {:?}", devices[number].events);
}

fn names(device: &Device, id: &GroupId) -> String {
    device.client().group(id).unwrap().name()
}

fn has(device: &Device, wanted: impl Fn(&Event) -> bool) -> bool {
    device.events.iter().any(wanted)
}

#[test]
fn a_group_is_created_used_changed_and_left() {
    let mut world = World::new(21);
    world.loss_percent = 5;
    let mut devices = three(1);
    let [alice, bob, carol] = [0, 1, 2].map(|number: usize| devices[number].id());
    let id = create(&mut devices, &world, &[1]);
    run(&mut world, &mut devices, MINUTE);
    let invited = |event: &Event| {
        matches!(event, Event::Invited { group, name, by }
            if *group == id && name == "Hikers" && *by == alice)
    };
    assert!(has(&devices[1], invited), "{:?}", devices[1].events);
    // The invitation is deleted from Bob's swarm; the config of the groups has it.
    accept(&mut devices, 1, &id, &mut world);
    run(&mut world, &mut devices, MINUTE);
    for (number, text) in [(0, "from the admin"), (1, "from a member")] {
        assert!(devices[number].send(id, text, &world));
        run(&mut world, &mut devices, MINUTE);
    }
    let both = ["from the admin", "from a member"];
    for device in &devices[..2] {
        assert_eq!(device.texts_of(id), both);
        device.check();
    }
    let delivered = |event: &Event| {
        matches!(event, Event::Delivered { message: Some(message), .. }
        if *message.conversation() == ConversationId::Group(id))
    };
    assert!(has(&devices[1], delivered));
    assert!(
        devices[1]
            .history
            .values()
            .all(|message| message.hash.is_some()),
        "everything is stored under a name"
    );

    // Carol is invited with the history, and reads what was written before.
    let carols = [Invitee::new(carol, "Carol")];
    devices[0]
        .in_group(&id, &world, |group| group.invite(&carols, true))
        .unwrap();
    accept(&mut devices, 2, &id, &mut world);
    devices[0]
        .in_group(&id, &world, |group| group.rename("Walkers"))
        .unwrap();
    run(&mut world, &mut devices, 2 * MINUTE);
    assert_eq!(devices[2].texts_of(id), both);
    for device in &devices {
        assert_eq!(names(device, &id), "Walkers");
        assert_eq!(
            device.client().group(&id).unwrap().members().iter().count(),
            3
        );
    }

    // Bob becomes an admin, and removes Carol with her messages.
    assert!(devices[2].send(id, "of Carol", &world));
    devices[0]
        .in_group(&id, &world, |group| group.promote(&[bob]))
        .unwrap();
    run(&mut world, &mut devices, 2 * MINUTE);
    assert!(has(&devices[1], |event| *event == Event::Promoted { group: id }));
    assert!(devices[1].client().group(&id).unwrap().is_admin());
    for device in &mut devices {
        device.forgets = true;
    }
    devices[1]
        .in_group(&id, &world, |group| {
            group.remove(&[carol], RemoveMessages::Yes)
        })
        .unwrap();
    run(&mut world, &mut devices, 3 * MINUTE);
    let kicked = Event::Group {
        group: id,
        change: GroupChange::Kicked { was_invited: false },
    };
    assert!(
        devices[2].events.contains(&kicked),
        "{:?}",
        devices[2].events
    );
    assert_eq!(stage(&devices[2], &id), Some(Stage::Kicked));
    for device in &devices[..2] {
        assert_eq!(device.texts_of(id), both, "Carol's message is gone");
    }
    assert!(
        devices[2]
            .act(&world, |client, network, now, rng| {
                let content = session_client::content::Content::text("late");
                client.send(id, content, network, now, rng)
            })
            .0
            .is_err(),
        "who was removed cannot write"
    );

    // Bob leaves; Alice destroys the group.
    devices[1].in_group(&id, &world, Group::leave).unwrap();
    run(&mut world, &mut devices, 2 * MINUTE);
    assert_eq!(stage(&devices[1], &id), None);
    assert!(has(&devices[1], |event| *event
        == Event::GroupLeft { group: id }));
    let groups = &devices[1].client().configs().groups;
    assert!(groups.group(&id).is_none(), "the entry is gone");
    assert_eq!(
        devices[0]
            .client()
            .group(&id)
            .unwrap()
            .members()
            .iter()
            .count(),
        1
    );
    devices[0].in_group(&id, &world, Group::destroy).unwrap();
    run(&mut world, &mut devices, MINUTE);
    assert_eq!(stage(&devices[0], &id), Some(Stage::Destroyed));
    for device in &devices {
        assert!(device.is_settled(), "{:?}", device.client());
        let is_group = |key: &[u8]| key[0] == b'w' && !key.is_empty();
        assert!(
            !device.records.keys().any(|key| is_group(key)),
            "nothing waits"
        );
    }
}

#[test]
fn an_invitation_is_declined_on_all_devices() {
    let mut world = World::new(22);
    let [alice, bob, _] = three(2);
    // Another device of Bob.
    let mut devices = [alice, bob, Device::new(account(2), false, 7)];
    run(&mut world, &mut devices, MINUTE);
    let id = create(&mut devices, &world, &[1]);
    run(&mut world, &mut devices, MINUTE);
    for device in &devices[1..] {
        assert_eq!(stage(device, &id), Some(Stage::Invited));
    }
    devices[2].in_group(&id, &world, Group::decline).unwrap();
    run(&mut world, &mut devices, MINUTE);
    for device in &devices[1..] {
        assert_eq!(stage(device, &id), None);
        assert!(has(device, |event| *event == Event::GroupLeft { group: id }));
        assert!(device.is_settled());
    }
    let own = AnyId::from(devices[1].id());
    // The invitation itself is deleted: configs alone are stored.
    assert!(world.stored(&own) <= 4, "{}", world.stored(&own));
}

#[test]
fn another_device_follows_into_groups() {
    let mut world = World::new(23);
    world.loss_percent = 5;
    let [alice, bob, _] = three(3);
    let mut devices = [alice, bob, Device::new(account(2), false, 9)];
    devices[2].is_off = true;
    let id = create(&mut devices, &world, &[1]);
    accept(&mut devices, 1, &id, &mut world);
    run(&mut world, &mut devices, MINUTE);
    assert!(devices[1].send(id, "from the phone", &world));
    run(&mut world, &mut devices, MINUTE);
    devices[2].is_off = false;
    run(&mut world, &mut devices, 3 * MINUTE);
    assert_eq!(stage(&devices[2], &id), Some(Stage::Joined));
    assert!(devices[2].send(id, "from the tablet", &world));
    run(&mut world, &mut devices, MINUTE);
    for device in &devices {
        assert_eq!(device.texts_of(id), ["from the phone", "from the tablet"]);
        device.check();
        assert!(device.is_settled());
    }
    // What is deleted for everybody is deleted everywhere.
    for device in &mut devices {
        device.forgets = true;
    }
    let now = session_client::types::UnixMillis::new(world.now);
    devices[0]
        .in_group(&id, &world, |group| group.delete_before(now))
        .unwrap();
    run(&mut world, &mut devices, MINUTE);
    for device in &devices {
        assert_eq!(device.texts_of(id), [""; 0]);
    }
}

#[test]
fn what_comes_before_its_key_is_read_when_the_key_comes() {
    let mut world = World::new(25);
    let mut devices = three(5);
    let id = create(&mut devices, &world, &[1]);
    accept(&mut devices, 1, &id, &mut world);
    run(&mut world, &mut devices, MINUTE);
    // A new key, and what is encrypted with it; the key does not arrive.
    world.withheld = Some(Namespace::GROUP_KEYS);
    let carol = devices[2].id();
    devices[0]
        .in_group(&id, &world, |group| {
            group.rename("Walkers")?;
            group.invite(&[Invitee::new(carol, "")], false)
        })
        .unwrap();
    run(&mut world, &mut devices, MINUTE);
    assert!(devices[0].send(id, "with a new key", &world));
    // Every member of the swarm is asked.
    run(&mut world, &mut devices, 5 * MINUTE);
    assert_eq!(devices[1].texts_of(id), [""; 0]);
    assert_eq!(names(&devices[1], &id), "Hikers");
    // The program is started anew in between: what waits is persisted.
    devices[1].crash(&world);
    world.withheld = None;
    run(&mut world, &mut devices, MINUTE);
    assert_eq!(devices[1].texts_of(id), ["with a new key"]);
    assert_eq!(names(&devices[1], &id), "Walkers");
    let waits = devices[1].records.keys().any(|key| key[0] == b'w');
    assert!(!waits, "nothing waits any more");
}

#[test]
fn what_the_swarm_of_a_group_has_lost_is_stored_again() {
    let mut world = World::new(26);
    let mut settings = Settings::default();
    settings.keep_alive_interval = 10 * MINUTE;
    let mut devices = [1, 2]
        .map(|number| Device::with_settings(account(number), true, u64::from(number), settings));
    let id = create(&mut devices, &world, &[1]);
    accept(&mut devices, 1, &id, &mut world);
    run(&mut world, &mut devices, 2 * MINUTE);
    let swarm = AnyId::from(&id);
    let configs = [Namespace::GROUP_INFO, Namespace::GROUP_MEMBERS];
    let before = configs.map(|namespace| world.names(&swarm, namespace));
    // A member alone stores the configs again, as they were.
    devices[0].is_off = true;
    for namespace in configs {
        assert!(world.lose(&swarm, namespace) > 0);
    }
    run(&mut world, &mut devices, 25 * MINUTE);
    assert_eq!(
        configs.map(|namespace| world.names(&swarm, namespace)),
        before
    );
    // One node alone does not decide that something is lost.
    let members = world.members(&swarm);
    world.dead.extend(&members[1..]);
    for namespace in configs {
        world.lose(&swarm, namespace);
    }
    run(&mut world, &mut devices, 25 * MINUTE);
    assert!(world.names(&swarm, configs[0]).is_empty());
    world.dead.clear();
    run(&mut world, &mut devices, 25 * MINUTE);
    assert_eq!(
        configs.map(|namespace| world.names(&swarm, namespace)),
        before
    );
    // Keys are replaced by an admin.
    assert!(world.lose(&swarm, Namespace::GROUP_KEYS) > 0);
    run(&mut world, &mut devices, 25 * MINUTE);
    assert!(world.names(&swarm, Namespace::GROUP_KEYS).is_empty());
    devices[0].is_off = false;
    run(&mut world, &mut devices, 25 * MINUTE);
    let keys = world.names(&swarm, Namespace::GROUP_KEYS);
    assert!(!keys.is_empty());
    assert!(devices[0].send(id, "with the new key", &world));
    run(&mut world, &mut devices, 2 * MINUTE);
    assert_eq!(devices[1].texts_of(id), ["with the new key"]);
    // Nothing is lost any more, and nothing is stored again.
    let stored = world.stored(&swarm);
    run(&mut world, &mut devices, 25 * MINUTE);
    assert_eq!(world.stored(&swarm), stored);
    assert_eq!(world.names(&swarm, Namespace::GROUP_KEYS), keys);
}

/// Alice invites Bob and removes Carol, with one of them killed at one moment. Returns how many batches
/// the victim had.
fn story(kill: Kill, victim: usize) -> u64 {
    let mut world = World::new(24);
    let mut devices = three(4);
    devices[victim].kill = kill;
    let carol = devices[2].id();
    let id = create(&mut devices, &world, &[1, 2]);
    if devices[0].client().group(&id).is_none() {
        // It was not acknowledged.
        return 0;
    }
    for number in [1, 2] {
        accept(&mut devices, number, &id, &mut world);
    }
    run(&mut world, &mut devices, MINUTE);
    let mut acknowledged = Vec::new();
    for (number, text) in [(0, "one"), (1, "two"), (2, "three")] {
        if devices[number].send(id, text, &world) {
            acknowledged.push(text.to_owned());
        }
        run(&mut world, &mut devices, Duration::from_secs(11));
    }
    let removed = devices[0].in_group(&id, &world, |group| {
        group.remove(&[carol], RemoveMessages::No)
    });
    removed.unwrap();
    run(&mut world, &mut devices, 3 * MINUTE);
    let is_gone = stage(&devices[2], &id) == Some(Stage::Kicked);
    let crashed = devices.iter().map(|device| device.crashes).sum::<u64>() > 0;
    assert!(is_gone || (crashed && victim == 0), "{kill:?} of {victim}");
    for device in &devices {
        device.check();
        assert!(device.is_settled(), "{kill:?} of {victim}");
    }
    for device in &devices[..2] {
        let texts = device.texts_of(id);
        for text in &acknowledged {
            assert!(texts.contains(text), "{text} is lost: {kill:?} of {victim}");
        }
        let sent = device.history.values();
        assert!(
            sent.clone()
                .all(|message| message.status != Status::Sending)
        );
    }
    let members = |device: &Device| device.client().group(&id).unwrap().members().plaintext();
    assert_eq!(
        *members(&devices[0]),
        *members(&devices[1]),
        "{kill:?} of {victim}"
    );
    devices[victim].batches()
}

#[test]
fn a_crash_at_any_moment_leaves_no_group_half_done() {
    for victim in [0, 1, 2] {
        let batches = story(Kill::Never, victim);
        assert!(batches > 10, "{batches}");
        // Some of the moments; all of them with SESSION_ALL_KILLS.
        let all = std::env::var_os("SESSION_ALL_KILLS").is_some();
        let step = if all { 1 } else { 11 };
        for batch in (1 + victim as u64 % step..=batches).step_by(step as usize) {
            story(Kill::Before(batch), victim);
            story(Kill::After(batch), victim);
        }
    }
}

/// The places in namespaces 13 and 14, of info and members, can be lost: all is fetched again.
#[test]
fn a_rewind_of_the_configs_of_a_group_shows_nothing_twice() {
    let mut world = World::new(29);
    let mut devices = three(9);
    let id = create(&mut devices, &world, &[1, 2]);
    for number in [1, 2] {
        accept(&mut devices, number, &id, &mut world);
    }
    devices[0]
        .in_group(&id, &world, |group| group.rename("Walkers"))
        .unwrap();
    assert!(devices[0].send(id, "hello", &world));
    run(&mut world, &mut devices, 2 * MINUTE);
    let is_place = |key: &[u8]| {
        let configs = [Namespace::GROUP_INFO, Namespace::GROUP_MEMBERS];
        matches!(session_client::Key::try_from(key),
            Ok(session_client::Key::Position(_, namespace, _)) if configs.contains(&namespace))
    };
    for device in &mut devices {
        let places = device.records.len();
        device.records.retain(|key, _| !is_place(key));
        assert!(device.records.len() < places);
        device.events.clear();
        device.crash(&world);
    }
    run(&mut world, &mut devices, 2 * MINUTE);
    for device in &devices {
        let again = |event: &Event| matches!(event, Event::Group { .. } | Event::Message(_));
        assert!(!has(device, again), "{:?}", device.events);
        assert!(
            device.records.keys().any(|key| is_place(key)),
            "fetched again"
        );
        assert_eq!(names(device, &id), "Walkers");
        device.check();
    }
}
