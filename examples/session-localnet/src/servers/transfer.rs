//! The file server over QUIC (protocol: file-server, section 4): commands on the first stream, one transfer on each
//! other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use session_crypto::Ed25519Secret;
use session_proto::stream::invalid_endpoint;
use session_proto::stream::tls::ALPN_FILES;
use session_sdk::quic::quinn::{Connection, RecvStream, SendStream, VarInt};
use session_sdk::quic::{Answer, Clients, Command, Link, Listener, Offer};
use session_services::file::quic::{self, Block, code};
use session_services::file::server::Config;

use super::{Server, file};
use crate::node::StartError;

/// Time without packets after which a connection is closed.
const IDLE: Duration = Duration::from_secs(30);
/// Time limit of a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// Listens at an address.
pub(super) fn listen(address: SocketAddr, secret: &Ed25519Secret) -> Result<Listener, StartError> {
    let offer = Offer {
        alpn: ALPN_FILES,
        clients: Clients::Any,
    };
    Listener::bind(address, secret, offer, [], IDLE)
        .map_err(|error| StartError::Quic(error.to_string()))
}

/// Serves connections until the listener is closed.
pub(super) async fn serve(server: Arc<Server>, config: Arc<Config>, listener: Listener) {
    while let Some(incoming) = listener.accept().await {
        let (server, config) = (Arc::clone(&server), Arc::clone(&config));
        tokio::spawn(async move {
            // One that fails is the client's trouble.
            if let Ok(incoming) = Listener::handshake(incoming, HANDSHAKE).await {
                connected(server, config, incoming.connection).await;
            }
        });
    }
}

async fn connected(server: Arc<Server>, config: Arc<Config>, connection: Connection) {
    let (link, mut commands) = Link::manual(connection.clone());
    loop {
        tokio::select! {
            stream = connection.accept_bi() => match stream {
                Err(_) => return,
                Ok((send, recv)) if recv.id().index() == 0 => link.adopt(0, send, recv),
                Ok((send, recv)) => {
                    let (server, config) = (Arc::clone(&server), Arc::clone(&config));
                    tokio::spawn(async move { transfer(&server, &config, send, recv).await });
                }
            },
            Some(command) = commands.recv() => {
                let (server, config) = (Arc::clone(&server), Arc::clone(&config));
                tokio::spawn(async move { answer(&server, config, command).await });
            }
        }
    }
}

async fn answer(server: &Server, config: Arc<Config>, command: Command) {
    let Command {
        endpoint,
        body,
        answer,
        ..
    } = command;
    begin(server).await;
    let (now, name) = (server.now(), endpoint.clone());
    let asked = server
        .engine
        .run(move |db| file::command(db, &config, &name, &body, now));
    answer.send(match asked.await {
        Ok(Some(Ok(body))) => Answer::Reply(body),
        Ok(Some(Err(text))) => Answer::Error(text),
        Ok(None) => Answer::Error(invalid_endpoint(&endpoint)),
        Err(_) => Answer::Error(b"INTERNAL_ERROR".to_vec()),
    });
}

/// Counts a request, and waits as long as the server is slow.
async fn begin(server: &Server) {
    server.requests.fetch_add(1, Ordering::Relaxed);
    let slow = server.fault().slow;
    if !slow.is_zero() {
        tokio::time::sleep(slow).await;
    }
}

async fn transfer(server: &Server, config: &Config, mut send: SendStream, mut recv: RecvStream) {
    begin(server).await;
    match run(server, config, &mut recv).await {
        Ok((head, content)) => {
            // A client that goes away gets no more.
            if send.write_all(&head).await.is_ok() && send.write_all(&content).await.is_ok() {
                let _ = send.finish();
            }
        }
        Err(code) => {
            let code = VarInt::from_u32(code);
            let _ = (recv.stop(code), send.reset(code));
        }
    }
}

/// The two parts of the reply, or the code to close the stream with.
async fn run(
    server: &Server,
    config: &Config,
    recv: &mut RecvStream,
) -> Result<(Vec<u8>, Vec<u8>), u32> {
    let mut bytes = Vec::new();
    let (block, taken) = loop {
        if let Some(read) = Block::read(&bytes, quic::MAX_SIZE)? {
            break read;
        }
        if !more(recv, &mut bytes).await? {
            return Err(code::BAD_REQUEST);
        }
    };
    let mut content = bytes.split_off(taken);
    let (now, is_full) = (server.now(), server.fault().full);
    match block {
        Block::Put { size, ttl } => {
            while content.len() <= size && more(recv, &mut content).await? {}
            match content.len() {
                length if length < size => return Err(code::TOO_SHORT),
                length if length > size => return Err(code::TOO_LONG),
                _ => {}
            }
            let config = config.clone();
            let stored = server
                .engine
                .run(move |db| file::upload(db, &config, content, ttl, now, is_full));
            let stored = stored.await.map_err(|_| code::STORE)??;
            Ok((stored.encode(), Vec::new()))
        }
        Block::Get(id) => {
            // The file is sent when the client has said that it says no more.
            if !content.is_empty() || more(recv, &mut content).await? {
                return Err(code::BAD_REQUEST);
            }
            let found = server.engine.run(move |db| file::download(db, &id, now));
            let (head, content) = found.await.map_err(|_| code::STORE)??;
            Ok((head.encode(), content))
        }
    }
}

/// Reads some bytes more. False at the end of the stream.
async fn more(recv: &mut RecvStream, bytes: &mut Vec<u8>) -> Result<bool, u32> {
    match recv.read_chunk(CHUNK, true).await {
        Ok(Some(chunk)) => {
            bytes.extend_from_slice(&chunk.bytes);
            Ok(true)
        }
        Ok(None) => Ok(false),
        Err(_) => Err(code::INTERNAL),
    }
}
