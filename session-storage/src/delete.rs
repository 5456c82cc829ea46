//! `delete` (protocol: storage-rpc, section 5.3).

use alloc::string::ToString;
use alloc::vec::Vec;

use session_swarm::StorageAccount;

use crate::answer::AnswerError;
use crate::auth::{Auth, Permissions, Signer};
use crate::hash::MessageHash;
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::swarm_answer::{
    Entry, SwarmAnswer, SwarmCall, SwarmEntry, hash_list, read_hashes, with_hashes,
};
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, Response, RpcError};

/// Deletes messages by hash, whatever their namespaces are.
///
/// The signature covers neither time nor namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {
    /// Whose messages.
    pub account: StorageAccount,
    /// Which messages, in the order that is signed.
    pub messages: Vec<MessageHash>,
    /// Whether to answer 404 if nothing was deleted anywhere.
    pub required: bool,
    /// The signature.
    pub auth: Auth,
}

impl Delete {
    /// Makes the request.
    #[must_use]
    pub fn new(account: StorageAccount, messages: Vec<MessageHash>, signer: &Signer<'_>) -> Self {
        let auth = signer.sign(&message(&messages));
        Self {
            account,
            messages,
            required: false,
            auth,
        }
    }

    /// The bytes that are signed.
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

    /// The answer of the node with the key `own`: 404 if something had to be deleted and nothing
    /// was, else 200.
    #[must_use]
    pub fn respond(
        &self,
        answer: &SwarmAnswer<DeleteEntry>,
        own: &session_crypto::Ed25519Public,
    ) -> Response {
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

    /// Also reads the body of status 404, which has the same form.
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

/// What a member deleted.
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
