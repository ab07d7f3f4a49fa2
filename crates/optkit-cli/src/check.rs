//! `optkit check`.

mod differences;
mod layers;

use std::io::{self, IsTerminal, Write};

use optkit::Objective;
use optkit::assemble::{LoadPlanError, Plan, Subject};
use optkit::cost::{self, PartCost, Timing};
use optkit::data::{Fetch, Locations};
use optkit::derivatives::{self, Checked};
use optkit::nn::Tensor;
use serde_json::{Value, json};

use crate::args::Check;
use crate::columns::grouped;
use crate::data::Shown;
use crate::exit::Exit;
use crate::{interrupt, read, show, solve};

/// What was counted, measured and checked.
#[derive(Default)]
struct Measured {
    whole: Option<Timing>,
    parts: Option<Vec<Part>>,
    derivatives: Option<Vec<Checked>>,
}

struct Part {
    tensors: Vec<String>,
    variables: usize,
    cost: PartCost,
}

/// Checks the file; with `--cost` counts, with `--time` measures, with `--derivatives` takes differences.
pub(crate) fn check(args: &Check) -> io::Result<Exit> {
    let planned = match read::planned(&args.changes) {
        Ok(planned) => planned,
        Err(exit) => return Ok(exit),
    };
    let plan = planned.plan;
    let mut measured = Measured::default();
    if args.cost || args.time || args.derivatives {
        let pool = solve::pool(solve::threads(&args.changes, &plan))?;
        match pool.install(|| measure(args, &plan)) {
            Ok(done) => measured = done,
            Err(error) => return Ok(solve::refused(error, planned.diagnostics)),
        }
    }
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", object(&plan, &measured))?;
    } else {
        text(&mut out, &plan, &measured)?;
    }
    let right = measured.derivatives.iter().flatten().all(Checked::is_right);
    Ok(if right { Exit::Success } else { Exit::Numerical })
}

fn measure(args: &Check, plan: &Plan) -> Result<Measured, LoadPlanError> {
    let quiet = args.json || !io::stderr().is_terminal();
    let mut progress = Shown::new(quiet, interrupt::listen());
    let mut assembly = solve::load(plan, &args.changes, &mut progress)?;
    let (f, start) = (assembly.objective.as_mut(), &assembly.start);
    let mut measured = Measured::default();
    if args.cost || args.time {
        measured.whole = args.time.then(|| cost::measure(f, start));
        let costs = plan.partition.as_ref().map(|partition| cost::parts(f, partition, start, args.time));
        measured.parts = Some(parts(plan, costs.unwrap_or_default()));
    }
    if args.derivatives {
        let locations = Locations::from_environment(args.changes.data_dir.clone());
        let mut double = plan.load_double(&locations, Fetch::IfMissing(&mut progress))?;
        let reference = double.as_mut().map(|f| f.as_mut() as &mut dyn Objective);
        measured.derivatives = Some(derivatives::check(f, reference, start, plan.seed));
    }
    Ok(measured)
}

/// The tensors of the network, where there is one.
fn tensors(plan: &Plan) -> Vec<Tensor> {
    match &plan.subject {
        Subject::Network(subject) => subject.network.tensors(),
        Subject::Function { .. } => Vec::new(),
    }
}

fn parts(plan: &Plan, costs: Vec<PartCost>) -> Vec<Part> {
    let tensors = tensors(plan);
    let Some(partition) = &plan.partition else { return Vec::new() };
    costs
        .into_iter()
        .zip(partition.parts())
        .map(|(cost, subset)| Part {
            tensors: tensors
                .iter()
                .filter(|t| subset.ranges().iter().any(|r| r.start < t.range.end && t.range.start < r.end))
                .map(|t| t.name.clone())
                .collect(),
            variables: subset.len(),
            cost,
        })
        .collect()
}

fn object(plan: &Plan, measured: &Measured) -> Value {
    let mut object = json!({
        "valid": true,
        "variables": plan.subject.dim(),
        "subdomains": plan.partition.as_ref().map(|p| p.parts().len()),
        "solver": plan.solver_name,
    });
    if let Subject::Network(subject) = &plan.subject {
        object["layers"] = layers::objects(&subject.network);
        object["peak_memory_bytes"] = json!(plan.peak_memory());
        object["micro_batch"] = json!(plan.samples_at_a_time());
    }
    if let Some(whole) = measured.whole {
        object["loss_ms"] = json!(whole.loss_ms);
        object["loss_gradient_ms"] = json!(whole.loss_gradient_ms);
    }
    if let Some(parts) = &measured.parts {
        object["parts"] = parts.iter().map(part_object).collect();
    }
    if let Some(checked) = &measured.derivatives {
        let tensors = tensors(plan);
        object["derivatives"] = checked.iter().map(|c| differences::object(c, &tensors)).collect();
    }
    object
}

fn part_object(part: &Part) -> Value {
    json!({
        "tensors": part.tensors,
        "variables": part.variables,
        "share": part.cost.share,
        "loss_ms": part.cost.timing.map(|t| t.loss_ms),
        "loss_gradient_ms": part.cost.timing.map(|t| t.loss_gradient_ms),
    })
}

fn text(out: &mut impl Write, plan: &Plan, measured: &Measured) -> io::Result<()> {
    let count = match &plan.subject {
        Subject::Network(subject) => Some(subject.network.tensors().len()),
        Subject::Function { .. } => None,
    };
    let subdomains = plan.partition.as_ref().map(|partition| partition.parts().len());
    let size = show::size(plan.subject.dim(), count, subdomains);
    writeln!(out, "valid: {size}; {}", plan.solver_name)?;
    writeln!(out, "stop when {}", plan.stop.text())?;
    if let Some(bytes) = plan.peak_memory() {
        let pieces = plan.samples_at_a_time();
        let pieces = pieces.map_or_else(String::new, |n| format!(", in micro-batches of {}", grouped(n)));
        writeln!(out, "peak memory about {}{pieces}", megabytes(bytes))?;
    }
    if let Subject::Network(subject) = &plan.subject {
        writeln!(out)?;
        layers::text(out, &subject.network)?;
    }
    if let Some(parts) = &measured.parts {
        writeln!(out)?;
        cost_table(out, plan, measured.whole, parts)?;
    }
    if let Some(checked) = &measured.derivatives {
        writeln!(out)?;
        differences::text(out, checked, &tensors(plan))?;
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss)] // for people
fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

fn cost_table(out: &mut impl Write, plan: &Plan, whole: Option<Timing>, parts: &[Part]) -> io::Result<()> {
    let timing = |timing: Option<Timing>| {
        timing.map_or_else(String::new, |t| format!("  {:>9.3}  {:>18.3}", t.loss_ms, t.loss_gradient_ms))
    };
    let network = matches!(plan.subject, Subject::Network(_));
    let heading = if whole.is_some() { "   loss [ms]  loss+gradient [ms]" } else { "" };
    let tensors = |names: &str| if network { format!("  {names}") } else { String::new() };
    writeln!(out, "{:>9}  {:>9}  {:>7}{heading}{}", "subdomain", "variables", "share", tensors("tensors"))?;
    let all = grouped(plan.subject.dim());
    writeln!(out, "{:>9}  {all:>9}  {:>7}{}{}", "whole", "1", timing(whole), tensors("all"))?;
    for (i, part) in parts.iter().enumerate() {
        writeln!(
            out,
            "{:>9}  {:>9}  {:>7.4}{}{}",
            i + 1,
            grouped(part.variables),
            part.cost.share,
            timing(part.cost.timing),
            tensors(&part.tensors.join(" "))
        )?;
    }
    Ok(())
}
