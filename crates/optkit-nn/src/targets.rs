//! What a network should give for its samples.

use crate::SamplesError;
use crate::gather::copy_rows;
use crate::samples::whole;

/// What the network should give: a class a sample, or numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    pub(crate) kind: TargetKind,
    outputs: usize,
    /// ε of smoothed labels; 0 elsewhere.
    pub(crate) smoothing: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TargetKind {
    Labels(Vec<u32>),
    Values(Vec<f32>),
}

impl Targets {
    /// One label a sample, each below `classes`.
    pub fn labels(labels: &[u8], classes: usize) -> Result<Self, SamplesError> {
        Self::wide_labels(labels.iter().map(|&l| u32::from(l)).collect(), classes)
    }

    /// One label a sample, each below `classes`, where 256 classes are too few.
    pub fn wide_labels(labels: Vec<u32>, classes: usize) -> Result<Self, SamplesError> {
        if labels.is_empty() || classes == 0 {
            return Err(SamplesError::Empty { what: "labels" });
        }
        if let Some(sample) = labels.iter().position(|&label| label as usize >= classes) {
            return Err(SamplesError::LabelOutOfRange { sample, label: labels[sample], classes });
        }
        Ok(Self { kind: TargetKind::Labels(labels), outputs: classes, smoothing: 0.0 })
    }

    /// `outputs` numbers a sample, sample by sample.
    pub fn values(values: Vec<f32>, outputs: usize) -> Result<Self, SamplesError> {
        whole(values.len(), outputs)?;
        if let Some(index) = values.iter().position(|v| !v.is_finite()) {
            return Err(SamplesError::NotFinite { index, value: values[index] });
        }
        Ok(Self { kind: TargetKind::Values(values), outputs, smoothing: 0.0 })
    }

    /// With labels smoothed (Szegedy et al. 2016, as PyTorch's `label_smoothing`): of K classes the label's should have
    /// the probability 1 − ε + ε/K and every other ε/K, ε being `smoothing`, at least 0 and less than 1.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use optkit_core::Objective;
    /// use optkit_nn::{Layer, Loss, Network, NetworkObjective, Samples, Targets};
    ///
    /// let network = Network::new(vec![1], vec![Layer::Dense { outputs: 2 }])?;
    /// let samples = Arc::new(Samples::from_floats(vec![0.0], 1)?);
    /// let targets = Arc::new(Targets::labels(&[0], 2)?.smoothed(0.1)?);
    /// let mut f = NetworkObjective::<f64>::new(&network, Loss::CrossEntropy, samples, targets)?;
    /// // The smallest loss is where the outputs have the smoothed probabilities: 0.95 and 0.05.
    /// let mut gradient = [0.0; 4];
    /// f.value_gradient(&[0.0, 0.0, 0.95_f64.ln(), 0.05_f64.ln()], &mut gradient);
    /// assert!(gradient.iter().all(|g| g.abs() < 1e-12));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SamplesError::NeedsLabels`] where there are none, [`SamplesError::BadSmoothing`] where ε is no such number.
    pub fn smoothed(self, smoothing: f64) -> Result<Self, SamplesError> {
        if !matches!(self.kind, TargetKind::Labels(_)) {
            return Err(SamplesError::NeedsLabels { loss: "label smoothing" });
        }
        if !(0.0..1.0).contains(&smoothing) {
            return Err(SamplesError::BadSmoothing { smoothing });
        }
        Ok(Self { smoothing, ..self })
    }

    /// Room for `most` targets like these, empty.
    pub(crate) fn room(&self, most: usize) -> Self {
        let kind = match &self.kind {
            TargetKind::Labels(_) => TargetKind::Labels(Vec::with_capacity(most)),
            TargetKind::Values(_) => TargetKind::Values(Vec::with_capacity(most * self.outputs)),
        };
        Self { kind, outputs: self.outputs, smoothing: self.smoothing }
    }

    /// `to`, made by [`room`](Self::room) ← the targets `chosen`.
    pub(crate) fn copy_to(&self, chosen: &[u32], to: &mut Self) {
        match (&self.kind, &mut to.kind) {
            (TargetKind::Labels(from), TargetKind::Labels(to)) => copy_rows(from, 1, chosen, to),
            (TargetKind::Values(from), TargetKind::Values(to)) => {
                copy_rows(from, self.outputs, chosen, to);
            }
            _ => unreachable!("the room was made for these targets"),
        }
    }

    /// The number that output `column` of sample `row` should be; 1 or 0 where there are labels, or what smoothing makes of
    /// them.
    #[inline(always)]
    pub(crate) fn number(&self, row: usize, column: usize) -> f64 {
        match &self.kind {
            TargetKind::Labels(labels) => self.probability(labels[row] as usize == column),
            TargetKind::Values(values) => f64::from(values[row * self.outputs + column]),
        }
    }

    /// What a class should have as its probability: the label's, or another.
    #[inline(always)]
    pub(crate) fn probability(&self, of_label: bool) -> f64 {
        let other = self.smoothing / self.outputs as f64;
        if of_label { 1.0 - self.smoothing + other } else { other }
    }

    /// Number of samples.
    #[must_use]
    pub fn count(&self) -> usize {
        match &self.kind {
            TargetKind::Labels(labels) => labels.len(),
            TargetKind::Values(values) => values.len() / self.outputs,
        }
    }

    /// Number of outputs that the network must have.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }
}
