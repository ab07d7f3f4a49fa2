//! How many numbers the parts of a sweep hold, and APTS over them.

use optkit_core::{RadiusDriven, Shape, Storage, Turns};

use crate::{MakeSolver, Options, PairsFrom, Partition};

/// Of a sweep over `partition`, whose solvers begin with a matrix of so many columns.
pub(crate) fn of_sweep(
    partition: &Partition,
    make_local: &MakeSolver,
    of: Shape,
    columns: usize,
) -> Option<Storage> {
    // Where a part begins and its gradient there; of solvers that take turns, also the vectors that they work in.
    let (mut sum, mut turns) = (Storage::default(), 0);
    for part in partition.parts() {
        let shape = Shape { dim: part.len(), parts: None, columns, ..of };
        let solver = make_local(part);
        let (own, exchanged) = (solver.storage(shape)?, solver.exchanged(shape));
        sum += Storage { held: own.held - exchanged, saved: if exchanged == 0 { own.saved } else { 0 } };
        let room = 2 * part.len() + exchanged;
        turns = if of.parts == Some(Turns::Together) { turns + room } else { room.max(turns) };
    }
    // What does not decompose is evaluated whole: a point, a gradient and a direction.
    let whole = if of.parts.is_none() { 3 * of.dim } else { 0 };
    Some(sum + Storage::held(turns + whole))
}

/// Of APTS: θᵏ with its gradient and θᵏ⁺½; the correction, and the change of gradients that makes it a pair; the best point.
pub(crate) fn of_apts(
    (global, options): (&dyn RadiusDriven, &Options),
    (partition, make_local): (&Partition, &MakeSolver),
    of: Shape,
) -> Option<Storage> {
    let columns = global.most_columns(of);
    let learns = columns > 0;
    let best = usize::from(!of.batches);
    let own = 3 + usize::from(options.fdl || learns) + usize::from(learns) + best;
    // Where an iteration began whose pair is not learnt yet.
    let base = usize::from(learns && options.pairs == PairsFrom::Overlap);
    let own = Storage { held: own * of.dim, saved: (best + base) * of.dim };
    Some(own + global.storage(of)? + of_sweep(partition, make_local, of, columns)?)
}
