//! Certificates, made anew at every start.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A self-signed certificate with its key, ready to serve.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate in PEM, for clients that pin it.
    pub pem: String,
    /// The certificate in DER.
    pub der: CertificateDer<'static>,
    /// What the server needs.
    pub config: Arc<ServerConfig>,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate could not be made.
    #[error("no certificate for {0}: {1}")]
    Certificate(IpAddr, rcgen::Error),
    /// The TLS library refused it.
    #[error("certificate for {0} is not usable: {1}")]
    Config(IpAddr, rustls::Error),
}

/// Makes a self-signed certificate for `address`.
///
/// # Errors
///
/// [`TlsError`] if a library refuses.
pub fn self_signed(address: IpAddr) -> Result<Identity, TlsError> {
    let made = rcgen::generate_simple_self_signed([address.to_string()])
        .map_err(|error| TlsError::Certificate(address, error))?;
    let der = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(vec![der.clone()], key)
        })
        .map_err(|error| TlsError::Config(address, error))?;
    Ok(Identity {
        pem: made.cert.pem(),
        der,
        config: Arc::new(config),
    })
}
