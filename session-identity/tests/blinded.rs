//! Blinded and version ids, over so many accounts that both signs occur.
#![allow(clippy::unwrap_used, missing_docs)]

use session_crypto::Ed25519PublicExt;
use session_crypto::{Blinding, X25519Public};
use session_identity::AccountIdExt;
use session_identity::blinded::{blinded15, blinded25};
use session_identity::session_types::base64;
use session_identity::version::{self, Platform};
use session_identity::{Account, AnyId, BlindedId15, BlindedId25, Seed};

fn account(number: u8) -> Account {
    Account::from_seed(&Seed::from_full(&[number; 32]))
}

fn server() -> X25519Public {
    X25519Public::from_bytes([9; 32])
}

#[test]
fn the_real_15_id_is_one_of_two_candidates_and_nothing_tells_which() {
    let mut positive = 0;
    for number in 0..100 {
        let account = account(number);
        let real = blinded15(&account.ed25519_public(), &server()).unwrap();
        let twin = BlindedId15::from_ed25519(&real.ed25519().with_other_sign());
        let candidates = account.id().candidates15(&server()).unwrap();
        assert!(candidates.contains(&real) && candidates.contains(&twin));
        assert_eq!(candidates.absolute(), real.absolute());
        assert_eq!(real.absolute(), twin.absolute());
        assert!(!real.absolute().ed25519().is_negative());
        positive += u32::from(real == real.absolute());
        for id in [real, twin] {
            assert_eq!(account.id().matches(&id.into(), &server()), Ok(true));
        }
    }
    assert!((30..70).contains(&positive), "{positive}");
}

#[test]
fn the_25_id_is_one_and_the_same_from_every_key() {
    for number in 0..100 {
        let account = account(number);
        let key = account.ed25519_public();
        let id = account.id().blinded25(&server()).unwrap();
        assert_eq!(blinded25(&key, &server()), Ok(id));
        let other_sign = key.with_other_sign();
        assert_eq!(blinded25(&other_sign, &server()), Ok(id));
        assert_eq!(account.id().matches(&id.into(), &server()), Ok(true));
        let twin = BlindedId25::from_ed25519(&id.ed25519().with_other_sign());
        assert_eq!(account.id().matches(&twin.into(), &server()), Ok(false));
    }
}

#[test]
fn ids_of_other_accounts_and_servers_do_not_match() {
    let (one, two) = (account(1), account(2));
    let elsewhere = X25519Public::from_bytes([10; 32]);
    for blinding in [Blinding::Blind15, Blinding::Blind25] {
        let id = AnyId::from(&one.blinded(blinding, &server()).unwrap());
        assert_eq!(one.id().matches(&id, &server()), Ok(true));
        assert_eq!(two.id().matches(&id, &server()), Ok(false));
        assert_eq!(one.id().matches(&id, &elsewhere), Ok(false));
    }
}

#[test]
fn blinded_signatures_verify_under_the_blinded_id_alone() {
    for number in 0..20 {
        let account = account(number);
        for blinding in [Blinding::Blind15, Blinding::Blind25] {
            let secret = account.blinded(blinding, &server()).unwrap();
            let id = AnyId::from(&secret);
            assert_eq!(id.prefix(), blinding.prefix());
            let signature = secret.sign(b"message");
            let key = id.ed25519().unwrap();
            assert!(key.verify(b"message", &signature).is_ok());
            assert!(key.verify(b"another", &signature).is_err());
            let real = account.ed25519_public();
            assert!(real.verify(b"message", &signature).is_err());
        }
    }
}

#[test]
fn the_unblinded_id_leads_to_the_account() {
    for number in 0..20 {
        let account = account(number);
        let id = account.unblinded_id();
        assert_eq!(id.ed25519(), account.ed25519_public());
        assert_eq!(id.ed25519().to_account_id(), Ok(*account.id()));
    }
}

#[test]
fn version_requests_verify_as_they_were_signed_only() {
    let key = account(1).version_key();
    let verify = |time, method: &str, path: &str, body: &[u8]| {
        let signature = key.sign_request(1_234_567_890, "POST", "/file?x=1", b"body");
        version::verify_request(key.id(), time, method, path, body, &signature).is_ok()
    };
    assert!(verify(1_234_567_890, "POST", "/file?x=1", b"body"));
    assert!(!verify(1_234_567_891, "POST", "/file?x=1", b"body"));
    assert!(!verify(1_234_567_890, "PUT", "/file?x=1", b"body"));
    assert!(!verify(1_234_567_890, "POST", "/file", b"body"));
    assert!(!verify(1_234_567_890, "POST", "/file?x=1", b""));
}

#[test]
fn the_headers_of_a_request_are_text_that_servers_read() {
    let key = account(1).version_key();
    let signature = key.sign_version_check(1_234_567_890, Platform::Ios);
    let shown = format!("VersionKey {{ id: {:?}, .. }}", key.id());
    assert_eq!(format!("{key:?}"), shown);
    let header = version::signature_header(&signature);
    assert_eq!(header.len(), 88);
    assert_eq!(
        base64::decode(&header).unwrap(),
        signature.as_bytes().as_slice()
    );
    assert_eq!(version::TIME_TOLERANCE, 86_400);
}

#[test]
fn the_version_vectors_of_the_specification_hold() {
    let seed = const_hex::decode_to_array::<_, 32>(
        "fecd9a6034bc9aba273925dee7062b123334587c3c6257341afae2d7fe85e122",
    );
    let key = Account::from_seed(&Seed::from_full(&seed.unwrap())).version_key();
    let id = "0788e8adb27e7b8ce776fcc25bc1501fb2888fcac0308e52fb10044f789ae1a8fa";
    assert_eq!(key.id().to_string(), id);
    let hex = |signature: session_crypto::Ed25519Signature| const_hex::encode(signature.as_bytes());
    let time = 1_234_567_890;
    assert_eq!(
        hex(key.sign_version_check(time, Platform::Desktop)),
        "143c2c9828f7680ee81e6247bc7aa4777c4991add87cd724149b00452bed4e92\
         0fa57daf4627c68f43fcbddb2d465d5ea11def523f3befb2bbee39c769676305"
    );
    let path = "/path/to/somewhere";
    assert_eq!(
        hex(key.sign_raw(time, "GET", path, b"")),
        "5dad110e7b5f9dbb66e01d30a2408bc793ec3261d5476ffa64e616d3de161a3f\
         3bc8b654cfb74b6cf542e0f0127b9987a4ccc20116bd6ff2f4772f4115f7f709"
    );
    let body = b"some body (once told me)";
    assert_eq!(
        hex(key.sign_raw(time, "GET", path, body)),
        "8e78143dc8e37ca78f8230f9908aed95163b9f4a8991a39b65f6bc47e3f7f4fb\
         af51873e9a17e2e98e974e75ba977508f963f7bfef9f9200a6c6bacec85b3900"
    );
    // The file server's form, with the hash of the body; computed with another implementation.
    assert_eq!(
        hex(key.sign_request(time, "GET", path, body)),
        "e73bd766cb64765d889c03fc959e90d82312c144704ede8b7cb873b39ed515a0\
         b8e31599f4f93d57db5dc08d514955175f14250b80a928e8d851de417174b804"
    );
}
