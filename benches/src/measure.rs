//! Clocks, percentiles, and what the machine says of itself.

use std::path::Path;
use std::time::Instant;

use crate::Result;

/// Microseconds that a piece of work took, with its result.
///
/// # Errors
/// Those of the work.
pub fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let start = Instant::now();
    let done = work()?;
    Ok((done, start.elapsed().as_secs_f64() * 1e6))
}

/// The value below which `share` (0 to 1) of the values lie; 0 without values.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// Seconds of processor time that this process has used, those of threads that have ended included; 0 where the system
/// does not say. Unlike the clock, it hardly depends on what else the machine does.
pub fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in the second field may hold spaces; it ends with the last bracket. Linux counts in hundredths.
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// Resident memory of this process in bytes; 0 where the system does not say.
pub fn resident_bytes() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split_whitespace().nth(1)?.parse::<f64>().ok());
    pages.unwrap_or(0.0) * 4096.0
}

/// Bytes that the files of a folder take on disk, those of its folders included. A sparse file counts what it uses.
///
/// # Errors
/// When a folder cannot be listed.
pub fn disk_bytes(folder: &Path) -> Result<f64> {
    let mut bytes = 0.0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let data = entry.metadata()?;
        bytes += if data.is_dir() { disk_bytes(&entry.path())? } else { on_disk(&data) };
    }
    Ok(bytes)
}

#[cfg(unix)]
fn on_disk(data: &std::fs::Metadata) -> f64 {
    use std::os::unix::fs::MetadataExt;
    data.blocks() as f64 * 512.0
}

#[cfg(not(unix))]
fn on_disk(data: &std::fs::Metadata) -> f64 {
    data.len() as f64
}

/// The load averages over 1, 5 and 15 minutes, as the system writes them.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let loads: Vec<&str> = text.split_whitespace().take(3).collect();
    if loads.is_empty() { "unknown".to_owned() } else { loads.join(" ") }
}

/// Processor, cores and memory in one line.
pub fn machine() -> String {
    let file = |path| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split(':').nth(1)?.trim().to_owned())
    };
    let processor = field(&file("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = field(&file("/proc/meminfo"), "MemTotal").unwrap_or_default();
    let kilobytes: f64 = memory.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0.0);
    format!("{processor}, {} cores, {:.0} GiB of memory", threads(), kilobytes / 1_048_576.0)
}

/// Threads that both sides use: one for each core, at most 8, as the engine does by default.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8))
}
