//! Build facts for `optkit --version`.

use std::process::Command;

fn main() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .ok()
        .and_then(|out| String::from_utf8(out.stdout).ok())
        .map_or_else(|| "rustc unknown".to_owned(), |text| text.trim().to_owned());
    println!("cargo::rustc-env=OPTKIT_RUSTC={version}");
    for (name, variable) in [("OPTKIT_TARGET", "TARGET"), ("OPTKIT_PROFILE", "PROFILE")] {
        println!("cargo::rustc-env={name}={}", std::env::var(variable).unwrap_or_default());
    }
    println!("cargo::rerun-if-changed=build.rs");
}
