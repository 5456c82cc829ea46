//! What is not a message: receipts, typing, screenshots, reactions, unsending, deletions of a history.

use core::time::Duration;

use session_client::content::{
    Content, DataExtraction, DataExtractionKind, Kind, Message, Preview, Reaction, Typing, Unsend,
};
use session_client::types::{AnyId, UnixMillis};
use session_client::{ConversationId, Event, SendError, Settings};

use crate::device::{Device, run};
use crate::world::World;
use crate::{MINUTE, account};

/// Alice and Bob, who are contacts if `are_contacts`. Both send receipts if `receipts`.
fn two(seed: u64, receipts: bool, are_contacts: bool) -> (World, [Device; 2]) {
    let mut world = World::new(seed);
    let mut settings = Settings::default();
    settings.read_receipts = receipts;
    let mut devices = [1, 2].map(|number: u8| {
        Device::with_settings(account(number), true, seed + u64::from(number), settings)
    });
    if are_contacts {
        for from in 0..2 {
            let to = devices[1 - from].id();
            assert!(devices[from].send(to, &format!("from {from}"), &world));
            run(&mut world, &mut devices, MINUTE);
        }
    }
    (world, devices)
}

fn send(
    device: &mut Device,
    to: impl Into<ConversationId>,
    content: impl Into<Content>,
    world: &World,
) -> Result<(), SendError> {
    let (to, content) = (to.into(), content.into());
    let (sent, _) = device.act(world, |client, network, now, rng| {
        client.send(to, content, network, now, rng)
    });
    sent.map(|_| ())
}

fn read_by(device: &Device) -> Vec<Vec<UnixMillis>> {
    let read = device.events.iter().filter_map(|event| match event {
        Event::Read { sent_at, .. } => Some(sent_at.clone()),
        _ => None,
    });
    read.collect()
}

#[test]
fn contacts_learn_which_messages_were_read_once_and_in_one_receipt() {
    let (mut world, mut devices) = two(51, true, true);
    let [alice, bob] = [0, 1].map(|number: usize| devices[number].id());
    for text in ["one", "two"] {
        assert!(devices[0].send(bob, text, &world));
    }
    run(&mut world, &mut devices, MINUTE);
    devices[1].read_all(alice, &world);
    run(&mut world, &mut devices, MINUTE);
    let sent = devices[0].history.values();
    let sent = sent.filter(|message| message.author == AnyId::from(&alice));
    let times: Vec<UnixMillis> = sent.map(session_client::Message::sent_at).collect();
    assert_eq!(times.len(), 3);
    assert_eq!(read_by(&devices[0]), [times]);
    // What was read before is not told again.
    devices[1].read_all(alice, &world);
    assert!(devices[0].send(bob, "three", &world));
    run(&mut world, &mut devices, MINUTE);
    devices[1].read_all(alice, &world);
    run(&mut world, &mut devices, MINUTE);
    let counts: Vec<usize> = read_by(&devices[0]).iter().map(Vec::len).collect();
    assert_eq!(counts, [3, 1]);
    assert!(read_by(&devices[1]).is_empty(), "own messages are no news");
}

#[test]
fn no_receipt_without_the_setting_and_none_to_strangers() {
    for (receipts, are_contacts) in [(false, true), (true, false)] {
        let (mut world, mut devices) = two(52, receipts, are_contacts);
        let [alice, bob] = [0, 1].map(|number: usize| devices[number].id());
        assert!(devices[0].send(bob, "hello", &world));
        run(&mut world, &mut devices, MINUTE);
        devices[1].read_all(alice, &world);
        assert_eq!(devices[1].client().outgoing(), 0);
        run(&mut world, &mut devices, MINUTE);
        assert!(read_by(&devices[0]).is_empty());
        let progress = session_client::config::conversations::Conversation::Account(alice);
        let read = devices[1].client().configs().conversations.get(&progress);
        assert!(read.is_some(), "it is read all the same");
    }
}

#[test]
fn every_kind_of_notice_comes_out_as_an_event() {
    let (mut world, mut devices) = two(53, false, true);
    let [alice, bob] = [0, 1].map(|number: usize| devices[number].id());
    let own = devices[0].history.values();
    let first = own
        .filter(|message| message.author == AnyId::from(&alice))
        .map(session_client::Message::sent_at)
        .next();
    let (sent_at, author) = (first.unwrap(), AnyId::from(&alice));
    let reaction = Reaction {
        sent_at,
        author,
        emoji: "👍".into(),
        is_removal: false,
    };
    let screenshot = DataExtraction {
        kind: DataExtractionKind::Screenshot,
        sent_at: None,
    };
    let preview = Message {
        text: "see https://example.org/page".into(),
        previews: vec![Preview {
            url: "https://example.org/page".into(),
            title: Some("A page".into()),
            image: None,
        }],
        ..Message::default()
    };
    for kind in [
        Kind::Typing(Typing::STARTED),
        Kind::Typing(Typing::STOPPED),
        Kind::DataExtraction(screenshot),
        Kind::Reaction(reaction.clone()),
        Kind::Message(preview.clone()),
        Kind::Unsend(Unsend { sent_at, author }),
    ] {
        send(&mut devices[0], bob, kind, &world).unwrap();
        // A typing indicator lives for 20 seconds.
        run(&mut world, &mut devices, Duration::from_secs(15));
    }
    let events = &devices[1].events;
    for is_typing in [true, false] {
        let typing = Event::Typing {
            by: alice,
            is_typing,
        };
        assert_eq!(events.iter().filter(|event| **event == typing).count(), 1);
    }
    let kind = DataExtractionKind::Screenshot;
    assert!(events.contains(&Event::Extraction { by: alice, kind }));
    let conversation = ConversationId::from(alice);
    assert!(events.contains(&Event::Reaction {
        conversation,
        author: alice,
        reaction
    }));
    assert!(events.contains(&Event::Deleted {
        conversation,
        author,
        sent_at
    }));
    let shown = devices[1].shown.last().unwrap();
    assert_eq!(shown.content.kind, Kind::Message(preview));
    assert!(!devices[1].texts().contains(&"from 0".to_owned()), "unsent");
    assert!(devices[0].is_settled());
}

#[test]
fn strangers_do_not_learn_that_we_are_here() {
    let (mut world, mut devices) = two(54, true, false);
    let [alice, bob] = [0, 1].map(|number: usize| devices[number].id());
    assert!(devices[0].send(bob, "hello", &world));
    run(&mut world, &mut devices, MINUTE);
    let screenshot = DataExtraction {
        kind: DataExtractionKind::Screenshot,
        sent_at: None,
    };
    for kind in [
        Kind::Typing(Typing::STARTED),
        Kind::DataExtraction(screenshot),
    ] {
        let sent = send(&mut devices[1], alice, kind, &world);
        assert_eq!(sent, Err(SendError::NotContact));
    }
    assert_eq!(devices[1].client().outgoing(), 0);
}

#[test]
fn a_typing_indicator_is_given_up_when_its_time_is_over() {
    let (mut world, mut devices) = two(55, false, true);
    let bob = devices[1].id();
    world.dead = world.keys().into_iter().collect();
    send(&mut devices[0], bob, Kind::Typing(Typing::STARTED), &world).unwrap();
    run(&mut world, &mut devices, 10 * MINUTE);
    assert_eq!(devices[0].client().outgoing(), 0);
    assert!(
        devices[0]
            .events
            .iter()
            .any(|event| matches!(event, Event::Failed { .. }))
    );
}

#[test]
fn deleting_a_history_erases_it_here_too() {
    let (mut world, mut devices) = two(56, false, true);
    let [alice, bob] = [0, 1].map(|number: usize| devices[number].id());
    assert!(devices[0].send(alice, "a note", &world));
    run(&mut world, &mut devices, MINUTE);
    let before = i64::try_from(world.now / 1_000).unwrap();
    assert_eq!(devices[0].texts().len(), 3);
    devices[0].edit(
        |configs| {
            let set = configs.contacts.update(&bob, |contact| {
                contact.delete_before = before;
                Ok(())
            });
            set.unwrap();
        },
        &world,
    );
    assert_eq!(devices[0].texts(), ["a note"], "the conversation with Bob");
    devices[0].edit(
        |configs| configs.profile.set_note_delete_before(before).unwrap(),
        &world,
    );
    assert!(devices[0].texts().is_empty());
    assert!(devices[0].send(bob, "new", &world));
    devices[0].edit(
        |configs| configs.profile.set_name("A", UnixMillis::new(0)).unwrap(),
        &world,
    );
    assert_eq!(devices[0].texts(), ["new"]);
}
