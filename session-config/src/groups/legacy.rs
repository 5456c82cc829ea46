//! Groups of the older kind.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use core::fmt;

use session_types::{AccountId, X25519Public};
use zeroize::Zeroizing;

use super::UserGroups;
use crate::data::{Dict, Scalar};
use crate::error::EditError;
use crate::field::{
    Codec, Flag, HasMentions, IntoOwned, KeptText, Lenient, MAX_NAME, Nonzero, Notify, NotifyAt,
    Positive, put, record,
};
use crate::id::account_id;

pub(super) const LEGACY: &[u8] = b"C";

/// The key pair of a group of the older kind.
#[derive(Clone, PartialEq, Eq)]
pub struct LegacyKeys {
    /// Public key.
    pub public: X25519Public,
    /// Secret key.
    pub secret: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for LegacyKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyKeys")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

/// The two keys, which are always stored together.
struct KeysAt(&'static [u8], &'static [u8]);

impl Codec for KeysAt {
    type Value<'a> = Option<LegacyKeys>;

    fn read(&self, dict: &Dict) -> Option<LegacyKeys> {
        let public = dict.bytes(self.0)?.try_into().ok()?;
        let secret = dict.bytes(self.1)?.try_into().ok()?;
        Some(LegacyKeys {
            public: X25519Public::from_bytes(public),
            secret: Zeroizing::new(secret),
        })
    }

    fn write(&self, dict: &mut Dict, value: &Option<LegacyKeys>) {
        let keys = value.as_ref();
        put(
            dict,
            self.0,
            keys.map(|keys| keys.public.as_bytes().as_slice()),
        );
        put(dict, self.1, keys.map(|keys| keys.secret.as_slice()));
    }
}

/// Members, and whether each is an admin: a set of members and one of admins.
struct MembersAt(&'static [u8], &'static [u8]);

impl Codec for MembersAt {
    type Value<'a> = BTreeMap<AccountId, bool>;

    fn read(&self, dict: &Dict) -> BTreeMap<AccountId, bool> {
        let ids = |key| {
            let items = dict.set(key).into_iter().flat_map(|set| set.iter());
            items.filter_map(|item| match item {
                Scalar::Bytes(id) => account_id(id.as_slice()),
                Scalar::Int(_) => None,
            })
        };
        // A member of both lists, after changes on two devices, is an ordinary member.
        let mut members: BTreeMap<_, _> = ids(self.1).map(|id| (id, true)).collect();
        members.extend(ids(self.0).map(|id| (id, false)));
        members
    }

    fn write(&self, dict: &mut Dict, value: &BTreeMap<AccountId, bool>) {
        for (key, admins) in [(self.0, false), (self.1, true)] {
            dict.remove(key);
            dict.change_set(key, |set| {
                for (id, _) in value.iter().filter(|(_, is_admin)| **is_admin == admins) {
                    set.insert(Scalar::Bytes(id.as_bytes().as_slice().into()));
                }
            });
        }
    }
}

impl IntoOwned for Option<LegacyKeys> {
    type Owned = Self;

    fn into_owned(self) -> Self {
        self
    }
}

impl IntoOwned for BTreeMap<AccountId, bool> {
    type Owned = Self;

    fn into_owned(self) -> Self {
        self
    }
}

record! {
    /// A group of the older kind. Times are Unix seconds, 0 if unset.
    pub struct LegacyGroup<'a>(AccountId) {
        /// Name, at most 100 bytes.
        name: Cow<'a, str> = KeptText(b"n", MAX_NAME),
        /// The key pair that messages are encrypted with.
        keys: Option<LegacyKeys> = KeysAt(b"k", b"K"),
        /// Members, and whether each is an admin.
        members: BTreeMap<AccountId, bool> = MembersAt(b"m", b"a"),
        /// After how many seconds read messages disappear; 0 if they stay.
        expiry: i64 = Positive(b"E"),
        /// When to notify.
        notify: Notify = NotifyAt(b"@", HasMentions::Yes),
        /// Until when not to notify.
        muted_until: i64 = Lenient(b"!"),
        /// −1 hidden, 0 normal, 1 pinned.
        priority: i64 = Nonzero(b"+"),
        /// Whether the invitation has not been accepted yet.
        is_invited: bool = Flag(b"i"),
        /// When we joined.
        joined: i64 = Lenient(b"j"),
    }
}

impl UserGroups {
    /// Returns a group of the older kind.
    #[must_use]
    pub fn legacy_group(&self, id: &AccountId) -> Option<LegacyGroup<'_>> {
        let dict = self.data().dict(LEGACY)?.dict(id.as_bytes())?;
        Some(LegacyGroup::read_fields(*id, dict))
    }

    /// Returns the groups of the older kind in the order of their ids.
    pub fn legacy_groups(&self) -> impl Iterator<Item = LegacyGroup<'_>> {
        let groups = self.data().dict(LEGACY);
        groups
            .into_iter()
            .flat_map(Dict::iter)
            .filter_map(|(key, value)| {
                Some(LegacyGroup::read_fields(account_id(key)?, value.as_dict()?))
            })
    }

    /// Stores a group of the older kind, all fields of it.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_legacy_group(&mut self, group: &LegacyGroup<'_>) -> Result<(), EditError> {
        self.edit(|data| {
            data.change_dict(LEGACY, |groups| {
                groups.change_dict(group.id.as_bytes(), |dict| group.write_fields(dict));
            });
        })
    }

    /// Removes a group of the older kind.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn remove_legacy_group(&mut self, id: &AccountId) -> Result<(), EditError> {
        self.edit(|data| {
            data.change_dict(LEGACY, |groups| groups.remove(id.as_bytes()));
        })
    }
}
