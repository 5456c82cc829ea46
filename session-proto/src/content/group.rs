//! Messages that manage a closed group (protocol: messages, section 6.15).
//!
//! `session-message` verifies the signatures of admins, because it knows the time of the message and
//! the id of the group.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem::take;

use super::id::{parse_id, parse_lower_case_id};
use super::{AnyId, ContentError, Ed25519Signature, GroupSeed, MemberAuthData, Omitted, Part};
use crate::limits::MAX_LISTED;
use crate::schema::session as wire;
use crate::schema::session::group_update_info_change_message::Type as InfoType;
use crate::schema::session::group_update_member_change_message::Type as MemberType;

/// A message that manages a closed group.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum GroupUpdate {
    /// Invites one account to the group. Signed by an admin.
    Invite(Invite),
    /// Makes one member an admin, by handing over the seed of the group. Not signed.
    Promote {
        /// The seed of the group.
        seed: GroupSeed,
        /// The name of the group.
        name: String,
    },
    /// Announces a new name, picture or timer. Signed by an admin.
    InfoChange {
        /// The change. The signature covers its type only, not the new value.
        change: InfoChange,
        /// The admin's signature.
        admin_signature: Ed25519Signature,
    },
    /// Announces that members were added, removed or promoted. Signed by an admin.
    MemberChange(MemberChange),
    /// The sender leaves. Admins then remove them.
    MemberLeft,
    /// The sender has left. Members show this.
    MemberLeftNotification,
    /// The sender has accepted their invitation.
    InviteResponse,
    /// A request to delete messages.
    DeleteContent(DeleteContent),
}

/// An invitation to a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Invite {
    /// The group, an id with prefix `03`.
    pub group: AnyId,
    /// Its name.
    pub name: String,
    /// The member's access to the group's swarm. Validate it before use.
    pub auth_data: MemberAuthData,
    /// The admin's signature.
    pub admin_signature: Ed25519Signature,
}

/// A change of the info of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InfoChange {
    /// The new name.
    Name(String),
    /// A new picture.
    Picture,
    /// The new timer of messages, in seconds; zero is off.
    Expiration(u32),
}

/// The type of a change of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberChangeKind {
    /// Members were invited.
    Added,
    /// Members were removed.
    Removed,
    /// Members became admins.
    Promoted,
}

/// A change of the members of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberChange {
    /// The type of the change.
    pub kind: MemberChangeKind,
    /// The members, ids with prefix `05`. Not covered by the signature.
    pub members: Vec<AnyId>,
    /// Whether new members can read earlier messages.
    pub history_shared: Option<bool>,
    /// The admin's signature.
    pub admin_signature: Ed25519Signature,
}

/// A request to delete messages. At least one of the lists is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteContent {
    /// Members whose messages up to this one are to be deleted. Requires a signature.
    pub members: Vec<AnyId>,
    /// Hashes of messages to be deleted. Without a signature, only messages of the sender count.
    pub hashes: Vec<String>,
    /// The admin's signature.
    pub admin_signature: Option<Ed25519Signature>,
}

impl InfoChange {
    /// Returns the number of the type, which the signature covers.
    #[must_use]
    pub const fn number(&self) -> i32 {
        match self {
            Self::Name(_) => InfoType::Name as i32,
            Self::Picture => InfoType::Avatar as i32,
            Self::Expiration(_) => InfoType::DisappearingMessages as i32,
        }
    }
}

impl MemberChangeKind {
    /// Returns the number of the type, which the signature covers.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Added => MemberType::Added as i32,
            Self::Removed => MemberType::Removed as i32,
            Self::Promoted => MemberType::Promoted as i32,
        }
    }
}

fn signature_of(bytes: &[u8]) -> Result<Ed25519Signature, ContentError> {
    Ed25519Signature::try_from(bytes).map_err(|_| ContentError::Length {
        field: "adminSignature",
        expected: Ed25519Signature::LENGTH,
        got: bytes.len(),
    })
}

fn ids_to_wire(ids: &[AnyId]) -> Result<Vec<String>, ContentError> {
    check_count(ids.len(), "memberSessionIds")?;
    if !ids.iter().all(AnyId::is_account) {
        let field = "memberSessionIds";
        return Err(ContentError::Id { field });
    }
    Ok(ids.iter().map(ToString::to_string).collect())
}

const fn check_count(got: usize, field: &'static str) -> Result<(), ContentError> {
    if got > MAX_LISTED {
        let max = MAX_LISTED;
        return Err(ContentError::TooMany { field, max, got });
    }
    Ok(())
}

impl GroupUpdate {
    /// Returns whether a signature covers a text in which invalid sequences were replaced.
    pub(super) fn signs_replaced_text(&self) -> bool {
        let Self::DeleteContent(delete) = self else {
            return false;
        };
        let is_replaced = |hash: &String| hash.contains(char::REPLACEMENT_CHARACTER);
        delete.hashes.iter().any(is_replaced)
    }

    /// Returns whether the update goes to one account, not to the swarm of the group.
    #[must_use]
    pub const fn is_for_one_member(&self) -> bool {
        matches!(self, Self::Invite(_) | Self::Promote { .. })
    }

    pub(super) fn to_wire(&self) -> Result<wire::GroupUpdateMessage, ContentError> {
        let mut out = wire::GroupUpdateMessage::default();
        match self {
            Self::Invite(invite) => out.invite_message = Some(invite.to_wire()?),
            Self::Promote { seed, name } => {
                out.promote_message = Some(wire::GroupUpdatePromoteMessage {
                    group_identity_seed: seed.to_field(),
                    name: name.clone(),
                });
            }
            Self::InfoChange {
                change,
                admin_signature,
            } => {
                out.info_change_message = Some(change.to_wire(admin_signature));
            }
            Self::MemberChange(change) => out.member_change_message = Some(change.to_wire()?),
            Self::MemberLeft => {
                out.member_left_message = Some(wire::GroupUpdateMemberLeftMessage {});
            }
            Self::MemberLeftNotification => {
                out.member_left_notification_message =
                    Some(wire::GroupUpdateMemberLeftNotificationMessage {});
            }
            Self::InviteResponse => {
                out.invite_response =
                    Some(wire::GroupUpdateInviteResponseMessage { is_approved: true });
            }
            Self::DeleteContent(delete) => out.delete_member_content = Some(delete.to_wire()?),
        }
        Ok(out)
    }

    pub(super) fn from_wire(
        update: wire::GroupUpdateMessage,
        omitted: &mut Omitted,
    ) -> Result<Self, ContentError> {
        let found = [
            update.invite_message.map(Invite::from_wire),
            update.promote_message.map(promote_from_wire),
            update.info_change_message.map(InfoChange::from_wire),
            update
                .member_change_message
                .map(|change| MemberChange::from_wire(change, omitted)),
            update.member_left_message.map(|_| Ok(Self::MemberLeft)),
            update
                .member_left_notification_message
                .map(|_| Ok(Self::MemberLeftNotification)),
            update.invite_response.map(|response| {
                if response.is_approved {
                    Ok(Self::InviteResponse)
                } else {
                    Err(ContentError::NotApproved)
                }
            }),
            update.delete_member_content.map(DeleteContent::from_wire),
        ];
        let mut found = found.into_iter().flatten();
        let first = found.next().ok_or(ContentError::Empty)?;
        if found.next().is_some() {
            return Err(ContentError::TwoKinds);
        }
        first
    }
}

fn promote_from_wire(
    mut promote: wire::GroupUpdatePromoteMessage,
) -> Result<GroupUpdate, ContentError> {
    Ok(GroupUpdate::Promote {
        seed: GroupSeed::from_field(&promote.group_identity_seed, "groupIdentitySeed")?,
        name: take(&mut promote.name),
    })
}

impl Invite {
    fn to_wire(&self) -> Result<wire::GroupUpdateInviteMessage, ContentError> {
        self.check_group()?;
        Ok(wire::GroupUpdateInviteMessage {
            group_session_id: self.group.to_string(),
            name: self.name.clone(),
            member_auth_data: self.auth_data.to_field(),
            admin_signature: self.admin_signature.as_bytes().to_vec(),
        })
    }

    fn check_group(&self) -> Result<(), ContentError> {
        if !self.group.is_group() {
            let field = "groupSessionId";
            return Err(ContentError::Id { field });
        }
        Ok(())
    }

    fn from_wire(mut invite: wire::GroupUpdateInviteMessage) -> Result<GroupUpdate, ContentError> {
        let invite = Self {
            group: parse_id(&invite.group_session_id, "groupSessionId")?,
            name: take(&mut invite.name),
            auth_data: MemberAuthData::from_field(&invite.member_auth_data, "memberAuthData")?,
            admin_signature: signature_of(&invite.admin_signature)?,
        };
        invite.check_group()?;
        Ok(GroupUpdate::Invite(invite))
    }
}

impl InfoChange {
    fn to_wire(&self, signature: &Ed25519Signature) -> wire::GroupUpdateInfoChangeMessage {
        let mut out = wire::GroupUpdateInfoChangeMessage {
            r#type: self.number(),
            admin_signature: signature.as_bytes().to_vec(),
            ..wire::GroupUpdateInfoChangeMessage::default()
        };
        match self {
            Self::Name(name) => out.updated_name = Some(name.clone()),
            Self::Picture => {}
            Self::Expiration(seconds) => out.updated_expiration = Some(*seconds),
        }
        out
    }

    fn from_wire(message: wire::GroupUpdateInfoChangeMessage) -> Result<GroupUpdate, ContentError> {
        let field = "type";
        let kind = InfoType::try_from(message.r#type);
        let change = match kind.map_err(|_| ContentError::UnknownValue { field })? {
            InfoType::Name => Self::Name(message.updated_name.ok_or(ContentError::Missing {
                field: "updatedName",
            })?),
            InfoType::Avatar => Self::Picture,
            // Off when absent, as in a Content.
            InfoType::DisappearingMessages => {
                Self::Expiration(message.updated_expiration.unwrap_or(0))
            }
        };
        Ok(GroupUpdate::InfoChange {
            change,
            admin_signature: signature_of(&message.admin_signature)?,
        })
    }
}

impl MemberChange {
    fn to_wire(&self) -> Result<wire::GroupUpdateMemberChangeMessage, ContentError> {
        Ok(wire::GroupUpdateMemberChangeMessage {
            r#type: self.kind.number(),
            member_session_ids: ids_to_wire(&self.members)?,
            history_shared: self.history_shared,
            admin_signature: self.admin_signature.as_bytes().to_vec(),
        })
    }

    fn from_wire(
        change: wire::GroupUpdateMemberChangeMessage,
        omitted: &mut Omitted,
    ) -> Result<GroupUpdate, ContentError> {
        let field = "type";
        let kind = MemberType::try_from(change.r#type);
        let listed = change.member_session_ids.len();
        let members: Vec<_> = change
            .member_session_ids
            .iter()
            .filter_map(|id| id.parse().ok())
            .filter(AnyId::is_account)
            .collect();
        if members.len() < listed {
            omitted.insert(Part::Member);
        }
        Ok(GroupUpdate::MemberChange(Self {
            kind: match kind.map_err(|_| ContentError::UnknownValue { field })? {
                MemberType::Added => MemberChangeKind::Added,
                MemberType::Removed => MemberChangeKind::Removed,
                MemberType::Promoted => MemberChangeKind::Promoted,
            },
            members,
            history_shared: change.history_shared,
            admin_signature: signature_of(&change.admin_signature)?,
        }))
    }
}

impl DeleteContent {
    fn to_wire(&self) -> Result<wire::GroupUpdateDeleteMemberContentMessage, ContentError> {
        check_count(self.hashes.len(), "messageHashes")?;
        if self.members.is_empty() && self.hashes.is_empty() {
            return Err(ContentError::Empty);
        }
        Ok(wire::GroupUpdateDeleteMemberContentMessage {
            member_session_ids: ids_to_wire(&self.members)?,
            message_hashes: self.hashes.clone(),
            admin_signature: self
                .admin_signature
                .map(|signature| signature.as_bytes().to_vec()),
        })
    }

    /// Rejects every malformed id, and upper case: the signature covers the text of ids and hashes.
    fn from_wire(
        message: wire::GroupUpdateDeleteMemberContentMessage,
    ) -> Result<GroupUpdate, ContentError> {
        let field = "memberSessionIds";
        let ids = message.member_session_ids.iter();
        let delete = Self {
            members: ids
                .map(|id| parse_lower_case_id(id, field))
                .collect::<Result<_, _>>()?,
            hashes: message.message_hashes,
            admin_signature: message
                .admin_signature
                .map(|signature| signature_of(&signature))
                .transpose()?,
        };
        if !delete.members.iter().all(AnyId::is_account) {
            return Err(ContentError::Id { field });
        }
        if delete.members.is_empty() && delete.hashes.is_empty() {
            return Err(ContentError::Empty);
        }
        Ok(GroupUpdate::DeleteContent(delete))
    }
}
