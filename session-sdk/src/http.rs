//! HTTPS as this network uses it: self-signed certificates everywhere. For drivers of one's own.
//!
//! A service node's certificate proves nothing, and need not: onion layers are encrypted to the
//! node's key. So towards nodes any certificate will do. A seed node is believed when it says who
//! the service nodes are, so its certificate is pinned byte for byte.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, header};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use session_network::Outcome;

use crate::proxy::{Kind, Proxy};

/// The largest answer that is read, in bytes: as much as a service node takes in a request.
const MAX_ANSWER: usize = 10 * 1024 * 1024;
/// How long a connection is kept for the next request. Nodes close idle ones after 11 s.
const KEEP_IDLE: Duration = Duration::from_secs(8);

/// Which certificates a connection accepts.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Any: the content is authenticated some other way.
    Any,
    /// Exactly these, in DER.
    Pinned(Vec<CertificateDer<'static>>),
}

/// Why a request got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HttpError {
    /// No connection, or it broke, or the answer is too long.
    Unreachable,
    /// No answer in time.
    Timeout,
}

/// Status and body of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// What became of a post, over HTTPS or QUIC.
#[derive(Debug)]
pub(crate) enum Posted {
    /// An answer over HTTPS.
    Answer(Answer),
    /// An answer over QUIC: a reply, or the text of an error.
    #[cfg(feature = "quic")]
    Stream(Result<Vec<u8>, Vec<u8>>),
    /// No answer in time.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// QUIC does not pass.
    NoQuic,
}

impl Posted {
    pub(crate) fn outcome(&self) -> Outcome<'_> {
        match self {
            Self::Answer(Answer { status, body }) => Outcome::Answer {
                status: *status,
                body,
            },
            #[cfg(feature = "quic")]
            Self::Stream(answer) => Outcome::of_quic(match answer {
                Ok(body) => Ok(body),
                Err(text) => Err(text),
            }),
            Self::TimedOut => Outcome::TimedOut,
            Self::Unreachable => Outcome::Unreachable,
            Self::NoQuic => Outcome::NoQuic,
        }
    }
}

impl Posted {
    /// Its name in a trace.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Answer(_) => "https",
            #[cfg(feature = "quic")]
            Self::Stream(_) => "quic",
            Self::TimedOut => "timed out",
            Self::Unreachable => "unreachable",
            Self::NoQuic => "no quic",
        }
    }
}

impl From<Result<Answer, HttpError>> for Posted {
    fn from(answer: Result<Answer, HttpError>) -> Self {
        match answer {
            Ok(answer) => Self::Answer(answer),
            Err(HttpError::Timeout) => Self::TimedOut,
            Err(HttpError::Unreachable) => Self::Unreachable,
        }
    }
}

/// A client whose connections begin with a connector.
type Over<C> = Client<HttpsConnector<C>, Full<Bytes>>;

/// A client of hyper that takes `http` and `https`, with bodies that are there as a whole.
pub type HttpsClient = Over<HttpConnector>;

/// Makes a client that trusts as told and, if `from` is given, connects from that address. Connections are kept for
/// the next request to the same host, unless `keeps` is false.
///
/// # Panics
///
/// Never: the TLS library is built with the versions that are asked for.
#[must_use]
pub fn https_client(trust: Trust, from: Option<IpAddr>, keeps: bool) -> HttpsClient {
    over(tls(trust), tcp(from), keeps)
}

/// TLS that trusts as told.
#[expect(
    clippy::expect_used,
    reason = "the library is built with these versions of TLS"
)]
fn tls(trust: Trust) -> rustls::ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Verifier {
        trust,
        provider: Arc::clone(&provider),
    });
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3 are compiled in")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth()
}

/// Connections from an address.
fn tcp(from: Option<IpAddr>) -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_local_address(from);
    tcp.set_connect_timeout(Some(Duration::from_secs(5)));
    tcp
}

/// An HTTP client with connections kept for reuse.
#[derive(Debug, Clone)]
pub(crate) enum Http {
    /// Without a proxy.
    Direct(Over<HttpConnector>),
    /// Through a SOCKS5 proxy.
    Socks(Over<SocksV5<HttpConnector>>),
    /// Through an HTTP proxy, with CONNECT for every address.
    Tunnel(Over<Tunnel<HttpConnector>>),
}

impl Http {
    /// A client that trusts as told and, if `from` is given, connects from that address; through a proxy if one is
    /// given, which resolves all names.
    pub(crate) fn new(trust: Trust, from: Option<IpAddr>, proxy: Option<&Proxy>) -> Self {
        let (tls, tcp) = (tls(trust), tcp(from));
        let Some(proxy) = proxy else {
            return Self::Direct(over(tls, tcp, true));
        };
        let uri = proxy.uri.clone();
        match proxy.kind {
            Kind::Socks5 => {
                let socks = SocksV5::new(uri, tcp);
                Self::Socks(over(
                    tls,
                    match &proxy.login {
                        Some((user, password)) => {
                            socks.with_auth(user.clone(), password.to_string())
                        }
                        None => socks,
                    },
                    true,
                ))
            }
            Kind::Connect => {
                let tunnel = Tunnel::new(uri, tcp);
                Self::Tunnel(over(
                    tls,
                    match proxy.authorization() {
                        Some(header) => tunnel.with_auth(header),
                        None => tunnel,
                    },
                    true,
                ))
            }
        }
    }

    /// Posts `body` and waits for the whole answer. An answer with an error status is an answer.
    pub(crate) async fn post(
        &self,
        url: &str,
        content_type: &'static str,
        body: Bytes,
        limit: Duration,
    ) -> Result<Answer, HttpError> {
        let request = Request::post(url)
            .header(header::CONTENT_TYPE, content_type)
            .body(Full::new(body))
            .map_err(|_| HttpError::Unreachable)?;
        match tokio::time::timeout(limit, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(HttpError::Timeout),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, HttpError> {
        let answer = match self {
            Self::Direct(client) => client.request(request).await,
            Self::Socks(client) => client.request(request).await,
            Self::Tunnel(client) => client.request(request).await,
        };
        let (head, body) = answer.map_err(|_| HttpError::Unreachable)?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        Ok(Answer {
            status: head.status.as_u16(),
            body: body.map_err(|_| HttpError::Unreachable)?.to_bytes(),
        })
    }
}

/// A client over a connector, with TLS where the address says so, that keeps connections or does not.
fn over<C>(tls: rustls::ClientConfig, connector: C, keeps: bool) -> Over<C>
where
    HttpsConnector<C>: Connect + Clone + Send + Sync + 'static,
{
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(KEEP_IDLE)
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(if keeps { usize::MAX } else { 0 })
        .build(connector)
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.trust {
            Trust::Pinned(pins) if !pins.iter().any(|pin| pin == certificate) => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            Trust::Any | Trust::Pinned(_) => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
