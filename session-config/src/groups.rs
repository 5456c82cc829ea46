//! Groups and communities of an account (protocol: [config, section 13.5]).
//!
//! [config, section 13.5]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-13.5

mod community;
mod legacy;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use session_crypto::Ed25519Secret;
use session_crypto::config::Domain;
use session_proto::schema::session::shared_config_message::Kind as WrapperKind;
use session_types::{AccountId, GroupId, Namespace};
use zeroize::Zeroizing;

pub use community::CommunityEntry;
pub use legacy::{LegacyGroup, LegacyKeys};

use crate::change::{How, entries};
use crate::community::rooms_changed;
use crate::config::Config;
use crate::data::Dict;
use crate::error::EditError;
use crate::field::{
    Codec, Flag, HasMentions, IntoOwned, Lenient, MAX_NAME, Nonzero, Notify, NotifyAt, Text, put,
    record,
};
use crate::id::{account_id, group_id};
use crate::kind::{Kind, domain, private};

const GROUPS: &[u8] = b"g";
const SECRET: &[u8] = b"K";
const AUTH: &[u8] = b"s";

/// The kind of [`UserGroups`].
#[derive(Debug)]
pub enum GroupsKind {}

/// The groups and communities of an account, namespace 5.
pub type UserGroups = Config<GroupsKind>;

impl private::Kind for GroupsKind {
    const NAMESPACE: Option<Namespace> = Some(Namespace::USER_GROUPS);
    const DOMAIN: Domain<'static> = domain("UserGroups");
    const WRAPPER: Option<WrapperKind> = Some(WrapperKind::UserGroups);
    type Extra = ();
}

/// A change of groups and communities.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupChange {
    /// A closed group.
    Group(GroupId, How),
    /// A community: base URL and room, in lower case.
    Community(String, String, How),
    /// A group of the older kind.
    LegacyGroup(AccountId, How),
}

impl Kind for GroupsKind {
    type Change = GroupChange;

    fn changes(before: &Dict, after: &Dict) -> Vec<GroupChange> {
        let groups = entries(before.dict(GROUPS), after.dict(GROUPS))
            .filter_map(|(key, how)| Some(GroupChange::Group(group_id(key)?, how)));
        let rooms = rooms_changed(before, after, community::COMMUNITIES)
            .map(|room| GroupChange::Community(room.base, room.room, room.how));
        let legacy = entries(before.dict(legacy::LEGACY), after.dict(legacy::LEGACY))
            .filter_map(|(key, how)| Some(GroupChange::LegacyGroup(account_id(key)?, how)));
        groups.chain(rooms).chain(legacy).collect()
    }
}

/// What a device needs to use a group: the seed of its admins, or what one member was given.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum GroupAccess {
    /// Nothing: not yet invited, or kicked.
    #[default]
    None,
    /// Seed of the group's Ed25519 key.
    Admin(Zeroizing<[u8; 32]>),
    /// Auth data of one member (protocol: groups, section 8.3).
    Member(Zeroizing<[u8; 100]>),
}

impl fmt::Debug for GroupAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Admin(_) => "Admin(..)",
            Self::Member(_) => "Member(..)",
        })
    }
}

/// [`GroupAccess`]. The key of the seed is always there: it keeps the dict alive.
struct AccessAt(GroupId);

fn is_seed_of(seed: &[u8; 32], id: &GroupId) -> bool {
    Ed25519Secret::from_seed(seed).public().as_bytes() == id.key_bytes()
}

impl Codec for AccessAt {
    type Value<'a> = GroupAccess;

    fn read(&self, dict: &Dict) -> GroupAccess {
        let seed = dict.bytes(SECRET).and_then(|seed| seed.try_into().ok());
        if let Some(seed) = seed.filter(|seed| is_seed_of(seed, &self.0)) {
            return GroupAccess::Admin(Zeroizing::new(seed));
        }
        let auth = dict.bytes(AUTH).and_then(|auth| auth.try_into().ok());
        auth.map_or(GroupAccess::None, |auth| {
            GroupAccess::Member(Zeroizing::new(auth))
        })
    }

    fn write(&self, dict: &mut Dict, value: &GroupAccess) {
        match value {
            // Auth data that is stored is left alone, as deployed clients leave it.
            GroupAccess::Admin(seed) if is_seed_of(seed, &self.0) => {
                dict.insert(SECRET, seed.as_slice());
            }
            GroupAccess::Member(auth) => {
                dict.insert(SECRET, b"".as_slice());
                dict.insert(AUTH, auth.as_slice());
            }
            GroupAccess::Admin(_) | GroupAccess::None => {
                dict.insert(SECRET, b"".as_slice());
                dict.remove(AUTH);
            }
        }
    }
}

/// Whether we are still in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Removed {
    /// We are.
    #[default]
    No,
    /// We were kicked, and may be invited again.
    Kicked,
    /// The group is gone.
    Destroyed,
}

struct RemovedAt(&'static [u8]);

impl Codec for RemovedAt {
    type Value<'a> = Removed;

    fn read(&self, dict: &Dict) -> Removed {
        match dict.int(self.0) {
            Some(1) => Removed::Kicked,
            Some(2) => Removed::Destroyed,
            _ => Removed::No,
        }
    }

    fn write(&self, dict: &mut Dict, value: &Removed) {
        let number = match value {
            Removed::No => None,
            Removed::Kicked => Some(1),
            Removed::Destroyed => Some(2),
        };
        put(dict, self.0, number);
    }
}

impl IntoOwned for Removed {
    type Owned = Self;

    fn into_owned(self) -> Self {
        self
    }
}

record! {
    /// A closed group that we are in, or were. Times are Unix seconds, 0 if unset.
    ///
    /// The name is that of the invitation; the group's own config supersedes it.
    pub struct UserGroup<'a>(GroupId) {
        /// Name, at most 100 bytes.
        name: Cow<'a, str> = Text(b"n", MAX_NAME),
        /// Whether we are still in it.
        removed: Removed = RemovedAt(b"r"),
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

/// A closed group and what we need to use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupEntry<'a> {
    /// What is shown of it.
    pub group: UserGroup<'a>,
    /// What we need to use it. A seed of another group is not stored.
    pub access: GroupAccess,
}

impl<'a> GroupEntry<'a> {
    /// Makes an entry in which nothing is set.
    #[must_use]
    pub fn new(id: GroupId) -> Self {
        Self {
            group: UserGroup::new(id),
            access: GroupAccess::None,
        }
    }

    fn read(id: GroupId, dict: &'a Dict) -> Self {
        Self {
            group: UserGroup::read_fields(id, dict),
            access: AccessAt(id).read(dict),
        }
    }

    fn write(&self, dict: &mut Dict) {
        AccessAt(self.group.id).write(dict, &self.access);
        self.group.write_fields(dict);
    }

    /// Returns an entry that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> GroupEntry<'static> {
        GroupEntry {
            group: self.group.into_owned(),
            access: self.access,
        }
    }

    /// Notes that we were kicked. What gave access goes.
    pub fn mark_kicked(&mut self) {
        self.access = GroupAccess::None;
        if self.group.removed != Removed::Destroyed {
            self.group.removed = Removed::Kicked;
        }
    }

    /// Notes that the group is gone. What gave access goes.
    pub fn mark_destroyed(&mut self) {
        self.access = GroupAccess::None;
        self.group.removed = Removed::Destroyed;
    }

    /// Notes that we were invited, perhaps again.
    pub fn mark_invited(&mut self) {
        if self.group.removed == Removed::Kicked {
            self.group.removed = Removed::No;
        }
    }
}

impl UserGroups {
    /// Returns a closed group.
    #[must_use]
    pub fn group(&self, id: &GroupId) -> Option<GroupEntry<'_>> {
        let dict = self.data().dict(GROUPS)?.dict(id.as_bytes())?;
        Some(GroupEntry::read(*id, dict))
    }

    /// Returns the closed groups in the order of their ids.
    pub fn groups(&self) -> impl Iterator<Item = GroupEntry<'_>> {
        let groups = self.data().dict(GROUPS);
        groups
            .into_iter()
            .flat_map(Dict::iter)
            .filter_map(|(key, value)| Some(GroupEntry::read(group_id(key)?, value.as_dict()?)))
    }

    /// Stores a closed group, all fields of it.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_group(&mut self, entry: &GroupEntry<'_>) -> Result<(), EditError> {
        self.edit(|data| {
            data.change_dict(GROUPS, |groups| {
                groups.change_dict(entry.group.id.as_bytes(), |dict| entry.write(dict));
            });
        })
    }

    /// Changes a closed group, or a new entry if there is none, and stores it.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn update_group(
        &mut self,
        id: &GroupId,
        change: impl FnOnce(&mut GroupEntry<'_>),
    ) -> Result<(), EditError> {
        let mut entry = self
            .group(id)
            .map_or_else(|| GroupEntry::new(*id), GroupEntry::into_owned);
        change(&mut entry);
        self.set_group(&entry)
    }

    /// Removes a closed group.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn remove_group(&mut self, id: &GroupId) -> Result<(), EditError> {
        self.edit(|data| {
            data.change_dict(GROUPS, |groups| groups.remove(id.as_bytes()));
        })
    }
}
