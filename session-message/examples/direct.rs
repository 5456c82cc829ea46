//! Seals a message and opens it, layer by layer and in one call.
//!
//! ```text
//! cargo run -p session-message --example direct
//! ```
#![allow(clippy::print_stdout, clippy::indexing_slicing, clippy::unwrap_used)]

use getrandom::{SysRng, rand_core::UnwrapErr};
use session_identity::{Account, Seed};
use session_message::content::{Content, Profile};
use session_message::{Opener, Sealer, UnixMillis};

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let rng = &mut UnwrapErr(SysRng);
    let [alice, bob, eve] = [(); 3].map(|()| Account::from_seed(&Seed::generate(rng)));
    // In production, use the clock of the network.
    let now = UnixMillis::new(1_754_971_101_000);
    let sealer = Sealer::new(&alice);
    let [mut for_alice, mut for_bob, mut for_eve] = [&alice, &bob, &eve].map(Opener::new);

    let content = Content::text("hello").with_profile(Profile::named("Alice"));
    let message = sealer.seal_direct(rng, bob.id(), &content, now)?;
    println!(
        "content            {:>4} bytes",
        content.encode(now, None)?.len()
    );
    println!("sealed message     {:>4} bytes", message.data.len());
    println!(
        "to be stored in namespace {} for {} s",
        message.namespace,
        message.ttl.as_secs()
    );

    // Padding hides the exact length.
    let longer = Content::text("hello, and some more").with_profile(Profile::named("Alice"));
    let longer = sealer.seal_direct(rng, bob.id(), &longer, now)?;
    assert_eq!(longer.data.len(), message.data.len());

    // Bob learns who wrote it from the signature inside, and from nothing else.
    let opened = for_bob.open_direct(&message.data)?;
    assert_eq!(opened.sender, *alice.id());
    assert_eq!(opened.content, content);
    println!(
        "{} wrote {:?} at {}",
        opened.sender,
        opened.content.as_text(),
        opened.sent_at
    );

    // Nobody else opens it, and a message that was changed anywhere opens for nobody.
    println!(
        "for Eve:           {}",
        for_eve.open_direct(&message.data).unwrap_err()
    );
    let mut changed = message.data.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    println!(
        "changed:           {}",
        for_bob.open_direct(&changed).unwrap_err()
    );

    // The copy for Alice's other devices names the conversation that it belongs to.
    let copy = sealer.seal_copy(rng, bob.id(), &content, now)?;
    let on_tablet = for_alice.open_direct(&copy.data)?;
    assert_eq!(on_tablet.sender, *alice.id());
    assert_eq!(on_tablet.conversation.as_bytes(), bob.id().as_bytes());
    println!("the copy is filed under {}", on_tablet.conversation);
    Ok(())
}
