//! A local clock that is set back.
//!
//! Deadlines, rests and ages are kept as times of the local clock. Were they left as they are when
//! that clock is set back by a day, nothing would end, be tried or be renewed for a day. So all of
//! them move with it: what was five seconds off stays five seconds off.

use crate::limits::SECOND_MS;

use super::{Client, ClockOffset};

/// Callers that take the time in several places may come out of order; only more than this is a
/// clock that was set back.
const TOLERANCE_MS: u64 = SECOND_MS;

impl Client {
    /// Notes the time of a call.
    pub(super) fn notice_time(&mut self, now_ms: u64) {
        if now_ms.saturating_add(TOLERANCE_MS) >= self.latest_ms {
            self.latest_ms = self.latest_ms.max(now_ms);
            return;
        }
        let back_ms = self.latest_ms.saturating_sub(now_ms);
        self.latest_ms = now_ms;
        let earlier = |time: &mut u64| *time = time.saturating_sub(back_ms);
        for sent in self.sent.values_mut() {
            earlier(&mut sent.sent_ms);
            earlier(&mut sent.deadline_ms);
        }
        for request in self.requests.values_mut() {
            earlier(&mut request.deadline_ms);
            request.try_at_ms.iter_mut().for_each(earlier);
        }
        self.guard_tests.times().for_each(earlier);
        self.refresh.times().for_each(earlier);
        self.pool.times().for_each(earlier);
        self.paths.times().for_each(earlier);
        self.strikes.times().for_each(earlier);
        for clock in [&mut self.clock, self.resync.clock()] {
            clock.set_back(back_ms);
        }
    }
}

impl ClockOffset {
    /// The local clock was set back: the network's is that much farther ahead of it.
    fn set_back(&mut self, back_ms: u64) {
        for offset in self.offsets() {
            *offset = offset.saturating_add_unsigned(back_ms);
        }
    }
}
