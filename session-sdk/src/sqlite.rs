//! Records and history in one SQLite file.

use std::fs::OpenOptions;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, ToSql, Transaction, params};
use session_client::types::{AnyId, MessageHash};
use session_client::{Change, ConversationId, Erased, Key, Message as Record, MessageId};
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::store::{Page, Pair, Store};

/// The format that this version writes.
const VERSION: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE record (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE message (
        id BLOB PRIMARY KEY,
        conversation BLOB NOT NULL,
        author BLOB NOT NULL,
        sent_ms INTEGER NOT NULL,
        expires_ms INTEGER,
        hash TEXT,
        text TEXT,
        value BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX message_by_time ON message (conversation, sent_ms);
    CREATE INDEX message_by_end ON message (expires_ms) WHERE expires_ms IS NOT NULL;
    CREATE INDEX message_by_hash ON message (hash) WHERE hash IS NOT NULL;
";

/// Records and history in one file, in write-ahead mode. What was applied is on the disk
/// (`synchronous = FULL`). The file is not encrypted; on Unix only its owner can read it.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
}

impl SqliteStore {
    /// Opens a file, which is made if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the file cannot be opened, or is in a newer format.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        make_private(path)?;
        let mut connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "secure_delete", true)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        let transaction = connection.transaction()?;
        let version = "user_version";
        let got: i64 = transaction.pragma_query_value(None, version, |row| row.get(0))?;
        match got {
            0 => {
                transaction.execute_batch(SCHEMA)?;
                transaction.pragma_update(None, version, VERSION)?;
            }
            VERSION => {}
            got => return Err(StoreError::Version { max: VERSION, got }),
        }
        transaction.commit()?;
        Ok(Self { connection })
    }
}

/// Makes the file so that only its owner can read it, before the database writes into it.
fn make_private(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::File {
            path: path.into(),
            error,
        }),
    }
}

/// A time as SQLite keeps it. Sealed messages have no time that does not fit.
fn sqlite_time(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

fn put_message(
    transaction: &Transaction<'_>,
    id: &MessageId,
    value: &[u8],
) -> Result<(), StoreError> {
    let record = Record::from_value(*id, value).ok();
    let author = record.as_ref().map(|record| AnyId::from(&record.author));
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO message
             (id, conversation, author, sent_ms, expires_ms, hash, text, value)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            id.to_bytes(),
            id.conversation().as_bytes(),
            author.as_ref().map_or(&[0_u8; 33], AnyId::as_bytes),
            sqlite_time(id.sent_at().get()),
            record
                .as_ref()
                .and_then(|record| record.expires_at)
                .map(|time| sqlite_time(time.get())),
            record
                .as_ref()
                .and_then(|record| record.hash.as_ref())
                .map(MessageHash::as_str),
            record.as_ref().and_then(Record::text),
            value,
        ])?;
    Ok(())
}

fn change(transaction: &Transaction<'_>, change: &Change) -> Result<(), StoreError> {
    let done = match change {
        Change::Put {
            key: Key::Message(id),
            value,
        } => return put_message(transaction, id, value),
        Change::Put { key, value } => transaction
            .prepare_cached("INSERT OR REPLACE INTO record (key, value) VALUES (?1, ?2)")?
            .execute(params![key.to_bytes(), value.as_slice()]),
        Change::Delete {
            key: Key::Message(id),
        } => transaction
            .prepare_cached("DELETE FROM message WHERE id = ?1")?
            .execute(params![id.to_bytes()]),
        Change::Delete { key } => transaction
            .prepare_cached("DELETE FROM record WHERE key = ?1")?
            .execute(params![key.to_bytes()]),
        Change::Erase {
            conversation,
            erased,
        } => return erase(transaction, conversation, erased),
        Change::EraseExpired { now } => transaction
            .prepare_cached("DELETE FROM message WHERE expires_ms <= ?1")?
            .execute(params![sqlite_time(now.get())]),
        // Of a newer version of the client, which comes with a newer version of this crate.
        _ => Ok(0),
    };
    done?;
    Ok(())
}

fn erase(
    transaction: &Transaction<'_>,
    conversation: &ConversationId,
    erased: &Erased,
) -> Result<(), StoreError> {
    let of = conversation.as_bytes();
    let delete = |rest: &str, params: &[&dyn ToSql]| -> Result<usize, rusqlite::Error> {
        let sql = format!("DELETE FROM message WHERE conversation = ?1 AND {rest}");
        transaction.prepare_cached(&sql)?.execute(params)
    };
    match erased {
        Erased::Message { author, sent_at } => delete(
            "author = ?2 AND sent_ms = ?3",
            &[of, author.as_bytes(), &sqlite_time(sent_at.get())],
        ),
        Erased::Stored { hash, author: None } => delete("hash = ?2", &[of, &hash.as_str()]),
        Erased::Stored {
            hash,
            author: Some(author),
        } => delete(
            "hash = ?2 AND author = ?3",
            &[of, &hash.as_str(), author.as_bytes()],
        ),
        Erased::Author { author, until } => delete(
            "author = ?2 AND sent_ms <= ?3",
            &[of, author.as_bytes(), &sqlite_time(until.get())],
        ),
        Erased::Before(time) => delete("sent_ms < ?2", &[of, &sqlite_time(time.get())]),
        // Of a newer version of the client, which comes with a newer version of this crate.
        _ => Ok(0),
    }?;
    Ok(())
}

/// Messages from rows of id and value. One that is damaged is left out.
fn messages(
    statement: &mut rusqlite::Statement<'_>,
    params: impl rusqlite::Params,
) -> Result<Vec<Record>, StoreError> {
    let rows = statement.query_map(params, |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
    })?;
    let mut messages = Vec::new();
    for row in rows {
        let (id, value) = row?;
        let key = [b"m".as_slice(), &id].concat();
        if let Ok(Key::Message(id)) = Key::try_from(key.as_slice())
            && let Ok(message) = Record::from_value(id, &value)
        {
            messages.push(message);
        }
    }
    Ok(messages)
}

impl Store for SqliteStore {
    fn load(&mut self) -> Result<Vec<Pair>, StoreError> {
        let mut statement = self.connection.prepare("SELECT key, value FROM record")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, Zeroizing::new(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for one in changes {
            change(&transaction, one)?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO record (key, value) VALUES (?1, ?2)")?
            .execute(params![key, value])?;
        Ok(())
    }

    fn history(
        &mut self,
        conversation: &ConversationId,
        page: Page,
    ) -> Result<Vec<Record>, StoreError> {
        let before = page
            .before
            .map_or(i64::MAX, |before| sqlite_time(before.get()));
        let mut statement = self.connection.prepare_cached(
            "SELECT id, value FROM message WHERE conversation = ?1 AND sent_ms < ?2
             ORDER BY sent_ms DESC LIMIT ?3",
        )?;
        messages(
            &mut statement,
            params![conversation.as_bytes(), before, page.limit],
        )
    }

    fn messages(
        &mut self,
        after: Option<&MessageId>,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let after = after.map_or(Vec::new(), MessageId::to_bytes);
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, value FROM message WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        messages(&mut statement, params![after, limit])
    }

    fn search(&mut self, text: &str, limit: u32) -> Result<Vec<Record>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, value FROM message WHERE instr(lower(text), lower(?1)) > 0
             ORDER BY sent_ms DESC LIMIT ?2",
        )?;
        messages(&mut statement, params![text, limit])
    }
}

impl SqliteStore {
    /// Returns the value of a record. `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it cannot be read.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT value FROM record WHERE key = ?1")?;
        Ok(statement
            .query_row(params![key], |row| row.get(0))
            .optional()?)
    }
}
