//! Notices of new messages: a member of the swarm is asked directly to tell of them (protocol: storage-rpc, section
//! 5.17).
//!
//! A notice is a reason to fetch, and no more: the node that tells of a message can be wrong, or silent. So a program
//! fetches from time to time all the same.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;
use session_crypto::Ed25519Public;
use session_storage::monitor::{self, MonitorEnded, QUIC_ENDED, QUIC_NOTICE};
use session_swarm::ServiceNode;
use session_types::AnyId;

use super::{Errand, Network, Sent};
use crate::endpoint::{Endpoint, Outcome, PostPurpose};
use crate::onion::Onion;
use crate::random;
use crate::time::{Instant, Now, doubled};

/// Age at which a subscription is renewed. It lasts 65 minutes.
const RENEWAL: Duration = Duration::from_secs(55 * 60);
/// Rest after a failure; each further one doubles it.
const REST: Duration = Duration::from_secs(1);
/// The longest rest.
const MAX_REST: Duration = Duration::from_secs(300);
/// Time limit of a request for notices.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Notices that wait to be taken. More of them say nothing new: everything is fetched.
const MAX_NOTICES: usize = 100;

/// What a member of a swarm has told of. It proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// There is a new message.
    Message(monitor::Notice),
    /// The node does not keep the account any more. Another one is asked.
    Ended(MonitorEnded),
}

/// An account whose messages are to be told of.
#[derive(Debug, Clone)]
struct Watch {
    /// The signed request.
    request: Vec<u8>,
    /// Who tells.
    by: Option<Ed25519Public>,
    /// When to ask, or to ask again. `None` while it is being asked.
    due: Option<Instant>,
    failures: u32,
    /// Who was asked last.
    asked: Option<Ed25519Public>,
}

/// The accounts whose messages are to be told of, and what was told.
#[derive(Debug, Clone, Default)]
pub(super) struct Watches {
    accounts: BTreeMap<AnyId, Watch>,
    notices: VecDeque<Notice>,
}

impl Watches {
    /// When the next one is to be asked.
    pub(super) fn due(&self) -> Option<Instant> {
        self.accounts.values().filter_map(|watch| watch.due).min()
    }

    fn push(&mut self, notice: Notice) {
        if self.notices.len() < MAX_NOTICES {
            self.notices.push_back(notice);
        }
    }
}

impl Watch {
    fn failed(&mut self, now: Instant) {
        self.by = None;
        let rest = doubled(REST, self.failures, MAX_REST);
        self.failures = self.failures.saturating_add(1);
        self.due = Some(now.after(rest));
    }
}

impl<O: Onion> Network<O> {
    /// Asks a member of the swarm of an account, over QUIC, to tell of new messages, with a signed request
    /// ([`Monitor`](monitor::Monitor)). It is asked again whenever the subscription or the connection ends. A new
    /// request for the same account replaces the old one.
    ///
    /// **The node is asked directly: it learns our address together with the account**, which requests through a path
    /// hide from it. Not for users who rely on that.
    pub fn watch(&mut self, account: AnyId, request: Vec<u8>, now: Now) {
        let now = self.notice(now);
        let watch = Watch {
            request,
            by: None,
            due: Some(now),
            failures: 0,
            asked: None,
        };
        self.watches.accounts.insert(account, watch);
    }

    /// Does not ask for notices any more. Those that come all the same are dropped.
    pub fn unwatch(&mut self, account: &AnyId) {
        self.watches.accounts.remove(account);
    }

    /// Returns whether a node has promised to tell of new messages of an account.
    #[must_use]
    pub fn is_told(&self, account: &AnyId) -> bool {
        self.teller(account).is_some()
    }

    /// Returns the node that has promised to tell of new messages of an account.
    #[must_use]
    pub fn teller(&self, account: &AnyId) -> Option<Ed25519Public> {
        self.watches.accounts.get(account)?.by
    }

    /// Takes a command that a node has sent on the first stream of a connection. Commands of nodes that were not asked
    /// are dropped, and so are those that are malformed or unknown.
    pub fn told(&mut self, node: &Ed25519Public, command: &[u8], body: &[u8], now: Now) {
        let now = self.notice(now);
        let notice = if command == QUIC_NOTICE.as_bytes() {
            monitor::Notice::from_bencode(body)
                .ok()
                .filter(monitor::Notice::is_intact)
                .map(Notice::Message)
        } else if command == QUIC_ENDED.as_bytes() {
            MonitorEnded::from_bencode(body).ok().map(Notice::Ended)
        } else {
            None
        };
        let Some(notice) = notice else {
            return;
        };
        let account = match &notice {
            Notice::Message(message) => &message.account,
            Notice::Ended(ended) => &ended.account,
        };
        let Some(watch) = self.watches.accounts.get_mut(account) else {
            return;
        };
        if watch.by != Some(*node) {
            return;
        }
        if matches!(notice, Notice::Ended(_)) {
            watch.failed(now);
        }
        self.watches.push(notice);
    }

    /// Takes note that the QUIC connection to a node has ended.
    pub fn disconnected(&mut self, node: &Ed25519Public, now: Now) {
        let now = self.notice(now);
        for watch in self.watches.accounts.values_mut() {
            if watch.by == Some(*node) {
                watch.failed(now);
            }
        }
    }

    /// Returns what a node has told of.
    pub fn next_notice(&mut self) -> Option<Notice> {
        self.watches.notices.pop_front()
    }

    /// Asks for what is due.
    pub(super) fn look_after_watches(&mut self, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        if self.pool.nodes().is_empty() {
            return;
        }
        let watches = self.watches.accounts.iter();
        let due = watches.filter(|(_, watch)| watch.due.is_some_and(|due| due <= now));
        let due: Vec<AnyId> = due.map(|(account, _)| *account).collect();
        for account in due {
            let node = self.member_to_ask(&account, now, rng);
            let Some(watch) = self.watches.accounts.get_mut(&account) else {
                continue;
            };
            let Some(node) = node else {
                watch.failed(now);
                continue;
            };
            watch.due = None;
            watch.asked = Some(node.ed25519);
            let body = watch.request.clone();
            let sent = Sent {
                errand: Errand::Watch {
                    account,
                    node: node.ed25519,
                },
                key: None,
                sent: now,
                deadline: now.after(TIMEOUT),
                patience: None,
                is_slow: false,
                is_released: false,
                is_quick: false,
                again: None,
            };
            let handshake = self.config.transport.handshake_timeout;
            let endpoint = Endpoint::quic(&node, Endpoint::MONITOR, handshake);
            self.post(endpoint, body, PostPurpose::Watch(node), sent);
        }
    }

    /// The member that tells already, or else any other than the last one that was asked; one at which something failed
    /// only if there is no other.
    fn member_to_ask(
        &self,
        account: &AnyId,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Option<ServiceNode> {
        let watch = self.watches.accounts.get(account)?;
        let members = self.pool.swarm_of(account).copied();
        let mut members: Vec<ServiceNode> = members.filter(|node| node.omq_port != 0).collect();
        random::shuffle(rng, &mut members);
        members.into_iter().min_by_key(|node| {
            let key = &node.ed25519;
            let is_doubtful = self.strikes.is_out_at(key, now) || self.comes_last(key, now);
            (
                watch.by != Some(*key),
                watch.asked == Some(*key),
                is_doubtful,
            )
        })
    }

    pub(super) fn watch_answered(
        &mut self,
        account: &AnyId,
        node: &Ed25519Public,
        outcome: Outcome<'_>,
        now: Instant,
    ) {
        let Some(watch) = self.watches.accounts.get_mut(account) else {
            return;
        };
        if watch.asked != Some(*node) {
            // Another request has replaced it.
            return;
        }
        let is_subscribed = match outcome {
            Outcome::Answer { status: 200, body } => {
                let outcomes = monitor::read_answer(body);
                outcomes.is_ok_and(|outcomes| matches!(outcomes.as_slice(), [Ok(())]))
            }
            _ => false,
        };
        if is_subscribed {
            watch.by = Some(*node);
            watch.failures = 0;
            watch.due = Some(now.after(RENEWAL));
        } else {
            watch.failed(now);
        }
    }
}
