//! Axes: from values to a length between 0 and 1, and the ticks between.

use crate::number::short;

/// An axis. `from < to`, both finite; both positive on a logarithmic one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) logarithmic: bool,
    /// Between whole numbers there is nothing: epochs.
    pub(crate) whole: bool,
}

/// A place on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub(crate) value: f64,
    /// Empty for a line between two ticks.
    pub(crate) label: String,
}

impl Scale {
    /// An axis from the smallest to the largest finite value; where there is none, from 0 to 1.
    pub(crate) fn exact(values: impl Iterator<Item = f64>) -> Self {
        let (from, to) = extent(values).unwrap_or((0.0, 1.0));
        let (from, to) = apart(from, to);
        Self { from, to, logarithmic: false, whole: false }
    }

    /// An axis with round ends and some air around the values, logarithmic where that is allowed, the values are
    /// positive and span over a decade.
    pub(crate) fn airy(values: impl Iterator<Item = f64>, may_be_logarithmic: bool) -> Self {
        let Some((low, high)) = extent(values) else {
            return Self { from: 0.0, to: 1.0, logarithmic: false, whole: false };
        };
        if may_be_logarithmic && low > 0.0 && high / low > 10.0 {
            let air = (high / low).log10() * 0.03;
            let (from, to) = (low * 10_f64.powf(-air), high * 10_f64.powf(air));
            if from > 0.0 && to.is_finite() {
                return Self { from, to, logarithmic: true, whole: false };
            }
        }
        let (low, high) = apart(low, high);
        let air = (high * 0.5 - low * 0.5) * 0.08;
        // Values that keep to one side of zero keep to it in the picture too.
        let from = if low >= 0.0 { (low - air).max(0.0) } else { low - air };
        let (from, to) = apart(from.max(f64::MIN), (high + air).min(f64::MAX));
        Self { from, to, logarithmic: false, whole: false }
    }

    /// Where a value lies: 0 at `from`, 1 at `to`, beyond them outside. NaN for what a logarithmic axis cannot show.
    pub(crate) fn position(self, value: f64) -> f64 {
        if self.logarithmic {
            (value.ln() - self.from.ln()) / (self.to.ln() - self.from.ln())
        } else {
            // Halved, so that the range of all numbers does not overflow.
            (value * 0.5 - self.from * 0.5) / (self.to * 0.5 - self.from * 0.5)
        }
    }

    /// About `count` ticks with labels, in ascending order, all on the axis.
    pub(crate) fn ticks(self, count: usize) -> Vec<Tick> {
        if self.logarithmic { self.decades(count) } else { self.round(count) }
    }

    fn round(self, count: usize) -> Vec<Tick> {
        let span = self.to - self.from;
        if !span.is_finite() {
            let label = |value| Tick { value, label: short(value, 2) };
            return vec![label(self.from), label(self.to)];
        }
        let rough = span / count.max(1) as f64;
        let power = 10_f64.powf(rough.log10().floor());
        // The round step next to it, as the eye measures: by the ratio.
        let off = |step: &f64| (step / rough).ln().abs();
        let steps = [1.0, 2.0, 5.0, 10.0].map(|m| m * power);
        let step = steps.into_iter().min_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or(power);
        let step = if self.whole { step.max(1.0) } else { step };
        let first = (self.from / step - 1e-9).ceil();
        // As many digits as tell two neighbours apart.
        let largest = self.from.abs().max(self.to.abs());
        let digits = ((largest / step).log10().floor() + 2.0).clamp(1.0, 15.0) as usize;
        (0..=count * 3)
            .map(|k| (first + k as f64) * step)
            .take_while(|&value| value <= self.to + step * 1e-9)
            .map(|value| if value.abs() < step * 1e-9 { 0.0 } else { value })
            .map(|value| Tick { value, label: short(value, digits) })
            .collect()
    }

    fn decades(self, count: usize) -> Vec<Tick> {
        let (low, high) = (self.from.log10(), self.to.log10());
        let every = ((high - low) / count.max(1) as f64).ceil().max(1.0);
        let plain = low >= -3.5 && high <= 4.5;
        let name = |mantissa: i32, exponent: i32| match (plain, mantissa) {
            (true, _) => short(f64::from(mantissa) * 10_f64.powi(exponent), 1),
            (false, 1) => format!("10{}", superscript(exponent)),
            (false, _) => format!("{mantissa}·10{}", superscript(exponent)),
        };
        let few = high - low < 2.6;
        let mut ticks = Vec::new();
        for exponent in (low.floor() as i32)..=(high.ceil() as i32) {
            for mantissa in 1..10 {
                let value = f64::from(mantissa) * 10_f64.powi(exponent);
                if !(self.from..=self.to).contains(&value) || (mantissa > 1 && high - low > 6.0) {
                    continue;
                }
                let labelled = match mantissa {
                    1 => f64::from(exponent).rem_euclid(every) == 0.0,
                    2 | 5 => few,
                    _ => false,
                };
                let label = if labelled { name(mantissa, exponent) } else { String::new() };
                if mantissa == 1 || few || labelled || high - low <= 6.0 {
                    ticks.push(Tick { value, label });
                }
            }
        }
        ticks
    }
}

/// Smallest and largest of the finite values.
fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| value.is_finite()).fold(None, |extent, value| match extent {
        None => Some((value, value)),
        Some((low, high)) => Some((value.min(low), value.max(high))),
    })
}

/// Two ends that differ, so that a constant has an axis.
fn apart(low: f64, high: f64) -> (f64, f64) {
    let half = (low.abs().max(high.abs()) * 0.05).max(1e-300);
    if high * 0.5 - low * 0.5 > half * 1e-9 {
        return (low, high);
    }
    if low == 0.0 { (0.0, 1.0) } else { ((low - half).max(f64::MIN), (high + half).min(f64::MAX)) }
}

fn superscript(exponent: i32) -> String {
    let raise = |letter| match letter {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' => '⁰',
        digit => char::from_u32(u32::from('⁰') + u32::from(digit) - u32::from('0')).unwrap_or(digit),
    };
    exponent.to_string().chars().map(raise).collect()
}

#[cfg(test)]
mod tests {
    use super::Scale;
    use proptest::prelude::*;

    fn any_values() -> impl Strategy<Value = Vec<f64>> {
        let value = prop_oneof![any::<f64>(), -1.0..1.0_f64, 1e-9..1e9_f64, Just(0.0), Just(0.957)];
        proptest::collection::vec(value, 0..12)
    }

    proptest! {
        #[test]
        fn every_value_lies_on_its_axis(values in any_values(), may in any::<bool>()) {
            let scale = Scale::airy(values.iter().copied(), may);
            prop_assert!(scale.from < scale.to && scale.from.is_finite() && scale.to.is_finite());
            for value in values.into_iter().filter(|value| value.is_finite()) {
                let at = scale.position(value);
                prop_assert!((-1e-9..=1.0 + 1e-9).contains(&at), "{value} at {at} of {scale:?}");
            }
        }

        #[test]
        fn ticks_ascend_on_the_axis_with_labels_that_differ(values in any_values(), may in any::<bool>()) {
            let scale = Scale::airy(values.into_iter(), may);
            let ticks = scale.ticks(5);
            let labels: Vec<_> = ticks.iter().filter(|tick| !tick.label.is_empty()).map(|tick| &tick.label).collect();
            prop_assert!((1..=17).contains(&labels.len()), "{scale:?} {labels:?}");
            prop_assert!(labels.windows(2).all(|pair| pair[0] != pair[1]), "{scale:?} {labels:?}");
            prop_assert!(ticks.windows(2).all(|pair| pair[0].value < pair[1].value), "{scale:?} {ticks:?}");
            for tick in &ticks {
                let at = scale.position(tick.value);
                prop_assert!((-1e-6..=1.0 + 1e-6).contains(&at), "{} at {at} of {scale:?}", tick.value);
            }
        }
    }

    #[test]
    fn labels_are_the_ones_a_person_would_choose() {
        let labels = |values: &[f64], may| -> Vec<String> {
            let ticks = Scale::airy(values.iter().copied(), may).ticks(5);
            ticks.into_iter().map(|tick| tick.label).filter(|label| !label.is_empty()).collect()
        };
        assert_eq!(labels(&[0.0, 1.0], false), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(labels(&[0.91, 0.96], false), ["0.91", "0.92", "0.93", "0.94", "0.95", "0.96"]);
        assert_eq!(labels(&[0.012, 2.3], true), ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"]);
        assert_eq!(labels(&[0.0012, 2.3], true), ["0.001", "0.01", "0.1", "1"]);
        assert_eq!(labels(&[0.12, 2.3], true), ["0.2", "0.5", "1", "2"]);
        assert_eq!(labels(&[1e-8, 1.0], true), ["10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "10⁰"]);
        assert_eq!(labels(&[0.5, 0.5], true), ["0.48", "0.49", "0.5", "0.51", "0.52"]);
    }
}
