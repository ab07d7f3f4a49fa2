//! Checkpoints: a run on disk, from which it goes on bit for bit.
//!
//! A [`Checkpoint`] holds what the method, the objective and the loop around them need to go on, and what they belong
//! to: the method's word, the number of variables and, where there is one, the text of the problem. An [`Observer`]
//! takes it from the iteration that it is shown ([`Iteration::checkpoint`]; [`CheckpointEvery`] does so every few
//! iterations), and [`resume`](crate::resume) takes it up.
//!
//! The file is one of the safetensors format, so that other tools read it too. In Python:
//!
//! ```text
//! from safetensors.numpy import load_file
//! x = load_file("run.safetensors")["run.point"]
//! ```
//!
//! Arrays are `F64` of one dimension, integers `U64` of none; names have the scopes `run.`, `optimizer.` and
//! `objective.`. The metadata are `format` (`optkit checkpoint`), `format_version`, `optkit` (the version that wrote
//! it), `method`, `problem` (where known), and `sha256`: of the whole file with these 64 digits as zeros. A file is
//! written beside its place and then put there, so that a run that is killed leaves the one before.
//!
//! [`Observer`]: crate::Observer
//! [`Iteration::checkpoint`]: crate::Iteration::checkpoint

mod every;
mod file;
mod format;

use std::time::Duration;

use optkit_core::{Archive, LoadError, Objective, Optimizer, StartError};

pub use every::CheckpointEvery;
pub use file::CheckpointError;
pub(crate) use file::{PART, replace};
pub use format::FormatError;
pub(crate) use format::is_checkpoint;

use crate::drive::Tally;

/// A run as it stood after an iteration, with what it belongs to.
///
/// ```
/// use std::ops::ControlFlow;
/// use optkit::{Checkpoint, Iteration, Run, StopWhen, TrustRegion, Unobserved, from_fn, resume, run};
///
/// let mut f = from_fn(2, |x| x[0].powi(4) + x[1].powi(2), |x, g| {
///     g.copy_from_slice(&[4.0 * x[0].powi(3), 2.0 * x[1]]);
/// });
/// let stop = StopWhen::new().gradient_norm_inf(1e-6).iterations(1000);
/// // A run that is interrupted after its fifth iteration.
/// let mut kept = None;
/// let mut keep = |iteration: &Iteration<'_>| {
///     if iteration.step.iteration < 5 {
///         return ControlFlow::Continue(());
///     }
///     kept = Some(iteration.checkpoint().to_bytes());
///     ControlFlow::Break(())
/// };
/// let setup = Run { stop: &stop, measures: &mut [], observer: &mut keep, interrupt: None };
/// run(&mut TrustRegion::default(), &mut f, &[1.0, 1.0], setup)?;
///
/// let checkpoint = Checkpoint::from_bytes(&kept.expect("five iterations were made"))?;
/// let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
/// let report = resume(&mut TrustRegion::default(), &mut f, &checkpoint, setup)?;
/// assert!(report.iterations > 5 && report.gradient_norm_inf <= 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    method: String,
    problem: Option<String>,
    version: String,
    archive: Archive,
}

/// Why a run cannot be taken up.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// The method refuses the objective.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Another method wrote it.
    #[error(
        "the checkpoint is of the method `{saved}`, but this run is one of `{this}`; resume with `{saved}`"
    )]
    Method {
        /// The method of the checkpoint.
        saved: String,
        /// The method of this run.
        this: String,
    },
    /// It is of another number of variables.
    #[error(
        "the checkpoint has {saved} variables, but the objective has {this}; resume with the objective it was made of"
    )]
    Dimension {
        /// Variables of the checkpoint.
        saved: usize,
        /// Variables of the objective.
        this: usize,
    },
    /// It is of another problem.
    #[error("the checkpoint is of another problem: {difference}; resume with that problem, or begin anew")]
    Problem {
        /// The first difference, in words.
        difference: String,
    },
    /// What was saved is not what the method or the objective needs.
    #[error("the checkpoint, written by optkit {version}, does not fit: {source}")]
    State {
        /// The version that wrote it.
        version: String,
        /// What is missing.
        source: LoadError,
    },
}

impl Checkpoint {
    /// The state of a run between two iterations.
    pub(crate) fn of(optimizer: &dyn Optimizer, f: &dyn Objective, tally: &Tally) -> Self {
        let mut archive = Archive::default();
        let current = optimizer.current();
        archive.scope("run", |archive| {
            archive.put("point", current.x.to_vec());
            archive.put("value", vec![current.value]);
            tally.save(archive, optimizer, f);
        });
        archive.scope("optimizer", |archive| optimizer.save(archive));
        archive.scope("objective", |archive| f.save(archive));
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { method: optimizer.name().to_owned(), problem: None, version, archive }
    }

    /// With the text of the problem that is solved, for [`is_of_problem`](Self::is_of_problem).
    #[must_use]
    pub fn of_problem(mut self, text: impl Into<String>) -> Self {
        self.problem = Some(text.into());
        self
    }

    /// The method's word.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The text of the problem, where it was given.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// The version of optkit that wrote it.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The point at which the run stood.
    #[must_use]
    pub fn point(&self) -> &[f64] {
        self.archive.array("run.point").unwrap_or_default()
    }

    /// f there.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.archive.number("run.value").unwrap_or(f64::NAN)
    }

    /// Iterations made.
    #[must_use]
    pub fn iterations(&self) -> u64 {
        self.archive.integer("run.iterations").unwrap_or(0)
    }

    /// Wall time of the run up to there, in training and in measures.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        let time = |name: &str| self.archive.integer(&format!("run.nanoseconds.{name}")).unwrap_or(0);
        Duration::from_nanos(time("training").saturating_add(time("measuring")))
    }

    /// Everything that is kept, by name.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Refuses the checkpoint of a problem with another text. One without a text is of any problem.
    pub fn is_of_problem(&self, text: &str) -> Result<(), ResumeError> {
        match &self.problem {
            Some(saved) if saved != text => Err(ResumeError::Problem { difference: difference(saved, text) }),
            _ => Ok(()),
        }
    }

    /// Bring method and objective to where they stood, and say how far the run was.
    pub(crate) fn restore(
        &self,
        optimizer: &mut dyn Optimizer,
        f: &mut dyn Objective,
    ) -> Result<Tally, ResumeError> {
        if self.method != optimizer.name() {
            let (saved, this) = (self.method.clone(), optimizer.name().to_owned());
            return Err(ResumeError::Method { saved, this });
        }
        let (saved, this) = (self.point().len(), f.dim());
        if saved != this {
            return Err(ResumeError::Dimension { saved, this });
        }
        optimizer.start(f, self.point(), None)?;
        self.load(optimizer, f).map_err(|source| ResumeError::State { version: self.version.clone(), source })
    }

    fn load(&self, optimizer: &mut dyn Optimizer, f: &mut dyn Objective) -> Result<Tally, LoadError> {
        optimizer.load(&self.archive.scoped("optimizer"))?;
        f.load(&self.archive.scoped("objective"))?; // last: the start may have evaluated
        Tally::load(&self.archive.scoped("run"), optimizer, f)
    }
}

/// The first line in which two texts differ.
pub(crate) fn difference(saved: &str, this: &str) -> String {
    let (mut saved, mut this) = (saved.lines(), this.lines());
    loop {
        match (saved.next(), this.next()) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => return format!("`{}` there, `{}` here", a.trim(), b.trim()),
            (Some(a), None) => return format!("`{}` there, nothing here", a.trim()),
            (None, Some(b)) => return format!("nothing there, `{}` here", b.trim()),
            (None, None) => return "another end of a line".to_owned(),
        }
    }
}
