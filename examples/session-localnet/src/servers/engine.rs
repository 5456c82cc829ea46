//! One database and one thread that owns it.
//!
//! Work that waits is done in one transaction, and nothing is answered before that transaction is on disk.
//! So a kill of the process or a loss of power loses nothing that was acknowledged, and a slow disk costs
//! one synchronization for all that wait, not one for each.

use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};

use crate::node::StartError;
use crate::store::make_private;

/// Maximum number of pieces of work in one transaction.
const BATCH: usize = 128;
/// Maximum number of pieces of work that wait. More callers wait for a place.
const QUEUE: usize = 256;
/// Timeout for the lock of the database, which an earlier run may still hold.
const BUSY: Duration = Duration::from_secs(10);
/// Settings of every database: committed changes are on disk.
const PROMISE: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";

/// Error of a store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The disk is full, or is said to be.
    #[error("the disk is full")]
    Full,
    /// The database failed.
    #[error(transparent)]
    Database(rusqlite::Error),
    /// The database does not hold what it should.
    #[error("the database holds an unusable {0}")]
    Content(&'static str),
    /// The work was not committed, or the thread is gone.
    #[error("the change could not be written")]
    Lost,
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            _ => Self::Database(error),
        }
    }
}

/// Work on the database. It returns what to do when the transaction has ended; the argument says whether
/// it was committed.
type Work = Box<dyn FnOnce(&Connection) -> Report + Send>;
type Report = Box<dyn FnOnce(bool) + Send>;

/// The way to a database.
#[derive(Debug, Clone)]
pub(crate) struct Engine(mpsc::Sender<Work>);

impl Engine {
    /// Opens a database, or makes it, and starts its thread. The thread ends when nobody can send work.
    pub(crate) fn open(file: &Path, schema: &str) -> Result<Self, StartError> {
        let failed = |reason| StartError::File {
            path: file.display().to_string(),
            reason,
        };
        make_private(file).map_err(failed)?;
        let db = Connection::open(file)?;
        db.busy_timeout(BUSY)?;
        db.execute_batch(PROMISE)?;
        db.execute_batch(schema)?;
        let (sender, work) = mpsc::channel(QUEUE);
        thread::Builder::new()
            .name("server".to_owned())
            .spawn(move || run(&db, work))
            .map_err(failed)?;
        Ok(Self(sender))
    }

    /// Does work in a transaction, and returns its result when that is on disk. Work that fails changes
    /// nothing.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (sender, outcome) = oneshot::channel();
        let work: Work = Box::new(move |db| {
            let done = alone(db, work);
            Box::new(move |committed| {
                // Nobody waits if the connection of the caller is gone.
                let _ = sender.send(if committed { done } else { Err(Failure::Lost) });
            })
        });
        self.0.send(work).await.map_err(|_| Failure::Lost)?;
        outcome.await.map_err(|_| Failure::Lost)?
    }
}

/// Does one piece of work, and takes back its changes if it fails.
fn alone<T>(
    db: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    db.execute_batch("SAVEPOINT one")?;
    let done = work(db);
    if done.is_err() {
        db.execute_batch("ROLLBACK TO one")?;
    }
    db.execute_batch("RELEASE one")?;
    done
}

fn run(db: &Connection, mut work: mpsc::Receiver<Work>) {
    while let Some(first) = work.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(next) = work.try_recv()
        {
            batch.push(next);
        }
        let begun = db.execute_batch("BEGIN IMMEDIATE").is_ok();
        let reports: Vec<Report> = batch.into_iter().map(|work| work(db)).collect();
        let committed = begun && db.execute_batch("COMMIT").is_ok();
        if !committed {
            // Without a transaction there is nothing to take back.
            let _ = db.execute_batch("ROLLBACK");
        }
        reports.into_iter().for_each(|report| report(committed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS numbers (n INTEGER PRIMARY KEY) STRICT;";

    #[tokio::test]
    async fn failed_work_changes_nothing_and_the_rest_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.sqlite");
        let engine = Engine::open(&file, SCHEMA).unwrap();
        let insert = |n: i64, fails: bool| {
            engine.run(move |db| {
                db.execute("INSERT INTO numbers VALUES (?1)", [n])?;
                if fails { Err(Failure::Full) } else { Ok(n) }
            })
        };
        let (one, two, three) = tokio::join!(insert(1, false), insert(2, true), insert(3, false));
        assert_eq!((one.unwrap(), three.unwrap()), (1, 3));
        assert!(matches!(two, Err(Failure::Full)));
        assert!(matches!(insert(1, false).await, Err(Failure::Database(_))));
        drop(engine);
        // What was answered is there for the next one that opens the file.
        let engine = Engine::open(&file, SCHEMA).unwrap();
        let all = engine.run(|db| {
            let mut query = db.prepare("SELECT n FROM numbers ORDER BY n")?;
            let all: Result<Vec<i64>, _> = query.query_map([], |row| row.get(0))?.collect();
            Ok(all?)
        });
        assert_eq!(all.await.unwrap(), [1, 3]);
        let synchronous = engine
            .run(|db| Ok(db.query_row("PRAGMA synchronous", [], |row| row.get::<_, i64>(0))?));
        assert_eq!(synchronous.await.unwrap(), 2, "FULL");
    }
}
