//! Who may give orders: whoever can read the data directory, and no page of another origin.

use std::io;
use std::path::Path;

use crate::host::durable::write_new;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HOST, ORIGIN};

/// Token that authorizes orders.
#[derive(Clone)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// The token that is kept in a file, or a new one, which is written there.
    ///
    /// # Errors
    ///
    /// An I/O error if the file cannot be read or written, or holds no token.
    pub fn kept(file: &Path) -> io::Result<Self> {
        match Self::read(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            kept => return kept,
        }
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|_| io::Error::other("no random numbers"))?;
        let token = Self(const_hex::encode(random));
        write_new(file, format!("{}\n", token.0).as_bytes())?;
        Ok(token)
    }

    /// The token that is kept in a file.
    ///
    /// # Errors
    ///
    /// An I/O error if the file cannot be read or holds no token.
    pub fn read(file: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(file)?;
        let text = text.trim();
        let is_token = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_token {
            return Err(io::Error::other("it holds no token of 64 hex digits"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The token in hex.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The value of the header `Authorization`.
    pub fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// Whether a request shows it.
    fn is_in(&self, headers: &HeaderMap) -> bool {
        let expected = self.header();
        headers.get(AUTHORIZATION).is_some_and(|shown| {
            let (shown, expected) = (shown.as_bytes(), expected.as_bytes());
            let differences = shown.iter().zip(expected).map(|(one, other)| one ^ other);
            shown.len() == expected.len() && differences.fold(0, |all, one| all | one) == 0
        })
    }
}

/// Which requests the seed node takes besides the protocol's.
#[derive(Debug, Clone)]
pub struct Access {
    token: Token,
    /// The values of `Host` under which it is meant.
    hosts: Vec<String>,
}

impl Access {
    /// Access with a token, for requests to one of these hosts with their ports.
    pub const fn new(token: Token, hosts: Vec<String>) -> Self {
        Self { token, hosts }
    }

    /// The token.
    pub const fn token(&self) -> &Token {
        &self.token
    }

    /// Whether a request was sent to this server: a page that has its own name point here sends that.
    pub fn is_host(&self, headers: &HeaderMap) -> bool {
        let mut shown = headers.get_all(HOST).iter();
        match (shown.next(), shown.next()) {
            (Some(host), None) => self
                .hosts
                .iter()
                .any(|known| known.as_bytes().eq_ignore_ascii_case(host.as_bytes())),
            _ => false,
        }
    }

    /// Reason to refuse an order, if there is one.
    pub fn refusal(&self, headers: &HeaderMap) -> Option<&'static str> {
        if !self.is_host(headers) {
            return Some("this is not the host of the order");
        }
        let is_own = |origin: &[u8]| {
            let mut hosts = self.hosts.iter();
            hosts.any(|host| origin.eq_ignore_ascii_case(format!("https://{host}").as_bytes()))
        };
        let mut origins = headers.get_all(ORIGIN).iter();
        if !origins.all(|origin| is_own(origin.as_bytes())) {
            return Some("orders of other origins are not taken");
        }
        (!self.token.is_in(headers)).then_some("the token in the data directory is needed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(hyper::header::HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()));
        pairs.collect()
    }

    #[test]
    fn an_order_needs_the_token_the_host_and_no_other_origin() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ctl.token");
        let token = Token::kept(&file).unwrap();
        assert_eq!(Token::kept(&file).unwrap().0, token.0, "it stays");
        assert_eq!(format!("{token:?}"), "Token");
        let (right, wrong) = (token.header(), format!("Bearer {}", "0".repeat(64)));
        let hosts = ["127.0.0.1:1", "localhost:1"].map(str::to_owned);
        let access = Access::new(token, hosts.to_vec());
        let host = (HOST, "localhost:1");
        let shown = (AUTHORIZATION, &*right);
        for good in [
            vec![host.clone(), shown.clone()],
            vec![(HOST, "127.0.0.1:1"), shown.clone()],
            vec![host.clone(), shown.clone(), (ORIGIN, "https://localhost:1")],
        ] {
            assert_eq!(access.refusal(&headers(&good)), None, "{good:?}");
        }
        for bad in [
            vec![host.clone()],
            vec![host.clone(), (AUTHORIZATION, &*wrong)],
            vec![host.clone(), (AUTHORIZATION, &right[..right.len() - 1])],
            vec![host.clone(), (AUTHORIZATION, "")],
            vec![shown.clone()],
            vec![(HOST, "evil.example:1"), shown.clone()],
            vec![(HOST, "localhost:2"), shown.clone()],
            vec![
                host.clone(),
                shown.clone(),
                (ORIGIN, "https://evil.example"),
            ],
            vec![host.clone(), shown.clone(), (ORIGIN, "http://localhost:1")],
            vec![host, shown, (ORIGIN, "null")],
        ] {
            assert!(access.refusal(&headers(&bad)).is_some(), "{bad:?}");
        }
        std::fs::write(&file, "short").unwrap();
        assert!(Token::kept(&file).is_err());
    }
}
