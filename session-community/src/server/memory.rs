//! A store in memory, for tests and small servers.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::convert::Infallible;

use session_types::{AnyId, UnixMillis};

use super::store::{File, InboxItem, Member, Post, Room, Store, User};
use crate::auth::{NONCE_LENGTH, TIME_TOLERANCE};

/// A [`Store`] in memory.
#[derive(Debug, Default)]
pub struct Memory {
    nonces: BTreeMap<(AnyId, [u8; NONCE_LENGTH]), UnixMillis>,
    users: BTreeMap<AnyId, User>,
    rooms: Vec<Room>,
    members: BTreeMap<(String, AnyId), Member>,
    posts: BTreeMap<u64, Post>,
    /// Room and sequence number of the last change of each post.
    changes: BTreeMap<(String, u64), u64>,
    last_post: u64,
    files: BTreeMap<u64, (File, Vec<u8>)>,
    last_file: u64,
    inbox: BTreeMap<u64, InboxItem>,
    last_inbox: u64,
}

impl Memory {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

const fn next(last: &mut u64) -> u64 {
    *last = last.saturating_add(1);
    *last
}

impl Store for Memory {
    type Error = Infallible;

    fn spend_nonce(
        &mut self,
        id: &AnyId,
        nonce: &[u8; NONCE_LENGTH],
        now: UnixMillis,
    ) -> Result<bool, Infallible> {
        let key = (*id, *nonce);
        let fresh = !self.nonces.contains_key(&key);
        if fresh {
            // A timestamp may be a day early and a day late.
            let keep = TIME_TOLERANCE.saturating_mul(2);
            self.nonces.retain(|_, spent| now.since(*spent) <= keep);
            self.nonces.insert(key, now);
        }
        Ok(fresh)
    }

    fn user(&self, id: &AnyId) -> Result<Option<User>, Infallible> {
        Ok(self.users.get(id).copied())
    }

    fn put_user(&mut self, id: &AnyId, user: &User) -> Result<(), Infallible> {
        self.users.insert(*id, *user);
        Ok(())
    }

    fn rooms(&self) -> Result<Vec<Room>, Infallible> {
        Ok(self.rooms.clone())
    }

    fn room(&self, token: &str) -> Result<Option<Room>, Infallible> {
        Ok(self.rooms.iter().find(|room| room.token == token).cloned())
    }

    fn put_room(&mut self, room: &Room) -> Result<(), Infallible> {
        match self
            .rooms
            .iter_mut()
            .find(|known| known.token == room.token)
        {
            Some(known) => known.clone_from(room),
            None => self.rooms.push(room.clone()),
        }
        Ok(())
    }

    fn member(&self, room: &str, id: &AnyId) -> Result<Option<Member>, Infallible> {
        Ok(self.members.get(&(room.to_string(), *id)).cloned())
    }

    fn members(&self, room: &str) -> Result<Vec<(AnyId, Member)>, Infallible> {
        let members = self.members.iter().filter(|((of, _), _)| of == room);
        Ok(members
            .map(|((_, id), member)| (*id, member.clone()))
            .collect())
    }

    fn put_member(&mut self, room: &str, id: &AnyId, member: &Member) -> Result<(), Infallible> {
        let key = (room.to_string(), *id);
        match member.is_default() {
            true => self.members.remove(&key),
            false => self.members.insert(key, member.clone()),
        };
        Ok(())
    }

    fn next_post(&mut self) -> Result<u64, Infallible> {
        Ok(next(&mut self.last_post))
    }

    fn post(&self, room: &str, id: u64) -> Result<Option<Post>, Infallible> {
        Ok(self
            .posts
            .get(&id)
            .filter(|post| post.room == room)
            .cloned())
    }

    fn put_post(&mut self, post: &Post) -> Result<(), Infallible> {
        if let Some(known) = self.posts.insert(post.id, post.clone()) {
            self.changes.remove(&(known.room, known.seqno));
        }
        self.changes
            .insert((post.room.clone(), post.seqno), post.id);
        Ok(())
    }

    fn posts_before(
        &self,
        room: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Post>, Infallible> {
        let posts = self.posts.range(..before.unwrap_or(u64::MAX)).rev();
        let posts = posts.map(|(_, post)| post);
        let live = posts.filter(|post| post.room == room && post.data.is_some());
        Ok(live.take(limit).cloned().collect())
    }

    fn posts_since(&self, room: &str, seqno: u64, limit: usize) -> Result<Vec<Post>, Infallible> {
        let start = (room.to_string(), seqno.saturating_add(1));
        let changes = self
            .changes
            .range(start..)
            .take_while(|((of, _), _)| of == room);
        let posts = changes.filter_map(|(_, id)| self.posts.get(id));
        Ok(posts.take(limit).cloned().collect())
    }

    fn posts_of(&self, room: &str, author: &AnyId) -> Result<Vec<Post>, Infallible> {
        let of = |post: &&Post| post.room == room && post.author == *author && post.data.is_some();
        Ok(self.posts.values().filter(of).cloned().collect())
    }

    fn count_posts(
        &self,
        room: &str,
        author: &AnyId,
        after: UnixMillis,
    ) -> Result<usize, Infallible> {
        // The newest come first; the clock may have been set back, so older ones are looked at too.
        let of = |post: &&Post| post.room == room && post.author == *author && post.posted > after;
        Ok(self.posts.values().rev().take(1000).filter(of).count())
    }

    fn next_file(&mut self) -> Result<u64, Infallible> {
        Ok(next(&mut self.last_file))
    }

    fn file(&self, id: u64) -> Result<Option<File>, Infallible> {
        Ok(self.files.get(&id).map(|(file, _)| file.clone()))
    }

    fn files_of(&self, post: u64) -> Result<Vec<File>, Infallible> {
        let files = self.files.values().map(|(file, _)| file);
        let of = files.filter(|file| file.post == Some(post));
        Ok(of.cloned().collect())
    }

    fn file_content(&self, id: u64) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.files.get(&id).map(|(_, content)| content.clone()))
    }

    fn put_file(&mut self, file: &File, content: Option<&[u8]>) -> Result<(), Infallible> {
        match (self.files.get_mut(&file.id), content) {
            (Some((known, _)), None) => known.clone_from(file),
            (_, Some(content)) => {
                self.files.insert(file.id, (file.clone(), content.to_vec()));
            }
            (None, None) => {}
        }
        Ok(())
    }

    fn next_inbox(&mut self) -> Result<u64, Infallible> {
        Ok(next(&mut self.last_inbox))
    }

    fn put_inbox(&mut self, item: &InboxItem) -> Result<(), Infallible> {
        self.inbox.insert(item.id, item.clone());
        Ok(())
    }

    fn inbox(
        &self,
        user: &AnyId,
        is_received: bool,
        since: u64,
        now: UnixMillis,
        limit: usize,
    ) -> Result<Vec<InboxItem>, Infallible> {
        let of = |item: &&InboxItem| {
            let own = if is_received {
                item.recipient
            } else {
                item.sender
            };
            own == *user && now < item.expires
        };
        let items = self.inbox.range(since.saturating_add(1)..);
        Ok(items
            .map(|(_, item)| item)
            .filter(of)
            .take(limit)
            .cloned()
            .collect())
    }

    fn delete_inbox(&mut self, user: &AnyId) -> Result<u64, Infallible> {
        let mut deleted: u64 = 0;
        self.inbox.retain(|_, item| {
            let keep = item.recipient != *user;
            deleted = deleted.saturating_add(u64::from(!keep));
            keep
        });
        Ok(deleted)
    }
}
