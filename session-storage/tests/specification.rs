//! The computed vectors of the protocol: storage-rpc, sections 7.1 to 7.4.
#![allow(clippy::unwrap_used, missing_docs)]

use core::time::Duration;

use session_crypto::{Ed25519PublicExt, Ed25519Secret, Ed25519Signature};
use session_storage::monitor::Monitor;
use session_storage::value::Value;
use session_storage::*;
use session_types::{
    AnyId, Ed25519Public, GroupId, MessageHash, Namespace, Namespaces, SealedMessage, UnixMillis,
};

const T: UnixMillis = UnixMillis::new(1_700_000_000_000);
const H1: &str = "4sMyAuaZlMwww3oFvfhazfw7ASx/7TDtO+TVc8aAjHs";
const H2: &str = "bepQtTaYrzcuCXO3fZkmk/h3xkMQ3vCh94i5HzLmj3I";

fn secret(hex: &str) -> Ed25519Secret {
    Ed25519Secret::from_seed(&const_hex::decode_to_array(hex).unwrap())
}

fn user() -> (Ed25519Secret, AnyId) {
    let secret = secret("0123456789abcdef0123456789abcdeffedcba9876543210fedcba9876543210");
    let account = AnyId::from(secret.public().to_account_id().unwrap());
    let id = "05f1e8b64bbf761edf8f7b47e3a1f369985644cce0a62adb8e21604474bdd49627";
    assert_eq!(account.to_string(), id);
    (secret, account)
}

/// A subaccount token for a key that is not that of a group member.
fn token(prefix: u8, permissions: Permissions, key: &Ed25519Public) -> Token {
    let head = [prefix, permissions.bits(), 0, 0];
    Token::try_from([&head, &key.as_bytes()[..]].concat().as_slice()).unwrap()
}

fn store(account: AnyId, namespace: Namespace) -> Store {
    let message = SealedMessage {
        namespace,
        ttl: Duration::from_secs(60),
        data: vec![],
    };
    Store::new(account, message, T).unwrap()
}

fn hashes() -> Vec<MessageHash> {
    vec![H1.parse().unwrap(), H2.parse().unwrap()]
}

/// The signature as the JSON of a request has it.
fn base64(signature: &Ed25519Signature) -> String {
    let value = Value::Bytes(signature.as_bytes().to_vec());
    value.to_json_text().trim_matches('"').to_owned()
}

#[test]
fn request_signatures() {
    let (secret, account) = user();
    let signer = Signer::user(&secret);
    let retrieve = |number| {
        let request = Retrieve::new(account, Namespace::new(number)).sign(T, &signer);
        request.auth.unwrap().auth.signature
    };
    let store = store(account, Namespace::new(5)).sign(T, &signer);
    let expire = |hashes: Vec<MessageHash>| Expire::new(account, hashes, T).unwrap();
    let one = || vec![H1.parse::<MessageHash>().unwrap()];
    let default = Namespace::DEFAULT;
    let namespaces = [2, 0, -10].map(Namespace::new).to_vec();
    for (signature, expected) in [
        (
            retrieve(0),
            "Zzv1poqCmEzjTCjIKFPx6Ktp088rzN9qbzF7ipjgDi4kBqjKyFdKSapVvPGE074nh3/tTIu1a2xZnrlI9wnMCg==",
        ),
        (
            retrieve(2),
            "vNh5+bQCgQLwDq+RUbWgagr18I24MzQYQRUspVqS0u4RyKtiz3xplxfrWHgx5pXiM8NVLycI8N1MJRerRYBoDA==",
        ),
        (
            retrieve(-11),
            "YTF9EWG9kKXmVU2a5wvG6eHgCHh8md49Cax+QnAg5SoT+WTCZ1IOYrzQtWWja1kgoRiyogULpdbx0dCf0lJJAw==",
        ),
        (
            store.auth.unwrap().signature,
            "iwPj7MIO1iMXRHcqOo7MxWVJms2KnXBTiEoeidTZqqQmDVeg6QwoqhzvMGGlvk5V24Z39EvmCPjFCnHXDRe6DQ==",
        ),
        (
            DeleteAll::new(account, Namespaces::All)
                .sign(T, &signer)
                .auth
                .auth
                .signature,
            "nmJNZkOLtz7FPFPQelc6CGQ0ec4ZigT2Yum3SFAIGpQV/dU+1HNFc3HtBgT2iC3KoGPIv7RjFe/DlhX9m7KQBQ==",
        ),
        (
            DeleteAll::new(account, default)
                .sign(T, &signer)
                .auth
                .auth
                .signature,
            "Eqz2y5mSy4XPMuxSOB5Fc4QWNNiOFXl8zh6KMzoGp5oeTUQQKbMuisBLhR2r++0S73AtAzFhnC+cgsXIarlmAg==",
        ),
        (
            DeleteBefore::new(account, default, T)
                .sign(T, &signer)
                .auth
                .signature,
            "7cQ8VjmBqN+GGPfVHoxSXmGosloTA6ebGxkMgx3WuW5ep0YRtWDOqjusju3tZ2tH3F0f48AT9ngl5sV7L3E4Aw==",
        ),
        (
            ExpireAll::new(account, default, T)
                .sign(T, &signer)
                .auth
                .signature,
            "6ahE7xMI1elYaLn4hvYnGaLmip6aZ1+uWAgUc2R5Byv1wd+IfHfnsv1ZLRisqH9dS+uA7fPVsgDjk7IRVrfdCg==",
        ),
        (
            Delete::new(account, hashes())
                .unwrap()
                .sign(T, &signer)
                .auth
                .signature,
            "m9W3Hz6m6bAzP5VZouwO4Jw9o3v6b5rIyhaUZeeDo+JeEcPcTjTQrFxpAaEwKI59DwQRUPHcFPEJyXV7F2csDw==",
        ),
        (
            expire(one()).shorten().sign(T, &signer).auth.signature,
            "6qwAYdcQvt9+K2h5SNm5VKnHhxBzpcfQTrM/ZlwUzFmcLxSHsTD/6BZmkikwLJw36qj3IPTYWFeWM1BmBRW2AQ==",
        ),
        (
            expire(hashes()).extend().sign(T, &signer).auth.signature,
            "UhliH8vWx7zQp0E9QA5iXDKFuamFNg6gDNXGt7WyfdsnSmWRYp1FqxScoK6Z/AyS5YAsmKMMZs49wd12jiQ5Dg==",
        ),
        (
            expire(one()).sign(T, &signer).auth.signature,
            "znvuxZGXTmkSGe2yFPnRRXzS8lOYgPKZ3wY8JC7WH+mX18vl9YvWYgRDuC2WD3T3o+kLAVZ23vMMYJxBjBSmBA==",
        ),
        (
            GetExpiries::new(account, one())
                .unwrap()
                .sign(T, &signer)
                .auth
                .auth
                .signature,
            "uqOIikHmYK3C9BteYdTljMEdgwMaQw4oAmiwxvtCtneWL2wWpQslH5NhkRc33GP6d/OSnHp3wQZzZOzk23cOAA==",
        ),
        (
            RevokedSubaccounts::new(account)
                .sign(T, &signer)
                .auth
                .auth
                .signature,
            "5gaWGbFdLDavzlinq7R61UnqfJEoAkXcY3MIG3N7/eOoPVNVuAlN5EhqHGWTOBm1OTd2C84fb2MXYsd1jJ0bCQ==",
        ),
        (
            Monitor::new(account, namespaces)
                .with_data()
                .sign(T, &signer)
                .auth
                .auth
                .signature,
            "jI1Ac+12rv4kh6wtFSuyFhgcoeuHfHmMMomcGHvd3M/hwTL1aWj0GlBYpnjMqeLdIjdyeP1yF4Y3T1OfNAFQBQ==",
        ),
    ] {
        assert_eq!(base64(&signature), expected);
    }
}

#[test]
fn a_group_member() {
    let group = secret("0123456789abcdeffedcba98765432100123456789abcdeffedcba9876543210");
    let account = AnyId::from(GroupId::from_ed25519(&group.public()));
    let member = secret("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    let permissions = Permissions::READ | Permissions::WRITE;
    let token = token(0x03, permissions, &member.public());
    assert_eq!(
        const_hex::encode(token.as_bytes()),
        "030300003ccd241cffc9b3618044b97d036d8614593d8b017c340f1dee8773385517654b"
    );
    let proof = SubaccountProof::new(token, &group);
    assert_eq!(
        base64(&proof.signature),
        "KO9F8h3HILuSoJkHSYEBA/QVdJlEKfO/j9CLEWH0NRS2u1inPKsjMg0S8HZHOAJLILegSACigRoOPudqqssNBw=="
    );
    let signer = Signer::subaccount(&member, proof, None);
    let retrieve = Retrieve::new(account, Namespace::GROUP_MESSAGES).sign(T, &signer);
    assert_eq!(
        base64(&retrieve.auth.unwrap().auth.signature),
        "3HFeIxLoFs8beokqAo0+Fx8fOSV8iPOtOGl7UZFQ6ELKHJfwX52/xh03RRVoO4NhaQwhhtpaEi8yc0ud1RXFCQ=="
    );
    let signer = Signer::group(&group);
    let revoke = RevokeSubaccount::new(account, [token])
        .unwrap()
        .sign(T, &signer);
    assert_eq!(
        const_hex::encode(revoke.message()),
        "7265766f6b655f7375626163636f756e7431373030303030303030303030030300003ccd241cffc9b3618044b97d036d8614593d8b017c340f1dee8773385517654b"
    );
    assert_eq!(
        base64(&revoke.auth.auth.signature),
        "z1kZV7E8XuNdFKUZ4OklAaGKNsMZ5qFsa5VcQ4hufOkIAzSd3cTwQdBremUq8molhyvyYljupqsf29/E4WW4Dg=="
    );
    let unrevoke = UnrevokeSubaccount::new(account, [token])
        .unwrap()
        .sign(T, &signer);
    assert_eq!(
        base64(&unrevoke.auth.auth.signature),
        "01q0ifMlUn07DYF0thmCG5c/od8C3/Q+d5j5QU2ybYsnHGVSVFKepkl9/wVb8/e/ojcSUGSZfTanmIZmAxKODg=="
    );
}

#[test]
fn node_signatures_in_results() {
    let (secret, account) = user();
    let signer = Signer::user(&secret);
    let node = Ed25519Secret::from_seed(&[9; 32]);
    let [h1, h2]: [MessageHash; 2] = hashes().try_into().unwrap();
    let store = store(account, Namespace::DEFAULT);
    let entry = StoreEntry {
        hash: h1,
        expiry: UnixMillis::EPOCH,
        already: false,
    };
    assert_eq!(
        base64(&store.sign_entry(&node, entry).signature),
        "JL6n8dp0F+kwO6vUEPSQljb2pOh0q/792YkuqHQo8lNDExEUbrHel7L+TaHSWzV7B9i7SbwdyZkx35QWb4+/CQ=="
    );
    let delete = Delete::new(account, hashes()).unwrap();
    let delete = delete.sign(T, &signer);
    let entry = DeleteEntry { deleted: vec![h1] };
    assert_eq!(
        base64(&delete.sign_entry(&node, entry).signature),
        "9h+K6oeDFzmpsTacXrcejqZmApZYu9LKrIyp+3BoMhwJK+tczHc58GpDlzPMSeWK8hQDkupjNsNqAwvn0PlQAg=="
    );
    let expire = Expire::new(account, hashes(), T).unwrap().extend();
    let expire = expire.sign(T, &signer);
    let entry = ExpireEntry {
        expiry: Expiries::One(T),
        updated: vec![h2],
        unchanged: Some([(h1, T.saturating_add(Duration::from_secs(1)))].into()),
    };
    assert_eq!(
        base64(&expire.sign_entry(&node, entry).signature),
        "7JQTUQtAyN/d2cWZxZxd8WtaQPo4Y1crdPrUetXM9fF1DimAq6GzrCCWC+CgHiu6w0WBNWYkvLhkegKyX6ttDg=="
    );
}
