//! JSON Lines; the schema is in docs/src/json.md. Numbers that are not finite are `null`.

use std::io::{self, Write};
use std::time::Duration;

use optkit::{Iteration, Returned, RunReport, Work};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Facts, Show};

/// Version of the schema; it grows where a key changes its meaning or leaves.
const SCHEMA: u32 = 1;

pub(super) struct JsonLines {
    unit: &'static str,
}

impl JsonLines {
    pub(super) fn new() -> Self {
        Self { unit: "iteration" }
    }
}

#[derive(Serialize)]
struct Evaluations {
    value: u64,
    gradient: u64,
    hessian_product: u64,
    gradient_equivalents: f64,
}

impl From<Work> for Evaluations {
    fn from(work: Work) -> Self {
        Self {
            value: work.values,
            gradient: work.gradients,
            hessian_product: work.hessian_products,
            gradient_equivalents: work.gradient_equivalents,
        }
    }
}

fn line(value: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Adds every measure under its own name, unless that name is a key of ours.
fn add_measures(object: &mut Map<String, Value>, measures: &[(String, f64)]) {
    for (name, value) in measures {
        object.entry(name.clone()).or_insert_with(|| json!(value));
    }
}

impl Show for JsonLines {
    fn problem(&mut self, facts: &Facts) -> io::Result<()> {
        self.unit = facts.unit;
        line(&json!({ "problem": {
            "schema": SCHEMA,
            "title": facts.title,
            "objective": facts.objective,
            "solver": facts.solver,
            "variables": facts.variables,
            "tensors": facts.tensors,
            "subdomains": facts.subdomains,
            "dataset": facts.dataset,
            "data_checksum": facts.data_checksum,
            "samples": facts.samples,
            "stop": facts.stop,
            "seed": facts.seed,
            "threads": facts.threads,
            "kernel": facts.kernel,
            "optkit": env!("CARGO_PKG_VERSION"),
        }}))
    }

    fn iteration(&mut self, iteration: &Iteration<'_>) -> io::Result<()> {
        let step = &iteration.step;
        let mut object = Map::new();
        object.insert(self.unit.to_owned(), json!(iteration.epoch));
        let rest = json!({
            "loss": step.value,
            "gradient_norm": iteration.gradient_norm_inf,
            "radius": step.radius,
            "ratio": step.ratio,
            "accepted": step.accepted,
            "trials_accepted": step.trials_accepted,
            "trials_rejected": step.trials_rejected,
            "local_iterations": step.local_iterations,
            "evaluations": Evaluations::from(iteration.work),
            "seconds": iteration.training.as_secs_f64(),
        });
        if let Value::Object(rest) = rest {
            object.extend(rest);
        }
        add_measures(&mut object, iteration.measures);
        line(&Value::Object(object))
    }

    fn summary(
        &mut self,
        facts: &Facts,
        report: &RunReport,
        total: Duration,
        peak_memory: Option<u64>,
    ) -> io::Result<()> {
        let seconds = |d: Duration| d.as_secs_f64();
        let value = json!({
            "status": report.status.name(),
            "status_text": report.status.to_string(),
            "returned": match report.returned { Returned::Best => "best", Returned::Last => "last" },
            "loss": report.value,
            "gradient_norm": report.gradient_norm_inf,
            "epochs": report.epochs,
            "iterations": report.iterations,
            "evaluations": Evaluations::from(report.work),
            "seconds": seconds(report.training),
            "seconds_total": seconds(total),
            "phases": {
                "local": seconds(report.phases.local),
                "fdl": seconds(report.phases.fdl),
                "global": seconds(report.phases.global),
                "measures": seconds(report.measuring),
            },
            "peak_memory_bytes": peak_memory,
            "unit": facts.unit,
        });
        let Value::Object(mut object) = value else { return Ok(()) };
        add_measures(&mut object, &report.measures);
        line(&Value::Object(object))
    }
}
