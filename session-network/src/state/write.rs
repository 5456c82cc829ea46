//! Writes the content of a saved state.

use alloc::vec::Vec;

use session_crypto::{Ed25519Public, X25519Public};
use session_proto::bt::{self, ListWriter};
use session_swarm::ServiceNode;
use session_types::UnixMillis;

use super::{SavedState, VERSION};
use crate::exchange::Purpose;
use crate::time::millis;

/// How the purposes of paths are written.
pub(super) const STANDARD: u64 = 0;
pub(super) const FILE: u64 = 1;

fn time(list: &mut ListWriter<'_>, time: UnixMillis) {
    list.int(time.get());
}

/// A list with one time, or none.
fn optional(list: &mut ListWriter<'_>, value: Option<UnixMillis>) {
    list.list(|list| {
        if let Some(value) = value {
            time(list, value);
        }
    });
}

fn key(list: &mut ListWriter<'_>, key: &Ed25519Public) {
    list.bytes(key.as_bytes());
}

/// A record as bytes, so that a list of nodes is a list of strings.
///
/// | Size | Field |
/// |---|---|
/// | 32 | Ed25519 key |
/// | 33 | 1 and the X25519 key, or zeros |
/// | 33 | 1 and the legacy key, or zeros |
/// | 4 | IPv4 address |
/// | 2, 2 | ports of HTTPS and OxenMQ, big-endian |
/// | 6 | version, three big-endian numbers |
/// | 8 | swarm, big-endian |
/// | 8 | height at which it leaves, big-endian |
pub(super) fn node(node: &ServiceNode) -> Vec<u8> {
    let mut out = Vec::with_capacity(super::read::NODE_LENGTH);
    out.extend_from_slice(node.ed25519.as_bytes());
    for key in [node.x25519.map(X25519Public::to_bytes), node.legacy] {
        out.push(key.is_some().into());
        // Absent: the flag before says so, and the reader skips the bytes.
        out.extend_from_slice(&key.unwrap_or([0; 32]));
    }
    out.extend_from_slice(&node.ip.octets());
    out.extend_from_slice(&node.https_port.to_be_bytes());
    out.extend_from_slice(&node.omq_port.to_be_bytes());
    for part in node.version.0 {
        out.extend_from_slice(&part.to_be_bytes());
    }
    out.extend_from_slice(&node.swarm_id.get().to_be_bytes());
    out.extend_from_slice(&node.requested_unlock_height.to_be_bytes());
    out
}

pub(super) fn content(state: &SavedState) -> Vec<u8> {
    bt::dict(|dict| {
        if let Some(usual) = state.usual {
            dict.int(b"a", millis(usual));
        }
        if let Some(offset) = state.clock {
            dict.int(b"c", offset);
        }
        dict.list(b"g", |list| {
            for guard in &state.guards {
                list.list(|list| {
                    list.bytes(&node(&guard.node));
                    time(list, guard.since);
                    time(list, guard.until);
                    optional(list, guard.missing);
                    let [built, worked] = guard.paths;
                    list.int(u64::from(built)).int(u64::from(worked));
                    list.int(u64::from(guard.suspect));
                    list.int(u64::from(guard.proven));
                });
            }
        });
        dict.list(b"h", |list| {
            for (account, namespace, node, hash, expiry) in state.last_hashes.iter() {
                list.list(|list| {
                    list.bytes(account.as_bytes());
                    list.int(i64::from(namespace.number()));
                    key(list, node);
                    list.bytes(hash.as_bytes()).int(expiry);
                });
            }
        });
        dict.list(b"l", |list| {
            for node in &state.lately {
                key(list, node);
            }
        });
        dict.list(b"m", |list| {
            for (node, until) in &state.middles {
                key(list, node);
                time(list, *until);
            }
        });
        dict.list(b"n", |list| {
            for record in &state.nodes {
                list.bytes(&node(record));
            }
        });
        dict.list(b"p", |list| {
            for path in &state.paths {
                list.list(|list| {
                    list.int(match path.purpose {
                        Purpose::Standard => STANDARD,
                        Purpose::File => FILE,
                    });
                    time(list, path.built);
                    list.int(u64::from(path.in_doubt));
                    for hop in &path.hops {
                        key(list, hop);
                    }
                });
            }
        });
        dict.list(b"s", |list| {
            for mark in &state.strikes {
                list.list(|list| {
                    key(list, &mark.node);
                    optional(list, mark.rest.map(|(until, _)| until));
                    list.int(mark.rest.map_or(0, |(_, times)| u64::from(times)));
                    for strike in &mark.strikes {
                        time(list, *strike);
                    }
                });
            }
        });
        if let Some(updated) = state.updated {
            dict.int(b"t", updated.get());
        }
        dict.list(b"u", |list| {
            for (node, guard, at) in &state.suspicions {
                list.list(|list| {
                    key(list, node);
                    list.bytes(guard.as_ref().map_or(&[], |guard| guard.as_bytes()));
                    time(list, *at);
                });
            }
        });
        dict.int(b"v", VERSION);
    })
}
