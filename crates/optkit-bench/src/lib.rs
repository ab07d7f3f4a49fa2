//! Benches of optkit: `cargo bench -p optkit-bench`. Scripts that compare with other programs are in `peers/`.
#![forbid(unsafe_code)]
