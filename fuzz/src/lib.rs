//! What the fuzz targets do, one function a target; `fuzz_targets/` only hands over the bytes.
//!
//! They live in a library so that they are compiled once for all targets, and so that
//! `cargo test` can run the committed corpus through them with a stable compiler.

pub mod bt;
#[allow(missing_docs, dead_code, clippy::unwrap_used)]
#[path = "../../session-network/examples/adversary/clear.rs"]
mod clear;
pub mod client;
pub mod config;
#[allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]
#[path = "../../session-client/tests/simulation/course.rs"]
mod course;
pub mod crypto;
#[allow(missing_docs, dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)]
#[path = "../../session-client/tests/simulation/device.rs"]
mod device;
#[allow(missing_docs, dead_code, unreachable_pub, clippy::unwrap_used)]
#[path = "../../session-client/tests/simulation/file_server.rs"]
mod file_server;
pub mod group;
pub mod identity;
pub mod input;
pub mod message;
pub mod onion;
pub mod proto;
#[allow(missing_docs, dead_code, unreachable_pub, clippy::unwrap_used)]
#[path = "../../session-client/tests/simulation/rooms.rs"]
mod rooms;
pub mod services;
pub mod swarm;
pub mod v2;
pub mod whole_client;
#[allow(missing_docs, dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)]
#[path = "../../session-client/tests/simulation/world.rs"]
mod world;

/// Every target: its name, that of its file and its corpus, and its function.
pub const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("bt_bendy", bt::bendy),
    ("bt_parse", bt::parse),
    ("bt_signed", bt::signed),
    ("bt_write", bt::write),
    ("proto_content", proto::content),
    ("proto_envelope", proto::envelope),
    ("proto_padding", proto::padding),
    ("proto_prost", proto::prost),
    ("proto_stream", proto::stream),
    ("proto_wire", proto::wire),
    ("proto_zstd", proto::zstd),
    ("attachment_open", crypto::attachment_open),
    ("attachment_inside", crypto::attachment_inside),
    ("attachment_legacy", crypto::attachment_legacy),
    ("client_machine_events", whole_client::machine_events),
    ("client_records", whole_client::records),
    ("config_decrypt", crypto::config_decrypt),
    ("dh_ladder", crypto::dh_ladder),
    ("ed25519_verify", crypto::ed25519_verify),
    ("push_decrypt", crypto::push_decrypt),
    ("sealed_box", crypto::sealed_box),
    ("xed25519", crypto::xed25519),
    ("blinding", identity::blinding),
    ("community_url", identity::community_url),
    ("ids", identity::ids),
    ("ons_name", identity::ons_name),
    ("phrase_decode", identity::phrase_decode),
    ("phrase_detect", identity::phrase_detect),
    ("subaccount", identity::subaccount),
    ("community_open", message::community_open),
    ("config_unwrap", message::config_unwrap),
    ("direct_inside", message::direct_inside),
    ("direct_open", message::direct_open),
    ("group_inside", message::group_inside),
    ("group_key_message", group::key_message),
    ("group_notice", group::notice),
    ("group_two_admins", group::two_admins),
    ("group_open", message::group_open),
    ("group_zstd", message::group_zstd),
    ("inbox_inside", message::inbox_inside),
    ("inbox_open", message::inbox_open),
    ("message_roundtrip", message::roundtrip),
    ("multi_open", message::multi_open),
    ("notification", message::notification),
    ("onion_layer", onion::layer),
    ("onion_peel", onion::peel),
    ("onion_peel_inside", onion::peel_inside),
    ("onion_quic", onion::quic),
    ("onion_reply", onion::reply),
    ("onion_roundtrip", onion::roundtrip),
    ("onion_server", onion::server),
    ("onion_v3", onion::v3),
    ("onion_v4", onion::v4),
    ("config_dump", config::dump),
    ("config_merge", config::merge),
    ("config_message", config::message),
    ("config_parts", config::parts),
    ("config_types", config::types),
    ("client_machine", client::machine),
    ("client_pool", client::pool),
    ("client_state", client::state),
    ("node_binary", swarm::node_binary),
    ("node_list", swarm::node_list),
    ("ring", swarm::ring),
    ("rpc_answer", swarm::rpc_answer),
    ("rpc_body", swarm::rpc_body),
    ("rpc_client_node", swarm::rpc_client_node),
    ("rpc_json", swarm::rpc_json),
    ("rpc_monitor", swarm::rpc_monitor),
    ("swarm_value", swarm::value),
    ("community_reply", services::community_reply),
    ("community_request", services::community_request),
    ("file_blocks", services::file_blocks),
    ("file_url", services::file_url),
    ("payload_inside", services::payload_inside),
    ("services_reply", services::services_reply),
    ("services_request", services::services_request),
    ("v2_device_group", v2::device_group),
    ("v2_link_request", v2::link_request),
    ("v2_message", v2::message),
    ("v2_publication", v2::publication),
];
