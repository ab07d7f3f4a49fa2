//! Figures in pixels, on machines that may have no fonts.

#![cfg(feature = "png")]

mod common;

use common::{figure, hostile, losses, one};
use optkit_report::{Settings, charts, png};
use resvg::tiny_skia::Pixmap;

/// How many pixels of a rectangle are darker than the middle between ink and paper.
fn ink(image: &Pixmap, [left, top, right, bottom]: [u32; 4]) -> usize {
    let dark =
        |x, y| image.pixel(x, y).is_some_and(|pixel| pixel.red().min(pixel.green()).min(pixel.blue()) < 128);
    (left..right).flat_map(|x| (top..bottom).map(move |y| (x, y))).filter(|&(x, y)| dark(x, y)).count()
}

#[test]
fn text_appears_without_fonts_of_the_system() {
    let chart = &charts(&[figure("fig", &["adam", "gd"], 2, 20)], &Settings::default())[0];
    let image = Pixmap::decode_png(&png(&chart.svg(), 2.0).unwrap()).unwrap();
    assert_eq!(image.width(), 1120);
    assert!(ink(&image, [20, 10, 300, 50]) > 300, "the title");
    assert!(ink(&image, [40, image.height() - 40, 500, image.height() - 10]) > 300, "the note");
    assert!(ink(&image, [20, 4, 300, 10]) == 0, "above the title");
    // The signs of formulas are in the fonts too: a box for all would have equal ink.
    let sign = |sign: &str| {
        let svg = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='40'><rect width='40' height='40' \
                           fill='#fff'/><text x='5' y='30' font-size='30'>{sign}</text></svg>"
        );
        let image = Pixmap::decode_png(&png(&svg, 1.0).unwrap()).unwrap();
        ink(&image, [0, 0, 40, 40])
    };
    let mut inks = ["∇", "‖", "∞", "±", "⁻", "Δ", "ж", "ü", "\u{fffd}"].map(sign).to_vec();
    inks.sort_unstable();
    inks.dedup();
    assert!(inks.len() >= 8 && inks[0] > 0, "{inks:?}");
}

#[test]
fn hostile_labels_and_odd_runs_become_images() {
    for figure in [hostile(), one(vec![losses("x", &[f64::NAN, 1.0, f64::MAX])])] {
        for chart in charts(&[figure], &Settings::default()).iter().step_by(4) {
            assert!(Pixmap::decode_png(&png(&chart.svg(), 1.0).unwrap()).is_ok());
        }
    }
}

#[test]
fn what_is_no_figure_and_what_is_no_size_is_refused_with_a_remedy() {
    let svg = charts(&[figure("fig", &["adam"], 1, 3)], &Settings::default())[0].svg();
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 1000.0] {
        let message = png(&svg, scale).unwrap_err().to_string();
        assert!(message.contains("choose one for which both lie in 1 to 20000"), "{message}");
    }
    let message = png("hello", 1.0).unwrap_err().to_string();
    assert!(message.contains("give it the text of an SVG file"), "{message}");
}
