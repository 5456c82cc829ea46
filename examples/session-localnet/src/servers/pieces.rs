//! Contents of files in a database, in pieces. The database copies every value that is bound to a
//! statement, so only one piece is in memory twice.

use rusqlite::{Connection, params};

use super::engine::Failure;

/// The table of the pieces.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS pieces (
        file   TEXT    NOT NULL,
        number INTEGER NOT NULL,
        data   BLOB    NOT NULL,
        PRIMARY KEY (file, number)
    ) STRICT;
";
/// Length of a piece in bytes.
const PIECE: usize = 256 * 1024;
/// Spare capacity behind a content that is read, in bytes: the headers, the nonce and the tag of the onion
/// response are written into the same buffer.
const SPARE: usize = 4096;

/// Keeps the content of a file, in place of what there was.
pub(crate) fn put(db: &Connection, file: &str, content: &[u8]) -> Result<(), Failure> {
    remove(db, file)?;
    let mut insert =
        db.prepare_cached("INSERT INTO pieces (file, number, data) VALUES (?1, ?2, ?3)")?;
    for (number, piece) in (0_i64..).zip(content.chunks(PIECE)) {
        insert.execute(params![file, number, piece])?;
    }
    Ok(())
}

/// The content of a file of `size` bytes, in a buffer with [`SPARE`] capacity.
pub(crate) fn get(db: &Connection, file: &str, size: usize) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::with_capacity(size.saturating_add(SPARE));
    let mut query = db.prepare_cached("SELECT data FROM pieces WHERE file = ?1 ORDER BY number")?;
    let mut rows = query.query([file])?;
    while let Some(row) = rows.next()? {
        let piece = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        content.extend_from_slice(piece);
    }
    match content.len() == size {
        true => Ok(content),
        false => Err(Failure::Content("file")),
    }
}

/// Forgets the content of a file.
pub(crate) fn remove(db: &Connection, file: &str) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM pieces WHERE file = ?1")?
        .execute([file])?;
    Ok(())
}
