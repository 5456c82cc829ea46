//! Keys in the storage of their device (protocol: groups, section 5.8).
//!
//! ```text
//! A  list of lists: generation, names of its messages
//! L  list of keys
//! P  pending key:  c  message,  g  generation,  k  key
//! ```

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use session_crypto::SymmetricKey;
use session_proto::bt;
use zeroize::Zeroizing;

use super::Pending;
use super::list::KeyList;
use super::message::{read_key, write_keys};
use crate::error::LoadError;

/// Room for one key or name in the encoding, in bytes. More would move the keys, and leave a copy.
const ROOM: usize = 112;

pub(super) fn write(list: &KeyList, pending: Option<&Pending>) -> Zeroizing<Vec<u8>> {
    let names = list.names.values().flatten();
    let names = names.fold(list.names.len(), |sum, name| {
        sum.saturating_add(name.len()).saturating_add(ROOM)
    });
    let room = list
        .entries
        .len()
        .saturating_mul(ROOM)
        .saturating_add(names);
    let message = pending.map_or(0, |pending| pending.message.len());
    let room = room
        .saturating_add(message)
        .saturating_add(ROOM)
        .saturating_add(ROOM);
    Zeroizing::new(bt::dict_with_capacity(room, |dict| {
        dict.list(b"A", |all| {
            for (generation, names) in &list.names {
                all.list(|one| {
                    one.int(*generation);
                    for name in names {
                        one.bytes(name.as_bytes());
                    }
                });
            }
        });
        dict.list(b"L", |keys| write_keys(&list.entries, keys));
        if let Some(pending) = pending {
            dict.dict(b"P", |dict| {
                dict.bytes(b"c", &pending.message)
                    .int(b"g", pending.generation)
                    .bytes(b"k", pending.key.expose_bytes());
            });
        }
    }))
}

pub(super) fn read(dump: &[u8]) -> Result<(KeyList, Option<Pending>), LoadError> {
    let dict = bt::parse_dict(dump)?;
    let mut list = KeyList::default();
    for names in dict.list("A")?.iter() {
        let (generation, names) = read_names(names).ok_or(LoadError::Value { key: "A" })?;
        list.names.entry(generation).or_default().extend(names);
    }
    let invalid = LoadError::Value { key: "L" };
    for key in dict.list("L")?.iter() {
        let entry = read_key(key).ok_or(invalid)?;
        if list
            .newest()
            .is_some_and(|last| last.order(&entry) != Ordering::Less)
        {
            return Err(invalid);
        }
        list.entries.push(entry);
    }
    if dict.get(b"P").is_none() {
        return Ok((list, None));
    }
    let pending = dict.dict("P")?;
    let pending = Pending {
        generation: pending.u64("g")?,
        key: SymmetricKey::from_bytes(*pending.array("k")?),
        message: pending.bytes("c")?.to_vec(),
    };
    Ok((list, Some(pending)))
}

fn read_names(names: bt::Value<'_>) -> Option<(u64, BTreeSet<String>)> {
    let mut names = names.as_list()?.iter();
    let generation = names.next()?.as_int()?.as_i64()?;
    let names = names.map(|name| Some(core::str::from_utf8(name.as_bytes()?).ok()?.to_owned()));
    Some((
        u64::try_from(generation).ok()?,
        names.collect::<Option<_>>()?,
    ))
}
