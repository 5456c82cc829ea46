//! Closed groups as state: keys, info and members, and what admins and members do.
//!
//! ```text
//! fetch the NAMESPACES in this order -> receive each           apply the changes
//!                      namespace 11  -> open each message      show it
//! invite, rename, remove, ...  -> poll -> do the calls -> report     until poll gives nothing
//! now and then: extend the lifetime of keep_alive
//! ```
//!
//! [`Group`] does no I/O. An act changes its state and returns at once; [`Group::poll`] then gives what
//! has to be sent, where and in which order, and [`Group::report`] takes what came of it. All that an
//! act still needs is part of the state: save [`Group::dump`] before sending and after reporting, and an
//! act continues after a restart at the step it had reached. Each step may be repeated.
//!
//! Protocol: [groups].
//!
//! [groups]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/groups.md

mod act;
mod dump;
mod error;
mod job;
pub mod keys;
mod members;
mod message;
mod poll;
mod queue;
mod receive;
mod report;
mod start;

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use session_crypto::Ed25519Secret;
use session_identity::Account;
use session_identity::subaccount::AuthData;
use session_types::{AccountId, GroupId, Namespace, UnixMillis};
use zeroize::Zeroizing;

pub use error::{ActError, InviteError, MessageRefused, ReportError};
pub use job::{Answer, Call, Job, Ticket};
pub use keys::{KeyMessageError, Keys, RekeyError};
pub use members::{Invitee, RemoveMessages};
pub use message::Arrived;
pub use receive::{GroupChange, GroupRefused, Incoming, Received};
pub use start::NewGroup;

use crate::error::EditError;
use crate::groups::{GroupAccess, GroupEntry, Removed, UserGroups};
use crate::info::GroupInfo;
use crate::members::GroupMembers;
use job::Open;
use queue::Queue;

/// How far our own membership is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// We were invited, and have not accepted yet.
    Invited,
    /// We are a member or an admin.
    Joined,
    /// We have left, and the members have not been told yet.
    Leaving,
    /// We have left. The group is to be forgotten.
    Left,
    /// An admin has removed us.
    Kicked,
    /// The group is gone.
    Destroyed,
}

/// A closed group on one device: its keys, its info and its members.
pub struct Group {
    account: Arc<Account>,
    keys: Keys,
    info: GroupInfo,
    members: GroupMembers,
    /// What lets us use the swarm as a member.
    auth: Option<AuthData>,
    stage: Stage,
    /// The name that the invitation gave.
    invited_name: String,
    /// The highest generation of all key messages that were signed by the group.
    seen_generation: u64,
    /// Whether the swarm refuses our subaccount.
    is_refused: bool,
    /// Names of notices of removal that were processed before we were invited again.
    old_notices: BTreeSet<String>,
    queue: Queue,
    open: Option<Open>,
    last_ticket: u64,
    needs_dump: bool,
}

impl Group {
    /// The namespaces to fetch, in the order in which to [`receive`](Self::receive) them; after them
    /// namespace 11, each message of which goes to [`open`](Self::open).
    pub const NAMESPACES: [Namespace; 4] = [
        Namespace::GROUP_KEYS,
        Namespace::GROUP_INFO,
        Namespace::GROUP_MEMBERS,
        Namespace::REVOKED_GROUP_MESSAGES,
    ];

    /// Returns the id of the group.
    #[must_use]
    pub const fn id(&self) -> &GroupId {
        self.keys.id()
    }

    /// Returns our account.
    #[must_use]
    pub const fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Returns how far our own membership is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self.stage {
            Stage::Invited | Stage::Joined if self.info.is_destroyed() => Stage::Destroyed,
            stage => stage,
        }
    }

    /// Returns whether we are an admin: whether we have the group's secret key.
    #[must_use]
    pub const fn is_admin(&self) -> bool {
        self.keys.admin().is_some()
    }

    /// Returns the group's secret key, if we are an admin. It signs requests to the group's swarm.
    #[must_use]
    pub const fn admin(&self) -> Option<&Ed25519Secret> {
        self.keys.admin()
    }

    /// Returns what signs requests to the group's swarm, if we are a member.
    #[must_use]
    pub const fn auth_data(&self) -> Option<&AuthData> {
        self.auth.as_ref()
    }

    /// Returns the keys.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Returns name, picture and settings.
    #[must_use]
    pub const fn info(&self) -> &GroupInfo {
        &self.info
    }

    /// Returns the members.
    #[must_use]
    pub const fn members(&self) -> &GroupMembers {
        &self.members
    }

    /// Returns the name to show: that of the info, or of the invitation.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.info.name();
        if name.is_empty() {
            self.invited_name.clone()
        } else {
            name.into_owned()
        }
    }

    /// Returns the ids of all entries of the members config.
    fn ids(&self) -> alloc::vec::Vec<AccountId> {
        self.members.iter().map(|member| member.id).collect()
    }

    /// Returns the names of messages whose lifetime is to be extended.
    pub fn keep_alive(&self, now: UnixMillis) -> impl Iterator<Item = &str> {
        let keys = self.keys.active_hashes();
        keys.chain(self.info.active_hashes(now))
            .chain(self.members.active_hashes(now))
    }

    /// Returns whether something changed since the last dump.
    #[must_use]
    pub const fn needs_dump(&self) -> bool {
        self.needs_dump
            || self.keys.needs_dump()
            || self.info.needs_dump()
            || self.members.needs_dump()
    }

    /// Notes the group in the account's own config: its name, what gives access, and whether we are
    /// still in it. Removes it once we have left.
    ///
    /// # Errors
    ///
    /// [`EditError`] if that config cannot be changed.
    pub fn write_entry(&self, groups: &mut UserGroups) -> Result<(), EditError> {
        let stage = self.stage();
        if stage == Stage::Left {
            return groups.remove_group(self.id());
        }
        let name = self.name();
        let name = crate::field::truncate(&name, crate::field::MAX_NAME);
        groups.update_group(self.id(), |entry| {
            entry.group.name = name.to_owned().into();
            match stage {
                Stage::Kicked => entry.mark_kicked(),
                Stage::Destroyed => entry.mark_destroyed(),
                _ => {
                    entry.access = self.access();
                    entry.group.is_invited = stage == Stage::Invited;
                    entry.group.removed = Removed::No;
                }
            }
        })
    }

    fn access(&self) -> GroupAccess {
        match (self.admin(), &self.auth) {
            (Some(admin), _) => GroupAccess::Admin(Zeroizing::new(*admin.expose_seed())),
            (None, Some(auth)) => GroupAccess::Member(auth.expose_bytes()),
            (None, None) => GroupAccess::None,
        }
    }

    /// Takes the group from the account's own config, as another device of ours has stored it.
    ///
    /// # Errors
    ///
    /// [`InviteError`] if the entry gives no access to the group.
    pub fn from_entry(account: Arc<Account>, entry: &GroupEntry<'_>) -> Result<Self, InviteError> {
        let id = entry.group.id;
        let stage = match entry.group.removed {
            Removed::No if entry.group.is_invited => Stage::Invited,
            Removed::No => Stage::Joined,
            Removed::Kicked => Stage::Kicked,
            Removed::Destroyed => Stage::Destroyed,
        };
        let mut group = match &entry.access {
            GroupAccess::Admin(seed) => {
                let admin = Ed25519Secret::from_seed(seed);
                Self::with(account, id, Some(&admin), None, stage)?
            }
            GroupAccess::Member(auth) => {
                let auth = start::checked(auth, &id, &account)?;
                Self::with(account, id, None, Some(auth), stage)?
            }
            GroupAccess::None => return Err(InviteError::NoAccess),
        };
        group.invited_name = entry.group.name.clone().into_owned();
        Ok(group)
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("id", self.id())
            .field("stage", &self.stage())
            .field("is_admin", &self.is_admin())
            .field("keys", &self.keys)
            .field("info", &self.info)
            .field("members", &self.members)
            .finish_non_exhaustive()
    }
}
