//! Commands about communities.

use std::path::{Path, PathBuf};

use client::clock::written;
use client::community::Room;
use client::durable::{Lock, write_atomically};
use client::error::ClientError;
use client::foreign::Foreign;
use serde::{Deserialize, Serialize};
use serde_json::json;
use session_community::poll::{RoomState, State};
use session_community::post::Emoji;
use session_community::reply::{Change, InboxMessage, Reaction};
use session_identity::community::Community;
use session_message::content::{Attachment, Content, Kind};
use session_types::AnyId;

use crate::account::account;
use crate::arguments::{Rooms, Shared};
use crate::exchange;
use crate::output::Output;
use crate::show::attachment;
use crate::talk::connect;

/// The polling state of a room that was joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Joined {
    url: String,
    info_updates: u64,
    seqno: Option<u64>,
    inbox: Option<u64>,
    outbox: Option<u64>,
}

/// The rooms that an account has joined, in a file beside its state.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Memory {
    account: String,
    rooms: Vec<Joined>,
    #[serde(skip)]
    file: Option<PathBuf>,
}

fn file_error(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ClientError {
    move |reason| ClientError::File {
        what,
        path: path.to_owned(),
        reason,
    }
}

impl Memory {
    /// Reads the rooms that were joined. Without `--state` there are none.
    fn open(shared: &Shared, account: &str) -> Result<Self, ClientError> {
        let Some(state) = &shared.state else {
            return Ok(Self::default());
        };
        let mut name = state.clone().into_os_string();
        name.push(".communities");
        let file = PathBuf::from(name);
        let memory: Self = match std::fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| {
                file_error("cannot read the communities from", &file)(error.into())
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self {
                account: account.to_owned(),
                ..Self::default()
            },
            Err(error) => return Err(file_error("cannot read the communities from", &file)(error)),
        };
        if memory.account != account {
            let text = format!("{} is the state of another account", file.display());
            return Err(ClientError::Usage(text));
        }
        Ok(Self {
            file: Some(file),
            ..memory
        })
    }

    /// Returns the community of a URL, or of the name of a room that was joined.
    fn find(&self, text: &str) -> Result<Community, ClientError> {
        if let Ok(community) = text.parse() {
            return Ok(community);
        }
        let joined = self
            .rooms
            .iter()
            .filter_map(|joined| joined.url.parse().ok());
        let mut named =
            joined.filter(|community: &Community| community.room.id() == text.to_ascii_lowercase());
        match (named.next(), named.next()) {
            (Some(community), None) => Ok(community),
            (Some(_), Some(_)) => Err(ClientError::Usage(format!(
                "several rooms are called `{}`: give the URL",
                Foreign::from(text)
            ))),
            (None, _) => Err(ClientError::Usage(format!(
                "`{}` is neither the URL of a community nor a room that was joined",
                Foreign::from(text)
            ))),
        }
    }

    fn state(&self, community: &Community) -> State {
        let mut state = State::default();
        let url = community.to_string();
        let known = self.rooms.iter().find(|joined| joined.url == url);
        if let Some(known) = known {
            state.rooms.push(RoomState {
                room: community.room.clone(),
                info_updates: known.info_updates,
                seqno: known.seqno,
            });
            (state.inbox, state.outbox) = (known.inbox, known.outbox);
        }
        state
    }

    /// Writes the state of a room, under a lock, so that another client of the account loses nothing.
    fn keep(&mut self, community: &Community, state: &State) -> Result<(), ClientError> {
        let Some(file) = self.file.clone() else {
            return Ok(());
        };
        let _lock = Lock::take(&file).map_err(file_error("cannot lock", &file))?;
        match std::fs::read(&file) {
            Ok(text) => {
                let now: Self = serde_json::from_slice(&text)
                    .map_err(|error| file_error("cannot read", &file)(error.into()))?;
                self.rooms = now.rooms;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(file_error("cannot read", &file)(error)),
        }
        let url = community.to_string();
        let room = state.rooms.iter().find(|room| room.room == community.room);
        let joined = Joined {
            url: url.clone(),
            info_updates: room.map_or(0, |room| room.info_updates),
            seqno: room.and_then(|room| room.seqno),
            inbox: state.inbox,
            outbox: state.outbox,
        };
        self.rooms.retain(|known| known.url != url);
        self.rooms.push(joined);
        let text = serde_json::to_vec_pretty(self);
        let text = text.map_err(|error| file_error("cannot write", &file)(error.into()))?;
        write_atomically(&file, &text).map_err(file_error("cannot write", &file))
    }
}

/// Carries out a command.
pub(crate) async fn run(shared: &Shared, order: &Rooms, out: &Output) -> Result<(), ClientError> {
    let account = account(shared, out)?;
    let mut memory = Memory::open(shared, &account.id().to_string())?;
    let community = memory.find(order.room())?;
    // Unusable arguments are reported before anything is asked.
    let emoji =
        match order {
            Rooms::React { emoji, .. } => {
                let emoji: Result<Emoji, _> = emoji.parse();
                Some(emoji.map_err(|error| {
                    ClientError::Usage(format!("this is not an emoji: {error}"))
                })?)
            }
            _ => None,
        };
    let recipient = match order {
        Rooms::Answer { id, .. } => {
            let id: Result<AnyId, _> = id.parse();
            let id = id.ok().filter(|id| matches!(id.prefix(), 0x15 | 0x25));
            let text = "a blinded id has 66 hex digits and begins with 15 or 25";
            Some(id.ok_or_else(|| ClientError::Usage(text.to_owned()))?)
        }
        _ => None,
    };
    let (client, _) = connect(shared, account, out).await?;
    out.doing("asking the community server");
    let room = Room::open(&client, &community).await?;
    match (order, emoji, recipient) {
        (Rooms::Join { .. }, _, _) => {
            let info = room.info().await?;
            let mut state = memory.state(&community);
            state.join(community.room.clone());
            memory.keep(&community, &state)?;
            let own = room.own_id()?.to_string();
            let event = json!({
                "event": "joined",
                "room": community.room.as_typed(),
                "url": community.to_string(),
                "name": info.name,
                "description": info.description,
                "id": own,
                "write": info.write,
            });
            let name = Foreign::from(info.name.as_str());
            out.print(&event, &format!("joined {name} as {own}"))
        }
        (Rooms::Read { .. }, _, _) => read(&room, &community, &mut memory, out).await,
        (Rooms::Post { text, file, .. }, _, _) => {
            let mut files = Vec::new();
            for path in file {
                files.push(room.upload(path, exchange::show(out)).await?);
            }
            let posted = room.post(text, &files).await?;
            let files: Vec<u64> = files.iter().map(|file| file.id).collect();
            let event = json!({
                "event": "posted",
                "id": posted.id,
                "posted_ms": posted.posted.get(),
                "files": files,
            });
            out.print(&event, &format!("posted as number {}", posted.id))
        }
        (Rooms::Fetch { file, output, .. }, _, _) => {
            let size = room.download(*file, output, exchange::show(out)).await?;
            let event = json!({"event": "fetched", "size": size});
            out.print(&event, &format!("{size} bytes"))
        }
        (Rooms::React { id, remove, .. }, Some(emoji), _) => {
            let reacted = room.react(*id, &emoji, *remove).await?;
            let event = json!({"event": "reacted", "id": id, "changed": reacted.changed});
            out.print(
                &event,
                if reacted.changed {
                    "done"
                } else {
                    "nothing has changed"
                },
            )
        }
        (Rooms::Answer { text, .. }, _, Some(to)) => {
            let sent = room.write(&to, text).await?;
            let event = json!({"event": "written", "to": to.to_string(), "id": sent.id});
            out.print(&event, "written to the inbox")
        }
        (Rooms::React { .. } | Rooms::Answer { .. }, _, _) => {
            Err(ClientError::Usage("nothing to send".to_owned()))
        }
    }
}

/// Prints new posts of a room and new messages of the inbox, and writes the new state.
async fn read(
    room: &Room<'_>,
    community: &Community,
    memory: &mut Memory,
    out: &Output,
) -> Result<(), ClientError> {
    let mut state = memory.state(community);
    let update = room.poll(&mut state).await?;
    let mut count = 0;
    for update in update.rooms {
        let mut changes = update.changes?;
        changes.sort_by_key(Change::seqno);
        for change in &changes {
            count += usize::from(show(room, change, out).await?);
        }
    }
    for (messages, own) in [(update.inbox, false), (update.outbox, true)] {
        // Absent: a server without an inbox has no messages; the room is not affected.
        for message in messages.and_then(Result::ok).unwrap_or_default() {
            show_inbox(room, &message, own, out).await?;
            count += 1;
        }
    }
    // Only now: anything that was not shown is fetched again.
    memory.keep(community, &state)?;
    if count == 0 && !out.is_json() {
        out.print(&json!(null), "nothing new")?;
    }
    Ok(())
}

/// The attached files that lie in the room, with their numbers. Files elsewhere cannot be fetched by this
/// command.
fn files(room: &Room<'_>, content: &Content) -> Vec<(u64, Attachment)> {
    let Kind::Message(message) = &content.kind else {
        return Vec::new();
    };
    let files = message.attachments.iter();
    files
        .filter_map(|file| Some((room.file_number(file)?, file.clone())))
        .collect()
}

fn reactions(all: &[Reaction]) -> serde_json::Value {
    let one = |reaction: &Reaction| json!({"emoji": reaction.emoji, "count": reaction.count, "you": reaction.you});
    all.iter().map(one).collect()
}

/// Prints a change; false if there is nothing to print.
async fn show(room: &Room<'_>, change: &Change, out: &Output) -> Result<bool, ClientError> {
    match change {
        Change::Posted {
            message,
            reactions: all,
            ..
        } => {
            let (text, files, reason) = match room.open_post(message).await {
                Ok(post) => {
                    let text = post.content.as_text().map(Foreign::from);
                    (text, files(room, &post.content), None)
                }
                Err(error) => (None, Vec::new(), Some(error.to_string())),
            };
            // A post that its author has not signed is never shown as theirs.
            let author = message.is_verified.then(|| message.author.to_string());
            let event = json!({
                "event": "post",
                "id": message.id,
                "author": author,
                "verified": message.is_verified,
                "claimed_author": message.author.to_string(),
                "posted_ms": message.posted.get(),
                "edited": message.edited.is_some(),
                "text": text.as_ref().map(Foreign::as_untrusted),
                "files": files.iter().map(|(number, file)| {
                    let mut file = attachment(file);
                    file["number"] = json!(number);
                    file
                }).collect::<Vec<_>>(),
                "unreadable": reason,
                "reactions": reactions(all),
            });
            let who = author.unwrap_or_else(|| "somebody whose signature is wrong".to_owned());
            let said = match (&text, &reason) {
                (Some(text), _) => text.lines().replace('\n', "\n  "),
                (None, Some(reason)) => format!("(cannot be read: {reason})"),
                (None, None) => "(not a text)".to_owned(),
            };
            let files: String = files
                .iter()
                .map(|(number, file)| {
                    // Absent: a file without a name.
                    let name = Foreign::from(file.file_name.clone().unwrap_or_default());
                    format!("\n  (file {number}: {name})")
                })
                .collect();
            let at = written(message.posted.get());
            let line = format!("{} {who} at {at}\n  {said}{files}", message.id);
            out.print(&event, &line)?;
        }
        Change::Deleted { id, .. } => {
            out.print(
                &json!({"event": "deleted", "id": id}),
                &format!("{id} (deleted)"),
            )?;
        }
        Change::Reactions {
            id, reactions: all, ..
        } => {
            let event = json!({"event": "reactions", "id": id, "reactions": reactions(all)});
            let shown = all
                .iter()
                .map(|one| format!("{} {}", Foreign::from(one.emoji.as_str()), one.count));
            out.print(
                &event,
                &format!("{id} ({})", shown.collect::<Vec<_>>().join(", ")),
            )?;
        }
        _ => {
            out.notice("the server sent a post that cannot be read");
            return Ok(false);
        }
    }
    Ok(true)
}

async fn show_inbox(
    room: &Room<'_>,
    message: &InboxMessage,
    own: bool,
    out: &Output,
) -> Result<(), ClientError> {
    let (sender, recipient) = (message.sender.to_string(), message.recipient.to_string());
    match room.open_inbox(message).await {
        Ok(opened) => {
            let text = opened.content.as_text().map(Foreign::from);
            let account = opened.sender.to_string();
            let event = json!({
                "event": "inbox",
                "id": message.id,
                "own": own,
                "sender": sender,
                "recipient": recipient,
                "account": account,
                "text": text.as_ref().map(Foreign::as_untrusted),
            });
            let who = match own {
                true => format!("I wrote to {recipient}"),
                false => format!("{sender}, who is {account}, wrote to me"),
            };
            let said = text.map_or_else(
                || "(not a text)".to_owned(),
                |text| text.lines().replace('\n', "\n  "),
            );
            out.print(
                &event,
                &format!("{who} at {}\n  {said}", written(message.posted.get())),
            )
        }
        Err(error) => {
            out.notice(&format!(
                "inbox message {} cannot be read: {error}",
                message.id
            ));
            if out.is_json() {
                let reason = error.to_string();
                let event = json!({"event": "unreadable", "inbox": message.id, "reason": reason});
                out.print(&event, "")?;
            }
            Ok(())
        }
    }
}
