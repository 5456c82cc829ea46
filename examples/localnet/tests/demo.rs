//! The whole demo, in-process.
#![allow(missing_docs)]

use localnet::demo::{TEXT, run};
use localnet::network::Plan;
use localnet::ui::Steps;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_delivered_and_nobody_sees_too_much() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        notes: true,
        ..Plan::new(folder.path())
    };
    let mut events = Vec::new();
    let delivered = run(&plan, TEXT, &Steps::new(true), |event| events.push(event))
        .await
        .unwrap();

    let event = &delivered.event;
    assert_eq!(event["event"], "delivered");
    assert_eq!(event["text"], TEXT);
    assert_eq!(event["path"].as_array().unwrap().len(), 3);
    assert_eq!(event["stored_on"], 4, "every member of the swarm");
    let accounts = events
        .iter()
        .find(|event| event["event"] == "accounts")
        .unwrap();
    assert_eq!(
        (&event["from"], &event["to"]),
        (&accounts["from"], &accounts["to"])
    );
    assert_ne!(event["from"], event["to"]);

    let rows = &delivered.table.0;
    assert!(
        rows.len() >= 8,
        "two paths and a swarm: {} nodes",
        rows.len()
    );
    for row in rows {
        assert!(!row.text, "{row:?}");
        assert!(!row.sender_account, "{row:?}");
        let is_guard_of = |who: &str| {
            row.roles
                .iter()
                .any(|role| role.starts_with("guard of ") && role.contains(who))
        };
        assert_eq!(row.sender_address, Some(is_guard_of("Alice")), "{row:?}");
        assert_eq!(row.receiver_address, Some(is_guard_of("Bob")), "{row:?}");
        let is_member = row.roles.iter().any(|role| role == "Bob's swarm");
        assert!(
            !is_member || row.receiver_account,
            "the notes do not see: {row:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_one_address_nobody_can_tell_who_connected() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        notes: true,
        one_address: true,
        ..Plan::new(folder.path())
    };
    let delivered = run(&plan, TEXT, &Steps::new(true), |_| {}).await.unwrap();
    assert_eq!(delivered.event["stored_on"], 4);
    for row in &delivered.table.0 {
        assert!(!row.text && !row.sender_account, "{row:?}");
        assert_eq!((row.sender_address, row.receiver_address), (None, None));
    }
}
