//! Version 2 of the one-to-one format: forward secrecy and post-quantum key agreement.
//!
//! This module is upcoming: no released client sends these messages yet. It is outside of this
//! crate's SemVer promises, and exists with the feature `v2` only.
//!
//! An account publishes a key set, which its devices replace about every twelve hours
//! ([`publication`]). A sender fetches it, keeps it for a while ([`KeyCache`]) and seals to it
//! ([`Sealer::seal_direct_as`](crate::Sealer::seal_direct_as)). A reader gives its key sets to
//! [`Opener::set_account_keys`](crate::Opener::set_account_keys); then
//! [`Opener::open_direct`](crate::Opener::open_direct) opens both versions.
//!
//! ```
//! # use getrandom::{SysRng, rand_core::UnwrapErr};
//! # let rng = &mut UnwrapErr(SysRng);
//! use session_identity::{Account, Seed};
//! use session_message::content::Content;
//! use session_message::v2::{AccountKeys, Format, KeySeed, publication};
//! use session_message::{Opener, Sealer, UnixMillis};
//!
//! let [alice, bob] = [(); 2].map(|()| Account::from_seed(&Seed::generate(rng)));
//! let now = UnixMillis::new(1_754_971_101_000);
//!
//! // Bob publishes a key set, and Alice fetches it.
//! let keys = AccountKeys::from_seed(&KeySeed::generate(rng));
//! let published = publication::write(rng, &bob, keys.public());
//! let to = publication::read(bob.id(), &published)?;
//!
//! let content = Content::text("hello");
//! let message = Sealer::new(&alice).seal_direct_as(rng, bob.id(), &content, now, Format::V2(&to))?;
//! let mut opener = Opener::new(&bob);
//! opener.set_account_keys([keys]);
//! let opened = opener.open_direct(&message.data)?;
//! assert_eq!(opened.content.as_text(), Some("hello"));
//! assert!(opened.has_forward_secrecy);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod cache;
mod direct;
pub mod layer;
pub mod publication;

pub use cache::{Fetched, Freshness, KeyCache, Plan};
pub use direct::Format;
pub use session_crypto::v2::{AccountKeys, KemPublic, KeySeed, PublicKeys};
