//! Seals a message and opens it, layer by layer and in one call.
//!
//! ```text
//! cargo run -p session-message --example direct
//! ```
#![allow(clippy::print_stdout, clippy::indexing_slicing, clippy::unwrap_used)]

use getrandom::{SysRng, rand_core::UnwrapErr};
use session_identity::{Account, Seed};
use session_message::content::{Content, Profile};
use session_message::{direct, sync};

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let rng = &mut UnwrapErr(SysRng);
    let [alice, bob, eve] = [(); 3].map(|()| Account::from_seed(&Seed::generate(rng)));
    // In a real program: the clock of the network.
    let now_ms = 1_754_971_101_000;

    let content = Content::text("hello").with_profile(Profile::named("Alice"));
    let message = direct::seal(rng, &alice, bob.id(), &content, now_ms)?;
    println!(
        "content            {:>4} bytes",
        content.encode(now_ms, None)?.len()
    );
    println!("sealed message     {:>4} bytes", message.data.len());
    println!(
        "to be stored in namespace {} for {} ms",
        message.namespace, message.ttl_ms
    );

    // Whatever the length, up to a block: nobody can count the letters.
    let longer = Content::text("hello, and some more").with_profile(Profile::named("Alice"));
    let longer = direct::seal(rng, &alice, bob.id(), &longer, now_ms)?;
    assert_eq!(longer.data.len(), message.data.len());

    // Bob learns who wrote it from the signature inside, and from nothing else.
    let opened = direct::open(&bob, &message.data)?;
    assert_eq!(opened.sender, *alice.id());
    assert_eq!(opened.content, content);
    println!(
        "{} wrote {:?} at {}",
        opened.sender,
        opened.content.as_text(),
        opened.sent_ms
    );

    // Nobody else opens it, and a message that was changed anywhere opens for nobody.
    println!(
        "for Eve:           {}",
        direct::open(&eve, &message.data).unwrap_err()
    );
    let mut changed = message.data.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    println!(
        "changed:           {}",
        direct::open(&bob, &changed).unwrap_err()
    );

    // The copy for Alice's other devices names the conversation that it belongs to.
    let copy = sync::seal(rng, &alice, bob.id(), &content, now_ms, None)?;
    let on_tablet = direct::open(&alice, &copy.data)?;
    assert_eq!(on_tablet.sender, *alice.id());
    assert_eq!(on_tablet.conversation.as_bytes(), bob.id().as_bytes());
    println!("the copy is filed under {}", on_tablet.conversation);
    Ok(())
}
