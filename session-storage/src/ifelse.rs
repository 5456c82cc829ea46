//! `ifelse` (protocol: storage-rpc, section 5.16).

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::answer::{AnswerError, Response, field};
use crate::batch::{method_and_params, read_result, write_result};
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, Request, RpcError, member};

/// The state of a node that conditions test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkState {
    /// Major and minor hard fork.
    pub hf: [u64; 2],
    /// Version of the storage server.
    pub version: [u64; 3],
    /// Height of the chain.
    pub height: u64,
}

/// Conditions on the asked node. All that are given must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Condition {
    /// The hard fork is at least this one.
    pub hf_at_least: Option<[u64; 2]>,
    /// The hard fork is earlier.
    pub hf_before: Option<[u64; 2]>,
    /// The version is at least this one.
    pub version_at_least: Option<[u64; 3]>,
    /// The version is earlier.
    pub version_before: Option<[u64; 3]>,
    /// The height is at least this one.
    pub height_at_least: Option<i64>,
    /// The height is less.
    pub height_before: Option<i64>,
}

impl Condition {
    /// Returns whether all conditions hold.
    #[must_use]
    pub fn holds(&self, state: &NetworkState) -> bool {
        let height = i64::try_from(state.height).unwrap_or(i64::MAX);
        self.hf_at_least.is_none_or(|hf| state.hf >= hf)
            && self.hf_before.is_none_or(|hf| state.hf < hf)
            && self
                .version_at_least
                .is_none_or(|version| state.version >= version)
            && self
                .version_before
                .is_none_or(|version| state.version < version)
            && self.height_at_least.is_none_or(|least| height >= least)
            && self.height_before.is_none_or(|before| height < before)
    }

    fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        let condition = Self {
            hf_at_least: version(params, "hf_at_least")?,
            hf_before: version(params, "hf_before")?,
            version_at_least: version(params, "v_at_least")?,
            version_before: version(params, "v_before")?,
            height_at_least: params.int("height_at_least")?,
            height_before: params.int("height_before")?,
        };
        if condition == Self::default() {
            return Err(ParamError::IfElseNoCondition);
        }
        Ok(condition)
    }

    fn write(&self) -> Value {
        let mut out = Dict::new();
        let list =
            |numbers: &[u64]| Value::List(numbers.iter().copied().map(Value::from).collect());
        for (name, hf) in [
            ("hf_at_least", &self.hf_at_least),
            ("hf_before", &self.hf_before),
        ] {
            if let Some(hf) = hf {
                out.insert(name.into(), list(hf));
            }
        }
        for (name, version) in [
            ("v_at_least", &self.version_at_least),
            ("v_before", &self.version_before),
        ] {
            if let Some(version) = version {
                out.insert(name.into(), list(version));
            }
        }
        for (name, height) in [
            ("height_at_least", self.height_at_least),
            ("height_before", self.height_before),
        ] {
            if let Some(height) = height {
                out.insert(name.into(), Value::int(height));
            }
        }
        Value::Dict(out)
    }
}

/// Parses a version. Missing parts are 0, extra ones are ignored, an empty list counts as absent.
fn version<const N: usize>(
    params: Params<'_>,
    field: &'static str,
) -> Result<Option<[u64; N]>, ParamError> {
    let parts: Option<Vec<u64>> = params.ints(field, N)?;
    Ok(parts.map(|parts| {
        let mut version = [0; N];
        for (to, from) in version.iter_mut().zip(parts) {
            *to = from;
        }
        version
    }))
}

/// One of two requests, selected by a condition on the node.
#[derive(Debug, Clone, PartialEq)]
pub struct IfElse {
    /// The condition.
    pub condition: Condition,
    /// The request to serve if the condition holds. It may be a batch, sequence or `ifelse`.
    pub then: Option<Box<Request>>,
    /// The request to serve if the condition does not hold.
    pub otherwise: Option<Box<Request>>,
}

impl IfElse {
    /// Serves `then` if the condition holds.
    ///
    /// # Errors
    ///
    /// [`ParamError::IfElseNoCondition`] if the condition is empty, which nodes reject.
    pub fn new(condition: Condition, then: impl Into<Request>) -> Result<Self, ParamError> {
        if condition == Condition::default() {
            return Err(ParamError::IfElseNoCondition);
        }
        Ok(Self {
            condition,
            then: Some(Box::new(then.into())),
            otherwise: None,
        })
    }

    /// Serves `request` if the condition does not hold.
    #[must_use]
    pub fn otherwise(mut self, request: impl Into<Request>) -> Self {
        self.otherwise = Some(Box::new(request.into()));
        self
    }

    /// Returns whether the condition holds on a node in this state, and the request to serve then.
    #[must_use]
    pub fn choose(&self, state: &NetworkState) -> (bool, Option<&Request>) {
        let condition = self.condition.holds(state);
        let branch = if condition {
            &self.then
        } else {
            &self.otherwise
        };
        (condition, branch.as_deref())
    }

    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        let condition = params.get("if").and_then(Value::as_dict);
        let condition = condition.ok_or(ParamError::IfElseNoIf)?;
        let condition = Condition::parse(params.inner(condition))?;
        let otherwise = parse_branch(params, "else")?;
        let then = parse_branch(params, "then")?;
        if then.is_none() && otherwise.is_none() {
            return Err(ParamError::IfElseNoBranch);
        }
        Ok(Self {
            condition,
            then,
            otherwise,
        })
    }
}

/// Parses a branch. The parsers of JSON and bencoding limit the nesting.
fn parse_branch(
    params: Params<'_>,
    name: &'static str,
) -> Result<Option<Box<Request>>, ParamError> {
    if !params.has(name) {
        return Ok(None);
    }
    // `null` is there, and is not an object.
    let branch = params.get(name).and_then(Value::as_dict);
    let branch = branch.ok_or(ParamError::IfElseBranch(name))?;
    let (method, inner) =
        method_and_params(params.inner(branch)).ok_or(ParamError::IfElseBranchKeys(name))?;
    let known = Method::from_name(&method).ok_or(ParamError::IfElseMethod(name))?;
    Request::parse(known, inner).map(|request| Some(Box::new(request)))
}

impl Call for IfElse {
    type Answer = IfElseAnswer;
    const METHOD: Method = Method::IfElse;

    fn params(&self, encoding: Encoding) -> Value {
        let mut out = ParamsOut::new(encoding);
        out.put("if", self.condition.write());
        for (name, branch) in [("then", &self.then), ("else", &self.otherwise)] {
            if let Some(request) = branch {
                out.put(name, member(request.method(), request.params(encoding)));
            }
        }
        out.finish()
    }

    /// Accepts every request: the branch is checked when it is served.
    fn check(&self, _: &Checks<'_>) -> Result<(), RpcError> {
        Ok(())
    }

    fn read_answer(&self, body: &Value) -> Result<IfElseAnswer, AnswerError> {
        let numbers = |name| -> Option<Vec<u64>> {
            body.get(name)?
                .as_list()?
                .iter()
                .map(Value::as_u64)
                .collect()
        };
        let hf = numbers("hf").and_then(|hf| hf.try_into().ok());
        let version = numbers("v").and_then(|version| version.try_into().ok());
        let result = body.get("result").map(read_result);
        Ok(IfElseAnswer {
            state: NetworkState {
                hf: hf.ok_or(AnswerError::Field("hf"))?,
                version: version.ok_or(AnswerError::Field("v"))?,
                height: field(body, "height")?
                    .as_u64()
                    .ok_or(AnswerError::Field("height"))?,
            },
            condition: field(body, "condition")?
                .as_bool()
                .ok_or(AnswerError::Field("condition"))?,
            result: match result {
                None => None,
                Some(result) => Some(result.ok_or(AnswerError::Field("result"))?),
            },
        })
    }
}

/// The branch that was taken, and its result.
#[derive(Debug, Clone, PartialEq)]
pub struct IfElseAnswer {
    /// The state that the condition was tested on.
    pub state: NetworkState,
    /// Whether the condition held.
    pub condition: bool,
    /// The result of the branch; `None` if the request has no such branch.
    pub result: Option<Response>,
}

impl IfElseAnswer {
    /// Returns the body of the answer.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let list =
            |numbers: &[u64]| Value::List(numbers.iter().copied().map(Value::from).collect());
        let mut out = Dict::new();
        out.insert("hf".into(), list(&self.state.hf));
        out.insert("v".into(), list(&self.state.version));
        out.insert("height".into(), self.state.height.into());
        out.insert("condition".into(), self.condition.into());
        if let Some(result) = &self.result {
            out.insert("result".into(), write_result(result));
        }
        Value::Dict(out)
    }
}
