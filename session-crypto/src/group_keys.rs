//! The cryptography of group keys: admins derive a key and distribute it to the members.
//!
//! Everything is derived from the group's seed, the members and a counter, so that two admins with the
//! same input make the same bytes (protocol: crypto, section 4). The layer above writes the dicts that
//! contain these bytes, and signs them with the group's key.
//!
//! ```text
//! h1 (56) = BLAKE2b-56(key = "SessionGroupKeyGen"; ids of the members || generation || secret)
//! h1      = group key (32) | nonce (24)
//! entries: group key, encrypted | tag (16), one for the admins and one for each member
//! ```

mod admin;

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use session_types::{AccountId, GroupId, hex};
use zeroize::Zeroizing;

pub use admin::Admin;

use crate::bytes::{split_array, split_array_mut};
use crate::ed25519::{Ed25519PublicExt, Ed25519Secret};
use crate::multi::{self, Party};
use crate::x25519::X25519Secret;
use crate::xchacha::{self, KEY_LENGTH, NONCE_LENGTH, TAG_LENGTH};
use crate::{Blake2b, DecryptError, EncryptError, KeyError, SymmetricKey};

/// The domain of keys for members (see [`crate::multi`]).
pub const MEMBER_DOMAIN: &[u8] = b"SessionGroupKeyMemberKey";
/// Length in bytes of an encrypted key.
pub const ENTRY_LENGTH: usize = KEY_LENGTH + TAG_LENGTH;
/// The number of entries is padded to a multiple of this, which hides the number of members.
pub const ENTRY_MULTIPLE: usize = 45;

const GENERATION_KEY: &[u8; 18] = b"SessionGroupKeyGen";

/// Derives a secret of the group's admins: `BLAKE2b-32(key = name; seed)`. Only the first 64 bytes of
/// the name are significant.
#[must_use]
pub fn admin_secret(group: &Ed25519Secret, name: &[u8]) -> SymmetricKey {
    SymmetricKey::from_bytes(
        Blake2b::<32>::keyed_prefix(name)
            .chain(group.expose_seed())
            .finalize(),
    )
}

/// Adds the 66 lower-case hex digits of each id to a hash.
fn hash_ids<'a, const N: usize>(
    hash: &mut Blake2b<N>,
    ids: impl IntoIterator<Item = &'a AccountId>,
) {
    for id in ids {
        hash.update(hex::encode(id.as_bytes()).as_bytes());
    }
}

/// A new key of a group, and the parts of its message. The key is zeroized on drop.
pub struct Rekey {
    /// The key.
    pub key: SymmetricKey,
    /// The nonce of all entries.
    pub nonce: [u8; NONCE_LENGTH],
    /// The key, encrypted for the admins.
    pub for_admins: [u8; ENTRY_LENGTH],
    /// The key, encrypted for each member in the order of their ids, followed by junk. The number of
    /// entries is a multiple of [`ENTRY_MULTIPLE`]; members with an unusable key have no entry.
    pub for_members: Vec<[u8; ENTRY_LENGTH]>,
}

impl Rekey {
    /// Derives the key of a generation for all members, given by their ids in any order.
    ///
    /// Constant-time in the group's seed.
    ///
    /// # Errors
    ///
    /// Infallible in practice: only a message of 256 GiB exceeds the cipher's limit.
    pub fn new(
        group: &Ed25519Secret,
        members: &[AccountId],
        generation: u64,
    ) -> Result<Self, EncryptError> {
        Admin::new(group).rekey(members, generation)
    }
}

impl fmt::Debug for Rekey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rekey")
            .field("entries", &self.for_members.len())
            .finish_non_exhaustive()
    }
}

/// The hash that a key and the nonce of its message are made of. The members are sorted.
fn generation_hash(
    group: &Ed25519Secret,
    members: &[&AccountId],
    generation: u64,
) -> Zeroizing<[u8; 56]> {
    let mut hash = Blake2b::<56>::keyed(GENERATION_KEY);
    hash_ids(&mut hash, members.iter().copied());
    Zeroizing::new(
        hash.chain(generation.to_string().as_bytes())
            .chain(admin_secret(group, b"SessionGroupKeySeed").expose_bytes())
            .finalize(),
    )
}

/// Returns the key of a generation for all members, given in any order, as [`Rekey::new`] makes it, but
/// without a message: an admin sees by it for whom a key was made. Constant-time in the group's seed.
#[must_use]
pub fn key_for(group: &Ed25519Secret, members: &[AccountId], generation: u64) -> SymmetricKey {
    let mut members: Vec<&AccountId> = members.iter().collect();
    members.sort_unstable();
    let hash = generation_hash(group, &members, generation);
    let (key, _) = split_array::<56, KEY_LENGTH, NONCE_LENGTH>(&hash);
    SymmetricKey::from_bytes(*key)
}

/// Encrypts a key with a key.
fn encrypt_key(
    with: &SymmetricKey,
    nonce: &[u8; NONCE_LENGTH],
    key: &SymmetricKey,
) -> Result<[u8; ENTRY_LENGTH], EncryptError> {
    let mut entry = [0; ENTRY_LENGTH];
    let (place, tag) = split_array_mut::<ENTRY_LENGTH, KEY_LENGTH, TAG_LENGTH>(&mut entry);
    *place = *key.expose_bytes();
    *tag = xchacha::encrypt_detached(with, nonce, place)?;
    Ok(entry)
}

/// Adds entries that nobody can open, up to the next multiple.
fn add_junk(entries: &mut Vec<[u8; ENTRY_LENGTH]>, hash: &[u8; 56], group: &Ed25519Secret) {
    let seed = Zeroizing::new(
        Blake2b::<32>::keyed(b"SessionGroupJunkMembers")
            .chain(hash)
            .chain(group.expose_seed())
            .chain(group.public().as_bytes())
            .finalize(),
    );
    // libsodium's randombytes_buf_deterministic.
    let mut stream = ChaCha20::new((&*seed).into(), b"LibsodiumDRG".into());
    let first = entries.len();
    entries.resize(first.next_multiple_of(ENTRY_MULTIPLE), [0; ENTRY_LENGTH]);
    for entry in entries.iter_mut().skip(first) {
        stream.apply_keystream(entry);
    }
}

/// Opens the entry [`Rekey::for_admins`] with the group's seed. Constant-time in the seed.
///
/// The caller must verify that the group's key signed the message.
///
/// # Errors
///
/// [`DecryptError`] if the entry fails authentication.
pub fn open_as_admin(
    group: &Ed25519Secret,
    nonce: &[u8; NONCE_LENGTH],
    entry: &[u8; ENTRY_LENGTH],
) -> Result<SymmetricKey, DecryptError> {
    let key = xchacha::open(
        &admin_secret(group, b"SessionGroupKeyAdminKey"),
        nonce,
        entry,
    )?;
    SymmetricKey::try_from(key.as_slice()).map_err(DecryptError::from)
}

/// Opens the member's entry.
///
/// The caller must verify that the group's key signed the entries. Constant-time in the member's
/// secret, except for the index of the entry.
///
/// # Errors
///
/// [`DecryptError`] if no entry opens, which is expected for non-recipients of this key.
pub fn open_as_member<'e>(
    member: &X25519Secret,
    group: &GroupId,
    nonce: &[u8; NONCE_LENGTH],
    entries: impl IntoIterator<Item = &'e [u8; ENTRY_LENGTH]>,
) -> Result<SymmetricKey, DecryptError> {
    let entries = entries.into_iter().map(<[u8; ENTRY_LENGTH]>::as_slice);
    let party = Party::new(member, MEMBER_DOMAIN);
    let key = party.open_from(&group.ed25519().to_x25519()?, nonce, entries)?;
    SymmetricKey::try_from(key.as_slice()).map_err(DecryptError::from)
}

/// Returns the key that one member's entries are encrypted with, in every message of the group.
///
/// It is the same for all messages: compute it once, and open entries with [`open_entry`]. Constant-time
/// in the member's secret.
///
/// # Errors
///
/// [`KeyError`] if the group's id is not a usable key.
pub fn member_key(member: &X25519Secret, group: &GroupId) -> Result<SymmetricKey, KeyError> {
    Party::new(member, MEMBER_DOMAIN).key_from(&group.ed25519().to_x25519()?)
}

/// Opens the first entry that [`member_key`] opens: a key, or the list of keys of a supplement.
///
/// The caller must verify that the group's key signed the entries. The time reveals which entry it is.
///
/// # Errors
///
/// [`DecryptError`] if no entry opens, which is expected for non-recipients.
pub fn open_entry<'e>(
    member_key: &SymmetricKey,
    nonce: &[u8; NONCE_LENGTH],
    entries: impl IntoIterator<Item = &'e [u8]>,
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    multi::open(member_key, nonce, entries)
}

/// Returns whether one of the entries is for a member, as an admin can tell. Constant-time in the
/// group's seed, except for the index of the entry.
#[must_use]
pub fn is_for_member<'e>(
    group: &Ed25519Secret,
    member: &AccountId,
    nonce: &[u8; NONCE_LENGTH],
    entries: impl IntoIterator<Item = &'e [u8]>,
) -> bool {
    let secret = group.to_x25519();
    let key = Party::new(&secret, MEMBER_DOMAIN).key_to(&member.x25519());
    key.is_ok_and(|key| multi::open(&key, nonce, entries).is_ok())
}

/// The parts of a supplemental message, which gives existing keys to new members.
pub struct Supplement {
    /// The nonce of all entries.
    pub nonce: [u8; NONCE_LENGTH],
    /// The list of keys, encrypted for each recipient in the given order. Recipients with an unusable
    /// key have no entry.
    pub for_members: Vec<Vec<u8>>,
}

impl Supplement {
    /// Encrypts a list of keys for members. Constant-time in the group's seed.
    ///
    /// # Errors
    ///
    /// Infallible in practice: only a message of 256 GiB exceeds the cipher's limit.
    pub fn new(
        group: &Ed25519Secret,
        ids: &[AccountId],
        plaintext: &[u8],
    ) -> Result<Self, EncryptError> {
        Admin::new(group).supplement(ids, plaintext)
    }
}

impl fmt::Debug for Supplement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supplement")
            .field("entries", &self.for_members.len())
            .finish_non_exhaustive()
    }
}

/// Returns the nonce of a supplemental message, which gives existing keys to new members.
///
/// `ids` are all recipients, in the order of the entries; `plaintext` is the list of keys. Seal it to
/// each with [`Party::seal_to`] in [`MEMBER_DOMAIN`].
#[must_use]
pub fn supplement_nonce(
    group: &Ed25519Secret,
    ids: &[AccountId],
    plaintext: &[u8],
) -> [u8; NONCE_LENGTH] {
    let mut hash = Blake2b::<NONCE_LENGTH>::keyed(GENERATION_KEY);
    hash_ids(&mut hash, ids);
    hash.chain(plaintext)
        .chain(admin_secret(group, b"SessionGroupKeySeed").expose_bytes())
        .finalize()
}
