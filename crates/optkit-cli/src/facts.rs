//! What this build is.

/// Version, target, compiler, kernels and features.
pub(crate) fn long_version() -> String {
    let features: Vec<&str> = [
        ("fetch", cfg!(feature = "fetch")),
        ("dfdx", cfg!(feature = "dfdx")),
        ("dfdx-cuda", cfg!(feature = "dfdx-cuda")),
    ]
    .into_iter()
    .filter_map(|(name, on)| on.then_some(name))
    .collect();
    format!(
        "{}\ntarget   {} ({})\ncompiler {}\nfeatures {}\nkernels  {} on this machine",
        env!("CARGO_PKG_VERSION"),
        env!("OPTKIT_TARGET"),
        env!("OPTKIT_PROFILE"),
        env!("OPTKIT_RUSTC"),
        if features.is_empty() { "none".to_owned() } else { features.join(", ") },
        optkit::nn::kernel().name(),
    )
}
