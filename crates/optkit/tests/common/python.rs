//! A Python with safetensors and numpy: the one that `OPTKIT_PYTHON` names, else `python3`.

use std::path::Path;
use std::process::Command;

/// What `script` prints for `arguments`. None, with a word of why, where there is no such Python; where `OPTKIT_PYTHON` is
/// set, that is an error.
pub(crate) fn printed(script: &str, arguments: &[&Path]) -> Result<Option<String>, String> {
    let named = std::env::var("OPTKIT_PYTHON").ok();
    let python = named.as_deref().unwrap_or("python3");
    let error = match Command::new(python).args(["-c", script]).args(arguments).output() {
        Ok(done) if done.status.success() => {
            return String::from_utf8(done.stdout).map(Some).map_err(|error| error.to_string());
        }
        Ok(done) => String::from_utf8_lossy(&done.stderr).into_owned(),
        Err(error) => format!("{python}: {error}"),
    };
    if named.is_some() {
        return Err(error);
    }
    let reason = error.lines().last().unwrap_or_default();
    eprintln!("skipped: no Python with safetensors and numpy ({reason})");
    Ok(None)
}
