//! Doing errands: one after the other in each room, until the server has answered.
//!
//! A message that others see is not sent again before it was looked for: the answer may have been lost, and not the message.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;
use session_community::post::NewPost;
use session_community::rate::SPAN;
use session_community::reply::{self, Message as Posted};
use session_community::request::moderation::{self, RoomChange, Scope};
use session_community::{ReplyError, request};
use session_config::BlindedId;
use session_identity::community::Community;
use session_message::content::{Content, decode};
use session_message::inbox::Metadata;
use session_message::{MessageKey, Opened};
use session_network::{Network, Now, Onion};
use session_types::http::{Request, Response};
use session_types::{AnyId, MonotonicTime, UnixMillis};
use zeroize::Zeroizing;

use super::super::Client;
use super::super::send::is_in_history;
use super::errand::{Errand, What};
use super::poll::Answer;
use super::posts::about;
use super::{BaseUrl, Communities, ServerCall};
use crate::conversation::ConversationId;
use crate::error::{RoomError, SendError};
use crate::event::{Event, Failure};
use crate::history::{Message, MessageId, Status};
use crate::outbox::SendId;
use crate::record::Key;
use crate::room::{ActScope, RoomAct, RoomId, Whisper};

/// Maximum number of messages and acts that wait for servers.
const MAX_ERRANDS: usize = 1_000;
/// Answers that there are too many posts, after which a message has failed: a filter of the server answers so, too.
const MAX_REFUSALS: u32 = 5;
/// Age of a message at which it gets another time before it is sent.
const MAX_AGE: Duration = Duration::from_secs(3_600);

impl Communities {
    /// The errand that is next in each place, and when.
    pub(super) fn eligible(&self) -> impl Iterator<Item = (SendId, MonotonicTime)> {
        let mut places = BTreeSet::new();
        self.errands.iter().filter_map(move |(send, errand)| {
            let is_first = places.insert(errand.place);
            let server = self.servers.get(&errand.base)?;
            let is_known = server.capabilities.is_some();
            let waits = errand.unsure.is_some() || errand.attempt.under_way.is_some();
            (is_first && is_known && !waits).then_some((*send, errand.attempt.due))
        })
    }
}

/// Whether another attempt would be answered the same.
const fn is_final(reason: ReplyError) -> bool {
    matches!(
        reason,
        ReplyError::BadRequest
            | ReplyError::NotAuthenticated
            | ReplyError::Forbidden
            | ReplyError::NotFound
            | ReplyError::NotAcceptable
            | ReplyError::MissingCapability
            | ReplyError::TooLarge
            | ReplyError::Redirect { .. }
    )
}

/// The request of an act that is signed as a whole. `None` if the act has a message.
fn request_of(room: &session_identity::community::Room, act: &RoomAct) -> Option<Request> {
    let rooms = [room.clone()];
    let scope = |scope: &ActScope| match scope {
        ActScope::Room => Scope::Rooms(&rooms),
        ActScope::OwnRooms => Scope::AllOwnRooms,
        ActScope::Server => Scope::Global,
    };
    Some(match act {
        RoomAct::Whisper { .. } | RoomAct::Edit { .. } => return None,
        RoomAct::Delete { post } => request::delete(room, *post),
        RoomAct::React { post, emoji } => request::react(room, *post, emoji),
        RoomAct::Unreact { post, emoji } => request::unreact(room, *post, emoji),
        RoomAct::DeleteReactions { post, emoji } => {
            moderation::delete_reactions(room, *post, emoji.as_ref())
        }
        RoomAct::Pin { post } => moderation::pin(room, *post),
        RoomAct::Unpin { post } => moderation::unpin(room, *post),
        RoomAct::UnpinAll => moderation::unpin_all(room),
        RoomAct::Ban {
            user,
            scope: place,
            timeout,
        } => moderation::ban(user, scope(place), *timeout),
        RoomAct::Unban { user, scope: place } => moderation::unban(user, scope(place)),
        RoomAct::DeleteAll {
            user,
            everywhere: false,
        } => moderation::delete_all_of(room, user),
        RoomAct::DeleteAll {
            user,
            everywhere: true,
        } => moderation::delete_everywhere(user),
        RoomAct::SetRole {
            user,
            role,
            scope: place,
            visible,
        } => moderation::set_role(user, scope(place), *role, *visible),
        RoomAct::Change {
            name,
            description,
            image,
            defaults,
        } => moderation::change_room(
            room,
            &RoomChange {
                name: name.as_deref(),
                description: description.as_deref(),
                image: *image,
                defaults: *defaults,
            },
        ),
        RoomAct::SetPermissions { user, change } => {
            moderation::set_permissions(room, user, *change, &[])
        }
    })
}

impl Client {
    /// Does something in a room of a community, as the server allows: edits, deletes, reacts, whispers, moderates. It is sent
    /// once the next batch is persisted, and tried until the server has answered: [`Event::Delivered`] or
    /// [`Event::Failed`].
    ///
    /// # Errors
    ///
    /// [`SendError`] if the account is not in the room, too many messages and acts wait, or readers would drop the
    /// message. Nothing has changed then.
    pub fn act_in_room<O: Onion>(
        &mut self,
        id: &RoomId,
        act: RoomAct,
        network: &Network<O>,
        now: Now,
    ) -> Result<SendId, SendError> {
        let community = self.community(id)?;
        let place = ConversationId::Room(*id);
        let request = request_of(&community.room, &act);
        let what = match (request, act) {
            (Some(request), _) => What::Request(request),
            (None, RoomAct::Whisper { to, content }) => {
                return self.post(*id, content, Some(to), network, now);
            }
            (
                None,
                RoomAct::Edit {
                    post,
                    sent_at,
                    content,
                },
            ) => {
                let content = self.completed_post(content, &place);
                let data = self.sealer.seal_post(&content, sent_at)?;
                What::Edit { post, data }
            }
            (None, _) => return Err(RoomError::NotAMessage.into()),
        };
        let errand = Errand::new((place, community.base), what, now.wall);
        Ok(self.put_errand(errand, None, now))
    }

    fn community(&self, id: &RoomId) -> Result<Community, RoomError> {
        let room = self.communities.rooms.get(id).ok_or(RoomError::Unknown)?;
        if self.communities.errands.len() >= MAX_ERRANDS {
            return Err(RoomError::TooManyPending);
        }
        Ok(room.community().clone())
    }

    fn completed_post(&self, content: Content, place: &ConversationId) -> Content {
        let mut content = self.completed(content, place);
        let refuses = self.configs.profile.message_requests() == Some(false);
        if refuses && is_in_history(&content.kind) {
            content.blocks_community_requests.get_or_insert(true);
        }
        content
    }

    /// Puts a message to a room, or to a blinded id, into the outbox.
    pub(in super::super) fn send_to_server<O: Onion>(
        &mut self,
        to: ConversationId,
        content: Content,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<SendId, SendError> {
        match to {
            ConversationId::Room(id) => self.post(id, content, None, network, now),
            ConversationId::Blinded(id) => self.write_to(&id, &content, network, now, rng),
            // The others go to swarms.
            _ => Err(RoomError::Unknown.into()),
        }
    }

    fn post<O: Onion>(
        &mut self,
        id: RoomId,
        content: Content,
        whisper: Option<Whisper>,
        network: &Network<O>,
        now: Now,
    ) -> Result<SendId, SendError> {
        let community = self.community(&id)?;
        let place = ConversationId::Room(id);
        let content = self.completed_post(content, &place);
        let time = network.network_time(now);
        let (data, message) = self.seal_post(&place, &content, time)?;
        let what = What::Post { data, whisper };
        let errand = Errand::new((place, community.base), what, now.wall);
        Ok(self.put_errand(errand, Some(message), now))
    }

    /// Seals a post, and reads it as it will come back.
    fn seal_post(
        &self,
        place: &ConversationId,
        content: &Content,
        time: UnixMillis,
    ) -> Result<(Vec<u8>, Message), SendError> {
        let sent_at = self.next_time(time);
        let data = self.sealer.seal_post(content, sent_at)?;
        let opened = self.opener.open_post(&data, sent_at, time);
        let raw = opened.map_err(|_| RoomError::NotAMessage)?.raw;
        let own = *self.account.id();
        let key = MessageKey::new(AnyId::from(*place), AnyId::from(own), sent_at, &raw);
        let message = MessageId::of(&key);
        let message = message.and_then(|id| Message::of_ours(id, own, &raw));
        Ok((data, message.ok_or(RoomError::NotAMessage)?))
    }

    /// Seals a message for the inbox of a blinded id to whom [`blinded_conversation`](Self::blinded_conversation) leads.
    fn write_to<O: Onion>(
        &mut self,
        to: &BlindedId,
        content: &Content,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<SendId, SendError> {
        let base = self.server_of(to).ok_or(RoomError::Unknown)?;
        if self.communities.errands.len() >= MAX_ERRANDS {
            return Err(RoomError::TooManyPending.into());
        }
        let place = ConversationId::Blinded(*to);
        let content = self.completed(content.clone(), &place);
        let time = network.network_time(now);
        let (data, opened) = self.seal_for_inbox(&base, to, &content, time, rng)?;
        let is_shown = is_in_history(&opened.content.kind);
        self.see_written(&opened);
        let message = is_shown.then(|| Message::new(opened, Status::Sending, false));
        let what = What::Inbox { to: *to, data };
        let errand = Errand::new((place, base.clone()), what, now.wall);
        self.note_written(&base, to);
        Ok(self.put_errand(errand, message.flatten(), now))
    }

    /// Seals a message for an inbox, and reads it as it will come back.
    fn seal_for_inbox(
        &self,
        base: &BaseUrl,
        to: &BlindedId,
        content: &Content,
        time: UnixMillis,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(Vec<u8>, Opened), SendError> {
        let server = self.communities.servers.get(base);
        let server = server.ok_or(RoomError::Unknown)?;
        let own = self.own_secret(server.choice, server.x25519());
        let own = own.ok_or(RoomError::NotBlinded)?;
        let sent_at = self.next_time(time);
        let (sender, recipient) = (AnyId::from(&own), AnyId::from_bytes(*to.as_bytes()));
        let sealed = self
            .sealer
            .seal_inbox(rng, &own, &recipient, content, sent_at);
        let data = sealed?;
        let metadata = Metadata {
            sender: &sender,
            recipient: &recipient,
            posted_at: sent_at,
        };
        let opened = self.opener.open_inbox(&own, &metadata, &data, time);
        Ok((data, opened.map_err(|_| RoomError::NotAMessage)?))
    }

    /// Seals a message that has waited with the time of now: readers drop one whose time is more than six hours from that of
    /// its posting (protocol: messages, section 4.8).
    fn renew(
        &mut self,
        send: SendId,
        time: UnixMillis,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), Failure> {
        let Some(errand) = self.communities.errands.get(&send).cloned() else {
            return Ok(());
        };
        let content = decode(&errand.raw).map_err(session_message::SealError::from);
        let content = content?.content;
        let sealed = match &errand.what {
            What::Post { whisper, .. } => {
                let sealed = self.seal_post(&errand.place, &content, time);
                sealed.map(|(data, message)| {
                    let whisper = *whisper;
                    (What::Post { data, whisper }, Some(message))
                })
            }
            What::Inbox { to, .. } => {
                let sealed = self.seal_for_inbox(&errand.base, to, &content, time, rng);
                sealed.map(|(data, opened)| {
                    self.see_written(&opened);
                    let message = Message::new(opened, Status::Sending, false);
                    let message = message.map(|mut message| {
                        message.id = message.id.moved_to(errand.place);
                        message
                    });
                    (What::Inbox { to: *to, data }, message)
                })
            }
            _ => return Ok(()),
        };
        let (what, message) = sealed.map_err(|reason| match reason {
            SendError::Seal(reason) => Failure::Seal(reason),
            SendError::Room(reason) => Failure::Room(reason),
            _ => Failure::Room(RoomError::NotAMessage),
        })?;
        if let Some(old) = errand.message {
            self.journal.delete(Key::Message(old));
        }
        let mut renewed = Errand {
            what,
            message: None,
            ..errand
        };
        if let Some(message) = message {
            self.last_sent = self.last_sent.max(message.sent_at());
            renewed.message = Some(message.id);
            renewed.raw = Zeroizing::new(message.raw.to_vec());
            self.journal
                .put(Key::Message(message.id), message.to_value());
        }
        self.journal.put(Key::Errand(send), renewed.to_value());
        self.communities.errands.insert(send, renewed);
        self.put_state();
        Ok(())
    }

    /// Puts an errand into the outbox, and its message into the history. Nothing of this can fail.
    fn put_errand(&mut self, mut errand: Errand, message: Option<Message>, now: Now) -> SendId {
        let send = SendId::new(self.next_send);
        self.next_send = self.next_send.saturating_add(1);
        if let Some(message) = message {
            self.last_sent = self.last_sent.max(message.sent_at());
            errand.message = Some(message.id);
            errand.raw = Zeroizing::new(message.raw.to_vec());
            self.journal
                .put(Key::Message(message.id), message.to_value());
        }
        self.journal.put(Key::Errand(send), errand.to_value());
        self.communities.errands.insert(send, errand);
        self.put_state();
        self.note_configs(now);
        send
    }

    pub(super) fn poll_errands<O: Onion>(
        &mut self,
        network: &mut Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let due = self.communities.eligible();
        let due = due.filter(|(_, due)| *due <= now.monotonic);
        let due: Vec<SendId> = due.map(|(send, _)| send).collect();
        for send in due {
            self.begin_errand(send, network, now, rng);
        }
    }

    fn begin_errand<O: Onion>(
        &mut self,
        send: SendId,
        network: &mut Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let time = network.network_time(now);
        let Some(errand) = self.communities.errands.get_mut(&send) else {
            return;
        };
        let sent_at = errand.message.map(|message| message.sent_at());
        let is_old = sent_at.is_some_and(|at| at.abs_diff(time) > MAX_AGE);
        if is_old && errand.is_shown() {
            // It is sent once this is persisted.
            if let Err(reason) = self.renew(send, time, rng) {
                self.fail_errand(send, reason);
            }
            return;
        }
        let room = match &errand.place {
            ConversationId::Room(id) => self.communities.rooms.get(id),
            _ => None,
        };
        if let (What::Post { .. }, Some(room)) = (&errand.what, room) {
            let next = room.rate.next_at(time);
            if next > time {
                let wait = next.since(time);
                errand.attempt.due = now.monotonic.saturating_add(wait);
                return;
            }
        }
        let Some(server) = self.communities.servers.get(&errand.base) else {
            return;
        };
        // The key was tried when the room was joined.
        let Ok(signer) = server.choice.signer(&self.account, server.x25519()) else {
            return;
        };
        let room = room.map(|room| &room.community().room);
        let request = match (&errand.what, room) {
            (What::Post { data, whisper }, Some(room)) => {
                let mut post = NewPost::new(data.clone(), &signer, rng);
                if let Some(whisper) = whisper {
                    post.whisper_to = whisper.to;
                    post.whisper_mods = whisper.to_moderators;
                }
                request::send(room, &post)
            }
            (What::Edit { post, data }, Some(room)) => {
                request::edit(room, *post, &NewPost::new(data.clone(), &signer, rng))
            }
            (What::Inbox { to, data }, _) => {
                request::inbox::send(&AnyId::from_bytes(*to.as_bytes()), data)
            }
            (What::Request(request), _) => request.clone(),
            (_, None) => return,
        };
        let base = errand.base.clone();
        let call = ServerCall::Errand(base.clone(), send);
        let begun = self.ask_signed(&base, request, call, network, now, rng);
        if let Some(errand) = self.communities.errands.get_mut(&send) {
            errand.attempt.under_way = begun;
        }
    }

    pub(super) fn errand_answered(
        &mut self,
        base: &BaseUrl,
        send: SendId,
        answer: Answer,
        now: Now,
    ) {
        let Some(errand) = self.communities.errands.get_mut(&send) else {
            // It was found in the meantime.
            return;
        };
        errand.attempt.under_way = None;
        let reply = match answer {
            Ok(reply) => reply,
            Err(reason) => return self.try_again(send, reason.into(), now),
        };
        let outcome = match &errand.what {
            What::Post { .. } => reply::posted(&reply).map(Some),
            What::Inbox { .. } => reply::inbox_sent(&reply).map(|_| None),
            What::Edit { .. } | What::Request(_) => reply::done(&reply).map(|()| None),
        };
        match outcome {
            Ok(posted) => self.errand_done(send, posted.as_ref()),
            Err(reason) => self.errand_refused(base, send, reason, &reply, now),
        }
    }

    fn errand_refused(
        &mut self,
        base: &BaseUrl,
        send: SendId,
        reason: ReplyError,
        reply: &Response,
        now: Now,
    ) {
        if self.choose_again(base, reply) {
            return;
        }
        let Some(errand) = self.communities.errands.get_mut(&send) else {
            return;
        };
        match reason {
            // The answer to the attempt before was lost.
            ReplyError::NotFound if errand.deletes() && errand.attempt.failures > 0 => {
                self.errand_done(send, None);
            }
            reason if is_final(reason) => self.fail_errand(send, reason.into()),
            ReplyError::RateLimited if errand.refusals < MAX_REFUSALS => {
                errand.refusals = errand.refusals.saturating_add(1);
                errand.attempt.due = now.monotonic.saturating_add(SPAN);
            }
            ReplyError::RateLimited => self.fail_errand(send, reason.into()),
            reason => self.try_again(send, reason.into(), now),
        }
    }

    /// Plans another attempt.
    fn try_again(&mut self, send: SendId, reason: Failure, now: Now) {
        let Some(errand) = self.communities.errands.get_mut(&send) else {
            return;
        };
        if now.wall.since(errand.created) > self.settings.give_up {
            return self.fail_errand(send, reason);
        }
        errand.attempt.failures = errand.attempt.failures.saturating_add(1);
        let wait = self.settings.backoff(errand.attempt.failures);
        errand.attempt.due = now.monotonic.saturating_add(wait);
        errand.unsure = errand.is_shown().then_some(now.monotonic);
    }

    /// Notes that all that a server has of some errands was fetched, by a request that began at this time.
    pub(super) fn looked(&mut self, begun: MonotonicTime, is_covered: impl Fn(&Errand) -> bool) {
        for errand in self.communities.errands.values_mut() {
            let is_later = errand.unsure.is_some_and(|since| since <= begun);
            if is_later && is_covered(errand) {
                errand.unsure = None;
            }
        }
    }

    fn errand_done(&mut self, send: SendId, posted: Option<&Posted>) {
        let Some(errand) = self.communities.errands.get(&send) else {
            return;
        };
        if let (ConversationId::Room(room), Some(posted)) = (errand.place, posted) {
            let message = errand.message;
            self.know_own_post(&room, posted, message);
            if let Some(room) = self.communities.rooms.get_mut(&room) {
                room.rate.posted(posted.posted);
            }
        }
        self.delivered(send, posted.map(about));
    }

    /// Ends an errand that the server has.
    pub(super) fn delivered(&mut self, send: SendId, post: Option<crate::room::Post>) {
        let Some(errand) = self.communities.errands.remove(&send) else {
            return;
        };
        self.journal.delete(Key::Errand(send));
        self.put_own(&errand, Status::Delivered, post);
        let message = errand.message;
        self.journal.event(Event::Delivered { send, message });
        if let Some(server) = self.communities.servers.get_mut(&errand.base) {
            // What follows from it comes with the next poll.
            if !errand.is_shown() && !server.is_under_way {
                server.ask_soon();
            }
        }
    }

    /// Ends an errand that failed.
    pub(super) fn fail_errand(&mut self, send: SendId, reason: Failure) {
        let Some(errand) = self.communities.errands.remove(&send) else {
            return;
        };
        self.journal.delete(Key::Errand(send));
        self.put_own(&errand, Status::Failed, None);
        let message = errand.message;
        self.journal.event(Event::Failed {
            send,
            message,
            reason,
        });
    }

    /// Writes the message of an errand into the history with another status.
    fn put_own(&mut self, errand: &Errand, status: Status, post: Option<crate::room::Post>) {
        let Some(id) = errand.message else { return };
        let own = *self.account.id();
        let Some(mut message) = Message::of_ours(id, own, &errand.raw) else {
            return;
        };
        (message.status, message.post) = (status, post);
        self.journal.put(Key::Message(id), message.to_value());
    }

    /// Ends the errand whose message came back before the answer. Returns whether there is one.
    pub(super) fn own_post_came(&mut self, message: &Message) -> bool {
        let mut errands = self.communities.errands.iter();
        let errand = errands.find(|(_, errand)| errand.message == Some(message.id));
        let Some(send) = errand.map(|(send, _)| *send) else {
            return false;
        };
        self.delivered(send, message.post.clone());
        true
    }
}
