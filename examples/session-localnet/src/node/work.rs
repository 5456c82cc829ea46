//! What a node keeps and knows, for the requests that it serves.

use std::collections::BTreeMap;
use std::sync::MutexGuard;

use session_crypto::Ed25519Secret;
use session_storage::value::{Dict, Value};
use session_storage::{
    Host, Inserted, NetworkState, OxendEndpoint, OxendRequest, Storage, StoredMessage, SwarmInfo,
    Token,
};
use session_swarm::ServiceNode;
use session_types::{AnyId, Ed25519Public, MessageHash, Namespace, Namespaces, UnixMillis};

use super::Node;
use crate::fault::Lie;
use crate::store::{Message, Store, StoreError};

/// A node that serves a request, with its store.
pub(super) struct Serving<'a> {
    node: &'a Node,
    store: MutexGuard<'a, Store>,
    lie: Option<Lie>,
}

impl<'a> Serving<'a> {
    pub(super) fn new(node: &'a Node) -> Self {
        Self {
            node,
            store: node.store(),
            lie: node.faults.now().lie,
        }
    }

    fn lies_about_swarms(&self) -> bool {
        self.lie == Some(Lie::WrongSwarm)
    }
}

impl Host for Serving<'_> {
    type Storage = Self;

    fn storage(&self) -> &Self {
        self
    }

    fn storage_mut(&mut self) -> &mut Self {
        self
    }

    fn now(&self) -> UnixMillis {
        UnixMillis::new(self.node.now())
    }

    fn secret(&self) -> &Ed25519Secret {
        &self.node.secret
    }

    fn state(&self) -> NetworkState {
        self.node.chain.state()
    }

    fn serves(&self, account: &AnyId) -> bool {
        let own = self.node.record().map(|record| record.swarm_id);
        !self.lies_about_swarms() && own.is_some() && self.node.chain.swarm_of(account) == own
    }

    fn swarm_of(&self, account: &AnyId) -> SwarmInfo {
        let lies = self.lies_about_swarms();
        self.node.chain.swarm_info(account, lies)
    }

    fn peers(&self) -> Vec<Ed25519Public> {
        let peers = self.node.chain.swarm_members(&self.node.public);
        peers.into_iter().map(|peer| peer.ed25519).collect()
    }

    fn nodes(&self) -> Vec<ServiceNode> {
        self.node.chain.nodes()
    }

    fn daemon(&self, request: &OxendRequest) -> Value {
        match request.endpoint {
            OxendEndpoint::GetServiceNodes => {
                self.node.chain.service_nodes(request.params.as_ref())
            }
            // No name is registered in this network.
            _ => Value::Dict(Dict::new()),
        }
    }
}

impl Storage for Serving<'_> {
    type Error = StoreError;

    fn insert(
        &mut self,
        account: &AnyId,
        namespace: Namespace,
        message: StoredMessage,
    ) -> Result<Inserted, StoreError> {
        if self.lie == Some(Lie::Drop) {
            return Ok(Inserted {
                expiry: message.expiration,
                already: false,
            });
        }
        let message = Message {
            hash: message.hash.to_string(),
            timestamp: message.timestamp.get(),
            expiry: message.expiration.get(),
            data: message.data,
        };
        let outbox = namespace.is_public_outbox();
        let (expiry, already) =
            self.store
                .insert(account.as_bytes(), namespace.number(), outbox, &message)?;
        self.node
            .stored(account, namespace, message, expiry, already);
        Ok(Inserted {
            expiry: UnixMillis::new(expiry),
            already,
        })
    }

    fn list(
        &mut self,
        account: &AnyId,
        namespace: Namespace,
        after: Option<&MessageHash>,
        take: &mut dyn FnMut(usize) -> bool,
    ) -> Result<(Vec<StoredMessage>, bool), StoreError> {
        let (found, more) = self.store.list(
            account.as_bytes(),
            namespace.number(),
            after.map(MessageHash::as_str),
            |message| take(message.data.len()),
        )?;
        let messages = found.into_iter().filter_map(|message| {
            Some(StoredMessage {
                hash: message.hash.parse().ok()?,
                timestamp: UnixMillis::new(message.timestamp),
                expiration: UnixMillis::new(message.expiry),
                data: message.data,
            })
        });
        Ok((messages.collect(), more))
    }

    fn delete(
        &mut self,
        account: &AnyId,
        messages: &[MessageHash],
    ) -> Result<Vec<MessageHash>, StoreError> {
        let hashes = messages.iter().map(MessageHash::as_str);
        let deleted = self.store.delete(account.as_bytes(), hashes)?;
        let deleted = deleted.iter().filter_map(|hash| hash.parse().ok());
        Ok(deleted.collect())
    }

    fn delete_before(
        &mut self,
        account: &AnyId,
        namespaces: Namespaces,
        before: UnixMillis,
    ) -> Result<Vec<(Namespace, MessageHash)>, StoreError> {
        let one = one_namespace(namespaces);
        let deleted = self
            .store
            .delete_before(account.as_bytes(), one, before.get())?;
        Ok(changed(deleted))
    }

    fn shorten(
        &mut self,
        account: &AnyId,
        namespaces: Namespaces,
        expiry: UnixMillis,
    ) -> Result<Vec<(Namespace, MessageHash)>, StoreError> {
        let one = one_namespace(namespaces);
        let updated = self
            .store
            .expire_all(account.as_bytes(), one, expiry.get())?;
        Ok(changed(updated))
    }

    fn expiries(
        &mut self,
        account: &AnyId,
        messages: &[MessageHash],
    ) -> Result<BTreeMap<MessageHash, UnixMillis>, StoreError> {
        let hashes = messages.iter().map(MessageHash::as_str);
        let found = self.store.expiries(account.as_bytes(), hashes)?;
        let found = found.into_iter();
        let found =
            found.filter_map(|(hash, expiry)| Some((hash.parse().ok()?, UnixMillis::new(expiry))));
        Ok(found.collect())
    }

    fn set_expiries(
        &mut self,
        account: &AnyId,
        expiries: &BTreeMap<MessageHash, UnixMillis>,
    ) -> Result<(), StoreError> {
        let changes = expiries.iter();
        let changes = changes.map(|(hash, expiry)| (hash.as_str(), expiry.get()));
        self.store.set_expiries(account.as_bytes(), changes)
    }

    fn revoke(&mut self, account: &AnyId, tokens: &[Token]) -> Result<(), StoreError> {
        self.store.revoke(account.as_bytes(), &bytes(tokens))
    }

    fn unrevoke(&mut self, account: &AnyId, tokens: &[Token]) -> Result<u64, StoreError> {
        self.store.unrevoke(account.as_bytes(), &bytes(tokens))
    }

    fn revoked(&self, account: &AnyId) -> Result<Vec<Token>, StoreError> {
        let tokens = self.store.revoked(account.as_bytes())?;
        Ok(tokens.into_iter().map(Token::from_bytes).collect())
    }
}

fn one_namespace(namespaces: Namespaces) -> Option<i16> {
    match namespaces {
        Namespaces::One(namespace) => Some(namespace.number()),
        Namespaces::All => None,
    }
}

fn changed(found: Vec<(i16, String)>) -> Vec<(Namespace, MessageHash)> {
    let found = found.into_iter();
    found
        .filter_map(|(namespace, hash)| Some((Namespace::new(namespace), hash.parse().ok()?)))
        .collect()
}

fn bytes(tokens: &[Token]) -> Vec<[u8; 36]> {
    tokens.iter().map(|token| *token.as_bytes()).collect()
}
