//! The last line on a terminal while a run goes on: how far it is, how long it took, how long it still takes.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use optkit::Iteration;

use crate::columns::grouped;
use crate::pace::{Limit, Pace, Used, duration};

/// Time goes on between two epochs too.
const REDRAWN: Duration = Duration::from_millis(250);

/// Steps of the bar: finer than a terminal shows.
const STEPS: u64 = 1000;

pub(super) struct Bar {
    bar: ProgressBar,
    seen: Arc<Mutex<Seen>>,
}

/// What the line tells of.
struct Seen {
    unit: &'static str,
    number: u64,
    pace: Pace,
    begun: Instant,
}

impl Bar {
    /// Without a budget there is no bar, for nobody knows how far the run is.
    pub(super) fn new(unit: &'static str, pace: Pace) -> Self {
        let template = match pace.share() {
            Some(_) => "{bar:24} {told}",
            None => "{spinner} {told}",
        };
        let seen = Arc::new(Mutex::new(Seen { unit, number: 0, pace, begun: Instant::now() }));
        let told = Arc::clone(&seen);
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let style = style.progress_chars("━╸ ").with_key(
            "told",
            move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = out.write_str(&told.lock().unwrap_or_else(PoisonError::into_inner).words());
            },
        );
        let bar = ProgressBar::new(STEPS).with_style(style);
        bar.enable_steady_tick(REDRAWN);
        Self { bar, seen }
    }

    pub(super) fn advance(&self, iteration: &Iteration<'_>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let wall = seen.begun.elapsed().as_secs_f64();
        seen.number = iteration.epoch;
        seen.pace.mark(wall, used(iteration));
        let share = seen.pace.share().unwrap_or(0.0);
        drop(seen);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within 0..=STEPS
        self.bar.set_position((share * STEPS as f64) as u64);
    }

    /// Writes something above.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Seen {
    fn words(&self) -> String {
        let wall = self.begun.elapsed().as_secs_f64();
        let mut words = match self.pace.nearest() {
            Some((limit, used, most)) => amount(limit, used, most),
            None => format!("{} {}", self.unit, grouped(self.number)),
        };
        let _ = write!(words, ", {}", duration(wall));
        if let Some(left) = self.pace.left(wall) {
            let at_most = if left.at_most { "at most " } else { "" };
            let _ = write!(words, ", {at_most}{} left", duration(left.seconds));
        }
        words
    }
}

/// `43 of 100 epochs`.
fn amount(limit: Limit, used: f64, most: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // budgets are positive
    let whole = |value: f64| grouped(value.floor() as u64);
    match limit {
        Limit::Epochs => format!("{} of {} epochs", whole(used), whole(most)),
        Limit::Iterations => format!("{} of {} iterations", whole(used), whole(most)),
        Limit::Gradients => format!("{} of {} gradients", whole(used), whole(most)),
        Limit::Seconds => format!("{} of {} in training", duration(used), duration(most)),
    }
}

/// What an iteration says has been used.
#[allow(clippy::cast_precision_loss)] // counts of iterations stay far below 2⁵³
pub(crate) fn used(iteration: &Iteration<'_>) -> Used {
    Used {
        epochs: iteration.epoch as f64,
        iterations: iteration.step.iteration as f64,
        gradients: iteration.work.gradient_equivalents,
        seconds: iteration.training.as_secs_f64(),
    }
}
