//! Handles of a running client.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use session_client::config::UserConfigs;
use session_client::config::error::EditError;
use session_client::content::{
    self, Attachment, Content, DataExtraction, DataExtractionKind, Expiration, Kind, Typing,
};
use session_client::types::{AnyId, GroupId, UnixMillis};
use session_client::{
    Client as Machine, ConversationId, Fetched, FileNumber, Message as Record, SealedFile, SendId,
};
use session_identity::{Account, AccountId};
use session_network::{Network, Now};
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

use crate::builder::Builder;
use crate::driver::{Command, Reader, Report, Turn, Wanted, now};
use crate::error::{Error, FileError, StoreError};
use crate::file::{NewFile, safe_name};
use crate::group::Group;
use crate::hub::{Hub, SharedNetwork};
use crate::message::{Event, Message};
use crate::store::Page;

/// Messages that are marked as read at once. Receipts are sent for the newest ones only, if there are more.
const MAX_UNREAD: usize = 2_000;

/// A client of an account, running in the background. Handles are cheap to clone; the client stops when
/// the last one is dropped.
#[derive(Clone)]
pub struct Client {
    pub(crate) id: AccountId,
    pub(crate) account: Arc<Account>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) events: Arc<Mutex<Option<mpsc::Receiver<Report>>>>,
    pub(crate) reader: Arc<Reader>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Begins to connect an account.
    #[must_use]
    pub fn builder(account: Account) -> Builder {
        Builder::new(account)
    }

    /// Returns the account's id.
    #[must_use]
    pub const fn id(&self) -> &AccountId {
        &self.id
    }

    /// Returns the events, those of the time before included, as far as they are not more than 500. There
    /// is one stream: a second call returns one that has ended.
    ///
    /// What happened is persisted before it is an event, except that the store fails. A reader that is slow makes the client stop
    /// when some hundred events wait; without a reader the oldest are dropped.
    #[must_use]
    pub fn events(&self) -> Events {
        self.reader.is_there.store(true, Ordering::Release);
        self.reader.came.notify_one();
        let receiver = match self.events.lock() {
            Ok(mut events) => events.take(),
            Err(poisoned) => poisoned.into_inner().take(),
        };
        Events {
            receiver,
            client: self.clone(),
        }
    }

    /// Returns the network of the client, for [`Builder::network`] of another one.
    #[must_use]
    pub fn network(&self) -> SharedNetwork {
        SharedNetwork(Arc::clone(&self.hub))
    }

    /// Downloads a file of a message. It is decrypted on the way out: [`Fetched::decrypt`] hands over pieces,
    /// [`Fetched::content`] the whole.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the message does not say where it is, or it cannot be downloaded: it has expired, or nobody
    /// answers.
    pub async fn download(&self, file: &Attachment) -> Result<Fetched, Error> {
        let wanted = Wanted::File(Box::new(file.clone()));
        self.ask(|done| Command::Download(wanted, done)).await
    }

    /// Downloads a file of a message and saves it in a folder, in pieces. Returns its path. The name is a
    /// [safe](crate::safe_name) one that was free; nothing is replaced.
    ///
    /// # Errors
    ///
    /// As [`download`](Self::download), and if the file was changed or cannot be written. Nothing is left then.
    pub async fn save(
        &self,
        file: &Attachment,
        folder: impl AsRef<Path>,
    ) -> Result<PathBuf, Error> {
        let (fetched, name) = (self.download(file).await?, safe_name(file));
        let folder = folder.as_ref().to_owned();
        blocking(move || crate::file::save(&fetched, &folder, &name)).await
    }

    /// Sets the picture that others see. It is persisted when this returns, and uploaded in the background:
    /// [`Event::Other`] says when it is there. Clients show square pictures of up to 5 MB.
    ///
    /// # Errors
    ///
    /// [`Error`] if it is empty or too large, or cannot be persisted.
    pub async fn set_picture(&self, content: impl Into<Vec<u8>>) -> Result<(), Error> {
        let (account, content) = (Arc::clone(&self.account), Zeroizing::new(content.into()));
        let sealed = blocking(move || {
            let sealed = SealedFile::picture(&account, &content);
            Ok(sealed.map_err(FileError::Seal)?)
        });
        let sealed = sealed.await?;
        self.run(move |machine, _, _| {
            let number = machine.stage_file(sealed);
            Ok(machine.set_picture(number)?)
        })
        .await
    }

    /// Removes the picture that others see.
    ///
    /// # Errors
    ///
    /// [`Error`] if it cannot be persisted.
    pub async fn remove_picture(&self) -> Result<(), Error> {
        self.edit(move |configs| configs.profile.set_picture(None, now().wall))
            .await
    }

    /// Downloads the picture of a contact. `None` if they have none.
    ///
    /// # Errors
    ///
    /// As [`download`](Self::download).
    pub async fn picture_of(&self, contact: AccountId) -> Result<Option<Fetched>, Error> {
        let find = move |machine: &mut Machine, _: &Network, _| {
            let contact = machine.configs().contacts.get(&contact);
            let picture = contact.and_then(|contact| contact.picture);
            Ok(picture.map(|picture| (picture.url().to_owned(), *picture.key())))
        };
        let Some((url, key)) = self.run(find).await? else {
            return Ok(None);
        };
        let wanted = Wanted::Picture(url, key);
        let fetched = self.ask(|done| Command::Download(wanted, done)).await?;
        Ok(Some(fetched))
    }

    /// Returns the conversation with an account or a group, or the notes to ourselves.
    #[must_use]
    pub fn conversation(&self, with: impl Into<ConversationId>) -> Conversation {
        Conversation {
            with: with.into(),
            client: self.clone(),
        }
    }

    /// Returns the handle of a closed group.
    #[must_use]
    pub fn group(&self, id: GroupId) -> Group {
        Group::new(id, self.clone())
    }

    /// Changes the shared configs: profile, contacts and the others. The change is persisted, and pushed
    /// to the other devices of the account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the change is refused, or cannot be persisted.
    pub async fn edit<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut UserConfigs) -> Result<T, EditError> + Send + 'static,
    ) -> Result<T, Error> {
        self.run(move |machine, _, now| Ok(machine.edit(change, now)?))
            .await
    }

    /// Sets the name that others see.
    ///
    /// # Errors
    ///
    /// [`Error`] if the name is too long, or cannot be persisted.
    pub async fn set_name(&self, name: &str) -> Result<(), Error> {
        let name = name.to_owned();
        self.edit(move |configs| configs.profile.set_name(&name, now().wall))
            .await
    }

    /// Accepts the message request of an account, which learns that it may go on. Writing to it does the same.
    ///
    /// # Errors
    ///
    /// [`Error`] if the account is blocked, or the store fails.
    pub async fn accept(&self, id: AccountId) -> Result<(), Error> {
        let accept = move |machine: &mut Machine, network: &Network, now| {
            let rng = &mut UnwrapErr(SysRng);
            Ok(machine.accept_request(&id, network, now, rng)?)
        };
        self.run(accept).await
    }

    /// Blocks an account, whose messages are dropped then, or blocks it no longer.
    ///
    /// # Errors
    ///
    /// [`Error`] if the contacts cannot be changed, or the store fails.
    pub async fn block(&self, id: AccountId, is_blocked: bool) -> Result<(), Error> {
        self.edit(move |configs| {
            configs.contacts.update(&id, |contact| {
                contact.is_blocked = is_blocked;
                Ok(())
            })
        })
        .await
    }

    /// Waits until the shared configs are on the network: profile, contacts, what was read.
    ///
    /// # Errors
    ///
    /// [`Error::Stopped`] if the client was stopped.
    pub async fn pushed(&self) -> Result<(), Error> {
        self.ask(Command::Pushed).await
    }

    /// Waits until the outbox is empty: every message is stored, or has failed.
    ///
    /// # Errors
    ///
    /// [`Error::Stopped`] if the client was stopped.
    pub async fn flush(&self) -> Result<(), Error> {
        self.ask(Command::Flush).await
    }

    /// Fetches all that is in the swarm of the account now, and waits until it is persisted: messages are in the
    /// history then, and profile and contacts are those of the account. Closed groups are fetched in their own rhythm.
    ///
    /// # Errors
    ///
    /// [`Error::Stopped`] if the client was stopped.
    pub async fn sync(&self) -> Result<(), Error> {
        self.ask(Command::Sync).await
    }

    /// Returns messages whose text contains `text`, the newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if they cannot be read.
    pub async fn search(&self, text: &str, limit: u32) -> Result<Vec<Record>, Error> {
        let text = text.to_owned();
        self.ask(|done| Command::Search(text, limit, done)).await
    }

    /// Does something with the machine, and waits until it is persisted.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Machine, &Network, Now) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, receiver) = oneshot::channel();
        let act = move |turn: Turn<'_>| match turn {
            Turn::Go(machine, network, now) => {
                let result = act(machine, network, now);
                // Nobody may wait any more: what was done is done.
                let answer = move || drop(answer.send(result));
                Some(Box::new(answer) as Box<dyn FnOnce() + Send>)
            }
            Turn::StoreFails => {
                let _ = answer.send(Err(StoreError::Failing.into()));
                None
            }
        };
        let sent = self.commands.send(Command::Run(Box::new(act))).await;
        sent.map_err(|_| Error::Stopped)?;
        receiver.await.map_err(|_| Error::Stopped)?
    }

    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Command,
    ) -> Result<T, Error> {
        let (answer, receiver) = oneshot::channel();
        let sent = self.commands.send(command(answer)).await;
        sent.map_err(|_| Error::Stopped)?;
        receiver.await.map_err(|_| Error::Stopped)?
    }
}

/// Runs what takes its time, or waits for the disk.
async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let ran = tokio::task::spawn_blocking(run).await;
    ran.map_err(|_| Error::Stopped)?
}

/// A conversation.
#[derive(Debug, Clone)]
pub struct Conversation {
    with: ConversationId,
    client: Client,
}

impl Conversation {
    /// Returns the account or group that the conversation is with.
    #[must_use]
    pub const fn with(&self) -> &ConversationId {
        &self.with
    }

    /// Sends a text. It is persisted when this returns, and sent in the background: an
    /// [`Event::Other`] says when it is stored in the swarm of the recipient.
    ///
    /// # Errors
    ///
    /// [`Error`] if the text cannot be sent, or not be persisted.
    pub async fn send(&self, text: &str) -> Result<SendId, Error> {
        self.send_content(Content::text(text)).await
    }

    /// Sends any content.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_content(&self, content: impl Into<Content>) -> Result<SendId, Error> {
        let (to, content) = (self.with, content.into());
        let send = move |machine: &mut Machine, network: &Network, now| {
            let rng = &mut UnwrapErr(SysRng);
            Ok(machine.send(to, content, network, now, rng)?)
        };
        self.client.run(send).await
    }

    /// Sends a file. It is encrypted and persisted when this returns, and uploaded in the background; then the message
    /// is sent. Events tell of each step.
    ///
    /// # Errors
    ///
    /// [`Error`] if the file cannot be read, is empty or larger than about 10 MB, or cannot be persisted.
    pub async fn send_file(&self, file: NewFile) -> Result<SendId, Error> {
        self.send_files("", [file]).await
    }

    /// Sends a text with files, as [`send_file`](Self::send_file). If the wait is cancelled before all files are
    /// persisted, nothing is sent; what was persisted of them is deleted at the next start.
    ///
    /// # Errors
    ///
    /// As [`send_file`](Self::send_file).
    pub async fn send_files(
        &self,
        text: &str,
        files: impl IntoIterator<Item = NewFile>,
    ) -> Result<SendId, Error> {
        let (to, text) = (self.with, text.to_owned());
        let mut staged: Vec<(FileNumber, Attachment)> = Vec::new();
        // One after the other, so that one at a time is in memory.
        for file in files.into_iter().collect::<Vec<_>>() {
            let account = Arc::clone(&self.client.account);
            let (sealed, about) = blocking(move || file.seal(&account)).await?;
            let stage = move |machine: &mut Machine, _: &Network, _| Ok(machine.stage_file(sealed));
            staged.push((self.client.run(stage).await?, about));
        }
        let send = move |machine: &mut Machine, network: &Network, now| {
            let rng = &mut UnwrapErr(SysRng);
            let content = Kind::Message(content::Message {
                text,
                ..content::Message::default()
            });
            let sent = machine.send_files(to, content, &staged, network, now, rng);
            if sent.is_err() {
                for (number, _) in staged {
                    machine.discard_file(number);
                }
            }
            Ok(sent?)
        };
        self.client.run(send).await
    }

    /// Tells a contact that we have begun or stopped to type. It is gone after 20 seconds.
    ///
    /// # Errors
    ///
    /// [`Error`] if the conversation is not with an accepted contact, or the store fails.
    pub async fn typing(&self, is_typing: bool) -> Result<SendId, Error> {
        let typing = match is_typing {
            true => Typing::STARTED,
            false => Typing::STOPPED,
        };
        self.send_content(Kind::Typing(typing)).await
    }

    /// Tells a contact that we have taken a screenshot of the conversation.
    ///
    /// # Errors
    ///
    /// As [`typing`](Self::typing).
    pub async fn screenshot_taken(&self) -> Result<SendId, Error> {
        let notice = DataExtraction {
            kind: DataExtractionKind::Screenshot,
            sent_at: None,
        };
        self.send_content(Kind::DataExtraction(notice)).await
    }

    /// Sets when messages of the conversation disappear, and tells the other side. In a group only admins
    /// can do it.
    ///
    /// # Errors
    ///
    /// [`Error`] if it is not possible, or cannot be persisted.
    pub async fn set_timer(&self, timer: Expiration) -> Result<(), Error> {
        let with = self.with;
        let set = move |machine: &mut Machine, network: &Network, now| {
            let rng = &mut UnwrapErr(SysRng);
            Ok(machine.set_timer(&with, timer, network, now, rng)?)
        };
        self.client.run(set).await
    }

    /// Notes that the conversation was read up to its newest message. The time of messages that
    /// disappear after reading begins, and the other devices of the account follow. With
    /// [`Builder::read_receipts`] the contact is told.
    ///
    /// # Errors
    ///
    /// [`Error`] if it cannot be persisted.
    pub async fn mark_read(&self) -> Result<(), Error> {
        let with = self.with;
        let read = move |machine: &mut Machine, _: &Network, _| Ok(machine.last_read(&with));
        let read = self.client.run(read).await?;
        let mut before = None;
        loop {
            let unread = self.unread(before, read).await?;
            let Some(first) = unread.last().map(Record::sent_at) else {
                return Ok(());
            };
            before = Some(first);
            let mark = move |machine: &mut Machine, network: &Network, now| {
                let rng = &mut UnwrapErr(SysRng);
                Ok(machine.mark_read(&with, &unread, network, now, rng)?)
            };
            self.client.run(mark).await?;
        }
    }

    /// The newest messages before a time that were not read up to `read`, or wait for being read. A page
    /// without such a message ends them.
    async fn unread(
        &self,
        mut before: Option<UnixMillis>,
        read: UnixMillis,
    ) -> Result<Vec<Record>, Error> {
        let mut unread = Vec::new();
        while unread.len() < MAX_UNREAD {
            let limit = 200;
            let messages = self.history(Page { before, limit }).await?;
            let is_new =
                |one: &Record| one.sent_at() > read || one.waits_for_reading(&self.client.id);
            if !messages.iter().any(is_new) {
                break;
            }
            before = messages.last().map(Record::sent_at);
            unread.extend(messages);
        }
        Ok(unread)
    }

    /// Returns messages of the conversation, the newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if they cannot be read.
    pub async fn history(&self, page: Page) -> Result<Vec<Record>, Error> {
        let id = self.with;
        self.client
            .ask(|done| Command::History(id, page, done))
            .await
    }
}

/// The events of a client.
#[derive(Debug)]
pub struct Events {
    receiver: Option<mpsc::Receiver<Report>>,
    client: Client,
}

impl Events {
    fn machine_event(&self, event: session_client::Event) -> Event {
        match event {
            session_client::Event::Message(record)
                if record.author != AnyId::from(self.client.id) =>
            {
                Event::Message(Message::new(record, self.client.clone()))
            }
            session_client::Event::Invited { group, name, by } => {
                let group = self.client.group(group);
                Event::Invited { group, name, by }
            }
            event => Event::Other(Box::new(event)),
        }
    }

    /// Waits for the next event. `None` after the end. Nothing is lost if the wait is cancelled.
    pub async fn next(&mut self) -> Option<Event> {
        let report = self.receiver.as_mut()?.recv().await?;
        Some(match report {
            Report::Machine(event) => self.machine_event(*event),
            Report::StoreFailed(error) => Event::StoreFailed(error),
            Report::StoreRecovered => Event::StoreRecovered,
            Report::Damaged(key, reason) => Event::Damaged { key, reason },
        })
    }
}
