//! From network, data and loss in a file to an objective.

mod bind;
mod data;
mod declared;

use std::path::PathBuf;

use optkit_core::Optimizer;
use optkit_data::{Dataset, Fetch, Locations};
use optkit_lang::{Data, Diagnostic, Method, ObjectiveKind, Problem, Span, Split, Value};
use optkit_nn::{Dealing, Loss, Network};

use super::LoadPlanError;
use crate::weights::Weights;

pub use data::Pixels;
pub(super) use data::Prepared;
pub(crate) use declared::build;

/// The measure that there is.
const ACCURACY: &str = "accuracy";

/// Settings of a dataset that say how many samples are wanted, to train and to test on.
const FIRST: [&str; 2] = ["train_samples", "test_samples"];

/// What is known of samples before they are read, or from them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// How many there are to train and to test on.
    pub(super) counts: [usize; 2],
    /// Share of their bytes that are not zero; 1 where they are kept as they are.
    pub(super) nonzero: f64,
}

/// What computes a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Our own kernels.
    Native,
    /// dfdx.
    Dfdx,
}

/// A loss of a network on a dataset, described.
#[derive(Clone, Debug)]
pub struct NetworkSubject {
    /// The network.
    pub network: Network,
    /// Its declared name.
    pub name: String,
    /// The loss.
    pub loss: Loss,
    /// ε of smoothed labels; 0 where they are not.
    pub smoothing: f64,
    /// c of the c/2 ‖θ‖² that is added to the loss.
    pub weight_decay: f64,
    /// The dataset's word: `mnist`.
    pub dataset: String,
    /// Its operand: the folder of `idx("folder")`.
    pub folder: Option<String>,
    /// What becomes of the bytes of images.
    pub pixels: Pixels,
    /// How many samples of the training and of the test set, the first of them; all where it is not said.
    pub first: [Option<usize>; 2],
    /// Which samples are trained on.
    pub split: Split,
    /// How samples are dealt to mini-batches; every iteration sees all of them where there is none.
    pub batch: Option<Dealing>,
    /// Double precision.
    pub double: bool,
    /// What computes it.
    pub backend: Backend,
    /// Name and samples of each measure.
    pub measures: Vec<(String, Split)>,
    /// The file of the weights that it begins with; drawn by the seed where there is none.
    pub weights: Option<PathBuf>,
    /// Where the `input` line and the last layer stand, for what only the data can tell.
    places: Box<Places>,
}

#[derive(Clone, Copy, Debug)]
struct Places {
    input: Span,
    last: Span,
    batch: Span,
    first: [Span; 2],
}

/// Describes the objective; shapes are checked against the dataset where its shape is known without its files.
pub(super) fn subject(problem: &Problem) -> Result<NetworkSubject, Vec<Diagnostic>> {
    let ObjectiveKind::NetworkLoss { loss, network, data, split, settings, .. } = &problem.objective.kind
    else {
        unreachable!("called for network losses only");
    };
    let declared = problem.network(network).expect("the checker resolves networks");
    let data = problem.data(data).expect("the checker resolves data");
    let mut found = Vec::new();
    let built = declared::build(declared).map_err(|d| vec![d])?;
    let word = &data.dataset.name.value;
    let places = Box::new(Places {
        input: declared.layers.first().map_or(declared.name.span, optkit_lang::Layer::span),
        last: declared.layers.last().map_or(declared.name.span, optkit_lang::Layer::span),
        batch: data.dataset.settings.span("batch").unwrap_or(data.dataset.name.span),
        first: FIRST.map(|key| data.dataset.settings.span(key).unwrap_or(data.dataset.name.span)),
    });
    let measures = measures(problem, network, &data.name.value, &mut found);
    let backend = backend(problem, &mut found);
    let double = problem.run.word("precision") == Some("f64");
    if backend == Backend::Dfdx && double {
        let span = problem.run.span("precision").unwrap_or_default();
        found.push(
            Diagnostic::error("E0811", "backend `dfdx` computes in f32 only")
                .label(span, "this precision")
                .help("use `precision = f32`, or `backend = native`"),
        );
    }
    let batch = data::dealing(&data.dataset.settings);
    found.extend(data::idle_augmentation(&data.dataset.settings, batch));
    if backend == Backend::Dfdx && batch.is_some() {
        found.push(
            Diagnostic::error("E0817", "backend `dfdx` has no mini-batches")
                .label(places.batch, "samples of a mini-batch")
                .help("remove `batch`, or use `backend = native`"),
        );
    }
    if backend == Backend::Dfdx && loss.value == Loss::BinaryCrossEntropy.name() {
        found.push(
            Diagnostic::error("E0822", format!("backend `dfdx` has no loss `{}`", loss.value))
                .label(loss.span, "this loss")
                .help("use `backend = native`"),
        );
    }
    let smoothing = settings.real("smoothing").unwrap_or(0.0);
    if backend == Backend::Dfdx && smoothing > 0.0 {
        found.push(
            Diagnostic::error("E0822", "backend `dfdx` has no smoothed labels")
                .label(settings.span("smoothing").unwrap_or(loss.span), "this setting")
                .help("remove it, or use `backend = native`"),
        );
    }
    if backend == Backend::Dfdx
        && let Some((index, layer)) = built.not_on_dfdx()
    {
        let title = format!("backend `dfdx` has no layer `{layer}`: it computes dense networks");
        let help = "use `backend = native`, or `flatten`, `dense`, `relu`, `sigmoid`, `tanh` and `log_softmax` alone";
        found.push(declared::refusal(declared, index, Diagnostic::error("E0826", title)).help(help));
    }
    let weights = problem.run.text("weights").map(PathBuf::from);
    if let Some(Err(error)) = weights.as_ref().map(|path| Weights::read(path, &built)) {
        let span = problem.run.span("weights").unwrap_or_default();
        found.push(Diagnostic::error("E0824", error.to_string()).label(span, "these weights"));
    }
    let subject = NetworkSubject {
        network: built,
        name: network.clone(),
        loss: Loss::from_word(&loss.value).expect("the vocabulary lists available losses only"),
        smoothing,
        weight_decay: settings.real("weight_decay").unwrap_or(0.0),
        dataset: word.clone(),
        folder: folder(data),
        pixels: Pixels::of(&data.dataset.settings),
        first: FIRST.map(|key| data.dataset.settings.integer(key).and_then(|n| usize::try_from(n).ok())),
        split: *split,
        batch,
        double,
        backend,
        measures,
        weights,
        places,
    };
    if let Some(outline) = optkit_data::shape_hint(word) {
        found.extend(subject.fits(outline.shape, outline.classes).err());
        found.extend(subject.has_as_many([outline.train_samples, outline.test_samples]).err());
    }
    if found.is_empty() { Ok(subject) } else { Err(found) }
}

/// The measures, of the network that is trained and on the data that it is trained on.
fn measures(
    problem: &Problem,
    network: &str,
    data: &str,
    found: &mut Vec<Diagnostic>,
) -> Vec<(String, Split)> {
    let mut measures = Vec::new();
    for measure in &problem.measures {
        let name = &measure.name;
        if measure.network != network {
            found.push(
                Diagnostic::error("E0810", format!("measure `{}` looks at another network", name.value))
                    .label(name.span, format!("on `{}`", measure.network))
                    .help(format!("measure the network that is trained: `{network}`")),
            );
        }
        if measure.data != data {
            found.push(
                Diagnostic::error("E0810", format!("measure `{}` looks at other data", name.value))
                    .label(name.span, format!("on `{}`", measure.data))
                    .help(format!("measure on `{data}.train` or `{data}.test`")),
            );
        }
        if measure.measure.value != ACCURACY {
            let word = &measure.measure;
            found.push(
                Diagnostic::error(
                    "E0810",
                    format!("measure `{}` is of a loss, which is no measure yet", name.value),
                )
                .label(word.span, "this loss")
                .help(format!("measure `{ACCURACY}`")),
            );
        }
        measures.push((name.value.clone(), measure.split));
    }
    measures
}

fn folder(data: &Data) -> Option<String> {
    data.dataset.operands.iter().find_map(|(_, value)| match &value.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    })
}

fn backend(problem: &Problem, found: &mut Vec<Diagnostic>) -> Backend {
    if problem.run.word("backend") != Some("dfdx") {
        return Backend::Native;
    }
    if cfg!(not(feature = "dfdx")) {
        let span = problem.run.span("backend").unwrap_or_default();
        found.push(
            Diagnostic::error("E0812", "this optkit was built without the dfdx backend")
                .label(span, "this backend")
                .help("build with `cargo build --release --features dfdx`, or use `backend = native`"),
        );
    }
    Backend::Dfdx
}

impl NetworkSubject {
    /// Input and output against what the data have.
    fn fits(&self, shape: &[usize], classes: usize) -> Result<(), Diagnostic> {
        let written = |shape: &[usize]| shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
        // Values of an image of one channel are the same with its channel spelt out.
        let same = match self.network.input() {
            [1, extents @ ..] if shape.len() == 2 => extents == shape,
            input => input == shape,
        };
        if !same {
            return Err(Diagnostic::error(
                "E0809",
                format!(
                    "network `{}` takes {}, but a sample of `{}` is {}",
                    self.name,
                    written(self.network.input()),
                    self.dataset,
                    written(shape)
                ),
            )
            .label(self.places.input, "this input")
            .help(format!("write `input {}`", written(shape))));
        }
        // More outputs than classes are learnt to be small: torchvision's networks have 1,000.
        if self.network.outputs() < classes {
            return Err(Diagnostic::error(
                "E0809",
                format!(
                    "network `{}` has {} outputs, but `{}` has {classes} classes",
                    self.name,
                    self.network.outputs(),
                    self.dataset
                ),
            )
            .label(self.places.last, "the last layer")
            .help(format!("end the network with `dense {classes}`")));
        }
        Ok(())
    }

    /// Whether there are as many samples to train and to test on as are asked for.
    fn has_as_many(&self, available: [usize; 2]) -> Result<(), Diagnostic> {
        for ((key, wanted), (available, place)) in
            FIRST.iter().zip(self.first).zip(available.into_iter().zip(self.places.first))
        {
            if wanted.is_some_and(|wanted| wanted > available) {
                let what = if *key == FIRST[0] { "train" } else { "test" };
                let title = format!("`{}` has {available} samples to {what} on", self.dataset);
                return Err(Diagnostic::error("E0825", title)
                    .label(place, "more than there are")
                    .help("ask for less, or leave it out for all"));
            }
        }
        Ok(())
    }

    /// The dataset, checked against the network.
    fn dataset(&self, locations: &Locations, fetch: Fetch<'_>) -> Result<Dataset, LoadPlanError> {
        let mut dataset = optkit_data::load(&self.dataset, self.folder.as_deref(), locations, fetch)?;
        let counts = [dataset.train.samples, dataset.test.samples];
        let fits = self.fits(&dataset.shape, dataset.classes).and_then(|()| self.has_as_many(counts));
        fits.map_err(|d| LoadPlanError::Fit(Box::new(d)))?;
        for (split, wanted) in [&mut dataset.train, &mut dataset.test].into_iter().zip(self.first) {
            wanted.into_iter().for_each(|wanted| split.keep_first(wanted));
        }
        Ok(dataset)
    }
}

impl NetworkSubject {
    /// What computes the network, in a few words.
    #[must_use]
    pub fn arithmetic(&self) -> String {
        match (self.backend, self.double) {
            (Backend::Dfdx, _) => "dfdx f32".to_owned(),
            (Backend::Native, true) => "native f64".to_owned(),
            (Backend::Native, false) => format!("native f32 ({})", optkit_nn::kernel().name()),
        }
    }

    /// Sizes of the parameter tensors, in order.
    pub(super) fn tensor_sizes(&self) -> Vec<usize> {
        self.network.tensors().iter().map(|t| t.range.len()).collect()
    }

    /// Samples trained on, where they are known without the data; 0 elsewhere.
    pub(super) fn samples_hint(&self) -> usize {
        self.counts_hint().map_or(0, |[train, test]| if self.split == Split::Train { train } else { test })
    }

    /// Samples to train and to test on, where they are known without the data.
    pub(super) fn counts_hint(&self) -> Option<[usize; 2]> {
        let outline = optkit_data::shape_hint(&self.dataset)?;
        let [train, test] = self.first;
        let count = |all: usize, first: Option<usize>| first.map_or(all, |first| first.min(all));
        Some([count(outline.train_samples, train), count(outline.test_samples, test)])
    }

    /// What is known of the samples without the data.
    pub(super) fn hint(&self) -> Option<Known> {
        let counts = self.counts_hint()?;
        let nonzero =
            if self.pixels.keeps_zeros() { optkit_data::shape_hint(&self.dataset)?.nonzero } else { 1.0 };
        Some(Known { counts, nonzero })
    }

    /// Whether so many samples are dealt to more than one batch.
    pub(super) fn is_dealt(&self, samples: usize) -> bool {
        self.batch.is_some_and(|dealing| samples == 0 || dealing.count(samples) > 1)
    }

    /// Samples of the largest batch of so many.
    pub(super) fn dealt(&self, samples: usize) -> usize {
        self.batch.map_or(samples, |dealing| dealing.largest(samples))
    }

    /// Whether it is computed stage by stage over all samples at hand, as networks with convolutions, normalisations or
    /// skips are, and not sample by sample.
    pub(super) fn by_stages(&self) -> bool {
        self.backend == Backend::Native && !self.network.is_chain()
    }

    /// Of `samples` trained on, those whose activations are in memory together.
    pub(super) fn together(&self, samples: usize) -> usize {
        match self.batch {
            Some(_) if self.by_stages() && samples > 0 => self.dealt(samples),
            _ => samples,
        }
    }

    /// Where it is said how samples are dealt to mini-batches.
    pub(super) fn batch_place(&self) -> Span {
        self.places.batch
    }

    /// Refuses a method that needs all samples at every step where there are mini-batches.
    pub(super) fn suits(&self, method: &Method, made: &dyn Optimizer) -> Result<(), Diagnostic> {
        if !self.is_dealt(self.samples_hint()) || made.takes_batches() {
            return Ok(());
        }
        Err(Diagnostic::error(
            "E0818",
            format!(
                "`{}` needs all samples at every step, and mini-batches are asked for",
                method.name.value
            ),
        )
        .label(self.places.batch, "samples of a mini-batch")
        .label(method.name.span, "this method")
        .help("remove `batch`, or choose a method of mini-batches: `sgd`, `adam`, `apts`"))
    }
}
