//! A run as the records of logs: what is solved ([`Facts`]), a row an epoch, the outcome.

use std::time::Duration;

use optkit_log::{Count, Outcome, Part, Phases, Problem, Row, SCHEMA};

use crate::assemble::{Assembly, Plan, Subject};
use crate::run::{Iteration, Returned, RunReport};

/// What is said of a run before its first line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The first record of a log, without what an experiment adds to it.
    pub problem: Problem,
    /// The objective's declared name.
    pub objective_name: String,
    /// What a line is: `epoch` where there are samples, `iteration` elsewhere.
    pub unit: &'static str,
    /// Names of the measures.
    pub measures: Vec<String>,
    /// Of each part, the names of the tensors that it holds entries of.
    pub parts: Vec<Vec<String>>,
}

impl Facts {
    /// Of a plan bound to its data.
    #[must_use]
    pub fn new(plan: &Plan, assembly: &Assembly, threads: usize) -> Self {
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
        let unit = if dataset.is_some() { "epoch" } else { "iteration" };
        let problem = Problem {
            schema: SCHEMA,
            optkit: env!("CARGO_PKG_VERSION").to_owned(),
            title: plan.title.clone(),
            objective,
            solver: plan.solver_name.clone(),
            variables: plan.subject.dim(),
            tensors,
            subdomains: plan.partition.as_ref().map(|p| p.parts().len()),
            dataset,
            data_checksum: assembly.data_checksum.clone(),
            samples: assembly.samples,
            stop: plan.stop.text(),
            seed: plan.seed,
            threads,
            kernel,
            ..Problem::default()
        };
        Self {
            problem,
            objective_name: plan.objective_name.clone(),
            unit,
            measures: assembly.measures.iter().map(|(name, _)| name.clone()).collect(),
            parts: tensors_of_parts(plan),
        }
    }

    /// The last record; `total` is the wall time of everything.
    #[must_use]
    pub fn outcome(&self, report: &RunReport, total: Duration, peak_memory_bytes: Option<u64>) -> Outcome {
        let seconds = |d: Duration| d.as_secs_f64();
        Outcome {
            status: report.status.name().to_owned(),
            status_text: report.status.to_string(),
            returned: match report.returned {
                Returned::Best => "best",
                Returned::Last => "last",
            }
            .to_owned(),
            loss: report.value,
            gradient_norm: report.gradient_norm_inf,
            epochs: report.epochs,
            iterations: report.iterations,
            unit: self.unit.to_owned(),
            evaluations: report.work.into(),
            seconds: seconds(report.training),
            seconds_total: seconds(total),
            phases: Phases {
                local: seconds(report.phases.local),
                fdl: seconds(report.phases.fdl),
                global: seconds(report.phases.global),
                measures: seconds(report.measuring),
            },
            peak_memory_bytes,
            parts: self.parts(report),
            measures: report.measures.clone(),
        }
    }

    fn parts(&self, report: &RunReport) -> Vec<Part> {
        let work = report.parts.iter().enumerate();
        let part = |(index, work): (usize, &optkit_core::Work)| Part {
            part: index as u64 + 1,
            gradient_equivalents: work.gradient_equivalents,
            tensors: self.parts.get(index).cloned().unwrap_or_default(),
        };
        work.map(part).collect()
    }
}

/// The record of an iteration; `unit` is what a row is, [`Facts::unit`].
#[must_use]
pub fn row(unit: &str, iteration: &Iteration<'_>) -> Row {
    let step = &iteration.step;
    let count = if unit == "epoch" { Count::Epoch } else { Count::Iteration };
    Row {
        count: count(iteration.epoch),
        loss: step.value,
        gradient_norm: iteration.gradient_norm_inf,
        radius: step.radius,
        ratio: step.ratio,
        accepted: step.accepted,
        trials_accepted: step.trials_accepted,
        trials_rejected: step.trials_rejected,
        local_iterations: step.local_iterations,
        evaluations: iteration.work.into(),
        seconds: iteration.training.as_secs_f64(),
        measures: iteration.measures.to_vec(),
    }
}

/// Of each part, the names of the tensors that it holds entries of; empty lists without a network.
#[must_use]
pub fn tensors_of_parts(plan: &Plan) -> Vec<Vec<String>> {
    let tensors = match &plan.subject {
        Subject::Network(subject) => subject.network.tensors(),
        Subject::Function { .. } => Vec::new(),
    };
    let parts = plan.partition.as_ref().map_or(&[][..], |partition| partition.parts());
    let touches = |subset: &optkit_core::Subset, range: &std::ops::Range<usize>| {
        subset.ranges().iter().any(|r| r.start < range.end && range.start < r.end)
    };
    parts
        .iter()
        .map(|subset| tensors.iter().filter(|t| touches(subset, &t.range)).map(|t| t.name.clone()).collect())
        .collect()
}
