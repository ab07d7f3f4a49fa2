//! A run as the records of logs and of `--json`.

use std::time::Duration;

use optkit::{Iteration, Returned, RunReport};
use optkit_log::{Count, Outcome, Phases, Problem, Row, SCHEMA};

use crate::show::Facts;

pub(crate) fn problem(facts: &Facts) -> Problem {
    Problem {
        schema: SCHEMA,
        optkit: env!("CARGO_PKG_VERSION").to_owned(),
        title: facts.title.clone(),
        objective: facts.objective.clone(),
        solver: facts.solver.clone(),
        variables: facts.variables,
        tensors: facts.tensors,
        subdomains: facts.subdomains,
        dataset: facts.dataset.clone(),
        data_checksum: facts.data_checksum.clone(),
        samples: facts.samples,
        stop: facts.stop.clone(),
        seed: facts.seed,
        threads: facts.threads,
        kernel: facts.kernel.clone(),
        ..Problem::default()
    }
}

pub(crate) fn row(unit: &str, iteration: &Iteration<'_>) -> Row {
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

pub(crate) fn outcome(
    facts: &Facts,
    report: &RunReport,
    total: Duration,
    peak_memory_bytes: Option<u64>,
) -> Outcome {
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
        unit: facts.unit.to_owned(),
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
        parts: Vec::new(),
        measures: report.measures.clone(),
    }
}
