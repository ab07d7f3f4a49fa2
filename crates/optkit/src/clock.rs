//! Wall time by phase of a method.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use optkit_core::{Phase, Phases};

/// Wall time spent in each phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhaseTimes {
    /// Local solves on the parts.
    pub local: Duration,
    /// Value of the combined step, and the forced decrease of the loss.
    pub fdl: Duration,
    /// The global iteration and the gradient at the new point.
    pub global: Duration,
}

#[derive(Debug, Default)]
struct Reading {
    times: PhaseTimes,
    running: Option<(Phase, Instant)>,
}

/// Reads the clock where a phase begins. Clones share one reading.
#[derive(Clone, Debug, Default)]
pub(crate) struct PhaseClock(Arc<Mutex<Reading>>);

impl PhaseClock {
    /// Goes on from these times.
    pub(crate) fn resumed(times: PhaseTimes) -> Self {
        Self(Arc::new(Mutex::new(Reading { times, running: None })))
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn times(&self) -> PhaseTimes {
        self.reading().times
    }
}

impl Phases for PhaseClock {
    fn enter(&mut self, phase: Phase) {
        let now = Instant::now();
        let mut reading = self.reading();
        if let Some((running, since)) = reading.running.replace((phase, now)) {
            let spent = now - since;
            match running {
                Phase::Local => reading.times.local += spent,
                Phase::Fdl => reading.times.fdl += spent,
                Phase::Global => reading.times.global += spent,
                Phase::Outside => {}
            }
        }
    }
}
