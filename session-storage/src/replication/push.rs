//! Bodies that carry messages from node to node (protocol: swarm, section 6.3).
//!
//! ```text
//! 01 'l' { 'l' account(33 bytes) hash timestamp_ms expiry_ms data [namespace] 'e' } 'e'
//! ```

use alloc::string::String;
use alloc::vec::Vec;

use session_crypto::hash::message_hash;
use session_types::limits::BODY_MAX;
use session_types::{AnyId, Namespace, UnixMillis};

use crate::value::Value;
use crate::value::bencode::{read_bytes, read_int, read_mark, write_bytes, write_int};

/// The version of the form.
const VERSION: u8 = 1;
/// Length in bytes at which a body ends and the next one begins.
pub const BODY_SIZE: usize = 9_000_000;

/// A stored message on its way to another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedMessage {
    /// The account.
    pub account: AnyId,
    /// The namespace. Only [`Form::WithNamespace`] carries it.
    pub namespace: Namespace,
    /// The hash, as the sender has it.
    pub hash: String,
    /// The timestamp that the sender gave.
    pub timestamp: UnixMillis,
    /// The time until which nodes keep the message.
    pub expiry: UnixMillis,
    /// The data.
    pub data: Vec<u8>,
}

impl PushedMessage {
    /// Returns whether the hash is that of the account, the namespace and the data.
    ///
    /// If the body does not carry namespaces, this is true only for messages of namespace 0.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        message_hash(&self.account, self.namespace, &self.data).as_str() == self.hash
    }

    /// Returns the number of bytes that count toward [`BODY_SIZE`].
    const fn size(&self, form: Form) -> usize {
        let fixed: usize = match form {
            Form::Deployed => 1 + 2 + 36 + 30 + 4 + 6,
            Form::WithNamespace => 1 + 2 + 36 + 30 + 4 + 6 + 8,
        };
        fixed
            .saturating_add(self.hash.len())
            .saturating_add(self.data.len())
    }

    fn write(&self, out: &mut Vec<u8>, form: Form) {
        out.push(b'l');
        write_bytes(out, self.account.as_bytes());
        write_bytes(out, self.hash.as_bytes());
        write_int(out, self.timestamp);
        write_int(out, self.expiry);
        write_bytes(out, &self.data);
        if form == Form::WithNamespace {
            write_int(out, self.namespace.number());
        }
        out.push(b'e');
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        read_mark(input, b'l')?;
        let account = AnyId::try_from(read_bytes(input)?).ok()?;
        let hash = core::str::from_utf8(read_bytes(input)?).ok()?.into();
        let timestamp = read_int(input)?.as_time()?;
        let expiry = read_int(input)?.as_time()?;
        let data = read_bytes(input)?.to_vec();
        let number = match input.first()? {
            b'e' => None,
            _ => read_int(input).as_ref().map(Value::as_i64)?,
        };
        read_mark(input, b'e')?;
        let namespace = match number {
            Some(number) => Namespace::new(i16::try_from(number).ok()?),
            None => Namespace::DEFAULT,
        };
        Some(Self {
            account,
            namespace,
            hash,
            timestamp,
            expiry,
            data,
        })
    }
}

/// The fields of each message in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Form {
    /// The five fields of deployed nodes. The receiver stores all messages in namespace 0.
    #[default]
    Deployed,
    /// A sixth field with the namespace. Only for networks whose nodes all know it.
    WithNamespace,
}

/// The body is malformed. None of its messages may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The body is longer than a request may be.
    #[error("expected a push body of at most {BODY_MAX} bytes, got {0}")]
    TooLong(usize),
    /// The first byte is not 1.
    #[error("expected a push body of version {VERSION}")]
    Version,
    /// The body is not a list of messages.
    #[error("expected a list of messages")]
    Format,
}

/// Encodes messages as bodies of about [`BODY_SIZE`] bytes each.
///
/// The iterator creates each body when it is asked for it.
pub fn bodies(messages: &[PushedMessage], form: Form) -> impl Iterator<Item = Vec<u8>> {
    let mut rest = messages;
    core::iter::from_fn(move || {
        let mut size: usize = 0;
        let fits = |message: &&PushedMessage| {
            size = size.saturating_add(message.size(form));
            size <= BODY_SIZE
        };
        // One message always fits.
        let count = rest.iter().take_while(fits).count().max(1);
        let (now, later) = rest.split_at_checked(count)?;
        rest = later;
        let mut body = alloc::vec![VERSION, b'l'];
        for message in now {
            message.write(&mut body, form);
        }
        body.push(b'e');
        Some(body)
    })
}

/// Parses a body of either form. A message without a namespace gets [`Namespace::DEFAULT`].
///
/// # Errors
///
/// [`PushError`] if the input is malformed or has trailing bytes.
pub fn read(body: &[u8]) -> Result<Vec<PushedMessage>, PushError> {
    if body.len() > BODY_MAX {
        return Err(PushError::TooLong(body.len()));
    }
    let mut input = body.strip_prefix(&[VERSION]).ok_or(PushError::Version)?;
    read_all(&mut input).ok_or(PushError::Format)
}

fn read_all(input: &mut &[u8]) -> Option<Vec<PushedMessage>> {
    read_mark(input, b'l')?;
    let mut messages = Vec::new();
    while *input.first()? != b'e' {
        messages.push(PushedMessage::read(input)?);
    }
    read_mark(input, b'e')?;
    input.is_empty().then_some(messages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(namespace: i16, size: usize) -> PushedMessage {
        PushedMessage {
            account: AnyId::from_bytes([5; 33]),
            namespace: Namespace::new(namespace),
            hash: "hash".into(),
            timestamp: UnixMillis::new(12_345_678),
            expiry: UnixMillis::new(15_801_678),
            data: alloc::vec![7; size],
        }
    }

    /// The vector of the protocol: swarm, section 6.3.
    #[test]
    fn the_deployed_form_is_that_of_the_specification() {
        let account = "054368520005786b249bcd461d28f75e560ea794014eeb17fcf6003f37d876783e";
        let account: AnyId = account.parse().unwrap();
        let message = PushedMessage {
            account,
            namespace: Namespace::DEFAULT,
            hash: "hash\x00\x01\x02\x03".into(),
            timestamp: UnixMillis::new(12_345_678),
            expiry: UnixMillis::new(15_801_678),
            data: b"da\x00ta".to_vec(),
        };
        let mut one = b"l33:".to_vec();
        one.extend_from_slice(account.as_bytes());
        one.extend_from_slice(b"8:hash\x00\x01\x02\x03i12345678ei15801678e5:da\x00tae");
        let body = [b"\x01l".as_slice(), &one, &one, b"e"].concat();
        let messages = alloc::vec![message; 2];
        let written: Vec<_> = bodies(&messages, Form::Deployed).collect();
        assert_eq!(written, core::slice::from_ref(&body));
        assert_eq!(read(&body).as_deref(), Ok(messages.as_slice()));
        assert!(!messages[0].is_intact());
    }

    #[test]
    fn the_namespace_travels_in_its_own_form_alone() {
        let message = message(-11, 3);
        let through = |form| {
            let body = bodies(core::slice::from_ref(&message), form)
                .next()
                .unwrap();
            read(&body).unwrap().remove(0).namespace
        };
        assert_eq!(through(Form::WithNamespace), Namespace::new(-11));
        assert_eq!(through(Form::Deployed), Namespace::DEFAULT);
    }

    #[test]
    fn what_is_intact_is_known_by_its_hash() {
        let mut message = message(2, 9);
        let hash = message_hash(&message.account, message.namespace, &message.data);
        message.hash = hash.as_str().into();
        assert!(message.is_intact());
        message.data[0] ^= 1;
        assert!(!message.is_intact());
    }

    #[test]
    fn much_is_cut_into_several_bodies_and_nothing_is_none() {
        let messages: Vec<_> = (0..5).map(|_| message(0, 4_000_000)).collect();
        let written: Vec<_> = bodies(&messages, Form::Deployed).collect();
        assert_eq!(written.len(), 3);
        assert!(written.iter().all(|body| body.len() <= BODY_SIZE));
        let back = written.iter().flat_map(|body| read(body).unwrap());
        assert_eq!(back.collect::<Vec<_>>(), messages);
        assert_eq!(bodies(&[], Form::Deployed).count(), 0);
        // A body ends before the message that would pass the limit, not after it.
        let fixed = message(0, 0).size(Form::Deployed);
        for (size, count) in [(BODY_SIZE - 2 * fixed, 1), (BODY_SIZE - 2 * fixed + 1, 2)] {
            let two = [message(0, 0), message(0, size)];
            assert_eq!(bodies(&two, Form::Deployed).count(), count);
        }
    }

    #[test]
    fn other_bodies_are_refused() {
        let good = bodies(&[message(0, 5)], Form::WithNamespace)
            .next()
            .unwrap();
        for version in [0, 2, b'l'] {
            let mut other = good.clone();
            other[0] = version;
            assert_eq!(read(&other), Err(PushError::Version));
        }
        for length in 1..good.len() {
            assert_eq!(
                read(&good[..length]),
                Err(PushError::Format),
                "cut to {length}"
            );
        }
        assert_eq!(read(b""), Err(PushError::Version));
        let long = alloc::vec![VERSION; BODY_MAX + 1];
        assert_eq!(read(&long), Err(PushError::TooLong(BODY_MAX + 1)));
        let account = [b'5'; 33];
        let entry = |fields: &[u8]| [b"\x01ll33:", account.as_slice(), fields].concat();
        assert!(read(&entry(b"1:hi1ei2e1:dee")).is_ok());
        for bad in [
            b"1:hi1ei2e1:de".as_slice(), // the list has no end
            b"1:hi1ei2e1:deex",          // bytes behind it
            b"1:hi1ei2eee",              // no data
            b"1:hi-1ei2e1:dee",          // a negative time
            b"1:hi1e1:21:dee",           // a time that is a string
            b"1:\xffi1ei2e1:dee",        // a hash that is no text
            b"1:hi1ei2e1:di40000eee",    // a namespace out of range
            b"1:hi1ei2e1:di0ei0eee",     // a field too many
            b"1:hi1ei2e9:dee",           // longer than the body
        ] {
            assert_eq!(read(&entry(bad)), Err(PushError::Format), "{bad:?}");
        }
        for bad in [
            b"\x01".as_slice(),
            b"\x01d",
            b"\x01le1",
            b"\x01lli1eee",
            b"\x01llee",
        ] {
            assert_eq!(read(bad), Err(PushError::Format));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            fields in proptest::collection::vec(
                (any::<i16>(), ".{0,44}", any::<u64>(), any::<u64>(), proptest::collection::vec(any::<u8>(), 0..50)),
                1..6,
            )
        ) {
            let messages: Vec<_> = fields.into_iter().map(|(number, hash, timestamp, expiry, data)| {
                let namespace = Namespace::new(number);
                let [timestamp, expiry] = [timestamp, expiry].map(UnixMillis::new);
                PushedMessage { hash, timestamp, expiry, data, namespace, ..message(0, 0) }
            }).collect();
            let body = bodies(&messages, Form::WithNamespace).next().unwrap();
            prop_assert_eq!(read(&body), Ok(messages));
        }

        #[test]
        fn no_body_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read(&[b"\x01l".as_slice(), &bytes].concat());
            let _ = read(&bytes);
        }
    }
}
