//! Messages that disappear, on both sides, on all devices, and after crashes.

use core::time::Duration;

use session_client::content::{Content, Expiration};
use session_client::types::{AnyId, UnixMillis};
use session_client::{ConversationId, Event};

use crate::device::{Device, Kill, run};
use crate::world::World;
use crate::{MINUTE, account};

fn set_timer(
    device: &mut Device,
    with: impl Into<ConversationId>,
    timer: Expiration,
    world: &World,
) {
    let with = with.into();
    let (set, _) = device.act(world, |client, network, now, rng| {
        client.set_timer(&with, timer, network, now, rng)
    });
    set.unwrap();
}

/// Alice and Bob, who are contacts, and another device of Bob.
fn friends(world: &mut World) -> [Device; 3] {
    let mut devices = [
        Device::new(account(1), true, 1),
        Device::new(account(2), true, 2),
        Device::new(account(2), false, 3),
    ];
    let [alice, bob] = [0, 1].map(|number: usize| devices[number].id());
    assert!(devices[0].send(bob, "hello", world));
    run(world, &mut devices, MINUTE);
    assert!(devices[1].send(alice, "hi", world));
    run(world, &mut devices, MINUTE);
    for device in &mut devices {
        device.forgets = true;
    }
    devices
}

#[test]
fn messages_that_count_from_sending_disappear_everywhere() {
    let mut world = World::new(31);
    let mut devices = friends(&mut world);
    let bob = devices[1].id();
    set_timer(&mut devices[0], bob, Expiration::after_send(300), &world);
    run(&mut world, &mut devices, MINUTE);
    // Both sides use it, and it came with the message about it.
    let alice = devices[0].id();
    let is_timer = |event: &Event| matches!(event, Event::Timer { expiration, .. } if *expiration == Expiration::after_send(300));
    assert!(devices[1].events.iter().any(is_timer));
    assert!(devices[0].send(bob, "soon gone", &world));
    run(&mut world, &mut devices, Duration::from_secs(1));
    assert!(devices[1].send(alice, "this too", &world));
    run(&mut world, &mut devices, MINUTE);
    for device in &devices {
        assert_eq!(device.texts(), ["hello", "hi", "soon gone", "this too"]);
    }
    // A device that is started anew, and one that is off at the time.
    devices[1].crash(&world);
    devices[2].is_off = true;
    run(
        &mut world,
        &mut devices,
        4 * MINUTE - Duration::from_secs(5),
    );
    assert_eq!(devices[0].texts().len(), 4, "not too early");
    run(&mut world, &mut devices, Duration::from_secs(6));
    assert_eq!(devices[0].texts(), ["hello", "hi"], "to the moment");
    run(&mut world, &mut devices, Duration::from_secs(30));
    assert_eq!(devices[1].texts(), ["hello", "hi"]);
    devices[2].is_off = false;
    run(&mut world, &mut devices, MINUTE);
    assert_eq!(devices[2].texts(), ["hello", "hi"]);
    // What is over when it comes is not shown, even if the swarm still has it.
    let content = Content::text("late").with_expiration(Expiration::after_send(3_600));
    for (hours, is_shown) in [(2, false), (0, true)] {
        let sent_at = UnixMillis::new(world.now - hours * 3_600_000);
        crate::strangers::send_at(&mut world, &account(1), &bob, &content, sent_at);
        run(&mut world, &mut devices, MINUTE);
        let texts = devices[1].shown.iter().filter_map(|message| message.text());
        assert_eq!(texts.clone().any(|text| text == "late"), is_shown);
    }
    let gone = |event: &Event| matches!(event, Event::Disappeared { .. });
    assert!(devices[0].events.iter().any(gone));
}

#[test]
fn messages_that_count_from_reading_stay_until_they_are_read() {
    let mut world = World::new(32);
    let mut devices = friends(&mut world);
    let [alice, bob] = [0, 1].map(|number: usize| devices[number].id());
    set_timer(&mut devices[0], bob, Expiration::after_read(300), &world);
    run(&mut world, &mut devices, MINUTE);
    assert!(devices[0].send(bob, "read me", &world));
    run(&mut world, &mut devices, 10 * MINUTE);
    // Its author has read it; nobody else has.
    assert_eq!(devices[0].texts(), ["hello", "hi"]);
    assert_eq!(devices[1].texts(), ["hello", "hi", "read me"]);
    let swarm = AnyId::from(bob);
    let day = 86_400_000;
    assert!(world.last_expiry(&swarm).unwrap() > world.now + 10 * day);
    devices[1].read_all(alice, &world);
    let read_at = world.now;
    run(&mut world, &mut devices, MINUTE);
    assert_eq!(devices[1].texts().len(), 3, "not before its time is over");
    let own: Vec<u64> = devices[1]
        .history
        .values()
        .filter(|message| message.text() == Some("read me"))
        .filter_map(|message| message.expires_at)
        .map(|time| time.get())
        .collect();
    assert_eq!(own, [read_at + 300_000]);
    assert!(
        world.expiries(&swarm).contains(&(read_at + 300_000)),
        "the swarm keeps it no longer: {:?}",
        world.expiries(&swarm)
    );
    devices[1].crash(&world);
    run(&mut world, &mut devices, 5 * MINUTE);
    // The other device follows.
    for device in &devices {
        assert_eq!(device.texts(), ["hello", "hi"]);
    }
}

#[test]
fn a_crash_at_any_moment_lets_no_message_stay() {
    let story = |kill| {
        let mut world = World::new(33);
        let mut devices = friends(&mut world);
        let [alice, bob] = [0, 1].map(|number: usize| devices[number].id());
        let begin = devices[1].batches();
        if let Some((is_before, batch)) = kill {
            let batch = begin + batch;
            devices[1].kill = match is_before {
                true => Kill::Before(batch),
                false => Kill::After(batch),
            };
        }
        set_timer(&mut devices[0], bob, Expiration::after_read(60), &world);
        run(&mut world, &mut devices, Duration::from_secs(20));
        assert!(devices[0].send(bob, "gone", &world));
        run(&mut world, &mut devices, Duration::from_secs(40));
        devices[1].read_all(alice, &world);
        run(&mut world, &mut devices, Duration::from_secs(20));
        // Whoever reads is told again after a crash, by a user who looks again.
        devices[1].read_all(alice, &world);
        run(&mut world, &mut devices, 3 * MINUTE);
        assert_eq!(devices[1].texts(), ["hello", "hi"], "{kill:?}");
        assert!(devices.iter().all(Device::is_settled));
        devices[1].batches() - begin
    };
    let batches = story(None);
    assert!(batches > 5, "{batches}");
    // Some of the moments; all of them with SESSION_ALL_KILLS.
    let all = std::env::var_os("SESSION_ALL_KILLS").is_some();
    for batch in (1..=batches).step_by(if all { 1 } else { 5 }) {
        story(Some((true, batch)));
        story(Some((false, batch)));
    }
}
