//! Tests paths of which nothing is known, while others carry what is asked for.

use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;

use super::{Network, Why};
use crate::onion::Onion;
use crate::path::{Exam, PathId};
use crate::time::Instant;

/// How long a path counts as known after an answer came through it, or after it was tested.
const KNOWN: Duration = Duration::from_secs(5 * 60);

impl<O: Onion> Network<O> {
    /// Tests each path that is new, of an earlier run or long unused, when something is asked for,
    /// unless a request is on its way through it and tests it. So a second attempt does not
    /// have to find out too. While no answer ever came, nothing is left to that request.
    pub(super) fn try_paths(&mut self, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        if self.requests.is_empty() {
            return;
        }
        let is_known = |at: Option<Instant>| at.is_some_and(|at| now.since(at) < KNOWN);
        let is_tried = self.config.path.try_paths;
        let is_new_here = self.health.usual().is_none();
        let paths = self.paths.live().iter().filter(|path| {
            let is_unknown = is_tried && !is_known(path.worked) && !is_known(path.tried);
            path.exam.is_none()
                && (path.doubt || (is_unknown && (is_new_here || path.in_flight == 0)))
        });
        let paths: Vec<(PathId, bool)> = paths.map(|path| (path.id, path.doubt)).collect();
        for (id, doubt) in paths {
            if doubt {
                self.examine(id, None, false, now, rng);
            } else {
                self.try_path(id, now, rng);
            }
        }
    }

    fn try_path(&mut self, id: PathId, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        let Some(path) = self.paths.get_mut(id) else {
            return;
        };
        path.tried = Some(now);
        path.exam = Some(Exam {
            is_trial: true,
            ..Exam::default()
        });
        let hops = path.hops.clone();
        if !self.send_probe(Why::Probe, id, hops, &[], now, rng)
            && let Some(path) = self.paths.get_mut(id)
        {
            path.exam = None;
        }
    }
}
