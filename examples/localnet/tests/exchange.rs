//! Files and communities by the client's command line, on a network that is killed meanwhile.
#![allow(missing_docs)]

use std::path::{Path, PathBuf};

use serde_json::Value;

#[path = "support/command.rs"]
mod command;

use command::{Process, account, event, events};

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// Where accounts and files are, beside the network.
fn places() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (alice, bob) = (folder.path().join("alice"), folder.path().join("bob"));
    (folder, alice, bob)
}

fn content(length: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn a_picture_that_was_sent_is_fetched_after_the_network_was_killed() {
    let (folder, alice, bob) = places();
    let data_dir = folder.path().join("net");
    let network = Process::start(&data_dir);
    let (_, to) = (account(&alice), account(&bob));
    let file = network.public()["servers"]["file"].clone();
    let host = [
        "--file-server",
        text(&file, "url"),
        "--file-key",
        text(&file, "pubkey_ed25519"),
    ];
    let picture = folder.path().join("cat.png");
    std::fs::write(&picture, content(3_000_000)).unwrap();
    let mut order = vec![
        "send-file",
        &to,
        picture.to_str().unwrap(),
        "--caption",
        "look",
    ];
    order.extend(host);
    let sent = events(&network.client(&alice, &order));
    let url = text(&event(&sent, "sent"), "url").to_owned();
    assert!(url.starts_with(text(&file, "url")), "{url}");
    assert!(
        url.ends_with(&format!("#p={}&d", text(&file, "pubkey_ed25519"))),
        "{url}"
    );
    // How far it is, is said at every megabyte.
    let steps = sent.iter().filter(|event| event["event"] == "progress");
    let steps: Vec<&Value> = steps
        .filter(|event| event["phase"] == "encrypting")
        .collect();
    assert!(steps.len() >= 4, "{steps:?}");
    assert_eq!(steps.last().unwrap()["bytes"], 3_000_000);
    network.kill();

    let network = Process::start(&data_dir);
    assert_eq!(
        network.public()["servers"]["file"],
        file,
        "keys and address stay"
    );
    let received = events(&network.client(&bob, &["receive"]));
    let message = event(&received, "message");
    assert_eq!(message["text"], "look");
    let attachment = &message["attachments"][0];
    assert_eq!(attachment["url"], url.as_str());
    assert_eq!(attachment["content_type"], "image/png");
    assert_eq!(attachment["file_name"], "cat.png");
    let back = folder.path().join("back.png");
    let back = back.to_str().unwrap();
    let key = text(attachment, "key");
    let fetched = events(&network.client(&bob, &["fetch-file", &url, back, "--key", key]));
    assert_eq!(event(&fetched, "fetched")["size"], 3_000_000);
    assert_eq!(std::fs::read(back).unwrap(), content(3_000_000));

    // Another key opens nothing and leaves nothing; an unknown file is said to be unknown.
    let other = folder.path().join("other");
    let wrong = "00".repeat(32);
    let failed = network.client(
        &bob,
        &["fetch-file", &url, other.to_str().unwrap(), "--key", &wrong],
    );
    assert_eq!(failed.status.code(), Some(2));
    assert!(!other.exists());
    let mut unknown = url.clone();
    let id = url.rfind('/').unwrap() + 1;
    unknown.replace_range(id..id + 8, "AAAAAAAA");
    let failed = network.client(
        &bob,
        &[
            "fetch-file",
            &unknown,
            other.to_str().unwrap(),
            "--key",
            key,
        ],
    );
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert_eq!(failed.status.code(), Some(4), "{said}");
    assert!(said.contains("not found"), "{said}");
    // A path is no id.
    let path = url.replace("/file/", "/file/../");
    let failed = network.client(
        &bob,
        &["fetch-file", &path, other.to_str().unwrap(), "--key", key],
    );
    assert_eq!(failed.status.code(), Some(2));
}

fn run(network: &Process, who: &Path, arguments: &[&str]) -> Vec<Value> {
    let mut all = vec!["community"];
    all.extend(arguments);
    events(&network.client(who, &all))
}

#[test]
fn two_people_meet_in_a_community_and_its_posts_outlive_a_kill() {
    let (folder, alice, bob) = places();
    let data_dir = folder.path().join("net");
    let network = Process::start(&data_dir);
    let (alices, bobs) = (account(&alice), account(&bob));
    let made = network.ctl(&["room", "lounge", "--name", "The Lounge"]);
    let said = text(&made, "said");
    let url = said.split_whitespace().last().unwrap().to_owned();

    let joined = run(&network, &alice, &["join", &url]);
    assert_eq!(event(&joined, "joined")["name"], "The Lounge");
    let alices_id = text(&event(&joined, "joined"), "id").to_owned();
    assert!(alices_id.starts_with("15") && !alices_id.contains(&alices[2..]));
    run(&network, &bob, &["join", &url]);

    let posted = run(&network, &alice, &["post", "lounge", "hello, all"]);
    assert_eq!(event(&posted, "posted")["id"], 1);
    let read = run(&network, &bob, &["read", "lounge"]);
    let post = event(&read, "post");
    assert_eq!(post["text"], "hello, all");
    assert_eq!(
        (&post["author"], &post["verified"]),
        (&alices_id.as_str().into(), &true.into())
    );
    let reacted = run(&network, &bob, &["react", "lounge", "1", "🍕"]);
    assert_eq!(event(&reacted, "reacted")["changed"], true);
    // A message to somebody of whom nothing but the blinded id is known.
    let written = run(
        &network,
        &bob,
        &["answer", "lounge", &alices_id, "nice to meet you"],
    );
    assert_eq!(event(&written, "written")["to"], alices_id.as_str());
    network.kill();

    let network = Process::start(&data_dir);
    let read = run(&network, &alice, &["read", "lounge"]);
    let post = event(&read, "post");
    assert_eq!(post["reactions"][0]["emoji"], "🍕");
    let inbox = event(&read, "inbox");
    assert_eq!(
        (&inbox["text"], &inbox["account"]),
        (&"nice to meet you".into(), &bobs.as_str().into())
    );
    // Nothing is shown twice.
    assert_eq!(
        run(&network, &alice, &["read", "lounge"]),
        Vec::<Value>::new()
    );

    // A banned user is told so.
    network.ctl(&["ban", &alices_id]);
    let refused = network.client(&alice, &["community", "post", "lounge", "again"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(4), "{said}");
    assert!(said.contains("403"), "{said}");
    network.ctl(&["unban", &alices_id]);
    run(&network, &alice, &["post", "lounge", "again"]);

    // Rooms that are not there, and texts that are no URLs.
    let absent = url.replace("lounge", "attic");
    let refused = network.client(&alice, &["community", "join", &absent]);
    assert_eq!(refused.status.code(), Some(4));
    let refused = network.client(&alice, &["community", "read", "attic"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn a_file_of_a_room_is_posted_and_fetched_after_a_kill() {
    let (folder, alice, bob) = places();
    let data_dir = folder.path().join("net");
    let network = Process::start(&data_dir);
    account(&alice);
    account(&bob);
    network.ctl(&["room", "attic"]);
    let made = network.ctl(&["room", "lounge"]);
    let url = text(&made, "said").split_whitespace().last().unwrap();
    let (url, attic) = (url.to_owned(), url.replace("lounge", "attic"));
    run(&network, &alice, &["join", &url]);
    let picture = folder.path().join("cat \"1\".png");
    let note = folder.path().join("note.txt");
    std::fs::write(&picture, content(2_000_000)).unwrap();
    std::fs::write(&note, b"a note").unwrap();
    let [picture, note] = [&picture, &note].map(|path| path.to_str().unwrap());
    let posted = run(
        &network,
        &alice,
        &["post", "lounge", "look", "--file", picture, "--file", note],
    );
    assert_eq!(event(&posted, "posted")["files"], serde_json::json!([1, 2]));
    assert_eq!(event(&posted, "progress")["phase"], "sending");

    // Too large, empty or missing: nothing is posted.
    let other = folder.path().join("other");
    let path = other.to_str().unwrap();
    for size in [0, 10_000_001] {
        std::fs::File::create(&other)
            .unwrap()
            .set_len(size)
            .unwrap();
        let arguments = ["community", "post", "lounge", "no", "--file", path];
        let refused = network.client(&alice, &arguments);
        assert_eq!(refused.status.code(), Some(2), "{size}");
    }
    std::fs::remove_file(&other).unwrap();
    let refused = network.client(
        &alice,
        &["community", "post", "lounge", "no", "--file", path],
    );
    assert_eq!(refused.status.code(), Some(2));
    network.kill();

    let network = Process::start(&data_dir);
    run(&network, &bob, &["join", &url]);
    run(&network, &bob, &["join", &attic]);
    let read = run(&network, &bob, &["read", "lounge"]);
    assert_eq!(read.len(), 1, "{read:?}");
    let post = event(&read, "post");
    assert_eq!(post["text"], "look");
    let files = post["files"].as_array().unwrap();
    assert_eq!(files.len(), 2);
    assert_eq!(
        (
            &files[0]["number"],
            &files[0]["file_name"],
            &files[0]["size"]
        ),
        (&1.into(), &"cat \"1\".png".into(), &2_000_000.into())
    );
    // Nothing is encrypted, so there is no key; the URL names the room.
    assert_eq!(files[0]["key"], Value::Null);
    assert!(text(&files[0], "url").ends_with("/room/lounge/file/1"));
    let fetched = run(&network, &bob, &["fetch", "lounge", "1", path]);
    assert_eq!(event(&fetched, "fetched")["size"], 2_000_000);
    assert_eq!(std::fs::read(&other).unwrap(), content(2_000_000));

    // No file is replaced; a file of another room and an unknown one are not found.
    for (room, number, output, status) in [
        ("lounge", "2", path, 2),
        ("attic", "2", "never", 4),
        ("lounge", "9", "never", 4),
        ("lounge", "../1", "never", 2),
    ] {
        let output = folder.path().join(output);
        let arguments = ["community", "fetch", room, number, output.to_str().unwrap()];
        let refused = network.client(&bob, &arguments);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(
            refused.status.code(),
            Some(status),
            "{room} {number}: {said}"
        );
        assert!(!folder.path().join("never").exists());
    }
}
