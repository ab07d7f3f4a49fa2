//! What a resumed run needs of APTS.

use optkit_core::{Archive, LoadError};

use super::Apts;

impl Apts {
    pub(super) fn save_to(&self, archive: &mut Archive) {
        archive.scope("global", |a| self.global.save(a));
        if let Some(sweep) = &self.sweep {
            archive.scope("sweep", |a| sweep.save(a));
        }
        self.save_overlap(archive);
        archive.put("best.x", self.best.0.clone());
        archive.put("scalars", vec![self.best.1, self.radius]);
        archive.put_integer("iteration", self.iteration);
    }

    pub(super) fn load_from(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.global.load(&archive.scoped("global"))?;
        if let Some(sweep) = &mut self.sweep {
            sweep.load(&archive.scoped("sweep"))?;
        }
        self.load_overlap(archive)?;
        let best = archive.array("best.x")?;
        let (got, expected) = (best.len(), self.half.len());
        if got != 0 && got != expected {
            return Err(LoadError::Length { name: "best.x".to_owned(), got, expected });
        }
        best.clone_into(&mut self.best.0);
        let mut scalars = [0.0; 2];
        archive.array_into("scalars", &mut scalars)?;
        [self.best.1, self.radius] = scalars;
        self.iteration = archive.integer("iteration")?;
        Ok(())
    }
}
