//! Reading: how far a conversation was read, and messages that disappear (protocol: messages, section 6,
//! item 14).
//!
//! The time of a message counts from sending, or from reading. Its end is a part of the message in the
//! history. Ends that are known here are kept to the moment; the store is searched for all others now and
//! then, so that the memory does not grow with the history.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;
use session_config::conversations::{Conversation as Place, Progress};
use session_message::content::{Content, Conversation, Expiration, Kind, ReadReceipt};
use session_network::{Network, Now, Onion, Target};
use session_proto::bt;
use session_storage::Expire;
use session_types::{AnyId, MessageHash, MonotonicTime, UnixMillis};

use super::send::Prepared;
use super::{Client, Doing};
use crate::conversation::ConversationId;
use crate::error::{RecordError, SendError};
use crate::event::Event;
use crate::history::Message;
use crate::record::Key;

/// Maximum number of ends of messages that are known to the moment.
const MAX_DEADLINES: usize = 10_000;
/// Maximum number of messages whose lifetime in the swarm is still to be shortened. They end by
/// themselves, too.
const MAX_READ: usize = 1_000;
/// Maximum number of messages in one request.
const MAX_SHORTENED: usize = 100;

/// Maximum number of messages in one read receipt.
const RECEIPTS: usize = 1_000;

/// Messages that disappear.
#[derive(Debug, Default)]
pub(super) struct Disappearing {
    /// Whether there was ever a message that disappears.
    pub(super) is_used: bool,
    /// Ends of messages, the next one first.
    deadlines: BTreeSet<UnixMillis>,
    /// When the next one is due, by the monotonic clock.
    sweep_due: MonotonicTime,
    /// When the store is searched for others.
    search_due: MonotonicTime,
    /// Messages that were read, and when they end.
    read: BTreeMap<MessageHash, UnixMillis>,
    due: MonotonicTime,
    is_under_way: bool,
    failures: u32,
}

impl Disappearing {
    pub(super) fn due(&self) -> Option<MonotonicTime> {
        let shortens = !self.read.is_empty() && !self.is_under_way;
        let shorten = shortens.then_some(self.due);
        let sweep = self.is_used.then_some(self.sweep_due);
        shorten.into_iter().chain(sweep).min()
    }

    pub(super) fn restore(&mut self, hash: MessageHash, value: &[u8]) -> Result<(), RecordError> {
        let read = || bt::parse_dict(value).ok()?.u64("x").ok();
        let expiry = read().ok_or(RecordError::Value)?;
        self.read.insert(hash, UnixMillis::new(expiry));
        Ok(())
    }
}

impl Client {
    /// Sets when the messages of a conversation disappear, and tells the other side.
    ///
    /// # Errors
    ///
    /// [`SendError`] if the conversation takes no message, or only admins may set the timer. Nothing has
    /// changed then.
    pub fn set_timer<O: Onion>(
        &mut self,
        conversation: &ConversationId,
        timer: Expiration,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), SendError> {
        if let ConversationId::Group(id) = conversation {
            let seconds = timer.resolve(Conversation::Group).seconds;
            return Ok(self.act_in_group(id, |group| group.set_timer(seconds), now)?);
        }
        let content = Content::from(Kind::ExpirationUpdate).with_expiration(timer);
        self.send(conversation, content, network, now, rng)?;
        self.keep_timer(conversation, timer);
        self.note_configs(now);
        Ok(())
    }

    /// Returns the time up to which a conversation was read, on any device.
    #[must_use]
    pub fn last_read(&self, conversation: &ConversationId) -> UnixMillis {
        let place = match conversation {
            ConversationId::Account(id) => Some(Place::Account(*id)),
            ConversationId::Group(id) => Some(Place::Group(*id)),
            ConversationId::Blinded(id) => Some(Place::Blinded(*id)),
            ConversationId::Room(id) => self.room(id).map(|room| {
                let community = room.community();
                Place::community(&community.base, community.room.id())
            }),
        };
        let progress = place.and_then(|place| self.configs.conversations.get(&place));
        progress.map_or(UnixMillis::EPOCH, |progress| progress.last_read)
    }

    /// Notes that messages of a conversation were read: those given, and all before them. The time of
    /// messages that disappear after reading begins, and the other devices of the account follow.
    ///
    /// With [`Settings::read_receipts`](crate::Settings::read_receipts), a contact that we have accepted is
    /// told which of their messages are read now: of those given, the ones that were not read before.
    ///
    /// # Errors
    ///
    /// [`SendError`] if the config cannot be changed. Nothing has changed then.
    pub fn mark_read<O: Onion>(
        &mut self,
        conversation: &ConversationId,
        messages: &[Message],
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), SendError> {
        let read = messages
            .iter()
            .filter(|message| message.conversation() == conversation);
        let Some(last) = read.map(Message::sent_at).max() else {
            return Ok(());
        };
        let key = match conversation {
            ConversationId::Account(id) => Place::Account(*id),
            ConversationId::Group(id) => Place::Group(*id),
            ConversationId::Blinded(id) => Place::Blinded(*id),
            ConversationId::Room(id) => {
                let result = self.mark_room_read(id, last, now);
                self.note_configs(now);
                return Ok(result?);
            }
        };
        let progress = self.configs.conversations.get(&key);
        let before = progress.map_or(UnixMillis::EPOCH, |progress| progress.last_read);
        let receipts = self.receipts(conversation, messages, before, network, now, rng)?;
        if last > before {
            let progress = Progress {
                last_read: last,
                is_unread: false,
                // The stored one stays.
                pro: None,
            };
            let conversations = &mut self.configs.conversations;
            conversations.set(&key, &progress, now.wall)?;
        }
        for receipt in receipts {
            self.put_into_outbox(receipt);
        }
        self.begin_timers(messages, network, now);
        self.note_configs(now);
        Ok(())
    }

    /// Makes receipts ready for those messages of a contact that were sent after `before` (protocol:
    /// messages, section 6, item 9). Nothing changes.
    fn receipts<O: Onion>(
        &mut self,
        conversation: &ConversationId,
        messages: &[Message],
        before: UnixMillis,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<Prepared>, SendError> {
        let ConversationId::Account(contact) = conversation else {
            return Ok(Vec::new());
        };
        if !self.settings.read_receipts || !self.is_contact(contact) {
            return Ok(Vec::new());
        }
        let read = messages.iter().filter(|message| {
            message.conversation() == conversation
                && message.author == AnyId::from(contact)
                && message.sent_at() > before
        });
        let read: BTreeSet<UnixMillis> = read.map(Message::sent_at).collect();
        let read: Vec<UnixMillis> = read.into_iter().collect();
        let mut sent_at = self.next_time(network.network_time(now));
        let mut prepared = Vec::new();
        for times in read.chunks(RECEIPTS) {
            let receipt = Kind::ReadReceipt(ReadReceipt {
                sent_at: times.to_vec(),
            });
            prepared.push(self.prepare(conversation, &receipt.into(), sent_at, now, rng)?);
            sent_at = sent_at.saturating_add(Duration::from_millis(1));
        }
        Ok(prepared)
    }

    /// Begins the time of messages that disappear after reading, because they were read here or on
    /// another device. Returns how many began.
    pub fn begin_timers<O: Onion>(
        &mut self,
        messages: &[Message],
        network: &Network<O>,
        now: Now,
    ) -> usize {
        let time = network.network_time(now);
        let own = *self.account.id();
        let mut count = 0_usize;
        for message in messages {
            let mut message = message.clone();
            if !message.read_at(&own, time) {
                continue;
            }
            count = count.saturating_add(1);
            self.journal
                .put(Key::Message(message.id), message.to_value());
            self.note_deadline(message.expires_at);
            if let (Some(hash), Some(expiry)) = (message.hash, message.expires_at) {
                self.shorten(hash, expiry);
            }
        }
        count
    }

    /// Begins the time of a message that was received, if it counts from sending. Returns whether the
    /// message is to be shown: its time is not over.
    pub(super) fn begin_timer(&mut self, message: &mut Message, now: Now) -> bool {
        message.begin_timer(self.account.id());
        if message.is_expired(self.time(now)) {
            return false;
        }
        self.note_deadline(message.expires_at);
        // One that counts from reading has an end later.
        self.use_timers(message.content.expiration.is_some());
        true
    }

    pub(super) fn note_deadline(&mut self, deadline: Option<UnixMillis>) {
        let Some(deadline) = deadline else { return };
        self.use_timers(true);
        let deadlines = &mut self.disappearing.deadlines;
        deadlines.insert(deadline);
        if deadlines.len() > MAX_DEADLINES {
            deadlines.pop_last();
        }
        // Looked at in the next poll.
        self.disappearing.sweep_due = MonotonicTime::default();
    }

    fn use_timers(&mut self, uses: bool) {
        if uses && !self.disappearing.is_used {
            self.disappearing.is_used = true;
            self.put_state();
        }
    }

    /// The network's time, as far as it was known in the last poll.
    pub(super) const fn time(&self, now: Now) -> UnixMillis {
        let offset = Duration::from_millis(self.clock_offset.unsigned_abs());
        match self.clock_offset >= 0 {
            true => now.wall.saturating_add(offset),
            false => now.wall.saturating_sub(offset),
        }
    }

    /// Deletes messages whose time is over.
    pub(super) fn sweep(&mut self, now: Now) {
        let disappearing = &mut self.disappearing;
        if !disappearing.is_used || disappearing.sweep_due > now.monotonic {
            return;
        }
        let time = self.time(now);
        let disappearing = &mut self.disappearing;
        let first = disappearing.deadlines.first();
        let is_over = first.is_some_and(|first| *first <= time);
        disappearing.deadlines.retain(|deadline| *deadline > time);
        let interval = self.settings.sweep_interval;
        if is_over || now.monotonic >= disappearing.search_due {
            disappearing.search_due = now.monotonic.saturating_add(interval);
            self.journal.erase_expired(time);
        }
        if is_over {
            self.journal.event(Event::Disappeared { until: time });
        }
        let next = disappearing.deadlines.first();
        let wait = next.map_or(interval, |next| next.since(time).min(interval));
        disappearing.sweep_due = now.monotonic.saturating_add(wait);
    }

    /// Shortens the lifetime of a message in our own swarm, once this is persisted.
    fn shorten(&mut self, hash: MessageHash, expiry: UnixMillis) {
        let read = &mut self.disappearing.read;
        if read.len() < MAX_READ && read.insert(hash, expiry).is_none() {
            let value = bt::dict(|d| {
                d.int(b"x", expiry.get());
            });
            self.journal.put(Key::Read(hash), value);
        }
    }

    pub(super) fn poll_shorten<O: Onion>(&mut self, network: &mut Network<O>, now: Now) {
        let disappearing = &self.disappearing;
        let is_due = disappearing.due <= now.monotonic && !disappearing.is_under_way;
        if !is_due || disappearing.read.is_empty() {
            return;
        }
        let read = disappearing.read.iter().take(MAX_SHORTENED);
        let pairs: Vec<(MessageHash, UnixMillis)> = read.map(|(hash, at)| (*hash, *at)).collect();
        let names: Vec<MessageHash> = pairs.iter().map(|(hash, _)| *hash).collect();
        let Ok(expire) = Expire::each(self.id, pairs) else {
            return;
        };
        let call = expire
            .shorten()
            .sign(network.network_time(now), &self.signer());
        self.disappearing.is_under_way = true;
        let request = (Target::SwarmOf(self.id), call.into());
        self.begin(network, request, Doing::Shorten(names), now);
    }

    pub(super) fn shortened(&mut self, names: &[MessageHash], is_done: bool, now: Now) {
        self.disappearing.is_under_way = false;
        if is_done {
            self.disappearing.failures = 0;
            for name in names {
                self.disappearing.read.remove(name);
                self.journal.delete(Key::Read(*name));
            }
            return;
        }
        self.disappearing.failures = self.disappearing.failures.saturating_add(1);
        let wait = self.settings.backoff(self.disappearing.failures);
        self.disappearing.due = now.monotonic.saturating_add(wait);
    }
}
