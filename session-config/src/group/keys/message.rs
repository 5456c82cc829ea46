//! Key messages as they are stored (protocol: groups, section 5.1).
//!
//! ```text
//! rekey       #  nonce, 24 bytes
//!             G  generation
//!             K  key for the admins, 48 bytes
//!             k  list of keys for the members and junk, 48 bytes each
//!             ~  signature
//!
//! supplement  #  nonce, 24 bytes
//!             +  list of lists of keys, at least 68 bytes each
//!             G  highest generation of these keys
//!             ~  signature
//! ```

use alloc::vec::Vec;

use session_crypto::group_keys::{self, ENTRY_LENGTH, ENTRY_MULTIPLE, Rekey, Supplement};
use session_crypto::{
    DecryptError, Ed25519Secret, Ed25519Signature, SignatureError, SymmetricKey, VerifyingKey,
};
use session_proto::bt;
use session_types::{AccountId, UnixMillis};
use zeroize::Zeroizing;

use super::list::Entry;

/// The multiple of entries that clients wrote before February 2025.
const OLD_MULTIPLE: usize = 75;
/// Minimum length of an entry of a supplement, in bytes: one key.
const MIN_SUPPLEMENT: usize = 68;

/// Why a key message was not loaded. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyMessageError {
    /// The bytes are not a dict of the encoding.
    #[error(transparent)]
    Encoding(#[from] bt::Error),
    /// A key of the dict is missing, or of another kind.
    #[error(transparent)]
    Field(#[from] bt::FieldError),
    /// The group's key did not sign the message.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The generation is negative, or higher than a generation can be.
    #[error("generation is out of range")]
    Generation,
    /// An encrypted key does not have the length of one.
    #[error("encrypted key has the wrong length")]
    EntryLength,
    /// The number of entries is not a multiple that clients write.
    #[error("expected a multiple of 45 or 75 entries, got {got}")]
    EntryCount {
        /// Number of entries.
        got: usize,
    },
    /// We are an admin, and the entry for admins does not open.
    #[error(transparent)]
    AdminEntry(#[from] DecryptError),
    /// The list of keys that a supplement has for us is malformed.
    #[error("list of keys is malformed")]
    Supplement,
    /// The list of keys is full.
    #[error("more keys than a group has")]
    TooManyKeys,
}

/// A key message whose signature was verified and whose form was checked.
pub(super) struct KeyMessage<'a> {
    nonce: &'a [u8; 24],
    pub(super) generation: u64,
    keys: Keys<'a>,
}

enum Keys<'a> {
    Rekey {
        for_admins: &'a [u8; ENTRY_LENGTH],
        for_members: bt::List<'a>,
    },
    Supplement(bt::List<'a>),
}

/// Who reads a key message.
pub(super) enum Reader<'a> {
    Admin(&'a Ed25519Secret),
    /// The key of the member's entries; none if the group's id allows none.
    Member(Option<&'a SymmetricKey>),
}

impl<'a> KeyMessage<'a> {
    pub(super) fn parse(data: &'a [u8], group: &VerifyingKey) -> Result<Self, KeyMessageError> {
        let dict = bt::parse_dict(data)?;
        let signed = dict.signed()?;
        group.verify(
            signed.message,
            &Ed25519Signature::from_bytes(*signed.signature),
        )?;
        let generation = dict.int("G")?.as_i64();
        let generation = generation.and_then(|generation| u64::try_from(generation).ok());
        let keys = if dict.get(b"+").is_some() {
            let entries = dict.list("+")?;
            check_entries(entries, |length| length >= MIN_SUPPLEMENT)?;
            Keys::Supplement(entries)
        } else {
            let for_members = dict.list("k")?;
            let count = check_entries(for_members, |length| length == ENTRY_LENGTH)?;
            if !count.is_multiple_of(ENTRY_MULTIPLE) && !count.is_multiple_of(OLD_MULTIPLE) {
                return Err(KeyMessageError::EntryCount { got: count });
            }
            Keys::Rekey {
                for_admins: dict.array("K")?,
                for_members,
            }
        };
        Ok(Self {
            nonce: dict.array("#")?,
            generation: generation.ok_or(KeyMessageError::Generation)?,
            keys,
        })
    }

    /// Returns the keys for the reader; none if there are none.
    pub(super) fn open(
        &self,
        reader: &Reader<'_>,
        stored_at: UnixMillis,
    ) -> Result<Vec<Entry>, KeyMessageError> {
        let open = |key: &SymmetricKey, entries: bt::List<'_>| {
            let entries = entries.iter().filter_map(|entry| entry.as_bytes());
            group_keys::open_entry(key, self.nonce, entries).ok()
        };
        let entry = |key| Entry {
            generation: self.generation,
            stored_at,
            key,
        };
        match (reader, &self.keys) {
            (Reader::Admin(group), Keys::Rekey { for_admins, .. }) => {
                let key = group_keys::open_as_admin(group, self.nonce, for_admins)?;
                Ok([entry(key)].into())
            }
            (Reader::Member(Some(key)), Keys::Rekey { for_members, .. }) => {
                let key = open(key, *for_members);
                // An entry has exactly the length of a key.
                let key = key.and_then(|key| SymmetricKey::try_from(key.as_slice()).ok());
                Ok(key.map(entry).into_iter().collect())
            }
            (Reader::Member(Some(key)), Keys::Supplement(entries)) => {
                open(key, *entries).map_or(Ok(Vec::new()), |list| read_keys(&list))
            }
            // Admins make supplements of what they have.
            (Reader::Admin(_), Keys::Supplement(_)) | (Reader::Member(None), _) => Ok(Vec::new()),
        }
    }
}

impl KeyMessage<'_> {
    /// Returns whether the message gives a new key to a member, as an admin can tell.
    pub(super) fn gives_key_to(&self, group: &Ed25519Secret, member: &AccountId) -> bool {
        let Keys::Rekey { for_members, .. } = &self.keys else {
            return false;
        };
        let entries = for_members.iter().filter_map(|entry| entry.as_bytes());
        group_keys::is_for_member(group, member, self.nonce, entries)
    }
}

/// Counts the entries, all of which must be strings of the right length.
fn check_entries(
    entries: bt::List<'_>,
    has_length: impl Fn(usize) -> bool,
) -> Result<usize, KeyMessageError> {
    entries
        .iter()
        .try_fold(0_usize, |count, entry| match entry.as_bytes() {
            Some(entry) if has_length(entry.len()) => Ok(count.saturating_add(1)),
            _ => Err(KeyMessageError::EntryLength),
        })
}

fn integer(dict: &bt::Dict<'_>, key: &'static str) -> Option<u64> {
    u64::try_from(dict.int(key).ok()?.as_i64()?).ok()
}

/// Reads one key of a supplement or a dump.
pub(super) fn read_key(value: bt::Value<'_>) -> Option<Entry> {
    let dict = value.as_dict()?;
    Some(Entry {
        generation: integer(&dict, "g")?,
        stored_at: UnixMillis::new(integer(&dict, "t")?),
        key: SymmetricKey::from_bytes(*dict.array("k").ok()?),
    })
}

fn read_keys(list: &[u8]) -> Result<Vec<Entry>, KeyMessageError> {
    let list = bt::parse_list(list).map_err(|_| KeyMessageError::Supplement)?;
    let keys = list
        .iter()
        .map(|key| read_key(key).ok_or(KeyMessageError::Supplement));
    keys.collect()
}

/// Room for one key in the encoding, in bytes, so that no copy of it stays behind.
const KEY_ROOM: usize = 96;

/// Writes keys as a supplement and a dump have them.
pub(super) fn write_keys(keys: &[Entry], list: &mut bt::ListWriter<'_>) {
    for entry in keys {
        list.dict(|dict| {
            dict.int(b"g", entry.generation)
                .bytes(b"k", entry.key.expose_bytes())
                .int(b"t", entry.stored_at.get());
        });
    }
}

/// Encodes the plaintext of a supplement.
pub(super) fn encode_keys(keys: &[Entry]) -> Zeroizing<Vec<u8>> {
    let room = keys.len().saturating_mul(KEY_ROOM).saturating_add(2);
    // The writer of a list takes no capacity: the list is the value of a dict that has it.
    let dict = Zeroizing::new(bt::dict_with_capacity(room.saturating_add(8), |dict| {
        dict.list(b"", |list| write_keys(keys, list));
    }));
    let mut plain = Zeroizing::new(Vec::with_capacity(room));
    let list = dict
        .strip_prefix(b"d0:")
        .and_then(|rest| rest.strip_suffix(b"e"));
    plain.extend(list.into_iter().flatten());
    plain
}

fn signed(
    group: &Ed25519Secret,
    fill: impl FnOnce(&mut bt::DictWriter<'_>),
) -> Result<Vec<u8>, bt::FieldError> {
    bt::signed_dict(fill, |message| group.sign(message).to_bytes())
}

pub(super) fn write_rekey(
    group: &Ed25519Secret,
    generation: u64,
    rekey: &Rekey,
) -> Result<Vec<u8>, bt::FieldError> {
    signed(group, |dict| {
        dict.bytes(b"#", &rekey.nonce)
            .int(b"G", generation)
            .bytes(b"K", &rekey.for_admins)
            .list(b"k", |list| {
                for entry in &rekey.for_members {
                    list.bytes(entry);
                }
            });
    })
}

pub(super) fn write_supplement(
    group: &Ed25519Secret,
    generation: u64,
    supplement: &Supplement,
) -> Result<Vec<u8>, bt::FieldError> {
    signed(group, |dict| {
        dict.bytes(b"#", &supplement.nonce)
            .list(b"+", |list| {
                for entry in &supplement.for_members {
                    list.bytes(entry);
                }
            })
            .int(b"G", generation);
    })
}
