//! Bodies of requests, as far as a client may hold on to the memory for them.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Gate, Limits, Reply};

/// Maximum length of a request body in bytes (protocol: onion, section 6.1).
pub const MAX_BODY: usize = 10 * 1024 * 1024;

pub(super) fn too_long() -> Reply {
    Reply::last(413, "Request body too large")
}

fn too_slow() -> Reply {
    Reply::last(408, "Request Timeout")
}

/// Reads the bodies of one server's requests.
pub(super) struct Bodies {
    pub(super) limits: Limits,
    /// A permit for each byte of a body that may be there in part. A client that sends when there is no
    /// room waits, and gives up its own room when its time is over.
    pub(super) room: Arc<Semaphore>,
    /// Refuses requests before their bodies are read.
    pub(super) gate: Option<Gate>,
}

impl Bodies {
    pub(super) async fn read(&self, body: Incoming) -> Result<Bytes, Reply> {
        match tokio::time::timeout(self.limits.whole, self.pieces(body)).await {
            Ok(read) => read,
            Err(_) => Err(too_slow()),
        }
    }

    async fn pieces(&self, mut body: Incoming) -> Result<Bytes, Reply> {
        let mut whole = BytesMut::new();
        let mut taken: Option<SemaphorePermit<'_>> = None;
        loop {
            let frame = match tokio::time::timeout(self.limits.idle, body.frame()).await {
                Ok(None) => return Ok(whole.freeze()),
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(_))) => return Err(Reply::last(400, "Bad Request")),
                Err(_) => return Err(too_slow()),
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if whole.len() + data.len() > MAX_BODY {
                return Err(too_long());
            }
            let more = u32::try_from(data.len()).map_err(|_| too_long())?;
            let more = self.room.acquire_many(more).await.map_err(|_| too_slow())?;
            match &mut taken {
                Some(taken) => taken.merge(more),
                None => taken = Some(more),
            }
            whole.extend_from_slice(&data);
        }
    }
}
