//! Device groups.

use std::collections::BTreeMap;

use session_config::devices::account_keys::{
    AccountKey, Keyring, published, rotation_delay, rotation_time,
};
use session_config::devices::group::{
    Admission, DeviceGroup, DeviceState, OwnRequest, Received, Row, Saved, request_record,
};
use session_config::devices::link::{self, LinkRequest};
use session_config::devices::membership::{Membership, Situation, VisibleGroup};
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
        Entry::Kicked(_) | Entry::Left(_) => panic!("a record"),
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
        requests: Vec::new(),
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
            requests: Vec::new(),
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
            requests: Vec::new(),
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
            requests: Vec::new(),
        });
        if matches!(state, DeviceState::Registered | DeviceState::Kicked) {
            let started = group.start(&mut Replay::new([]), own_keys[0].public(), 1);
            assert!(
                started.is_err(),
                "a member or a removed device founds no group"
            );
        }
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
        let mut record = request_record(keys.public(), own_seqno, newest, now, |_| {});
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
            requests: Vec::new(),
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

#[test]
fn own_publications() {
    vectors().each("publish_own", |case| {
        let account = account(case);
        let keyring = Keyring::new(keys(case, "account_keys"));
        let messages = case.hexes("messages");
        let shown = published(account.id(), &keyring, messages.iter().map(Vec::as_slice));
        let seeds: Vec<Vec<u8>> = shown
            .iter()
            .map(|key| key.seed.expose_bytes().to_vec())
            .collect();
        assert_eq!(seeds, case.hexes("published"));
        let is_current_shown = shown.iter().any(|key| key.rotated.is_none());
        assert_eq!(!is_current_shown, case.flag("push_needed"));
    });
}

#[test]
fn admissions() {
    vectors().each("link_admission", |case| {
        let own = DeviceId::from_bytes([5; 32]);
        let record = |x25519: [u8; 32], updated: i64| {
            let keys = DeviceKeys::from_seed(&KeySeed::from_bytes([6; 32]));
            let mut public = keys.public().clone();
            public.x25519 = X25519Public::from_bytes(x25519);
            Record::new(1, updated, public)
        };
        let requests = case.list("requests").into_iter().map(|request| OwnRequest {
            group: GroupId(request.array("group_id")),
            updated: request.signed("timestamp"),
            x25519: X25519Public::from_bytes(request.array("x25519_pk")),
            is_confirmed: request.flag("confirmed"),
        });
        let row = Row {
            state: named_state(case.text("own_state")),
            record: None,
            digest: None,
            removed_at: None,
            must_broadcast: false,
        };
        let group = DeviceGroup::restore(Saved {
            own,
            rows: BTreeMap::from([(own, row)]),
            keyring: Keyring::default(),
            group: group_id(case, "own_group_id"),
            pushed_seqno: None,
            read_at: None,
            displaced_at: None,
            requests: requests.collect(),
        });
        let mut payload = Payload::default();
        if case.has("own_record") {
            let given = case.object("own_record");
            let record = record(given.array("x25519_pk"), given.signed("timestamp"));
            let digest = record.digest();
            let entry = match given.text("state") {
                "registered" => Entry::Live(record, digest),
                "kicked" => Entry::Kicked(record.updated),
                other => panic!("{other}"),
            };
            payload.devices.insert(own, entry);
        }
        let (outcome, number) = match group.admission(group_id(case, "message_group_id"), &payload)
        {
            Admission::Merge => ("merge", None),
            Admission::Join(number) => ("join", Some(number)),
            Admission::LeaveAndJoin(number) => ("leave_and_join", Some(number)),
            Admission::Hold(number) => ("hold", Some(number)),
            Admission::Ignore => ("ignore", None),
        };
        assert_eq!(outcome, case.text("outcome"));
        if let Some(number) = number {
            assert_eq!(number as u64, case.number("request_index"));
        }
    });
}

#[test]
fn membership() {
    vectors().each("membership", |case| {
        let groups: Vec<VisibleGroup> = case
            .list("groups")
            .into_iter()
            .map(|group| VisibleGroup {
                group: GroupId(group.array("group_id")),
                expires_at: group.signed("expires_at"),
            })
            .collect();
        let situation = Situation {
            is_fetched: case.flag("fetched"),
            own_state: named_state(case.text("own_state")),
            is_displaced: case.flag("displaced"),
            own_group: group_id(case, "own_group_id"),
            groups: &groups,
            is_admission_held: case.flag("admission_held"),
        };
        let now = case.signed("now");
        let name = match situation.membership(now) {
            Membership::Unknown => "unknown",
            Membership::NoGroup => "no_group",
            Membership::GroupsVisible => "groups_visible",
            Membership::Waiting => "waiting",
            Membership::InGroup => "in_group",
            Membership::CutOff => "cut_off",
            Membership::Removed => "removed",
            Membership::Displaced => "displaced",
        };
        assert_eq!(name, case.text("membership"));
        let others: Vec<Vec<u8>> = situation
            .other_groups(now)
            .iter()
            .map(|group| group.0.to_vec())
            .collect();
        assert_eq!(others, case.hexes("other_groups"));
        let may_start = situation.membership(now).may_start_group();
        assert_eq!(may_start, case.flag("may_start_group"));
    });
}

/// One device of a scenario, with the hashes that its next push makes obsolete.
struct Device {
    id: DeviceId,
    keys: Vec<DeviceKeys>,
    group: DeviceGroup,
    merged: Vec<String>,
}

#[test]
fn scenarios() {
    vectors().each("scenarios", |case| {
        let account = account(case);
        let mut devices: BTreeMap<String, Device> = BTreeMap::new();
        for device in case.list("devices") {
            let id = id(device, "id");
            let seed = KeySeed::from_bytes(device.array("device_key_seed"));
            devices.insert(
                device.text("dev").to_owned(),
                Device {
                    id,
                    keys: vec![DeviceKeys::from_seed(&seed)],
                    group: DeviceGroup::new(id),
                    merged: Vec::new(),
                },
            );
        }
        let mut messages: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut asked: BTreeMap<DeviceId, LinkRequest> = BTreeMap::new();
        for step in case.list("steps") {
            let device = devices.get_mut(step.text("dev")).unwrap();
            let now = step.signed("now");
            let mut rng = rng(step);
            run(
                step,
                device,
                &account,
                &mut rng,
                now,
                &mut messages,
                &mut asked,
            );
            assert!(rng.is_used_up(), "{}", step.text("step"));
            if step.has("state") {
                let state = step.object("state");
                check(&device.group, state);
                assert_eq!(device.group.group(), group_id(state, "group_id"));
                assert_eq!(device.group.read_at(), millis(state, "read_at_ms"));
                assert_eq!(device.group.needs_push(), state.flag("needs_push"));
            }
        }
    });
}

fn run(
    step: Case<'_>,
    device: &mut Device,
    account: &Account,
    rng: &mut Replay,
    now: i64,
    messages: &mut BTreeMap<String, Vec<u8>>,
    asked: &mut BTreeMap<DeviceId, LinkRequest>,
) {
    let group = &mut device.group;
    match step.text("step") {
        "start_group" => {
            group.start(rng, device.keys[0].public(), now).unwrap();
        }
        "push" => {
            let id = group.group().unwrap();
            let placement = placement(step);
            let message = group
                .write(rng, account.ed25519(), id, Some(&placement))
                .unwrap();
            assert_eq!(message, step.hex("message"));
            group.pushed();
            let mut obsolete: Vec<String> = std::mem::take(&mut device.merged);
            obsolete.sort();
            let expected: Vec<&str> = step
                .value("obsolete")
                .as_array()
                .unwrap()
                .iter()
                .map(|hash| hash.as_str().unwrap())
                .collect();
            assert_eq!(obsolete, expected);
            device.merged.push(step.text("hash").to_owned());
            messages.insert(step.text("hash").to_owned(), message);
        }
        "request_link" => {
            let keys = device.keys[0].public();
            let record = request_record(keys, 0, None, now, |record| {
                record.kind = step.text("type").into();
                record.description = step.text("description").into();
                record.version = Version(step.signed("version"));
            });
            let link_key = X25519Public::from_bytes(step.array("link_x25519"));
            let sent = link::write(rng, account, &link_key, &device.id, &record).unwrap();
            assert_eq!(sent.message, step.hex("message"));
            assert_eq!(sent.inner, step.hex("inner"));
            group.note_own_request(group_id(step, "group_id").unwrap(), &record);
            messages.insert(step.text("hash").to_owned(), sent.message);
        }
        "receive" => {
            let message = &messages[step.text("hash")];
            let outcome = if message.starts_with(b"d0:1:L") {
                let request = link::read(account, group.keyring().keys(), message);
                let request = request.unwrap().unwrap();
                let shown = group.note_request(&request);
                asked.insert(request.device, request);
                if shown.is_some() { "ask" } else { "ignored" }
            } else {
                let stored_at = UnixMillis::new(step.number("timestamp_ms"));
                let received = group.receive(
                    rng,
                    account.ed25519(),
                    &device.keys,
                    message,
                    stored_at,
                    now,
                );
                let hash = step.text("hash").to_owned();
                match received.unwrap() {
                    Received::Merged { .. } => {
                        device.merged.push(hash);
                        "merge"
                    }
                    Received::Joined { .. } => {
                        device.merged.push(hash);
                        "join"
                    }
                    Received::Held(_) => "hold",
                    Received::Kicked => "kicked",
                    Received::Displaced => "displaced",
                    _ => "ignored",
                }
            };
            assert_eq!(outcome, step.text("outcome"));
        }
        "accept" => {
            let request = &asked[&id(step, "device")];
            group.accept(rng, request, false, now + 1, now).unwrap();
        }
        "confirm" => {
            let newest = group.requests().len().checked_sub(1);
            group.confirm(newest.unwrap());
        }
        "update" => {
            let set = step.object("set");
            let edit = |record: &mut Record| {
                if let Some(text) = set.opt_text("description") {
                    record.description = text.into();
                }
                if let Some(text) = set.opt_text("type") {
                    record.kind = text.into();
                }
            };
            group.update(now, edit).unwrap();
        }
        "rotate_account_key" => group.rotate(rng, now).unwrap(),
        "remove_device" => group.remove(rng, &id(step, "device"), now).unwrap(),
        "replace_record" => {
            let keys = KeySeed::from_bytes(step.array("device_key_seed"));
            let keys = DeviceKeys::from_seed(&keys);
            let mut record = Record::new(
                step.signed("seqno") - 1,
                step.signed("timestamp"),
                keys.public().clone(),
            );
            record.version = Version(step.signed("version"));
            record.kind = step.text("type").into();
            record.description = step.text("description").into();
            let request = LinkRequest {
                device: id(step, "device"),
                digest: record.digest(),
                record,
                inner: Vec::new(),
            };
            group.accept(rng, &request, true, now + 1, now).unwrap();
        }
        other => panic!("{other}"),
    }
}
