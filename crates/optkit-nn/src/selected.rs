//! Which of the samples evaluations see, where not all of them.

use optkit_core::{Archive, LoadError, Pass, Samples};

/// Batch `batch` of epoch `epoch`, or of its samples those that another batch has too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Selected {
    /// What shuffles, masks and shifts depend on.
    pub(crate) epoch: u64,
    pub(crate) batch: usize,
    /// Epoch and number of the other batch.
    pub(crate) shared_with: Option<(u64, usize)>,
}

impl Selected {
    /// None: all samples.
    pub(crate) fn of(pass: Pass) -> Option<Self> {
        match pass.samples {
            Samples::Batch(batch) => Some(Self { epoch: pass.epoch, batch, shared_with: None }),
            Samples::All | Samples::First(_) => None,
        }
    }

    /// What two mini-batches share; none where one of them is no mini-batch.
    pub(crate) fn shared(pass: Pass, other: Pass) -> Option<Self> {
        let other = Self::of(other)?;
        Some(Self { shared_with: Some((other.epoch, other.batch)), ..Self::of(pass)? })
    }

    pub(crate) fn save(selected: Option<Self>, archive: &mut Archive) {
        archive.put_integer("selected", u64::from(selected.is_some()));
        archive.put_integer("epoch", selected.map_or(0, |selected| selected.epoch));
        archive.put_integer("batch", selected.map_or(0, |selected| selected.batch as u64));
        if let Some((epoch, batch)) = selected.and_then(|selected| selected.shared_with) {
            archive.put_integer("shared.epoch", epoch);
            archive.put_integer("shared.batch", batch as u64);
        }
    }

    pub(crate) fn load(archive: &Archive) -> Result<Option<Self>, LoadError> {
        if archive.integer("selected")? == 0 {
            return Ok(None);
        }
        let shared_with = match archive.integer("shared.epoch") {
            Ok(epoch) => Some((epoch, archive.integer("shared.batch")? as usize)),
            Err(_) => None, // a batch as it is
        };
        let (epoch, batch) = (archive.integer("epoch")?, archive.integer("batch")? as usize);
        Ok(Some(Self { epoch, batch, shared_with }))
    }
}
