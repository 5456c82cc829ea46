//! The cryptography of group keys: how admins make a key and hand it to members.
//!
//! Everything is derived from the group's seed, the members and a counter, so that two admins who do
//! the same make the same bytes (protocol: crypto, section 4). The dicts in which these bytes travel,
//! and their signature by the group's key, belong to the layer above.
//!
//! ```text
//! h1 (56) = BLAKE2b-56(key = "SessionGroupKeyGen"; ids of the members || generation || secret)
//! h1      = group key (32) | nonce (24)
//! entries: group key, encrypted | tag (16), one for the admins and one for each member
//! ```

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use zeroize::{Zeroize, Zeroizing};

use crate::bytes::copy_prefix;
use crate::ed25519::{Ed25519Public, Ed25519PublicExt, Ed25519Secret};
use crate::multi::Party;
use crate::x25519::{X25519Public, X25519Secret};
use crate::xchacha::{self, KEY_LENGTH, NONCE_LENGTH, TAG_LENGTH};
use crate::{Blake2b, DecryptError, EncryptError};

/// The domain in which keys are encrypted to members (see [`crate::multi`]).
pub const MEMBER_DOMAIN: &[u8] = b"SessionGroupKeyMemberKey";
/// Length in bytes of an encrypted key.
pub const ENTRY_LENGTH: usize = KEY_LENGTH + TAG_LENGTH;
/// The multiple that the number of entries is padded to, so that it hides the number of members.
pub const ENTRY_MULTIPLE: usize = 45;

const GENERATION_KEY: &[u8; 18] = b"SessionGroupKeyGen";

/// A secret of the group's admins: `BLAKE2b-32(key = name; seed)`, of whose name 64 bytes count.
#[must_use]
pub fn admin_secret(group: &Ed25519Secret, name: &[u8]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(
        Blake2b::<32>::keyed_prefix(name)
            .chain(group.expose_seed())
            .finalize(),
    )
}

/// Adds the 66 lower-case hex digits of each id to a hash.
fn hash_ids<'a, const N: usize>(
    hash: &mut Blake2b<N>,
    ids: impl IntoIterator<Item = &'a [u8; 33]>,
) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in ids.into_iter().flatten() {
        for nibble in [byte >> 4, byte & 0x0f] {
            // Ids are public: the table is no leak.
            if let Some(digit) = DIGITS.get(usize::from(nibble)) {
                hash.update(&[*digit]);
            }
        }
    }
}

/// A new key of a group, and all that its message is made of. The key is wiped when it is dropped.
pub struct Rekey {
    /// The key.
    pub key: Zeroizing<[u8; KEY_LENGTH]>,
    /// The nonce of all entries.
    pub nonce: [u8; NONCE_LENGTH],
    /// The key, encrypted for admins.
    pub for_admins: [u8; ENTRY_LENGTH],
    /// The key, encrypted for each member in the order of their ids, then junk. Their number is a
    /// multiple of [`ENTRY_MULTIPLE`]; members whose key is refused have no entry.
    pub for_members: Vec<[u8; ENTRY_LENGTH]>,
}

impl Rekey {
    /// Makes the key of a generation for all members, given by their ids in any order.
    ///
    /// Constant time in the group's seed.
    ///
    /// # Errors
    ///
    /// None that can happen: only a message of 256 GiB could not be encrypted.
    pub fn new(
        group: &Ed25519Secret,
        members: &[[u8; 33]],
        generation: u64,
    ) -> Result<Self, EncryptError> {
        let mut members: Vec<&[u8; 33]> = members.iter().collect();
        members.sort_unstable();
        let mut hash = Blake2b::<56>::keyed(GENERATION_KEY);
        hash_ids(&mut hash, members.iter().copied());
        let hash = Zeroizing::new(
            hash.chain(generation.to_string().as_bytes())
                .chain(&*admin_secret(group, b"SessionGroupKeySeed"))
                .finalize(),
        );
        let (mut key, mut nonce) = (Zeroizing::new([0; KEY_LENGTH]), [0; NONCE_LENGTH]);
        let (left, right) = hash.split_at(KEY_LENGTH);
        copy_prefix(key.as_mut_slice(), left);
        copy_prefix(&mut nonce, right);

        let admin_key = admin_secret(group, b"SessionGroupKeyAdminKey");
        let for_admins = encrypt_key(&admin_key, &nonce, &key)?;
        let secret = group.to_x25519();
        let sender = Party::new(&secret, MEMBER_DOMAIN);
        let mut for_members = Vec::with_capacity(members.len().next_multiple_of(ENTRY_MULTIPLE));
        for [_, member @ ..] in members {
            if let Ok(member_key) = sender.key_to(&X25519Public::from_bytes(*member)) {
                for_members.push(encrypt_key(&member_key, &nonce, &key)?);
            }
        }
        add_junk(&mut for_members, &hash, group);
        Ok(Self {
            key,
            nonce,
            for_admins,
            for_members,
        })
    }
}

impl fmt::Debug for Rekey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rekey")
            .field("entries", &self.for_members.len())
            .finish_non_exhaustive()
    }
}

/// Encrypts a key with a key.
fn encrypt_key(
    with: &[u8; KEY_LENGTH],
    nonce: &[u8; NONCE_LENGTH],
    key: &[u8; KEY_LENGTH],
) -> Result<[u8; ENTRY_LENGTH], EncryptError> {
    let mut entry = [0; ENTRY_LENGTH];
    let (place, tag) = entry.split_at_mut(KEY_LENGTH);
    copy_prefix(place, key);
    copy_prefix(tag, &xchacha::seal_in_place(with, nonce, place)?);
    Ok(entry)
}

/// Adds entries that nobody opens, up to the next multiple.
fn add_junk(entries: &mut Vec<[u8; ENTRY_LENGTH]>, hash: &[u8; 56], group: &Ed25519Secret) {
    let mut seed = Blake2b::<32>::keyed(b"SessionGroupJunkMembers")
        .chain(hash)
        .chain(group.expose_seed())
        .chain(group.public().as_bytes())
        .finalize();
    // libsodium's randombytes_buf_deterministic.
    let mut stream = ChaCha20::new(&seed.into(), b"LibsodiumDRG".into());
    seed.zeroize();
    let first = entries.len();
    entries.resize(first.next_multiple_of(ENTRY_MULTIPLE), [0; ENTRY_LENGTH]);
    for entry in entries.iter_mut().skip(first) {
        stream.apply_keystream(entry);
    }
}

/// Opens what [`Rekey::for_admins`] is, with the group's seed. Constant time in the seed.
///
/// What a caller must still do: verify that the group's key signed the message.
///
/// # Errors
///
/// [`DecryptError`] for whatever is wrong.
pub fn open_as_admin(
    group: &Ed25519Secret,
    nonce: &[u8; NONCE_LENGTH],
    entry: &[u8; ENTRY_LENGTH],
) -> Result<Zeroizing<[u8; KEY_LENGTH]>, DecryptError> {
    let key = xchacha::open(
        &admin_secret(group, b"SessionGroupKeyAdminKey"),
        nonce,
        entry,
    )?;
    exactly_a_key(&key)
}

/// Opens the one of the entries that is for this member.
///
/// What a caller must still do: verify that the group's key signed the entries. Constant time in the
/// member's secret, but for which entry opened.
///
/// # Errors
///
/// [`DecryptError`] if none is: the member has no part in this key, which is a normal result.
pub fn open_as_member<'e>(
    member: &X25519Secret,
    group: &Ed25519Public,
    nonce: &[u8; NONCE_LENGTH],
    entries: impl IntoIterator<Item = &'e [u8; ENTRY_LENGTH]>,
) -> Result<Zeroizing<[u8; KEY_LENGTH]>, DecryptError> {
    let entries = entries.into_iter().map(<[u8; ENTRY_LENGTH]>::as_slice);
    let party = Party::new(member, MEMBER_DOMAIN);
    exactly_a_key(&party.decrypt_from(&group.to_x25519()?, nonce, entries)?)
}

fn exactly_a_key(bytes: &[u8]) -> Result<Zeroizing<[u8; KEY_LENGTH]>, DecryptError> {
    <[u8; KEY_LENGTH]>::try_from(bytes)
        .map(Zeroizing::new)
        .map_err(|_| DecryptError)
}

/// The nonce of a supplemental message, which hands existing keys to new members.
///
/// `ids` are all that the message is made for, in the order in which it is made; `plaintext` is the
/// list of keys. Encrypt it to each with [`Party::encrypt_to`] in [`MEMBER_DOMAIN`].
#[must_use]
pub fn supplement_nonce(
    group: &Ed25519Secret,
    ids: &[[u8; 33]],
    plaintext: &[u8],
) -> [u8; NONCE_LENGTH] {
    let mut hash = Blake2b::<NONCE_LENGTH>::keyed(GENERATION_KEY);
    hash_ids(&mut hash, ids);
    hash.chain(plaintext)
        .chain(&*admin_secret(group, b"SessionGroupKeySeed"))
        .finalize()
}
