//! Keys of groups, and the arithmetic of their subaccounts.

use session_crypto::Ed25519PublicExt;
use session_crypto::X25519PublicExt;
use session_crypto::multi::Party;
use session_crypto::{
    Blake2b, Ed25519Public, Ed25519Secret, SecretScalar, X25519Public, group_keys,
};
use session_types::{AccountId, GroupId};
use testkit::{Case, Vectors};

use crate::many::{Value, read};

fn group(case: Case<'_>) -> Ed25519Secret {
    Ed25519Secret::from_seed(&case.array("group_seed"))
}

/// A bt-encoded string.
fn string(bytes: &[u8]) -> Vec<u8> {
    [format!("{}:", bytes.len()).as_bytes(), bytes].concat()
}

/// Signs a dict that lacks its signature and end.
fn sign(group: &Ed25519Secret, dict: Vec<u8>) -> Vec<u8> {
    let signature = group.sign(&dict);
    [
        dict,
        b"1:~".to_vec(),
        string(signature.as_bytes()),
        b"e".to_vec(),
    ]
    .concat()
}

#[test]
fn rekey_messages() {
    Vectors::load("group_keys").each("rekey", |case| {
        let (group, generation) = (group(case), case.number("generation"));
        let members: Vec<AccountId> = case
            .list("members")
            .iter()
            .map(|member| AccountId::from_bytes(member.array("session_id")).unwrap())
            .collect();
        let made = group_keys::Rekey::new(&group, &members, generation).unwrap();
        assert_eq!(made.key.expose_bytes(), &case.array("new_key"));
        let entries: Vec<Vec<u8>> = made.for_members.iter().map(|entry| string(entry)).collect();
        let dict = [
            b"d1:#".to_vec(),
            string(&made.nonce),
            format!("1:Gi{generation}e1:K").into_bytes(),
            string(&made.for_admins),
            b"1:kl".to_vec(),
            entries.concat(),
            b"e".to_vec(),
        ];
        assert_eq!(sign(&group, dict.concat()), case.hex("message"));

        let opened = group_keys::open_as_admin(&group, &made.nonce, &made.for_admins).unwrap();
        assert_eq!(opened.expose_bytes(), made.key.expose_bytes());
        for member in case.list("members") {
            let secret = Ed25519Secret::from_seed(&member.array("seed")).to_x25519();
            let entries = &made.for_members;
            let public = GroupId::from_ed25519(&group.public());
            let opened = group_keys::open_as_member(&secret, &public, &made.nonce, entries);
            assert_eq!(opened.unwrap().expose_bytes(), made.key.expose_bytes());
        }
        let stranger = Ed25519Secret::from_seed(&[0xee; 32]).to_x25519();
        let entries = &made.for_members;
        assert!(
            group_keys::open_as_member(
                &stranger,
                &GroupId::from_ed25519(&group.public()),
                &made.nonce,
                entries
            )
            .is_err()
        );
    });
}

#[test]
fn a_member_whose_key_is_refused_counts_in_the_key_and_has_no_entry() {
    let group = Ed25519Secret::from_seed(&[9; 32]);
    let secrets = [1, 2].map(|n| Ed25519Secret::from_seed(&[n; 32]).to_x25519());
    let id = |key: &[u8; 32]| AccountId::from_x25519(&X25519Public::from_bytes(*key));
    let [first, second] = [&secrets[0], &secrets[1]].map(|secret| id(secret.public().as_bytes()));
    let made = |members: &[AccountId]| group_keys::Rekey::new(&group, members, 0).unwrap();
    let (with, without) = (made(&[first, id(&[0; 32]), second]), made(&[first, second]));
    assert_ne!(with.key.expose_bytes(), without.key.expose_bytes());
    assert_eq!(with.for_members.len(), group_keys::ENTRY_MULTIPLE);
    for secret in &secrets {
        let opened = group_keys::open_as_member(
            secret,
            &GroupId::from_ed25519(&group.public()),
            &with.nonce,
            &with.for_members,
        );
        assert_eq!(opened.unwrap().expose_bytes(), with.key.expose_bytes());
    }
    // Two entries, then junk: the first junk stands where a third entry would.
    let opens = |entries: &[[u8; 48]]| {
        secrets.iter().any(|secret| {
            group_keys::open_as_member(
                secret,
                &GroupId::from_ed25519(&group.public()),
                &with.nonce,
                entries,
            )
            .is_ok()
        })
    };
    assert!(opens(&with.for_members[..2]) && !opens(&with.for_members[2..]));
}

#[test]
fn supplemental_messages() {
    Vectors::load("group_keys").each("supplement", |case| {
        let (group, message) = (group(case), case.hex("message"));
        let Some(Value::Dict(dict)) = read(&mut message.as_slice()) else {
            panic!("not a dict")
        };
        let [
            (b"#", Value::Bytes(nonce)),
            (b"+", Value::List(entries)),
            ..,
        ] = dict.as_slice()
        else {
            panic!("not a supplement")
        };
        let nonce: [u8; 24] = (*nonce).try_into().unwrap();
        let entries: Vec<&[u8]> = entries
            .iter()
            .map(|entry| match entry {
                Value::Bytes(entry) => *entry,
                _ => panic!("not bytes"),
            })
            .collect();
        let recipients = case.list("session_ids");
        let first = Ed25519Secret::from_seed(&recipients[0].array("seed")).to_x25519();
        let party = Party::new(&first, group_keys::MEMBER_DOMAIN);
        let from = group.to_x25519().public();
        let plaintext = party
            .open_from(&from, &nonce, entries.iter().copied())
            .unwrap();

        let ids: Vec<AccountId> = recipients
            .iter()
            .map(|recipient| AccountId::from_bytes(recipient.array("session_id")).unwrap())
            .collect();
        assert_eq!(
            group_keys::supplement_nonce(&group, &ids, &plaintext),
            nonce
        );
        let secret = group.to_x25519();
        let sender = Party::new(&secret, group_keys::MEMBER_DOMAIN);
        for (id, entry) in ids.iter().zip(entries) {
            let sealed = sender.seal_to(&id.x25519(), &nonce, &plaintext).unwrap();
            assert_eq!(sealed, entry);
        }
    });
}

/// The parts of a subaccount: only scalars, points and hashes of this crate.
#[test]
fn subaccounts() {
    Vectors::load("group_keys").each("subaccount", |case| {
        let (group, auth) = (group(case), case.hex("subaccount"));
        let member = Ed25519Secret::from_seed(&case.array("member_seed"));
        let mask = group_keys::admin_secret(&group, b"SessionGroupSubaccountMask");
        let hash = Blake2b::<64>::keyed(mask.expose_bytes())
            .chain(&case.hex("member_session_id"))
            .chain(&[0x03])
            .chain(group.public().as_bytes())
            .finalize();
        let k = SecretScalar::from_wide_bytes(&hash);
        assert_eq!(k.expose_bytes(), &auth[4..36]);
        let positive = member.to_x25519().public().to_ed25519_positive();
        assert_eq!(positive, member.public().with_sign(false));
        let token_key = k.multiply_point(&positive).unwrap();
        assert_eq!(token_key.as_bytes(), &case.hex("token")[4..]);
        let signature = group.sign_parts(&[&auth[..4], token_key.as_bytes()]);
        assert_eq!(signature.as_bytes(), &auth[36..]);

        let secret = k.multiply(&member.to_scalar().negate_if(member.public().is_negative()));
        assert_eq!(secret.multiply_base(), Ok(token_key));
        let message = case.hex("message");
        let seed = Blake2b::<32>::keyed(b"SubaccountSeed")
            .chain(member.expose_seed())
            .finalize();
        let nonce = Blake2b::<64>::keyed(b"SubaccountSig")
            .chain(&seed)
            .chain(token_key.as_bytes())
            .chain(&message)
            .finalize();
        let nonce = SecretScalar::from_wide_bytes(&nonce);
        let signature = secret.sign_parts(&nonce, &token_key, &[&message]);
        assert_eq!(signature.to_bytes(), case.array("sign_signature"));
        let public = Ed25519Public::from_bytes(token_key.to_bytes());
        assert_eq!(public.verify(&message, &signature), Ok(()));
    });
}
