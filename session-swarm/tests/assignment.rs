//! The assignment of nodes to swarms against the digests and invariants of the specification.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_alloc,
    missing_docs
)]

use session_swarm::assignment::{Assignment, Mt19937_64, Order, new_swarm_id};
use session_types::SwarmId;
use sha2::{Digest, Sha256};

fn id(number: u64) -> SwarmId {
    SwarmId::new(number)
}

fn new_id(ids: &[u64]) -> u64 {
    new_swarm_id(ids.iter().copied().map(id)).get()
}

#[test]
fn new_ids_from_the_empty_map() {
    let mut ids = Vec::new();
    for expected in [
        0,
        0x7fffffffffffffff,
        0xbfffffffffffffff,
        0x3fffffffffffffff,
        0x5fffffffffffffff,
        0x9fffffffffffffff,
        0xdfffffffffffffff,
        0x1fffffffffffffff,
    ] {
        let next = new_id(&ids);
        assert_eq!(next, expected);
        ids.push(next);
        ids.sort_unstable();
    }
}

#[test]
fn new_ids_in_single_cases() {
    for (ids, expected) in [
        (&[0x7fffffffffffffff][..], 0xfffffffffffffffe),
        (&[0x3fffffffffffffff], 0xbffffffffffffffe),
        (&[12345678901234567890], 0x2b54a98ceb1f0ad2),
        (
            &[0x7fffffffffffff9b, 0x8000000000000063],
            0xfffffffffffffffe,
        ),
        (&[0x7fffffffffffff9b, 0x8000000000000064], 0),
        (
            &[0x7fffffffffffff9a, 0x8000000000000064],
            0xfffffffffffffffe,
        ),
        (&[0x7fffffffffffff9a, 0x8000000000000065], 0),
    ] {
        assert_eq!(new_id(ids), expected);
    }
}

#[test]
fn deterministic_swarm_ids() {
    let mut random = Mt19937_64::new(12345);
    let mut ids: Vec<u64> = Vec::new();
    for _ in 0..10_000 {
        let draw = random.next_u64();
        if draw < 1 << 62 {
            if !ids.is_empty() {
                let index = draw % u64::try_from(ids.len()).unwrap();
                ids.remove(usize::try_from(index).unwrap());
            }
        } else {
            ids.push(new_id(&ids));
            ids.sort_unstable();
        }
    }
    assert_eq!(ids.len(), 5048);
    for (index, expected) in [
        (0, 1548112371908607),
        (1, 4398046511103999),
        (2, 7247980650299391),
        (3, 10097914789494783),
        (4, 12947848928690175),
        (25, 72796465851793407),
        (29, 84196202408574975),
        (42, 121245346218115071),
        (99, 283691592152252415),
        (404, 1203745330089164798),
        (888, 2829738309616402430),
        (999, 3243154681660178430),
        (2000, 6581905302285713406),
        (3000, 10403878089179267070),
        (3333, 11669248846982021118),
        (4567, 16860997617805426686),
        (5000, 18311495347400081406),
        (5045, 18439742383663874046),
        (5046, 18442592317803069438),
        (5047, 18445442251942264830),
    ] {
        assert_eq!(ids[index], expected);
    }
}

fn dump(assignment: &Assignment<u64>) -> String {
    let lines = assignment.swarms().iter().map(|(id, nodes)| {
        let nodes: Vec<String> = nodes.iter().map(u64::to_string).collect();
        format!("{:016x}:{}\n", id.get(), nodes.join(","))
    });
    lines.collect()
}

fn digest(assignment: &Assignment<u64>) -> String {
    const_hex::encode(Sha256::digest(dump(assignment)))
}

#[test]
fn a_full_run_over_few_swarms() {
    for order in [Order::Reference, Order::Stable] {
        let mut assignment = Assignment::new([], order);
        assignment.run((0..30).collect(), 42);
        let others = "3fffffffffffffff:21,17,16,27,15,11,12\n\
                      7fffffffffffffff:13,9,19,23,25,28,29\n\
                      bfffffffffffffff:1,5,0,4,8,2,22,26\n";
        let first = "0000000000000000:3,6,7,10,14,18,20,24\n";
        assert_eq!(dump(&assignment), format!("{first}{others}"));
        assignment.retain(|_, node| ![3, 6, 7, 10].contains(node));
        assignment.run(vec![30, 31, 32], 43);
        let first = "0000000000000000:14,18,20,24,30,31,32\n";
        assert_eq!(dump(&assignment), format!("{first}{others}"));
    }
}

#[test]
fn the_exact_replay_over_many_swarms() {
    for (order, after_a, after_b) in [
        (
            Order::Reference,
            "36ba1e7a2b8d2670e5dcff40ce9faecffa6c1d4d526cc86055f924a3c9cb87f7",
            "1ac17a9a0e06b53cbf537912974e5a61ea301dfbf70cecbb011a4aad6c074329",
        ),
        (
            Order::Stable,
            "c534dbcb063681f05ca47617e04cd7cc248d1d98890537def5a097c521330fc3",
            "13c5074429907936a2ec55df1970736cb1fbc8fe8caf1b1ebd9880e66ba3f72e",
        ),
    ] {
        let mut assignment = Assignment::new([], order);
        for node in 0..280 {
            assignment.run(vec![node], node);
        }
        assert_eq!(digest(&assignment), after_a);
        if order == Order::Reference {
            let dump = dump(&assignment);
            let mut lines = dump.lines();
            assert_eq!(
                lines.next(),
                Some("0000000000000000:18,49,70,84,88,99,154,248")
            );
            assert_eq!(
                lines.next(),
                Some("07ffffffffffffff:116,185,45,90,89,172,250,270")
            );
        }
        let mut random = Mt19937_64::new(99);
        let mut next = 280;
        for block in 0..300 {
            for _ in 0..random.next_u64() % 6 {
                let total: usize = assignment.swarms().values().map(Vec::len).sum();
                let index = random.next_u64() % u64::try_from(total).unwrap();
                let index = usize::try_from(index).unwrap();
                let gone = *assignment.swarms().values().flatten().nth(index).unwrap();
                assignment.retain(|_, node| *node != gone);
            }
            let new = random.next_u64() % 5;
            assignment.run((next..next + new).collect(), 1000 + block);
            next += new;
        }
        assert_eq!(assignment.swarms().len(), 17);
        assert_eq!(next, 856);
        assert_eq!(digest(&assignment), after_b);
    }
}

#[test]
fn registrations_alone_give_the_expected_number_of_swarms() {
    let check = |assignment: &Assignment<u64>, nodes: usize| {
        let swarms = 1 + nodes.saturating_sub(7) / 7;
        assert_eq!(assignment.swarms().len(), swarms, "{nodes} nodes");
        if nodes >= 7 {
            assert_eq!(assignment.excess(), 2 * swarms + nodes % 7);
        }
    };
    let mut one_by_one = Assignment::default();
    for node in 0..280 {
        one_by_one.run(vec![node], node);
        check(&one_by_one, usize::try_from(node + 1).unwrap());
    }
    let mut in_bulk = Assignment::default();
    let mut next = 0;
    for count in [1, 3, 19, 4, 8, 13, 1, 22, 1, 7, 2, 1, 11, 18, 6, 10] {
        in_bulk.run((next..next + count).collect(), 0);
        next += count;
        check(&in_bulk, usize::try_from(next).unwrap());
    }
}

#[test]
fn excess_and_threshold() {
    let of = |sizes: &[usize]| {
        let mut next = 0;
        let swarms = sizes.iter().enumerate().map(|(index, size)| {
            let nodes = (next..next + size).collect::<Vec<_>>();
            next += size;
            (id(u64::try_from(index).unwrap() * 1000), nodes)
        });
        Assignment::new(swarms.collect::<Vec<_>>(), Order::Reference)
    };
    let assignment = of(&[5; 11]);
    assert_eq!((assignment.excess(), assignment.threshold()), (0, 29));
    for (extra, swarms) in [(28, 11), (29, 12)] {
        let mut assignment = of(&[5; 11]);
        assignment.run((1000..1000 + extra).collect(), 7);
        assert_eq!(assignment.swarms().len(), swarms);
    }
}

#[test]
fn leaving_nodes_disturb_as_little_as_possible() {
    let start = || {
        let mut assignment = Assignment::default();
        assignment.run((0..70).collect(), 5);
        assignment
    };
    let sizes = |assignment: &Assignment<u64>| -> Vec<usize> {
        assignment.swarms().values().map(Vec::len).collect()
    };
    // One swarm with five nodes leaves all others untouched.
    let mut assignment = start();
    let mut left = 0;
    let first = *assignment.swarms().keys().next().unwrap();
    assignment.retain(|swarm, _| {
        left += u32::from(swarm == first);
        swarm != first || left <= 5
    });
    let before = assignment.clone();
    assignment.run(vec![], 6);
    assert_eq!(assignment, before);
    // With four exactly one other loses exactly one.
    let mut left = 0;
    assignment.retain(|swarm, _| {
        left += u32::from(swarm == first);
        swarm != first || left <= 4
    });
    let before = sizes(&assignment);
    assignment.run(vec![], 7);
    let after = sizes(&assignment);
    assert_eq!(after[0], 5);
    let lost: usize = before[1..]
        .iter()
        .zip(&after[1..])
        .map(|(b, a)| b - a)
        .sum();
    assert_eq!(lost, 1);
    // All at five and one at four: one swarm fewer.
    let mut counts = std::collections::BTreeMap::new();
    assignment.retain(|swarm, _| {
        let count = counts.entry(swarm).or_insert(0);
        *count += 1;
        *count <= if swarm == first { 4 } else { 5 }
    });
    let before = assignment.swarms().len();
    assignment.run(vec![], 8);
    assert_eq!(assignment.swarms().len(), before - 1);
}

#[test]
fn starving_swarms_alone_leave_one() {
    let mut assignment = Assignment::new(
        [(id(0), vec![1]), (id(10), vec![2]), (id(20), vec![3])],
        Order::Reference,
    );
    assignment.run(vec![], 1);
    assert_eq!(assignment.swarms().len(), 1);
    assert_eq!(assignment.swarms().values().flatten().count(), 3);
    let mut nothing = Assignment::<u64>::default();
    nothing.run(vec![], 1);
    assert!(nothing.swarms().is_empty());
}
