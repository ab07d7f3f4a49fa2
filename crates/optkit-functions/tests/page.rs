//! The page on the functions says what the tables say: `OPTKIT_BLESS=1` writes it anew.

use std::fmt::Write;
use std::path::Path;

use optkit_functions::{CATALOG, Minimum, NIST, Row, Starts, TestFunction, build, certified};

const HEAD: &str = "\
# Test functions

All of these stand behind `minimize f = …` in a problem file, and behind `optkit::functions::build` in Rust. Each has \
its gradient and products with its Hessian; sums of squares (marked ²) hand out their residuals with the Jacobian as \
well. Where the literature states a start, it is the start; otherwise 20 points are drawn, once and for all, from the \
box that is given, and the operand `start` chooses among them. Minima are those that are known, the global ones \
first; a point is given where it is short. `optkit list functions` prints what the operands mean.

Every row is tested: derivatives against differences and against the papers' formulas in 80 digits \
(`crates/optkit-functions/tests/reference.py`), values and minima against the literature.

";

const NIST_HEAD: &str = "
## The nonlinear regressions of NIST

The 27 datasets of the [Statistical Reference Datasets](https://www.itl.nist.gov/div898/strd/), in the public domain \
and part of optkit. `nist_misra1a(start = 2)` begins at NIST's second start, which is near the solution; the first is \
far from it. Residual sums of squares are certified to eleven digits; `optkit::functions::certified` has them with \
the parameters and their standard deviations.

| function | n | observations | sum of squares | what it is |
|---|---|---|---|---|
";

/// A number as short as it can be said in five digits.
fn short(v: f64) -> String {
    let size = v.abs();
    if v == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e6).contains(&size) {
        let text = format!("{v:.4e}");
        let (digits, exponent) = text.split_once('e').unwrap();
        format!("{}e{exponent}", digits.trim_end_matches('0').trim_end_matches('.'))
    } else {
        let decimals = (4 - size.log10().floor() as i32).max(0) as usize;
        let text = format!("{v:.decimals$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }
}

/// A vector, or what it begins with.
fn point(x: &[f64]) -> String {
    if x.len() > 1 && x.iter().all(|v| v.to_bits() == x[0].to_bits()) {
        return if x.len() == 2 {
            format!("({0}, {0})", short(x[0]))
        } else {
            format!("({}, …)", short(x[0]))
        };
    }
    let shown: Vec<String> = x.iter().take(4).map(|v| short(*v)).collect();
    format!("({}{})", shown.join(", "), if x.len() > 4 { ", …" } else { "" })
}

fn start(f: &dyn TestFunction) -> String {
    match f.starts() {
        Starts::Stated(points) => point(&points[0]),
        Starts::Drawn { lower, upper } => {
            let mut sides: Vec<_> =
                lower.iter().zip(&upper).map(|(l, u)| format!("[{}, {}]", short(*l), short(*u))).collect();
            sides.dedup();
            let power = if sides.len() == 1 && lower.len() > 1 { "ⁿ" } else { "" };
            format!("20 in {}{power}", sides.join(" × "))
        }
    }
}

fn minima(minima: &[Minimum]) -> String {
    let mut said: Vec<String> = Vec::new();
    for minimum in minima {
        let at = minimum.point.as_ref().map_or(String::new(), |x| format!(" at {}", point(x)));
        said.push(format!("{}{at}", short(minimum.value)));
    }
    said.join("; ")
}

fn call(row: &Row) -> String {
    let operands = row.entry.operands.iter().map(|o| format!("{} = {}", o.name, o.default.unwrap_or("…")));
    let operands: Vec<String> = operands.filter(|o| !o.starts_with("start")).collect();
    format!("{}({})", row.entry.name, operands.join(", "))
}

fn written() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("| function, with its defaults | n | start | minima, at the defaults | source |\n|---|---|---|---|---|\n");
    for row in CATALOG {
        let mut f = build(row.entry.name, &[]).unwrap();
        let square = if f.residuals().is_some() { " ²" } else { "" };
        writeln!(
            page,
            "| `{}`{square} | {} | {} | {} | {} |",
            call(row),
            f.dim(),
            start(&*f),
            minima(&f.minima()),
            row.source
        )
        .unwrap();
    }
    page.push_str(NIST_HEAD);
    for row in NIST {
        let name = row.source.split([',', ';']).nth(1).unwrap().trim();
        let certified = certified(name).unwrap();
        let n = certified.parameters.len();
        let observations = certified.degrees_of_freedom + n;
        let value = short(certified.residual_sum_of_squares);
        let (what, _) = row.entry.doc.rsplit_once(&format!(", {n} parameters")).unwrap();
        writeln!(page, "| `{}` | {n} | {observations} | {value} | {what} |", row.entry.name).unwrap();
    }
    page
}

#[test]
fn the_page_says_what_the_tables_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/functions.md");
    let written = written();
    if std::env::var_os("OPTKIT_BLESS").is_some() {
        std::fs::write(&path, &written).unwrap();
    }
    let Ok(page) = std::fs::read_to_string(&path) else {
        return; // packaged alone, without the pages
    };
    for (line, (page, written)) in page.lines().zip(written.lines()).enumerate() {
        assert_eq!(
            page,
            written,
            "line {} of docs/src/functions.md; OPTKIT_BLESS=1 writes it anew",
            line + 1
        );
    }
    assert_eq!(page, written, "docs/src/functions.md; OPTKIT_BLESS=1 writes it anew");
}
