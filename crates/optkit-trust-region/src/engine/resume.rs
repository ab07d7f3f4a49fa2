//! What a resumed run needs of an engine.

use optkit_core::{Archive, LoadError};

use super::TrustRegion;
use crate::passes::norm_inf;

impl TrustRegion {
    pub(super) fn save_to(&self, archive: &mut Archive) {
        archive.put("x", self.now.x.clone());
        if self.gradient_known {
            archive.put("gradient", self.now.gradient.clone());
        }
        if self.can_undo {
            archive.put("before.x", self.before.x.clone());
            archive.put("before.gradient", self.before.gradient.clone());
        }
        archive.put("scalars", vec![self.now.value, self.before.value, self.radius, self.cap]);
        self.setup.save(archive);
        archive.put_integer("iteration", self.iteration);
        archive.put_integer("gradient_known", u64::from(self.gradient_known));
        archive.put_integer("can_undo", u64::from(self.can_undo));
    }

    pub(super) fn load_from(&mut self, archive: &Archive) -> Result<(), LoadError> {
        let (n, expected) = (archive.array("x")?.len(), self.now.x.len());
        if expected != 0 && n != expected {
            return Err(LoadError::Length { name: "x".to_owned(), got: n, expected });
        }
        self.resize(n);
        archive.array_into("x", &mut self.now.x)?;
        self.now.size = norm_inf(&self.now.x);
        self.gradient_known = archive.integer("gradient_known")? != 0;
        if self.gradient_known {
            archive.array_into("gradient", &mut self.now.gradient)?;
            self.now.slope = norm_inf(&self.now.gradient);
        }
        self.can_undo = archive.integer("can_undo")? != 0;
        if self.can_undo {
            archive.array_into("before.x", &mut self.before.x)?;
            archive.array_into("before.gradient", &mut self.before.gradient)?;
            self.before.size = norm_inf(&self.before.x);
            self.before.slope = norm_inf(&self.before.gradient);
        }
        let mut scalars = [0.0; 4];
        archive.array_into("scalars", &mut scalars)?;
        [self.now.value, self.before.value, self.radius, self.cap] = scalars;
        self.setup.load(archive)?;
        self.iteration = archive.integer("iteration")?;
        Ok(())
    }
}
