//! Proxies: SOCKS5 and HTTP CONNECT. Names are resolved by the proxy, which therefore sees which guard we use, and
//! nothing else.

use std::fmt;

use hyper::Uri;
use hyper::header::HeaderValue;
use zeroize::Zeroizing;

use crate::error::Error;

/// A proxy, and how to speak with it.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// Scheme, host and port.
    pub(crate) uri: Uri,
    pub(crate) kind: Kind,
    /// User and password.
    pub(crate) login: Option<(String, Zeroizing<String>)>,
}

/// The protocol of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Socks5,
    Connect,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("uri", &self.uri)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Proxy {
    /// Reads `socks5://[user:password@]host:port` or `http://[user:password@]host:port`.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let (scheme, rest) = url.split_once("://").ok_or(Error::Proxy)?;
        let (kind, port) = match scheme.to_ascii_lowercase().as_str() {
            // With both, the proxy resolves the names.
            "socks5" | "socks5h" => (Kind::Socks5, 1080),
            "http" => (Kind::Connect, 80),
            _ => return Err(Error::Proxy),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, host) = match rest.rsplit_once('@') {
            None => (None, rest),
            Some((login, host)) => {
                let (user, password) = login.split_once(':').unwrap_or((login, ""));
                let password = Zeroizing::new(decoded(password)?);
                (Some((decoded(user)?, password)), host)
            }
        };
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let authority = match has_port {
            true => host.to_owned(),
            false => format!("{host}:{port}"),
        };
        let uri: Uri = format!("http://{authority}")
            .parse()
            .map_err(|_| Error::Proxy)?;
        let is_host = uri.host().is_some_and(|host| !host.is_empty());
        let is_alone = uri.path() == "/" && uri.query().is_none() && uri.port_u16().is_some();
        if !is_host || !is_alone {
            return Err(Error::Proxy);
        }
        // What SOCKS has room for.
        let fits = |text: &str| (1..=255).contains(&text.len());
        if let Some((user, password)) = &login
            && kind == Kind::Socks5
            && !(fits(user) && fits(password))
        {
            return Err(Error::Proxy);
        }
        Ok(Self { uri, kind, login })
    }

    /// The header with user and password, for a proxy with CONNECT.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let (user, password) = self.login.as_ref()?;
        let pair = Zeroizing::new(format!("{user}:{}", password.as_str()));
        let encoded = Zeroizing::new(session_types::base64::encode(pair.as_bytes()));
        let value = Zeroizing::new(format!("Basic {}", encoded.as_str()));
        // Base64 is a valid header.
        let mut header = HeaderValue::from_str(&value).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

/// Decodes `%xx`.
fn decoded(text: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, others) = rest.split_at_checked(2).ok_or(Error::Proxy)?;
        let digits = std::str::from_utf8(digits).map_err(|_| Error::Proxy)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Error::Proxy);
        }
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| Error::Proxy)?);
        rest = others;
    }
    String::from_utf8(bytes).map_err(|_| Error::Proxy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_proxies_are_read() {
        let proxy = Proxy::parse("socks5://us%40er:p%3aw@127.0.0.1:9050/").unwrap();
        assert_eq!(proxy.kind, Kind::Socks5);
        assert_eq!(proxy.uri, "http://127.0.0.1:9050");
        let (user, password) = proxy.login.clone().unwrap();
        assert_eq!((user.as_str(), password.as_str()), ("us@er", "p:w"));
        assert!(!format!("{proxy:?}").contains("p:w"));
        let proxy = Proxy::parse("HTTP://proxy.example").unwrap();
        assert_eq!(
            (proxy.kind, proxy.uri.port_u16()),
            (Kind::Connect, Some(80))
        );
        assert!(proxy.authorization().is_none());
        let proxy = Proxy::parse("http://Aladdin:open%20sesame@[::1]:3128").unwrap();
        // The example of RFC 7617.
        assert_eq!(
            proxy.authorization().unwrap(),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        for wrong in [
            "",
            "127.0.0.1:9050",
            "ftp://host:1",
            "https://host:1",
            "socks5://",
            "socks4://host:1",
            "http://host:1/path",
            "http://host:1?x",
            "socks5://user@host:1",
            "http://%zz@host:1",
            "http://%f@host:1",
            "http://%ff@host:1",
        ] {
            assert!(Proxy::parse(wrong).is_err(), "{wrong}");
        }
    }
}
