//! The arrays `quic` and `monitor` of `tests/vectors/storage_rpc.json`, over QUIC to nodes that are up, with the keys of
//! the nodes that were asked then.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use session_crypto::Ed25519Public;
use session_sdk::quic::Answer;
use session_storage::monitor::read_answer;
use session_types::AnyId;
use support::World;
use support::quic::{LIMIT, ask, client_of, structure};
use support::vectors::{start, without_circumstances};
use testkit::{Case, Vectors};

/// Sets the clocks of all nodes to the time of a case.
fn set_clocks(world: &World, case: Case<'_>) {
    let sent = i64::try_from(case.number("sent_ms")).unwrap();
    let now = i64::try_from(session_localnet::fault::now_ms(0)).unwrap();
    for node in &world.network.nodes {
        node.faults.change(|fault| fault.clock_ms = sent - now);
    }
}

/// The cases of an array.
fn cases(vectors: &Vectors, array: &str) -> Vec<serde_json::Value> {
    let mut cases = Vec::new();
    vectors.each(array, |case| cases.push(case.0.clone()));
    cases
}

/// An answer up to where its content begins: brackets, code and text.
fn head(answer: &Answer) -> (bool, String) {
    let (is_error, body) = match answer {
        Answer::Reply(body) => (false, body),
        Answer::Error(body) => (true, body),
    };
    let text = String::from_utf8_lossy(body);
    let end = text.find("hf").or(text.find("results"));
    (is_error, text[..end.unwrap_or(text.len())].to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_over_quic_get_the_observed_answers() {
    let vectors = Vectors::load("storage_rpc");
    let world = start(&vectors).await;
    let (mut whole, mut structured) = (0, 0);
    for case in &cases(&vectors, "quic") {
        let case = Case(case);
        set_clocks(&world, case);
        let key = Ed25519Public::from_bytes(case.array("node_ed25519_pk"));
        let (link, _) = client_of(world.network.node(&key).unwrap()).await;
        let endpoint = case.text("endpoint");
        let got = ask(&link, endpoint, &case.hex("request")).await;
        let expected = match case.flag("error") {
            true => Answer::Error(case.hex("answer")),
            false => Answer::Reply(case.hex("answer")),
        };
        assert_eq!(head(&got), head(&expected), "{endpoint}");
        if got == expected {
            whole += 1;
            continue;
        }
        let [got, expected] = [got, expected].map(|answer| {
            let text = structure(answer).to_json_text();
            let mut value = serde_json::from_str(&text).unwrap();
            without_circumstances(&mut value);
            value
        });
        assert_eq!(got, expected, "{endpoint}");
        structured += 1;
    }
    println!(
        "quic: {} cases, {whole} equal to the byte",
        whole + structured
    );
    assert!(whole >= 5 && structured >= 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_for_notices_over_quic_get_the_observed_answers() {
    let vectors = Vectors::load("storage_rpc");
    let world = start(&vectors).await;
    let cases = cases(&vectors, "monitor");
    let mut accepted = 0;
    for case in &cases {
        let case = Case(case);
        set_clocks(&world, case);
        let account: AnyId = case.text("pubkey").parse().unwrap();
        let keeper = &world.network.admin.keepers(&account)[0];
        let (link, _) = client_of(keeper).await;
        let Answer::Reply(got) = ask(&link, "monitor", &case.hex("request")).await else {
            panic!("{}", case.text("label"));
        };
        let expected = case.hex("answer");
        // The quirk of two errors in one dictionary is read, not written.
        match case.text("label") {
            "short P" => {}
            label => assert_eq!(
                String::from_utf8_lossy(&got),
                String::from_utf8_lossy(&expected),
                "{label}"
            ),
        }
        assert_eq!(read_answer(&got), read_answer(&expected));
        let subscribed = keeper.subscriptions();
        assert_eq!(case.flag("ok"), subscribed > 0, "{}", case.text("label"));
        accepted += usize::from(subscribed > 0);
        link.close(0, b"");
        let closed = async {
            while keeper.subscriptions() > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(LIMIT, closed).await.unwrap();
    }
    println!("monitor: {} cases, {accepted} accepted", cases.len());
}
