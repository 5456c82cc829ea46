//! Session Pro: signing messages, and evaluating the claims of received ones.
//!
//! A sender with Session Pro holds a *proof*: the backend's signature over the public part of a
//! rotating key, with an expiry. They put the proof into the content and sign the message with the
//! rotating key. The signed bytes depend on the conversation (protocol: messages, sections 4 and 5):
//!
//! | conversation | signed bytes | place of the signature |
//! |---|---|---|
//! | one-to-one | the **ciphertext** in the envelope | `Envelope.proSig` |
//! | closed group | the plain Content in the envelope | `Envelope.proSig` |
//! | community, inbox | the padded Content without the signature | `Content` field 17 |
//!
//! A message with a false claim is delivered all the same, with a [`Claim`] whose
//! [`status`](Claim::status) is not [`Status::Valid`].
//!
//! Proofs of the older format (times in milliseconds) are signed differently; their status is
//! [`Status::InvalidProof`], as in all clients.

use alloc::vec::Vec;
use session_crypto::Ed25519PublicExt;

use session_crypto::pro::Proof;
use session_crypto::{Ed25519Public, Ed25519Secret, Ed25519Signature};
use session_proto::content::{Content, ProMessage, ProProof};
use session_proto::limits::{MAX_TEXT, MAX_TEXT_PRO, MESSAGE_FEATURE_LONG_TEXT};
use session_types::UnixMillis;

use crate::error::{OpenError, SealError};

/// A rotating key with its proof, which signs messages with Session Pro.
#[derive(Debug)]
pub struct Signer {
    rotating: Ed25519Secret,
    proof: Proof,
    profile_features: u64,
}

impl Signer {
    /// Joins a rotating key with its proof.
    ///
    /// `profile_features` are the bits of the sender's profile, such as
    /// [`PROFILE_FEATURE_BADGE`](session_proto::limits::PROFILE_FEATURE_BADGE). The bits of a
    /// message follow from its text.
    ///
    /// # Errors
    ///
    /// [`SealError::ProKey`] if the proof is for another key.
    pub fn new(
        rotating: Ed25519Secret,
        proof: Proof,
        profile_features: u64,
    ) -> Result<Self, SealError> {
        if proof.rotating_key != rotating.public() {
            return Err(SealError::ProKey);
        }
        Ok(Self {
            rotating,
            proof,
            profile_features,
        })
    }

    #[cfg(feature = "v2")]
    pub(crate) const fn rotating(&self) -> &Ed25519Secret {
        &self.rotating
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Ed25519Signature {
        self.rotating.sign(bytes)
    }
}

/// Returns the proof and features to be written into a content, or nothing if it uses no feature.
///
/// Rejects a text that is too long for its sender.
pub(crate) fn pro_message(
    content: &Content,
    signer: Option<&Signer>,
) -> Result<Option<ProMessage>, SealError> {
    let got = content.as_text().map_or(0, |text| text.chars().count());
    let max = if signer.is_some() {
        MAX_TEXT_PRO
    } else {
        MAX_TEXT
    };
    if got > max {
        return Err(SealError::TextTooLong { max, got });
    }
    let long = if got > MAX_TEXT {
        MESSAGE_FEATURE_LONG_TEXT
    } else {
        0
    };
    let signer = signer.filter(|signer| signer.profile_features | long != 0);
    Ok(signer.map(|signer| ProMessage {
        proof: Some(ProProof {
            revocation_tag: Some(signer.proof.revocation_tag.to_vec()),
            rotating_public_key: Some(signer.proof.rotating_key.as_bytes().to_vec()),
            expiry_unix_ts: Some(signer.proof.expiry_seconds),
            sig: Some(signer.proof.signature.as_bytes().to_vec()),
        }),
        profile_bitset: Some(signer.profile_features),
        msg_bitset: Some(long),
    }))
}

/// The claim of a received message to have Session Pro.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The proof, if there is one.
    pub proof: Option<Proof>,
    /// Features of the sender's profile, valid only with [`Status::Valid`].
    pub profile_features: u64,
    /// Features of the message, valid only with [`Status::Valid`].
    pub message_features: u64,
    /// Whether the rotating key of the proof has signed the message.
    is_signed: bool,
    /// The time at which the proof must be valid, in Unix seconds.
    time_seconds: u64,
}

/// The status of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// There is no proof.
    NoProof,
    /// The backend has not signed the proof.
    InvalidProof,
    /// The rotating key has not signed the message.
    InvalidSignature,
    /// The proof had expired.
    Expired,
    /// The sender has Session Pro.
    Valid,
}

impl Claim {
    /// Evaluates the claim with the key of the Session Pro backend (protocol: messages, section 5.4).
    ///
    /// The caller must also check revocation, by the revocation tag of the proof.
    #[must_use]
    pub fn status(&self, backend: &Ed25519Public) -> Status {
        let Some(proof) = &self.proof else {
            return Status::NoProof;
        };
        if proof.verify(backend).is_err() {
            Status::InvalidProof
        } else if !self.is_signed {
            Status::InvalidSignature
        } else if self.time_seconds > proof.expiry_seconds {
            Status::Expired
        } else {
            Status::Valid
        }
    }

    /// Makes the claim of a message and verifies the message's signature over `signed`.
    pub(crate) fn new(
        message: ProMessage,
        signature: &Ed25519Signature,
        signed: &[u8],
        judged_at: UnixMillis,
    ) -> Result<Self, OpenError> {
        let proof = message.proof.as_ref().map(read_proof).transpose()?;
        let is_signed =
            proof.is_some_and(|proof| proof.rotating_key.verify(signed, signature).is_ok());
        Ok(Self {
            proof,
            profile_features: message.profile_bitset.unwrap_or(0),
            message_features: message.msg_bitset.unwrap_or(0),
            is_signed,
            time_seconds: judged_at.as_secs(),
        })
    }
}

fn read_proof(proof: &ProProof) -> Result<Proof, OpenError> {
    fn part<const N: usize>(
        bytes: Option<&Vec<u8>>,
        field: &'static str,
    ) -> Result<[u8; N], OpenError> {
        let part = bytes.and_then(|bytes| bytes.as_slice().try_into().ok());
        part.ok_or(OpenError::ProProof { field })
    }
    let rotating = part(proof.rotating_public_key.as_ref(), "rotatingPublicKey")?;
    let field = "expiryUnixTs";
    Ok(Proof {
        revocation_tag: part(proof.revocation_tag.as_ref(), "revocationTag")?,
        rotating_key: Ed25519Public::from_bytes(rotating),
        expiry_seconds: proof.expiry_unix_ts.ok_or(OpenError::ProProof { field })?,
        signature: Ed25519Signature::from_bytes(part(proof.sig.as_ref(), "sig")?),
    })
}

/// Reads a Session Pro signature of an envelope or a content, 64 bytes.
pub(crate) fn read_signature(bytes: &[u8]) -> Result<Ed25519Signature, OpenError> {
    Ed25519Signature::try_from(bytes)
        .map_err(|_| OpenError::ProSignatureLength { got: bytes.len() })
}
