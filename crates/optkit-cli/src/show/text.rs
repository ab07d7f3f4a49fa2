//! Text: a short statement of the problem, a table, a summary.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use optkit::{Iteration, Returned, RunReport};

use super::{Facts, Show};

/// Iterations of a function without samples are many: after the first ten, one in ten, then one in a hundred, …
fn is_shown(iteration: u64) -> bool {
    let step = 10_u64.pow(iteration.max(1).ilog10());
    iteration.is_multiple_of(step)
}

pub(super) struct Text {
    unit: &'static str,
    measures: Vec<String>,
    bar: Option<ProgressBar>,
    /// The line of the last iteration, where it was not shown.
    held: Option<String>,
}

impl Text {
    pub(super) fn new() -> Self {
        Self { unit: "iteration", measures: Vec::new(), bar: None, held: None }
    }

    fn print(&self, line: &str) -> io::Result<()> {
        let write = || writeln!(io::stdout().lock(), "{line}");
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn heading(&self) -> String {
        let measures: String = self.measures.iter().map(|name| format!(" {name:>9}")).collect();
        format!(
            "{:>9} {:>11}{measures} {:>8} {:>8} {:>7} {:>8} {:>9} {:>9} {:>8}",
            self.unit, "loss", "‖g‖∞", "Δ", "ρ", "acc/rej", "local its", "work", "time"
        )
    }

    fn row(iteration: &Iteration<'_>) -> String {
        let step = &iteration.step;
        let measures: String = iteration.measures.iter().map(|(name, value)| measure(name, *value)).collect();
        format!(
            "{:>9} {:>11}{measures} {:>8.1e} {:>8.1e} {:>7} {:>8} {:>9} {:>9.1} {:>7.2}s",
            step.iteration,
            number(step.value),
            iteration.gradient_norm_inf,
            step.radius,
            ratio(step.ratio),
            format!("{}/{}", step.trials_accepted, step.trials_rejected),
            step.local_iterations,
            iteration.work.gradient_equivalents,
            iteration.training.as_secs_f64(),
        )
    }
}

/// Fractions as percentages: every measure so far is one.
fn measure(_name: &str, value: f64) -> String {
    format!(" {:>8.2}%", 100.0 * value)
}

fn ratio(value: f64) -> String {
    if value.is_nan() {
        "-".to_owned()
    } else if value.abs() < 1000.0 {
        format!("{value:.3}")
    } else {
        format!("{value:.0e}")
    }
}

fn number(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e6).contains(&value.abs()) {
        format!("{value:.5e}")
    } else {
        format!("{value:.6}")
    }
}

/// 26506 as 26,506.
fn grouped(n: impl ToString) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

impl Show for Text {
    fn problem(&mut self, facts: &Facts) -> io::Result<()> {
        self.unit = facts.unit;
        self.measures.clone_from(&facts.measures);
        if let Some(title) = &facts.title {
            self.print(title)?;
        }
        let samples = facts.samples.map_or_else(String::new, |n| format!(", {} samples", grouped(n)));
        self.print(&format!("minimise {} = {}{samples}", facts.objective_name, facts.objective))?;
        let tensors = facts.tensors.map_or_else(String::new, |n| format!(" in {n} tensors"));
        let parts = facts.subdomains.map_or_else(String::new, |n| format!(", {n} subdomains"));
        let kernel = facts.kernel.as_ref().map_or_else(String::new, |k| format!(", {k}"));
        self.print(&format!(
            "n = {}{tensors}{parts}; {}, seed {}, {} thread{}{kernel}",
            grouped(facts.variables),
            facts.solver,
            facts.seed,
            facts.threads,
            if facts.threads == 1 { "" } else { "s" }
        ))?;
        self.print(&format!("stop when {}\n\n{}", facts.stop, self.heading()))?;
        if io::stderr().is_terminal() {
            let bar = ProgressBar::new_spinner().with_message(facts.unit);
            let style = ProgressStyle::with_template("{spinner} {msg} {pos}, {elapsed}");
            self.bar = Some(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner())));
        }
        Ok(())
    }

    fn iteration(&mut self, iteration: &Iteration<'_>) -> io::Result<()> {
        if let Some(bar) = &self.bar {
            bar.set_position(iteration.step.iteration);
        }
        let row = Self::row(iteration);
        if self.unit == "epoch" || is_shown(iteration.step.iteration) {
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
            bar.finish_and_clear();
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
        writeln!(out, "status       {}", report.status)?;
        writeln!(out, "{:<12} {} ({point}, evaluated anew)", facts.objective_name, number(report.value))?;
        writeln!(out, "‖g‖∞, ‖g‖₂   {:.3e}, {:.3e}", report.gradient_norm_inf, report.gradient_norm)?;
        for (name, value) in &report.measures {
            writeln!(out, "{name:<12} {:.2}%", 100.0 * value)?;
        }
        let work = &report.work;
        writeln!(
            out,
            "evaluations  {} values, {} gradients, {:.1} gradient equivalents in {} {}s",
            grouped(work.values),
            grouped(work.gradients),
            work.gradient_equivalents,
            grouped(report.iterations),
            facts.unit
        )?;
        let s = |d: Duration| d.as_secs_f64();
        let phases = &report.phases;
        writeln!(
            out,
            "time         {:.2} s training (local {:.2}, fdl {:.2}, global {:.2}), {:.2} s measures, {:.2} s in all",
            s(report.training),
            s(phases.local),
            s(phases.fdl),
            s(phases.global),
            s(report.measuring),
            s(total)
        )?;
        if let Some(bytes) = peak_memory {
            writeln!(out, "peak memory  {:.0} MB", bytes as f64 / 1e6)?;
        }
        Ok(())
    }
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
    fn numbers_are_grouped() {
        assert_eq!(grouped(26_506), "26,506");
        assert_eq!(grouped(506), "506");
    }
}
