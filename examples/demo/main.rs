//! `make demo`: MovieLens 100k as a search engine and a recommender at once.
//!
//! Takes the folder with `ml-100k.item` and `ml-100k.inter` (the PyPI package recbole carries them), and the directory
//! to create.

mod movielens;
mod show;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use onelist::{Config, Engine, Filter, Ranking, Request, Timestamp};

use movielens::MovieLens;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Events in one call of `log`: each call is durable on return.
const LOG_BATCH: usize = 2_000;

fn main() {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [data, store] = arguments.as_slice() else {
        eprintln!("usage: demo FOLDER-WITH-ML-100K NEW-DIRECTORY (or just: make demo)");
        std::process::exit(2);
    };
    if let Err(error) = run(data, store) {
        eprintln!("demo: {error}");
        std::process::exit(1);
    }
}

fn run(data: &Path, store: &Path) -> Result<()> {
    let movies = MovieLens::read(data)?;
    if store.exists() {
        std::fs::remove_dir_all(store)?;
    }
    println!("\nOnelist demo: MovieLens 100k as one list for search and recommendation\n");
    let mut config = Config::default().boost("title", 2.0);
    config.date_field = Some("released".to_owned());
    let db = Engine::open(store, config.clone())?;
    let put = ingest(&db, "movies put", &movies.items, movies.items.len(), |batch| db.put(batch).map(drop))?;
    let log = ingest(&db, "ratings logged", &movies.events, LOG_BATCH, |batch| db.log(batch).map(drop))?;
    // The ratings are of 1997 and 1998: the demo asks as if it were the hour after the last one.
    let now = movies.last_event();
    tour(&db, &movies, now)?;
    let latency = latency(&db, &movies, now)?;
    db.flush()?;
    let stats = db.stats()?;
    db.close()?;
    let start = Instant::now();
    Engine::open(store, config)?.close()?;
    let reopened = start.elapsed();
    show::summary(&stats, put, log, &latency, reopened);
    println!("The store is in {}. Next: the quickstart in README.md.\n", store.display());
    Ok(())
}

/// Writes all rows in batches, with a progress bar; returns rows a second.
fn ingest<T: Clone>(
    db: &Engine,
    what: &'static str,
    rows: &[T],
    batch: usize,
    write: impl Fn(Vec<T>) -> onelist::Result<()>,
) -> Result<f64> {
    let bar = ProgressBar::new(rows.len() as u64);
    bar.set_style(ProgressStyle::with_template("{msg:>15} {bar:40} {pos:>7}/{len} {per_sec:>12} {elapsed}")?);
    bar.set_message(what);
    let start = Instant::now();
    for rows in rows.chunks(batch) {
        write(rows.to_vec())?;
        bar.inc(rows.len() as u64);
    }
    let rate = rows.len() as f64 / start.elapsed().as_secs_f64();
    bar.finish();
    if bar.is_hidden() {
        println!("{:>7} {what}, {rate:.0}/s, {} items in the catalog", rows.len(), db.stats()?.items);
    }
    Ok(rate)
}

/// The four cells of the grid, and what else a request can say.
fn tour(db: &Engine, movies: &MovieLens, now: Timestamp) -> Result<()> {
    let ask = |request: Request| db.rank(&request.now(now).limit(6).explain());
    let [space, family] = movies.two_tastes();

    show::heading("1. First visit: no query, no history", "what people watch these days");
    show::ranking(&ask(Request::new())?);

    show::heading("2. Search: a query, no history", "query: \"star wars space adventure\"");
    show::ranking(&ask(Request::new().query("star wars space adventure"))?);

    for user in [space, family] {
        show::heading("3. Recommendation: a history, no query", &format!("user {user}, who {}", movies.taste(user)));
        show::ranking(&ask(Request::new().user(user).exclude_seen())?);
    }

    show::heading("4. Personal search: the same query, three lists", "query: \"comedy\"");
    let query = || Request::new().query("comedy");
    let columns: [(String, Ranking); 3] = [
        ("nobody in particular".to_owned(), ask(query())?),
        (format!("user {space}"), ask(query().user(space).exclude_seen())?),
        (format!("user {family}"), ask(query().user(family).exclude_seen())?),
    ];
    show::side_by_side(&columns);

    show::heading("5. More like this", "like: \"Toy Story\"");
    show::ranking(&ask(Request::new().like(["1"]))?);

    show::heading("6. Filters go with everything", "user, query \"murder\", year >= 1990, not Horror");
    let filter = Filter::at_least("year", 1990.0).and(Filter::equal("genres", "Horror").not());
    show::ranking(&ask(Request::new().user(space).query("murder").filter(filter))?);
    Ok(())
}

/// Times of one request for each of many real users, by cell, sorted.
fn latency(db: &Engine, movies: &MovieLens, now: Timestamp) -> Result<Vec<(&'static str, Vec<Duration>)>> {
    let mut cells = Vec::new();
    type Make = fn(&str) -> Request;
    let makes: [(&'static str, Make); 4] = [
        ("first visit", |_| Request::new()),
        ("search", |_| Request::new().query("dark thriller")),
        ("recommendation", |user| Request::new().user(user)),
        ("personal search", |user| Request::new().user(user).query("dark thriller")),
    ];
    for (cell, make) in makes {
        let mut times = Vec::new();
        for user in movies.users.iter().take(200) {
            let request = make(user).now(now);
            let start = Instant::now();
            db.rank(&request)?;
            times.push(start.elapsed());
        }
        times.sort_unstable();
        cells.push((cell, times));
    }
    Ok(cells)
}
