//! The push server: session-services over SQLite, with the service `dummy`, whose queue a test can read.

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use rusqlite::{Connection, params};
use session_crypto::SymmetricKey;
use session_services::push::payload::Notification;
use session_services::push::server::{self, Store, Subscription};
use session_services::push::{Device, SIGNATURE_AGE_MAX};
use session_storage::monitor::{Monitor, MonitorAuth, Notice};
use session_storage::{Auth, SubaccountProof, Token};
use session_types::http::{Request, Response};
use session_types::{AnyId, Ed25519Public, Ed25519Signature, Namespace, UnixMillis, base64};

use super::engine::Failure;
use super::time;

/// The services on offer.
const SERVICES: [&str; 1] = ["dummy"];
/// Maximum number of notifications that are kept for a device.
const QUEUE_MAX: i64 = 1000;
/// Time for which announced messages are remembered. Members of a swarm store a message within seconds of
/// each other, or hours later if one was down.
const REMEMBERED: std::time::Duration = SIGNATURE_AGE_MAX;

/// The database.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS subscribed (
        account    BLOB    NOT NULL,
        service    TEXT    NOT NULL,
        token      TEXT    NOT NULL,
        at         INTEGER NOT NULL,
        namespaces TEXT    NOT NULL,
        with_data  INTEGER NOT NULL,
        key        BLOB    NOT NULL,
        signature  BLOB    NOT NULL,
        ed25519    BLOB,
        token_auth BLOB,
        token_sig  BLOB,
        PRIMARY KEY (account, service, token)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS announced (
        account BLOB    NOT NULL,
        hash    TEXT    NOT NULL,
        at      INTEGER NOT NULL,
        PRIMARY KEY (account, hash)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS announced_by_time ON announced (at);
    CREATE TABLE IF NOT EXISTS queue (
        number  INTEGER PRIMARY KEY AUTOINCREMENT,
        token   TEXT    NOT NULL,
        payload TEXT    NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS queue_by_token ON queue (token, number);
";

struct Subscriptions<'a> {
    db: &'a Connection,
    is_full: bool,
}

impl Store for Subscriptions<'_> {
    type Error = Failure;

    fn subscribe(&mut self, subscription: Subscription) -> Result<bool, Failure> {
        if self.is_full {
            return Err(Failure::Full);
        }
        let Subscription {
            access,
            at,
            namespaces,
            with_data,
            device,
            key,
        } = subscription;
        let removed = self.unsubscribe(&access.id, &device)?;
        let namespaces: Vec<i16> = namespaces.iter().map(|space| space.number()).collect();
        let namespaces = serde_json::to_string(&namespaces);
        self.db
            .prepare_cached(
                "INSERT INTO subscribed (account, service, token, at, namespaces, with_data, key,
                                         signature, ed25519, token_auth, token_sig)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                access.id.as_bytes(),
                device.service,
                device.token,
                time(at),
                namespaces.map_err(|_| Failure::Content("list of namespaces"))?,
                with_data,
                key.expose_bytes(),
                access.signature.as_bytes(),
                access.ed25519.as_ref().map(|key| *key.as_bytes()),
                access
                    .subaccount
                    .as_ref()
                    .map(|(token, _)| *token.as_bytes()),
                access
                    .subaccount
                    .as_ref()
                    .map(|(_, signature)| *signature.as_bytes()),
            ])?;
        Ok(!removed)
    }

    fn unsubscribe(&mut self, id: &AnyId, device: &Device) -> Result<bool, Failure> {
        let mut delete = self.db.prepare_cached(
            "DELETE FROM subscribed WHERE account = ?1 AND service = ?2 AND token = ?3",
        )?;
        let removed = delete.execute(params![id.as_bytes(), device.service, device.token])?;
        Ok(removed > 0)
    }
}

/// Answers a request.
pub(super) fn answer(
    db: &Connection,
    request: &Request,
    now: UnixMillis,
    is_full: bool,
) -> Result<Response, Failure> {
    let store = &mut Subscriptions { db, is_full };
    server::handle(&SERVICES, request, now, store)
}

/// The answer when the store fails.
pub(super) fn failed() -> Response {
    let body = r#"{"error":5,"message":"An internal error occurred"}"#;
    Response::new(200, "application/json", body)
}

/// The requests with which to subscribe at the nodes.
pub(super) fn wanted(db: &Connection, now: UnixMillis) -> Result<Vec<Monitor>, Failure> {
    let oldest = time(now.saturating_sub(SIGNATURE_AGE_MAX));
    let mut query = db.prepare_cached(
        "SELECT DISTINCT account, at, namespaces, with_data, signature, ed25519, token_auth, token_sig
         FROM subscribed WHERE at > ?1 ORDER BY account",
    )?;
    let mut rows = query.query([oldest])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let namespaces: String = row.get("namespaces")?;
        let namespaces: Vec<i16> = serde_json::from_str(&namespaces)
            .map_err(|_| Failure::Content("list of namespaces"))?;
        let at: i64 = row.get("at")?;
        let subaccount = match (row.get("token_auth")?, row.get("token_sig")?) {
            (Some(token), Some(signature)) => Some(SubaccountProof {
                token: Token::from_bytes(token),
                signature: Ed25519Signature::from_bytes(signature),
            }),
            _ => None,
        };
        let key: Option<[u8; 32]> = row.get("ed25519")?;
        all.push(Monitor {
            account: AnyId::from_bytes(row.get("account")?),
            namespaces: namespaces.into_iter().map(Namespace::new).collect(),
            want_data: row.get("with_data")?,
            auth: MonitorAuth {
                at_s: at.unsigned_abs() / 1000,
                auth: Auth {
                    pubkey_ed25519: key.map(Ed25519Public::from_bytes),
                    signature: Ed25519Signature::from_bytes(row.get("signature")?),
                    subaccount,
                },
            },
        });
    }
    Ok(all)
}

/// Puts a notification of a message into the queue of every device that has subscribed. Other members of
/// the swarm tell of it too: it is announced once.
pub(super) fn announce(db: &Connection, stored: &Notice, now: UnixMillis) -> Result<(), Failure> {
    let hash = stored.hash.to_string();
    let is_new = db
        .prepare_cached("INSERT OR IGNORE INTO announced (account, hash, at) VALUES (?1, ?2, ?3)")?
        .execute(params![stored.account.as_bytes(), hash, time(now)])?;
    if is_new == 0 {
        return Ok(());
    }
    let oldest = now.saturating_sub(SIGNATURE_AGE_MAX);
    let mut query = db.prepare_cached(
        "SELECT token, namespaces, with_data, key FROM subscribed WHERE account = ?1 AND at > ?2",
    )?;
    let mut rows = query.query(params![stored.account.as_bytes(), time(oldest)])?;
    while let Some(row) = rows.next()? {
        let token: String = row.get("token")?;
        let namespaces: String = row.get("namespaces")?;
        let namespaces: Vec<i16> = serde_json::from_str(&namespaces)
            .map_err(|_| Failure::Content("list of namespaces"))?;
        if !namespaces.contains(&stored.namespace.number()) {
            continue;
        }
        let with_data: bool = row.get("with_data")?;
        let notification = Notification {
            id: stored.account,
            hash: stored.hash,
            namespace: stored.namespace,
            stored: Some(stored.timestamp),
            expiry: Some(stored.expiry),
            message: stored.data.clone().filter(|_| with_data),
            is_too_long: false,
        };
        let key = SymmetricKey::from_bytes(row.get("key")?);
        let sealed = notification.seal(&mut UnwrapErr(SysRng), &key);
        let sealed = sealed.map_err(|_| Failure::Content("message"))?;
        db.prepare_cached("INSERT INTO queue (token, payload) VALUES (?1, ?2)")?
            .execute([&token, &base64::encode(sealed)])?;
        db.prepare_cached(
            "DELETE FROM queue WHERE token = ?1 AND number <=
                 (SELECT max(number) FROM queue WHERE token = ?1) - ?2",
        )?
        .execute(params![token, QUEUE_MAX])?;
    }
    Ok(())
}

/// The notifications for a device after number `since`: number, and the payload in base64.
pub(super) fn queue(
    db: &Connection,
    token: &str,
    since: u64,
) -> Result<Vec<(u64, String)>, Failure> {
    let mut query = db.prepare_cached(
        "SELECT number, payload FROM queue WHERE token = ?1 AND number > ?2 ORDER BY number",
    )?;
    let since = i64::try_from(since).unwrap_or(i64::MAX);
    let all = query.query_map(params![token, since], |row| {
        Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?))
    })?;
    Ok(all.collect::<Result<_, _>>()?)
}

/// Deletes expired data.
pub(super) fn tick(db: &Connection, now: UnixMillis) -> Result<(), Failure> {
    let oldest = time(now.saturating_sub(SIGNATURE_AGE_MAX));
    db.execute("DELETE FROM subscribed WHERE at <= ?1", [oldest])?;
    let oldest = time(now.saturating_sub(REMEMBERED));
    db.execute("DELETE FROM announced WHERE at <= ?1", [oldest])?;
    Ok(())
}

/// Counts the subscriptions.
pub(super) fn count(db: &Connection) -> Result<u64, Failure> {
    let count: i64 = db.query_row("SELECT count(*) FROM subscribed", [], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: UnixMillis = UnixMillis::new(1_800_000_000_000);

    fn database() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(SCHEMA).unwrap();
        db
    }

    fn account() -> AnyId {
        AnyId::from_bytes([5; 33])
    }

    fn subscribe(db: &Connection, token: &str, at: UnixMillis, with_data: bool) {
        db.execute(
            "INSERT INTO subscribed VALUES (?1, 'dummy', ?2, ?3, '[0]', ?4, ?5, ?6, NULL, NULL, NULL)",
            params![
                account().as_bytes(),
                token,
                time(at),
                with_data,
                [1_u8; 32],
                [2_u8; 64]
            ],
        )
        .unwrap();
    }

    fn notice(number: u32, namespace: Namespace) -> Notice {
        Notice {
            account: account(),
            hash: session_crypto::hash::message_hash(&account(), namespace, &number.to_be_bytes()),
            namespace,
            timestamp: NOW,
            expiry: NOW.saturating_add(Duration::from_secs(60)),
            data: Some(number.to_be_bytes().to_vec()),
        }
    }

    #[test]
    fn a_subscription_ends_when_its_signature_is_too_old_for_the_nodes() {
        let db = database();
        subscribe(&db, "a", NOW, false);
        let end = NOW.saturating_add(SIGNATURE_AGE_MAX);
        let before = end.saturating_sub(Duration::from_millis(1));
        tick(&db, before).unwrap();
        assert_eq!(
            (count(&db).unwrap(), wanted(&db, before).unwrap().len()),
            (1, 1)
        );
        announce(&db, &notice(1, Namespace::DEFAULT), before).unwrap();
        assert_eq!(queue(&db, "a", 0).unwrap().len(), 1);
        // It counts no more, even before it is deleted.
        assert_eq!(
            (count(&db).unwrap(), wanted(&db, end).unwrap().len()),
            (1, 0)
        );
        announce(&db, &notice(2, Namespace::DEFAULT), end).unwrap();
        assert_eq!(queue(&db, "a", 0).unwrap().len(), 1);
        tick(&db, end).unwrap();
        assert_eq!(count(&db).unwrap(), 0);
    }

    #[test]
    fn a_message_is_announced_once_to_those_who_asked_for_its_namespace() {
        let db = database();
        subscribe(&db, "a", NOW, false);
        subscribe(&db, "b", NOW, true);
        let first = notice(1, Namespace::DEFAULT);
        for _ in 0..3 {
            announce(&db, &first, NOW).unwrap();
        }
        announce(&db, &notice(2, Namespace::USER_PROFILE), NOW).unwrap();
        let [quiet, with_data] = ["a", "b"].map(|token| queue(&db, token, 0).unwrap());
        assert_eq!((quiet.len(), with_data.len()), (1, 1));
        let key = SymmetricKey::from_bytes([1; 32]);
        let data = |queue: &[(u64, String)]| {
            let sealed = base64::decode(&queue[0].1).unwrap();
            Notification::open(&key, &sealed).unwrap().message
        };
        assert_eq!((data(&quiet), data(&with_data)), (None, first.data.clone()));
        // It is remembered for as long as a member of the swarm may tell of it again.
        tick(
            &db,
            NOW.saturating_add(REMEMBERED - Duration::from_millis(1)),
        )
        .unwrap();
        announce(&db, &first, NOW).unwrap();
        assert_eq!(queue(&db, "a", 0).unwrap().len(), 1);
        assert!(queue(&db, "a", quiet[0].0).unwrap().is_empty());
    }

    #[test]
    fn a_queue_that_nobody_reads_is_bounded() {
        let db = database();
        subscribe(&db, "a", NOW, false);
        for number in 0..1_010 {
            announce(&db, &notice(number, Namespace::DEFAULT), NOW).unwrap();
        }
        let queue = queue(&db, "a", 0).unwrap();
        assert_eq!(queue.len(), 1_000);
        assert_eq!(queue[0].0, 11, "the oldest make room");
    }
}
