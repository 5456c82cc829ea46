//! Messages on the move: when the swarms change, nodes push what they keep to those who keep it
//! from now on (protocol: swarm, section 6.2).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use session_proto::bt;
use session_swarm::record::ServiceNode;
use session_swarm::ring::{SwarmId, SwarmRing};
use session_swarm::{Namespace, StorageAccount};

use crate::node::Node;
use crate::store::Message;

/// The version of the format.
const VERSION: u8 = 1;
/// About the size of one body, in bytes.
const BODY: usize = 9_000_000;
/// How long a node waits for another one to take a body.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// A message with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Whose it is.
    pub account: StorageAccount,
    /// In which namespace.
    pub namespace: Namespace,
    /// The message.
    pub message: Message,
}

/// Writes items into bodies: the version, then a bencoded list of lists. To the five fields of the
/// deployed format a sixth is added, the namespace, without which everything would arrive in 0.
pub fn write(items: &[Item]) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    let mut rest = items;
    while !rest.is_empty() {
        let mut size = 0;
        let fits = |item: &&Item| {
            size += 150 + item.message.data.len();
            size <= BODY
        };
        // One item always fits.
        let count = rest.iter().take_while(fits).count().max(1);
        let (now, later) = rest.split_at(count);
        rest = later;
        let mut body = vec![VERSION];
        body.extend(bt::list(|list| {
            for item in now {
                list.list(|fields| {
                    fields
                        .bytes(item.account.as_bytes())
                        .bytes(item.message.hash.as_bytes())
                        .int(item.message.timestamp)
                        .int(item.message.expiry)
                        .bytes(&item.message.data)
                        .int(i64::from(item.namespace.number()));
                });
            }
        }));
        bodies.push(body);
    }
    bodies
}

/// Reads a body; none if it is not one.
pub fn read(body: &[u8]) -> Option<Vec<Item>> {
    let (version, list) = body.split_first()?;
    if *version != VERSION {
        return None;
    }
    let list = bt::parse_list(list).ok()?;
    list.iter()
        .map(|entry| {
            let fields: Vec<bt::Value<'_>> = entry.as_list()?.iter().collect();
            let [account, hash, timestamp, expiry, data, namespace] = fields.as_slice() else {
                return None;
            };
            Some(Item {
                account: StorageAccount::from_bytes(account.as_bytes()?.try_into().ok()?),
                namespace: Namespace::new(i16::try_from(namespace.as_int()?.as_i128()).ok()?),
                message: Message {
                    hash: String::from_utf8(hash.as_bytes()?.to_vec()).ok()?,
                    timestamp: u64::try_from(timestamp.as_int()?.as_i128()).ok()?,
                    expiry: u64::try_from(expiry.as_int()?.as_i128()).ok()?,
                    data: data.as_bytes()?.to_vec(),
                },
            })
        })
        .collect()
}

fn ring(nodes: &[ServiceNode]) -> SwarmRing {
    nodes.iter().map(|node| node.swarm_id).collect()
}

/// What one node has to push, and to whom: its messages for which `wanted` is true.
struct Errand {
    to: Vec<ServiceNode>,
    wanted: Box<dyn Fn(&StorageAccount) -> bool + Send + Sync>,
}

/// What a node has to do after a change of the list.
fn errands(own: &Node, before: &[ServiceNode], after: &[ServiceNode]) -> Vec<Errand> {
    let find = |list: &[ServiceNode]| {
        list.iter()
            .find(|node| node.ed25519 == *own.public())
            .map(|node| node.swarm_id)
    };
    let (Some(was), Some(is)) = (find(before), find(after)) else {
        return vec![];
    };
    if !was.is_assigned() || !is.is_assigned() {
        return vec![];
    }
    let (old, new) = (ring(before), ring(after));
    let members = |swarm: SwarmId| -> Vec<ServiceNode> {
        let others = after.iter().filter(|node| node.swarm_id == swarm);
        others
            .filter(|node| node.ed25519 != *own.public())
            .copied()
            .collect()
    };
    let to_swarm = |swarm: SwarmId| {
        let new = new.clone();
        Errand {
            to: members(swarm),
            wanted: Box::new(move |account| new.swarm_of(account) == Some(swarm)),
        }
    };
    if was != is {
        // Somebody stays behind who keeps the messages of the old swarm, unless it is dissolved.
        let dissolved = !new.contains(was);
        return if dissolved {
            new.ids().map(to_swarm).collect()
        } else {
            vec![]
        };
    }
    let known: BTreeSet<[u8; 32]> = before
        .iter()
        .filter(|node| node.swarm_id == is)
        .map(|node| node.ed25519.to_bytes())
        .collect();
    let mut newcomers = members(is);
    newcomers.retain(|node| !known.contains(node.ed25519.as_bytes()));
    let mut errands = vec![Errand {
        to: newcomers,
        wanted: Box::new(|_| true),
    }];
    errands.extend(new.ids().filter(|id| !old.contains(*id)).map(to_swarm));
    errands
}

/// Lets every node push what it has to after the list has changed.
pub async fn follow(nodes: &[Arc<Node>], before: &[ServiceNode], after: &[ServiceNode]) {
    for node in nodes.iter().filter(|node| node.is_up()) {
        for errand in errands(node, before, after) {
            if errand.to.is_empty() {
                continue;
            }
            let all = node.store().all().unwrap_or_default();
            let items: Vec<Item> = all
                .into_iter()
                .filter(|item| (errand.wanted)(&item.account))
                .collect();
            for body in write(&items) {
                for peer in &errand.to {
                    // One that is down now asks nobody later; the deployed one does not either.
                    let _ = node.push(peer, body.clone()).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(namespace: i16, size: usize) -> Item {
        Item {
            account: StorageAccount::from_bytes([5; 33]),
            namespace: Namespace::new(namespace),
            message: Message {
                hash: "hash".into(),
                timestamp: 12_345_678,
                expiry: 15_801_678,
                data: vec![7; size],
            },
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let items = [item(0, 5), item(-11, 0), item(2, 3)];
        let bodies = write(&items);
        assert_eq!(bodies.len(), 1);
        assert_eq!(read(&bodies[0]).unwrap(), items);
        assert!(write(&[]).is_empty());
    }

    #[test]
    fn much_is_cut_into_several_bodies() {
        let items: Vec<Item> = (0..5).map(|_| item(0, 4_000_000)).collect();
        let bodies = write(&items);
        assert_eq!(bodies.len(), 3);
        let read: Vec<Item> = bodies.iter().flat_map(|body| read(body).unwrap()).collect();
        assert_eq!(read, items);
    }

    #[test]
    fn other_bodies_are_refused() {
        let [good] = write(&[item(0, 5)]).try_into().unwrap();
        let mut other = good.clone();
        other[0] = 2;
        assert!(read(&other).is_none());
        for length in 0..good.len() {
            assert!(read(&good[..length]).is_none(), "cut to {length}");
        }
        assert!(read(b"\x01lli1eee").is_none());
    }
}
