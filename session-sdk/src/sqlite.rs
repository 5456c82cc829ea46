//! Records and history in one SQLite file.

mod vault;

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, ToSql, Transaction, params};
use session_client::types::AnyId;
use session_client::{Change, ConversationId, Erased, Key, Message as Record, MessageId};
use session_crypto::SymmetricKey;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::store::{FILE_CONTENT, Page, Pair, Store};
use vault::{Kind, Vault};

/// The format that this version reads and writes. Format 1 had no ends and names of messages.
const VERSION: i64 = 2;

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

/// The record that tells whether the key of a file is the right one.
const CHECK: &[u8] = b"!vault";

/// Records and history in one file, in write-ahead mode. What was applied is on the disk
/// (`synchronous = FULL`). On Unix only its owner can read it.
///
/// With a key the values are encrypted: texts, contacts, keys and everything else that records and
/// messages say. Ids of conversations and authors, times, and hashes are not: they are what the file is
/// searched by. Searching for a text decrypts all messages.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    vault: Option<Vault>,
}

impl SqliteStore {
    /// Opens a file, which is made if there is none. Its values are not encrypted.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the file cannot be opened, is in another format, or is encrypted.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path.as_ref(), None)
    }

    /// Opens a file whose values are encrypted with a key of 32 bytes, which is made if there is none.
    /// The key must be random, or derived from a password by a function that is made for it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the file cannot be opened or is in another format; [`StoreError::Key`] if it is
    /// encrypted with another key, or not at all.
    pub fn open_encrypted(path: impl AsRef<Path>, key: SymmetricKey) -> Result<Self, StoreError> {
        Self::open_with(path.as_ref(), Some(Vault::new(key)))
    }

    fn open_with(path: &Path, vault: Option<Vault>) -> Result<Self, StoreError> {
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
            got => {
                return Err(StoreError::Version {
                    expected: VERSION,
                    got,
                });
            }
        }
        check_key(&transaction, vault.as_ref(), got == 0)?;
        transaction.commit()?;
        Ok(Self { connection, vault })
    }
}

/// Whether the key is the one of the file. A new file takes it.
fn check_key(
    transaction: &Transaction<'_>,
    vault: Option<&Vault>,
    is_new: bool,
) -> Result<(), StoreError> {
    let check: Option<Vec<u8>> = transaction
        .prepare("SELECT value FROM record WHERE key = ?1")?
        .query_row(params![CHECK], |row| row.get(0))
        .optional()?;
    match (vault, check) {
        (None, None) => Ok(()),
        (Some(vault), Some(check)) => {
            let opened = vault.open(Kind::Record, CHECK, &check);
            opened.map(|_| ()).ok_or(StoreError::Key)
        }
        (Some(vault), None) if is_new => put(transaction, Some(vault), (CHECK, b"")),
        _ => Err(StoreError::Key),
    }
}

/// A value as it is kept.
fn kept<'a>(
    vault: Option<&Vault>,
    kind: Kind,
    name: &[u8],
    value: &'a [u8],
) -> Result<Cow<'a, [u8]>, StoreError> {
    Ok(match vault {
        None => Cow::Borrowed(value),
        Some(vault) => Cow::Owned(vault.seal(kind, name, value)?),
    })
}

/// A value that was kept. One that is damaged is empty, which is the value of nothing.
fn read(vault: Option<&Vault>, kind: Kind, name: &[u8], value: Vec<u8>) -> Zeroizing<Vec<u8>> {
    let Some(vault) = vault else {
        return Zeroizing::new(value);
    };
    let opened = vault.open(kind, name, &value);
    opened.unwrap_or_else(|| Zeroizing::new(Vec::new()))
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

/// The name by which a message is deleted: that of the stored message, or the number of the post.
fn stored_name(record: &Record) -> Option<String> {
    let post = record.post.as_ref().map(|post| post_name(post.id));
    post.or_else(|| record.hash.map(|hash| hash.as_str().to_owned()))
}

/// No name of a stored message is that short.
fn post_name(id: u64) -> String {
    format!("post {id}")
}

fn put_message(
    transaction: &Transaction<'_>,
    vault: Option<&Vault>,
    id: &MessageId,
    value: &[u8],
) -> Result<(), StoreError> {
    let record = Record::from_value(*id, value).ok();
    let text = record.as_ref().and_then(Record::text);
    let kept = kept(vault, Kind::Message, &id.to_bytes(), value)?;
    let author = record.as_ref().map(|record| record.author);
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
            record.as_ref().and_then(stored_name),
            text.filter(|_| vault.is_none()),
            &*kept,
        ])?;
    Ok(())
}

fn put(
    connection: &Connection,
    vault: Option<&Vault>,
    (key, value): (&[u8], &[u8]),
) -> Result<(), StoreError> {
    let kept = kept(vault, Kind::Record, key, value)?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO record (key, value) VALUES (?1, ?2)")?
        .execute(params![key, &*kept])?;
    Ok(())
}

fn change(
    transaction: &Transaction<'_>,
    vault: Option<&Vault>,
    change: &Change,
) -> Result<(), StoreError> {
    let done = match change {
        Change::Put {
            key: Key::Message(id),
            value,
        } => return put_message(transaction, vault, id, value),
        Change::Put { key, value } => {
            return put(transaction, vault, (&key.to_bytes(), value));
        }
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
        Change::Move { from, to } => transaction
            .prepare_cached(
                "UPDATE OR REPLACE message SET conversation = ?2,
                 id = CAST(?2 || substr(id, 34) AS BLOB) WHERE conversation = ?1",
            )?
            .execute(params![from.as_bytes(), to.as_bytes()]),
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
        Erased::Post(id) => delete("hash = ?2", &[of, &post_name(*id)]),
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

/// Messages from rows of id and value that are wanted, up to a number. One that is damaged is left out.
fn messages(
    statement: &mut rusqlite::Statement<'_>,
    params: impl rusqlite::Params,
    (vault, limit): (Option<&Vault>, u32),
    is_wanted: impl Fn(&Record) -> bool,
) -> Result<Vec<Record>, StoreError> {
    let rows = statement.query_map(params, |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
    })?;
    let mut messages = Vec::new();
    for row in rows {
        if messages.len() >= limit as usize {
            break;
        }
        let (id, value) = row?;
        let value = read(vault, Kind::Message, &id, value);
        let key = [b"m".as_slice(), &id].concat();
        if let Ok(Key::Message(id)) = Key::try_from(key.as_slice())
            && let Ok(message) = Record::from_value(id, &value)
            && is_wanted(&message)
        {
            messages.push(message);
        }
    }
    Ok(messages)
}

impl Store for SqliteStore {
    fn load(&mut self) -> Result<Vec<Pair>, StoreError> {
        // Contents of files are large, and are read when they are needed.
        let mut statement = self
            .connection
            .prepare("SELECT key, value FROM record WHERE key < ?1 OR key >= ?2")?;
        let contents = ([FILE_CONTENT], [FILE_CONTENT.saturating_add(1)]);
        let rows = statement.query_map(contents, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let pairs = rows.map(|row| {
            let (key, value): (Vec<u8>, Vec<u8>) = row?;
            let value = read(self.vault.as_ref(), Kind::Record, &key, value);
            Ok((key, value))
        });
        pairs.collect()
    }

    fn get(&mut self, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT value FROM record WHERE key = ?1")?;
        let value: Option<Vec<u8>> = statement
            .query_row(params![key], |row| row.get(0))
            .optional()?;
        let vault = self.vault.as_ref();
        Ok(value.map(|value| read(vault, Kind::Record, key, value)))
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for one in changes {
            change(&transaction, self.vault.as_ref(), one)?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        put(&self.connection, self.vault.as_ref(), (key, value))
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
            (self.vault.as_ref(), page.limit),
            |_| true,
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
        let kept = (self.vault.as_ref(), limit);
        messages(&mut statement, params![after, limit], kept, |_| true)
    }

    fn search(&mut self, text: &str, limit: u32) -> Result<Vec<Record>, StoreError> {
        let Some(vault) = &self.vault else {
            let mut statement = self.connection.prepare_cached(
                "SELECT id, value FROM message WHERE instr(lower(text), lower(?1)) > 0
                 ORDER BY sent_ms DESC LIMIT ?2",
            )?;
            let params = params![text, limit];
            return messages(&mut statement, params, (None, limit), |_| true);
        };
        let wanted = text.to_ascii_lowercase();
        let contains = |record: &Record| {
            let text = record.text().map(str::to_ascii_lowercase);
            text.is_some_and(|text| text.contains(&wanted))
        };
        let all = "SELECT id, value FROM message ORDER BY sent_ms DESC";
        let mut statement = self.connection.prepare_cached(all)?;
        messages(&mut statement, [], (Some(vault), limit), contains)
    }
}
