//! Text: a short statement of the problem, a table, a summary.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use optkit::{Iteration, Returned, RunReport, Status};

use super::{Facts, Show};
use crate::columns::{counted, grouped};
use crate::pace::Pace;
use crate::show::bar::Bar;

/// Iterations of a function without samples are many: after the first ten, one in ten, then one in a hundred, …
fn is_shown(iteration: u64) -> bool {
    let step = 10_u64.pow(iteration.max(1).ilog10());
    iteration.is_multiple_of(step)
}

pub(super) struct Text {
    unit: &'static str,
    objective: String,
    measures: Vec<String>,
    pace: Pace,
    bar: Option<Bar>,
    /// The line of the last iteration, where it was not shown.
    held: Option<String>,
}

impl Text {
    /// `pace`: of the budgets that end the run.
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            unit: "iteration",
            objective: String::new(),
            measures: Vec::new(),
            pace,
            bar: None,
            held: None,
        }
    }

    fn print(&self, line: &str) -> io::Result<()> {
        let write = || writeln!(io::stdout().lock(), "{line}");
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Both lines below are within 80 columns where there is one measure.
    fn heading(&self) -> String {
        let measures: String = self.measures.iter().map(|name| format!(" {name:>8}")).collect();
        let (unit, width) = (self.unit, self.unit.len());
        format!(
            "{unit:>width$} {:>9}{measures} {:>7} {:>7} {:>5} {:>7} {:>9} {:>7} {:>7}",
            self.objective, "‖g‖∞", "Δ", "ρ", "acc/rej", "local its", "work", "time"
        )
    }

    fn row(&self, iteration: &Iteration<'_>) -> String {
        let step = &iteration.step;
        let measures: String = iteration
            .measures
            .iter()
            .map(|(name, value)| format!(" {:>1$}", percent(*value), name.len().max(8)))
            .collect();
        format!(
            "{:>width$} {:>9}{measures} {:>7.1e} {:>7} {:>5} {:>7} {:>9} {:>7.1} {:>6.2}s",
            iteration.epoch,
            cell(step.value),
            iteration.gradient_norm_inf,
            radius(step.radius),
            ratio(step.ratio),
            format!("{}/{}", step.trials_accepted, step.trials_rejected),
            step.local_iterations,
            iteration.work.gradient_equivalents,
            iteration.training.as_secs_f64(),
            width = self.unit.len(),
        )
    }
}

/// Fractions as percentages: every measure so far is one.
fn percent(value: f64) -> String {
    format!("{:.2}%", 100.0 * value)
}

/// A radius, where the method has one.
fn radius(value: f64) -> String {
    if value.is_nan() { "-".to_owned() } else { format!("{value:.1e}") }
}

/// A ratio in five characters.
fn ratio(value: f64) -> String {
    if value.is_nan() {
        return "-".to_owned();
    }
    match value {
        0.0..10.0 => format!("{value:.3}"),
        -10.0..100.0 => format!("{value:.2}"),
        -100.0..1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0e}"),
    }
}

/// A value in nine characters, with as many digits as fit.
fn cell(value: f64) -> String {
    let exponent = |digits: usize| format!("{value:.digits$e}");
    if value != 0.0 && !(1e-3..1e6).contains(&value.abs()) {
        return (0..=4).rev().map(exponent).find(|text| text.len() <= 9).unwrap_or_else(|| exponent(0));
    }
    let plain = |digits: usize| format!("{value:.digits$}");
    (0..=6).rev().map(plain).find(|text| text.len() <= 9).unwrap_or_else(|| plain(0))
}

fn number(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e6).contains(&value.abs()) {
        format!("{value:.5e}")
    } else {
        format!("{value:.6}")
    }
}

impl Show for Text {
    fn problem(&mut self, facts: &Facts) -> io::Result<()> {
        self.unit = facts.unit;
        self.objective.clone_from(&facts.objective_name);
        self.measures.clone_from(&facts.measures);
        if let Some(title) = &facts.problem.title {
            self.print(title)?;
        }
        let samples =
            facts.problem.samples.map_or_else(String::new, |n| format!(", {}", counted(n, "sample")));
        self.print(&format!("minimise {} = {}{samples}", facts.objective_name, facts.problem.objective))?;
        self.print(&format!(
            "n = {}",
            super::size(facts.problem.variables, facts.problem.tensors, facts.problem.subdomains)
        ))?;
        let kernel = facts.problem.kernel.as_ref().map_or_else(String::new, |k| format!(", {k}"));
        let threads = counted(facts.problem.threads, "thread");
        self.print(&format!("{}, seed {}, {threads}{kernel}", facts.problem.solver, facts.problem.seed))?;
        self.print(&format!("stop when {}\n\n{}", facts.problem.stop, self.heading()))?;
        if io::stderr().is_terminal() {
            self.bar = Some(Bar::new(facts.unit, self.pace.clone()));
        }
        Ok(())
    }

    fn iteration(&mut self, iteration: &Iteration<'_>) -> io::Result<()> {
        if let Some(bar) = &self.bar {
            bar.advance(iteration);
        }
        let row = self.row(iteration);
        if self.unit == "epoch" || is_shown(iteration.epoch) {
            self.held = None;
            self.print(&row)
        } else {
            self.held = Some(row);
            Ok(())
        }
    }

    fn summary(
        &mut self,
        facts: &Facts,
        report: &RunReport,
        total: Duration,
        peak_memory: Option<u64>,
    ) -> io::Result<()> {
        if let Some(bar) = self.bar.take() {
            bar.clear();
        }
        if let Some(row) = self.held.take() {
            self.print(&row)?;
        }
        let mut out = io::stdout().lock();
        let point = match report.returned {
            Returned::Best => "best point seen",
            Returned::Last => "last point",
        };
        writeln!(out)?;
        let status = match &report.status {
            Status::Stopped => "interrupted, after the iteration that was under way".to_owned(),
            status => status.to_string(),
        };
        writeln!(out, "status       {status}")?;
        writeln!(out, "{:<12} {} ({point}, evaluated anew)", facts.objective_name, number(report.value))?;
        writeln!(out, "‖g‖∞, ‖g‖₂   {:.3e}, {:.3e}", report.gradient_norm_inf, report.gradient_norm)?;
        for (name, value) in &report.measures {
            writeln!(out, "{name:<12} {}", percent(*value))?;
        }
        let work = &report.work;
        let steps = if report.epochs == report.iterations {
            String::new()
        } else {
            format!(" ({})", counted(report.iterations, "iteration"))
        };
        writeln!(out, "{:<12} {}{steps}", format!("{}s", facts.unit), grouped(report.epochs))?;
        writeln!(
            out,
            "evaluations  {}, {} ({:.1} gradient equivalents)",
            counted(work.values, "value"),
            counted(work.gradients, "gradient"),
            work.gradient_equivalents,
        )?;
        times(&mut out, report, total)?;
        if let Some(bytes) = peak_memory {
            writeln!(out, "peak memory  {:.0} MB", bytes as f64 / 1e6)?;
        }
        Ok(())
    }
}

/// Training with its phases, where the method has any, then what is not training.
fn times(out: &mut impl Write, report: &RunReport, total: Duration) -> io::Result<()> {
    let s = |d: Duration| d.as_secs_f64();
    let phases = &report.phases;
    let split = if [phases.local, phases.fdl, phases.global].iter().all(Duration::is_zero) {
        String::new()
    } else {
        format!(" (local {:.2}, fdl {:.2}, global {:.2})", s(phases.local), s(phases.fdl), s(phases.global))
    };
    writeln!(out, "time         {:.2} s training{split}", s(report.training))?;
    writeln!(out, "             {:.2} s measures, {:.2} s in all", s(report.measuring), s(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_thin_out_by_decades() {
        let shown: Vec<u64> = (1..=300).filter(|&i| is_shown(i)).collect();
        assert_eq!(&shown[..12], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30]);
        assert_eq!(&shown[18..], &[100, 200, 300]);
    }

    #[test]
    fn every_number_fits_its_column() {
        for magnitude in -320..=308 {
            for sign in [1.0, -1.0] {
                let value = sign * 9.999_999_999 * 10_f64.powi(magnitude);
                assert!(cell(value).len() <= 9, "{} for {value}", cell(value));
                assert!(ratio(value).len() <= 6, "{} for {value}", ratio(value));
            }
        }
        assert_eq!(cell(2.270_105_3), "2.270105");
        assert_eq!(cell(1_131.168_868), "1131.1689");
        assert_eq!(cell(3.394_47e-13), "3.394e-13");
        assert_eq!(
            (ratio(0.987), ratio(-0.1), ratio(f64::NAN)),
            ("0.987".into(), "-0.10".into(), "-".into())
        );
    }
}
