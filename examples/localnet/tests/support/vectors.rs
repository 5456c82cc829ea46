//! The network of the nodes of `tests/vectors/storage_rpc.json`, and what its answers may differ in.

use serde_json::{Value as Json, json};
use session_crypto::Ed25519Public;
use session_types::SwarmId;
use testkit::Vectors;

use super::World;

/// Fields that only one of the two daemons gives.
const DAEMON_OWN: [&str; 4] = [
    "requested_unlock_height",
    "service_node_version",
    "snode_revision",
    "target_height",
];

/// A network of the nodes of the vectors.
pub async fn start(vectors: &Vectors) -> World {
    let folder = tempfile::tempdir().unwrap();
    let mut keys = Vec::new();
    vectors.each("nodes", |case| {
        let swarm: u64 = case.text("swarm_id_text").parse().unwrap();
        keys.push(json!({
            "seed": case.text("ed25519_seed"),
            "port": 0,
            "swarm": SwarmId::new(swarm).to_string(),
        }));
    });
    std::fs::write(folder.path().join("keys.json"), json!(keys).to_string()).unwrap();
    let world = World::start_in(folder, |plan| plan.servers = false).await;
    vectors.each("nodes", |case| {
        let key = Ed25519Public::from_bytes(case.array("ed25519_pk"));
        assert!(world.network.node(&key).is_some());
    });
    world
}

/// How the nodes of one network differ from those of another that are otherwise the same: by
/// address, by what the chain says of itself, and in the clocks. The daemon behind the observed
/// nodes was a stand-in with some fields of its own.
pub fn without_circumstances(value: &mut Json) {
    if let Some(entries) = value.as_object_mut() {
        entries.retain(|key, _| !DAEMON_OWN.contains(&key.as_str()));
        for (key, value) in entries {
            match key.as_str() {
                "t" | "timestamp" => *value = 0.into(),
                "port" => *value = value.is_string().into(),
                "ip" | "public_ip" => *value = value.is_string().into(),
                "address" => *value = value.as_str().unwrap().ends_with(".snode").into(),
                "pubkey_legacy" | "service_node_pubkey" | "block_hash" => {
                    *value = value.as_str().unwrap().len().into();
                }
                "port_https" | "port_omq" | "port_quic" | "storage_port" | "storage_lmq_port"
                | "height" => *value = value.is_u64().into(),
                _ => without_circumstances(value),
            }
        }
    } else if let Some(items) = value.as_array_mut() {
        items.iter_mut().for_each(without_circumstances);
    }
}
