//! Shared configs. What the fuzzer gives is encrypted with the account's key, so that it gets past
//! the tag to what one of our own devices, or a later version, could have stored.

use std::sync::Arc;

use session_config::contacts::Contact;
use session_config::conversations::Conversation;
use session_config::local::LocalNumber;
use session_config::message::{self, Message, Trust};
use session_config::{
    Contacts, ConvoInfoVolatile, DumpForm, GroupInfo, GroupKeyring, GroupMembers, Local, State,
    UserGroups, UserProfile,
};
use session_crypto::SymmetricKey;
use session_crypto::config::{self, Domain};
use session_identity::Account;
use session_types::{AccountId, UnixMillis};

use crate::input::{Input, account, group};

const NOW: UnixMillis = UnixMillis::new(1_795_377_199_099);

fn owner() -> Arc<Account> {
    Arc::new(account(1))
}

fn encrypt(domain: &str, key: [u8; 32], message: &[u8]) -> Vec<u8> {
    let domain = Domain::new(domain).expect("a short name");
    config::encrypt(&SymmetricKey::from_bytes(key), domain, message).expect("not that long")
}

fn stored(domain: &str, plain: &[u8]) -> Vec<u8> {
    let padded = config::pad(plain).expect("not that long");
    encrypt(domain, *owner().ed25519().expose_seed(), &padded)
}

fn contact() -> Contact<'static> {
    let mut contact = Contact::new(AccountId::from_bytes([5; 33]).expect("an account's prefix"));
    contact.name = "Ann".into();
    contact
}

/// A message from outside: read, written again, changed and read by another.
pub fn message(data: &[u8]) {
    let Ok(message) = Message::read(data, Trust::Unsigned) else {
        return;
    };
    let encoded = message.encode(None);
    let again = Message::read(&encoded, Trust::Unsigned).expect("what we write we read");
    assert_eq!(again.encode(None), encoded);
    assert_eq!(again.data(), message.data());
    if let Ok(next) = message.incremented(None) {
        let encoded = next.encode(None);
        let read = Message::read(&encoded, Trust::Unsigned).expect("what we write we read");
        assert_eq!(read.encode(None), encoded);
        // Who has the next message needs this one no more.
        let merged = message::merge(&[data, &encoded], None, None).expect("both are valid");
        if again.hash(None) == message.hash(None) {
            assert_eq!(merged.unmerged, Some(1));
        }
    }
}

/// A dump of a contacts config.
pub fn dump(data: &[u8]) {
    let Ok(mut config) = Contacts::load(owner(), data, NOW) else {
        return;
    };
    for form in [DumpForm::Full, DumpForm::Current] {
        let dump = config.dump_as(form, NOW);
        let mut loaded = Contacts::load(owner(), &dump, NOW).expect("our own dump");
        assert_eq!(loaded.data(), config.data());
        assert!(loaded.current_hashes().eq(config.current_hashes()));
        if config.state() != State::Dirty {
            assert_eq!(loaded.dump_as(form, NOW), dump);
        }
    }
    if config.set(&contact()).is_ok() && config.push(NOW).is_ok() {
        assert_eq!(config.get(&contact().id), Some(contact()));
    }
}

/// Parts of configs, honest and not, in any order.
pub fn parts(data: &[u8]) {
    let mut input = Input::new(data);
    let mut config = Contacts::new(owner());
    let key = *owner().ed25519().expose_seed();
    for number in 0..64_u64 {
        if input.is_empty() {
            break;
        }
        let (choice, set) = (input.byte(), [input.byte() & 3; 32]);
        let body = if choice & 1 == 0 {
            let (index, count) = (input.byte() & 3, input.byte() & 3);
            let chunk = input.piece();
            let length = format!("{}:", chunk.len());
            let parts: [&[u8]; 9] = [
                b"ml32:",
                &set,
                b"1:",
                &[index],
                b"1:",
                &[count],
                length.as_bytes(),
                chunk,
                b"e",
            ];
            parts.concat()
        } else {
            [b"m", input.piece()].concat()
        };
        let name = number.to_string();
        let before = config.plaintext();
        let message = encrypt("Contacts", key, &body);
        if let Ok(merged) = config.merge(&[(&name, &message)], NOW) {
            assert_eq!(merged.accepted.len() + merged.refused.len(), 1);
            assert!(merged.refused.is_empty() || config.plaintext() == before);
        }
    }
    let dump = config.dump(NOW);
    let loaded = Contacts::load(owner(), &dump, NOW).expect("our own dump");
    assert!(loaded.active_hashes(NOW).eq(config.active_hashes(NOW)));
}

/// Any messages, on two devices that get them in another order.
pub fn merge(data: &[u8]) {
    let mut input = Input::new(data);
    let mut plains: Vec<&[u8]> = Vec::new();
    while !input.is_empty() && plains.len() < 8 {
        let length = u16::from_le_bytes(input.array());
        plains.push(input.take(length.into()));
    }
    let Ok(first) = message::merge(&plains, None, None) else {
        return;
    };
    let mut reversed = plains.clone();
    reversed.reverse();
    let second = message::merge(&reversed, None, None).expect("the same messages");
    assert_eq!(first.message.encode(None), second.message.encode(None));
    assert_eq!(first.refused.len(), second.refused.len());
    if first.unmerged.is_none() {
        // A merge that all have is no conflict any more.
        let merged = first.message.encode(None);
        let all: Vec<&[u8]> = plains.iter().copied().chain([merged.as_slice()]).collect();
        let again = message::merge(&all, None, None).expect("the same messages");
        assert_eq!(again.unmerged, Some(plains.len()));
    }
    let messages: Vec<Vec<u8>> = plains
        .iter()
        .map(|plain| stored("Contacts", plain))
        .collect();
    let named: Vec<(&str, &[u8])> = messages
        .iter()
        .map(|data| ("name", data.as_slice()))
        .collect();
    let mut one = Contacts::new(owner());
    let mut two = Contacts::new(owner());
    let mut back = named.clone();
    back.reverse();
    if one.merge(&named, NOW).is_ok() && two.merge(&back, NOW).is_ok() {
        assert_eq!(one.data(), two.data());
        assert_eq!(one.seqno(), two.seqno());
        assert_eq!(
            one.push(NOW).map(|push| push.messages),
            two.push(NOW).map(|push| push.messages)
        );
    }
}

macro_rules! check_user {
    ($config:ty, $domain:literal, $plain:expr, $use:expr) => {{
        let mut config = <$config>::new(owner());
        let message = stored($domain, $plain);
        if config
            .merge(&[("name", &message)], NOW)
            .is_ok_and(|merged| merged.refused.is_empty())
        {
            ($use)(&mut config);
            if let Ok(push) = config.push(NOW) {
                let mut other = <$config>::new(owner());
                let named: Vec<(&str, &[u8])> = push
                    .messages
                    .iter()
                    .map(|data| ("next", data.as_slice()))
                    .collect();
                let merged = other.merge(&named, NOW).expect("what we push is read");
                assert!(merged.refused.is_empty());
                assert_eq!(other.data(), config.data());
            }
        }
    }};
}

/// Any data, read as each type; every record is stored again.
pub fn types(data: &[u8]) {
    let mut input = Input::new(data);
    let choice = input.byte();
    let plain = [b"d1:#i7e1:&".as_slice(), input.rest(), b"1:<le1:=dee"].concat();
    match choice % 7 {
        0 => check_user!(
            UserProfile,
            "UserProfile",
            &plain,
            |config: &mut UserProfile| {
                let name = config.name().into_owned();
                let _ = (config.picture(), config.updated(), config.note_expiry());
                let _ = (
                    config.pro_proof(),
                    config.pro_pending(NOW),
                    config.refund_requested(NOW),
                );
                let _ = config.set_name_truncated(&name, NOW);
                let _ = config.set_pro_features(config.pro_features(), NOW);
                let _ = config.set_pro_access_expiry(config.pro_access_expiry(), NOW);
            }
        ),
        1 => check_user!(Contacts, "Contacts", &plain, |config: &mut Contacts| {
            let contacts: Vec<_> = config.iter().map(Contact::into_owned).collect();
            for contact in contacts {
                let _ = config.set(&contact);
                let read = config.get(&contact.id).expect("it was stored").into_owned();
                let _ = config.set(&read);
                assert_eq!(config.get(&contact.id), Some(read));
            }
            let _ = config.blinded_contacts().count();
        }),
        2 => check_user!(
            ConvoInfoVolatile,
            "ConvoInfoVolatile",
            &plain,
            |config: &mut ConvoInfoVolatile| {
                let all: Vec<_> = config.iter().collect();
                for (conversation, progress) in all {
                    if !matches!(conversation, Conversation::Community(..)) {
                        let _ = config.set(&conversation, &progress, NOW);
                    }
                    let _ = config.remove(&conversation);
                    assert_eq!(config.get(&conversation), None);
                }
            }
        ),
        3 => check_user!(
            UserGroups,
            "UserGroups",
            &plain,
            |config: &mut UserGroups| {
                let groups: Vec<_> = config.groups().map(|entry| entry.into_owned()).collect();
                for mut entry in groups {
                    let _ = config.set_group(&entry);
                    entry.mark_kicked();
                    let _ = config.set_group(&entry);
                }
                let legacy: Vec<_> = config
                    .legacy_groups()
                    .map(|group| group.into_owned())
                    .collect();
                legacy.iter().for_each(|group| {
                    let _ = config.set_legacy_group(group);
                });
                let _ = config.communities().count();
            }
        ),
        4 => {
            let dump = [
                format!("d1:!i0e1:${}:", plain.len()).as_bytes(),
                &plain,
                b"1:(le1:)le1:*de1:+dee",
            ]
            .concat();
            if let Ok(mut local) = Local::load(&dump, NOW) {
                let _ = (local.number(LocalNumber::Theme), local.settings().count());
                let _ = local.set_setting("x", true);
            }
        }
        other => group_types(other == 5, &plain),
    }
}

fn group_types(info: bool, plain: &[u8]) {
    let (secret, id) = group();
    let keys = [SymmetricKey::from_bytes([7; 32])];
    let keyring = GroupKeyring {
        id: &id,
        admin: Some(&secret),
        keys: &keys,
    };
    // As an admin would have signed it.
    let open = plain.strip_suffix(b"e").unwrap_or(plain);
    let signature = secret.sign(open);
    let signed = [open, b"1:~64:", signature.as_bytes(), b"e"].concat();
    let domain = if info {
        "groups::Info"
    } else {
        "groups::Members"
    };
    let padded = config::pad(&signed).expect("not that long");
    let message = encrypt(domain, [7; 32], &padded);
    if info {
        let mut config = GroupInfo::new_group(keyring).expect("the group's key");
        let _ = config.merge(&[("name", &message)], NOW);
        let name = config.name().into_owned();
        let _ = (config.picture(), config.description(), config.created());
        let _ = config.set_name_truncated(&name);
        let _ = config.push(NOW);
    } else {
        let mut config = GroupMembers::new_group(keyring).expect("the group's key");
        let _ = config.merge(&[("name", &message)], NOW);
        let members: Vec<_> = config.iter().map(|member| member.into_owned()).collect();
        for member in members {
            let _ = config.status(&member);
            let _ = config.set(&member);
            let _ = config.remove(&member.id);
            assert_eq!(config.get(&member.id), None);
        }
        let _ = config.push(NOW);
    }
}
