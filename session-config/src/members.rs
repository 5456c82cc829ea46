//! Members of a closed group (protocol: [config, section 13.8]; [groups, section 7]).
//!
//! [config, section 13.8]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-13.8
//! [groups, section 7]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/groups.md#section-7

mod status;

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::string::ToString;
use alloc::vec::Vec;

use session_crypto::config::Domain;
use session_proto::bt;
use session_types::{AccountId, Namespace};

pub use status::{Delivery, MemberStatus, Removal};

use crate::change::{How, entries};
use crate::config::Config;
use crate::data::Dict;
use crate::error::{EditError, LoadError};
use crate::field::{Flag, KeptText, MAX_NAME, Picture, PictureAt, Positive, record};
use crate::id::account_id;
use crate::kind::{Kind, domain, private};
use status::{DeliveryAt, RemovalAt};

const MEMBERS: &[u8] = b"m";
const PENDING: &str = "pending_send_ids";

/// The kind of [`GroupMembers`].
#[derive(Debug)]
pub enum MembersKind {}

/// The members of a closed group, namespace 14.
pub type GroupMembers = Config<MembersKind>;

impl private::Kind for MembersKind {
    const NAMESPACE: Option<Namespace> = Some(Namespace::GROUP_MEMBERS);
    const DOMAIN: Domain<'static> = domain("groups::Members");
    type Extra = PendingSends;
}

/// Members to whom this device is about to send an invitation or a promotion.
#[derive(Debug, Clone, Default)]
pub struct PendingSends(BTreeSet<AccountId>);

impl private::Extra for PendingSends {
    fn read(dict: bt::Dict<'_>) -> Result<Self, LoadError> {
        if dict.get(PENDING.as_bytes()).is_none() {
            return Ok(Self::default());
        }
        let invalid = LoadError::Value { key: PENDING };
        let ids = dict.list(PENDING)?.iter().map(|id| {
            let id = id.as_bytes().and_then(|id| core::str::from_utf8(id).ok());
            id.and_then(|id| id.parse().ok()).ok_or(invalid)
        });
        ids.collect::<Result<_, _>>().map(Self)
    }

    fn write(&self, dict: &mut bt::DictWriter<'_>) {
        if !self.0.is_empty() {
            dict.list(PENDING.as_bytes(), |list| {
                for id in &self.0 {
                    list.bytes(id.to_string().as_bytes());
                }
            });
        }
    }
}

/// A change of a member.
pub type MemberChange = (AccountId, How);

impl Kind for MembersKind {
    type Change = MemberChange;

    fn changes(before: &Dict, after: &Dict) -> Vec<MemberChange> {
        entries(before.dict(MEMBERS), after.dict(MEMBERS))
            .filter_map(|(key, how)| Some((account_id(key)?, how)))
            .collect()
    }
}

record! {
    /// A member of a closed group.
    pub struct Member<'a>(AccountId) {
        /// Name, at most 100 bytes.
        name: Cow<'a, str> = KeptText(b"n", MAX_NAME),
        /// Picture.
        picture: Option<Picture<'a>> = PictureAt(b"p", b"q"),
        /// When the member last changed the profile, in seconds; 0 if that is unknown.
        profile_updated: i64 = Positive(b"t"),
        /// Whether the member is marked as an admin. Every member with the seed is an admin.
        is_admin: bool = Flag(b"A"),
        /// How far the promotion is.
        promotion: Delivery = DeliveryAt(b"P"),
        /// How far the invitation is.
        invite: Delivery = DeliveryAt(b"I"),
        /// Whether the invitation comes with the keys of earlier messages.
        has_supplement: bool = Flag(b"s"),
        /// Whether the member is to be removed.
        removal: Removal = RemovalAt(b"R"),
    }
}

impl<'a> Member<'a> {
    /// Makes a member whose invitation has not been sent.
    #[must_use]
    pub fn invited(id: AccountId) -> Self {
        Self {
            invite: Delivery::NotSent,
            ..Self::new(id)
        }
    }

    fn read(id: AccountId, dict: &'a Dict) -> Self {
        let mut member = Self::read_fields(id, dict);
        if member.is_admin {
            member.invite = Delivery::Done;
        }
        member.has_supplement &= member.invite != Delivery::Done
            && !member.is_admin
            && member.promotion == Delivery::Done;
        member
    }

    fn write(&self, dict: &mut Dict) {
        self.write_fields(dict);
        if self.is_admin {
            dict.remove(b"I");
        }
    }

    /// Whether this device is about to send something.
    fn is_unsent(&self) -> bool {
        let delivery = if self.is_admin {
            self.promotion
        } else {
            self.invite
        };
        delivery == Delivery::NotSent
    }

    /// Notes how far the invitation is. An accepted one needs no supplement any more.
    pub const fn set_invite(&mut self, invite: Delivery) {
        self.invite = invite;
        if matches!(invite, Delivery::Done) {
            self.has_supplement = false;
        }
    }

    /// Makes the member an admin, and notes how far the promotion is.
    pub const fn set_promotion(&mut self, promotion: Delivery) {
        self.is_admin = true;
        self.invite = Delivery::Done;
        self.promotion = promotion;
    }

    /// Notes that the member is to be removed.
    pub const fn set_removal(&mut self, removal: Removal) {
        self.invite = Delivery::Done;
        self.promotion = Delivery::Done;
        self.removal = removal;
    }
}

impl GroupMembers {
    /// Returns a member.
    #[must_use]
    pub fn get(&self, id: &AccountId) -> Option<Member<'_>> {
        let dict = self.data().dict(MEMBERS)?.dict(id.as_bytes())?;
        Some(Member::read(*id, dict))
    }

    /// Returns the members in the order of their ids. Nothing is cloned.
    pub fn iter(&self) -> impl Iterator<Item = Member<'_>> {
        let members = self.data().dict(MEMBERS);
        members
            .into_iter()
            .flat_map(Dict::iter)
            .filter_map(|(key, value)| Some(Member::read(account_id(key)?, value.as_dict()?)))
    }

    /// Stores a member, all fields of it.
    ///
    /// # Errors
    ///
    /// [`EditError`] if we are not an admin.
    pub fn set(&mut self, member: &Member<'_>) -> Result<(), EditError> {
        self.edit(|data| {
            data.change_dict(MEMBERS, |members| {
                members.change_dict(member.id.as_bytes(), |dict| member.write(dict));
            });
        })?;
        self.set_pending_send(&member.id, member.is_unsent());
        Ok(())
    }

    /// Changes a member, or a new one whose invitation was not sent, and stores it.
    ///
    /// # Errors
    ///
    /// [`EditError`] if we are not an admin.
    pub fn update(
        &mut self,
        id: &AccountId,
        change: impl FnOnce(&mut Member<'_>),
    ) -> Result<(), EditError> {
        let mut member = self
            .get(id)
            .map_or_else(|| Member::invited(*id), Member::into_owned);
        change(&mut member);
        self.set(&member)
    }

    /// Removes a member from the list, once the removal was carried out.
    ///
    /// # Errors
    ///
    /// [`EditError`] if we are not an admin.
    pub fn remove(&mut self, id: &AccountId) -> Result<(), EditError> {
        self.edit(|data| {
            data.change_dict(MEMBERS, |members| members.remove(id.as_bytes()));
        })?;
        self.set_pending_send(id, false);
        Ok(())
    }

    /// Returns whether this device is about to send the invitation or promotion of a member.
    #[must_use]
    pub fn is_pending_send(&self, id: &AccountId) -> bool {
        self.extra.0.contains(id)
    }

    /// Notes whether this device is about to send the invitation or promotion of a member. Other
    /// devices do not learn of it.
    pub fn set_pending_send(&mut self, id: &AccountId, is_pending: bool) {
        let changed = if is_pending {
            self.extra.0.insert(*id)
        } else {
            self.extra.0.remove(id)
        };
        if changed {
            self.engine.set_needs_dump();
        }
    }

    /// Returns the status of a member, as it is shown.
    #[must_use]
    pub fn status(&self, member: &Member<'_>) -> MemberStatus {
        member.status(self.is_pending_send(&member.id))
    }
}
