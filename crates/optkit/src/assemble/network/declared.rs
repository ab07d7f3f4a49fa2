//! From the layers in a file to a network.

use optkit_lang::{Diagnostic, LayerLine, Network as Declared, Value};
use optkit_nn::{Layer, LayerError, Network, NetworkError};

/// The declared network, its shapes checked.
pub(super) fn build(declared: &Declared) -> Result<Network, Diagnostic> {
    let mut input = None;
    let mut layers = Vec::new();
    let mut lines: Vec<&LayerLine> = Vec::new();
    for line in &declared.layers {
        if line.name.value == "input" {
            let shape = match line.operands.first().map(|v| &v.value) {
                Some(Value::Shape(shape)) => shape.clone(),
                Some(Value::Integer(n)) => vec![usize::try_from(*n).unwrap_or(usize::MAX)],
                _ => Vec::new(),
            };
            if input.replace(shape).is_some() || !layers.is_empty() {
                return Err(Diagnostic::error(
                    "E0808",
                    "`input` stands once, as the first line of a network",
                )
                .label(line.span, "this line"));
            }
        } else {
            layers.push(layer(line).map_err(|error| {
                Diagnostic::error("E0808", error.to_string()).label(line.span, "this layer")
            })?);
            lines.push(line);
        }
    }
    let Some(input) = input else {
        return Err(Diagnostic::error("E0808", format!("network `{}` has no input", declared.name.value))
            .label(declared.name.span, "this network")
            .help("begin it with a line such as `input 28x28`"));
    };
    Network::new(input, layers).map_err(|error| {
        let (at, text) = match &error {
            NetworkError::Layer { index, source } => {
                (lines.get(*index).map_or(declared.name.span, |l| l.span), source.to_string())
            }
            NetworkError::TooLarge { index } => {
                (lines.get(*index).map_or(declared.name.span, |l| l.span), error.to_string())
            }
            NetworkError::EmptyInput { .. } => {
                (declared.layers.first().map_or(declared.name.span, |l| l.span), error.to_string())
            }
        };
        Diagnostic::error("E0808", text).label(at, "this layer")
    })
}

fn layer(line: &LayerLine) -> Result<Layer, LayerError> {
    let operands: Vec<String> = line.operands.iter().map(|v| text(&v.value)).collect();
    let operands: Vec<&str> = operands.iter().map(String::as_str).collect();
    let settings: Vec<(&str, String)> = line.settings.iter().map(|(k, v)| (k, text(&v.value))).collect();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    Layer::from_words(&line.name.value, &operands, &settings)
}

/// A value as it would be written.
fn text(value: &Value) -> String {
    match value {
        Value::Real(v) => v.to_string(),
        Value::Integer(v) => v.to_string(),
        Value::Switch(v) => (if *v { "on" } else { "off" }).to_owned(),
        Value::Word(v) | Value::Text(v) | Value::Name(v) => v.clone(),
        Value::Shape(shape) => shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x"),
        other => format!("{other:?}"),
    }
}
