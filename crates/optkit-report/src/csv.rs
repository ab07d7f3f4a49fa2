//! The numbers behind a figure, for other programs: RFC 4180, all digits.

use crate::bars::Bars;
use crate::figure::Band;
use crate::lines::Lines;
use std::fmt::Write as _;

pub(crate) fn lines(lines: &Lines, labels: &[String], band: Band) -> String {
    let bounds = match band {
        Band::MinMax => ",min,max",
        Band::Std => ",mean_minus_std,mean_plus_std",
        Band::None => "",
    };
    let mut out = format!("series,{},{}{bounds},runs\n", cell(&lines.x_label), cell(&lines.y_label));
    for (series, curve) in &lines.curves {
        let label = cell(&labels[*series]);
        for k in 0..curve.x.len() {
            let _ = write!(out, "{label},{},{}", curve.x[k], number(curve.mean[k]));
            if band != Band::None {
                // A single run is its own band.
                let bound = |values: &[f64]| number(values.get(k).copied().unwrap_or(curve.mean[k]));
                let _ = write!(out, ",{},{}", bound(&curve.lower), bound(&curve.upper));
            }
            let _ = writeln!(out, ",{}", curve.runs[k]);
        }
    }
    out
}

pub(crate) fn bars(bars: &Bars) -> String {
    let mut out = format!("series,part,{}\n", cell(&bars.x_label));
    for row in &bars.rows {
        for (k, (value, _)) in row.parts.iter().enumerate() {
            let part = bars.names.get(k).cloned().unwrap_or_else(|| (k + 1).to_string());
            let _ = writeln!(out, "{},{},{}", cell(&row.label), cell(&part), number(*value));
        }
    }
    out
}

/// Empty for what is no number.
fn number(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { String::new() }
}

fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
