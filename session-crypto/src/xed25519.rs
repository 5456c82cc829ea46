//! XEd25519: Ed25519 signatures with X25519 keys.
//!
//! An X25519 key belongs to two Ed25519 keys, `A` and `-A`. The signer uses the positive one, whose
//! sign bit is 0, and negates the scalar if necessary, so that the X25519 key suffices to verify
//! (protocol: identity, section 7).
//!
//! A signature by the Ed25519 key of an account verifies here for half of all accounts only: those
//! whose Ed25519 key is positive.

use rand_core::CryptoRng;
use subtle::{Choice, ConditionallySelectable};
use zeroize::{Zeroize, Zeroizing};

use crate::ed25519::{Ed25519PublicExt, Ed25519Signature};
use crate::scalar::SecretScalar;
use crate::x25519::{X25519Public, X25519PublicExt, X25519Secret};
use crate::{Blake2b, SignatureError};

/// Signs `message` with an X25519 secret and 64 random bytes.
///
/// Constant-time in the secret. Two signatures of the same message differ.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::{X25519Secret, xed25519};
///
/// let secret = X25519Secret::generate(rng);
/// let signature = xed25519::sign(rng, &secret, b"hello");
/// xed25519::verify(&secret.public(), b"hello", &signature)?;
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use]
pub fn sign(
    rng: &mut (impl CryptoRng + ?Sized),
    secret: &X25519Secret,
    message: &[u8],
) -> Ed25519Signature {
    let mut random = Zeroizing::new([0; 64]);
    rng.fill_bytes(random.as_mut_slice());

    let clamped = Zeroizing::new(curve25519_dalek::scalar::clamp_integer(
        *secret.expose_bytes(),
    ));
    let scalar = SecretScalar::from_bytes(&clamped);
    // Not the identity: no multiple of L is a clamped secret.
    let public = scalar.public();
    let negative = public.is_negative();
    let scalar = scalar.negate_if(negative);

    // The hash covers the bytes of a positive key unchanged, and those of a negative key reduced.
    let mut hashed = Zeroizing::new([0; 32]);
    let choice = Choice::from(u8::from(negative));
    for ((out, as_is), negated) in hashed
        .iter_mut()
        .zip(clamped.iter())
        .zip(scalar.expose_bytes())
    {
        *out = u8::conditional_select(as_is, negated, choice);
    }
    let mut hash = Blake2b::<64>::personal(b"xed25519signatur")
        .chain(hashed.as_slice())
        .chain(message)
        .chain(random.as_slice())
        .finalize();
    let nonce = SecretScalar::from_wide_bytes(&hash);
    hash.zeroize();
    scalar.sign_parts(&nonce, &public.with_sign(false), &[message])
}

/// Verifies a signature under an X25519 key, with the rule of [`crate::ed25519`].
///
/// Not constant-time: key, message and signature are public.
///
/// # Errors
///
/// [`SignatureError`] if the key is not usable or the signature does not verify.
pub fn verify(
    public: &X25519Public,
    message: &[u8],
    signature: &Ed25519Signature,
) -> Result<(), SignatureError> {
    public.to_ed25519_positive().verify(message, signature)
}
