//! The devices of an account: linked by emoji, removed, their keys replaced; with loss, and a crash at every
//! moment.

use core::time::Duration;

use session_client::config::devices::device::RequestError;
use session_client::config::devices::membership::Membership;
use session_client::config::devices::record::Version;
use session_client::config::devices::{About, DeviceEvent, DeviceId, DeviceState};
use session_client::types::UnixMillis;
use session_client::{Event, Settings};
use session_identity::link_sas::Sas;

use crate::device::{Device, Kill, run};
use crate::world::World;
use crate::{MINUTE, account};

const HOUR: Duration = Duration::from_secs(3_600);

fn about(name: &str) -> About<'_> {
    About {
        description: name,
        kind: "c",
        version: Version::new(0, 1, 0),
    }
}

/// Devices of one account; the first has created it. They fetch rarely, so that hours pass quickly.
fn devices(count: u64, seed: u64, interval: Duration) -> Vec<Device> {
    let mut settings = Settings::default();
    settings.fetch_interval = 5 * MINUTE;
    settings.device_fetch_interval = interval;
    (0..count)
        .map(|number| {
            let seed = seed * 10 + number;
            Device::with_settings(account(1), number == 0, seed, settings)
        })
        .collect()
}

fn own(device: &Device) -> &session_client::config::devices::Device {
    device.client().devices().unwrap()
}

fn id(device: &Device) -> DeviceId {
    *own(device).id()
}

fn membership(device: &Device, world: &World) -> Membership {
    own(device).membership(UnixMillis::new(world.now))
}

/// Makes a device, unless there is one. A crash may have come before it was persisted.
fn begin(devices: &mut [Device], number: usize, world: &mut World) {
    while devices[number].client().devices().is_none() {
        devices[number].act(world, |client, _, _, rng| client.use_devices(rng));
    }
    run(world, devices, MINUTE);
}

/// Founds the group on the first device.
fn found(devices: &mut [Device], world: &mut World) {
    begin(devices, 0, world);
    while membership(&devices[0], world) != Membership::InGroup {
        devices[0].act(world, |client, network, now, rng| {
            let start = |device: &mut session_client::config::devices::Device,
                         _: &session_identity::Account,
                         time| device.start(rng, about("first"), time);
            client.act_on_devices(start, network, now)
        });
        run(world, devices, MINUTE);
    }
}

/// Links a device as users do: it asks, a member sees the same emoji and admits, it confirms. Each is done
/// again where a crash has undone it.
fn link(devices: &mut [Device], number: usize, name: &str, world: &mut World) {
    begin(devices, number, world);
    for _ in 0..20 {
        if membership(&devices[number], world) == Membership::InGroup {
            return;
        }
        if own(&devices[number]).own_request().is_none() {
            let (asked, _) = devices[number].act(world, |client, network, now, rng| {
                client.act_on_devices(
                    |device, account, time| {
                        let inner = device.request(rng, account, about(name), time)?;
                        Ok::<_, RequestError>(inner.to_vec())
                    },
                    network,
                    now,
                )
            });
            if let Some(Err(error)) = asked {
                assert_eq!(error, RequestError::NoGroup);
            }
        }
        run(world, devices, 2 * MINUTE);
        let asks = id(&devices[number]);
        let shown = own(&devices[number]).own_request().map(<[u8]>::to_vec);
        let pending = own(&devices[0]).pending().get(&asks);
        if let (Some(inner), Some(pending)) = (shown, pending) {
            let emoji = Sas::of_request(&inner).unwrap().to_string();
            let theirs = Sas::of_request(&pending.request.inner).unwrap().to_string();
            assert_eq!(emoji, theirs);
            devices[0].act(world, |client, network, now, rng| {
                client.act_on_devices(
                    |device, _, time| device.admit(rng, &asks, time),
                    network,
                    now,
                )
            });
            run(world, devices, 2 * MINUTE);
        }
        if membership(&devices[number], world) == Membership::Waiting {
            devices[number].act(world, |client, network, now, _| {
                client.act_on_devices(|device, _, _| device.confirm(), network, now)
            });
        }
        run(world, devices, 2 * MINUTE);
    }
    panic!(
        "not linked: {:?} {:?}",
        membership(&devices[number], world),
        devices[number].events
    );
}

/// The members as a device knows them, with their names.
fn members(device: &Device) -> Vec<(DeviceId, String)> {
    own(device)
        .group()
        .rows()
        .iter()
        .filter(|(_, row)| row.state == DeviceState::Registered)
        .map(|(id, row)| {
            let record = row.record.as_ref().unwrap();
            (*id, record.description_text().into_owned())
        })
        .collect()
}

fn key(device: &Device) -> String {
    let keys = own(device).account_keys().next().unwrap();
    keys.public().x25519.to_string()
}

fn told(device: &Device, wanted: DeviceEvent) -> usize {
    let events = device.events.iter();
    events
        .filter(|event| **event == Event::Device(wanted))
        .count()
}

#[test]
fn devices_are_linked_named_and_removed() {
    let mut world = World::new(31);
    world.loss_percent = 5;
    let mut devices = devices(3, 1, MINUTE / 2);
    devices[1].is_off = true;
    devices[2].is_off = true;
    found(&mut devices, &mut world);
    devices[1].is_off = false;
    // A device that nobody has admitted sees the group, and no keys.
    begin(&mut devices, 1, &mut world);
    assert_eq!(membership(&devices[1], &world), Membership::GroupsVisible);
    assert_eq!(own(&devices[1]).account_keys().count(), 0);
    link(&mut devices, 1, "second", &mut world);
    devices[2].is_off = false;
    link(&mut devices, 2, "third", &mut world);
    run(&mut world, &mut devices, 2 * MINUTE);

    let expected = members(&devices[0]);
    let names: Vec<&str> = expected.iter().map(|(_, name)| name.as_str()).collect();
    for name in ["first", "second", "third"] {
        assert!(names.contains(&name), "{names:?}");
    }
    for device in &devices {
        assert_eq!(members(device), expected);
        assert_eq!(key(device), key(&devices[0]));
    }
    // The second one has learnt of the third, and each of them that it belongs.
    assert_eq!(
        told(&devices[1], DeviceEvent::NewDevice(id(&devices[2]))),
        1
    );
    assert_eq!(told(&devices[1], DeviceEvent::Joined), 1);
    assert_eq!(told(&devices[0], DeviceEvent::Request(id(&devices[2]))), 1);

    devices[2].act(&world, |client, network, now, _| {
        let rename = |device: &mut session_client::config::devices::Device,
                      _: &session_identity::Account,
                      time| device.describe(about("renamed"), time);
        client
            .act_on_devices(rename, network, now)
            .unwrap()
            .unwrap();
    });
    run(&mut world, &mut devices, 2 * MINUTE);
    assert!(members(&devices[0]).contains(&(id(&devices[2]), "renamed".into())));

    // A removal replaces the key: the removed device does not learn the new one.
    let (before, gone) = (key(&devices[0]), id(&devices[1]));
    let (removed, _) = devices[0].act(&world, |client, network, now, rng| {
        client.act_on_devices(
            |device, _, time| device.remove(rng, &gone, time),
            network,
            now,
        )
    });
    removed.unwrap().unwrap();
    run(&mut world, &mut devices, 2 * MINUTE);
    assert_eq!(membership(&devices[1], &world), Membership::Removed);
    assert_eq!(told(&devices[1], DeviceEvent::Removed), 1);
    assert_eq!(told(&devices[2], DeviceEvent::Gone(gone)), 1);
    assert_ne!(key(&devices[0]), before);
    assert_eq!(key(&devices[2]), key(&devices[0]));
    assert_eq!(key(&devices[1]), before, "it has its old keys");
    assert_eq!(members(&devices[2]).len(), 2);
}

/// The key is replaced when its time comes, by one device for all, also if the others are away; and with the
/// old one messages still open.
#[test]
fn the_account_key_is_replaced_when_its_time_comes() {
    let mut world = World::new(32);
    let mut devices = devices(2, 2, MINUTE);
    devices[1].is_off = true;
    found(&mut devices, &mut world);
    devices[1].is_off = false;
    link(&mut devices, 1, "second", &mut world);
    let before = key(&devices[0]);
    let mut hours = 0;
    while key(&devices[0]) == before {
        run(&mut world, &mut devices, HOUR);
        hours += 1;
        assert!(hours <= 13, "the key is never replaced");
    }
    // Protocol: protocol-v2, section 5: 11 to 13 hours after the group was founded.
    assert!((10..=13).contains(&hours), "replaced after {hours} hours");
    assert_eq!(own(&devices[0]).group().keyring().keys().len(), 2);
    run(&mut world, &mut devices, 20 * MINUTE);
    assert_eq!(key(&devices[1]), key(&devices[0]));
    for device in &devices {
        let keys: Vec<String> = own(device)
            .account_keys()
            .map(|keys| keys.public().x25519.to_string())
            .collect();
        assert!(keys.contains(&before));
        assert_eq!(told(device, DeviceEvent::Rotated), 0, "nobody left");
    }
}

/// A device leaves: the others learn it and replace the key, and it can ask again, as another one. The last
/// one that leaves takes the messages of the group along.
#[test]
fn a_device_leaves_and_comes_back() {
    let mut crash = 0;
    loop {
        let mut world = World::new(34);
        let mut devices = devices(2, 4, MINUTE / 2);
        devices[1].is_off = true;
        found(&mut devices, &mut world);
        devices[1].is_off = false;
        link(&mut devices, 1, "second", &mut world);
        let (gone, before) = (id(&devices[1]), key(&devices[0]));
        let kill = devices[1].batches() + 1 + crash / 2;
        devices[1].kill = match crash % 2 {
            0 => Kill::Before(kill),
            _ => Kill::After(kill),
        };
        while id(&devices[1]) == gone {
            leave(&mut devices[1], &world);
        }
        run(&mut world, &mut devices, 2 * MINUTE);
        assert_eq!(
            own(&devices[1]).account_keys().count(),
            0,
            "it has forgotten the keys"
        );
        assert_eq!(told(&devices[0], DeviceEvent::Gone(gone)), 1);
        assert_eq!(told(&devices[0], DeviceEvent::Rotated), 1);
        assert_ne!(key(&devices[0]), before);
        assert_eq!(members(&devices[0]).len(), 1);
        assert_eq!(membership(&devices[1], &world), Membership::GroupsVisible);

        if crash == 0 {
            link(&mut devices, 1, "again", &mut world);
            assert_eq!(members(&devices[1]).len(), 2);
            assert_eq!(key(&devices[1]), key(&devices[0]));
            leave(&mut devices[1], &world);
            run(&mut world, &mut devices, 2 * MINUTE);
        }
        devices[0].kill = devices[1].kill;
        let last = id(&devices[0]);
        while id(&devices[0]) == last {
            leave(&mut devices[0], &world);
        }
        run(&mut world, &mut devices, 2 * MINUTE);
        for device in &devices {
            assert_eq!(membership(device, &world), Membership::NoGroup);
        }
        crash += 1;
        if devices[1].crashes == 0 {
            break;
        }
    }
    assert!(crash > 4, "a departure has some batches: {crash}");
}

fn leave(device: &mut Device, world: &World) {
    let (left, _) = device.act(world, |client, network, now, rng| {
        client.act_on_devices(
            |device, account, time| device.leave(rng, account, time),
            network,
            now,
        )
    });
    left.unwrap().unwrap();
}

/// A device is killed before and after every batch of its linking, and then of a removal: all end equal.
#[test]
fn a_crash_at_any_moment_changes_nothing() {
    let mut crash = 0;
    loop {
        let mut kills = 0;
        for kill in [Kill::Before(crash + 1), Kill::After(crash + 1)] {
            let mut world = World::new(33);
            let mut devices = devices(3, 3, MINUTE / 2);
            devices[1].is_off = true;
            devices[2].is_off = true;
            devices[0].kill = kill;
            found(&mut devices, &mut world);
            devices[1].is_off = false;
            devices[1].kill = kill;
            link(&mut devices, 1, "second", &mut world);
            let gone = id(&devices[1]);
            devices[2].is_off = false;
            link(&mut devices, 2, "third", &mut world);
            for _ in 0..5 {
                devices[0].act(&world, |client, network, now, rng| {
                    client.act_on_devices(
                        |device, _, time| device.remove(rng, &gone, time),
                        network,
                        now,
                    )
                });
                run(&mut world, &mut devices, 2 * MINUTE);
                if membership(&devices[1], &world) == Membership::Removed {
                    break;
                }
            }
            assert_eq!(membership(&devices[1], &world), Membership::Removed);
            assert_eq!(members(&devices[0]), members(&devices[2]));
            assert_eq!(members(&devices[0]).len(), 2);
            assert_eq!(key(&devices[0]), key(&devices[2]));
            assert_ne!(key(&devices[0]), key(&devices[1]));
            kills += devices[0].crashes + devices[1].crashes;
        }
        crash += 1;
        if kills == 0 {
            break;
        }
    }
    assert!(crash > 10, "the story has some batches: {crash}");
}

/// What is changed while an earlier change is being sent is told, too.
#[test]
fn a_change_at_any_moment_of_another_one_is_told() {
    let mut world = World::new(35);
    let mut devices = devices(2, 5, MINUTE / 2);
    devices[1].is_off = true;
    found(&mut devices, &mut world);
    devices[1].is_off = false;
    link(&mut devices, 1, "second", &mut world);
    for delay in (0..3_000).step_by(100) {
        for (name, time) in [("first", delay), ("last", 120_000)] {
            let name = format!("{name} {delay}");
            devices[0].act(&world, |client, network, now, _| {
                client
                    .act_on_devices(
                        |own, _, time| own.describe(about(&name), time),
                        network,
                        now,
                    )
                    .unwrap()
                    .unwrap();
            });
            run(&mut world, &mut devices, Duration::from_millis(time));
        }
        let expected = (id(&devices[0]), format!("last {delay}"));
        assert!(members(&devices[1]).contains(&expected), "{delay}");
    }
}

/// Who has the account's key can fill the namespace of the devices: a fetch brings a bounded number.
#[test]
fn more_messages_than_devices_have_are_not_read() {
    for (count, is_read) in [(990, true), (1_001, false)] {
        let mut world = World::new(36);
        let mut devices = devices(2, 6, MINUTE / 2);
        devices[1].is_off = true;
        found(&mut devices, &mut world);
        devices[1].is_off = false;
        link(&mut devices, 1, "second", &mut world);
        let now = UnixMillis::new(world.now);
        let swarm = session_client::types::AnyId::from(&devices[0].id());
        for number in 0..count {
            let data = format!("{number}").into_bytes();
            let namespace = session_client::config::devices::NAMESPACE;
            let message = session_storage::StoredMessage {
                hash: session_crypto::hash::message_hash(&swarm, namespace, &data),
                timestamp: now,
                expiration: now.saturating_add(HOUR / 4),
                data,
            };
            world.inject(&swarm, namespace, &message);
        }
        devices[0].act(&world, |client, network, now, _| {
            let describe = |own: &mut session_client::config::devices::Device,
                            _: &session_identity::Account,
                            time| own.describe(about("renamed"), time);
            client
                .act_on_devices(describe, network, now)
                .unwrap()
                .unwrap();
        });
        let is_renamed = |devices: &[Device]| {
            let renamed = (id(&devices[0]), "renamed".to_owned());
            members(&devices[1]).contains(&renamed)
        };
        run(&mut world, &mut devices, 5 * MINUTE);
        assert_eq!(is_renamed(&devices), is_read, "{count}");
    }
}
