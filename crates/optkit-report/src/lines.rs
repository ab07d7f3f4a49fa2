//! A figure of lines: a quantity over an axis, one curve a series.

use crate::curve::Curve;
use crate::labels;
use crate::number::{short, tenths as t};
use crate::palette;
use crate::scale::Scale;
use crate::simplify::{Place, simplify};
use crate::svg::{self, Frame};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A quarter of a pixel: nobody sees what is left out.
const TOLERANCE: f64 = 0.25;

/// How many points a curve may have for all of them to be shown under the pointer.
const SHOWN: usize = 400;

/// Pixels between the markers of a line.
const BETWEEN_MARKERS: f64 = 64.0;

#[derive(Clone, Debug)]
pub(crate) struct Lines {
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
    /// With the index of the series; none is empty.
    pub(crate) curves: Vec<(usize, Curve)>,
    /// How many runs the series have, by their index.
    pub(crate) runs: Vec<usize>,
    /// What stands at the ends of the lines, by the index of the series.
    pub(crate) direct: Vec<String>,
    /// How many values lie beyond the frame.
    pub(crate) outside: usize,
}

impl Lines {
    /// The frame of a figure of this size, with room for labels to its right.
    pub(crate) fn frame(&self, width: f64, height: f64, top: f64) -> Frame {
        let ticks = self.y.ticks(5);
        let widest = ticks.iter().map(|tick| labels::width(&tick.label, 11.0)).fold(20.0, f64::max);
        let right = width - self.widest_label() - 6.0;
        Frame { width, height, left: (widest + 10.0).min(width * 0.3), right, top, bottom: height - 38.0 }
    }

    /// Everything but title and legend. `clip` is an id that nothing else has.
    pub(crate) fn draw(&self, frame: &Frame, clip: &str) -> String {
        let mut out = self.axes(frame);
        let (w, h) = (frame.right - frame.left, frame.bottom - frame.top);
        let _ = write!(
            out,
            "<clipPath id=\"{clip}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>",
            t(frame.left),
            t(frame.top - 2.0),
            t(w + 2.0),
            t(h + 4.0)
        );
        let ends = self.ends(frame);
        for (k, (series, curve)) in self.curves.iter().enumerate() {
            let colour = palette::colour(*series);
            let _ =
                write!(out, "<g class=\"s s{colour}\" data-s=\"{series}\"><g clip-path=\"url(#{clip})\">");
            for bound in [&curve.lower, &curve.upper] {
                if !bound.is_empty() && bound != &curve.mean {
                    // A single value is not spread around its mean.
                    let apart = |k: usize| curve.lower[k] < curve.upper[k];
                    let several = (0..bound.len()).map(|k| {
                        let drawn = (k.saturating_sub(1)..(k + 2).min(bound.len())).any(apart);
                        if drawn { bound[k] } else { f64::NAN }
                    });
                    let places = self.places(frame, &curve.x, &several.collect::<Vec<_>>());
                    let _ = write!(out, "<path class=\"out\" d=\"{}\"/>", path(&places));
                }
            }
            let mean = self.places(frame, &curve.x, &curve.mean);
            for (class, data) in self.stretches(*series, curve, &mean) {
                let _ = write!(out, "<path class=\"{class}\" d=\"{data}\"/>");
            }
            let offset = BETWEEN_MARKERS * (k as f64 + 0.5) / self.curves.len() as f64;
            let _ = write!(out, "<path class=\"mk\" d=\"{}\"/></g>", markers(*series, &mean, frame, offset));
            out.push_str("</g>\n");
        }
        // Above all lines.
        for ((series, _), end) in self.curves.iter().zip(ends) {
            out.push_str(&self.end_label(*series, frame, end));
        }
        out
    }

    fn axes(&self, frame: &Frame) -> String {
        let (mut grid, mut words) = (String::new(), String::new());
        for tick in self.y.ticks(5) {
            let y = frame.bottom - self.y.position(tick.value) * (frame.bottom - frame.top);
            if tick.label.is_empty() {
                let _ = write!(grid, "M{} {}h-3", t(frame.left), t(y));
                continue;
            }
            let _ = write!(grid, "M{} {}H{}", t(frame.left), t(y), t(frame.right));
            words.push_str(&svg::text(frame.left - 6.0, y + 3.8, "tk", "end", &tick.label));
        }
        for tick in self.x_ticks(frame) {
            let x = frame.left + self.x.position(tick.value) * (frame.right - frame.left);
            let _ = write!(grid, "M{} {}v4", t(x), t(frame.bottom));
            words.push_str(&svg::text(x, frame.bottom + 16.0, "tk", "middle", &tick.label));
        }
        let middle = (frame.left + frame.right) / 2.0;
        words.push_str(&svg::text(middle, frame.bottom + 31.0, "al", "middle", &self.x_label));
        if self.outside > 0 {
            let note = format!("{} values beyond the frame", self.outside);
            words.push_str(&svg::text(frame.right, frame.top - 5.0, "nt", "end", &note));
        }
        format!(
            "<path class=\"gd\" d=\"{grid}\"/><path class=\"ax\" d=\"M{} {}V{}H{}\"/>{words}\n",
            t(frame.left),
            t(frame.top),
            t(frame.bottom),
            t(frame.right)
        )
    }

    /// As many as have room for their labels.
    fn x_ticks(&self, frame: &Frame) -> Vec<crate::scale::Tick> {
        for count in (2..=6).rev() {
            let ticks = self.x.ticks(count);
            let room = (frame.right - frame.left) / ticks.len().max(1) as f64;
            if ticks.iter().all(|tick| labels::width(&tick.label, 11.0) + 8.0 < room) {
                return ticks;
            }
        }
        self.x.ticks(1)
    }

    fn places(&self, frame: &Frame, xs: &[f64], ys: &[f64]) -> Vec<Place> {
        let (w, h) = (frame.right - frame.left, frame.bottom - frame.top);
        let place = |(&x, &y): (&f64, &f64)| {
            if y.is_nan() {
                return (f64::NAN, f64::NAN);
            }
            // What a logarithmic axis cannot show lies below it; nothing far outside is told apart.
            let height = self.y.position(y);
            let height = if height.is_nan() { -0.5 } else { height.clamp(-0.5, 1.5) };
            (frame.left + self.x.position(x).clamp(0.0, 1.0) * w, frame.bottom - height * h)
        };
        xs.iter().zip(ys).map(place).collect()
    }

    /// The mean, in stretches: solid while all runs go on, dotted where some have ended.
    fn stretches(&self, series: usize, curve: &Curve, mean: &[Place]) -> Vec<(&'static str, String)> {
        let all = self.runs[series];
        let complete = |k: usize| curve.runs[k] as usize >= all;
        let mut out = Vec::new();
        let mut from = 0;
        while from < mean.len() {
            let whole = complete(from);
            let to = (from + 1..mean.len()).find(|&k| complete(k) != whole).unwrap_or(mean.len());
            // A dotted stretch joins its neighbours; two solid ones never meet.
            let (first, last) =
                if whole { (from, to) } else { (from.saturating_sub(1), (to + 1).min(mean.len())) };
            out.push((if whole { "mean" } else { "few" }, path(&mean[first..last])));
            from = to;
        }
        out
    }

    /// Where the lines end, and at what height their labels have room.
    fn ends(&self, frame: &Frame) -> Vec<(Place, f64)> {
        let last = |(_, curve): &(usize, Curve)| {
            let at = curve.mean.iter().rposition(|value| value.is_finite()).unwrap_or(0);
            let place = self.places(frame, &curve.x[at..=at], &curve.mean[at..=at])[0];
            (place.0, place.1.clamp(frame.top, frame.bottom))
        };
        let places: Vec<Place> = self.curves.iter().map(last).collect();
        let mut ends: Vec<(Place, f64)> = places.iter().map(|&place| (place, place.1)).collect();
        let mut order: Vec<usize> = (0..ends.len()).collect();
        order.sort_by(|&a, &b| places[a].0.total_cmp(&places[b].0));
        // Lines that end far from each other do not stand in each other's way.
        for together in order.chunk_by(|&a, &b| places[b].0 - places[a].0 < self.widest_label()) {
            let mut heights: Vec<f64> = together.iter().map(|&k| places[k].1).collect();
            labels::spread(&mut heights, 12.0, frame.top + 2.0, frame.bottom - 1.0);
            for (&k, height) in together.iter().zip(heights) {
                ends[k].1 = height;
            }
        }
        ends
    }

    fn widest_label(&self) -> f64 {
        let widths = self.curves.iter().map(|(series, _)| labels::width(&self.direct[*series], 11.0));
        widths.fold(0.0, f64::max) + 8.0
    }

    /// The label behind the line's end, with a thin line to it where it had to give way.
    fn end_label(&self, series: usize, frame: &Frame, (place, height): (Place, f64)) -> String {
        if self.curves.len() as f64 * 9.0 > frame.bottom - frame.top {
            return String::new(); // no room: the legend has to do
        }
        let x = place.0 + 9.0;
        let colour = palette::colour(series);
        let mut out = format!("<g class=\"s s{colour}\" data-s=\"{series}\">");
        if (place.1 - height).abs() > 4.0 {
            let _ = write!(
                out,
                "<path class=\"ld\" d=\"M{} {}L{} {}\"/>",
                t(place.0 + 3.0),
                t(place.1),
                t(x - 1.0),
                t(height)
            );
        }
        let words = crate::escape::text(&self.direct[series]);
        let _ = writeln!(
            out,
            "<text class=\"e f{colour}\" x=\"{}\" y=\"{}\">{words}</text></g>",
            t(x),
            t(height + 3.8)
        );
        out
    }

    /// What the pointer shows: the axes, and a few digits of each curve.
    pub(crate) fn data(&self, frame: &Frame) -> Value {
        let number = |value: f64| -> Value {
            let text = short(value, 4);
            text.parse::<f64>()
                .ok()
                .filter(|value| value.is_finite())
                .map_or(Value::Null, |value| json!(value))
        };
        let curves: Vec<Value> = self
            .curves
            .iter()
            .map(|(series, curve)| {
                let shown = self.shown(frame, curve);
                let pick = |values: &[f64]| -> Vec<Value> {
                    shown.iter().filter_map(|&k| values.get(k)).map(|&value| number(value)).collect()
                };
                let runs: Vec<u32> = shown.iter().map(|&k| curve.runs[k]).collect();
                let mut data =
                    json!({ "s": series, "x": ascending(&curve.x, &shown), "m": pick(&curve.mean) });
                if !curve.lower.is_empty() {
                    data["l"] = pick(&curve.lower).into();
                    data["u"] = pick(&curve.upper).into();
                }
                if runs.iter().any(|&n| n as usize != self.runs[*series]) {
                    data["n"] = json!(runs);
                }
                data
            })
            .collect();
        let corners = [frame.left, frame.right, frame.top, frame.bottom].map(|v| (v * 10.0).round() / 10.0);
        json!({
            "x": [self.x.from, self.x.to],
            "f": corners,
            "y": [self.y.from, self.y.to, u8::from(self.y.logarithmic)],
            "c": curves,
        })
    }

    /// All points of a short curve; of a long one those without which it would look different.
    fn shown(&self, frame: &Frame, curve: &Curve) -> Vec<usize> {
        if curve.x.len() <= SHOWN {
            return (0..curve.x.len()).collect();
        }
        let places = self.places(frame, &curve.x, &curve.mean);
        let there: Vec<usize> = (0..places.len()).filter(|&k| !places[k].0.is_nan()).collect();
        let line: Vec<Place> = there.iter().map(|&k| places[k]).collect();
        simplify(&line, 2.0 * TOLERANCE).into_iter().map(|k| there[k]).collect()
    }
}

/// Ascending numbers: `[from, step]` where they are whole and even, else the numbers in six digits.
fn ascending(x: &[f64], shown: &[usize]) -> Value {
    let step = if x.len() > 1 { x[1] - x[0] } else { 1.0 };
    let even =
        shown.len() == x.len() && x.windows(2).all(|pair| pair[1] - pair[0] == step) && x[0].fract() == 0.0;
    if even && step.fract() == 0.0 {
        return json!({ "from": x[0], "step": step });
    }
    shown.iter().map(|&k| short(x[k], 6).parse::<f64>().map_or(Value::Null, Value::from)).collect()
}

/// Path data, in tenths of a pixel, relative: with a gap where a place is NaN.
pub(crate) fn path(places: &[Place]) -> String {
    let mut out = String::new();
    for line in places.split(|place| place.0.is_nan()).filter(|line| !line.is_empty()) {
        let kept = simplify(line, TOLERANCE);
        let tenth = |value: f64| (value * 10.0).round();
        let (mut x, mut y) = (tenth(line[0].0), tenth(line[0].1));
        let _ = write!(out, "M{} {}", t(x / 10.0), t(y / 10.0));
        if kept.len() == 1 {
            out.push_str("h0"); // a dot: the line's ends are round
        }
        for (k, &index) in kept.iter().enumerate().skip(1) {
            let (to_x, to_y) = (tenth(line[index].0), tenth(line[index].1));
            let (dx, dy) = (t((to_x - x) / 10.0), t((to_y - y) / 10.0));
            out.push_str(if k == 1 {
                "l"
            } else if dx.starts_with('-') {
                ""
            } else {
                " "
            });
            out.push_str(&dx);
            if !dy.starts_with('-') {
                out.push(' ');
            }
            out.push_str(&dy);
            (x, y) = (to_x, to_y);
        }
    }
    out
}

/// Markers along a line, each so far from the last; at least one, at its end.
fn markers(series: usize, line: &[Place], frame: &Frame, offset: f64) -> String {
    let mut out = String::new();
    let mut next = frame.left + offset;
    for pair in line.windows(2).filter(|pair| !pair[0].0.is_nan() && !pair[1].0.is_nan()) {
        next = next.max(frame.left + offset);
        while next < pair[0].0 {
            next += BETWEEN_MARKERS;
        }
        while next <= pair[1].0 && pair[1].0 > pair[0].0 {
            let y = pair[0].1 + (pair[1].1 - pair[0].1) * (next - pair[0].0) / (pair[1].0 - pair[0].0);
            if (frame.top - 2.0..=frame.bottom + 2.0).contains(&y) {
                out.push_str(&palette::marker(series, next, y));
            }
            next += BETWEEN_MARKERS;
        }
    }
    if let (true, Some(&(x, y))) = (out.is_empty(), line.iter().rev().find(|place| !place.0.is_nan())) {
        out = palette::marker(series, x, y.clamp(frame.top, frame.bottom));
    }
    out
}
