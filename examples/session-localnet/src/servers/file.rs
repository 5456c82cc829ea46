//! The file server: session-services over SQLite.

use std::time::Duration;

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use rusqlite::{Connection, OptionalExtension, params};
use session_services::file::server::{self, Config, Meta, Store};
use session_services::file::{FileId, quic};
use session_types::UnixMillis;
use session_types::http::{Request, Response};

use super::engine::Failure;
use super::{pieces, time};

/// The database.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS files (
        id       TEXT    PRIMARY KEY,
        size     INTEGER NOT NULL,
        uploaded INTEGER NOT NULL,
        expires  INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS by_expiry ON files (expires);
";

/// The files, as one request sees them.
struct Files<'a> {
    db: &'a Connection,
    is_full: bool,
}

impl Store for Files<'_> {
    type Error = Failure;

    fn meta(&self, id: &FileId) -> Result<Option<Meta>, Failure> {
        let mut query = self
            .db
            .prepare_cached("SELECT size, uploaded, expires FROM files WHERE id = ?1")?;
        let meta = query.query_row([id.as_str()], |row| {
            Ok(Meta {
                size: row.get::<_, i64>(0)?.unsigned_abs(),
                uploaded: UnixMillis::new(row.get::<_, i64>(1)?.unsigned_abs()),
                expires: UnixMillis::new(row.get::<_, i64>(2)?.unsigned_abs()),
            })
        });
        Ok(meta.optional()?)
    }

    fn content(&self, id: &FileId) -> Result<Option<Vec<u8>>, Failure> {
        let Some(meta) = self.meta(id)? else {
            return Ok(None);
        };
        let size = usize::try_from(meta.size).map_err(|_| Failure::Content("size"))?;
        pieces::get(self.db, id.as_str(), size).map(Some)
    }

    fn insert(&mut self, id: &FileId, content: Vec<u8>, meta: Meta) -> Result<(), Failure> {
        if self.is_full {
            return Err(Failure::Full);
        }
        pieces::put(self.db, id.as_str(), &content)?;
        let size = i64::try_from(meta.size).map_err(|_| Failure::Content("size"))?;
        self.db
            .prepare_cached("INSERT OR REPLACE INTO files (id, size, uploaded, expires) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id.as_str(), size, time(meta.uploaded), time(meta.expires)])?;
        Ok(())
    }

    fn update(&mut self, id: &FileId, meta: Meta) -> Result<(), Failure> {
        self.db
            .prepare_cached("UPDATE files SET uploaded = ?2, expires = ?3 WHERE id = ?1")?
            .execute(params![
                id.as_str(),
                time(meta.uploaded),
                time(meta.expires)
            ])?;
        Ok(())
    }
}

/// Answers a request.
pub(super) fn answer(
    db: &Connection,
    config: &Config,
    request: Request,
    now: UnixMillis,
    is_full: bool,
) -> Result<Response, Failure> {
    let files = &mut Files { db, is_full };
    server::handle(config, request, now, &mut UnwrapErr(SysRng), files)
}

/// Answers a command of a QUIC connection; none for an unknown endpoint.
pub(super) fn command(
    db: &Connection,
    config: &Config,
    endpoint: &[u8],
    body: &[u8],
    now: UnixMillis,
) -> Result<Option<quic::CommandAnswer>, Failure> {
    let is_full = false;
    quic::command(config, endpoint, body, now, &mut Files { db, is_full })
}

/// Stores a file that has come over QUIC. The inner error is a code.
pub(super) fn upload(
    db: &Connection,
    config: &Config,
    content: Vec<u8>,
    ttl: Option<Duration>,
    now: UnixMillis,
    is_full: bool,
) -> Result<Result<quic::Stored, u32>, Failure> {
    let files = &mut Files { db, is_full };
    quic::upload(config, content, ttl, now, &mut UnwrapErr(SysRng), files)
}

/// Returns a file for a download over QUIC. The inner error is a code.
pub(super) fn download(
    db: &Connection,
    id: &FileId,
    now: UnixMillis,
) -> Result<quic::Download, Failure> {
    let is_full = false;
    quic::download(id, now, &Files { db, is_full })
}

/// The answer when the store fails, as the deployed server writes it.
pub(super) fn failed(failure: &Failure) -> Response {
    let status: u16 = match failure {
        Failure::Full => 507,
        _ => 500,
    };
    let body = format!("{{\"status_code\": {status}}}");
    Response::new(status, "application/json", body)
}

/// Deletes files that have expired.
pub(super) fn tick(db: &Connection, now: UnixMillis) -> Result<(), Failure> {
    let mut query = db.prepare_cached("DELETE FROM files WHERE expires <= ?1 RETURNING id")?;
    let expired: Result<Vec<String>, _> = query.query_map([time(now)], |row| row.get(0))?.collect();
    expired?.iter().try_for_each(|id| pieces::remove(db, id))
}

/// Counts the files.
pub(super) fn count(db: &Connection) -> Result<u64, Failure> {
    let count: i64 = db.query_row("SELECT count(*) FROM files", [], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(db: &Connection, table: &str) -> i64 {
        let count = format!("SELECT count(*) FROM {table}");
        db.query_row(&count, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_file_that_has_expired_goes_with_its_content() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(&format!("{SCHEMA}{}", pieces::SCHEMA))
            .unwrap();
        let now = UnixMillis::new(1_800_000_000_000);
        let hour = Duration::from_secs(3_600);
        for (name, hours) in [("A", 1), ("B", 2)] {
            let id: FileId = name.repeat(44).parse().unwrap();
            let meta = Meta {
                size: 600_000,
                uploaded: now,
                expires: now.saturating_add(hour * hours),
            };
            let files = &mut Files {
                db: &db,
                is_full: false,
            };
            files.insert(&id, vec![7; 600_000], meta).unwrap();
        }
        // Three pieces each.
        assert_eq!((rows(&db, "files"), rows(&db, "pieces")), (2, 6));
        let end = now.saturating_add(hour);
        tick(&db, end.saturating_sub(Duration::from_millis(1))).unwrap();
        assert_eq!((rows(&db, "files"), rows(&db, "pieces")), (2, 6));
        tick(&db, end).unwrap();
        assert_eq!((rows(&db, "files"), rows(&db, "pieces")), (1, 3));
        let left: String = db
            .query_row("SELECT id FROM files", [], |row| row.get(0))
            .unwrap();
        assert_eq!(left, "B".repeat(44));
        assert_eq!(count(&db).unwrap(), 1);
    }
}
