//! What a service node keeps: messages by account and namespace, in SQLite.
//!
//! A write is on disk, in the write-ahead log, before the request is answered: neither a kill of the
//! process nor a loss of power loses anything that was acknowledged.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, params};
use session_storage::replication::PushedMessage;
use session_types::{AnyId, Namespace, UnixMillis};

mod change;
mod revoke;

/// Error of the store.
pub type StoreError = rusqlite::Error;

/// One stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its hash, 43 characters of base64.
    pub hash: String,
    /// Time of sending in ms, according to the sender.
    pub timestamp: u64,
    /// Expiry in ms.
    pub expiry: u64,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// The messages of one node.
#[derive(Debug)]
pub struct Store {
    db: Connection,
}

/// An owner is there as long as it has a message, and its revocations as long as it is: that is how
/// the deployed server behaves (protocol: storage-rpc, sections 3.3 and 4.2).
const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    CREATE TABLE IF NOT EXISTS owners (
        id      INTEGER PRIMARY KEY,
        account BLOB    NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE IF NOT EXISTS messages (
        id        INTEGER PRIMARY KEY AUTOINCREMENT,
        owner     INTEGER NOT NULL REFERENCES owners (id),
        namespace INTEGER NOT NULL,
        hash      TEXT    NOT NULL,
        timestamp INTEGER NOT NULL,
        expiry    INTEGER NOT NULL,
        data      BLOB    NOT NULL,
        UNIQUE (owner, hash)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS by_namespace ON messages (owner, namespace, id);
    CREATE INDEX IF NOT EXISTS by_expiry ON messages (expiry);
    CREATE TABLE IF NOT EXISTS revocations (
        id    INTEGER PRIMARY KEY AUTOINCREMENT,
        owner INTEGER NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
        token BLOB    NOT NULL,
        UNIQUE (owner, token)
    ) STRICT;
    CREATE TRIGGER IF NOT EXISTS last_message AFTER DELETE ON messages
    WHEN NOT EXISTS (SELECT 1 FROM messages WHERE owner = old.owner)
    BEGIN
        DELETE FROM owners WHERE id = old.owner;
    END;
";

/// SQLite has no unsigned integers; no time of this protocol needs the last bit.
fn time(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        hash: row.get("hash")?,
        timestamp: row.get::<_, i64>("timestamp")?.unsigned_abs(),
        expiry: row.get::<_, i64>("expiry")?.unsigned_abs(),
        data: row.get("data")?,
    })
}

/// Makes the file, if it is not there, for its owner alone: SQLite gives the files beside it the same
/// mode.
pub(crate) fn make_private(file: &Path) -> std::io::Result<()> {
    match crate::host::durable::create_private(file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(file, PermissionsExt::from_mode(0o600))?;
    }
    Ok(())
}

impl Store {
    /// Opens the store in `file`, making it if it is not there.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the file cannot be opened or is no store.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        make_private(file).map_err(|error| {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
            StoreError::SqliteFailure(code, Some(error.to_string()))
        })?;
        let db = Connection::open(file)?;
        db.execute_batch(SCHEMA)?;
        Ok(Self { db })
    }

    /// Keeps a message. Returns the expiry that it has now, and whether it was there already; then
    /// its expiry has become the later one of both. In an outbox it replaces the others.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database fails, and for an outbox whose only message is replaced, as
    /// the deployed server has it.
    pub fn insert(
        &mut self,
        account: &[u8; 33],
        namespace: i16,
        outbox: bool,
        message: &Message,
    ) -> Result<(u64, bool), StoreError> {
        let change = self.db.transaction()?;
        change
            .prepare_cached("INSERT OR IGNORE INTO owners (account) VALUES (?1)")?
            .execute([account])?;
        let owner: i64 = change
            .prepare_cached("SELECT id FROM owners WHERE account = ?1")?
            .query_row([account], |row| row.get(0))?;
        let present: Option<i64> = change
            .prepare_cached("SELECT expiry FROM messages WHERE owner = ?1 AND hash = ?2")?
            .query_row(params![owner, message.hash], |row| row.get(0))
            .optional()?;
        let wanted = time(message.expiry);
        match present {
            Some(expiry) if expiry >= wanted => {}
            Some(_) => {
                change
                    .prepare_cached(
                        "UPDATE messages SET expiry = ?3 WHERE owner = ?1 AND hash = ?2",
                    )?
                    .execute(params![owner, message.hash, wanted])?;
            }
            None => {
                if outbox {
                    change
                        .prepare_cached("DELETE FROM messages WHERE owner = ?1 AND namespace = ?2")?
                        .execute(params![owner, namespace])?;
                }
                change
                    .prepare_cached(
                        "INSERT INTO messages (owner, namespace, hash, timestamp, expiry, data)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute(params![
                        owner,
                        namespace,
                        message.hash,
                        time(message.timestamp),
                        wanted,
                        message.data
                    ])?;
            }
        }
        change.commit()?;
        let expiry = present.map_or(wanted, |present| present.max(wanted));
        Ok((expiry.unsigned_abs(), present.is_some()))
    }

    /// The messages of a namespace that came after the one with hash `after`, in the order in
    /// which they came; all of them if `after` is unknown. `take` says for each whether it is still
    /// wanted; the first that is not ends the list. The truth value is whether there are more. A
    /// message that has expired is listed until [`expire`](Self::expire) takes it away.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database fails.
    pub fn list(
        &self,
        account: &[u8; 33],
        namespace: i16,
        after: Option<&str>,
        mut take: impl FnMut(&Message) -> bool,
    ) -> Result<(Vec<Message>, bool), StoreError> {
        let mut from = 0;
        if let Some(after) = after {
            from = self
                .db
                .prepare_cached(
                    "SELECT messages.id FROM messages JOIN owners ON owners.id = owner
                     WHERE account = ?1 AND namespace = ?2 AND hash = ?3",
                )?
                .query_row(params![account, namespace, after], |row| row.get(0))
                .optional()?
                .unwrap_or(0_i64);
        }
        let mut query = self.db.prepare_cached(
            "SELECT hash, timestamp, expiry, data FROM messages JOIN owners ON owners.id = owner
             WHERE account = ?1 AND namespace = ?2 AND messages.id > ?3
             ORDER BY messages.id",
        )?;
        let mut rows = query.query(params![account, namespace, from])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let next = message(row)?;
            if !take(&next) {
                return Ok((found, true));
            }
            found.push(next);
        }
        Ok((found, false))
    }

    /// Everything that is kept.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database fails.
    pub fn all(&self) -> Result<Vec<PushedMessage>, StoreError> {
        let mut query = self.db.prepare_cached(
            "SELECT account, namespace, hash, timestamp, expiry, data
             FROM messages JOIN owners ON owners.id = owner ORDER BY messages.id",
        )?;
        let rows = query.query_map([], |row| {
            let Message {
                hash,
                timestamp,
                expiry,
                data,
            } = message(row)?;
            Ok(PushedMessage {
                account: AnyId::from_bytes(row.get("account")?),
                namespace: Namespace::new(row.get("namespace")?),
                hash,
                timestamp: UnixMillis::new(timestamp),
                expiry: UnixMillis::new(expiry),
                data,
            })
        })?;
        rows.collect()
    }

    /// Forgets what has expired; returns how many messages that were.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database fails.
    pub fn expire(&mut self, now: u64) -> Result<usize, StoreError> {
        self.db
            .execute("DELETE FROM messages WHERE expiry <= ?1", [time(now)])
    }

    /// Counts the messages.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database fails.
    pub fn count(&self) -> Result<u64, StoreError> {
        let count: i64 = self
            .db
            .query_row("SELECT count(*) FROM messages", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: [u8; 33] = [5; 33];

    fn message(hash: &str, expiry: u64) -> Message {
        Message {
            hash: hash.to_owned(),
            timestamp: 1,
            expiry,
            data: vec![1, 2, 3],
        }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("node.sqlite")).unwrap();
        (folder, store)
    }

    #[test]
    fn storing_again_keeps_the_later_expiry() {
        let (_folder, mut store) = store();
        assert_eq!(
            store
                .insert(&ACCOUNT, 0, false, &message("a", 100))
                .unwrap(),
            (100, false)
        );
        assert_eq!(
            store.insert(&ACCOUNT, 0, false, &message("a", 50)).unwrap(),
            (100, true)
        );
        assert_eq!(
            store
                .insert(&ACCOUNT, 0, false, &message("a", 200))
                .unwrap(),
            (200, true)
        );
        assert_eq!(store.count().unwrap(), 1);
    }

    #[test]
    fn lists_in_the_order_of_arrival_and_after_a_hash() {
        let (_folder, mut store) = store();
        for index in 0..100 {
            store
                .insert(&ACCOUNT, 0, false, &message(&format!("hash{index}"), 100))
                .unwrap();
        }
        store
            .insert(&ACCOUNT, 2, false, &message("elsewhere", 100))
            .unwrap();
        let list = |after: Option<&str>, count: usize| {
            let mut left = count;
            let (found, more) = store
                .list(&ACCOUNT, 0, after, |_| {
                    left = left.wrapping_sub(1);
                    left != usize::MAX
                })
                .unwrap();
            (
                found.len(),
                found.first().map(|message| message.hash.clone()),
                more,
            )
        };
        assert_eq!(list(None, 1000), (100, Some("hash0".into()), false));
        assert_eq!(list(Some("hash0"), 1000), (99, Some("hash1".into()), false));
        assert_eq!(
            list(Some("hash49"), 1000),
            (50, Some("hash50".into()), false)
        );
        assert_eq!(
            list(Some("unknown"), 1000),
            (100, Some("hash0".into()), false)
        );
        assert_eq!(list(None, 10), (10, Some("hash0".into()), true));
        assert_eq!(list(None, 100), (100, Some("hash0".into()), false));
    }

    #[test]
    fn forgets_what_has_expired() {
        let (_folder, mut store) = store();
        store
            .insert(&ACCOUNT, 0, false, &message("old", 10))
            .unwrap();
        store
            .insert(&ACCOUNT, 0, false, &message("new", 20))
            .unwrap();
        let (found, _) = store.list(&ACCOUNT, 0, None, |_| true).unwrap();
        assert_eq!(found.len(), 2, "as long as nobody has looked");
        assert_eq!(store.expire(10).unwrap(), 1);
        assert_eq!(store.count().unwrap(), 1);
    }

    #[test]
    fn an_outbox_holds_the_newest_message() {
        let (_folder, mut store) = store();
        store
            .insert(&ACCOUNT, 0, false, &message("other", 100))
            .unwrap();
        store
            .insert(&ACCOUNT, -21, true, &message("old", 100))
            .unwrap();
        store
            .insert(&ACCOUNT, -21, true, &message("new", 100))
            .unwrap();
        let (found, _) = store.list(&ACCOUNT, -21, None, |_| true).unwrap();
        assert_eq!(found, [message("new", 100)]);
        assert_eq!(store.count().unwrap(), 2);
    }

    #[test]
    fn an_outbox_message_that_is_alone_cannot_be_replaced() {
        let (_folder, mut store) = store();
        store
            .insert(&ACCOUNT, -21, true, &message("old", 100))
            .unwrap();
        let error = store
            .insert(&ACCOUNT, -21, true, &message("new", 100))
            .unwrap_err();
        assert!(
            error.to_string().contains("FOREIGN KEY constraint failed"),
            "{error}"
        );
        let (found, _) = store.list(&ACCOUNT, -21, None, |_| true).unwrap();
        assert_eq!(found, [message("old", 100)]);
    }

    #[test]
    fn what_is_answered_is_on_disk_and_for_the_owner_alone() {
        let (folder, mut store) = store();
        store
            .insert(&ACCOUNT, 0, false, &message("a", 100))
            .unwrap();
        let synchronous: i64 = store
            .db
            .query_row("PRAGMA synchronous", [], |row| row.get(0))
            .unwrap();
        assert_eq!(synchronous, 2, "FULL");
        #[cfg(unix)]
        for file in std::fs::read_dir(folder.path()).unwrap() {
            use std::os::unix::fs::PermissionsExt;
            let file = file.unwrap();
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{:?}", file.file_name());
        }
    }

    #[test]
    fn survives_being_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("node.sqlite");
        Store::open(&file)
            .unwrap()
            .insert(&ACCOUNT, -11, false, &message("a", 100))
            .unwrap();
        let store = Store::open(&file).unwrap();
        let (found, more) = store.list(&ACCOUNT, -11, None, |_| true).unwrap();
        assert_eq!(found, [message("a", 100)]);
        assert!(!more);
    }
}
