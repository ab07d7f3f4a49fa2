//! Pages in a real browser: headless Chromium draws them, a script in them plays the reader, and nothing complains.
//!
//! Where there is no Chromium the tests say so and pass; `.ci/run` installs it, or says that these tests are skipped.

mod chromium;
mod common;

use chromium::{chromium, open, seen};
use common::{figure, hostile, losses, one};
use optkit_report::{Figure, Provenance, Settings, html};
use serde_json::Value;
use std::path::Path;

/// Plays the reader, and writes what it sees where the dump of the page shows it.
const READER: &str = r#"<script>addEventListener("load", () => {
  const seen = { width: document.documentElement.scrollWidth - innerWidth };
  seen.ms = performance.now();
  seen.figures = document.querySelectorAll("figure svg").length;
  const tip = document.getElementById("tip");
  const svg = document.querySelector("figure[data-c] svg");
  if (svg) {
    const box = svg.getBoundingClientRect();
    const move = share => svg.dispatchEvent(new PointerEvent("pointermove",
      { clientX: box.left + box.width * share, clientY: box.top + 30, bubbles: true }));
    move(0.5);
    seen.middle = tip.hidden ? null : tip.innerText;
    svg.dispatchEvent(new KeyboardEvent("keydown", { key: "End", cancelable: true }));
    seen.end = tip.innerText;
    svg.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    seen.escaped = tip.hidden;
    const button = document.querySelector(".legend button");
    const opacity = series => getComputedStyle(document.querySelector(`g.s[data-s='${series}']`) || svg).opacity;
    button.dispatchEvent(new PointerEvent("pointerenter"));
    seen.stressed = [opacity(0), opacity(1)].join();
    button.dispatchEvent(new PointerEvent("pointerleave"));
    seen.calm = [opacity(0), opacity(1)].join();
    button.click();
    seen.pressed = button.getAttribute("aria-pressed");
    seen.display = getComputedStyle(document.querySelector("g.s[data-s='0']")).display;
    move(0.5);
    seen.without = tip.innerText;
    button.click();
    seen.again = getComputedStyle(document.querySelector("g.s[data-s='0']")).display;
    svg.dispatchEvent(new PointerEvent("pointerleave"));
    seen.left = tip.hidden;
  }
  seen.ink = getComputedStyle(document.body).color;
  seen.hacked = document.body.dataset.hacked || null;
  document.body.dataset.seen = JSON.stringify(seen);
});</script>"#;

/// Opens the report with a reader in it; returns what the reader saw.
fn read(browser: &Path, name: &str, figures: &[Figure], options: &[&str]) -> Value {
    let provenance = Provenance { title: name.to_owned(), ..Provenance::default() };
    let page = html(figures, &Settings::default(), &provenance);
    let bytes = page.len();
    let (document, console) =
        open(browser, name, &page.replace("</body>", &format!("{READER}</body>")), options);
    assert_eq!(console, Vec::<String>::new(), "{name}: errors on the console");
    let seen = seen(name, &document);
    println!("{name}: {bytes} bytes, loaded in {} ms", seen["ms"]);
    seen
}

#[test]
fn an_error_of_a_script_is_noticed() {
    let Some(browser) = chromium() else { return };
    let (_, console) = open(&browser, "broken", "<!doctype html><body><script>nonsense()</script>", &[]);
    assert!(console.iter().any(|line| line.contains("nonsense is not defined")), "{console:?}");
}

#[test]
fn the_pointer_the_keyboard_and_the_legend_show_what_the_runs_had() {
    let Some(browser) = chromium() else { return };
    let figures = [one(vec![
        losses("gd", &[2.0, 1.5, 1.0, 0.5, 0.25]),
        losses("gd", &[2.0, 1.25, 0.5, 0.25, 0.125]),
        losses("adam", &[2.0, 0.5, 0.125, 0.0625, 0.03125]),
        losses("sgd", &[2.0, 1.75]),
    ])];
    let seen = read(&browser, "values", &figures, &["--window-size=1200,900"]);
    let words =
        |key: &str| seen[key].as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words("middle"), "epoch 3 sgd 1.75 ended at 2 gd 0.75 0.5 … 1 adam 0.125");
    assert_eq!(words("end"), "epoch 5 sgd 1.75 ended at 2 gd 0.1875 0.125 … 0.25 adam 0.03125");
    assert_eq!((seen["escaped"].as_bool(), words("pressed").as_str()), (Some(true), "false"));
    assert_eq!((words("stressed").as_str(), words("calm").as_str()), ("1,0.13", "1,1"));
    assert_eq!((words("display").as_str(), words("again").as_str()), ("none", "inline"));
    assert_eq!(words("without"), "epoch 3 sgd 1.75 ended at 2 adam 0.125");
    assert_eq!(seen["left"].as_bool(), Some(true));
}

#[test]
fn hostile_labels_do_nothing_in_light_and_dark_wide_and_narrow() {
    let Some(browser) = chromium() else { return };
    let figures = [hostile(), one(vec![losses("x", &[f64::NAN, 1.0])]), Figure::default()];
    let mut inks = Vec::new();
    for (name, width, scheme) in [("light", 1200, 1), ("dark", 400, 0)] {
        let options =
            [format!("--window-size={width},900"), format!("--blink-settings=preferredColorScheme={scheme}")];
        let seen = read(&browser, name, &figures, &[&options[0], &options[1]]);
        assert_eq!(seen["hacked"], Value::Null, "{name}");
        assert!(seen["width"].as_f64().is_some_and(|beyond| beyond <= 0.0), "{name}: {seen}");
        inks.push(seen["ink"].clone());
    }
    assert_eq!(inks, ["rgb(26, 26, 26)", "rgb(236, 236, 236)"]);
}

#[test]
fn a_hundred_runs_of_a_hundred_epochs_open_within_two_seconds() {
    let Some(browser) = chromium() else { return };
    let labels: Vec<String> = (0..100).map(|k| format!("apts, parts = {k}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    for (name, figures) in [
        ("ten_of_ten", [figure("ten of ten", &labels[..10], 10, 100)]),
        ("hundred_of_one", [figure("hundred of one", &labels, 1, 100)]),
    ] {
        let seen = read(&browser, name, &figures, &["--window-size=1200,900"]);
        assert_eq!(seen["figures"].as_u64(), Some(12));
        assert!(seen["ms"].as_f64().is_some_and(|ms| ms < 2000.0), "{name}: {seen}");
    }
}
