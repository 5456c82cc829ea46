//! Polling: builds the next request from the replies so far (protocol: community, section 4).
//!
//! One poll is one batch for all rooms of a server: capabilities, for each room its information and
//! posts, and for blinded users inbox and outbox. A room that fails does not fail the others.

use alloc::vec::Vec;

use session_identity::community::Room;
use session_types::http::{Request, Response};

use crate::ReplyError;
use crate::reply::{self, Capabilities, Change, InboxMessage, PollInfo};
use crate::request::{self, Posts};

/// Number of reactors requested with each reaction.
const REACTORS: u8 = 5;

/// Polling state of a room. It can be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomState {
    /// The room.
    pub room: Room,
    /// Its `info_updates`. 0 before the first poll.
    pub info_updates: u64,
    /// The largest sequence number received. `None` before the first poll: then the newest posts are
    /// asked for.
    pub seqno: Option<u64>,
}

/// Polling state of a server. It can be stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// The rooms that are polled.
    pub rooms: Vec<RoomState>,
    /// The last received inbox message.
    pub inbox: Option<u64>,
    /// The last sent inbox message.
    pub outbox: Option<u64>,
}

/// Result of polling one room.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomUpdate {
    /// The room.
    pub room: Room,
    /// Its information.
    pub info: Result<PollInfo, ReplyError>,
    /// Changes of its posts.
    pub changes: Result<Vec<Change>, ReplyError>,
}

/// Result of a poll.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Capabilities of the server.
    pub capabilities: Result<Capabilities, ReplyError>,
    /// One entry for each room, in the order of [`State::rooms`].
    pub rooms: Vec<RoomUpdate>,
    /// Received messages; `None` if they were not asked for.
    pub inbox: Option<Result<Vec<InboxMessage>, ReplyError>>,
    /// Sent messages; `None` if they were not asked for.
    pub outbox: Option<Result<Vec<InboxMessage>, ReplyError>>,
}

/// A poll that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// The state when the request was made.
    asked: State,
    with_inbox: bool,
}

/// Checks that all numbers of a reply are above the one that was asked for.
fn is_after(numbers: impl IntoIterator<Item = u64>, asked: Option<u64>) -> Result<(), ReplyError> {
    match asked {
        Some(asked) if numbers.into_iter().any(|number| number <= asked) => {
            Err(ReplyError::OtherRequest)
        }
        _ => Ok(()),
    }
}

fn room_update(asked: RoomState, info: &Response, changes: &Response) -> RoomUpdate {
    let info = reply::poll_info(info).and_then(|info| {
        match info.token.to_ascii_lowercase() == asked.room.id() {
            true => Ok(info),
            false => Err(ReplyError::OtherRequest),
        }
    });
    let changes = reply::messages(changes).and_then(|changes| {
        let numbers = changes.iter().filter_map(Change::seqno);
        is_after(numbers, asked.seqno).map(|()| changes)
    });
    let room = asked.room;
    RoomUpdate {
        room,
        info,
        changes,
    }
}

fn messages(reply: &Response, asked: Option<u64>) -> Result<Vec<InboxMessage>, ReplyError> {
    let messages = reply::inbox(reply)?;
    let numbers = messages.iter().map(|message| message.id);
    is_after(numbers, asked).map(|()| messages)
}

impl State {
    /// Adds a room to be polled from its newest posts on.
    pub fn join(&mut self, room: Room) {
        if !self.rooms.iter().any(|known| known.room == room) {
            self.rooms.push(RoomState {
                room,
                info_updates: 0,
                seqno: None,
            });
        }
    }

    /// Makes the next poll, to be signed and sent. `with_inbox` is for blinded users only.
    #[must_use]
    pub fn poll(&self, with_inbox: bool) -> (Request, Poll) {
        let mut requests = alloc::vec![request::capabilities(&[])];
        for state in &self.rooms {
            requests.push(request::poll_info(&state.room, state.info_updates));
            let which = state.seqno.map_or(Posts::Recent, Posts::Since);
            let posts = request::posts(&state.room, which, None, Some(REACTORS));
            requests.push(posts);
        }
        if with_inbox {
            requests.push(request::inbox::received(self.inbox));
            requests.push(request::inbox::sent(self.outbox));
        }
        let poll = Poll {
            asked: self.clone(),
            with_inbox,
        };
        (request::batch::batch(&requests), poll)
    }

    /// Takes the reply to a poll, and remembers what to ask next. Posts that cannot be verified count
    /// too. A part that belongs to another request is [`ReplyError::OtherRequest`]: information of
    /// another room, posts or messages from before those asked for.
    ///
    /// # Errors
    ///
    /// [`ReplyError`] if the batch as a whole failed. Nothing is remembered then.
    pub fn report(&mut self, poll: Poll, reply: &Response) -> Result<Update, ReplyError> {
        let inboxes = if poll.with_inbox { 2 } else { 0 };
        let asked = poll.asked;
        let rooms = asked.rooms.len();
        let count = rooms
            .saturating_mul(2)
            .saturating_add(inboxes)
            .saturating_add(1);
        let replies = reply::batch(reply, count)?;
        // A batch is complete, unlike a sequence.
        let short = ReplyError::Count {
            expected: count,
            got: replies.len(),
        };
        let mut replies = replies.iter();
        let mut next = || replies.next().ok_or(short);
        let capabilities = Capabilities::from_reply(next()?);
        let mut updates = Vec::with_capacity(rooms);
        for room in asked.rooms {
            updates.push(room_update(room, next()?, next()?));
        }
        let (mut inbox, mut outbox) = (None, None);
        if poll.with_inbox {
            inbox = Some(messages(next()?, asked.inbox));
            outbox = Some(messages(next()?, asked.outbox));
        }
        for update in &updates {
            self.remember(update);
        }
        let last = |messages: &Option<Result<Vec<InboxMessage>, ReplyError>>| {
            let messages = messages.as_ref()?.as_ref().ok()?;
            messages.iter().map(|message| message.id).max()
        };
        self.inbox = self.inbox.max(last(&inbox));
        self.outbox = self.outbox.max(last(&outbox));
        Ok(Update {
            capabilities,
            rooms: updates,
            inbox,
            outbox,
        })
    }

    fn remember(&mut self, update: &RoomUpdate) {
        // The room may have been left, or another poll may have been faster.
        let state = self
            .rooms
            .iter_mut()
            .find(|state| state.room == update.room);
        let Some(state) = state else { return };
        if let Ok(PollInfo {
            details: Some(details),
            ..
        }) = &update.info
        {
            state.info_updates = details.info_updates;
        }
        if let Ok(changes) = &update.changes {
            let largest = changes.iter().filter_map(Change::seqno).max();
            // A room without posts is polled from its beginning on.
            state.seqno = Some(state.seqno.max(largest).unwrap_or(0));
        }
    }
}
