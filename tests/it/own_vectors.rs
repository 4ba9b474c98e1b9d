//! Vectors of the catalog's own fields, such as pictures, in lists that nobody asked anything of but for a user.

use onelist::{
    Action, Config, Engine, Event, HistoryEvent, Hit, Item, Personalization, Request, Source, Timestamp, Value,
};

const WIDTH: usize = 16;
/// Items of each kind; every fourth has no picture.
const EACH: usize = 40;

/// A picture of a kind of thing. All share most of their direction, as an encoder's vectors do, and each has a bit of its own.
fn picture(kind: usize, number: usize) -> Value {
    let mut vector = vec![0.02; WIDTH];
    vector[0] = 1.0;
    vector[1 + kind] = 0.5;
    vector[8 + number % 8] += 0.05;
    Value::Vector(vector)
}

fn has_picture(number: usize) -> bool {
    number % 4 != 3
}

/// Lamps, chairs and mugs that no text tells apart and nobody has had, so that only pictures and their absence differ.
fn store(dir: &std::path::Path) -> Engine {
    let db = Engine::open(dir, Config::default()).expect("opens");
    let kinds = ["lamp", "chair", "mug"].iter().enumerate();
    let items = kinds.flat_map(|(kind, name)| {
        (0..EACH).map(move |number| {
            let item = Item::new(format!("{name}-{number}")).number("price", number as f64);
            if has_picture(number) { item.with("image", picture(kind, number)) } else { item }
        })
    });
    db.put(items.collect()).expect("puts");
    db
}

fn like(db: &Engine, item: &str) {
    db.log(vec![Event::new("ada", Action::Like).item(item)]).expect("logs");
}

fn ada() -> Request {
    Request::new().user("ada").limit(3 * EACH).explain().unlogged()
}

fn asked(db: &Engine, request: &Request) -> Vec<Hit> {
    db.rank(request).expect("ranks").hits
}

/// What the pictures add to the score of an item.
fn part(hits: &[Hit], id: &str) -> f32 {
    let why = hits.iter().find(|hit| hit.id == id).and_then(|hit| hit.why.as_ref());
    let parts = &why.unwrap_or_else(|| panic!("{id} is in the list")).contributions;
    parts.iter().find(|part| part.feature == "vector").map_or(0.0, |part| part.amount)
}

#[test]
fn pictures_of_what_was_liked_find_their_like() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path());
    assert!(
        asked(&db, &ada()).iter().all(|hit| part(std::slice::from_ref(hit), &hit.id) == 0.0),
        "nothing is known of her"
    );
    like(&db, "lamp-0");
    like(&db, "lamp-1");
    let hits = asked(&db, &ada().exclude_seen());
    let lamps = (0..EACH).filter(|number| has_picture(*number)).count() - 2;
    assert!(
        hits[..lamps].iter().all(|hit| hit.id.starts_with("lamp")),
        "{:?}",
        hits.iter().map(|hit| &hit.id).collect::<Vec<_>>()
    );
    assert!(hits[0].sources.iter().any(|proposal| proposal.source == Source::Vector));
    let why = hits[0].why.as_ref().expect("asked for");
    assert!(why.line.contains("fits the history by its vector fields"), "{}", why.line);
    assert!(
        why.history.iter().any(|influence| influence.item == "lamp-0" && influence.amount != 0.0),
        "{:?}",
        why.history
    );
}

#[test]
fn an_item_without_a_picture_stands_between_what_looks_alike_and_what_does_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path());
    like(&db, "lamp-0");
    let hits = asked(&db, &ada());
    assert_eq!(hits.len(), 3 * EACH, "every item is ranked, with a picture and without");
    for number in 0..EACH {
        let (lamp, mug) = (part(&hits, &format!("lamp-{number}")), part(&hits, &format!("mug-{number}")));
        match has_picture(number) {
            // All cosines are near one: what all pictures share says nothing, so these two are not on the same side.
            true => assert!(lamp > 0.01 && mug < -0.01, "{number}: {lamp} {mug}"),
            false => assert!(lamp == 0.0 && mug == 0.0, "{number}: {lamp} {mug}"),
        }
    }
}

#[test]
fn the_history_of_a_request_shows_like_that_of_a_user() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path());
    let now = Timestamp::from_seconds(1.7e9);
    let event = |hours: f64| Timestamp::from_seconds(1.7e9 - hours * 3_600.0);
    let liked = [("chair-0", 2.0), ("mug-5", 1.0)];
    let events = liked.map(|(id, hours)| Event::new("ada", Action::Like).item(id).at(event(hours)));
    db.log(events.to_vec()).expect("logs");
    let had = |(id, hours): (&str, f64)| HistoryEvent {
        action: Action::Like,
        time: Some(event(hours)),
        ..HistoryEvent::new(id)
    };
    let mut stateless = Request::new().limit(3 * EACH).explain().unlogged();
    stateless.history = liked.map(had).to_vec();
    let (stored, given) = (asked(&db, &ada().now(now)), asked(&db, &stateless.now(now)));
    for hit in &stored {
        assert_eq!(part(&stored, &hit.id), part(&given, &hit.id), "{}", hit.id);
    }
    assert!(part(&stored, "mug-6") > part(&stored, "chair-6"), "the newest counts most");
}

#[test]
fn pictures_of_the_history_are_personal_and_are_silent_where_something_is_asked() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path());
    db.log(vec![Event::new("ada", Action::Dislike).item("mug-0")]).expect("logs");
    assert_eq!(part(&asked(&db, &ada()), "lamp-1"), 0.0, "a dislike does not say what is liked");
    like(&db, "lamp-0");
    let of = |request: Request| part(&asked(&db, &request), "lamp-1");
    let (normal, high) = (of(ada()), of(ada().personalization(Personalization::High)));
    assert!((high / normal - 1.5).abs() < 0.01, "{high} {normal}");
    assert_eq!(of(ada().personalization(Personalization::Off)), 0.0);
    let Value::Vector(mug) = picture(2, 1) else { unreachable!("a picture is a vector") };
    let (given, both) = (Request::new().vector("image", mug.clone()), ada().vector("image", mug));
    let given = given.limit(3 * EACH).explain().unlogged();
    assert!(part(&asked(&db, &given), "mug-1") > 0.0);
    assert_eq!(part(&asked(&db, &given), "lamp-1"), of(both), "a picture that is asked with is compared alone");
}
