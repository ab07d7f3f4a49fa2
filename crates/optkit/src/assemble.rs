//! From a checked problem to an objective, a start and an optimizer.
//!
//! [`plan`] needs no data: it checks what only the numerical crates know (shapes, partitions, presets) and is what
//! `optkit check` runs. [`Plan::load`] brings the data in and binds everything together.

mod descent;
mod memory;
mod network;
mod pairs;
mod partition;
mod peak;
mod shared;
mod slot;
mod solver;
mod stop;
mod two_level;

use optkit_core::{Objective, Optimizer, Storage};
use optkit_data::{Fetch, Locations};
use optkit_functions::{TestFunction, build};
use optkit_lang::{Call, Diagnostic, ObjectiveKind, Problem, Span};
use optkit_schwarz::Partition;

pub use descent::{Descent, Schwarz};
pub use network::{Backend, NetworkSubject, Pixels};
pub use shared::SharedData;
pub use slot::{Ball, ModelChoice, Slot};
pub use solver::{AptsSolver, Solver, Swept, TwoLevelSolver};

use crate::run::Measure;
use crate::stop::StopWhen;
use crate::weights::WeightsError;
pub(crate) use network::build as declared_network;
use network::{Known, Prepared};
use peak::{Exceeds, Holds};

/// What is minimised, described.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A classic function with its operands.
    Function {
        /// Its word.
        name: String,
        /// Its operands.
        operands: Vec<(String, f64)>,
        /// Number of variables.
        dim: usize,
    },
    /// A loss of a network.
    Network(Box<NetworkSubject>),
}

impl Subject {
    /// Number of variables.
    #[must_use]
    pub fn dim(&self) -> usize {
        match self {
            Self::Function { dim, .. } => *dim,
            Self::Network(subject) => subject.network.dim(),
        }
    }

    /// Sizes of the parameter tensors, in order; none where no network is minimised.
    fn tensor_sizes(&self) -> Vec<usize> {
        match self {
            Self::Function { .. } => Vec::new(),
            Self::Network(subject) => subject.tensor_sizes(),
        }
    }

    /// Samples trained on, where they are known without the data; 0 elsewhere.
    fn samples_hint(&self) -> usize {
        match self {
            Self::Function { .. } => 0,
            Self::Network(subject) => subject.samples_hint(),
        }
    }
}

/// A checked problem with everything settled but the data.
pub struct Plan {
    /// The problem's title.
    pub title: Option<String>,
    /// The declared name of the objective: `loss`.
    pub objective_name: String,
    /// What is minimised.
    pub subject: Subject,
    /// The subdomains, where the method has them.
    pub partition: Option<Partition>,
    /// The method.
    pub solver: Solver,
    /// The method's word.
    pub solver_name: String,
    /// When the run ends.
    pub stop: StopWhen,
    /// Seeds initial parameters and deals.
    pub seed: u64,
    /// Threads asked for.
    pub threads: Option<usize>,
    /// Most bytes of memory that a run is to take.
    pub memory: Option<u64>,
    /// Numbers that the method holds, where it says so.
    pub storage: Option<Storage>,
}

/// An objective bound to its data, ready to run.
pub struct Assembly {
    /// What is minimised.
    pub objective: Box<dyn Objective>,
    /// What minimises it.
    pub optimizer: Box<dyn Optimizer>,
    /// Where it begins.
    pub start: Vec<f64>,
    /// What is measured after each epoch.
    pub measures: Vec<(String, Box<dyn Measure>)>,
    /// Samples trained on, where there are samples.
    pub samples: Option<usize>,
    /// SHA-256 of the data, where there are data.
    pub data_checksum: Option<String>,
}

/// Why a plan could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadPlanError {
    /// The data could not be had.
    #[error(transparent)]
    Data(#[from] optkit_data::Error),
    /// The data do not fit the problem.
    #[error("{}", .0.title)]
    Fit(Box<Diagnostic>),
    /// The weights to begin with cannot be had any more.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The backend refuses.
    #[error("{0}")]
    Backend(String),
}

/// Settles everything but the data; all that is wrong comes back at once.
pub fn plan(problem: &Problem) -> Result<Plan, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let subject = match subject(problem) {
        Ok(subject) => Some(subject),
        Err(mut wrong) => {
            found.append(&mut wrong);
            None
        }
    };
    let method = problem.solver();
    let seed = problem.run.integer("seed").unwrap_or(0);
    let mut solver = Solver::from_method(method, &mut found);
    if let Some(subject) = &subject {
        solver.settle(method, (matches!(subject, Subject::Network(_)), seed), &mut found);
    }
    let declared = descent::partition_name(method).and_then(|name| problem.partition(name));
    let evaluates = solver.evaluates(declared.is_some());
    let fits = |s: &Subject| memory::fits(s, s.samples_hint(), evaluates);
    if let Some(Err(reason)) = subject.as_ref().map(fits) {
        found.push(
            Diagnostic::error("E0813", reason)
                .label(blamed(problem), "this one")
                .help("make it smaller, or use a larger machine"),
        );
        return Err(found);
    }
    let (mut partition, mut storage) = (None, None);
    if let (Some(subject), Some(declared)) = (&subject, declared) {
        match self::partition::partition(declared, subject, seed) {
            Ok(made) => partition = Some(made),
            Err(diagnostic) => found.push(diagnostic),
        }
    }
    if let (Some(subject), Solver::TwoLevel(two_level), Some(made), true) =
        (&subject, &solver, &partition, found.is_empty())
    {
        found.extend(two_level::suits((method, two_level), subject, made).err());
    }
    if let (Some(Subject::Network(network)), true) = (&subject, found.is_empty()) {
        let made = solver.make(partition.clone(), &network.tensor_sizes());
        found.extend(network.suits(method, made.as_ref()).err());
        storage = made.storage(peak::shape(network, network.is_dealt(network.samples_hint())));
    }
    if let (Some(subject), true) = (&subject, found.is_empty()) {
        found.extend(pairs::suit(subject, &solver, subject.samples_hint()).err());
    }
    let (Some(subject), true) = (subject, found.is_empty()) else {
        return Err(found);
    };
    let plan = Plan {
        title: problem.title.clone(),
        objective_name: problem.objective.name.clone(),
        stop: stop::stop_when(&problem.stop, matches!(subject, Subject::Network(_))),
        subject,
        partition,
        solver,
        solver_name: method.name.value.clone(),
        seed,
        threads: problem.run.integer("threads").and_then(|n| usize::try_from(n).ok()),
        memory: problem.run.bytes("memory"),
        storage,
    };
    match plan.micro_batch(None) {
        Ok(_) => Ok(plan),
        Err(Exceeds { reason, help }) => {
            let span = problem.run.span("memory").unwrap_or_default();
            Err(vec![Diagnostic::error("E0828", reason).label(span, "this limit").help(help)])
        }
    }
}

/// What makes a problem as large as it is: the network, or the call of a function.
fn blamed(problem: &Problem) -> Span {
    match &problem.objective.kind {
        ObjectiveKind::Function(call) => call.operands.first().map_or(call.name.span, |(_, v)| v.span),
        ObjectiveKind::NetworkLoss { network, span, .. } => {
            problem.network(network).map_or(*span, |declared| declared.name.span)
        }
    }
}

fn subject(problem: &Problem) -> Result<Subject, Vec<Diagnostic>> {
    match &problem.objective.kind {
        ObjectiveKind::Function(call) => match problem.run.key_span("weights") {
            Some(span) => Err(vec![
                Diagnostic::error("E0824", "`weights` are those of a network, and none is minimised")
                    .label(span, "this setting")
                    .help("remove it: a classic function brings its start along"),
            ]),
            None => function(call).map_err(|d| vec![d]),
        },
        ObjectiveKind::NetworkLoss { .. } => {
            network::subject(problem).map(|subject| Subject::Network(Box::new(subject)))
        }
    }
}

fn function(call: &Call) -> Result<Subject, Diagnostic> {
    let operands: Vec<(String, f64)> =
        call.operands.iter().filter_map(|(name, value)| Some((name.clone(), value.value.real()?))).collect();
    let f = test_function(&call.name.value, &operands).map_err(|error| {
        let at = call.operands.first().map_or(call.name.span, |(_, v)| v.span);
        Diagnostic::error("E0801", error.to_string()).label(at, "in this call")
    })?;
    Ok(Subject::Function { name: call.name.value.clone(), dim: f.dim(), operands })
}

fn test_function(
    name: &str,
    operands: &[(String, f64)],
) -> Result<Box<dyn TestFunction>, optkit_functions::Error> {
    let given: Vec<(&str, f64)> = operands.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    build(name, &given)
}

impl Plan {
    /// The same objective in double precision, where it computes in single: what differences for checking its
    /// derivatives are taken of.
    pub fn load_double(
        &self,
        locations: &Locations,
        fetch: Fetch<'_>,
    ) -> Result<Option<Box<dyn Objective>>, LoadPlanError> {
        match &self.subject {
            Subject::Network(subject) if !subject.double => subject.load_double(locations, fetch).map(Some),
            Subject::Network(_) | Subject::Function { .. } => Ok(None),
        }
    }

    /// Brings the data in. A dataset that is nowhere on the machine is fetched where `fetch` allows it.
    pub fn load(&self, locations: &Locations, fetch: Fetch<'_>) -> Result<Assembly, LoadPlanError> {
        self.bind(|subject, fits| subject.prepare(None, locations, fetch, fits))
    }

    /// The same, of samples that all share who load through `data`.
    pub fn load_shared(&self, data: &SharedData) -> Result<Assembly, LoadPlanError> {
        self.bind(|subject, fits| data.prepared(subject, fits))
    }

    fn bind(
        &self,
        prepare: impl FnOnce(
            &NetworkSubject,
            &dyn Fn(usize) -> Result<(), LoadPlanError>,
        ) -> Result<Prepared, LoadPlanError>,
    ) -> Result<Assembly, LoadPlanError> {
        let optimizer = self.solver.make(self.partition.clone(), &self.subject.tensor_sizes());
        match &self.subject {
            Subject::Function { name, operands, .. } => {
                let f = test_function(name, operands)
                    .map_err(|error| LoadPlanError::Backend(error.to_string()))?;
                let start = f.start();
                Ok(Assembly {
                    objective: f,
                    optimizer,
                    start,
                    measures: Vec::new(),
                    samples: None,
                    data_checksum: None,
                })
            }
            Subject::Network(subject) => {
                let evaluates = self.evaluates();
                let fits =
                    |samples| memory::fits(&self.subject, samples, evaluates).map_err(LoadPlanError::Backend);
                let prepared = prepare(subject, &fits)?;
                let micro_batch = self.micro_batch(Some(prepared.known()));
                let micro_batch = micro_batch.map_err(|Exceeds { reason, help }| {
                    LoadPlanError::Backend(format!("{reason}; {help}"))
                })?;
                let made = subject.bind(self.seed, optimizer, &prepared, micro_batch)?;
                // Now that the number of samples is known.
                pairs::suit(&self.subject, &self.solver, made.samples.unwrap_or(0))
                    .map_err(|diagnostic| LoadPlanError::Fit(Box::new(diagnostic)))?;
                Ok(made)
            }
        }
    }

    /// How many such runs fit this machine's memory side by side, at least 1: by what a run needs at the least, tripled.
    pub(crate) fn side_by_side(&self) -> usize {
        memory::side_by_side(&self.subject, self.subject.samples_hint(), self.evaluates())
    }

    /// Bytes of memory that a run will take at its peak, where that is counted: on networks that our kernels compute, on
    /// datasets whose numbers of samples are known, by methods that say what they hold.
    #[must_use]
    pub fn peak_memory(&self) -> Option<u64> {
        let holds = self.holds(None)?;
        let at_a_time = self.memory.and_then(|limit| holds.micro_batch(limit).ok()?);
        Some(holds.peak(at_a_time.unwrap_or(usize::MAX)))
    }

    /// Samples that are evaluated at a time, so that a run takes no more memory than it is allowed; none where that are all
    /// at hand.
    #[must_use]
    pub fn samples_at_a_time(&self) -> Option<usize> {
        self.micro_batch(None).ok().flatten()
    }

    /// The same on so many samples to train and to test on, or as far as they are known without the data.
    fn micro_batch(&self, known: Option<Known>) -> Result<Option<usize>, Exceeds> {
        let Some(limit) = self.memory else { return Ok(None) };
        if let Some(holds) = self.holds(known) {
            return holds.micro_batch(limit);
        }
        let [train, test] = known.map_or([self.subject.samples_hint(); 2], |known| known.counts);
        let samples = match &self.subject {
            Subject::Network(subject) if subject.split == optkit_lang::Split::Test => test,
            _ => train,
        };
        memory::allows(&self.subject, samples, self.evaluates(), limit).map(|()| None)
    }

    fn holds(&self, known: Option<Known>) -> Option<Holds<'_>> {
        let Subject::Network(subject) = &self.subject else { return None };
        let known = known.or_else(|| subject.hint())?;
        Holds::new(subject, (&self.solver, self.storage?), self.partition.as_ref(), known)
    }

    fn evaluates(&self) -> memory::Evaluates {
        self.solver.evaluates(self.partition.is_some())
    }
}
