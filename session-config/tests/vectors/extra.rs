//! Cases that are no scenarios.

use session_config::UserProfile;
use session_config::contacts::Contact;
use session_config::field::truncate;
use session_config::groups::GroupEntry;
use session_config::members::{Delivery, Member, Removal};
use session_config::message;
use session_config::{Contacts, GroupInfo, GroupKeyring, GroupMembers, Rules, UserGroups};
use session_crypto::config::{self, Domain};
use session_crypto::{Blake2b, Ed25519PublicExt as _, Ed25519Secret, SymmetricKey};
use session_identity::community::{BaseUrl, Community, Link, Room};
use session_identity::{Account, Seed};
use session_types::{AccountId, GroupId, UnixMillis};
use std::sync::Arc;
use testkit::Case;

use crate::device::{Reference, Setup};
use crate::scenario::{hex, sorted, texts};
use crate::state;

pub(crate) fn community_url(case: Case<'_>) {
    let url = case.text("url");
    let link = url.parse::<Link>();
    assert_eq!(link.is_ok(), case.flag("ok"));
    let community = url.parse::<Community>();
    if let Ok(link) = &link {
        assert_eq!(link.base.as_str(), case.text("base_url"));
        assert_eq!(link.room, case.text("room"));
        assert_eq!(
            link.key.map(|key| hex(key.as_bytes())),
            case.opt_text("pubkey").map(str::to_owned)
        );
        assert_eq!(link.key.is_some(), case.flag("full_ok"));
        let is_room = link.room.parse::<Room>().is_ok();
        assert_eq!(is_room && link.key.is_some(), case.flag("community_ok"));
    }
    if case.flag("community_ok") {
        let community = community.unwrap();
        assert_eq!(community.to_string(), case.text("full_url"));
        assert_eq!(community.room.id(), case.text("room_norm"));
        assert_eq!(
            community.base,
            case.text("base_url").parse::<BaseUrl>().unwrap()
        );
    } else {
        assert!(community.is_err());
    }
}

pub(crate) fn status(case: Case<'_>) {
    let id = AccountId::from_bytes([5; 33]).unwrap();
    let member = Member {
        is_admin: case.flag("admin"),
        invite: Delivery::from_number(case.signed("invite_status")),
        promotion: Delivery::from_number(case.signed("promotion_status")),
        removal: Removal::from_number(case.signed("removed_status")),
        ..Member::new(id)
    };
    let status = member.status(case.flag("pending_send"));
    assert_eq!(u64::from(status as u8), case.number("status"));
}

pub(crate) fn merge(case: Case<'_>) {
    let secret = case
        .has("group_seed")
        .then(|| Ed25519Secret::from_seed(&case.array("group_seed")));
    let verifier = case.has("group_ed25519_pk").then(|| {
        let public = secret.as_ref().unwrap().public();
        assert_eq!(public.as_bytes(), &case.array("group_ed25519_pk"));
        public.to_verifying_key().unwrap()
    });
    let signer = secret.as_ref().filter(|_| case.flag("signer"));
    let candidates = case.hexes("candidates");
    let candidates: Vec<&[u8]> = candidates.iter().map(Vec::as_slice).collect();
    let result = message::merge(&candidates, verifier.as_ref(), signer);
    assert_eq!(result.is_ok(), case.flag("ok"));
    let Ok(mut result) = result else {
        return;
    };
    let refused: Vec<u64> = result.refused.iter().map(|index| *index as u64).collect();
    let expected: Vec<u64> = case
        .value("refused")
        .as_array()
        .unwrap()
        .iter()
        .map(|index| index.as_u64().unwrap())
        .collect();
    assert_eq!(refused, expected);
    let unmerged = result.unmerged.map(|index| index as u64);
    assert_eq!(unmerged, case.value("unmerged_index").as_u64());
    let message = match result.unmerged {
        Some(_) if case.flag("dirty") => result.message.incremented(signer).unwrap(),
        _ => result.message.clone(),
    };
    assert_eq!(message.seqno(), case.signed("seqno"));
    let encoded = message.encode(signer);
    if case.has("message") {
        assert_eq!(hex(&encoded), hex(&case.hex("message")));
    } else {
        assert_eq!(&*encoded, candidates[result.unmerged.unwrap()]);
    }
    if case.has("message_full_diff") {
        result.message.mark_all();
        assert_eq!(
            hex(&result.message.encode(signer)),
            hex(&case.hex("message_full_diff"))
        );
    }
    // The order of the candidates means nothing.
    let mut reversed = candidates.clone();
    reversed.reverse();
    let other = message::merge(&reversed, verifier.as_ref(), signer).unwrap();
    if result.unmerged.is_none() {
        let first = message::merge(&candidates, verifier.as_ref(), signer).unwrap();
        assert_eq!(other.message.encode(signer), first.message.encode(signer));
    } else {
        assert_eq!(other.message.encode(None), result.message.encode(None));
    }
}

pub(crate) fn dump(case: Case<'_>) {
    let setup = Setup::new(case, case.text("config"), Rules::Current);
    let now = UnixMillis::new(case.number("now_ms"));
    let device = setup.load(case.flag("writer"), &case.hex("dump"), now);
    assert_eq!(device.is_some(), case.flag("ok"));
    let Some(mut device) = device else {
        return;
    };
    state::compare(
        &state::of(&device, &setup, now),
        case.value("state"),
        "state",
    );
    assert_eq!(device.current(), sorted(texts(case, "current_hashes")));
    assert_eq!(device.active(now), sorted(texts(case, "active_hashes")));
    assert_eq!(device.needs_dump(), case.flag("needs_dump"));
    assert_eq!(device.needs_push(), case.flag("needs_push"));
    if case.has("push_seqno") {
        let push = device.push(now, &Reference);
        assert_eq!(push.seqno, case.signed("push_seqno"));
        assert_eq!(hex(&device.plain()), hex(&case.hex("push_plain")));
        assert_eq!(sorted(push.obsolete), sorted(texts(case, "push_obsolete")));
    }
}

pub(crate) fn wrapped(case: Case<'_>) {
    let setup = Setup::new(case, case.text("config"), Rules::Current);
    let now = UnixMillis::new(case.number("now_ms"));
    let mut device = setup.make(true);
    let data = case.hex("data");
    let accepted = device.merge(&[("name", &data)], now).unwrap_or_default();
    assert_eq!(!accepted.is_empty(), case.flag("ok"));
    if case.flag("ok") {
        assert_eq!(hex(&device.plain()), hex(&case.hex("plain")));
        state::compare(
            &state::of(&device, &setup, now),
            case.value("state"),
            "state",
        );
        // What is inside is the config, encrypted.
        let domain = Domain::new(case.text("config")).unwrap();
        let again = device.push(now, &Reference).messages;
        let account = Account::from_seed(&Seed::from_full(&case.array("seed")));
        let kind = match case.text("config") {
            "UserProfile" => session_message::config::UserConfig::UserProfile,
            "Contacts" => session_message::config::UserConfig::Contacts,
            "ConvoInfoVolatile" => session_message::config::UserConfig::ConvoInfoVolatile,
            _ => session_message::config::UserConfig::UserGroups,
        };
        let inside = session_message::Opener::new(&account)
            .unwrap_config(kind, &again[0])
            .unwrap();
        assert_eq!(inside.data.len() as u64, case.number("encrypted_size"));
        let hash = Blake2b::<32>::new().chain(&inside.data).finalize();
        assert_eq!(hash, case.array("encrypted_blake2b_32"));
        assert!(
            config::decrypt(&SymmetricKey::from_bytes(setup.key()), domain, &inside.data).is_ok()
        );
        if case.text("note").contains("(exact)") {
            assert_eq!(hex(&again[0]), hex(&data));
        }
    } else {
        assert_eq!(device.seqno(), 0);
        assert!(!device.needs_push());
    }
}

pub(crate) fn hostile(case: Case<'_>) {
    let setup = Setup::new(case, case.text("config"), Rules::Current);
    let now = UnixMillis::new(case.number("now_ms"));
    for writer in [true, false] {
        let mut device = setup.make(writer);
        if let Some(base) = case.opt_hex("base") {
            assert_eq!(device.merge(&[("base", &base)], now).unwrap(), ["base"]);
        }
        let before = (
            device.plain(),
            device.seqno(),
            device.needs_push(),
            device.current(),
            state::of(&device, &setup, now),
        );
        let accepted = device.merge(&[("input", &case.hex("input"))], now);
        assert_eq!(accepted.unwrap_or_default(), [""; 0]);
        let after = (
            device.plain(),
            device.seqno(),
            device.needs_push(),
            device.current(),
            state::of(&device, &setup, now),
        );
        assert_eq!(after, before);
    }
}

pub(crate) fn truncation(case: Case<'_>) {
    let text = case.text("text");
    let now = UnixMillis::new(1_790_000_000_000);
    assert_eq!(text.len() as u64, case.number("bytes"));
    let limit = usize::try_from(case.number("limit")).unwrap();
    let expected = &text[..usize::try_from(case.number("result_bytes")).unwrap()];
    assert_eq!(truncate(text, limit), expected);
    let account = Arc::new(Account::from_seed(&Seed::from_short(&[7; 16])));
    let id = AccountId::from_bytes([5; 33]).unwrap();
    let secret = Ed25519Secret::from_seed(&[3; 32]);
    let group = [&[3], secret.public().as_bytes().as_slice()].concat();
    let group = GroupId::from_bytes(group.try_into().unwrap()).unwrap();
    let keys = [SymmetricKey::from_bytes([1; 32])];
    let keyring = GroupKeyring {
        id: &group,
        admin: Some(&secret),
        keys: &keys,
    };
    // The text as stored by the truncating setter, and whether the plain one takes it.
    let (stored, plain) = match case.text("field") {
        "user_profile.name" => {
            let mut config = UserProfile::new(account);
            let plain = config.set_name(text, now).is_ok();
            config.set_name_truncated(text, now).unwrap();
            (config.name().into_owned(), Some(plain))
        }
        "contact.name" => {
            let mut config = Contacts::new(account);
            let mut contact = Contact::new(id);
            contact.name = text.into();
            config.set(&contact).unwrap();
            (config.get(&id).unwrap().name.into_owned(), None)
        }
        "contact.nickname" => {
            let mut config = Contacts::new(account);
            let mut contact = Contact::new(id);
            let plain = contact.set_nickname(text).is_ok();
            contact.nickname = text.into();
            config.set(&contact).unwrap();
            (config.get(&id).unwrap().nickname.into_owned(), Some(plain))
        }
        "group_info.name" => {
            let mut config = GroupInfo::new_group(keyring).unwrap();
            let plain = config.set_name(text).is_ok();
            config.set_name_truncated(text).unwrap();
            (config.name().into_owned(), Some(plain))
        }
        "group_info.description" => {
            let mut config = GroupInfo::new_group(keyring).unwrap();
            let plain = config.set_description(text).is_ok();
            config.set_description_truncated(text).unwrap();
            (config.description().into_owned(), Some(plain))
        }
        "group_member.name" => {
            let mut config = GroupMembers::new_group(keyring).unwrap();
            let mut member = Member::new(id);
            member.name = text.into();
            config.set(&member).unwrap();
            (config.get(&id).unwrap().name.into_owned(), None)
        }
        "user_groups.name" => {
            let mut config = UserGroups::new(account);
            let mut entry = GroupEntry::new(group);
            entry.group.name = text.into();
            config.set_group(&entry).unwrap();
            (config.group(&group).unwrap().group.name.into_owned(), None)
        }
        other => panic!("field {other}"),
    };
    assert_eq!(stored, expected);
    assert_eq!(plain, case.value("setter_ok").as_bool());
}

pub(crate) fn encrypt(case: Case<'_>) {
    let domain = Domain::new(case.text("domain")).unwrap();
    let key = SymmetricKey::from_bytes(case.array("key"));
    let sealed = config::encrypt(&key, domain, &case.hex("plaintext")).unwrap();
    assert_eq!(hex(&sealed), hex(&case.hex("ciphertext")));
}

pub(crate) fn decrypt(case: Case<'_>) {
    let domain = Domain::new(case.text("domain"));
    let key: Result<[u8; 32], _> = case.hex("key").try_into();
    let opened = match (domain, key) {
        (Ok(domain), Ok(key)) => {
            let key = SymmetricKey::from_bytes(key);
            config::decrypt(&key, domain, &case.hex("ciphertext")).ok()
        }
        _ => None,
    };
    assert_eq!(opened.is_some(), case.flag("ok"));
}

pub(crate) fn padded_size(case: Case<'_>) {
    let [size, overhead, padded] = ["size", "overhead", "padded_size"]
        .map(|field| usize::try_from(case.number(field)).unwrap());
    assert_eq!(config::padded_size(size, overhead), Some(padded));
}
