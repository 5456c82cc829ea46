//! Device groups.

use std::collections::BTreeMap;

use session_config::devices::account_keys::{AccountKey, Keyring, rotation_delay, rotation_time};
use session_config::devices::group::{DeviceGroup, DeviceState, Received, Row, Saved};
use session_config::devices::link::{self, LinkRequest};
use session_config::devices::message::{GroupId, GroupMessage, Placement, ReadError};
use session_config::devices::payload::{Entry, Payload, padded_length};
use session_config::devices::record::{DeviceId, Digest, Record, Version};
use session_crypto::v2::device_group::Slots;
use session_crypto::v2::{AccountKeys, DeviceKeys, KeySeed};
use session_crypto::{Blake2b, Ed25519Secret, X25519Public};
use session_identity::{Account, Seed};
use session_types::UnixMillis;
use testkit::{Case, Replay, Vectors};

fn vectors() -> Vectors {
    Vectors::load("protocol_v2")
}

fn account(case: Case<'_>) -> Account {
    let seed: [u8; 32] = case.array("account_seed");
    Account::from_seed(&Seed::try_from(seed.as_slice()).unwrap())
}

fn ed25519(case: Case<'_>) -> Ed25519Secret {
    Ed25519Secret::from_seed(&case.array("account_seed"))
}

fn id(case: Case<'_>, field: &str) -> DeviceId {
    DeviceId::from_bytes(case.array(field))
}

fn group_id(case: Case<'_>, field: &str) -> Option<GroupId> {
    case.has(field).then(|| GroupId(case.array(field)))
}

fn seconds(case: Case<'_>, field: &str) -> Option<i64> {
    case.has(field).then(|| case.signed(field))
}

fn millis(case: Case<'_>, field: &str) -> Option<UnixMillis> {
    case.has(field).then(|| UnixMillis::new(case.number(field)))
}

fn rng(case: Case<'_>) -> Replay {
    Replay::new(if case.has("random") {
        case.hexes("random")
    } else {
        vec![]
    })
}

fn key(case: Case<'_>) -> AccountKey {
    AccountKey {
        seed: KeySeed::from_bytes(case.array("seed")),
        created: case.signed("created"),
        rotated: seconds(case, "rotated"),
        is_distributed: !case.has("distributed") || case.flag("distributed"),
    }
}

fn keys(case: Case<'_>, field: &str) -> Vec<AccountKey> {
    case.list(field).into_iter().map(key).collect()
}

type PlainKey = ([u8; 32], i64, Option<i64>);

fn plain<'a>(keys: impl IntoIterator<Item = &'a AccountKey>) -> Vec<PlainKey> {
    keys.into_iter()
        .map(|key| (*key.seed.expose_bytes(), key.created, key.rotated))
        .collect()
}

fn state(case: Case<'_>) -> DeviceState {
    named_state(case.text("state"))
}

fn named_state(name: &str) -> DeviceState {
    match name {
        "unregistered" => DeviceState::Unregistered,
        "pending" => DeviceState::Pending,
        "registered" => DeviceState::Registered,
        "left" => DeviceState::Left,
        "kicked" => DeviceState::Kicked,
        other => panic!("{other}"),
    }
}

/// A record is made by reading one: the unknown entries have no other way in.
fn record(case: Case<'_>) -> Option<Record> {
    let keys = case.opt_hex("key_seed")?;
    let keys = DeviceKeys::from_seed(&KeySeed::from_bytes(keys.try_into().unwrap()));
    let public = keys.public();
    let mut entries: Vec<(Vec<u8>, Vec<u8>)> = vec![
        (b"#".to_vec(), integer(case.signed("seqno").max(1))),
        (b"@".to_vec(), integer(case.signed("timestamp"))),
        (b"M".to_vec(), string(public.kem.as_ref())),
        (b"X".to_vec(), string(public.x25519.as_bytes())),
        (b"d".to_vec(), string(case.text("description").as_bytes())),
    ];
    if !case.text("type").is_empty() {
        entries.push((b"t".to_vec(), string(case.text("type").as_bytes())));
    }
    if case.signed("version") != 0 {
        entries.push((b"v".to_vec(), integer(case.signed("version"))));
    }
    for pair in case.value("extra").as_array().unwrap() {
        let part = |n: usize| const_hex::decode(pair[n].as_str().unwrap()).unwrap();
        entries.push((part(0), part(1)));
    }
    entries.sort();
    let mut payload = b"d1:Dd32:".to_vec();
    payload.extend([7; 32]);
    payload.push(b'd');
    for (key, value) in entries {
        payload.extend(string(&key));
        payload.extend(value);
    }
    payload.extend(b"ee1:Klee");
    let mut payload = Payload::decode(&payload).unwrap();
    match payload.devices.pop_first().unwrap().1 {
        Entry::Live(mut record, _) => {
            record.seqno = case.signed("seqno");
            Some(record)
        }
        _ => unreachable!(),
    }
}

fn integer(value: i64) -> Vec<u8> {
    format!("i{value}e").into_bytes()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = format!("{}:", bytes.len()).into_bytes();
    out.extend(bytes);
    out
}

fn row(case: Case<'_>) -> Row {
    Row {
        state: state(case),
        record: record(case),
        digest: case
            .opt_hex("digest")
            .map(|digest| Digest(digest.try_into().unwrap())),
        removed_at: seconds(case, "removed_at"),
        must_broadcast: case.flag("broadcast"),
    }
}

fn rows(case: Case<'_>) -> BTreeMap<DeviceId, Row> {
    case.list("devices")
        .into_iter()
        .map(|d| (id(d, "id"), row(d)))
        .collect()
}

fn group(case: Case<'_>) -> DeviceGroup {
    DeviceGroup::restore(Saved {
        own: id(case, "device_id"),
        rows: rows(case),
        keyring: Keyring::new(keys(case, "account_keys")),
        group: group_id(case, "group_id"),
        pushed_seqno: seconds(case, "pushed_seqno"),
        read_at: millis(case, "read_at_ms"),
        displaced_at: case.opt_flag("displaced").then_some(UnixMillis::new(1)),
    })
}

fn check(group: &DeviceGroup, after: Case<'_>) {
    let expected = rows(after);
    for (id, row) in &expected {
        let ours = group.rows().get(id).unwrap();
        assert_eq!(ours, row, "{id}");
    }
    assert_eq!(group.rows().len(), expected.len());
    let expected = keys(after, "account_keys");
    assert_eq!(plain(group.keyring().keys()), plain(&expected));
    for (ours, theirs) in group.keyring().keys().iter().zip(&expected) {
        assert_eq!(ours.is_distributed, theirs.is_distributed);
    }
    assert_eq!(group.pushed_seqno(), seconds(after, "pushed_seqno"));
    assert_eq!(group.displaced_at().is_some(), after.flag("displaced"));
}

#[test]
fn account_keys() {
    let vectors = vectors();
    vectors.each("rotation_time", |case| {
        let key = AccountKey {
            seed: KeySeed::from_bytes(case.array("key_seed")),
            created: case.signed("created"),
            rotated: None,
            is_distributed: true,
        };
        let devices = usize::try_from(case.number("devices")).unwrap();
        let delay = rotation_delay(&key.seed, &id(case, "device_id"), devices);
        let expected: f64 = case.text("offset_text").parse().unwrap();
        assert!((delay - expected).abs() < 0.001, "{delay} {expected}");
        let time = rotation_time(&key, &id(case, "device_id"), devices);
        assert_eq!(time, case.signed("rotate_at"));
    });
    vectors.each("account_key_rotate", |case| {
        let mut keyring = Keyring::new(keys(case, "account_keys"));
        let seed = KeySeed::try_from(case.hexes("random")[0].as_slice()).unwrap();
        keyring.rotate(seed, case.signed("now"));
        assert_eq!(plain(keyring.keys()), plain(&keys(case, "after")));
    });
    vectors.each("account_key_merge", |case| {
        let received = keys(case, "received");
        for is_reversed in [false, true] {
            let mut keyring = Keyring::new(keys(case, "account_keys"));
            if is_reversed {
                keyring.merge(received.iter().rev());
            } else {
                keyring.merge(&received);
            }
            assert_eq!(plain(keyring.keys()), plain(&keys(case, "after")));
            let mut new: Vec<Vec<u8>> = keyring
                .keys()
                .iter()
                .filter(|key| !key.is_distributed)
                .map(|key| key.seed.expose_bytes().to_vec())
                .collect();
            let mut expected = case.hexes("new_keys");
            new.sort();
            expected.sort();
            assert_eq!(new, expected);
        }
    });
    vectors.each("account_key_retain", |case| {
        let mut keyring = Keyring::new(keys(case, "account_keys"));
        keyring.drop_expired(case.signed("now"));
        let kept: Vec<Vec<u8>> = keyring
            .keys()
            .iter()
            .map(|key| key.seed.expose_bytes().to_vec())
            .collect();
        assert_eq!(kept, case.hexes("kept"));
    });
}

#[test]
fn payloads() {
    let vectors = vectors();
    vectors.each("payload", |case| {
        let mut payload = Payload::default();
        let group = DeviceGroup::restore(Saved {
            own: DeviceId::from_bytes([0; 32]),
            rows: rows(case),
            keyring: Keyring::new(keys(case, "account_keys")),
            group: None,
            pushed_seqno: None,
            read_at: None,
            displaced_at: None,
        });
        payload.devices = group.payload().devices;
        payload.keys = group.payload().keys;
        let encoded = payload.encode().unwrap();
        assert_eq!(*encoded, case.hex("payload"));
        assert_eq!(
            padded_length(encoded.len()) as u64,
            case.number("padded_size")
        );
    });
    vectors.each("payload_decode", |case| {
        let decoded = Payload::decode(&case.hex("payload"));
        assert_eq!(decoded.is_ok(), case.flag("ok"), "{decoded:?}");
        let Ok(payload) = decoded else { return };
        let devices = case.list("devices");
        assert_eq!(payload.devices.len(), devices.len());
        for device in devices {
            match (&payload.devices[&id(device, "id")], device.text("state")) {
                (Entry::Live(record, digest), "registered") => {
                    assert_eq!(record.seqno, device.signed("seqno"));
                    assert_eq!(record.updated, device.signed("timestamp"));
                    assert_eq!(record.description_text(), device.text("description"));
                    assert_eq!(record.kind, device.text("type").as_bytes());
                    assert_eq!(record.version, Version(device.signed("version")));
                    assert_eq!(record.keys.x25519.to_bytes(), device.array("x25519_pk"));
                    let kem = Blake2b::<32>::new()
                        .chain(record.keys.kem.as_ref())
                        .finalize();
                    assert_eq!(kem, device.array("mlkem_pk_blake2b_32"));
                    let extra: Vec<serde_json::Value> = record
                        .unknown()
                        .map(|(key, value)| {
                            serde_json::json!([const_hex::encode(key), const_hex::encode(value)])
                        })
                        .collect();
                    assert_eq!(&extra, device.value("extra").as_array().unwrap());
                    assert_eq!(digest.0, device.array("digest"));
                }
                (Entry::Kicked(at), "kicked") | (Entry::Left(at), "left") => {
                    assert_eq!(*at, device.signed("removed_at"));
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(plain(&payload.keys), plain(&keys(case, "account_keys")));
    });
    vectors.each("padding", |case| {
        let size = usize::try_from(case.number("size")).unwrap();
        assert_eq!(padded_length(size) as u64, case.number("padded_size"));
    });
    vectors.each("record_version", |case| {
        let parts = |field: &str| -> Vec<i64> {
            let list = case.value(field).as_array().unwrap();
            list.iter().map(|n| n.as_i64().unwrap()).collect()
        };
        let given: Vec<u32> = parts("version")
            .iter()
            .map(|n| u32::try_from(*n).unwrap())
            .collect();
        let version = Version::new(given[0], given[1], given[2]);
        assert_eq!(version.0, seconds(case, "v").unwrap_or(0));
        let (major, minor, patch) = version.parts();
        assert_eq!(vec![major, minor, patch], parts("read_back"));
    });
    vectors.each("group_id", |case| {
        let mut rng = rng(case);
        let id = GroupId::generate(&mut rng, case.signed("created"));
        assert_eq!(id.0, case.array("group_id"));
    });
}

fn placement(case: Case<'_>) -> Placement {
    let slots = |field: &str| {
        let list = case.value(field).as_array().unwrap();
        let mut used: Vec<usize> = list
            .iter()
            .map(|n| usize::try_from(n.as_u64().unwrap()).unwrap())
            .collect();
        let count = used.len().next_multiple_of(4);
        let unused: Vec<usize> = (0..count).filter(|n| !used.contains(n)).collect();
        used.extend(unused);
        Slots::from_positions(&used).unwrap()
    };
    Placement {
        devices: slots("slots"),
        kicked: slots("kicked_slots"),
    }
}

#[test]
fn messages() {
    let vectors = vectors();
    vectors.each("group_encrypt", |case| {
        let group = DeviceGroup::restore(Saved {
            own: DeviceId::from_bytes([0; 32]),
            rows: rows(case),
            keyring: Keyring::new(keys(case, "account_keys")),
            group: group_id(case, "group_id"),
            pushed_seqno: None,
            read_at: None,
            displaced_at: None,
        });
        let mut rng = rng(case);
        let id = group.group().unwrap();
        let message = group.write(&mut rng, &ed25519(case), id, Some(&placement(case)));
        assert!(rng.is_used_up());
        assert_eq!(message.unwrap(), case.hex("message"));
    });
    vectors.each("group_read", |case| {
        let account = ed25519(case);
        let data = case.hex("message");
        let own: Vec<DeviceKeys> = case
            .hexes("device_key_seeds")
            .iter()
            .map(|seed| DeviceKeys::from_seed(&KeySeed::try_from(seed.as_slice()).unwrap()))
            .collect();
        let (outcome, payload) = match GroupMessage::read(&account, &data) {
            Err(ReadError::OtherType) => ("other", None),
            Err(_) => ("invalid", None),
            Ok(message) => match message.open(&own) {
                Some(payload) => ("ok", Some(payload)),
                None => ("unreadable", None),
            },
        };
        assert_eq!(outcome, case.text("outcome"));
        if let Some(payload) = payload {
            let end = payload
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |end| end + 1);
            assert_eq!(payload[..end], case.hex("payload"));
        }
    });
}

fn own_keys(case: Case<'_>, field: &str) -> Vec<DeviceKeys> {
    case.hexes(field)
        .iter()
        .map(|seed| DeviceKeys::from_seed(&KeySeed::try_from(seed.as_slice()).unwrap()))
        .collect()
}

#[test]
fn receiving() {
    vectors().each("group_receive", |case| {
        let own = id(case, "device_id");
        let own_keys = own_keys(case, "device_key_seeds");
        let state = named_state(case.text("own_state"));
        let record = Record::new(1, 1, own_keys[0].public().clone());
        let row = Row {
            state,
            digest: Some(record.digest()),
            record: Some(record),
            removed_at: seconds(case, "own_removed_at"),
            must_broadcast: false,
        };
        let mut group = DeviceGroup::restore(Saved {
            own,
            rows: BTreeMap::from([(own, row)]),
            keyring: Keyring::default(),
            group: group_id(case, "group_id"),
            pushed_seqno: None,
            read_at: millis(case, "read_at_ms"),
            displaced_at: millis(case, "displaced_at_ms"),
        });
        let received = group.receive(
            &mut Replay::new([]),
            &ed25519(case),
            &own_keys,
            &case.hex("message"),
            UnixMillis::new(case.number("timestamp_ms")),
            case.signed("now"),
        );
        let outcome = match received.unwrap() {
            Received::Merged { .. } | Received::MalformedPayload => "merge",
            Received::Kicked => "kicked",
            Received::Displaced => "displaced",
            _ => "ignored",
        };
        assert_eq!(outcome, case.text("outcome"));
        let after = case.object("after");
        assert_eq!(group.group(), group_id(after, "group_id"));
        let row = &group.rows()[&own];
        assert_eq!(row.state, named_state(after.text("own_state")));
        assert_eq!(row.removed_at, seconds(after, "own_removed_at"));
        assert_eq!(group.read_at(), millis(after, "read_at_ms"));
        assert_eq!(group.displaced_at(), millis(after, "displaced_at_ms"));
    });
}

#[test]
fn merging() {
    let vectors = vectors();
    vectors.each("group_merge", |case| {
        let mut group = group(case.object("before"));
        let payload = Payload::decode(&case.hex("payload")).unwrap();
        let mut rng = rng(case);
        let has_rotated = group.merge(&mut rng, &payload, case.signed("now"));
        assert!(rng.is_used_up());
        assert_eq!(has_rotated, case.flag("rotated_account_key"));
        assert_eq!(group.needs_push(), case.flag("needs_push"));
        check(&group, case.object("after"));
    });
    vectors.each("remove_device", |case| {
        let mut group = group(case.object("before"));
        let mut rng = rng(case);
        let removed = group.remove(&mut rng, &id(case, "remove"), case.signed("now"));
        assert_eq!(removed.is_ok(), case.flag("ok"));
        assert!(rng.is_used_up());
        assert_eq!(group.needs_push(), case.flag("needs_push"));
        check(&group, case.object("after"));
    });
    vectors.each("start_group", |case| {
        let keys = DeviceKeys::from_seed(&KeySeed::from_bytes(case.array("device_key_seed")));
        let mut group = DeviceGroup::new(id(case, "device_id"));
        let mut rng = rng(case);
        let started = group
            .start(&mut rng, keys.public(), case.signed("now"))
            .unwrap();
        assert_eq!(started.0, case.array("group_id"));
        let current = AccountKeys::from_seed(&group.keyring().current().unwrap().seed);
        assert_eq!(
            current.public().x25519.to_bytes(),
            case.array("link_x25519")
        );
        assert_eq!(*group.payload().encode().unwrap(), case.hex("payload"));
        assert_eq!(group.needs_push(), case.flag("needs_push"));
        check(&group, case.object("after"));
    });
}

#[test]
fn linking() {
    let vectors = vectors();
    vectors.each("link_request", |case| {
        let device = case.object("device");
        let keys = DeviceKeys::from_seed(&KeySeed::from_bytes(device.array("key_seed")));
        let newest = case.value("earlier_request_times").as_array().unwrap();
        let newest = newest.iter().map(|time| time.as_i64().unwrap()).max();
        let (own_seqno, now) = (case.signed("own_seqno"), case.signed("now"));
        let mut record = session_config::devices::group::request_record(
            keys.public(),
            own_seqno,
            newest,
            now,
            |_| {},
        );
        assert_eq!(record.seqno, case.signed("seqno"));
        assert_eq!(record.updated, case.signed("timestamp"));
        // The description and the unknown entries.
        let inner = case.hex("inner");
        let expected = link::parse_inner(&ed25519(case), &inner).unwrap();
        assert_eq!(expected.record.keys, record.keys);
        record = expected.record;
        let account = account(case);
        let link_key = X25519Public::from_bytes(case.array("link_x25519"));
        let mut rng = rng(case);
        let sent = link::write(&mut rng, &account, &link_key, &id(device, "id"), &record);
        let sent = sent.unwrap();
        assert_eq!(sent.inner, inner);
        assert_eq!(sent.message, case.hex("message"));
    });
    vectors.each("link_read", |case| {
        let account = account(case);
        let keyring = Keyring::new(keys(case, "account_keys"));
        let mut group = DeviceGroup::restore(Saved {
            own: id(case, "device_id"),
            rows: rows(case),
            keyring: Keyring::default(),
            group: None,
            pushed_seqno: None,
            read_at: None,
            displaced_at: None,
        });
        let (outcome, request, replaces) =
            match link::read(&account, keyring.keys(), &case.hex("message")) {
                Err(_) => ("invalid", None, None),
                Ok(None) => ("unreadable", None, None),
                Ok(Some(request)) if request.device == *group.own() => ("own", None, None),
                Ok(Some(request)) => match group.note_request(&request) {
                    Some(replaces) => ("ask", Some(request), Some(replaces)),
                    None => ("ignored", None, None),
                },
            };
        assert_eq!(outcome, case.text("outcome"));
        assert_eq!(replaces, case.value("replaces").as_bool());
        if let Some(request) = request {
            assert_eq!(request.inner, case.hex("inner"));
            assert_eq!(request.device, id(case, "from_device"));
            assert_eq!(request.record.seqno, case.signed("seqno"));
            assert_eq!(request.digest.0, case.array("digest"));
        }
    });
    vectors.each("link_answer", |case| {
        let mut group = group(case.object("before"));
        let request = case.object("request");
        let parsed: LinkRequest = link::parse_inner(&ed25519(case), &request.hex("inner")).unwrap();
        let mut rng = rng(case);
        if case.text("answer") == "accept" {
            let accepted = group.accept(
                &mut rng,
                &parsed,
                request.flag("replaces"),
                request.signed("expires"),
                case.signed("now"),
            );
            assert_eq!(accepted.is_ok(), case.flag("ok"));
        }
        assert!(rng.is_used_up());
        assert_eq!(group.needs_push(), case.flag("needs_push"));
        check(&group, case.object("after"));
    });
}
