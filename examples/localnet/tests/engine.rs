//! Contacts, message requests and history by the client's command line.
#![allow(missing_docs)]

use serde_json::Value;

#[path = "support/command.rs"]
mod command;

use command::{Process, account, event, events};

#[test]
fn a_request_is_accepted_and_the_history_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (alice, bob) = (folder.path().join("alice"), folder.path().join("bob"));
    let network = Process::start(&folder.path().join("net"));
    let (alices, bobs) = (account(&alice), account(&bob));
    let store = folder.path().join("bob.sqlite");
    let store = store.to_str().unwrap();
    let contact = |arguments: &[&str]| -> Vec<Value> {
        let mut all = vec!["contact", "--store", store];
        all.extend(arguments);
        events(&network.client(&bob, &all))
    };
    let texts = |arguments: &[&str]| -> Vec<Value> {
        let mut all = vec!["history", "--store", store];
        all.extend(arguments);
        let found = events(&network.client(&bob, &all));
        found
            .iter()
            .map(|message| message["text"].clone())
            .collect()
    };
    let say = |text: &str| {
        events(&network.client(&alice, &["send", &bobs, text, "--name", "Alice"]));
    };
    say("hello");
    let requests = contact(&["requests"]);
    let request = event(&requests, "contact");
    assert_eq!(
        (&request["id"], &request["name"]),
        (&alices.as_str().into(), &"Alice".into())
    );
    assert_eq!(request["accepted"], false);
    assert!(contact(&["list"]).is_empty());
    let accepted = contact(&["accept", &alices]);
    assert_eq!(event(&accepted, "contact")["accepted"], true);
    assert!(contact(&["requests"]).is_empty());
    let renamed = contact(&["rename", &alices, "A."]);
    assert_eq!(event(&renamed, "contact")["nickname"], "A.");
    let received = events(&network.client(&alice, &["receive"]));
    let is_accepted = |event: &Value| event["kind"] == "message request response";
    assert!(received.iter().any(is_accepted), "{received:?}");

    // Another device of the account, which knows nothing but the phrase.
    let other = folder.path().join("other.sqlite");
    let arguments = ["contact", "--store", other.to_str().unwrap(), "list"];
    let listed = events(&network.client(&bob, &arguments));
    let listed = event(&listed, "contact");
    assert_eq!(
        (&listed["nickname"], &listed["accepted"]),
        (&"A.".into(), &true.into())
    );

    assert_eq!(texts(&[&alices]), ["hello"]);
    contact(&["block", &alices]);
    say("dropped");
    assert_eq!(texts(&[&alices]), ["hello"]);
    contact(&["unblock", &alices]);
    say("again");
    assert_eq!(texts(&[&alices]), ["hello", "again"]);
    assert_eq!(texts(&[&alices, "--limit", "1"]), ["again"]);
    assert_eq!(texts(&["--search", "HELL"]), ["hello"]);

    // What cannot be used is said, with the status for it.
    let broken = folder.path().join("broken.sqlite");
    std::fs::write(
        &broken,
        "no database, and long enough to be seen as none".repeat(100),
    )
    .unwrap();
    for arguments in [
        ["contact", "--store", store, "accept", "05zz"],
        ["history", "--store", store, "05zz", "--limit=1"],
        [
            "contact",
            "--store",
            broken.to_str().unwrap(),
            "rename",
            "05zz",
        ],
    ] {
        let refused = network.client(&bob, &arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
    }
    let listed = network.client(
        &bob,
        &["contact", "--store", broken.to_str().unwrap(), "list"],
    );
    assert_eq!(listed.status.code(), Some(2));
}
