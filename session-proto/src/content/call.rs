//! Calls.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::ContentError;
use crate::limits::MAX_SDPS;
use crate::schema::session as wire;
use crate::schema::session::call_message::Type;

/// A step of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Identifies the call in all its steps: a UUID in its canonical text form. Compare it without
    /// regard to case; iOS writes upper case.
    pub uuid: String,
    /// The step of the call.
    pub step: CallStep,
}

/// The data of a step of a call.
#[derive(Clone, PartialEq, Eq)]
pub enum CallStep {
    /// A call is about to begin. Receivers only let the device ring.
    PreOffer,
    /// Session descriptions of the caller.
    Offer(Vec<String>),
    /// Session descriptions of the callee.
    Answer(Vec<String>),
    /// Obsolete; receivers ignore it.
    ProvisionalAnswer(Vec<String>),
    /// Addresses at which the sender can be reached.
    IceCandidates(Vec<IceCandidate>),
    /// The call is over.
    EndCall,
}

/// An address at which the sender of a call can be reached.
#[derive(Clone, PartialEq, Eq)]
pub struct IceCandidate {
    /// The candidate.
    pub sdp: String,
    /// Index of the media line that it belongs to.
    pub line_index: u32,
    /// Id of the media line that it belongs to.
    pub line_id: String,
}

// Descriptions and candidates contain addresses and keys.
impl fmt::Debug for CallStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PreOffer => "PreOffer",
            Self::Offer(_) => "Offer(..)",
            Self::Answer(_) => "Answer(..)",
            Self::ProvisionalAnswer(_) => "ProvisionalAnswer(..)",
            Self::IceCandidates(_) => "IceCandidates(..)",
            Self::EndCall => "EndCall",
        })
    }
}

impl fmt::Debug for IceCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IceCandidate(..)")
    }
}

impl Call {
    pub(super) fn to_wire(&self) -> Result<wire::CallMessage, ContentError> {
        let mut out = wire::CallMessage {
            uuid: canonical_uuid(self.uuid.clone())?,
            ..wire::CallMessage::default()
        };
        let (kind, sdps) = match &self.step {
            CallStep::PreOffer => (Type::PreOffer, Vec::new()),
            CallStep::EndCall => (Type::EndCall, Vec::new()),
            CallStep::Offer(sdps) => (Type::Offer, descriptions(sdps.clone())?),
            CallStep::Answer(sdps) => (Type::Answer, descriptions(sdps.clone())?),
            CallStep::ProvisionalAnswer(sdps) => {
                (Type::ProvisionalAnswer, descriptions(sdps.clone())?)
            }
            CallStep::IceCandidates(candidates) => {
                let lines = candidates.iter().map(|candidate| candidate.line_index);
                out.sdp_m_line_indexes = lines.collect();
                let ids = candidates.iter().map(|candidate| candidate.line_id.clone());
                out.sdp_mids = ids.collect();
                let sdps = candidates.iter().map(|candidate| candidate.sdp.clone());
                (Type::IceCandidates, descriptions(sdps.collect())?)
            }
        };
        if sdps.len() > MAX_SDPS {
            return Err(ContentError::TooMany {
                field: "sdps",
                max: MAX_SDPS,
                got: sdps.len(),
            });
        }
        out.set_type(kind);
        out.sdps = sdps;
        Ok(out)
    }

    pub(super) fn from_wire(call: wire::CallMessage) -> Result<Self, ContentError> {
        let kind = Type::try_from(call.r#type);
        let step = match kind.map_err(|_| ContentError::UnknownValue { field: "type" })? {
            Type::PreOffer => CallStep::PreOffer,
            Type::EndCall => CallStep::EndCall,
            Type::Offer => CallStep::Offer(descriptions(call.sdps)?),
            Type::Answer => CallStep::Answer(descriptions(call.sdps)?),
            Type::ProvisionalAnswer => CallStep::ProvisionalAnswer(descriptions(call.sdps)?),
            Type::IceCandidates => {
                let sdps = descriptions(call.sdps)?;
                let lines = call.sdp_m_line_indexes;
                if lines.len() != sdps.len() || call.sdp_mids.len() != sdps.len() {
                    return Err(ContentError::ParallelLists);
                }
                let all = sdps.into_iter().zip(lines).zip(call.sdp_mids);
                let all = all.map(|((sdp, line_index), line_id)| IceCandidate {
                    sdp,
                    line_index,
                    line_id,
                });
                CallStep::IceCandidates(all.collect())
            }
        };
        Ok(Self {
            uuid: canonical_uuid(call.uuid)?,
            step,
        })
    }
}

/// Rejects a text that is not 8-4-4-4-12 hex digits: Android drops such a call.
fn canonical_uuid(uuid: String) -> Result<String, ContentError> {
    let is_canonical = uuid.len() == 36
        && uuid.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    if is_canonical {
        Ok(uuid)
    } else {
        Err(ContentError::Uuid)
    }
}

fn descriptions(sdps: Vec<String>) -> Result<Vec<String>, ContentError> {
    if sdps.is_empty() {
        return Err(ContentError::Missing { field: "sdps" });
    }
    Ok(sdps)
}
