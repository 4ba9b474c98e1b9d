//! What adapters cost: the time that an adapter adds to a request, and the memory of a hundred of them.
//!
//! The model is a small one of the trained form, made for the tests; its adapters have four tensors of rank 8, 18 KB. Nothing
//! is asserted: requests without and with an adapter take turns, so that the load of the machine touches both.

use std::time::Instant;

use onelist::{Config, Engine, Item, Request};
use onelist_tests::adapter;
use onelist_tests::trained::Trained;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const ITEMS: usize = 5_000;
const ROUNDS: usize = 1_000;
const ADAPTERS: usize = 100;

fn main() {
    if let Err(error) = run() {
        eprintln!("adapters: {error}");
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut config = Config::default();
    config.sessions = 1;
    let db = Engine::open(dir.path().join("store"), config)?;
    let words = ["red", "leather", "running", "shoes", "travel", "bag", "kettle", "steel", "porcelain", "blue"];
    let item = |n: usize| {
        let title = format!("{} {} {}", words[n % 10], words[n / 10 % 10], words[n / 100 % 10]);
        Item::new(format!("i{n}")).text("title", title)
    };
    db.put((0..ITEMS).map(item).collect())?;
    db.flush()?;
    let folder = dir.path().join("model");
    Trained::new("bench", 0.5).write(&folder)?;
    let model = db.load_model(&folder)?;
    db.promote_model(model.version)?;
    let width = 192;
    let path =
        |n: usize| adapter::write(dir.path(), &format!("a{n}"), &model.sha256, &adapter::tensors(width, n as u64));
    let paths = (0..ADAPTERS).map(path).collect::<std::io::Result<Vec<_>>>()?;
    // One adapter and a round of requests first: what every engine needs is not counted.
    db.load_adapter("a0", &paths[0])?;
    let request = |n: usize, adapter: Option<String>| {
        let mut request = Request::new().query(words[n % 10]).unlogged();
        request.adapter = adapter;
        request
    };
    (0..50).try_for_each(|n| db.rank(&request(n, Some("a0".to_owned()))).map(drop))?;
    let before = resident()?;
    for (n, path) in paths.iter().enumerate().skip(1) {
        db.load_adapter(&format!("a{n}"), path)?;
    }
    let bytes: u64 = db.models()?.adapters.iter().map(|adapter| adapter.bytes).sum();
    println!(
        "{ADAPTERS} adapters of {} bytes: {:.1} MB more in memory",
        bytes / ADAPTERS as u64,
        resident()?.saturating_sub(before) as f64 / 1e6
    );

    let (mut plain, mut adapted) = (Vec::new(), Vec::new());
    for n in 0..ROUNDS {
        let with = || timed(|| db.rank(&request(n, Some(format!("a{}", n % ADAPTERS)))));
        let without = || timed(|| db.rank(&request(n, None)));
        // The first of two requests warms the caches for the second, so they take turns.
        if n % 2 == 0 {
            plain.push(without()?);
            adapted.push(with()?);
        } else {
            adapted.push(with()?);
            plain.push(without()?);
        }
    }
    println!(
        "one request, 5,000 items, {ROUNDS} rounds, another adapter each time, us: p50 {:.0} without, {:.0} with; p95 {:.0}, {:.0}",
        quantile(&mut plain, 0.5),
        quantile(&mut adapted, 0.5),
        quantile(&mut plain, 0.95),
        quantile(&mut adapted, 0.95)
    );
    for kinds in [1, 8, 64] {
        let many: Vec<Request> = (0..64).map(|n| request(n, Some(format!("a{}", n % kinds)))).collect();
        let mut times = (0..20).map(|_| timed(|| db.rank_many(&many))).collect::<Result<Vec<f64>>>()?;
        println!("64 requests in one call, {kinds:2} adapters among them, us: p50 {:.0}", quantile(&mut times, 0.5));
    }
    Ok(())
}

/// Microseconds of a call.
fn timed<T>(call: impl FnOnce() -> onelist::Result<T>) -> Result<f64> {
    let start = Instant::now();
    call()?;
    Ok(start.elapsed().as_secs_f64() * 1e6)
}

fn quantile(times: &mut [f64], fraction: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * fraction) as usize]
}

/// Bytes of this process in memory.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS in /proc/self/status")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kilobytes * 1024)
}
