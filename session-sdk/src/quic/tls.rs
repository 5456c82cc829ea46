//! The TLS side of connections: Ed25519 raw public keys on both sides (RFC 7250), TLS 1.3 alone.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{AlwaysResolvesClientRawPublicKeys, Resumption};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{
    CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::AlwaysResolvesServerRawPublicKeys;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, ServerConfig,
    SignatureScheme,
};
use session_crypto::{Ed25519Public, Ed25519Secret};
use session_proto::stream::tls::{key_of, spki};
use zeroize::Zeroizing;

use super::listen::Clients;

/// Beginning of a PKCS #8 document with an Ed25519 seed, in DER.
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The provider of all cryptography of TLS.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A key in the form in which TLS shows it.
fn shown(secret: &Ed25519Secret) -> Result<Arc<CertifiedKey>, rustls::Error> {
    let pkcs8 = Zeroizing::new([&PKCS8_PREFIX[..], secret.expose_seed()].concat());
    let key = ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(pkcs8.as_slice()))?;
    let spki = spki(&secret.public()).to_vec();
    Ok(Arc::new(CertifiedKey::new(vec![spki.into()], key)))
}

/// Makes the configuration of a client that connects to the holder of `server`, and shows `own` if it is given.
///
/// # Errors
///
/// [`rustls::Error`] if a key cannot be used.
pub fn client(
    server: Ed25519Public,
    own: Option<&Ed25519Secret>,
    alpn: &[u8],
) -> Result<ClientConfig, rustls::Error> {
    let provider = provider();
    let verifier = Arc::new(PinnedKey {
        key: server,
        provider: Arc::clone(&provider),
    });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => builder.with_client_cert_resolver(Arc::new(
            AlwaysResolvesClientRawPublicKeys::new(shown(own)?),
        )),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    config.enable_sni = false;
    // A ticket would link connections, and what is sent in 0-RTT can be sent again by others.
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(config)
}

/// Makes the configuration of a server for one application protocol. Without `clients` no key is asked for.
///
/// # Errors
///
/// [`rustls::Error`] if the key cannot be used.
pub fn server(
    secret: &Ed25519Secret,
    alpn: &[u8],
    clients: Option<Clients>,
) -> Result<ServerConfig, rustls::Error> {
    let provider = provider();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13])?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            builder.with_client_cert_verifier(Arc::new(RawClients { clients, provider }))
        }
    };
    let resolver = AlwaysResolvesServerRawPublicKeys::new(shown(secret)?);
    let mut config = builder.with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![alpn.to_vec()];
    config.max_early_data_size = 0;
    Ok(config)
}

/// Verifies that the server holds one key.
#[derive(Debug)]
struct PinnedKey {
    key: Ed25519Public,
    provider: Arc<CryptoProvider>,
}

/// The key in what the peer shows as its certificate.
fn key_in(certificate: &CertificateDer<'_>) -> Result<Ed25519Public, rustls::Error> {
    key_of(certificate).map_err(|_| CertificateError::BadEncoding.into())
}

fn verify_signature(
    provider: &CryptoProvider,
    message: &[u8],
    key: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let key = SubjectPublicKeyInfoDer::from(key.as_ref());
    let algorithms = &provider.signature_verification_algorithms;
    verify_tls13_signature_with_raw_key(message, &key, signature, algorithms)
}

/// There is no TLS 1.2 here.
fn no_tls12<T>() -> Result<T, rustls::Error> {
    Err(rustls::Error::General("TLS 1.3 is required".into()))
}

impl ServerCertVerifier for PinnedKey {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match key_in(certificate)? == self.key {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_signature(&self.provider, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

/// Verifies the keys of clients.
#[derive(Debug)]
struct RawClients {
    clients: Clients,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for RawClients {
    fn client_auth_mandatory(&self) -> bool {
        matches!(self.clients, Clients::Known(_))
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let key = key_in(certificate)?;
        let is_welcome = match &self.clients {
            Clients::Any => true,
            Clients::Known(known) => known.knows(&key),
        };
        match is_welcome {
            true => Ok(ClientCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_signature(&self.provider, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
