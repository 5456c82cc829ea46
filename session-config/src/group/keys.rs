//! The keys of a group: how admins give them out, and which of them a device has.
//!
//! ```text
//! admin    rekey       -> pending key, message -> stored -> load: the key is in the list
//!          supplement  -> message with the keys of the list, for new members
//! member   load        -> keys for us are in the list
//! ```
//!
//! Everything is deterministic: two admins with the same members, generation and seed make the same
//! message. Protocol: [groups, section 5].
//!
//! [groups, section 5]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/groups.md#section-5

mod dump;
mod list;
mod message;

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use session_crypto::group_keys::{self, Admin};
use session_crypto::{
    Ed25519PublicExt as _, Ed25519Secret, EncryptError, KeyError, SymmetricKey, VerifyingKey,
};
use session_identity::Account;
use session_proto::bt;
use session_types::limits::MESSAGE_DATA_MAX;
use session_types::{AccountId, GroupId, UnixMillis};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use list::{Entry, KeyList};
pub use message::KeyMessageError;
use message::{KeyMessage, Reader};

/// Why no key message was made. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RekeyError {
    /// We are not an admin.
    #[error("only an admin makes keys")]
    NotAdmin,
    /// There is no key that a supplement could give.
    #[error("there is no key to give")]
    NoKey,
    /// None of the members has a usable key.
    #[error("none of the members can be given a key")]
    NoRecipient,
    /// The newest generation is the highest that there is.
    #[error("there is no higher generation")]
    Generation,
    /// The message is longer than may be stored: there are too many members.
    #[error("expected a key message of at most {max} bytes, got {got}")]
    TooLong {
        /// Maximum length in bytes.
        max: usize,
        /// Length in bytes.
        got: usize,
    },
    /// A key could not be encrypted.
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
    /// The message could not be encoded.
    #[error(transparent)]
    Encoding(#[from] bt::FieldError),
}

/// A key that this admin made, and whose message is not known to be stored.
struct Pending {
    generation: u64,
    key: SymmetricKey,
    message: Vec<u8>,
}

/// What a key message gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    /// Whether there was a key for us.
    pub found: bool,
    /// Generation that the message names.
    pub generation: u64,
    /// Whether the list of keys changed.
    pub changed: bool,
}

/// The keys of a group on one device.
pub struct Keys {
    account: Arc<Account>,
    id: GroupId,
    verifier: VerifyingKey,
    admin: Option<Admin>,
    /// What opens our entries; none if the group's id allows no such key.
    member_key: Option<SymmetricKey>,
    list: KeyList,
    pending: Option<Pending>,
    needs_dump: bool,
}

impl Keys {
    /// Starts without a key, as an admin if the group's secret key is given.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the group's id is no usable key, or the secret key is another group's.
    pub fn new(
        account: Arc<Account>,
        id: GroupId,
        admin: Option<&Ed25519Secret>,
    ) -> Result<Self, KeyError> {
        let mut keys = Self {
            verifier: id.ed25519().to_verifying_key()?,
            member_key: group_keys::member_key(account.x25519(), &id).ok(),
            account,
            id,
            admin: None,
            list: KeyList::default(),
            pending: None,
            needs_dump: false,
        };
        admin.map_or(Ok(()), |admin| keys.set_admin(admin))?;
        Ok(keys)
    }

    /// Makes this device's member an admin.
    ///
    /// # Errors
    ///
    /// [`KeyError::Mismatch`] if the secret key is another group's.
    pub fn set_admin(&mut self, admin: &Ed25519Secret) -> Result<(), KeyError> {
        if admin.public() != self.id.ed25519() {
            return Err(KeyError::Mismatch);
        }
        self.admin = Some(Admin::new(admin));
        Ok(())
    }

    /// Returns the group.
    #[must_use]
    pub const fn id(&self) -> &GroupId {
        &self.id
    }

    /// Returns the account that these keys are kept for.
    #[must_use]
    pub const fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Returns the group's secret key, if we are an admin.
    #[must_use]
    pub const fn admin(&self) -> Option<&Ed25519Secret> {
        match &self.admin {
            Some(admin) => Some(admin.group()),
            None => None,
        }
    }

    /// Returns the generation of the newest key, without a pending one; 0 if there is no key.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.list.newest().map_or(0, |entry| entry.generation)
    }

    /// Returns the number of keys, without a pending one.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.list.entries.len()
    }

    /// Returns whether there is no key, not even a pending one.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.entries.is_empty() && self.pending.is_none()
    }

    /// Returns the key to encrypt with: a pending one, or the newest.
    #[must_use]
    pub fn newest(&self) -> Option<&SymmetricKey> {
        self.iter().next()
    }

    /// Returns all keys: a pending one, then from the newest to the oldest.
    pub fn iter(&self) -> impl Iterator<Item = &SymmetricKey> {
        let pending = self.pending.iter().map(|pending| &pending.key);
        pending.chain(self.list.entries.iter().rev().map(|entry| &entry.key))
    }

    /// Returns all keys, the one first that was the newest when a message was stored.
    ///
    /// The sender of a message uses the newest key that they have. If theirs was older or newer than
    /// the storage server's times say, the other keys follow, newest first.
    pub fn iter_at(&self, stored_at: UnixMillis) -> impl Iterator<Item = &SymmetricKey> {
        let entries = &self.list.entries;
        let is_before = |entry: &&Entry| entry.stored_at <= stored_at;
        let likely = entries.iter().rev().find(is_before);
        let likely_key = likely.map(|entry| &entry.key);
        let rest = self
            .iter()
            .filter(move |key| likely_key.is_none_or(|likely| !core::ptr::eq(*key, likely)));
        likely_key.into_iter().chain(rest)
    }

    /// Returns whether there is a key whose message is not known to be stored.
    #[must_use]
    pub const fn has_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Returns the generation of the key to encrypt with.
    pub(super) fn pending_generation(&self) -> u64 {
        self.pending
            .as_ref()
            .map_or_else(|| self.generation(), |pending| pending.generation)
    }

    /// Returns when the first key of a generation or of a later one was stored.
    pub(super) fn stored_at(&self, generation: u64) -> Option<UnixMillis> {
        let later = self
            .list
            .entries
            .iter()
            .find(|entry| entry.generation >= generation);
        later.map(|entry| entry.stored_at)
    }

    /// Returns the message of the pending key: store it before anything that is encrypted with it.
    #[must_use]
    pub fn pending_message(&self) -> Option<&[u8]> {
        self.pending
            .as_ref()
            .map(|pending| pending.message.as_slice())
    }

    /// Returns whether two admins made a key of one generation, so that we have to make another.
    ///
    /// Ask this once all key messages of a fetch were loaded.
    #[must_use]
    pub fn needs_rekey(&self) -> bool {
        match self.list.entries.as_slice() {
            [.., one, two] => self.admin.is_some() && one.generation == two.generation,
            _ => false,
        }
    }

    /// Returns whether the newest key was made for exactly these members, in any order, as an admin can
    /// tell; false if there is no key, or we are not an admin.
    ///
    /// It is not if two admins worked at the same time and one of them did not know what the other did.
    #[must_use]
    pub fn is_for(&self, members: &[AccountId]) -> bool {
        let (Some(admin), Some(newest)) = (self.admin(), self.list.newest()) else {
            return false;
        };
        let key = group_keys::key_for(admin, members, newest.generation);
        newest.key.ct_eq(&key).into()
    }

    /// Returns the names of key messages, all of which are to be kept alive.
    pub fn active_hashes(&self) -> impl Iterator<Item = &str> {
        // A supplement is named under each generation of its keys.
        let names: BTreeSet<&str> = self
            .list
            .names
            .values()
            .flatten()
            .map(String::as_str)
            .collect();
        names.into_iter()
    }

    /// Returns whether something changed since the last dump.
    #[must_use]
    pub const fn needs_dump(&self) -> bool {
        self.needs_dump
    }

    /// Makes a key of the next generation for all members: all entries of the members config, admins
    /// and those to be removed included, in any order.
    ///
    /// The key is pending until its message comes back from the swarm. Until then, another call with
    /// the same members makes the same key.
    ///
    /// # Errors
    ///
    /// [`RekeyError`] if we are not an admin, or there are too many members.
    pub fn rekey(&mut self, members: &[AccountId]) -> Result<(), RekeyError> {
        let admin = self.admin.as_mut().ok_or(RekeyError::NotAdmin)?;
        let generation = match self.list.newest() {
            None => 0,
            Some(newest) => newest
                .generation
                .checked_add(1)
                .filter(|generation| i64::try_from(*generation).is_ok())
                .ok_or(RekeyError::Generation)?,
        };
        let rekey = admin.rekey(members, generation)?;
        let message = checked(message::write_rekey(admin.group(), generation, &rekey)?)?;
        self.pending = Some(Pending {
            generation,
            key: rekey.key,
            message,
        });
        self.needs_dump = true;
        Ok(())
    }

    /// Makes a message that gives members all keys but a pending one. Sort the ids if two admins
    /// should make the same message.
    ///
    /// # Errors
    ///
    /// [`RekeyError`] if we are not an admin, there is no key, or there are too many keys and members
    /// for one message.
    pub fn supplement(&mut self, members: &[AccountId]) -> Result<Vec<u8>, RekeyError> {
        let admin = self.admin.as_mut().ok_or(RekeyError::NotAdmin)?;
        let newest = self.list.newest().ok_or(RekeyError::NoKey)?;
        let plain = message::encode_keys(&self.list.entries);
        let supplement = admin.supplement(members, &plain)?;
        if supplement.for_members.is_empty() {
            return Err(RekeyError::NoRecipient);
        }
        checked(message::write_supplement(
            admin.group(),
            newest.generation,
            &supplement,
        )?)
    }

    /// Loads a key message that the swarm has stored under `name` at `stored_at`.
    ///
    /// # Errors
    ///
    /// [`KeyMessageError`] if it is malformed or not signed by the group's key.
    pub fn load(
        &mut self,
        name: &str,
        data: &[u8],
        stored_at: UnixMillis,
    ) -> Result<Loaded, KeyMessageError> {
        let (loaded, _) = self.load_watching(name, data, stored_at, &[])?;
        Ok(loaded)
    }

    /// As [`load`](Self::load). An admin is also told which of `watched` get a new key by the message.
    pub(super) fn load_watching(
        &mut self,
        name: &str,
        data: &[u8],
        stored_at: UnixMillis,
        watched: &[AccountId],
    ) -> Result<(Loaded, Vec<AccountId>), KeyMessageError> {
        let message = KeyMessage::parse(data, &self.verifier)?;
        let reader = match self.admin() {
            Some(admin) => Reader::Admin(admin),
            None => Reader::Member(self.member_key.as_ref()),
        };
        let entries = message.open(&reader, stored_at)?;
        self.list
            .has_room(&entries)
            .map_err(|_| KeyMessageError::TooManyKeys)?;
        // From here on nothing fails.
        if let (Some(first), Some(pending)) = (entries.first(), &self.pending)
            && (first.generation > pending.generation || first.is(pending.generation, &pending.key))
        {
            self.pending = None;
            self.needs_dump = true;
        }
        let (found, generation) = (!entries.is_empty(), message.generation);
        let changed = if found {
            let inserted = entries
                .into_iter()
                .map(|entry| self.list.insert(entry, name));
            inserted.filter(|changed| *changed).count() > 0
        } else {
            let recorded = self.list.record(generation, name);
            self.list.expire();
            recorded
        };
        self.needs_dump |= changed;
        let watched = watched.iter().filter(|_| changed);
        let given = self.admin().map_or_else(Vec::new, |admin| {
            watched
                .filter(|id| message.gives_key_to(admin, id))
                .copied()
                .collect()
        });
        Ok((
            Loaded {
                found,
                generation,
                changed,
            },
            given,
        ))
    }

    /// Writes the keys for [`load_dump`](Self::load_dump) (protocol: groups, section 5.8). Encrypt the
    /// dump, or store it where only its owner can read it.
    #[must_use]
    pub fn dump(&mut self) -> Zeroizing<Vec<u8>> {
        self.needs_dump = false;
        dump::write(&self.list, self.pending.as_ref())
    }

    /// Loads keys from a dump.
    ///
    /// # Errors
    ///
    /// [`GroupLoadError`](crate::owner::GroupLoadError) if the bytes are not a dump, or the keys are
    /// not those of the group.
    pub fn load_dump(
        account: Arc<Account>,
        id: GroupId,
        admin: Option<&Ed25519Secret>,
        dump: &[u8],
    ) -> Result<Self, crate::owner::GroupLoadError> {
        let mut keys = Self::new(account, id, admin)?;
        (keys.list, keys.pending) = dump::read(dump)?;
        Ok(keys)
    }

    /// Returns copies of all keys, for the configs, as [`iter`](Self::iter).
    pub(super) fn copies(&self) -> Vec<SymmetricKey> {
        let copy = |key: &SymmetricKey| SymmetricKey::from_bytes(*key.expose_bytes());
        self.iter().map(copy).collect()
    }

    /// Returns whether `other` has the same keys. Constant-time in the keys.
    #[must_use]
    pub fn has_same_keys(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.iter().count(), other.iter().count());
        ours == theirs
            && self
                .iter()
                .zip(other.iter())
                .all(|(one, two)| one.ct_eq(two).into())
    }
}

/// Returns the message unless it is longer than storage servers accept.
fn checked(message: Vec<u8>) -> Result<Vec<u8>, RekeyError> {
    if message.len() > MESSAGE_DATA_MAX {
        return Err(RekeyError::TooLong {
            max: MESSAGE_DATA_MAX,
            got: message.len(),
        });
    }
    Ok(message)
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("group", &self.id)
            .field("is_admin", &self.admin.is_some())
            .field("generation", &self.generation())
            .field("keys", &self.count())
            .field("has_pending", &self.has_pending())
            .finish_non_exhaustive()
    }
}
