//! A storage node in memory, made of the crate's types: enough of one to answer what the observed
//! network answered.

use session_crypto::Ed25519PublicExt;
use std::collections::BTreeMap;

use session_crypto::{Ed25519Public, Ed25519Secret, X25519Public};
use session_storage::value::Value;
use session_storage::{MessageHash, Namespace, Namespaces, SwarmInfo, *};
use session_swarm::record::Version;
use session_swarm::{ServiceNode, StorageAccount, SwarmId, SwarmRing};

/// A node of the observed network.
pub struct Node {
    pub secret: Ed25519Secret,
    pub record: ServiceNode,
}

impl Node {
    pub fn new(seed: [u8; 32], ip: [u8; 4], https_port: u16, omq_port: u16, swarm: u64) -> Self {
        let secret = Ed25519Secret::from_seed(&seed);
        let x25519 = secret.public().to_x25519().unwrap();
        let record = ServiceNode {
            ed25519: secret.public(),
            x25519: Some(X25519Public::from_bytes(x25519.to_bytes())),
            legacy: None,
            ip: ip.into(),
            https_port,
            omq_port,
            version: Version([2, 8, 0]),
            swarm_id: SwarmId::new(swarm),
            requested_unlock_height: 0,
        };
        Self { secret, record }
    }
}

struct Row {
    hash: MessageHash,
    namespace: Namespace,
    timestamp: u64,
    expiry: u64,
    data: Vec<u8>,
}

#[derive(Default)]
struct Account {
    rows: Vec<Row>,
    revoked: Vec<SubaccountToken>,
}

impl Account {
    fn matching(&self, namespaces: Namespaces) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| match namespaces {
            Namespaces::All => true,
            Namespaces::One(namespace) => row.namespace == namespace,
        })
    }
}

fn affected<'a>(namespaces: Namespaces, rows: impl Iterator<Item = &'a Row>) -> Affected {
    let mut spaces: BTreeMap<i16, Vec<MessageHash>> = BTreeMap::new();
    for row in rows {
        spaces
            .entry(row.namespace.number())
            .or_default()
            .push(row.hash);
    }
    for hashes in spaces.values_mut() {
        hashes.sort();
    }
    match namespaces {
        Namespaces::All => Affected::All(spaces),
        Namespaces::One(_) => Affected::One(spaces.into_values().next().unwrap_or_default()),
    }
}

/// All nodes and what they store; the members of a swarm always agree.
pub struct Network {
    pub nodes: Vec<Node>,
    accounts: BTreeMap<StorageAccount, Account>,
    /// What the chain daemon answers.
    pub daemon: Value,
}

impl Network {
    pub fn new(nodes: Vec<Node>) -> Self {
        Self {
            nodes,
            accounts: BTreeMap::new(),
            daemon: Value::Null,
        }
    }

    pub fn ring(&self) -> SwarmRing {
        self.nodes.iter().map(|node| node.record.swarm_id).collect()
    }

    pub fn node(&self, key: &Ed25519Public) -> &Node {
        self.nodes
            .iter()
            .find(|node| node.record.ed25519 == *key)
            .unwrap()
    }

    pub fn members(&self, swarm: SwarmId) -> impl Iterator<Item = &Node> {
        self.nodes
            .iter()
            .filter(move |node| node.record.swarm_id == swarm)
    }

    pub fn swarm_of(&self, account: &StorageAccount) -> SwarmInfo {
        let swarm = self.ring().swarm_of(account).unwrap();
        SwarmInfo {
            swarm,
            nodes: self.members(swarm).map(|node| node.record).collect(),
        }
    }

    /// Serves a request at the node `own`.
    pub fn serve(&mut self, own: &Ed25519Public, request: &Request, at: At<'_>) -> Response {
        let swarm = self.node(own).record.swarm_id;
        let ring = self.ring();
        let serves = |account: &StorageAccount| ring.swarm_of(account) == Some(swarm);
        let is_revoked = |account: &StorageAccount, token: &SubaccountToken| {
            let account = self.accounts.get(account);
            account.is_some_and(|account| account.revoked.contains(token))
        };
        let checks = Checks {
            now_ms: at.now_ms,
            hf: [19, 4],
            forwarded: false,
            serves: &serves,
            is_revoked: &is_revoked,
        };
        match request.check(&checks) {
            Ok(()) => {}
            Err(RpcError::WrongSwarm) => {
                let swarm = self.swarm_of(request.account().unwrap());
                return Response::wrong_swarm(&swarm, at.stamp());
            }
            Err(error) => return Response::refuse(&error),
        }
        self.work(own, swarm, request, at)
    }

    /// The same entry, signed by every member.
    fn by_all<C: SwarmCall>(
        &self,
        swarm: SwarmId,
        request: &C,
        at: At<'_>,
        entry: impl Fn() -> C::Entry,
    ) -> SwarmAnswer<C::Entry> {
        let mut answer = SwarmAnswer::new(at.stamp());
        for node in self.members(swarm) {
            let signed = request.sign_entry(&node.secret, entry());
            answer
                .entries
                .insert(node.record.ed25519, Entry::Done(signed));
        }
        answer
    }

    fn work(
        &mut self,
        own: &Ed25519Public,
        swarm: SwarmId,
        request: &Request,
        at: At<'_>,
    ) -> Response {
        let stamp = at.stamp();
        match request {
            Request::Store(store) => {
                let rows = &mut self.accounts.entry(store.account).or_default().rows;
                let hash = store.hash();
                let already = rows.iter_mut().find(|row| row.hash == hash);
                let (already, expiry) = match already {
                    Some(row) => {
                        row.expiry = row.expiry.max(store.expiry());
                        (true, row.expiry)
                    }
                    None => {
                        if store.namespace.is_public_outbox() {
                            rows.retain(|row| row.namespace != store.namespace);
                        }
                        rows.push(Row {
                            hash,
                            namespace: store.namespace,
                            timestamp: store.timestamp,
                            expiry: store.expiry(),
                            data: store.data.clone(),
                        });
                        (false, store.expiry())
                    }
                };
                let entry = StoreEntry {
                    hash,
                    expiry,
                    already,
                };
                let mut answer = self.by_all(swarm, store, at, || entry);
                answer.hash = Some(hash);
                if let Some(Entry::Done(done)) = answer.entries.get_mut(own) {
                    done.t = Some(at.own_t);
                }
                Response::ok(answer.to_value(own))
            }
            Request::Retrieve(retrieve) => {
                let account = self.accounts.entry(retrieve.account).or_default();
                let rows: Vec<&Row> = account.matching(retrieve.namespace().into()).collect();
                let last = retrieve.last_hash;
                let start = last.and_then(|last| rows.iter().position(|row| row.hash == last));
                let rows = &rows[start.map_or(0, |index| index + 1)..];
                let mut page = retrieve.page();
                let taken = rows.iter().take_while(|row| page.take(row.data.len()));
                let messages: Vec<StoredMessage> = taken
                    .map(|row| StoredMessage {
                        hash: row.hash,
                        timestamp: row.timestamp,
                        expiration: row.expiry,
                        data: row.data.clone(),
                    })
                    .collect();
                let more = messages.len() < rows.len() && !page.is_none_wanted();
                let answer = RetrieveAnswer {
                    messages,
                    malformed: 0,
                    more,
                    stamp,
                };
                Response::ok(answer.to_value())
            }
            Request::Delete(delete) => {
                let account = self.accounts.entry(delete.account).or_default();
                let mut deleted = Vec::new();
                account.rows.retain(|row| {
                    let is_meant = delete.messages.contains(&row.hash);
                    deleted.extend(is_meant.then_some(row.hash));
                    !is_meant
                });
                deleted.sort();
                let entry = DeleteEntry { deleted };
                let answer = self.by_all(swarm, delete, at, || entry.clone());
                delete.respond(&answer, own)
            }
            Request::DeleteAll(delete) => {
                let account = self.accounts.entry(delete.account).or_default();
                let deleted = affected(delete.namespaces, account.matching(delete.namespaces));
                let gone = deleted.sorted();
                account.rows.retain(|row| !gone.contains(&row.hash));
                let entry = DeletedEntry { deleted };
                let answer = self.by_all(swarm, delete, at, || entry.clone());
                Response::ok(answer.to_value(own))
            }
            Request::DeleteBefore(delete) => {
                let account = self.accounts.entry(delete.account).or_default();
                let rows = account.matching(delete.namespaces);
                let rows = rows.filter(|row| row.timestamp <= delete.before);
                let deleted = affected(delete.namespaces, rows);
                let gone = deleted.sorted();
                account.rows.retain(|row| !gone.contains(&row.hash));
                let entry = DeletedEntry { deleted };
                let answer = self.by_all(swarm, delete, at, || entry.clone());
                Response::ok(answer.to_value(own))
            }
            Request::ExpireAll(expire) => {
                let account = self.accounts.entry(expire.account).or_default();
                let rows = account.matching(expire.namespaces);
                let rows = rows.filter(|row| row.expiry > expire.expiry);
                let updated = affected(expire.namespaces, rows);
                let changed = updated.sorted();
                for row in account
                    .rows
                    .iter_mut()
                    .filter(|row| changed.contains(&row.hash))
                {
                    row.expiry = expire.expiry;
                }
                let entry = UpdatedEntry { updated };
                let answer = self.by_all(swarm, expire, at, || entry.clone());
                Response::ok(answer.to_value(own))
            }
            Request::Expire(expire) => {
                let rows = &mut self.accounts.entry(expire.account).or_default().rows;
                let stored = |hash: &MessageHash| {
                    rows.iter()
                        .find(|row| row.hash == *hash)
                        .map(|row| row.expiry)
                };
                // Each node limits the expiry with its own clock.
                let apply = |node: &Ed25519Public| expire.apply((at.clock_of)(node), stored);
                let changes = apply(own).changes;
                let mut answer = SwarmAnswer::new(stamp);
                for node in self
                    .nodes
                    .iter()
                    .filter(|node| node.record.swarm_id == swarm)
                {
                    let entry = apply(&node.record.ed25519).entry;
                    let signed = expire.sign_entry(&node.secret, entry);
                    answer
                        .entries
                        .insert(node.record.ed25519, Entry::Done(signed));
                }
                for row in rows {
                    row.expiry = changes.get(&row.hash).copied().unwrap_or(row.expiry);
                }
                Response::ok(answer.to_value(own))
            }
            Request::GetExpiries(asked) => {
                let rows = &self.accounts.entry(asked.account).or_default().rows;
                let found = rows
                    .iter()
                    .filter(|row| asked.messages.contains(&row.hash.to_string()));
                let expiries = found.map(|row| (row.hash, row.expiry)).collect();
                Response::ok(GetExpiries::answer(&expiries))
            }
            Request::RevokeSubaccount(revoke) => {
                let account = self.accounts.entry(revoke.account).or_default();
                if !account.rows.is_empty() {
                    account
                        .revoked
                        .retain(|token| !revoke.tokens.contains(token));
                    account.revoked.extend(&revoke.tokens);
                    let surplus = account.revoked.len().saturating_sub(50);
                    account.revoked.drain(..surplus);
                }
                Response::ok(
                    self.by_all(swarm, revoke, at, || RevokedEntry)
                        .to_value(own),
                )
            }
            Request::UnrevokeSubaccount(unrevoke) => {
                let account = self.accounts.entry(unrevoke.account).or_default();
                let before = account.revoked.len();
                account
                    .revoked
                    .retain(|token| !unrevoke.tokens.contains(token));
                let count = u64::try_from(before - account.revoked.len()).unwrap();
                let answer = self.by_all(swarm, unrevoke, at, || UnrevokedEntry { count });
                Response::ok(answer.to_value(own))
            }
            Request::GetSwarm(asked) => {
                let swarm = self.swarm_of(&asked.account);
                Response::ok(GetSwarmAnswer { swarm, stamp }.to_value())
            }
            Request::Info(_) => {
                let version = Version([2, 8, 0]);
                let answer = InfoAnswer {
                    version,
                    timestamp: stamp.t,
                    stamp,
                };
                Response::ok(answer.to_value())
            }
            Request::OxendRequest(_) => {
                let result = self.daemon.clone();
                Response::ok(OxendAnswer { result, stamp }.to_value())
            }
            Request::Batch(batch) => {
                let results = batch.requests.iter();
                let results = results
                    .map(|request| self.serve(own, request, at))
                    .collect();
                Response::ok(BatchAnswer { results }.to_value())
            }
            Request::Sequence(batch) => {
                let mut results = Vec::new();
                for request in &batch.requests {
                    results.push(self.serve(own, request, at));
                    if !results.last().unwrap().is_success() {
                        break;
                    }
                }
                Response::ok(BatchAnswer { results }.to_value())
            }
            Request::IfElse(request) => {
                let state = NetworkState {
                    hf: [19, 4],
                    version: [2, 8, 0],
                    height: 1_600_000,
                };
                let (condition, branch) = request.choose(&state);
                let result = branch.map(|branch| self.serve(own, branch, at));
                Response::ok(
                    IfElseAnswer {
                        state,
                        condition,
                        result,
                    }
                    .to_value(),
                )
            }
            other => Response::refuse(&RpcError::NoMethod(other.method().name().into())),
        }
    }
}

/// When a request is served, and the clocks that the answer shows.
#[derive(Clone, Copy)]
pub struct At<'a> {
    pub now_ms: u64,
    pub clock_of: &'a dyn Fn(&Ed25519Public) -> u64,
    pub t: u64,
    pub own_t: u64,
}

impl At<'_> {
    fn stamp(self) -> Stamp {
        Stamp {
            t: self.t,
            hf: [19, 4],
        }
    }
}
