//! Reads the content of a saved state.

use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::time::Duration;

use session_crypto::{Ed25519Public, X25519Public};
use session_proto::bt::{self, Items, List};
use session_swarm::ServiceNode;
use session_swarm::record::{MAX_NODES, Version};
use session_types::{AnyId, MessageHash, Namespace, SwarmId, UnixMillis};

use super::write::{FILE, STANDARD};
use super::{SavedGuard, SavedMark, SavedPath, SavedState, StateError, VERSION};
use crate::exchange::Purpose;
use crate::last_hash::LastHashes;
use crate::network::LATELY;
use crate::strikes::STRIKE_LIMIT;

/// Length of a record of a node in bytes.
pub(super) const NODE_LENGTH: usize = 32 + 33 + 33 + 4 + 2 + 2 + 6 + 8 + 8;
/// Maximum number of records of most sections, of paths, and of hops of a path.
const MAX_RECORDS: usize = 200_000;
const MAX_PATHS: usize = 64;
const MAX_HOPS: usize = 16;

pub(super) fn content(bytes: &[u8]) -> Result<SavedState, StateError> {
    let dict = bt::parse_dict(bytes).map_err(|_| StateError::Damaged)?;
    let version = dict.u64("v").map_err(|_| StateError::Damaged)?;
    if version != VERSION {
        return Err(StateError::Version(version));
    }
    read(&dict).ok_or(StateError::Damaged)
}

fn read(dict: &bt::Dict<'_>) -> Option<SavedState> {
    let mut last_hashes = LastHashes::default();
    for (account, namespace, node, hash, expiry) in
        records(dict, "h", MAX_RECORDS, |item| last_hash(item))?
    {
        last_hashes.set(&account, namespace, &node, hash, expiry);
    }
    let usual = match dict.get(b"a") {
        Some(usual) => Some(Duration::from_millis(usual.as_int()?.as_u64()?)),
        None => None,
    };
    let clock = match dict.get(b"c") {
        Some(offset) => Some(offset.as_int()?.as_i64()?),
        None => None,
    };
    let updated = match dict.get(b"t") {
        Some(time) => Some(UnixMillis::new(time.as_int()?.as_u64()?)),
        None => None,
    };
    Some(SavedState {
        nodes: nodes(dict)?,
        updated,
        clock,
        usual,
        guards: records(dict, "g", MAX_RECORDS, guard)?,
        middles: middles(dict)?,
        lately: lately(dict)?,
        strikes: records(dict, "s", MAX_RECORDS, mark)?,
        suspicions: records(dict, "u", MAX_RECORDS, suspicion)?,
        paths: records(dict, "p", MAX_PATHS, path)?,
        last_hashes,
    })
}

/// What is left of a list.
struct Fields<'a>(Items<'a>);

impl<'a> Fields<'a> {
    fn bytes(&mut self) -> Option<&'a [u8]> {
        self.0.next()?.as_bytes()
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes()?.try_into().ok()
    }

    fn key(&mut self) -> Option<Ed25519Public> {
        self.array().map(Ed25519Public::from_bytes)
    }

    fn number(&mut self) -> Option<u64> {
        self.0.next()?.as_int()?.as_u64()
    }

    fn flag(&mut self) -> Option<bool> {
        match self.number()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn time(&mut self) -> Option<UnixMillis> {
        self.number().map(UnixMillis::new)
    }

    /// A list with one time, or none.
    fn optional(&mut self) -> Option<Option<UnixMillis>> {
        let mut fields = Fields(self.0.next()?.as_list()?.iter());
        let mut times = Vec::new();
        while !fields.is_done() {
            times.push(fields.time()?);
        }
        match times.as_slice() {
            [] => Some(None),
            [time] => Some(Some(*time)),
            _ => None,
        }
    }

    fn is_done(&mut self) -> bool {
        self.0.clone().next().is_none()
    }
}

/// The records of a section, each a list that is read to its end.
fn records<'a, T>(
    dict: &bt::Dict<'a>,
    section: &'static str,
    most: usize,
    read: impl Fn(&mut Fields<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let list: List<'a> = dict.list(section).ok()?;
    let mut records = Vec::new();
    for item in list.iter() {
        if records.len() >= most {
            return None;
        }
        let mut fields = Fields(item.as_list()?.iter());
        records.push(read(&mut fields)?);
        if !fields.is_done() {
            return None;
        }
    }
    Some(records)
}

fn nodes(dict: &bt::Dict<'_>) -> Option<Vec<ServiceNode>> {
    let list = dict.list("n").ok()?;
    let nodes = list.iter().map(|item| node(item.as_bytes()?));
    let nodes: Vec<ServiceNode> = nodes.collect::<Option<_>>()?;
    (nodes.len() <= MAX_NODES).then_some(nodes)
}

fn lately(dict: &bt::Dict<'_>) -> Option<Vec<Ed25519Public>> {
    let list = dict.list("l").ok()?;
    let keys = list.iter().map(|item| item.as_bytes()?.try_into().ok());
    let keys: Vec<[u8; 32]> = keys.collect::<Option<_>>()?;
    let keys = keys.into_iter().map(Ed25519Public::from_bytes);
    let keys: Vec<Ed25519Public> = keys.collect();
    (keys.len() <= LATELY).then_some(keys)
}

fn middles(dict: &bt::Dict<'_>) -> Option<Vec<(Ed25519Public, UnixMillis)>> {
    let mut fields = Fields(dict.list("m").ok()?.iter());
    let mut middles = Vec::new();
    while !fields.is_done() {
        middles.push((fields.key()?, fields.time()?));
    }
    (middles.len() <= MAX_RECORDS).then_some(middles)
}

/// Cuts the next bytes off a record of a node.
fn cut<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn optional_key(bytes: &mut &[u8]) -> Option<Option<[u8; 32]>> {
    let [flag] = cut(bytes)?;
    let key: [u8; 32] = cut(bytes)?;
    match flag {
        0 if key == [0; 32] => Some(None),
        1 => Some(Some(key)),
        _ => None,
    }
}

fn node(mut bytes: &[u8]) -> Option<ServiceNode> {
    let bytes = &mut bytes;
    let short = |bytes: &mut &[u8]| cut(bytes).map(u16::from_be_bytes);
    let node = ServiceNode {
        ed25519: Ed25519Public::from_bytes(cut(bytes)?),
        x25519: optional_key(bytes)?.map(X25519Public::from_bytes),
        legacy: optional_key(bytes)?,
        ip: Ipv4Addr::from(cut::<4>(bytes)?),
        https_port: short(bytes)?,
        omq_port: short(bytes)?,
        version: Version([short(bytes)?, short(bytes)?, short(bytes)?]),
        swarm_id: SwarmId::new(u64::from_be_bytes(cut(bytes)?)),
        requested_unlock_height: u64::from_be_bytes(cut(bytes)?),
    };
    bytes.is_empty().then_some(node)
}

fn guard(fields: &mut Fields<'_>) -> Option<SavedGuard> {
    let count = |number: Option<u64>| u32::try_from(number?).ok();
    Some(SavedGuard {
        node: node(fields.bytes()?)?,
        since: fields.time()?,
        until: fields.time()?,
        missing: fields.optional()?,
        paths: [count(fields.number())?, count(fields.number())?],
        suspect: fields.flag()?,
        proven: fields.flag()?,
    })
}

fn mark(fields: &mut Fields<'_>) -> Option<SavedMark> {
    let node = fields.key()?;
    let until = fields.optional()?;
    let times = u32::try_from(fields.number()?).ok()?;
    let rest = match until {
        Some(until) => Some((until, times)),
        None if times == 0 => None,
        None => return None,
    };
    let mut strikes = Vec::new();
    while !fields.is_done() {
        strikes.push(fields.time()?);
    }
    (strikes.len() <= STRIKE_LIMIT).then_some(SavedMark {
        node,
        strikes,
        rest,
    })
}

fn suspicion(
    fields: &mut Fields<'_>,
) -> Option<(Ed25519Public, Option<Ed25519Public>, UnixMillis)> {
    let node = fields.key()?;
    let guard = match fields.bytes()? {
        [] => None,
        guard => Some(Ed25519Public::from_bytes(guard.try_into().ok()?)),
    };
    Some((node, guard, fields.time()?))
}

fn path(fields: &mut Fields<'_>) -> Option<SavedPath> {
    let purpose = match fields.number()? {
        STANDARD => Purpose::Standard,
        FILE => Purpose::File,
        _ => return None,
    };
    let built = fields.time()?;
    let in_doubt = fields.flag()?;
    let mut hops = Vec::new();
    while !fields.is_done() {
        hops.push(fields.key()?);
    }
    (hops.len() <= MAX_HOPS).then_some(SavedPath {
        purpose,
        built,
        in_doubt,
        hops,
    })
}

fn last_hash(
    fields: &mut Fields<'_>,
) -> Option<(AnyId, Namespace, Ed25519Public, MessageHash, u64)> {
    let account = AnyId::from_bytes(fields.array()?);
    let namespace = fields.0.next()?.as_int()?.as_i64()?;
    let namespace = Namespace::new(i16::try_from(namespace).ok()?);
    let node = fields.key()?;
    let hash = MessageHash::try_from(fields.array::<43>()?.as_slice()).ok()?;
    Some((account, namespace, node, hash, fields.number()?))
}
