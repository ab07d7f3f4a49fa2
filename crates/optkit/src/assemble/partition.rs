//! From a partition in a file to index sets.

use optkit_core::SubsetError;
use optkit_lang::{Diagnostic, Partition as Declared, Value};
use optkit_schwarz::{Deal, Partition, PartitionError};

use super::Subject;

/// The declared partition of the subject's variables.
pub(super) fn partition(declared: &Declared, subject: &Subject, seed: u64) -> Result<Partition, Diagnostic> {
    let call = &declared.call;
    let n = subject.dim();
    let parts = call.settings.integer("parts").map_or(1, |p| usize::try_from(p).unwrap_or(usize::MAX));
    let made = match call.name.value.as_str() {
        "contiguous" => Partition::contiguous(n, parts),
        "random" => Partition::random(n, parts, seed),
        "explicit" => {
            let lists = match call.operand("parts").map(|v| &v.value) {
                Some(Value::Lists(lists)) => lists.as_slice(),
                _ => &[],
            };
            if lists.iter().flatten().any(|&i| i == 0) {
                return Err(Diagnostic::error(
                    "E0806",
                    "variables are counted from 1, but index 0 is listed",
                )
                .label(call.name.span, "in this partition"));
            }
            let from_zero: Vec<Vec<usize>> = lists
                .iter()
                .map(|list| list.iter().map(|&i| usize::try_from(i - 1).unwrap_or(usize::MAX)).collect())
                .collect();
            Partition::explicit(n, &from_zero)
        }
        "weights" => {
            let Subject::Network(subject) = subject else {
                return Err(Diagnostic::error(
                    "E0807",
                    "`weights` splits a network, but none is minimised here",
                )
                .label(call.name.span, "this partition")
                .help("use `contiguous { parts = … }` or `random { parts = … }`"));
            };
            let ranges = dealt(subject, call.settings.word("by") == Some("layer"));
            let parts = if call.settings.given("parts") { parts } else { ranges.len() };
            let deal = if call.settings.word("deal") == Some("in_order") {
                Deal::InOrder
            } else {
                Deal::Random(seed)
            };
            Partition::from_ranges(n, &ranges, parts, deal)
        }
        other => unreachable!("the vocabulary has no partition `{other}`"),
    };
    made.map_err(|error| {
        let at = call.settings.span("parts").unwrap_or(call.name.span);
        Diagnostic::error("E0805", from_one(&error))
            .label(at, format!("in partition `{}`", declared.name.value))
    })
}

/// What is dealt: the ranges of tensors, or of the tensors of each layer.
fn dealt(subject: &super::NetworkSubject, by_layer: bool) -> Vec<std::ops::Range<usize>> {
    let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
    let mut last = None;
    for tensor in subject.network.tensors() {
        match ranges.last_mut() {
            // Tensors of a layer lie one behind the other.
            Some(range) if by_layer && last == Some(tensor.layer) => range.end = tensor.range.end,
            _ => ranges.push(tensor.range),
        }
        last = Some(tensor.layer);
    }
    ranges
}

/// The error in the words of the language, which counts variables from 1.
fn from_one(error: &PartitionError) -> String {
    match error {
        PartitionError::Part { part, source: SubsetError::OutOfRange { index, dim } } => {
            format!("part {part} lists variable {}, but there are {dim}", index.saturating_add(1))
        }
        PartitionError::Part { part, source: SubsetError::Duplicate { index } } => {
            format!("part {part} lists variable {} twice", index + 1)
        }
        PartitionError::Part { part, source: SubsetError::Empty } => {
            format!("part {part} is empty; a part has at least one variable")
        }
        PartitionError::Uncovered { covered, dim, first_missing } => format!(
            "the parts hold {covered} of {dim} variables ({} is in none); add the others, as a part of their own if need be",
            first_missing + 1
        ),
        other => other.to_string(),
    }
}
