//! How a device gets a group: it creates one, is invited, or is promoted.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use session_crypto::{Ed25519Secret, KeyError, SymmetricKey};
use session_identity::Account;
use session_identity::subaccount::{AuthData, Permissions, SubaccountError};
use session_message::content::{GroupSeed, Invite};
use session_types::{GroupId, UnixMillis};

use super::error::{ActError, InviteError};
use super::keys::Keys;
use super::members::Invitee;
use super::queue::{Control, Queue};
use super::{Group, Stage};
use crate::field::Picture;
use crate::info::GroupInfo;
use crate::members::{Delivery, GroupMembers, Member};
use crate::owner::GroupKeyring;

/// What a new group has.
#[derive(Debug, Clone, Default)]
pub struct NewGroup<'a> {
    /// Name, 1 to 100 bytes.
    pub name: &'a str,
    /// Description, at most 600 bytes.
    pub description: &'a str,
    /// Picture.
    pub picture: Option<Picture<'a>>,
    /// Our own name, as the members see it.
    pub own_name: &'a str,
    /// Whom to invite. Our own id and repeated ones are left out.
    pub members: &'a [Invitee<'a>],
}

/// Returns auth data if it lets us act as a member.
pub(super) fn checked(
    auth: &[u8; AuthData::LENGTH],
    id: &GroupId,
    account: &Account,
) -> Result<AuthData, SubaccountError> {
    let auth = AuthData::from_bytes(auth);
    auth.check(id, &account.ed25519_public(), Permissions::MEMBER)?;
    Ok(auth)
}

impl Group {
    pub(super) fn with(
        account: Arc<Account>,
        id: GroupId,
        admin: Option<&Ed25519Secret>,
        auth: Option<AuthData>,
        stage: Stage,
    ) -> Result<Self, KeyError> {
        let ring = GroupKeyring {
            id: &id,
            admin,
            keys: &[] as &[SymmetricKey],
        };
        Ok(Self {
            keys: Keys::new(Arc::clone(&account), id, admin)?,
            info: GroupInfo::new_group(ring)?,
            members: GroupMembers::new_group(ring)?,
            account,
            auth,
            stage,
            invited_name: String::new(),
            seen_generation: 0,
            is_refused: false,
            old_notices: BTreeSet::new(),
            queue: Queue::default(),
            open: None,
            last_ticket: 0,
            needs_dump: true,
        })
    }

    /// Creates a group with a new key pair, of which we are the admin.
    ///
    /// # Errors
    ///
    /// [`ActError`] if a text is too long, a member's id is not valid, or there are too many members.
    pub fn create(
        account: Arc<Account>,
        secret: &Ed25519Secret,
        new: &NewGroup<'_>,
        now: UnixMillis,
    ) -> Result<Self, ActError> {
        let id = GroupId::from_ed25519(&secret.public());
        let mut group = Self::with(Arc::clone(&account), id, Some(secret), None, Stage::Joined)?;
        group.info.set_name(new.name)?;
        group.info.set_description(new.description)?;
        group.info.set_picture(new.picture.as_ref())?;
        group
            .info
            .set_created(i64::try_from(now.as_secs()).unwrap_or(i64::MAX))?;
        let mut own = Member::new(*account.id());
        own.name = new.own_name.into();
        own.set_promotion(Delivery::Done);
        group.members.set(&own)?;
        let others: Vec<_> = new
            .members
            .iter()
            .filter(|one| one.id != *account.id())
            .collect();
        group.check_invitees(&others)?;
        for invitee in others {
            group.members.set(&invitee.member(false))?;
        }
        group.rekey()?;
        Ok(group)
    }

    /// Takes an invitation. The account must be asked whether to [`accept`](Self::accept) it.
    ///
    /// `invite` comes from a one-to-one message, whose opener has verified that the group's key signed
    /// it for us. Whether its author is blocked, or approved, is for the caller to look at. Delete the
    /// message from our own swarm after that.
    ///
    /// # Errors
    ///
    /// [`InviteError`] if the auth data is not ours: it would not let us use the swarm.
    ///
    /// ```
    /// # use getrandom::{SysRng, rand_core::UnwrapErr};
    /// # let rng = &mut UnwrapErr(SysRng);
    /// use std::sync::Arc;
    ///
    /// use session_config::group::{Group, Stage};
    /// use session_identity::subaccount::{AuthData, Permissions};
    /// use session_identity::{Account, Seed};
    /// use session_message::content::{GroupUpdate, MemberAuthData};
    /// use session_message::{UnixMillis, admin};
    ///
    /// let [bob, eve] = [(); 2].map(|()| Arc::new(Account::from_seed(&Seed::generate(rng))));
    /// let secret = session_crypto::Ed25519Secret::generate(rng);
    /// let now = UnixMillis::new(1_795_377_199_099);
    /// let auth = AuthData::create(&secret, bob.id(), Permissions::MEMBER)?;
    /// let auth = MemberAuthData::from_bytes(&auth.expose_bytes());
    /// let GroupUpdate::Invite(invite) = admin::invite(&secret, bob.id(), "Hikers", &auth, now)
    /// else { unreachable!() };
    /// assert_eq!(Group::invited(bob, &invite)?.stage(), Stage::Invited);
    /// // It is of no use to anybody else.
    /// assert!(Group::invited(eve, &invite).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn invited(account: Arc<Account>, invite: &Invite) -> Result<Self, InviteError> {
        let id = GroupId::from_bytes(*invite.group.as_bytes()).map_err(|_| InviteError::NoGroup)?;
        let auth = checked(invite.auth_data.expose_bytes(), &id, &account)?;
        let mut group = Self::with(account, id, None, Some(auth), Stage::Invited)?;
        group.invited_name = invite.name.clone();
        Ok(group)
    }

    /// Takes another invitation to this group, after we were removed or have left. Notices of removal
    /// that came before mean nothing any more.
    ///
    /// # Errors
    ///
    /// [`InviteError`] if it is for another group or of no use. [`InviteError::Joined`] if we are in
    /// the group.
    pub fn invited_again(&mut self, invite: &Invite) -> Result<(), InviteError> {
        if *invite.group.as_bytes() != *self.id().as_bytes() {
            return Err(InviteError::OtherGroup);
        }
        if matches!(
            self.stage(),
            Stage::Joined | Stage::Leaving | Stage::Destroyed
        ) {
            return Err(InviteError::Joined);
        }
        let old_notices = core::mem::take(&mut self.old_notices);
        let last_ticket = self.last_ticket;
        *self = Self::invited(Arc::clone(&self.account), invite)?;
        self.old_notices = old_notices;
        self.last_ticket = last_ticket;
        Ok(())
    }

    /// Takes a promotion to a group that we may not know: then it serves as an invitation. Fetch all
    /// namespaces of the group anew.
    ///
    /// # Errors
    ///
    /// [`InviteError::Key`] if the group's key is not usable.
    pub fn promoted(
        account: Arc<Account>,
        seed: &GroupSeed,
        name: &str,
    ) -> Result<Self, InviteError> {
        let (secret, id) = session_message::admin::group_of_seed(seed);
        let mut group = Self::with(account, id, Some(&secret), None, Stage::Joined)?;
        name.clone_into(&mut group.invited_name);
        group.queue.claim_admin = true;
        Ok(group)
    }

    /// Makes us an admin, with the seed of a promotion. Fetch all namespaces of the group anew.
    ///
    /// # Errors
    ///
    /// [`InviteError::OtherGroup`] if it is the seed of another group.
    pub fn become_admin(&mut self, seed: &GroupSeed) -> Result<(), InviteError> {
        let (secret, id) = session_message::admin::group_of_seed(seed);
        if id != *self.id() {
            return Err(InviteError::OtherGroup);
        }
        self.keys.set_admin(&secret)?;
        self.info.set_admin(&secret)?;
        self.members.set_admin(&secret)?;
        if self.stage == Stage::Invited {
            self.stage = Stage::Joined;
        }
        self.queue.claim_admin = true;
        self.needs_dump = true;
        Ok(())
    }

    /// Accepts the invitation. The admins are told once the group's keys have been fetched.
    ///
    /// # Errors
    ///
    /// [`ActError::Stage`] if there is no invitation to accept.
    pub fn accept(&mut self) -> Result<(), ActError> {
        if self.stage() != Stage::Invited {
            return Err(ActError::Stage(self.stage()));
        }
        self.stage = Stage::Joined;
        if !self.is_admin() {
            self.queue.announce(Control::Accepted);
        }
        self.needs_dump = true;
        Ok(())
    }

    /// Declines the invitation: nobody is told. [`write_entry`](Self::write_entry) then removes the
    /// group from the account's config.
    ///
    /// # Errors
    ///
    /// [`ActError::Stage`] if there is no invitation to decline.
    pub fn decline(&mut self) -> Result<(), ActError> {
        if self.stage() != Stage::Invited {
            return Err(ActError::Stage(self.stage()));
        }
        self.stage = Stage::Left;
        self.needs_dump = true;
        Ok(())
    }
}
