//! An account on the network: sends and receives.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use session_crypto::Ed25519Public;
use session_identity::{Account, AccountId};
use session_message::direct;
use session_proto::content::{Content, Profile};
use session_swarm::MessageHash;
use session_swarm::Namespace;
use session_swarm::StorageAccount;
use session_swarm::record::ServiceNode;
use session_swarm::ring::SwarmId;
use session_swarm::rpc::{Call, GetSwarm, Info, Retrieve, Signer, Store};

use crate::error::ClientError;
use crate::message::{self, Incoming};
use crate::network::{Network, Options, Route, shuffled};

/// How many paths are tried for one request.
const ATTEMPTS: usize = 4;
/// How many pages are fetched at most in one go.
const MAX_PAGES: usize = 100;

/// Steps of what the client does, for whoever watches.
#[derive(Debug, Clone)]
pub enum Step {
    /// The seed node has named the service nodes.
    Bootstrapped {
        /// How many nodes.
        nodes: usize,
        /// How many swarms.
        swarms: usize,
    },
    /// A request goes out.
    Request {
        /// What is asked for.
        method: &'static str,
        /// Whom it passes and who answers.
        route: Box<Route>,
    },
    /// A request failed and is tried another way.
    Retry {
        /// Why.
        reason: String,
    },
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

/// What one fetch brought.
#[derive(Debug)]
pub struct Fetched {
    /// Messages that could be opened, in the order of the node.
    pub messages: Vec<Incoming>,
    /// Messages that could not be opened, with the reason.
    pub unreadable: Vec<(MessageHash, String)>,
    /// How the last page came.
    pub route: Route,
}

/// An account that is connected.
pub struct Client {
    account: Account,
    network: Network,
    /// The network's clock minus this one, in ms.
    clock_offset: i64,
    watch: Box<dyn Fn(&Step) + Send + Sync>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("account", self.account.id())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Asks the seed nodes for the network, and a node for its clock.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if there is no network.
    pub async fn connect(
        account: Account,
        options: &Options,
        watch: impl Fn(&Step) + Send + Sync + 'static,
    ) -> Result<Self, ClientError> {
        let network = Network::bootstrap(options).await?;
        watch(&Step::Bootstrapped {
            nodes: network.nodes().len(),
            swarms: network.swarms(),
        });
        let mut client = Self {
            account,
            network,
            clock_offset: 0,
            watch: Box::new(watch),
        };
        client.set_clock().await?;
        Ok(client)
    }

    /// The account.
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The network.
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// The network's clock, in ms.
    pub fn now(&self) -> u64 {
        local_ms().saturating_add_signed(self.clock_offset)
    }

    async fn set_clock(&mut self) -> Result<(), ClientError> {
        let asked = local_ms();
        let (answer, _) = self.ask(self.network.nodes(), &Info).await?;
        let now = local_ms();
        let middle = asked + now.saturating_sub(asked).div_ceil(2);
        let offset = i128::from(answer.timestamp) - i128::from(middle);
        self.clock_offset = i64::try_from(offset).unwrap_or(0);
        Ok(())
    }

    /// Sends a request to one of several nodes, trying others if it does not come back.
    async fn ask<C: Call>(
        &self,
        nodes: &[ServiceNode],
        call: &C,
    ) -> Result<(C::Answer, Route), ClientError> {
        let nodes = shuffled(nodes);
        let mut last = ClientError::NoSwarm;
        for destination in nodes.iter().cycle().take(ATTEMPTS) {
            let route = self.network.route(*destination)?;
            (self.watch)(&Step::Request {
                method: C::METHOD.name(),
                route: Box::new(route.clone()),
            });
            match self.network.call(&route, call).await {
                Ok(answer) => return Ok((answer, route)),
                Err(error) if error.is_worth_another_path() => {
                    (self.watch)(&Step::Retry {
                        reason: error.to_string(),
                    });
                    last = error;
                }
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// The members of an account's swarm: those that the node list gives and that a node, asked
    /// through a path, confirms. A node's word alone could lead anywhere.
    async fn swarm_of(
        &self,
        account: StorageAccount,
    ) -> Result<(SwarmId, Vec<ServiceNode>), ClientError> {
        let (swarm, members) = self.network.swarm_of(&account)?;
        let (answer, _) = self
            .ask(self.network.nodes(), &GetSwarm { account })
            .await?;
        let confirmed: Vec<ServiceNode> = members
            .iter()
            .filter(|member| {
                answer
                    .swarm
                    .nodes
                    .iter()
                    .any(|node| node.ed25519 == member.ed25519)
            })
            .copied()
            .collect();
        // A node that disagrees altogether lies or is behind; the list is as good.
        Ok((
            swarm,
            if confirmed.is_empty() {
                members
            } else {
                confirmed
            },
        ))
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
        let sent_ms = self.now();
        let mut content = Content::text(text);
        if let Some(name) = name {
            content = content.with_profile(Profile::named(name));
        }
        let sealed = direct::seal(&mut UnwrapErr(SysRng), &self.account, to, &content, sent_ms)?;
        let account = StorageAccount::from_bytes(*to.as_bytes());
        let (swarm, members) = self.swarm_of(account).await?;
        let namespace = Namespace::new(sealed.namespace);
        let call = Store::new(account, namespace, sealed.data, sent_ms, sealed.ttl_ms);
        let (answer, route) = self.ask(&members, &call).await?;
        let is_member = |key: &Ed25519Public| members.iter().any(|node| node.ed25519 == *key);
        let verified = answer.verify(&call, is_member);
        if !verified.is_success() {
            let (failed, forged) = (verified.failed.len(), verified.forged.len());
            return Err(ClientError::NotStored { failed, forged });
        }
        Ok(Sent {
            hash: call.hash(),
            sent_ms,
            route,
            swarm,
            stored_on: verified.done.into_iter().map(|(node, _)| node).collect(),
            failed: verified.failed.into_iter().map(|(node, _)| node).collect(),
        })
    }

    /// Fetches what is new, from one member of the own swarm. `last_hashes` tells for each node, by
    /// its Ed25519 key in hex, where the last fetch ended, and is brought up to date.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if no member answers.
    pub async fn receive(
        &self,
        last_hashes: &mut BTreeMap<String, String>,
    ) -> Result<Fetched, ClientError> {
        let account = StorageAccount::from_bytes(*self.account.id().as_bytes());
        let (_, members) = self.swarm_of(account).await?;
        let mut last = ClientError::NoSwarm;
        for member in shuffled(&members).iter().cycle().take(ATTEMPTS) {
            match self.receive_from(*member, account, last_hashes).await {
                Ok(fetched) => return Ok(fetched),
                Err(error) if error.is_worth_another_path() => {
                    (self.watch)(&Step::Retry {
                        reason: error.to_string(),
                    });
                    last = error;
                }
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    async fn receive_from(
        &self,
        member: ServiceNode,
        account: StorageAccount,
        last_hashes: &mut BTreeMap<String, String>,
    ) -> Result<Fetched, ClientError> {
        let node = const_hex::encode(member.ed25519.as_bytes());
        let signer = Signer::user(self.account.ed25519());
        let (mut messages, mut unreadable) = (Vec::new(), Vec::new());
        let mut route = self.network.route(member)?;
        for _ in 0..MAX_PAGES {
            let after = last_hashes.get(&node).and_then(|hash| hash.parse().ok());
            let namespace = Namespace::new(message::NAMESPACE);
            let call = Retrieve::new(account, namespace)
                .after(after)
                .sign(self.now(), &signer);
            (self.watch)(&Step::Request {
                method: Retrieve::METHOD.name(),
                route: Box::new(route.clone()),
            });
            let page = self.network.call(&route, &call).await?;
            for stored in &page.messages {
                if !stored.is_intact(&account, namespace) {
                    unreadable.push((stored.hash, "the node changed it".to_owned()));
                    continue;
                }
                match message::open(&self.account, &stored.data) {
                    Ok(message) => messages.push(message),
                    Err(reason) => unreadable.push((stored.hash, reason.to_string())),
                }
            }
            let Some(last) = page.messages.last() else {
                break;
            };
            last_hashes.insert(node.clone(), last.hash.to_string());
            if !page.more {
                break;
            }
            route = self.network.route(member)?;
        }
        Ok(Fetched {
            messages,
            unreadable,
            route,
        })
    }
}

/// This machine's clock, in ms since 1970.
fn local_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}
