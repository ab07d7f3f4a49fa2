//! An observer that writes a checkpoint every few iterations.

use std::ops::ControlFlow;
use std::path::PathBuf;

use super::CheckpointError;
use crate::run::{Iteration, Observer, Unobserved};

/// Writes a checkpoint to one file after every `every`-th iteration, each in place of the one before.
///
/// A checkpoint that cannot be written does not end the run: it is tried again at the next, and
/// [`error`](Self::error) tells why the last one failed.
///
/// ```
/// use optkit::{Checkpoint, CheckpointEvery, Run, StopWhen, TrustRegion, from_fn, run};
/// let folder = std::env::temp_dir().join(format!("optkit-doc-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// let path = folder.join("run.safetensors");
///
/// let mut f = from_fn(1, |x| x[0].powi(4), |x, g| g[0] = 4.0 * x[0].powi(3));
/// let stop = StopWhen::new().iterations(5);
/// let mut observer = CheckpointEvery::new(&path, 2);
/// let setup = Run { stop: &stop, measures: &mut [], observer: &mut observer, interrupt: None };
/// run(&mut TrustRegion::default(), &mut f, &[33.3], setup)?;
/// assert!(observer.error().is_none());
/// assert_eq!(Checkpoint::read(&path)?.iterations(), 4);
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CheckpointEvery<'a> {
    path: PathBuf,
    every: u64,
    problem: Option<String>,
    observer: Option<&'a mut dyn Observer>,
    error: Option<CheckpointError>,
}

impl<'a> CheckpointEvery<'a> {
    /// To `path`, after every `every`-th iteration (0 counts as 1).
    pub fn new(path: impl Into<PathBuf>, every: u64) -> Self {
        Self { path: path.into(), every: every.max(1), problem: None, observer: None, error: None }
    }

    /// With the text of the problem that is solved.
    #[must_use]
    pub fn of_problem(mut self, text: impl Into<String>) -> Self {
        self.problem = Some(text.into());
        self
    }

    /// Lets `observer` see every iteration too, before its checkpoint is written.
    #[must_use]
    pub fn and(mut self, observer: &'a mut dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Why the last checkpoint was not written; none where it was.
    #[must_use]
    pub fn error(&self) -> Option<&CheckpointError> {
        self.error.as_ref()
    }
}

impl Observer for CheckpointEvery<'_> {
    fn observe(&mut self, iteration: &Iteration<'_>) -> ControlFlow<()> {
        let flow = match &mut self.observer {
            Some(observer) => observer.observe(iteration),
            None => Unobserved.observe(iteration),
        };
        // A run that is stopped is kept at the point where it stops.
        if flow.is_break() || iteration.step.iteration.is_multiple_of(self.every) {
            let mut checkpoint = iteration.checkpoint();
            if let Some(text) = &self.problem {
                checkpoint = checkpoint.of_problem(text.as_str());
            }
            self.error = checkpoint.write(&self.path).err();
        }
        flow
    }
}
