//! Handles of closed groups.

use session_client::SendId;
use session_client::config::group::Stage;
use session_client::config::group::{ActError, Group as State, Invitee, NewGroup, RemoveMessages};
use session_client::config::members::MemberStatus;
use session_client::types::{GroupId, UnixMillis};
use session_identity::AccountId;

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;

use crate::error::Error;
use crate::handle::{Client, Conversation};

/// A closed group.
///
/// What is done in it is persisted when a method returns, and sent in the background, however often it
/// takes.
#[derive(Debug, Clone)]
pub struct Group {
    id: GroupId,
    client: Client,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The account.
    pub id: AccountId,
    /// Its name, as the admins know it.
    pub name: String,
    /// How far it is in the group: invited, joined, admin, about to be removed.
    pub status: MemberStatus,
}

impl Client {
    /// Creates a closed group, of which we are the admin, and invites members.
    ///
    /// # Errors
    ///
    /// [`Error`] if the name is too long, an id is not valid, or it cannot be persisted.
    pub async fn create_group(&self, name: &str, members: &[AccountId]) -> Result<Group, Error> {
        let (name, members) = (name.to_owned(), members.to_vec());
        let create = self.run(move |machine, network, now| {
            let members: Vec<_> = members.iter().map(|id| Invitee::new(*id, "")).collect();
            let new = NewGroup {
                name: &name,
                members: &members,
                ..NewGroup::default()
            };
            let rng = &mut UnwrapErr(SysRng);
            let created = machine.create_group(&new, network, now, rng);
            Ok(created.map_err(session_client::GroupError::from)?)
        });
        Ok(self.group(create.await?))
    }

    /// Returns the closed groups that the account is in, was invited to, or was removed from.
    ///
    /// # Errors
    ///
    /// [`Error::Stopped`] if the client was stopped.
    pub async fn groups(&self) -> Result<Vec<Group>, Error> {
        let ids = self.run(|machine, _, _| {
            let ids = machine.groups().map(|group| *group.id());
            Ok(ids.collect::<Vec<_>>())
        });
        Ok(ids.await?.into_iter().map(|id| self.group(id)).collect())
    }
}

impl Group {
    pub(crate) const fn new(id: GroupId, client: Client) -> Self {
        Self { id, client }
    }

    /// Returns the id.
    #[must_use]
    pub const fn id(&self) -> &GroupId {
        &self.id
    }

    /// Returns the conversation: its history, and sending of any content.
    #[must_use]
    pub fn conversation(&self) -> Conversation {
        self.client.conversation(self.id)
    }

    /// Sends a text.
    ///
    /// # Errors
    ///
    /// [`Error`] if we are not in the group, or the text cannot be sent or persisted.
    pub async fn send(&self, text: &str) -> Result<SendId, Error> {
        self.conversation().send(text).await
    }

    /// Reads the state of the group: keys, info and members as they are known here.
    ///
    /// # Errors
    ///
    /// [`Error::Group`] if the account knows no such group.
    pub async fn state<T: Send + 'static>(
        &self,
        read: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let id = self.id;
        let unknown = session_client::GroupError::Unknown;
        self.client
            .run(move |machine, _, _| Ok(machine.group(&id).map(read).ok_or(unknown)?))
            .await
    }

    /// Returns the name.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state).
    pub async fn name(&self) -> Result<String, Error> {
        self.state(State::name).await
    }

    /// Returns how far our own membership is.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state).
    pub async fn stage(&self) -> Result<Stage, Error> {
        self.state(State::stage).await
    }

    /// Returns the members, as far as they are known.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state).
    pub async fn members(&self) -> Result<Vec<Member>, Error> {
        self.state(|group| {
            let members = group.members();
            let member = |one: session_client::config::members::Member<'_>| Member {
                id: one.id,
                status: members.status(&one),
                name: one.name.into_owned(),
            };
            members.iter().map(member).collect()
        })
        .await
    }

    /// Does something in the group, with any method of [`State`] that returns [`ActError`].
    ///
    /// # Errors
    ///
    /// [`Error`] if it is not possible, or cannot be persisted.
    pub async fn act<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut State) -> Result<T, ActError> + Send + 'static,
    ) -> Result<T, Error> {
        let id = self.id;
        self.client
            .run(move |machine, _, now| Ok(machine.act_in_group(&id, act, now)?))
            .await
    }

    /// Accepts the invitation.
    ///
    /// # Errors
    ///
    /// As [`act`](Self::act).
    pub async fn accept(&self) -> Result<(), Error> {
        self.act(State::accept).await
    }

    /// Declines the invitation: nobody is told, and the group is forgotten.
    ///
    /// # Errors
    ///
    /// As [`act`](Self::act).
    pub async fn decline(&self) -> Result<(), Error> {
        self.act(State::decline).await
    }

    /// Invites accounts. With `history`, they can read the earlier messages.
    ///
    /// # Errors
    ///
    /// As [`act`](Self::act).
    pub async fn invite(&self, accounts: &[AccountId], history: bool) -> Result<(), Error> {
        let accounts = accounts.to_vec();
        self.act(move |group| {
            let invitees: Vec<_> = accounts.iter().map(|id| Invitee::new(*id, "")).collect();
            group.invite(&invitees, history)
        })
        .await
    }

    /// Removes members, with or without their messages.
    ///
    /// # Errors
    ///
    /// As [`act`](Self::act).
    pub async fn remove(
        &self,
        members: &[AccountId],
        messages: RemoveMessages,
    ) -> Result<(), Error> {
        let members = members.to_vec();
        self.act(move |group| group.remove(&members, messages))
            .await
    }

    /// Makes members admins.
    ///
    /// # Errors
    ///
    /// As [`act`](Self::act).
    pub async fn promote(&self, members: &[AccountId]) -> Result<(), Error> {
        let members = members.to_vec();
        self.act(move |group| group.promote(&members)).await
    }

    /// Sets the name.
    ///
    /// # Errors
    ///
    /// As [`act`](Self::act).
    pub async fn rename(&self, name: &str) -> Result<(), Error> {
        let name = name.to_owned();
        self.act(move |group| group.rename(&name)).await
    }

    /// Sets after how many seconds messages disappear; 0 lets them stay.
    ///
    /// # Errors
    ///
    /// As [`act`](Self::act).
    pub async fn set_timer(&self, seconds: u32) -> Result<(), Error> {
        self.act(move |group| group.set_timer(seconds)).await
    }

    /// Deletes all messages that were sent before a time, for everybody.
    ///
    /// # Errors
    ///
    /// As [`act`](Self::act).
    pub async fn delete_before(&self, time: UnixMillis) -> Result<(), Error> {
        self.act(move |group| group.delete_before(time)).await
    }

    /// Leaves the group.
    ///
    /// # Errors
    ///
    /// As [`act`](Self::act): the only admin cannot leave.
    pub async fn leave(&self) -> Result<(), Error> {
        self.act(State::leave).await
    }

    /// Destroys the group, for everybody and for good.
    ///
    /// # Errors
    ///
    /// As [`act`](Self::act).
    pub async fn destroy(&self) -> Result<(), Error> {
        self.act(State::destroy).await
    }
}
