//! Answers of which a part is missing, unreadable or another one: no honest node gives them.

use session_storage::value::Value;
use session_storage::*;

use crate::failures::{account, all_failed, answered, owner, store};
use crate::world::*;

fn info() -> Value {
    let answer = InfoAnswer {
        version: Version([2, 8, 0]),
        timestamp: UnixMillis::new(START),
        stamp: Stamp::default(),
    };
    answer.to_value()
}

/// Whether an answer is believed, and the strikes that it costs.
fn believed(request: impl Into<Request>, body: Value) -> (bool, usize) {
    let body = Response::ok(body).json_body();
    let (result, _, world) = answered(request, 200, |_| body.clone());
    (result.is_ok(), world.total_strikes())
}

fn infos(count: usize) -> [Request; 2] {
    assert_eq!(count, 2);
    [Info.into(), Info.into()]
}

#[test]
fn a_batch_has_all_its_results() {
    let results = |count: usize| BatchAnswer {
        results: vec![Response::ok(info()); count],
    };
    for (count, is_good) in [(2, true), (1, false), (0, false), (3, false)] {
        let batch = Batch::new(infos(2)).unwrap();
        let expected = (is_good, if is_good { 0 } else { 3 });
        assert_eq!(
            believed(batch, results(count).to_value()),
            expected,
            "{count}"
        );
    }
    // It goes on after a failure.
    let failed = Response {
        status: 404,
        body: Body::Text("no".into()),
    };
    for (results, expected) in [
        (vec![failed.clone()], (false, 3)),
        (vec![failed, Response::ok(info())], (true, 0)),
    ] {
        let batch = Batch::new(infos(2)).unwrap();
        let body = BatchAnswer { results }.to_value();
        assert_eq!(believed(batch, body), expected);
    }
}

#[test]
fn a_sequence_ends_early_at_a_failure_alone() {
    let failed = Response {
        status: 404,
        body: Body::Text("no".into()),
    };
    let sequence = || Request::Sequence(Batch::new(infos(2)).unwrap());
    for (results, expected) in [
        (vec![Response::ok(info()); 2], (true, 0)),
        (vec![failed], (true, 0)),
        (vec![Response::ok(info())], (false, 3)),
    ] {
        let body = BatchAnswer { results }.to_value();
        assert_eq!(believed(sequence(), body.clone()), expected, "{body:?}");
    }
}

#[test]
fn the_branch_of_a_choice_is_the_one_for_the_state_that_the_node_claims() {
    let condition = Condition {
        hf_at_least: Some([19, 0]),
        ..Condition::default()
    };
    for (hf, claimed, expected) in [
        ([19, 4], true, (true, 0)),
        ([18, 0], false, (true, 0)),
        ([19, 4], false, (false, 3)),
        ([18, 0], true, (false, 3)),
    ] {
        let choice = IfElse::new(condition, Info).unwrap().otherwise(Info);
        let answer = IfElseAnswer {
            state: NetworkState {
                hf,
                version: [2, 8, 0],
                height: 5,
            },
            condition: claimed,
            result: Some(Response::ok(info())),
        };
        assert_eq!(believed(choice, answer.to_value()), expected, "{hf:?}");
    }
}

#[test]
fn a_message_that_cannot_be_read_is_no_answer() {
    let retrieve = || {
        let retrieve = Retrieve::new(account(), Namespace::CONTACTS);
        retrieve.sign(UnixMillis::new(START), &Signer::group(&owner()))
    };
    let answer = RetrieveAnswer {
        messages: Vec::new(),
        malformed: 0,
        more: false,
        stamp: Stamp::default(),
    };
    let mut body = answer.to_value();
    assert_eq!(believed(retrieve(), body.clone()), (true, 0));
    if let Value::Dict(body) = &mut body {
        body.insert("messages".into(), Value::List(vec![Value::Int(-1)]));
    }
    assert_eq!(believed(retrieve(), body), (false, 3));
}

#[test]
fn failures_of_all_members_beside_an_entry_that_cannot_be_read_are_a_lie() {
    let store = || store(Namespace::CONTACTS);
    for is_malformed in [false, true] {
        let (result, asked, world) = answered(store(), 200, |world| {
            let mut body = all_failed(&world.members(&account()));
            if let Value::Dict(body) = &mut body
                && let Some(Value::Dict(swarm)) = body.get_mut("swarm")
                && is_malformed
            {
                swarm.insert("nobody".into(), Value::Int(-1));
            }
            Response::ok(body).json_body()
        });
        let expected = if is_malformed { (3, 3) } else { (2, 0) };
        assert_eq!((asked, world.total_strikes()), expected);
        assert_eq!(result.is_ok(), !is_malformed);
    }
}
