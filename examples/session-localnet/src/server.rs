//! An HTTP server on one address, with or without TLS, with a handler for each request.
//!
//! What a client can hold on to is bounded: the number of its connections, the time of a handshake, the
//! time between two pieces of a request, and the bytes of bodies that are not complete.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

mod body;
mod strict;
#[cfg(test)]
mod tests;

use body::Bodies;
pub use body::MAX_BODY;
use strict::{Head, Strict};

/// A TLS handshake must end within this time. A machine that is busy with many of them takes long.
const HANDSHAKE: Duration = Duration::from_secs(60);

/// Limits on what clients can make a server hold.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Maximum number of connections. More wait until one ends.
    connections: usize,
    /// Maximum length of all bodies together, in bytes, that were received in part.
    incomplete: usize,
    /// The longest pause between two pieces of a request; idle connections are closed after it.
    idle: Duration,
    /// A body must be complete within this time.
    whole: Duration,
}

const LIMITS: Limits = Limits {
    connections: 512,
    incomplete: 32 * 1024 * 1024,
    idle: Duration::from_secs(11),
    whole: Duration::from_secs(60),
};

/// The limits of the servers outside the network of nodes. A thousand clients that say nothing leave room
/// for those that do.
const OUTSIDE: Limits = Limits {
    connections: 2048,
    ..LIMITS
};

/// Looks at the method, the path and the announced length of a request, and refuses it before its body is
/// read.
pub(crate) type Gate = Arc<dyn Fn(&Method, &str, u64) -> Option<Reply> + Send + Sync>;

/// A request as a handler sees it.
#[derive(Debug)]
pub struct Call {
    /// Address of the sender.
    pub from: SocketAddr,
    /// The HTTP method.
    pub method: Method,
    /// The path without the query.
    pub path: String,
    /// The query, without the `?`.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Response of a handler.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// One more header, if there is one.
    pub header: Option<(&'static str, String)>,
    /// Further headers; a `content-type` replaces the other one.
    pub more: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// A text.
    pub fn text(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: "text/plain",
            header: None,
            more: Vec::new(),
            body: body.into(),
        }
    }

    /// JSON.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: "application/json",
            header: None,
            more: Vec::new(),
            body: body.into(),
        }
    }

    /// A text, after which the connection ends.
    pub(crate) fn last(status: u16, body: &'static str) -> Self {
        Self {
            header: Some(("Connection", "close".to_owned())),
            ..Self::text(status, body)
        }
    }
}

/// Takes TLS connections until `stop` becomes true, each in a task of its own.
///
/// `name` is the `Server` header. A request that is too long gets 413, one that stalls 408, an unreadable
/// one 400, each of which ends its connection; none reaches the handler.
pub async fn serve<H, F>(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    name: &'static str,
    handler: H,
    stop: watch::Receiver<bool>,
) where
    H: Fn(Call) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let acceptor = TlsAcceptor::from(tls);
    let wrap = move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let handshake = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream));
            handshake.await.ok()?.ok()
        }
    };
    accept(listener, LIMITS, None, wrap, name, handler, stop).await;
}

/// The same without TLS.
pub async fn serve_plain<H, F>(
    listener: TcpListener,
    name: &'static str,
    handler: H,
    stop: watch::Receiver<bool>,
) where
    H: Fn(Call) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    accept(listener, LIMITS, None, plain, name, handler, stop).await;
}

/// The same for a server outside the network of nodes.
pub(crate) async fn serve_outside<H, F>(
    listener: TcpListener,
    gate: Gate,
    name: &'static str,
    handler: H,
    stop: watch::Receiver<bool>,
) where
    H: Fn(Call) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    accept(listener, OUTSIDE, Some(gate), plain, name, handler, stop).await;
}

fn plain(stream: TcpStream) -> std::future::Ready<Option<TcpStream>> {
    std::future::ready(Some(stream))
}

async fn accept<W, S, I, H, F>(
    listener: TcpListener,
    limits: Limits,
    gate: Option<Gate>,
    wrap: W,
    name: &'static str,
    handler: H,
    mut stop: watch::Receiver<bool>,
) where
    W: Fn(TcpStream) -> S,
    S: Future<Output = Option<I>> + Send + 'static,
    I: AsyncRead + AsyncWrite + Unpin + Send,
    H: Fn(Call) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(limits.connections));
    let room = Arc::new(Semaphore::new(limits.incomplete));
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accepted => accepted,
            () = stopped(&mut stop) => return,
        };
        // A client that is gone before it was accepted is no reason to stop.
        let Ok((stream, from)) = accepted else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let wrapped = wrap(stream);
        let bodies = Bodies {
            limits,
            room: Arc::clone(&room),
            gate: gate.clone(),
        };
        let (handler, stop) = (handler.clone(), stop.clone());
        tokio::spawn(async move {
            let _place = place;
            if let Some(stream) = wrapped.await {
                connection(stream, from, name, &bodies, handler, stop).await;
            }
        });
    }
}

/// Resolves when it is time to stop, also when nobody is left who could say so.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The guard that this returns must not live across a wait.
    let _ = stop.wait_for(|stop| *stop).await.map(|_| ());
}

async fn connection<I, H, F>(
    stream: I,
    from: SocketAddr,
    name: &'static str,
    bodies: &Bodies,
    handler: H,
    mut stop: watch::Receiver<bool>,
) where
    I: AsyncRead + AsyncWrite + Unpin,
    H: Fn(Call) -> F,
    F: Future<Output = Reply>,
{
    let head = Head::default();
    let stream = Strict::new(stream, head.clone());
    let service = service_fn(|request| async {
        let reply = match read(request, from, bodies).await {
            Ok(call) => {
                head.next();
                handler(call).await
            }
            Err(reply) => reply,
        };
        Ok::<_, std::convert::Infallible>(respond(reply, name))
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    let running = http
        .timer(TokioTimer::new())
        .header_read_timeout(bodies.limits.idle)
        .title_case_headers(true);
    let running = running.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(running);
    tokio::select! {
        _ = running.as_mut() => {}
        () = stopped(&mut stop) => {
            running.as_mut().graceful_shutdown();
            let _ = running.await;
        }
    }
}

async fn read(
    request: Request<Incoming>,
    from: SocketAddr,
    bodies: &Bodies,
) -> Result<Call, Reply> {
    let (head, body) = request.into_parts();
    // As deployed nodes do.
    if head.version != Version::HTTP_11 || !head.headers.contains_key(header::HOST) {
        return Err(Reply::last(400, "Bad Request"));
    }
    if let Some(length) = head.headers.get(header::CONTENT_LENGTH) {
        let length = length
            .to_str()
            .ok()
            .and_then(|text| text.parse::<u64>().ok());
        match length {
            Some(length) if length > MAX_BODY as u64 => return Err(body::too_long()),
            Some(length) => {
                let gate = bodies.gate.as_ref();
                let refused = gate.and_then(|gate| gate(&head.method, head.uri.path(), length));
                if let Some(refused) = refused {
                    return Err(Reply {
                        header: Some(("Connection", "close".to_owned())),
                        ..refused
                    });
                }
            }
            None => return Err(Reply::last(400, "Invalid Content-Length")),
        }
    }
    Ok(Call {
        from,
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: bodies.read(body).await?,
    })
}

fn respond(reply: Reply, name: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static(name));
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(reply.content_type),
    );
    for (name, value) in &reply.more {
        let name = header::HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    if let Some((name, value)) = reply.header
        && let Ok(value) = HeaderValue::from_str(&value)
    {
        headers.insert(name, value);
    }
    response
}
