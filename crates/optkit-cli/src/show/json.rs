//! JSON Lines; the schema is in docs/src/json.md.

use std::io::{self, Write};
use std::time::Duration;

use optkit::{Iteration, RunReport, record};
use optkit_log::Problem;
use serde::Serialize;

use super::{Facts, Show};

pub(super) struct JsonLines {
    unit: &'static str,
}

impl JsonLines {
    pub(super) fn new() -> Self {
        Self { unit: "iteration" }
    }
}

/// The first line.
#[derive(Serialize)]
struct First<'a> {
    problem: &'a Problem,
}

fn line(record: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, record)?;
    out.write_all(b"\n")?;
    out.flush()
}

impl Show for JsonLines {
    fn problem(&mut self, facts: &Facts) -> io::Result<()> {
        self.unit = facts.unit;
        line(&First { problem: &facts.problem })
    }

    fn iteration(&mut self, iteration: &Iteration<'_>) -> io::Result<()> {
        line(&record::row(self.unit, iteration))
    }

    fn summary(
        &mut self,
        facts: &Facts,
        report: &RunReport,
        total: Duration,
        peak_memory: Option<u64>,
    ) -> io::Result<()> {
        line(&facts.outcome(report, total, peak_memory))
    }
}
