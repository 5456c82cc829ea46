//! Commands about closed groups.
//!
//! A group is kept in a file beside the state: it is saved before anything is sent and after each step
//! that was done, so that a command that was killed is continued by the next one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use client::durable::{Lock, write_atomically};
use client::error::ClientError;
use client::foreign::Foreign;
use client::session::Client;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use serde_json::json;
use session_config::group::{Call, Group, Incoming, Invitee, NewGroup, RemoveMessages, Stage};
use session_config::members::MemberStatus;
use session_crypto::Ed25519Secret;
use session_identity::Account;
use session_message::content::{Content, GroupUpdate, Kind};
use session_message::{Opener, Sealer};
use session_storage::StoredMessage;
use session_types::{AccountId, GroupId, MessageHash, Namespace};

use crate::account::{account, account_id};
use crate::arguments::Shared;
use crate::group_arguments::GroupCommand;
use crate::output::Output;
use crate::talk::connect;

/// Attempts of one step before the command gives up; the next one continues.
const ATTEMPTS: usize = 3;

/// The files of the groups of an account.
struct Files {
    state: PathBuf,
}

impl Files {
    fn new(shared: &Shared) -> Result<Self, ClientError> {
        let state = shared.state.clone();
        let missing = || ClientError::Usage("groups are kept in files: name --state".to_owned());
        Ok(Self {
            state: state.ok_or_else(missing)?,
        })
    }

    fn path(&self, id: &GroupId) -> PathBuf {
        let mut name = self.state.clone().into_os_string();
        name.push(format!(".group-{id}"));
        name.into()
    }

    fn save(&self, group: &mut Group, at: session_message::UnixMillis) -> Result<(), ClientError> {
        let path = self.path(group.id());
        write_atomically(&path, &group.dump(at)).map_err(|reason| ClientError::File {
            what: "cannot write",
            path,
            reason,
        })
    }

    fn load(
        &self,
        account: &Arc<Account>,
        id: &GroupId,
        at: session_message::UnixMillis,
    ) -> Result<Option<Group>, ClientError> {
        let path = self.path(id);
        match std::fs::read(&path) {
            Ok(dump) => {
                let group = Group::load(Arc::clone(account), *id, &dump, at);
                let reason = |error| ClientError::Usage(format!("{}: {error}", path.display()));
                Ok(Some(group.map_err(reason)?))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(reason) => Err(ClientError::File {
                what: "cannot read",
                path,
                reason,
            }),
        }
    }
}

/// A group that a command works on.
struct Session<'a> {
    client: Client,
    account: Arc<Account>,
    files: Files,
    out: &'a Output,
    /// Names of the messages in namespace 11, by author.
    authors: BTreeMap<AccountId, Vec<MessageHash>>,
}

fn usage(error: impl std::fmt::Display) -> ClientError {
    ClientError::Usage(error.to_string())
}

fn group_id(text: &str) -> Result<GroupId, ClientError> {
    let text = text.trim();
    text.parse().map_err(|_| {
        usage(format!(
            "`{}` is not the id of a group",
            Foreign::from(text)
        ))
    })
}

pub(crate) async fn run(
    shared: &Shared,
    command: &GroupCommand,
    out: &Output,
) -> Result<(), ClientError> {
    let files = Files::new(shared)?;
    let failed = |reason| ClientError::File {
        what: "cannot lock",
        path: files.state.clone(),
        reason,
    };
    // One command at a time: two would undo each other's steps.
    let lock_name = {
        let mut name = files.state.clone().into_os_string();
        name.push(".groups");
        PathBuf::from(name)
    };
    let _lock = Lock::take(&lock_name).map_err(failed)?;
    let own = Arc::new(account(shared, out)?);
    let (client, _memory) = connect(shared, account(shared, out)?, out).await?;
    let mut session = Session {
        client,
        account: own,
        files,
        out,
        authors: BTreeMap::new(),
    };
    session.execute(command).await
}

impl Session<'_> {
    async fn execute(&mut self, command: &GroupCommand) -> Result<(), ClientError> {
        match command {
            GroupCommand::Create { name, member } => self.create(name, member).await,
            GroupCommand::Accept { group } => {
                let only = group.as_deref().map(group_id).transpose()?;
                self.accept(only.as_ref()).await
            }
            GroupCommand::Invite {
                group,
                account_id: id,
                history,
            } => {
                let id = account_id(id)?;
                self.act(group, |group| {
                    group.invite(&[Invitee::new(id, "")], *history)
                })
                .await
            }
            GroupCommand::Promote {
                group,
                account_id: id,
            } => {
                let id = account_id(id)?;
                self.act(group, |group| group.promote(&[id])).await
            }
            GroupCommand::Remove {
                group,
                account_id: id,
                messages,
            } => {
                let id = account_id(id)?;
                let messages = if *messages {
                    RemoveMessages::Yes
                } else {
                    RemoveMessages::No
                };
                self.act(group, |group| group.remove(&[id], messages)).await
            }
            GroupCommand::Leave { group } => self.act(group, Group::leave).await,
            GroupCommand::Send { group, text } => self.send(group, text).await,
            GroupCommand::Receive { group } => {
                let mut group = self.known(group).await?;
                self.sync(&mut group, true).await?;
                self.work(&mut group).await
            }
            GroupCommand::Members { group } => self.members(group).await,
        }
    }

    async fn known(&self, id: &str) -> Result<Group, ClientError> {
        let id = group_id(id)?;
        let at = self.client.time().await;
        let group = self.files.load(&self.account, &id, at)?;
        group.ok_or_else(|| usage("this account knows no such group"))
    }

    fn say(&self, event: &'static str, group: &Group) -> Result<(), ClientError> {
        let (id, name) = (group.id().to_string(), Foreign::from(group.name()));
        let event = json!({"event": event, "group": id, "name": group.name(),
            "stage": format!("{:?}", group.stage()), "admin": group.is_admin()});
        self.out.print(&event, &format!("{id}  {name}"))
    }

    async fn create(&mut self, name: &str, members: &[String]) -> Result<(), ClientError> {
        let ids = members.iter().map(|id| account_id(id));
        let ids: Vec<_> = ids.collect::<Result<_, _>>()?;
        let members: Vec<_> = ids.iter().map(|id| Invitee::new(*id, "")).collect();
        let new = NewGroup {
            name,
            members: &members,
            ..NewGroup::default()
        };
        let secret = Ed25519Secret::random().map_err(|_| ClientError::Random)?;
        let at = self.client.time().await;
        let group = Group::create(Arc::clone(&self.account), &secret, &new, at);
        let mut group = group.map_err(usage)?;
        self.work(&mut group).await?;
        self.say("group", &group)
    }

    /// Takes invitations and promotions from the own swarm.
    async fn accept(&mut self, only: Option<&GroupId>) -> Result<(), ClientError> {
        let at = self.client.time().await;
        let mut opener = Opener::new(Arc::clone(&self.account));
        let inbox = self.client.inbox().await?;
        let mut accepted: BTreeMap<GroupId, Group> = BTreeMap::new();
        for message in &inbox {
            let Ok(opened) = opener.open_direct(&message.data) else {
                continue;
            };
            let Kind::Group(update) = &opened.content.kind else {
                continue;
            };
            let invited = match update {
                GroupUpdate::Invite(invite) => Group::invited(Arc::clone(&self.account), invite),
                GroupUpdate::Promote { seed, name } => {
                    Group::promoted(Arc::clone(&self.account), seed, name)
                }
                _ => continue,
            };
            let Ok(mut group) = invited else { continue };
            let id = *group.id();
            if only.is_some_and(|only| *only != id) {
                continue;
            }
            let known = match accepted.remove(&id) {
                Some(group) => Some(group),
                None => self.files.load(&self.account, &id, at)?,
            };
            if let Some(known) = known {
                group = known;
                // An old invitation or promotion changes nothing.
                let _ = match update {
                    GroupUpdate::Invite(invite) => group.invited_again(invite),
                    GroupUpdate::Promote { seed, .. } if !group.is_admin() => {
                        group.become_admin(seed)
                    }
                    _ => Ok(()),
                };
            }
            accepted.insert(id, group);
        }
        for mut group in accepted.into_values() {
            if group.stage() == Stage::Invited {
                group.accept().map_err(usage)?;
            }
            self.sync(&mut group, false).await?;
            self.work(&mut group).await?;
            self.say("accepted", &group)?;
        }
        Ok(())
    }

    /// Fetches, does one thing, and sends all of it.
    async fn act(
        &mut self,
        id: &str,
        act: impl FnOnce(&mut Group) -> Result<(), session_config::group::ActError>,
    ) -> Result<(), ClientError> {
        let mut group = self.known(id).await?;
        self.sync(&mut group, false).await?;
        act(&mut group).map_err(usage)?;
        self.work(&mut group).await?;
        self.say("done", &group)
    }

    async fn send(&mut self, id: &str, text: &str) -> Result<(), ClientError> {
        let mut group = self.known(id).await?;
        self.sync(&mut group, false).await?;
        self.work(&mut group).await?;
        let at = self.client.time().await;
        let sealer = Sealer::new(Arc::clone(&self.account));
        let rng = &mut UnwrapErr(SysRng);
        let sealed = group
            .seal(&sealer, rng, &Content::text(text), at)
            .map_err(usage)?;
        self.client.store_in_group(&group, sealed).await?;
        let event = json!({"event": "sent", "group": group.id().to_string(), "sent_ms": at.get()});
        self.out.print(&event, "sent")
    }

    async fn members(&mut self, id: &str) -> Result<(), ClientError> {
        let mut group = self.known(id).await?;
        self.sync(&mut group, false).await?;
        self.work(&mut group).await?;
        for member in group.members().iter() {
            let status = group.members().status(&member);
            let id = member.id.to_string();
            let event = json!({"event": "member", "id": id, "status": format!("{status:?}"),
                "admin": status == MemberStatus::PromotionAccepted});
            self.out.print(&event, &format!("{id}  {status:?}"))?;
        }
        Ok(())
    }

    /// Fetches what is new in the group, and prints the messages if asked to.
    async fn sync(&mut self, group: &mut Group, show: bool) -> Result<(), ClientError> {
        if group.stage() == Stage::Left {
            return Ok(());
        }
        for namespace in Group::NAMESPACES {
            let fetched = match self.client.group_messages(group, namespace).await {
                Err(ClientError::Refused { status: 401, .. }) => {
                    group.note_access_refused();
                    Vec::new()
                }
                other => other?,
            };
            let names: Vec<_> = fetched.iter().map(|one| one.hash.to_string()).collect();
            let incoming: Vec<_> = fetched.iter().zip(&names).map(incoming).collect();
            let received = group.receive(namespace, &incoming, self.client.time().await);
            for (name, reason) in received.refused {
                // Notices are for others, mostly.
                if namespace != Namespace::REVOKED_GROUP_MESSAGES {
                    self.out.notice(&format!(
                        "message {name} of the group is of no use: {reason}"
                    ));
                }
            }
        }
        if !matches!(group.stage(), Stage::Joined | Stage::Leaving) {
            let at = self.client.time().await;
            self.files.save(group, at)?;
            return if show {
                self.say("group", group)
            } else {
                Ok(())
            };
        }
        for message in self
            .client
            .group_messages(group, Namespace::GROUP_MESSAGES)
            .await?
        {
            self.open(group, &message, show)?;
        }
        let at = self.client.time().await;
        self.files.save(group, at)
    }

    fn open(
        &mut self,
        group: &mut Group,
        message: &StoredMessage,
        show: bool,
    ) -> Result<(), ClientError> {
        let name = message.hash.to_string();
        match group.open(&incoming((message, &name))) {
            Ok(arrived) => {
                let sender = arrived.message.sender;
                self.authors.entry(sender).or_default().push(message.hash);
                let text = arrived.message.content.as_text().filter(|_| show);
                if let Some(text) = text {
                    let event = json!({"event": "message", "from": sender.to_string(), "text": text,
                        "sent_ms": arrived.message.sent_at.get()});
                    let text = Foreign::from(text);
                    self.out.print(&event, &format!("{sender}: {text}"))?;
                }
            }
            Err(reason) if show => {
                let event = json!({"event": "unreadable", "hash": name,
                    "reason": reason.to_string()});
                self.out
                    .print(&event, &format!("{name} is not shown: {reason}"))?;
            }
            Err(_) => {}
        }
        Ok(())
    }

    /// Sends what is to be sent, step by step, each of which is saved.
    async fn work(&mut self, group: &mut Group) -> Result<(), ClientError> {
        let mut failures = 0;
        loop {
            let at = self.client.time().await;
            let job = group.poll(at, &mut UnwrapErr(SysRng)).map_err(usage)?;
            self.files.save(group, at)?;
            let Some(job) = job else { return Ok(()) };
            let authors = &self.authors;
            let own = |id: &AccountId| authors.get(id).cloned().unwrap_or_default();
            let out = self.out;
            let made = |call: &Call| {
                if out.is_json() {
                    // A reader that is gone does not stop the work.
                    let _ = out.print(&json!({"event": "call", "call": named(call)}), "");
                }
            };
            let (answers, error) = self.client.make_calls(group, &job.calls, own, made).await;
            group.report(job.ticket, &answers).map_err(usage)?;
            let at = self.client.time().await;
            self.files.save(group, at)?;
            if self.out.is_json() {
                let event = json!({"event": "step", "calls": job.calls.len()});
                self.out.print(&event, "")?;
            }
            if let Some(error) = error {
                failures += 1;
                if failures == ATTEMPTS {
                    return Err(error);
                }
            }
        }
    }
}

/// Says in a word what a call does.
fn named(call: &Call) -> String {
    match call {
        Call::Store(message) => format!("store {}", message.namespace),
        Call::Delete(_) | Call::DeleteBefore { .. } | Call::DeleteMessagesOf(_) => "delete".into(),
        Call::Revoke(_) => "revoke".into(),
        Call::Unrevoke(_) => "unrevoke".into(),
        _ => "send".into(),
    }
}

fn incoming<'a>((message, name): (&'a StoredMessage, &'a String)) -> Incoming<'a> {
    Incoming {
        hash: name,
        data: &message.data,
        stored_at: message.timestamp,
    }
}
