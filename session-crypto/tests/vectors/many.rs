//! Messages for many recipients, and for blinded ones.

use session_crypto::multi::{self, Party};
use session_crypto::{
    BlindedSecret, Blinding, Ed25519Public, Ed25519Secret, X25519Public, X25519Secret, inbox,
};
use testkit::{Case, Replay, Vectors};

fn x25519_secret(case: Case<'_>, seed: &str) -> X25519Secret {
    Ed25519Secret::from_seed(&case.array(seed)).to_x25519()
}

fn x25519_public(case: Case<'_>, field: &str) -> X25519Public {
    X25519Public::from_bytes(case.array(field))
}

/// The form in which nonce and entries travel.
fn encode(nonce: &[u8; 24], entries: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"d1:#24:".to_vec();
    out.extend_from_slice(nonce);
    out.extend_from_slice(b"1:el");
    for entry in entries {
        out.extend_from_slice(format!("{}:", entry.len()).as_bytes());
        out.extend_from_slice(entry);
    }
    out.extend_from_slice(b"ee");
    out
}

/// A value of the same form, as far as these vectors need it.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    Bytes(&'a [u8]),
    List(Vec<Value<'a>>),
    Dict(Vec<(&'a [u8], Value<'a>)>),
    Integer,
}

pub(crate) fn read<'a>(input: &mut &'a [u8]) -> Option<Value<'a>> {
    let (first, rest) = input.split_first()?;
    match first {
        b'0'..=b'9' => {
            let colon = input.iter().position(|byte| *byte == b':')?;
            let length: usize = core::str::from_utf8(&input[..colon]).ok()?.parse().ok()?;
            let (bytes, rest) = input[colon + 1..].split_at_checked(length)?;
            *input = rest;
            Some(Value::Bytes(bytes))
        }
        b'i' => {
            let end = input.iter().position(|byte| *byte == b'e')?;
            *input = &input[end + 1..];
            Some(Value::Integer)
        }
        b'l' | b'd' => {
            *input = rest;
            let mut items = Vec::new();
            while input.first()? != &b'e' {
                items.push(read(input)?);
            }
            *input = &input[1..];
            if *first == b'l' {
                return Some(Value::List(items));
            }
            let mut entries = Vec::new();
            let mut items = items.into_iter();
            while let Some(key) = items.next() {
                let Value::Bytes(key) = key else { return None };
                entries.push((key, items.next()?));
            }
            entries
                .is_sorted_by(|a, b| a.0 < b.0)
                .then_some(Value::Dict(entries))
        }
        _ => None,
    }
}

/// Nonce and entries.
fn decode(mut encoded: &[u8]) -> Option<([u8; 24], Vec<&[u8]>)> {
    let Value::Dict(dict) = read(&mut encoded)? else {
        return None;
    };
    if !encoded.is_empty() {
        return None;
    }
    let field = |name: &[u8]| {
        dict.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    };
    let (Value::Bytes(nonce), Value::List(entries)) = (field(b"#")?, field(b"e")?) else {
        return None;
    };
    let entries = entries
        .iter()
        .map(|entry| match entry {
            Value::Bytes(bytes) => Some(*bytes),
            _ => None,
        })
        .collect::<Option<_>>()?;
    Some(((*nonce).try_into().ok()?, entries))
}

#[test]
fn multi_encrypt() {
    let vectors = Vectors::load("multi_encrypt");
    vectors.each("shared_key", |case| {
        let domain = case.text("domain").as_bytes();
        let sender = X25519Secret::from_bytes(case.array("sender_x25519_sk"));
        let recipient = X25519Secret::from_bytes(case.array("recipient_x25519_sk"));
        let (sender, recipient) = (Party::new(&sender, domain), Party::new(&recipient, domain));
        assert_eq!(sender.public().to_bytes(), case.array("sender_x25519_pk"));
        assert_eq!(
            recipient.public().to_bytes(),
            case.array("recipient_x25519_pk")
        );
        let key = sender.key_to(recipient.public()).unwrap();
        assert_eq!(key.expose_bytes(), &case.array("key"));
        let same = recipient.key_from(sender.public()).unwrap();
        assert_eq!(same.expose_bytes(), key.expose_bytes());
    });
    vectors.each("encrypt_simple", |case| {
        let domain = case.text("domain").as_bytes();
        let (secret, nonce) = (x25519_secret(case, "sender_seed"), case.array("nonce"));
        let sender = Party::new(&secret, domain);
        assert_eq!(sender.public().to_bytes(), case.array("sender_x25519_pk"));
        let recipients = case.list("recipients");
        let keys: Vec<X25519Public> = recipients
            .iter()
            .map(|recipient| x25519_public(*recipient, "x25519_pk"))
            .collect();
        let messages: Vec<Vec<u8>> = match case.opt_hex("plaintext") {
            Some(message) => vec![message],
            None => recipients
                .iter()
                .map(|recipient| recipient.hex("plaintext"))
                .collect(),
        };
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let entries = sender.seal_to_all(&keys, &nonce, &messages).unwrap();

        let padded = [entries.clone(), case.hexes("random")].concat();
        assert_eq!(encode(&nonce, &padded), case.hex("encoded"));

        let encoded = case.hex("encoded");
        let (nonce, found) = decode(&encoded).unwrap();
        for (index, recipient) in recipients.iter().enumerate() {
            let secret = x25519_secret(*recipient, "seed");
            let opened = Party::new(&secret, domain)
                .open_from(sender.public(), &nonce, found.iter().copied())
                .unwrap();
            assert_eq!(*opened, *messages.get(index).unwrap_or(&messages[0]));
        }

        let stranger = x25519_secret(case, "non_recipient_seed");
        let opens = |party: &Party<'_>, sender: &X25519Public| {
            party
                .open_from(sender, &nonce, found.iter().copied())
                .is_ok()
        };
        assert_eq!(
            opens(&Party::new(&stranger, domain), sender.public()),
            case.flag("non_recipient_decrypts")
        );
        if let Some(first) = recipients.first() {
            let secret = x25519_secret(*first, "seed");
            let other_domain = [domain, b"x"].concat();
            assert_eq!(
                opens(&Party::new(&secret, &other_domain), sender.public()),
                case.flag("wrong_domain_decrypts")
            );
            assert_eq!(
                opens(&Party::new(&secret, domain), &stranger.public()),
                case.flag("wrong_sender_decrypts")
            );
        }
    });
    vectors.each("decode_checks", |case| {
        if case.opt_flag("informational") {
            return;
        }
        let secret = x25519_secret(case, "recipient_seed");
        let sender = x25519_public(case, "sender_x25519_pk");
        let domain = case.text("domain").as_bytes();
        let encoded = case.hex("encoded");
        let opened = decode(&encoded).and_then(|(nonce, entries)| {
            let key = Party::new(&secret, domain).key_from(&sender).unwrap();
            multi::open(&key, &nonce, entries).ok()
        });
        assert_eq!(opened.is_some(), case.flag("ok"));
        if let Some(opened) = opened {
            assert_eq!(*opened, case.hex("plaintext"));
        }
    });
}

/// A blinded id taken apart.
fn blinded(case: Case<'_>, field: &str) -> (Blinding, Ed25519Public) {
    let id = case.hex(field);
    let key = Ed25519Public::try_from(&id[1..]).unwrap();
    (Blinding::from_prefix(id[0]).unwrap(), key)
}

/// Opens as the owner of `seed`.
fn open(case: Case<'_>, seed: &str) -> Option<inbox::Opened> {
    let (blinding, sender) = blinded(case, "sender_blinded_id");
    let (other, recipient) = blinded(case, "recipient_blinded_id");
    if blinding != other {
        return None;
    }
    let server = x25519_public(case, "server_pk");
    let own = Ed25519Secret::from_seed(&case.array(seed));
    let own = BlindedSecret::new(blinding, &own, &server).unwrap();
    inbox::open(&own, &sender, &recipient, &case.hex("ciphertext")).ok()
}

#[test]
fn blinded_encrypt() {
    let vectors = Vectors::load("blinded_encrypt");
    vectors.each("encrypt", |case| {
        let (blinding, sender) = blinded(case, "sender_blinded_id");
        let (_, recipient) = blinded(case, "recipient_blinded_id");
        let version = if blinding == Blinding::Blind15 {
            15
        } else {
            25
        };
        assert_eq!(version, case.number("version"));
        let secret = Ed25519Secret::from_seed(&case.array("sender_seed"));
        let server = x25519_public(case, "server_pk");
        let own = BlindedSecret::new(blinding, &secret, &server).unwrap();
        assert_eq!(own.public(), sender);

        let plaintext = case.hex("plaintext");
        let mut rng = Replay::new(case.hexes("random"));
        let ciphertext = inbox::seal(&mut rng, &own, &recipient, &plaintext).unwrap();
        assert_eq!(ciphertext, case.hex("ciphertext"));
        for seed in ["sender_seed", "recipient_seed"] {
            let opened = open(case, seed).unwrap();
            assert_eq!(*opened.message, plaintext);
            assert_eq!(opened.sender, secret.public());
            let id = case.hex("sender_session_id");
            assert_eq!(opened.sender_x25519.as_bytes(), &id[1..]);
        }
    });
    vectors.each("decrypt_checks", |case| {
        let opened = open(case, "seed");
        assert_eq!(opened.is_some(), case.flag("ok"));
        if let Some(opened) = opened {
            assert_eq!(*opened.message, case.hex("plaintext"));
            let id = case.hex("sender_session_id");
            assert_eq!(opened.sender_x25519.as_bytes(), &id[1..]);
        }
    });
    vectors.each("library_quirk_alternate_sign_15", |case| {
        let opened = open(case, "seed");
        assert_eq!(opened.is_some(), case.flag("library_ok"));
        if let Some(opened) = opened {
            assert_eq!(*opened.message, case.hex("plaintext"));
        }
    });
}
