//! A network that accounts share: its state, its connections, and the posts that are under way.
//!
//! Each account has a task of its own, which lets its machine work on the network, and takes the ends of its
//! requests. Whoever is awake starts the posts that are due.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use session_client::Client as Machine;
use session_client::types::{MonotonicTime, UnixMillis};
use session_network::{Config, Endpoint, Event, LastHashes, Network, Notice, Now, SavedState};
use session_network::{Seed, Ticket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use crate::driver::now;
use crate::guards::{Guards, Told};
use crate::http::{Http, Posted, Trust};
use crate::proxy::Proxy;

/// A network that accounts can share: one set of guards and paths, one clock, one pool of connections. Cheap
/// to clone; [`Client::network`](crate::Client::network) returns that of a client, and
/// [`Builder::network`](crate::Builder::network) connects another account through it.
#[derive(Clone)]
pub struct SharedNetwork(pub(crate) Arc<Hub>);

impl std::fmt::Debug for SharedNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedNetwork").finish_non_exhaustive()
    }
}

/// What accounts share.
pub(crate) struct Hub {
    state: Mutex<State>,
    /// Rings when there may be something to take.
    bell: watch::Sender<()>,
}

/// The state of a network and its connections.
pub(crate) struct State {
    pub(crate) network: Network,
    /// Ends of requests, and notices, which their accounts have not taken yet.
    ends: Vec<Event>,
    notices: Vec<Notice>,
    nodes: Http,
    /// Clients for seed nodes, by their certificates.
    seeds: HashMap<Vec<Vec<u8>>, Http>,
    guards: Guards,
    proxy: Option<Proxy>,
    posts: JoinSet<()>,
}

impl Hub {
    /// Makes a network. Damaged state costs time only: it is learnt again.
    pub(crate) fn new(
        config: Config,
        seeds: Vec<Seed>,
        saved: Option<&[u8]>,
        proxy: Option<Proxy>,
    ) -> Arc<Self> {
        let saved = saved.and_then(|state| SavedState::from_bytes(state).ok());
        let network = match saved {
            Some(saved) => Network::restore(config, seeds, &saved, now()),
            None => Network::new(config, seeds),
        };
        let (guards, told) = Guards::new();
        let state = State {
            network,
            ends: Vec::new(),
            notices: Vec::new(),
            nodes: Http::new(Trust::Any, None, proxy.as_ref()),
            seeds: HashMap::new(),
            guards,
            proxy,
            posts: JoinSet::new(),
        };
        let hub = Arc::new(Self {
            state: Mutex::new(state),
            bell: watch::Sender::new(()),
        });
        tokio::spawn(listen(Arc::downgrade(&hub), told));
        hub
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rings when there may be something to take.
    pub(crate) fn bell(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }

    pub(crate) fn network_time(&self) -> UnixMillis {
        self.lock().network.network_time(now())
    }

    pub(crate) fn next_wakeup(&self) -> Option<MonotonicTime> {
        self.lock().network.next_wakeup()
    }

    pub(crate) fn save(&self) -> Zeroizing<Vec<u8>> {
        let saved = self.lock().network.save(&LastHashes::default(), now());
        Zeroizing::new(saved.to_bytes())
    }

    fn report(&self, ticket: Ticket, posted: &Posted) {
        let outcome = posted.outcome();
        let mut state = self.lock();
        state
            .network
            .report(ticket, outcome, now(), &mut UnwrapErr(SysRng));
        drop(state);
        self.bell.send_replace(());
    }

    /// Takes what a node does on its own.
    fn take_told(&self, told: Told) {
        let mut state = self.lock();
        match told {
            Told::Command(node, command, body) => {
                state.network.told(&node, &command, &body, now());
            }
            Told::Closed(node) => state.network.disconnected(&node, now()),
        }
        drop(state);
        self.bell.send_replace(());
    }

    /// Hands the ends of its requests, and notices about it, to an account. Returns whether there were some.
    pub(crate) fn deliver(&self, machine: &mut Machine, now: Now) -> bool {
        let mut state = self.lock();
        let State {
            network,
            ends,
            notices,
            ..
        } = &mut *state;
        let (waited, mut any) = (ends.len() + notices.len(), false);
        while let Some(end) = network.next_event() {
            ends.push(end);
        }
        while let Some(notice) = network.next_notice() {
            notices.push(notice);
        }
        let has_new = ends.len() + notices.len() > waited;
        for notice in mem::take(notices) {
            match machine.notice(notice) {
                Some(notice) => notices.push(notice),
                None => any = true,
            }
        }
        for end in mem::take(ends) {
            match machine.report(end, network, now, &mut UnwrapErr(SysRng)) {
                Some(end) => ends.push(end),
                None => any = true,
            }
        }
        let is_for_others = !ends.is_empty() || !notices.is_empty();
        drop(state);
        if has_new && is_for_others {
            self.bell.send_replace(());
        }
        any
    }

    /// Ends what an account that stops has begun.
    pub(crate) fn leave(&self, machine: &mut Machine, now: Now) {
        self.deliver(machine, now);
        machine.leave(&mut self.lock().network);
    }

    /// Starts the posts that are due.
    pub(crate) fn start_posts(self: &Arc<Self>, now: Now) {
        let mut state = self.lock();
        // What has ended is reported already.
        while state.posts.try_join_next().is_some() {}
        while let Some(post) = state.network.poll(now, &mut UnwrapErr(SysRng)) {
            let limit = post.deadline.since(now.monotonic);
            let (hub, ticket, begun) = (Arc::downgrade(self), post.ticket, Instant::now());
            let report = move |posted: Posted| {
                let elapsed_ms = begun.elapsed().as_millis();
                tracing::trace!(outcome = posted.name(), elapsed_ms, "post ended");
                if let Some(hub) = hub.upgrade() {
                    hub.report(ticket, &posted);
                }
            };
            if let Endpoint::Quic {
                address,
                key,
                command,
                handshake,
            } = post.endpoint
            {
                let guards = state.guards.clone();
                state.posts.spawn(async move {
                    let to = (address, key);
                    report(guards.post(to, command, post.body, handshake, limit).await);
                });
                continue;
            }
            let http = match post.endpoint.pins() {
                None => state.nodes.clone(),
                Some(pins) => {
                    let State { seeds, proxy, .. } = &mut *state;
                    let http = seeds.entry(pins.to_vec()).or_insert_with_key(|pins| {
                        let pins = pins.iter().map(|pin| pin.clone().into());
                        Http::new(Trust::Pinned(pins.collect()), None, proxy.as_ref())
                    });
                    http.clone()
                }
            };
            let (url, kind) = (post.endpoint.url(), post.endpoint.content_type());
            state.posts.spawn(async move {
                report(http.post(&url, kind, post.body.into(), limit).await.into());
            });
        }
    }
}

/// Takes what nodes do on their own, as long as the network is used.
async fn listen(hub: std::sync::Weak<Hub>, mut told: mpsc::Receiver<Told>) {
    while let Some(told) = told.recv().await {
        match hub.upgrade() {
            Some(hub) => hub.take_told(told),
            None => break,
        }
    }
}
