//! Operations of the scenarios.

use session_config::contacts::{BlindedContact, Contact};
use session_config::conversations::{Conversation, ProTag, Progress};
use session_config::error::EditError;
use session_config::field::{Expiry, Notify, Picture, truncate};
use session_config::groups::{CommunityEntry, GroupAccess, LegacyGroup, LegacyKeys, Removed};
use session_config::local::LocalNumber;
use session_config::members::{Delivery, Member, Removal};
use session_config::profile::ProProof;
use session_config::{BlindedId, Contacts, ConvoInfoVolatile, GroupInfo, GroupMembers, Local};
use session_config::{UserGroups, UserProfile};
use session_identity::community::{BaseUrl, Room};
use session_types::{AccountId, GroupId, UnixMillis, X25519Public};
use testkit::Case;
use zeroize::Zeroizing;

use crate::device::Device;

type Done = Result<(), EditError>;

/// Does an operation; says whether it was taken.
pub(crate) fn apply(device: &mut Device, op: &str, args: Case<'_>, now: UnixMillis) -> bool {
    let done = match device {
        Device::Profile(config) => profile(config, op, args, now),
        Device::Contacts(config) => contacts(config, op, args),
        Device::Convo(config) => convo(config, op, args, now),
        Device::Groups(config) => groups(config, op, args),
        Device::Info(config) => info(config, op, args),
        Device::Members(config) => members(config, op, args),
        Device::Local(config) => local(config, op, args),
    };
    done.is_ok()
}

/// A picture; half a picture is none.
fn picture(args: Case<'_>) -> Option<Picture<'static>> {
    let key = args.hex("key").try_into().ok()?;
    Picture::new(args.text("url").to_owned(), key).ok()
}

fn bits(args: Case<'_>, field: &str) -> u64 {
    let list = args.value(field).as_array();
    let list = list.into_iter().flatten();
    list.fold(0, |bits, bit| bits | 1 << bit.as_u64().unwrap())
}

fn number(args: Case<'_>, field: &str) -> i64 {
    args.value(field).as_i64().unwrap_or(0)
}

fn some_number(args: Case<'_>, field: &str) -> Option<i64> {
    args.value(field).as_i64()
}

fn notify(args: Case<'_>) -> Notify {
    match args.number("notifications") {
        1 => Notify::All,
        2 => Notify::Never,
        3 => Notify::Mentions,
        _ => Notify::Default,
    }
}

fn expiry(args: Case<'_>) -> Expiry {
    match args.number("exp_mode") {
        1 => Expiry::AfterSend(number(args, "exp_timer")),
        2 => Expiry::AfterRead(number(args, "exp_timer")),
        _ => Expiry::Off,
    }
}

fn account(args: Case<'_>) -> Result<AccountId, EditError> {
    args.text("session_id")
        .parse()
        .map_err(|_| EditError::Value)
}

fn group(args: Case<'_>) -> Result<GroupId, EditError> {
    args.text("id").parse().map_err(|_| EditError::Value)
}

fn blinded(args: Case<'_>) -> Result<BlindedId, EditError> {
    let id = const_hex::decode(args.text("blinded_id")).map_err(|_| EditError::Value)?;
    BlindedId::from_bytes(&id).ok_or(EditError::Value)
}

fn base(args: Case<'_>) -> Result<BaseUrl, EditError> {
    args.text("base_url").parse().map_err(|_| EditError::Value)
}

fn room(args: Case<'_>) -> Result<Room, EditError> {
    args.text("room").parse().map_err(|_| EditError::Value)
}

fn server(args: Case<'_>) -> X25519Public {
    X25519Public::from_bytes(args.array("pubkey"))
}

fn profile(config: &mut UserProfile, op: &str, args: Case<'_>, now: UnixMillis) -> Done {
    match op {
        "set_name" => config.set_name(args.text("name"), now),
        "set_name_truncated" => config.set_name_truncated(args.text("name"), now),
        "set_profile_pic" => config.set_picture(picture(args).as_ref(), now),
        "set_reupload_pic" => config.set_reuploaded_picture(picture(args).as_ref(), now),
        "set_nts_priority" => config.set_note_priority(args.signed("priority")),
        "set_nts_expiry" => config.set_note_expiry(number(args, "seconds")),
        "set_blinded_msgreqs" => config.set_message_requests(args.value("value").as_bool(), now),
        "set_pro_features" => config.set_pro_features(bits(args, "features"), now),
        "set_pro" => {
            let proof = ProProof {
                expiry: args.signed("expiry"),
                revocation_tag: args.array("revocation_tag"),
                rotating_seed: args.array("rotating_seed"),
                signature: args.array("signature"),
            };
            config.set_pro_proof(Some(&proof), now)
        }
        "remove_pro" => config.set_pro_proof(None, now),
        "set_pro_access_expiry" => config.set_pro_access_expiry(some_number(args, "expiry"), now),
        "set_pro_grace" => config.set_pro_grace(number(args, "seconds")),
        "set_pro_auto_renews" => config.set_pro_auto_renews(args.flag("value")),
        "set_pro_pending" => config.set_pro_pending(some_number(args, "time"), now),
        "set_refund_requested" => config.set_refund_requested(some_number(args, "time"), now),
        "set_nts_delete_before" => config.set_note_delete_before(number(args, "timestamp")),
        "set_nts_delete_attach_before" => {
            config.set_note_delete_attachments_before(number(args, "timestamp"))
        }
        "set_no_save_notice" => config.set_tells_saving(!args.flag("value")),
        other => panic!("op {other}"),
    }
}

fn contacts(config: &mut Contacts, op: &str, args: Case<'_>) -> Done {
    if op.ends_with("_blinded") {
        let (base, id) = (base(args)?, blinded(args)?);
        if op == "erase_blinded" {
            return config.remove_blinded(&base, &id);
        }
        let contact = BlindedContact {
            name: args.text("name").into(),
            picture: picture(args.object("profile_pic")),
            profile_updated: number(args, "profile_updated"),
            priority: number(args, "priority"),
            created: number(args, "created"),
            pro_features: bits(args, "pro_features"),
            ..BlindedContact::new(id)
        };
        return config.set_blinded(&base, &server(args), &contact);
    }
    let id = account(args)?;
    if op == "erase" {
        return config.remove(&id);
    }
    if op == "set" {
        let contact = Contact {
            name: args.text("name").into(),
            nickname: args.text("nickname").into(),
            picture: picture(args.object("profile_pic")),
            profile_updated: number(args, "profile_updated"),
            is_approved: args.flag("approved"),
            has_approved_us: args.flag("approved_me"),
            is_blocked: args.flag("blocked"),
            notify: notify(args),
            muted_until: number(args, "mute_until"),
            priority: number(args, "priority"),
            expiry: expiry(args),
            created: number(args, "created"),
            pro_features: bits(args, "pro_features"),
            delete_before: number(args, "delete_before"),
            delete_attachments_before: number(args, "delete_attach_before"),
            ..Contact::new(id)
        };
        return config.set(&contact);
    }
    config.update(&id, |contact| {
        match op {
            "set_name" => contact.name = args.text("name").to_owned().into(),
            "set_nickname" => contact.set_nickname(args.text("nickname"))?,
            "set_nickname_truncated" => {
                contact.set_nickname(truncate(args.text("nickname"), 100))?;
            }
            "set_profile_pic" => contact.picture = picture(args.object("profile_pic")),
            "set_approved" => contact.is_approved = args.flag("value"),
            "set_blocked" => contact.is_blocked = args.flag("value"),
            "set_priority" => contact.priority = args.signed("priority"),
            "set_expiry" => contact.expiry = expiry(args),
            "set_created" => contact.created = args.signed("created"),
            "set_profile_updated" => contact.profile_updated = args.signed("profile_updated"),
            "set_pro_features" => contact.pro_features = bits(args, "pro_features"),
            "set_delete_before" => contact.delete_before = args.signed("delete_before"),
            "set_delete_attach_before" => {
                contact.delete_attachments_before = args.signed("delete_attach_before");
            }
            other => panic!("op {other}"),
        }
        Ok(())
    })
}

fn conversation(op: &str, args: Case<'_>) -> Result<Conversation, EditError> {
    Ok(match op.split_once('_').unwrap().1 {
        "1to1" => Conversation::Account(account(args)?),
        "blinded_1to1" => Conversation::Blinded(blinded(args)?),
        "group" => Conversation::Group(group(args)?),
        "legacy_group" => {
            Conversation::LegacyGroup(args.text("id").parse().map_err(|_| EditError::Value)?)
        }
        "community" => Conversation::community(&base(args)?, room(args)?.id()),
        other => panic!("op {other}"),
    })
}

fn convo(config: &mut ConvoInfoVolatile, op: &str, args: Case<'_>, now: UnixMillis) -> Done {
    if op == "prune_stale" {
        let age = core::time::Duration::from_millis(args.number("age_ms"));
        return config.prune_stale(age, now);
    }
    let conversation = conversation(op, args)?;
    if op.starts_with("erase") {
        return config.remove(&conversation);
    }
    let mut progress = config.get(&conversation).unwrap_or_default();
    progress.pro = args.has("pro_tag").then(|| ProTag {
        expiry: number(args, "pro_expiry"),
        tag: args.array("pro_tag"),
    });
    if args.has("last_read") {
        progress.last_read = UnixMillis::new(args.number("last_read"));
    }
    if args.has("unread") {
        progress.is_unread = args.flag("unread");
    }
    let progress: Progress = progress;
    if op == "set_community" {
        return config.set_community(
            &base(args)?,
            room(args)?.id(),
            &server(args),
            &progress,
            now,
        );
    }
    config.set(&conversation, &progress, now)
}

fn access(id: &GroupId, args: Case<'_>) -> GroupAccess {
    let secret = args.hex("secretkey");
    if let Some((seed, public)) = secret.split_first_chunk::<32>()
        && public == id.key_bytes()
    {
        return GroupAccess::Admin(Zeroizing::new(*seed));
    }
    match args.hex("auth_data").try_into() {
        Ok(auth) => GroupAccess::Member(Zeroizing::new(auth)),
        Err(_) => GroupAccess::None,
    }
}

fn groups(config: &mut UserGroups, op: &str, args: Case<'_>) -> Done {
    match op {
        "set_group" => {
            let id = group(args)?;
            config.update_group(&id, |entry| {
                entry.access = access(&id, args);
                let group = &mut entry.group;
                group.name = args.text("name").to_owned().into();
                group.removed = match args.number("removed_status") {
                    1 => Removed::Kicked,
                    2 => Removed::Destroyed,
                    _ => Removed::No,
                };
                group.notify = notify(args);
                group.muted_until = number(args, "mute_until");
                group.priority = number(args, "priority");
                group.is_invited = args.flag("invited");
                group.joined = number(args, "joined_at");
            })
        }
        "group_mark_kicked" => config.update_group(&group(args)?, |entry| entry.mark_kicked()),
        "group_mark_invited" => config.update_group(&group(args)?, |entry| entry.mark_invited()),
        "group_mark_destroyed" => {
            config.update_group(&group(args)?, |entry| entry.mark_destroyed())
        }
        "erase_group" => config.remove_group(&group(args)?),
        "set_community" => {
            let entry = CommunityEntry {
                room: args.text("room").into(),
                notify: notify(args),
                muted_until: number(args, "mute_until"),
                priority: number(args, "priority"),
                is_invited: args.flag("invited"),
                joined: number(args, "joined_at"),
                ..CommunityEntry::new(server(args))
            };
            config.set_community(&base(args)?, &entry)
        }
        "erase_community" => config.remove_community(&base(args)?, args.text("room")),
        "set_legacy_group" => {
            let keys = (
                args.hex("enc_pubkey").try_into(),
                args.hex("enc_seckey").try_into(),
            );
            let members = args.value("members").as_array().unwrap().iter();
            let group = LegacyGroup {
                name: args.text("name").into(),
                keys: match keys {
                    (Ok(public), Ok(secret)) => Some(LegacyKeys {
                        public: X25519Public::from_bytes(public),
                        secret: Zeroizing::new(secret),
                    }),
                    _ => None,
                },
                members: members
                    .map(|member| {
                        let id = member[0].as_str().unwrap().parse().unwrap();
                        (id, member[1].as_bool().unwrap())
                    })
                    .collect(),
                expiry: number(args, "disappearing_timer"),
                notify: notify(args),
                muted_until: number(args, "mute_until"),
                priority: number(args, "priority"),
                is_invited: args.flag("invited"),
                joined: number(args, "joined_at"),
                ..LegacyGroup::new(account(args)?)
            };
            config.set_legacy_group(&group)
        }
        "erase_legacy_group" => config.remove_legacy_group(&account(args)?),
        other => panic!("op {other}"),
    }
}

fn info(config: &mut GroupInfo, op: &str, args: Case<'_>) -> Done {
    match op {
        "set_name" => config.set_name(args.text("name")),
        "set_name_truncated" => config.set_name_truncated(args.text("name")),
        "set_description" => config.set_description(args.text("description")),
        "set_description_truncated" => config.set_description_truncated(args.text("description")),
        "set_profile_pic" => config.set_picture(picture(args).as_ref()),
        "set_expiry_timer" => config.set_expiry(number(args, "seconds")),
        "set_created" => config.set_created(number(args, "timestamp")),
        "set_delete_before" => config.set_delete_before(number(args, "timestamp")),
        "set_delete_attach_before" => {
            config.set_delete_attachments_before(number(args, "timestamp"))
        }
        "destroy_group" => config.destroy(),
        other => panic!("op {other}"),
    }
}

fn members(config: &mut GroupMembers, op: &str, args: Case<'_>) -> Done {
    let id = account(args)?;
    match op {
        "set" => {
            let member = Member {
                name: args.text("name").into(),
                picture: picture(args.object("profile_pic")),
                profile_updated: number(args, "profile_updated"),
                is_admin: args.flag("admin"),
                promotion: Delivery::from_number(args.signed("promotion_status")),
                invite: Delivery::from_number(args.signed("invite_status")),
                has_supplement: args.flag("supplement"),
                removal: Removal::from_number(args.signed("removed_status")),
                ..Member::new(id)
            };
            config.set(&member)
        }
        "erase" => config.remove(&id),
        "set_pending_send" => {
            config.set_pending_send(&id, args.flag("pending"));
            Ok(())
        }
        other => config.update(&id, |member| match other {
            "set_invite_sent" => member.set_invite(Delivery::Sent),
            "set_invite_failed" => member.set_invite(Delivery::Failed),
            "set_invite_not_sent" => member.set_invite(Delivery::NotSent),
            "set_invite_accepted" => member.set_invite(Delivery::Done),
            "set_promoted" => member.set_promotion(Delivery::NotSent),
            "set_promotion_sent" => member.set_promotion(Delivery::Sent),
            "set_promotion_failed" => member.set_promotion(Delivery::Failed),
            "set_promotion_accepted" => member.set_promotion(Delivery::Done),
            "set_removed" => member.set_removal(Removal::Member),
            "set_removed_with_messages" => member.set_removal(Removal::WithMessages),
            other => panic!("op {other}"),
        }),
    }
}

fn local(config: &mut Local, op: &str, args: Case<'_>) -> Done {
    let setting = match op {
        "set_notify_content" => LocalNumber::NotifyContent,
        "set_notify_sound" => LocalNumber::NotifySound,
        "set_theme" => LocalNumber::Theme,
        "set_theme_primary_color" => LocalNumber::ThemeColor,
        "set_setting" => return config.set_setting(args.text("name"), args.flag("value")),
        other => panic!("op {other}"),
    };
    config.set_number(setting, args.signed("value"))
}
