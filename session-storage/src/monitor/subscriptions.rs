//! Which connections a node tells of new messages.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use session_types::limits::MONITOR_LIFETIME;
use session_types::{AnyId, MonotonicTime, Namespace};

use super::{Monitor, MonitorError};

/// Maximum number of accounts to which one connection can subscribe. Each takes some hundred bytes.
pub const MAX_ACCOUNTS: usize = 10_000;

/// What a connection wants to hear of an account.
#[derive(Debug, Clone, Default)]
struct Subscription {
    namespaces: BTreeSet<Namespace>,
    want_data: bool,
    until: MonotonicTime,
}

/// The subscriptions of all connections of a node. `C` names a connection.
///
/// A subscription lasts [`MONITOR_LIFETIME`] from the last request for it. A renewal adds its namespaces to the
/// earlier ones, and data that was asked for once stays asked for.
#[derive(Debug, Clone)]
pub struct Subscriptions<C> {
    accounts: BTreeMap<AnyId, BTreeMap<C, Subscription>>,
    connections: BTreeMap<C, BTreeSet<AnyId>>,
}

impl<C> Default for Subscriptions<C> {
    fn default() -> Self {
        Self {
            accounts: BTreeMap::new(),
            connections: BTreeMap::new(),
        }
    }
}

impl<C: Ord + Copy> Subscriptions<C> {
    /// Subscribes a connection with a request that has passed [`Monitor::check`].
    ///
    /// # Errors
    ///
    /// [`MonitorError`] with code 1 if the connection has [`MAX_ACCOUNTS`] subscriptions.
    pub fn subscribe(
        &mut self,
        connection: C,
        request: &Monitor,
        now: MonotonicTime,
    ) -> Result<(), MonitorError> {
        let accounts = self.connections.entry(connection).or_default();
        if !accounts.contains(&request.account) && accounts.len() >= MAX_ACCOUNTS {
            return Err(MonitorError::arguments("too many subscriptions"));
        }
        accounts.insert(request.account);
        let of_account = self.accounts.entry(request.account).or_default();
        let subscription = of_account.entry(connection).or_default();
        if subscription.until <= now {
            *subscription = Subscription::default();
        }
        subscription.namespaces.extend(&request.namespaces);
        subscription.want_data |= request.want_data;
        subscription.until = now.saturating_add(MONITOR_LIFETIME);
        Ok(())
    }

    /// Forgets a connection that was closed.
    pub fn remove(&mut self, connection: C) {
        for account in self.connections.remove(&connection).into_iter().flatten() {
            self.forget(connection, &account);
        }
    }

    fn forget(&mut self, connection: C, account: &AnyId) {
        if let Some(of_account) = self.accounts.get_mut(account) {
            of_account.remove(&connection);
            if of_account.is_empty() {
                self.accounts.remove(account);
            }
        }
    }

    /// Returns the connections to tell of a new message, each with whether it wants the data.
    #[must_use]
    pub fn listeners(
        &self,
        account: &AnyId,
        namespace: Namespace,
        now: MonotonicTime,
    ) -> Vec<(C, bool)> {
        let of_account = self.accounts.get(account).into_iter().flatten();
        let listening = of_account.filter(|(_, subscription)| {
            subscription.until > now && subscription.namespaces.contains(&namespace)
        });
        listening
            .map(|(connection, subscription)| (*connection, subscription.want_data))
            .collect()
    }

    /// Ends the subscriptions to accounts that the node does not serve any more, and returns who has to be told.
    pub fn end(&mut self, serves: impl Fn(&AnyId) -> bool) -> Vec<(C, AnyId)> {
        let accounts = self.accounts.iter();
        let over = accounts.filter(|(account, _)| !serves(account));
        let ended: Vec<(C, AnyId)> = over
            .flat_map(|(account, by)| by.keys().map(|connection| (*connection, *account)))
            .collect();
        self.drop_all(&ended);
        ended
    }

    /// Forgets subscriptions that have run out.
    pub fn expire(&mut self, now: MonotonicTime) {
        let accounts = self.accounts.iter();
        let over: Vec<(C, AnyId)> = accounts
            .flat_map(|(account, by)| {
                let over = by
                    .iter()
                    .filter(|(_, subscription)| subscription.until <= now);
                over.map(|(connection, _)| (*connection, *account))
            })
            .collect();
        self.drop_all(&over);
    }

    fn drop_all(&mut self, over: &[(C, AnyId)]) {
        for (connection, account) in over {
            self.forget(*connection, account);
            if let Some(accounts) = self.connections.get_mut(connection) {
                accounts.remove(account);
                if accounts.is_empty() {
                    self.connections.remove(connection);
                }
            }
        }
    }

    /// Number of subscriptions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.accounts.values().map(BTreeMap::len).sum()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }
}
