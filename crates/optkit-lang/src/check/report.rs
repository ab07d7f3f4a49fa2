//! `report`: which figures are drawn from the runs.

use optkit_core::vocabulary::Kind;

use super::{Checker, Declared};
use crate::ast::{Body, ExpressionKind, Written};
use crate::suggest::closest;
use crate::{Against, Band, Diagnostic, Report, Spanned, Value};

const SETTINGS: [&str; 5] = ["title", "show", "against", "band", "experiments"];

impl Checker<'_> {
    pub(super) fn report(&mut self, path: &Spanned<String>, body: &Body) -> Report {
        let mut report = Report {
            path: path.clone(),
            title: None,
            show: Vec::new(),
            against: Vec::new(),
            band: Band::MinMax,
            experiments: Vec::new(),
        };
        if !(path.value.ends_with(".html") && path.value.len() > ".html".len()) {
            self.push(
                Diagnostic::error("E0202", "a report is a page in HTML")
                    .label(path.span, "expected a name that ends in `.html`")
                    .help("write `report \"figures.html\"`; SVG, PNG and CSV files are put beside it"),
            );
        }
        for (index, entry) in body.entries.iter().enumerate() {
            let (key, span) = (entry.key.value.as_str(), entry.key.span);
            if let Some(first) = body.entries[..index].iter().find(|e| e.key.value == key) {
                let first = first.key.span;
                self.push(
                    Diagnostic::error("E0303", format!("`{key}` is given twice"))
                        .label(span, "given again here")
                        .label(first, "given here")
                        .help("remove one of them"),
                );
                continue;
            }
            let Some(written) = &entry.value else { continue };
            match key {
                "title" => {
                    if let Some(Spanned { value: Value::Text(text), .. }) =
                        self.value(written, Kind::Text, "title")
                    {
                        report.title = Some(text);
                    }
                }
                "show" => report.show = self.shown(written),
                "against" => report.against = self.against(written),
                "band" => report.band = self.band(written),
                "experiments" => report.experiments = self.experiments_named(written),
                _ => {
                    let d = Diagnostic::error("E0301", format!("`report` has no setting `{key}`"))
                        .label(span, "not a setting of `report`");
                    self.push(match closest(key, SETTINGS) {
                        Some(meant) => d.help(format!("did you mean `{meant}`?")),
                        None => d.help(format!("its settings are `{}`", SETTINGS.join("`, `"))),
                    });
                }
            }
        }
        report
    }

    /// The names in a list, each with its place.
    fn list_of_names(&mut self, written: &Written, what: &str) -> Vec<Spanned<String>> {
        let elements = match &written.expression.kind {
            ExpressionKind::List(elements) => elements.as_slice(),
            _ => std::slice::from_ref(written),
        };
        let mut names = Vec::with_capacity(elements.len());
        for element in elements {
            match element.expression.name().filter(|_| element.body.is_none()) {
                Some(name) => names.push(Spanned::new(name.to_owned(), element.span())),
                None => self.push(
                    Diagnostic::error("E0202", format!("`{what}` is a list of words"))
                        .label(element.span(), "this is no word")
                        .help(format!("write `{what} = [a, b]`")),
                ),
            }
        }
        names
    }

    fn shown(&mut self, written: &Written) -> Vec<String> {
        let mut shown = Vec::new();
        for name in self.list_of_names(written, "show") {
            let declared = self.names.use_of(&name.value);
            let known = matches!(declared, Some(Declared::Objective | Declared::Measure))
                || (declared.is_none() && ["loss", "gradient_norm"].contains(&name.value.as_str()));
            if known {
                shown.push(name.value);
            } else if declared != Some(Declared::Reported) {
                let measures: Vec<&str> = self.names.all(Declared::Measure).collect();
                let words = ["loss", "gradient_norm"];
                let all: Vec<String> = words.into_iter().chain(measures).map(|w| format!("`{w}`")).collect();
                self.push(
                    Diagnostic::error("E0304", format!("`{}` is nothing that runs record", name.value))
                        .label(name.span, "cannot be drawn")
                        .help(format!("these can: {}", all.join(", "))),
                );
            }
        }
        shown
    }

    fn against(&mut self, written: &Written) -> Vec<Against> {
        let mut axes = Vec::new();
        for name in self.list_of_names(written, "against") {
            match Against::WORDS.iter().find(|(word, _)| *word == name.value) {
                Some((_, axis)) => axes.push(*axis),
                None => self.push(
                    Diagnostic::error("E0202", format!("nothing is drawn against `{}`", name.value))
                        .label(name.span, "expected an axis")
                        .help("use `epochs`, `iterations`, `gradients` or `time`"),
                ),
            }
        }
        axes
    }

    fn band(&mut self, written: &Written) -> Band {
        let word = self.value(written, Kind::Word(&["min_max", "std", "none"]), "band");
        match word.map(|w| w.value) {
            Some(Value::Word(word)) if word == "std" => Band::Std,
            Some(Value::Word(word)) if word == "none" => Band::None,
            _ => Band::MinMax,
        }
    }

    fn experiments_named(&mut self, written: &Written) -> Vec<String> {
        let mut found = Vec::new();
        for name in self.list_of_names(written, "experiments") {
            if self.names.use_of(&name.value) == Some(Declared::Experiment) {
                found.push(name.value);
            } else {
                let error = self.names.mismatch(&name.value, name.span, Declared::Experiment);
                self.diagnostics.extend(error);
            }
        }
        found
    }
}
