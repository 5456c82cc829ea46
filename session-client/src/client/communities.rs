//! Communities: rooms on servers outside of the network of nodes (protocol: community, sections 1 to 6).
//!
//! ```text
//! join, another device     -> an entry of the config of the groups -> a room, polled with its server
//! poll -> one batch for a server: capabilities, rooms, inbox and outbox -> posts, messages -> events
//! send, act_in_room        -> an errand, persisted -> a signed request -> its answer, or another attempt
//! ```
//!
//! A server that is down, slow or lies costs what it serves, and nothing else.

mod errand;
mod inbox;
mod joined;
mod poll;
mod posts;
mod server;
mod work;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use session_community::poll::Poll;
use session_config::EditError;
use session_config::conversations::{Conversation as Place, Progress};
use session_config::groups::CommunityEntry;
use session_identity::community::{BaseUrl, Community};
use session_network::Now;
use session_types::{AnyId, MonotonicTime, UnixMillis};

pub use joined::JoinedRoom;

use super::Client;
use super::send::seconds;
use crate::conversation::ConversationId;
use crate::error::{RecordError, RoomError};
use crate::event::Event;
use crate::outbox::SendId;
use crate::record::Key;
use crate::room::RoomId;
use errand::Errand;
use posts::Known;
use server::ServerState;

/// Maximum number of rooms that an account is in. Entries of the shared config beyond that are not followed.
const MAX_ROOMS: usize = 100;

/// A request to the server of a community.
#[derive(Debug)]
pub(crate) enum ServerCall {
    /// Its capabilities, without a signature.
    Capabilities(BaseUrl),
    /// The batch of all its rooms.
    Poll(BaseUrl, Poll),
    /// A message, or an act.
    Errand(BaseUrl, SendId),
}

/// Rooms, their servers, and what is to be done there.
#[derive(Default)]
pub(super) struct Communities {
    servers: BTreeMap<BaseUrl, ServerState>,
    rooms: BTreeMap<RoomId, JoinedRoom>,
    /// The posts of each room that are recognised, by their numbers.
    posts: BTreeMap<RoomId, BTreeMap<u64, Known>>,
    errands: BTreeMap<SendId, Errand>,
}

impl Communities {
    pub(super) fn outgoing(&self) -> usize {
        self.errands.len()
    }

    pub(super) fn sending(&self) -> impl Iterator<Item = SendId> + '_ {
        self.errands.keys().copied()
    }

    pub(super) fn due(&self) -> Option<MonotonicTime> {
        let servers = self.servers.values().filter_map(ServerState::due);
        let errands = self.eligible().map(|(_, due)| due);
        servers.chain(errands).min()
    }
}

impl Client {
    /// Joins a room of a community. It is polled from now on, and the other devices of the account join it, too.
    ///
    /// # Errors
    ///
    /// [`RoomError`] if the server is known with another key, no node posts to it, or there are too many rooms. Nothing
    /// has changed then.
    pub fn join(&mut self, community: &Community, now: Now) -> Result<RoomId, RoomError> {
        let id = RoomId::from(community);
        if self.communities.rooms.contains_key(&id) {
            return Ok(id);
        }
        let key = &community.key;
        let mut known = self.configs.groups.communities();
        let is_other =
            known.any(|(base, entry)| base == community.base.as_str() && entry.id != *key);
        drop(known);
        if is_other {
            return Err(RoomError::OtherKey);
        }
        ServerState::new(&self.account, &community.base, key).ok_or(RoomError::Server)?;
        if self.communities.rooms.len() >= MAX_ROOMS {
            return Err(RoomError::TooManyRooms);
        }
        let mut entry = CommunityEntry::new(*key);
        entry.room = community.room.as_typed().into();
        entry.joined = seconds(now.wall);
        self.configs.groups.set_community(&community.base, &entry)?;
        self.note_configs(now);
        Ok(id)
    }

    /// Leaves a room, on all devices of the account. Its history stays.
    ///
    /// # Errors
    ///
    /// [`RoomError`] if the account is in no such room, or the config cannot be changed.
    pub fn leave_room(&mut self, id: &RoomId, now: Now) -> Result<(), RoomError> {
        let room = self.communities.rooms.get(id).ok_or(RoomError::Unknown)?;
        let community = room.community().clone();
        let (base, name) = (&community.base, community.room.id());
        self.configs.groups.remove_community(base, name)?;
        // If the place cannot be forgotten, it is pruned when it is old.
        let _ = self
            .configs
            .conversations
            .remove(&Place::community(base, name));
        self.note_configs(now);
        Ok(())
    }

    /// Returns the rooms that the account is in, in the order of their names in records.
    pub fn rooms(&self) -> impl Iterator<Item = &JoinedRoom> {
        self.communities.rooms.values()
    }

    /// Returns a room that the account is in.
    #[must_use]
    pub fn room(&self, id: &RoomId) -> Option<&JoinedRoom> {
        self.communities.rooms.get(id)
    }

    /// Returns the id under which the server of a room knows us: a blinded one. Others quote us by it.
    #[must_use]
    pub fn own_id_in(&self, id: &RoomId) -> Option<AnyId> {
        let base = &self.communities.rooms.get(id)?.community().base;
        let server = self.communities.servers.get(base)?;
        Some(server.own_id())
    }

    /// Follows the config of the groups: joins rooms that have an entry, and leaves those that have none any more.
    pub(super) fn follow_rooms(&mut self) {
        let mut entries: Vec<(i64, Community)> = self
            .configs
            .groups
            .communities()
            .filter(|(_, entry)| !entry.is_invited)
            .filter_map(|(base, entry)| {
                let community = Community {
                    base: base.parse().ok()?,
                    room: entry.room.parse().ok()?,
                    key: entry.id,
                };
                Some((entry.joined, community))
            })
            .collect();
        entries.sort_by_key(|(joined, _)| *joined);
        entries.truncate(MAX_ROOMS);
        let wanted: BTreeMap<RoomId, Community> = entries
            .into_iter()
            .map(|(_, community)| (RoomId::from(&community), community))
            .collect();
        // Before everything was fetched, a room without an entry was not left.
        if self.configs.is_fetched() {
            let gone = self.communities.rooms.keys();
            let gone: Vec<RoomId> = gone
                .filter(|id| !wanted.contains_key(id))
                .copied()
                .collect();
            for id in gone {
                self.forget_room(&id);
                self.journal.event(Event::RoomLeft { room: id });
            }
        }
        for (id, community) in wanted {
            self.follow_room(id, community);
        }
    }

    fn follow_room(&mut self, id: RoomId, community: Community) {
        let known = self.communities.rooms.get(&id);
        if known.is_some_and(|room| room.community().key == community.key) {
            return;
        }
        let is_new = known.is_none();
        let base = community.base.clone();
        let server = self.communities.servers.get(&base);
        if server.is_none_or(|server| *server.x25519() != community.key) {
            let made = ServerState::new(&self.account, &base, &community.key);
            // Joining was refused on this device, and no node posts there.
            let Some(made) = made else { return };
            self.communities.servers.insert(base.clone(), made);
            self.put_server(&base);
        }
        if !is_new {
            // They were those of another server.
            self.forget_posts(&id);
        }
        self.communities
            .rooms
            .insert(id, JoinedRoom::new(community));
        self.put_room(&id);
        if let Some(server) = self.communities.servers.get_mut(&base) {
            server.ask_soon();
        }
        if is_new {
            self.journal.event(Event::RoomJoined { room: id });
        }
    }

    /// Forgets a room: its records, and what was to be done in it.
    fn forget_room(&mut self, id: &RoomId) {
        let Some(room) = self.communities.rooms.remove(id) else {
            return;
        };
        self.journal.delete(Key::Room(*id));
        self.forget_posts(id);
        let place = ConversationId::Room(*id);
        let errands = self.communities.errands.iter();
        let of_room = errands.filter(|(_, errand)| errand.place == place);
        let sends: Vec<SendId> = of_room.map(|(send, _)| *send).collect();
        for send in sends {
            self.fail_errand(send, RoomError::Unknown.into());
        }
        let base = &room.community().base;
        let mut others = self.communities.rooms.values();
        if !others.any(|other| other.community().base == *base) {
            self.communities.servers.remove(base);
            self.journal.delete(Key::Server(server::name(base)));
        }
    }

    /// Notes how far a room was read.
    pub(super) fn mark_room_read(
        &mut self,
        id: &RoomId,
        last: UnixMillis,
        now: Now,
    ) -> Result<(), EditError> {
        let Some(room) = self.communities.rooms.get(id) else {
            return Ok(());
        };
        let Community { base, room, key } = room.community();
        let place = Place::community(base, room.id());
        let progress = self.configs.conversations.get(&place);
        if progress.is_some_and(|progress| progress.last_read >= last) {
            return Ok(());
        }
        let progress = Progress {
            last_read: last,
            ..Progress::default()
        };
        let conversations = &mut self.configs.conversations;
        conversations.set_community(base, room.id(), key, &progress, now.wall)
    }

    fn put_room(&mut self, id: &RoomId) {
        if let Some(room) = self.communities.rooms.get(id) {
            self.journal.put(Key::Room(*id), room.to_value());
        }
    }

    fn put_server(&mut self, base: &BaseUrl) {
        if let Some(server) = self.communities.servers.get(base) {
            let key = Key::Server(server::name(base));
            self.journal.put(key, server.to_value());
        }
    }

    fn forget_posts(&mut self, id: &RoomId) {
        for (post, _) in self.communities.posts.remove(id).into_iter().flatten() {
            self.journal.delete(Key::Post(*id, post));
        }
    }

    /// Takes the record of a server, room, post or errand.
    pub(super) fn restore_community(&mut self, key: &Key, value: &[u8]) -> Result<(), RecordError> {
        let communities = &mut self.communities;
        match key {
            Key::Server(_) => {
                let server = ServerState::from_value(&self.account, value)?;
                communities.servers.insert(server.base().clone(), server);
            }
            Key::Room(id) => {
                let room = JoinedRoom::from_value(*id, value)?;
                communities.rooms.insert(*id, room);
            }
            Key::Post(room, post) => {
                let known = Known::from_value(*room, value)?;
                let posts = communities.posts.entry(*room).or_default();
                posts.insert(*post, known);
            }
            Key::Errand(send) => {
                let errand = Errand::from_value(value)?;
                communities.errands.insert(*send, errand);
                self.next_send = self.next_send.max(send.get().saturating_add(1));
            }
            _ => return Err(RecordError::Value),
        }
        Ok(())
    }

    /// Makes what restored rooms need, after all records were taken in any order.
    pub(super) fn restore_rooms(&mut self) {
        let rooms = self.communities.rooms.values();
        let needed: Vec<Community> = rooms.map(|room| room.community().clone()).collect();
        for Community { base, key, .. } in needed {
            if self.communities.servers.contains_key(&base) {
                continue;
            }
            if let Some(made) = ServerState::new(&self.account, &base, &key) {
                self.communities.servers.insert(base, made);
            }
        }
        self.follow_rooms();
        let communities = &self.communities;
        let is_lost = |errand: &Errand| match &errand.place {
            ConversationId::Room(id) => !communities.rooms.contains_key(id),
            _ => !communities.servers.contains_key(&errand.base),
        };
        let errands = communities.errands.iter();
        let lost = errands.filter(|(_, errand)| is_lost(errand));
        let lost: Vec<SendId> = lost.map(|(send, _)| *send).collect();
        for send in lost {
            self.fail_errand(send, RoomError::Unknown.into());
        }
    }
}
