//! The loss of a network over all samples, as an objective.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use optkit_core::{
    Archive, Decomposition, GaussNewton, HessianProduct, LoadError, NoGaussNewton, Objective, Pass, Span,
    Subset, Unsupported, Work,
};

use crate::executor::Executor;
use crate::images::objective::Running;
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
    executor: Box<dyn Executor>,
    /// Samples that batch normalisations see together; none: all at hand.
    group: Option<usize>,
    numbers: PhantomData<S>,
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
        let group = network.normalised_together();
        Ok(Self { executor: S::executor(network, loss, samples, targets), group, numbers: PhantomData })
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
    /// Without a selected batch, image networks look at all samples in pieces that are no larger than the largest batch, in
    /// the room of one; batch normalisations see one piece at a time. Nothing is left behind: a gradient there computes the
    /// value anew.
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
        assert!(u32::try_from(self.samples()).is_ok(), "samples are numbered by 32 bits");
        Self { executor: self.executor.dealt(dealing, seed), ..self }
    }

    /// The running averages of batch normalisations, in the order of [`Network::buffers`]. They move where an optimizer
    /// [accepts](Objective::accept) a point; [`Accuracy`](crate::Accuracy) reads them.
    #[must_use]
    pub fn running(&self) -> RunningAverages {
        self.executor.running()
    }

    /// With outputs of batch normalisations computed again where they are read, rather than kept, if the activations of a
    /// mini-batch take more than `bytes` otherwise (512 MiB unless this is called). It changes no result; of a residual
    /// network it saves a third of the memory, for a pass through it.
    #[must_use]
    pub fn sparing_beyond(mut self, bytes: usize) -> Self {
        self.executor.spare_beyond(bytes);
        self
    }

    /// With the samples at hand evaluated in *micro-batches* of at most `most`, one after another: activations are held of
    /// one at a time. Losses, gradients and running averages are the same up to the order of sums. A gradient at the
    /// point of the last value computes that again, and so does a part of a decomposition all that it reads.
    ///
    /// Micro-batches hold whole groups of what batch normalisations see together
    /// ([`Network::normalised_together`]), so `most` is rounded down to these. Chains of dense layers are evaluated block by
    /// block anyway, and stay as they are.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use optkit_core::Objective;
    /// use optkit_nn::{Layer, Loss, Network, NetworkObjective, Samples, Targets};
    ///
    /// let network = Network::new(vec![2], vec![Layer::Dense { outputs: 2 }, Layer::Gelu])?;
    /// let samples = Arc::new(Samples::from_floats((0..20).map(|i| 0.1 * i as f32).collect(), 2)?);
    /// let targets = Arc::new(Targets::labels(&[0, 1, 0, 1, 0, 1, 0, 1, 0, 1], 2)?);
    /// let made = || NetworkObjective::<f64>::new(&network, Loss::CrossEntropy, samples.clone(), targets.clone());
    /// let (mut whole, mut pieces) = (made()?, made()?.in_micro_batches(3)?);
    /// let x = network.initial(0);
    /// assert!((whole.value(&x) - pieces.value(&x)).abs() < 1e-14);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where a batch normalisation sees the whole mini-batch, or more samples than `most`.
    pub fn in_micro_batches(mut self, most: usize) -> Result<Self, SamplesError> {
        let group = self.group.ok_or(SamplesError::NormalisedTogether)?;
        if most < group {
            return Err(SamplesError::MicroBatch { group, most });
        }
        self.executor.evaluate_at_most(most / group * group);
        Ok(self)
    }

    /// With these running averages, as they are and will be.
    #[must_use]
    pub fn with_running(mut self, averages: &RunningAverages) -> Self {
        self.executor.set_running(averages);
        self
    }

    /// Number of samples.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.executor.samples()
    }
}

/// Whether the network takes the samples and gives what the targets need.
pub(crate) fn fits(network: &Network, samples: &Samples, targets: &Targets) -> Result<(), SamplesError> {
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

/// Running averages of batch normalisations, shared between an objective, which moves them, and what reads them.
#[derive(Clone, Debug, Default)]
pub struct RunningAverages(pub(crate) Running);

impl RunningAverages {
    /// What the averages of `network` begin as.
    ///
    /// ```
    /// use optkit_nn::{BatchNorm, Layer, Network, RunningAverages};
    /// let network = Network::new(vec![2], vec![Layer::BatchNorm(BatchNorm::default())])?;
    /// assert_eq!(RunningAverages::new(&network).values(), [0.0, 0.0, 1.0, 1.0]); // means, then variances
    /// # Ok::<(), optkit_nn::NetworkError>(())
    /// ```
    #[must_use]
    pub fn new(network: &Network) -> Self {
        let mut values = vec![0.0; network.graph().buffers()];
        for buffer in network.buffers() {
            values[buffer.range].fill(buffer.start);
        }
        Self(Arc::new(Mutex::new(values)))
    }

    /// The averages, in the order of [`Network::buffers`].
    #[must_use]
    pub fn values(&self) -> Vec<f64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Set the averages, in the order of [`Network::buffers`].
    ///
    /// # Panics
    ///
    /// Where `values` are not as many as the network has.
    pub fn set(&self, values: &[f64]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).copy_from_slice(values);
    }
}

impl<S: Scalar> Objective for NetworkObjective<S> {
    fn dim(&self) -> usize {
        self.executor.dim()
    }

    fn value(&mut self, x: &[f64]) -> f64 {
        self.executor.value(x)
    }

    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.executor.value_gradient(x, gradient)
    }

    fn noise(&self) -> f64 {
        S::NOISE
    }

    /// What earlier evaluations left behind is forgotten. Where there are no mini-batches, and for a first few, every
    /// pass sees all samples.
    fn select(&mut self, pass: Pass) {
        self.executor.select(pass);
    }

    /// Of samples that a batch has more than once, too, one each. Batch normalisations see the shared samples alone; crops,
    /// mirrors and dropout masks are those of `pass`.
    ///
    /// # Panics
    ///
    /// Where there is no such batch.
    fn select_shared(&mut self, pass: Pass, other: Pass) -> Option<usize> {
        self.executor.select_shared(pass, other)
    }

    fn batches(&self) -> usize {
        self.executor.batches()
    }

    /// Of chains of dense layers, along one direction only.
    fn span(&mut self, x: &[f64], directions: &[&[f64]]) -> Option<&mut dyn Span> {
        self.executor.span(x, directions)
    }

    /// Of chains of dense layers, by the R-operator; nothing of the forward pass repeated at the last point.
    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        self.executor.hessian_product()
    }

    /// Running averages of batch normalisations move here.
    fn accept(&mut self, x: &[f64]) {
        self.executor.accept(x);
    }

    /// Any subsets; those that are unions of whole tensors waste nothing.
    fn decompose(&self, parts: &[Subset]) -> Result<Box<dyn Decomposition>, Unsupported> {
        self.executor.decompose(parts)
    }

    /// Over all samples; parts are unions of whole tensors.
    fn gauss_newton(&self, parts: &[Subset]) -> Result<Box<dyn GaussNewton>, NoGaussNewton> {
        self.executor.gauss_newton(parts)
    }

    fn work(&self) -> Work {
        self.executor.work()
    }

    fn save(&self, archive: &mut Archive) {
        self.executor.save(archive);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.executor.load(archive)
    }
}
