//! When the next checkpoint is due.

use std::time::{Duration, Instant};

/// Where a file says nothing: a run that is killed loses a minute.
pub(super) const DEFAULT: Duration = Duration::from_secs(60);

/// Writing takes at most one part in so many of the time between.
const SHARE: u32 = 20;

/// A clock that calls every so often, and less often where what it calls for takes long.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    last: Instant,
    cost: Duration,
}

impl Pace {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, last: Instant::now(), cost: Duration::ZERO }
    }

    /// The next interval.
    fn interval(&self) -> Duration {
        self.every.max(self.cost.saturating_mul(SHARE))
    }

    pub(super) fn is_due(&self) -> bool {
        self.last.elapsed() >= self.interval()
    }

    /// One was written that took `cost`.
    pub(super) fn wrote(&mut self, cost: Duration) {
        (self.last, self.cost) = (Instant::now(), cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_done_less_often() {
        let mut pace = Pace::new(Duration::from_secs(10));
        assert!(!pace.is_due());
        pace.wrote(Duration::from_millis(100));
        assert_eq!(pace.interval(), Duration::from_secs(10));
        pace.wrote(Duration::from_secs(2));
        assert_eq!(pace.interval(), Duration::from_secs(40));
        assert!(Pace::new(Duration::ZERO).is_due());
    }
}
