//! Which id a client signs with (protocol: community, section 3).

use session_crypto::{Blinding, KeyError, X25519Public};
use session_identity::Account;
use session_types::http::Response;

use crate::Signer;
use crate::reply::Capabilities;

/// Text in the refusal of an id of another kind. The status alone says only that a header is wrong.
const NOT_BLINDED: &str = "requires the use of blinded ids";

/// The kind of id with which a client signs, chosen from what the server says.
///
/// ```
/// use session_community::IdChoice;
/// use session_community::http::Response;
/// use session_community::reply::Capabilities;
/// use session_crypto::Blinding;
///
/// let reply = Response::new(200, "application/json", r#"{"capabilities":["blind","blind25","sogs"]}"#);
/// let capabilities = Capabilities::from_reply(&reply)?;
/// let choice = IdChoice::first(&capabilities, true);
/// assert_eq!(choice, IdChoice::Blinded(Blinding::Blind15));
///
/// let text = "Invalid authentication: this server requires the use of blinded ids";
/// let refusal = Response::new(400, "text/plain", text);
/// let next = choice.after(&refusal, &capabilities);
/// assert_eq!(next, Some(IdChoice::Blinded(Blinding::Blind25)));
/// # Ok::<(), session_community::ReplyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdChoice {
    /// `00`, which does not hide the account.
    Unblinded,
    /// `15` or `25`.
    Blinded(Blinding),
}

impl IdChoice {
    /// Returns the kind for the first request. A server with the capability `blind` requires a blinded
    /// id; any other takes both, and `is_hidden` decides. Only blinded users have an inbox.
    #[must_use]
    pub fn first(capabilities: &Capabilities, is_hidden: bool) -> Self {
        match capabilities.requires_blinding() || is_hidden {
            true => Self::Blinded(Blinding::Blind15),
            false => Self::Unblinded,
        }
    }

    /// Returns the kind to sign with after a server has refused this one, or `None` if the refusal has
    /// another reason. `25` is tried only if the server lists `blind25`.
    #[must_use]
    pub fn after(self, refusal: &Response, capabilities: &Capabilities) -> Option<Self> {
        let is_about_ids = refusal.status == 400
            && core::str::from_utf8(&refusal.body).is_ok_and(|text| text.contains(NOT_BLINDED));
        if !is_about_ids {
            return None;
        }
        match self {
            Self::Unblinded => Some(Self::Blinded(Blinding::Blind15)),
            Self::Blinded(Blinding::Blind15) if capabilities.has("blind25") => {
                Some(Self::Blinded(Blinding::Blind25))
            }
            Self::Blinded(_) => None,
        }
    }

    /// Returns the signer of an account on a server.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the blinding factor is 0, which does not happen with a real server key.
    pub fn signer<'a>(
        self,
        account: &'a Account,
        server: &X25519Public,
    ) -> Result<Signer<'a>, KeyError> {
        match self {
            Self::Unblinded => Ok(Signer::unblinded(account, server)),
            Self::Blinded(blinding) => Signer::blinded(blinding, account, server),
        }
    }
}
