//! Opens hostile input of many shapes and sizes, and fails if an opener or parser ever has more
//! bytes in use than its bound: a multiple of the length of the input, and a constant.
//!
//! Openers get the input twice: as it is, and behind the encryption, sealed with the right keys.

mod configs;
mod counter;
mod groups;
mod hostile;
mod servers;
mod v2;

use std::process::ExitCode;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use session_crypto::{Blinding, Ed25519Secret, SymmetricKey, attachment, config as config_cipher, direct as direct_cipher, group as group_cipher, inbox as inbox_cipher, push, xchacha};
use session_crypto::multi::Party;
use session_identity::{Account, AnyId, GroupId, Seed, community as url, phrase};
use session_message::content::Ed25519Signature;
use session_message::{Opener, UnixMillis, config, inbox, kicked, multi, notify};
use session_message::group::layer;
use session_onion::{Cipher, LayerKey, quic};
use session_onion::client::{Hop, Request as Onion, self};
use session_onion::node::{Arrival, Node};
use session_onion::packet::Layer;
use session_onion::payload::{v3, v4};
use session_onion::server::ServerKeys;
use session_proto::{bt, content, padding};
use session_proto::envelope::{Envelope, EnvelopeKind, self};
use session_storage::{Call, Request, Retrieve, Store, SwarmInfo, quic as rpc_quic};
use session_storage::monitor::{MonitorRequests, self};
use session_storage::value::Value;
use session_swarm::record::{AddressPolicy, NodeList, ReadOptions, read_binary};
use session_types::{Namespace, SealedMessage};

const SIZES: [usize; 4] = [100, 4 << 10, 128 << 10, 900 << 10];
const NOW: u64 = 1_795_377_199_099;
const AT: UnixMillis = UnixMillis::new(NOW);
const SIGNATURE: Ed25519Signature = Ed25519Signature::from_bytes([5; 64]);
const KEY: [u8; 32] = [3; 32];
static SYMMETRIC: SymmetricKey = SymmetricKey::from_bytes(KEY);
const KIB: usize = 1 << 10;
/// A receipt may name 10,000 messages in 2 bytes each, which become 8, in a list that has grown and
/// beside the one they are read from.
const RECEIPTS: usize = 256 * KIB;

/// Maximum memory of an opener: `times` times the input, plus `plus` bytes.
struct Bound {
    name: &'static str,
    times: usize,
    plus: usize,
}

#[derive(Default)]
struct Report {
    failed: bool,
}

impl Report {
    /// Runs `open` on every input that `prepare` makes of a shape. What preparing takes is not
    /// counted; what is counted against is the length of what is opened.
    fn run(
        &mut self,
        bound: Bound,
        prepare: impl Fn(Vec<u8>) -> Vec<u8>,
        mut open: impl FnMut(&[u8]),
    ) {
        let inputs = SIZES.into_iter().flat_map(|size| {
            let mut shapes = hostile::shapes(size);
            shapes.push(hostile::zstd_bomb(size));
            shapes.push(hostile::recipients(size));
            shapes.extend(hostile::contents(size));
            shapes
        });
        self.run_inputs(bound, inputs.map(prepare), |input| open(input));
    }

    /// Runs `open` on these inputs.
    fn run_inputs(
        &mut self,
        bound: Bound,
        all: impl Iterator<Item = Vec<u8>>,
        mut open: impl FnMut(&[u8]),
    ) {
        let Bound { name, times, plus } = bound;
        let (mut worst_times, mut worst_bytes, mut inputs) = (0.0_f64, 0, 0);
        let mut failed = false;
        for input in all {
            let peak = counter::peak(|| open(&input));
            inputs += 1;
            worst_bytes = worst_bytes.max(peak);
            worst_times = worst_times.max(peak.saturating_sub(plus) as f64 / input.len() as f64);
            if peak > times * input.len() + plus && !failed {
                failed = true;
                self.failed = true;
                let head = String::from_utf8_lossy(&input[..input.len().min(40)]).into_owned();
                println!(
                    "over the bound: {peak} bytes for {} of {head:?}",
                    input.len()
                );
            }
        }
        println!(
            "| {name} | {times} N + {} KiB | {worst_times:.2} N + {} KiB | {} KiB | {inputs} |",
            plus / KIB,
            plus / KIB,
            worst_bytes.div_ceil(KIB),
        );
    }
}

fn bound(name: &'static str, times: usize, plus: usize) -> Bound {
    Bound { name, times, plus }
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn account(number: u8) -> Account {
    Account::from_seed(&Seed::from_full(&[number; 32]))
}

fn as_is(input: Vec<u8>) -> Vec<u8> {
    input
}

fn padded(mut input: Vec<u8>) -> Vec<u8> {
    padding::pad(&mut input);
    input
}

fn text(input: &[u8]) -> &str {
    str::from_utf8(input).unwrap_or_default()
}

fn main() -> ExitCode {
    println!("| what | bound | worst | most at once | inputs |");
    println!("|---|---|---|---|---|");
    let mut report = Report::default();
    formats(&mut report);
    ciphers(&mut report);
    messages(&mut report);
    onion(&mut report);
    storage(&mut report);
    configs::run(&mut report);
    groups::run(&mut report);
    v2::run(&mut report);
    servers::run(&mut report);
    if report.failed {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn formats(report: &mut Report) {
    report.run(bound("`bt::parse`", 0, 0), as_is, |input| {
        let _ = (bt::parse(input), bt::parse_dict(input));
    });
    report.run(
        bound("`Envelope::parse`, `envelope::unwrap`", 0, 0),
        as_is,
        |input| {
            let _ = (Envelope::parse(input), envelope::unwrap(input));
        },
    );
    report.run(bound("`content::decode`", 4, RECEIPTS), as_is, |input| {
        let _ = content::decode(input);
    });
    // Those of the shapes that are meant to be contents are, or they would show nothing.
    for shape in hostile::contents(100 << 10) {
        if let Err(error) = content::decode(&shape) {
            println!("not a content: {error}");
            report.failed = true;
        }
    }
    report.run(
        bound("`notify::Notification::parse`", 0, 0),
        as_is,
        |input| {
            let _ = notify::Notification::parse(input);
        },
    );
    report.run(
        bound("`phrase::decode`, 12 languages", 1, 4 * KIB),
        as_is,
        |input| {
            for language in phrase::Language::ALL {
                let _ = phrase::decode(text(input), *language);
            }
            let _ = phrase::decode_any(text(input));
        },
    );
    report.run(
        bound("`community::Link`, `AnyId`, `Name` of text", 2, KIB),
        as_is,
        |input| {
            let text = text(input);
            let _ = (text.parse::<url::Link>(), text.parse::<AnyId>());
            let _ = text.parse::<session_identity::name::Name>();
        },
    );
}

fn ciphers(report: &mut Report) {
    let domain = config_cipher::Domain::new("Contacts").expect("it is short");
    let seal = |input: Vec<u8>| xchacha::encrypt(&mut rng(), &SYMMETRIC, &input).expect("it is short");
    report.run(bound("`push::decrypt`", 1, 0), seal, |input| {
        let _ = push::decrypt(&SYMMETRIC, input);
    });
    let seal = |input: Vec<u8>| config_cipher::encrypt(&SYMMETRIC, domain, &input).expect("it is short");
    report.run(bound("`config::decrypt`", 1, 0), seal, |input| {
        let _ = config_cipher::decrypt(&SYMMETRIC, domain, input);
    });
    let file_key = || attachment::FileKey {
        key: attachment::Key::from_bytes(KEY),
        header: [2; 24],
    };
    let seal = |input: Vec<u8>| attachment::encrypt(&file_key(), &input).expect("it is short");
    report.run(bound("`attachment::decrypt`", 1, 64 * KIB), seal, |input| {
        let _ = attachment::decrypt(&file_key().key, input);
    });
    report.run(
        bound("`attachment::Decryptor`, without its output", 0, 128 * KIB),
        seal,
        |input| {
            let mut decryptor = attachment::Decryptor::new(&file_key().key);
            let mut out = Vec::with_capacity(33 * KIB);
            for piece in input.chunks(1000) {
                out.clear();
                let _ = decryptor.update(piece, &mut out);
            }
        },
    );
    let keys = attachment::legacy::Keys::from_bytes([4; 64]);
    // The digest, which comes in the message that names the file, stands in front here.
    let seal = |input: Vec<u8>| {
        let made = attachment::legacy::encrypt(&mut rng(), &keys, &input, false);
        let made = made.expect("it is short");
        [made.digest.as_slice(), &made.blob].concat()
    };
    let name = "`attachment::legacy::decrypt`";
    report.run(bound(name, 1, 0), seal, |input| {
        if let Some((digest, blob)) = input.split_first_chunk::<32>() {
            let _ = attachment::legacy::decrypt(&keys, digest, blob.len(), blob);
        }
    });
}

/// Stored data of a one-to-one message with these bytes inside.
fn stored(inside: &[u8]) -> Vec<u8> {
    let public = account(1).x25519_public();
    let sender = account(2);
    let sealed = direct_cipher::seal(&mut rng(), sender.ed25519(), &public, inside);
    let sealed = sealed.expect("good keys");
    envelope::wrap(&Envelope::new(EnvelopeKind::Session, UnixMillis::EPOCH, &sealed, &SIGNATURE).encode())
}

fn messages(report: &mut Report) {
    let (own, other) = (account(1), account(2));
    let group_secret = Ed25519Secret::from_seed(&[9; 32]);
    let id = GroupId::from_ed25519(&group_secret.public());
    let key = SymmetricKey::from_bytes([6; 32]);
    report.run(
        bound("`Opener::open_direct`, as it is", 2, 4 * KIB),
        as_is,
        |input| {
            let _ = Opener::new(&own).open_direct(input);
        },
    );
    report.run(
        bound("`Opener::open_direct`, behind the encryption", 6, RECEIPTS),
        |input| stored(&padded(input)),
        |input| {
            let _ = Opener::new(&own).open_direct(input);
        },
    );
    report.run(
        bound("`Opener::unwrap_config`, behind the encryption", 4, RECEIPTS),
        |input| {
            let inside = [input.as_slice(), &[0x80]].concat();
            let public = own.x25519_public();
            let sealed = direct_cipher::seal(&mut rng(), own.ed25519(), &public, &inside);
            envelope::wrap(
                &Envelope::new(
                    EnvelopeKind::Session,
                    UnixMillis::EPOCH,
                    &sealed.expect("good keys"),
                    &SIGNATURE,
                )
                .encode(),
            )
        },
        |input| {
            let _ = Opener::new(&own).unwrap_config(config::UserConfig::Contacts, input);
        },
    );
    report.run(bound("`Opener::open_group`, as it is", 1, KIB), as_is, |input| {
        let _ = Opener::new(&own).open_group(&id, [&key], input);
    });
    report.run(
        bound("`Opener::open_group`, behind the signature", 8, RECEIPTS),
        |input| {
            let envelope =
                Envelope::new(EnvelopeKind::Session, UnixMillis::EPOCH, &padded(input), &SIGNATURE).encode();
            let options = layer::Options {
                compress: false,
                ..layer::Options::default()
            };
            layer::seal(&mut rng(), other.ed25519(), &id, &key, &envelope, options)
                .expect("it is short")
        },
        |input| {
            let _ = Opener::new(&own).open_group(&id, [&key], input);
        },
    );
    report.run(
        bound("`Opener::open_group`, compressed by the sender", 2, 4 << 20),
        |input| {
            let signature = other.ed25519().sign_parts(&[&input, id.key_bytes()]);
            let dict = bt::dict(|dict| {
                dict.int(b"", 1_u64);
                dict.bytes(b"a", other.ed25519_public().as_bytes());
                dict.bytes(b"s", signature.as_bytes());
                dict.bytes(b"z", &input);
            });
            group_cipher::encrypt(&mut rng(), &key, &dict, 1).expect("it is short")
        },
        |input| {
            let _ = Opener::new(&own).open_group(&id, [&key], input);
        },
    );
    report.run(bound("`Opener::open_post`", 6, RECEIPTS), padded, |input| {
        let _ = Opener::new(&own).open_post(input, AT, AT);
    });
    let server = group_secret.to_x25519().public();
    let to = own.blinded(Blinding::Blind25, &server).expect("good keys");
    let from = other
        .blinded(Blinding::Blind25, &server)
        .expect("good keys");
    let (to_id, from_id) = (AnyId::from(&to), AnyId::from(&from));
    report.run(
        bound("`Opener::open_inbox`, behind the encryption", 6, RECEIPTS),
        |input| {
            inbox_cipher::seal(&mut rng(), &from, &to.public(), &padded(input))
                .expect("good keys")
        },
        |input| {
            let metadata = inbox::Metadata {
                sender: &from_id,
                recipient: &to_id,
                posted_at: AT,
            };
            let _ = Opener::new(&own).open_inbox(&to, &metadata, input, AT);
        },
    );
    let secret = group_secret.to_x25519();
    report.run(
        bound("`multi::open`, `Opener::open_removal`", 1, KIB),
        as_is,
        |input| {
            let party = Party::new(own.x25519(), kicked::DOMAIN);
            let _ = multi::open(&party, &secret.public(), input);
            let _ = Opener::new(&own).open_removal(&id, 0, input);
        },
    );
}

fn onion(report: &mut Report) {
    let secret = Ed25519Secret::from_seed(&[1; 32]);
    let node = Node::new(secret.public(), secret.to_x25519());
    let hop = Hop::new(*node.ed25519(), *node.x25519());
    let layer = |plaintext: &[u8]| {
        let ephemeral = session_crypto::X25519Secret::from_bytes([0x42; 32]);
        let public = ephemeral.public();
        let key = LayerKey::for_client(Cipher::XChaCha20, &ephemeral, &public, node.x25519());
        let layer = Layer {
            ciphertext: &key
                .expect("good keys")
                .seal(&mut rng(), plaintext)
                .expect("it is short"),
            ephemeral_key: public,
            cipher: Cipher::XChaCha20,
            hop_no: 0,
        };
        layer.to_packet().expect("it is short")
    };
    report.run(
        bound("`Node::peel`, as it is", 2, 4 * KIB),
        as_is,
        |input| {
            for arrival in [
                Arrival::https(input),
                Arrival::quic(input),
                Arrival::node(input),
            ] {
                if let Ok(arrival) = arrival {
                    let _ = node.peel(&mut rng(), &arrival, &[]);
                }
            }
        },
    );
    report.run(
        bound("`Node::peel`, behind the encryption", 4, 4 * KIB),
        |input| layer(&[&[0; 4], input.as_slice()].concat()),
        |input| {
            if let Ok(arrival) = Arrival::https(input) {
                let _ = node.peel(&mut rng(), &arrival, &[]);
            }
        },
    );
    // The generator always gives the same key, so that one answer fits all requests.
    let request = || {
        let request = Onion::storage(&hop, b"request");
        client::seal(&mut rng(), &[], &request).expect("good keys")
    };
    let ephemeral = Layer::from_packet(&request().packet)
        .expect("ours")
        .ephemeral_key;
    let x25519 = secret.to_x25519();
    let key = LayerKey::for_server(Cipher::XChaCha20, &x25519, node.x25519(), &ephemeral)
        .expect("good keys");
    report.run(
        bound("`ReplyKey::open`, as it is", 8, 8 * KIB),
        as_is,
        |input| {
            let _ = request().reply_key.open(200, input);
            let _ = request().reply_key.open(502, input);
        },
    );
    report.run(
        bound("`ReplyKey::open`, behind the encryption", 16, 64 * KIB),
        |input| base64(&key.seal(&mut rng(), &input).expect("it is short")),
        |input| {
            let _ = request().reply_key.open(200, input);
        },
    );
    let keys = ServerKeys::new(secret.to_x25519());
    report.run(
        bound("`ServerKeys::open`, behind the encryption", 8, 8 * KIB),
        |input| layer(&input),
        |input| {
            if let Ok(opened) = keys.open(input) {
                let _ = opened.answer_v4(&mut rng(), |_| Vec::new());
            }
            if let Ok(opened) = keys.open(input) {
                let _ = opened.answer_v3(&mut rng(), |_| (200, Vec::new()));
            }
        },
    );
    report.run(
        bound("`v3::Received::parse`", 32, 4 * KIB),
        as_is,
        |input| {
            let _ = v3::Received::parse(input);
        },
    );
    report.run(
        bound("`v4::Received::parse`", 32, 4 * KIB),
        as_is,
        |input| {
            let _ = v4::Received::parse(input.to_vec());
        },
    );
    report.run(bound("`quic::Message::read`", 0, 0), as_is, |input| {
        let _ = quic::Message::read(input);
    });
}

fn storage(report: &mut Report) {
    report.run(bound("`Value::from_json`", 64, 4 * KIB), as_is, |input| {
        let _ = Value::from_json(input);
    });
    report.run(
        bound("`Value::from_bencode`", 64, 4 * KIB),
        as_is,
        |input| {
            let _ = Value::from_bencode(input);
        },
    );
    report.run(bound("`Request::from_json`", 64, 4 * KIB), as_is, |input| {
        let _ = Request::from_json(input);
    });
    report.run(bound("`Request::from_body`", 64, 4 * KIB), as_is, |input| {
        for method in ["batch", "store", "delete", "expire"] {
            let _ = Request::from_body(method, input);
        }
    });
    report.run(
        // A list has at most a thousand requests, each of which may have an answer.
        bound("`MonitorRequests::parse` and its answer", 96, 2048 * KIB),
        as_is,
        |input| {
            let requests = MonitorRequests::parse(input);
            let outcomes: Vec<_> = requests.requests.iter().map(|_| Ok(())).collect();
            let _ = requests.answer(&outcomes);
            let _ = monitor::read_answer(input);
        },
    );
    let account = AnyId::from_bytes(account(1).id().to_bytes());
    report.run(
        bound("answers to requests, of JSON", 64, 4 * KIB),
        as_is,
        |input| {
            let Ok(value) = Value::from_json(input) else {
                return;
            };
            let _ = Retrieve::new(account, Namespace::DEFAULT).read_answer(&value);
            let message = SealedMessage {
                namespace: Namespace::DEFAULT,
                ttl: core::time::Duration::from_secs(60),
                data: Vec::new(),
            };
            let store = Store::new(account, message, UnixMillis::new(NOW));
            let _ = store.map(|store| store.read_answer(&value).is_ok());
            let _ = SwarmInfo::from_value(&value);
        },
    );
    report.run(bound("`rpc::quic::unwrap`", 96, 4 * KIB), as_is, |input| {
        let reply = rpc_quic::Reply {
            is_error: false,
            body: input.to_vec(),
        };
        let _ = rpc_quic::unwrap(&reply);
    });
    report.run(
        bound("`NodeList::from_json`", 4, 64 * KIB),
        as_is,
        |input| {
            for addresses in [AddressPolicy::Public, AddressPolicy::Any] {
                let options = ReadOptions {
                    addresses,
                    ..ReadOptions::default()
                };
                let _ = NodeList::from_json(input, &options);
            }
        },
    );
    report.run(
        bound("`read_binary`", 8, 4 * KIB),
        |mut input| {
            input.truncate(input.len() / 51 * 51);
            if input.is_empty() { vec![0; 51] } else { input }
        },
        |input| {
            let _ = read_binary(input);
        },
    );
}

/// Padded base64.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    for chunk in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|index| u32::from(chunk.get(index).copied().unwrap_or(0)));
        let group = a << 16 | b << 8 | c;
        for index in 0..4 {
            let digit = DIGITS[(group >> (18 - 6 * index) & 63) as usize];
            out.push(if index <= chunk.len() { digit } else { b'=' });
        }
    }
    out
}
