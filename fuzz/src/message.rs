//! Messages. The `open` targets give the fuzzer's bytes to the opener as they are. The `inside`
//! targets seal them first with the keys of whoever may write, so that they get past every tag and
//! signature, and the fuzzer reaches what comes after.

use session_crypto::multi::Party;
use session_crypto::{
    Blinding, SymmetricKey, direct, group as group_cipher, inbox as inbox_cipher,
};
use session_identity::AnyId;
use session_message::group::layer;
use session_message::multi::{self, Junk};
use session_message::notify::Notification;
use session_message::{Opened, Opener, SealError, Sealer, UnixMillis, config, inbox, kicked};
use session_proto::envelope::{self, Envelope, EnvelopeKind};
use session_proto::{bt, content, padding};

use crate::input::{Input, account, group, rng, server};

const NOW: UnixMillis = UnixMillis::new(1_795_377_199_099);
const SIGNATURE: content::Ed25519Signature = content::Ed25519Signature::from_bytes([5; 64]);

/// What opens must be consistent with itself.
fn check(opened: &Opened) {
    let decoded = content::decode(&opened.raw).expect("raw is the content");
    assert_eq!(decoded.content, opened.content);
    let _ = opened.key();
    if let Some(claim) = &opened.pro {
        let _ = claim.status(&account(1).ed25519_public());
    }
}

/// One-to-one messages from strangers.
pub fn direct_open(data: &[u8]) {
    if let Ok(opened) = Opener::new(account(1)).open_direct(data) {
        check(&opened);
    }
}

/// An envelope around anything, signed and sealed rightly, from somebody or from ourselves.
pub fn direct_inside(data: &[u8]) {
    let mut input = Input::new(data);
    let recipient = account(1);
    let flags = input.byte();
    let sender = account(1 + (flags & 1));
    let sent_at = UnixMillis::new(if flags & 2 == 0 { 0 } else { input.number() });
    let signature: [u8; 64] = if flags & 4 == 0 {
        [5; 64]
    } else {
        input.array()
    };
    let mut plain = input.rest().to_vec();
    if flags & 8 == 0 {
        padding::pad(&mut plain);
    }
    let public = recipient.x25519_public();
    let sealed = direct::seal(&mut rng(), sender.ed25519(), &public, &plain).expect("good keys");
    let envelope = Envelope {
        kind: EnvelopeKind::Session,
        source: None,
        sent_at,
        source_device: Some(1),
        content: Some(&sealed),
        pro_signature: (flags & 16 == 0).then_some(&signature),
    };
    let stored = envelope::wrap(&envelope.encode());
    if let Ok(opened) = Opener::new(&recipient).open_direct(&stored) {
        assert_eq!(opened.sender, *sender.id());
        check(&opened);
    }
}

/// A content that can be sent arrives as it was.
pub fn roundtrip(data: &[u8]) {
    let Ok(decoded) = content::decode(data) else {
        return;
    };
    let mut content = decoded.content;
    content.omitted = content::Omitted::NONE;
    // The one time that a content has itself is always that of sending.
    if let content::Kind::Typing(typing) = &mut content.kind {
        typing.sent_at = NOW;
    }
    let (sender, recipient) = (account(1), account(2));
    let sealer = Sealer::new(&sender);
    let mut opener = Opener::new(&recipient);
    let sealed = sealer.seal_direct(&mut rng(), recipient.id(), &content, NOW);
    if let Ok(sealed) = sealed {
        let opened = opener.open_direct(&sealed.data).expect("it was sent");
        assert_eq!(opened.content, content);
        assert_eq!((opened.sent_at, opened.sender), (NOW, *sender.id()));
    }
    let (_, id) = group();
    let key = SymmetricKey::from_bytes([6; 32]);
    if let Ok(sealed) = sealer.seal_group(&mut rng(), &id, &key, &content, NOW) {
        let opened = opener
            .open_group(&id, [&key], &sealed.data)
            .expect("it was sent");
        assert_eq!(opened.content, content);
    }
    if let Ok(post) = sealer.seal_post(&content, NOW) {
        let opened = opener.open_post(&post, NOW, NOW).expect("it was posted");
        assert_eq!(opened.content, content);
    }
}

/// Group messages from whoever can write to the swarm.
pub fn group_open(data: &[u8]) {
    let keys = [
        SymmetricKey::from_bytes([6; 32]),
        SymmetricKey::from_bytes([7; 32]),
    ];
    assert!(
        Opener::new(account(3))
            .open_group(&group().1, &keys, data)
            .is_err()
    );
}

/// Anything encrypted with the group's key, and anything signed by a member too.
pub fn group_inside(data: &[u8]) {
    let (_, id) = group();
    let key = SymmetricKey::from_bytes([6; 32]);
    let padding = group_cipher::PADDING_MULTIPLE;
    let message = group_cipher::encrypt(&mut rng(), &key, data, padding);
    let _ = layer::open(&id, [&key], &message.expect("it is short"));

    let options = layer::Options::default();
    let sender = account(1);
    if let Ok(message) = layer::seal(&mut rng(), sender.ed25519(), &id, &key, data, options) {
        let opened = layer::open(&id, [&key], &message).expect("ours");
        assert_eq!(**opened.plain, *data);
        if let Ok(opened) = Opener::new(account(3)).open_group(&id, [&key], &message) {
            assert_eq!(opened.sender, *sender.id());
            check(&opened);
        }
    }
    // As content of an envelope, which is what members send.
    let mut plain = data.to_vec();
    padding::pad(&mut plain);
    let envelope =
        Envelope::new(EnvelopeKind::Session, UnixMillis::EPOCH, &plain, &SIGNATURE).encode();
    let message = layer::seal(&mut rng(), sender.ed25519(), &id, &key, &envelope, options);
    if let Ok(opened) =
        Opener::new(account(3)).open_group(&id, [&key], &message.expect("it is short"))
    {
        check(&opened);
    }
}

/// A compressed group message, rightly signed, whose frame is the fuzzer's.
pub fn group_zstd(data: &[u8]) {
    let (_, id) = group();
    let (key, sender) = (SymmetricKey::from_bytes([6; 32]), account(1));
    let signature = sender.ed25519().sign_parts(&[data, id.key_bytes()]);
    let dict = bt::dict(|dict| {
        dict.int(b"", 1_u64);
        dict.bytes(b"a", sender.ed25519_public().as_bytes());
        dict.bytes(b"s", signature.as_bytes());
        dict.bytes(b"z", data);
    });
    let message = group_cipher::encrypt(&mut rng(), &key, &dict, 1);
    if let Ok(opened) = layer::open(&id, [&key], &message.expect("it is short")) {
        assert!(!opened.plain.is_empty() && opened.plain.len() <= layer::MAX_LENGTH);
    }
}

/// Posts in communities, which nobody encrypts.
pub fn community_open(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let posted_at = if flags & 1 == 0 {
        NOW
    } else {
        UnixMillis::new(input.number())
    };
    let mut post = input.rest().to_vec();
    if flags & 2 == 0 {
        padding::pad(&mut post);
    }
    if let Ok(post) = Opener::new(account(1)).open_post(&post, posted_at, NOW) {
        assert!(!post.raw.is_empty());
        if let Some(claim) = &post.pro {
            let _ = claim.status(&account(1).ed25519_public());
        }
    }
}

/// Inbox messages from strangers.
pub fn inbox_open(data: &[u8]) {
    let mut input = Input::new(data);
    let own = account(1)
        .blinded(Blinding::Blind25, &server())
        .expect("good keys");
    let own_id = AnyId::from(&own);
    let sender = AnyId::from_bytes(input.array());
    let metadata = inbox::Metadata {
        sender: &sender,
        recipient: &own_id,
        posted_at: NOW,
    };
    assert!(
        Opener::new(account(1))
            .open_inbox(&own, &metadata, input.rest(), NOW)
            .is_err()
    );
}

/// Anything in an inbox message from a blinded account.
pub fn inbox_inside(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let blinding = if flags & 1 == 0 {
        Blinding::Blind25
    } else {
        Blinding::Blind15
    };
    let sender = account(2).blinded(blinding, &server()).expect("good keys");
    let own = account(1).blinded(blinding, &server()).expect("good keys");
    let posted_at = if flags & 2 == 0 {
        NOW
    } else {
        UnixMillis::new(input.number())
    };
    let mut plain = input.rest().to_vec();
    if flags & 4 == 0 {
        padding::pad(&mut plain);
    }
    let sealed = inbox_cipher::seal(&mut rng(), &sender, &own.public(), &plain);
    let metadata = inbox::Metadata {
        sender: &AnyId::from(&sender),
        recipient: &AnyId::from(&own),
        posted_at,
    };
    if let Ok(opened) =
        Opener::new(account(1)).open_inbox(&own, &metadata, &sealed.expect("good keys"), NOW)
    {
        assert_eq!(opened.sender, *account(2).id());
    }
}

/// Messages to many, and what members are told when they are removed.
pub fn multi_open(data: &[u8]) {
    let (secret, id) = group();
    let member = account(1);
    let (own, secret) = (
        Party::new(member.x25519(), kicked::DOMAIN),
        secret.to_x25519(),
    );
    let sender = Party::new(&secret, kicked::DOMAIN);
    assert!(multi::open(&own, sender.public(), data).is_err());
    let others = [account(2).x25519_public(), member.x25519_public()];
    let nonce = [1; multi::NONCE_LENGTH];
    let junk = Junk::Multiple(usize::from(data.first().copied().unwrap_or(0) % 8));
    let sealed =
        multi::seal(&mut rng(), &sender, &nonce, &others, &[data], junk).expect("good keys");
    assert_eq!(
        **multi::open(&own, sender.public(), &sealed).expect("ours"),
        *data
    );
    let _ = Opener::new(&member).open_removal(&id, 3, &sealed);
    let text = [member.id().key_bytes().as_slice(), data].concat();
    let sealed =
        multi::seal(&mut rng(), &sender, &nonce, &others, &[&text], junk).expect("good keys");
    if let Ok(generation) = Opener::new(&member).open_removal(&id, 3, &sealed) {
        assert!(generation >= 3);
    }
}

/// Configs in and out of their wrapper, with anything in it.
pub fn config_unwrap(data: &[u8]) {
    let own = account(1);
    let kind = config::UserConfig::Contacts;
    let _ = Opener::new(&own).unwrap_config(kind, data);
    let public = own.x25519_public();
    let sealed = direct::seal_deterministic(own.ed25519(), &public, data).expect("good keys");
    let envelope = Envelope {
        kind: EnvelopeKind::Session,
        source: None,
        sent_at: UnixMillis::new(1),
        source_device: None,
        content: Some(&sealed),
        pro_signature: None,
    };
    let _ = Opener::new(&own).unwrap_config(kind, &envelope::wrap(&envelope.encode()));
    let wrapped = match Sealer::new(&own).wrap_config(kind, 4, data) {
        Err(SealError::TooLong { .. }) if data.len() > 76_000 => return,
        wrapped => wrapped.expect("good keys"),
    };
    let unwrapped = Opener::new(&own)
        .unwrap_config(kind, &wrapped)
        .expect("ours");
    assert_eq!((unwrapped.data.as_slice(), unwrapped.seqno), (data, 4));
}

/// Notifications of the push server.
pub fn notification(data: &[u8]) {
    if let Ok(read) = Notification::parse(data) {
        let written = read.encode();
        assert_eq!(Notification::parse(&written), Ok(read));
    }
}
