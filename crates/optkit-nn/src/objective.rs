//! The loss of a network over all samples, as an objective.

use std::sync::Arc;

use optkit_core::{
    Archive, Decomposition, GaussNewton, HessianProduct, LoadError, NoGaussNewton, Objective, Pass,
    Samples as Seen, Span, Subset, Unsupported, Work,
};

use crate::batches::{self, Batches};
use crate::decomposition::{BatchDecomposition, NetworkDecomposition};
use crate::evaluator::{Evaluator, Published};
use crate::gauss_newton::NetworkGaussNewton;
use crate::head::Head;
use crate::model::Model;
use crate::plan::{Plan, Scope};
use crate::targets::TargetKind;
use crate::{Dealing, Loss, Network, Samples, SamplesError, Scalar, Targets};

/// f(θ): the mean loss of a network with parameters θ over all samples, and its gradient.
///
/// `S` is what it computes with: `f32` (the default; the loss is still summed in `f64`) or `f64`, to check gradients.
/// Evaluations run in the rayon pool that they are called from; results do not depend on its number of threads, to
/// the bit. After the first evaluations nothing is allocated when called inside a pool.
///
/// ```
/// use std::sync::Arc;
/// use optkit_core::Objective;
/// use optkit_nn::{Layer, Loss, Network, NetworkObjective, Samples, Targets};
///
/// let network = Network::new(vec![2], vec![Layer::Dense { outputs: 2 }])?;
/// let samples = Arc::new(Samples::from_floats(vec![1.0, 0.0, 0.0, 1.0], 2)?);
/// let targets = Arc::new(Targets::labels(&[0, 1], 2)?);
/// let mut f: NetworkObjective = NetworkObjective::new(&network, Loss::CrossEntropy, samples, targets)?;
/// let mut gradient = vec![0.0; f.dim()];
/// let loss = f.value_gradient(&[0.0; 6], &mut gradient);
/// assert!((loss - 2_f64.ln()).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct NetworkObjective<S: Scalar = f32> {
    evaluator: Evaluator<S>,
    published: Published<S>,
    batches: Option<Box<Batches<S>>>,
}

impl<S: Scalar> NetworkObjective<S> {
    /// The loss of `network` on `samples` against `targets`.
    pub fn new(
        network: &Network,
        loss: Loss,
        samples: Arc<Samples>,
        targets: Arc<Targets>,
    ) -> Result<Self, SamplesError> {
        if loss == Loss::CrossEntropy && !matches!(targets.kind, TargetKind::Labels(_)) {
            return Err(SamplesError::NeedsLabels { loss: loss.name() });
        }
        if let (Loss::BinaryCrossEntropy, TargetKind::Values(values)) = (loss, &targets.kind)
            && let Some(index) = values.iter().position(|t| !(0.0..=1.0).contains(t))
        {
            return Err(SamplesError::NoProbability { index, value: values[index] });
        }
        fits(network, &samples, &targets)?;
        let model = Model::new(Plan::new(network, Some(loss)), samples, targets, Head::Loss(loss));
        let scope = Scope::whole(&model.plan);
        let published = Published::default();
        let evaluator = Evaluator::new(Arc::new(model), scope, Some(published.clone()));
        Ok(Self { evaluator, published, batches: None })
    }

    /// With the samples dealt to mini-batches of `size`, as [`dealt`](Self::dealt) says; the last batch of an epoch may be
    /// smaller.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use optkit_core::{Objective, Pass, Samples as Seen};
    /// use optkit_nn::{Layer, Loss, Network, NetworkObjective, Samples, Targets};
    ///
    /// let network = Network::new(vec![1], vec![Layer::Dense { outputs: 2 }])?;
    /// let samples = Arc::new(Samples::from_floats((0..10).map(|i| i as f32).collect(), 1)?);
    /// let targets = Arc::new(Targets::labels(&[0, 1, 0, 1, 0, 1, 0, 1, 0, 1], 2)?);
    /// let f: NetworkObjective = NetworkObjective::new(&network, Loss::CrossEntropy, samples, targets)?;
    /// let mut f = f.in_batches(4, 0);
    /// assert_eq!(f.batches(), 3);
    /// let (x, mut gradient) = (network.initial(1), vec![0.0; f.dim()]);
    /// let mut sum = 0.0;
    /// for (batch, of_samples) in [(0, 4.0), (1, 4.0), (2, 2.0)] {
    ///     f.select(Pass { epoch: 0, samples: Seen::Batch(batch) });
    ///     sum += of_samples * f.value_gradient(&x, &mut gradient);
    /// }
    /// assert_eq!(f.work().gradient_equivalents, 1.0);
    /// f.select(Pass::default());
    /// assert!((f.value(&x) - sum / 10.0).abs() < 1e-6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Where `size` is 0, or there are 2³² samples or more.
    #[must_use]
    pub fn in_batches(self, size: usize, seed: u64) -> Self {
        assert!(size > 0, "a batch has at least one sample");
        self.dealt(Dealing::Of(size), seed)
    }

    /// With the samples dealt to mini-batches, anew in every epoch by an order that depends on `seed` and the epoch alone.
    /// Where a batch would hold all samples there is one batch, of all samples.
    ///
    /// A batch that is [selected](Objective::select) is what values, gradients, lines and products are of: its mean
    /// loss, at a cost of its share of the samples. So is a decomposition that is frozen while it is selected.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use optkit_core::Objective;
    /// # use optkit_nn::{Dealing, Layer, Loss, Network, NetworkObjective, Samples, Targets};
    /// # let network = Network::new(vec![1], vec![Layer::Dense { outputs: 2 }])?;
    /// # let samples = Arc::new(Samples::from_floats((0..100).map(|i| i as f32).collect(), 1)?);
    /// # let targets = Arc::new(Targets::labels(&[0; 100], 2)?);
    /// let f: NetworkObjective = NetworkObjective::new(&network, Loss::CrossEntropy, samples, targets)?;
    /// let f = f.dealt(Dealing::Overlapping { parts: 5, overlap: 0.1 }, 0);
    /// assert_eq!(f.batches(), 5); // of 20 + 4·2 samples
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Where there are 2³² samples or more.
    #[must_use]
    pub fn dealt(self, dealing: Dealing, seed: u64) -> Self {
        let model = &self.evaluator.model;
        assert!(u32::try_from(model.samples.count()).is_ok(), "samples are numbered by 32 bits");
        let several = dealing.count(model.samples.count()) > 1;
        let batches = several.then(|| Box::new(Batches::new(model, dealing, seed)));
        Self { batches, ..self }
    }

    /// What evaluates the samples that are selected.
    fn selected(&mut self) -> &mut Evaluator<S> {
        match &mut self.batches {
            Some(batches) if batches.is_selected() => &mut batches.evaluator,
            _ => &mut self.evaluator,
        }
    }

    /// Number of samples.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.evaluator.model.samples.count()
    }
}

/// Whether the network takes the samples and gives what the targets need.
pub(crate) fn fits(network: &Network, samples: &Samples, targets: &Targets) -> Result<(), SamplesError> {
    if let Some(layer) = network.not_a_chain() {
        return Err(SamplesError::NotComputed { layer: layer.entry().name });
    }
    if network.inputs() != samples.features() {
        return Err(SamplesError::WrongInput { expected: network.inputs(), got: samples.features() });
    }
    if network.outputs() != targets.outputs() {
        return Err(SamplesError::WrongOutput { expected: targets.outputs(), got: network.outputs() });
    }
    if samples.count() != targets.count() {
        return Err(SamplesError::CountsDiffer { samples: samples.count(), targets: targets.count() });
    }
    if network.dim() == 0 {
        return Err(SamplesError::NoParameters);
    }
    Ok(())
}

impl<S: Scalar> Objective for NetworkObjective<S> {
    fn dim(&self) -> usize {
        self.evaluator.model.plan.dim
    }

    fn value(&mut self, x: &[f64]) -> f64 {
        self.selected().value(x, x)
    }

    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.selected().value_gradient(x, x, gradient)
    }

    fn noise(&self) -> f64 {
        S::NOISE
    }

    /// What earlier evaluations left behind is forgotten. Where there are no mini-batches, and for a first few, every
    /// pass sees all samples.
    fn select(&mut self, pass: Pass) {
        self.evaluator.forget();
        if let Some(batches) = &mut self.batches {
            match pass.samples {
                Seen::Batch(batch) => batches.select(pass.epoch, batch),
                Seen::All | Seen::First(_) => batches.select_none(),
            }
        }
    }

    fn batches(&self) -> usize {
        self.batches.as_ref().map_or(1, |batches| batches.count())
    }

    /// Along one direction only.
    fn span(&mut self, x: &[f64], directions: &[&[f64]]) -> Option<&mut dyn Span> {
        let [direction] = directions else { return None };
        self.selected().begin_line(x, direction).then_some(self as &mut dyn Span)
    }

    /// By the R-operator; nothing of the forward pass repeated at the last point.
    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        Some(self)
    }

    /// Any subsets; those that are unions of whole tensors waste nothing.
    fn decompose(&self, parts: &[Subset]) -> Result<Box<dyn Decomposition>, Unsupported> {
        if parts.is_empty() || parts.iter().any(|p| p.dim() != self.dim()) {
            return Err(Unsupported);
        }
        let (model, published, parts) =
            (self.evaluator.model.clone(), self.published.clone(), parts.to_vec());
        let Some(batches) = &self.batches else {
            return Ok(Box::new(NetworkDecomposition::new(model, published, &parts)));
        };
        let (room, left) = (&batches.evaluator.model, batches.published.clone());
        let of_batch = NetworkDecomposition::of_batches(&model, room, left, &parts);
        let make_all = move || NetworkDecomposition::new(model.clone(), published.clone(), &parts);
        Ok(Box::new(BatchDecomposition::new(batches.shown.clone(), of_batch, Box::new(make_all))))
    }

    /// Parts are unions of whole tensors.
    fn gauss_newton(&self, parts: &[Subset]) -> Result<Box<dyn GaussNewton>, NoGaussNewton> {
        Ok(Box::new(NetworkGaussNewton::new(self.evaluator.model.clone(), parts)?))
    }

    fn work(&self) -> Work {
        self.evaluator.work + self.batches.as_ref().map_or_else(Work::default, |batches| batches.work())
    }

    fn save(&self, archive: &mut Archive) {
        self.evaluator.save(archive);
        if let Some(batches) = &self.batches {
            archive.scope("batches", |archive| batches.save(archive));
        }
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        let saved = archive.scoped("batches");
        match &mut self.batches {
            Some(batches) => batches.load(&saved)?,
            None if saved.integer("size").is_ok() => batches::fits(&saved, Dealing::Of(self.samples()))?,
            None => {}
        }
        self.evaluator.load(archive)
    }
}

/// Where a relu has a kink, its slope there is taken to be 0, as in the gradient.
impl<S: Scalar> HessianProduct for NetworkObjective<S> {
    fn apply(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.selected().hessian_product(x, x, v, product);
    }
}

impl<S: Scalar> Span for NetworkObjective<S> {
    fn value(&mut self, coefficients: &[f64], point: &[f64]) -> f64 {
        self.selected().value_on_line(coefficients[0], point, point)
    }
}
