//! Encoder of the parameters of a request.

use session_crypto::Ed25519Signature;
use session_types::{AnyId, MessageHash, Namespaces, hex};

use crate::Encoding;
use crate::value::{Dict, Value};

/// The parameters of a request to send.
pub(crate) struct ParamsOut {
    dict: Dict,
    encoding: Encoding,
}

impl ParamsOut {
    pub(crate) const fn new(encoding: Encoding) -> Self {
        Self {
            dict: Dict::new(),
            encoding,
        }
    }

    pub(crate) fn finish(self) -> Value {
        Value::Dict(self.dict)
    }

    pub(crate) const fn encoding(&self) -> Encoding {
        self.encoding
    }

    pub(crate) fn put(&mut self, field: &str, value: impl Into<Value>) {
        self.dict.insert(field.into(), value.into());
    }

    /// Adds a public key or account id: hex, or raw in bencoding.
    pub(crate) fn key(&mut self, field: &str, bytes: &[u8]) {
        let value = match self.encoding {
            Encoding::Json => Value::Text(hex::encode(bytes)),
            Encoding::Bencode => Value::Bytes(bytes.into()),
        };
        self.put(field, value);
    }

    pub(crate) fn account(&mut self, account: &AnyId) {
        self.key("pubkey", account.as_bytes());
    }

    /// Adds bytes, which are base64 in JSON.
    pub(crate) fn bytes(&mut self, field: &str, bytes: &[u8]) {
        self.put(field, Value::Bytes(bytes.into()));
    }

    pub(crate) fn signature(&mut self, field: &str, signature: &Ed25519Signature) {
        self.bytes(field, signature.as_bytes());
    }

    pub(crate) fn namespaces(&mut self, namespaces: Namespaces) {
        match namespaces {
            Namespaces::All => self.put("namespace", "all"),
            Namespaces::One(namespace) => {
                self.put("namespace", Value::int(namespace.number().into()));
            }
        }
    }

    pub(crate) fn hashes(&mut self, hashes: &[MessageHash]) {
        let texts = hashes.iter().map(|hash| hash.as_str().into());
        self.put("messages", Value::List(texts.collect()));
    }
}
