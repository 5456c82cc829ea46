//! Asking servers: one batch for all rooms of one (protocol: community, section 4).

use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_community::auth::{self, NONCE_LENGTH};
use session_community::poll::{Poll, RoomState, RoomUpdate, State};
use session_community::reply::{Capabilities, Change, InboxMessage};
use session_community::{IdChoice, ReplyError, request};
use session_identity::community::BaseUrl;
use session_network::{
    Network, Now, Onion, RequestError, RequestId, ServerReply, ServerRequest, Target,
};
use session_types::http::{Request, Response};
use session_types::{MonotonicTime, UnixMillis};

use super::super::{Client, Doing};
use super::{Communities, ServerCall};
use crate::event::Event;
use crate::room::RoomId;

/// Number of posts and of inbox messages in an answer that has more behind it.
const PAGE: usize = 100;
/// Maximum number of rooms in one request. If there are more on a server, another request follows.
const MAX_ROOMS: usize = 20;
/// Maximum length of an answer that is read, in bytes: some 300 KiB for each room.
const MAX_ANSWER: usize = 6 * 1024 * 1024;
/// Maximum number of JSON objects in an answer that is read: each takes some hundred bytes of memory.
const MAX_OBJECTS: usize = 60_000;

/// What came back from a server.
pub(super) type Answer = Result<Response, RequestError>;

impl Communities {
    /// The state of polling a server, with those of its rooms that are asked for together.
    fn polling(&self, base: &BaseUrl, skipped: usize, count: usize) -> State {
        let rooms = self.rooms.values();
        let rooms = rooms.filter(|room| room.community().base == *base);
        let rooms = rooms.skip(skipped).take(count);
        let server = self.servers.get(base);
        State {
            rooms: rooms
                .map(|room| RoomState {
                    room: room.community().room.clone(),
                    info_updates: room.info_updates,
                    seqno: room.seqno,
                })
                .collect(),
            inbox: server.and_then(|server| server.inbox),
            outbox: server.and_then(|server| server.outbox),
        }
    }
}

/// Whether an answer is one that is read: a server does not decide how much memory we need.
fn is_bounded(body: &[u8]) -> bool {
    let objects = body.iter().filter(|byte| **byte == b'{').count();
    body.len() <= MAX_ANSWER && objects <= MAX_OBJECTS
}

/// A request as the network takes it. It is never sent again as it is: its nonce would be refused.
fn to_network(request: Request) -> ServerRequest {
    let mut made = ServerRequest::new(request.method.as_str(), &request.path);
    for (name, value) in &request.headers {
        made = made.header(name, value);
    }
    if !request.body.is_empty() {
        made = made.body(request.body);
    }
    made.repeatable(false)
}

fn from_network(reply: ServerReply) -> Response {
    let headers = reply.headers.into_iter();
    Response {
        status: reply.status,
        headers: headers.map(|header| (header.name, header.value)).collect(),
        // Absent: an answer without a body.
        body: reply.body.unwrap_or_default(),
    }
}

impl Client {
    pub(in super::super) fn poll_communities<O: Onion>(
        &mut self,
        network: &mut Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let servers = self.communities.servers.iter();
        let due =
            servers.filter(|(_, server)| server.due().is_some_and(|due| due <= now.monotonic));
        let due: Vec<BaseUrl> = due.map(|(base, _)| base.clone()).collect();
        for base in due {
            self.poll_server(&base, network, now, rng);
        }
        self.poll_errands(network, now, rng);
    }

    fn poll_server<O: Onion>(
        &mut self,
        base: &BaseUrl,
        network: &mut Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let first = self.communities.servers.get(base);
        let first = first.map_or(0, |server| server.first_room);
        let state = self.communities.polling(base, first, MAX_ROOMS);
        let Some(server) = self.communities.servers.get_mut(base) else {
            return;
        };
        server.is_under_way = true;
        server.begun = now.monotonic;
        if server.capabilities.is_none() {
            let asked = to_network(request::capabilities(&[]));
            let target = Target::from(server.server.clone());
            let call = ServerCall::Capabilities(base.clone());
            let call = Doing::Community(call.into());
            self.begin(network, (target, asked.into()), call, now);
            return;
        }
        let has_inbox = matches!(server.choice, IdChoice::Blinded(_));
        let (asked, poll) = state.poll(has_inbox);
        let call = ServerCall::Poll(base.clone(), poll);
        self.ask_signed(base, asked, call, network, now, rng);
    }

    /// Signs a request and begins it.
    pub(super) fn ask_signed<O: Onion>(
        &mut self,
        base: &BaseUrl,
        asked: Request,
        call: ServerCall,
        network: &mut Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Option<RequestId> {
        let server = self.communities.servers.get(base)?;
        // The key was tried when the room was joined.
        let signer = server.choice.signer(&self.account, server.x25519()).ok()?;
        let mut nonce = [0; NONCE_LENGTH];
        rng.fill_bytes(&mut nonce);
        let signed = auth::sign(asked, &signer, &nonce, network.network_time(now));
        let target = Target::from(server.server.clone());
        let call = Doing::Community(call.into());
        Some(self.begin(network, (target, to_network(signed).into()), call, now))
    }

    /// Takes the answer of a server.
    pub(in super::super) fn community_answered<O: Onion>(
        &mut self,
        call: ServerCall,
        result: Result<ServerReply, RequestError>,
        network: &Network<O>,
        now: Now,
    ) {
        let answer = result.map(from_network).and_then(|reply| {
            let reason = RequestError::NoUsableAnswer;
            is_bounded(&reply.body).then_some(reply).ok_or(reason)
        });
        let time = network.network_time(now);
        match call {
            ServerCall::Capabilities(base) => self.take_capabilities(&base, &answer, now),
            ServerCall::Poll(base, poll) => self.polled(&base, poll, &answer, (time, now)),
            ServerCall::Errand(base, send) => self.errand_answered(&base, send, answer, now),
        }
    }

    fn take_capabilities(&mut self, base: &BaseUrl, answer: &Answer, now: Now) {
        let Some(server) = self.communities.servers.get_mut(base) else {
            return;
        };
        server.is_under_way = false;
        let answer = answer.as_ref().ok();
        let capabilities = answer.and_then(|reply| Capabilities::from_reply(reply).ok());
        match capabilities {
            Some(capabilities) => {
                server.capabilities = Some(capabilities);
                server.ask_soon();
            }
            None => server.failed(&self.settings, now),
        }
    }

    /// Signs with another kind of id if the server refused this one. Returns whether it did.
    pub(super) fn choose_again(&mut self, base: &BaseUrl, reply: &Response) -> bool {
        let Some(server) = self.communities.servers.get_mut(base) else {
            return false;
        };
        let capabilities = server.capabilities.as_ref();
        let next = capabilities.and_then(|all| server.choice.after(reply, all));
        let Some(next) = next else { return false };
        server.choice = next;
        server.ask_soon();
        self.put_server(base);
        true
    }

    fn polled(
        &mut self,
        base: &BaseUrl,
        poll: Poll,
        answer: &Answer,
        (time, now): (UnixMillis, Now),
    ) {
        let mut state = self.communities.polling(base, 0, usize::MAX);
        let Some(server) = self.communities.servers.get_mut(base) else {
            return;
        };
        server.is_under_way = false;
        let Ok(reply) = answer else {
            return server.failed(&self.settings, now);
        };
        let update = match state.report(poll, reply) {
            Ok(update) => update,
            Err(reason) => {
                server.failed(&self.settings, now);
                if !self.choose_again(base, reply) && reason == ReplyError::BadRequest {
                    self.forget_capabilities(base);
                }
                return;
            }
        };
        let begun = server.begun;
        if let Ok(capabilities) = update.capabilities {
            server.capabilities = Some(capabilities);
        }
        let before = (server.inbox, server.outbox);
        (server.inbox, server.outbox) = (state.inbox, state.outbox);
        if before != (server.inbox, server.outbox) {
            self.put_server(base);
        }
        let mut has_more = false;
        for update in update.rooms {
            // It may have been left in the meantime.
            let polled = state.rooms.iter().find(|room| room.room == update.room);
            let Some(polled) = polled else { continue };
            let id = RoomId::new(base, &update.room);
            has_more |= self.take_room(id, update, polled, begun, time);
        }
        let count = |all: &Option<Result<Vec<InboxMessage>, ReplyError>>| {
            let all = all.as_ref().and_then(|all| all.as_ref().ok());
            all.map(Vec::len)
        };
        let counts = [count(&update.inbox), count(&update.outbox)];
        has_more |= counts.iter().flatten().any(|count| *count >= PAGE);
        if let Some(Ok(messages)) = update.inbox {
            self.take_inbox(base, &messages, (time, now));
        }
        if let Some(Ok(messages)) = update.outbox {
            let is_all = messages.len() < PAGE;
            self.take_outbox(base, &messages, time);
            if is_all {
                self.looked(begun, |errand| {
                    errand.base == *base && matches!(errand.what, super::errand::What::Inbox { .. })
                });
            }
        }
        if let Some(server) = self.communities.servers.get_mut(base) {
            if !has_more {
                let next = server.first_room.saturating_add(MAX_ROOMS);
                has_more = next < state.rooms.len();
                server.first_room = if has_more { next } else { 0 };
            }
            server.answered(has_more, &self.settings, now);
        }
    }

    fn forget_capabilities(&mut self, base: &BaseUrl) {
        if let Some(server) = self.communities.servers.get_mut(base) {
            server.capabilities = None;
        }
    }

    /// Takes what came of one room. Returns whether there is more.
    fn take_room(
        &mut self,
        id: RoomId,
        update: RoomUpdate,
        polled: &RoomState,
        begun: MonotonicTime,
        time: UnixMillis,
    ) -> bool {
        let Some(room) = self.communities.rooms.get_mut(&id) else {
            return false;
        };
        let seqno_before = room.seqno;
        let error = update.info.as_ref().err().or(update.changes.as_ref().err());
        if room.note_error(error.copied())
            && let Some(reason) = error.copied()
        {
            self.journal
                .event(Event::RoomUnavailable { room: id, reason });
        }
        let is_told = update.info.is_ok_and(|info| room.take_info(info));
        if is_told {
            self.journal.event(Event::RoomChanged { room: id });
        }
        let is_room = |errand: &super::Errand| errand.place == id.into();
        let mut changes = match update.changes {
            Ok(changes) => changes,
            Err(reason) => {
                if is_told {
                    self.put_room(&id);
                }
                // Nobody can look for a post in a room that is not shown.
                if matches!(reason, ReplyError::Forbidden | ReplyError::NotFound) {
                    self.looked(begun, is_room);
                }
                return false;
            }
        };
        let has_more = seqno_before.is_some() && changes.len() >= PAGE;
        // The newest posts come in the other order.
        changes.sort_by_key(Change::seqno);
        for change in changes {
            self.take_change(&id, change, time);
        }
        if let Some(room) = self.communities.rooms.get_mut(&id) {
            room.seqno = polled.seqno;
        }
        if is_told || seqno_before != polled.seqno {
            self.put_room(&id);
        }
        if !has_more {
            self.looked(begun, is_room);
        }
        has_more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_take_much_memory_are_not_read() {
        assert!(is_bounded(b"[{},{}]"));
        assert!(is_bounded(&alloc::vec![b' '; MAX_ANSWER]));
        assert!(!is_bounded(&alloc::vec![b' '; MAX_ANSWER + 1]));
        assert!(is_bounded(&b"{}".repeat(MAX_OBJECTS)));
        assert!(!is_bounded(&b"{}".repeat(MAX_OBJECTS + 1)));
    }
}
