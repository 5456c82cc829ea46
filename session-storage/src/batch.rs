//! `batch` and `sequence` (protocol: storage-rpc, section 5.15).

use alloc::string::String;
use alloc::vec::Vec;

use crate::answer::{AnswerError, Body, Response, field};
use crate::limits::BATCH_MAX;
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::value::Value;
use crate::{Call, Checks, Encoding, Method, ParamError, Request, RpcError, member};

/// Several requests in one: as [`Request::Batch`] all of them, as [`Request::Sequence`] up to and
/// with the first that fails.
///
/// ```
/// # use session_crypto::Ed25519Secret;
/// # let secret = Ed25519Secret::from_seed(&[1; 32]);
/// use session_swarm::rpc::{Batch, Call, Retrieve, Signer};
/// use session_swarm::{Namespace, StorageAccount};
///
/// let account = StorageAccount::user(&secret.public().to_x25519()?);
/// let signer = Signer::user(&secret);
/// let fetch = |namespace| Retrieve::new(account, namespace).sign(1_754_971_101_000, &signer);
/// let batch = Batch::new([Namespace::DEFAULT, Namespace::CONTACTS].map(fetch));
/// assert!(batch.to_json().starts_with(br#"{"method":"batch","#));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// 1 to 20 requests, none of which is a batch, sequence or `ifelse`.
    pub requests: Vec<Request>,
}

impl Batch {
    /// Collects requests.
    pub fn new<R: Into<Request>>(requests: impl IntoIterator<Item = R>) -> Self {
        Self {
            requests: requests.into_iter().map(Into::into).collect(),
        }
    }

    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        let members = members_of(params).ok_or(ParamError::BatchEmpty)?;
        if members.len() > BATCH_MAX {
            return Err(ParamError::BatchTooLong);
        }
        let requests = members.iter().map(|member| {
            let member = member.as_dict().ok_or(ParamError::BatchMember)?;
            let (method, inner) =
                method_and_params(params.inner(member)).ok_or(ParamError::BatchMemberKeys)?;
            let known = Method::from_name(&method).ok_or(ParamError::BatchMethod(method))?;
            if known.is_meta() {
                let is_batch = matches!(known, Method::Batch | Method::Sequence);
                return Err(if is_batch && members_of(inner).is_none() {
                    ParamError::BatchEmpty
                } else {
                    ParamError::BatchNested
                });
            }
            Request::parse(known, inner)
        });
        let requests = requests.collect::<Result<_, _>>()?;
        Ok(Self { requests })
    }
}

/// The members of a batch, if there is at least one.
fn members_of<'a>(params: Params<'a>) -> Option<&'a [Value]> {
    let members = params.get("requests").and_then(Value::as_list);
    members.filter(|members| !members.is_empty())
}

/// The two keys of a request inside another.
pub(crate) fn method_and_params(member: Params<'_>) -> Option<(String, Params<'_>)> {
    let method = member.get("method")?.as_text()?;
    let params = member.get("params")?.as_dict()?;
    Some((method.into(), member.inner(params)))
}

impl Call for Batch {
    type Answer = BatchAnswer;
    const METHOD: Method = Method::Batch;

    fn params(&self, encoding: Encoding) -> Value {
        let mut out = ParamsOut::new(encoding);
        let requests = self.requests.iter();
        let requests = requests.map(|request| member(request.method(), request.params(encoding)));
        out.put("requests", Value::List(requests.collect()));
        out.finish()
    }

    /// The members are checked one by one, when their turn comes.
    fn check(&self, _: &Checks<'_>) -> Result<(), RpcError> {
        Ok(())
    }

    fn read_answer(&self, body: &Value) -> Result<BatchAnswer, AnswerError> {
        const FIELD: &str = "results";
        let results = field(body, FIELD)?.as_list();
        let results = results.ok_or(AnswerError::Field(FIELD))?;
        if results.len() > self.requests.len() {
            return Err(AnswerError::TooManyResults);
        }
        let results = results.iter().map(read_result).collect::<Option<_>>();
        let results = results.ok_or(AnswerError::Field(FIELD))?;
        Ok(BatchAnswer { results })
    }
}

/// What became of the requests, in their order. A sequence that failed has fewer results than
/// requests.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchAnswer {
    /// The results.
    pub results: Vec<Response>,
}

impl BatchAnswer {
    /// The body of the answer.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let results = self.results.iter().map(write_result).collect();
        Value::dict([("results", Value::List(results))])
    }

    /// The latest clock among the results, in milliseconds since 1970.
    #[must_use]
    pub fn latest_clock(&self) -> Option<u64> {
        let clocks = self.results.iter().filter_map(|result| match &result.body {
            Body::Structure(body) => body.get("t")?.as_u64(),
            _ => None,
        });
        clocks.max()
    }

    /// The status that all results share, if it is not one of success: it counts as that of the
    /// whole request.
    #[must_use]
    pub fn common_failure(&self) -> Option<u16> {
        let (first, rest) = self.results.split_first()?;
        let is_common = rest.iter().all(|result| result.status == first.status);
        (is_common && !first.is_success()).then_some(first.status)
    }
}

/// `{"code":…,"body":…}`.
pub(crate) fn write_result(result: &Response) -> Value {
    Value::dict([
        ("code", u64::from(result.status).into()),
        ("body", result.inner_body()),
    ])
}

pub(crate) fn read_result(result: &Value) -> Option<Response> {
    let status = u16::try_from(result.get("code")?.as_u64()?).ok()?;
    // A `null` would be as good as no body.
    let body = match result.get("body") {
        Some(Value::Text(text)) => Body::Text(text.clone()),
        Some(Value::Bytes(bytes)) => match core::str::from_utf8(bytes) {
            Ok(text) => Body::Text(text.into()),
            Err(_) => Body::Binary(bytes.clone()),
        },
        Some(body) => Body::Structure(body.clone()),
        None => Body::Text(String::new()),
    };
    Some(Response { status, body })
}
