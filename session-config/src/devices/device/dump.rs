//! The device in its own storage.
//!
//! ```text
//! A  seeds of the device's keys        d  when it was displaced     l  names to delete behind it
//! I  id                                f  message of a departure    p  seqno that was pushed
//! K  account keys                      g  id of the group           q  requests of others
//! R  own requests                      h  names of merged messages  r  when it has last read
//! S  request that is not sent          i  inner dict of the last    t  devices
//!                                                                   w  published account key
//! ```

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use session_crypto::X25519Public;
use session_crypto::v2::KeySeed;
use session_identity::Account;
use session_proto::bt;
use session_types::UnixMillis;
use zeroize::Zeroizing;

use super::{Device, Farewell, PendingRequest};
use crate::devices::account_keys::{AccountKey, Keyring};
use crate::devices::group::{DeviceGroup, DeviceState, OwnRequest, Row, Saved};
use crate::devices::link;
use crate::devices::message::GroupId;
use crate::devices::record::{DeviceId, Digest, Record};
use crate::error::LoadError;

/// Room for a key or a name in the encoding, in bytes: more would move the keys and leave a copy.
const ROOM: usize = 128;
/// Room for a device, in bytes.
const ROW_ROOM: usize = 2048;

impl DeviceState {
    const ALL: [Self; 5] = [
        Self::Unregistered,
        Self::Pending,
        Self::Registered,
        Self::Left,
        Self::Kicked,
    ];

    const fn rank(self) -> u64 {
        match self {
            Self::Unregistered => 0,
            Self::Pending => 1,
            Self::Registered => 2,
            Self::Left => 3,
            Self::Kicked => 4,
        }
    }
}

impl Device {
    /// Writes everything for [`load`](Self::load): also the device's keys and those of the account.
    ///
    /// Encrypt the dump, or store it where only its owner can read it.
    #[must_use]
    pub fn dump(&self) -> Zeroizing<Vec<u8>> {
        let group = &self.group;
        let keys = group.keyring().keys();
        let farewell = self.farewell.as_ref();
        let parting = farewell.and_then(|farewell| farewell.message.as_ref());
        let names = farewell.map_or(0, |farewell| farewell.delete.len());
        let small = [
            self.seeds.len(),
            keys.len(),
            self.merged.len(),
            group.requests().len(),
            names,
            8,
        ];
        let small = small.into_iter().fold(0_usize, usize::saturating_add);
        let large = group.rows().len().saturating_add(self.pending.len());
        let rest = [self.unsent.as_ref(), self.inner.as_ref(), parting]
            .into_iter()
            .flatten();
        let room = rest.fold(ROW_ROOM, |sum, bytes| sum.saturating_add(bytes.len()));
        let room = room
            .saturating_add(small.saturating_mul(ROOM))
            .saturating_add(large.saturating_mul(ROW_ROOM));
        Zeroizing::new(bt::dict_with_capacity(room, |dict| {
            dict.list(b"A", |list| {
                for seed in &self.seeds {
                    list.bytes(seed.expose_bytes());
                }
            });
            dict.bytes(b"I", self.id().as_bytes());
            dict.list(b"K", |list| {
                keys.iter().for_each(|key| list_key(key, list));
            });
            dict.list(b"R", |list| {
                group.requests().iter().for_each(|one| list_own(one, list));
            });
            if let Some(unsent) = &self.unsent {
                dict.bytes(b"S", unsent);
            }
            if let Some(at) = group.displaced_at() {
                dict.int(b"d", at.get());
            }
            if let Some(message) = parting {
                dict.bytes(b"f", message);
            }
            if let Some(id) = group.group() {
                dict.bytes(b"g", &id.0);
            }
            dict.list(b"h", |list| {
                for name in &self.merged {
                    list.bytes(name.as_bytes());
                }
            });
            if let Some(inner) = &self.inner {
                dict.bytes(b"i", inner);
            }
            if let Some(farewell) = farewell {
                dict.list(b"l", |list| {
                    for name in &farewell.delete {
                        list.bytes(name.as_bytes());
                    }
                });
            }
            if let Some(seqno) = group.pushed_seqno() {
                dict.int(b"p", seqno);
            }
            dict.list(b"q", |list| {
                self.pending
                    .values()
                    .for_each(|one| list_pending(one, list));
            });
            if let Some(at) = group.read_at() {
                dict.int(b"r", at.get());
            }
            dict.dict(b"t", |rows| {
                for (id, row) in group.rows() {
                    rows.dict(id.as_bytes(), |dict| write_row(row, dict));
                }
            });
            if let Some(seed) = &self.published {
                dict.bytes(b"w", seed.expose_bytes());
            }
        }))
    }

    /// Loads a device of an account from a dump.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not a dump of this account.
    pub fn load(account: &Account, dump: &[u8]) -> Result<Self, LoadError> {
        let dict = bt::parse_dict(dump)?;
        let has = |key: &[u8]| dict.get(key).is_some();
        let time = |key: &'static str| has(key.as_bytes()).then(|| dict.u64(key)).transpose();
        let optional = |key: &'static str| {
            let bytes = has(key.as_bytes()).then(|| dict.bytes(key)).transpose();
            bytes.map(|bytes| bytes.map(<[u8]>::to_vec))
        };
        let seed = |value: bt::Value<'_>| KeySeed::try_from(value.as_bytes()?).ok();
        let text =
            |value: bt::Value<'_>| Some(core::str::from_utf8(value.as_bytes()?).ok()?.to_owned());
        let group = match has(b"g") {
            true => Some(GroupId(*dict.array("g")?)),
            false => None,
        };
        let group = DeviceGroup::restore(Saved {
            own: DeviceId::from_bytes(*dict.array("I")?),
            rows: read_rows(&dict.dict("t")?)?,
            keyring: Keyring::new(all(&dict, "K", |value| read_key(&value.as_dict()?))?),
            group,
            pushed_seqno: has(b"p").then(|| dict.i64("p")).transpose()?,
            read_at: time("r")?.map(UnixMillis::new),
            displaced_at: time("d")?.map(UnixMillis::new),
            requests: all(&dict, "R", |value| read_own(&value.as_dict()?))?,
        });
        let pending = all(&dict, "q", |value| read_pending(account, &value.as_dict()?))?;
        let pending = pending.into_iter().map(|one| (one.request.device, one));
        let merged: Vec<String> = all(&dict, "h", text)?;
        Ok(Self {
            merged: merged.into_iter().collect(),
            unsent: optional("S")?,
            inner: optional("i")?,
            pending: pending.collect(),
            farewell: match has(b"l") {
                true => Some(Farewell {
                    message: optional("f")?,
                    delete: all(&dict, "l", text)?,
                }),
                false => None,
            },
            published: match has(b"w") {
                true => Some(KeySeed::from_bytes(*dict.array("w")?)),
                false => None,
            },
            ..Self::with(group, all(&dict, "A", seed)?)
        })
    }
}

/// Reads all items of a list.
fn all<'a, T>(
    dict: &bt::Dict<'a>,
    key: &'static str,
    read: impl Fn(bt::Value<'a>) -> Option<T>,
) -> Result<Vec<T>, LoadError> {
    let items = dict.list(key)?.iter().map(read);
    items.collect::<Option<_>>().ok_or(LoadError::Value { key })
}

fn list_key(key: &AccountKey, list: &mut bt::ListWriter<'_>) {
    list.dict(|dict| {
        dict.int(b"c", key.created);
        dict.int(b"n", u64::from(key.is_distributed));
        if let Some(rotated) = key.rotated {
            dict.int(b"r", rotated);
        }
        dict.bytes(b"s", key.seed.expose_bytes());
    });
}

fn read_key(dict: &bt::Dict<'_>) -> Option<AccountKey> {
    Some(AccountKey {
        seed: KeySeed::from_bytes(*dict.array("s").ok()?),
        created: dict.i64("c").ok()?,
        rotated: match dict.get(b"r") {
            Some(_) => Some(dict.i64("r").ok()?),
            None => None,
        },
        is_distributed: dict.u64("n").ok()? != 0,
    })
}

fn list_own(request: &OwnRequest, list: &mut bt::ListWriter<'_>) {
    list.dict(|dict| {
        dict.bytes(b"g", &request.group.0);
        dict.bytes(b"k", request.x25519.as_bytes());
        dict.int(b"u", request.updated);
        dict.int(b"y", u64::from(request.is_confirmed));
    });
}

fn read_own(dict: &bt::Dict<'_>) -> Option<OwnRequest> {
    Some(OwnRequest {
        group: GroupId(*dict.array("g").ok()?),
        updated: dict.i64("u").ok()?,
        x25519: X25519Public::from_bytes(*dict.array("k").ok()?),
        is_confirmed: dict.u64("y").ok()? != 0,
    })
}

fn list_pending(pending: &PendingRequest, list: &mut bt::ListWriter<'_>) {
    list.dict(|dict| {
        dict.int(b"e", pending.expires_at.get());
        dict.bytes(b"i", &pending.request.inner);
        dict.int(b"r", u64::from(pending.replaces));
    });
}

fn read_pending(account: &Account, dict: &bt::Dict<'_>) -> Option<PendingRequest> {
    Some(PendingRequest {
        request: link::parse_inner(account.ed25519(), dict.bytes("i").ok()?).ok()?,
        replaces: dict.u64("r").ok()? != 0,
        expires_at: UnixMillis::new(dict.u64("e").ok()?),
    })
}

fn write_row(row: &Row, dict: &mut bt::DictWriter<'_>) {
    dict.int(b"b", u64::from(row.must_broadcast));
    if let Some(record) = &row.record {
        dict.dict(b"c", |dict| record.write(dict));
    }
    if let Some(digest) = &row.digest {
        dict.bytes(b"g", &digest.0);
    }
    dict.int(b"s", row.state.rank());
    if let Some(at) = row.removed_at {
        dict.int(b"t", at);
    }
}

fn read_rows(dict: &bt::Dict<'_>) -> Result<BTreeMap<DeviceId, Row>, LoadError> {
    let invalid = LoadError::Value { key: "t" };
    let rows = dict.iter().map(|entry| {
        let id = entry.key.try_into().map_err(|_| invalid)?;
        let dict = entry.value.as_dict().ok_or(invalid)?;
        let state = dict.u64("s")?;
        let row = Row {
            state: DeviceState::ALL
                .into_iter()
                .find(|one| one.rank() == state)
                .ok_or(invalid)?,
            record: match dict.get(b"c") {
                Some(_) => Some(Record::read(&dict.dict("c")?).map_err(|_| invalid)?),
                None => None,
            },
            digest: match dict.get(b"g") {
                Some(_) => Some(Digest(*dict.array("g")?)),
                None => None,
            },
            removed_at: match dict.get(b"t") {
                Some(_) => Some(dict.i64("t")?),
                None => None,
            },
            must_broadcast: dict.u64("b")? != 0,
        };
        Ok((DeviceId::from_bytes(id), row))
    });
    rows.collect()
}
