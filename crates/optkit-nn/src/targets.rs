//! What a network should give for its samples.

use crate::SamplesError;
use crate::gather::copy_rows;
use crate::samples::whole;

/// What the network should give: a class a sample, or numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    pub(crate) kind: TargetKind,
    outputs: usize,
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
        Ok(Self { kind: TargetKind::Labels(labels), outputs: classes })
    }

    /// `outputs` numbers a sample, sample by sample.
    pub fn values(values: Vec<f32>, outputs: usize) -> Result<Self, SamplesError> {
        whole(values.len(), outputs)?;
        if let Some(index) = values.iter().position(|v| !v.is_finite()) {
            return Err(SamplesError::NotFinite { index, value: values[index] });
        }
        Ok(Self { kind: TargetKind::Values(values), outputs })
    }

    /// Room for `most` targets like these, empty.
    pub(crate) fn room(&self, most: usize) -> Self {
        let kind = match &self.kind {
            TargetKind::Labels(_) => TargetKind::Labels(Vec::with_capacity(most)),
            TargetKind::Values(_) => TargetKind::Values(Vec::with_capacity(most * self.outputs)),
        };
        Self { kind, outputs: self.outputs }
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

    /// The number that output `column` of sample `row` should be; 1 or 0 where there are labels.
    #[inline(always)]
    pub(crate) fn number(&self, row: usize, column: usize) -> f32 {
        match &self.kind {
            TargetKind::Labels(labels) => f32::from(u8::from(labels[row] as usize == column)),
            TargetKind::Values(values) => values[row * self.outputs + column],
        }
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
