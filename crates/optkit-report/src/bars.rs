//! A figure of bars: one a series, in parts (the work of each subdomain, the time of each phase).

use crate::escape;
use crate::labels;
use crate::number::{short, tenths as t};
use crate::palette;
use crate::scale::Scale;
use crate::svg::{self, Frame};
use std::fmt::Write as _;

/// From one bar to the next, in pixels.
const PITCH: f64 = 22.0;

/// How solid the parts of a bar are, in turn: told apart without colour.
const SHADES: [f64; 4] = [0.9, 0.5, 0.25, 0.08];

#[derive(Clone, Debug)]
pub(crate) struct Bars {
    pub(crate) x_label: String,
    pub(crate) rows: Vec<Row>,
    /// Names of the parts where all rows have the same; shown above. Else the parts are numbered.
    pub(crate) names: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) series: usize,
    pub(crate) label: String,
    /// What stands at the lines of the other figures: the label, or a letter for it.
    pub(crate) key: String,
    /// Each with what its tooltip says.
    pub(crate) parts: Vec<(f64, String)>,
}

impl Row {
    fn name(&self, alone: bool) -> &str {
        if alone { &self.label } else { &self.key }
    }

    fn total(&self) -> f64 {
        self.parts.iter().map(|part| part.0).sum()
    }
}

impl Bars {
    /// How high the figure has to be, without title.
    pub(crate) fn height(&self) -> f64 {
        self.rows.len() as f64 * PITCH + 42.0 + self.key_height()
    }

    fn key_height(&self) -> f64 {
        if self.names.is_empty() { 4.0 } else { 22.0 }
    }

    /// With whole labels where the figure stands alone, else with what the page's legend explains.
    pub(crate) fn frame(&self, width: f64, top: f64, alone: bool) -> Frame {
        let label = self.rows.iter().map(|row| labels::width(row.name(alone), 11.0)).fold(0.0, f64::max);
        Frame {
            width,
            height: top + self.height(),
            left: (label + 34.0).min(width * 0.42),
            right: width - 44.0,
            top: top + self.key_height(),
            bottom: top + self.key_height() + self.rows.len() as f64 * PITCH,
        }
    }

    pub(crate) fn draw(&self, frame: &Frame, alone: bool) -> String {
        let totals = self.rows.iter().map(Row::total);
        let scale = Scale { from: 0.0, ..Scale::exact(totals.chain([0.0])) };
        let at = |value: f64| frame.left + scale.position(value).clamp(0.0, 1.0) * (frame.right - frame.left);
        let mut out = self.axes(frame, scale);
        out.push_str(&self.key(frame));
        for (k, row) in self.rows.iter().enumerate() {
            let y = frame.top + (k as f64 + 0.5) * PITCH;
            let colour = palette::colour(row.series);
            let _ = write!(
                out,
                "<g class=\"s s{colour}\" data-s=\"{}\"><path class=\"mk\" d=\"{}\"/></g>",
                row.series,
                palette::marker(row.series, 8.0, y)
            );
            out.push_str(&svg::text(
                18.0,
                y + 4.0,
                "bl",
                "start",
                &labels::fit(row.name(alone), frame.left - 24.0),
            ));
            let mut begin = 0.0;
            for (part, (value, tooltip)) in row.parts.iter().enumerate() {
                let (x, end) = (at(begin), at(begin + value));
                out.push_str(&self.part(row, part, (x, end), y, tooltip));
                begin += value;
            }
            out.push_str(&svg::text(at(begin) + 5.0, y + 4.0, "tk", "start", &short(row.total(), 3)));
            out.push('\n');
        }
        out
    }

    fn part(&self, row: &Row, part: usize, (x, end): (f64, f64), y: f64, tooltip: &str) -> String {
        let shade = SHADES[part % SHADES.len()];
        let colour = palette::colour(row.series);
        let mut out = format!(
            "<rect class=\"s{colour} f{colour}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"14\" \
             fill-opacity=\"{shade}\"><title>{}</title></rect>",
            t(x),
            t(y - 7.0),
            t((end - x).max(0.0)),
            escape::text(tooltip)
        );
        let number = (part + 1).to_string();
        if self.names.is_empty() && end - x > labels::width(&number, 9.0) + 4.0 {
            let class = if shade > 0.6 { "pn pp" } else { "pn" };
            let _ = write!(
                out,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" class=\"{class}\">{number}</text>",
                t((x + end) / 2.0),
                t(y + 3.4)
            );
        }
        out
    }

    fn axes(&self, frame: &Frame, scale: Scale) -> String {
        let (mut grid, mut words) = (String::new(), String::new());
        for tick in scale.ticks(4) {
            let x = frame.left + scale.position(tick.value) * (frame.right - frame.left);
            let _ = write!(grid, "M{} {}V{}", t(x), t(frame.top), t(frame.bottom));
            words.push_str(&svg::text(x, frame.bottom + 15.0, "tk", "middle", &tick.label));
        }
        let middle = (frame.left + frame.right) / 2.0;
        words.push_str(&svg::text(middle, frame.bottom + 31.0, "al", "middle", &self.x_label));
        format!("<path class=\"gd\" d=\"{grid}\"/>{words}\n")
    }

    /// Which shade is which part.
    fn key(&self, frame: &Frame) -> String {
        let mut out = String::new();
        let mut x = 8.0;
        for (part, name) in self.names.iter().enumerate() {
            let y = frame.top - 15.0;
            let _ = write!(
                out,
                "<rect class=\"sw\" x=\"{}\" y=\"{}\" width=\"10\" height=\"10\" fill-opacity=\"{}\"/>",
                t(x),
                t(y - 6.0),
                SHADES[part % SHADES.len()]
            );
            out.push_str(&svg::text(x + 15.0, y + 3.0, "tk", "start", name));
            x += labels::width(name, 11.0) + 30.0;
        }
        out
    }
}
