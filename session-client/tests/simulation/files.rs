//! Files of messages and profile pictures: uploaded, downloaded, kept alive; with loss, refusals and a crash at
//! every moment.

use core::time::Duration;

use session_client::config::UserConfigs;
use session_client::content::{Attachment, Content, Kind};
use session_client::types::UnixMillis;
use session_client::{
    ConversationId, DownloadId, Event, Failure, FetchError, Message, SealedFile, SendError, Status,
    UploadFailure,
};

use crate::device::{Device, Kill, run};
use crate::groups::{accept, create};
use crate::world::World;
use crate::{MINUTE, account};

const DAY: Duration = Duration::from_secs(86_400);

fn content(number: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| number.wrapping_add(at as u8))
        .collect()
}

fn two(seed: u64) -> (World, [Device; 2]) {
    let devices = [1, 2].map(|number| Device::new(account(number), true, seed + u64::from(number)));
    (World::new(seed), devices)
}

/// Sends a text with files. Acknowledged, if it returns true.
fn send(device: &mut Device, to: usize, text: &str, files: &[&[u8]], world: &World) -> bool {
    let to = *account(to as u8 + 1).id();
    send_to(device, to.into(), text, files, world)
}

fn send_to(
    device: &mut Device,
    to: ConversationId,
    text: &str,
    files: &[&[u8]],
    world: &World,
) -> bool {
    let mut staged = Vec::new();
    let mut is_acknowledged = true;
    for (number, file) in files.iter().enumerate() {
        let sealed = SealedFile::attachment(device.account(), file).unwrap();
        let (number, persisted) = device.act(world, |client, _, _, _| {
            let about = Attachment {
                file_name: Some(format!("{number}.bin")),
                content_type: Some("application/octet-stream".into()),
                ..Attachment::default()
            };
            (client.stage_file(sealed), about)
        });
        is_acknowledged &= persisted;
        staged.push(number);
    }
    if !is_acknowledged {
        return false;
    }
    let (sent, persisted) = device.act(world, |client, network, now, rng| {
        client.send_files(to, Content::text(text), &staged, network, now, rng)
    });
    sent.unwrap();
    persisted
}

fn attachments(message: &Message) -> Vec<Attachment> {
    match &message.content.kind {
        Kind::Message(message) => message.attachments.clone(),
        other => panic!("{other:?}"),
    }
}

fn download(
    device: &mut Device,
    file: &Attachment,
    world: &World,
) -> Result<DownloadId, FetchError> {
    let (begun, _) = device.act(world, |client, _, _, _| client.download(file));
    begun
}

fn stored_files(device: &Device) -> usize {
    let records = device.records.keys();
    records.filter(|key| matches!(key[0], b'f' | b'b')).count()
}

#[test]
fn files_arrive_with_their_message_on_a_lossy_network() {
    let (mut world, mut devices) = two(61);
    world.loss_percent = 10;
    let files = [content(1, 70_000), content(2, 5)];
    let files = [files[0].as_slice(), &files[1]];
    assert!(send(&mut devices[0], 1, "two files", &files, &world));
    let waiting: Vec<&Message> = devices[0].history.values().collect();
    assert_eq!(waiting.len(), 1, "it is in the history at once");
    assert_eq!(waiting[0].status, Status::Sending);
    assert!(
        attachments(waiting[0])
            .iter()
            .all(|file| file.url.is_empty())
    );
    // What is written later is not held up.
    let bob = devices[1].id();
    assert!(devices[0].send(bob, "text", &world));
    run(&mut world, &mut devices, 5 * MINUTE);
    let mut texts = devices[1].texts();
    texts.sort();
    assert_eq!(texts, ["text", "two files"]);
    let message = devices[1]
        .shown
        .iter()
        .find(|one| !attachments(one).is_empty());
    let came = attachments(message.unwrap());
    assert_eq!(came.len(), 2);
    assert_eq!(
        (came[0].size, came[0].file_name.as_deref()),
        (Some(70_000), Some("0.bin"))
    );
    assert!(
        came[0]
            .url
            .starts_with("http://filev2.getsession.org/file/")
    );
    for file in &came {
        download(&mut devices[1], file, &world).unwrap();
    }
    run(&mut world, &mut devices, 2 * MINUTE);
    let downloaded: Vec<Vec<u8>> = devices[1]
        .downloads
        .drain(..)
        .map(|(_, ended)| ended.unwrap().unwrap())
        .collect();
    assert_eq!(downloaded, files);
    // One at a time, so that one is in memory.
    let course: Vec<&str> = devices[1]
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Downloading { .. } => Some("begins"),
            Event::Downloaded { .. } => Some("ends"),
            _ => None,
        })
        .collect();
    assert_eq!(course, ["begins", "ends", "begins", "ends"]);
    let lefts: Vec<usize> = devices[0]
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Uploaded { left, .. } => Some(*left),
            _ => None,
        })
        .collect();
    assert_eq!(lefts, [1, 0]);
    let has = |device: &Device, wanted: fn(&Event) -> bool| device.events.iter().any(wanted);
    assert!(has(&devices[0], |event| matches!(
        event,
        Event::Uploading { left: 2, .. }
    )));
    assert!(has(&devices[1], |event| matches!(
        event,
        Event::Downloading { .. }
    )));
    assert!(has(&devices[1], |event| matches!(
        event,
        Event::Downloaded { .. }
    )));
    assert_eq!(stored_files(&devices[0]), 0, "what was uploaded is deleted");
    for device in &devices {
        device.check();
        assert!(device.is_settled());
    }
    let named = devices[0]
        .history
        .values()
        .filter(|one| !attachments(one).is_empty());
    let named: Vec<&Message> = named.collect();
    assert_eq!(named.len(), 1);
    assert_eq!(named[0].status, Status::Delivered);
    assert_eq!(attachments(named[0]), came);
}

#[test]
fn hostile_descriptions_and_files_give_an_error_and_nothing_else() {
    let (mut world, mut devices) = two(62);
    assert!(send(
        &mut devices[0],
        1,
        "file",
        &[&content(1, 500)],
        &world
    ));
    run(&mut world, &mut devices, MINUTE);
    let good = attachments(&devices[1].shown[0]).remove(0);
    let changed = |change: &dyn Fn(&mut Attachment)| {
        let mut file = good.clone();
        change(&mut file);
        file
    };
    for url in [
        "",
        "file:///etc/passwd",
        "http://127.0.0.1/x",
        "http://host/file/../1",
        "http://host/file/1",
    ] {
        let file = changed(&|file| file.url = url.into());
        assert!(download(&mut devices[1], &file, &world).is_err(), "{url}");
    }
    let file = changed(&|file| file.key = None);
    assert_eq!(
        download(&mut devices[1], &file, &world),
        Err(FetchError::Key)
    );
    let legacy = session_client::content::LegacyFileKey::from_bytes(&[7; 64]);
    let file = changed(&|file| file.key = Some(legacy.clone().into()));
    assert_eq!(
        download(&mut devices[1], &file, &world),
        Err(FetchError::Key),
        "no digest"
    );
    // These are asked for, and come to nothing.
    let wrong_key = session_client::content::FileKey::from_bytes(&[7; 32]);
    let wrong = changed(&|file| file.key = Some(wrong_key.clone().into()));
    let digest = changed(&|file| {
        file.key = Some(legacy.clone().into());
        file.digest = Some(vec![1; 32]);
        file.size = Some(u32::MAX);
    });
    let unknown = changed(&|file| file.url = "http://filev2.getsession.org/file/123".into());
    for file in [&wrong, &digest, &unknown] {
        download(&mut devices[1], file, &world).unwrap();
    }
    run(&mut world, &mut devices, MINUTE);
    let ended: Vec<_> = devices[1]
        .downloads
        .drain(..)
        .map(|(_, ended)| ended)
        .collect();
    assert!(
        matches!(ended[0], Ok(Err(_))) && matches!(ended[1], Ok(Err(_))),
        "{ended:?}"
    );
    assert_eq!(ended[2], Err(FetchError::Expired));
    // One that has expired is told, and one that was given up is not.
    download(&mut devices[1], &good, &world).unwrap();
    let given_up = download(&mut devices[1], &good, &world).unwrap();
    devices[1].act(&world, |client, _, _, _| client.cancel_download(given_up));
    world.files.files.clear();
    run(&mut world, &mut devices, MINUTE);
    let ended: Vec<_> = devices[1]
        .downloads
        .drain(..)
        .map(|(_, ended)| ended)
        .collect();
    assert_eq!(ended, [Err(FetchError::Expired)]);
    // A server that answers nothing useful ends it, too.
    world.files.refuses = Some(500);
    download(&mut devices[1], &good, &world).unwrap();
    run(&mut world, &mut devices, MINUTE);
    let (_, ended) = devices[1].downloads.pop().unwrap();
    assert!(matches!(ended, Err(FetchError::Refused(_))), "{ended:?}");
}

#[test]
fn an_upload_is_tried_until_it_is_refused_for_good() {
    let (mut world, mut devices) = two(63);
    world.files.refuses = Some(503);
    assert!(send(
        &mut devices[0],
        1,
        "later",
        &[&content(1, 500)],
        &world
    ));
    run(&mut world, &mut devices, 10 * MINUTE);
    assert!(devices[1].texts().is_empty());
    let tries = world.files.count("POST /file");
    assert!((5..60).contains(&tries), "{tries}");
    world.files.refuses = None;
    run(&mut world, &mut devices, 5 * MINUTE);
    assert_eq!(devices[1].texts(), ["later"]);

    world.files.refuses = Some(413);
    assert!(send(
        &mut devices[0],
        1,
        "never",
        &[&content(2, 500)],
        &world
    ));
    run(&mut world, &mut devices, 5 * MINUTE);
    let failed = devices[0].events.iter().any(|event| {
        matches!(
            event,
            Event::Failed {
                reason: Failure::File(UploadFailure::Refused(_)),
                ..
            }
        )
    });
    assert!(failed, "{:?}", devices[0].events);
    assert_eq!(devices[0].client().outgoing(), 0);
    assert_eq!(stored_files(&devices[0]), 0);

    // A content that the store has lost ends its message.
    world.files.refuses = Some(503);
    assert!(send(
        &mut devices[0],
        1,
        "lost",
        &[&content(3, 500)],
        &world
    ));
    devices[0].records.retain(|key, _| key[0] != b'b');
    run(&mut world, &mut devices, 5 * MINUTE);
    let lost = |event: &Event| {
        matches!(
            event,
            Event::Failed {
                reason: Failure::File(UploadFailure::Lost),
                ..
            }
        )
    };
    assert!(devices[0].events.iter().any(lost));
    let failed = devices[0]
        .history
        .values()
        .filter(|one| one.status == Status::Failed);
    assert_eq!(failed.count(), 2);
}

#[test]
fn what_was_not_staged_cannot_be_sent() {
    let (world, mut devices) = two(64);
    let bob = devices[1].id();
    let sealed = SealedFile::attachment(devices[0].account(), b"once").unwrap();
    let picture = SealedFile::picture(devices[0].account(), b"picture").unwrap();
    let (results, _) = devices[0].act(&world, |client, network, now, rng| {
        let file = (client.stage_file(sealed), Attachment::default());
        let picture = (client.stage_file(picture), Attachment::default());
        let text = || Content::text("x");
        let one = core::slice::from_ref(&file);
        let mut refused = vec![
            client.send_files(bob, text(), &[picture], network, now, rng),
            client.send_files(
                bob,
                text(),
                &[file.clone(), file.clone()],
                network,
                now,
                rng,
            ),
            client.send_files(bob, Kind::RequestAccepted, one, network, now, rng),
        ];
        client
            .send_files(bob, text(), one, network, now, rng)
            .unwrap();
        refused.push(client.send_files(bob, text(), one, network, now, rng));
        client.discard_file(file.0);
        refused.push(client.send_files(bob, text(), one, network, now, rng));
        assert_eq!(client.set_picture(file.0), Err(SendError::File));
        refused
    });
    assert_eq!(results, vec![Err(SendError::File); 5]);
    assert_eq!(devices[0].client().outgoing(), 1);
}

/// Sends two messages with files, with the sender killed at one moment. Returns how many batches it had.
fn story(kill: Kill) -> u64 {
    let (mut world, mut devices) = two(65);
    devices[0].kill = kill;
    let mut acknowledged = Vec::new();
    for (number, text) in ["one", "two"].into_iter().enumerate() {
        let files = [content(number as u8, 40_000), content(9, 10)];
        if send(&mut devices[0], 1, text, &[&files[0], &files[1]], &world) {
            acknowledged.push(text);
        }
        run(&mut world, &mut devices, Duration::from_secs(8));
    }
    run(&mut world, &mut devices, MINUTE);
    for device in &devices {
        device.check();
        assert!(device.is_settled(), "{kill:?}");
    }
    let texts = devices[1].texts();
    for text in &acknowledged {
        assert!(
            texts.iter().any(|one| one == text),
            "{text} is lost: {kill:?}"
        );
    }
    assert_eq!(devices[0].texts(), texts, "{kill:?}");
    let files: Vec<Attachment> = devices[1].shown.iter().flat_map(attachments).collect();
    assert_eq!(files.len(), 2 * texts.len());
    for file in &files {
        download(&mut devices[1], file, &world).unwrap();
    }
    run(&mut world, &mut devices, Duration::from_secs(20));
    let came = devices[1].downloads.iter();
    assert!(came.clone().all(|(_, ended)| matches!(ended, Ok(Ok(_)))));
    assert_eq!(came.count(), files.len());
    // A crash between staging and sending leaves nothing behind.
    devices[0].crash(&world);
    run(&mut world, &mut devices, Duration::from_secs(5));
    assert_eq!(stored_files(&devices[0]), 0, "{kill:?}");
    devices[0].batches()
}

#[test]
fn a_crash_at_any_moment_of_an_upload_loses_nothing() {
    let batches = story(Kill::Never);
    assert!(batches > 12, "{batches}");
    for batch in 1..=batches {
        story(Kill::Before(batch));
        story(Kill::After(batch));
    }
}

fn set_picture(device: &mut Device, picture: &[u8], world: &World) {
    let sealed = SealedFile::picture(device.account(), picture).unwrap();
    let (set, _) = device.act(world, |client, _, _, _| {
        let number = client.stage_file(sealed);
        client.set_picture(number)
    });
    set.unwrap();
}

fn picture_of(configs: &UserConfigs, of: &Device) -> Option<(String, [u8; 32])> {
    let contact = configs.contacts.get(&of.id())?;
    let picture = contact.picture?;
    Some((picture.url().to_owned(), *picture.key()))
}

#[test]
fn a_picture_is_set_seen_by_contacts_and_kept_alive() {
    let (mut world, mut devices) = two(66);
    let bob = devices[1].id();
    devices[0].edit(
        |configs| {
            configs
                .profile
                .set_name("Alice", UnixMillis::new(1_000))
                .unwrap()
        },
        &world,
    );
    let first = content(1, 3_000);
    set_picture(&mut devices[0], &content(0, 3_000), &world);
    // The later one counts, even before the first is there.
    set_picture(&mut devices[0], &first, &world);
    run(&mut world, &mut devices, MINUTE);
    assert!(devices[0].events.contains(&Event::PictureSet));
    assert_eq!(stored_files(&devices[0]), 2, "kept to be uploaded again");
    assert!(devices[0].send(bob, "hello", &world));
    run(&mut world, &mut devices, MINUTE);
    let picture = picture_of(devices[1].client().configs(), &devices[0]);
    let (url, key) = picture.expect("it goes with the messages");
    let (begun, _) = devices[1].act(&world, |client, _, _, _| client.download_picture(&url, key));
    begun.unwrap();
    run(&mut world, &mut devices, MINUTE);
    assert_eq!(devices[1].downloads.pop().unwrap().1, Ok(Ok(first)));

    // After two weeks it is still there, on a device that restarts, too.
    devices[1].is_off = true;
    let days = |devices: &mut [Device], world: &mut World, count: u32| {
        for _ in 0..count {
            devices[0].is_off = true;
            run(world, devices, DAY - MINUTE);
            devices[0].is_off = false;
            run(world, devices, MINUTE);
        }
    };
    days(&mut devices, &mut world, 5);
    assert_eq!(world.files.count("POST extend"), 0, "nothing is due");
    days(&mut devices, &mut world, 25);
    let extended = world.files.count("POST extend");
    assert!((2..6).contains(&extended), "{extended}");
    let now = UnixMillis::new(world.now);
    assert!(
        world
            .files
            .files
            .values()
            .any(|(_, meta)| meta.expires > now)
    );

    // If the server has lost it, it is uploaded again; the profile does not count as changed.
    let updated = devices[0].client().configs().profile.updated();
    let uploads = world.files.count("POST /file");
    world.files.files.clear();
    days(&mut devices, &mut world, 15);
    assert_eq!(world.files.count("POST /file"), uploads + 1);
    assert_eq!(world.files.files.len(), 1);
    let profile = &devices[0].client().configs().profile;
    assert_eq!(profile.picture().unwrap().url(), url);
    assert_eq!(profile.updated(), updated);

    // Another picture replaces it, here and in the records.
    set_picture(&mut devices[0], &content(2, 3_000), &world);
    run(&mut world, &mut devices, MINUTE);
    assert_eq!(stored_files(&devices[0]), 2);
    let profile = &devices[0].client().configs().profile;
    assert_ne!(profile.picture().unwrap().url(), url);

    // One that the server refuses is told.
    world.files.refuses = Some(413);
    set_picture(&mut devices[0], &content(3, 3_000), &world);
    run(&mut world, &mut devices, MINUTE);
    let failed = |event: &Event| matches!(event, Event::PictureFailed { .. });
    assert!(devices[0].events.iter().any(failed));
    assert_eq!(stored_files(&devices[0]), 2);
}

#[test]
fn files_go_to_groups_once_they_are_uploaded() {
    let (mut world, mut devices) = two(67);
    let id = create(&mut devices, &world, &[1]);
    accept(&mut devices, 1, &id, &mut world);
    world.files.refuses = Some(503);
    let group = ConversationId::Group(id);
    let file = content(4, 2_000);
    assert!(send_to(&mut devices[1], group, "to all", &[&file], &world));
    run(&mut world, &mut devices, MINUTE);
    assert!(devices[0].texts_of(id).is_empty(), "sent without its file");
    world.files.refuses = None;
    run(&mut world, &mut devices, 3 * MINUTE);
    for device in &devices {
        assert_eq!(device.texts_of(id), ["to all"]);
        device.check();
    }
    let came = attachments(&devices[0].shown[0]);
    download(&mut devices[0], &came[0], &world).unwrap();
    run(&mut world, &mut devices, MINUTE);
    assert_eq!(devices[0].downloads.pop().unwrap().1, Ok(Ok(file)));
}
