//! The vectors of `tests/vectors/` that concern what a client knows of the network.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::std_instead_of_alloc,
    missing_docs
)]

use std::collections::BTreeSet;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use session_network::pool::Pool;
use session_storage::value::Value;
use session_storage::{Call, GetSwarm};
use session_swarm::record::{AddressPolicy, NodeList, ReadOptions};
use session_types::AnyId;
use testkit::Vectors;

#[test]
fn the_pool_has_the_members_that_deployed_nodes_name() {
    Vectors::load("storage_rpc").each("swarm", |case| {
        let options = ReadOptions {
            addresses: AddressPolicy::Any,
            ..ReadOptions::default()
        };
        let text = case.text("service_nodes_answer_text");
        let list = NodeList::from_json(text.as_bytes(), &options).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let pool = Pool::new(list.nodes, &mut rng);
        for account in case.list("accounts") {
            let id: AnyId = account.text("pubkey").parse().unwrap();
            let swarm = pool.ring().swarm_of(&id).unwrap();
            assert_eq!(swarm.to_string(), account.text("swarm_text"));
        }
        let answers = case.value("get_swarm_answers_text").as_array().unwrap();
        assert!(!answers.is_empty());
        for answer in answers {
            let body = Value::from_json(answer.as_str().unwrap().as_bytes()).unwrap();
            let account = AnyId::from_bytes([5; 33]);
            let told = GetSwarm { account }.read_answer(&body).unwrap().swarm;
            let told_members: BTreeSet<_> = told.nodes.iter().map(|node| node.ed25519).collect();
            let members: BTreeSet<_> = pool.members(told.swarm).map(|node| node.ed25519).collect();
            assert_eq!(members, told_members);
        }
    });
}
