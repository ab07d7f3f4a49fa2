//! How far the runs of experiments are: by configuration what is done, running and waiting, and how long it takes.
//!
//! The time left is a sum over runs: of one that goes on by its own pace, of one that waits as long as others of its
//! configuration took. Where nothing is known of a configuration that waits, the sum is said to be a least.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use optkit::experiment::{End, Trial};

use super::lines::summary;
use crate::columns::{counted, grouped};
use crate::pace::{Pace, Used, duration};

/// Cells of a configuration's bar.
const BAR: usize = 10;

/// Columns that are kept for numbers.
const NUMBERS: usize = 44;

/// All configurations.
#[derive(Default)]
pub(super) struct Board {
    rows: Vec<Row>,
    /// By the run's index.
    running: BTreeMap<usize, Running>,
    side_by_side: usize,
}

/// One configuration.
struct Row {
    experiment: Option<String>,
    label: String,
    trials: usize,
    ended: usize,
    failed: usize,
    not_begun: usize,
    running: usize,
    /// The last loss and measure that any of its runs had.
    loss: f64,
    measure: Option<(String, f64)>,
    /// Seconds that its ended runs took.
    took: Vec<f64>,
}

struct Running {
    row: usize,
    pace: Pace,
    began: f64,
}

impl Row {
    fn is_of(&self, trial: &Trial) -> bool {
        self.experiment == trial.experiment && self.label == trial.configuration
    }

    fn waiting(&self) -> usize {
        self.trials.saturating_sub(self.ended + self.failed + self.not_begun + self.running)
    }

    /// Rows that say most come first where there is no room for all.
    fn rank(&self) -> u8 {
        match (self.running, self.ended) {
            (1.., _) => 0,
            (0, 1..) => 1,
            _ => 2,
        }
    }
}

impl Board {
    pub(super) fn new(trials: &[&Trial], side_by_side: usize) -> Self {
        let mut rows: Vec<Row> = Vec::new();
        for trial in trials {
            match rows.iter_mut().rev().find(|row| row.is_of(trial)) {
                Some(row) => row.trials += 1,
                None => rows.push(Row {
                    experiment: trial.experiment.clone(),
                    label: trial.configuration.clone(),
                    trials: 1,
                    ended: 0,
                    failed: 0,
                    not_begun: 0,
                    running: 0,
                    loss: f64::NAN,
                    measure: None,
                    took: Vec::new(),
                }),
            }
        }
        Self { rows, running: BTreeMap::new(), side_by_side: side_by_side.max(1) }
    }

    fn row(&self, trial: &Trial) -> Option<usize> {
        self.rows.iter().position(|row| row.is_of(trial))
    }

    pub(super) fn started(&mut self, trial: &Trial, pace: Pace, wall: f64) {
        let Some(row) = self.row(trial) else { return };
        self.rows[row].running += 1;
        self.running.insert(trial.index, Running { row, pace, began: wall });
    }

    pub(super) fn progressed(
        &mut self,
        trial: &Trial,
        used: Used,
        wall: f64,
        loss: f64,
        measure: Option<(String, f64)>,
    ) {
        if let Some(running) = self.running.get_mut(&trial.index) {
            running.pace.mark(wall, used);
            let row = &mut self.rows[running.row];
            (row.loss, row.measure) = (loss, measure);
        }
    }

    pub(super) fn ended(&mut self, trial: &Trial, end: &End, wall: f64) {
        let Some(at) = self.row(trial) else { return };
        let running = self.running.remove(&trial.index);
        let row = &mut self.rows[at];
        row.running -= usize::from(running.is_some());
        match end {
            End::Failed(_) => row.failed += 1,
            End::NotBegun => row.not_begun += 1,
            End::Ran(_) | End::Kept(..) => row.ended += 1,
        }
        let Some(summary) = summary(end) else { return };
        row.loss = summary.loss;
        row.measure = summary.measures.into_iter().next();
        row.took.push(running.map_or(summary.seconds, |running| wall - running.began));
    }

    pub(super) fn is_over(&self) -> bool {
        self.rows.iter().all(|row| row.running + row.waiting() == 0)
    }

    /// Seconds that all runs still take together, and whether this is only a least.
    fn left(&self, wall: f64) -> (f64, bool) {
        let (mut seconds, mut is_least) = (0.0, false);
        for (k, row) in self.rows.iter().enumerate() {
            let mut known = row.took.clone();
            for running in self.running.values().filter(|running| running.row == k) {
                match running.pace.left(wall) {
                    Some(left) => {
                        seconds += left.seconds;
                        known.push(wall - running.began + left.seconds);
                    }
                    None => is_least = true,
                }
            }
            if known.is_empty() {
                is_least |= row.waiting() > 0;
            } else {
                seconds += row.waiting() as f64 * known.iter().sum::<f64>() / known.len() as f64;
            }
        }
        (seconds / self.side_by_side as f64, is_least)
    }

    /// What is shown at `wall` seconds, in lines of at most `width` characters and as many as a terminal of `height` has
    /// room for.
    pub(super) fn lines(&self, wall: f64, height: usize, width: usize) -> Vec<String> {
        let room = height.saturating_sub(4).max(1);
        let mut shown: Vec<usize> = (0..self.rows.len()).collect();
        if shown.len() > room {
            shown.sort_by_key(|&k| (self.rows[k].rank(), k));
            shown.truncate(room.saturating_sub(1).max(1));
            shown.sort_unstable();
        }
        let label = self.rows.iter().map(|row| self.name(row).chars().count()).max().unwrap_or(0);
        let label = label.min(width.saturating_sub(NUMBERS + BAR)).max(8);
        let mut lines: Vec<String> = vec![String::new()];
        lines.extend(shown.iter().map(|&k| self.line(&self.rows[k], label)));
        let hidden = self.rows.len() - shown.len();
        if hidden > 0 {
            lines.push(format!("… and {}", counted(hidden, "configuration")));
        }
        lines.push(self.total(wall));
        lines.iter().map(|line| line.chars().take(width.max(1)).collect()).collect()
    }

    fn name(&self, row: &Row) -> String {
        let several = self.rows.windows(2).any(|pair| pair[0].experiment != pair[1].experiment);
        match &row.experiment {
            Some(experiment) if several => format!("{experiment}: {}", row.label),
            _ => row.label.clone(),
        }
    }

    fn line(&self, row: &Row, width: usize) -> String {
        let done = row.ended + row.failed;
        let full = BAR * done / row.trials.max(1);
        let half = usize::from(full < BAR && row.running > 0);
        let bar = format!("{}{}{}", "━".repeat(full), "╸".repeat(half), " ".repeat(BAR - full - half));
        let name = end_of(&self.name(row), width);
        let mut line = format!("{name:<width$} {bar} {:>7}", format!("{done}/{}", row.trials));
        let state = match (row.running, row.failed) {
            (0, 0) if row.waiting() == row.trials => "waiting".to_owned(),
            (0, 0) => String::new(),
            (0, failed) => format!("{failed} failed"),
            (running, _) => format!("{running} running"),
        };
        let _ = write!(line, " {state:<9}");
        if row.loss.is_finite() {
            let _ = write!(line, " {:>9.3e}", row.loss);
        }
        if let Some((_, value)) = row.measure.as_ref().filter(|(_, value)| value.is_finite()) {
            let _ = write!(line, " {:>7.2}%", 100.0 * value);
        }
        line.trim_end().to_owned()
    }

    fn total(&self, wall: f64) -> String {
        let sum = |of: fn(&Row) -> usize| self.rows.iter().map(of).sum::<usize>();
        let (all, done) = (sum(|row| row.trials), sum(|row| row.ended + row.failed));
        let mut line =
            format!("{} of {} done, {} running", grouped(done), counted(all, "run"), self.running.len());
        let failed = sum(|row| row.failed);
        if failed > 0 {
            let _ = write!(line, ", {failed} failed");
        }
        let _ = write!(line, ", {}", duration(wall));
        let (left, is_least) = self.left(wall);
        if left > 0.0 {
            let about = if is_least { "at least" } else { "about" };
            let _ = write!(line, ", {about} {} left", duration(left));
        }
        line
    }
}

/// A name in `width` characters: of a long one the end, for that is where configurations differ.
fn end_of(name: &str, width: usize) -> String {
    let letters = name.chars().count();
    if letters <= width {
        return name.to_owned();
    }
    std::iter::once('…').chain(name.chars().skip(letters + 1 - width)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use optkit::run_folder::{Summary, Verdict};
    use optkit::{StopWhen, Test};

    fn trials(configurations: usize, trials: u64) -> Vec<Trial> {
        let mut all = Vec::new();
        for configuration in 1..=configurations {
            for number in 1..=trials {
                all.push(Trial {
                    index: all.len(),
                    problem: "bowl".to_owned(),
                    experiment: Some("e".to_owned()),
                    configuration: format!("apts, parts = {configuration}"),
                    varied: Vec::new(),
                    number: Some(number),
                    seed: number,
                    folder: std::path::PathBuf::new(),
                });
            }
        }
        all
    }

    fn board(trials: &[Trial], side_by_side: usize) -> Board {
        Board::new(&trials.iter().collect::<Vec<_>>(), side_by_side)
    }

    fn kept(seconds: f64) -> End {
        let summary = Summary {
            status: "budget".to_owned(),
            status_text: String::new(),
            loss: 0.25,
            gradient_norm: 0.1,
            measures: vec![("accuracy".to_owned(), 0.9)],
            epochs: 10,
            iterations: 10,
            gradient_equivalents: 10.0,
            seconds,
        };
        End::Kept(Box::new(summary), Verdict::AsAsked)
    }

    fn run(board: &mut Board, trial: &Trial, from: f64, epochs: std::ops::Range<u32>) {
        if epochs.start == 0 {
            board.started(trial, Pace::new(&StopWhen::new().or("epochs >= 10", Test::Epochs(10))), from);
        }
        for n in epochs {
            let used = Used { epochs: f64::from(n) + 1.0, ..Used::default() };
            board.progressed(trial, used, from + f64::from(n) + 1.0, 0.5, None);
        }
    }

    #[test]
    fn the_time_left_is_what_the_runs_still_take_side_by_side() {
        let trials = trials(1, 4);
        let mut board = board(&trials, 2);
        assert!(board.total(0.0).ends_with("0 of 4 runs done, 0 running, 0 s"), "{}", board.total(0.0));
        run(&mut board, &trials[0], 0.0, 0..10);
        board.ended(&trials[0], &kept(10.0), 10.0);
        run(&mut board, &trials[1], 10.0, 0..5);
        // 5 s of the run that goes on, and twice ten for those that wait, two at a time.
        let (left, is_least) = board.left(15.0);
        assert!((left - 12.5).abs() < 1e-9 && !is_least, "{left}");
        assert_eq!(board.total(15.0), "1 of 4 runs done, 1 running, 15 s, about 13 s left");
    }

    #[test]
    fn of_a_configuration_that_nothing_is_known_of_the_time_is_a_least() {
        let trials = trials(2, 1);
        let mut board = board(&trials, 1);
        run(&mut board, &trials[0], 0.0, 0..5);
        assert_eq!(board.left(5.0), (5.0, true));
        assert!(board.total(5.0).ends_with("at least 5 s left"));
    }

    #[test]
    fn a_terminal_shows_what_it_has_room_for_and_says_what_is_left_out() {
        let trials = trials(63, 2);
        let mut board = board(&trials, 2);
        run(&mut board, &trials[124], 0.0, 0..3);
        let lines = board.lines(3.0, 24, 60);
        assert!(lines.len() <= 23 && lines.iter().all(|line| line.chars().count() <= 60), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("= 63") && line.contains("1 running")), "{lines:#?}");
        assert!(lines.iter().any(|line| line == "… and 44 configurations"), "{lines:#?}");
    }

    #[test]
    fn an_interruption_leaves_nothing_that_waits() {
        let trials = trials(1, 3);
        let mut board = board(&trials, 1);
        trials.iter().for_each(|trial| board.ended(trial, &End::NotBegun, 0.0));
        assert!(board.is_over());
    }
}
