//! An account on the network: sends and receives.

mod receive;
mod servers;

pub use receive::Fetched;

use getrandom::SysRng;
use getrandom::rand_core::{Rng, UnwrapErr};
use session_crypto::Ed25519Public;
use session_crypto::v2::KeySeed;
use session_identity::{Account, AccountId};
use session_message::content::{Content, Kind, Profile, Quote};
use session_message::{SealedMessage, Sealer, UnixMillis};
use session_network::{RequestError, SavedState, Target};
use session_storage::Store;
use session_swarm::ServiceNode;
use session_types::{AnyId, MessageHash, SwarmId};
use tokio::sync::Mutex;

use crate::driver::{Answered, Driver, local_ms};
use crate::error::ClientError;
use crate::network::{Options, Route};

/// Nodes refuse messages from further in the future (protocol: storage-rpc, section 3.5).
const MAX_AHEAD_MS: u64 = 10_000;

/// Steps of what the client does, for whoever watches.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// The seed node has named the service nodes.
    Bootstrapped {
        /// How many nodes.
        nodes: usize,
        /// How many swarms.
        swarms: usize,
    },
    /// The nodes are in too few /24 subnets for paths whose nodes are all in different ones, so
    /// paths have nodes that share one.
    SubnetsShared {
        /// How many subnets there are.
        subnets: usize,
    },
    /// A node is tried as the guard of a path: it sees the client's address, and nothing else.
    Guard {
        /// The node.
        node: Box<ServiceNode>,
    },
    /// A request goes out.
    Request {
        /// What is asked for.
        method: &'static str,
        /// Whom it passes and who answers.
        route: Box<Route>,
    },
    /// A request failed and is tried another way, if it is worth it.
    Retry {
        /// Why.
        reason: String,
    },
    /// A request failed for good.
    Failed {
        /// What is known of the network since, for the next run.
        network: Box<SavedState>,
    },
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    to: AccountId,
    content: Content,
}

impl Draft {
    /// A text to an account.
    pub fn text(to: &AccountId, text: &str) -> Self {
        Self {
            to: *to,
            content: Content::text(text),
        }
    }

    /// With the sender's name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.content = self.content.with_profile(Profile::named(name));
        self
    }

    /// Whether it can be sent at all.
    ///
    /// # Errors
    ///
    /// [`ClientError::Seal`] if it has nothing in it, or too much.
    pub fn check(&self, sender: &Account) -> Result<(), ClientError> {
        let rng = &mut UnwrapErr(SysRng);
        let now = UnixMillis::new(local_ms());
        Sealer::new(sender).seal_direct(rng, &self.to, &self.content, now)?;
        Ok(())
    }

    /// As the answer to another message.
    #[must_use]
    pub fn in_reply_to(mut self, quote: Quote) -> Self {
        if let Kind::Message(message) = &mut self.content.kind {
            message.quote = Some(quote);
        }
        self
    }
}

/// A message that is stored in the swarm of its receiver.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Its hash there.
    pub hash: MessageHash,
    /// When it was sent, in ms.
    pub sent_ms: u64,
    /// How it got there.
    pub route: Route,
    /// The swarm.
    pub swarm: SwarmId,
    /// The members that have proved that they store it.
    pub stored_on: Vec<Ed25519Public>,
    /// The members that failed.
    pub failed: Vec<Ed25519Public>,
}

/// What one run of a client keeps for the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// What it knows of the network: guards, what failed, the paths that work. Empty at first.
    pub network: SavedState,
    /// When it sent last, in ms. A message is known by its author and this time, so no other one
    /// may have the same (protocol: messages, section 4.8).
    pub sent_ms: u64,
}

impl Kept {
    /// The time for the next message: now, unless one was sent by then. One that is much ahead was
    /// sent by a wrong clock and is left alone.
    pub(crate) fn next(&mut self, now_ms: u64) -> u64 {
        let after = self.sent_ms.saturating_add(1);
        let is_near = after.saturating_sub(now_ms) < MAX_AHEAD_MS;
        self.sent_ms = if is_near { now_ms.max(after) } else { now_ms };
        self.sent_ms
    }
}

/// An account that is connected.
pub struct Client {
    account: Account,
    /// Seeds of the account's key sets, if this is a linked device.
    account_keys: Vec<KeySeed>,
    pub(crate) shared: Mutex<Shared>,
}

pub(crate) struct Shared {
    pub(crate) driver: Driver,
    kept: Kept,
    /// Whose turn it is to be asked for messages.
    turn: usize,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("account", self.account.id())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Asks the seed nodes for the network, and some nodes for their clocks.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if there is no network.
    pub async fn connect(
        account: Account,
        options: &Options,
        watch: impl Fn(&Step) + Send + Sync + 'static,
    ) -> Result<Self, ClientError> {
        Self::connect_again(account, options, Kept::default(), watch).await
    }

    /// As [`connect`](Self::connect), going on from an earlier run: by its guards as far as they are
    /// still there, and around what failed.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_again(
        account: Account,
        options: &Options,
        kept: Kept,
        watch: impl Fn(&Step) + Send + Sync + 'static,
    ) -> Result<Self, ClientError> {
        let client = Self::open(account, options, kept, watch).await?;
        client.check_clock().await?;
        Ok(client)
    }

    /// As [`connect_again`](Self::connect_again), without a question for the time: enough to receive,
    /// because a wrong time is then noticed by the node that is asked.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if no seed node answers.
    pub async fn open(
        account: Account,
        options: &Options,
        kept: Kept,
        watch: impl Fn(&Step) + Send + Sync + 'static,
    ) -> Result<Self, ClientError> {
        let driver = Driver::connect(options, kept.network.clone(), Box::new(watch)).await?;
        // Any member may be the first: one that was down has missed messages.
        let turn = UnwrapErr(SysRng).next_u32() as usize;
        Ok(Self {
            account,
            account_keys: Vec::new(),
            shared: Mutex::new(Shared { driver, kept, turn }),
        })
    }

    /// Sets the seeds of the account's key sets, with which messages of version 2 open.
    pub fn set_account_keys(&mut self, seeds: Vec<KeySeed>) {
        self.account_keys = seeds;
    }

    /// Asks for the network's time unless an earlier run has known it.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if no node answers.
    pub async fn check_clock(&self) -> Result<(), ClientError> {
        self.shared.lock().await.driver.check_clock().await
    }

    /// The account.
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// What is to be kept for the next run.
    pub async fn keep(&self) -> Kept {
        let shared = self.shared.lock().await;
        Kept {
            network: shared.driver.save(),
            sent_ms: shared.kept.sent_ms,
        }
    }

    /// Begins again with a new list of nodes and the same guards, when nothing works any more.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn reconnect(&self) -> Result<(), ClientError> {
        self.shared.lock().await.driver.begin_again().await
    }

    /// Sends a text to an account.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if no member of the receiver's swarm has provably stored it.
    pub async fn send(
        &self,
        to: &AccountId,
        text: &str,
        name: Option<&str>,
    ) -> Result<Sent, ClientError> {
        let draft = Draft::text(to, text);
        self.deliver(&match name {
            Some(name) => draft.named(name),
            None => draft,
        })
        .await
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if no member of the receiver's swarm has provably stored it.
    pub async fn deliver(&self, draft: &Draft) -> Result<Sent, ClientError> {
        self.deliver_at(draft, |kept, now_ms| Ok(kept.next(now_ms)))
            .await
    }

    /// Sends a message at a time that `choose` makes of what is kept and of the network's time, in ms:
    /// for several clients of one account, which must not send at the same time.
    ///
    /// # Errors
    ///
    /// As [`deliver`](Self::deliver), and what `choose` says.
    pub async fn deliver_at(
        &self,
        draft: &Draft,
        mut choose: impl FnMut(&mut Kept, u64) -> Result<u64, ClientError>,
    ) -> Result<Sent, ClientError> {
        let shared = &mut *self.shared.lock().await;
        let (to, content) = (&draft.to, &draft.content);
        let sealer = Sealer::new(&self.account);
        let seal = |sent_ms| {
            let rng = &mut UnwrapErr(SysRng);
            sealer.seal_direct(rng, to, content, UnixMillis::new(sent_ms))
        };
        let offset = shared.driver.clock_offset();
        let now_ms = shared.driver.network_time();
        let sent_ms = choose(&mut shared.kept, now_ms)?;
        match store(&mut shared.driver, to, seal(sent_ms)?, sent_ms).await {
            Err(ClientError::Request(RequestError::ClockOutOfSync)) => {
                shared.driver.settle_clock(offset).await;
                let now_ms = shared.driver.network_time();
                let sent_ms = choose(&mut shared.kept, now_ms)?;
                store(&mut shared.driver, to, seal(sent_ms)?, sent_ms).await
            }
            other => other,
        }
    }

    /// Stores a copy of a message that was sent in the own swarm, for the own other devices.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if no member of the own swarm has provably stored it.
    pub async fn store_copy(&self, draft: &Draft, sent_ms: u64) -> Result<Sent, ClientError> {
        let shared = &mut *self.shared.lock().await;
        let (rng, sent_at) = (&mut UnwrapErr(SysRng), UnixMillis::new(sent_ms));
        let sealer = Sealer::new(&self.account);
        let sealed = sealer.seal_copy(rng, &draft.to, &draft.content, sent_at)?;
        store(&mut shared.driver, self.account.id(), sealed, sent_ms).await
    }
}

/// Stores a message in the swarm of an account.
pub(crate) async fn store(
    driver: &mut Driver,
    account: &AccountId,
    sealed: SealedMessage,
    sent_ms: u64,
) -> Result<Sent, ClientError> {
    let account = AnyId::from(account);
    let call = Store::new(account, sealed, UnixMillis::new(sent_ms))?;
    let Answered {
        answer,
        route,
        signers,
        ..
    } = driver.ask(Target::SwarmOf(account), &call).await?;
    // Only signatures of the swarm as the list of nodes has it count, wherever a redirect led.
    let swarm = driver.swarm_of(&account).ok_or(ClientError::NoSwarm)?;
    let members = driver.members(&account).into_iter();
    let failed: Vec<Ed25519Public> = members
        .map(|node| node.ed25519)
        .filter(|node| answer.entries.contains_key(node) && !signers.contains(node))
        .collect();
    if signers.is_empty() {
        let failed = failed.len();
        return Err(ClientError::NotStored { failed });
    }
    Ok(Sent {
        hash: call.hash(),
        sent_ms,
        route,
        swarm,
        stored_on: signers,
        failed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_messages_have_one_time() {
        let mut kept = Kept::default();
        assert_eq!(kept.next(1_000_000), 1_000_000);
        assert_eq!(kept.next(1_000_000), 1_000_001);
        assert_eq!(
            kept.next(999_000),
            1_000_002,
            "the clock was set back a little"
        );
        assert_eq!(kept.next(2_000_000), 2_000_000);
        assert_eq!(kept.next(1_500_000), 1_500_000, "and much");
        kept.sent_ms = u64::MAX;
        assert_eq!(kept.next(5), 5);
    }
}
