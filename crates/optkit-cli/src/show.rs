//! What a run shows: text for people, JSON Lines for programs, or nothing.

mod json;
mod logged;
mod text;

use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use optkit::assemble::{Assembly, Plan, Subject};
use optkit::{Iteration, Observer, Partition, RunReport};
use optkit_log::{LogError, Target};

use crate::args::Solve;
use crate::columns::counted;

/// The problem in numbers.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) title: Option<String>,
    pub(crate) objective: String,
    pub(crate) objective_name: String,
    pub(crate) solver: String,
    /// The problem's size in words.
    pub(crate) size: String,
    pub(crate) variables: usize,
    pub(crate) tensors: Option<usize>,
    pub(crate) subdomains: Option<usize>,
    pub(crate) dataset: Option<String>,
    pub(crate) data_checksum: Option<String>,
    pub(crate) samples: Option<usize>,
    pub(crate) stop: String,
    pub(crate) seed: u64,
    pub(crate) threads: usize,
    pub(crate) kernel: Option<String>,
    /// What a line is: `epoch` where there are samples, `iteration` elsewhere.
    pub(crate) unit: &'static str,
    pub(crate) measures: Vec<String>,
}

impl Facts {
    pub(crate) fn new(plan: &Plan, assembly: &Assembly, threads: usize) -> Self {
        let (objective, tensors, dataset, kernel) = match &plan.subject {
            Subject::Function { name, operands, .. } => {
                let operands: Vec<String> = operands.iter().map(|(n, v)| format!("{n} = {v}")).collect();
                (format!("{name}({})", operands.join(", ")), None, None, None)
            }
            Subject::Network(subject) => (
                format!("{} of {} on {}", subject.loss.name(), subject.name, subject.dataset),
                Some(subject.network.tensors().len()),
                Some(subject.dataset.clone()),
                Some(subject.arithmetic()),
            ),
        };
        Self {
            title: plan.title.clone(),
            objective,
            objective_name: plan.objective_name.clone(),
            solver: plan.solver_name.clone(),
            size: size(&plan.subject, plan.partition.as_ref()),
            variables: plan.subject.dim(),
            tensors,
            subdomains: plan.partition.as_ref().map(|p| p.parts().len()),
            unit: if dataset.is_some() { "epoch" } else { "iteration" },
            dataset,
            data_checksum: assembly.data_checksum.clone(),
            samples: assembly.samples,
            stop: plan.stop.text(),
            seed: plan.seed,
            threads,
            kernel,
            measures: assembly.measures.iter().map(|(name, _)| name.clone()).collect(),
        }
    }
}

/// `26,506 parameters in 6 tensors, 6 subdomains`.
pub(crate) fn size(subject: &Subject, partition: Option<&Partition>) -> String {
    let variables = match subject {
        Subject::Function { dim, .. } => counted(*dim, "variable"),
        Subject::Network(subject) => {
            let tensors = subject.network.tensors().len();
            format!("{} in {}", counted(subject.network.dim(), "parameter"), counted(tensors, "tensor"))
        }
    };
    let parts =
        partition.map_or_else(String::new, |p| format!(", {}", counted(p.parts().len(), "subdomain")));
    variables + &parts
}

/// A way to show a run. Results go to stdout.
pub(crate) trait Show {
    /// Before the first iteration.
    fn problem(&mut self, facts: &Facts) -> io::Result<()>;
    /// After each iteration; on mini-batches, after each epoch.
    fn iteration(&mut self, iteration: &Iteration<'_>) -> io::Result<()>;
    /// At the end.
    fn summary(
        &mut self,
        facts: &Facts,
        report: &RunReport,
        total: Duration,
        peak_memory: Option<u64>,
    ) -> io::Result<()>;
}

/// The way that the command line asks for, with its logs begun.
pub(crate) fn choose(args: &Solve) -> Result<Box<dyn Show + Send>, LogError> {
    let shown: Box<dyn Show + Send> = if args.quiet {
        Box::new(Silent)
    } else if args.json {
        Box::new(json::JsonLines::new())
    } else {
        Box::new(text::Text::new())
    };
    if args.log.is_empty() {
        return Ok(shown);
    }
    let logs = args.log.iter().map(Target::create).collect::<Result<_, _>>()?;
    Ok(Box::new(logged::Logged::new(shown, logs)))
}

struct Silent;

impl Show for Silent {
    fn problem(&mut self, _: &Facts) -> io::Result<()> {
        Ok(())
    }
    fn iteration(&mut self, _: &Iteration<'_>) -> io::Result<()> {
        Ok(())
    }
    fn summary(&mut self, _: &Facts, _: &RunReport, _: Duration, _: Option<u64>) -> io::Result<()> {
        Ok(())
    }
}

/// Shows iterations as they come, of mini-batches those that end an epoch; output that cannot be written stops the run.
pub(crate) struct Observing<'a> {
    shown: &'a mut (dyn Show + Send),
    error: Option<io::Error>,
}

impl<'a> Observing<'a> {
    pub(crate) fn new(shown: &'a mut (dyn Show + Send)) -> Self {
        Self { shown, error: None }
    }

    /// What stopped the output, if anything did.
    pub(crate) fn error(self) -> Option<io::Error> {
        self.error
    }
}

impl Observer for Observing<'_> {
    fn observe(&mut self, iteration: &Iteration<'_>) -> ControlFlow<()> {
        if !iteration.ends_epoch {
            return ControlFlow::Continue(());
        }
        match self.shown.iteration(iteration) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.error = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}
