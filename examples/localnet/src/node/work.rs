//! What a node does by itself with what it keeps, for requests that are checked.

use std::collections::BTreeMap;

use session_storage as rpc;
use session_storage::{
    Affected, Delete, DeleteEntry, DeletedEntry, Expire, ExpireEntry, MessageHash, Namespaces,
    Retrieve, RetrieveAnswer, RevokedEntry, StoreEntry, StoredMessage, SubaccountToken,
    UnrevokedEntry, UpdatedEntry,
};
use session_swarm::StorageAccount;

use super::Node;
use crate::fault::Lie;
use crate::store::{Message, StoreError};

impl Node {
    pub(super) fn store_message(&self, call: &rpc::Store) -> Result<StoreEntry, StoreError> {
        let hash = call.hash();
        if self.faults.now().lie == Some(Lie::Drop) {
            return Ok(StoreEntry {
                hash,
                expiry: call.expiry(),
                already: false,
            });
        }
        let message = Message {
            hash: hash.to_string(),
            timestamp: call.timestamp,
            expiry: call.expiry(),
            data: call.data.clone(),
        };
        let (expiry, already) = self.store().insert(
            call.account.as_bytes(),
            call.namespace.number(),
            call.namespace.is_public_outbox(),
            &message,
        )?;
        Ok(StoreEntry {
            hash,
            expiry,
            already,
        })
    }

    pub(super) fn retrieve(&self, call: &Retrieve) -> Result<RetrieveAnswer, StoreError> {
        let mut page = call.page();
        let after = call.last_hash.map(|hash| hash.to_string());
        let (found, more) = self.store().list(
            call.account.as_bytes(),
            call.namespace().number(),
            after.as_deref(),
            |message| page.take(message.data.len()),
        )?;
        let messages = found.into_iter().filter_map(|message| {
            Some(StoredMessage {
                hash: message.hash.parse().ok()?,
                timestamp: message.timestamp,
                expiration: message.expiry,
                data: message.data,
            })
        });
        Ok(RetrieveAnswer {
            messages: messages.collect(),
            malformed: 0,
            more: more && !page.is_none_wanted(),
            stamp: self.stamp(),
        })
    }

    pub(super) fn delete(&self, call: &Delete) -> Result<DeleteEntry, StoreError> {
        let hashes = call.messages.iter().map(MessageHash::as_str);
        let deleted = self.store().delete(call.account.as_bytes(), hashes)?;
        Ok(DeleteEntry {
            deleted: parse_hashes(deleted),
        })
    }

    pub(super) fn delete_until(
        &self,
        account: &StorageAccount,
        namespaces: Namespaces,
        before: u64,
    ) -> Result<DeletedEntry, StoreError> {
        let one = one_namespace(namespaces);
        let deleted = self
            .store()
            .delete_before(account.as_bytes(), one, before)?;
        Ok(DeletedEntry {
            deleted: affected(namespaces, deleted),
        })
    }

    pub(super) fn expire_all(
        &self,
        account: &StorageAccount,
        namespaces: Namespaces,
        expiry: u64,
    ) -> Result<UpdatedEntry, StoreError> {
        let one = one_namespace(namespaces);
        let updated = self.store().expire_all(account.as_bytes(), one, expiry)?;
        Ok(UpdatedEntry {
            updated: affected(namespaces, updated),
        })
    }

    pub(super) fn expire(&self, call: &Expire) -> Result<ExpireEntry, StoreError> {
        let account = call.account.as_bytes();
        let mut store = self.store();
        let hashes = call.messages.iter().map(MessageHash::as_str);
        let stored: BTreeMap<String, u64> = store.expiries(account, hashes)?.into_iter().collect();
        let applied = call.apply(self.now(), |hash| stored.get(hash.as_str()).copied());
        let changes = applied
            .changes
            .iter()
            .map(|(hash, expiry)| (hash.as_str(), *expiry));
        store.set_expiries(account, changes)?;
        Ok(applied.entry)
    }

    pub(super) fn revoke(
        &self,
        account: &StorageAccount,
        tokens: &[SubaccountToken],
    ) -> Result<RevokedEntry, StoreError> {
        let tokens: Vec<[u8; 36]> = tokens.iter().map(|token| *token.as_bytes()).collect();
        self.store().revoke(account.as_bytes(), &tokens)?;
        Ok(RevokedEntry)
    }

    pub(super) fn unrevoke(
        &self,
        account: &StorageAccount,
        tokens: &[SubaccountToken],
    ) -> Result<UnrevokedEntry, StoreError> {
        let tokens: Vec<[u8; 36]> = tokens.iter().map(|token| *token.as_bytes()).collect();
        let count = self.store().unrevoke(account.as_bytes(), &tokens)?;
        Ok(UnrevokedEntry { count })
    }
}

fn one_namespace(namespaces: Namespaces) -> Option<i16> {
    match namespaces {
        Namespaces::One(namespace) => Some(namespace.number()),
        Namespaces::All => None,
    }
}

fn parse_hashes(hashes: Vec<String>) -> Vec<MessageHash> {
    hashes.iter().filter_map(|hash| hash.parse().ok()).collect()
}

fn affected(namespaces: Namespaces, found: Vec<(i16, String)>) -> Affected {
    match namespaces {
        Namespaces::One(_) => Affected::One(parse_hashes(
            found.into_iter().map(|(_, hash)| hash).collect(),
        )),
        Namespaces::All => {
            let mut spaces: BTreeMap<i16, Vec<MessageHash>> = BTreeMap::new();
            for (namespace, hash) in found {
                if let Ok(hash) = hash.parse() {
                    spaces.entry(namespace).or_default().push(hash);
                }
            }
            Affected::All(spaces)
        }
    }
}
