//! One room of a community server, as an account sees it.

mod files;

use getrandom::SysRng;
use getrandom::rand_core::{Rng, UnwrapErr};
use session_community::auth::{self, NONCE_LENGTH};
use session_community::poll::{State, Update};
use session_community::post::{Emoji, NewPost};
use session_community::reply::{self, Capabilities, InboxMessage, Message, Reacted};
use session_community::{IdChoice, Signer, request};
use session_crypto::BlindedSecret;
use session_identity::community::Community;
use session_message::community::Post;
use session_message::content::{Content, Kind};
use session_message::inbox::Metadata;
use session_message::{OpenError, Opened, Opener, Sealer};
use session_network::{Purpose, RequestError, Server};
use session_types::AnyId;
use session_types::http::{Request, Response};

use crate::error::ClientError;
use crate::session::Client;
pub use files::RoomFile;

/// How often a request is made anew, with another nonce, when no reply came.
const ATTEMPTS: usize = 3;

/// A room.
#[derive(Debug)]
pub struct Room<'a> {
    client: &'a Client,
    community: Community,
    server: Server,
    choice: IdChoice,
}

impl<'a> Room<'a> {
    /// Asks the server for its capabilities, and chooses the id under which it knows the account: a
    /// blinded one, of the kind that the server takes.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the server does not answer, or the room is not there or not visible.
    pub async fn open(client: &'a Client, community: &Community) -> Result<Self, ClientError> {
        let server = Server::try_from(community);
        let server = server.map_err(|error| ClientError::Usage(error.to_string()))?;
        let mut room = Self {
            client,
            community: community.clone(),
            server,
            choice: IdChoice::Unblinded,
        };
        let asked = request::capabilities(&[]);
        let asked = client.ask_server(Purpose::Standard, &room.server, asked, true);
        let capabilities = Capabilities::from_reply(&asked.await?)?;
        room.choice = IdChoice::first(&capabilities, true);
        loop {
            let reply = room.ask(request::room(&community.room)).await?;
            match room.choice.after(&reply, &capabilities) {
                Some(next) => room.choice = next,
                None => {
                    reply::room(&reply)?;
                    return Ok(room);
                }
            }
        }
    }

    /// The community.
    #[must_use]
    pub const fn community(&self) -> &Community {
        &self.community
    }

    fn signer(&self) -> Result<Signer<'a>, ClientError> {
        let signer = self
            .choice
            .signer(self.client.account(), &self.community.key);
        signer.map_err(|error| ClientError::Usage(error.to_string()))
    }

    /// The id under which the server knows the account.
    ///
    /// # Errors
    ///
    /// [`ClientError::Usage`] if the server's key is unusable.
    pub fn own_id(&self) -> Result<AnyId, ClientError> {
        Ok(self.signer()?.public_id())
    }

    async fn ask(&self, request: Request) -> Result<Response, ClientError> {
        self.ask_for(Purpose::Standard, request).await
    }

    /// Signs a request and sends it. A request is never sent twice: its nonce would be refused. A request
    /// that only reads is made anew if no reply came.
    async fn ask_for(&self, purpose: Purpose, request: Request) -> Result<Response, ClientError> {
        let is_read =
            request.method == session_types::http::Method::Get || request.path == "/batch";
        let signer = self.signer()?;
        let mut attempt = 1;
        loop {
            let mut nonce = [0; NONCE_LENGTH];
            UnwrapErr(SysRng).fill_bytes(&mut nonce);
            let now = self.client.network_time().await;
            let signed = auth::sign(request.clone(), &signer, &nonce, now);
            let asked = self.client.ask_server(purpose, &self.server, signed, false);
            match asked.await {
                Err(
                    ClientError::Request(RequestError::PathsFailed | RequestError::TimedOut)
                    | ClientError::Path { .. }
                    | ClientError::Guard(_),
                ) if is_read && attempt < ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    /// Asks for the description of the room and the own permissions.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the server does not answer, or the room is not there or not visible.
    pub async fn info(&self) -> Result<reply::Room, ClientError> {
        let reply = self.ask(request::room(&self.community.room)).await?;
        Ok(reply::room(&reply)?)
    }

    /// Fetches new posts of the room and new messages of the inbox, and counts them in `state`.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the server does not answer.
    pub async fn poll(&self, state: &mut State) -> Result<Update, ClientError> {
        state.join(self.community.room.clone());
        let (request, poll) = state.poll(true);
        let reply = self.ask(request).await?;
        Ok(state.report(poll, &reply)?)
    }

    /// Posts a text, with files that were uploaded to the room.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the text cannot be sent or the server did not take it.
    pub async fn post(&self, text: &str, files: &[RoomFile]) -> Result<Message, ClientError> {
        let now = self.client.network_time().await;
        let mut content = Content::text(text);
        if let Kind::Message(message) = &mut content.kind {
            let attachments = files.iter().map(|file| file.attachment.clone());
            message.attachments.extend(attachments);
        }
        let data = Sealer::new(self.client.account()).seal_post(&content, now)?;
        let post = NewPost::new(data, &self.signer()?, &mut UnwrapErr(SysRng));
        let post = post.with_files(files.iter().map(|file| file.id).collect::<Vec<_>>());
        let reply = self.ask(request::send(&self.community.room, &post)).await?;
        Ok(reply::posted(&reply)?)
    }

    /// Adds a reaction to a post, or takes it back.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the server did not take it.
    pub async fn react(
        &self,
        id: u64,
        emoji: &Emoji,
        removed: bool,
    ) -> Result<Reacted, ClientError> {
        let room = &self.community.room;
        let request = match removed {
            true => request::unreact(room, id, emoji),
            false => request::react(room, id, emoji),
        };
        Ok(reply::reacted(&self.ask(request).await?)?)
    }

    /// The key pair under which the account has an inbox.
    fn blinded(&self) -> Result<BlindedSecret, ClientError> {
        let IdChoice::Blinded(blinding) = self.choice else {
            let text = "only users with a blinded id have an inbox";
            return Err(ClientError::Usage(text.to_owned()));
        };
        let own = self.client.account().blinded(blinding, &self.community.key);
        own.map_err(|error| ClientError::Usage(error.to_string()))
    }

    /// Opens a message of the inbox or the outbox.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if it must not be shown.
    pub async fn open_inbox(&self, message: &InboxMessage) -> Result<Opened, OpenError> {
        let now = self.client.network_time().await;
        let own = self.blinded();
        let own = own.map_err(|_| OpenError::from(session_crypto::DecryptError))?;
        let metadata = Metadata {
            sender: &message.sender,
            recipient: &message.recipient,
            posted_at: message.posted,
        };
        Opener::new(self.client.account()).open_inbox(&own, &metadata, &message.message, now)
    }

    /// Writes to the inbox of a user, whose blinded id the server has named.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the text cannot be sent, or the server does not know the user.
    pub async fn write(&self, to: &AnyId, text: &str) -> Result<InboxMessage, ClientError> {
        let now = self.client.network_time().await;
        let (account, own) = (self.client.account(), self.blinded()?);
        let (rng, content) = (&mut UnwrapErr(SysRng), Content::text(text));
        let sealed = Sealer::new(account).seal_inbox(rng, &own, to, &content, now)?;
        let reply = self.ask(request::inbox::send(to, &sealed)).await?;
        Ok(reply::inbox_sent(&reply)?)
    }

    /// Opens the content of a post.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if it must not be shown.
    pub async fn open_post(&self, message: &Message) -> Result<Post, OpenError> {
        let now = self.client.network_time().await;
        Opener::new(self.client.account()).open_post(&message.data, message.posted, now)
    }
}
