//! Dumps, which a device keeps in its own storage (protocol: config, section 12).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use session_crypto::SymmetricKey;
use session_proto::bt;
use session_types::UnixMillis;
use zeroize::Zeroizing;

use super::engine::{Engine, State};
use crate::error::LoadError;
use crate::kind::Owner;
use crate::message::{Message, Trust};
use crate::multipart::{Held, PartSet, PartSets};
use crate::rules::Rules;

/// A form of a dump. All of them can be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DumpForm {
    /// The current form, and the stored form of the current message, so that it can be stored again
    /// unchanged, whatever compressed it. Other libraries skip that.
    #[default]
    Full,
    /// The form that today's libraries write.
    Current,
    /// The form of version 1.2.0 of the reference library: one current hash, no parts.
    V1_2,
}

/// The key of the stored form of the message. It sorts behind all keys of other libraries.
const PACKED: &str = "packed";

const fn state_number(state: State) -> i64 {
    match state {
        State::Clean => 0,
        State::Dirty => 1,
        State::Waiting => 2,
    }
}

impl Engine {
    pub(crate) fn dump(
        &mut self,
        form: DumpForm,
        now: UnixMillis,
        extra: impl FnOnce(&mut bt::DictWriter<'_>),
    ) -> Zeroizing<Vec<u8>> {
        self.sets.drop_expired(now);
        if self.is_read_only() {
            self.obsolete.clear();
        }
        let message = self.message.encode(None);
        let packed = self.packed.as_ref().filter(|_| form == DumpForm::Full);
        let names = self.current.iter().chain(&self.obsolete);
        let names = names.fold(0_usize, |sum, name| {
            sum.saturating_add(name.len()).saturating_add(24)
        });
        let capacity = message
            .len()
            .saturating_add(packed.map_or(0, |padded| padded.len()))
            .saturating_add(names)
            .saturating_add(self.sets.size())
            .saturating_add(4096);
        let dump = bt::dict_with_capacity(capacity, |d| {
            d.int(b"!", state_number(self.state));
            d.bytes(b"$", &message);
            if form == DumpForm::V1_2 {
                // Absent: the older form writes an empty name where nothing is stored yet.
                let name = self.current.first().map(String::as_bytes);
                d.bytes(b"(", name.unwrap_or_default());
            } else {
                d.list(b"(", |l| put_names(l, &self.current));
            }
            d.list(b")", |l| put_names(l, &self.obsolete));
            if form != DumpForm::V1_2 {
                d.dict(b"*", |d| put_sets(d, &self.sets));
            }
            d.dict(b"+", extra);
            if let Some(padded) = packed {
                d.bytes(PACKED.as_bytes(), padded);
            }
        });
        self.needs_dump = false;
        Zeroizing::new(dump)
    }

    pub(crate) fn load(
        owner: Owner,
        keys: Vec<SymmetricKey>,
        rules: Rules,
        dump: &[u8],
        now: UnixMillis,
        extra: impl FnOnce(bt::Dict<'_>) -> Result<(), LoadError>,
    ) -> Result<Self, LoadError> {
        let dict = bt::parse_dict(dump)?;
        let state = match dict.int("!")?.as_i64() {
            Some(0) => State::Clean,
            Some(1) => State::Dirty,
            Some(2) => State::Waiting,
            _ => return Err(LoadError::Value { key: "!" }),
        };
        let mut message = Message::read(dict.bytes("$")?, Trust::Stored)?;
        if state == State::Dirty {
            message = message.incremented(owner.signer())?;
        }
        let mut engine = Self::new(owner, keys, rules);
        engine.state = state;
        engine.message = message;
        if let Some(current) = dict.get(b"(") {
            engine.current = match current {
                bt::Value::Bytes(b"") => BTreeSet::new(),
                bt::Value::Bytes(name) => [read_name(name, "(")?].into(),
                _ => read_names(dict.list("(")?, "(")?,
            };
            engine.obsolete = read_names(dict.list(")")?, ")")?;
        }
        if dict.get(b"*").is_some() {
            read_sets(&mut engine.sets, dict.dict("*")?, now)?;
        }
        if dict.get(b"+").is_some() {
            extra(dict.dict("+")?)?;
        }
        if state != State::Dirty && dict.get(PACKED.as_bytes()).is_some() {
            engine.packed = Some(Zeroizing::new(dict.bytes(PACKED)?.to_vec()));
        }
        Ok(engine)
    }
}

fn put_names(list: &mut bt::ListWriter<'_>, names: &BTreeSet<String>) {
    for name in names {
        list.bytes(name.as_bytes());
    }
}

fn read_name(name: &[u8], key: &'static str) -> Result<String, LoadError> {
    String::from_utf8(name.to_vec()).map_err(|_| LoadError::Value { key })
}

fn read_names(list: bt::List<'_>, key: &'static str) -> Result<BTreeSet<String>, LoadError> {
    list.iter()
        .map(|name| read_name(name.as_bytes().ok_or(LoadError::Value { key })?, key))
        .collect()
}

fn put_sets(dict: &mut bt::DictWriter<'_>, sets: &PartSets) {
    for (hash, set) in sets.iter() {
        dict.dict(hash, |d| {
            d.int(b"#", set.count);
            d.int(b"T", set.expires.get());
            if set.count > 0 {
                d.list(b"p", |l| {
                    set.parts.iter().for_each(|(i, held)| put_part(l, *i, held))
                });
            }
        });
    }
}

fn put_part(list: &mut bt::ListWriter<'_>, index: u8, held: &Held) {
    list.dict(|d| {
        let mut names = held.names.iter();
        d.int(b"#", index);
        d.bytes(b"M", names.next().map_or(b"", |name| name.as_bytes()));
        // Other names of the same part, which other libraries forget.
        if names.len() > 0 {
            d.list(b"N", |l| {
                for name in names {
                    l.bytes(name.as_bytes());
                }
            });
        }
        d.bytes(b"d", &held.chunk);
    });
}

fn read_sets(sets: &mut PartSets, dict: bt::Dict<'_>, now: UnixMillis) -> Result<(), LoadError> {
    let invalid = LoadError::Value { key: "*" };
    for entry in dict {
        let hash = entry.key.try_into().map_err(|_| invalid)?;
        let set = entry.value.as_dict().ok_or(invalid)?;
        let count = u8::try_from(set.u64("#")?).map_err(|_| invalid)?;
        let mut parts = BTreeMap::new();
        if count > 0 {
            for part in set.list("p")? {
                let part = part.as_dict().ok_or(invalid)?;
                let index = u8::try_from(part.u64("#")?).map_err(|_| invalid)?;
                let mut names = BTreeSet::from([read_name(part.bytes("M")?, "*")?]);
                if part.get(b"N").is_some() {
                    names.append(&mut read_names(part.list("N")?, "*")?);
                }
                let chunk = Arc::new(Zeroizing::new(part.bytes("d")?.to_vec()));
                if index >= count {
                    return Err(invalid);
                }
                parts.insert(index, Held { chunk, names });
            }
        }
        let set = PartSet {
            count,
            expires: UnixMillis::new(set.u64("T")?),
            parts,
        };
        sets.restore(hash, set, now);
    }
    Ok(())
}
