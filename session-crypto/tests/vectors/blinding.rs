//! Blinded keys, their signatures and the version key.

use session_crypto::Ed25519PublicExt;
use session_crypto::blind::{self, BlindedSecret, Blinding};
use session_crypto::{Ed25519Public, Ed25519Secret, Ed25519Signature, X25519Public};
use testkit::{Case, Vectors};

/// A 33-byte id without its prefix.
fn id_key(case: Case<'_>, field: &str, prefix: u8) -> Ed25519Public {
    let id = case.hex(field);
    assert_eq!(id[0], prefix);
    Ed25519Public::try_from(&id[1..]).unwrap()
}

fn account_key(case: Case<'_>) -> X25519Public {
    X25519Public::from_bytes(id_key(case, "session_id", 0x05).to_bytes())
}

fn server_key(case: Case<'_>) -> X25519Public {
    X25519Public::from_bytes(case.array("server_pk"))
}

#[test]
fn blinded_ids_and_keys() {
    Vectors::load("blinding").each("ids_and_keys", |case| {
        let (account, server) = (account_key(case), server_key(case));
        let secret = Ed25519Secret::from_seed(&case.array("seed"));
        let public = secret.public();
        assert_eq!(public.to_bytes(), case.array("ed25519_pk"));

        let (factor15, factor25) = (blind::factor15(&server), blind::factor25(&account, &server));
        assert_eq!(*factor15.expose_bytes(), case.array("blind15_factor"));
        assert_eq!(*factor25.expose_bytes(), case.array("blind25_factor"));
        let candidates = blind::candidates15(&account, &server).unwrap();
        assert_eq!(candidates[0], id_key(case, "blind15_id", 0x15));
        assert_eq!(candidates[1], id_key(case, "blind15_id_alt", 0x15));
        let key25 = blind::key25(&account, &server).unwrap();
        assert_eq!(key25, id_key(case, "blind25_id", 0x25));

        let real15 = Blinding::Blind15.key_of(&public, &server).unwrap();
        assert_eq!(real15, id_key(case, "blind15_id_from_ed25519", 0x15));
        assert!(candidates.contains(&real15));
        let real25 = Blinding::Blind25.key_of(&public, &server).unwrap();
        assert_eq!(real25, id_key(case, "blind25_id_from_ed25519", 0x25));

        let own15 = BlindedSecret::new(Blinding::Blind15, &secret, &server).unwrap();
        assert_eq!(own15.public().to_bytes(), case.array("blind15_key_pk"));
        assert_eq!(*own15.scalar().expose_bytes(), case.array("blind15_key_sk"));
        let own25 = BlindedSecret::new(Blinding::Blind25, &secret, &server).unwrap();
        assert_eq!(own25.public().to_bytes(), case.array("blind25_key_pk"));
        assert_eq!(*own25.scalar().expose_bytes(), case.array("blind25_key_sk"));
        assert_eq!((own15.public(), own25.public()), (real15, real25));
        let signed_factor = factor25.negate_if(public.is_negative());
        assert_eq!(
            *signed_factor.expose_bytes(),
            case.array("blind25_key_factor")
        );
    });
}

#[test]
fn blinded_signatures() {
    Vectors::load("blinding").each("sign", |case| {
        let (secret, message) = (
            Ed25519Secret::from_seed(&case.array("seed")),
            case.hex("message"),
        );
        for (blinding, public, signature) in [
            (Blinding::Blind15, "blind15_pk", "blind15_signature"),
            (Blinding::Blind25, "blind25_pk", "blind25_signature"),
        ] {
            let own = BlindedSecret::new(blinding, &secret, &server_key(case)).unwrap();
            assert_eq!(own.public().to_bytes(), case.array(public));
            let made = own.sign(&message);
            assert_eq!(made, Ed25519Signature::from_bytes(case.array(signature)));
            assert_eq!(own.public().verify(&message, &made), Ok(()));
        }
    });
}

#[test]
fn version_signatures() {
    let vectors = Vectors::load("blinding");
    vectors.each("version_sign", |case| {
        let key = blind::version_key(&Ed25519Secret::from_seed(&case.array("seed")));
        assert_eq!(key.public().to_bytes(), case.array("pk"));
        assert_eq!(*key.expose_seed(), case.array::<64>("sk")[..32]);
        for platform in ["android", "desktop", "ios"] {
            let signed = format!(
                "{}GET/session_version?platform={platform}",
                case.number("timestamp")
            );
            let signature = key.sign(signed.as_bytes()).to_bytes();
            assert_eq!(signature, case.array(&format!("signature_{platform}")));
        }
    });
    vectors.each("version_sign_request", |case| {
        let key = blind::version_key(&Ed25519Secret::from_seed(&case.array("seed")));
        let head = format!(
            "{}{}{}",
            case.number("timestamp"),
            case.text("method"),
            case.text("path")
        );
        let body = case.opt_hex("body").unwrap_or_default();
        let signature = key.sign_parts(&[head.as_bytes(), &body]);
        assert_eq!(signature.to_bytes(), case.array("signature"));
    });
}

#[test]
fn matching() {
    let vectors = Vectors::load("blinding");
    vectors.each("matches", |case| {
        // Prefixes, lengths and hex are checked where ids are read; here, keys are matched.
        let parse = || {
            let account = const_hex::decode(case.text("session_id")).ok()?;
            let blinded = const_hex::decode(case.text("blinded_id")).ok()?;
            let server = const_hex::decode(case.text("server_pk")).ok()?;
            let (0x05, account) = account.split_first().map(|(first, rest)| (*first, rest))? else {
                return None;
            };
            let (prefix, blinded) = blinded.split_first()?;
            blind::matches(
                Blinding::from_prefix(*prefix)?,
                &account.try_into().ok()?,
                &blinded.try_into().ok()?,
                &server.as_slice().try_into().ok()?,
            )
            .ok()
        };
        let expected = case.flag("valid_input").then(|| case.flag("matches"));
        assert_eq!(parse(), expected);
    });
    vectors.each("arbitrary_session_ids", |case| {
        let (account, server) = (account_key(case), server_key(case));
        let (ids15, id25) = (
            blind::candidates15(&account, &server),
            blind::key25(&account, &server),
        );
        if case.opt_flag("order2_component") {
            assert!(ids15.is_err() && id25.is_err());
            return;
        }
        assert_eq!(ids15.is_ok(), case.flag("blind15_ok"));
        assert_eq!(id25.is_ok(), case.flag("blind25_ok"));
        if let (Ok(ids15), Ok(id25)) = (ids15, id25) {
            assert_eq!(ids15[0], id_key(case, "blind15_id", 0x15));
            assert_eq!(id25, id_key(case, "blind25_id", 0x25));
        }
    });
}
