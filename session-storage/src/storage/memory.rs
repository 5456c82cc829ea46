//! A storage in memory, for tests and small networks.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::convert::Infallible;

use session_identity::subaccount::Token;
use session_types::limits::REVOKED_MAX;
use session_types::{AnyId, MessageHash, Namespace, Namespaces, UnixMillis};

use super::{Inserted, Storage};
use crate::StoredMessage;

#[derive(Debug, Clone)]
struct Row {
    namespace: Namespace,
    message: StoredMessage,
}

impl Row {
    fn is_in(&self, namespaces: Namespaces) -> bool {
        match namespaces {
            Namespaces::One(namespace) => self.namespace == namespace,
            Namespaces::All => true,
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Account {
    /// The messages in order of arrival.
    rows: Vec<Row>,
    /// The revoked tokens, the newest last.
    revoked: Vec<Token>,
}

/// A [`Storage`] in memory. Only [`expire`](Self::expire) limits its size.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    accounts: BTreeMap<AnyId, Account>,
}

impl MemoryStorage {
    /// Returns a storage without messages.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            accounts: BTreeMap::new(),
        }
    }

    /// Returns all messages with their accounts and namespaces.
    pub fn messages(&self) -> impl Iterator<Item = (&AnyId, Namespace, &StoredMessage)> {
        self.accounts.iter().flat_map(|(account, kept)| {
            let rows = kept.rows.iter();
            rows.map(move |row| (account, row.namespace, &row.message))
        })
    }

    /// Removes expired messages.
    pub fn expire(&mut self, now: UnixMillis) {
        self.accounts.retain(|_, kept| {
            kept.rows.retain(|row| row.message.expiration > now);
            !kept.rows.is_empty()
        });
    }

    /// Removes the rows that `is_meant` selects, and the account with its last row.
    fn remove(
        &mut self,
        account: &AnyId,
        is_meant: impl Fn(&Row) -> bool,
    ) -> Vec<(Namespace, MessageHash)> {
        let Some(kept) = self.accounts.get_mut(account) else {
            return Vec::new();
        };
        let mut removed = Vec::new();
        kept.rows.retain(|row| {
            let is_meant = is_meant(row);
            removed.extend(is_meant.then_some((row.namespace, row.message.hash)));
            !is_meant
        });
        if kept.rows.is_empty() {
            self.accounts.remove(account);
        }
        removed
    }

    fn rows(&self, account: &AnyId) -> &[Row] {
        match self.accounts.get(account) {
            Some(kept) => &kept.rows,
            None => &[],
        }
    }

    fn rows_mut(&mut self, account: &AnyId) -> impl Iterator<Item = &mut Row> {
        let kept = self.accounts.get_mut(account);
        kept.into_iter().flat_map(|kept| &mut kept.rows)
    }
}

impl Storage for MemoryStorage {
    type Error = Infallible;

    fn insert(
        &mut self,
        account: &AnyId,
        namespace: Namespace,
        message: StoredMessage,
    ) -> Result<Inserted, Infallible> {
        let kept = self.accounts.entry(*account).or_default();
        let known = kept.rows.iter_mut().map(|row| &mut row.message);
        if let Some(known) = known.into_iter().find(|known| known.hash == message.hash) {
            known.expiration = known.expiration.max(message.expiration);
            return Ok(Inserted {
                expiry: known.expiration,
                already: true,
            });
        }
        if namespace.is_public_outbox() {
            kept.rows.retain(|row| row.namespace != namespace);
        }
        let expiry = message.expiration;
        kept.rows.push(Row { namespace, message });
        Ok(Inserted {
            expiry,
            already: false,
        })
    }

    fn list(
        &mut self,
        account: &AnyId,
        namespace: Namespace,
        after: Option<&MessageHash>,
        take: &mut dyn FnMut(usize) -> bool,
    ) -> Result<(Vec<StoredMessage>, bool), Infallible> {
        let rows = self.rows(account).iter();
        let rows = rows.filter(|row| row.namespace == namespace);
        let all: Vec<&StoredMessage> = rows.map(|row| &row.message).collect();
        let last = after.and_then(|after| all.iter().position(|known| known.hash == *after));
        let start = last.map_or(0, |last| last.saturating_add(1));
        let mut found = Vec::new();
        for message in all.into_iter().skip(start) {
            if !take(message.data.len()) {
                return Ok((found, true));
            }
            found.push(message.clone());
        }
        Ok((found, false))
    }

    fn delete(
        &mut self,
        account: &AnyId,
        messages: &[MessageHash],
    ) -> Result<Vec<MessageHash>, Infallible> {
        let removed = self.remove(account, |row| messages.contains(&row.message.hash));
        Ok(removed.into_iter().map(|(_, hash)| hash).collect())
    }

    fn delete_before(
        &mut self,
        account: &AnyId,
        namespaces: Namespaces,
        before: UnixMillis,
    ) -> Result<Vec<(Namespace, MessageHash)>, Infallible> {
        let is_meant = |row: &Row| row.is_in(namespaces) && row.message.timestamp <= before;
        Ok(self.remove(account, is_meant))
    }

    fn shorten(
        &mut self,
        account: &AnyId,
        namespaces: Namespaces,
        expiry: UnixMillis,
    ) -> Result<Vec<(Namespace, MessageHash)>, Infallible> {
        let mut changed = Vec::new();
        for row in self.rows_mut(account) {
            if row.is_in(namespaces) && row.message.expiration > expiry {
                row.message.expiration = expiry;
                changed.push((row.namespace, row.message.hash));
            }
        }
        Ok(changed)
    }

    fn expiries(
        &mut self,
        account: &AnyId,
        messages: &[MessageHash],
    ) -> Result<BTreeMap<MessageHash, UnixMillis>, Infallible> {
        let rows = self.rows(account).iter().map(|row| &row.message);
        let found = rows.filter(|row| messages.contains(&row.hash));
        Ok(found.map(|row| (row.hash, row.expiration)).collect())
    }

    fn set_expiries(
        &mut self,
        account: &AnyId,
        expiries: &BTreeMap<MessageHash, UnixMillis>,
    ) -> Result<(), Infallible> {
        for row in self.rows_mut(account) {
            if let Some(expiry) = expiries.get(&row.message.hash) {
                row.message.expiration = *expiry;
            }
        }
        Ok(())
    }

    fn revoke(&mut self, account: &AnyId, tokens: &[Token]) -> Result<(), Infallible> {
        if let Some(kept) = self.accounts.get_mut(account) {
            kept.revoked.retain(|token| !tokens.contains(token));
            kept.revoked.extend(tokens);
            let surplus = kept.revoked.len().saturating_sub(REVOKED_MAX);
            kept.revoked.drain(..surplus);
        }
        Ok(())
    }

    fn unrevoke(&mut self, account: &AnyId, tokens: &[Token]) -> Result<u64, Infallible> {
        let Some(kept) = self.accounts.get_mut(account) else {
            return Ok(0);
        };
        let mut count = 0u64;
        kept.revoked.retain(|token| {
            let is_meant = tokens.contains(token);
            count = count.saturating_add(is_meant.into());
            !is_meant
        });
        Ok(count)
    }

    fn revoked(&self, account: &AnyId) -> Result<Vec<Token>, Infallible> {
        let kept = self.accounts.get(account);
        Ok(kept.map_or_else(Vec::new, |kept| kept.revoked.clone()))
    }
}
