//! How times grow with the work: the fastest of many turns, for a curve shows no neighbour to compare
//! with when the machine was busy.

use performance::measure::{Effort, measure, measure_prepared};
use performance::plot::{Curve, Plot};
use session_crypto::multi::Party;
use session_onion::Cipher;
use session_onion::client::{self, Hop, Request};
use session_swarm::record::NodeList;

use crate::config;
use crate::crypto::{recipients, rng, secret};
use crate::onion::{hop, node};
use crate::swarm::{accounts, nodes, ring, seed_answer};

/// Measures one plot.
type Draw = fn(Effort) -> Plot;

/// The wanted plots, with the names of their files.
pub fn plots(effort: Effort, wants: &dyn Fn(&str) -> bool) -> Vec<(&'static str, Plot)> {
    // A turn for each point is short, so that all of them see the same machine.
    let effort = Effort {
        turns: effort.turns.min(31),
        ..effort
    };
    let all: [(&str, Draw); 6] = [
        ("onion-payload", onion_payload),
        ("onion-hops", onion_hops),
        ("multi-recipients", multi_recipients),
        ("ring-swarms", ring_swarms),
        ("list-nodes", list_nodes),
        ("config-contacts", config_contacts),
    ];
    let wanted = all.into_iter().filter(|(name, _)| wants(name));
    wanted.map(|(name, plot)| (name, plot(effort))).collect()
}

fn microseconds<T>(effort: Effort, run: impl FnMut() -> T) -> f64 {
    measure(effort, run, None).fastest / 1e3
}

/// Hops, prepared or not.
fn hops(count: u8, prepared: bool) -> Vec<Hop> {
    let hops = (1..=count).map(|byte| hop(&node(byte), Cipher::XChaCha20));
    match prepared {
        true => hops.map(Hop::prepare).collect(),
        false => hops.collect(),
    }
}

fn onion(effort: Effort, path: &[Hop], size: usize) -> f64 {
    let (destination, path) = path.split_last().unwrap();
    let body = vec![b'a'; size];
    let request = Request::storage(destination, &body);
    let mut rng = rng();
    microseconds(effort, || client::seal(&mut rng, path, &request).unwrap())
}

fn both(mut curve: impl FnMut(bool) -> Vec<(f64, f64)>) -> Vec<Curve> {
    [("as they come", false), ("prepared", true)]
        .map(|(name, prepared)| Curve {
            name: name.to_owned(),
            points: curve(prepared),
        })
        .into()
}

fn onion_payload(effort: Effort) -> Plot {
    Plot {
        title: "Onion with 3 hops and destination, by payload",
        x: "payload, KB",
        y: "time, µs",
        curves: both(|prepared| {
            let path = hops(4, prepared);
            (0..=6)
                .map(|step| (f64::from(step) * 10.0, step as usize * 10_000))
                .map(|(x, size)| (x, onion(effort, &path, size)))
                .collect()
        }),
    }
}

fn onion_hops(effort: Effort) -> Plot {
    Plot {
        title: "Onion with 1 KB, by nodes on its way",
        x: "nodes, the destination included",
        y: "time, µs",
        curves: both(|prepared| {
            (1..=8)
                .map(|count| {
                    let path = hops(count, prepared);
                    (f64::from(count), onion(effort, &path, 1024))
                })
                .collect()
        }),
    }
}

fn multi_recipients(effort: Effort) -> Plot {
    let sender = secret(200).to_x25519();
    let party = Party::new(&sender, b"SessionGroupKickedMessage");
    let points = [1, 25, 50, 75, 100, 150, 200].map(|count| {
        let recipients = recipients(count);
        let time = microseconds(effort, || {
            let all = party.seal_to_all(&recipients, &[1; 24], &[&[0; 48]]);
            all.unwrap()
        });
        (count as f64, time / 1e3)
    });
    Plot {
        title: "Message of 48 bytes to many",
        x: "recipients",
        y: "time, ms",
        curves: vec![Curve {
            name: String::new(),
            points: points.into(),
        }],
    }
}

fn ring_swarms(effort: Effort) -> Plot {
    let accounts = accounts();
    let points = [10, 100, 200, 300, 400, 600, 800, 1000].map(|count| {
        let ring = ring(count);
        let mut next = accounts.iter().cycle();
        let time = microseconds(effort, || ring.swarm_of(next.next().unwrap()));
        (count as f64, time * 1e3)
    });
    Plot {
        title: "Choice of an account's swarm (a binary search: logarithmic)",
        x: "swarms",
        y: "time, ns",
        curves: vec![Curve {
            name: String::new(),
            points: points.into(),
        }],
    }
}

fn list_nodes(effort: Effort) -> Plot {
    let points = [250, 500, 1000, 1500, 2000, 3000, 4000].map(|count| {
        let (json, options) = seed_answer(&nodes(count));
        let time = microseconds(effort, || NodeList::from_json(&json, &options).unwrap());
        (count as f64, time / 1e3)
    });
    Plot {
        title: "Parse of a seed node's list",
        x: "nodes",
        y: "time, ms",
        curves: vec![Curve {
            name: String::new(),
            points: points.into(),
        }],
    }
}

/// The operations that are plotted: changing, reading, and merging what others have changed.
const CONFIG_CURVES: [&str; 5] = [
    "set",
    "first push",
    "merge into empty",
    "load",
    "load and merge a conflict",
];

fn config_contacts(effort: Effort) -> Plot {
    // Each turn takes milliseconds; a few show the fastest.
    let effort = Effort {
        turns: effort.turns.min(9),
        ..effort
    };
    let mut curves: Vec<Curve> = Vec::new();
    for count in [500, 1000, 2000, 4000, 6000, 8000, 10_000] {
        config::with_operations(count, &mut |name, prepare, run| {
            if !CONFIG_CURVES.contains(&name) {
                return;
            }
            let measured = measure_prepared(effort, prepare, |()| run());
            let time = measured.fastest / 1e6;
            let point = (count as f64, time);
            match curves.iter_mut().find(|curve| curve.name == name) {
                Some(curve) => curve.points.push(point),
                None => curves.push(Curve {
                    name: name.to_owned(),
                    points: vec![point],
                }),
            }
        });
    }
    Plot {
        title: "Shared config of contacts",
        x: "contacts",
        y: "time, ms",
        curves,
    }
}
