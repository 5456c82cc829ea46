//! What a server has to know of a ClientHello before it chooses its side of the handshake.

/// Handshake type of a ClientHello.
const CLIENT_HELLO: u8 = 1;
/// Extension of ALPN.
const ALPN: u16 = 16;
/// Extension with the types of certificates that the client can show (RFC 7250).
const CLIENT_CERTIFICATE_TYPE: u16 = 19;
/// A raw public key.
const RAW_PUBLIC_KEY: u8 = 2;
/// Maximum length of a ClientHello in bytes. One with a post-quantum share has less than 2,000.
const MAX_LENGTH: usize = 16 * 1024;

/// The decisive fields of a ClientHello.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hello {
    /// The application protocols on offer.
    pub(super) alpn: Vec<Vec<u8>>,
    /// Whether the client can show a raw public key.
    pub(super) has_raw_key: bool,
}

/// What the bytes so far are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parsed {
    /// More bytes are needed.
    Incomplete,
    /// No ClientHello. The TLS library finds the words for it.
    Malformed,
    /// A whole ClientHello.
    Whole(Hello),
}

/// Reads from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let taken = self.take(bytes)?;
        Some(
            taken
                .iter()
                .fold(0, |sum, byte| (sum << 8) | usize::from(*byte)),
        )
    }

    /// A vector with its length in front.
    fn vector(&mut self, bytes: usize) -> Option<Self> {
        let length = self.number(bytes)?;
        self.take(length).map(Reader)
    }
}

/// Parses handshake bytes up to the end of the ClientHello.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let mut reader = Reader(bytes);
    match reader.number(1) {
        None => return Parsed::Incomplete,
        Some(kind) if kind != usize::from(CLIENT_HELLO) => return Parsed::Malformed,
        Some(_) => {}
    }
    let Some(length) = reader.number(3) else {
        return Parsed::Incomplete;
    };
    if length > MAX_LENGTH {
        return Parsed::Malformed;
    }
    match reader.take(length) {
        None => Parsed::Incomplete,
        Some(body) => read(body).map_or(Parsed::Malformed, Parsed::Whole),
    }
}

fn read(body: &[u8]) -> Option<Hello> {
    let mut reader = Reader(body);
    // Version and random.
    reader.take(2 + 32)?;
    let _session = reader.vector(1)?;
    let _suites = reader.vector(2)?;
    let _compression = reader.vector(1)?;
    let mut extensions = reader.vector(2)?;
    let mut hello = Hello::default();
    while !extensions.0.is_empty() {
        let kind = extensions.number(2)?;
        let mut content = extensions.vector(2)?;
        if kind == usize::from(ALPN) {
            let mut names = content.vector(2)?;
            while !names.0.is_empty() {
                hello.alpn.push(names.vector(1)?.0.to_vec());
            }
        } else if kind == usize::from(CLIENT_CERTIFICATE_TYPE) {
            hello.has_raw_key = content.vector(1)?.0.contains(&RAW_PUBLIC_KEY);
        }
    }
    Some(hello)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn vector(bytes: usize, content: &[u8]) -> Vec<u8> {
        let length = content.len().to_be_bytes();
        [&length[8 - bytes..], content].concat()
    }

    fn hello(extensions: &[u8]) -> Vec<u8> {
        let body = [
            &[3, 3][..],
            &[7; 32],
            &vector(1, b""),
            &vector(2, &[0x13, 1]),
            &vector(1, &[0]),
            &vector(2, extensions),
        ];
        [&[CLIENT_HELLO][..], &vector(3, &body.concat())].concat()
    }

    #[test]
    fn protocols_and_kinds_of_keys_are_found() {
        let names = [vector(1, b"oxenstorage"), vector(1, b"h3")].concat();
        let extensions = [
            &[0, 51][..],
            &vector(2, b"other"),
            &[0, 16],
            &vector(2, &vector(2, &names)),
            &[0, 19],
            &vector(2, &vector(1, &[0, 2])),
        ];
        let bytes = hello(&extensions.concat());
        let expected = Hello {
            alpn: vec![b"oxenstorage".to_vec(), b"h3".to_vec()],
            has_raw_key: true,
        };
        assert_eq!(parse(&bytes), Parsed::Whole(expected.clone()));
        for end in 0..bytes.len() {
            assert_eq!(parse(&bytes[..end]), Parsed::Incomplete, "{end}");
        }
        // What follows is another message.
        assert_eq!(
            parse(&[&bytes[..], b"more"].concat()),
            Parsed::Whole(expected)
        );
        assert_eq!(parse(&hello(b"")), Parsed::Whole(Hello::default()));
    }

    #[test]
    fn whatever_else_it_is_is_malformed() {
        assert_eq!(parse(&[2, 0, 0, 0]), Parsed::Malformed);
        assert_eq!(
            parse(&[1, 0, 0x40, 1]),
            Parsed::Malformed,
            "16 KiB and a byte"
        );
        assert_eq!(parse(&[1, 0, 0, 1, 3]), Parsed::Malformed);
        // Lengths that reach beyond their vector.
        for extensions in [
            &[0, 16][..],
            &[0, 16, 0, 9],
            &[0, 16, 0, 2, 0, 9],
            &[0, 19, 0, 1, 9],
        ] {
            assert_eq!(
                parse(&hello(extensions)),
                Parsed::Malformed,
                "{extensions:?}"
            );
        }
    }
}
