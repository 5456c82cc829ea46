//! The vectors written out in the protocol specification: messages, section 9, V1 to V11.
//!
//! V3 and V4 are tested in session-proto, where padding and envelope are.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use session_crypto::blake2b::Blake2b;
use session_crypto::pro::{self as pro_keys, HashProof, Proof};
use session_crypto::{Ed25519Public, Ed25519Secret, Ed25519Signature};
use session_identity::{Account, AccountId, GroupId, Seed};
use session_message::admin::Action;
use session_message::config::UserConfig;
use session_message::content::{self, AnyId, Content, Expiration};
use session_message::pro::{Signer, Status};
use session_message::{OpenError, Opener, SealError, Sealer, UnixMillis};
use session_proto::limits::PROFILE_FEATURE_BADGE;
use session_proto::padding;
use testkit::hex;

const TIME: UnixMillis = UnixMillis::new(1_754_971_101_000);
const V1: &str = "0a070a0568656c6c6f78c8aeb7e38933";
/// With an account id of 32 pairs `6162`.
const V2: &str = "0a490a026869ca06423035616261626162616261626162616261626162616261626162616261626162616261\
     6261626162616261626162616261626162616261626162616261626162616260026880a30578c8aeb7e38933";
const V6_SIGNATURE: &str = "767e7f14cec2d04fb67c6407e890cbe6a5cfdb7a0df3e729adda93164b13bc3fb20ed4ea1b8f1ffc74115ff2\
     598a51ac52285d923f0864c6bca08bfc771fb708";
const V8_UNSIGNED: &str = "0a070a0568656c6c6f78c8aeb7e38933820193010a8c01122011111111111111111111111111111111111111\
     111111111111111111111111111a208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8f\
     c9b3942080dea9c5062a40579a836f8b2e3da2c3e5e159d9c408b48493591c14896ddc42a6e06b6a3dbfbabd\
     7c193ed8d4699e514a3f4d54c6b5bb68f22555c203afac9284544522d9bb0a10011800";
const V8_SIGNATURE: &str = "d5e42451153e6b601438962b99f8881a0dc852ea28ec79f1617f22b9c0448d83cbddb81ae92c244c05735965\
     f0375fa4a8d49bccd410fbae90ce70c4486b290f";
const V9_INVITE: &str = "e196c71bd27b60527abcb80129aa70fba5f5c584db43e5769e38c28d6840494096db930c5ce80c3f48fce12c\
     e21050c20ec0e03d5e12e959439047fec2747e04";
const V9_INFO: &str = "ba80fca95e5fee43a7a96f370bc4384428b4921963fda6ca6250f75ffea521af765cc6518e68b7879acfe6bc\
     3be6e1b8e1b2353b4bc0959a9127d3f183fcdd02";
const V9_MEMBER: &str = "0a2ce512ba2a5ea89b29cbcf8c7378db260ce697684070c6b462c547bc9fcff4beac6df92c6d75da3d871399\
     442ae61bffe38a61e5cc333c66e03c571b7bc00a";
const V9_DELETE: &str = "43a08e6581f1d0d9c9a3242796c297e8aa08507b23fbe5bd52d836a1a6b86e5cc64d50ad0d541eadf00474e0\
     6c6b3a126fc8b8a5cbf4db4ee52a7c6e3ac87a0e";
const V10_WRAPPED: &str = "080112c2010a0012001ab9010806280142b201e74be83786516c1118346c1cb051a7b95c941b37f81df10ac6\
     cdca913b658d70de9d825f7eb978dbc2fb3cf778000c4e727486239b38cbb941d12661eb43123571d04ec9d6\
     0c9d25a8922f049f294c6b0b9220528f7df238e06d239240bb2f5039a93f2925e08e96e39d0f2fa005d90a76\
     fafcac5378e984c4e6ea3673845caa1f0c4067ad7ff88fe9741c44418ec8cbbfee687359fc95ddf268104a3a\
     2344b3ce187b92cf1e87466756f16d83254ca865e72000";
const V11_OLD_CONFIG: &str = "080112c2060a03505554120f2f6170692f76312f6d6573736167651a9f060806120028e1c5a0beaf31380142\
     8f065228bb32b820169e0acb266f02efa007276be0668013a278fc9bfc111a40136f63de4206943c05096155\
     fa480cd0a7f5d27d6297166f5ed5c2a323ecdf7a754308dd385cdce81e7ed3a0a305577838105a0798dd9254\
     0f4b8eaa74f8c5720e0a394ce005444322354d6dfe1cb527520145f3794718e42730e15c97f7e45fb53f9f7d\
     3918ee57e5c8462f80ae0d64792c261feb4b9ce06b18a10b3d8f7af8f791b1368bd4ae9bbe0036dc77f547c0\
     01e26c9c986269281bc3e8ef38c42ad2a02a9be517fc85c0c8fa4732f79138910f85bba0f898f278d8c2ed3e\
     7d00cc5b4f1eb32ffc9572ec98fac529bec7ad8560dc06fc986516c00232e9618c372c0f57c19283e0424ec9\
     1864aad7277e22c085443cc0bfd39c0a83f0a1a8f856850ede7a751bd6206cb6683e462a033ad282e4947adb\
     be4973e823676ae0a72aa5f0f607f306fe82b91da9b7fe79d4fb4e8a45cb9ad5f20c151a84073cc62d7ac794\
     fdd2fe57bf49f1089f8644ad9f73d154d14c63d5ca7a07d1b6ab6b5846b2f4785fbf738de23c250a711f54c9\
     41fd6f5aac4417125bb2d0321cd9f1b97a31f310d4ea8149732276b8df9869fbc5412c9b7772961fab800a35\
     6155549ef54cefb9407d7f10b4323824aa8ea13facc79003b84dae3e5ef0db275b056f4fbdf54f5f22e62291\
     af8427fc17c3c1b3985f6ee149729d8a5b794b7e374f408eb8f36a76a89680e3c6106a9d5a82f6f04f5d8b60\
     3a97140b6469daac0ef32f84cc4ffc05f43c084591b10834b1d16d65ce1415dec77cb5851c338ccbb0d5ae2d\
     2c1e5bc8ba0f59dfbc4575fd446c8486a1ac5370d5da8eb041f2ed560abc1a6ad6ce6e00369ec5fd5eb0a354\
     11ed24b36ecbf80f1dc6c18452c4b4bfc59131e04400df8986cac95c51bbd320ba901ff6110dad0c70442286\
     cf6220a53c6f9693636a42d5523eeb1e5fb3453169581384fb8a8f3914fb6c01900a4f872f55742b117ddd7b\
     d40c4c5911bb214e28eb9450dbdd0d831a93054c63f9a04bf50cdb9aac0032c484062d7ba7bbe64e07bcd633\
     eec8378d5d914732693c5e298f015ebde2ae45769ed319e267f0528f5cc6da268343b6647b20bae6e9ee8d92\
     cca702";
const EMPTY_PROFILE: &str = "080112ab030a0012001aa20308062801429b0326ec9746282053eb119228e6c36012966e7d2642163169ba39\
     98af44ca65f967768dd78ee80fffab6f809f6cef49c73a36c82a89622ff0de2ceee06b8c638e2c876fa9047f\
     449dbe24b1fc89281a264fe90abdeffcdd44f797bd4572a6c5ae8d88bf372c3c717943ebd570222206fabf0e\
     e9f3c6756f5d71a32616b1df53d12887961f5c129207a79622ccc1a4bba976886d9a6ddf0fe5d570e5075d01\
     ecd627f656e95f27b4c40d5661b5664cedd3e568206effa1308b0ccd663ca61a6d39c0731891804a8cf5edcf\
     8b98eaa5580c3d436e22156e38455e403869700956c3c1dd0b4470b663e75c98c5b859b53ccef6559215d804\
     9f755be9c2d6b3f4a310f97c496fc392f65b6431dd87788ac61074fd8cd409702e1b839b3f774d38cf8b28f0\
     226c4efa5220ac6ae060793e36e7ef278d42d042f15b21291f3bb29e3158f09d154b93f83fd8a319811a26cb\
     5240d90cbb360fafec0b7eff4c676ae598540813d062dc9468365c73b4cfa2ffd02d48cdcd8f0c71324c6d0a\
     60346a7a0e50af3be64684b37f9e6c831115bf112ddd18acde08eaec376f0872a3952000";

fn id(byte: u8) -> AnyId {
    let mut bytes = [byte; 33];
    bytes[0] = 5;
    AnyId::from_bytes(bytes)
}

fn key(byte: u8) -> Ed25519Secret {
    Ed25519Secret::from_seed(&[byte; 32])
}

#[test]
fn v1_text() {
    let content = Content::text("hello");
    assert_eq!(content.encode(TIME, None).unwrap(), hex(V1));
    let decoded = content::decode(&hex(V1)).unwrap();
    assert_eq!(decoded.content, content);
    assert_eq!(decoded.sent_at, Some(TIME));
}

#[test]
fn v2_sync_copy_that_disappears() {
    let mut content = Content::text("hi").with_expiration(Expiration::after_send(86_400));
    content.sync_target = Some(id(0xab));
    assert_eq!(content.encode(TIME, None).unwrap(), hex(V2));
    assert_eq!(content::decode(&hex(V2)).unwrap().content, content);
}

#[test]
fn v5_rotating_keys() {
    let master = key(1);
    for (time, seed) in [
        (
            1_700_000_000,
            "e617ee563883b95a736a4e375e581f578150346046b08fdb58d07f6a317c2ff7",
        ),
        (
            1_700_604_800,
            "01887cd6b6827c3b335c5ab677ce831a6b253016e3d23646639188036d97bd91",
        ),
    ] {
        let rotating = pro_keys::rotating_key(&master, time);
        assert_eq!(rotating.expose_seed().as_slice(), hex(seed));
    }
}

fn proof(expiry_seconds: u64) -> Proof {
    let mut proof = Proof {
        revocation_tag: [0x11; 32],
        rotating_key: key(2).public(),
        expiry_seconds,
        signature: Ed25519Signature::from_bytes([0; 64]),
    };
    proof.signature = key(3).sign(&proof.signed_message());
    proof
}

#[test]
fn v6_proof() {
    let proof = proof(1_704_067_200);
    assert_eq!(proof.signature.as_bytes().as_slice(), hex(V6_SIGNATURE));
    let backend = key(3).public();
    assert!(proof.verify(&backend).is_ok());
    let mut flipped = backend.to_bytes();
    flipped[0] ^= 1;
    assert!(proof.verify(&Ed25519Public::from_bytes(flipped)).is_err());
}

#[test]
fn v7_proof_of_the_older_format() {
    let proof = HashProof {
        version: 0,
        gen_index_hash: [0x11; 32],
        rotating_key: key(2).public(),
        expiry_milliseconds: 1_704_067_200_000,
        signature: Ed25519Signature::from_bytes([0; 64]),
    };
    let hash = "0f88b9e8d7fbabe469e2db3649a19559b7e2fe77e4a1d6ccd0d65a33364332aa";
    assert_eq!(proof.signed_hash().as_slice(), hex(hash));
}

#[test]
fn v8_community_message_with_pro() {
    let proof = proof(1_756_000_000);
    let signer = Signer::new(key(2), proof, PROFILE_FEATURE_BADGE).unwrap();
    let account = config_account("00000000000000000000000000000000");
    let sealer = Sealer::new(&account).with_pro(signer);
    let data = sealer.seal_post(&Content::text("hello"), TIME).unwrap();
    let signed = [hex(V8_UNSIGNED), hex("8a0140"), hex(V8_SIGNATURE)].concat();
    assert_eq!(signed.len(), 234);
    assert_eq!(data.len(), 320);
    assert_eq!(padding::unpad(&data).unwrap(), signed);

    let post = Opener::new(&account).open_post(&data, TIME, TIME).unwrap();
    assert_eq!(post.content, Content::text("hello"));
    let claim = post.pro.unwrap();
    assert_eq!(claim.profile_features, PROFILE_FEATURE_BADGE);
    assert_eq!(claim.status(&key(3).public()), Status::Valid);
    assert_eq!(claim.status(&key(4).public()), Status::InvalidProof);
}

#[test]
fn v9_admin_signatures() {
    let secret = key(7);
    let group = GroupId::from_ed25519(&secret.public());
    assert_eq!(
        group.to_string(),
        "03ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c"
    );
    let member = AccountId::from_bytes(*id(0xab).as_bytes()).unwrap();
    let members = [id(0xab)];
    let hashes = ["hash1".to_owned(), "hash2".to_owned()];
    let cases = [
        (Action::Invite { invitee: &member }, V9_INVITE),
        (Action::InfoChange { number: 1 }, V9_INFO),
        (Action::MemberChange { number: 2 }, V9_MEMBER),
        (
            Action::DeleteContent {
                members: &members,
                hashes: &hashes,
            },
            V9_DELETE,
        ),
    ];
    for (action, signature) in cases {
        let signed = action.sign(&secret, TIME);
        assert_eq!(signed.as_bytes().as_slice(), hex(signature));
        assert!(action.verify(&group, TIME, &signed).is_ok());
        assert!(
            action
                .verify(&group, UnixMillis::new(TIME.get() + 1), &signed)
                .is_err()
        );
    }
}

fn config_account(seed16: &str) -> Account {
    Account::from_seed(&Seed::try_from(hex(seed16).as_slice()).unwrap())
}

#[test]
fn v10_wrapped_config() {
    let account = config_account("0123456789abcdef0123456789abcdef");
    let data = b"Hello from the other side";
    let wrapped = Sealer::new(&account)
        .wrap_config(UserConfig::UserProfile, 1, data)
        .unwrap();
    assert_eq!(wrapped, hex(V10_WRAPPED));
    let unwrapped = Opener::new(&account)
        .unwrap_config(UserConfig::UserProfile, &wrapped)
        .unwrap();
    assert_eq!(unwrapped.data, data);
    assert_eq!(unwrapped.seqno, 1);
    for at in [0, wrapped.len() - 4, wrapped.len()] {
        let mut broken = wrapped.clone();
        broken.splice(at..at, *b"jfeejj0ifdoesam");
        assert!(
            Opener::new(&account)
                .unwrap_config(UserConfig::UserProfile, &broken)
                .is_err(),
            "inserted at {at}"
        );
    }
    assert_eq!(
        Opener::new(&account).unwrap_config(UserConfig::Contacts, &wrapped),
        Err(OpenError::NotThisConfig)
    );
    let other = config_account("00000000000000000000000000000000");
    assert!(
        Opener::new(&other)
            .unwrap_config(UserConfig::UserProfile, &wrapped)
            .is_err()
    );
}

#[test]
fn v11_config_of_an_old_client() {
    let account = config_account("f887566576de6c16d9ec251d55e24c14");
    assert_eq!(
        account.id().to_string(),
        "050045017ddfab4e316d4d447f2c1f985ac004e8c610cdae82c1323b44dca2980a"
    );
    let wrapped = hex(V11_OLD_CONFIG);
    let unwrapped = Opener::new(&account)
        .unwrap_config(UserConfig::UserProfile, &wrapped)
        .unwrap();
    assert_eq!(unwrapped.seqno, 4);
    assert_eq!(unwrapped.data.len(), 512);
    assert_eq!(
        unwrapped.data[..16],
        hex("d8c9b672a61131cf096ee80766ce255f")
    );
    let hash = "ebd6b8e4828e8d6a03a1749cef21adb235ce99093e69929ca7c66ff7be24c4fd";
    assert_eq!(
        Blake2b::<32>::new()
            .chain(&unwrapped.data)
            .finalize()
            .as_slice(),
        hex(hash)
    );
}

/// Config, section 10.
#[test]
fn the_wrapper_of_an_empty_profile_is_byte_exact() {
    let account = config_account("0123456789abcdef0123456789abcdef");
    let wrapped = hex(EMPTY_PROFILE);
    assert_eq!(wrapped.len(), 432);
    let unwrapped = Opener::new(&account)
        .unwrap_config(UserConfig::UserProfile, &wrapped)
        .unwrap();
    assert_eq!(unwrapped.data.len(), 256);
    let again = Sealer::new(&account).wrap_config(UserConfig::UserProfile, 0, &unwrapped.data);
    assert_eq!(again.unwrap(), wrapped);
}

/// Config, section 10: what gets too long is stored without a wrapper.
#[test]
fn configs_are_wrapped_up_to_what_can_be_stored() {
    let account = config_account("0123456789abcdef0123456789abcdef");
    let wrap = |length: usize| {
        let data = vec![7; length];
        Sealer::new(&account)
            .wrap_config(UserConfig::Contacts, 1, &data)
            .map(|data| data.len())
    };
    let overhead = wrap(70_000).unwrap() - 70_000;
    assert_eq!(wrap(76_800 - overhead), Ok(76_800));
    let (max, got) = (76_800, 76_801);
    assert_eq!(
        wrap(76_801 - overhead),
        Err(SealError::TooLong { max, got })
    );
}
