//! A real browser, headless: also for the tests of the command line, whose pages it opens.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The browser, or `None` with a word about it; `.ci/run`, which installs one, says by `OPTKIT_BROWSER` that there is.
pub(crate) fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|path| path.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("OPTKIT_BROWSER").is_none(),
            "a Chromium was promised, and none is in the PATH"
        );
        println!("skipped: no Chromium on this machine; apt-get install chromium");
    }
    found
}

/// What the browser says about a page: its document after loading, and what went to the console.
pub(crate) fn open(browser: &Path, name: &str, page: &str, options: &[&str]) -> (String, Vec<String>) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("can be made");
    let file = folder.join("page.html");
    std::fs::write(&file, page).expect("can be written");
    let output = Command::new(browser)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--no-first-run",
        ])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .args(options)
        .args(["--timeout=20000", "--dump-dom"])
        .arg(format!("file://{}", file.display()))
        .output()
        .expect("the browser starts");
    let log = String::from_utf8_lossy(&output.stderr);
    let console = log.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
    let _ = std::fs::remove_dir_all(folder.join("profile"));
    (String::from_utf8_lossy(&output.stdout).into_owned(), console)
}

/// What the reader in a page wrote into `data-seen` of its body, as JSON.
pub(crate) fn seen(name: &str, document: &str) -> Value {
    let seen = document.split("data-seen=\"").nth(1).and_then(|rest| rest.split('"').next());
    let seen = seen.unwrap_or_else(|| panic!("{name}: the reader did not come to the end\n{document}"));
    let seen = seen.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&seen).expect("is what the reader wrote")
}
