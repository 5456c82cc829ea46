//! Speed of the formats.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, missing_docs)]

use core::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use session_proto::content::{self, Content, Profile};
use session_proto::envelope::{self, Envelope, EnvelopeKind};
use session_proto::{bt, padding};

/// A dict of about 64 KiB with 33-byte keys, as in configs: each a dict of two entries.
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

/// A dict of about 64 KiB with strings of 256 bytes.
fn flat() -> Vec<u8> {
    bt::dict(|d| {
        for entry in 0..240_u32 {
            d.bytes(&entry.to_be_bytes(), &[7; 256]);
        }
    })
}

fn walk(value: &bt::Value<'_>) -> usize {
    match value {
        bt::Value::Int(_) => 1,
        bt::Value::Bytes(bytes) => bytes.len(),
        bt::Value::List(list) => list.iter().map(|value| walk(&value)).sum(),
        bt::Value::Dict(dict) => dict.iter().map(|entry| walk(&entry.value)).sum(),
    }
}

fn bencode(c: &mut Criterion) {
    let mut group = c.benchmark_group("bt");
    for (name, bytes) in [("nested", nested()), ("flat", flat())] {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format!("parse {name} dict of {} bytes", bytes.len()), |b| {
            b.iter(|| bt::parse(black_box(&bytes)).unwrap());
        });
        group.bench_function(format!("parse and walk {name} dict"), |b| {
            b.iter(|| walk(&bt::parse(black_box(&bytes)).unwrap()));
        });
    }
    group.throughput(Throughput::Bytes(nested().len() as u64));
    group.bench_function("write nested dict", |b| b.iter(nested));
    group.finish();
}

fn protobuf(c: &mut Criterion) {
    let mut group = c.benchmark_group("content");
    let text = Content::text("a text of ordinary length, as people write them")
        .with_profile(Profile::named("Alice"));
    let bytes = text.encode(1_754_971_101_000, None).unwrap();
    group.bench_function("encode text", |b| {
        b.iter(|| black_box(&text).encode(1_754_971_101_000, None).unwrap());
    });
    group.bench_function("decode text", |b| {
        b.iter(|| content::decode(black_box(&bytes)).unwrap());
    });
    // The floor: the same without the checks and the typed form.
    group.bench_function("decode text, prost alone", |b| {
        b.iter(|| {
            let content: session_proto::schema::session::Content =
                prost::Message::decode(black_box(bytes.as_slice())).unwrap();
            content
        });
    });
    let mut padded = bytes;
    padding::pad(&mut padded);
    group.bench_function("unpad", |b| {
        b.iter(|| padding::unpad(black_box(&padded)).unwrap().len());
    });
    for length in [304, 75_000] {
        let ciphertext = vec![7; length];
        let kind = EnvelopeKind::Session;
        let envelope = Envelope::new(kind, 1_754_971_101_000, &ciphertext, &[1; 64]);
        let data = envelope::wrap(&envelope.encode());
        group.bench_function(format!("unwrap envelope with {length} bytes"), |b| {
            b.iter(|| {
                let envelope = envelope::unwrap(black_box(&data)).unwrap();
                Envelope::parse(envelope).unwrap().timestamp_ms
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bencode, protobuf);
criterion_main!(benches);
