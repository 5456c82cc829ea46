//! Clients on a network in memory, in virtual time: loss, dead nodes, several devices, and a crash at
//! every moment at which something is persisted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_alloc,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub
)]

#[path = "../../../session-network/examples/adversary/clear.rs"]
mod clear;
mod communities;
mod course;
mod device;
mod devices;
mod disappearing;
mod file_server;
mod files;
mod groups;
mod month;
mod notices;
mod rooms;
mod strangers;
mod told;
mod world;

use core::time::Duration;

use session_client::types::AnyId;
use session_client::{Event, Status};
use session_identity::{Account, Seed};

use device::{Device, Kill, run};
use world::World;

const MINUTE: Duration = Duration::from_secs(60);

fn account(number: u8) -> Account {
    Account::from_seed(&Seed::from_short(&[number; 16]))
}

fn name(device: &Device, of: &Device) -> String {
    let contact = device.client().configs().contacts.get(&of.id());
    contact.map_or(String::new(), |contact| contact.name.into_owned())
}

#[test]
fn a_message_arrives_with_the_name_of_its_author() {
    let mut world = World::new(1);
    let mut devices = [
        Device::new(account(1), true, 1),
        Device::new(account(2), true, 2),
    ];
    devices[0].edit(
        |configs| configs.profile.set_name("Alice", at(&world)).unwrap(),
        &world,
    );
    let bob = devices[1].id();
    assert!(devices[0].send(bob, "hello", &world));
    run(&mut world, &mut devices, MINUTE);
    assert_eq!(devices[1].texts(), ["hello"]);
    assert!(devices[1].shown[0].is_request);
    assert_eq!(name(&devices[1], &devices[0]), "Alice");
    let alice = devices[0].id();
    assert!(devices[1].send(alice, "hi", &world));
    let times = devices[1].sending_times();
    assert_eq!(
        times.len(),
        2,
        "an answer, and that the request is accepted"
    );
    assert_ne!(times[0], times[1], "two messages have one time");
    run(&mut world, &mut devices, MINUTE);
    assert_eq!(devices[0].texts(), ["hello", "hi"]);
    let accepted = |event: &Event| matches!(event, Event::RequestAccepted { .. });
    assert!(
        devices[0].events.iter().any(accepted),
        "an answer accepts the request"
    );
    for device in &devices {
        device.check();
        assert!(device.is_settled());
    }
}

fn at(world: &World) -> session_client::types::UnixMillis {
    session_client::types::UnixMillis::new(world.now)
}

#[test]
fn nothing_is_lost_and_nothing_is_shown_twice_on_a_lossy_network() {
    for seed in 0..4 {
        let mut world = World::new(seed);
        world.loss_percent = 20;
        let dead = world.keys().into_iter().step_by(7).collect();
        world.dead = dead;
        let mut devices = [
            Device::new(account(1), true, seed),
            Device::new(account(2), true, seed + 100),
        ];
        let ids = [devices[0].id(), devices[1].id()];
        for number in 0..30 {
            let from = number % 2;
            let text = format!("{seed}-{number}");
            assert!(devices[from].send(ids[1 - from], &text, &world));
            run(&mut world, &mut devices, Duration::from_millis(700));
            if number == 15 {
                // Away for a while.
                devices[1].is_off = true;
                run(&mut world, &mut devices, 10 * MINUTE);
                devices[1].is_off = false;
            }
        }
        run(&mut world, &mut devices, 20 * MINUTE);
        let expected: Vec<String> = (0..30).map(|number| format!("{seed}-{number}")).collect();
        for device in &devices {
            device.check();
            let mut texts = device.texts();
            texts.sort_by_key(|text| text[2..].parse::<u32>().unwrap());
            assert_eq!(texts, expected);
            assert!(device.is_settled());
            let delivered = |status: Status| matches!(status, Status::Delivered | Status::Received);
            assert!(
                device
                    .history
                    .values()
                    .all(|message| delivered(message.status))
            );
        }
    }
}

#[test]
fn all_devices_of_an_account_end_equal() {
    let mut world = World::new(9);
    world.loss_percent = 5;
    let mut devices = [
        Device::new(account(1), true, 1),
        Device::new(account(2), true, 2),
        // Another device of the first account, which joins later.
        Device::new(account(1), false, 3),
    ];
    devices[2].is_off = true;
    let ids = [devices[0].id(), devices[1].id()];
    devices[0].edit(
        |configs| configs.profile.set_name("Alice", at(&world)).unwrap(),
        &world,
    );
    assert!(devices[0].send(ids[1], "from the phone", &world));
    assert!(devices[0].send(ids[0], "a note", &world));
    run(&mut world, &mut devices, 2 * MINUTE);
    assert!(devices[1].send(ids[0], "an answer", &world));
    run(&mut world, &mut devices, 2 * MINUTE);
    devices[2].is_off = false;
    run(&mut world, &mut devices, 5 * MINUTE);
    assert!(devices[2].events.contains(&Event::Synced));
    assert!(devices[2].send(ids[1], "from the tablet", &world));
    // Both devices change the shared configs at the same time.
    for device in [0, 2] {
        devices[device].edit(
            |configs| {
                let set = configs.contacts.update(&ids[1], |contact| {
                    if device == 0 {
                        contact.priority = 1;
                        Ok(())
                    } else {
                        contact.set_nickname("B")
                    }
                });
                set.unwrap();
            },
            &world,
        );
    }
    run(&mut world, &mut devices, 10 * MINUTE);
    for device in &devices {
        device.check();
        assert!(device.is_settled());
    }
    assert_eq!(devices[0].texts(), devices[2].texts());
    assert_eq!(devices[0].texts().len(), 4);
    assert_eq!(devices[1].texts().len(), 3);
    let configs = [0, 2].map(|device| devices[device].client().configs());
    for config in configs {
        let contact = config.contacts.get(&ids[1]).unwrap();
        assert_eq!((contact.priority, contact.nickname.as_ref()), (1, "B"));
        assert_eq!(config.profile.name(), "Alice");
    }
    let plain = configs.map(|configs| configs.contacts.plaintext());
    assert_eq!(plain[0], plain[1]);
}

#[test]
fn a_full_disk_stops_everything_until_there_is_room() {
    let mut world = World::new(4);
    let mut devices = [
        Device::new(account(1), true, 1),
        Device::new(account(2), true, 2),
    ];
    let ids = [devices[0].id(), devices[1].id()];
    run(&mut world, &mut devices, MINUTE);
    devices[0].is_full = true;
    devices[0].send(ids[1], "no room", &world);
    devices[1].send(ids[0], "for a full disk", &world);
    run(&mut world, &mut devices, 5 * MINUTE);
    assert_eq!(
        devices[1].texts(),
        ["for a full disk"],
        "sent before it was persisted"
    );
    assert!(devices[0].shown.is_empty() && devices[0].history.is_empty());
    devices[0].is_full = false;
    run(&mut world, &mut devices, 5 * MINUTE);
    for device in &devices {
        device.check();
        assert!(device.is_settled());
        assert_eq!(device.texts().len(), 2);
    }
}

/// What both devices do, with one of them killed at one moment. Returns how many batches it had.
fn story(kill: Kill, victim: usize) -> u64 {
    let mut world = World::new(3);
    let mut devices = [
        Device::new(account(1), true, 1),
        Device::new(account(2), true, 2),
    ];
    devices[victim].kill = kill;
    let ids = [devices[0].id(), devices[1].id()];
    let mut acknowledged = Vec::new();
    for (from, text) in [(0, "one"), (1, "two"), (0, "three"), (1, "four")] {
        if devices[from].send(ids[1 - from], text, &world) {
            acknowledged.push(text.to_owned());
        }
        run(&mut world, &mut devices, Duration::from_secs(8));
    }
    devices[victim].edit(
        |configs| configs.profile.set_name("V", at(&world)).unwrap(),
        &world,
    );
    run(&mut world, &mut devices, 3 * MINUTE);
    for device in &devices {
        device.check();
        assert!(device.is_settled());
        let texts = device.texts();
        for text in &acknowledged {
            assert!(texts.contains(text), "{text} is lost: {kill:?} of {victim}");
        }
    }
    // Both have the same: what was not acknowledged is nowhere, or was persisted all the same.
    assert_eq!(devices[0].texts(), devices[1].texts());
    // The configs of the victim are stored once, and nothing obsolete is left.
    let account = AnyId::from(&ids[victim]);
    assert!(
        world.stored(&account) <= 4 + 8,
        "{}",
        world.stored(&account)
    );
    devices[victim].batches()
}

#[test]
fn a_crash_at_any_moment_loses_nothing_that_was_acknowledged() {
    for victim in [0, 1] {
        let batches = story(Kill::Never, victim);
        assert!(batches > 10, "{batches}");
        for batch in 1..=batches {
            story(Kill::Before(batch), victim);
            story(Kill::After(batch), victim);
        }
    }
}

#[test]
fn any_course_of_events_ends_well() {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};
    // Another number of courses with SESSION_COURSES.
    let count = std::env::var("SESSION_COURSES");
    let count = count.map_or(12, |count| count.parse::<u64>().unwrap());
    for seed in 0..count {
        let mut course = vec![0; 200];
        ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut course);
        println!("course {seed}");
        course::run_course(&course);
    }
}
