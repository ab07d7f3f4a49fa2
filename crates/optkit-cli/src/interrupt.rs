//! Signals that end a run after the current iteration: Ctrl-C, SIGTERM, and SIGUSR1, by which SLURM warns of the end of
//! a job's time (`--signal=USR1@120`). A second Ctrl-C ends the process at once.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Set by any of the signals.
static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// What a shell says of a command that Ctrl-C has ended.
const CODE: i32 = 130;

/// Begin to listen; the flag that the signals set.
pub(crate) fn listen() -> &'static AtomicBool {
    // Where no handler can be set, a signal ends the process as ever.
    let pressed = Arc::new(AtomicBool::new(false));
    // In this order: the first Ctrl-C finds the flag not set, and sets it.
    let _ = flag::register_conditional_shutdown(SIGINT, CODE, Arc::clone(&pressed));
    let _ = flag::register(SIGINT, pressed);
    for signal in [SIGINT, SIGTERM] {
        let _ = flag::register(signal, Arc::clone(&INTERRUPTED));
    }
    #[cfg(unix)]
    let _ = flag::register(signal_hook::consts::SIGUSR1, Arc::clone(&INTERRUPTED));
    &INTERRUPTED
}
