//! Segments: what is popular among people like the one who asks.

use onelist::evaluation::{SplitAt, Targets};
use onelist::{
    Action, Config, Engine, Event, Hit, Item, Personalization, Plan, Protocol, Request, Retention, Source, Timestamp,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const NOW: f64 = 1.7e9;

fn time(hours_ago: f64) -> Timestamp {
    Timestamp::from_seconds(NOW - hours_ago * 3_600.0)
}

/// 400 items. Everybody's are i0 to i199, in any country; people in Norway have i300 to i309 as well, i300 most.
fn store(dir: &std::path::Path) -> Engine {
    let db = Engine::open(dir, Config::default()).expect("opens");
    db.put((0..400).rev().map(|n| Item::new(format!("i{n}")).number("price", f64::from(n))).collect()).expect("puts");
    let mut events = Vec::new();
    for n in 0..4_000 {
        let country = if n % 2 == 0 { "SE" } else { "DK" };
        let event = Event::new(format!("s{n}"), Action::Click).item(format!("i{}", n % 200)).at(time(50.0));
        events.push(event.segment("country", country).segment("plan", "free"));
    }
    for n in 0..20 {
        let item = if n < 11 { 300 } else { 290 + n };
        let event = Event::new(format!("n{n}"), Action::Click).item(format!("i{item}")).at(time(40.0));
        events.push(event.segment("country", "NO"));
    }
    db.log(events).expect("logs");
    db.flush().expect("flushes");
    db
}

fn asked(db: &Engine, request: Request) -> Vec<Hit> {
    db.rank(&request.now(time(0.0)).limit(30).unlogged()).expect("ranks").hits
}

/// Items that the source proposed, best first, with their scores.
fn proposed(hits: &[Hit]) -> Vec<(String, f32)> {
    let word = |hit: &Hit| hit.sources.iter().find(|p| p.source == Source::Segment).map(|p| (p.rank, p.score));
    let mut found: Vec<_> = hits.iter().filter_map(|hit| Some((word(hit)?, hit.id.clone()))).collect();
    found.sort_by_key(|((rank, _), _)| *rank);
    found.into_iter().map(|((_, score), id)| (id, score)).collect()
}

#[test]
fn what_is_popular_in_ones_segment_is_proposed() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path());
    assert!(proposed(&asked(&db, Request::new())).is_empty(), "nothing is known of a stranger");
    let all = |hits: &[Hit]| hits.iter().any(|hit| hit.id == "i300");
    assert!(!all(&asked(&db, Request::new())), "the country is too small to be popular in all");
    // A stateless caller names the segment; a stored user has it from the last event.
    let norwegian = db
        .rank(&Request::new().segment("country", "NO").now(time(0.0)).limit(400).explain().unlogged())
        .expect("ranks");
    let found = proposed(&norwegian.hits);
    let said = |hit: &Hit| hit.why.as_ref().is_some_and(|why| why.line.contains("popular where you are"));
    assert!(norwegian.hits.iter().any(|hit| hit.id == "i300" && said(hit)), "it counts in the score");
    assert_eq!((found.len(), found[0].0.as_str()), (10, "i300"), "{found:?}");
    assert!(found.iter().all(|(_, score)| *score > 0.0 && *score <= 1.0) && found[0].1 > 2.0 * found[1].1, "{found:?}");
    db.log(vec![Event::new("kari", Action::View).item("i7").at(time(1.0)).segment("country", "NO")]).expect("logs");
    let at_once = db.rank(&Request::new().user("kari").now(time(0.0)).limit(400).unlogged()).expect("ranks");
    assert!(proposed(&at_once.hits).iter().any(|(id, _)| id == "i300"), "seen before it is applied");
    db.flush().expect("flushes");
    db.close().expect("closes");
    let db = Engine::open(dir.path(), Config::default()).expect("opens");
    let kari = || Request::new().user("kari").limit(400).now(time(0.0)).unlogged();
    let of = |request: Request| proposed(&db.rank(&request).expect("ranks").hits);
    assert!(of(kari()).iter().any(|(id, _)| id == "i300") && of(kari()).len() == 11, "and after reopening");
    assert!(of(kari().segment("country", "DK")).iter().all(|(id, _)| id != "i300"), "the request knows better");
    let both = of(kari().segment("plan", "free"));
    assert!(both.iter().any(|(id, _)| id == "i300") && both.len() > 11, "segments add up");
    assert!(of(kari().personalization(Personalization::Off)).is_empty());
    assert!(of(kari().segment("country", "Atlantis")).is_empty());
    let before = Request::new().user("kari").limit(400).now(time(2.0)).unlogged();
    assert!(of(before).is_empty(), "the future is not known");
    db.delete(&["i300"]).expect("deletes");
    assert!(of(kari()).iter().all(|(id, _)| id != "i300"));
}

#[test]
fn segments_are_counted_right_however_many_there_are() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = Config::default();
    config.retention = Retention { total: Some(2_500), ..Retention::default() };
    let db = Engine::open(dir.path(), config).expect("opens");
    db.put((0..900).map(|n| Item::new(format!("i{n}")).number("price", f64::from(n))).collect()).expect("puts");
    let mut rng = StdRng::seed_from_u64(5);
    let mut events: Vec<Event> = (0..5_000)
        .map(|n| {
            // More values than are counted, and one segment with more items than a list holds.
            let event =
                Event::new(format!("u{}", n % 90), Action::Click).item(format!("i{}", rng.random_range(0..900)));
            let event = event.at(Timestamp::from_seconds(NOW + f64::from(n)));
            event.segment("city", format!("c{}", rng.random_range(0..1_500))).segment("country", "UK")
        })
        .collect();
    events.swap(10, 4_000);
    for chunk in events.chunks(700) {
        db.log(chunk.to_vec()).expect("logs");
    }
    let check = |what: &str| {
        let recount = db.verify_signals().expect("counts");
        assert_eq!(recount.before, recount.after, "{what}");
    };
    check("as logged");
    assert_eq!(db.apply_retention().expect("trims"), 2_500);
    check("after a trim");
    db.log(events[..300].to_vec()).expect("logs");
    db.flush().expect("flushes");
    check("after old events came again");
}

#[test]
fn a_replay_has_the_segments_of_the_log() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path());
    // People in Norway come back for what only people in Norway have, and no two of them share more.
    let mut events = Vec::new();
    for n in 0..10 {
        events.push(Event::new(format!("n{n}"), Action::Click).item(format!("i{}", 301 + n % 9)).at(time(20.0)));
    }
    db.log(events).expect("logs");
    let mut plan = Plan::default();
    plan.protocol = Protocol::GlobalTimeSplit { at: SplitAt::Time(time(30.0)) };
    (plan.targets, plan.leave_out, plan.resamples, plan.check_targets) = (Targets::Every, true, 100, 0);
    let report = db.evaluate(&plan).expect("measures");
    let retrieved = |name: &str| {
        let systems = &report.tasks[0].systems;
        systems.iter().find(|system| system.name == name).unwrap_or_else(|| panic!("{}", report.text())).retrieved
    };
    let (whole, without) = (retrieved("rank"), retrieved("without source segment"));
    assert!(whole > 0.99 && without < 0.5, "{whole} {without}\n{}", report.text());
}

#[test]
fn segments_out_of_range_are_refused() {
    let shop = onelist_tests::shop().expect("opens");
    let event = || Event::new("u", Action::Click).item("boots");
    let many = (0..9).fold(event(), |event, n| event.segment(format!("n{n}"), "x"));
    let refused = [
        (event().segment("", "UK"), "InvalidArgument"),
        (event().segment("country", ""), "InvalidArgument"),
        (event().segment("x".repeat(129), "UK"), "LimitExceeded"),
        (event().segment("country", "x".repeat(129)), "LimitExceeded"),
        (many, "LimitExceeded"),
    ];
    let before = shop.db.stats().expect("has stats").events;
    for (event, name) in refused {
        let mut request = Request::new();
        request.segments.clone_from(&event.segments);
        assert_eq!(shop.db.rank(&request).expect_err("refused").name(), name);
        assert_eq!(shop.db.log(vec![event]).expect_err("refused").name(), name);
    }
    assert_eq!(shop.db.stats().expect("has stats").events, before);
}
