//! `optkit check`.

use std::io::{self, IsTerminal, Write};

use optkit::assemble::{Plan, Subject};
use optkit::cost::{self, PartCost, Timing};
use serde_json::{Value, json};

use crate::args::Check;
use crate::columns::grouped;
use crate::data::Shown;
use crate::exit::Exit;
use crate::{interrupt, read, show, solve};

/// What was counted and measured.
struct Measured {
    whole: Option<Timing>,
    parts: Vec<Part>,
}

struct Part {
    tensors: Vec<String>,
    variables: usize,
    cost: PartCost,
}

/// Checks the file; with `--cost` counts, with `--time` measures.
pub(crate) fn check(args: &Check) -> io::Result<Exit> {
    let planned = match read::planned(&args.changes) {
        Ok(planned) => planned,
        Err(exit) => return Ok(exit),
    };
    let plan = planned.plan;
    let mut measured = None;
    if args.cost || args.time {
        let pool = solve::pool(solve::threads(&args.changes, &plan))?;
        let quiet = args.json || !io::stderr().is_terminal();
        let mut progress = Shown::new(quiet, interrupt::listen());
        match pool.install(|| {
            let mut assembly = solve::load(&plan, &args.changes, &mut progress)?;
            let whole = args.time.then(|| cost::measure(assembly.objective.as_mut(), &assembly.start));
            let parts = plan.partition.as_ref().map_or_else(Vec::new, |partition| {
                cost::parts(assembly.objective.as_ref(), partition, &assembly.start, args.time)
            });
            Ok((whole, parts))
        }) {
            Ok((whole, costs)) => measured = Some(Measured { whole, parts: parts(&plan, costs) }),
            Err(error) => return Ok(solve::refused(error, planned.diagnostics)),
        }
    }
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", object(&plan, measured.as_ref()))?;
    } else {
        text(&mut out, &plan, measured.as_ref())?;
    }
    Ok(Exit::Success)
}

fn parts(plan: &Plan, costs: Vec<PartCost>) -> Vec<Part> {
    let tensors = match &plan.subject {
        Subject::Network(subject) => subject.network.tensors(),
        Subject::Function { .. } => Vec::new(),
    };
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

fn object(plan: &Plan, measured: Option<&Measured>) -> Value {
    let mut object = json!({
        "valid": true,
        "variables": plan.subject.dim(),
        "subdomains": plan.partition.as_ref().map(|p| p.parts().len()),
        "solver": plan.solver_name,
    });
    if let Some(measured) = measured {
        if let Some(whole) = measured.whole {
            object["loss_ms"] = json!(whole.loss_ms);
            object["loss_gradient_ms"] = json!(whole.loss_gradient_ms);
        }
        object["parts"] = measured.parts.iter().map(part_object).collect();
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

fn text(out: &mut impl Write, plan: &Plan, measured: Option<&Measured>) -> io::Result<()> {
    writeln!(out, "valid: {}; {}", show::size(&plan.subject, plan.partition.as_ref()), plan.solver_name)?;
    writeln!(out, "stop when {}", plan.stop.text())?;
    let Some(measured) = measured else { return Ok(()) };
    writeln!(out)?;
    let timing = |timing: Option<Timing>| {
        timing.map_or_else(String::new, |t| format!("  {:>9.3}  {:>18.3}", t.loss_ms, t.loss_gradient_ms))
    };
    let network = matches!(plan.subject, Subject::Network(_));
    let heading = if measured.whole.is_some() { "   loss [ms]  loss+gradient [ms]" } else { "" };
    let tensors = |names: &str| if network { format!("  {names}") } else { String::new() };
    writeln!(out, "{:>9}  {:>9}  {:>7}{heading}{}", "subdomain", "variables", "share", tensors("tensors"))?;
    let all = grouped(plan.subject.dim());
    writeln!(out, "{:>9}  {all:>9}  {:>7}{}{}", "whole", "1", timing(measured.whole), tensors("all"))?;
    for (i, part) in measured.parts.iter().enumerate() {
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
