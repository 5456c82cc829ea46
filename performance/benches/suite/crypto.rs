//! What session-crypto does with bytes.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_crypto::Ed25519PublicExt;
use session_crypto::attachment::{Decryptor, Encryptor, FileKey, Kind};
use session_crypto::config::{self, Domain};
use session_crypto::direct::{self, Senders};
use session_crypto::multi::Party;
use session_crypto::x25519::PreparedPublic;
use session_crypto::{
    BlindedSecret, Blinding, Ed25519Secret, SymmetricKey, X25519Public, group, inbox, sealed_box,
    xchacha as cipher, xed25519,
};

use crate::Suite;
use crate::floors::{Primitives, SHORT, xchacha, xsalsa};

pub fn secret(byte: u8) -> Ed25519Secret {
    Ed25519Secret::from_seed(&[byte; 32])
}

pub fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

pub fn run(suite: &mut Suite) {
    one_to_one(suite);
    signatures(suite);
    inboxes(suite);
    many(suite);
    symmetric(suite);
    attachments(suite);
}

fn one_to_one(suite: &mut Suite) {
    const GROUP: &str = "one-to-one, bytes";
    let (alice, bob) = (secret(1), secret(2));
    let (own, public) = (bob.to_x25519(), bob.x25519_public());
    let prepared = PreparedPublic::new(public);
    let mut rng = rng();
    for (name, size) in [("200 B", 200), ("10 KB", 10_000)] {
        let message = vec![0x42; size];
        let signed = vec![0x42; size + 64];
        let primitives = Primitives::signing(&signed);
        let sealed = direct::seal(&mut rng, &alice, &public, &message).unwrap();
        let mut buffer = vec![0; size + 96];
        let mut seal_floor = || {
            primitives.sign(&signed);
            primitives.base();
            primitives.dh();
            xsalsa(&mut buffer);
        };
        let operation = suite
            .operation(GROUP, &format!("seal {name}"))
            .floor("signature, 2 multiplications, cipher", &mut seal_floor);
        let operation = match size {
            200 => operation.reference(68.0),
            _ => operation.reference(108.0),
        };
        operation.run(|| direct::seal(&mut rng, &alice, &public, &message).unwrap());
        let mut buffer = vec![0; size + 96];
        let mut prepared_floor = || {
            primitives.sign(&signed);
            primitives.base();
            primitives.dh_prepared();
            xsalsa(&mut buffer);
        };
        suite
            .operation(GROUP, &format!("seal {name}, prepared recipient"))
            .floor(
                "signature, 2 table multiplications, cipher",
                &mut prepared_floor,
            )
            .run(|| direct::seal(&mut rng, &alice, &prepared, &message).unwrap());

        let mut buffer = vec![0; size + 96];
        let mut open_floor = || {
            primitives.dh();
            primitives.verify_prepared(&signed);
            primitives.decompress_checked();
            xsalsa(&mut buffer);
        };
        let operation = suite.operation(GROUP, &format!("open {name}")).floor(
            "multiplication, key check, verification, cipher",
            &mut open_floor,
        );
        let operation = match size {
            200 => operation.reference(127.0),
            _ => operation,
        };
        operation.run(|| direct::open(&own, &public, &sealed).unwrap());
        let mut senders = Senders::new(10);
        let mut buffer = vec![0; size + 96];
        let mut known_floor = || {
            primitives.dh();
            primitives.verify_prepared(&signed);
            xsalsa(&mut buffer);
        };
        suite
            .operation(GROUP, &format!("open {name}, known sender"))
            .floor("multiplication, verification, cipher", &mut known_floor)
            .run(|| direct::open_remembering(&mut senders, &own, &public, &sealed).unwrap());
    }
}

fn signatures(suite: &mut Suite) {
    const GROUP: &str = "keys and signatures";
    let primitives = Primitives::new();
    let mut rng = rng();
    let (alice, message) = (secret(1), [0x42; 200]);
    let server = X25519Public::from_bytes([9; 32]);
    let own = alice.to_x25519();
    suite
        .operation(GROUP, "X25519")
        .floor("multiplication", &mut || primitives.dh())
        .reference(30.2)
        .run(|| own.diffie_hellman(&server).unwrap());
    suite
        .operation(GROUP, "X25519 public key")
        .floor("base point multiplication", &mut || primitives.base())
        .run(|| own.public());
    suite
        .operation(GROUP, "Ed25519 sign 200 B")
        .floor("the library's", &mut || primitives.sign(SHORT))
        .run(|| alice.sign(SHORT));
    for (blinding, name, reference) in [
        (Blinding::Blind15, "blind15 sign, key and all", 36.0),
        (Blinding::Blind25, "blind25 sign, key and all", 78.0),
    ] {
        suite
            .operation(GROUP, name)
            .floor("2 base point multiplications", &mut || {
                primitives.sign(SHORT);
                primitives.base();
            })
            .reference(reference)
            .run(|| {
                let own = BlindedSecret::new(blinding, &alice, &server).unwrap();
                own.sign(&message)
            });
        let own = BlindedSecret::new(blinding, &alice, &server).unwrap();
        let name = name.split(',').next().unwrap_or_default();
        suite
            .operation(GROUP, name)
            .floor("Ed25519 signature", &mut || primitives.sign(SHORT))
            .run(|| own.sign(&message));
    }
    let x25519 = alice.to_x25519();
    let public = x25519.public();
    suite
        .operation(GROUP, "XEd25519 sign")
        .floor("signature, base point multiplication", &mut || {
            primitives.sign(SHORT);
            primitives.base();
        })
        .run(|| xed25519::sign(&mut rng, &x25519, &message));
    let signature = xed25519::sign(&mut rng, &x25519, &message);
    suite
        .operation(GROUP, "XEd25519 verify")
        .floor("Ed25519 verification", &mut || primitives.verify())
        .run(|| xed25519::verify(&public, &message, &signature).unwrap());
    let signature = alice.sign(&message);
    let public = alice.public();
    suite
        .operation(GROUP, "Ed25519 verify")
        .floor("the library's verify_strict", &mut || primitives.verify())
        .run(|| public.verify(&message, &signature).unwrap());
    let verifier = public.to_verifying_key().unwrap();
    suite
        .operation(GROUP, "Ed25519 verify, prepared key")
        .floor("the library's verify_strict", &mut || {
            primitives.verify_prepared(SHORT);
        })
        .run(|| verifier.verify(&message, &signature).unwrap());
}

fn inboxes(suite: &mut Suite) {
    const GROUP: &str = "community inbox, bytes";
    let primitives = Primitives::new();
    let mut rng = rng();
    let server = X25519Public::from_bytes([9; 32]);
    for (blinding, name) in [(Blinding::Blind15, "15"), (Blinding::Blind25, "25")] {
        let own = BlindedSecret::new(blinding, &secret(1), &server).unwrap();
        let peer = BlindedSecret::new(blinding, &secret(2), &server).unwrap();
        let (sender, recipient) = (own.public(), peer.public());
        let message = [0x42; 200];
        let sealed = inbox::seal(&mut rng, &own, &recipient, &message).unwrap();
        let mut buffer = [0; 232];
        suite
            .operation(GROUP, &format!("seal 200 B, {name}"))
            .floor("key check, multiplication, cipher", &mut || {
                primitives.decompress_checked();
                primitives.multiply();
                xchacha(&mut buffer);
            })
            .run(|| inbox::seal(&mut rng, &own, &recipient, &message).unwrap());
        suite
            .operation(GROUP, &format!("open 200 B, {name}"))
            .floor("2 key checks, 2 multiplications, cipher", &mut || {
                primitives.decompress_checked();
                primitives.decompress_checked();
                primitives.multiply();
                primitives.multiply();
                xchacha(&mut buffer);
            })
            .run(|| inbox::open(&peer, &sender, &recipient, &sealed).unwrap());
    }
}

/// So many keys of accounts.
pub fn recipients(count: usize) -> Vec<X25519Public> {
    (0..count)
        .map(|index| {
            let mut seed = [5; 32];
            seed[..8].copy_from_slice(&index.to_le_bytes());
            Ed25519Secret::from_seed(&seed).x25519_public()
        })
        .collect()
}

fn many(suite: &mut Suite) {
    let primitives = Primitives::new();
    let recipients = recipients(100);
    let sender = secret(200).to_x25519();
    let party = Party::new(&sender, b"SessionGroupKickedMessage");
    suite
        .operation("many recipients", "seal 48 B to 100")
        .floor("100 multiplications and ciphers", &mut || {
            for _ in 0..100 {
                primitives.dh();
                xchacha(&mut [0; 48]);
            }
        })
        .reference(3227.0)
        .run(|| {
            let all = party.seal_to_all(&recipients, &[1; 24], &[&[0; 48]]);
            all.unwrap()
        });
    let sealed = party
        .seal_to_all(&recipients, &[1; 24], &[&[0; 48]])
        .unwrap();
    let last = secret_of_last();
    let own = Party::new(&last, b"SessionGroupKickedMessage");
    suite
        .operation("many recipients", "open the last of 100")
        .floor("multiplication", &mut || primitives.dh())
        .reference(100.0)
        .run(|| {
            let all = sealed.iter().map(Vec::as_slice);
            own.open_from(party.public(), &[1; 24], all).unwrap()
        });
}

fn secret_of_last() -> session_crypto::X25519Secret {
    let mut seed = [5; 32];
    seed[..8].copy_from_slice(&99_usize.to_le_bytes());
    Ed25519Secret::from_seed(&seed).to_x25519()
}

fn symmetric(suite: &mut Suite) {
    let mut rng = rng();
    let key = SymmetricKey::from_bytes([7; 32]);
    for (name, size, reference) in [("216 B", 216, 0.91), ("10 KB", 10_000, 7.2)] {
        let (mut own, mut buffer) = (vec![0x42; size], vec![0x42; size]);
        suite
            .operation("ciphers", &format!("XChaCha20-Poly1305 {name}"))
            .floor("the library's", &mut || xchacha(&mut buffer))
            .reference(reference)
            .bytes(size)
            .run(|| cipher::encrypt_detached(&key, &[1; 24], &mut own).unwrap());
    }
    let (public, message) = (secret(2).x25519_public(), vec![0x42; 10_000]);
    let (primitives, mut buffer) = (Primitives::new(), message.clone());
    suite
        .operation("ciphers", "sealed box 10 KB")
        .floor("2 multiplications, cipher", &mut || {
            primitives.base();
            primitives.dh();
            xsalsa(&mut buffer);
        })
        .reference(52.7)
        .bytes(message.len())
        .run(|| sealed_box::seal(&mut rng, &public, &message).unwrap());
    for (name, size) in [("1 KB", 1_000), ("60 KB", 60_000)] {
        const GROUP: &str = "group layer, bytes";
        let content = vec![0x42; size];
        let mut sealed = group::encrypt(&mut rng, &key, &content, 256).unwrap();
        let mut buffer = vec![0; sealed.len() - group::OVERHEAD];
        let mut floor = || xchacha(&mut buffer);
        suite
            .operation(GROUP, &format!("seal {name}"))
            .floor("XChaCha20-Poly1305", &mut floor)
            .bytes(size)
            .run(|| group::encrypt(&mut rng, &key, &content, 256).unwrap());
        suite
            .operation(GROUP, &format!("open {name}"))
            .floor("XChaCha20-Poly1305", &mut floor)
            .bytes(size)
            .run(|| group::decrypt([&key], &sealed).unwrap());
        // Opening it spoils it, and sealing it again takes as long: so both are counted.
        let nonce: [u8; 24] = sealed[..24].try_into().unwrap();
        let mut twice = || {
            floor();
            floor();
        };
        suite
            .operation(GROUP, &format!("open {name} in place and seal it again"))
            .floor("2 XChaCha20-Poly1305", &mut twice)
            .bytes(2 * size)
            .run(|| {
                group::decrypt_in_place([&key], &mut sealed).unwrap();
                let end = sealed.len() - 16;
                let tag = cipher::encrypt_detached(&key, &nonce, &mut sealed[24..end]);
                sealed[end..].copy_from_slice(&tag.unwrap());
            });
    }
    let domain = Domain::new("Contacts").unwrap();
    let message = vec![0x42; 10_200];
    let sealed = config::encrypt(&key, domain, &message).unwrap();
    let mut buffer = message.clone();
    suite
        .operation("configs", "seal 10 KB")
        .floor("BLAKE2b, XChaCha20-Poly1305", &mut || {
            let hash = session_crypto::Blake2b::<24>::new().chain(&buffer);
            std::hint::black_box(hash.finalize());
            xchacha(&mut buffer);
        })
        .bytes(message.len())
        .run(|| config::encrypt(&key, domain, &message).unwrap());
    let mut buffer = message.clone();
    suite
        .operation("configs", "open 10 KB")
        .floor("XChaCha20-Poly1305", &mut || xchacha(&mut buffer))
        .bytes(message.len())
        .reference(8.4)
        .run(|| config::decrypt(&key, domain, &sealed).unwrap());
}

fn attachments(suite: &mut Suite) {
    const GROUP: &str = "attachments";
    const CHUNK: usize = 1 << 16;
    let content = vec![0x42; 10_000_000];
    let file_key = FileKey::derive(&secret(1), Kind::Attachment, &content);
    let file = session_crypto::attachment::encrypt(&file_key, &content).unwrap();
    // As long as the file, padding and all.
    let mut buffer = file.clone();
    let mut floor = || buffer.chunks_mut(CHUNK).for_each(xchacha);
    let mut out = Vec::with_capacity(4 * CHUNK);
    suite
        .operation(GROUP, "encrypt 10 MB by 64 KiB")
        .floor("XChaCha20-Poly1305 by 64 KiB", &mut floor)
        .bytes(content.len())
        .run(|| {
            out.clear();
            let size = content.len() as u64;
            let mut encryptor = Encryptor::new(&file_key, size, &mut out).unwrap();
            for piece in content.chunks(CHUNK) {
                out.clear();
                encryptor.update(piece, &mut out).unwrap();
            }
            encryptor.finish().unwrap();
        });
    suite
        .operation(GROUP, "decrypt 10 MB by 64 KiB")
        .floor("XChaCha20-Poly1305 by 64 KiB", &mut floor)
        .bytes(content.len())
        .run(|| {
            let mut decryptor = Decryptor::new(&file_key.key);
            for piece in file.chunks(CHUNK) {
                out.clear();
                decryptor.update(piece, &mut out).unwrap();
            }
            decryptor.finish(&mut out).unwrap();
        });
    suite
        .operation(GROUP, "decrypt 10 MB in one call")
        .floor("XChaCha20-Poly1305 by 64 KiB", &mut floor)
        .reference(7270.0)
        .bytes(content.len())
        .run(|| session_crypto::attachment::decrypt(&file_key.key, &file).unwrap());
    suite
        .operation(GROUP, "key of 10 MB")
        .bytes(content.len())
        .run(|| FileKey::derive(&secret(1), Kind::Attachment, &content));
}
