//! `batch` and `sequence` (protocol: storage-rpc, section 5.15).

use alloc::string::String;
use alloc::vec::Vec;

use session_types::UnixMillis;
use session_types::limits::BATCH_MAX;

use crate::answer::{AnswerError, Body, Response, field};
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::value::Value;
use crate::{Call, Checks, Encoding, Method, ParamError, Request, RpcError, member};

/// Several requests in one. [`Request::Batch`] runs all of them, [`Request::Sequence`] stops after
/// the first that fails.
///
/// ```
/// # use session_crypto::{Ed25519Secret, ed25519::Ed25519PublicExt};
/// # let secret = Ed25519Secret::from_seed(&[1; 32]);
/// use session_storage::{Batch, Call, Retrieve, Signer};
/// use session_types::{Namespace, UnixMillis};
///
/// let account = secret.public().to_account_id()?;
/// let (signer, now) = (Signer::user(&secret), UnixMillis::new(1_754_971_101_000));
/// let fetch = |namespace| Retrieve::new(account, namespace).sign(now, &signer);
/// let batch = Batch::new([Namespace::DEFAULT, Namespace::CONTACTS].map(fetch))?;
/// assert!(batch.to_json().starts_with(br#"{"method":"batch","#));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    requests: Vec<Request>,
}

impl Batch {
    /// Collects 1 to 20 requests, none of which is a batch, sequence or `ifelse`.
    ///
    /// # Errors
    ///
    /// [`ParamError::BatchEmpty`], [`ParamError::BatchTooLong`] or [`ParamError::BatchNested`] if
    /// nodes would reject it.
    pub fn new<R: Into<Request>>(
        requests: impl IntoIterator<Item = R>,
    ) -> Result<Self, ParamError> {
        let requests: Vec<Request> = requests.into_iter().map(Into::into).collect();
        if requests.is_empty() {
            return Err(ParamError::BatchEmpty);
        }
        if requests.len() > BATCH_MAX {
            return Err(ParamError::BatchTooLong);
        }
        if requests.iter().any(|request| request.method().is_meta()) {
            return Err(ParamError::BatchNested);
        }
        Ok(Self { requests })
    }

    /// Returns the requests, 1 to 20 of them.
    #[must_use]
    pub fn requests(&self) -> &[Request] {
        &self.requests
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

/// Returns the members of a batch if there is at least one.
fn members_of<'a>(params: Params<'a>) -> Option<&'a [Value]> {
    let members = params.get("requests").and_then(Value::as_list);
    members.filter(|members| !members.is_empty())
}

/// Returns the two keys of a request inside another.
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

    /// Accepts every batch: each member is checked when it is served.
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

/// The results, in the order of the requests. A sequence that failed has fewer results than
/// requests.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchAnswer {
    /// The results.
    pub results: Vec<Response>,
}

impl BatchAnswer {
    /// Returns the body of the answer.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let results = self.results.iter().map(write_result).collect();
        Value::dict([("results", Value::List(results))])
    }

    /// Returns the latest clock among the results.
    #[must_use]
    pub fn latest_clock(&self) -> Option<UnixMillis> {
        let clocks = self.results.iter().filter_map(|result| match &result.body {
            Body::Structure(body) => body.get("t")?.as_time(),
            _ => None,
        });
        clocks.max()
    }

    /// Returns the status that all results share if it is not one of success. It counts as the
    /// status of the whole request.
    #[must_use]
    pub fn common_failure(&self) -> Option<u16> {
        let (first, rest) = self.results.split_first()?;
        let is_common = rest.iter().all(|result| result.status == first.status);
        (is_common && !first.is_success()).then_some(first.status)
    }
}

/// Encodes `{"code":…,"body":…}`. Members hold base64 as in JSON, even if the whole answer is
/// bencoded.
pub(crate) fn write_result(result: &Response) -> Value {
    Value::dict([
        ("code", u64::from(result.status).into()),
        ("body", result.inner_body().into_json_style()),
    ])
}

/// Parses `{"code":…,"body":…}`. Text in a member is text, even if the whole answer is bencoded.
pub(crate) fn read_result(result: &Value) -> Option<Response> {
    let status = u16::try_from(result.get("code")?.as_u64()?).ok()?;
    // A `null` is as good as no body.
    let body = match result.get("body").cloned().map(Value::into_text) {
        Some(Value::Text(text)) => Body::Text(text),
        Some(Value::Bytes(bytes)) => Body::Binary(bytes),
        Some(body) => Body::Structure(body),
        None => Body::Text(String::new()),
    };
    Some(Response { status, body })
}
