//! The signatures of group admins.
//!
//! An admin signs a text with the Ed25519 key of the group (protocol: messages, section 6.15). `T` is
//! the time of the message in Unix milliseconds, in decimal: a message that is sent again at another
//! time must be signed again.
//!
//! | update | signed text |
//! |---|---|
//! | invitation | `INVITE` ‖ id of the invitee ‖ T |
//! | change of the group's info | `INFO_CHANGE` ‖ number of the kind ‖ T |
//! | change of members | `MEMBER_CHANGE` ‖ number of the kind ‖ T |
//! | deletion | `DELETE_CONTENT` ‖ T ‖ member ids ‖ message hashes |
//!
//! The new name, timer or member list is **not** covered.

use alloc::string::{String, ToString};
use core::fmt::Write;
use session_crypto::Ed25519PublicExt;

use session_crypto::{Ed25519Secret, SignatureError};
use session_identity::{AccountId, GroupId};
use session_proto::content::{
    AnyId, DeleteContent, GroupSeed, GroupUpdate, InfoChange, Invite, MemberAuthData, MemberChange,
    MemberChangeKind,
};
use session_types::{Ed25519Signature, UnixMillis};

/// An action that an admin signs.
#[derive(Debug, Clone, Copy)]
pub enum Action<'a> {
    /// An invitation.
    Invite {
        /// The invited account.
        invitee: &'a AccountId,
    },
    /// A change of the group's name, picture or timer.
    InfoChange {
        /// [`InfoChange::number`]
        number: i32,
    },
    /// A change of the group's members.
    MemberChange {
        /// [`MemberChangeKind::number`]
        number: i32,
    },
    /// A deletion of messages.
    DeleteContent {
        /// Members whose messages are to be deleted.
        members: &'a [AnyId],
        /// Hashes of messages to be deleted.
        hashes: &'a [String],
    },
}

impl<'a> Action<'a> {
    /// The signed text, for a message that is sent at `sent_ms`, Unix milliseconds.
    #[must_use]
    pub fn signed_text(&self, sent_at: UnixMillis) -> String {
        let mut text = String::new();
        // Writing to a string never fails.
        let _ = match self {
            Self::Invite { invitee } => write!(text, "INVITE{invitee}{sent_at}"),
            Self::InfoChange { number } => write!(text, "INFO_CHANGE{number}{sent_at}"),
            Self::MemberChange { number } => write!(text, "MEMBER_CHANGE{number}{sent_at}"),
            Self::DeleteContent { members, hashes } => {
                let _ = write!(text, "DELETE_CONTENT{sent_at}");
                text.extend(members.iter().map(ToString::to_string));
                text.extend(hashes.iter().map(String::as_str));
                Ok(())
            }
        };
        text
    }

    /// Signs the action with the key of the group.
    #[must_use]
    pub fn sign(&self, group: &Ed25519Secret, sent_at: UnixMillis) -> Ed25519Signature {
        group.sign(self.signed_text(sent_at).as_bytes())
    }

    /// Verifies a signature by the key of the group.
    ///
    /// # Errors
    ///
    /// [`SignatureError`] if the signature does not cover this action at this time.
    pub fn verify(
        &self,
        group: &GroupId,
        sent_at: UnixMillis,
        signature: &Ed25519Signature,
    ) -> Result<(), SignatureError> {
        let text = self.signed_text(sent_at);
        group.ed25519().verify(text.as_bytes(), signature)
    }

    /// Verifies as [`verify`](Self::verify) does, with the group's id as a message names it.
    pub(crate) fn verify_id(
        &self,
        group: &AnyId,
        sent_at: UnixMillis,
        signature: &Ed25519Signature,
    ) -> Result<(), SignatureError> {
        let group = GroupId::from_bytes(*group.as_bytes()).map_err(|_| SignatureError)?;
        self.verify(&group, sent_at, signature)
    }

    /// Returns the action of a group update that is sent to the group, and its signature.
    fn of(update: &'a GroupUpdate) -> Option<(Self, &'a Ed25519Signature)> {
        match update {
            GroupUpdate::InfoChange {
                change,
                admin_signature,
            } => {
                let number = change.number();
                Some((Self::InfoChange { number }, admin_signature))
            }
            GroupUpdate::MemberChange(change) => {
                let number = change.kind.number();
                Some((Self::MemberChange { number }, &change.admin_signature))
            }
            GroupUpdate::DeleteContent(delete) => Some((
                Self::DeleteContent {
                    members: &delete.members,
                    hashes: &delete.hashes,
                },
                delete.admin_signature.as_ref()?,
            )),
            // Not signed, or not sent to the group.
            _ => None,
        }
    }
}

/// Verifies the signature of a group update that is sent to the group, if one is required.
pub(crate) fn verify_update(
    update: &GroupUpdate,
    group: &GroupId,
    sent_at: UnixMillis,
) -> Result<(), SignatureError> {
    match Action::of(update) {
        Some((action, signature)) => action.verify(group, sent_at, signature),
        None => Ok(()),
    }
}

/// Makes and signs an invitation, for [`Sealer::seal_direct`](crate::Sealer::seal_direct) to the
/// invitee at the same time.
///
/// `auth_data` gives the invitee access to the swarm of the group.
#[must_use]
pub fn invite(
    group: &Ed25519Secret,
    invitee: &AccountId,
    name: &str,
    auth_data: &MemberAuthData,
    sent_at: UnixMillis,
) -> GroupUpdate {
    let id = GroupId::from_ed25519(&group.public());
    GroupUpdate::Invite(Invite {
        group: id.into(),
        name: name.into(),
        auth_data: auth_data.clone(),
        admin_signature: Action::Invite { invitee }.sign(group, sent_at),
    })
}

/// Makes a message that makes a member an admin, for
/// [`Sealer::seal_direct`](crate::Sealer::seal_direct) to that member.
#[must_use]
pub fn promote(group: &Ed25519Secret, name: &str) -> GroupUpdate {
    GroupUpdate::Promote {
        seed: GroupSeed::from_bytes(group.expose_seed()),
        name: name.into(),
    }
}

/// Makes and signs a change of the group's info, for
/// [`Sealer::seal_group`](crate::Sealer::seal_group) at the same time.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_identity::{Account, Group, Seed};
/// use session_message::content::{Content, InfoChange, Kind};
/// use session_message::{Opener, Sealer, SymmetricKey, UnixMillis, admin};
///
/// let account = Account::from_seed(&Seed::generate(rng));
/// let (group, key) = (Group::generate(rng), SymmetricKey::from_bytes([7; 32]));
/// let (sealer, opener) = (Sealer::new(&account), Opener::new(&account));
/// let [now, later] = [1_754_971_101_000, 1_754_971_101_001].map(UnixMillis::new);
/// let update = admin::info_change(group.ed25519(), InfoChange::Name("Hikers".into()), now);
/// let content = Content::from(Kind::Group(update));
/// // The signature covers the time, so another time is rejected even when sealing.
/// assert!(sealer.seal_group(rng, group.id(), &key, &content, later).is_err());
/// let message = sealer.seal_group(rng, group.id(), &key, &content, now)?;
/// assert!(opener.open_group(group.id(), [&key], &message.data).is_ok());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use]
pub fn info_change(group: &Ed25519Secret, change: InfoChange, sent_at: UnixMillis) -> GroupUpdate {
    let number = change.number();
    GroupUpdate::InfoChange {
        change,
        admin_signature: Action::InfoChange { number }.sign(group, sent_at),
    }
}

/// Makes and signs a change of the group's members, for
/// [`Sealer::seal_group`](crate::Sealer::seal_group) at the same time.
#[must_use]
pub fn member_change(
    group: &Ed25519Secret,
    kind: MemberChangeKind,
    members: &[AccountId],
    history_shared: Option<bool>,
    sent_at: UnixMillis,
) -> GroupUpdate {
    let number = kind.number();
    GroupUpdate::MemberChange(MemberChange {
        kind,
        members: members.iter().map(AnyId::from).collect(),
        history_shared,
        admin_signature: Action::MemberChange { number }.sign(group, sent_at),
    })
}

/// Makes and signs a deletion of messages by an admin, for
/// [`Sealer::seal_group`](crate::Sealer::seal_group) at the same time.
#[must_use]
pub fn delete_content(
    group: &Ed25519Secret,
    members: &[AccountId],
    hashes: &[&str],
    sent_at: UnixMillis,
) -> GroupUpdate {
    let mut delete = DeleteContent {
        members: members.iter().map(AnyId::from).collect(),
        hashes: hashes.iter().map(ToString::to_string).collect(),
        admin_signature: None,
    };
    let action = Action::DeleteContent {
        members: &delete.members,
        hashes: &delete.hashes,
    };
    delete.admin_signature = Some(action.sign(group, sent_at));
    GroupUpdate::DeleteContent(delete)
}

/// Returns the group key and id that a promotion hands over.
#[must_use]
pub fn group_of_seed(seed: &GroupSeed) -> (Ed25519Secret, GroupId) {
    let secret = Ed25519Secret::from_seed(seed.expose_bytes());
    let id = GroupId::from_ed25519(&secret.public());
    (secret, id)
}
