//! Fitting the vector space to the catalog: answers go on while every item moves, and drift tells when items are foreign.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use onelist::{Action, Config, Engine, Event, Item, Request, Source};
use onelist_tests::{Shop, empty};

const NOUNS: [&str; 10] = ["shoe", "boot", "teapot", "kettle", "backpack", "tent", "novel", "camera", "guitar", "sofa"];
const WORDS: [&str; 10] =
    ["red", "blue", "leather", "wooden", "electric", "small", "heavy", "antique", "cheap", "bright"];

fn thing(n: usize) -> Item {
    let title = format!("{} {} {}", WORDS[n / 10 % 10], WORDS[(n / 100 + n) % 10], NOUNS[n % 10]);
    Item::new(format!("thing-{n}")).text("title", title).number("n", n as f64)
}

fn filled(count: usize) -> Shop {
    let shop = empty().expect("opens");
    shop.db.put((0..count).map(thing).collect()).expect("puts");
    shop
}

/// Whether a search in an item's own words comes to an item of those words by its meaning.
fn finds_itself(db: &Engine, n: usize) -> bool {
    let wanted = thing(n).fields.remove("title").expect("has one");
    let onelist::Value::Text(text) = &wanted else { panic!("a title is text") };
    let hits = db.rank(&Request::new().query(text).limit(20)).expect("ranks").hits;
    let near = |hit: &onelist::Hit| hit.sources.iter().any(|p| p.source == Source::Semantic && p.score > 0.99);
    hits.iter().any(|hit| near(hit) && hit.fields.get("title") == Some(&wanted))
}

#[test]
fn requests_and_writes_go_on_while_the_space_is_fitted() {
    let shop = Arc::new(filled(600));
    shop.db.log(vec![Event::new("u", Action::Click).item("thing-7")]).expect("logs");
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|reader| {
            let (shop, done) = (shop.clone(), done.clone());
            std::thread::spawn(move || {
                let mut looks = 0;
                while !done.load(Ordering::SeqCst) || looks == 0 {
                    let n = (looks * 13 + reader) % 600;
                    assert!(finds_itself(&shop.db, n), "thing-{n} is lost");
                    let hits = shop.db.rank(&Request::new().user("u").limit(5)).expect("ranks").hits;
                    assert_eq!(hits.len(), 5);
                    looks += 1;
                }
                looks
            })
        })
        .collect();
    let writer = {
        let (shop, done) = (shop.clone(), done.clone());
        std::thread::spawn(move || {
            let mut count = 600;
            while !done.load(Ordering::SeqCst) {
                shop.db.put(vec![thing(count), thing(count - 600)]).expect("puts");
                shop.db.put(vec![Item::new("brief").text("title", "gone at once")]).expect("puts");
                shop.db.delete(&["brief"]).expect("deletes");
                count += 1;
            }
            count
        })
    };
    for fits in 1..=3 {
        assert!(shop.db.fit_space().expect("fits"));
        assert_eq!(shop.db.stats().expect("counts").space.fits, fits);
    }
    done.store(true, Ordering::SeqCst);
    let count = writer.join().expect("the writer panicked");
    let looks: usize = readers.into_iter().map(|reader| reader.join().expect("a reader panicked")).sum();
    println!("{looks} looks and {} writes beside three fits", 3 * (count - 600));
    let found = shop.db.verify_vectors().expect("looks");
    assert_eq!((found.wrong, found.vectors), (0, count as u64), "{found:?}");
    shop.db.flush().expect("flushes");
    let stats = shop.db.stats().expect("counts");
    assert_eq!((stats.vectors[0].indexed, stats.vectors[0].tail), (count as u64, 0));
    (0..count).step_by(11).for_each(|n| assert!(finds_itself(&shop.db, n), "thing-{n}"));
    assert_eq!(stats.background_error, None);
}

#[test]
fn drift_grows_with_foreign_items() {
    let shop = filled(500);
    assert!(shop.db.fit_space().expect("fits"));
    assert_eq!(shop.db.stats().expect("counts").space.drift, None, "nothing is new yet");
    let drift = || shop.db.stats().expect("counts").space.drift.expect("there are new items");
    shop.db.put((500..560).map(thing).collect()).expect("puts");
    let alike = drift();
    assert!(alike < 1.5, "{alike}");
    let genes = ["kinase", "receptor", "plasmid", "ribosome", "enzyme", "antibody", "peptide", "genome", "mutation"];
    let foreign = |n: usize| {
        let title = format!("{} {} in {} patients", genes[n % 9], genes[n / 9 % 9], genes[(n * 5 + 2) % 9]);
        Item::new(format!("paper-{n}")).text("title", title)
    };
    shop.db.put((0..80).map(foreign).collect()).expect("puts");
    assert!(drift() > alike + 0.2, "{alike} {}", drift());
    assert!(shop.db.fit_space().expect("fits"));
    let space = shop.db.stats().expect("counts").space;
    assert_eq!((space.drift, space.fitted_items), (None, 640), "a fit takes them in");
}

#[test]
fn a_fit_needs_content_and_lasts() {
    let mut shop = filled(99);
    let before = shop.db.stats().expect("counts").space;
    assert!(!shop.db.fit_space().expect("is no error"));
    assert_eq!(shop.db.stats().expect("counts").space, before);
    shop.db.put(vec![thing(99)]).expect("puts");
    assert!(shop.db.fit_space().expect("fits"));
    let ask = |db: &Engine| {
        // Without impressions: they count, too.
        let request = Request::new().query("an old leather boot").limit(30).unlogged();
        let hits = db.rank(&request).expect("ranks").hits;
        hits.into_iter().map(|hit| (hit.id, hit.score)).collect::<Vec<_>>()
    };
    let (fitted, list) = (shop.db.stats().expect("counts").space, ask(&shop.db));
    shop.db.close().expect("closes");
    // An index is a cache: without it, the vectors of the live space are there.
    let path = shop.dir.path().join("shop.onelist");
    std::fs::remove_dir_all(path.join("vector")).expect("removes");
    shop.db = Engine::open(&path, Config::default()).expect("opens");
    assert_eq!(shop.db.stats().expect("counts").space, fitted);
    assert_eq!(ask(&shop.db), list);
}

#[test]
fn the_space_is_fitted_in_the_background_when_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = Config::default();
    config.fit_space = true;
    let db = Engine::open(dir.path().join("db"), config).expect("opens");
    db.put((0..1_000).map(thing).collect()).expect("puts");
    let start = std::time::Instant::now();
    while db.stats().expect("counts").space.fits == 0 {
        assert!(start.elapsed().as_secs() < 120, "no fit: {:?}", db.stats());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(db.stats().expect("counts").space.fitted_items, 1_000);
    assert!(finds_itself(&db, 123));
    // The next one is due at ten times as many.
    db.put((1_000..1_200).map(thing).collect()).expect("puts");
    std::thread::sleep(std::time::Duration::from_secs(6));
    assert_eq!(db.stats().expect("counts").space.fits, 1);
}

/// kill -9 at random moments of fits that follow one another, with writes beside them.
#[test]
fn a_kill_at_any_moment_of_a_fit_leaves_one_whole_space() {
    use rand::{Rng, SeedableRng};
    const KILLS: usize = 24;
    let mut rng = rand::rngs::StdRng::seed_from_u64(20_262);
    let dir = tempfile::tempdir().expect("a folder");
    let (mut acknowledged, mut fits) = (0, 0);
    {
        let db = Engine::open(dir.path().join("store"), Config::default()).expect("opens");
        db.close().expect("closes");
    }
    for kill in 0..KILLS {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_fit-child"))
            .args([dir.path().join("store").as_os_str(), std::ffi::OsStr::new(&acknowledged.to_string())])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("starts");
        let mut out = std::io::BufReader::new(child.stdout.take().expect("is piped"));
        let mut first = String::new();
        std::io::BufRead::read_line(&mut out, &mut first).expect("reads");
        assert!(first.starts_with("verified "), "kill {kill}: {first}");
        std::thread::sleep(std::time::Duration::from_millis(rng.random_range(1..2_500)));
        child.kill().expect("kills");
        child.wait().expect("reaps");
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut out, &mut rest).expect("reads");
        assert!(!rest.contains("failed"), "{rest}");
        let last = |word: &str| {
            let lines = rest.lines().filter_map(|line| line.strip_prefix(word)?.trim().parse::<u64>().ok());
            lines.max()
        };
        let verified = first.split_whitespace().nth(1).and_then(|count| count.parse().ok()).expect("a count");
        acknowledged = last("put ").unwrap_or(verified);
        fits = fits.max(last("fitted ").unwrap_or_default());
    }
    println!("{KILLS} kills, {acknowledged} items, {fits} fits");
    assert!(fits > 2, "flips must have happened: {fits}");
}
