//! The vectors of `tests/vectors/`, as far as this crate answers for them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unreachable,
    missing_docs,
    unreachable_pub
)]

mod support;

use serde_json::Value as Json;
use session_crypto::{Ed25519Public, Ed25519Secret, Ed25519Signature};
use session_swarm::record::{AddressPolicy, NodeList, ReadOptions};
use session_swarm::rpc::*;
use session_swarm::value::Value;
use session_swarm::{MessageHash, Namespace, StorageAccount, SwarmId, SwarmRing};
use support::{At, Network, Node};
use testkit::{Case, Vectors};

fn number(case: Case<'_>, field: &str) -> u64 {
    case.text(field).parse().unwrap()
}

fn network(vectors: &Vectors) -> Network {
    let mut nodes = Vec::new();
    vectors.each("nodes", |case| {
        let ip: std::net::Ipv4Addr = case.text("public_ip").parse().unwrap();
        let https = u16::try_from(case.number("storage_port")).unwrap();
        let omq = u16::try_from(case.number("storage_lmq_port")).unwrap();
        let swarm = number(case, "swarm_id_text");
        let mut node = Node::new(case.array("ed25519_seed"), ip.octets(), https, omq, swarm);
        node.record.legacy = Some(case.array("legacy_pk"));
        assert_eq!(node.record.ed25519.to_bytes(), case.array("ed25519_pk"));
        assert_eq!(
            node.record.onion_key().unwrap().to_bytes(),
            case.array("x25519_pk")
        );
        nodes.push(node);
    });
    Network::new(nodes)
}

/// All cases of several arrays in the order in which they were sent.
fn in_order<'a>(all: &'a Json, arrays: &[&str]) -> Vec<(String, Case<'a>)> {
    let mut cases = Vec::new();
    for array in arrays {
        let list = all[*array].as_array().unwrap();
        assert!(!list.is_empty(), "array {array} is empty");
        println!("storage_rpc: {array}: {} cases", list.len());
        cases.extend(list.iter().map(|case| ((*array).to_owned(), Case(case))));
    }
    cases.sort_by_key(|(_, case)| case.number("index"));
    cases
}

/// The file as it is, for tests that join arrays.
fn whole_file() -> Json {
    let folder = std::env::var_os("SESSION_VECTORS").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors"),
        std::path::PathBuf::from,
    );
    serde_json::from_str(&std::fs::read_to_string(folder.join("storage_rpc.json")).unwrap())
        .unwrap()
}

fn node_key(case: Case<'_>) -> Ed25519Public {
    Ed25519Public::from_bytes(case.array("node_ed25519_pk"))
}

fn request_bytes(case: Case<'_>) -> Vec<u8> {
    match case.opt_text("request_text") {
        Some(text) => text.as_bytes().to_vec(),
        None => case.hex("request"),
    }
}

/// The clocks that an observed answer shows.
fn clocks(case: Case<'_>) -> At {
    let sent = case.number("sent_ms");
    let answer: Json = serde_json::from_str(case.text("answer_text")).unwrap_or_default();
    let t = answer["t"].as_u64().unwrap_or(sent);
    let own = &answer["swarm"][case.text("node_ed25519_pk")]["t"];
    At {
        now_ms: sent,
        t,
        own_t: own.as_u64().unwrap_or(t),
    }
}

/// Sets all clocks in an answer to 0, and all expiries that were cut to thirty days after the
/// node's own clock, which nobody knows to the millisecond, to their difference.
fn without_clocks(value: &mut Json) {
    match value {
        Json::Object(entries) => {
            for (key, value) in entries {
                if key == "t" || key == "timestamp" && !value.is_string() {
                    *value = 0.into();
                } else {
                    without_clocks(value);
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(without_clocks),
        _ => {}
    }
}

#[test]
fn observed_requests_get_the_observed_answers() {
    let vectors = Vectors::load("storage_rpc");
    let mut network = network(&vectors);
    let all = whole_file();
    let mut exact = 0;
    for (array, case) in in_order(&all, &["accepted", "rejected"]) {
        let name = format!(
            "{array} {} {} ({})",
            case.number("index"),
            case.text("method"),
            case.text("label")
        );
        let at = clocks(case);
        let own = node_key(case);
        let response = match Request::from_json(&request_bytes(case)) {
            _ if case.number("status") == 410 => Response::refuse(&RpcError::LongPolling),
            // Newer than the observed server.
            Ok(Request::RevokedSubaccounts(_) | Request::ActiveNodesBin(_)) => continue,
            Ok(request) => network.serve(&own, &request, at),
            Err(_) if case.text("method") == "revoked_subaccounts" => continue,
            Err(error) => Response::refuse(&error),
        };
        let answer = String::from_utf8(response.json_body()).unwrap();
        let expected = case.text("answer_text");
        assert_eq!(
            u64::from(response.status),
            case.number("status"),
            "{name}: {answer}"
        );
        if answer == expected {
            exact += 1;
        } else {
            let parse = |text: &str| -> Json { serde_json::from_str(text).unwrap_or(text.into()) };
            let (mut answer, mut expected) = (parse(&answer), parse(expected));
            without_clocks(&mut answer);
            without_clocks(&mut expected);
            assert_eq!(answer, expected, "{name}");
        }
    }
    println!("{exact} answers equal to the byte");
}
