//! Node lists of strangers: entries are skipped and counted, or there is a typed error; never a
//! panic.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::std_instead_of_core,
    missing_docs
)]

use proptest::prelude::*;
use session_swarm::record::{
    AddressPolicy, MAX_NODES, NodeList, ReadOptions, RecordError, read_binary,
};
use session_types::SwarmId;

const KEY: &str = "1f000f09a7b07828dcb72af7cd16857050c10c02bd58afb0e38111fb6cda1fef";

fn read(nodes: &str) -> NodeList {
    let json = format!(r#"{{"result":{{"service_node_states":[{nodes}],"height":7}}}}"#);
    NodeList::from_json(json.as_bytes(), &ReadOptions::default()).unwrap()
}

fn node(fields: &str) -> String {
    format!(r#"{{"pubkey_ed25519":"{KEY}","public_ip":"1.1.1.1","storage_port":443{fields}}}"#)
}

#[test]
fn entries_that_cannot_be_used_are_skipped_and_counted() {
    let good = read(&node(""));
    assert_eq!(
        (good.nodes.len(), good.skipped.total(), good.height),
        (1, 0, Some(7))
    );
    assert_eq!(good.nodes[0].swarm_id, SwarmId::UNASSIGNED);
    for malformed in [
        "5".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        node(r#","pubkey_x25519":"zz""#),
        node(r#","swarm_id":"5""#),
        node(r#","swarm_id":-1"#),
        node(r#","swarm_id":1.5"#),
        node(r#","swarm":"xyz""#),
        node(r#","storage_server_version":["2"]"#),
        node(r#","storage_server_version":{}"#),
        node(r#","requested_unlock_height":"9""#),
        node("").replace("443", r#""443""#),
        node("").replace("443", "-443"),
        node("").replace("1.1.1.1", "1.1.1"),
        node("").replace("1.1.1.1", "::1"),
        node("").replace(KEY, "1f"),
    ] {
        let list = read(&malformed);
        assert_eq!(
            (list.nodes.len(), list.skipped.malformed),
            (0, 1),
            "{malformed}"
        );
    }
    let skipped = |text: &str| read(text).skipped;
    assert_eq!(skipped(&node("").replace("1.1.1.1", "0.0.0.0")).address, 1);
    assert_eq!(
        skipped(&node("").replace(r#""public_ip":"1.1.1.1","#, "")).address,
        1
    );
    for ip in ["10.0.0.1", "127.0.0.1", "192.168.0.1", "255.255.255.255"] {
        assert_eq!(
            skipped(&node("").replace("1.1.1.1", ip)).forbidden_address,
            1
        );
    }
    for port in ["0", "65536", "18446744073709551615"] {
        assert_eq!(skipped(&node("").replace("443", port)).port, 1);
    }
    let twice = read(&format!("{},{}", node(""), node(r#","swarm_id":5"#)));
    assert_eq!((twice.nodes.len(), twice.skipped.duplicate), (1, 1));
}

#[test]
fn swarm_ids_keep_all_bits_and_versions_any_form() {
    let list = read(&node(
        r#","swarm_id":18446744073709551613,"storage_server_version":"2.8""#,
    ));
    assert_eq!(list.nodes[0].swarm_id.get(), u64::MAX - 2);
    assert_eq!(list.nodes[0].version.0, [2, 8, 0]);
    let list = read(&node(
        r#","swarm":"fffffffffffffffd","storage_server_version":[70000,1,2,3]"#,
    ));
    assert_eq!(list.nodes[0].swarm_id.get(), u64::MAX - 2);
    assert_eq!(list.nodes[0].version.0, [65535, 1, 2]);
}

#[test]
fn a_list_of_a_hundred_thousand_is_cut() {
    let mut text = String::new();
    for index in 0..100_000u32 {
        let key = format!("{index:064x}");
        text.push_str(if index == 0 { "" } else { "," });
        text.push_str(&node("").replace(KEY, &key));
    }
    let list = read(&text);
    assert_eq!(list.nodes.len(), MAX_NODES);
    assert_eq!(list.skipped.surplus, 100_000 - MAX_NODES);
}

#[test]
fn what_is_no_list_is_an_error() {
    let read = |text: &[u8]| NodeList::from_json(text, &ReadOptions::default());
    assert_eq!(read(b"{}"), Err(RecordError::NoList));
    assert_eq!(read(b"[]"), Err(RecordError::NoList));
    assert_eq!(read(br#"{"snodes":5}"#), Err(RecordError::NoList));
    assert_eq!(read(b"nope"), Err(RecordError::Json));
    assert_eq!(read("[".repeat(200_000).as_bytes()), Err(RecordError::Json));
    let deep = format!(r#"{{"snodes":[{}"#, r#"{"ip":["#.repeat(100_000));
    assert_eq!(read(deep.as_bytes()), Err(RecordError::Json));
}

#[test]
fn of_a_field_given_twice_the_last_one_counts_and_of_two_names_the_first() {
    let list = read(&node(
        r#","swarm_id":5,"swarm_id":6,"swarm":"7","ip":"9.9.9.9","port_https":9"#,
    ));
    assert_eq!(list.nodes[0].swarm_id.get(), 6);
    assert_eq!(list.nodes[0].ip.octets(), [1, 1, 1, 1]);
    assert_eq!(list.nodes[0].https_port, 443);
    // So do two lists, whose entries are added.
    let key = KEY.replace("1f000f", "2f000f");
    let twice = format!(
        r#"{{"snodes":[{}],"snodes":[{}]}}"#,
        node(""),
        node("").replace(KEY, &key)
    );
    let list = NodeList::from_json(twice.as_bytes(), &ReadOptions::default()).unwrap();
    assert_eq!(list.nodes.len(), 2);
}

#[test]
fn versions_that_are_none_are_refused_and_strange_ones_kept() {
    for (version, expected) in [
        (r#""2.11.0""#, Some([2, 11, 0])),
        (r#""2""#, Some([2, 0, 0])),
        (r#"[]"#, Some([0; 3])),
        ("null", Some([0; 3])),
        (r#"[0,0,0]"#, Some([0; 3])),
        (r#"[9999,1,1,1,1,1]"#, Some([9999, 1, 1])),
        (r#""""#, None),
        (r#""v2.11""#, None),
        (r#""2.-1""#, None),
        (r#""70000.1""#, None),
        (r#"[-1]"#, None),
        (r#"[1.5]"#, None),
        (r#"["2"]"#, None),
        ("211", None),
        ("true", None),
    ] {
        let list = read(&node(&format!(r#","storage_server_version":{version}"#)));
        let read = list.nodes.first().map(|node| node.version.0);
        assert_eq!(read, expected, "{version}");
        assert_eq!(list.skipped.malformed, usize::from(expected.is_none()));
    }
}

#[test]
fn departed_nodes_of_a_bundled_list_are_dropped() {
    let leaves = node(r#","requested_unlock_height":8"#);
    let mut list = read(&leaves);
    assert_eq!(list.drop_departed(119), 0);
    assert_eq!(list.drop_departed(120), 1);
}

proptest! {
    #[test]
    fn no_list_of_a_stranger_panics(
        body in proptest::collection::vec(any::<u8>(), 0..160),
        prefix in "(\\{|\\[|)",
    ) {
        let body = [prefix.as_bytes(), &body].concat();
        let options = ReadOptions { addresses: AddressPolicy::Any, ..ReadOptions::default() };
        let _ = NodeList::from_json(&body, &options);
        let _ = read_binary(&body);
    }
}
