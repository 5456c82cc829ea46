//! A connection with request streams.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use quinn::{Connection, VarInt};
use session_proto::stream::RequestStream;
use session_types::MonotonicTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::error::LinkError;
use super::lane::{self, Ask, Lane};

/// Commands that wait to be taken.
const MAX_COMMANDS: usize = 64;
/// Maximum length of the bodies of all commands of a peer that wait for an answer, in bytes. Streams are not
/// read beyond it.
const MAX_OPEN_BYTES: usize = 64 << 20;

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A reply.
    Reply(Vec<u8>),
    /// An error, with its text.
    Error(Vec<u8>),
}

/// A command of the peer.
#[derive(Debug)]
pub struct Command {
    /// The stream that it came on, counted from 0 in the order in which the peer opened them.
    pub stream: u64,
    /// The endpoint.
    pub endpoint: Vec<u8>,
    /// The body.
    pub body: Vec<u8>,
    /// Answers it. Dropped, it leaves the command without an answer.
    pub answer: Responder,
}

/// Answers a command.
#[derive(Debug)]
pub struct Responder {
    pub(super) id: i64,
    pub(super) answers: mpsc::UnboundedSender<(i64, Option<Answer>)>,
    pub(super) is_done: bool,
    /// The room that its body takes.
    pub(super) _room: OwnedSemaphorePermit,
}

impl Responder {
    /// Answers.
    pub fn send(mut self, answer: Answer) {
        self.is_done = true;
        // The stream is gone: nobody waits.
        let _ = self.answers.send((self.id, Some(answer)));
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = self.answers.send((self.id, None));
        }
    }
}

/// What the streams of a connection share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) connection: Connection,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) room: Arc<Semaphore>,
    /// The streams that are open, by their numbers.
    lanes: Mutex<BTreeMap<u64, Lane>>,
}

impl Shared {
    fn lanes(&self) -> MutexGuard<'_, BTreeMap<u64, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn remove(&self, number: u64) {
        self.lanes().remove(&number);
    }
}

/// A connection that asks on streams of its own, or on those of its peer. Handles are cheap to clone.
#[derive(Debug, Clone)]
pub struct Link {
    shared: Arc<Shared>,
}

impl Link {
    /// Takes a connection on which this side opens `streams` streams, in order. The peer's commands come out of the
    /// receiver.
    ///
    /// # Errors
    ///
    /// [`LinkError::Closed`] if the connection is closed, or the peer does not allow as many streams.
    pub async fn opening(
        connection: Connection,
        streams: u64,
    ) -> Result<(Self, mpsc::Receiver<Command>), LinkError> {
        let (link, commands) = Self::new(connection);
        for number in 0..streams {
            let opened = link.shared.connection.open_bi().await;
            let (send, recv) = opened.map_err(|_| LinkError::Closed)?;
            link.start(number, send, recv);
        }
        Ok((link, commands))
    }

    /// Takes a connection on which the peer opens streams, as many as the transport allows.
    #[must_use]
    pub fn accepting(connection: Connection) -> (Self, mpsc::Receiver<Command>) {
        let (link, commands) = Self::new(connection);
        let accepting = link.clone();
        tokio::spawn(async move {
            while let Ok((send, recv)) = accepting.shared.connection.accept_bi().await {
                accepting.start(recv.id().index(), send, recv);
            }
        });
        (link, commands)
    }

    fn new(connection: Connection) -> (Self, mpsc::Receiver<Command>) {
        let (commands, receiver) = mpsc::channel(MAX_COMMANDS);
        let shared = Shared {
            connection,
            commands,
            room: Arc::new(Semaphore::new(MAX_OPEN_BYTES)),
            lanes: Mutex::default(),
        };
        let shared = Arc::new(shared);
        (Self { shared }, receiver)
    }

    fn start(&self, number: u64, send: quinn::SendStream, recv: quinn::RecvStream) {
        let lane = lane::start(Arc::clone(&self.shared), number, send, recv);
        self.shared.lanes().insert(number, lane);
        if self.shared.connection.close_reason().is_some() {
            self.shared.remove(number);
        }
    }

    /// Takes a connection of whose streams only those carry requests that are given to [`adopt`](Self::adopt).
    #[must_use]
    pub fn manual(connection: Connection) -> (Self, mpsc::Receiver<Command>) {
        Self::new(connection)
    }

    /// Takes a stream that the peer has opened, with its number.
    pub fn adopt(&self, number: u64, send: quinn::SendStream, recv: quinn::RecvStream) {
        self.start(number, send, recv);
    }

    /// Returns the connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.shared.connection
    }

    /// Returns whether the connection is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.connection.close_reason().is_some()
    }

    /// Asks on a stream, and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`LinkError`] if there is no answer within `limit`.
    pub async fn request(
        &self,
        stream: u64,
        endpoint: &[u8],
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<Answer, LinkError> {
        let (done, answered) = oneshot::channel();
        let ask = Ask::Request {
            endpoint: endpoint.to_vec(),
            body,
            deadline: monotonic().saturating_add(limit),
            done,
        };
        self.ask(stream, ask)?;
        // The stream's task ends when the connection does, and drops what it waits for.
        answered.await.unwrap_or(Err(LinkError::Closed))
    }

    /// Sends a command on a stream without waiting for an answer, such as a notice.
    ///
    /// # Errors
    ///
    /// [`LinkError::Closed`] if the stream is closed, [`LinkError::Busy`] if too much waits to be sent.
    pub fn notify(&self, stream: u64, endpoint: &[u8], body: Vec<u8>) -> Result<(), LinkError> {
        let endpoint = endpoint.to_vec();
        self.ask(stream, Ask::Notify { endpoint, body })
    }

    fn ask(&self, stream: u64, ask: Ask) -> Result<(), LinkError> {
        let lanes = self.shared.lanes();
        let lane = lanes.get(&stream).ok_or(LinkError::Closed)?;
        lane.ask(ask)
    }

    /// Returns the stream of these with the fewest bytes that wait to be sent, and their number.
    #[must_use]
    pub fn least_busy(&self, streams: std::ops::Range<u64>) -> Option<(u64, usize)> {
        let lanes = self.shared.lanes();
        let open = lanes.range(streams);
        open.map(|(number, lane)| (*number, lane.backlog()))
            .min_by_key(|(_, backlog)| *backlog)
    }

    /// Closes the connection with an application code.
    pub fn close(&self, code: u32, reason: &[u8]) {
        self.shared.connection.close(VarInt::from_u32(code), reason);
    }

    /// Waits until the connection is closed.
    pub async fn closed(&self) {
        self.shared.connection.closed().await;
    }
}

/// Bytes that a stream has to send.
#[derive(Debug, Clone, Default)]
pub(super) struct Backlog(Arc<AtomicUsize>);

impl Backlog {
    pub(super) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn remove(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A side of a stream with the usual limits.
pub(super) fn stream() -> RequestStream {
    RequestStream::default()
}

fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

/// The time since some start.
pub(super) fn monotonic() -> MonotonicTime {
    MonotonicTime::new(origin().elapsed())
}

/// A deadline as the runtime knows it.
pub(super) fn instant_of(deadline: MonotonicTime) -> tokio::time::Instant {
    let at = origin().checked_add(deadline.since_origin());
    // One beyond the range of the clock never comes.
    let far = || Instant::now() + Duration::from_secs(24 * 60 * 60);
    tokio::time::Instant::from_std(at.unwrap_or_else(far))
}
