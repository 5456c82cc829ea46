//! `delete` (protocol: storage-rpc, section 5.3).

use alloc::string::ToString;
use alloc::vec::Vec;

use session_identity::subaccount::Permissions;
use session_types::{AnyId, Ed25519Public, MessageHash, UnixMillis};

use crate::answer::AnswerError;
use crate::auth::{Auth, Signer};
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::swarm_answer::{
    Entry, SwarmAnswer, SwarmCall, SwarmEntry, hash_list, read_hashes, with_hashes,
};
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, Response, RpcError};

/// Deletes messages by hash, in all namespaces.
///
/// The signature covers neither time nor namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete<S = Auth> {
    /// The account.
    pub account: AnyId,
    /// The messages, in the order that the signature covers.
    pub messages: Vec<MessageHash>,
    /// Whether the answer is 404 if no member deleted anything.
    pub required: bool,
    /// The signature; `()` until the request is signed.
    pub auth: S,
}

impl Delete<()> {
    /// Starts a request; [`sign`](Self::sign) completes it.
    ///
    /// # Errors
    ///
    /// [`ParamError::NoHashes`] if there are no messages.
    pub fn new(
        account: impl Into<AnyId>,
        messages: impl Into<Vec<MessageHash>>,
    ) -> Result<Self, ParamError> {
        Ok(Self {
            account: account.into(),
            messages: some_hashes(messages)?,
            required: false,
            auth: (),
        })
    }

    /// Asks for the status 404 if no member deleted anything.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Signs the request. The signature of this method covers no time, so `_at` is not used.
    #[must_use]
    pub fn sign(self, _at: UnixMillis, signer: &Signer<'_>) -> Delete {
        let auth = signer.sign(&message(&self.messages));
        Delete {
            account: self.account,
            messages: self.messages,
            required: self.required,
            auth,
        }
    }
}

impl Delete {
    /// Returns the bytes that the signature covers.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        message(&self.messages)
    }

    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        let required = params.flag("required")?;
        let account = params.account()?;
        let messages = params.hashes()?;
        let auth = params.auth(&account)?;
        Ok(Self {
            account,
            messages,
            required,
            auth,
        })
    }

    /// Returns the answer of the node with the key `own`. Its status is 404 if a deletion is
    /// [required](Self::required) and no message was deleted, otherwise 200.
    #[must_use]
    pub fn respond(&self, answer: &SwarmAnswer<DeleteEntry>, own: &Ed25519Public) -> Response {
        let mut response = Response::ok(answer.to_value(own));
        let is_nothing = answer.entries.values().all(|entry| match entry {
            Entry::Done(done) => done.entry.deleted.is_empty(),
            Entry::Failed(_) => true,
        });
        if self.required && is_nothing {
            response.status = 404;
            if let crate::Body::Structure(Value::Dict(body)) = &mut response.body
                && let Some(Value::Dict(swarm)) = body.get_mut("swarm")
            {
                let entries = swarm.values_mut();
                for entry in entries.filter(|entry| entry.get("failed").is_some()) {
                    if let Value::Dict(entry) = entry {
                        entry.insert("deleted".to_string(), Value::Null);
                    }
                }
            }
        }
        response
    }
}

/// Checks that a list has at least one hash.
pub(crate) fn some_hashes(
    messages: impl Into<Vec<MessageHash>>,
) -> Result<Vec<MessageHash>, ParamError> {
    let messages = messages.into();
    if messages.is_empty() {
        return Err(ParamError::NoHashes);
    }
    Ok(messages)
}

fn message(messages: &[MessageHash]) -> Vec<u8> {
    with_hashes("delete", &[messages])
}

impl Call for Delete {
    type Answer = SwarmAnswer<DeleteEntry>;
    const METHOD: Method = Method::Delete;

    fn params(&self, encoding: Encoding) -> Value {
        let mut out = ParamsOut::new(encoding);
        out.account(&self.account);
        out.hashes(&self.messages);
        if self.required {
            out.put("required", true);
        }
        self.auth.write(&mut out);
        out.finish()
    }

    fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
        node.swarm(&self.account)?;
        let needed = Permissions::DELETE;
        node.signature(
            Self::METHOD,
            &self.account,
            &self.auth,
            needed,
            &self.message(),
        )
    }

    /// Parses the body of status 200 or 404; both have the same form.
    fn read_answer(&self, body: &Value) -> Result<Self::Answer, AnswerError> {
        SwarmAnswer::from_value(body)
    }
}

impl SwarmCall for Delete {
    type Entry = DeleteEntry;

    fn node_message(&self, entry: &DeleteEntry) -> Vec<u8> {
        let account = self.account.to_string();
        with_hashes(&account, &[&self.messages, &entry.deleted])
    }

    fn fits(&self, entry: &DeleteEntry) -> bool {
        entry
            .deleted
            .iter()
            .all(|hash| self.messages.contains(hash))
    }
}

/// The messages that a member deleted for `delete`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteEntry {
    /// The hashes, sorted.
    pub deleted: Vec<MessageHash>,
}

impl SwarmEntry for DeleteEntry {
    fn write(&self, _: bool, out: &mut Dict) {
        out.insert("deleted".into(), hash_list(&self.deleted));
    }

    fn read(entry: &Value) -> Option<Self> {
        let deleted = read_hashes(entry.get("deleted")?)?;
        Some(Self { deleted })
    }
}
