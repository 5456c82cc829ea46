//! Finds the swarm of an account in a list of service nodes, and a path to it.
//!
//! ```text
//! cargo run -p session-swarm --example swarm -- 05…
//! ```
#![allow(clippy::print_stdout, clippy::indexing_slicing)]

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use session_crypto::Ed25519Secret;
use session_network::Strikes;
use session_network::path::{Exclusions, PathConfig, pick};
use session_network::pool::Pool;
use session_swarm::record::{AddressPolicy, NodeList, ReadOptions};
use session_swarm::ring::position;
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
    println!("account   {account}\nposition  {:016x}", position(&account));

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
    let pool = Pool::new(list.nodes, 0, rng);

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
    assert!(interval.contains(position(&account)));

    // A path to one of its members: three nodes of different /24 networks, and not this one.
    let member = pool.members(swarm).next().ok_or("a swarm has members")?;
    let mut taken = Exclusions::default();
    taken.add(member);
    let path = pick(
        &pool,
        &Strikes::default(),
        0,
        None,
        &taken,
        &PathConfig::default(),
        rng,
    )
    .ok_or("too few nodes for a path")?;
    for (role, node) in ["guard", "relay", "relay"].iter().zip(&path) {
        println!("{role}     {} at {}", node.ed25519, node.ip);
        assert_ne!(node.ed25519, member.ed25519);
    }
    println!("member    {} at {}", member.ed25519, member.ip);
    Ok(())
}
