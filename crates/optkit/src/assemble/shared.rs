//! Samples in memory once, for all runs on them.

use std::sync::{Mutex, PoisonError};

use optkit_data::{Fetch, Locations, Progress};

use super::LoadPlanError;
use super::network::{NetworkSubject, Prepared};

/// Where runs that are made side by side or one after another get their data: read, checked and (where allowed)
/// fetched by whoever needs them first, and kept.
pub struct SharedData {
    locations: Locations,
    state: Mutex<State>,
}

struct State {
    progress: Option<Box<dyn Progress + Send>>,
    prepared: Vec<(NetworkSubject, Prepared)>,
}

impl SharedData {
    /// Looked for in `locations`; what is nowhere is fetched where there is `progress` to tell of it.
    #[must_use]
    pub fn new(locations: Locations, progress: Option<Box<dyn Progress + Send>>) -> Self {
        Self { locations, state: Mutex::new(State { progress, prepared: Vec::new() }) }
    }

    /// Others who ask meanwhile wait: most of them for the same samples.
    pub(super) fn prepared(
        &self,
        subject: &NetworkSubject,
        fits: &dyn Fn(usize) -> Result<(), LoadPlanError>,
    ) -> Result<Prepared, LoadPlanError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let at = state.prepared.iter().position(|(other, _)| subject.shares_samples(other));
        let known = at.map(|at| state.prepared[at].1.clone());
        let fetch = match &mut state.progress {
            Some(progress) => Fetch::IfMissing(progress.as_mut()),
            None => Fetch::Never,
        };
        let made = subject.prepare(known, &self.locations, fetch, fits)?;
        match at {
            Some(at) => state.prepared[at].1 = made.clone(),
            None => state.prepared.push((subject.clone(), made.clone())),
        }
        Ok(made)
    }
}
