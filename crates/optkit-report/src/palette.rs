//! Colours, and what tells series apart without them.
//!
//! The hues are those of Okabe and Ito (2008), which people with any common colour blindness tell apart, darkened for a
//! white page and lightened for a dark one until each stands out from it by a contrast of 3:1 at least (WCAG 2.2,
//! 1.4.11). A series is never known by its colour alone: its marker is another one, and its label stands at its end.

/// How many colours there are; then they begin again, with other markers.
pub(crate) const COLOURS: usize = 8;

/// On white.
pub(crate) const LIGHT: [&str; COLOURS] =
    ["#0072b2", "#c8500a", "#00845f", "#b0508c", "#6b5b00", "#3a8fc4", "#444444", "#8b4a2f"];

/// On a dark page.
pub(crate) const DARK: [&str; COLOURS] =
    ["#56b4e9", "#ff8f4f", "#2fc79a", "#e79bc4", "#e6d34a", "#a9d8f5", "#d6d6d6", "#d99a7c"];

/// The pages and their inks, light and dark: paper, ink, ink for what is less important, lines of the grid.
pub(crate) const PAGES: [[&str; 4]; 2] =
    [["#ffffff", "#1a1a1a", "#595959", "#e2e2e2"], ["#16181c", "#ececec", "#a8adb5", "#33373f"]];

/// How many markers there are: one more would divide evenly by the colours.
const MARKERS: usize = 7;

/// The marker of a series, centred at the place, as path data.
pub(crate) fn marker(series: usize, x: f64, y: f64) -> String {
    use crate::number::tenths as t;
    let at = format!("M{} ", t(x));
    match series % MARKERS {
        0 => format!("M{} {}a3 3 0 1 0 6 0a3 3 0 1 0-6 0", t(x - 3.0), t(y)),
        1 => format!("M{} {}h5.4v5.4h-5.4z", t(x - 2.7), t(y - 2.7)),
        2 => format!("{at}{}l3.5 6.2h-7z", t(y - 3.8)),
        3 => format!("{at}{}l3.7 3.7-3.7 3.7-3.7-3.7z", t(y - 3.7)),
        4 => format!("M{} {}l5.4 5.4m0-5.4l-5.4 5.4", t(x - 2.7), t(y - 2.7)),
        5 => format!("{at}{}v7m-3.5-3.5h7", t(y - 3.5)),
        _ => format!("{at}{}l3.5-6.2h-7z", t(y + 3.8)),
    }
}

/// The style sheet that gives the classes of a figure their colours: `s0` to `s7`, `i` for ink, `g` for the grid.
pub(crate) fn variables(dark: bool) -> String {
    let [paper, ink, faint, grid] = PAGES[usize::from(dark)];
    let mut css = format!("--paper:{paper};--ink:{ink};--faint:{faint};--grid:{grid};");
    for (k, colour) in if dark { DARK } else { LIGHT }.iter().enumerate() {
        css.push_str(&format!("--s{k}:{colour};"));
    }
    css
}

/// Which colour a series has.
pub(crate) fn colour(series: usize) -> usize {
    series % COLOURS
}

#[cfg(test)]
mod tests {
    use super::{COLOURS, DARK, LIGHT, MARKERS, PAGES, marker};
    use std::collections::HashSet;

    /// WCAG 2.2: relative luminance of sRGB.
    fn luminance(colour: &str) -> f64 {
        let channel = |k: usize| {
            let value = f64::from(u8::from_str_radix(&colour[k..k + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (a, b) = (luminance(one) + 0.05, luminance(other) + 0.05);
        (a / b).max(b / a)
    }

    #[test]
    fn every_colour_stands_out_from_its_page() {
        for (colours, [paper, ink, faint, _]) in [(LIGHT, PAGES[0]), (DARK, PAGES[1])] {
            for colour in colours {
                assert!(contrast(colour, paper) >= 3.0, "{colour} on {paper}: {}", contrast(colour, paper));
            }
            assert!(contrast(ink, paper) >= 7.0 && contrast(faint, paper) >= 4.5);
        }
    }

    #[test]
    fn no_two_of_56_series_share_colour_and_marker() {
        let looks: HashSet<_> =
            (0..56).map(|series| (super::colour(series), marker(series, 0.0, 0.0))).collect();
        assert_eq!(looks.len(), COLOURS * MARKERS);
    }
}
