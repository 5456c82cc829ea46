//! Communities: rooms on servers that may be down, slow or lie, several devices, and a crash at every moment.

use core::time::Duration;

use session_client::community::ReplyError;
use session_client::content::Content;
use session_client::types::{AnyId, UnixMillis};
use session_client::{ConversationId, Event, Failure, PostRefused, RoomAct, RoomError, RoomId};
use session_client::{SendError, Status, Whisper};
use session_community::auth::Accepted;

use crate::device::{Device, Kill, run};
use crate::rooms::{Fault, Rooms};
use crate::world::World;
use crate::{MINUTE, account};

/// A world with one server that has two rooms.
fn world(seed: u64) -> World {
    let mut world = World::new(seed);
    world.servers.extend([Rooms::new(1, &["lounge", "Hikers"])]);
    world
}

fn join(device: &mut Device, server: u8, room: &str, world: &World) -> RoomId {
    let community = Rooms::url(server, room);
    let (joined, _) = device.act(world, |client, _, now, _| client.join(&community, now));
    joined.unwrap()
}

fn act(device: &mut Device, room: &RoomId, act: RoomAct, world: &World) {
    let (done, _) = device.act(world, |client, network, now, _| {
        client.act_in_room(room, act, network, now)
    });
    done.unwrap();
}

/// The number of the post with this text.
fn post(device: &Device, text: &str) -> u64 {
    let mut all = device.history.values();
    let message = all.find(|message| message.text() == Some(text)).unwrap();
    message.post.as_ref().unwrap().id
}

fn count(device: &Device, wanted: impl Fn(&Event) -> bool) -> usize {
    device.events.iter().filter(|event| wanted(event)).count()
}

fn server(world: &mut World, number: u8) -> &mut Rooms {
    let key = Rooms::url(number, "any").key;
    world.servers.get_mut(&key).unwrap()
}

/// Alice with two devices, and Bob.
fn three() -> [Device; 3] {
    [
        Device::new(account(1), true, 1),
        Device::new(account(2), true, 2),
        Device::new(account(1), false, 3),
    ]
}

#[test]
fn a_room_is_joined_used_and_left_on_all_devices() {
    let mut world = world(31);
    world.loss_percent = 5;
    let mut devices = three();
    let at = UnixMillis::new(world.now);
    devices[1].edit(
        |configs| configs.profile.set_name("Bob", at).unwrap(),
        &world,
    );
    let room = join(&mut devices[0], 1, "lounge", &world);
    assert_eq!(room, join(&mut devices[1], 1, "lounge", &world));
    assert_eq!(room, RoomId::from(&Rooms::url(1, "Lounge")));
    run(&mut world, &mut devices, 2 * MINUTE);
    // The other device of Alice has followed.
    let joined = |event: &Event| *event == Event::RoomJoined { room };
    assert_eq!(count(&devices[2], joined), 1);
    assert_eq!(devices[2].client().rooms().count(), 1);
    let view = devices[1].client().room(&room).unwrap();
    assert_eq!((view.name(), view.error()), ("lounge", None));
    assert!(view.info().unwrap().write);

    for (number, text) in [
        (0, "from the phone"),
        (1, "from Bob"),
        (2, "from the tablet"),
    ] {
        assert!(devices[number].send(room, text, &world));
        run(&mut world, &mut devices, MINUTE);
    }
    let all = ["from the phone", "from Bob", "from the tablet"];
    for device in &devices {
        assert_eq!(device.texts_of(room), all);
        device.check();
        assert!(device.is_settled());
    }
    let of = |device: &Device, text: &str| {
        let mut all = device.history.values();
        all.find(|message| message.text() == Some(text)).cloned()
    };
    let by_bob = of(&devices[0], "from Bob").unwrap();
    let name = by_bob.content.profile.and_then(|profile| profile.name);
    assert_eq!(name.as_deref(), Some("Bob"));
    assert_eq!(by_bob.author.prefix(), 0x15, "nobody shows their account");
    assert_eq!(Some(by_bob.author), devices[1].client().own_id_in(&room));
    let alice = AnyId::from(devices[0].id());
    for (device, status) in [(0, Status::Delivered), (2, Status::Received)] {
        let own = of(&devices[device], "from the phone").unwrap();
        assert_eq!((own.author, own.status), (alice, status));
        assert!(own.post.is_some());
    }

    // An edit keeps place and time; a reaction is told; a deleted post is gone.
    for device in &mut devices {
        device.forgets = true;
    }
    let phone = of(&devices[0], "from the phone").unwrap();
    let ids: Vec<_> = devices
        .iter()
        .map(|device| ["from the phone", "from Bob"].map(|text| of(device, text).unwrap().id))
        .collect();
    let edit = RoomAct::Edit {
        post: post(&devices[0], "from the phone"),
        sent_at: phone.sent_at(),
        content: Content::text("from the telephone"),
    };
    act(&mut devices[0], &room, edit, &world);
    let react = RoomAct::React {
        post: post(&devices[0], "from Bob"),
        emoji: "🥾".parse().unwrap(),
    };
    act(&mut devices[0], &room, react, &world);
    let delete = RoomAct::Delete {
        post: post(&devices[2], "from the tablet"),
    };
    act(&mut devices[2], &room, delete, &world);
    run(&mut world, &mut devices, 2 * MINUTE);
    for (device, [edited_id, reacted_id]) in devices.iter().zip(ids) {
        assert_eq!(device.texts_of(room), ["from the telephone", "from Bob"]);
        let edited = of(device, "from the telephone").unwrap();
        assert_eq!(edited.id, edited_id);
        assert!(edited.post.unwrap().edited_at.is_some());
        let is_edited = |event: &Event| matches!(event, Event::Edited(_));
        assert_eq!(count(device, is_edited), 1);
        let reacted = |event: &Event| {
            matches!(event, Event::Reactions { message, reactions, .. }
                if *message == Some(reacted_id) && reactions[0].emoji == "🥾" && reactions[0].count == 1)
        };
        assert_eq!(count(device, reacted), 1);
        let deleted = |event: &Event| matches!(event, Event::PostDeleted { .. });
        assert_eq!(count(device, deleted), 1);
        assert!(device.is_settled());
    }

    // What was read is read on all devices.
    devices[0].read_all(room, &world);
    run(&mut world, &mut devices, MINUTE);
    let community = Rooms::url(1, "lounge");
    let place = session_client::config::conversations::Conversation::community(
        &community.base,
        community.room.id(),
    );
    let read = [0, 2].map(|device| devices[device].client().configs().conversations.get(&place));
    assert_eq!(read[0], read[1]);
    assert_eq!(read[0].unwrap().last_read, by_bob.id.sent_at());

    // Left on the tablet, and so on the phone. The history stays.
    let (left, _) = devices[2].act(&world, |client, _, now, _| client.leave_room(&room, now));
    left.unwrap();
    run(&mut world, &mut devices, MINUTE);
    let asked = server(&mut world, 1).asked;
    for device in [&devices[0], &devices[2]] {
        assert!(device.client().room(&room).is_none());
        let left = |event: &Event| *event == Event::RoomLeft { room };
        assert_eq!(count(device, left), 1);
        assert_eq!(device.texts_of(room).len(), 2);
        let of_rooms = |key: &Vec<u8>| b"SRPE".contains(&key[0]);
        assert!(!device.records.keys().any(of_rooms), "records stay");
    }
    devices[1].is_off = true;
    run(&mut world, &mut devices, 2 * MINUTE);
    assert_eq!(
        server(&mut world, 1).asked,
        asked,
        "a room that was left is asked"
    );
    let content = Content::text("late");
    let (sent, _) = devices[0].act(&world, |client, network, now, rng| {
        client.send(room, content, network, now, rng)
    });
    assert_eq!(sent, Err(SendError::Room(RoomError::Unknown)));
}

#[test]
fn nothing_is_posted_lost_or_shown_twice_when_answers_are_lost() {
    for seed in 0..3 {
        let mut world = world(seed);
        (world.loss_percent, world.loses_answers) = (20, true);
        let mut devices = [
            Device::new(account(1), true, seed),
            Device::new(account(2), true, seed + 100),
        ];
        let room = join(&mut devices[0], 1, "lounge", &world);
        join(&mut devices[1], 1, "lounge", &world);
        for number in 0..20 {
            let text = format!("{seed}-{number}");
            assert!(devices[number % 2].send(room, &text, &world));
            run(&mut world, &mut devices, Duration::from_secs(2));
            if number == 9 {
                devices[1].is_off = true;
                run(&mut world, &mut devices, 10 * MINUTE);
                devices[1].is_off = false;
                devices[0].crash(&world);
            }
        }
        run(&mut world, &mut devices, 20 * MINUTE);
        let posts = server(&mut world, 1).posts("lounge");
        assert_eq!(posts.len(), 20, "a message was posted twice, or not at all");
        let expected: Vec<String> = (0..20).map(|number| format!("{seed}-{number}")).collect();
        for device in &devices {
            device.check();
            assert!(device.is_settled());
            let mut texts = device.texts_of(room);
            texts.sort_by_key(|text| text[2..].parse::<u32>().unwrap());
            assert_eq!(texts, expected);
            let is_posted = |message: &session_client::Message| message.post.is_some();
            assert!(device.history.values().all(is_posted));
        }
    }
}

#[test]
fn a_server_that_is_down_or_lies_costs_only_its_own_rooms() {
    let faults = [
        Fault::Silent,
        Fault::Broken,
        Fault::NoJson,
        Fault::OtherShape,
        Fault::Repeats,
        Fault::Forges,
        Fault::Jumps,
    ];
    for fault in faults {
        let mut world = world(32);
        world.servers.extend([Rooms::new(2, &["walkers"])]);
        let mut devices = [
            Device::new(account(1), true, 1),
            Device::new(account(2), true, 2),
        ];
        let mut rooms = [RoomId::from_bytes([RoomId::PREFIX; 33]).unwrap(); 2];
        for device in &mut devices {
            rooms = [
                join(device, 1, "lounge", &world),
                join(device, 2, "walkers", &world),
            ];
        }
        assert!(devices[0].send(rooms[0], "before", &world));
        run(&mut world, &mut devices, MINUTE);
        server(&mut world, 1).fault = Some(fault);
        let before = server(&mut world, 1).asked;
        assert!(devices[0].send(rooms[0], "while", &world), "{fault:?}");
        run(&mut world, &mut devices, MINUTE);
        assert!(devices[0].send(rooms[1], "elsewhere", &world));
        let bob = devices[1].id();
        assert!(devices[0].send(bob, "directly", &world));
        run(&mut world, &mut devices, 10 * MINUTE);
        assert_eq!(devices[1].texts_of(rooms[1]), ["elsewhere"], "{fault:?}");
        assert_eq!(devices[1].texts_of(devices[0].id()), ["directly"]);
        let asked = server(&mut world, 1).asked - before;
        if matches!(
            fault,
            Fault::Silent | Fault::Broken | Fault::NoJson | Fault::OtherShape
        ) {
            assert!(asked < 80, "{fault:?}: asked {asked} times in 11 minutes");
        }
        if fault == Fault::Forges {
            let forged = |event: &Event| {
                matches!(
                    event,
                    Event::UnreadablePost {
                        reason: PostRefused::Signature,
                        ..
                    }
                )
            };
            assert_eq!(count(&devices[1], forged), 1);
            assert_eq!(devices[1].texts_of(rooms[0]), ["before"]);
        }
        server(&mut world, 1).fault = None;
        run(&mut world, &mut devices, 10 * MINUTE);
        for device in &devices {
            device.check();
            assert!(device.is_settled(), "{fault:?}: {:?}", device.client());
            if !matches!(fault, Fault::Jumps | Fault::Forges) {
                assert_eq!(device.texts_of(rooms[0]), ["before", "while"], "{fault:?}");
            }
        }
        if fault == Fault::Jumps {
            assert_eq!(devices[1].texts_of(rooms[0]), ["before", "while"]);
        }
    }
}

#[test]
fn what_waited_for_hours_is_posted_with_another_time() {
    let mut world = world(39);
    let mut settings = session_client::Settings::default();
    settings.fetch_interval = 10 * MINUTE;
    let mut devices = [1, 2]
        .map(|number| Device::with_settings(account(number), true, u64::from(number), settings));
    let room = join(&mut devices[0], 1, "lounge", &world);
    join(&mut devices[1], 1, "lounge", &world);
    run(&mut world, &mut devices, MINUTE);
    server(&mut world, 1).fault = Some(Fault::Broken);
    assert!(devices[0].send(room, "late", &world));
    let (with, _) = write_to_bob(&mut devices, &room, "late, too", &world);
    run(&mut world, &mut devices, 7 * 60 * MINUTE);
    server(&mut world, 1).fault = None;
    run(&mut world, &mut devices, 10 * MINUTE);
    assert_eq!(devices[1].texts_of(room), ["late"]);
    assert_eq!(devices[1].texts_of(devices[0].id()), ["late, too"]);
    assert_eq!(devices[0].texts_of(room), ["late"]);
    assert_eq!(devices[0].texts_of(with), ["late, too"]);
    for device in &devices {
        device.check();
        assert!(device.is_settled());
    }
}

#[test]
fn a_post_is_shown_once_however_often_and_late_it_comes() {
    let mut world = world(40);
    let mut devices = [Device::new(account(1), true, 1)];
    join(&mut devices[0], 1, "lounge", &world);
    run(&mut world, &mut devices, MINUTE);
    let (bob, now) = (account(2), world.now);
    for number in 0..1_050 {
        server(&mut world, 1).put("lounge", &bob, &format!("{number}"), now + number);
    }
    // The same message in two posts: an answer to Bob was lost.
    server(&mut world, 1).put("lounge", &bob, "1049", now + 1_049);
    world.now += 2_000;
    run(&mut world, &mut devices, 2 * MINUTE);
    assert_eq!(
        devices[0].shown.len(),
        1_050,
        "all pages, and no message twice"
    );
    let known = |device: &Device| device.records.keys().filter(|key| key[0] == b'P').count();
    assert_eq!(known(&devices[0]), 1_000, "what is remembered is bounded");
    for is_restarted in [false, true] {
        if is_restarted {
            devices[0].crash(&world);
        }
        let rooms = server(&mut world, 1);
        (rooms.fault, rooms.is_due) = (Some(Fault::Renumbers), true);
        run(&mut world, &mut devices, MINUTE);
        assert!(!server(&mut world, 1).is_due);
        assert_eq!(devices[0].shown.len(), 1_050, "old posts are shown again");
    }
    devices[0].check();
}

#[test]
fn many_rooms_of_one_server_are_all_polled() {
    let mut world = World::new(42);
    let names: Vec<String> = (0..45).map(|number| format!("room{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.servers.extend([Rooms::new(1, &names)]);
    let mut devices = [Device::new(account(1), true, 1)];
    for name in &names {
        join(&mut devices[0], 1, name, &world);
    }
    for round in 0..2 {
        let bob = account(2 + round);
        for name in &names {
            let now = world.now;
            server(&mut world, 1).put(name, &bob, &format!("{round} {name}"), now);
        }
        run(&mut world, &mut devices, MINUTE);
        assert_eq!(devices[0].shown.len(), 45 * (usize::from(round) + 1));
    }
}

#[test]
fn rooms_and_what_waits_for_them_are_bounded() {
    let world = world(38);
    let mut device = Device::new(account(1), true, 1);
    let mut rooms: Vec<RoomId> = (0..100)
        .map(|number| {
            join(
                &mut device,
                1 + number % 3,
                &format!("room{number}"),
                &world,
            )
        })
        .collect();
    let url = Rooms::url(1, "another");
    let (joined, _) = device.act(&world, |client, _, now, _| client.join(&url, now));
    assert_eq!(joined, Err(RoomError::TooManyRooms));
    let mut url = Rooms::url(2, "another");
    url.key = Rooms::url(3, "another").key;
    let (joined, _) = device.act(&world, |client, _, now, _| client.join(&url, now));
    assert_eq!(joined, Err(RoomError::OtherKey));
    let room = rooms.remove(0);
    let act = |device: &mut Device| {
        device.act(&world, |client, network, now, _| {
            client.act_in_room(&room, RoomAct::Delete { post: 1 }, network, now)
        })
    };
    for _ in 0..1_000 {
        assert!(act(&mut device).0.is_ok());
    }
    let (refused, _) = act(&mut device);
    assert_eq!(refused, Err(SendError::Room(RoomError::TooManyPending)));
}

#[test]
fn a_server_that_wants_other_ids_gets_them() {
    for accepted in [Accepted::Any15, Accepted::Any25, Accepted::Blinded25] {
        let mut world = world(33);
        server(&mut world, 1).accept(accepted);
        let mut devices = [
            Device::new(account(1), true, 1),
            Device::new(account(2), true, 2),
        ];
        let room = join(&mut devices[0], 1, "Hikers", &world);
        join(&mut devices[1], 1, "Hikers", &world);
        assert!(devices[0].send(room, "hello", &world));
        run(&mut world, &mut devices, MINUTE);
        assert_eq!(devices[1].texts_of(room), ["hello"], "{accepted:?}");
        let prefix = match accepted {
            Accepted::Blinded25 => 0x25,
            _ => 0x15,
        };
        let author = devices[1].shown[0].author;
        assert_eq!(author.prefix(), prefix);
        // The choice is remembered.
        devices[0].crash(&world);
        assert_eq!(devices[0].client().own_id_in(&room), Some(author));
    }
}

#[test]
fn moderators_moderate_and_others_are_told_that_they_may_not() {
    let mut world = world(34);
    let mut devices = [1, 2, 3].map(|number| Device::new(account(number), true, u64::from(number)));
    let mut room = None;
    for device in &mut devices {
        room = Some(join(device, 1, "lounge", &world));
    }
    let room = room.unwrap();
    run(&mut world, &mut devices, MINUTE);
    let [admin, bob, carol] =
        [0, 1, 2].map(|device: usize| devices[device].client().own_id_in(&room).unwrap());
    server(&mut world, 1).make_admin("lounge", &admin);
    for (device, text) in [(1, "of Bob"), (2, "of Carol")] {
        assert!(devices[device].send(room, text, &world));
        run(&mut world, &mut devices, MINUTE);
    }
    let pin = |post| RoomAct::Pin { post };
    let by_bob = post(&devices[0], "of Bob");
    act(&mut devices[1], &room, pin(by_bob), &world);
    act(&mut devices[0], &room, pin(by_bob), &world);
    let whisper = RoomAct::Whisper {
        to: Whisper {
            to: Some(bob),
            to_moderators: false,
        },
        content: Content::text("psst"),
    };
    act(&mut devices[0], &room, whisper, &world);
    let ban = RoomAct::Ban {
        user: carol,
        scope: session_client::ActScope::Room,
        timeout: None,
    };
    act(&mut devices[0], &room, ban, &world);
    let delete = RoomAct::DeleteAll {
        user: carol,
        everywhere: false,
    };
    act(&mut devices[0], &room, delete, &world);
    for device in &mut devices {
        device.forgets = true;
    }
    run(&mut world, &mut devices, MINUTE);
    let refused = |event: &Event| {
        matches!(
            event,
            Event::Failed {
                reason: Failure::Server(ReplyError::Forbidden),
                ..
            }
        )
    };
    assert_eq!(count(&devices[1], refused), 1, "Bob is no admin");
    assert_eq!(devices[1].texts_of(room), ["of Bob", "psst"]);
    assert_eq!(devices[2].texts_of(room), ["of Bob", "of Carol"]);
    let whispered = devices[1]
        .history
        .values()
        .find(|one| one.text() == Some("psst"));
    let whisper = whispered.unwrap().post.as_ref().unwrap().whisper.unwrap();
    assert_eq!(whisper.to, Some(bob));
    let pinned = devices[1].client().room(&room).unwrap().info().unwrap();
    assert_eq!(pinned.pinned[0].id, by_bob);
    let gone = |event: &Event| {
        matches!(
            event,
            Event::RoomUnavailable {
                reason: ReplyError::NotFound | ReplyError::Forbidden,
                ..
            }
        )
    };
    assert_eq!(count(&devices[2], gone), 1, "Carol is banned: once told");
    // What Carol writes fails with the reason.
    assert!(devices[2].send(room, "let me in", &world));
    run(&mut world, &mut devices, MINUTE);
    let failed = |event: &Event| {
        matches!(
            event,
            Event::Failed {
                message: Some(_),
                reason: Failure::Server(_),
                ..
            }
        )
    };
    assert_eq!(count(&devices[2], failed), 1);
    for device in &devices {
        assert!(device.is_settled());
    }
}

/// Alice writes to the blinded id of Bob, whom she knows from the lounge. Returns whether it was acknowledged.
fn write_to_bob(
    devices: &mut [Device],
    room: &RoomId,
    text: &str,
    world: &World,
) -> (ConversationId, bool) {
    let bob = devices[1].client().own_id_in(room).unwrap();
    loop {
        let (with, is_known) = devices[0].act(world, |client, _, now, _| {
            client.blinded_conversation(room, &bob, now)
        });
        let with = with.unwrap();
        if is_known {
            return (with, devices[0].send(with, text, world));
        }
    }
}

#[test]
fn somebody_known_by_a_blinded_id_alone_is_written_to_and_recognised() {
    for (seed, answers_direct) in [(35, true), (36, false)] {
        let mut world = world(seed);
        (world.loss_percent, world.loses_answers) = (10, true);
        let mut devices = three();
        let room = join(&mut devices[0], 1, "lounge", &world);
        join(&mut devices[1], 1, "lounge", &world);
        run(&mut world, &mut devices, 2 * MINUTE);
        let (with, _) = write_to_bob(&mut devices, &room, "who are you?", &world);
        assert!(matches!(with, ConversationId::Blinded(_)));
        run(&mut world, &mut devices, 3 * MINUTE);
        // Bob sees the account, and a request.
        let alice = devices[0].id();
        assert_eq!(devices[1].texts_of(alice), ["who are you?"]);
        assert!(devices[1].shown[0].is_request);
        // The other device of Alice has it, too.
        for device in [0, 2] {
            assert_eq!(devices[device].texts_of(with), ["who are you?"]);
        }
        // Bob answers to the account; or writes to the blinded id of Alice himself.
        if answers_direct {
            assert!(devices[1].send(alice, "Bob", &world));
        } else {
            let own = devices[0].client().own_id_in(&room).unwrap();
            let (with, _) = devices[1].act(&world, |client, _, now, _| {
                client.blinded_conversation(&room, &own, now)
            });
            assert!(devices[1].send(with.unwrap(), "Bob", &world));
        }
        run(&mut world, &mut devices, 5 * MINUTE);
        let bob = devices[1].id();
        for device in [0, 2] {
            let device = &devices[device];
            assert_eq!(device.texts_of(bob), ["who are you?", "Bob"], "{seed}");
            assert_eq!(device.texts_of(with), [""; 0]);
            let recognised = |event: &Event| matches!(event, Event::Recognised { account, .. } if *account == bob);
            assert_eq!(count(device, recognised), 1);
            let contact = device.client().configs().contacts.get(&bob).unwrap();
            assert!(contact.is_approved);
            let blinded = device.client().configs().contacts.blinded_contacts();
            assert_eq!(blinded.count(), 0);
        }
        // From now on the conversation with Bob is the one with his account.
        let (again, _) = devices[0].act(&world, |client, _, now, _| {
            let id = AnyId::from(with);
            client.blinded_conversation(&room, &id, now)
        });
        assert_eq!(again, Ok(ConversationId::Account(bob)));
        for device in &devices {
            assert!(device.is_settled());
            let texts = device.texts();
            let distinct: std::collections::BTreeSet<_> = texts.iter().collect();
            assert_eq!(texts.len(), distinct.len());
        }
    }
}

/// Alice and Bob use a room and the inbox, with one of three devices killed at one moment. Returns how many
/// batches it had.
fn story(kill: Kill, victim: usize) -> u64 {
    let mut world = world(37);
    world.loses_answers = true;
    let mut devices = three();
    devices[victim].kill = kill;
    let mut room = RoomId::from(&Rooms::url(1, "lounge"));
    for device in [0, 1] {
        room = join(&mut devices[device], 1, "lounge", &world);
        if devices[device].client().room(&room).is_none() {
            // It was not acknowledged.
            room = join(&mut devices[device], 1, "lounge", &world);
        }
    }
    run(&mut world, &mut devices, MINUTE / 2);
    world.loss_percent = 15;
    let mut acknowledged = Vec::new();
    for (number, text) in [(0, "one"), (1, "two"), (2, "three"), (0, "four")] {
        if devices[number].send(room, text, &world) {
            acknowledged.push(text.to_owned());
        }
        run(&mut world, &mut devices, Duration::from_secs(7));
    }
    let own = devices[0]
        .history
        .values()
        .find(|one| one.text() == Some("one"));
    if let Some(message) = own.cloned()
        && let Some(post) = message.post.as_ref().map(|post| post.id)
    {
        let react = RoomAct::React {
            post,
            emoji: "🥾".parse().unwrap(),
        };
        act(&mut devices[1], &room, react, &world);
    }
    let (with, is_written) = write_to_bob(&mut devices, &room, "inbox", &world);
    run(&mut world, &mut devices, MINUTE / 2);
    let alice = devices[0].id();
    let is_answered = is_written && devices[1].send(alice, "answer", &world);
    world.loss_percent = 0;
    run(&mut world, &mut devices, 2 * MINUTE);
    let names = format!("{kill:?} of {victim}");
    for device in &devices {
        assert!(device.is_settled(), "{names}");
        let shown: Vec<_> = device.shown.iter().map(|message| message.id).collect();
        let distinct: std::collections::BTreeSet<_> = shown.iter().collect();
        assert_eq!(distinct.len(), shown.len(), "{names}: shown twice");
        let texts = device.texts_of(room);
        for text in &acknowledged {
            assert!(texts.contains(text), "{text} is lost: {names}");
        }
        assert_eq!(texts, devices[0].texts_of(room), "{names}");
    }
    let posts = server(&mut world, 1).posts("lounge");
    assert_eq!(
        posts.len(),
        devices[0].texts_of(room).len(),
        "{names}: posted twice"
    );
    if is_written {
        assert!(devices[1].texts().contains(&"inbox".to_owned()), "{names}");
    }
    if is_answered {
        for device in [0, 2] {
            assert_eq!(devices[device].texts_of(with), [""; 0], "{names}");
            let texts = devices[device].texts_of(devices[1].id());
            assert!(
                texts.contains(&"inbox".to_owned()),
                "{names} at {device}: {texts:?}"
            );
        }
    }
    assert_eq!(devices[0].texts(), devices[2].texts(), "{names}");
    devices[victim].batches()
}

#[test]
fn a_crash_at_any_moment_loses_and_repeats_nothing_in_rooms() {
    for victim in [0, 1, 2] {
        let batches = story(Kill::Never, victim);
        assert!(batches > 10, "{batches}");
        // Some of the moments; all of them with SESSION_ALL_KILLS.
        let all = std::env::var_os("SESSION_ALL_KILLS").is_some();
        let step = if all { 1 } else { 17 };
        for batch in (1 + victim as u64 % step..=batches).step_by(step as usize) {
            story(Kill::Before(batch), victim);
            story(Kill::After(batch), victim);
        }
    }
}
