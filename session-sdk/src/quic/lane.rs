//! The tasks of one stream: one reads and decides, one writes.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use quinn::{RecvStream, SendStream, VarInt};
use session_proto::stream::{FAILED, Received, RequestStream, StreamError};
use session_types::MonotonicTime;
use tokio::sync::{mpsc, oneshot};

use super::error::LinkError;
use super::link::{Answer, Backlog, Command, Responder, Shared, instant_of, monotonic, stream};

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;
/// Maximum number of bytes that wait to be sent before notices are refused.
const MAX_BACKLOG: usize = 16 << 20;
/// Requests and notices that wait to be encoded.
const MAX_ASKS: usize = 1_000;
/// Application code with which a stream is reset that carries something else than messages.
const BROKEN: u32 = 400;

/// Something to send.
#[derive(Debug)]
pub(super) enum Ask {
    Request {
        endpoint: Vec<u8>,
        body: Vec<u8>,
        deadline: MonotonicTime,
        done: oneshot::Sender<Result<Answer, LinkError>>,
    },
    Notify {
        endpoint: Vec<u8>,
        body: Vec<u8>,
    },
}

/// A handle of a stream.
#[derive(Debug)]
pub(super) struct Lane {
    asks: mpsc::Sender<Ask>,
    backlog: Backlog,
}

impl Lane {
    pub(super) fn ask(&self, ask: Ask) -> Result<(), LinkError> {
        if matches!(ask, Ask::Notify { .. }) && self.backlog() > MAX_BACKLOG {
            return Err(LinkError::Busy);
        }
        self.asks.try_send(ask).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => LinkError::Busy,
            mpsc::error::TrySendError::Closed(_) => LinkError::Closed,
        })
    }

    pub(super) fn backlog(&self) -> usize {
        self.backlog.get()
    }
}

/// Starts the tasks of a stream.
pub(super) fn start(shared: Arc<Shared>, number: u64, send: SendStream, recv: RecvStream) -> Lane {
    let (asks, receiver) = mpsc::channel(MAX_ASKS);
    let backlog = Backlog::default();
    let (out, to_write) = mpsc::unbounded_channel();
    tokio::spawn(write(send, to_write, backlog.clone()));
    let (answers_to, answers) = mpsc::unbounded_channel();
    let reader = Reader {
        shared,
        number,
        stream: stream(),
        waiting: HashMap::new(),
        out,
        backlog: backlog.clone(),
        answers_to,
    };
    tokio::spawn(reader.run(recv, receiver, answers));
    Lane { asks, backlog }
}

/// What is written to a stream.
enum Out {
    Bytes(Bytes),
    Reset,
}

async fn write(mut send: SendStream, mut to_write: mpsc::UnboundedReceiver<Out>, backlog: Backlog) {
    while let Some(out) = to_write.recv().await {
        let Out::Bytes(bytes) = out else {
            // It may be gone already.
            let _ = send.reset(VarInt::from_u32(BROKEN));
            return;
        };
        let length = bytes.len();
        let written = send.write_chunk(bytes).await;
        backlog.remove(length);
        if written.is_err() {
            return;
        }
    }
    // All has been answered, or the connection is closed.
    let _ = send.finish();
}

/// Why the task of a stream ends.
enum End {
    /// The peer will send nothing more.
    Finished,
    /// The connection is closed, or the stream was reset.
    Closed,
    /// The peer has broken the rules.
    Broken,
}

struct Reader {
    shared: Arc<Shared>,
    number: u64,
    stream: RequestStream,
    waiting: HashMap<i64, oneshot::Sender<Result<Answer, LinkError>>>,
    out: mpsc::UnboundedSender<Out>,
    backlog: Backlog,
    answers_to: mpsc::UnboundedSender<(i64, Option<Answer>)>,
}

impl Reader {
    async fn run(
        mut self,
        mut recv: RecvStream,
        mut asks: mpsc::Receiver<Ask>,
        mut answers: mpsc::UnboundedReceiver<(i64, Option<Answer>)>,
    ) {
        let end = loop {
            let deadline = self.stream.next_deadline();
            let until = deadline.map(instant_of);
            tokio::select! {
                chunk = recv.read_chunk(CHUNK, true) => match chunk {
                    Ok(Some(chunk)) => match self.take(&chunk.bytes).await {
                        Ok(()) => {}
                        Err(end) => break end,
                    },
                    Ok(None) => break End::Finished,
                    Err(_) => break End::Closed,
                },
                Some(ask) = asks.recv() => self.ask(ask),
                Some((id, answer)) = answers.recv() => self.answer(id, answer),
                () = tokio::time::sleep_until(until.unwrap_or_else(tokio::time::Instant::now)), if until.is_some() => {
                    self.expire();
                }
            }
        };
        if matches!(end, End::Broken) {
            let _ = recv.stop(VarInt::from_u32(BROKEN));
            let _ = self.out.send(Out::Reset);
        }
        // What the peer has asked before the end of its side is answered still.
        if matches!(end, End::Finished) {
            while self.stream.serving() > 0 {
                match answers.recv().await {
                    Some((id, answer)) => self.answer(id, answer),
                    None => break,
                }
            }
        }
        self.shared.remove(self.number);
        asks.close();
        self.stream.close();
        for (_, done) in self.waiting.drain() {
            let _ = done.send(Err(LinkError::Closed));
        }
    }

    async fn take(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.stream.feed(bytes).map_err(|_| End::Broken)?;
        while let Some(received) = self.stream.receive().map_err(|_| End::Broken)? {
            match received {
                Received::Reply { id, body } => self.answered(id, Ok(Answer::Reply(body))),
                Received::Error { id, body } => self.answered(id, Ok(Answer::Error(body))),
                Received::Command { id, endpoint, body } => {
                    let permits = u32::try_from(body.len()).map_err(|_| End::Broken)?;
                    let room = Arc::clone(&self.shared.room).acquire_many_owned(permits);
                    let room = room.await.map_err(|_| End::Closed)?;
                    let command = Command {
                        stream: self.number,
                        endpoint,
                        body,
                        answer: Responder {
                            id,
                            answers: self.answers_to.clone(),
                            is_done: false,
                            _room: room,
                        },
                    };
                    if let Err(refused) = self.shared.commands.send(command).await {
                        // Nobody serves commands on this side. Its answer would wait for itself.
                        drop(refused);
                        self.stream.forget(id);
                    }
                }
            }
        }
        Ok(())
    }

    fn answered(&mut self, id: i64, answer: Result<Answer, LinkError>) {
        if let Some(done) = self.waiting.remove(&id) {
            // Nobody may wait for it any more.
            let _ = done.send(answer);
        }
    }

    fn ask(&mut self, ask: Ask) {
        let error = |error| match error {
            StreamError::TooLong(_) => LinkError::TooLong,
            StreamError::TooManyOpen(_) => LinkError::Busy,
            _ => LinkError::Closed,
        };
        match ask {
            Ask::Request {
                endpoint,
                body,
                deadline,
                done,
            } => match self.stream.command(&endpoint, &body, deadline) {
                Ok((id, bytes)) => {
                    self.waiting.insert(id, done);
                    self.write(bytes);
                }
                Err(refused) => {
                    let _ = done.send(Err(error(refused)));
                }
            },
            Ask::Notify { endpoint, body } => {
                // One that is too long is not sent: no notice of this protocol is.
                if let Ok(bytes) = self.stream.notify(&endpoint, &body) {
                    self.write(bytes);
                }
            }
        }
    }

    fn answer(&mut self, id: i64, answer: Option<Answer>) {
        let bytes = match answer {
            None => {
                self.stream.forget(id);
                return;
            }
            Some(Answer::Reply(body)) => self.stream.reply(id, &body),
            Some(Answer::Error(body)) => self.stream.error(id, &body),
        };
        // An answer that is too long is a failure of the handler.
        match bytes.or_else(|_| self.stream.error(id, FAILED)) {
            Ok(bytes) => self.write(bytes),
            Err(_) => {
                self.stream.forget(id);
            }
        }
    }

    fn expire(&mut self) {
        for id in self.stream.expire(monotonic()) {
            self.answered(id, Err(LinkError::TimedOut));
        }
    }

    fn write(&self, bytes: Vec<u8>) {
        self.backlog.add(bytes.len());
        let length = bytes.len();
        if self.out.send(Out::Bytes(bytes.into())).is_err() {
            self.backlog.remove(length);
        }
    }
}
