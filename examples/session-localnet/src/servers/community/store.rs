//! Rooms, posts and users in SQLite.

use rusqlite::{Connection, OptionalExtension, Row, params};
use session_community::auth::{NONCE_LENGTH, TIME_TOLERANCE};
use session_community::server::{
    Defaults, File, Future, InboxItem, Member, Pin, Post, Reactors, Room, Store, User, Whisper,
    apply_scheduled,
};
use session_types::{AnyId, Ed25519Signature, UnixMillis};

use crate::servers::engine::Failure;
use crate::servers::{pieces, time};

/// Time for which a user counts as active.
const ACTIVE: std::time::Duration = std::time::Duration::from_secs(604_800);

/// Value of `banned` for users who are not.
const NOT_BANNED: i64 = 0;
/// Value of `banned` for a ban without an end. Any greater one is the time of the end in ms.
const FOR_GOOD: i64 = 1;

/// The database.
pub(in crate::servers) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS nonces (
        id    BLOB    NOT NULL,
        nonce BLOB    NOT NULL,
        at    INTEGER NOT NULL,
        PRIMARY KEY (id, nonce)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS nonces_by_time ON nonces (at);
    CREATE TABLE IF NOT EXISTS users (
        id        BLOB    PRIMARY KEY,
        banned    INTEGER NOT NULL,
        moderator INTEGER NOT NULL,
        admin     INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS rooms (
        number       INTEGER PRIMARY KEY AUTOINCREMENT,
        token        TEXT    NOT NULL UNIQUE,
        name         TEXT    NOT NULL,
        description  TEXT,
        image        INTEGER,
        created      INTEGER NOT NULL,
        info_updates INTEGER NOT NULL,
        sequence     INTEGER NOT NULL,
        active_users INTEGER NOT NULL,
        defaults     TEXT    NOT NULL,
        pinned       TEXT    NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS members (
        room     TEXT NOT NULL,
        id       BLOB NOT NULL,
        settings TEXT NOT NULL,
        PRIMARY KEY (room, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS posts (
        id            INTEGER PRIMARY KEY,
        room          TEXT    NOT NULL,
        author        BLOB    NOT NULL,
        posted        INTEGER NOT NULL,
        edited        INTEGER,
        data          BLOB,
        signature     BLOB    NOT NULL,
        whisper       TEXT,
        reactions     TEXT    NOT NULL,
        seqno_created INTEGER NOT NULL,
        seqno_data    INTEGER NOT NULL,
        seqno         INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS posts_by_id ON posts (room, id);
    CREATE INDEX IF NOT EXISTS posts_by_seqno ON posts (room, seqno);
    CREATE INDEX IF NOT EXISTS posts_by_author ON posts (room, author, posted);
    CREATE TABLE IF NOT EXISTS files (
        id       INTEGER PRIMARY KEY,
        room     TEXT    NOT NULL,
        name     TEXT,
        size     INTEGER NOT NULL,
        uploaded INTEGER NOT NULL,
        expires  INTEGER,
        post     INTEGER
    ) STRICT;
    CREATE INDEX IF NOT EXISTS files_by_post ON files (post);
    CREATE TABLE IF NOT EXISTS inbox (
        id        INTEGER PRIMARY KEY,
        sender    BLOB    NOT NULL,
        recipient BLOB    NOT NULL,
        posted    INTEGER NOT NULL,
        expires   INTEGER NOT NULL,
        message   BLOB    NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS inbox_by_recipient ON inbox (recipient, id);
    CREATE INDEX IF NOT EXISTS inbox_by_sender ON inbox (sender, id);
    CREATE TABLE IF NOT EXISTS counters (
        name  TEXT    PRIMARY KEY,
        value INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// Everything, as one request sees it.
pub(super) struct Rooms<'a> {
    pub(super) db: &'a Connection,
    pub(super) is_full: bool,
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn get_number(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.unsigned_abs())
}

fn get_time(row: &Row<'_>, column: &str) -> rusqlite::Result<UnixMillis> {
    get_number(row, column).map(UnixMillis::new)
}

fn get_opt_number(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<u64>> {
    let value: Option<i64> = row.get(column)?;
    Ok(value.map(i64::unsigned_abs))
}

fn get_id(row: &Row<'_>, column: &str) -> rusqlite::Result<AnyId> {
    row.get(column).map(AnyId::from_bytes)
}

/// A column of JSON that this file wrote.
fn get_json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<T, Failure> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|_| Failure::Content("column of JSON"))
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|_| Failure::Content("value"))
}

fn parse_id(text: &str) -> Result<AnyId, Failure> {
    text.parse().map_err(|_| Failure::Content("id"))
}

/// id, time, by.
type PinRow = (u64, u64, String);
/// read, accessible, write, upload.
type DefaultsRow = [bool; 4];
/// Emoji, and who reacted when.
type ReactionRow = (String, Vec<(String, u64)>);
/// at, read, write, upload, banned.
type FutureRow = (u64, [Option<bool>; 4]);
/// read, accessible, write, upload; banned, moderator, admin, hidden; scheduled changes.
type MemberRow = ([Option<bool>; 4], [bool; 4], Vec<FutureRow>);

fn room(row: &Row<'_>) -> Result<Room, Failure> {
    let [read, accessible, write, upload]: DefaultsRow = get_json(row, "defaults")?;
    let pinned: Vec<PinRow> = get_json(row, "pinned")?;
    let pin = |(id, at, by): PinRow| {
        Ok(Pin {
            id,
            at: UnixMillis::new(at),
            by: parse_id(&by)?,
        })
    };
    Ok(Room {
        token: row.get("token")?,
        name: row.get("name")?,
        description: row.get("description")?,
        image: get_opt_number(row, "image")?,
        created: get_time(row, "created")?,
        info_updates: get_number(row, "info_updates")?,
        sequence: get_number(row, "sequence")?,
        active_users: get_number(row, "active_users")?,
        defaults: Defaults {
            read,
            accessible,
            write,
            upload,
        },
        pinned: pinned
            .into_iter()
            .map(pin)
            .collect::<Result<_, Failure>>()?,
    })
}

fn member(row: &Row<'_>) -> Result<Member, Failure> {
    let (own, flags, futures): MemberRow = get_json(row, "settings")?;
    let [read, accessible, write, upload] = own;
    let [banned, moderator, admin, hidden] = flags;
    let future = |(at, [read, write, upload, banned]): FutureRow| Future {
        at: UnixMillis::new(at),
        read,
        write,
        upload,
        banned,
    };
    Ok(Member {
        read,
        accessible,
        write,
        upload,
        banned,
        moderator,
        admin,
        hidden,
        futures: futures.into_iter().map(future).collect(),
    })
}

fn post(row: &Row<'_>) -> Result<Post, Failure> {
    let whisper: Option<String> = row.get("whisper")?;
    let whisper: Option<(Option<String>, bool)> = match whisper {
        None => None,
        Some(_) => Some(get_json(row, "whisper")?),
    };
    let whisper = match whisper {
        None => None,
        Some((to, mods)) => Some(Whisper {
            to: to.as_deref().map(parse_id).transpose()?,
            mods,
        }),
    };
    let reactions: Vec<ReactionRow> = get_json(row, "reactions")?;
    let reactors = |(emoji, who): ReactionRow| {
        let who = who.into_iter();
        let who = who.map(|(id, at)| Ok((parse_id(&id)?, UnixMillis::new(at))));
        Ok((emoji, who.collect::<Result<Reactors, Failure>>()?))
    };
    Ok(Post {
        id: get_number(row, "id")?,
        room: row.get("room")?,
        author: get_id(row, "author")?,
        posted: get_time(row, "posted")?,
        edited: get_opt_number(row, "edited")?.map(UnixMillis::new),
        data: row.get("data")?,
        signature: Ed25519Signature::from_bytes(row.get("signature")?),
        whisper,
        reactions: reactions
            .into_iter()
            .map(reactors)
            .collect::<Result<_, Failure>>()?,
        seqno_created: get_number(row, "seqno_created")?,
        seqno_data: get_number(row, "seqno_data")?,
        seqno: get_number(row, "seqno")?,
    })
}

fn file(row: &Row<'_>) -> rusqlite::Result<File> {
    Ok(File {
        id: get_number(row, "id")?,
        room: row.get("room")?,
        name: row.get("name")?,
        uploaded: get_time(row, "uploaded")?,
        expires: get_opt_number(row, "expires")?.map(UnixMillis::new),
        post: get_opt_number(row, "post")?,
    })
}

fn inbox_item(row: &Row<'_>) -> Result<InboxItem, Failure> {
    Ok(InboxItem {
        id: get_number(row, "id")?,
        sender: get_id(row, "sender")?,
        recipient: get_id(row, "recipient")?,
        posted: get_time(row, "posted")?,
        expires: get_time(row, "expires")?,
        message: row.get("message")?,
    })
}

impl Rooms<'_> {
    /// Refuses to write when the disk is said to be full.
    fn writable(&self) -> Result<(), Failure> {
        match self.is_full {
            true => Err(Failure::Full),
            false => Ok(()),
        }
    }

    fn next(&self, counter: &str) -> Result<u64, Failure> {
        let mut next = self.db.prepare_cached(
            "INSERT INTO counters (name, value) VALUES (?1, 1)
             ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
        )?;
        let value: i64 = next.query_row([counter], |row| row.get(0))?;
        Ok(value.unsigned_abs())
    }

    /// The rows of a query, each read by `read`.
    fn all<T>(
        &self,
        query: &str,
        values: impl rusqlite::Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let mut query = self.db.prepare_cached(query)?;
        let mut rows = query.query(values)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(row)?);
        }
        Ok(all)
    }
}

impl Store for Rooms<'_> {
    type Error = Failure;

    fn spend_nonce(
        &mut self,
        id: &AnyId,
        nonce: &[u8; NONCE_LENGTH],
        now: UnixMillis,
    ) -> Result<bool, Failure> {
        let mut insert = self
            .db
            .prepare_cached("INSERT OR IGNORE INTO nonces (id, nonce, at) VALUES (?1, ?2, ?3)")?;
        Ok(insert.execute(params![id.as_bytes(), nonce, time(now)])? == 1)
    }

    fn user(&self, id: &AnyId) -> Result<Option<User>, Failure> {
        let mut query = self
            .db
            .prepare_cached("SELECT banned, moderator, admin FROM users WHERE id = ?1")?;
        let user = query.query_row([id.as_bytes()], |row| {
            let ban: i64 = row.get(0)?;
            Ok(User {
                banned: ban != NOT_BANNED,
                ban_ends: (ban > FOR_GOOD).then(|| UnixMillis::new(ban.unsigned_abs())),
                moderator: row.get(1)?,
                admin: row.get(2)?,
            })
        });
        Ok(user.optional()?)
    }

    fn put_user(&mut self, id: &AnyId, user: &User) -> Result<(), Failure> {
        let ban = match (user.banned, user.ban_ends) {
            (false, _) => NOT_BANNED,
            (true, None) => FOR_GOOD,
            (true, Some(end)) => time(end),
        };
        self.db
            .prepare_cached("INSERT OR REPLACE INTO users (id, banned, moderator, admin) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id.as_bytes(), ban, user.moderator, user.admin])?;
        Ok(())
    }

    fn rooms(&self) -> Result<Vec<Room>, Failure> {
        self.all("SELECT * FROM rooms ORDER BY number", [], room)
    }

    fn room(&self, token: &str) -> Result<Option<Room>, Failure> {
        let found = self.all("SELECT * FROM rooms WHERE token = ?1", [token], room)?;
        Ok(found.into_iter().next())
    }

    fn put_room(&mut self, room: &Room) -> Result<(), Failure> {
        self.writable()?;
        let defaults = room.defaults;
        let defaults: DefaultsRow = [
            defaults.read,
            defaults.accessible,
            defaults.write,
            defaults.upload,
        ];
        let pin = |pin: &Pin| -> PinRow { (pin.id, pin.at.get(), pin.by.to_string()) };
        let pinned: Vec<PinRow> = room.pinned.iter().map(pin).collect();
        self.db
            .prepare_cached(
                "INSERT INTO rooms (token, name, description, image, created, info_updates, sequence,
                     active_users, defaults, pinned)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (token) DO UPDATE SET name = ?2, description = ?3, image = ?4,
                     info_updates = ?6, sequence = ?7, active_users = ?8, defaults = ?9, pinned = ?10",
            )?
            .execute(params![
                room.token,
                room.name,
                room.description,
                room.image.map(number),
                time(room.created),
                number(room.info_updates),
                number(room.sequence),
                number(room.active_users),
                json(&defaults)?,
                json(&pinned)?,
            ])?;
        Ok(())
    }

    fn member(&self, room: &str, id: &AnyId) -> Result<Option<Member>, Failure> {
        let query = "SELECT settings FROM members WHERE room = ?1 AND id = ?2";
        let found = self.all(query, params![room, id.as_bytes()], member)?;
        Ok(found.into_iter().next())
    }

    fn members(&self, room: &str) -> Result<Vec<(AnyId, Member)>, Failure> {
        let query = "SELECT id, settings FROM members WHERE room = ?1 ORDER BY id";
        self.all(query, [room], |row| Ok((get_id(row, "id")?, member(row)?)))
    }

    fn put_member(&mut self, room: &str, id: &AnyId, member: &Member) -> Result<(), Failure> {
        self.writable()?;
        if member.is_default() {
            self.db
                .prepare_cached("DELETE FROM members WHERE room = ?1 AND id = ?2")?
                .execute(params![room, id.as_bytes()])?;
            return Ok(());
        }
        let future = |future: &Future| -> FutureRow {
            let changes = [future.read, future.write, future.upload, future.banned];
            (future.at.get(), changes)
        };
        let settings: MemberRow = (
            [member.read, member.accessible, member.write, member.upload],
            [member.banned, member.moderator, member.admin, member.hidden],
            member.futures.iter().map(future).collect(),
        );
        self.db
            .prepare_cached(
                "INSERT OR REPLACE INTO members (room, id, settings) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![room, id.as_bytes(), json(&settings)?])?;
        Ok(())
    }

    fn next_post(&mut self) -> Result<u64, Failure> {
        self.next("post")
    }

    fn post(&self, room: &str, id: u64) -> Result<Option<Post>, Failure> {
        let query = "SELECT * FROM posts WHERE id = ?1 AND room = ?2";
        let found = self.all(query, params![number(id), room], post)?;
        Ok(found.into_iter().next())
    }

    fn put_post(&mut self, post: &Post) -> Result<(), Failure> {
        self.writable()?;
        let whisper = post.whisper.as_ref();
        let whisper =
            whisper.map(|whisper| json(&(whisper.to.map(|to| to.to_string()), whisper.mods)));
        let reaction = |(emoji, who): &(String, Reactors)| -> ReactionRow {
            let who = who.iter().map(|(id, at)| (id.to_string(), at.get()));
            (emoji.clone(), who.collect())
        };
        let reactions: Vec<ReactionRow> = post.reactions.iter().map(reaction).collect();
        self.db
            .prepare_cached(
                "INSERT OR REPLACE INTO posts (id, room, author, posted, edited, data, signature, whisper,
                     reactions, seqno_created, seqno_data, seqno)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                number(post.id),
                post.room,
                post.author.as_bytes(),
                time(post.posted),
                post.edited.map(time),
                post.data,
                post.signature.as_bytes(),
                whisper.transpose()?,
                json(&reactions)?,
                number(post.seqno_created),
                number(post.seqno_data),
                number(post.seqno),
            ])?;
        Ok(())
    }

    fn posts_before(
        &self,
        room: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Post>, Failure> {
        let query = "SELECT * FROM posts WHERE room = ?1 AND id < ?2 AND data IS NOT NULL
                     ORDER BY id DESC LIMIT ?3";
        let before = before.map_or(i64::MAX, number);
        self.all(query, params![room, before, number(limit as u64)], post)
    }

    fn posts_since(&self, room: &str, seqno: u64, limit: usize) -> Result<Vec<Post>, Failure> {
        let query = "SELECT * FROM posts WHERE room = ?1 AND seqno > ?2 ORDER BY seqno LIMIT ?3";
        self.all(
            query,
            params![room, number(seqno), number(limit as u64)],
            post,
        )
    }

    fn posts_of(&self, room: &str, author: &AnyId) -> Result<Vec<Post>, Failure> {
        let query =
            "SELECT * FROM posts WHERE room = ?1 AND author = ?2 AND data IS NOT NULL ORDER BY id";
        self.all(query, params![room, author.as_bytes()], post)
    }

    fn count_posts(&self, room: &str, author: &AnyId, after: UnixMillis) -> Result<usize, Failure> {
        let mut query = self.db.prepare_cached(
            "SELECT count(*) FROM posts WHERE room = ?1 AND author = ?2 AND posted > ?3",
        )?;
        let count: i64 = query.query_row(params![room, author.as_bytes(), time(after)], |row| {
            row.get(0)
        })?;
        usize::try_from(count).map_err(|_| Failure::Content("count"))
    }

    fn next_file(&mut self) -> Result<u64, Failure> {
        self.next("file")
    }

    fn file(&self, id: u64) -> Result<Option<File>, Failure> {
        let mut query = self
            .db
            .prepare_cached("SELECT * FROM files WHERE id = ?1")?;
        Ok(query.query_row([number(id)], file).optional()?)
    }

    fn files_of(&self, post: u64) -> Result<Vec<File>, Failure> {
        let query = "SELECT * FROM files WHERE post = ?1 ORDER BY id";
        self.all(query, [number(post)], |row| Ok(file(row)?))
    }

    fn file_content(&self, id: u64) -> Result<Option<Vec<u8>>, Failure> {
        let mut query = self
            .db
            .prepare_cached("SELECT size FROM files WHERE id = ?1")?;
        let size: Option<i64> = query.query_row([number(id)], |row| row.get(0)).optional()?;
        let Some(size) = size else { return Ok(None) };
        let size = usize::try_from(size).map_err(|_| Failure::Content("size"))?;
        pieces::get(self.db, &id.to_string(), size).map(Some)
    }

    fn put_file(&mut self, file: &File, content: Option<&[u8]>) -> Result<(), Failure> {
        self.writable()?;
        let Some(content) = content else {
            self.db
                .prepare_cached(
                    "UPDATE files SET name = ?2, expires = ?3, post = ?4 WHERE id = ?1",
                )?
                .execute(params![
                    number(file.id),
                    file.name,
                    file.expires.map(time),
                    file.post.map(number)
                ])?;
            return Ok(());
        };
        pieces::put(self.db, &file.id.to_string(), content)?;
        self.db
            .prepare_cached(
                "INSERT OR REPLACE INTO files (id, room, name, size, uploaded, expires, post)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                number(file.id),
                file.room,
                file.name,
                number(content.len() as u64),
                time(file.uploaded),
                file.expires.map(time),
                file.post.map(number),
            ])?;
        Ok(())
    }

    fn next_inbox(&mut self) -> Result<u64, Failure> {
        self.next("inbox")
    }

    fn put_inbox(&mut self, item: &InboxItem) -> Result<(), Failure> {
        self.writable()?;
        self.db
            .prepare_cached(
                "INSERT OR REPLACE INTO inbox (id, sender, recipient, posted, expires, message)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                number(item.id),
                item.sender.as_bytes(),
                item.recipient.as_bytes(),
                time(item.posted),
                time(item.expires),
                item.message,
            ])?;
        Ok(())
    }

    fn inbox(
        &self,
        user: &AnyId,
        is_received: bool,
        since: u64,
        now: UnixMillis,
        limit: usize,
    ) -> Result<Vec<InboxItem>, Failure> {
        let query = match is_received {
            true => {
                "SELECT * FROM inbox WHERE recipient = ?1 AND id > ?2 AND expires > ?3 ORDER BY id LIMIT ?4"
            }
            false => {
                "SELECT * FROM inbox WHERE sender = ?1 AND id > ?2 AND expires > ?3 ORDER BY id LIMIT ?4"
            }
        };
        let values = params![
            user.as_bytes(),
            number(since),
            time(now),
            number(limit as u64)
        ];
        self.all(query, values, inbox_item)
    }

    fn delete_inbox(&mut self, user: &AnyId) -> Result<u64, Failure> {
        let mut delete = self
            .db
            .prepare_cached("DELETE FROM inbox WHERE recipient = ?1")?;
        Ok(delete.execute([user.as_bytes()])? as u64)
    }
}

/// Forgets what has expired, applies scheduled changes, and counts who is active.
pub(in crate::servers) fn tick(db: &Connection, now: UnixMillis) -> Result<(), Failure> {
    // A timestamp may be a day early and a day late.
    let spent = now.saturating_sub(TIME_TOLERANCE.saturating_mul(2));
    db.execute("DELETE FROM nonces WHERE at < ?1", [time(spent)])?;
    db.execute("DELETE FROM inbox WHERE expires <= ?1", [time(now)])?;
    let mut query = db.prepare_cached("DELETE FROM files WHERE expires <= ?1 RETURNING id")?;
    let expired: Result<Vec<i64>, _> = query.query_map([time(now)], |row| row.get(0))?.collect();
    for id in expired? {
        pieces::remove(db, &id.to_string())?;
    }
    apply_scheduled(&mut Rooms { db, is_full: false }, now)?;
    db.execute(
        "UPDATE rooms SET active_users = (SELECT count(DISTINCT author) FROM posts
             WHERE posts.room = rooms.token AND posted > ?1)",
        [time(now.saturating_sub(ACTIVE))],
    )?;
    Ok(())
}

/// Counts the posts.
pub(in crate::servers) fn count(db: &Connection) -> Result<u64, Failure> {
    let count: i64 = db.query_row(
        "SELECT count(*) FROM posts WHERE data IS NOT NULL",
        [],
        |row| row.get(0),
    )?;
    Ok(count.unsigned_abs())
}
