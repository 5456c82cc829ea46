//! Certificates: those of the nodes, made anew at every start, and that of the seed node, which stays.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use crate::host::clock;
use crate::host::durable::write_atomically;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::fault::now_ms;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// How long the certificate of a seed node is valid: Apple takes no more than 825 days.
const LIFETIME_DAYS: u64 = 800;
/// A certificate that is valid for fewer days than these is made anew.
const SPARE_DAYS: u64 = 60;
/// The line of the key's file that says until when the certificate is valid, in ms since 1970.
const VALID_UNTIL: &str = "valid until ";

/// A certificate with its key, ready to serve.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificates in PEM, for clients that pin the first or trust it.
    pub pem: String,
    /// The first certificate in DER.
    pub der: CertificateDer<'static>,
    /// Configuration for the TLS server.
    pub config: Arc<ServerConfig>,
}

/// Error of making or reading a certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate could not be made.
    #[error("no certificate can be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused it.
    #[error("the certificate cannot be used: {0}")]
    Config(#[from] rustls::Error),
    /// A file cannot be read or written.
    #[error("cannot use {path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// Reason.
        reason: io::Error,
    },
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> TlsError {
    move |reason| TlsError::File {
        path: path.display().to_string(),
        reason,
    }
}

/// Makes a self-signed certificate for `address`.
///
/// # Errors
///
/// [`TlsError`] if a library refuses.
pub fn self_signed(address: IpAddr) -> Result<Identity, TlsError> {
    let made = rcgen::generate_simple_self_signed([address.to_string()])?;
    identity(
        made.cert.pem(),
        vec![made.cert.der().clone()],
        PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into()),
    )
}

/// The certificate of the seed node that is kept in `pem`, its key in `key`; a new one is made if there
/// is none or it is about to end. It names `localhost`, 127.0.0.1 and `more`.
///
/// # Errors
///
/// [`TlsError`] if a file cannot be used or a library refuses.
pub fn kept(pem: &Path, key: &Path, more: Option<IpAddr>) -> Result<Identity, TlsError> {
    let mut names = vec![IpAddr::from([127, 0, 0, 1])];
    names.extend(more.filter(|more| *more != names[0]));
    if let Some(identity) = read_kept(pem, key, &names)? {
        return Ok(identity);
    }
    let now = now_ms(0);
    let date = |ms: u64| {
        let (year, month, day) = clock::date(ms);
        rcgen::date_time_ymd(
            i32::try_from(year).unwrap_or(i32::MAX),
            u8::try_from(month).unwrap_or(1),
            u8::try_from(day).unwrap_or(1),
        )
    };
    let until = now.saturating_add(LIFETIME_DAYS * DAY_MS);
    let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
    let addresses = names.iter().copied().map(SanType::IpAddress);
    params.subject_alt_names.extend(addresses);
    params.not_before = date(now.saturating_sub(DAY_MS));
    params.not_after = date(until);
    params.distinguished_name = DistinguishedName::new();
    let name = "localnet seed node";
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let made = KeyPair::generate()?;
    let certificate = params.self_signed(&made)?;
    let text = format!(
        "{VALID_UNTIL}{until}\nnames {}\n{}",
        written(&names),
        made.serialize_pem()
    );
    write_atomically(key, text.as_bytes()).map_err(file_error(key))?;
    write_atomically(pem, certificate.pem().as_bytes()).map_err(file_error(pem))?;
    let der = vec![certificate.der().clone()];
    let secret = PrivateKeyDer::Pkcs8(made.serialize_der().into());
    identity(certificate.pem(), der, secret)
}

fn written(names: &[IpAddr]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    names.join(" ")
}

/// What is kept, if it is still valid and names the right addresses. A pair that does not fit together,
/// as after a crash between its two files, is none.
fn read_kept(pem: &Path, key: &Path, names: &[IpAddr]) -> Result<Option<Identity>, TlsError> {
    let read = |path: &Path| match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        text => text.map(Some).map_err(file_error(path)),
    };
    let (Some(certificate), Some(secret)) = (read(pem)?, read(key)?) else {
        return Ok(None);
    };
    let line = |name: &str| secret.lines().find_map(|line| line.strip_prefix(name));
    let until = line(VALID_UNTIL).and_then(|until| until.parse::<u64>().ok());
    let is_valid = until.is_some_and(|until| until > now_ms(0) + SPARE_DAYS * DAY_MS);
    if !is_valid || line("names ") != Some(&*written(names)) {
        return Ok(None);
    }
    Ok(parse(certificate, secret.as_bytes()).ok())
}

/// A certificate that the user has: a file with the certificates, the server's first, and one with the
/// key, which may be the same.
///
/// # Errors
///
/// [`TlsError`] if a file cannot be read or does not hold what it must.
pub fn given(pem: &Path, key: &Path) -> Result<Identity, TlsError> {
    let certificates = std::fs::read_to_string(pem).map_err(file_error(pem))?;
    let secret = std::fs::read(key).map_err(file_error(key))?;
    let unusable = |reason| file_error(pem)(io::Error::other(reason));
    parse(certificates, &secret).map_err(unusable)
}

fn parse(certificates: String, secret: &[u8]) -> Result<Identity, String> {
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(certificates.as_bytes()).collect();
    let chain = chain.map_err(|error| format!("it is not PEM: {error}"))?;
    if chain.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    let secret = PrivateKeyDer::from_pem_slice(secret)
        .map_err(|error| format!("there is no private key in PEM: {error}"))?;
    // What is published is certificates, not a key that may stand in the same file.
    let mut public = String::new();
    let mut is_inside = false;
    for line in certificates.lines() {
        is_inside |= line.starts_with("-----BEGIN CERTIFICATE");
        if is_inside {
            public.push_str(line.trim_end());
            public.push('\n');
        }
        is_inside &= !line.starts_with("-----END CERTIFICATE");
    }
    identity(public, chain, secret).map_err(|error| error.to_string())
}

fn identity(
    pem: String,
    chain: Vec<CertificateDer<'static>>,
    secret: PrivateKeyDer<'static>,
) -> Result<Identity, TlsError> {
    let der = chain.first().cloned().unwrap_or_else(|| Vec::new().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, secret)?;
    Ok(Identity {
        pem,
        der,
        config: Arc::new(config),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_of_a_seed_node_stays_as_long_as_it_is_valid() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (pem, key) = (path("seed.pem"), path("seed.key"));
        let first = kept(&pem, &key, None).unwrap();
        assert_eq!(std::fs::read_to_string(&pem).unwrap(), first.pem);
        assert_eq!(kept(&pem, &key, None).unwrap().der, first.der);
        // Another address is another certificate, which stays too.
        let more = Some(IpAddr::from([10, 0, 2, 2]));
        let second = kept(&pem, &key, more).unwrap();
        assert_ne!(second.der, first.der);
        assert_eq!(kept(&pem, &key, more).unwrap().der, second.der);
        // One that is about to end, or whose key is lost, is made anew.
        let text = std::fs::read_to_string(&key).unwrap();
        let until = text.lines().next().unwrap();
        let lifetime = until
            .strip_prefix(VALID_UNTIL)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            - now_ms(0);
        assert!(lifetime <= 825 * DAY_MS && lifetime > 790 * DAY_MS);
        let soon = format!("{VALID_UNTIL}{}", now_ms(0) + 59 * DAY_MS);
        std::fs::write(&key, text.replace(until, &soon)).unwrap();
        let third = kept(&pem, &key, more).unwrap();
        assert_ne!(third.der, second.der);
        std::fs::write(&key, &text).unwrap();
        assert_ne!(kept(&pem, &key, more).unwrap().der, third.der);
    }

    #[test]
    fn a_certificate_can_be_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let made = kept(&path("seed.pem"), &path("seed.key"), None).unwrap();
        assert_eq!(
            given(&path("seed.pem"), &path("seed.key")).unwrap().der,
            made.der
        );
        let key = std::fs::read_to_string(path("seed.key")).unwrap();
        std::fs::write(path("both"), format!("{key}{}", made.pem)).unwrap();
        let both = given(&path("both"), &path("both")).unwrap();
        assert_eq!((both.der, both.pem), (made.der, made.pem));
        for (pem, reason) in [("seed.key", "no certificate"), ("absent", "No such file")] {
            let error = given(&path(pem), &path("seed.key")).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
        }
        let error = given(&path("seed.pem"), &path("seed.pem")).unwrap_err();
        assert!(error.to_string().contains("no private key"), "{error}");
    }
}
