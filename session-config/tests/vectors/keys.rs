//! Key messages of closed groups: what admins write, and what every device makes of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use session_config::group::Keys;
use session_crypto::Ed25519Secret;
use session_identity::{Account, Seed};
use session_proto::bt;
use session_types::{AccountId, GroupId, UnixMillis};
use testkit::Case;

fn account(seed: [u8; 32]) -> Arc<Account> {
    Arc::new(Account::from_seed(&Seed::from_full(&seed)))
}

fn group(case: Case<'_>) -> (Ed25519Secret, GroupId) {
    let secret = Ed25519Secret::from_seed(&case.array("group_seed"));
    let id = GroupId::from_ed25519(&secret.public());
    (secret, id)
}

fn ids(case: Case<'_>, field: &str) -> Vec<AccountId> {
    let ids = case.list(field);
    ids.iter()
        .map(|one| one.text("session_id").parse().unwrap())
        .collect()
}

fn texts(case: Case<'_>, field: &str) -> Vec<String> {
    let texts = case.value(field).as_array().unwrap();
    texts
        .iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

fn exposed(keys: &Keys) -> Vec<Vec<u8>> {
    keys.iter().map(|key| key.expose_bytes().to_vec()).collect()
}

pub(crate) fn rekey(case: Case<'_>) {
    let (secret, id) = group(case);
    let members = ids(case, "members");
    let mut admin = Keys::new(account([9; 32]), id, Some(&secret)).unwrap();
    let generation = case.number("generation");
    for earlier in 0..=generation {
        admin.rekey(&members).unwrap();
        let message = admin.pending_message().unwrap().to_vec();
        if earlier == generation {
            assert_eq!(message, case.hex("message"));
            assert_eq!(exposed(&admin)[0], case.hex("new_key"));
        }
        let loaded = admin
            .load("name", &message, UnixMillis::new(earlier))
            .unwrap();
        assert!(loaded.found && !admin.has_pending());
    }
    for member in case.list("members") {
        let mut keys = Keys::new(account(member.array("seed")), id, None).unwrap();
        let loaded = keys
            .load("name", &case.hex("message"), UnixMillis::new(1))
            .unwrap();
        assert!(loaded.found);
        assert_eq!(exposed(&keys), [case.hex("new_key")]);
    }
}

pub(crate) fn supplement(case: Case<'_>) {
    let (secret, id) = group(case);
    let dump = case.hex("admin_dump");
    let mut admin = Keys::load_dump(account([9; 32]), id, Some(&secret), &dump).unwrap();
    assert_eq!(exposed(&admin), case.hexes("group_keys"));
    assert_eq!(normal(&admin.dump()), normal(&dump));
    let members = ids(case, "session_ids");
    let message = admin.supplement(&members).unwrap();
    assert_eq!(message, case.hex("message"));
    let first = case.list("session_ids")[0];
    let mut keys = Keys::new(account(first.array("seed")), id, None).unwrap();
    let loaded = keys.load("name", &message, UnixMillis::new(1)).unwrap();
    assert_eq!(loaded.found, case.flag("loaded_by_first"));
    assert_eq!(exposed(&keys), case.hexes("keys_after_load"));
}

/// A dump, in which the names of the messages of a generation come in no particular order.
fn normal(dump: &[u8]) -> (Vec<(i128, Vec<String>)>, Vec<u8>, Option<Vec<u8>>) {
    let dict = bt::parse_dict(dump).unwrap();
    let names = dict.list("A").unwrap().iter().map(|one| {
        let mut items = one.as_list().unwrap().iter();
        let generation = items.next().unwrap().as_int().unwrap().as_i128();
        let text = |item: bt::Value<'_>| String::from_utf8(item.as_bytes().unwrap().to_vec());
        let mut names: Vec<_> = items.map(|item| text(item).unwrap()).collect();
        names.sort_unstable();
        (generation, names)
    });
    let keys = dict.list("L").unwrap().raw().to_vec();
    let pending = dict.dict("P").ok().map(|pending| pending.raw().to_vec());
    (names.collect(), keys, pending)
}

struct Device {
    account: Arc<Account>,
    is_admin: bool,
    keys: Keys,
}

fn check(case: Case<'_>, keys: &Keys) {
    assert_eq!(exposed(keys), case.hexes("group_keys"));
    assert_eq!(keys.iter().count() as u64, case.number("size"));
    assert_eq!(keys.generation(), case.number("current_generation"));
    assert_eq!(keys.needs_rekey(), case.flag("needs_rekey"));
    assert_eq!(keys.has_pending(), case.flag("has_pending"));
    let mut names: Vec<_> = keys.active_hashes().map(str::to_owned).collect();
    names.sort_unstable();
    assert_eq!(names, texts(case, "current_hashes"));
}

pub(crate) fn scenario(case: Case<'_>) {
    let (secret, id) = group(case);
    let mut devices: BTreeMap<String, Device> = case
        .list("devices")
        .iter()
        .map(|device| {
            let account = account(device.array("seed"));
            let is_admin = device.flag("admin");
            let keys = Keys::new(Arc::clone(&account), id, is_admin.then_some(&secret)).unwrap();
            (
                device.text("dev").to_owned(),
                Device {
                    account,
                    is_admin,
                    keys,
                },
            )
        })
        .collect();
    let mut messages: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for step in case.list("steps") {
        let kind = step.text("step");
        let device = step
            .has("dev")
            .then(|| devices.get_mut(step.text("dev")).unwrap());
        if step.has("message") {
            messages.insert(step.text("hash").to_owned(), step.hex("message"));
        }
        match (kind, device) {
            ("add_member" | "remove_member" | "bad_message", None) => {}
            ("rekey", Some(device)) => {
                let members: Vec<AccountId> = texts(step, "members")
                    .iter()
                    .map(|id| id.parse().unwrap())
                    .collect();
                device.keys.rekey(&members).unwrap();
                assert_eq!(device.keys.pending_message().unwrap(), step.hex("message"));
                check(step, &device.keys);
            }
            ("supplement", Some(device)) => {
                let members: Vec<AccountId> = texts(step, "session_ids")
                    .iter()
                    .map(|id| id.parse().unwrap())
                    .collect();
                assert_eq!(
                    device.keys.supplement(&members).unwrap(),
                    step.hex("message")
                );
            }
            ("load", Some(device)) => {
                let hash = step.text("hash");
                let at = UnixMillis::new(step.number("timestamp_ms"));
                let loaded = device.keys.load(hash, &messages[hash], at);
                assert_eq!(loaded.is_ok(), step.flag("ok"), "{loaded:?}");
                let found = loaded.is_ok_and(|loaded| loaded.found);
                assert_eq!(found, step.flag("found_key"));
                check(step, &device.keys);
            }
            ("dump", Some(device)) => {
                let dump = device.keys.dump();
                assert_eq!(normal(&dump), normal(&step.hex("dump")));
                let admin = device.is_admin.then_some(&secret);
                let account = Arc::clone(&device.account);
                device.keys = Keys::load_dump(account, id, admin, &dump).unwrap();
            }
            (kind, _) => panic!("step {kind}"),
        }
    }
}

pub(crate) fn subaccount(case: Case<'_>) {
    use session_identity::subaccount::{AuthData, Permissions, Token};
    let (secret, id) = group(case);
    let member = account(case.array("member_seed"));
    let mut permissions = Permissions::READ;
    for (field, permission) in [("write", Permissions::WRITE), ("del", Permissions::DELETE)] {
        if case.flag(field) {
            permissions |= permission;
        }
    }
    let auth = AuthData::create(&secret, member.id(), permissions).unwrap();
    assert_eq!(auth.expose_bytes().to_vec(), case.hex("subaccount"));
    let token = Token::of_member(&secret, member.id(), permissions).unwrap();
    assert_eq!(token.as_bytes().to_vec(), case.hex("token"));
    let signed = auth.sign(&member, &case.hex("message")).unwrap();
    assert_eq!(
        signed.signature.as_bytes().to_vec(),
        case.hex("sign_signature")
    );
    assert_eq!(
        signed.token_signature.as_bytes().to_vec(),
        case.hex("sign_subaccount_sig")
    );
    let other = account(case.array("other_member_seed"));
    let for_other = auth.check(&id, &other.ed25519_public(), Permissions::READ);
    assert_eq!(for_other.is_ok(), case.flag("verifies_for_other_member"));
    let corrupted = AuthData::try_from(case.hex("corrupted").as_slice()).unwrap();
    let corrupted = corrupted.check(&id, &member.ed25519_public(), Permissions::READ);
    assert_eq!(corrupted.is_ok(), case.flag("corrupted_ok"));
}
