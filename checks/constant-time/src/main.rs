//! Runs the functions that handle secrets under valgrind with the secrets marked undefined.
//!
//! Memcheck reports every branch and every address that depends on undefined bytes, so whatever it
//! reports here depends on a secret. The few branches that are meant, such as the one on whether a
//! tag was right, are listed with their reasons in `allowed.supp`. Three planted leaks show that the
//! check finds what it looks for. Start it with `./run`.

use session_crypto::Ed25519PublicExt;
use std::hint::black_box;
use std::process::ExitCode;

use session_crypto::attachment::{self, FileKey, Key, Kind, legacy, picture};
use session_crypto::config::{self as config_cipher, Domain};
use session_crypto::multi::Party;
use session_crypto::secretstream::{SecretStream, Tag};
use session_crypto::session_types::{AccountId, GroupId};
use session_crypto::x25519::{Peer, PreparedPublic, agree_all};
use session_crypto::{
    Backend, BlindedSecret, Blinding, Ed25519Public, Ed25519Secret, SecretScalar, SymmetricKey,
    X25519Public, X25519Secret, blind, direct, group, group_keys, hash, inbox, pro, push,
    sealed_box, xchacha, xed25519,
};

mod config;
mod identity;
mod onion;
mod v2;
mod valgrind;

/// Draws secret bytes, all the same.
struct SecretRng;

impl rand_core::TryRng for SecretRng {
    type Error = core::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(u32::from_le_bytes(valgrind::secret([0x5a; 4])))
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(u64::from_le_bytes(valgrind::secret([0x5a; 8])))
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for byte in out {
            [*byte] = valgrind::secret([0x5a]);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for SecretRng {}

/// Draws bytes that everybody may see, as nonces are.
struct PublicRng;

impl rand_core::TryRng for PublicRng {
    type Error = core::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(0x3c3c_3c3c)
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(0x3c3c_3c3c_3c3c_3c3c)
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        out.fill(0x3c);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for PublicRng {}

fn secret_key() -> [u8; 32] {
    valgrind::secret([7; 32])
}

fn cipher_key() -> SymmetricKey {
    SymmetricKey::from_bytes(secret_key())
}

/// A key that is no secret, to make what is opened.
fn plain_key() -> SymmetricKey {
    SymmetricKey::from_bytes([7; 32])
}

fn account() -> Ed25519Secret {
    Ed25519Secret::from_seed(&secret_key())
}

fn peer() -> X25519Secret {
    X25519Secret::from_bytes([9; 32])
}

fn peer_public() -> X25519Public {
    peer().public()
}

/// An account id.
fn peer_id() -> AccountId {
    AccountId::from_x25519(&peer_public())
}

/// The public keys of [`account`], computed without secrets.
fn account_public() -> Ed25519Public {
    Ed25519Secret::from_seed(&[7; 32]).public()
}

fn server() -> X25519Public {
    X25519Public::from_bytes([0x77; 32])
}

fn peer_blinded(blinding: Blinding) -> BlindedSecret {
    BlindedSecret::new(blinding, &Ed25519Secret::from_seed(&[8; 32]), &server()).unwrap()
}

/// The bytes with their last bit flipped, so that no tag in them is right.
///
/// Functions that open something remove padding behind a tag that was right, and look at the plaintext
/// for that; they may, it is authentic by then. With a wrong tag all that must not depend on the secret
/// runs, and nothing behind.
fn changed(mut sealed: Vec<u8>) -> Vec<u8> {
    if let Some(last) = sealed.last_mut() {
        *last ^= 1;
    }
    sealed
}

/// A message that is secret.
fn message() -> [u8; 100] {
    valgrind::secret([0x42; 100])
}

fn keys(check: &mut Check) {
    check.clean("Ed25519 key pair of a seed", || {
        black_box(account().public());
    });
    check.clean("Ed25519 key pair drawn", || {
        black_box(Ed25519Secret::generate(&mut SecretRng).public());
    });
    check.clean("Ed25519 sign", || {
        black_box(account().sign(&message()));
    });
    check.clean("Ed25519 to X25519", || {
        black_box(account().to_x25519().public());
    });
    check.clean("X25519, peer on the curve", || {
        black_box(
            account()
                .to_x25519()
                .diffie_hellman(&peer_public())
                .unwrap(),
        );
    });
    check.clean("X25519, peer on the twist", || {
        let twist = X25519Public::from_bytes([2; 32]);
        black_box(
            X25519Secret::from_bytes(secret_key())
                .diffie_hellman(&twist)
                .unwrap(),
        );
    });
    check.clean("X25519, peer with a table", || {
        let peer = PreparedPublic::new(peer_public());
        black_box(
            X25519Secret::from_bytes(secret_key())
                .diffie_hellman_prepared(&peer)
                .unwrap(),
        );
    });
    check.clean("X25519, many peers and many secrets", || {
        let twist = X25519Public::from_bytes([2; 32]);
        let peers = [peer_public(), twist, account_public().to_x25519().unwrap()];
        let secret = X25519Secret::from_bytes(secret_key());
        for shared in secret.diffie_hellman_all(&peers) {
            black_box(shared.unwrap());
        }
        let prepared = peers.map(PreparedPublic::new);
        let plain = peers.iter().map(Peer::from);
        let pairs: Vec<_> = plain
            .chain(prepared.iter().map(Peer::from))
            .map(|peer| (&secret, peer))
            .collect();
        for agreement in agree_all(&pairs) {
            black_box(agreement.ephemeral);
            black_box(agreement.shared.unwrap());
        }
    });
    check.clean("scalar arithmetic", || {
        let (a, b) = (
            account().to_scalar(),
            SecretScalar::from_bytes(&secret_key()),
        );
        let product = a.multiply(&b).negate_if(true);
        black_box(product.multiply_base().unwrap());
        black_box(product.multiply_point(&account_public()).unwrap());
        black_box(SecretScalar::from_sha512(&[&secret_key()]));
    });
    check.clean("hashes", || {
        black_box(hash::hash(40, &message(), &secret_key()).unwrap());
    });
}

fn blinding(check: &mut Check) {
    for blinding in [Blinding::Blind15, Blinding::Blind25] {
        check.clean("blinded key pair and signature", || {
            let own = BlindedSecret::new(blinding, &account(), &server()).unwrap();
            black_box(own.sign(&message()));
        });
        check.clean("inbox encrypt", || {
            let own = BlindedSecret::new(blinding, &account(), &server()).unwrap();
            let recipient = peer_blinded(blinding).public();
            black_box(inbox::seal(&mut PublicRng, &own, &recipient, &message()).unwrap());
        });
        check.clean("inbox decrypt", || {
            let sender = peer_blinded(blinding);
            let twin = Ed25519Secret::from_seed(&[7; 32]);
            let twin = BlindedSecret::new(blinding, &twin, &server()).unwrap();
            let (from, to) = (sender.public(), twin.public());
            let sealed = inbox::seal(&mut PublicRng, &sender, &to, &[1; 100]).unwrap();
            let own = BlindedSecret::new(blinding, &account(), &server()).unwrap();
            valgrind::publish(&own, &twin, to.as_bytes());
            let _ = black_box(inbox::open(&own, &from, &to, &changed(sealed)));
        });
    }
    check.clean("version key", || {
        black_box(blind::version_key(&account()).sign(&message()));
    });
    check.clean("XEd25519 sign", || {
        let secret = X25519Secret::from_bytes(secret_key());
        black_box(xed25519::sign(&mut SecretRng, &secret, &message()));
    });
    check.clean("Pro keys", || {
        black_box(pro::rotating_key(&pro::master_key(&account()), 1_700_000_000).sign(b"message"));
    });
}

fn messages(check: &mut Check) {
    check.clean("sealed box seal", || {
        black_box(sealed_box::seal(&mut SecretRng, &peer_public(), &message()).unwrap());
    });
    check.clean("sealed box open", || {
        let public = X25519Secret::from_bytes([7; 32]).public();
        let sealed = sealed_box::seal(&mut PublicRng, &public, &[0; 100]).unwrap();
        let secret = X25519Secret::from_bytes(secret_key());
        black_box(sealed_box::open(&secret, &public, &sealed).unwrap());
    });
    check.clean("one-to-one encrypt", || {
        let sealed = direct::seal(&mut SecretRng, &account(), &peer_public(), &message());
        black_box(sealed.unwrap());
    });
    check.clean("one-to-one encrypt, deterministic", || {
        let sealed = direct::seal_deterministic(&account(), &peer_public(), &message());
        black_box(sealed.unwrap());
    });
    check.clean("one-to-one decrypt", || {
        let sender = Ed25519Secret::from_seed(&[8; 32]);
        let public = X25519Secret::from_bytes([7; 32]).public();
        let sealed = direct::seal_deterministic(&sender, &public, &[1; 100]).unwrap();
        let (mut sealed, secret) = (changed(sealed), X25519Secret::from_bytes(secret_key()));
        let mut senders = direct::Senders::new(1);
        let _ = black_box(direct::open(&secret, &public, &sealed));
        let _ = black_box(direct::open_own(&account(), &secret, &public, &sealed));
        let _ = black_box(direct::open_remembering(
            &mut senders,
            &secret,
            &public,
            &sealed,
        ));
        let _ = black_box(direct::open_in_place(&secret, &public, &mut sealed));
    });
    check.clean("multi-recipient encrypt and decrypt", || {
        let secret = X25519Secret::from_bytes(secret_key());
        let party = Party::new(&secret, b"domain");
        black_box(party.seal_to(&peer_public(), &[1; 24], &message()).unwrap());
        let all = [peer_public(), account_public().to_x25519().unwrap()];
        black_box(party.seal_to_all(&all, &[1; 24], &[&message()]).unwrap());
        let sender = peer();
        let public = X25519Secret::from_bytes([7; 32]).public();
        let sealed = Party::new(&sender, b"domain")
            .seal_to(&public, &[1; 24], b"m")
            .unwrap();
        let entries = [[0; 40].as_slice(), &sealed];
        black_box(
            party
                .open_from(&sender.public(), &[1; 24], entries)
                .unwrap(),
        );
    });
    check.clean("group encrypt and decrypt", || {
        black_box(group::encrypt(&mut PublicRng, &cipher_key(), &message(), 256).unwrap());
        let sealed = group::encrypt(&mut PublicRng, &plain_key(), &[1; 100], 256).unwrap();
        let keys = [
            SymmetricKey::from_bytes(valgrind::secret([6; 32])),
            cipher_key(),
        ];
        let _ = black_box(group::decrypt(keys, &changed(sealed)));
    });
    check.clean("group keys", || {
        let ids = [peer_id(); 2];
        let rekey = group_keys::Rekey::new(&account(), &ids, 1).unwrap();
        let sealed = changed(rekey.for_admins.to_vec()).try_into().unwrap();
        let _ = black_box(group_keys::open_as_admin(&account(), &rekey.nonce, &sealed));
        let entries = [[1; 48]];
        let nonce = [1; 24];
        let member = X25519Secret::from_bytes(secret_key());
        let _ = black_box(group_keys::open_as_member(
            &member,
            &GroupId::from_ed25519(&account_public()),
            &nonce,
            &entries,
        ));
        black_box(group_keys::supplement_nonce(&account(), &ids, &message()));
    });
    check.clean("config encrypt and decrypt", || {
        let domain = Domain::new("Contacts").unwrap();
        black_box(config_cipher::encrypt(&cipher_key(), domain, &message()).unwrap());
        let sealed = config_cipher::encrypt(&plain_key(), domain, &[1; 100]).unwrap();
        black_box(config_cipher::decrypt(&cipher_key(), domain, &sealed).unwrap());
    });
    check.clean("push decrypt", || {
        let sealed = xchacha::encrypt(&mut PublicRng, &plain_key(), &[1; 100]).unwrap();
        let _ = black_box(push::decrypt(&cipher_key(), &changed(sealed)));
    });
    check.clean("decrypt in place", || {
        let sealed = xchacha::encrypt(&mut PublicRng, &plain_key(), &[1; 100]).unwrap();
        let mut sealed = changed(sealed);
        let _ = black_box(xchacha::decrypt_in_place(&cipher_key(), &mut sealed));
        let keys = [
            SymmetricKey::from_bytes(valgrind::secret([6; 32])),
            cipher_key(),
        ];
        let _ = black_box(group::decrypt_in_place(keys, &mut sealed));
        let domain = Domain::new("Contacts").unwrap();
        let mut sealed = changed(config_cipher::encrypt(&plain_key(), domain, &[1; 100]).unwrap());
        let _ = black_box(config_cipher::decrypt_in_place(&cipher_key(), domain, &mut sealed));
        let public = X25519Secret::from_bytes([7; 32]).public();
        let mut sealed = sealed_box::seal(&mut PublicRng, &public, &[0; 100]).unwrap();
        let secret = X25519Secret::from_bytes(secret_key());
        let _ = black_box(sealed_box::open_in_place(&secret, &public, &mut sealed));
    });
}

fn attachments(check: &mut Check) {
    check.clean("secretstream", || {
        let mut writer = SecretStream::new(&cipher_key(), &[1; 24]);
        let mut buffer = message();
        writer.push(Tag::Rekey, &mut buffer).unwrap();
        let mut writer = SecretStream::new(&plain_key(), &[1; 24]);
        let mut buffer = [1; 100];
        let (tag, [first, mac @ ..]) = writer.push(Tag::Final, &mut buffer).unwrap();
        let mut wrong = [first ^ 1; 16];
        wrong[1..].copy_from_slice(&mac);
        let mut reader = SecretStream::new(&cipher_key(), &[1; 24]);
        let _ = black_box(reader.pull(tag, &mut buffer, &wrong));
    });
    check.clean("attachment key and encrypt", || {
        let file_key = FileKey::derive(&account(), Kind::Attachment, &message());
        black_box(attachment::encrypt(&file_key, &message()).unwrap());
    });
    check.clean("attachment decrypt", || {
        let file_key = FileKey::generate(&mut PublicRng);
        let file = attachment::encrypt(&file_key, &[1; 100]).unwrap();
        let key = Key::from_bytes(valgrind::secret([0x3c; 32]));
        let _ = black_box(attachment::decrypt(&key, &changed(file)));
    });
    check.clean("legacy attachment encrypt", || {
        let keys = legacy::Keys::from_bytes(valgrind::secret([7; 64]));
        black_box(legacy::encrypt(&mut PublicRng, &keys, &message(), true).unwrap());
    });
    check.clean("legacy attachment decrypt", || {
        let keys = legacy::Keys::from_bytes([7; 64]);
        let file = legacy::encrypt(&mut PublicRng, &keys, &[1; 100], true).unwrap();
        let keys = legacy::Keys::from_bytes(valgrind::secret([7; 64]));
        let _ = black_box(legacy::decrypt(
            &keys,
            &file.digest,
            100,
            &changed(file.blob),
        ));
    });
    check.clean("legacy profile picture", || {
        black_box(
            picture::encrypt(&mut PublicRng, &Key::from_bytes(secret_key()), &message()).unwrap(),
        );
        let sealed =
            picture::encrypt(&mut PublicRng, &Key::from_bytes([7; 32]), &[1; 100]).unwrap();
        let _ = black_box(picture::decrypt(&Key::from_bytes(secret_key()), &sealed));
    });
}

/// Three mistakes that the check must find.
fn planted(check: &mut Check) {
    check.leaking("a branch on a secret", || {
        let key = secret_key();
        if black_box(&key)[0] == 3 {
            black_box(1);
        }
    });
    check.leaking("a table indexed by a secret", || {
        let table: [u8; 256] = black_box([1; 256]);
        let [index] = valgrind::secret([3]);
        black_box(table[usize::from(index)]);
    });
    check.leaking("a signature that is verified with its secret", || {
        // Verification takes variable time, and may: its input should be public.
        let signature = account().sign(b"message");
        black_box(account().public().verify(b"message", &signature).is_ok());
    });
}

/// Counts what valgrind finds in each case.
#[derive(Default)]
struct Check {
    cases: u32,
    failed: u32,
}

impl Check {
    fn run(&mut self, name: &str, leaks: bool, case: impl FnOnce()) {
        let before = valgrind::errors();
        case();
        let found = valgrind::errors() - before;
        self.cases += 1;
        let ok = (found > 0) == leaks;
        self.failed += u32::from(!ok);
        println!("{} {name}: {found} found", if ok { "ok  " } else { "FAIL" });
    }

    fn clean(&mut self, name: &str, case: impl FnOnce()) {
        self.run(name, false, case);
    }

    /// A leak that the documentation of a function speaks of. When it is mended, so is that.
    fn documented(&mut self, name: &str, case: impl FnOnce()) {
        self.run(&format!("(documented leak) {name}"), true, case);
    }

    fn leaking(&mut self, name: &str, case: impl FnOnce()) {
        self.run(&format!("(planted) {name}"), true, case);
    }
}

fn main() -> ExitCode {
    if !valgrind::is_running() {
        eprintln!("this program shows something under valgrind only: start it with ./run");
        return ExitCode::from(2);
    }
    let backend = Backend::detect();
    println!("backend of the curve: {backend:?}");
    // A processor without what it needs is no place for this check.
    let is_expected = (backend == Backend::Graviola) == cfg!(feature = "graviola");
    let mut check = Check::default();
    check.failed += u32::from(!is_expected);
    keys(&mut check);
    blinding(&mut check);
    messages(&mut check);
    attachments(&mut check);
    config::check(&mut check);
    identity::check(&mut check);
    onion::check(&mut check);
    v2::check(&mut check);
    planted(&mut check);
    println!(
        "{} passed, {} failed",
        check.cases - check.failed,
        check.failed
    );
    ExitCode::from(u8::from(check.failed > 0))
}
