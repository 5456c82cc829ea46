//! Errands: messages and acts on their way to the server of a community.

use alloc::string::String;
use alloc::vec::Vec;

use session_config::BlindedId;
use session_identity::community::BaseUrl;
use session_proto::bt;
use session_types::http::{Method, Request};
use session_types::{AnyId, MonotonicTime, UnixMillis};
use zeroize::Zeroizing;

use crate::conversation::ConversationId;
use crate::error::RecordError;
use crate::history::MessageId;
use crate::outbox::Attempt;
use crate::room::Whisper;

/// The format of the record.
const VERSION: u64 = 1;

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// A message is posted: its padded content. It is signed for each attempt.
    Post {
        data: Vec<u8>,
        whisper: Option<Whisper>,
    },
    /// A post of ours is replaced.
    Edit { post: u64, data: Vec<u8> },
    /// A message is put into the inbox of a blinded id: sealed.
    Inbox { to: BlindedId, data: Vec<u8> },
    /// Any other request, which may be made twice.
    Request(Request),
}

/// A message or an act on its way.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Errand {
    /// The room, or the other side of an inbox message.
    pub(super) place: ConversationId,
    /// The server.
    pub(super) base: BaseUrl,
    pub(super) what: What,
    pub(super) created: UnixMillis,
    /// Its place in the history, if it has one.
    pub(super) message: Option<MessageId>,
    /// The content of that message.
    pub(super) raw: Zeroizing<Vec<u8>>,
    /// The attempts. They are not persisted.
    pub(super) attempt: Attempt,
    /// How often the server answered that there are too many posts.
    pub(super) refusals: u32,
    /// Since when nobody knows whether the server has it: it is looked for before it is sent again.
    pub(super) unsure: Option<MonotonicTime>,
}

impl Errand {
    pub(super) fn new(
        (place, base): (ConversationId, BaseUrl),
        what: What,
        created: UnixMillis,
    ) -> Self {
        Self {
            place,
            base,
            what,
            created,
            message: None,
            raw: Zeroizing::new(Vec::new()),
            attempt: Attempt::default(),
            refusals: 0,
            unsure: None,
        }
    }

    /// Whether others would see it twice if it were done twice.
    pub(super) const fn is_shown(&self) -> bool {
        matches!(self.what, What::Post { .. } | What::Inbox { .. })
    }

    /// Whether it deletes something, so that it is done when nothing is there.
    pub(super) const fn deletes(&self) -> bool {
        matches!(
            self.what,
            What::Request(Request {
                method: Method::Delete,
                ..
            })
        )
    }

    pub(super) fn to_value(&self) -> Vec<u8> {
        bt::dict(|d| {
            d.bytes(b"a", self.place.as_bytes());
            d.bytes(b"b", self.base.as_str().as_bytes());
            d.bytes(b"c", &self.raw);
            if let Some(message) = &self.message {
                d.bytes(b"m", &message.to_bytes());
            }
            d.int(b"n", self.created.get());
            d.int(b"v", VERSION);
            d.list(b"w", |l| put_what(l, &self.what));
        })
    }

    pub(super) fn from_value(value: &[u8]) -> Result<Self, RecordError> {
        let read = || -> Option<Self> {
            let dict = bt::parse_dict(value).ok()?;
            if dict.u64("v").ok()? != VERSION {
                return None;
            }
            let place = AnyId::from_bytes(*dict.array::<33>("a").ok()?);
            let base = core::str::from_utf8(dict.bytes("b").ok()?).ok()?;
            let what = read_what(dict.list("w").ok()?)?;
            let created = UnixMillis::new(dict.u64("n").ok()?);
            let place = (place.try_into().ok()?, base.parse().ok()?);
            let mut errand = Self::new(place, what, created);
            errand.message = match dict.get(b"m") {
                None => None,
                Some(id) => Some(MessageId::from_bytes(id.as_bytes()?)?),
            };
            errand.raw = Zeroizing::new(dict.bytes("c").ok()?.to_vec());
            // Nobody knows how far it came.
            errand.unsure = errand.is_shown().then(MonotonicTime::default);
            Some(errand)
        };
        read().ok_or(RecordError::Value)
    }
}

fn put_what(l: &mut bt::ListWriter<'_>, what: &What) {
    match what {
        What::Post { data, whisper } => {
            l.int(0_u8);
            l.bytes(data);
            if let Some(whisper) = whisper {
                l.int(u8::from(whisper.to_moderators));
                let to = whisper.to.as_ref().map(AnyId::as_bytes);
                l.bytes(to.map_or(&[], |id| id.as_slice()));
            }
        }
        What::Edit { post, data } => {
            l.int(1_u8);
            l.int(*post);
            l.bytes(data);
        }
        What::Inbox { to, data } => {
            l.int(2_u8);
            l.bytes(to.as_bytes());
            l.bytes(data);
        }
        What::Request(request) => {
            l.int(3_u8);
            l.bytes(request.method.as_str().as_bytes());
            l.bytes(request.path.as_bytes());
            l.bytes(&request.body);
            for (name, value) in &request.headers {
                l.bytes(name.as_bytes());
                l.bytes(value.as_bytes());
            }
        }
    }
}

fn read_what(list: bt::List<'_>) -> Option<What> {
    let mut items = list.iter();
    let kind = items.next()?.as_int()?.as_u64()?;
    let what = match kind {
        0 => {
            let data = items.next()?.as_bytes()?.to_vec();
            let whisper = match items.next() {
                None => None,
                Some(flag) => Some(Whisper {
                    to_moderators: flag.as_int()?.as_u64()? == 1,
                    to: match items.next()?.as_bytes()? {
                        [] => None,
                        bytes => Some(AnyId::from_bytes(bytes.try_into().ok()?)),
                    },
                }),
            };
            What::Post { data, whisper }
        }
        1 => What::Edit {
            post: items.next()?.as_int()?.as_u64()?,
            data: items.next()?.as_bytes()?.to_vec(),
        },
        2 => What::Inbox {
            to: BlindedId::from_bytes(items.next()?.as_bytes()?)?,
            data: items.next()?.as_bytes()?.to_vec(),
        },
        3 => {
            let mut text = || -> Option<String> {
                let bytes = items.next()?.as_bytes()?;
                Some(core::str::from_utf8(bytes).ok()?.into())
            };
            let method: Method = text()?.parse().ok()?;
            let mut request = Request::new(method, text()?);
            request.body = items.next()?.as_bytes()?.to_vec();
            while let Some(name) = items.next() {
                let text = |bytes| core::str::from_utf8(bytes).ok().map(String::from);
                let value = items.next()?.as_bytes()?;
                request
                    .headers
                    .push((text(name.as_bytes()?)?, text(value)?));
            }
            What::Request(request)
        }
        _ => return None,
    };
    items.next().is_none().then_some(what)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn errands_come_back() {
        let to = BlindedId::from_bytes(&[0x15; 33]).unwrap();
        let data = vec![7; 160];
        let whisper = Some(Whisper {
            to: Some(AnyId::from_bytes([0x25; 33])),
            to_moderators: true,
        });
        let request = Request::new(Method::Delete, "/room/lounge/message/7");
        let request = request.with_body("application/json", b"{}".to_vec());
        let all = [
            What::Post {
                data: data.clone(),
                whisper: None,
            },
            What::Post {
                data: data.clone(),
                whisper,
            },
            What::Edit {
                post: 9,
                data: data.clone(),
            },
            What::Inbox { to, data },
            What::Request(request),
        ];
        for what in all {
            let place = (to.into(), "https://example.org".parse().unwrap());
            let mut errand = Errand::new(place, what, UnixMillis::new(1_800_000_000_000));
            errand.raw = Zeroizing::new(vec![1, 2]);
            let value = errand.to_value();
            // One that others would see is looked for before it is sent again.
            errand.unsure = errand.is_shown().then(MonotonicTime::default);
            assert_eq!(Errand::from_value(&value), Ok(errand));
            for end in 0..value.len() {
                assert!(Errand::from_value(&value[..end]).is_err());
            }
        }
    }
}
