//! Ctrl-C: the first ends the run after the current iteration, the second at once.

use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Begin to listen; the flag that Ctrl-C sets.
pub(crate) fn listen() -> &'static AtomicBool {
    // Where no handler can be set, Ctrl-C ends the process as ever.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    &INTERRUPTED
}
