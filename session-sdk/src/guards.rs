//! The QUIC connections of a client: one with each node that it reaches, kept open.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use session_crypto::Ed25519Public;
use tokio::sync::{OnceCell, mpsc};

use crate::http::Posted;
use crate::quic::{
    Answer, Connect, ConnectError, Link, LinkError, client_endpoint, connect, quinn,
};

/// Bodies above this length go on a stream of their own, so that they do not hold up small ones.
const BIG: usize = 64 * 1024;
/// Streams of a connection: for small requests and what the node tells, and for big ones.
const STREAMS: u64 = 2;
/// What nodes tell and nobody has taken. They wait then.
const MAX_TOLD: usize = 100;

/// What a node does on its own.
#[derive(Debug)]
pub(crate) enum Told {
    /// It sends a command.
    Command(Ed25519Public, Vec<u8>, Vec<u8>),
    /// The connection with it has ended.
    Closed(Ed25519Public),
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy)]
enum NoLink {
    /// Nothing answered.
    Silent,
    /// The handshake failed.
    Refused,
}

/// A connection that there is, or that is being made. All who wait for it see it fail.
type Slot = Arc<OnceCell<Result<Link, NoLink>>>;

/// The connections, by the keys of the nodes.
#[derive(Debug, Clone)]
pub(crate) struct Guards {
    /// `None` without a UDP socket.
    endpoint: Option<quinn::Endpoint>,
    slots: Arc<Mutex<HashMap<Ed25519Public, Slot>>>,
    told: mpsc::Sender<Told>,
}

impl Guards {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Told>) {
        let (told, receiver) = mpsc::channel(MAX_TOLD);
        let from = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let guards = Self {
            endpoint: client_endpoint(from).ok(),
            slots: Arc::default(),
            told,
        };
        (guards, receiver)
    }

    /// Asks a node, over the connection with it.
    pub(crate) async fn post(
        &self,
        (address, key): (SocketAddrV4, Ed25519Public),
        command: &'static str,
        body: Vec<u8>,
        handshake: Duration,
        limit: Duration,
    ) -> Posted {
        let asked = async {
            let link = match self.link(address, key, handshake).await {
                Ok(link) => link,
                Err(NoLink::Silent) => return Posted::NoQuic,
                Err(NoLink::Refused) => return Posted::Unreachable,
            };
            let stream = u64::from(body.len() > BIG);
            match link.request(stream, command.as_bytes(), body, limit).await {
                Ok(Answer::Reply(body)) => Posted::Stream(Ok(body)),
                Ok(Answer::Error(text)) => Posted::Stream(Err(text)),
                Err(LinkError::TimedOut) => Posted::TimedOut,
                Err(_) => Posted::Unreachable,
            }
        };
        let timeout = tokio::time::timeout(limit, asked);
        timeout.await.unwrap_or(Posted::TimedOut)
    }

    async fn link(
        &self,
        address: SocketAddrV4,
        key: Ed25519Public,
        handshake: Duration,
    ) -> Result<Link, NoLink> {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            // What is over, and what nobody waits for any more, makes room.
            slots.retain(|_, slot| match slot.get() {
                Some(Ok(link)) => !link.is_closed(),
                Some(Err(_)) => false,
                None => true,
            });
            Arc::clone(slots.entry(key).or_default())
        };
        let made = slot.get_or_init(|| self.connect(address, key, handshake));
        made.await.clone()
    }

    async fn connect(
        &self,
        address: SocketAddrV4,
        key: Ed25519Public,
        handshake: Duration,
    ) -> Result<Link, NoLink> {
        let endpoint = self.endpoint.as_ref().ok_or(NoLink::Silent)?;
        let how = Connect::client(key).within(handshake);
        let connection = connect(endpoint, address.into(), how).await;
        let connection = connection.map_err(|error| match error {
            ConnectError::Refused(_) => NoLink::Refused,
            ConnectError::NoAnswer | ConnectError::Socket(_) | ConnectError::Tls(_) => {
                NoLink::Silent
            }
        })?;
        let opened = Link::opening(connection, STREAMS).await;
        let (link, mut commands) = opened.map_err(|_| NoLink::Refused)?;
        let (closing, told) = (link.clone(), self.told.clone());
        tokio::spawn(async move {
            loop {
                let command = tokio::select! {
                    command = commands.recv() => command,
                    () = closing.closed() => None,
                };
                let Some(command) = command else {
                    break;
                };
                // Only the first stream is for what the node tells. Nothing is answered.
                if command.stream == 0 {
                    let told = told.send(Told::Command(key, command.endpoint, command.body));
                    if told.await.is_err() {
                        break;
                    }
                }
            }
            // The client has stopped, or hears of it.
            let _ = told.send(Told::Closed(key)).await;
        });
        Ok(link)
    }
}

impl Drop for Guards {
    fn drop(&mut self) {
        // The last handle closes all connections, with code 0.
        if let (Some(endpoint), 1) = (&self.endpoint, Arc::strong_count(&self.slots)) {
            endpoint.close(0u32.into(), b"");
        }
    }
}
