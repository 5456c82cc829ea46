//! The push server towards the nodes: it is a client of every member of the swarms of its accounts, and subscribes there
//! with the signatures that devices have left (protocol: push, section 4). The deployed server does the same over
//! OxenMQ.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use session_proto::stream::TIMEOUT;
use session_sdk::quic::{Answer, Command, Connect, Link, client_endpoint, connect, quinn};
use session_storage::monitor::{Monitor, Notice, QUIC_NOTICE, QUIC_REQUEST, read_answer};
use session_storage::value::Value;
use session_swarm::record::ServiceNode;
use session_types::{AnyId, Ed25519Public};
use tokio::sync::{Notify, mpsc, watch};

use super::{Server, push};
use crate::chain::Chain;
use crate::server::stopped;

/// Requests in one message.
const BATCH: usize = 100;
/// Interval at which subscriptions are renewed. They last 65 minutes.
const RENEWAL: Duration = Duration::from_secs(60 * 60);
/// Interval at which the list of nodes is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Pause after a node could not be reached.
const PAUSE: Duration = Duration::from_millis(300);
/// Time for which the answer to a device waits for the subscriptions at the nodes.
const PATIENCE: Duration = Duration::from_secs(1);
/// Notices that wait for the database. More are lost, as those of a deployed server that does not keep up.
const QUEUE: usize = 4096;

/// Which version of the subscriptions each connected node has.
#[derive(Debug, Default)]
struct Done {
    nodes: Mutex<BTreeMap<Ed25519Public, u64>>,
    changed: Notify,
}

impl Done {
    fn nodes(&self) -> MutexGuard<'_, BTreeMap<Ed25519Public, u64>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, node: Ed25519Public, version: Option<u64>) {
        match version {
            Some(version) => self.nodes().insert(node, version),
            None => self.nodes().remove(&node),
        };
        self.changed.notify_waiters();
    }
}

/// Says when devices have subscribed.
#[derive(Debug, Clone)]
pub(super) struct Hive {
    version: Arc<watch::Sender<u64>>,
    done: Arc<Done>,
}

impl Hive {
    pub(super) fn new() -> Self {
        Self {
            version: Arc::new(watch::Sender::new(0)),
            done: Arc::default(),
        }
    }

    /// Lets the connected nodes hear of new subscriptions, and waits a while until they have.
    pub(super) async fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
        let version = *self.version.borrow();
        let all_know = async {
            loop {
                let changed = self.done.changed.notified();
                if self.done.nodes().values().all(|known| *known >= version) {
                    return;
                }
                changed.await;
            }
        };
        // A node that is slow hears of it later.
        let _ = tokio::time::timeout(PATIENCE, all_know).await;
    }

    /// Keeps connections with all nodes of the list, and announces what they tell of.
    pub(super) fn start(
        &self,
        push: &Arc<Server>,
        chain: Arc<Chain>,
        dial: Option<IpAddr>,
        stop: watch::Receiver<bool>,
    ) {
        let (told, notices) = mpsc::channel(QUEUE);
        tokio::spawn(announce(Arc::clone(push), notices, stop.clone()));
        let (hive, push) = (self.clone(), Arc::clone(push));
        tokio::spawn(async move {
            let Ok(endpoint) = client_endpoint(SocketAddr::from(([0, 0, 0, 0], 0))) else {
                eprintln!("localnet: the push server has no UDP socket");
                return;
            };
            let mut running = BTreeMap::new();
            let mut stop = stop;
            loop {
                let nodes = chain.nodes();
                let listed: BTreeSet<Ed25519Public> =
                    nodes.iter().map(|node| node.ed25519).collect();
                running.retain(|key, task: &mut tokio::task::JoinHandle<()>| {
                    let stays = listed.contains(key);
                    if !stays {
                        task.abort();
                        hive.done.set(*key, None);
                    }
                    stays
                });
                for node in nodes {
                    running.entry(node.ed25519).or_insert_with(|| {
                        let ear = Ear {
                            hive: hive.clone(),
                            push: Arc::clone(&push),
                            chain: Arc::clone(&chain),
                            endpoint: endpoint.clone(),
                            node,
                            address: SocketAddr::new(dial.unwrap_or(node.ip.into()), node.omq_port),
                            told: told.clone(),
                        };
                        tokio::spawn(ear.listen())
                    });
                }
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    () = stopped(&mut stop) => break,
                }
            }
            running.values().for_each(|task| task.abort());
            endpoint.close(0u32.into(), b"");
        });
    }
}

/// The connection with one node.
struct Ear {
    hive: Hive,
    push: Arc<Server>,
    chain: Arc<Chain>,
    endpoint: quinn::Endpoint,
    node: ServiceNode,
    address: SocketAddr,
    told: mpsc::Sender<Notice>,
}

impl Ear {
    async fn listen(self) {
        loop {
            // A node to which nobody listens is not connected to.
            let mut version = self.hive.version.subscribe();
            while self.wanted().await.is_empty() {
                if tokio::time::timeout(LOOK, version.changed()).await.is_ok() {
                    continue;
                }
            }
            let how = Connect::client(self.node.ed25519);
            if let Ok(connection) = connect(&self.endpoint, self.address, how).await
                && let Ok((link, commands)) = Link::opening(connection, 1).await
            {
                self.hold(&link, commands).await;
                self.hive.done.set(self.node.ed25519, None);
                link.close(0, b"");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The subscriptions to accounts of the node's swarm.
    async fn wanted(&self) -> Vec<Monitor> {
        let now = self.push.now();
        let all = self.push.engine.run(move |db| push::wanted(db, now)).await;
        // A database that fails now is asked again.
        let mut all = all.unwrap_or_default();
        let own = self
            .chain
            .node(&self.node.ed25519)
            .map(|node| node.swarm_id);
        all.retain(|monitor| own.is_some() && self.chain.swarm_of(&monitor.account) == own);
        all
    }

    /// Subscribes, and passes on what the node tells, until the connection is closed.
    async fn hold(&self, link: &Link, mut commands: mpsc::Receiver<Command>) {
        let mut version = self.hive.version.subscribe();
        let mut subscribed = BTreeSet::new();
        let mut renewal = tokio::time::interval(RENEWAL);
        renewal.reset();
        loop {
            let current = *version.borrow_and_update();
            if !self.subscribe(link, &mut subscribed).await {
                return;
            }
            self.hive.done.set(self.node.ed25519, Some(current));
            loop {
                tokio::select! {
                    command = commands.recv() => match command {
                        Some(command) if command.endpoint == QUIC_NOTICE.as_bytes() => self.notice(&command.body),
                        // The account is kept elsewhere: whoever keeps it now is connected to already.
                        Some(_) => break,
                        None => return,
                    },
                    changed = version.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return,
                    },
                    // The swarms may have changed.
                    () = tokio::time::sleep(LOOK) => break,
                    _ = renewal.tick() => {
                        subscribed.clear();
                        break;
                    }
                    () = link.closed() => return,
                }
            }
        }
    }

    /// Subscribes to what the node has not been asked for yet. False if it does not answer.
    async fn subscribe(&self, link: &Link, subscribed: &mut BTreeSet<(AnyId, Vec<u8>)>) -> bool {
        let wanted = self.wanted().await;
        let key = |monitor: &Monitor| (monitor.account, monitor.to_bencode());
        let new: Vec<Monitor> = wanted
            .into_iter()
            .filter(|monitor| !subscribed.contains(&key(monitor)))
            .collect();
        for batch in new.chunks(BATCH) {
            let body = Value::List(batch.iter().map(Monitor::to_value).collect()).to_bencode();
            let asked = link
                .request(0, QUIC_REQUEST.as_bytes(), body, TIMEOUT)
                .await;
            let Ok(Answer::Reply(answer)) = asked else {
                return false;
            };
            let Ok(outcomes) = read_answer(&answer) else {
                return false;
            };
            // One that is refused is asked for again, until the device's signature is too old.
            let taken = batch
                .iter()
                .zip(outcomes)
                .filter(|(_, outcome)| outcome.is_ok());
            subscribed.extend(taken.map(|(monitor, _)| key(monitor)));
        }
        true
    }

    fn notice(&self, body: &[u8]) {
        if let Ok(notice) = Notice::from_bencode(body) {
            // Full: the notice is lost, the message is not.
            let _ = self.told.try_send(notice);
        }
    }
}

/// Makes notifications of the messages that the nodes tell of.
async fn announce(
    push: Arc<Server>,
    mut notices: mpsc::Receiver<Notice>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let next = tokio::select! {
            next = notices.recv() => next,
            () = stopped(&mut stop) => return,
        };
        let Some(next) = next else { return };
        let now = push.now();
        // A device that misses a notification sees the message at its next poll.
        let _ = push
            .engine
            .run(move |db| push::announce(db, &next, now))
            .await;
    }
}
