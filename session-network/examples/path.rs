//! Finds the swarm of an account in a list of service nodes, and a path to it.
//!
//! ```text
//! cargo run -p session-network --example path -- 05…
//! ```
#![allow(clippy::print_stdout, clippy::indexing_slicing)]

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use session_crypto::Ed25519Secret;
use session_network::pool::Pool;
use session_network::types::{MonotonicTime, UnixMillis};
use session_network::{Config, Network, Now, Outcome, PostPurpose, Target};
use session_storage::GetSwarm;
use session_swarm::record::{AddressPolicy, NodeList, ReadOptions};
use session_types::AnyId;

/// What a seed node answers to `ServiceNodesRequest`: here of a made-up network of 20 nodes.
fn answer_of_a_seed() -> String {
    let swarms: [&str; 4] = [
        "1fffffffffffffff",
        "7fffffffffffffff",
        "bfffffffffffffff",
        "fffffffffffffffe",
    ];
    let node = |number: u8| {
        let key = Ed25519Secret::from_seed(&[number; 32]).public().to_string();
        let swarm = swarms[usize::from(number % 4)];
        format!(
            r#"{{"pubkey_ed25519":"{key}","public_ip":"10.0.{number}.1","storage_port":22021,
                "storage_lmq_port":22020,"swarm":"{swarm}"}}"#
        )
    };
    let nodes: Vec<String> = (1..=20).map(node).collect();
    let nodes = nodes.join(",");
    format!(r#"{{"result":{{"height":1,"service_node_states":[{nodes}]}}}}"#)
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let given = std::env::args().nth(1);
    let id = given
        .as_deref()
        .unwrap_or("053506f4a71324b7dd114eddbf4e311f39dde243e1f2cb97c40db1961f70ebaae8");
    let account: AnyId = id.parse()?;
    println!(
        "account   {account}\nposition  {:016x}",
        session_swarm::ring::position(&account)
    );

    // Addresses of private networks are refused unless they are asked for.
    let answer = answer_of_a_seed();
    assert!(
        NodeList::from_json(answer.as_bytes(), &ReadOptions::default())?
            .nodes
            .is_empty()
    );
    let options = ReadOptions {
        addresses: AddressPolicy::Any,
        ..ReadOptions::default()
    };
    let list = NodeList::from_json(answer.as_bytes(), &options)?;
    let rng = &mut UnwrapErr(SysRng);
    let pool = Pool::new(list.nodes.clone(), rng);

    // The swarm whose id is nearest on the ring of 2^64 positions.
    for swarm in pool.ring().ids() {
        println!(
            "swarm     {:016x}, {} nodes",
            swarm.get(),
            pool.members(swarm).count()
        );
    }
    let swarm = pool
        .ring()
        .swarm_of(&account)
        .ok_or("the list has no swarms")?;
    println!("nearest   {:016x}", swarm.get());
    let interval = pool.ring().interval(swarm).ok_or("it is one of them")?;
    assert!(interval.contains(session_swarm::ring::position(&account)));

    // A request to one of its members: what is posted, and whom it passes. A guard is tested first.
    let now = Now::new(MonotonicTime::ORIGIN, UnixMillis::new(1_800_000_000_000));
    let mut network = Network::new(Config::default(), Vec::new());
    network.set_nodes(list.nodes, now, rng);
    network.request(Target::SwarmOf(account), GetSwarm { account }, now);
    while let Some(post) = network.poll(now, rng) {
        println!(
            "POST      {} bytes to {}",
            post.body.len(),
            post.endpoint.url()
        );
        match post.purpose {
            PostPurpose::Request { route, .. } => {
                for (role, node) in ["guard", "relay", "relay"].iter().zip(&route.path) {
                    println!("{role}     {} at {}", node.ed25519, node.ip);
                }
                let member = route.node.ok_or("a node answers")?;
                assert_eq!(member.swarm_id, swarm);
                println!("member    {} at {}", member.ed25519, member.ip);
            }
            _ => {
                let outcome = Outcome::Answer {
                    status: 200,
                    body: b"",
                };
                network.report(post.ticket, outcome, now, rng);
            }
        }
    }
    Ok(())
}
