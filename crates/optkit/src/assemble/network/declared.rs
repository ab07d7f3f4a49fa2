//! From the layers in a file to a network.

use optkit_lang::{
    Diagnostic, Layer as Written, LayerLine, Network as Declared, Shortcut, Skip, Span, Value,
};
use optkit_nn::{Layer, LayerError, Network, NetworkError, Shortcut as Added};

/// The declared network, its shapes checked.
pub(crate) fn build(declared: &Declared) -> Result<Network, Diagnostic> {
    let whole = declared.name.span;
    let (input, rest) = match declared.layers.split_first() {
        Some((Written::Line(line), rest)) if line.name.value == "input" => (line, rest),
        _ => {
            if let Some(late) = declared.layers.iter().find(|layer| is_input(layer)) {
                return Err(misplaced(late));
            }
            return Err(Diagnostic::error(
                "E0808",
                format!("network `{}` has no input", declared.name.value),
            )
            .label(whole, "this network")
            .help("begin it with a line such as `input 28x28`"));
        }
    };
    let shape = match input.operands.first().map(|v| &v.value) {
        Some(Value::Shape(shape)) => shape.clone(),
        _ => Vec::new(),
    };
    Network::new(shape, layers(rest)?).map_err(|error| {
        let (index, text) = match &error {
            NetworkError::Layer { index, source, .. } => (Some(*index), source.to_string()),
            NetworkError::TooLarge { index } => (Some(*index), error.to_string()),
            NetworkError::EmptyInput { .. } => (None, error.to_string()),
        };
        let diagnostic = Diagnostic::error("E0808", text);
        match index {
            None => place(&declared.layers[0]).show(diagnostic),
            Some(index) => refusal(declared, index, diagnostic),
        }
    })
}

/// `diagnostic` at the layer that its network counts as `layer`.
pub(super) fn refusal(declared: &Declared, layer: usize, diagnostic: Diagnostic) -> Diagnostic {
    let mut places = Vec::new();
    list(declared.layers.get(1..).unwrap_or_default(), &mut places);
    let whole = Place { span: declared.name.span, called: None };
    places.get(layer).copied().unwrap_or(whole).show(diagnostic)
}

/// Where each layer stands, in the order in which networks count them.
fn list(written: &[Written], places: &mut Vec<Place>) {
    for layer in written {
        places.push(place(layer));
        if let Written::Skip(Skip { body, shortcut, .. }) = layer {
            list(body, places);
            list(shortcut.layers(), places);
        }
    }
}

/// Where a layer stands, and where the block that it comes from.
#[derive(Clone, Copy)]
struct Place {
    span: Span,
    called: Option<Span>,
}

impl Place {
    fn show(self, diagnostic: Diagnostic) -> Diagnostic {
        let diagnostic = diagnostic.label(self.span, "this layer");
        match self.called {
            Some(called) => diagnostic.label(called, "of the block here"),
            None => diagnostic,
        }
    }
}

fn place(layer: &Written) -> Place {
    Place { span: layer.span(), called: layer.called() }
}

fn is_input(layer: &Written) -> bool {
    matches!(layer, Written::Line(line) if line.name.value == "input")
}

fn misplaced(input: &Written) -> Diagnostic {
    place(input).show(Diagnostic::error("E0808", "`input` stands once, as the first line of a network"))
}

fn layers(written: &[Written]) -> Result<Vec<Layer>, Diagnostic> {
    let one = |layer: &Written| match layer {
        Written::Line(_) if is_input(layer) => Err(misplaced(layer)),
        Written::Line(line) => {
            self::line(line).map_err(|error| place(layer).show(Diagnostic::error("E0808", error.to_string())))
        }
        Written::Skip(Skip { body, shortcut, .. }) => {
            let body = layers(body)?;
            let shortcut = match shortcut {
                Shortcut::Identity => Added::Identity,
                Shortcut::Layers(written) => Added::Layers(layers(written)?),
                Shortcut::Auto(written) => Added::Auto(layers(written)?),
            };
            Ok(Layer::Skip { body, shortcut })
        }
    };
    written.iter().map(one).collect()
}

fn line(line: &LayerLine) -> Result<Layer, LayerError> {
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
