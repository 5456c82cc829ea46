//! Ids, phrases, names, subaccounts: whatever people type or servers send.

use session_crypto::{Ed25519Public, Ed25519PublicExt, Ed25519Signature, X25519Public, blind};
use session_identity::community::{BaseUrl, Community, Link, Room};
use session_identity::name::Name;
use session_identity::phrase::{self, Language};
use session_identity::session_types::base32z;
use session_identity::subaccount::{AuthData, Permissions, SignedRequest, Token};
use session_identity::{AccountId, AccountIdExt, AnyId, IdKind};

use crate::input::{Input, account, group, rng, server};

/// Ids as bytes and as text.
pub fn ids(data: &[u8]) {
    if let Ok(id) = AnyId::try_from(data) {
        assert_eq!(id.as_bytes().as_slice(), data);
        assert_eq!(id.to_string().parse(), Ok(id));
        if let Ok(IdKind::Account(id)) = id.kind() {
            let _ = (
                id.check(),
                id.candidates15(&server()),
                id.blinded25(&server()),
            );
        }
    }
    if let Ok(key) = <[u8; 32]>::try_from(data) {
        let text = base32z::encode(&key);
        assert_eq!(base32z::decode(&text), Some(key));
        let _ = Ed25519Public::from_bytes(key).to_account_id();
    }
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    if let Ok(id) = text.parse::<AnyId>() {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
    }
    if let Some(key) = base32z::decode(text) {
        assert_eq!(base32z::encode(&key), text);
    }
}

/// Blinded ids of ids and servers of any kind.
pub fn blinding(data: &[u8]) {
    let mut input = Input::new(data);
    let id = AccountId::from_x25519(&X25519Public::from_bytes(input.array()));
    let server = X25519Public::from_bytes(input.array());
    let _ = id.matches(&AnyId::from_bytes(input.array()), &server);
    let own = account(1);
    if let Ok(candidates) = id.candidates15(&server) {
        let absolute = candidates.absolute().into();
        assert_eq!(id.matches(&absolute, &server), Ok(true));
    }
    if let Ok(blinded) = id.blinded25(&server) {
        assert_eq!(id.matches(&blinded.into(), &server), Ok(true));
    }
    for blinding in [blind::Blinding::Blind15, blind::Blinding::Blind25] {
        if let Ok(secret) = own.blinded(blinding, &server) {
            let signature = secret.sign(data);
            assert!(secret.public().verify(data, &signature).is_ok());
            assert_eq!(own.id().matches(&AnyId::from(&secret), &server), Ok(true));
        }
    }
}

/// URLs of communities, as people paste them.
pub fn community_url(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    if let Ok(base) = text.parse::<BaseUrl>() {
        assert_eq!(base.as_str().parse::<BaseUrl>().as_ref(), Ok(&base));
    }
    if let Ok(room) = text.parse::<Room>() {
        assert_eq!(room.as_typed().parse::<Room>().as_ref(), Ok(&room));
    }
    let _ = text.parse::<Link>();
    if let Ok(community) = text.parse::<Community>() {
        let written = community.to_string();
        assert_eq!(written.parse::<Community>().as_ref(), Ok(&community));
    }
}

/// Names, and values from nodes that nobody trusts.
pub fn ons_name(data: &[u8]) {
    let mut input = Input::new(data);
    let text = input.piece();
    if let Some(name) = core::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse::<Name>().ok())
    {
        assert_eq!(name.as_str().parse::<Name>().as_ref(), Ok(&name));
        let (value, nonce) = name.seal(&mut rng(), account(1).id());
        assert_eq!(name.open(&value, &nonce).as_ref(), Ok(account(1).id()));
    }
    let name: Name = "session".parse().expect("it is a name");
    let nonce = input.piece();
    let _ = name.open(input.rest(), nonce);
}

/// Phrases in one language.
pub fn phrase_decode(data: &[u8]) {
    let mut input = Input::new(data);
    let language = Language::ALL[usize::from(input.byte()) % Language::ALL.len()];
    let entropy = input.piece();
    if let Ok(text) = phrase::encode(entropy, language) {
        assert_eq!(**phrase::decode(&text, language).expect("ours"), *entropy);
    }
    let Ok(text) = core::str::from_utf8(input.rest()) else {
        return;
    };
    let _ = phrase::decode_without_checksum(text, language);
    let _ = phrase::substitutions(text, language);
    match phrase::decode(text, language) {
        Ok(bytes) => {
            let written = phrase::encode(&bytes, language).expect("its length is one of ours");
            let again = phrase::decode(&written, language).expect("ours");
            assert_eq!(**again, **bytes);
        }
        // Whoever shows it must not crash either.
        Err(error) => drop(error.to_string()),
    }
}

/// Phrases in whatever language.
pub fn phrase_detect(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    let _ = phrase::detect(text);
    match phrase::decode_any(text) {
        Ok((language, bytes)) => {
            assert_eq!(
                **phrase::decode(text, language).expect("it was decoded"),
                **bytes
            );
        }
        Err(error) => drop(error.to_string()),
    }
}

/// Auth data and tokens from strangers, and ours with some bits flipped.
pub fn subaccount(data: &[u8]) {
    let mut input = Input::new(data);
    let ((secret, id), member) = (group(), account(1));
    let required = Permissions::from_bits(input.byte());
    let bytes: [u8; 100] = input.array();
    if let Ok(auth) = AuthData::try_from(bytes.as_slice()) {
        let _ = auth.check(&id, &member.ed25519_public(), required);
        if let Ok(signed) = auth.sign(&member, b"message") {
            let _ = signed.verify(&secret.public(), 3, required, b"message");
        }
    }
    let ours = AuthData::create(&secret, member.id(), Permissions::MEMBER).expect("good keys");
    let mut flipped = *ours.expose_bytes();
    flipped
        .iter_mut()
        .zip(&bytes)
        .for_each(|(place, byte)| *place ^= byte);
    if let Ok(auth) = AuthData::try_from(flipped.as_slice()) {
        let checked = auth.check(&id, &member.ed25519_public(), Permissions::READ);
        assert!(checked.is_err() || bytes == [0; 100]);
    }
    let stranger = SignedRequest {
        token: Token::from_bytes(input.array()),
        token_signature: Ed25519Signature::from_bytes(input.array()),
        signature: Ed25519Signature::from_bytes(input.array()),
    };
    assert!(
        stranger
            .verify(&secret.public(), 3, required, input.rest())
            .is_err()
    );
}
