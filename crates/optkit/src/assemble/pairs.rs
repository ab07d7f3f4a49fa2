//! `pairs = overlap` of `apts`: where nothing is shared, or nothing learns, it is refused.

use optkit_lang::{Diagnostic, Method, Settings, Span};
use optkit_schwarz::PairsFrom;

use super::solver::AptsSolver;
use super::{ModelChoice, Solver, Subject};

const KEY: &str = "pairs";

/// Where secant pairs come from.
pub(super) fn read(settings: &Settings) -> PairsFrom {
    match settings.given(KEY).then(|| settings.word(KEY)).flatten() {
        Some("overlap") => PairsFrom::Overlap,
        _ => PairsFrom::Batch,
    }
}

fn place(method: &Method) -> Span {
    method.settings.span(KEY).unwrap_or(method.name.span)
}

/// Refuses pairs for a global model that learns none.
pub(super) fn refuse_without_model(method: &Method, apts: &AptsSolver, found: &mut Vec<Diagnostic>) {
    if apts.options.pairs == PairsFrom::Batch || matches!(apts.global.model, Some(ModelChoice::Lsr1(_))) {
        return;
    }
    found.push(
        Diagnostic::error("E0827", "`pairs = overlap` needs a global model of secant pairs")
            .label(place(method), "no pair is ever learnt")
            .note("order 1 and exact models have none")
            .help("set `order = 2`, or remove `pairs`"),
    );
}

/// Refuses pairs from what mini-batches share where they share nothing. `samples`: how many are trained on; 0 where that
/// is not known yet.
pub(super) fn suit(subject: &Subject, solver: &Solver, samples: usize) -> Result<(), Diagnostic> {
    let Solver::Apts(apts) = solver else { return Ok(()) };
    if apts.options.pairs == PairsFrom::Batch {
        return Ok(());
    }
    let refuse = |title: &str, help: &str| {
        let at = apts.pairs_at.unwrap_or_default();
        Diagnostic::error("E0827", title).label(at, "pairs come from shared samples").help(help)
    };
    let Subject::Network(network) = subject else {
        let title = "`pairs = overlap` is for mini-batches of a network, but none is minimised here";
        return Err(refuse(title, "remove `pairs`"));
    };
    let Some(dealing) = network.batch else {
        let title = "`pairs = overlap` needs mini-batches that share samples, and there are none";
        let help = "add `batch = overlapping { parts = 20, overlap = 20% }` to the data, or remove `pairs`";
        return Err(refuse(title, help));
    };
    let one = samples > 0 && dealing.count(samples) <= 1;
    if !one && dealing.shared(if samples > 0 { samples } else { usize::MAX }) > 0 {
        return Ok(());
    }
    let title = if one {
        "`pairs = overlap` needs several mini-batches, and all samples are one"
    } else {
        "`pairs = overlap` needs mini-batches that share samples, and these share none"
    };
    let help =
        "write `batch = overlapping { parts = 20, overlap = 20% }`, or raise `overlap`; or remove `pairs`";
    Err(refuse(title, help).label(network.batch_place(), "these mini-batches"))
}
