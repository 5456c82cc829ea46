//! Version 2: publication, sealing, opening and the choice of format.

use session_crypto::X25519Public;
use session_crypto::{Blake2b, Ed25519Public, Ed25519Secret};
use session_identity::{Account, AccountId, Seed};
use session_message::UnixMillis;
use session_message::v2::layer::{self, LayerError};
use session_message::v2::{
    AccountKeys, Fetched, Format, Freshness, KemPublic, KeyCache, KeySeed, Plan, PublicKeys,
    publication,
};
use testkit::{Case, Replay, Vectors};

fn keys(case: Case<'_>, field: &str) -> AccountKeys {
    AccountKeys::from_seed(&KeySeed::from_bytes(case.array(field)))
}

/// The account of a whole Ed25519 seed. Accounts have seeds of 16 bytes, and these vectors 32.
fn account(case: Case<'_>, field: &str) -> Account {
    let seed: [u8; 32] = case.array(field);
    Account::from_seed(&Seed::try_from(seed.as_slice()).unwrap())
}

fn account_id(case: Case<'_>, field: &str) -> AccountId {
    case.text(field).parse().unwrap()
}

#[test]
fn publication() {
    let vectors = Vectors::load("protocol_v2");
    vectors.each("publish", |case| {
        let account = account(case, "account_seed");
        assert_eq!(account.id().to_string(), case.text("account_id"));
        let mut rng = Replay::new(case.hexes("random"));
        let keys = keys(case, "key_seed");
        let message = publication::write(&mut rng, &account, keys.public());
        assert!(rng.is_used_up());
        assert_eq!(message, case.hex("message"));
        assert_eq!(
            publication::read(account.id(), &message).unwrap(),
            *keys.public()
        );
    });
    vectors.each("publish_read", |case| {
        let messages = case.hexes("messages");
        let id = account_id(case, "account_id");
        let last = publication::read_last(&id, messages.iter().map(Vec::as_slice));
        assert_eq!(last.is_some(), case.flag("ok"));
        if let Some((index, keys)) = last {
            assert_eq!(index as u64, case.number("used"));
            assert_eq!(keys.x25519.to_bytes(), case.array("x25519_pk"));
            let digest = Blake2b::<32>::new().chain(keys.kem.as_ref()).finalize();
            assert_eq!(digest, case.array("mlkem_pk_blake2b_32"));
        }
    });
}

#[test]
fn sealing() {
    let vectors = Vectors::load("protocol_v2");
    for array in ["seal_pfs", "seal_no_pfs"] {
        vectors.each(array, |case| {
            let sender = Ed25519Secret::from_seed(&case.array("sender_seed"));
            let recipient = account_id(case, "recipient_id");
            let pro = case.opt_hex("pro_rotating_seed");
            let pro = pro.map(|seed| Ed25519Secret::from_seed(&seed.try_into().unwrap()));
            let content = case.hex("content");
            let inner = layer::write(&sender, &recipient, &content, pro.as_ref());
            assert_eq!(inner.len() as u64, case.number("inner_size"));
            if let Some(expected) = case.opt_hex("inner") {
                assert_eq!(*inner, expected);
            }
            let keys = case
                .has("account_key_seed")
                .then(|| keys(case, "account_key_seed"));
            let public = keys.as_ref().map(AccountKeys::public);
            let mut rng = Replay::new(case.hexes("random"));
            let sealed = layer::seal(
                &mut rng,
                &sender,
                &recipient,
                public,
                &content,
                pro.as_ref(),
            );
            assert!(rng.is_used_up());
            let sealed = sealed.unwrap();
            assert_eq!(sealed, case.hex("message"));

            let reader = account(case, "recipient_seed");
            let opened = layer::open(&reader, keys.as_slice(), &sealed).unwrap();
            assert_eq!(*opened.content, content);
            assert_eq!(opened.sender_ed25519, sender.public());
            assert_eq!(opened.key, keys.as_ref().map(|_| 0));
            let pro_verifies = opened.pro_signature.map(|signature| {
                use session_crypto::Ed25519PublicExt;
                let key = pro.as_ref().unwrap().public();
                key.verify(&opened.pro_signed, &signature).is_ok()
            });
            assert_eq!(pro_verifies, pro.as_ref().map(|_| true));
        });
    }
}

#[test]
fn opening() {
    Vectors::load("protocol_v2").each("open", |case| {
        let reader = account(case, "recipient_seed");
        // They are in the order in which they are tried.
        let seeds: Vec<[u8; 32]> = case
            .list("account_keys")
            .iter()
            .map(|key| key.array("seed"))
            .collect();
        let keys: Vec<AccountKeys> = seeds
            .iter()
            .map(|seed| AccountKeys::from_seed(&KeySeed::from_bytes(*seed)))
            .collect();
        match layer::open(&reader, &keys, &case.hex("message")) {
            Ok(opened) => {
                assert!(case.flag("ok"));
                assert_eq!(*opened.content, case.hex("content"));
                assert_eq!(opened.sender.to_string(), case.text("sender_session_id"));
                let sender = Ed25519Public::from_bytes(case.array("sender_ed25519_pk"));
                assert_eq!(opened.sender_ed25519, sender);
                let signature = opened.pro_signature.map(|s| s.as_bytes().to_vec());
                assert_eq!(signature, case.opt_hex("pro_signature"));
                assert_eq!(opened.key.is_some(), case.flag("forward_secrecy"));
                let used = opened.key.map(|index| seeds[index].to_vec());
                assert_eq!(used, case.opt_hex("used_key"));
            }
            Err(error) => {
                assert!(!case.flag("ok"), "{error}");
                assert_eq!(error == LayerError::NoKey, case.flag("retry"));
            }
        }
    });
}

fn some_keys() -> PublicKeys {
    PublicKeys {
        x25519: X25519Public::from_bytes([1; 32]),
        kem: KemPublic::from_bytes(&[1; 1184]),
    }
}

fn cache(case: Option<Case<'_>>) -> KeyCache {
    let time = |field: &str| {
        let case = case.filter(|case| case.has(field))?;
        Some(UnixMillis::from_secs(case.number(field)))
    };
    KeyCache::restore(
        time("fetched_at").map(|at| (some_keys(), at)),
        time("nak_at"),
    )
}

fn object<'a>(case: Case<'a>, field: &str) -> Option<Case<'a>> {
    case.has(field).then(|| case.object(field))
}

fn fetched(case: Case<'_>) -> Fetched {
    match case.text("fetch") {
        "keys" => Fetched::Keys(some_keys()),
        "none" => Fetched::None,
        "failed" => Fetched::Failed,
        other => panic!("{other}"),
    }
}

#[test]
fn choice_of_format() {
    let vectors = Vectors::load("protocol_v2");
    vectors.each("choose_format", |case| {
        let now = UnixMillis::from_secs(case.number("now"));
        let force = case.flag("force_v2");
        let mut cache_now = cache(object(case, "cache"));
        let freshness = cache_now.freshness(now);
        let name = match freshness {
            Freshness::Fresh => "fresh",
            Freshness::Stale => "stale",
            Freshness::NonePublished => "nak",
            Freshness::Unknown => "fetching",
        };
        assert_eq!(name, case.text("prefetch"));
        assert_eq!(freshness.should_fetch(), case.flag("prefetch_fetches"));
        let plan = cache_now.plan(case.flag("network"), force);
        let action = match plan {
            Plan::Send(_) => "send",
            Plan::FetchFirst => "fetch_then_send",
            Plan::Offline => "fail",
        };
        assert_eq!(action, case.text("action"));
        let is_offline = plan == Plan::Offline;
        if plan == Plan::FetchFirst {
            cache_now.note(fetched(case), now);
        }
        if !is_offline {
            let format = match cache_now.after_fetch(force) {
                Format::V1 => "v1",
                Format::V2(_) => "v2_pfs",
                Format::V2WithoutKeys => "v2_no_pfs",
            };
            assert_eq!(format, case.text("format"));
        }
        assert_eq!(cache_now, cache(object(case, "cache_after")));
    });
    vectors.each("key_cache", |case| {
        let mut cache_now = cache(object(case, "before"));
        cache_now.note(fetched(case), UnixMillis::from_secs(case.number("now")));
        assert_eq!(cache_now, cache(object(case, "after")));
    });
}
