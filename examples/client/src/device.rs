//! Commands about the devices of the own account. Upcoming: no released client links devices.
//!
//! A device is kept in a file beside the state, which is saved before anything is sent and after it. Every
//! command fetches first, so that it also replaces the account keys when their time has come.

use std::path::PathBuf;
use std::sync::Arc;

use client::durable::{Lock, write_atomically};
use client::error::ClientError;
use client::foreign::Foreign;
use client::session::Client;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use serde_json::json;
use session_config::devices::membership::Membership;
use session_config::devices::record::Version;
use session_config::devices::{About, Device, DeviceEvent, DeviceId, DeviceState, FetchedMessage};
use session_crypto::v2::KeySeed;
use session_identity::Account;
use session_identity::link_sas::{SHORT, Sas};
use session_message::UnixMillis;

use crate::account::account;
use crate::arguments::Shared;
use crate::device_arguments::DeviceCommand;
use crate::output::Output;
use crate::talk::connect;

/// Attempts to send before the command gives up; the next one continues.
const ATTEMPTS: usize = 3;

fn usage(error: impl std::fmt::Display) -> ClientError {
    ClientError::Usage(error.to_string())
}

fn path(shared: &Shared) -> Option<PathBuf> {
    let mut name = shared.state.clone()?.into_os_string();
    name.push(".device");
    Some(name.into())
}

/// Reads the device that is kept beside the state.
fn load(path: &PathBuf, account: &Account) -> Result<Option<Device>, ClientError> {
    match std::fs::read(path) {
        Ok(dump) => {
            let reason = |error| usage(format!("{}: {error}", path.display()));
            Ok(Some(Device::load(account, &dump).map_err(reason)?))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(reason) => Err(ClientError::File {
            what: "cannot read",
            path: path.clone(),
            reason,
        }),
    }
}

/// Seeds of the key sets with which messages to the account are opened; none if this is no linked device.
pub(crate) fn account_keys(
    shared: &Shared,
    account: &Account,
) -> Result<Vec<KeySeed>, ClientError> {
    let device = path(shared).map(|path| load(&path, account)).transpose()?;
    let device = device.flatten();
    Ok(device.map_or_else(Vec::new, |device| {
        let keys = device.group().keyring().keys().iter();
        keys.map(|key| key.seed.duplicate()).collect()
    }))
}

struct Session<'a> {
    client: Client,
    account: Arc<Account>,
    path: PathBuf,
    device: Device,
    out: &'a Output,
}

pub(crate) async fn run(
    shared: &Shared,
    command: &DeviceCommand,
    out: &Output,
) -> Result<(), ClientError> {
    let path = path(shared).ok_or_else(|| usage("a device is kept in a file: name --state"))?;
    let failed = |reason| ClientError::File {
        what: "cannot lock",
        path: path.clone(),
        reason,
    };
    let _lock = Lock::take(&path).map_err(failed)?;
    let own = Arc::new(account(shared, out)?);
    let device = load(&path, &own)?;
    let device = device.unwrap_or_else(|| Device::generate(&mut UnwrapErr(SysRng)));
    let (client, _memory) = connect(shared, account(shared, out)?, out).await?;
    let mut session = Session {
        client,
        account: own,
        path,
        device,
        out,
    };
    session.save()?;
    session.sync().await?;
    session.execute(command).await
}

impl Session<'_> {
    async fn execute(&mut self, command: &DeviceCommand) -> Result<(), ClientError> {
        let rng = &mut UnwrapErr(SysRng);
        let now = self.client.time().await;
        match command {
            DeviceCommand::List => self.list().await,
            // Confirmed before it was approved: the fetch has joined.
            DeviceCommand::Link { confirm: true, .. } if self.device.group().is_member() => {
                self.list().await
            }
            DeviceCommand::Link { confirm: true, .. } => {
                self.device.confirm().map_err(usage)?;
                self.sync().await?;
                if !self.device.group().is_member() {
                    return Err(usage("no other device has approved this one yet"));
                }
                self.list().await
            }
            DeviceCommand::Link { name, start, .. } => {
                let gone = [Membership::Removed, Membership::Displaced];
                if gone.contains(&self.device.membership(now)) {
                    self.out
                        .notice("this device was removed: it asks as a new one");
                    self.device.start_anew(rng).map_err(usage)?;
                }
                let about = About {
                    description: name,
                    kind: "c",
                    version: Version::new(0, 1, 0),
                };
                if *start {
                    self.device.start(rng, about, now).map_err(usage)?;
                    self.sync().await?;
                    return self.list().await;
                }
                let request = self.device.request(rng, &self.account, about, now);
                let sas = Sas::of_request(request.map_err(usage)?).map_err(usage)?;
                self.sync().await?;
                let id = self.device.id().to_string();
                let event = json!({"event": "asked", "device": id, "emoji": sas.to_string()});
                let text = format!("{sas}\nCompare these with what `device list` shows elsewhere.");
                self.out.print(&event, &text)
            }
            DeviceCommand::Approve { device, emoji } => {
                let id = self.find(device, self.device.pending().keys())?;
                let request = self.device.pending().get(&id);
                let inner = request.map(|pending| pending.request.inner.clone());
                let inner = inner.ok_or_else(|| usage("there is no such request"))?;
                let sas = Sas::of_request(&inner).map_err(usage)?;
                let shown = sas.emoji();
                let typed = emoji.split_whitespace();
                if !typed.eq(shown.iter().take(SHORT).copied()) {
                    return Err(usage(
                        "the emoji differ: somebody else may be asking. Nothing was admitted",
                    ));
                }
                self.device.admit(rng, &id, now).map_err(usage)?;
                self.sync().await?;
                self.list().await
            }
            DeviceCommand::Deny { device } => {
                let id = self.find(device, self.device.pending().keys())?;
                self.device.deny(&id).map_err(usage)?;
                self.save()?;
                self.list().await
            }
            DeviceCommand::Remove { device } => {
                let id = self.find(device, self.device.group().rows().keys())?;
                self.device.remove(rng, &id, now).map_err(usage)?;
                self.sync().await?;
                self.list().await
            }
        }
    }

    /// Finds a device by the first digits of its id.
    fn find<'d>(
        &self,
        digits: &str,
        ids: impl Iterator<Item = &'d DeviceId>,
    ) -> Result<DeviceId, ClientError> {
        let mut found = ids.filter(|id| !digits.is_empty() && id.to_string().starts_with(digits));
        match (found.next(), found.next()) {
            (Some(id), None) => Ok(*id),
            (None, _) => Err(usage(format!("no device is `{}`", Foreign::from(digits)))),
            _ => Err(usage("several ids begin with these digits")),
        }
    }

    fn save(&self) -> Result<(), ClientError> {
        write_atomically(&self.path, &self.device.dump()).map_err(|reason| ClientError::File {
            what: "cannot write",
            path: self.path.clone(),
            reason,
        })
    }

    /// Fetches everything, tells what is new, and sends what is to be sent.
    async fn sync(&mut self) -> Result<(), ClientError> {
        let rng = &mut UnwrapErr(SysRng);
        let fetched = self.client.device_messages().await?;
        let names: Vec<_> = fetched.iter().map(|one| one.hash.to_string()).collect();
        let messages = fetched
            .iter()
            .zip(&names)
            .map(|(one, name)| FetchedMessage {
                hash: name,
                data: &one.data,
                stored_at: one.timestamp,
                expires_at: one.expiration,
            });
        let messages: Vec<_> = messages.collect();
        let now = self.client.time().await;
        let events = self.device.receive(rng, &self.account, &messages, now);
        let published = self.client.published_keys().await?;
        let published = published.iter().map(|one| one.data.as_slice());
        self.device.receive_published(&self.account, published);
        for event in events {
            self.tell(event)?;
        }
        let mut failures = 0;
        loop {
            let now = self.client.time().await;
            let outgoing = self.device.poll(rng, &self.account, now).map_err(usage)?;
            self.save()?;
            let Some(outgoing) = outgoing else {
                return Ok(());
            };
            match self.client.send_for_device(&outgoing).await {
                Ok(name) => {
                    if let Some(name) = name {
                        self.device.stored(&name);
                    }
                    if outgoing.publication.is_some() {
                        self.device.published();
                    }
                    self.save()?;
                }
                Err(error) => {
                    failures += 1;
                    if failures == ATTEMPTS {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn tell(&self, event: DeviceEvent) -> Result<(), ClientError> {
        let (name, id, text) = match event {
            DeviceEvent::NewDevice(id) => (
                "new_device",
                Some(id),
                "A new device belongs to this account. If it is none of yours, somebody has the \
                 recovery phrase",
            ),
            DeviceEvent::Gone(id) => ("gone", Some(id), "A device does not belong any more"),
            DeviceEvent::Request(id) => ("request", Some(id), "A device asks to be admitted"),
            DeviceEvent::Admitted => ("admitted", None, "This device was approved: confirm it"),
            DeviceEvent::Joined => ("joined", None, "This device has joined"),
            DeviceEvent::Removed => ("removed", None, "Another device has removed this one"),
            DeviceEvent::Displaced => ("displaced", None, "Another device took this one's place"),
            DeviceEvent::Rotated => ("rotated", None, "The account's keys were replaced"),
            _ => return Ok(()),
        };
        let device = id.map(|id| id.to_string());
        let shown = device.as_deref().unwrap_or_default();
        let event = json!({"event": name, "device": device});
        self.out.print(&event, &format!("{text}. {shown}"))
    }

    async fn list(&self) -> Result<(), ClientError> {
        let now: UnixMillis = self.client.time().await;
        for (id, row) in self.device.group().rows() {
            if row.state == DeviceState::Pending {
                continue;
            }
            let record = row.record.as_ref();
            let name = record.map(|record| Foreign::from(record.description_text().into_owned()));
            let name = name.map_or_else(String::new, |name| name.to_string());
            let (is_own, state) = (id == self.device.id(), format!("{:?}", row.state));
            let event = json!({"event": "device", "device": id.to_string(), "name": name,
                "state": state, "own": is_own});
            let own = if is_own { "  (this device)" } else { "" };
            self.out
                .print(&event, &format!("{id}  {state}  {name}{own}"))?;
        }
        for (id, pending) in self.device.pending() {
            let sas = Sas::of_request(&pending.request.inner).map_err(usage)?;
            let name = pending.request.record.description_text().into_owned();
            let name = Foreign::from(name).to_string();
            let event = json!({"event": "pending", "device": id.to_string(), "name": name,
                "emoji": sas.to_string(), "replaces": pending.replaces});
            let text = format!("{id}  asks to be admitted  {name}\n  {sas}");
            self.out.print(&event, &text)?;
        }
        let current = self.device.account_keys().next();
        let key = current.map(|keys| keys.public().x25519.to_string());
        let membership = format!("{:?}", self.device.membership(now));
        let event = json!({"event": "membership", "state": membership, "key": key,
            "device": self.device.id().to_string()});
        self.out.print(&event, &membership)
    }
}
