//! Commands on the whole client of `session-sdk`: contacts, message requests, history. What it knows is in a SQLite
//! file, beside the state of the other commands.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use client::clock::written;
use client::error::ClientError;
use client::foreign::Foreign;
use serde_json::{Value, json};
use session_network::RequestError;
use session_sdk::client::Status;
use session_sdk::config::UserConfigs;
use session_sdk::config::contacts::Contact;
use session_sdk::content::Kind;
use session_sdk::{Client, ConversationId, Error, Page, Seed};
use session_types::AnyId;

use crate::account::{account, account_id};
use crate::arguments::Shared;
use crate::output::Output;
use crate::show::attachment;
use crate::talk::pins;

/// Time for fetching everything, and for sending a change.
const LIMIT: Duration = Duration::from_secs(60);

/// Where the records are.
#[derive(Args)]
pub(crate) struct Records {
    /// SQLite file with the records of the whole client: history, contacts, keys. It is made if there is none.
    #[arg(long, value_name = "FILE")]
    pub(crate) store: PathBuf,
}

/// Contacts and message requests.
#[derive(Subcommand)]
pub(crate) enum ContactCommand {
    /// Print the contacts.
    List,
    /// Print who wrote and waits for an answer.
    Requests,
    /// Accept a message request.
    Accept { id: String },
    /// Block an account: its messages are dropped.
    Block { id: String },
    /// Block an account no longer.
    Unblock { id: String },
    /// Give a contact a name of our own; an empty one takes it away.
    Rename { id: String, name: String },
}

/// A conversation, and how much of it.
#[derive(Args)]
pub(crate) struct Excerpt {
    #[command(flatten)]
    pub(crate) records: Records,
    /// The account or group, 66 hex digits. Without it, all conversations are searched.
    #[arg(required_unless_present = "search")]
    pub(crate) id: Option<String>,
    /// Maximum number of messages, the newest ones.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
    /// Only messages with this text, in all conversations.
    #[arg(long, value_name = "TEXT", conflicts_with = "id")]
    pub(crate) search: Option<String>,
}

fn failed(error: Error, store: &Path) -> ClientError {
    match error {
        Error::Store(reason) => ClientError::File {
            what: "cannot use the records in",
            path: store.to_owned(),
            reason: std::io::Error::other(reason),
        },
        other => ClientError::Usage(other.to_string()),
    }
}

/// Starts the whole client, and fetches all there is.
async fn connect(shared: &Shared, store: &Path, out: &Output) -> Result<Client, ClientError> {
    let account = account(shared, out)?;
    if shared.seed_url.is_empty() {
        let text = "no seed node: name one by --seed-url".to_owned();
        return Err(ClientError::Usage(text));
    }
    let pins: Vec<Vec<u8>> = pins(shared)?.iter().map(|pin| pin.to_vec()).collect();
    let seeds = shared.seed_url.iter();
    let seeds = seeds.map(|url| Seed::new(url.clone(), pins.clone()));
    let is_local = shared.seed_url.iter().all(|url| is_loopback(url));
    let builder = Client::builder(account).seeds(seeds).store(store);
    let builder = match is_local {
        true => builder.test_network(),
        false => builder,
    };
    let client = builder.connect().await;
    let client = client.map_err(|error| failed(error, store))?;
    out.doing("fetching what is new");
    match tokio::time::timeout(LIMIT, client.sync()).await {
        Ok(synced) => synced.map_err(|error| failed(error, store))?,
        Err(_) => return Err(RequestError::TimedOut.into()),
    }
    Ok(client)
}

/// Whether a URL is one of this machine.
fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', ':']).next();
    host.is_some_and(|host| host == "localhost" || host.starts_with("127."))
}

/// Does something with the contacts.
pub(crate) async fn contact(
    shared: &Shared,
    records: &Records,
    command: &ContactCommand,
    out: &Output,
) -> Result<(), ClientError> {
    let id = match command {
        ContactCommand::List | ContactCommand::Requests => None,
        ContactCommand::Accept { id }
        | ContactCommand::Block { id }
        | ContactCommand::Unblock { id }
        | ContactCommand::Rename { id, .. } => Some(account_id(id)?),
    };
    let client = connect(shared, &records.store, out).await?;
    let unusable = |error| failed(error, &records.store);
    let Some(id) = id else {
        let wants_requests = matches!(command, ContactCommand::Requests);
        let list = move |configs: &mut UserConfigs| {
            let contacts = configs.contacts.iter();
            let wanted = contacts.filter(|contact| is_request(contact) == wants_requests);
            Ok(wanted
                .map(|contact| described(&contact))
                .collect::<Vec<_>>())
        };
        for (event, text) in client.edit(list).await.map_err(unusable)? {
            out.print(&event, &text)?;
        }
        return Ok(());
    };
    let changed = match command {
        ContactCommand::Accept { .. } => client.accept(id).await,
        ContactCommand::Block { .. } => client.block(id, true).await,
        ContactCommand::Unblock { .. } => client.block(id, false).await,
        ContactCommand::Rename { name, .. } => {
            let name = name.clone();
            let rename = move |configs: &mut UserConfigs| {
                configs
                    .contacts
                    .update(&id, |contact| contact.set_nickname(&name))
            };
            client.edit(rename).await
        }
        ContactCommand::List | ContactCommand::Requests => Ok(()),
    };
    changed.map_err(unusable)?;
    out.doing("sending the change");
    let sent = async {
        client.flush().await?;
        client.pushed().await
    };
    match tokio::time::timeout(LIMIT, sent).await {
        Ok(sent) => sent.map_err(unusable)?,
        Err(_) => return Err(RequestError::TimedOut.into()),
    }
    let find = move |configs: &mut UserConfigs| {
        let contact = configs.contacts.get(&id);
        Ok(contact.map(|contact| described(&contact)))
    };
    match client.edit(find).await.map_err(unusable)? {
        Some((event, text)) => out.print(&event, &text),
        None => Ok(()),
    }
}

/// Whether a contact wrote and waits for an answer.
const fn is_request(contact: &Contact<'_>) -> bool {
    !contact.is_approved && contact.has_approved_us && !contact.is_blocked
}

/// A contact as an event, and for people.
fn described(contact: &Contact<'_>) -> (Value, String) {
    let name = Foreign::from(&*contact.name);
    let event = json!({
        "event": "contact",
        "id": contact.id.to_string(),
        "name": name.as_untrusted(),
        "nickname": contact.nickname,
        "accepted": contact.is_approved,
        "accepts_us": contact.has_approved_us,
        "blocked": contact.is_blocked,
    });
    let called = match contact.nickname.is_empty() {
        true => name.to_string(),
        false => format!("{name}, {}", Foreign::from(&*contact.nickname)),
    };
    let state = match (contact.is_blocked, contact.is_approved) {
        (true, _) => " (blocked)",
        (false, true) => "",
        (false, false) => " (not accepted)",
    };
    (event, format!("{} {called}{state}", contact.id))
}

/// Prints the history of a conversation, the oldest first, or what a search finds.
pub(crate) async fn history(
    shared: &Shared,
    excerpt: &Excerpt,
    out: &Output,
) -> Result<(), ClientError> {
    let parse = |text: &String| {
        text.parse::<ConversationId>()
            .map_err(|reason| ClientError::AccountId {
                text: Foreign::from(text.as_str()),
                reason,
            })
    };
    let with = excerpt.id.as_ref().map(parse).transpose()?;
    let store = &excerpt.records.store;
    let client = connect(shared, store, out).await?;
    let limit = excerpt.limit;
    let found = match (with, &excerpt.search) {
        (Some(with), _) => {
            let page = Page {
                before: None,
                limit,
            };
            client.conversation(with).history(page).await
        }
        (None, Some(text)) => client.search(text, limit).await,
        (None, None) => Ok(Vec::new()),
    };
    let own = client.id();
    for message in found.map_err(|error| failed(error, store))?.iter().rev() {
        let text = message.text().map(Foreign::from);
        let files = match &message.content.kind {
            Kind::Message(message) => message.attachments.iter().map(attachment).collect(),
            _ => Vec::new(),
        };
        let event = json!({
            "event": "message",
            "from": message.author.to_string(),
            "own": message.author == AnyId::from(own),
            "conversation": message.conversation().to_string(),
            "sent_ms": message.sent_at().get(),
            "text": text.as_ref().map(Foreign::as_untrusted),
            "status": status(message.status),
            "attachments": files,
        });
        let said = text.map_or_else(|| "(no text)".to_owned(), |text| text.to_string());
        let at = written(message.sent_at().get());
        out.print(&event, &format!("{} at {at}\n  {said}", message.author))?;
    }
    Ok(())
}

const fn status(status: Status) -> &'static str {
    match status {
        Status::Received => "received",
        Status::Sending => "sending",
        Status::Delivered => "delivered",
        Status::Failed => "failed",
    }
}
