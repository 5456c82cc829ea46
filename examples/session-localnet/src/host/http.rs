//! HTTP clients, whose errors say to whom they were connected and why it failed.

use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::{Request, StatusCode, header};
pub use session_sdk::http::Trust;
use session_sdk::http::{HttpsClient, https_client};

use super::foreign::Foreign;

/// The largest answer that is read, in bytes: as much as a service node takes in a request.
pub const MAX_ANSWER: usize = 10 * 1024 * 1024;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is no URL.
    #[error("`{0}` is not a usable address")]
    Address(Foreign),
    /// No connection, or it broke.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// Host and port.
        host: Foreign,
        /// What the lower layers said.
        reason: Foreign,
    },
    /// No answer in time.
    #[error("{host} did not answer within {seconds} s")]
    Timeout {
        /// Host and port.
        host: Foreign,
        /// The limit.
        seconds: u64,
    },
    /// The answer broke off or is too long.
    #[error("the answer of {host} cannot be read: {reason}")]
    Body {
        /// Host and port.
        host: Foreign,
        /// What the lower layers said.
        reason: Foreign,
    },
}

/// Status, content type and body of an answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type`, if there is one.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
}

/// An HTTP client with connections kept for reuse.
#[derive(Debug, Clone)]
pub struct Http {
    client: HttpsClient,
}

impl Http {
    /// A client that trusts as told and, if `from` is given, connects from that address.
    pub fn new(trust: Trust, from: Option<IpAddr>) -> Self {
        Self {
            client: https_client(trust, from, true),
        }
    }

    /// A client that connects anew for each request.
    pub fn connecting_anew(trust: Trust) -> Self {
        Self {
            client: https_client(trust, None, false),
        }
    }

    /// Posts `body` and waits for the whole answer.
    ///
    /// # Errors
    ///
    /// [`HttpError`] if there is no answer; an answer with an error status is an answer.
    pub async fn post(
        &self,
        url: &str,
        content_type: &'static str,
        body: Bytes,
        limit: Duration,
    ) -> Result<Answer, HttpError> {
        let request = Request::post(url)
            .header(header::CONTENT_TYPE, content_type)
            .body(Full::new(body))
            .map_err(|_| HttpError::Address(url.into()))?;
        self.send(request, limit).await
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    ///
    /// As [`post`](Self::post).
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        limit: Duration,
    ) -> Result<Answer, HttpError> {
        let uri = request.uri();
        let host = uri
            .authority()
            .map_or_else(|| uri.to_string(), ToString::to_string);
        let host = Foreign::from(host);
        match tokio::time::timeout(limit, self.exchange(&host, request)).await {
            Ok(answer) => answer,
            Err(_) => Err(HttpError::Timeout {
                host,
                seconds: limit.as_secs(),
            }),
        }
    }

    async fn exchange(
        &self,
        host: &Foreign,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, HttpError> {
        let answer =
            self.client
                .request(request)
                .await
                .map_err(|error| HttpError::Unreachable {
                    host: host.clone(),
                    reason: root_cause(&error).into(),
                })?;
        let (head, body) = answer.into_parts();
        let body = read(Limited::new(body, MAX_ANSWER)).await;
        let body = body.map_err(|error| HttpError::Body {
            host: host.clone(),
            reason: root_cause(error.as_ref()).into(),
        })?;
        let content_type = head.headers.get(header::CONTENT_TYPE);
        Ok(Answer {
            status: head.status.as_u16(),
            content_type: content_type
                .and_then(|text| text.to_str().ok())
                .map(str::to_owned),
            body,
        })
    }
}

/// Reads a body into one buffer. Collecting its pieces first would hold a file twice.
async fn read(
    mut body: Limited<Incoming>,
) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut whole = BytesMut::with_capacity(announced.min(MAX_ANSWER));
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame?.into_data() {
            whole.extend_from_slice(&piece);
        }
    }
    Ok(whole.freeze())
}

impl Answer {
    /// Whether the status is 200.
    pub fn is_ok(&self) -> bool {
        self.status == StatusCode::OK.as_u16()
    }
}

/// The innermost reason, which is the one a person understands.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
