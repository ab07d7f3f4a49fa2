//! The layers of a network: what each is, gives and has in parameters.

use std::io::{self, Write};

use optkit::nn::{Network, Node, Operation};
use serde_json::{Value, json};

use crate::columns::grouped;

/// A line a layer, under a line of headings.
pub(super) fn text(out: &mut impl Write, network: &Network) -> io::Result<()> {
    let rows: Vec<[String; 4]> = network.graph().nodes().iter().map(row).collect();
    let headings = ["layer", "is", "gives", "parameters"];
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([headings[column].len()]).max().unwrap_or(0)
    };
    let [name, is, gives, parameters] = std::array::from_fn(width);
    let mut line = |[a, b, c, d]: [&str; 4]| {
        let line = format!("{a:<name$}  {b:<is$}  {c:>gives$}  {d:>parameters$}");
        writeln!(out, "{}", line.trim_end())
    };
    line(headings)?;
    rows.iter().try_for_each(|row| line(row.each_ref().map(String::as_str)))
}

fn row(node: &Node) -> [String; 4] {
    let parameters = parameters(node);
    let parameters = if parameters == 0 { String::new() } else { grouped(parameters) };
    [node.name.clone(), what(node), shape(&node.shape), parameters]
}

/// An object a layer.
pub(super) fn objects(network: &Network) -> Value {
    let object = |node: &Node| {
        json!({
            "name": node.name,
            "layer": what(node),
            "shape": node.shape,
            "parameters": parameters(node),
        })
    };
    network.graph().nodes().iter().map(object).collect()
}

fn what(node: &Node) -> String {
    match &node.operation {
        Operation::Layer(layer) => layer.to_string(),
        Operation::Add => "skip".to_owned(),
    }
}

fn parameters(node: &Node) -> usize {
    node.tensors.iter().map(|slot| slot.range.len()).sum()
}

fn shape(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}
