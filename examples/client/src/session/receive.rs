//! Fetches messages, from several members of the own swarm if one is slow.

use std::collections::BTreeMap;
use std::time::Duration;

use session_crypto::Ed25519Public;
use session_crypto::v2::AccountKeys;
use session_message::Opener;
use session_network::{RequestError, Target};
use session_storage::{Call, Retrieve, RetrieveAnswer, Signer};
use session_types::{AnyId, MessageHash, Namespace, UnixMillis};

use super::{Client, Shared};
use crate::driver::{Answered, Driver};
use crate::error::ClientError;
use crate::message::{self, Incoming};
use crate::network::Route;

/// Maximum number of pages that are fetched in one go.
const MAX_PAGES: usize = 100;
/// Maximum time to wait for further members when one has answered.
const REST: Duration = Duration::from_secs(1);

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

/// Where the last fetch from each node ended, by its Ed25519 key in hex.
type LastHashes = BTreeMap<String, String>;

impl Client {
    /// Fetches what is new, from one member of the own swarm, another one each time. If it is slow, the
    /// next one is asked beside it. `last_hashes` tells for each node, by its Ed25519 key in hex, where
    /// the last fetch ended, and is brought up to date for the node that answers.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if no member answers; `last_hashes` is then as it was.
    pub async fn receive(&self, last_hashes: &mut LastHashes) -> Result<Fetched, ClientError> {
        self.receive_from(1, last_hashes).await
    }

    /// As [`receive`](Self::receive), from several members at once: one that was down has missed
    /// messages. One that answers is enough; a message can be there more than once.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub async fn receive_from(
        &self,
        members: usize,
        last_hashes: &mut LastHashes,
    ) -> Result<Fetched, ClientError> {
        let shared = &mut *self.shared.lock().await;
        let offset = shared.driver.clock_offset();
        match self.fetch(shared, members, last_hashes).await {
            // The list of nodes is out of date: swarms have moved.
            Err(ClientError::Request(RequestError::WrongSwarm | RequestError::UnknownNode)) => {
                shared.driver.renew().await?;
            }
            Err(ClientError::Request(RequestError::ClockOutOfSync)) => {
                shared.driver.settle_clock(offset).await;
            }
            other => return other,
        }
        self.fetch(shared, members, last_hashes).await
    }

    async fn fetch(
        &self,
        shared: &mut Shared,
        count: usize,
        last_hashes: &mut LastHashes,
    ) -> Result<Fetched, ClientError> {
        let account = AnyId::from(self.account.id());
        let driver = &mut shared.driver;
        let (mut waiting, mut calls) = (Vec::new(), BTreeMap::new());
        let swarm = driver.members(&account);
        for _ in 0..count.min(swarm.len()) {
            let each: Vec<(Ed25519Public, Retrieve)> = order(driver, &account, shared.turn)
                .into_iter()
                .map(|node| (node, self.retrieve(driver, account, &node, last_hashes)))
                .collect();
            shared.turn = shared.turn.wrapping_add(1);
            let request = driver.start(&each);
            waiting.push(request);
            calls.insert(request, each);
        }
        let (mut fetched, mut first) = (None, None);
        while !waiting.is_empty() {
            let ended = driver.wait_any(&waiting);
            let (request, result) = if fetched.is_none() {
                ended.await
            } else {
                match tokio::time::timeout(REST, ended).await {
                    Ok(ended) => ended,
                    Err(_) => break,
                }
            };
            waiting.retain(|other| *other != request);
            let answered = driver.read(result, |node| {
                let mut each = calls.get(&request)?.iter();
                Some(&each.find(|(asked, _)| asked == node)?.1)
            });
            match answered {
                Ok(page) => {
                    self.take_pages(driver, account, page, &mut fetched, last_hashes)
                        .await;
                }
                Err(error) => {
                    first.get_or_insert(error);
                }
            }
        }
        waiting
            .into_iter()
            .for_each(|request| driver.cancel(request));
        fetched.ok_or(first.unwrap_or(ClientError::NoSwarm))
    }

    /// The request for what a node has since the last fetch from it.
    fn retrieve(
        &self,
        driver: &Driver,
        account: AnyId,
        node: &Ed25519Public,
        last_hashes: &LastHashes,
    ) -> Retrieve {
        let after = last_hashes.get(&node.to_string());
        let after = after.and_then(|hash| hash.parse().ok());
        Retrieve::new(account, Namespace::new(message::NAMESPACE))
            .after(after)
            .sign(
                UnixMillis::new(driver.network_time()),
                &Signer::user(self.account.ed25519()),
            )
    }

    /// Opens the messages of a page, and fetches the pages after it from the same node: every node has
    /// an order of its own.
    async fn take_pages(
        &self,
        driver: &mut Driver,
        account: AnyId,
        mut page: Answered<<Retrieve as Call>::Answer>,
        fetched: &mut Option<Fetched>,
        last_hashes: &mut LastHashes,
    ) {
        let node = page.node.ed25519;
        let mut opener = Opener::new(&self.account);
        opener.set_account_keys(self.account_keys.iter().map(AccountKeys::from_seed));
        for _ in 0..MAX_PAGES {
            let whole = fetched.get_or_insert_with(|| Fetched {
                messages: Vec::new(),
                unreadable: Vec::new(),
                route: page.route.clone(),
            });
            whole.route = page.route;
            let RetrieveAnswer { messages, more, .. } = page.answer;
            for stored in &messages {
                match message::open_with(&mut opener, &stored.data) {
                    Ok(message) => whole.messages.push(message),
                    Err(reason) => whole.unreadable.push((stored.hash, reason.to_string())),
                }
            }
            let Some(last) = messages.last() else {
                return;
            };
            last_hashes.insert(node.to_string(), last.hash.to_string());
            if !more {
                return;
            }
            let call = self.retrieve(driver, account, &node, last_hashes);
            page = match driver.ask(Target::Node(node), &call).await {
                Ok(page) if page.node.ed25519 == node => page,
                // What has come has come; the rest comes another time.
                _ => return,
            };
        }
    }
}

/// The members of a swarm in the order in which to ask them: another one first each time, those at which
/// requests failed lately at the end.
fn order(driver: &Driver, account: &AnyId, turn: usize) -> Vec<Ed25519Public> {
    let mut keys: Vec<Ed25519Public> = driver.members(account).iter().map(|m| m.ed25519).collect();
    keys.sort_unstable();
    let (mut order, last): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|key| !driver.is_doubtful(key));
    let first = turn.checked_rem(order.len());
    // Absent: there is none to turn.
    order.rotate_left(first.unwrap_or_default());
    order.extend(last);
    order
}
