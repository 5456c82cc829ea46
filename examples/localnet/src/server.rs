//! An HTTPS server on one address, with a handler for each request.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// The largest request body, in bytes (protocol: onion, section 6.1).
pub const MAX_BODY: usize = 10 * 1024 * 1024;
/// Idle connections are closed after this time.
const IDLE: Duration = Duration::from_secs(11);
/// A TLS handshake must end within this time.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// A request as a handler sees it.
#[derive(Debug)]
pub struct Call {
    /// Where it came from.
    pub from: SocketAddr,
    /// The HTTP method.
    pub method: Method,
    /// The path without the query.
    pub path: String,
    /// What follows the `?`.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What a handler answers.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// One more header, if there is one.
    pub header: Option<(&'static str, String)>,
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
            body: body.into(),
        }
    }

    /// JSON.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: "application/json",
            header: None,
            body: body.into(),
        }
    }
}

/// Takes connections until `stop` becomes true, each in a task of its own.
///
/// `name` is the `Server` header. A request that is too long gets 413, an unreadable one ends its
/// connection; neither reaches the handler.
pub async fn serve<H, F>(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    name: &'static str,
    handler: H,
    mut stop: watch::Receiver<bool>,
) where
    H: Fn(Call) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let acceptor = TlsAcceptor::from(tls);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => return,
        };
        // A client that is gone before it was accepted is no reason to stop.
        let Ok((stream, from)) = accepted else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (acceptor, handler, stop) = (acceptor.clone(), handler.clone(), stop.clone());
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let handshake = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream));
            if let Ok(Ok(stream)) = handshake.await {
                connection(TokioIo::new(stream), from, name, handler, stop).await;
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
    handler: H,
    mut stop: watch::Receiver<bool>,
) where
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    H: Fn(Call) -> F,
    F: Future<Output = Reply>,
{
    let service = service_fn(|request| async {
        let reply = match read(request, from).await {
            Ok(call) => handler(call).await,
            Err(reply) => reply,
        };
        Ok::<_, std::convert::Infallible>(respond(reply, name))
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    let running = http
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .title_case_headers(true);
    let running = running.serve_connection(stream, service);
    tokio::pin!(running);
    tokio::select! {
        _ = running.as_mut() => {}
        () = stopped(&mut stop) => {
            running.as_mut().graceful_shutdown();
            let _ = running.await;
        }
    }
}

async fn read(request: Request<Incoming>, from: SocketAddr) -> Result<Call, Reply> {
    let (head, body) = request.into_parts();
    let too_long = || Reply {
        header: Some(("Connection", "close".to_owned())),
        ..Reply::text(413, "Request body too large")
    };
    if let Some(length) = head.headers.get(header::CONTENT_LENGTH) {
        let length = length
            .to_str()
            .ok()
            .and_then(|text| text.parse::<u64>().ok());
        match length {
            Some(length) if length > MAX_BODY as u64 => return Err(too_long()),
            Some(_) => {}
            None => return Err(Reply::text(400, "Invalid Content-Length")),
        }
    }
    let body = Limited::new(body, MAX_BODY)
        .collect()
        .await
        .map_err(|_| too_long())?;
    Ok(Call {
        from,
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.to_bytes(),
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
    if let Some((name, value)) = reply.header
        && let Ok(value) = HeaderValue::from_str(&value)
    {
        headers.insert(name, value);
    }
    response
}
