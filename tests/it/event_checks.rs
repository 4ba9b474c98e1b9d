//! What an event has to be: its action, its time, its rating; and that a repetition counts once, at once.

use std::time::{SystemTime, UNIX_EPOCH};

use onelist::{Action, Config, Engine, Event, HistoryEvent, Item, Kind, Meaning, Request, Timestamp, Value, json};

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn store(dir: &std::path::Path, config: Config) -> Engine {
    let db = Engine::open(dir.join("store"), config).expect("opens");
    db.put(["a", "b", "c"].map(|id| Item::new(id).text("title", "same")).to_vec()).expect("puts");
    db
}

/// The lead of `a` over `b` for a stranger after twenty people did something to it; or the error.
fn lead(action: &str, config: Config) -> Result<f32, String> {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path(), config);
    let event = |user: usize| {
        Event::new(format!("p{user}"), Action::named(action)).item("a").at(at(now() - 86_400.0 - user as f64))
    };
    db.log((0..20).map(event).collect()).map_err(|error| error.to_string())?;
    db.flush().expect("flushes");
    let hits = db.rank(&Request::new().unlogged()).expect("ranks").hits;
    let score = |id: &str| hits.iter().find(|hit| hit.id == id).map_or(0.0, |hit| hit.score);
    Ok(score("a") - score("b"))
}

#[test]
fn the_usual_actions_count_by_their_meaning() {
    let plain = |action: &str| lead(action, Config::default());
    let buy = plain("buy").expect("is known");
    assert!(buy > 0.0);
    for same in ["Buy", "BUY", " buy", "purchase", "Order"] {
        // The time of asking is the present, so the last digits differ.
        assert!((plain(same).expect(same) - buy).abs() < 1e-3, "{same}");
    }
    for positive in ["wishlist", "favourite", "bookmark", "add_to_cart", "watch"] {
        assert!(plain(positive).expect(positive) > 0.0, "{positive}");
    }
    for negative in ["Dislike", "unlike", "refund", "returned", "remove_from_cart", "not_interested", "search"] {
        assert!(plain(negative).expect(negative) <= 0.0, "{negative}");
    }
    let heavy = Config::default().action("buy", Meaning::Positive, 10.0);
    assert!(lead("buy", heavy.clone()).expect("is known") > buy && lead("purchase", heavy).expect("is known") > buy);
}

#[test]
fn an_action_that_is_not_declared_is_refused() {
    for (action, nearest) in [("wishlst", "`wishlist`"), ("byu", "`buy`"), ("disliked", "`dislike`")] {
        let text = lead(action, Config::default()).expect_err(action);
        assert!(text.contains(nearest) && text.contains("actions"), "{text}");
    }
    for empty in ["", " "] {
        assert!(lead(empty, Config::default()).is_err());
    }
    let declared = Config::default().action("Stock check", Meaning::Negative, 1.0);
    assert!(lead("stock check", declared.clone()).expect("is declared") <= 0.0);
    assert!(lead("stock chek", declared).expect_err("is not").contains("`Stock check`"));
}

#[test]
fn a_request_is_held_to_the_same_actions() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path(), Config::default());
    let text = |request: &str| {
        let request = json::request_from_json(request).expect("reads");
        db.rank(&request).err().map(|error| error.to_string())
    };
    let refused = text(r#"{"history": ["b", {"item": "a", "action": "clik"}]}"#).expect("is refused");
    assert!(refused.contains("history[1].action") && refused.contains("`click`"), "{refused}");
    let refused = text(r#"{"user": "u", "exclude_seen": {"actions": ["buy", "bought"]}}"#).expect("is refused");
    assert!(refused.contains("exclude_seen.action"), "{refused}");
    for value in ["", r#", "value": 0"#, r#", "value": 6"#] {
        let refused =
            text(&format!(r#"{{"history": [{{"item": "a", "action": "rate"{value}}}]}}"#)).expect("is refused");
        assert!(refused.contains("history[0].value"), "{refused}");
    }
    assert_eq!(
        text(r#"{"history": [{"item": "a", "action": "Purchase"}, {"item": "b", "action": "rate", "value": 5}]}"#),
        None
    );
    // Another word for what was logged.
    db.log(vec![Event::new("u", Action::named("purchase")).item("a")]).expect("logs");
    let seen = json::request_from_json(r#"{"user": "u", "exclude_seen": {"actions": ["buy"]}}"#).expect("reads");
    assert!(db.rank(&seen).expect("ranks").hits.iter().all(|hit| hit.id != "a"));
}

#[test]
fn ratings_lie_on_the_scale() {
    let mut config = Config::default();
    config.rating_scale = (0.0, 10.0);
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path(), config);
    let rate = |value: Option<f64>| db.log(vec![Event { value, ..Event::new("u", Action::Rate).item("a") }]);
    for value in [0.0, 7.5, 10.0] {
        rate(Some(value)).expect("is on the scale");
    }
    for value in [None, Some(-0.1), Some(10.1), Some(f64::NAN), Some(f64::INFINITY)] {
        let error = rate(value).expect_err("is refused");
        assert_eq!(error.kind(), onelist::ErrorKind::Input, "{error}");
    }
    assert!(rate(None).expect_err("is refused").to_string().contains("from 0 to 10"));
    assert_eq!(db.stats().expect("counts").events, 3);
}

#[test]
fn times_of_other_units_are_refused_wherever_they_enter() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = Config::default().field("at", Kind::Date);
    config.date_field = Some("at".to_owned());
    let db = store(dir.path(), config);
    let base = now().floor();
    for (factor, unit) in [(1e3, "milliseconds"), (1e6, "microseconds"), (1e9, "nanoseconds")] {
        let number = base * factor;
        for wrong in [
            json::events_from_json(&format!(r#"[{{"user": "u", "action": "buy", "item": "a", "time": {number}}}]"#))
                .err(),
            json::item_from_json(&format!(r#"{{"id": "a", "at": {{"date": {number}}}}}"#)).err(),
            json::request_from_json(&format!(r#"{{"now": {number}}}"#)).err(),
            json::request_from_json(&format!(r#"{{"history": [{{"item": "a", "time": {number}}}]}}"#)).err(),
            json::filter_from_json(&format!(r#"{{"at": {{"<": {{"date": {number}}}}}}}"#)).err(),
            json::training_plan_from_json(&format!(r#"{{"until": {number}}}"#)).err(),
            json::plan_from_json(&format!(r#"{{"protocol": "time_split", "at_time": {number}}}"#)).err(),
        ] {
            let text = wrong.expect("is refused").to_string();
            assert!(text.contains(unit) && text.contains("20"), "{text}");
        }
        let event = Event::new("u", Action::Buy).item("a").at(at(number));
        assert!(db.log(vec![event]).expect_err("is refused").to_string().contains("milliseconds"));
        let item = Item::new("a").with("at", Value::Date(at(number)));
        assert!(db.put(vec![item]).expect_err("is refused").to_string().contains("milliseconds"));
    }
    for far in [base + 86_400.0 * 1.1, base + 86_400.0 * 36_525.0, 1e300, -1.0, -1e300] {
        let event = Event::new("u", Action::Buy).item("a").at(at(far));
        assert_eq!(db.log(vec![event]).expect_err("is refused").kind(), onelist::ErrorKind::Input, "{far}");
    }
    db.log(vec![Event::new("u", Action::Buy).item("a").at(at(base + 86_000.0))])
        .expect("a clock may be a little ahead");
    db.put(vec![Item::new("b").with("at", Value::Date(at(base + 86_400.0 * 300.0)))]).expect("comes out next year");
    assert_eq!(db.stats().expect("counts").events, 1);
}

#[test]
fn times_are_read_as_text() {
    let read = |time: &str| {
        let text = format!(r#"[{{"user": "u", "action": "buy", "item": "a", "time": "{time}"}}]"#);
        json::events_from_json(&text).map(|events| events[0].time).map_err(|error| error.to_string())
    };
    for time in ["2026-03-01", "2026-03-01T00:00Z", "2026-03-01T02:00:00+02:00", "2026-02-28 19:00:00-05:00"] {
        assert_eq!(read(time), Ok(Some(at(1_772_323_200.0))), "{time}");
    }
    for wrong in ["yesterday", "2026-13-01", "1772323200", ""] {
        assert!(read(wrong).expect_err(wrong).contains("events[0].time"), "{wrong}");
    }
    let request =
        json::request_from_json(r#"{"now": "2026-03-01", "history": [{"item": "a", "time": "2026-02-01T12:00Z"}]}"#);
    let request = request.expect("reads");
    assert_eq!(request.now, Some(at(1_772_323_200.0)));
    assert_eq!(request.history, [HistoryEvent { time: Some(at(1_769_947_200.0)), ..HistoryEvent::new("a") }]);
}

#[test]
fn a_repetition_counts_once_and_no_number_moves_later() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path(), Config::default());
    let base = now().floor() - 86_400.0;
    let event =
        |n: usize| Event::new(format!("u{n}"), Action::Buy).item("a").at(at(base - n as f64)).segment("plan", "pro");
    let batch: Vec<Event> = (0..100).map(event).collect();
    db.log(batch.clone()).expect("logs");
    db.flush().expect("flushes");
    let alone = db.rank(&Request::new().unlogged()).expect("ranks").hits;
    db.log(batch.clone()).expect("logs again");
    db.log(vec![event(3), event(3), event(200)]).expect("logs in one batch");
    let counted = db.stats().expect("counts").events;
    assert_eq!(counted, 101, "one is new");
    db.flush().expect("flushes");
    db.log(batch).expect("logs once more");
    assert_eq!(db.stats().expect("counts").events, counted);
    db.flush().expect("flushes");
    assert_eq!(db.stats().expect("counts").events, counted);
    let signals = db.verify_signals().expect("counts");
    assert_eq!(signals.before, signals.after);
    let after = db.rank(&Request::new().unlogged()).expect("ranks").hits;
    assert!((alone[0].score - after[0].score).abs() < 0.02, "one more event");
    // A clock that is ahead: the second delivery arrives at another time.
    let ahead = Event::new("early", Action::Buy).item("b").at(at(now() + 3_000.0));
    db.log(vec![ahead.clone()]).expect("logs");
    db.flush().expect("flushes");
    std::thread::sleep(std::time::Duration::from_millis(5));
    db.log(vec![ahead.clone(), ahead]).expect("logs again");
    assert_eq!(db.stats().expect("counts").events, counted + 1);
    // Without times, or with another value, they are different events.
    let undated = Event::new("u", Action::View).item("c");
    db.log(vec![undated.clone(), undated, event(3).value(2.0), event(3).basket("b")]).expect("logs");
    assert_eq!(db.stats().expect("counts").events, counted + 5);
}

#[test]
fn a_store_reads_and_replays_actions_that_it_would_not_take_now() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = || Config::default().action("borrow", Meaning::Positive, 2.0);
    let db = store(dir.path(), config());
    let base = now() - 86_400.0;
    let event =
        |n: usize| Event::new(format!("u{}", n % 40), Action::named("borrow")).item("a").at(at(base + n as f64));
    db.log((0..200).map(event).collect()).expect("logs");
    db.close().expect("closes");
    let db = Engine::open(dir.path().join("store"), Config::default()).expect("opens");
    assert!(db.log(vec![event(900)]).is_err(), "it is no longer declared");
    assert_eq!(db.stats().expect("counts").events, 200);
    db.rank(&Request::new().user("u3")).expect("its history is read");
    db.verify_signals().expect("counts");
    db.tune().expect("replays");
}
