//! What `optkit check --derivatives` prints.

use std::io::{self, Write};

use optkit::derivatives::{At, Checked, Derivative, place};
use optkit::nn::Tensor;
use optkit::{DerivativeReport, MOST_WRONG};
use serde_json::{Value, json};

use crate::columns::{counted, grouped};

pub(super) fn text(out: &mut impl Write, checked: &[Checked], tensors: &[Tensor]) -> io::Result<()> {
    for one in checked {
        let (what, evaluation) = match one.derivative {
            Derivative::Gradient => ("gradient", "value"),
            Derivative::HessianProduct => ("Hessian products", "gradient"),
        };
        let at = match one.at {
            At::Start => "at the start",
            At::Beside => "at a point beside it",
        };
        match &one.found {
            Ok(report) if report.wrong.is_empty() => {
                writeln!(out, "{what} {at}: {}; {}", right(report), counted(report.evaluations, evaluation))?;
            }
            Ok(report) => {
                let more = if report.wrong.len() < MOST_WRONG { "" } else { " or more" };
                writeln!(out, "{what} {at}: wrong in {}{more}", counted(report.wrong.len(), "place"))?;
            }
            Err(error) => writeln!(out, "{what} {at}: {error}")?,
        }
        for message in one.messages(tensors) {
            writeln!(out, "  {message}")?;
        }
    }
    Ok(())
}

fn right(report: &DerivativeReport) -> String {
    let open = match report.unresolved {
        0 => String::new(),
        n => format!(", {} unresolved", grouped(n)),
    };
    format!("right to {:.0e} of the largest entry{open}", report.resolution)
}

pub(super) fn object(checked: &Checked, tensors: &[Tensor]) -> Value {
    let report = checked.found.as_ref().ok();
    let wrong = report.map_or(&[][..], |r| &r.wrong).iter().map(|w| {
        json!({
            "entry": place(tensors, w.coordinate),
            "variable": w.coordinate + 1,
            "given": w.given,
            "difference": w.difference,
            "uncertainty": w.uncertainty,
        })
    });
    json!({
        "derivative": match checked.derivative {
            Derivative::Gradient => "gradient",
            Derivative::HessianProduct => "hessian_product",
        },
        "at": match checked.at {
            At::Start => "start",
            At::Beside => "beside",
        },
        "right": checked.is_right(),
        "failure": checked.found.as_ref().err().map(ToString::to_string),
        "wrong": wrong.collect::<Vec<_>>(),
        "unresolved": report.map(|r| r.unresolved),
        "resolution": report.map(|r| r.resolution),
        "evaluations": report.map(|r| r.evaluations),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use optkit::{derivatives, from_fn};

    #[test]
    fn a_wrong_entry_is_named_with_both_numbers() {
        let mut f = from_fn(
            2,
            |x| x[0].exp() + x[1].sin(),
            |x, g| {
                g.copy_from_slice(&[x[0].exp(), 1.01 * x[1].cos()]);
            },
        );
        let checked = derivatives::check(&mut f, None, &[0.5, 0.2], 0);
        let mut out = Vec::new();
        text(&mut out, &checked[..1], &[]).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "gradient at the start: wrong in 1 place\n  \
             variable 2: 9.898672e-1 given, 9.800666e-1 by differences\n"
        );
        let object = object(&checked[0], &[]);
        assert_eq!(object["right"], false);
        assert_eq!(object["wrong"][0]["variable"], 2);
        assert_eq!(object["wrong"][0]["entry"], "variable 2");
    }

    #[test]
    fn where_f_is_not_defined_the_reason_is_said() {
        let mut f = from_fn(1, |x| x[0].ln(), |x, g| g[0] = 1.0 / x[0]);
        let checked = derivatives::check(&mut f, None, &[-1.0], 0);
        let mut out = Vec::new();
        text(&mut out, &checked[..1], &[]).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("is not finite at this point"));
        assert!(object(&checked[0], &[])["failure"].is_string());
    }
}
