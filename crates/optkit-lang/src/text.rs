//! A checked problem as a text of its own: everything that it uses in one file, constants replaced by their values.

use std::fmt::{self, Display, Formatter, Write};

use crate::arithmetic::{Binary, Unary};
use crate::stop::Operation;
use crate::{
    Bound, Budget, Call, Experiment, Layer, LayerLine, Method, Norm, Objective, ObjectiveKind, Problem,
    Quantity, Settings, Shortcut, Skip, Spanned, Split, Stop, Term, TermKind, Value,
};

/// The resolved problem: one file without `use`, `param` and `let`, with what `--set` and an experiment changed.
///
/// It reads back as the same problem, and two problems with one text are the same. Defaults of the vocabulary stand
/// in comments. Experiments are spelt out in comments too: each of their configurations is a problem with a text of
/// its own. Reports are left out.
///
/// ```
/// use optkit_core::vocabulary::{Entry, Kind, Operand, Slot, Support, Vocabulary};
/// use optkit_lang::{Source, check};
/// # let n = Operand { name: "n", kind: Kind::Integer(1, 1_000_000), default: None, doc: "variables" };
/// # let word = Entry {
/// #     name: "", doc: "", operands: &[], settings: &[], slots: &[Slot::Solver], support: Support::Available,
/// # };
/// # let vocabulary = Vocabulary {
/// #     functions: vec![Entry { name: "quadratic", operands: Box::leak(Box::new([n])), slots: &[], ..word }],
/// #     methods: vec![Entry { name: "trust_region", ..word }],
/// #     ..Vocabulary::default()
/// # };
/// let text = "apts 1\nparam n = 10 minimize f = quadratic(n = 2 * n)\nsolver trust_region stop when f <= 1e-3";
/// let checked = check(Source::new("bowl.apts", text), &mut |_| Err(String::new()), &[], &vocabulary);
/// let resolved = checked.problem.expect("no errors").to_string();
/// assert_eq!(resolved, "apts 1\n\nminimize f = quadratic(n = 20)\n\nsolver trust_region\n\nstop when f <= 0.001\n");
/// ```
impl Display for Problem {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "apts 1\n")?;
        self.head(out)?;
        for data in &self.data {
            writeln!(out, "data {} = {}\n", data.name.value, Calling(&data.dataset))?;
        }
        for network in &self.networks {
            writeln!(out, "network {} {{", network.name.value)?;
            write!(out, "{}", Lines(&network.layers, 1))?;
            writeln!(out, "}}\n")?;
        }
        let Objective { name, kind } = &self.objective;
        match kind {
            ObjectiveKind::Function(call) => writeln!(out, "minimize {name} = {}", Calling(call))?,
            ObjectiveKind::NetworkLoss { loss, network, data, split, settings, .. } => {
                let on = OnNetwork { word: &loss.value, network, data, split: *split };
                let block = Block(settings, 0).to_string();
                let blank = if block.is_empty() { "" } else { " " };
                writeln!(out, "minimize {name} = {on}{blank}{block}")?;
            }
        }
        for m in &self.measures {
            let on = OnNetwork { word: &m.measure.value, network: &m.network, data: &m.data, split: m.split };
            writeln!(out, "measure {} = {on}", m.name.value)?;
        }
        for partition in &self.partitions {
            writeln!(out, "\npartition {} = {}", partition.name.value, Calling(&partition.call))?;
        }
        for (name, method) in &self.solvers {
            let name = if name == "solver" { String::new() } else { format!("{name} = ") };
            writeln!(out, "\nsolver {name}{}", Made(method, 0))?;
        }
        if !self.stop.terms.is_empty() {
            writeln!(out, "\nstop when {}", Terms(&self.stop, name))?;
        }
        let run = Block(&self.run, 0).to_string();
        if !run.is_empty() {
            writeln!(out, "\nrun {run}")?;
        }
        self.experiments.iter().try_for_each(|e| write!(out, "{}", SpeltOut(e)))
    }
}

impl Problem {
    /// The text of all that its iterates depend on: without `stop`, and without the threads and checkpoints of `run`.
    /// A run may be resumed as any problem of the same identity.
    #[must_use]
    pub fn identity(&self) -> String {
        let mut problem = self.clone();
        problem.stop.terms.clear();
        problem.run.remove("threads");
        problem.run.remove("checkpoint");
        problem.run.remove("keep");
        problem.experiments.clear();
        problem.to_string()
    }

    fn head(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Some(title) = &self.title else { return Ok(()) };
        write!(out, "problem {}", Quoted(title))?;
        let reference = self.reference.as_ref().map(|r| format!("reference = {}", Quoted(r)));
        let minimum = self.known_minimum.map(|m| format!("known_minimum = {m:?}"));
        let settings: Vec<String> = reference.into_iter().chain(minimum).collect();
        if !settings.is_empty() {
            write!(out, " {{\n  {}\n}}", settings.join("\n  "))?;
        }
        writeln!(out, "\n")
    }
}

struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '\n' => out.write_str("\\n")?,
                '\t' => out.write_str("\\t")?,
                '"' | '\\' => write!(out, "\\{c}")?,
                c => out.write_char(c)?,
            }
        }
        out.write_char('"')
    }
}

struct Plain<'a>(&'a Value, usize);

impl Display for Plain<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Real(v) => write!(out, "{v:?}"),
            Value::Integer(v) => write!(out, "{v}"),
            Value::Switch(on) => out.write_str(if *on { "on" } else { "off" }),
            Value::Word(word) | Value::Name(word) => out.write_str(word),
            Value::Text(text) => write!(out, "{}", Quoted(text)),
            Value::Method(method) => write!(out, "{}", Made(method, self.1)),
            Value::Lists(lists) => {
                let lists: Vec<String> = lists.iter().map(|list| listed(list)).collect();
                write!(out, "[{}]", lists.join(", "))
            }
            Value::Indices(indices) => out.write_str(&listed(indices)),
            Value::Seconds(seconds) => write!(out, "{seconds:?} s"),
            #[allow(clippy::cast_precision_loss)] // sizes of memory are far below 2⁵³
            Value::Bytes(bytes) => write!(out, "{:?} KiB", *bytes as f64 / 1024.0),
            Value::Shape(shape) => {
                out.write_str(&shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x"))
            }
        }
    }
}

fn listed(numbers: &[u64]) -> String {
    format!("[{}]", numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(", "))
}

/// A method at a depth of indentation.
struct Made<'a>(&'a Method, usize);

impl Display for Made<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.name.value)?;
        let block = Block(&self.0.settings, self.1).to_string();
        if block.is_empty() { Ok(()) } else { write!(out, " {block}") }
    }
}

/// Settings in braces at a depth of indentation: those given one a line, defaults in a comment; "" where there are none.
struct Block<'a>(&'a Settings, usize);

impl Display for Block<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self(settings, depth) = *self;
        let indent = "  ".repeat(depth + 1);
        let (mut given, mut defaults) = (Vec::new(), Vec::new());
        for (key, Spanned { value, .. }) in settings.iter() {
            match value {
                value if settings.given(key) => given.push(format!("{key} = {}", Plain(value, depth + 1))),
                Value::Method(method) => defaults.push(format!("{key} = {}", method.name.value)),
                value => defaults.push(format!("{key} = {}", Plain(value, 0))),
            }
        }
        if given.is_empty() && defaults.is_empty() {
            return Ok(());
        }
        out.write_str("{\n")?;
        given.iter().try_for_each(|line| writeln!(out, "{indent}{line}"))?;
        if !defaults.is_empty() {
            writeln!(out, "{indent}// by default: {}", defaults.join(", "))?;
        }
        write!(out, "{}}}", "  ".repeat(depth))
    }
}

struct Calling<'a>(&'a Call);

impl Display for Calling<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Call { name, operands, settings } = self.0;
        let operand =
            |(name, value): &(String, Spanned<Value>)| format!("{name} = {}", Plain(&value.value, 0));
        let operands: Vec<String> = operands.iter().map(operand).collect();
        write!(out, "{}", name.value)?;
        if !operands.is_empty() {
            write!(out, "({})", operands.join(", "))?;
        }
        let block = Block(settings, 0).to_string();
        if block.is_empty() { Ok(()) } else { write!(out, " {block}") }
    }
}

/// Layers at a depth of indentation.
struct Lines<'a>(&'a [Layer], usize);

impl Display for Lines<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self(layers, depth) = *self;
        let indent = "  ".repeat(depth);
        for layer in layers {
            match layer {
                Layer::Line(line) => writeln!(out, "{indent}{}", Line(line))?,
                Layer::Skip(Skip { body, shortcut, .. }) => {
                    write!(out, "{indent}skip {{\n{}{indent}}}", Lines(body, depth + 1))?;
                    let word = match shortcut {
                        Shortcut::Identity => "",
                        Shortcut::Layers(_) => " shortcut",
                        Shortcut::Auto(_) => " shortcut auto",
                    };
                    if !word.is_empty() {
                        write!(out, "{word} {{\n{}{indent}}}", Lines(shortcut.layers(), depth + 1))?;
                    }
                    writeln!(out)?;
                }
            }
        }
        Ok(())
    }
}

struct Line<'a>(&'a LayerLine);

impl Display for Line<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let LayerLine { name, operands, settings, .. } = self.0;
        out.write_str(&name.value)?;
        operands.iter().try_for_each(|operand| write!(out, " {}", Plain(&operand.value, 0)))?;
        let given = settings.iter().filter(|(key, _)| settings.given(key));
        given.into_iter().try_for_each(|(key, v)| write!(out, " {key}={}", Plain(&v.value, 0)))
    }
}

struct OnNetwork<'a> {
    word: &'a str,
    network: &'a str,
    data: &'a str,
    split: Split,
}

impl Display for OnNetwork<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self { word, network, data, split } = self;
        let split = match split {
            Split::Train => "train",
            Split::Test => "test",
        };
        write!(out, "{word}({network}({data}.{split}.x), {data}.{split}.y)")
    }
}

/// Terms, with the name of the objective.
struct Terms<'a>(&'a Stop, &'a str);

impl Display for Terms<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for (index, Term { kind, .. }) in self.0.terms.iter().enumerate() {
            out.write_str(if index == 0 { "" } else { "\n       or " })?;
            match kind {
                TermKind::Gradient { norm, bound } => {
                    let norm = match norm {
                        Norm::Two => "norm",
                        Norm::Infinity => "norm_inf",
                    };
                    write!(out, "{norm}(grad) <= {}", infix(bound, self.1))?;
                }
                TermKind::Target { quantity, at_least, bound } => {
                    let quantity = match quantity {
                        Quantity::Objective => self.1,
                        Quantity::Measure(name) => name,
                    };
                    let sign = if *at_least { ">=" } else { "<=" };
                    write!(out, "{quantity} {sign} {}", infix(bound, self.1))?;
                }
                TermKind::Budget { what: Budget::Epochs, limit } => write!(out, "epochs >= {limit}")?,
                TermKind::Budget { what: Budget::Iterations, limit } => write!(out, "iterations >= {limit}")?,
                TermKind::Budget { what: Budget::Gradients, limit } => write!(out, "gradients >= {limit:?}")?,
                TermKind::Budget { what: Budget::Time, limit } => write!(out, "time >= {limit:?} s")?,
            }
        }
        Ok(())
    }
}

/// A bound with brackets around every operation but the outermost.
fn infix(bound: &Bound, objective: &str) -> String {
    let mut stack: Vec<String> = Vec::new();
    for operation in bound.operations() {
        let mut pop = || stack.pop().unwrap_or_default();
        let text = match operation {
            Operation::Constant(c) if *c < 0.0 => format!("({c:?})"),
            Operation::Constant(c) => format!("{c:?}"),
            Operation::Value => objective.to_owned(),
            Operation::Unary(f) => {
                let inner = pop();
                match f {
                    Unary::Negate => format!("(-{inner})"),
                    Unary::Sqrt => format!("sqrt({inner})"),
                    Unary::Exp => format!("exp({inner})"),
                    Unary::Log => format!("log({inner})"),
                    Unary::Abs => format!("abs({inner})"),
                }
            }
            Operation::Binary(f) => {
                let (right, left) = (pop(), pop());
                let sign = match f {
                    Binary::Add => "+",
                    Binary::Subtract => "-",
                    Binary::Multiply => "*",
                    Binary::Divide => "/",
                    Binary::Modulo => "mod",
                    Binary::Power => "^",
                    Binary::Min => "min",
                    Binary::Max => "max",
                };
                match f {
                    Binary::Min | Binary::Max => format!("{sign}({left}, {right})"),
                    _ => format!("({left} {sign} {right})"),
                }
            }
        };
        stack.push(text);
    }
    stack.pop().unwrap_or_default()
}

struct SpeltOut<'a>(&'a Experiment);

impl Display for SpeltOut<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Experiment { name, trials, seed, configurations } = self.0;
        let trials = if *trials == 1 { "one trial".to_owned() } else { format!("{trials} trials") };
        writeln!(out, "\n// experiment {}: {trials} from seed {seed} of", name.value)?;
        configurations.iter().try_for_each(|c| writeln!(out, "//   {}", c.label))
    }
}
