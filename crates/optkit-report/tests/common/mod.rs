//! Runs that nobody made: as many as wanted, the same every time.

#![allow(dead_code)] // each test takes what it needs

use optkit_report::{Figure, Log, Series, group};
use serde_json::json;

/// Numbers in [0, 1) that repeat from run to run (Knuth's MMIX generator).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// One run as `optkit solve --json` would write it.
pub(crate) fn log(experiment: &str, series: &str, trial: u64, epochs: u64) -> Log {
    let mut numbers = Numbers(trial * 7919 + series.bytes().map(u64::from).sum::<u64>());
    let rate = 0.02 + 0.05 * numbers.next();
    let mut text = json!({
        "problem": { "schema": 1, "objective": "cross_entropy of fcnn on mnist", "seed": trial, "variables": 26506 },
        "experiment": experiment, "series": series, "trial": trial,
    })
    .to_string();
    let (mut work, mut seconds, mut loss) = (0.0, 0.0, 2.3);
    for epoch in 1..=epochs {
        work += 2.0 + numbers.next();
        seconds += 0.02 + 0.01 * numbers.next();
        loss = 0.05 + (loss - 0.05) * (1.0 - rate + 0.03 * numbers.next());
        let row = json!({
            "epoch": epoch, "loss": loss, "accuracy": 1.0 - loss / 2.6, "gradient_norm": loss * numbers.next() / 10.0,
            "radius": 0.1 * 0.5_f64.powi((8.0 * numbers.next()) as i32), "ratio": 2.0 * numbers.next() - 0.2,
            "trials_accepted": (7.0 * numbers.next()).floor(), "trials_rejected": (3.0 * numbers.next()).floor(),
            "evaluations": { "gradient_equivalents": work }, "seconds": seconds,
        });
        text.push_str(&format!("\n{row}"));
    }
    let parts: Vec<_> = (1..=4).map(|k| json!({ "part": k, "gradient_equivalents": work / 8.0 })).collect();
    let result = json!({
        "status": "budget", "status_text": "budget used", "loss": loss, "accuracy": 1.0 - loss / 2.6, "seconds": seconds,
        "evaluations": { "gradient_equivalents": work }, "parts": parts,
        "phases": { "local": seconds * 0.4, "fdl": seconds * 0.1, "global": seconds * 0.45, "measures": 0.01 },
    });
    text.push_str(&format!("\n{result}\n"));
    Log::read(&format!("{series}_{trial}.jsonl"), text.as_bytes()).expect("is a log")
}

/// An experiment with these configurations.
pub(crate) fn figure(name: &str, labels: &[&str], trials: u64, epochs: u64) -> Figure {
    let runs = |label: &&str| (1..=trials).map(|trial| log(name, label, trial, epochs)).collect();
    let series =
        labels.iter().map(|label| Series { label: (*label).to_owned(), runs: runs(label) }).collect();
    Figure { name: name.to_owned(), series }
}

/// A log of these losses alone.
pub(crate) fn losses(series: &str, losses: &[f64]) -> Log {
    let mut text = json!({ "problem": {}, "experiment": "small", "series": series }).to_string();
    for (k, loss) in losses.iter().enumerate() {
        let loss = if loss.is_finite() { json!(loss) } else { json!(null) };
        let seconds = 0.5 * (k + 1) as f64;
        text.push_str(&format!(
            "\n{}",
            json!({ "epoch": k + 1, "loss": loss, "seconds": seconds, "evaluations": { "gradient_equivalents": k + 1 } })
        ));
    }
    Log::read("losses.jsonl", text.as_bytes()).expect("is a log")
}

/// Labels that try to be something else.
pub(crate) const HOSTILE: [&str; 7] = [
    "<script>document.body.dataset.hacked = 1</script>",
    "</script><script>document.body.dataset.hacked = 2</script>",
    "\"><img src=x onerror=\"document.body.dataset.hacked = 3\">",
    "' onload='document.body.dataset.hacked = 4' <!-- & ]]>",
    "a label that goes on and on and on, so long that no legend has room for it, nor any margin, nor any table, really",
    "größe ∇f ‖x‖∞ 学習率 \u{202e}desrever\u{2066}",
    "tab\tnul\u{0}bell\u{7}",
];

/// The same as a figure.
pub(crate) fn hostile() -> Figure {
    let mut figure = figure(HOSTILE[0], &HOSTILE, 2, 12);
    figure.series.push(Series { label: HOSTILE[1].to_owned(), runs: Vec::new() });
    figure
}

/// Groups logs, of which there is one experiment.
pub(crate) fn one(logs: Vec<Log>) -> Figure {
    let mut figures = group(logs);
    assert_eq!(figures.len(), 1);
    figures.remove(0)
}
