//! One side of a stream: what is open in both directions.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use session_types::MonotonicTime;

use super::message::Prefix;
use super::{Message, StreamError};

/// Limits of one side of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum length of a message in bytes, at most [`MAX_LENGTH`](super::MAX_LENGTH).
    pub message: usize,
    /// Maximum number of our commands without an answer.
    pub own: usize,
    /// Maximum number of the peer's commands without an answer. The stream breaks at more.
    pub theirs: usize,
}

impl Limits {
    /// Messages of 10,000,000 bytes, a thousand open commands in each direction.
    pub const DEFAULT: Self = Self {
        message: super::MAX_LENGTH,
        own: 1_000,
        theirs: 1_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A command of the peer. Answer it with [`RequestStream::reply`] or [`RequestStream::error`], or give it
    /// to [`RequestStream::forget`].
    Command {
        /// The identifier that the peer chose.
        id: i64,
        /// The endpoint.
        endpoint: Vec<u8>,
        /// The body.
        body: Vec<u8>,
    },
    /// The reply to one of our commands.
    Reply {
        /// The identifier of the command.
        id: i64,
        /// The body.
        body: Vec<u8>,
    },
    /// The error with which the peer answers one of our commands.
    Error {
        /// The identifier of the command.
        id: i64,
        /// The text.
        body: Vec<u8>,
    },
}

/// One side of a BT request stream, without I/O.
///
/// Memory is bounded by [`Limits`] and the bytes of one [`feed`](Self::feed). After the first error of
/// [`feed`](Self::feed) or [`receive`](Self::receive) the stream is broken: reset it, and
/// [`close`](Self::close) names the requests that have failed with it.
#[derive(Debug, Default)]
pub struct RequestStream {
    limits: Limits,
    input: Vec<u8>,
    /// Bytes of `input` that have been received already.
    taken: usize,
    /// The prefix of the next message, once it has been read.
    prefix: Option<Prefix>,
    next_id: i64,
    /// Our commands, with their deadlines.
    open: BTreeMap<i64, MonotonicTime>,
    /// The peer's commands that wait for an answer.
    serving: BTreeSet<i64>,
    is_closed: bool,
}

impl RequestStream {
    /// Starts a stream.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Takes bytes that have arrived. [`receive`](Self::receive) must be called until it returns `None` before
    /// more are fed.
    ///
    /// # Errors
    ///
    /// [`StreamError::Closed`] if the stream is closed or broken; [`StreamError::Backlog`] if messages wait
    /// to be received.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        if self.is_closed {
            return Err(StreamError::Closed);
        }
        self.input.drain(..self.taken.min(self.input.len()));
        self.taken = 0;
        let longest = self.limits.message.saturating_add(super::MAX_DIGITS);
        if self.input.len() > longest.saturating_add(1) {
            return self.broken(StreamError::Backlog);
        }
        self.input.extend_from_slice(bytes);
        Ok(())
    }

    /// Returns what the bytes mean, message by message. Answers to commands that are not open are dropped.
    ///
    /// # Errors
    ///
    /// [`StreamError`] if the bytes are not a message, or the peer has exceeded a limit or used an id twice.
    /// The stream is broken then.
    pub fn receive(&mut self) -> Result<Option<Received>, StreamError> {
        if self.is_closed {
            return Err(StreamError::Closed);
        }
        match self.take() {
            Ok(received) => Ok(received),
            Err(error) => self.broken(error),
        }
    }

    fn take(&mut self) -> Result<Option<Received>, StreamError> {
        loop {
            // Absent: everything has been taken.
            let input = self.input.get(self.taken..).unwrap_or_default();
            let prefix = match self.prefix {
                Some(prefix) => prefix,
                None => match Prefix::read(input)? {
                    None => return Ok(None),
                    Some(prefix) if prefix.message > self.limits.message => {
                        return Err(StreamError::TooLong(prefix.message));
                    }
                    Some(prefix) => *self.prefix.insert(prefix),
                },
            };
            let Some(list) = input.get(prefix.own..prefix.whole()) else {
                return Ok(None);
            };
            let received = match Message::parse(list)? {
                Message::Command { id, endpoint, body } => {
                    if self.serving.contains(&id) {
                        return Err(StreamError::IdInUse(id));
                    }
                    if self.serving.len() >= self.limits.theirs {
                        return Err(StreamError::TooManyOpen(self.limits.theirs));
                    }
                    self.serving.insert(id);
                    Some(Received::Command {
                        id,
                        endpoint: endpoint.to_vec(),
                        body: body.to_vec(),
                    })
                }
                Message::Reply { id, body } => self.open.remove(&id).map(|_| Received::Reply {
                    id,
                    body: body.to_vec(),
                }),
                Message::Error { id, body } => self.open.remove(&id).map(|_| Received::Error {
                    id,
                    body: body.to_vec(),
                }),
            };
            self.taken = self.taken.saturating_add(prefix.whole());
            self.prefix = None;
            if received.is_some() {
                return Ok(received);
            }
        }
    }

    fn broken<T>(&mut self, error: StreamError) -> Result<T, StreamError> {
        self.is_closed = true;
        self.input = Vec::new();
        self.taken = 0;
        Err(error)
    }

    /// Encodes a command and opens it until the deadline. Returns its identifier and the bytes to write.
    ///
    /// # Errors
    ///
    /// [`StreamError::TooManyOpen`], [`StreamError::TooLong`] or [`StreamError::Closed`]; nothing has changed
    /// then.
    pub fn command(
        &mut self,
        endpoint: &[u8],
        body: &[u8],
        deadline: MonotonicTime,
    ) -> Result<(i64, Vec<u8>), StreamError> {
        if self.open.len() >= self.limits.own {
            return Err(StreamError::TooManyOpen(self.limits.own));
        }
        let (id, bytes) = self.next_command(endpoint, body)?;
        self.open.insert(id, deadline);
        Ok((id, bytes))
    }

    /// Encodes a command whose answer is not wanted. A peer that answers all the same is not heard.
    ///
    /// # Errors
    ///
    /// [`StreamError::TooLong`] or [`StreamError::Closed`].
    pub fn notify(&mut self, endpoint: &[u8], body: &[u8]) -> Result<Vec<u8>, StreamError> {
        self.next_command(endpoint, body).map(|(_, bytes)| bytes)
    }

    fn next_command(
        &mut self,
        endpoint: &[u8],
        body: &[u8],
    ) -> Result<(i64, Vec<u8>), StreamError> {
        if self.is_closed {
            return Err(StreamError::Closed);
        }
        let id = self.next_id;
        let bytes = Message::Command { id, endpoint, body }.encode()?;
        self.next_id = id.checked_add(1).ok_or(StreamError::Closed)?;
        Ok((id, bytes))
    }

    /// Encodes the reply to a command of the peer.
    ///
    /// # Errors
    ///
    /// [`StreamError::UnknownId`] if it waits for no answer; [`StreamError::TooLong`], after which it still
    /// does; [`StreamError::Closed`].
    pub fn reply(&mut self, id: i64, body: &[u8]) -> Result<Vec<u8>, StreamError> {
        self.answer(id, Message::Reply { id, body })
    }

    /// Encodes the error for a command of the peer.
    ///
    /// # Errors
    ///
    /// As [`reply`](Self::reply).
    pub fn error(&mut self, id: i64, body: &[u8]) -> Result<Vec<u8>, StreamError> {
        self.answer(id, Message::Error { id, body })
    }

    fn answer(&mut self, id: i64, message: Message<'_>) -> Result<Vec<u8>, StreamError> {
        if self.is_closed {
            return Err(StreamError::Closed);
        }
        if !self.serving.contains(&id) {
            return Err(StreamError::UnknownId(id));
        }
        let bytes = message.encode()?;
        self.serving.remove(&id);
        Ok(bytes)
    }

    /// Leaves a command of the peer without an answer, such as a notice. Returns whether it waited for one.
    pub fn forget(&mut self, id: i64) -> bool {
        self.serving.remove(&id)
    }

    /// Number of our commands without an answer.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Number of the peer's commands without an answer.
    #[must_use]
    pub fn serving(&self) -> usize {
        self.serving.len()
    }

    /// Returns when the first of our commands times out.
    #[must_use]
    pub fn next_deadline(&self) -> Option<MonotonicTime> {
        self.open.values().min().copied()
    }

    /// Ends our commands whose deadline has come, and returns their identifiers. Late answers to them are
    /// dropped.
    pub fn expire(&mut self, now: MonotonicTime) -> Vec<i64> {
        let due = self.open.iter().filter(|(_, deadline)| **deadline <= now);
        let due: Vec<i64> = due.map(|(id, _)| *id).collect();
        for id in &due {
            self.open.remove(id);
        }
        due
    }

    /// Ends one of our commands whose answer is not wanted any more. Returns whether it was open.
    pub fn cancel(&mut self, id: i64) -> bool {
        self.open.remove(&id).is_some()
    }

    /// Closes the stream, and returns the identifiers of our commands that end with it as timeouts.
    pub fn close(&mut self) -> Vec<i64> {
        self.is_closed = true;
        self.input = Vec::new();
        self.serving.clear();
        core::mem::take(&mut self.open).into_keys().collect()
    }
}
