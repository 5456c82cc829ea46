//! Items that the optional features add.
#![allow(clippy::unwrap_used, missing_docs)]

#[cfg(feature = "getrandom")]
#[test]
fn random_secrets_differ() {
    use session_crypto::{Ed25519Secret, SymmetricKey, X25519Secret};

    let draw = || {
        (
            *Ed25519Secret::random().unwrap().expose_seed(),
            *X25519Secret::random().unwrap().expose_bytes(),
            *SymmetricKey::random().unwrap().expose_bytes(),
        )
    };
    let (first, second) = (draw(), draw());
    assert_ne!(first.0, second.0);
    assert_ne!(first.1, second.1);
    assert_ne!(first.2, second.2);
    assert_ne!(first.0, first.1);
}

#[cfg(feature = "x25519-dalek")]
#[test]
fn x25519_keys_agree_with_their_library() {
    use session_crypto::x25519_dalek::{PublicKey, StaticSecret};
    use session_crypto::{X25519DalekExt, X25519Public, X25519Secret};

    for seed in 0..40 {
        let theirs = StaticSecret::from([seed; 32]);
        let ours = X25519Secret::from(&theirs);
        assert_eq!(ours.public().to_dalek(), PublicKey::from(&theirs));
        // Half of these are on the twist.
        let peer = X25519Public::from_bytes([seed.wrapping_add(9); 32]);
        assert_eq!(
            ours.diffie_hellman(&peer).unwrap().expose_bytes(),
            theirs.diffie_hellman(&peer.to_dalek()).as_bytes()
        );
        assert_eq!(X25519Public::from_dalek(&peer.to_dalek()), peer);
        assert_eq!(StaticSecret::from(&ours).as_bytes(), theirs.as_bytes());
        assert_eq!(
            X25519Secret::from(theirs).expose_bytes(),
            ours.expose_bytes()
        );
    }
}

#[cfg(feature = "ed25519-dalek")]
#[test]
fn ed25519_keys_agree_with_their_library() {
    use session_crypto::ed25519_dalek::{self, SigningKey};
    use session_crypto::{
        Ed25519PublicExt, Ed25519Secret, Ed25519Signature, KeyError, VerifyingKey,
    };

    let theirs = SigningKey::from_bytes(&[7; 32]);
    let ours = Ed25519Secret::from(theirs.clone());
    assert_eq!(SigningKey::from(&ours), theirs);
    let signature = Ed25519Signature::from_bytes(
        ed25519_dalek::Signature::from_bytes(&ours.sign(b"m").to_bytes()).to_bytes(),
    );
    let key = ours.public().to_verifying_key().unwrap();
    let their_key = ed25519_dalek::VerifyingKey::from(&key);
    assert_eq!(their_key, theirs.verifying_key());
    assert_eq!(VerifyingKey::try_from(&their_key), Ok(key.clone()));
    key.verify(b"m", &signature).unwrap();
    their_key
        .verify_strict(
            b"m",
            &ed25519_dalek::Signature::from_bytes(signature.as_bytes()),
        )
        .unwrap();
    // Their type accepts a key of small order.
    let mut identity = [0; 32];
    identity[0] = 1;
    let weak = ed25519_dalek::VerifyingKey::from_bytes(&identity).unwrap();
    assert_eq!(VerifyingKey::try_from(&weak), Err(KeyError::NotPrimeOrder));
}

#[cfg(feature = "serde")]
#[test]
fn a_verifying_key_is_validated_when_it_is_read() {
    use session_crypto::{Ed25519PublicExt, Ed25519Secret, VerifyingKey};

    let key = Ed25519Secret::from_seed(&[7; 32])
        .public()
        .to_verifying_key();
    let key = key.unwrap();
    let json = serde_json::to_string(&key).unwrap();
    assert_eq!(json, format!("\"{key}\""));
    assert_eq!(serde_json::from_str::<VerifyingKey>(&json).unwrap(), key);
    let identity = format!("\"01{}\"", "00".repeat(31));
    serde_json::from_str::<VerifyingKey>(&identity).unwrap_err();
}

#[test]
fn a_verifying_key_is_hex_text() {
    use session_crypto::ed25519::ParseKeyError;
    use session_crypto::{Ed25519PublicExt, Ed25519Secret, KeyError, VerifyingKey};

    let public = Ed25519Secret::from_seed(&[7; 32]).public();
    let key = public.to_verifying_key().unwrap();
    assert_eq!(key.to_string(), public.to_string());
    assert_eq!(format!("{key:x}"), public.to_string());
    assert_eq!(key.as_ref(), public.as_bytes());
    assert_eq!(public.to_string().parse(), Ok(key.clone()));
    assert_eq!(VerifyingKey::try_from(&public), Ok(key.clone()));
    assert_eq!(
        VerifyingKey::try_from(public.as_bytes().as_slice()),
        Ok(key)
    );
    let identity = format!("01{}", "00".repeat(31));
    assert_eq!(
        identity.parse::<VerifyingKey>(),
        Err(ParseKeyError::Key(KeyError::NotPrimeOrder))
    );
    assert!(matches!(
        "07".parse::<VerifyingKey>(),
        Err(ParseKeyError::Text(_))
    ));
    assert_eq!(
        VerifyingKey::try_from([7; 31].as_slice()),
        Err(KeyError::Length {
            expected: 32,
            got: 31
        })
    );
}
