//! A client that sends one message, or reads what is there: `session-network` over HTTPS.

use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use rustls::pki_types::CertificateDer;
use session_crypto::Ed25519Public;
use session_identity::{Account, AccountId};
use session_message::content::{Content, Profile};
use session_message::{Opened, Opener, Sealer};
use session_network::{
    Config, Endpoint, Network, Now, Outcome, Post, PostPurpose, Route, Seed, StorageReply, Target,
    Ticket,
};
use session_storage::{Call, Info, Request, Retrieve, ServiceNodesRequest, Signer, Store};
use session_swarm::record::{AddressPolicy, NodeList, ReadOptions};
use session_types::{AnyId, MessageHash, Namespace, SwarmId, UnixMillis};
use tokio::task::JoinSet;

use super::DemoError;
use crate::host::http::{Answer, Http, HttpError, Trust};

/// How long the seed node has to answer.
const SEED_TIMEOUT: Duration = Duration::from_secs(5);

/// Where to begin.
pub(super) struct Start {
    pub(super) seed_url: String,
    pub(super) seed_certificate: CertificateDer<'static>,
    /// The address to connect from, if it matters.
    pub(super) from: Option<IpAddr>,
}

/// The nodes that a client tried as guards, and the routes that it took, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Deeds {
    pub(super) guards: Vec<Ed25519Public>,
    pub(super) routes: Vec<(&'static str, Route)>,
}

/// A message that is stored in the swarm of its receiver.
pub(super) struct Sent {
    pub(super) hash: MessageHash,
    pub(super) sent_at: UnixMillis,
    pub(super) route: Route,
    pub(super) swarm: SwarmId,
    /// The members that have proved that they store it.
    pub(super) stored_on: Vec<Ed25519Public>,
    /// The members that have not.
    pub(super) failed: usize,
}

/// An account that is connected.
pub(super) struct Client {
    account: Account,
    network: Network,
    seed: Http,
    nodes: Http,
    began: Instant,
    deeds: Deeds,
}

impl Client {
    /// Asks the seed node for the service nodes, and one of them for the time.
    pub(super) async fn connect(account: Account, start: Start) -> Result<Self, DemoError> {
        let seed = Seed::new(&start.seed_url, [start.seed_certificate.to_vec()]);
        let http = Http::new(Trust::Pinned(vec![start.seed_certificate]), start.from);
        let body = ServiceNodesRequest::default().to_seed_json();
        let url = format!("{}/json_rpc", start.seed_url.trim_end_matches('/'));
        let answer = http
            .post(&url, "application/json", body.into(), SEED_TIMEOUT)
            .await
            .map_err(|error| DemoError::Wrong(error.to_string()))?;
        // The nodes are on this machine.
        let read = ReadOptions {
            addresses: AddressPolicy::Any,
            ..ReadOptions::default()
        };
        let list = NodeList::from_json(&answer.body, &read)
            .map_err(|error| DemoError::Wrong(format!("the seed node's list: {error}")))?;
        let mut config = Config::default();
        config.nodes = read;
        let mut client = Self {
            account,
            network: Network::new(config.fitted_to(&list.nodes), vec![seed]),
            seed: http,
            nodes: Http::new(Trust::Any, start.from),
            began: Instant::now(),
            deeds: Deeds::default(),
        };
        let now = client.now();
        let rng = &mut UnwrapErr(SysRng);
        client.network.set_nodes(list.nodes, now, rng);
        client.ask(Target::AnyNode, &Info).await?;
        Ok(client)
    }

    /// Sends a text to an account.
    pub(super) async fn send(
        &mut self,
        to: &AccountId,
        text: &str,
        name: &str,
    ) -> Result<Sent, DemoError> {
        let content = Content::text(text).with_profile(Profile::named(name));
        let sent_at = self.network.network_time(self.now());
        let rng = &mut UnwrapErr(SysRng);
        let sealed = Sealer::new(&self.account).seal_direct(rng, to, &content, sent_at)?;
        let account = AnyId::from(to);
        let call = Store::new(account, sealed, sent_at)
            .map_err(|error| DemoError::Wrong(error.to_string()))?;
        let reply = self.ask(Target::SwarmOf(account), &call).await?;
        let pool = self.network.pool();
        let swarm = pool.ring().swarm_of(&account);
        let swarm = swarm.ok_or_else(|| DemoError::Wrong("there are no swarms".to_owned()))?;
        let members = pool.swarm_of(&account).map(|node| node.ed25519);
        let (stored_on, failed): (Vec<_>, Vec<_>) =
            members.partition(|member| reply.signers.contains(member));
        Ok(Sent {
            hash: call.hash(),
            sent_at,
            route: reply.route,
            swarm,
            stored_on,
            failed: failed.len(),
        })
    }

    /// Fetches what is in the own swarm, and the route by which it came.
    pub(super) async fn receive(&mut self) -> Result<(Vec<Opened>, Route), DemoError> {
        let account = AnyId::from(self.account.id());
        let time = self.network.network_time(self.now());
        let signer = Signer::user(self.account.ed25519());
        let call = Retrieve::new(account, Namespace::DEFAULT).sign(time, &signer);
        let reply = self.ask(Target::SwarmOf(account), &call).await?;
        let answer = reply
            .read(&call)
            .map_err(|error| DemoError::Wrong(error.to_string()))?;
        let mut opener = Opener::new(&self.account);
        let opened = answer.messages.iter().map(|stored| {
            let opened = opener.open_direct(&stored.data);
            opened.map_err(|error| {
                DemoError::Wrong(format!("message {} cannot be read: {error}", stored.hash))
            })
        });
        Ok((opened.collect::<Result<_, _>>()?, reply.route))
    }

    /// What it has done so far.
    pub(super) const fn deeds(&self) -> &Deeds {
        &self.deeds
    }

    /// Sends a request, and runs the machine until it has ended.
    async fn ask<C>(&mut self, target: Target, call: &C) -> Result<StorageReply, DemoError>
    where
        C: Call + Clone + Into<Request>,
    {
        let now = self.now();
        self.network.request(target, call.clone(), now);
        let mut under_way = JoinSet::new();
        loop {
            while let Some(post) = self.network.poll(self.now(), &mut UnwrapErr(SysRng)) {
                self.note(&post);
                let http = match &post.endpoint {
                    Endpoint::Seed { .. } => self.seed.clone(),
                    _ => self.nodes.clone(),
                };
                let limit = post.deadline.since(self.now().monotonic);
                let (url, kind) = (post.endpoint.url(), post.endpoint.content_type());
                under_way.spawn(async move {
                    let answer = http.post(&url, kind, post.body.into(), limit).await;
                    (post.ticket, answer)
                });
            }
            if let Some(event) = self.network.next_event() {
                // What is still under way reaches its nodes, as the table will say.
                while let Some(Ok(done)) = under_way.join_next().await {
                    self.report(done);
                }
                return Ok(event.into_storage()?);
            }
            let wakeup = self.network.next_wakeup();
            let pause = wakeup.map_or(Duration::from_secs(1), |at| {
                at.since(self.now().monotonic).max(Duration::from_millis(1))
            });
            tokio::select! {
                Some(Ok(done)) = under_way.join_next() => self.report(done),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn report(&mut self, (ticket, came): (Ticket, Result<Answer, HttpError>)) {
        let outcome = match &came {
            Ok(Answer { status, body, .. }) => Outcome::Answer {
                status: *status,
                body,
            },
            Err(HttpError::Timeout { .. }) => Outcome::TimedOut,
            Err(_) => Outcome::Unreachable,
        };
        let now = self.now();
        self.network
            .report(ticket, outcome, now, &mut UnwrapErr(SysRng));
    }

    fn note(&mut self, post: &Post) {
        match &post.purpose {
            PostPurpose::Guard(node) => self.deeds.guards.push(node.ed25519),
            PostPurpose::Request { method, route, .. } | PostPurpose::Upkeep { method, route } => {
                self.deeds.routes.push((method, route.clone()));
            }
            _ => {}
        }
    }

    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // Absent: the clock of this machine is before 1970, which no node takes for the time.
        let wall = UnixMillis::from_duration(wall.unwrap_or_default());
        Now::from_elapsed(self.began.elapsed(), wall)
    }
}
