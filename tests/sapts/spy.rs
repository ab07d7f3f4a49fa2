//! A global solver that shows what it is told to learn.

use std::sync::{Arc, Mutex};

use optkit::{
    Archive, Begin, Column, Compact, Evaluated, Flow, LoadError, Lsr1, Lsr1Settings, Objective, Optimizer,
    Pass, Point, RadiusDriven, StartError, Status, TrustRegion, TrustRegionOptions,
};

/// What a solver was told, and made of it.
#[derive(Default)]
pub(crate) struct Told {
    /// s and y.
    pub(crate) pairs: Vec<(Vec<f64>, Vec<f64>)>,
    /// The pairs in its matrix, and that matrix, row by row.
    pub(crate) rank: usize,
    pub(crate) matrix: Vec<f64>,
}

/// A trust region with an L-SR1 model.
pub(crate) struct Spy {
    inner: TrustRegion,
    told: Arc<Mutex<Told>>,
}

impl Spy {
    pub(crate) fn new(options: TrustRegionOptions, memory: usize) -> (Self, Arc<Mutex<Told>>) {
        let told = Arc::new(Mutex::new(Told::default()));
        let lsr1 = Lsr1::new(Lsr1Settings { memory, ..Lsr1Settings::default() }).unwrap();
        (Self { inner: TrustRegion::new(options).with_model(lsr1), told: told.clone() }, told)
    }
}

/// γI + ΨMΨᵀ.
fn dense(b: &dyn Compact) -> Vec<f64> {
    let (n, k) = (b.dim(), b.rank());
    let column = |j: usize| -> Vec<f64> {
        match b.column(j) {
            Column::Pair { s, y } => y.iter().zip(s).map(|(y, s)| y - b.gamma() * s).collect(),
            Column::Vector(v) => v.to_vec(),
        }
    };
    let columns: Vec<_> = (0..k).map(column).collect();
    let mut matrix = vec![0.0; n * n];
    for r in 0..n {
        matrix[r * n + r] = b.gamma();
        for c in 0..n {
            for (i, u) in columns.iter().enumerate() {
                for (j, v) in columns.iter().enumerate() {
                    matrix[r * n + c] += u[r] * b.middle()[i * k + j] * v[c];
                }
            }
        }
    }
    matrix
}

impl Optimizer for Spy {
    fn start(
        &mut self,
        f: &mut dyn Objective,
        x: &[f64],
        known: Option<Evaluated<'_>>,
    ) -> Result<(), StartError> {
        self.inner.start(f, x, known)
    }
    fn prepare(&mut self, f: &mut dyn Objective) -> Result<(), Status> {
        self.inner.prepare(f)
    }
    fn step(&mut self, f: &mut dyn Objective) -> Flow {
        let flow = self.inner.step(f);
        self.told.lock().unwrap().rank = self.inner.model().map_or(0, Compact::rank);
        flow
    }
    fn current(&self) -> Point<'_> {
        self.inner.current()
    }
    fn samples_changed(&mut self, pass: Pass) {
        self.inner.samples_changed(pass);
    }
    fn save(&self, archive: &mut Archive) {
        self.inner.save(archive);
    }
    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.inner.load(archive)
    }
}

impl RadiusDriven for Spy {
    fn begin(&mut self, f: &mut dyn Objective, begin: Begin<'_>) -> Result<(), StartError> {
        self.inner.begin(f, begin)
    }
    fn set_cap(&mut self, cap: f64) {
        self.inner.set_cap(cap);
    }
    fn radius(&self) -> f64 {
        self.inner.radius()
    }
    fn learn_pair(&mut self, s: &[f64], y: &[f64], noise: f64) {
        self.inner.learn_pair(s, y, noise);
        let mut told = self.told.lock().unwrap();
        told.pairs.push((s.to_vec(), y.to_vec()));
        if s.len() < 50 {
            told.matrix = self.inner.model().map_or_else(Vec::new, dense);
        }
    }
    fn learn_own_pairs(&mut self, own: bool) {
        self.inner.learn_own_pairs(own);
    }
    fn learns(&self) -> bool {
        self.inner.learns()
    }
    fn model(&self) -> Option<&dyn Compact> {
        self.inner.model()
    }
}
