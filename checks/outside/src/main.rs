use getrandom::{SysRng, rand_core::UnwrapErr};
use session_identity::Account;
use session_message::{Opener, Sealer, content::Content};
use session_network::{Config, Network, Now, Outcome, Post, Seed, StorageReply, Target};
use session_storage::{Request, Retrieve, Signer, Store};
use session_types::{Namespace, UnixMillis};
use std::{env, error::Error, fs, sync::LazyLock, thread::sleep, time};
use ureq::tls::{Certificate, TlsConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let [url, pem] = env::args().skip(1).collect::<Vec<_>>().try_into().unwrap();
    // A seed node, whose certificate is known, names the service nodes; on localnet, on loopback.
    let seed = Seed::new(url, [Certificate::from_pem(&fs::read(pem)?)?.der().to_vec()]);
    let mut network = Network::new(Config::test_network(), vec![seed]);
    // Alice writes to Bob. One node of Bob's swarm is asked, and all of them store it.
    let [alice, bob] = [Account::random()?, Account::random()?];
    let (text, at) = (Content::text("hello"), now().wall);
    let message = Sealer::new(&alice).seal_direct(&mut UnwrapErr(SysRng), bob.id(), &text, at)?;
    let stored = ask(&mut network, &Store::new(bob.id(), message, at)?.into())?;
    println!("{} nodes proved that they store it", stored.signers.len());
    let fetch = Retrieve::new(bob.id(), Namespace::DEFAULT).sign(at, &Signer::user(bob.ed25519()));
    for found in ask(&mut network, &fetch.clone().into())?.read(&fetch)?.messages {
        let opened = Opener::new(&bob).open_direct(&found.data)?;
        println!("{} wrote {:?}", opened.sender, opened.content.as_text());
    }
    Ok(())
}

/// Asks by onion requests: posts what the machine says, and reports what came back.
fn ask(network: &mut Network, request: &Request) -> Result<StorageReply, Box<dyn Error>> {
    let rng = &mut UnwrapErr(SysRng);
    network.request(Target::of(request), request.clone(), now());
    loop {
        while let Some(to_post) = network.poll(now(), rng) {
            network.report(to_post.ticket, Outcome::from(&post(&to_post)), now(), rng);
        }
        if let Some(event) = network.next_event() {
            return Ok(event.into_storage()?);
        }
        sleep(network.next_wakeup().ok_or("idle")?.since(now().monotonic));
    }
}

fn post(post: &Post) -> Result<(u16, Vec<u8>), ureq::Error> {
    let pin = |der: &Vec<u8>| Certificate::from_der(der).to_owned();
    let tls = match post.endpoint.pins() {
        Some(pins) => TlsConfig::builder().root_certs(pins.iter().map(pin).into()),
        // A node's certificate proves nothing, and need not: only the node can open its layer.
        None => TlsConfig::builder().disable_verification(true),
    };
    let request = ureq::post(post.endpoint.url()).config().tls_config(tls.build());
    let request = request.timeout_global(Some(post.deadline.since(now().monotonic)));
    let mut answer = request.http_status_as_error(false).build().send(&post.body)?;
    Ok((answer.status().as_u16(), answer.body_mut().read_to_vec()?))
}

fn now() -> Now {
    static T0: LazyLock<time::Instant> = LazyLock::new(time::Instant::now);
    Now::from_elapsed(T0.elapsed(), UnixMillis::from_duration(time::UNIX_EPOCH.elapsed().unwrap()))
}
