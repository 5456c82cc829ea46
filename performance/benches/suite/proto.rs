//! Formats: bt-encoding, protobuf, envelopes.

use session_proto::bt;
use session_proto::content::{self, Content, Ed25519Signature, Profile, UnixMillis};
use session_proto::envelope::{self, Envelope, EnvelopeKind};
use session_proto::schema::session as schema;

use crate::Suite;

/// A dict of about 64 KB with 33-byte keys, as in configs: each a dict of two entries.
fn nested() -> Vec<u8> {
    bt::dict(|d| {
        for contact in 0..950_u32 {
            let mut key = [5; 33];
            key[1..5].copy_from_slice(&contact.to_be_bytes());
            d.dict(&key, |d| {
                d.bytes(b"n", b"a name of somebody")
                    .int(b"t", 1_754_971_101_u64);
            });
        }
    })
}

/// A dict of about 64 KB with strings of 256 bytes.
fn flat() -> Vec<u8> {
    bt::dict(|d| {
        for entry in 0..240_u32 {
            d.bytes(&entry.to_be_bytes(), &[7; 256]);
        }
    })
}

pub fn run(suite: &mut Suite) {
    const GROUP: &str = "formats";
    for (name, bytes) in [("nested", nested()), ("flat", flat())] {
        suite
            .operation(GROUP, &format!("bt, parse a {name} dict of 64 KB"))
            .bytes(bytes.len())
            .run(|| bt::parse(&bytes).unwrap());
    }
    suite
        .operation(GROUP, "bt, write a nested dict of 64 KB")
        .bytes(nested().len())
        .run(nested);

    let text = Content::text("a text of ordinary length, as people write them")
        .with_profile(Profile::named("Alice"));
    let time = UnixMillis::new(1_754_971_101_000);
    let encoded = text.encode(time, None).unwrap();
    suite
        .operation(GROUP, "content, encode a text")
        .run(|| text.encode(time, None).unwrap());
    suite
        .operation(GROUP, "content, decode and check a text")
        .floor("prost alone", &mut || {
            let content: schema::Content = prost::Message::decode(encoded.as_slice()).unwrap();
            std::hint::black_box(content);
        })
        .run(|| content::decode(&encoded).unwrap());
    let ciphertext = vec![7; 304];
    let signature = Ed25519Signature::from_bytes([1; 64]);
    let envelope = Envelope::new(EnvelopeKind::Session, time, &ciphertext, &signature);
    let data = envelope::wrap(&envelope.encode());
    suite
        .operation(GROUP, "envelope of 304 bytes, unwrap")
        .run(|| {
            let envelope = envelope::unwrap(&data).unwrap();
            Envelope::parse(envelope).unwrap().sent_at
        });
}
