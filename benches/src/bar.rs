//! Progress on standard error; standard output is for results.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of `length` steps.
pub fn bar(what: &str, length: usize) -> ProgressBar {
    let bar = ProgressBar::new(length as u64);
    if let Ok(style) = ProgressStyle::with_template("{msg:36} {wide_bar} {human_pos}/{human_len} {per_sec:>14}") {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}

/// A sign of life for work that cannot say how far it is.
pub fn spinner(what: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}
