//! What the loop itself carries from iteration to iteration, and into a checkpoint.

use std::time::Duration;

use optkit_core::{Archive, LoadError, Objective, Optimizer, Work};

use crate::clock::PhaseTimes;

/// How far a run is: what the loop itself carries from iteration to iteration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    pub(crate) iterations: u64,
    /// On mini-batches: the last evaluation over all samples.
    pub(super) whole: Option<Whole>,
    /// Work before the counters below were read, where they know nothing of it.
    carried: Work,
    /// The objective's counter as it stood where the run began, and work since that is none of the method's.
    pub(super) objective_before: Work,
    /// The method's own.
    optimizer_before: Work,
    pub(crate) training: Duration,
    pub(crate) measuring: Duration,
    pub(crate) phases: PhaseTimes,
}

impl Tally {
    pub(crate) fn new(objective_before: Work) -> Self {
        Self {
            iterations: 0,
            whole: None,
            carried: Work::default(),
            objective_before,
            optimizer_before: Work::default(),
            training: Duration::ZERO,
            measuring: Duration::ZERO,
            phases: PhaseTimes::default(),
        }
    }

    pub(super) fn work(&self, optimizer: &dyn Optimizer, f: &dyn Objective) -> Work {
        self.carried + (f.work() - self.objective_before) + (optimizer.work() - self.optimizer_before)
    }

    pub(crate) fn save(&self, archive: &mut Archive, optimizer: &dyn Optimizer, f: &dyn Objective) {
        archive.put_integer("iterations", self.iterations);
        if let Some(whole) = self.whole {
            archive.put_integer("whole.after", whole.after);
            archive.put("whole.seen", vec![whole.value, whole.gradient_norm, whole.gradient_norm_inf]);
        }
        archive.put_work("work", self.work(optimizer, f));
        archive.put_work("carried", self.carried);
        archive.put_work("objective", f.work());
        archive.put_work("objective_before", self.objective_before);
        archive.put_work("optimizer", optimizer.work());
        archive.put_work("optimizer_before", self.optimizer_before);
        for (name, time) in self.times() {
            archive.put_integer(
                &format!("nanoseconds.{name}"),
                u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
            );
        }
    }

    fn times(&self) -> [(&'static str, Duration); 5] {
        let PhaseTimes { local, fdl, global } = self.phases;
        [
            ("training", self.training),
            ("measuring", self.measuring),
            ("local", local),
            ("fdl", fdl),
            ("global", global),
        ]
    }

    /// After method and objective were loaded. Counters that were saved with them go on; for others what they had
    /// counted is carried, which is the same work, though not to the last bit of its sum.
    pub(crate) fn load(
        archive: &Archive,
        optimizer: &dyn Optimizer,
        f: &dyn Objective,
    ) -> Result<Self, LoadError> {
        let time = |name: &str| archive.integer(&format!("nanoseconds.{name}")).map(Duration::from_nanos);
        let mut tally = Self {
            iterations: archive.integer("iterations")?,
            whole: Whole::load(archive)?,
            carried: archive.work("carried")?,
            objective_before: archive.work("objective_before")?,
            optimizer_before: archive.work("optimizer_before")?,
            training: time("training")?,
            measuring: time("measuring")?,
            phases: PhaseTimes { local: time("local")?, fdl: time("fdl")?, global: time("global")? },
        };
        let (objective, own) = (f.work(), optimizer.work());
        if objective != archive.work("objective")? || own != archive.work("optimizer")? {
            tally.carried = archive.work("work")?;
            (tally.objective_before, tally.optimizer_before) = (objective, own);
        }
        Ok(tally)
    }
}

/// f over all samples after an iteration that ended an epoch of mini-batches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole {
    pub(super) after: u64,
    pub(super) value: f64,
    pub(super) gradient_norm: f64,
    pub(super) gradient_norm_inf: f64,
}

impl Whole {
    fn load(archive: &Archive) -> Result<Option<Self>, LoadError> {
        let Ok(after) = archive.integer("whole.after") else { return Ok(None) };
        let mut seen = [0.0; 3];
        archive.array_into("whole.seen", &mut seen)?;
        let [value, gradient_norm, gradient_norm_inf] = seen;
        Ok(Some(Self { after, value, gradient_norm, gradient_norm_inf }))
    }
}
