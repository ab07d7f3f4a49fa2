//! How far a run is, and how long it still takes: by its budgets alone.
//!
//! Epochs, iterations, gradient equivalents and seconds are counted, so how much of them is used is known, and at what
//! pace they go. When a loss or an accuracy will be reached nobody knows: where a run may end at one of these, what is
//! left of the budget is the most that it can take, and where it has no budget nothing is said.

use optkit::{StopWhen, Test};

/// Marks that are kept; when there are more, every other one goes.
const MARKS: usize = 64;

/// What a budget limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Epochs,
    Iterations,
    Gradients,
    Seconds,
}

/// What has been used of everything that may be limited.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Used {
    pub(crate) epochs: f64,
    pub(crate) iterations: f64,
    pub(crate) gradients: f64,
    /// Of training.
    pub(crate) seconds: f64,
}

impl Used {
    fn of(self, limit: Limit) -> f64 {
        match limit {
            Limit::Epochs => self.epochs,
            Limit::Iterations => self.iterations,
            Limit::Gradients => self.gradients,
            Limit::Seconds => self.seconds,
        }
    }
}

/// The pace of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    limits: Vec<(Limit, f64)>,
    has_goal: bool,
    /// The time on the wall, and what had been used by then; ascending.
    marks: Vec<(f64, Used)>,
}

/// How long a run still takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Left {
    pub(crate) seconds: f64,
    /// Whether it may end earlier, at a target or where it has converged.
    pub(crate) at_most: bool,
}

impl Pace {
    #[allow(clippy::cast_precision_loss)] // counts of iterations stay far below 2⁵³
    pub(crate) fn new(stop: &StopWhen) -> Self {
        let limit = |test: &Test| match test {
            Test::Epochs(n) => Some((Limit::Epochs, *n as f64)),
            Test::Iterations(n) => Some((Limit::Iterations, *n as f64)),
            Test::Gradients(n) => Some((Limit::Gradients, *n)),
            Test::Time(time) => Some((Limit::Seconds, time.as_secs_f64())),
            _ => None,
        };
        Self {
            limits: stop.tests().filter_map(limit).collect(),
            has_goal: stop.has_goal(),
            marks: Vec::new(),
        }
    }

    /// At `wall` seconds by any clock, `used` is used.
    pub(crate) fn mark(&mut self, wall: f64, used: Used) {
        if self.marks.len() >= MARKS {
            let mut index = 0;
            self.marks.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
        self.marks.push((wall, used));
    }

    /// The budget that is used up most, with what is used and its limit.
    pub(crate) fn nearest(&self) -> Option<(Limit, f64, f64)> {
        let used = self.marks.last().map_or_else(Used::default, |mark| mark.1);
        let all = self.limits.iter().map(|&(limit, most)| (limit, used.of(limit), most));
        all.max_by(|a, b| (a.1 / a.2).total_cmp(&(b.1 / b.2)))
    }

    /// The share of its budget that the run has used, where it has one.
    pub(crate) fn share(&self) -> Option<f64> {
        self.nearest().map(|(_, used, most)| if most > 0.0 { (used / most).clamp(0.0, 1.0) } else { 1.0 })
    }

    /// How long it takes from `wall` on, at the pace of the second half of its time so far: epochs need not cost the same.
    pub(crate) fn left(&self, wall: f64) -> Option<Left> {
        let &(first, _) = self.marks.first()?;
        let &(now, used) = self.marks.last()?;
        let half = first + 0.5 * (now - first);
        let &(then, before) = self.marks.iter().rev().find(|mark| mark.0 <= half)?;
        if now <= then {
            return None;
        }
        let lasts = |&(limit, most): &(Limit, f64)| {
            let pace = (used.of(limit) - before.of(limit)) / (now - then);
            (pace > 0.0).then(|| (most - used.of(limit)).max(0.0) / pace)
        };
        let seconds = self.limits.iter().filter_map(lasts).reduce(f64::min)?;
        Some(Left { seconds: (seconds - (wall - now)).max(0.0), at_most: self.has_goal })
    }
}

/// `8 s`, `3 min 20 s`, `2 h 05 min`.
pub(crate) fn duration(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn epochs(n: f64) -> Used {
        Used { epochs: n, iterations: n, gradients: 2.0 * n, seconds: 0.5 * n }
    }

    #[test]
    fn at_an_even_pace_the_time_left_is_what_is_left() {
        let stop = StopWhen::new().or("epochs >= 100", Test::Epochs(100));
        let mut pace = Pace::new(&stop);
        assert_eq!((pace.share(), pace.left(0.0)), (Some(0.0), None), "nothing is known yet");
        for n in 0..=90_u32 {
            pace.mark(0.5 * f64::from(n), epochs(n.into()));
        }
        assert_eq!(pace.share(), Some(0.9));
        let left = pace.left(45.0).expect("a pace is known");
        assert!((left.seconds - 5.0).abs() < 1e-9 && !left.at_most, "{left:?}");
        assert!((pace.left(47.0).expect("as before").seconds - 3.0).abs() < 1e-9, "time goes on");
        assert_eq!(pace.left(60.0).expect("as before").seconds, 0.0);
    }

    #[test]
    fn the_pace_of_late_epochs_counts_not_that_of_the_first() {
        let mut pace = Pace::new(&StopWhen::new().or("epochs >= 100", Test::Epochs(100)));
        let mut wall = 0.0;
        for n in 0..=50_u32 {
            pace.mark(wall, epochs(n.into()));
            wall += if n < 10 { 1.0 } else { 0.5 };
        }
        let left = pace.left(wall - 0.5).expect("a pace is known");
        assert!((left.seconds - 25.0).abs() < 1e-9, "{left:?}");
    }

    #[test]
    fn the_budget_that_ends_first_is_the_one_shown() {
        let stop = StopWhen::new()
            .or("epochs >= 100", Test::Epochs(100))
            .or("gradients >= 40", Test::Gradients(40.0))
            .or("time >= 30 s", Test::Time(Duration::from_secs(30)));
        let mut pace = Pace::new(&stop);
        (0..=10_u32).for_each(|n| pace.mark(f64::from(n), epochs(n.into())));
        assert_eq!(pace.nearest(), Some((Limit::Gradients, 20.0, 40.0)));
        assert_eq!(pace.left(10.0), Some(Left { seconds: 10.0, at_most: false }));
    }

    #[test]
    fn of_a_target_nothing_is_foretold() {
        let target = || StopWhen::new().gradient_norm_inf(1e-6);
        let mut alone = Pace::new(&target());
        let mut limited = Pace::new(&target().iterations(100));
        for n in 0..=10_u32 {
            alone.mark(f64::from(n), epochs(n.into()));
            limited.mark(f64::from(n), epochs(n.into()));
        }
        assert_eq!((alone.share(), alone.left(10.0)), (None, None));
        assert_eq!(limited.left(10.0), Some(Left { seconds: 90.0, at_most: true }));
    }

    #[test]
    fn a_long_run_keeps_few_marks_and_its_pace() {
        let mut pace = Pace::new(&StopWhen::new().iterations(1_000_000));
        for n in 0..=100_000_u32 {
            pace.mark(1e-3 * f64::from(n), epochs(n.into()));
            assert!(pace.marks.len() <= MARKS);
        }
        let left = pace.left(100.0).expect("a pace is known").seconds;
        assert!((left - 900.0).abs() < 1e-6, "{left}");
    }

    #[test]
    fn durations_are_for_people() {
        assert_eq!(
            [0.2, 59.4, 61.0, 3600.0, 7505.0].map(duration),
            ["0 s", "59 s", "1 min 01 s", "1 h 00 min", "2 h 05 min"]
        );
    }
}
