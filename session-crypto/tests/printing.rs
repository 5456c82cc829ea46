//! `Debug` and `Display`: names of secrets, all bytes of public values.
#![allow(clippy::unwrap_used, missing_docs)]

use session_crypto::Ed25519PublicExt;
use session_crypto::attachment::{Decryptor, Encryptor, FileKey, Kind, legacy};
use session_crypto::config::Domain;
use session_crypto::group_keys::Rekey;
use session_crypto::multi::Party;
use session_crypto::secretstream::{SecretStream, Tag};
use session_crypto::x25519::PreparedPublic;
use session_crypto::{
    Blake2b, BlindedSecret, Blinding, Ed25519Public, Ed25519Secret, Ed25519Signature, SymmetricKey,
    X25519Public, X25519Secret,
};
use session_types::AccountId;

#[test]
fn secrets_print_their_names_alone() {
    let (secret, other) = (X25519Secret::from_bytes([1; 32]), [2; 32]);
    let shared = secret
        .diffie_hellman(&X25519Secret::from_bytes(other).public())
        .unwrap();
    assert_eq!(format!("{secret:?}"), "X25519Secret(..)");
    assert_eq!(format!("{shared:?}"), "SharedSecret(..)");
    let account = Ed25519Secret::from_seed(&[1; 32]);
    assert_eq!(format!("{account:?}"), "Ed25519Secret(..)");
    let keys = legacy::Keys::from_bytes([1; 64]);
    assert_eq!(format!("{keys:?}"), "Keys(..)");
    let stream = SecretStream::new(&SymmetricKey::from_bytes([1; 32]), &[2; 24]);
    assert_eq!(format!("{stream:?}"), "SecretStream(..)");
    let key = SymmetricKey::from_bytes([1; 32]);
    assert_eq!(format!("{key:?}"), "SymmetricKey(..)");
    let key = FileKey::derive(&account, Kind::Attachment, b"content");
    let encryptor = Encryptor::new(&key, 7, &mut Vec::new()).unwrap();
    assert_eq!(
        format!("{encryptor:?}"),
        "Encryptor { content_left: 7, .. }"
    );
    let server = X25519Public::from_bytes([9; 32]);
    let blinded = BlindedSecret::new(Blinding::Blind15, &account, &server).unwrap();
    assert_eq!(format!("{blinded:?}"), "BlindedSecret(..)");
    let prepared = account.public().to_verifying_key().unwrap();
    let shown = format!("VerifyingKey({})", account.public());
    assert_eq!(format!("{prepared:?}"), shown);
    let prepared = PreparedPublic::new(server);
    assert_eq!(format!("{prepared:?}"), format!("PreparedPublic({server})"));
    let scalar = account.to_scalar();
    assert_eq!(format!("{scalar:?}"), "SecretScalar(..)");
    let party = Party::new(&secret, b"domain");
    let public = secret.public();
    let shown = format!("Party {{ public: {public:?}, .. }}");
    assert_eq!(format!("{party:?}"), shown);
    assert_eq!(format!("{:?}", key.key), "Key(..)");
    let hash = Blake2b::<32>::keyed(b"key");
    assert_eq!(format!("{hash:?}"), "Blake2b { .. }");
    let decryptor = Decryptor::new(&key.key);
    assert_eq!(format!("{decryptor:?}"), "Decryptor(..)");
    let rekey = Rekey::new(&account, &[AccountId::from_bytes([5; 33]).unwrap()], 0).unwrap();
    assert_eq!(format!("{rekey:?}"), "Rekey { entries: 45, .. }");
}

#[test]
fn tags_are_their_bytes() {
    for byte in 0..=255 {
        let tag = Tag::from_byte(byte);
        assert_eq!(tag.is_some(), byte < 4);
        if let Some(tag) = tag {
            assert_eq!(tag.to_byte(), byte);
        }
    }
}

#[test]
fn public_values_are_printed_in_hex() {
    let bytes: [u8; 64] = core::array::from_fn(|i| u8::try_from(i * 4).unwrap());
    let [first, second] = [&bytes[..32], &bytes[32..]].map(const_hex::encode);
    let (ed25519, x25519) = (
        Ed25519Public::try_from(&bytes[..32]).unwrap(),
        X25519Public::try_from(&bytes[32..]).unwrap(),
    );
    let signature = Ed25519Signature::try_from(bytes.as_slice()).unwrap();
    assert_eq!(ed25519.to_string(), first);
    assert_eq!(format!("{ed25519:?}"), format!("Ed25519Public({first})"));
    assert_eq!(x25519.to_string(), second);
    assert_eq!(format!("{x25519:?}"), format!("X25519Public({second})"));
    assert_eq!(signature.to_string(), format!("{first}{second}"));
    assert_eq!(
        format!("{signature:?}"),
        format!("Ed25519Signature({signature})")
    );
    assert_eq!(Domain::new("Contacts").unwrap().as_str(), "Contacts");
}
