//! The runs of experiments on a terminal: a line a configuration, redrawn in place below the lines of ended runs.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use optkit::Iteration;
use optkit::experiment::{End, Start, Trial, Warning, Watch};
use optkit::record::Facts;

use super::board::Board;
use crate::pace::Pace;
use crate::show::used;

/// Time goes on between two epochs too.
const REDRAWN: Duration = Duration::from_millis(250);

/// Shows how far all are, around another way to show how each ended.
pub(super) struct Live {
    inner: Box<dyn Watch>,
    bar: ProgressBar,
    board: Arc<Mutex<Board>>,
    begun: Instant,
}

impl Live {
    pub(super) fn new(inner: Box<dyn Watch>) -> Self {
        let (board, begun) = (Arc::new(Mutex::new(Board::default())), Instant::now());
        let told = Arc::clone(&board);
        let style = ProgressStyle::with_template("{told}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let style = style.with_key("told", move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
            let (height, width) = console::Term::stderr().size();
            let board = told.lock().unwrap_or_else(PoisonError::into_inner);
            let lines = board.lines(begun.elapsed().as_secs_f64(), height.into(), width.into());
            let _ = out.write_str(&lines.join("\n"));
        });
        let bar = ProgressBar::new_spinner().with_style(style);
        Self { inner, bar, board, begun }
    }

    fn on_board(&self, change: impl FnOnce(&mut Board, f64)) {
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut board, self.begun.elapsed().as_secs_f64());
    }
}

impl Watch for Live {
    fn queued(&mut self, trials: &[&Trial], side_by_side: usize) -> io::Result<()> {
        self.inner.queued(trials, side_by_side)?;
        self.on_board(|board, _| *board = Board::new(trials, side_by_side));
        self.bar.enable_steady_tick(REDRAWN);
        Ok(())
    }

    fn started(&mut self, trial: &Trial, start: &Start<'_>) -> io::Result<()> {
        self.on_board(|board, wall| board.started(trial, Pace::new(start.stop), wall));
        self.bar.suspend(|| self.inner.started(trial, start))
    }

    fn progressed(&mut self, trial: &Trial, facts: &Facts, iteration: &Iteration<'_>) -> io::Result<()> {
        let measure = iteration.measures.first().map(|(name, value)| (name.clone(), *value));
        let loss = iteration.step.value;
        self.on_board(|board, wall| board.progressed(trial, used(iteration), wall, loss, measure));
        self.inner.progressed(trial, facts, iteration)
    }

    fn warned(&mut self, trial: &Trial, warning: &Warning) -> io::Result<()> {
        self.bar.suspend(|| self.inner.warned(trial, warning))
    }

    fn ended(&mut self, trial: &Trial, end: &End) -> io::Result<()> {
        self.on_board(|board, wall| board.ended(trial, end, wall));
        let is_over = self.board.lock().unwrap_or_else(PoisonError::into_inner).is_over();
        let told = self.bar.suspend(|| self.inner.ended(trial, end));
        if is_over {
            self.bar.finish_and_clear();
        }
        told
    }
}
