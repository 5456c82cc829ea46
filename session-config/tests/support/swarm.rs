//! The swarm of a group and the inboxes of its members, in memory; and devices that use them.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_config::group::{
    Answer, Arrived, Call, Group, GroupChange, Incoming, Job, MessageRefused,
};
use session_identity::subaccount::Token;
use session_identity::{Account, Seed};
use session_message::content::{Content, GroupUpdate, Kind};
use session_message::{Opener, Sealer};
use session_types::{AccountId, Namespace, SealedMessage, UnixMillis};

pub(crate) const START: u64 = 1_795_377_199_099;
pub(crate) const DAY: u64 = 24 * 60 * 60 * 1000;

/// A stored message.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) hash: String,
    pub(crate) data: Vec<u8>,
    pub(crate) at: UnixMillis,
    pub(crate) expires: u64,
}

impl Stored {
    pub(crate) fn incoming(&self) -> Incoming<'_> {
        Incoming {
            hash: &self.hash,
            data: &self.data,
            stored_at: self.at,
        }
    }
}

/// What the network does.
pub(crate) struct Net {
    pub(crate) rng: ChaCha20Rng,
    pub(crate) now: u64,
    pub(crate) stored: BTreeMap<Namespace, Vec<Stored>>,
    pub(crate) inboxes: BTreeMap<AccountId, Vec<Vec<u8>>>,
    pub(crate) revoked: BTreeSet<Token>,
    /// Of a hundred calls, how many fail, and as many are done without an answer.
    pub(crate) loss: u32,
    count: u64,
}

impl Net {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha20Rng::seed_from_u64(seed),
            now: START,
            stored: BTreeMap::new(),
            inboxes: BTreeMap::new(),
            revoked: BTreeSet::new(),
            loss: 0,
            count: 0,
        }
    }

    pub(crate) fn at(&self) -> UnixMillis {
        UnixMillis::new(self.now)
    }

    pub(crate) fn below(&mut self, n: u32) -> u32 {
        self.rng.next_u32() % n
    }

    pub(crate) fn fetch(&self, namespace: Namespace) -> Vec<Stored> {
        let all = self.stored.get(&namespace).into_iter().flatten();
        all.filter(|one| one.expires > self.now).cloned().collect()
    }

    pub(crate) fn store(&mut self, message: &SealedMessage) -> Answer {
        self.now += 1;
        let all = self.stored.entry(message.namespace).or_default();
        // Servers name a message by its content.
        if let Some(old) = all.iter().find(|old| old.data == message.data) {
            return Answer::Stored {
                hash: old.hash.clone(),
                at: old.at,
            };
        }
        self.count += 1;
        let hash = format!("hash{:06}", self.count);
        let at = UnixMillis::new(self.now);
        let expires = self.now + message.ttl.as_millis() as u64;
        all.push(Stored {
            hash: hash.clone(),
            data: message.data.clone(),
            at,
            expires,
        });
        Answer::Stored { hash, at }
    }

    pub(crate) fn call(&mut self, call: &Call) -> Answer {
        match call {
            Call::Store(message) => self.store(message),
            Call::Delete(hashes) => {
                for all in self.stored.values_mut() {
                    all.retain(|one| !hashes.contains(&one.hash));
                }
                Answer::Done
            }
            Call::DeleteBefore { namespace, before } => {
                self.stored
                    .entry(*namespace)
                    .or_default()
                    .retain(|one| one.at >= *before);
                Answer::Done
            }
            Call::Revoke(tokens) => {
                self.revoked.extend(tokens);
                Answer::Done
            }
            Call::Unrevoke(tokens) => {
                self.revoked.retain(|token| !tokens.contains(token));
                Answer::Done
            }
            Call::Send { to, message } => {
                self.inboxes
                    .entry(*to)
                    .or_default()
                    .push(message.data.clone());
                Answer::Done
            }
            // The devices of these tests know no hashes.
            _ => Answer::Done,
        }
    }

    /// Makes the calls of a job as a client does: up to the first that fails. Some answers are lost.
    pub(crate) fn run(&mut self, job: &Job) -> Vec<Answer> {
        let mut answers = Vec::new();
        for call in &job.calls {
            let luck = self.below(100);
            if luck < self.loss {
                answers.push(Answer::Failed);
                if matches!(call, Call::Send { .. }) {
                    continue;
                }
                break;
            }
            let answer = self.call(call);
            if luck < 2 * self.loss {
                break;
            }
            answers.push(answer);
        }
        answers
    }
}

pub(crate) fn account(number: u16) -> Arc<Account> {
    let [high, low] = number.to_be_bytes();
    let mut seed = [7; 16];
    (seed[0], seed[1]) = (high, low);
    Arc::new(Account::from_seed(&Seed::from_short(&seed)))
}

/// A device with one group.
pub(crate) struct Device {
    pub(crate) account: Arc<Account>,
    pub(crate) group: Option<Group>,
    read_inbox: usize,
}

impl Device {
    pub(crate) fn new(number: u16) -> Self {
        Self {
            account: account(number),
            group: None,
            read_inbox: 0,
        }
    }

    pub(crate) fn with(group: Group) -> Self {
        let account = Arc::clone(group.account());
        Self {
            account,
            group: Some(group),
            read_inbox: 0,
        }
    }

    pub(crate) fn id(&self) -> AccountId {
        *self.account.id()
    }

    pub(crate) fn group(&mut self) -> &mut Group {
        self.group.as_mut().unwrap()
    }

    pub(crate) fn token(&self) -> Option<Token> {
        let auth = self.group.as_ref()?.auth_data()?;
        Some(auth.token(&self.account.ed25519_public()).unwrap())
    }

    /// Whether the swarm takes requests of this device.
    pub(crate) fn has_access(&self, net: &Net) -> bool {
        match &self.group {
            Some(group) if group.is_admin() => true,
            Some(_) => self
                .token()
                .is_some_and(|token| !net.revoked.contains(&token)),
            None => false,
        }
    }

    /// Reads the messages that came in the own swarm; accepts every invitation.
    pub(crate) fn read_inbox(&mut self, net: &Net) {
        let inbox = net.inboxes.get(self.account.id());
        let new: Vec<_> = inbox
            .into_iter()
            .flatten()
            .skip(self.read_inbox)
            .cloned()
            .collect();
        self.read_inbox += new.len();
        let mut opener = Opener::new(Arc::clone(&self.account));
        for data in new {
            let opened = opener.open_direct(&data).unwrap();
            match opened.content.kind {
                Kind::Group(GroupUpdate::Invite(invite)) => match &mut self.group {
                    Some(group) => {
                        if group.invited_again(&invite).is_ok() {
                            group.accept().unwrap();
                        }
                    }
                    None => {
                        let mut group = Group::invited(Arc::clone(&self.account), &invite).unwrap();
                        group.accept().unwrap();
                        self.group = Some(group);
                    }
                },
                Kind::Group(GroupUpdate::Promote { seed, name }) => match &mut self.group {
                    Some(group) => group.become_admin(&seed).unwrap(),
                    None => {
                        let account = Arc::clone(&self.account);
                        self.group = Some(Group::promoted(account, &seed, &name).unwrap());
                    }
                },
                other => panic!("{other:?}"),
            }
        }
    }

    /// Fetches and receives everything but the messages.
    pub(crate) fn fetch(&mut self, net: &Net) -> Vec<GroupChange> {
        let has_access = self.has_access(net);
        let Some(group) = &mut self.group else {
            return Vec::new();
        };
        if !has_access {
            group.note_access_refused();
        }
        let mut changes = Vec::new();
        for namespace in Group::NAMESPACES {
            if !has_access && namespace != Namespace::REVOKED_GROUP_MESSAGES {
                continue;
            }
            let messages = net.fetch(namespace);
            let incoming: Vec<_> = messages.iter().map(Stored::incoming).collect();
            changes.extend(group.receive(namespace, &incoming, net.at()).changes);
        }
        changes
    }

    /// Opens all messages of the group.
    pub(crate) fn open_all(&mut self, net: &Net) -> Vec<Result<Arrived, MessageRefused>> {
        let messages = net.fetch(Namespace::GROUP_MESSAGES);
        let group = self.group.as_mut().unwrap();
        messages
            .iter()
            .map(|message| group.open(&message.incoming()))
            .collect()
    }

    pub(crate) fn texts(&mut self, net: &Net) -> Vec<String> {
        let opened = self.open_all(net).into_iter().flatten();
        opened
            .filter_map(|arrived| Some(arrived.message.content.as_text()?.to_owned()))
            .collect()
    }

    /// Does what is to be done, as long as something is; at most `rounds` jobs.
    pub(crate) fn work(&mut self, net: &mut Net, rounds: usize) {
        for _ in 0..rounds {
            let has_access = self.has_access(net);
            let at = net.at();
            let Some(group) = &mut self.group else { return };
            let Some(job) = group.poll(at, &mut net.rng).unwrap() else {
                return;
            };
            if !has_access {
                return;
            }
            let answers = net.run(&job);
            group.report(job.ticket, &answers).unwrap();
        }
    }

    /// Everything that a client does now and then.
    pub(crate) fn sync(&mut self, net: &mut Net) {
        self.read_inbox(net);
        self.fetch(net);
        if self.group.is_some() {
            self.open_all(net);
        }
        self.work(net, 20);
    }

    /// Sends a text; returns whether the swarm took it.
    pub(crate) fn say(&mut self, net: &mut Net, text: &str) -> bool {
        let has_access = self.has_access(net);
        let group = self.group.as_mut().unwrap();
        let sealer = Sealer::new(Arc::clone(&self.account));
        let at = UnixMillis::new(net.now);
        let sealed = group.seal(&sealer, &mut net.rng, &Content::text(text), at);
        match sealed {
            Ok(sealed) if has_access => {
                net.store(&sealed);
                true
            }
            _ => false,
        }
    }

    /// Stops the program and starts it again.
    pub(crate) fn restart(&mut self, net: &Net) {
        if let Some(group) = &mut self.group {
            let dump = group.dump(net.at());
            let id = *group.id();
            let account = Arc::clone(&self.account);
            self.group = Some(Group::load(account, id, &dump, net.at()).unwrap());
        }
    }
}
