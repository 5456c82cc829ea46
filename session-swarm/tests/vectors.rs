//! The vectors of `tests/vectors/` that concern nodes and swarms.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::std_instead_of_alloc,
    missing_docs
)]

use session_swarm::SwarmRing;
use session_swarm::record::{AddressPolicy, NodeList, ReadOptions};
use session_swarm::ring::position;
use session_types::{AnyId, SwarmId};
use testkit::Vectors;

#[test]
fn swarm_choice_over_all_layouts() {
    Vectors::load("storage_rpc").each("swarm", |case| {
        let ids = case.value("swarm_ids_text").as_array().unwrap().iter();
        let ids = ids.map(|id| SwarmId::new(id.as_str().unwrap().parse().unwrap()));
        let ring: SwarmRing = ids.collect();
        let accounts = case.list("accounts");
        assert!(!accounts.is_empty());
        for account in accounts {
            let id: AnyId = account.text("pubkey").parse().unwrap();
            assert_eq!(position(&id), account.decimal("position_text"));
            let swarm = ring.swarm_of(&id).unwrap();
            assert_eq!(swarm.get(), account.decimal("swarm_id_text"));
            assert_eq!(swarm.to_string(), account.text("swarm_text"));
            for other in ring.ids() {
                let owns = ring.interval(other).unwrap().contains(position(&id));
                assert_eq!(owns, other == swarm);
            }
        }
        let options = ReadOptions {
            addresses: AddressPolicy::Any,
            ..ReadOptions::default()
        };
        let text = case.text("service_nodes_answer_text");
        let list = NodeList::from_json(text.as_bytes(), &options).unwrap();
        assert_eq!(list.skipped.total(), 0);
        assert!(list.height >= Some(1_600_000));
        let of_list: SwarmRing = list.nodes.iter().map(|node| node.swarm_id).collect();
        assert_eq!(of_list, ring);
        for answer in case.value("get_swarm_answers_text").as_array().unwrap() {
            // The reader of lists takes the answer to `get_swarm` too.
            let text = answer.as_str().unwrap();
            let members = NodeList::from_json(text.as_bytes(), &options).unwrap();
            assert!(!members.nodes.is_empty());
            assert_eq!(members.skipped.total(), 0);
            assert_eq!(text.matches("pubkey_ed25519").count(), members.nodes.len());
        }
    });
}
