//! Handles of rooms of communities.

use session_client::community::{Community, RoomInfo, UrlError};
use session_client::content::Content;
use session_client::types::{AnyId, UnixMillis};
use session_client::{JoinedRoom, RoomAct, RoomError, RoomId, SendId};

use crate::error::Error;
use crate::handle::{Client, Conversation};

/// A room of a community that the account is in.
///
/// What is done in it is persisted when a method returns, and sent in the background, however often it takes. Its
/// server is reached through onion requests alone, and knows us by a blinded id.
#[derive(Debug, Clone)]
pub struct Room {
    id: RoomId,
    client: Client,
}

impl Client {
    /// Joins a room by its URL, such as `https://chat.example.org/hikers?public_key=…`. The other devices of the account
    /// join it, too.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] if it is not the URL of a room, [`Error::Room`] if the room cannot be joined.
    pub async fn join(&self, url: &str) -> Result<Room, Error> {
        let community: Community = url.parse().map_err(|reason: UrlError| Error::Url(reason))?;
        let join = self.run(move |machine, _, now| Ok(machine.join(&community, now)?));
        Ok(self.room(join.await?))
    }

    /// Returns the handle of a room.
    #[must_use]
    pub fn room(&self, id: RoomId) -> Room {
        Room {
            id,
            client: self.clone(),
        }
    }

    /// Returns the rooms that the account is in.
    ///
    /// # Errors
    ///
    /// [`Error::Stopped`] if the client was stopped.
    pub async fn rooms(&self) -> Result<Vec<Room>, Error> {
        let ids = self.run(|machine, _, _| {
            let ids = machine.rooms().map(JoinedRoom::id);
            Ok(ids.collect::<Vec<_>>())
        });
        Ok(ids.await?.into_iter().map(|id| self.room(id)).collect())
    }
}

impl Room {
    /// Returns its name in records and in the history.
    #[must_use]
    pub const fn id(&self) -> &RoomId {
        &self.id
    }

    /// Returns the conversation: its history, and sending of any content.
    #[must_use]
    pub fn conversation(&self) -> Conversation {
        self.client.conversation(self.id)
    }

    /// Posts a text.
    ///
    /// # Errors
    ///
    /// [`Error`] if we are not in the room, or the text cannot be sent or persisted.
    pub async fn send(&self, text: &str) -> Result<SendId, Error> {
        self.conversation().send(text).await
    }

    /// Reads the state of the room, as it is known here.
    ///
    /// # Errors
    ///
    /// [`Error::Room`] if we are not in the room.
    pub async fn state<T: Send + 'static>(
        &self,
        read: impl FnOnce(&JoinedRoom) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let id = self.id;
        self.client
            .run(move |machine, _, _| {
                let room = machine.room(&id).map(read);
                Ok(room.ok_or(RoomError::Unknown)?)
            })
            .await
    }

    /// Returns its name.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state).
    pub async fn name(&self) -> Result<String, Error> {
        self.state(|room| room.name().to_owned()).await
    }

    /// Returns its URL, with which others can join.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state).
    pub async fn url(&self) -> Result<String, Error> {
        self.state(|room| room.community().to_string()).await
    }

    /// Returns what the server last said about it: description, permissions, roles, pinned posts. `None` before it was
    /// asked.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state).
    pub async fn info(&self) -> Result<Option<RoomInfo>, Error> {
        self.state(|room| room.info().cloned()).await
    }

    /// Returns the blinded id by which the server knows us.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state).
    pub async fn own_id(&self) -> Result<AnyId, Error> {
        let id = self.id;
        self.client
            .run(move |machine, _, _| Ok(machine.own_id_in(&id).ok_or(RoomError::Unknown)?))
            .await
    }

    /// Does something in the room: everything that [`RoomAct`] lists. Whether the server allowed it, an event says.
    ///
    /// # Errors
    ///
    /// [`Error`] if we are not in the room, or it cannot be persisted.
    pub async fn act(&self, act: RoomAct) -> Result<SendId, Error> {
        let id = self.id;
        self.client
            .run(move |machine, network, now| Ok(machine.act_in_room(&id, act, network, now)?))
            .await
    }

    /// Reacts to a post with an emoji.
    ///
    /// # Errors
    ///
    /// As [`act`](Self::act); [`Error::Emoji`] if the server would not take it.
    pub async fn react(&self, post: u64, emoji: &str) -> Result<SendId, Error> {
        let emoji = emoji.parse().map_err(Error::Emoji)?;
        self.act(RoomAct::React { post, emoji }).await
    }

    /// Replaces the text of a post of ours, which was sent at this time.
    ///
    /// # Errors
    ///
    /// As [`act`](Self::act).
    pub async fn edit(&self, post: u64, sent_at: UnixMillis, text: &str) -> Result<SendId, Error> {
        let content = Content::text(text);
        self.act(RoomAct::Edit {
            post,
            sent_at,
            content,
        })
        .await
    }

    /// Deletes a post: one of ours; any of them as a moderator.
    ///
    /// # Errors
    ///
    /// As [`act`](Self::act).
    pub async fn delete(&self, post: u64) -> Result<SendId, Error> {
        self.act(RoomAct::Delete { post }).await
    }

    /// Returns the conversation with a user of the room: with their account if it is known, and else through the inbox of
    /// the server.
    ///
    /// # Errors
    ///
    /// [`Error::Room`] if we are not in the room, or the id is not one of its users.
    pub async fn user(&self, user: AnyId) -> Result<Conversation, Error> {
        let id = self.id;
        let with = self
            .client
            .run(move |machine, _, now| Ok(machine.blinded_conversation(&id, &user, now)?));
        Ok(self.client.conversation(with.await?))
    }

    /// Leaves the room, on all devices of the account. Its history stays.
    ///
    /// # Errors
    ///
    /// [`Error::Room`] if we are not in the room.
    pub async fn leave(&self) -> Result<(), Error> {
        let id = self.id;
        self.client
            .run(move |machine, _, now| Ok(machine.leave_room(&id, now)?))
            .await
    }
}
