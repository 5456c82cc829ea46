//! Subaccounts: whose they are, what they allow, and that nothing in them can be changed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use session_crypto::Ed25519Secret;
use session_identity::subaccount::{AuthData, Permissions, Proof, SubaccountError, Token};
use session_identity::{Account, GroupId, Seed};

const READ: Permissions = Permissions::READ;

fn account(number: u8) -> Account {
    Account::from_seed(&Seed::from_full(&[number; 32]))
}

fn group() -> (Ed25519Secret, GroupId) {
    let secret = Ed25519Secret::from_seed(&[200; 32]);
    let id = GroupId::from_ed25519(&secret.public());
    (secret, id)
}

#[test]
fn the_vector_of_the_specification_holds() {
    let seed = |hex: &str| const_hex::decode_to_array::<_, 32>(hex).unwrap();
    let group = Ed25519Secret::from_seed(&seed(
        "0123456789abcdeffedcba98765432100123456789abcdeffedcba9876543210",
    ));
    let member = Account::from_seed(&Seed::from_full(&seed(
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    )));
    let auth = AuthData::create(&group, member.id(), Permissions::MEMBER).unwrap();
    assert_eq!(
        const_hex::encode(*auth.expose_bytes()),
        "03030000013cb83a207d36c574aefe7dc51a5d1c3ad69d17f6c8d1c9398bee1180f8770a\
         e9baefbffda37dc88100979128c1927a93492ee965cab5551e28f254313ef060\
         b939cf3d50dc6336bab59155753fea6450844339ec36e2048b1602d97dd97e05"
    );
    let request = auth.sign(&member, b"retrieve9991693340111000").unwrap();
    assert_eq!(
        request.token.to_base64(),
        "AwMAAIWvMR2nJXCFnK5+hNahNecWqMC39/TVVLjaR3imNug5"
    );
    assert_eq!(
        const_hex::encode(request.signature.as_bytes()),
        "7373c9e20dbdbf9462bca9bc4dd838f6f194dbfea455dd3238d9e9cf9539cde3\
         cc629b6a5b78984344d87f6ac4cefdeaaa43e14b9a7aecce4601c707a011c60d"
    );
}

#[test]
fn admin_and_member_make_the_same_token_for_either_sign() {
    let (group, id) = group();
    let mut negative = 0;
    for number in 0..60 {
        let member = account(number);
        let auth = AuthData::create(&group, member.id(), Permissions::MEMBER).unwrap();
        let token = Token::of_member(&group, member.id(), Permissions::MEMBER).unwrap();
        assert_eq!(
            format!("{token:?}"),
            format!("Token({})", token.to_base64())
        );
        assert_eq!((token.to_base64().len(), token.prefix()), (48, 0x03));
        let key = member.ed25519_public();
        assert_eq!(auth.token(&key), Ok(token));
        assert_eq!(auth.token(&key.with_other_sign()), Ok(token));
        auth.check(&id, &key, Permissions::WRITE).unwrap();
        let request = auth.sign(&member, b"message").unwrap();
        assert_eq!(request.token, token);
        request
            .verify(&group.public(), GroupId::PREFIX, READ, b"message")
            .unwrap();
        negative += u32::from(key.is_negative());
    }
    // Both signs were among them.
    assert!((10..50).contains(&negative), "{negative}");
}

#[test]
fn every_changed_bit_is_noticed_except_the_one_that_is_not_used() {
    let (group, id) = group();
    let member = account(1);
    let auth = AuthData::create(&group, member.id(), Permissions::MEMBER).unwrap();
    let bytes = auth.expose_bytes();
    // Bit 255 of the factor, in byte 31 of the 32 behind the head.
    let unused = (4 + 31) * 8 + 7;
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let changed = AuthData::try_from(changed.as_slice()).unwrap();
        let checked = changed.check(&id, &member.ed25519_public(), READ);
        assert_eq!(checked.is_ok(), bit == unused, "bit {bit}");
    }
}

#[test]
fn a_request_of_another_is_rejected() {
    let (group, _) = group();
    let (member, other) = (account(1), account(2));
    let auth = AuthData::create(&group, member.id(), Permissions::MEMBER).unwrap();
    let verify = |signer: &Account, message: &[u8]| {
        let request = auth.sign(signer, b"message").unwrap();
        request.verify(&group.public(), GroupId::PREFIX, READ, message)
    };
    assert_eq!(verify(&member, b"message"), Ok(()));
    let refused = |checked| matches!(checked, Err(SubaccountError::Signature(_)));
    assert!(refused(verify(&other, b"message")));
    assert!(refused(verify(&member, b"another message")));
    let request = auth.sign(&member, b"message").unwrap();
    let stranger = other.ed25519_public();
    assert!(refused(request.verify(
        &stranger,
        GroupId::PREFIX,
        READ,
        b"message"
    )));
}

#[test]
fn a_permission_that_is_missing_is_named() {
    let (group, id) = group();
    let member = account(1);
    for bits in 0..8 {
        let got = Permissions::from_bits(bits);
        assert_eq!(got.bits(), bits);
        assert_eq!(got | got, got);
        assert_eq!(format!("{got:?}"), format!("Permissions(0x0{bits})"));
        let auth = AuthData::create(&group, member.id(), got).unwrap();
        assert_eq!(auth.permissions(), got);
        for required in (0..8).map(Permissions::from_bits) {
            let expected = required | READ;
            let checked = auth.check(&id, &member.ed25519_public(), required);
            if got.contains(expected) {
                assert_eq!(checked, Ok(()));
            } else {
                assert_eq!(checked, Err(SubaccountError::Permission { expected, got }));
            }
        }
    }
}

#[test]
fn a_token_is_for_its_prefix_unless_it_is_for_any() {
    let (group, _) = group();
    let member = account(1);
    for (permissions, accepted) in [
        (Permissions::MEMBER, false),
        (Permissions::MEMBER | Permissions::ANY_PREFIX, true),
    ] {
        let auth = AuthData::create(&group, member.id(), permissions).unwrap();
        let request = auth.sign(&member, b"message").unwrap();
        let checked = request.verify(&group.public(), 0x05, READ, b"message");
        assert_eq!(checked.is_ok(), accepted);
    }
}

#[test]
fn a_token_is_its_prefix_permissions_and_key() {
    let key = account(1).ed25519_public();
    let token = Token::new(0x05, Permissions::MEMBER | Permissions::DELETE, &key);
    let mut bytes = vec![5, 7, 0, 0];
    bytes.extend(key.as_bytes());
    assert_eq!(token.as_ref(), bytes);
    assert_eq!(token.to_bytes().as_slice(), bytes);
    assert_eq!((token.prefix(), token.permissions().bits()), (5, 7));
    assert_eq!(token.key(), key);
}

#[test]
fn a_token_is_read_from_base64_and_hex() {
    let token = Token::new(0x03, READ, &account(1).ed25519_public());
    let hex = format!("{token:x}");
    assert_eq!(hex, const_hex::encode(token.as_bytes()));
    assert_eq!(token.to_string(), token.to_base64());
    for text in [token.to_string(), hex.to_uppercase(), hex] {
        assert_eq!(text.parse(), Ok(token), "{text}");
        let cut = text.get(1..).unwrap();
        assert_eq!(cut.parse::<Token>(), Err(SubaccountError::Text), "{cut}");
        let other = text.replacen(|_| true, "!", 1);
        assert_eq!(other.parse::<Token>(), Err(SubaccountError::Text));
    }
}

#[test]
fn a_proof_is_valid_for_its_account_prefix_and_permissions() {
    let (group, _) = group();
    let token = Token::new(GroupId::PREFIX, READ, &account(1).ed25519_public());
    let proof = Proof::new(token, &group);
    assert_eq!(proof.verify(&group.public(), GroupId::PREFIX, READ), Ok(()));
    let other = account(2).ed25519_public();
    assert!(matches!(
        proof.verify(&other, GroupId::PREFIX, READ),
        Err(SubaccountError::Signature(_))
    ));
    let (expected, got) = (0x05, GroupId::PREFIX);
    assert_eq!(
        proof.verify(&group.public(), expected, READ),
        Err(SubaccountError::Prefix { expected, got })
    );
    let (expected, got) = (Permissions::WRITE, READ);
    assert_eq!(
        proof.verify(&group.public(), GroupId::PREFIX, expected),
        Err(SubaccountError::Permission { expected, got })
    );
}

#[test]
fn one_key_signs_many_requests() {
    let (group, _) = group();
    for number in 0..8 {
        let member = account(number);
        let auth = AuthData::create(&group, member.id(), Permissions::MEMBER).unwrap();
        let key = auth.key(&member).unwrap();
        assert_eq!(*key.proof(), auth.sign(&member, b"1").unwrap().proof());
        for message in [b"1", b"2"] {
            let signed = key.sign_request(message);
            assert_eq!(signed, auth.sign(&member, message).unwrap());
            assert_eq!(signed.signature, key.sign(message));
        }
        let printed = format!("{key:?}");
        assert_eq!(
            printed,
            format!("SubaccountKey {{ token: {:?}, .. }}", key.proof().token)
        );
    }
}

#[test]
fn auth_data_comes_back_from_its_bytes() {
    let (group, _) = group();
    let auth = AuthData::create(&group, account(1).id(), Permissions::MEMBER).unwrap();
    let bytes = auth.expose_bytes();
    assert_eq!(AuthData::from_bytes(&bytes).expose_bytes(), bytes);
    assert_eq!(bytes.len(), AuthData::LENGTH);
}

#[test]
fn other_lengths_are_rejected() {
    for got in [0, 35, 37, 99, 101] {
        let bytes = vec![3; got];
        let (expected, error) = (36, Token::try_from(bytes.as_slice()).unwrap_err());
        assert_eq!(error, SubaccountError::Length { expected, got });
        let (expected, error) = (100, AuthData::try_from(bytes.as_slice()).unwrap_err());
        assert_eq!(error, SubaccountError::Length { expected, got });
    }
    assert!(format!("{:?}", AuthData::try_from([3; 100].as_slice())).contains("AuthData(..)"));
}

#[test]
fn a_zero_factor_is_rejected() {
    let auth = AuthData::try_from([0; 100].as_slice()).unwrap();
    let member = account(1);
    assert!(auth.sign(&member, b"message").is_err());
    let (_, id) = group();
    assert!(auth.check(&id, &member.ed25519_public(), READ).is_err());
}
