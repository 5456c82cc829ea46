//! Writes `corpus/`: a few small inputs for each target, from the test vectors.
//!
//! Run it in this directory as `cargo run --example seed`. Inputs with
//! other names, those that once failed, stay.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use session_crypto::Ed25519Secret;
use session_crypto::hash::message_hash;
use session_fuzz::input::{account, group};
use session_message::{Sealer, admin};
use session_network::SavedState;
use session_proto::content::{
    AnyId, Attachment, Call, CallStep, Content, DataExtraction, DataExtractionKind,
    Ed25519Signature, Expiration, FileKey, InfoChange, Invitation, Kind, MemberAuthData, Message,
    Profile, Quote, Reaction, ReadReceipt, Typing, UnixMillis, Unsend,
};
use session_proto::envelope::{self, Envelope, EnvelopeKind};
use session_proto::{bt, padding};
use session_swarm::ServiceNode;
use session_swarm::record::Version;
use session_types::{Namespace, SwarmId};
use testkit::{Case, Vectors};

/// Of each target at most so many files, each of at most so many bytes.
const MAX_FILES: usize = 16;
const MAX_LENGTH: usize = 2048;
/// The shortest attachment has more than 4 KiB.
const MAX_ATTACHMENT: usize = 4608;

const SENT_MS: u64 = 1_795_377_199_099;
const SENT: UnixMillis = UnixMillis::new(SENT_MS);

#[derive(Default)]
struct Corpus(BTreeMap<&'static str, Vec<Vec<u8>>>);

impl Corpus {
    fn add(&mut self, target: &'static str, input: impl Into<Vec<u8>>) {
        let input = input.into();
        let inputs = self.0.entry(target).or_default();
        let longest = match target {
            "attachment_open" => MAX_ATTACHMENT,
            _ => MAX_LENGTH,
        };
        if input.len() <= longest && !inputs.contains(&input) {
            inputs.push(input);
        }
    }

    /// With a byte in front, which the target reads as its choice.
    fn add_as(&mut self, target: &'static str, choice: u8, input: &[u8]) {
        self.add(target, [&[choice], input].concat());
    }

    /// A spread of the inputs, from first to last.
    fn write(&self, folder: &Path) {
        for (target, inputs) in &self.0 {
            let folder = folder.join(target);
            fs::create_dir_all(&folder).unwrap();
            for index in 0..MAX_FILES {
                let _ = fs::remove_file(folder.join(format!("{index:02}")));
            }
            let count = inputs.len().min(MAX_FILES);
            for index in 0..count {
                let input = &inputs[index * inputs.len() / count];
                fs::write(folder.join(format!("{index:02}")), input).unwrap();
            }
            println!("{target}: {count} of {}", inputs.len());
        }
    }
}

/// Bytes given in hex; none where a case has no hex, on purpose.
fn hex(case: Case<'_>, field: &str) -> Vec<u8> {
    const_hex::decode(case.opt_text(field).unwrap_or_default()).unwrap_or_default()
}

fn main() {
    let mut corpus = Corpus::default();
    configs(&mut corpus);
    messages(&mut corpus);
    ciphers(&mut corpus);
    identity(&mut corpus);
    onion(&mut corpus);
    storage(&mut corpus);
    client(&mut corpus);
    services(&mut corpus);
    corpus.write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"));
}

/// One content of every kind.
fn contents() -> Vec<Content> {
    let (secret, _) = group();
    let (own, other) = (account(1), account(2));
    let id = |account: &session_identity::Account| AnyId::from(account.id());
    let message = |message: Message| Content::from(Kind::Message(message));
    let mut all = vec![
        Content::text("hello").with_profile(Profile::named("Ann")),
        Content::text("gone soon").with_expiration(Expiration::after_send(60)),
        message(Message {
            text: "look".into(),
            attachments: vec![Attachment {
                url: "http://filev2.getsession.org/file/1".into(),
                key: Some(FileKey::from_bytes(&[7; 32]).into()),
                digest: None,
                size: Some(1000),
                content_type: Some("image/png".into()),
                file_name: Some("a.png".into()),
                caption: None,
                width: Some(10),
                height: Some(20),
                is_voice_message: false,
            }],
            quote: Some(Quote {
                sent_at: SENT,
                author: id(&other),
            }),
            previews: Vec::new(),
        }),
    ];
    let kinds = [
        Kind::Reaction(Reaction {
            sent_at: SENT,
            author: id(&other),
            emoji: "\u{1f600}".into(),
            is_removal: false,
        }),
        Kind::Invitation(Invitation {
            url: format!("https://example.com/room?public_key={}", "a1".repeat(32)),
            name: "room".into(),
        }),
        Kind::ExpirationUpdate,
        Kind::Call(Call {
            uuid: "1d4f9a8e-0000-4000-8000-000000000000".into(),
            step: CallStep::Offer(vec!["v=0".into()]),
        }),
        Kind::ReadReceipt(ReadReceipt {
            sent_at: vec![SENT],
        }),
        Kind::Typing(Typing {
            sent_at: SENT,
            is_stopped: false,
        }),
        Kind::DataExtraction(DataExtraction {
            kind: DataExtractionKind::Screenshot,
            sent_at: Some(SENT),
        }),
        Kind::Unsend(Unsend {
            sent_at: SENT,
            author: id(&own),
        }),
        Kind::RequestAccepted,
        Kind::Group(admin::invite(
            &secret,
            own.id(),
            "group",
            &MemberAuthData::try_from([1; 100].as_slice()).expect("100 bytes"),
            SENT,
        )),
        Kind::Group(admin::promote(&secret, "group")),
        Kind::Group(admin::info_change(
            &secret,
            InfoChange::Name("new".into()),
            SENT,
        )),
        Kind::Group(admin::delete_content(
            &secret,
            &[*own.id()],
            &["hash"],
            SENT,
        )),
    ];
    all.extend(kinds.into_iter().map(Content::from));
    all
}

fn messages(corpus: &mut Corpus) {
    for content in contents() {
        let Ok(plain) = content.encode(SENT, None) else {
            continue;
        };
        corpus.add("proto_content", plain.clone());
        corpus.add("proto_prost", plain.clone());
        corpus.add("proto_wire", plain.clone());
        corpus.add("proto_padding", plain.clone());
        corpus.add("message_roundtrip", plain.clone());
        corpus.add_as("community_open", 0, &plain);
        corpus.add_as("direct_inside", 0, &plain);
        corpus.add_as("direct_inside", 1, &plain);
        corpus.add_as("inbox_inside", 0, &plain);
        let signature = Ed25519Signature::from_bytes([5; 64]);
        let envelope = Envelope::new(EnvelopeKind::Session, SENT, &plain, &signature).encode();
        corpus.add("group_inside", plain.clone());
        corpus.add("group_inside", envelope.clone());
        corpus.add("proto_envelope", envelope.clone());
        corpus.add("proto_envelope", envelope::wrap(&envelope));
        corpus.add("config_unwrap", [plain.as_slice(), &[0x80]].concat());
        let mut rng = session_fuzz::input::rng();
        let sealer = Sealer::new(account(2));
        if let Ok(sealed) = sealer.seal_direct(&mut rng, account(1).id(), &content, SENT) {
            corpus.add("direct_open", sealed.data);
        }
        let mut padded = plain;
        padding::pad(&mut padded);
        corpus.add_as("community_open", 2, &padded);
    }
    Vectors::load("group_encrypt").each("decrypt_checks", |case| {
        corpus.add("group_open", hex(case, "ciphertext"));
        let inner = hex(case, "inner");
        if let Ok(dict) = bt::parse_dict(&inner) {
            if let Ok(frame) = dict.bytes("z") {
                corpus.add("group_zstd", frame);
                corpus.add("proto_zstd", frame);
            }
        }
        corpus.add("proto_zstd", inner.as_slice());
        corpus.add("group_inside", inner);
    });
    Vectors::load("group_encrypt").each("encrypt", |case| {
        let inner = hex(case, "inner");
        if let Ok(dict) = bt::parse_dict(&inner) {
            if let Ok(frame) = dict.bytes("z") {
                corpus.add("group_zstd", frame);
                corpus.add("proto_zstd", frame);
            }
        }
    });
    Vectors::load("multi_encrypt").each("decode_checks", |case| {
        corpus.add("multi_open", hex(case, "encoded"));
        corpus.add("bt_parse", hex(case, "encoded"));
    });
    Vectors::load("blinded_encrypt").each("decrypt_checks", |case| {
        let sender = hex(case, "sender_blinded_id");
        corpus.add("inbox_open", [sender, hex(case, "ciphertext")].concat());
    });
    Vectors::load("storage_rpc").each("notices", |case| {
        corpus.add("notification", hex(case, "notice"));
        corpus.add("rpc_monitor", hex(case, "notice"));
        corpus.add("bt_signed", hex(case, "notice"));
    });
    for text in [
        "d0:i1e1:ali-1ee1:~64:",
        "le",
        "i-9223372036854775808e",
        "i18446744073709551615e",
    ] {
        corpus.add("bt_parse", text);
        corpus.add("bt_bendy", text);
    }
    let signed = bt::signed_dict(
        |dict| {
            dict.bytes(b"a", b"value");
        },
        |message| Ed25519Secret::from_seed(&[1; 32]).sign(message).to_bytes(),
    )
    .unwrap();
    corpus.add("bt_signed", signed.clone());
    corpus.add("bt_bendy", signed);
    corpus.add("bt_write", (0..200).collect::<Vec<u8>>());
}

fn ciphers(corpus: &mut Corpus) {
    Vectors::load("config_encrypt").each("encrypt", |case| {
        corpus.add("config_decrypt", hex(case, "ciphertext"));
    });
    Vectors::load("push_notification").each("decrypt", |case| {
        corpus.add("push_decrypt", hex(case, "payload"));
    });
    Vectors::load("session_encrypt").each("incoming_checks", |case| {
        corpus.add("sealed_box", hex(case, "ciphertext"));
    });
    Vectors::load("ed25519_sign").each("verify", |case| {
        let key = hex(case, "ed25519_pk");
        let signature = hex(case, "signature");
        corpus.add(
            "ed25519_verify",
            [vec![0], key, signature, hex(case, "message")].concat(),
        );
        let message = [vec![1], vec![0; 96], hex(case, "message")].concat();
        corpus.add("ed25519_verify", message);
    });
    Vectors::load("xed25519").each("verify", |case| {
        let (key, signature) = (hex(case, "x25519_pk"), hex(case, "signature"));
        corpus.add(
            "xed25519",
            [vec![1; 34], key, signature, hex(case, "message")].concat(),
        );
    });
    Vectors::load("multi_encrypt").each("shared_key", |case| {
        let (secret, peer) = (
            hex(case, "sender_x25519_sk"),
            hex(case, "recipient_x25519_pk"),
        );
        corpus.add("dh_ladder", [secret, peer].concat());
    });
    // The points of small order and the edges of the field.
    for edge in [0, 1, 0xec, 0xed, 0xee, 0xff_u8] {
        let mut point = [if edge < 2 { 0 } else { 0xff }; 32];
        point[0] = edge;
        point[31] &= 0x7f;
        corpus.add("dh_ladder", [[0x55; 32], point].concat());
    }
    let file_key = session_crypto::attachment::FileKey {
        key: session_crypto::attachment::Key::from_bytes([3; 32]),
        header: [2; 24],
    };
    for length in [0, 1, 100, 900] {
        let content = vec![length as u8; length];
        let file = session_crypto::attachment::encrypt(&file_key, &content).unwrap();
        corpus.add("attachment_open", [vec![0], file.clone()].concat());
        corpus.add("attachment_open", [vec![2, 1, 0], file].concat());
        let head = [vec![1, 7], vec![2; 24], vec![0, length as u8]].concat();
        corpus.add("attachment_inside", [head, content.clone()].concat());
        let head = [vec![1], vec![0; 32], vec![length as u8]].concat();
        corpus.add("attachment_legacy", [head, content].concat());
    }
}

fn identity(corpus: &mut Corpus) {
    use session_identity::phrase::{self, Language};
    Vectors::load("ons").each("decrypt", |case| {
        let (name, nonce) = (
            case.opt_text("name").unwrap_or_default(),
            hex(case, "nonce"),
        );
        let pieces = [
            &[name.len() as u8],
            name.as_bytes(),
            &[nonce.len() as u8],
            &nonce,
            &hex(case, "ciphertext"),
        ];
        if name.len() < 256 {
            corpus.add("ons_name", pieces.concat());
        }
    });
    Vectors::load("config_user_groups").each("community_urls", |case| {
        corpus.add("community_url", case.opt_text("url").unwrap_or_default());
    });
    Vectors::load("blinding").each("matches", |case| {
        corpus.add("ids", case.opt_text("blinded_id").unwrap_or_default());
        let id = hex(case, "session_id");
        let parts = [
            id.get(1..).unwrap_or_default(),
            &hex(case, "server_pk"),
            &hex(case, "blinded_id"),
        ];
        corpus.add("blinding", parts.concat());
    });
    corpus.add("ids", account(1).id().as_bytes().as_slice());
    corpus.add("ids", [7; 32]);
    for (index, language) in Language::ALL.iter().enumerate() {
        let text = phrase::encode(&[index as u8 * 21; 16], *language).unwrap();
        corpus.add("phrase_detect", text.as_bytes());
        corpus.add(
            "phrase_decode",
            [&[index as u8, 0], text.as_bytes()].concat(),
        );
    }
    corpus.add("subaccount", [0; 101]);
    Vectors::load("group_keys").each("subaccount", |case| {
        corpus.add("subaccount", [vec![3], hex(case, "subaccount")].concat());
    });
}

fn onion(corpus: &mut Corpus) {
    Vectors::load("onion").each("build", |case| {
        corpus.add("onion_layer", hex(case, "onion"));
        corpus.add("onion_peel", hex(case, "onion"));
        for layer in case.list("layers") {
            if let Some(routing) = layer.opt_text("routing") {
                corpus.add(
                    "onion_peel_inside",
                    [&[0, 3, b'a', b'b', b'c'], routing.as_bytes()].concat(),
                );
            }
        }
        corpus.add_as("onion_peel_inside", 1, &hex(case, "final_plaintext"));
        corpus.add("onion_v4", hex(case, "final_plaintext"));
        corpus.add("onion_server", hex(case, "final_plaintext"));
    });
    let url = r#"{"host":"example.com","target":"/oxen/v4/lsrpc","protocol":"https","port":443,"method":"POST"}"#;
    corpus.add(
        "onion_peel_inside",
        [&[0, 1, b'x'], url.as_bytes()].concat(),
    );
    Vectors::load("onion").each("response", |case| {
        if let Some(plaintext) = Some(hex(case, "response_plaintext")) {
            corpus.add_as("onion_reply", 4, &plaintext);
            corpus.add_as("onion_reply", 1, &plaintext);
        }
        corpus.add_as(
            "onion_reply",
            4,
            case.opt_text("response_text")
                .unwrap_or_default()
                .as_bytes(),
        );
    });
    corpus.add(
        "onion_v3",
        r#"{"method":"GET","endpoint":"rooms","headers":{"a":"b"},"body":null}"#,
    );
    corpus.add(
        "onion_v3",
        r#"{"method":"POST","endpoint":"/files","body":"{\"file\":\"AA==\"}"}"#,
    );
    let request = session_onion::payload::v4::Request::post("/room/test", b"{}").encode();
    corpus.add("onion_v4", request.clone());
    corpus.add("onion_server", request);
    for flags in [0, 1, 2, 51] {
        corpus.add(
            "onion_roundtrip",
            [&[flags, 5, 200, 0, 2, b'{', b'}'], b"body".as_slice()].concat(),
        );
    }
    for message in [
        "21:l1:Ci1e9:onion_req1:ae",
        "10:l1:Ri1e1:ae",
        "10:l1:Ei1e1:ae",
        "12:l1:Ri1e3:200e",
    ] {
        corpus.add("onion_quic", message);
        corpus.add("proto_stream", [b"\xff\0", message.as_bytes()].concat());
        // Two commands, answered, and the message after them.
        let before = [255, 4, 0, 0, 9, 1, b'a', 0, 0, 9, 0, 1, 1, 1, b'n', 0, 3, 4];
        corpus.add("proto_stream", [&before, message.as_bytes()].concat());
    }
}

fn storage(corpus: &mut Corpus) {
    let file = Vectors::load("storage_rpc");
    for array in ["accepted", "rejected"] {
        file.each(array, |case| {
            corpus.add(
                "rpc_json",
                case.opt_text("request_text").unwrap_or_default(),
            );
            let name = case.opt_text("method").unwrap_or_default();
            let answer = case.opt_text("answer_text").unwrap_or_default();
            let methods = [
                "store",
                "delete",
                "delete_all",
                "delete_before",
                "expire",
                "expire_all",
                "revoke_subaccount",
                "retrieve",
                "get_expiries",
                "revoked_subaccounts",
                "batch",
            ];
            if let Some(index) = methods.iter().position(|method| *method == name) {
                corpus.add_as("rpc_answer", index as u8, answer.as_bytes());
            }
            if name == "get_swarm" {
                corpus.add_as("rpc_answer", 0, answer.as_bytes());
            }
            corpus.add("swarm_value", answer);
        });
    }
    file.each("bencoded", |case| {
        let names = session_storage::Method::ALL;
        let index = names
            .iter()
            .position(|method| method.name() == case.opt_text("method").unwrap_or_default());
        corpus.add_as("rpc_body", index.unwrap_or(0) as u8, &hex(case, "request"));
        corpus.add("swarm_value", hex(case, "request"));
        corpus.add("bt_parse", hex(case, "request"));
        corpus.add("bt_bendy", hex(case, "request"));
    });
    file.each("monitor", |case| {
        corpus.add("rpc_monitor", hex(case, "request"));
        corpus.add("rpc_monitor", hex(case, "answer"));
    });
    file.each("quic", |case| {
        corpus.add_as("rpc_answer", 0, &hex(case, "answer"))
    });
    file.each("swarm", |case: Case<'_>| {
        let text = case.text("service_nodes_answer_text");
        corpus.add("node_list", text);
        let mut list: serde_json::Value = serde_json::from_str(text).unwrap();
        if let Some(states) = list["result"]["service_node_states"].as_array_mut() {
            states.truncate(2);
        }
        corpus.add("node_list", list.to_string());
    });
    for method in 0..12 {
        corpus.add(
            "rpc_client_node",
            [vec![method & 1, method, method], vec![method; 60]].concat(),
        );
    }
    corpus.add("node_binary", [[3; 51], [4; 51]].concat());
    corpus.add("node_binary", [5; 51]);
    corpus.add("ring", (0..80).map(|index| index * 3).collect::<Vec<u8>>());
    corpus.add("ring", [0xff; 40]);
}

/// Random courses of events, which the fuzzer learns to extend, and what a client saves.
fn client(corpus: &mut Corpus) {
    let mut random = ChaCha20Rng::seed_from_u64(3);
    for length in [60, 120, 240, 480, 960] {
        let mut input = vec![0; length];
        random.fill_bytes(&mut input);
        corpus.add("client_pool", input.clone());
        corpus.add("client_machine_events", input.clone());
        // Three hops, two paths, seeds; a list of 31 nodes first.
        input[..6].copy_from_slice(&[0b0001_0111, 3, 0, 2, 0, 31]);
        corpus.add("client_machine", input);
    }
    // Alice writes, creates a group with Bob, who accepts; both write, crash, and leave.
    corpus.add(
        "client_machine_events",
        [
            b"\x01\x01\0\x01\x02hi\0\x3b\x02\0\x01\x05Group\0\x3b\0\x3b\x03\x01\0\0\0\x3b".as_slice(),
            b"\x01\x01\0\x03all\x04\0\0\x3b\x0c\0\0\x14\x01\0\0\x04gone\0\x3b\x0d\x01\0\x03\x01\0\x0c",
        ]
        .concat(),
    );
    let saved = SavedState::default().to_bytes();
    // The content alone: the target adds the digest.
    let content = |saved: &[u8]| {
        let start = saved.iter().skip(36).position(|byte| *byte == b':');
        saved[36 + start.unwrap() + 1..saved.len() - 1].to_vec()
    };
    corpus.add("client_state", content(&saved));
    let key = account(2).ed25519_public();
    let mut state = SavedState::of_nodes(
        vec![ServiceNode {
            ed25519: key,
            x25519: None,
            legacy: Some([3; 32]),
            ip: [5, 6, 7, 8].into(),
            https_port: 22021,
            omq_port: 22020,
            version: Version([2, 8, 0]),
            swarm_id: SwarmId::new(5),
            requested_unlock_height: 0,
        }],
        UnixMillis::new(SENT_MS),
    );
    state.middles.push((key, UnixMillis::new(SENT_MS)));
    state.suspicions.push((key, None, UnixMillis::new(SENT_MS)));
    let user = AnyId::from(account(1).id());
    let hash = message_hash(&user, Namespace::DEFAULT, b"");
    let hashes = &mut state.last_hashes;
    hashes.set(&user, Namespace::DEFAULT, &key, hash, SENT_MS);
    let saved = state.to_bytes();
    corpus.add("client_state", content(&saved));
    corpus.add("client_state", saved);
}

/// Configs of the vectors: plaintexts, dumps, data of each type, and parts.
fn configs(corpus: &mut Corpus) {
    let vectors = [
        ("config_userprofile", 0),
        ("config_contacts", 1),
        ("config_convo_info_volatile", 2),
        ("config_user_groups", 3),
        ("group_info", 5),
        ("group_members", 6),
    ];
    for (topic, choice) in vectors {
        Vectors::load(topic).each("scenarios", |case| {
            let mut last = Vec::new();
            for step in case.list("steps") {
                if step.has("dump") {
                    corpus.add("config_dump", hex(step, "dump"));
                }
                if !step.has("plain") {
                    continue;
                }
                let plain = hex(step, "plain");
                corpus.add("config_message", plain.clone());
                let dict = bt::parse_dict(&plain).expect("a config message");
                let data = dict.dict("&").expect("the data of a config");
                corpus.add_as("config_types", choice, data.raw());
                let pieces = [&last, &plain].map(|plain: &Vec<u8>| {
                    let length = u16::try_from(plain.len()).unwrap_or(0).to_le_bytes();
                    [&length, plain.as_slice()].concat()
                });
                corpus.add("config_merge", pieces.concat());
                last = plain;
            }
        });
    }
    corpus.add_as("config_types", 4, b"d5:themei2e8:settingsd1:xi1eee");
    // Two parts of a set that is complete but for its hash, and one that is no part.
    let piece = |chunk: &[u8]| [&[chunk.len() as u8], chunk].concat();
    let first = [&[0, 3, 0, 2][..], &piece(b"d1:#i1e1:&")].concat();
    let second = [&[0, 3, 1, 2][..], &piece(b"de1:<le1:=dee")].concat();
    corpus.add("config_parts", first.clone());
    corpus.add(
        "config_parts",
        [first, second, [1, 0].to_vec(), piece(b"l1:ae")].concat(),
    );
}

/// Recorded requests and replies of a community server, and requests to the other servers.
fn services(corpus: &mut Corpus) {
    let base64 = |text: Option<&str>| {
        session_types::base64::decode(text.unwrap_or_default()).unwrap_or_default()
    };
    let methods = ["GET", "POST", "PUT", "DELETE"];
    let request = |case: Case<'_>| {
        let given = case.object("request");
        let method = methods
            .iter()
            .position(|name| *name == given.text("method"));
        let path = given.text("endpoint").replace("/room/lounge", "/room/room");
        let body = base64(given.opt_text("body_b64"));
        [&[method.unwrap() as u8], path.as_bytes(), b"\n", &body].concat()
    };
    Vectors::load("sogs_live").each("cases", |case| {
        corpus.add("community_request", request(case));
        let body = case.object("reply").object("body");
        if body.has("json") {
            corpus.add("community_reply", body.value("json").to_string());
        }
    });
    for block in [
        "16:d1:!3:PUT1:si5eehello",
        "24:d1:!3:PUT1:si5e1:ti60ee",
        "19:d1:!3:GET1:#3:abc",
        "20:d1:si5e1:ui1e1:xi2eehello",
        "d1:#3:abc1:ui1e1:xi2ee",
        r#"{"id":"abc","ttl":60}"#,
    ] {
        corpus.add("file_blocks", block);
    }
    Vectors::load("file_server_live").each("cases", |case| {
        corpus.add("services_request", request(case));
        let plain = base64(case.opt_text("reply_plain_b64"));
        if let Ok(reply) = session_onion::payload::v4::ReceivedResponse::parse(plain) {
            corpus.add_as("services_reply", 1, &reply.body.unwrap_or_default());
        }
    });
    for url in [
        "http://filev2.getsession.org/file/1#d",
        "https://example.com:8080/room/a/file/12",
        "http://example.com/files/1#p=00&d=&sr=a.sesh:11235",
        "Fri, 27 Nov 2026 17:16:12 GMT",
    ] {
        corpus.add("file_url", url);
    }
    let id = account(1).id().to_string();
    let hash = "a".repeat(43);
    let json = format!(r##"{{"@":"{id}","#":"{hash}","n":0,"t":1,"z":2,"l":4,"B":false}}"##);
    let content = bt::list(|list| {
        list.bytes(json.as_bytes()).bytes(b"body");
    });
    corpus.add("payload_inside", [content, vec![0; 9]].concat());
    corpus.add(
        "payload_inside",
        bt::list(|list| {
            list.dict(|dict| {
                dict.bytes(b"#", hash.as_bytes())
                    .bytes(b"@", id.as_bytes())
                    .int(b"n", 0);
            });
        }),
    );
}
