//! The frame of a figure, and the pieces of SVG that all figures share.
//!
//! A figure is drawn once, with classes for colours. In a page its style sheet gives them their colours, light or dark;
//! a file of its own carries the light ones.

use crate::escape;
use crate::number::tenths as t;
use crate::palette;
use std::fmt::Write as _;

/// Where things are, in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

/// What a class looks like, with colours by name.
pub(crate) const STYLE: &str = "\
svg{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans','Liberation Sans',Arial,sans-serif}\
text{fill:var(--ink);font-size:11px}\
.tt{font-size:13px;font-weight:600}\
.tk,.nt{fill:var(--faint)}\
.nt{font-size:10px}\
.gd{stroke:var(--grid);fill:none;stroke-width:1}\
.ax{stroke:var(--faint);fill:none;stroke-width:1}\
.mean,.few,.out{fill:none;stroke-linejoin:round;stroke-linecap:round}\
.mean{stroke-width:1.8}\
.few{stroke-width:1.4;stroke-dasharray:.1 3.2}\
.out{stroke-width:.9;stroke-dasharray:4 2.6;stroke-opacity:.85}\
.mk{stroke-width:1.4;fill:var(--paper)}\
.ld{stroke-width:.6;fill:none}\
.pn{font-size:9px}\
.pp{fill:var(--paper)}\
.sw{stroke:var(--ink);fill:var(--ink)}";

/// Labels at the ends of lines keep what is behind them at a distance; behind the colours of the lines in the style.
pub(crate) fn ends(paper: &str) -> String {
    format!(".e{{font-weight:600;stroke:{paper};stroke-width:3px;stroke-linejoin:round;paint-order:stroke}}")
}

/// A file of its own: white paper, its style within.
pub(crate) fn file(width: f64, height: f64, title: &str, body: &str) -> String {
    let [paper, ink, faint, grid] = palette::PAGES[0];
    let mut style = STYLE
        .replace("var(--paper)", paper)
        .replace("var(--ink)", ink)
        .replace("var(--faint)", faint)
        .replace("var(--grid)", grid)
        .replace("system-ui,-apple-system,'Segoe UI',", "");
    for (k, colour) in palette::LIGHT.iter().enumerate() {
        let _ = write!(style, ".s{k}{{stroke:{colour}}}.f{k}{{fill:{colour}}}");
    }
    style.push_str(&ends(paper));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
         role=\"img\">\n<title>{}</title>\n<style>{style}</style>\n<rect width=\"{w}\" height=\"{h}\" fill=\"{paper}\"/>\n\
         {body}</svg>\n",
        escape::text(title),
        w = t(width),
        h = t(height),
    )
}

/// In a page: the style is the page's.
pub(crate) fn inline(width: f64, height: f64, label: &str, focus: bool, body: &str) -> String {
    let focus = if focus { " tabindex=\"0\"" } else { "" };
    format!(
        "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\"{focus}>{body}</svg>",
        t(width),
        t(height),
        escape::text(label)
    )
}

/// A text; `anchor` is `start`, `middle` or `end`.
pub(crate) fn text(x: f64, y: f64, class: &str, anchor: &str, words: &str) -> String {
    let anchor = if anchor == "start" { String::new() } else { format!(" text-anchor=\"{anchor}\"") };
    format!("<text x=\"{}\" y=\"{}\" class=\"{class}\"{anchor}>{}</text>", t(x), t(y), escape::text(words))
}

/// The line and marker that a legend shows for a series, 26 wide, centred at `y`.
pub(crate) fn sample(series: usize, x: f64, y: f64) -> String {
    format!(
        "<g class=\"s{}\"><path class=\"mean\" d=\"M{} {}h26\"/><path class=\"mk\" d=\"{}\"/></g>",
        palette::colour(series),
        t(x),
        t(y),
        palette::marker(series, x + 13.0, y)
    )
}

/// The legend below a figure in a file: as many columns as fit. Returns it with its height.
pub(crate) fn legend(labels: &[(usize, String)], left: f64, top: f64, width: f64) -> (String, f64) {
    const LINE: f64 = 18.0;
    let longest = labels.iter().map(|(_, label)| crate::labels::width(label, 11.0)).fold(0.0, f64::max);
    let column = longest + 48.0;
    // At least 1 by the line's end.
    let columns = ((width / column).floor() as usize).max(1);
    let rows = labels.len().div_ceil(columns);
    let mut out = String::new();
    for (k, (series, label)) in labels.iter().enumerate() {
        let (x, y) = (left + (k / rows.max(1)) as f64 * column, top + (k % rows.max(1)) as f64 * LINE + 9.0);
        out.push_str(&sample(*series, x, y));
        out.push_str(&text(x + 32.0, y + 4.0, "lg", "start", label));
        out.push('\n');
    }
    (out, rows as f64 * LINE)
}
