//! Making and loading configs, for an account and for a closed group.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use session_crypto::{Ed25519Public, Ed25519PublicExt as _, Ed25519Secret, KeyError, SymmetricKey};
use session_identity::Account;
use session_types::{GroupId, UnixMillis};

use crate::config::Config;
use crate::contacts::ContactsKind;
use crate::conversations::VolatileKind;
use crate::error::{EditError, LoadError};
use crate::groups::GroupsKind;
use crate::info::InfoKind;
use crate::kind::{GroupOwner, Kind, Owner};
use crate::members::MembersKind;
use crate::profile::ProfileKind;
use crate::rules::Rules;

/// The kinds of configs that an account has.
///
/// The trait is sealed.
pub trait UserKind: Kind {}

impl UserKind for ProfileKind {}
impl UserKind for ContactsKind {}
impl UserKind for VolatileKind {}
impl UserKind for GroupsKind {}

/// The kinds of configs that a closed group has.
///
/// The trait is sealed.
pub trait GroupKind: Kind {}

impl GroupKind for InfoKind {}
impl GroupKind for MembersKind {}

fn user(account: &Arc<Account>) -> (Owner, Vec<SymmetricKey>) {
    let key = SymmetricKey::from_bytes(*account.ed25519().expose_seed());
    (Owner::Account(Arc::clone(account)), [key].into())
}

impl<K: UserKind> Config<K> {
    /// Makes the empty config of an account.
    ///
    /// An account that was restored must fetch its configs before it may push one: see
    /// [`UserConfigs`](crate::UserConfigs), which takes care of that.
    #[must_use]
    pub fn new(account: Arc<Account>) -> Self {
        Self::new_with_rules(account, Rules::Current)
    }

    /// As [`new`](Self::new), with the rules of another generation.
    #[must_use]
    pub fn new_with_rules(account: Arc<Account>, rules: Rules) -> Self {
        let (owner, keys) = user(&account);
        Self::with_owner(owner, keys, rules)
    }

    /// Loads the config of an account from a dump of any form.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not a dump.
    pub fn load(account: Arc<Account>, dump: &[u8], now: UnixMillis) -> Result<Self, LoadError> {
        Self::load_with_rules(account, dump, now, Rules::Current)
    }

    /// As [`load`](Self::load), with the rules of another generation.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_with_rules(
        account: Arc<Account>,
        dump: &[u8],
        now: UnixMillis,
        rules: Rules,
    ) -> Result<Self, LoadError> {
        let (owner, keys) = user(&account);
        Self::load_dump(owner, keys, rules, dump, now)
    }
}

fn copies(keys: &[SymmetricKey]) -> Vec<SymmetricKey> {
    let copy = |key: &SymmetricKey| SymmetricKey::from_bytes(*key.expose_bytes());
    keys.iter().map(copy).collect()
}

/// The keys of a closed group that its configs need.
#[derive(Clone, Copy)]
pub struct GroupKeyring<'a> {
    /// The group.
    pub id: &'a GroupId,
    /// The group's secret key, if we are an admin.
    pub admin: Option<&'a Ed25519Secret>,
    /// Keys, the one to encrypt with first.
    pub keys: &'a [SymmetricKey],
}

impl fmt::Debug for GroupKeyring<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupKeyring")
            .field("id", &self.id)
            .field("is_admin", &self.admin.is_some())
            .finish_non_exhaustive()
    }
}

impl GroupKeyring<'_> {
    fn owner(&self) -> Result<Owner, KeyError> {
        let public = Ed25519Public::from_bytes(*self.id.key_bytes());
        let signer = match self.admin {
            Some(admin) if admin.public() != public => return Err(KeyError::Mismatch),
            Some(admin) => Some(admin.duplicate()),
            None => None,
        };
        Ok(Owner::Group(Box::new(GroupOwner {
            verifier: public.to_verifying_key()?,
            signer,
        })))
    }
}

/// Why the config of a group was not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupLoadError {
    /// The group's id is not a valid key, or the secret key belongs to another group.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The bytes are not a dump.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl<K: GroupKind> Config<K> {
    /// Makes the empty config of a closed group.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the group's id is not a valid key, or the secret key belongs to another group.
    pub fn new_group(group: GroupKeyring<'_>) -> Result<Self, KeyError> {
        Self::new_group_with_rules(group, Rules::Current)
    }

    /// As [`new_group`](Self::new_group), with the rules of another generation.
    ///
    /// # Errors
    ///
    /// As [`new_group`](Self::new_group).
    pub fn new_group_with_rules(group: GroupKeyring<'_>, rules: Rules) -> Result<Self, KeyError> {
        Ok(Self::with_owner(group.owner()?, copies(group.keys), rules))
    }

    /// Loads the config of a closed group from a dump of any form.
    ///
    /// # Errors
    ///
    /// [`GroupLoadError`] if the bytes are not a dump, or the keys are not those of the group.
    pub fn load_group(
        group: GroupKeyring<'_>,
        dump: &[u8],
        now: UnixMillis,
    ) -> Result<Self, GroupLoadError> {
        Self::load_group_with_rules(group, dump, now, Rules::Current)
    }

    /// As [`load_group`](Self::load_group), with the rules of another generation.
    ///
    /// # Errors
    ///
    /// As [`load_group`](Self::load_group).
    pub fn load_group_with_rules(
        group: GroupKeyring<'_>,
        dump: &[u8],
        now: UnixMillis,
        rules: Rules,
    ) -> Result<Self, GroupLoadError> {
        let keys = copies(group.keys);
        Ok(Self::load_dump(group.owner()?, keys, rules, dump, now)?)
    }

    /// Replaces the keys, the one to encrypt with first.
    ///
    /// With `encrypt_again` a new first key makes the config dirty, so that it is stored encrypted
    /// with it: an admin does this after a new key was made.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config was to be encrypted again and cannot be changed.
    pub fn set_keys(
        &mut self,
        keys: &[SymmetricKey],
        encrypt_again: bool,
    ) -> Result<(), EditError> {
        self.engine.set_keys(copies(keys), encrypt_again)
    }

    /// Makes this device's member an admin: from now on the config can be changed.
    ///
    /// # Errors
    ///
    /// [`KeyError::Mismatch`] if the secret key belongs to another group.
    pub fn set_admin(&mut self, admin: &Ed25519Secret) -> Result<(), KeyError> {
        self.engine.set_signer(admin.duplicate())
    }
}
