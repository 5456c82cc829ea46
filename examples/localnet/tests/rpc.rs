//! The requests of `tests/vectors/storage_rpc.json` to a network that is up, with the keys of the
//! nodes that were asked then: once as they were, by clocks that are set back, and once made anew
//! for today. They must get the same answers.
#![allow(missing_docs)]

mod support;

use base64ct::{Base64Unpadded, Encoding};
use localnet::fault::now_ms;
use localnet::store::Message;
use serde_json::Value as Json;
use session_crypto::{Ed25519Public, Ed25519Secret};
use session_onion::Cipher;
use session_storage::value::Value;
use session_storage::{Request, SwarmCall};
use support::vectors::{start, without_circumstances};
use support::{Answer, World};
use testkit::{Case, Vectors};

const DAY_MS: u64 = 86_400_000;

/// Adds `delta` to every time in ms that is not far from `sent`.
fn shift(text: &str, sent: u64, delta: i64) -> String {
    let is_part = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+/.".contains(byte))
    };
    let bytes = text.as_bytes();
    let (mut shifted, mut at) = (String::new(), 0);
    while at < text.len() {
        let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit());
        let length = digits.count();
        let number = &text[at..at + length];
        let begins = at == 0 || !is_part(bytes.get(at - 1));
        let time = number.parse().ok().filter(|time: &u64| {
            begins
                && length == 13
                && !is_part(bytes.get(at + length))
                && time.abs_diff(sent) < 62 * DAY_MS
        });
        if let Some(time) = time {
            shifted.push_str(&time.saturating_add_signed(delta).to_string());
            at += length;
        } else {
            let next = text[at..].chars().next().unwrap();
            let step = length.max(next.len_utf8());
            shifted.push_str(&text[at..at + step]);
            at += step;
        }
    }
    shifted
}

/// The keys with which a case can have been signed.
fn keys(case: Case<'_>) -> Vec<Ed25519Secret> {
    ["account_seed", "group_seed", "subaccount_seed"]
        .iter()
        .filter(|seed| case.has(seed))
        .map(|seed| Ed25519Secret::from_seed(&case.array(seed)))
        .collect()
}

/// What a request signs; none if it is not a signed one.
fn signed(request: &Request) -> Option<Vec<u8>> {
    Some(match request {
        Request::Store(call) => call.message(),
        Request::Retrieve(call) => call.message(call.auth?.at),
        Request::Delete(call) => call.message(),
        Request::DeleteAll(call) => call.message(),
        Request::DeleteBefore(call) => call.message(),
        Request::ExpireAll(call) => call.message(),
        Request::Expire(call) => call.message(),
        Request::GetExpiries(call) => call.message(),
        Request::RevokeSubaccount(call) => call.message(),
        Request::UnrevokeSubaccount(call) => call.message(),
        _ => return None,
    })
}

/// All requests in a body, it and those inside of it.
fn requests(body: &Json, found: &mut Vec<Json>) {
    match body {
        Json::Object(entries) => {
            if body["params"]["signature"].is_string() {
                found.push(body.clone());
            }
            entries.values().for_each(|value| requests(value, found));
        }
        Json::Array(items) => items.iter().for_each(|item| requests(item, found)),
        _ => {}
    }
}

/// The same body at another time: times moved, and signatures that were right made again with the
/// same key. Returns how many those are.
fn renew(text: &str, case: Case<'_>, delta: i64) -> (String, usize) {
    let mut renewed = shift(text, case.number("sent_ms"), delta);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    if let (Ok(old), Ok(new)) = (serde_json::from_str(text), serde_json::from_str(&renewed)) {
        requests(&old, &mut before);
        requests(&new, &mut after);
    }
    let mut count = 0;
    for (old, new) in before.iter().zip(&after) {
        let parse = |json: &Json| Request::from_json(json.to_string().as_bytes()).ok();
        let (Some(before), Some(after)) = (parse(old), parse(new)) else {
            continue;
        };
        let (Some(before), Some(after)) = (signed(&before), signed(&after)) else {
            continue;
        };
        // With padding or without.
        let shown = old["params"]["signature"].as_str().unwrap();
        let shown = shown.trim_end_matches('=');
        for key in keys(case) {
            if Base64Unpadded::encode_string(&key.sign(&before).to_bytes()) == shown {
                let again = Base64Unpadded::encode_string(&key.sign(&after).to_bytes());
                renewed = renewed.replace(shown, &again);
                count += 1;
            }
        }
    }
    assert!(
        delta != 0 || renewed == text,
        "signatures are deterministic"
    );
    (renewed, count)
}

/// Where an answer cuts an expiry to thirty days from now, by the clock of each node: the cut ones
/// are made equal, and signatures, which cover them, are left out.
fn without_cuts(value: &mut Json, now: u64, resigned: bool) -> bool {
    let mut is_cut = false;
    if let Some(time) = value.as_u64() {
        if time.abs_diff(now + 30 * DAY_MS) < 10_000 {
            *value = "cut".into();
            is_cut = true;
        }
    } else if let Some(items) = value.as_array_mut() {
        for item in items {
            is_cut |= without_cuts(item, now, resigned);
        }
    } else if let Some(entries) = value.as_object_mut() {
        for entry in entries.values_mut() {
            is_cut |= without_cuts(entry, now, resigned);
        }
        if (is_cut || resigned)
            && let Some(signature) = entries.get_mut("signature")
        {
            *signature = signature.as_str().unwrap().len().into();
        }
    }
    is_cut
}

/// Whether every node whose entry is no failure has signed it.
fn verify(request: &Request, answer: &str) {
    fn all<C: SwarmCall>(call: &C, answer: &Value) {
        let answer = call.read_answer(answer).unwrap();
        let verified = answer.verify(call, |_| true);
        assert!(verified.forged.is_empty(), "{:?}", verified.forged);
    }
    let Ok(answer) = Value::from_json(answer.as_bytes()) else {
        return;
    };
    if answer.get("swarm").and_then(Value::as_dict).is_none() {
        return;
    }
    match request {
        Request::Store(call) => all(call, &answer),
        Request::Delete(call) => all(call, &answer),
        Request::DeleteAll(call) => all(call, &answer),
        Request::DeleteBefore(call) => all(call, &answer),
        Request::ExpireAll(call) => all(call, &answer),
        Request::Expire(call) => all(call, &answer),
        Request::RevokeSubaccount(call) => all(call, &answer),
        Request::UnrevokeSubaccount(call) => all(call, &answer),
        _ => {}
    }
}

/// Takes the nodes down that were down when an answer was given, and brings the others up. Messages
/// that an answer tells of were stored by requests that the vectors do not show.
async fn set_up_nodes(world: &World, case: Case<'_>, expected: &Json, now: u64) {
    let account: [u8; 33] = case.array("pubkey");
    for node in &world.network.nodes {
        let entry = &expected["swarm"][node.name()];
        if entry["timeout"] == true {
            node.down();
        } else {
            node.up().await.unwrap();
        }
        for told in ["deleted", "updated"] {
            for hash in entry[told].as_array().into_iter().flatten() {
                let message = Message {
                    hash: hash.as_str().unwrap().to_owned(),
                    timestamp: now,
                    expiry: now + 60_000,
                    data: vec![],
                };
                let stored = node.store().insert(&account, 11, false, &message);
                stored.unwrap();
            }
        }
    }
}

async fn replay(delta_of: impl FnOnce(u64) -> i64) {
    let vectors = Vectors::load("storage_rpc");
    let world = start(&vectors).await;
    let mut cases = Vec::new();
    for array in ["accepted", "rejected", "partial_failure"] {
        vectors.each(array, |case| cases.push((array, case.0.clone())));
    }
    cases.sort_by_key(|(_, case)| case["index"].as_u64());
    let delta = delta_of(cases[0].1["sent_ms"].as_u64().unwrap());
    let (mut exact, mut through_onions, mut renewed) = (0, 0, 0);
    for (number, (array, case)) in cases.iter().enumerate() {
        let case = Case(case);
        // Newer than the server that was observed.
        if ["revoked_subaccounts", "active_nodes_bin"].contains(&case.text("method")) {
            continue;
        }
        let name = format!("{array} {} ({})", case.number("index"), case.text("label"));
        let sent = case.number("sent_ms");
        let text = case.opt_text("request_text");
        let body = match text {
            Some(text) => {
                let (text, count) = renew(text, case, delta);
                renewed += count;
                text.into_bytes()
            }
            None => case.hex("request"),
        };
        let now = sent.saturating_add_signed(delta);
        let expected = shift(case.text("answer_text"), sent, delta);
        let parse = |text: &str| -> Json { serde_json::from_str(text).unwrap_or(text.into()) };
        let mut shown = parse(&expected);
        if *array == "partial_failure" {
            set_up_nodes(&world, case, &shown, now).await;
        }
        let clock = i64::try_from(now).unwrap() - i64::try_from(now_ms(0)).unwrap();
        for node in &world.network.nodes {
            node.faults.change(|fault| fault.clock_ms = clock);
        }
        let key = Ed25519Public::from_bytes(case.array("node_ed25519_pk"));
        let node = world.network.node(&key).unwrap();
        let (status, answer): Answer = match case.number("status") {
            410 => {
                let request =
                    hyper::Request::post("/storage_rpc/v1").header("x-loki-long-poll", "1");
                world.send(node, request, &body).await
            }
            _ if number % 3 == 0 => {
                through_onions += 1;
                let ciphers = [Cipher::XChaCha20, Cipher::AesGcm];
                world.onion(node, &body, ciphers[number / 3 % 2]).await
            }
            _ => world.direct(node, &body).await,
        };
        assert_eq!(u64::from(status), case.number("status"), "{name}: {answer}");
        if answer == expected {
            exact += 1;
            continue;
        }
        if let Ok(request) = Request::from_json(&body) {
            verify(&request, &answer);
        }
        let mut got = parse(&answer);
        for side in [&mut got, &mut shown] {
            without_circumstances(side);
            without_cuts(side, now, delta != 0);
        }
        assert_eq!(got, shown, "{name}");
    }
    println!(
        "{} requests, {through_onions} of them through onions, {renewed} signatures made anew; \
         {exact} answers equal to the byte",
        cases.len()
    );
    assert!(renewed > 300, "{renewed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn observed_requests_get_the_observed_answers() {
    replay(|_| 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn observed_requests_made_anew_get_the_observed_answers() {
    replay(|sent| i64::try_from(now_ms(0)).unwrap() - i64::try_from(sent).unwrap()).await;
}
