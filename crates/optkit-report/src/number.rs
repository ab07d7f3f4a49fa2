//! Numbers in few digits.

/// `value` in `digits` significant digits, without zeros at the end; in the form 1.2e-5 where it is very small or large.
pub(crate) fn short(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{value:.*e}", digits.saturating_sub(1));
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        return format!("{}e{exponent}", without_zeros(mantissa));
    }
    let decimals = usize::try_from(i32::try_from(digits).unwrap_or(i32::MAX) - 1 - exponent).unwrap_or(0);
    without_zeros(&format!("{value:.decimals$}")).to_owned()
}

/// A whole number, its thousands apart: 26,506.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (k, digit) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A coordinate, in tenths of a pixel.
pub(crate) fn tenths(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// `mean ± std` in digits that the deviation bears out.
pub(crate) fn with_deviation(mean: f64, deviation: Option<f64>) -> String {
    match deviation {
        // Equal but for rounding.
        Some(std) if std <= mean.abs() * 1e-12 => format!("{} ± 0", short(mean, 4)),
        Some(std) if std.is_finite() => {
            // Two digits of the deviation: what the mean has beyond them is noise.
            let last = std.log10().floor() - 1.0;
            let first = if mean == 0.0 { last } else { mean.abs().log10().floor() };
            let digits = (first - last + 1.0).clamp(2.0, 6.0) as usize;
            format!("{} ± {}", padded(mean, digits), padded(std, 2))
        }
        _ => short(mean, 4),
    }
}

/// As [`short`], with the zeros at the end: they say how well the number is known.
fn padded(value: f64, digits: usize) -> String {
    let exponent = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    if !(-4.0..6.0).contains(&exponent) {
        return short(value, digits);
    }
    let decimals = (digits as f64 - 1.0 - exponent).max(0.0) as usize;
    format!("{value:.decimals$}")
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::{grouped, short, tenths, with_deviation};
    use proptest::prelude::*;

    #[test]
    fn numbers_read_as_a_person_would_write_them() {
        let cases = [(0.0, "0"), (1.0, "1"), (0.957_21, "0.9572"), (123_456.0, "123456"), (1.5e-7, "1.5e-7")];
        for (value, text) in cases {
            assert_eq!(short(value, 4), text);
        }
        assert_eq!(short(f64::NAN, 4), "–");
        assert_eq!([0, 999, 26_506, 1_000_000].map(grouped), ["0", "999", "26,506", "1,000,000"]);
        assert_eq!(tenths(-0.04), "0");
        assert_eq!(tenths(12.34), "12.3");
        assert_eq!(with_deviation(0.957_213, Some(0.001_23)), "0.9572 ± 0.0012");
        assert_eq!(with_deviation(100.0, Some(0.0)), "100 ± 0");
        assert_eq!(with_deviation(0.9, Some(1.4e-16)), "0.9 ± 0");
        assert_eq!(with_deviation(100.0, None), "100");
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_meant(value in -1e12_f64..1e12, digits in 2_usize..9) {
            let read: f64 = short(value, digits).parse().unwrap();
            prop_assert!((read - value).abs() <= value.abs() * 10_f64.powi(1 - digits as i32));
        }
    }
}
