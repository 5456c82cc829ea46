use getrandom::{SysRng, rand_core::UnwrapErr};
use session_identity::{Account, Seed};
use session_message::{Opener, Sealer, UnixMillis, content::Content};
use session_network::pool::Pool;
use session_onion::client::{Hop, Request, seal};
use session_storage::value::Value;
use session_storage::{Call, Retrieve, ServiceNodesRequest, Signer, Store};
use session_swarm::ServiceNode;
use session_swarm::record::{AddressPolicy, NodeList, ReadOptions};
use session_types::{AnyId, Namespace};
use std::{env, error::Error, fs, time::SystemTime};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let [seed_url, seed_cert] = env::args().skip(1).collect::<Vec<_>>().try_into().unwrap();
    let now = SystemTime::UNIX_EPOCH.elapsed()?.as_millis() as u64;
    let rng = &mut UnwrapErr(SysRng);
    // A seed node, whose certificate is known, names the service nodes; on localnet, on loopback.
    let pins = RootCerts::new_with_certs(&[Certificate::from_pem(&fs::read(seed_cert)?)?]);
    let pinned = TlsConfig::builder().root_certs(pins).build();
    let request = ServiceNodesRequest::default().to_seed_json();
    let list = post(pinned, &format!("{seed_url}/json_rpc"), &request)?;
    let options = ReadOptions { addresses: AddressPolicy::Any, ..Default::default() };
    let pool = Pool::new(NodeList::from_json(&list, &options)?.nodes, rng);
    // Alice writes to Bob. One node of Bob's swarm is asked, and all of them store it.
    let [alice, bob] = [(); 2].map(|()| Account::from_seed(&Seed::generate(rng)));
    let (text, at) = (Content::text("hello"), UnixMillis::new(now));
    let message = Sealer::new(&alice).seal_direct(rng, bob.id(), &text, at)?;
    let account = AnyId::from(bob.id());
    let swarm = pool.ring().swarm_of(&account).ok_or("there are no swarms")?;
    let swarm: Vec<_> = pool.members(swarm).collect();
    let store = Store::new(account, message, at)?;
    let is_member = |key: &_| swarm.iter().any(|node| node.ed25519 == *key);
    let stored = ask(&pool, swarm[0], &store)?.verify(&store, is_member);
    println!("{} of {} nodes proved that they store it", stored.done.len(), swarm.len());
    // Bob asks another of them.
    let fetch = Retrieve::new(account, Namespace::DEFAULT).sign(at, &Signer::user(bob.ed25519()));
    for found in ask(&pool, swarm[1], &fetch)?.messages {
        let opened = Opener::new(&bob).open_direct(&found.data)?;
        println!("{} wrote {:?}", opened.sender, opened.content.as_text());
    }
    Ok(())
}

/// Asks a node by way of three others (the pool is shuffled). None learns both who asks and whom.
fn ask<C: Call>(pool: &Pool, to: &ServiceNode, call: &C) -> Result<C::Answer, Box<dyn Error>> {
    let path: Vec<_> = pool.nodes().iter().filter(|node| *node != to).take(3).collect();
    let hop = |node: &ServiceNode| Hop::from_ed25519(node.ed25519);
    let hops = [hop(path[0])?, hop(path[1])?, hop(path[2])?];
    let onion = seal(&mut UnwrapErr(SysRng), &hops, &Request::storage(&hop(to)?, &call.to_json()))?;
    let guard = format!("https://{}:{}/onion_req/v2", path[0].ip, path[0].https_port);
    // A node's certificate proves nothing, and need not: only the node can open its layer.
    let any = TlsConfig::builder().disable_verification(true).build();
    let reply = onion.reply_key.open(200, &post(any, &guard, &onion.packet)?)?;
    Ok(call.read_answer(&Value::from_json(&reply.body.unwrap_or_default())?)?)
}

fn post(tls: TlsConfig, url: &str, body: &[u8]) -> Result<Vec<u8>, ureq::Error> {
    ureq::post(url).config().tls_config(tls).build().send(body)?.body_mut().read_to_vec()
}
