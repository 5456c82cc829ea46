//! The visible state of a device, as the vectors write it.

use serde_json::{Map, Value, json};
use session_config::contacts::Contact;
use session_config::conversations::{Conversation, Progress};
use session_config::field::{Expiry, Notify, Picture};
use session_config::groups::{GroupAccess, Removed};
use session_config::local::LocalNumber;
use session_crypto::Ed25519Secret;
use session_types::UnixMillis;

use crate::device::{Device, Setup};
use crate::scenario::hex;

/// Compares what the vectors give. Absent, null, 0 and empty are all unset.
pub(crate) fn compare(got: &Value, expected: &Value, what: &str) {
    match (got, expected) {
        (Value::Object(got), Value::Object(expected)) => {
            for (key, value) in expected {
                let missing = Value::Null;
                compare(
                    got.get(key).unwrap_or(&missing),
                    value,
                    &format!("{key}: {what}"),
                );
            }
        }
        (Value::Array(got), Value::Array(expected)) => {
            assert_eq!(got.len(), expected.len(), "{what}: {got:?} {expected:?}");
            let sort = |list: &[Value]| {
                let mut list = list.to_vec();
                list.sort_by_key(sort_key);
                list
            };
            for (got, expected) in sort(got).iter().zip(&sort(expected)) {
                compare(got, expected, what);
            }
        }
        _ if is_unset(got) && is_unset(expected) => {}
        _ => assert_eq!(got, expected, "{what}"),
    }
}

fn is_unset(value: &Value) -> bool {
    value.is_null() || *value == json!(0) || *value == json!("") || *value == json!(false)
}

/// What identifies an entry.
fn sort_key(value: &Value) -> String {
    let fields = [
        "type",
        "session_id",
        "id",
        "blinded_id",
        "base_url",
        "room_norm",
        "room",
    ];
    match value {
        Value::Object(entry) => fields
            .iter()
            .map(|field| entry.get(*field).map_or(String::new(), Value::to_string))
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase(),
        other => other.to_string(),
    }
}

fn picture(picture: Option<&Picture<'_>>) -> Value {
    match picture {
        Some(picture) => json!({ "url": picture.url(), "key": hex(picture.key()) }),
        None => json!({ "url": "", "key": "" }),
    }
}

fn bits(bits: u64) -> Value {
    (0..64).filter(|bit| bits >> bit & 1 == 1).collect()
}

fn notify(notify: Notify) -> u8 {
    match notify {
        Notify::Default => 0,
        Notify::All => 1,
        Notify::Never => 2,
        Notify::Mentions => 3,
    }
}

pub(crate) fn contact(contact: &Contact<'_>) -> Value {
    let (mode, timer) = match contact.expiry {
        Expiry::Off => (0, 0),
        Expiry::AfterSend(timer) => (1, timer),
        Expiry::AfterRead(timer) => (2, timer),
    };
    json!({
        "session_id": contact.id.to_string(),
        "name": contact.name,
        "nickname": contact.nickname,
        "profile_pic": picture(contact.picture.as_ref()),
        "approved": contact.is_approved,
        "approved_me": contact.has_approved_us,
        "blocked": contact.is_blocked,
        "priority": contact.priority,
        "notifications": notify(contact.notify),
        "mute_until": contact.muted_until,
        "exp_mode": mode,
        "exp_timer": timer,
        "created": contact.created,
        "profile_updated": contact.profile_updated,
        "pro_features": bits(contact.pro_features),
        "delete_before": contact.delete_before,
        "delete_attach_before": contact.delete_attachments_before,
    })
}

fn conversation(conversation: &Conversation, progress: &Progress, key: Option<String>) -> Value {
    let mut entry = Map::new();
    let mut put = |key: &str, value: Value| drop(entry.insert(key.to_owned(), value));
    match conversation {
        Conversation::Account(id) => {
            put("type", json!("1to1"));
            put("session_id", json!(id.to_string()));
        }
        Conversation::Blinded(id) => {
            put("type", json!("blinded_1to1"));
            put("blinded_id", json!(id.to_string()));
        }
        Conversation::Group(id) => {
            put("type", json!("group"));
            put("id", json!(id.to_string()));
        }
        Conversation::LegacyGroup(id) => {
            put("type", json!("legacy_group"));
            put("id", json!(id.to_string()));
        }
        Conversation::Community(base, room) => {
            put("type", json!("community"));
            put("base_url", json!(base));
            put("room", json!(room));
            put("pubkey", json!(key));
        }
    }
    put("last_read", json!(progress.last_read.get()));
    put("unread", json!(progress.is_unread));
    put(
        "pro_expiry",
        json!(progress.pro.map_or(0, |pro| pro.expiry)),
    );
    put(
        "pro_tag",
        json!(progress.pro.map_or(String::new(), |pro| hex(&pro.tag))),
    );
    Value::Object(entry)
}

pub(crate) fn of(device: &Device, setup: &Setup, now: UnixMillis) -> Value {
    match device {
        Device::Profile(config) => json!({
            "name": config.name(),
            "profile_pic": picture(config.picture().as_ref()),
            "nts_priority": config.note_priority(),
            "nts_expiry": config.note_expiry(),
            "blinded_msgreqs": config.message_requests(),
            "profile_updated": config.updated(),
            "pro_features": bits(config.pro_features()),
            "pro": config.pro_proof().map(|proof| json!({
                "expiry": proof.expiry,
                "revocation_tag": hex(&proof.revocation_tag),
                "rotating_seed": hex(&proof.rotating_seed),
                "signature": hex(&proof.signature),
            })),
            "pro_access_expiry": config.pro_access_expiry(),
            "pro_pending": config.pro_pending(now),
            "refund_requested": config.refund_requested(now),
            "pro_auto_renews": config.pro_auto_renews(),
            "pro_grace": config.pro_grace(),
            "nts_delete_before": config.note_delete_before(),
            "nts_delete_attach_before": config.note_delete_attachments_before(),
            "no_save_notice": !config.tells_saving(),
        }),
        Device::Contacts(config) => {
            let contacts: Vec<Value> = config.iter().map(|one| contact(&one)).collect();
            let blinded: Vec<Value> = config
                .blinded_contacts()
                .map(|(base, key, contact)| {
                    json!({
                        "blinded_id": contact.id.to_string(),
                        "base_url": base,
                        "pubkey": hex(key.as_bytes()),
                        "name": contact.name,
                        "profile_pic": picture(contact.picture.as_ref()),
                        "profile_updated": contact.profile_updated,
                        "priority": contact.priority,
                        "created": contact.created,
                        "pro_features": bits(contact.pro_features),
                    })
                })
                .collect();
            json!({ "contacts": contacts, "blinded_contacts": blinded })
        }
        Device::Convo(config) => {
            let list: Vec<Value> = config
                .iter()
                .map(|(id, progress)| {
                    let key = match &id {
                        Conversation::Community(base, _) => config.server_key(base),
                        _ => None,
                    };
                    conversation(&id, &progress, key.map(|key| hex(key.as_bytes())))
                })
                .collect();
            json!({ "conversations": list })
        }
        Device::Groups(config) => groups(config),
        Device::Info(config) => json!({
            "id": setup.group_id().unwrap().to_string(),
            "name": config.name(),
            "description": config.description(),
            "profile_pic": picture(config.picture().as_ref()),
            "expiry_timer": config.expiry(),
            "created": config.created(),
            "delete_before": config.delete_before(),
            "delete_attach_before": config.delete_attachments_before(),
            "destroyed": config.is_destroyed(),
        }),
        Device::Members(config) => {
            let members: Vec<Value> = config
                .iter()
                .map(|member| {
                    json!({
                        "session_id": member.id.to_string(),
                        "name": member.name,
                        "profile_pic": picture(member.picture.as_ref()),
                        "admin": member.is_admin,
                        "supplement": member.has_supplement,
                        "invite_status": member.invite.number(),
                        "promotion_status": member.promotion.number(),
                        "removed_status": member.removal.number(),
                        "profile_updated": member.profile_updated,
                    })
                })
                .collect();
            json!({ "members": members })
        }
        Device::Local(config) => json!({
            "notify_content": config.number(LocalNumber::NotifyContent),
            "notify_sound": config.number(LocalNumber::NotifySound),
            "theme": config.number(LocalNumber::Theme),
            "theme_primary_color": config.number(LocalNumber::ThemeColor),
            "settings": config.settings().collect::<Vec<_>>(),
        }),
    }
}

fn groups(config: &session_config::UserGroups) -> Value {
    let mut list: Vec<Value> = config
        .groups()
        .map(|entry| {
            let secret = match &entry.access {
                GroupAccess::Admin(seed) => {
                    let public = Ed25519Secret::from_seed(seed).public();
                    hex(&[seed.as_slice(), public.as_bytes()].concat())
                }
                _ => String::new(),
            };
            // Auth data beside a seed is kept, and shown by the library.
            let id = entry.group.id;
            let dict = config
                .data()
                .dict(b"g")
                .unwrap()
                .dict(id.as_bytes())
                .unwrap();
            let auth = dict.bytes(b"s").filter(|auth| auth.len() == 100);
            if let GroupAccess::Member(data) = &entry.access {
                assert_eq!(auth, Some(data.as_slice()));
            }
            json!({
                "type": "group",
                "id": id.to_string(),
                "secretkey": secret,
                "auth_data": hex(auth.unwrap_or_default()),
                "removed_status": match entry.group.removed {
                    Removed::No => 0,
                    Removed::Kicked => 1,
                    Removed::Destroyed => 2,
                },
                "name": entry.group.name,
                "priority": entry.group.priority,
                "joined_at": entry.group.joined,
                "notifications": notify(entry.group.notify),
                "mute_until": entry.group.muted_until,
                "invited": entry.group.is_invited,
            })
        })
        .collect();
    list.extend(config.communities().map(|(base, entry)| {
        json!({
            "type": "community",
            "base_url": base,
            "room": entry.room,
            "room_norm": entry.room.to_ascii_lowercase(),
            "pubkey": hex(entry.id.as_bytes()),
            "priority": entry.priority,
            "joined_at": entry.joined,
            "notifications": notify(entry.notify),
            "mute_until": entry.muted_until,
            "invited": entry.is_invited,
        })
    }));
    list.extend(config.legacy_groups().map(|group| {
        let members: Vec<Value> = group
            .members
            .iter()
            .map(|(id, is_admin)| json!([id.to_string(), is_admin]))
            .collect();
        let keys = group.keys.as_ref();
        json!({
            "type": "legacy_group",
            "session_id": group.id.to_string(),
            "enc_pubkey": keys.map(|keys| hex(keys.public.as_bytes())),
            "enc_seckey": keys.map(|keys| hex(keys.secret.as_slice())),
            "disappearing_timer": group.expiry,
            "members": members,
            "name": group.name,
            "priority": group.priority,
            "joined_at": group.joined,
            "notifications": notify(group.notify),
            "mute_until": group.muted_until,
            "invited": group.is_invited,
        })
    }));
    json!({ "groups": list })
}
