//! The hex dumps of `docs/guide.md` are those of the message that is made here.
//!
//! To write them anew after a change: `GUIDE_BLESS=1 cargo test -p testkit --test guide`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use base64ct::{Base64, Encoding};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_crypto::{Ed25519Secret, sealed_box};
use session_identity::{Account, Seed};
use session_message::content::Content;
use session_message::{Opener, Sealer, UnixMillis};
use session_onion::client::{Hop, Request, seal};
use session_onion::frame::Frame;
use session_onion::node::{Arrival, Node, Peeled, ReplyBody};
use session_onion::packet::Layer;
use session_proto::envelope::{self, Envelope};
use session_proto::padding;
use session_storage as rpc;
use session_storage::{Call, Retrieve, Signer, Store};
use session_swarm::ring::position;
use session_types::{AnyId, Namespace};

const SENT_MS: u64 = 1_754_971_101_000;

/// Bytes with what they mean beside them.
#[derive(Default)]
struct Dump {
    bytes: Vec<u8>,
    text: String,
}

impl Dump {
    const ROW: usize = 16;

    fn row(&mut self, bytes: &[u8], meaning: &str) {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let line = format!("{:04x}  {:<47}  {meaning}", self.bytes.len(), hex.join(" "));
        writeln!(self.text, "{}", line.trim_end()).unwrap();
        self.bytes.extend_from_slice(bytes);
    }

    /// All bytes.
    fn part(mut self, bytes: &[u8], meaning: &str) -> Self {
        for (index, row) in bytes.chunks(Self::ROW).enumerate() {
            self.row(row, if index == 0 { meaning } else { "" });
        }
        self
    }

    /// The first and the last row.
    fn shortened(mut self, bytes: &[u8], meaning: &str) -> Self {
        let (head, rest) = bytes.split_at_checked(Self::ROW).unwrap();
        let last = match rest.len() % Self::ROW {
            0 => Self::ROW,
            odd => odd,
        };
        let (middle, tail) = rest.split_at_checked(rest.len() - last).unwrap();
        self.row(head, meaning);
        writeln!(self.text, "      … {} bytes …", middle.len()).unwrap();
        self.bytes.extend_from_slice(middle);
        self.row(tail, "");
        self
    }

    /// The dump, if it is one of these bytes.
    fn of(self, bytes: &[u8]) -> String {
        assert_eq!(self.bytes, bytes);
        self.text
    }
}

/// Base64 of more than a line, shortened.
fn shorten(json: &str) -> String {
    let mut out = String::new();
    for (index, part) in json.split('"').enumerate() {
        let quote = if index > 0 { "\"" } else { "" };
        if part.len() > 100 && !part.contains('\\') {
            write!(out, "{quote}{}… ({} characters)", &part[..40], part.len()).unwrap();
        } else {
            write!(out, "{quote}{part}").unwrap();
        }
    }
    out + "\n"
}

fn account(seed: &str) -> Account {
    let bytes = const_hex::decode(seed).unwrap();
    Account::from_seed(&Seed::try_from(bytes.as_slice()).unwrap())
}

/// Everything that the guide shows, by name.
fn dumps() -> BTreeMap<&'static str, String> {
    let mut dumps = BTreeMap::new();
    let alice = account("0123456789abcdef0123456789abcdef");
    let bob = account("00112233445566778899aabbccddeeff");
    let rng = &mut ChaCha20Rng::from_seed([7; 32]);

    let mut text = String::new();
    for (name, account) in [("Alice", &alice), ("Bob", &bob)] {
        let ed25519 = const_hex::encode(account.ed25519_public().as_bytes());
        writeln!(
            text,
            "{name:<6} seed     {}",
            const_hex::encode(account.seed().expose_bytes())
        )
        .unwrap();
        writeln!(
            text,
            "       Ed25519  {ed25519}\n       id       {}",
            account.id()
        )
        .unwrap();
    }
    dumps.insert("accounts", text);

    // The message as a client makes it, in one call. Everything below is found in it.
    let content = Content::text("hello");
    let (sealer, sent_at) = (Sealer::new(&alice), UnixMillis::new(SENT_MS));
    let message = sealer
        .seal_direct(rng, bob.id(), &content, sent_at)
        .unwrap();

    let plain = content.encode(sent_at, None).unwrap();
    let dump = Dump::default()
        .part(&plain[..2], "field 1, dataMessage: 7 bytes")
        .part(&plain[2..4], "  its field 1, body: 5 bytes")
        .part(&plain[4..9], "    \"hello\"")
        .part(&plain[9..], "field 15, sigTimestamp: 1754971101000 ms");
    dumps.insert("content", dump.of(&plain));

    let mut padded = plain.clone();
    padding::pad(&mut padded);
    let dump = Dump::default()
        .part(&plain, "the content")
        .part(&padded[16..17], "the marker")
        .shortened(&padded[17..], "zeros, to a multiple of 160");
    dumps.insert("padded", dump.of(&padded));

    let wrapped = envelope::unwrap(&message.data).unwrap();
    let outer = Envelope::parse(wrapped).unwrap();
    let sealed = outer.content.unwrap();
    let inner = sealed_box::open(bob.x25519(), &bob.x25519_public(), sealed).unwrap();
    let dump = Dump::default()
        .shortened(&padded, "the padded content")
        .part(alice.ed25519_public().as_bytes(), "Alice's Ed25519 key")
        .part(
            &inner[192..],
            "her signature of: content, key, Bob's X25519 key",
        );
    dumps.insert("inner", dump.of(&inner));

    let dump = Dump::default()
        .part(&sealed[..32], "X25519 key, made for this message alone")
        .part(&sealed[32..48], "tag of Poly1305")
        .shortened(&sealed[48..], "the same 256 bytes, encrypted with XSalsa20");
    dumps.insert("sealed", dump.of(sealed));

    let signature = outer.pro_signature.unwrap();
    let dump = Dump::default()
        .part(&wrapped[..2], "field 1, type: SESSION_MESSAGE")
        .part(&wrapped[2..9], "field 5, timestamp: the same as inside")
        .part(&wrapped[9..11], "field 7, sourceDevice: 1")
        .part(&wrapped[11..14], "field 8, content: 304 bytes")
        .shortened(sealed, "  the sealed box")
        .part(&wrapped[318..320], "field 11, proSig: 64 bytes")
        .part(signature, "  a decoy: Alice has no Session Pro");
    dumps.insert("envelope", dump.of(wrapped));

    let data = &message.data;
    let end = data.len() - 2;
    let dump = Dump::default()
        .part(&data[..2], "field 1, type: REQUEST")
        .part(&data[2..5], "field 2, request: 393 bytes")
        .part(&data[5..7], "  its field 1, verb: empty")
        .part(&data[7..9], "  its field 2, path: empty")
        .part(&data[9..12], "  its field 3, body: 384 bytes")
        .part(wrapped, "    the envelope")
        .part(&data[end..], "  its field 4, requestId: 0");
    dumps.insert("data", dump.of(data));

    // To the swarm.
    let account = AnyId::from(*bob.id());
    let store = Store::new(account, message.clone(), UnixMillis::new(SENT_MS)).unwrap();
    let body = store.to_json();
    dumps.insert("store", shorten(core::str::from_utf8(&body).unwrap()));
    let position = position(&account);
    let hash = store.hash();
    dumps.insert(
        "hash",
        format!("position of Bob's id  {position:016x}\nhash of the message   {hash}\n"),
    );

    // Through three nodes to a fourth.
    let nodes = [1, 2, 3, 4].map(|number| {
        let secret = Ed25519Secret::from_seed(&[number; 32]);
        Node::new(secret.public(), secret.to_x25519())
    });
    let hop = |node: &Node| Hop::new(*node.ed25519(), *node.x25519());
    let hops = [hop(&nodes[0]), hop(&nodes[1]), hop(&nodes[2])];
    let onion = seal(rng, &hops, &Request::storage(&hop(&nodes[3]), &body)).unwrap();
    let packet = &onion.packet;
    let frame = Frame::parse(packet).unwrap();
    let json = frame.json.as_bytes();
    let dump = Dump::default()
        .part(&packet[..4], "length of the ciphertext, little-endian")
        .part(&frame.blob[..24], "nonce")
        .shortened(&frame.blob[24..], "the guard's layer, and its tag")
        .shortened(json, "JSON: enc_type, ephemeral_key");
    dumps.insert("packet", dump.of(packet));

    let mut text = String::new();
    let mut what = packet.clone();
    let mut relays = Vec::new();
    let names = ["guard", "second", "third", "last"];
    let request = loop {
        let at = relays.len();
        let arrival = if at == 0 {
            Arrival::https(&what)
        } else {
            Arrival::node(&what)
        };
        let arrival = arrival.unwrap();
        let Layer { ciphertext, .. } = *arrival.layer();
        write!(
            text,
            "{:<7} opens {:>4} bytes, ",
            names[at],
            ciphertext.len()
        )
        .unwrap();
        match nodes[at].peel(rng, &arrival, &[]).unwrap() {
            Peeled::Relay(relay) => {
                let next = const_hex::encode(relay.next.as_bytes());
                writeln!(text, "finds the next node, {}…", &next[..16]).unwrap();
                what = relay.message();
                relays.push(relay);
            }
            Peeled::Deliver(request) => {
                writeln!(text, "finds a request of {} bytes", request.body.len()).unwrap();
                break request;
            }
            Peeled::Exit(_) => panic!("no server was asked"),
        }
    };
    dumps.insert("peeled", text);
    assert_eq!(request.body, body);
    assert_eq!(
        rpc::Request::from_json(&request.body).unwrap(),
        store.into()
    );
    let answer = request.reply(rng, 200, ReplyBody::Json("{}"));
    assert_eq!(
        onion
            .reply_key
            .open(answer.status, &answer.body)
            .unwrap()
            .status,
        200
    );

    // Bob.
    let signer = Signer::user(bob.ed25519());
    let retrieve = Retrieve::new(account, Namespace::DEFAULT);
    let at = UnixMillis::new(SENT_MS + 5_000);
    let signed = String::from_utf8(retrieve.message(at)).unwrap();
    let body = retrieve.sign(at, &signer).to_json();
    let body = core::str::from_utf8(&body).unwrap();
    dumps.insert("retrieve", format!("{body}\n"));
    dumps.insert("signed", format!("{signed}\n"));
    let stored = Base64::decode_vec(&Base64::encode_string(data)).unwrap();
    let opened = Opener::new(&bob).open_direct(&stored).unwrap();
    assert_eq!(opened.sender, *alice.id());
    let text = opened.content.as_text().unwrap();
    dumps.insert(
        "opened",
        format!(
            "sender   {}\nsent_at  {}\ntext     {text}\n",
            opened.sender, opened.sent_at
        ),
    );
    dumps
}

#[test]
fn the_guide_shows_the_bytes_of_this_message() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide.md");
    let guide = std::fs::read_to_string(&path).unwrap();
    let mut dumps = dumps();
    let mut written = String::new();
    let mut rest = guide.as_str();
    while let Some((before, after)) = rest.split_once("<!-- made by testkit/tests/guide.rs: ") {
        let (name, after) = after.split_once(" -->\n```text\n").unwrap();
        let (_, after) = after.split_once("```\n").unwrap();
        let dump = dumps
            .remove(name)
            .unwrap_or_else(|| panic!("no dump {name}, or twice"));
        write!(
            written,
            "{before}<!-- made by testkit/tests/guide.rs: {name} -->\n```text\n{dump}```\n"
        )
        .unwrap();
        rest = after;
    }
    written.push_str(rest);
    assert!(dumps.is_empty(), "not shown: {:?}", dumps.keys());
    if std::env::var_os("GUIDE_BLESS").is_some() {
        std::fs::write(&path, &written).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        written,
        "GUIDE_BLESS=1 writes it anew"
    );
}
