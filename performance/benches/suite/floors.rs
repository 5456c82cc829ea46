//! The primitives, straight from the libraries that the crates are built on.

use std::hint::black_box;

use aes_gcm::Aes256Gcm;
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsBasepointTable};
use curve25519_dalek::traits::BasepointTable;
use curve25519_dalek::{EdwardsPoint, MontgomeryPoint, Scalar};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use poly1305::Poly1305;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit, StreamCipher};

/// Keys of somebody.
pub struct Primitives {
    signing: SigningKey,
    verifying: VerifyingKey,
    signature: ed25519_dalek::Signature,
    secret: [u8; 32],
    peer: MontgomeryPoint,
    point: EdwardsPoint,
    table: EdwardsBasepointTable,
}

/// What is signed where its length does not count.
pub const SHORT: &[u8] = &[0x42; 200];

impl Primitives {
    pub fn new() -> Self {
        Self::signing(SHORT)
    }

    /// With a signature of `message`, for [`verify_prepared`](Self::verify_prepared).
    pub fn signing(message: &[u8]) -> Self {
        let signing = SigningKey::from_bytes(&[3; 32]);
        let point = EdwardsPoint::mul_base(&Scalar::from(12_345_u64));
        Self {
            verifying: signing.verifying_key(),
            signature: signing.sign(message),
            signing,
            secret: [0x77; 32],
            peer: point.to_montgomery(),
            point,
            table: EdwardsBasepointTable::create(&point),
        }
    }

    /// X25519 by the fastest way that gives its bytes: over the Edwards form.
    pub fn dh(&self) {
        let peer = black_box(self.peer).to_edwards(0).unwrap();
        black_box(peer.mul_clamped(black_box(self.secret)).to_montgomery());
    }

    /// X25519 with a peer whose table is there.
    pub fn dh_prepared(&self) {
        let shared = self.table.mul_base_clamped(black_box(self.secret));
        black_box(shared.to_montgomery());
    }

    /// An X25519 public key.
    pub fn base(&self) {
        black_box(EdwardsPoint::mul_base_clamped(black_box(self.secret)).to_montgomery());
    }

    /// A point times a scalar.
    pub fn multiply(&self) {
        black_box(black_box(self.point) * Scalar::from_bytes_mod_order(black_box(self.secret)));
    }

    /// A point from its bytes, with the check that it has prime order.
    pub fn decompress_checked(&self) {
        let point = self.decompress();
        let multiple =
            EdwardsPoint::vartime_double_scalar_mul_basepoint(&-Scalar::ONE, &point, &Scalar::ZERO);
        black_box(multiple == -point);
    }

    /// A point from its bytes.
    pub fn decompress(&self) -> EdwardsPoint {
        let bytes = CompressedEdwardsY(*black_box(self.verifying.as_bytes()));
        black_box(bytes.decompress().unwrap())
    }

    pub fn sign(&self, message: &[u8]) {
        black_box(self.signing.sign(black_box(message)));
    }

    /// A strict verification with a key from its bytes.
    pub fn verify(&self) {
        let key = VerifyingKey::from_bytes(black_box(self.verifying.as_bytes())).unwrap();
        let verified = key.verify_strict(black_box(SHORT), &self.signature);
        verified.unwrap();
    }

    /// A strict verification with a key that is there.
    pub fn verify_prepared(&self, message: &[u8]) {
        let verified = self
            .verifying
            .verify_strict(black_box(message), &self.signature);
        verified.unwrap();
    }
}

/// XChaCha20-Poly1305 of the buffer.
pub fn xchacha(buffer: &mut [u8]) {
    let cipher = XChaCha20Poly1305::new(&[7; 32].into());
    let tag = cipher.encrypt_inout_detached(&[7; 24].into(), &[], buffer.into());
    black_box(tag.unwrap());
}

/// AES-256-GCM of the buffer.
pub fn aes_gcm(buffer: &mut [u8]) {
    let cipher = Aes256Gcm::new(&[7; 32].into());
    let tag = cipher.encrypt_inout_detached(&[7; 12].into(), &[], buffer.into());
    black_box(tag.unwrap());
}

/// XSalsa20 and Poly1305 of the buffer, as a sealed box has them.
pub fn xsalsa(buffer: &mut [u8]) {
    XSalsa20::new(&[7; 32].into(), &[7; 24].into()).apply_keystream(buffer);
    use poly1305::universal_hash::KeyInit as _;
    black_box(Poly1305::new(&[7; 32].into()).compute_unpadded(buffer));
}
