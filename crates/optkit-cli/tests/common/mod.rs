//! What the tests of the command share.
#![allow(dead_code)] // every test binary uses some of it

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A network on the embedded digits.
pub(crate) const NETWORK: &str = "\
apts 1
data digits = digits()
network net {
  input 8x8
  flatten
  dense 32; relu
  dense 10
}
minimize loss = cross_entropy(net(digits.train.x), digits.train.y)
measure accuracy = accuracy(net(digits.test.x), digits.test.y)
partition parts = weights(net) { parts = 4 }
solver apts { partition = parts }
stop when epochs >= 2
";

/// A classic function.
pub(crate) const FUNCTION: &str = "\
apts 1
minimize f = quadratic(n = 10, condition = 100)
partition blocks = contiguous { parts = 2 }
solver apts { partition = blocks }
stop when norm(grad) <= 1e-6 or iterations >= 1000
";

/// The command, in an environment that says nothing of data.
pub(crate) fn optkit() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_optkit"));
    command.env_remove("OPTKIT_DATA").env("RUST_BACKTRACE", "0").current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

/// How a command ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output is text");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// Runs `optkit` with these arguments.
pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Ran {
    optkit().args(arguments).output().expect("the command starts").into()
}

/// A folder of its own for `test`, empty.
pub(crate) fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder in the target directory");
    folder
}

/// A file in `folder`, as an argument.
pub(crate) fn file(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file in the target directory");
    path.to_str().expect("a path in UTF-8").to_owned()
}

/// The top of the repository, where problems, transcripts and docs lie; `None` (and a word) in a packaged crate.
pub(crate) fn repository() -> Option<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if top.join("tests/transcripts").is_dir() {
        return top.canonicalize().ok();
    }
    eprintln!("skipped: this crate stands outside its repository");
    None
}
