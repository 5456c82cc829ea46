//! An admin's side of group keys, which remembers what all messages of the group have in common.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use session_types::AccountId;

use super::{ENTRY_MULTIPLE, MEMBER_DOMAIN, Rekey, Supplement, add_junk, admin_secret};
use super::{encrypt_key, generation_hash, supplement_nonce};
use crate::bytes::split_array;
use crate::ed25519::Ed25519Secret;
use crate::multi::{self, Party};
use crate::x25519::{X25519Public, X25519Secret};
use crate::xchacha::{KEY_LENGTH, NONCE_LENGTH};
use crate::{EncryptError, SymmetricKey};

/// The secret key of a group, with the keys that it shares with members.
///
/// The key that a member's entries are encrypted with is the same in every message. It is kept after the
/// first one, so that a new key for the same members takes a tenth of the time. All is zeroized on drop.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::Ed25519Secret;
/// use session_crypto::group_keys::{Admin, Rekey};
/// use session_types::{AccountId, X25519Public};
///
/// let group = Ed25519Secret::generate(rng);
/// let members = [AccountId::from_x25519(&X25519Public::from_bytes([9; 32]))];
/// let mut admin = Admin::new(&group);
/// let first = admin.rekey(&members, 0)?;
/// let second = admin.rekey(&members, 1)?;
/// // The result does not depend on what came before.
/// assert_eq!(second.for_members, Rekey::new(&group, &members, 1)?.for_members);
/// assert_ne!(second.for_members, first.for_members);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Admin {
    group: Ed25519Secret,
    secret: X25519Secret,
    public: X25519Public,
    /// By the member's key; none if it has small order. Boxed: the map moves its values.
    keys: BTreeMap<X25519Public, Option<Box<SymmetricKey>>>,
}

impl Admin {
    /// Starts with the group's secret key.
    #[must_use]
    pub fn new(group: &Ed25519Secret) -> Self {
        Self {
            group: group.duplicate(),
            public: group.x25519_public(),
            secret: group.to_x25519(),
            keys: BTreeMap::new(),
        }
    }

    /// Returns the group's secret key.
    #[must_use]
    pub const fn group(&self) -> &Ed25519Secret {
        &self.group
    }

    /// Returns the number of members whose keys are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.keys.len()
    }

    /// Derives the key of a generation for all members, as [`Rekey::new`]. Forgets what is kept of
    /// everybody else.
    ///
    /// # Errors
    ///
    /// As [`Rekey::new`].
    pub fn rekey(&mut self, members: &[AccountId], generation: u64) -> Result<Rekey, EncryptError> {
        let mut sorted: Vec<&AccountId> = members.iter().collect();
        sorted.sort_unstable();
        let hash = generation_hash(&self.group, &sorted, generation);
        let (key, nonce) = split_array::<56, KEY_LENGTH, NONCE_LENGTH>(&hash);
        let key = SymmetricKey::from_bytes(*key);
        let nonce = *nonce;

        let admin_key = admin_secret(&self.group, b"SessionGroupKeyAdminKey");
        let for_admins = encrypt_key(&admin_key, &nonce, &key)?;
        let members: Vec<X25519Public> = sorted.into_iter().map(AccountId::x25519).collect();
        // Sorted, too: all ids begin with the same byte.
        self.keys
            .retain(|member, _| members.binary_search(member).is_ok());
        self.prepare(&members);
        let mut for_members = Vec::with_capacity(members.len().next_multiple_of(ENTRY_MULTIPLE));
        for member in &members {
            if let Some(Some(member_key)) = self.keys.get(member) {
                for_members.push(encrypt_key(member_key, &nonce, &key)?);
            }
        }
        add_junk(&mut for_members, &hash, &self.group);
        Ok(Rekey {
            key,
            nonce,
            for_admins,
            for_members,
        })
    }

    /// Encrypts a list of keys for members, as [`Supplement::new`].
    ///
    /// # Errors
    ///
    /// As [`Supplement::new`].
    pub fn supplement(
        &mut self,
        ids: &[AccountId],
        plaintext: &[u8],
    ) -> Result<Supplement, EncryptError> {
        let nonce = supplement_nonce(&self.group, ids, plaintext);
        let members: Vec<_> = ids.iter().map(AccountId::x25519).collect();
        self.prepare(&members);
        let keys = members
            .iter()
            .filter_map(|member| self.keys.get(member)?.as_ref());
        let entries = keys.map(|key| multi::seal(key, &nonce, plaintext));
        Ok(Supplement {
            nonce,
            for_members: entries.collect::<Result<_, _>>()?,
        })
    }

    /// Computes the keys that are not there yet, together.
    fn prepare(&mut self, members: &[X25519Public]) {
        let is_new = |member: &&X25519Public| !self.keys.contains_key(member);
        let new: Vec<_> = members.iter().filter(is_new).copied().collect();
        let party = Party::with_public(&self.secret, self.public, MEMBER_DOMAIN);
        let keys = party.keys_to_all(&new).into_iter();
        let keys = keys.map(|key| key.ok().map(Box::new));
        self.keys.extend(new.into_iter().zip(keys));
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("kept", &self.kept())
            .finish_non_exhaustive()
    }
}
