//! Checks of opened messages that nothing else holds: whose config it is, and when a Pro message was
//! sent.
#![allow(clippy::unwrap_used, missing_docs)]

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use session_crypto::{Ed25519Secret, Ed25519Signature};
use session_identity::{Account, GroupId, Seed};
use session_message::config::UserConfig;
use session_message::group::layer::{self, Options};
use session_message::{OpenError, Opener, Sealer, SymmetricKey, UnixMillis};
use session_proto::envelope::{self, Envelope, EnvelopeKind};
use session_proto::padding;
use session_proto::schema::session as wire;

const TIME: UnixMillis = UnixMillis::new(1_754_971_101_000);
const SIGNATURE: Ed25519Signature = Ed25519Signature::from_bytes([1; 64]);

fn account(byte: u8) -> Account {
    Account::from_seed(&Seed::from_short(&[byte; 16]))
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([7; 32])
}

/// Encrypts bytes from one account to another, in the envelope of a one-to-one message.
fn sealed(from: &Account, to: &Account, plain: &[u8]) -> Vec<u8> {
    let key = to.x25519_public();
    let sealed = session_crypto::direct::seal(&mut rng(), from.ed25519(), &key, plain).unwrap();
    let envelope = Envelope::new(EnvelopeKind::Session, TIME, &sealed, &SIGNATURE);
    envelope::wrap(&envelope.encode())
}

/// Whoever knows an account id can encrypt a config to it.
#[test]
fn a_config_that_another_account_has_wrapped_is_not_ours() {
    let (own, stranger) = (account(1), account(2));
    let config = UserConfig::Contacts;
    let wrapped = Sealer::new(&own).wrap_config(config, 1, b"config").unwrap();
    let content = envelope::unwrap(&wrapped).unwrap();
    let content = Envelope::parse(content).unwrap().content.unwrap();
    let to = own.x25519_public();
    let opened = session_crypto::direct::open(own.x25519(), &to, content).unwrap();
    let unwrap = |from: &Account| {
        let data = sealed(from, &own, &opened.message);
        Opener::new(&own).unwrap_config(config, &data)
    };
    assert_eq!(unwrap(&own).unwrap().data, b"config");
    assert_eq!(unwrap(&stranger).err(), Some(OpenError::NotOurs));
}

/// A content with a Pro proof, and the time in it.
fn pro_content(time: Option<u64>) -> Vec<u8> {
    let content = wire::Content {
        data_message: Some(wire::DataMessage {
            body: Some("x".into()),
            ..wire::DataMessage::default()
        }),
        sig_timestamp: time,
        pro_message: Some(wire::ProMessage::default()),
        ..wire::Content::default()
    };
    prost::Message::encode_to_vec(&content)
}

#[test]
fn a_pro_message_says_when_it_was_sent_in_one_to_one_and_in_groups() {
    let (alice, bob) = (account(1), account(2));
    let group = GroupId::from_ed25519(&Ed25519Secret::from_seed(&[7; 32]).public());
    let key = SymmetricKey::from_bytes([9; 32]);
    for (time, expected) in [
        (Some(TIME.get()), None),
        (None, Some(OpenError::ProTime)),
        (Some(0), Some(OpenError::ProTime)),
    ] {
        let content = pro_content(time);
        let mut padded = content.clone();
        padding::pad(&mut padded);
        let data = sealed(&alice, &bob, &padded);
        let opened = Opener::new(&bob).open_direct(&data);
        assert_eq!(opened.err(), expected, "one-to-one, {time:?}");

        let envelope = Envelope::new(EnvelopeKind::ClosedGroup, TIME, &content, &SIGNATURE);
        let plain = envelope.encode();
        let options = Options::default();
        let data = layer::seal(&mut rng(), alice.ed25519(), &group, &key, &plain, options);
        let opened = Opener::new(&bob).open_group(&group, [&key], &data.unwrap());
        assert_eq!(opened.err(), expected, "group, {time:?}");
    }
}
