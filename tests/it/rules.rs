//! Rules: given with a request, or stored as scenarios.

use onelist::{Cap, Config, Engine, Filter, Hit, Ranking, Request, Rule, Which};
use onelist_tests::{Shop, empty, ids, shop};

fn ranked(shop: &Shop, request: Request) -> Ranking {
    shop.db.rank(&request.explain().unlogged()).expect("ranks")
}

fn pin(item: &str, position: usize) -> Rule {
    Rule::Pin { item: item.to_owned(), position }
}

fn find<'r>(ranking: &'r Ranking, id: &str) -> &'r Hit {
    ranking.hits.iter().find(|hit| hit.id == id).unwrap_or_else(|| panic!("{id} is not in {ranking:?}"))
}

fn rules(hit: &Hit) -> Vec<&str> {
    hit.why.as_ref().expect("was asked for").rules.iter().map(String::as_str).collect()
}

#[test]
fn a_pinned_item_stands_where_it_is_pinned() {
    let shop = shop().expect("opens");
    let request = || Request::new().query("shoes");
    let plain = ranked(&shop, request());
    let ranking = ranked(&shop, request().rule(pin("teapot", 1)).rule(pin("bag", 3)));
    assert_eq!((ranking.hits[0].id.as_str(), ranking.hits[2].id.as_str()), ("teapot", "bag"));
    assert_eq!((ranking.hits.len(), rules(&ranking.hits[0])), (7, vec!["rules[0] pin"]));
    assert_eq!(find(&ranking, "teapot").score, find(&plain, "teapot").score, "it keeps its score");
    let why = ranking.hits[0].why.as_ref().expect("was asked for");
    let place = plain.hits.iter().position(|hit| hit.id == "teapot").expect("is there") + 1;
    assert_eq!(why.moved.as_ref().map(|moved| (moved.from, moved.by.as_str())), Some((place, "pin")));
    assert!(why.line.contains("rules[0] pin"), "{}", why.line);
    // An item that no source would propose is scored all the same.
    let mut few = request().limit(1).rule(pin("kettle", 1));
    few.candidates = Some(1);
    let scarce = ranked(&shop, few);
    assert_eq!(scarce.hits[0].id, "kettle");
    assert!(scarce.hits[0].sources.iter().any(|proposal| proposal.source.name() == "pinned"));
}

#[test]
fn a_pin_that_cannot_be_is_left_out_and_said() {
    let shop = shop().expect("opens");
    let mut request = Request::new().filter(Filter::less("price", 100.0));
    request = request.rule(pin("no such item", 1)).rule(pin("boots", 1)).rule(pin("teapot", 1)).rule(pin("kettle", 1));
    request.exclude = vec!["teapot".to_owned()];
    let ranking = ranked(&shop, request);
    assert_eq!(ranking.hits[0].id, "kettle", "what can be pinned is");
    assert_eq!(ranking.warnings.len(), 3, "{:?}", ranking.warnings);
    assert!(ranking.warnings[0].contains("rules[0] pin") && ranking.warnings[0].contains("no such item"));
    assert!(ranking.warnings[1].contains("`boots`") && ranking.warnings[2].contains("`teapot`"));
    assert!(ranking.hits.iter().all(|hit| hit.id != "boots" && hit.id != "teapot"));
}

#[test]
fn boosts_and_burials_add_to_the_score() {
    let shop = shop().expect("opens");
    let plain = ranked(&shop, Request::new().query("shoes"));
    let boost = Rule::Boost { which: Which::Matching(Filter::equal("tags", "kitchen")), amount: 0.25 };
    let bury = Rule::Bury { which: Which::ids(["red-shoes", "kettle", "no such item"]), amount: 0.5 };
    let ranking = ranked(&shop, Request::new().query("shoes").rule(boost).rule(bury));
    let change = |id: &str| find(&ranking, id).score - find(&plain, id).score;
    for (id, amount) in [("teapot", 0.25), ("kettle", -0.25), ("red-shoes", -0.5), ("boots", 0.0)] {
        assert!((change(id) - amount).abs() < 1e-3, "{id}: {}", change(id));
    }
    assert_eq!(rules(find(&ranking, "kettle")), ["rules[0] boost", "rules[1] bury"]);
    assert!(rules(find(&ranking, "boots")).is_empty());
    for hit in &ranking.hits {
        let why = hit.why.as_ref().expect("was asked for");
        assert!((why.contributions.iter().map(|c| c.amount).sum::<f32>() - hit.score).abs() < 1e-3, "{hit:?}");
    }
    assert!(ranking.hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
}

#[test]
fn require_and_exclude_filter() {
    let shop = shop().expect("opens");
    let require = Rule::Require(Filter::less("price", 100.0));
    let exclude = |which| Rule::Exclude(which);
    let mut request = Request::new().query("leather").rule(require);
    request =
        request.rule(exclude(Which::ids(["kettle"]))).rule(exclude(Which::Matching(Filter::equal("tags", "shoes"))));
    let ranking = ranked(&shop, request);
    let mut found: Vec<&str> = ranking.hits.iter().map(|hit| hit.id.as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, ["backpack", "teapot"]);
    assert!(ranking.hits.iter().all(|hit| rules(hit) == ["rules[0] require"]));
    let both = Request::new().filter(Filter::equal("tags", "bags")).rule(Rule::Require(Filter::less("price", 100.0)));
    assert_eq!(ids(&shop.db, &both).expect("ranks"), ["backpack"], "the filter holds beside the rules");
    let none = Request::new().rule(Rule::Require(Filter::equal("nope", 1.0)));
    assert_eq!(shop.db.rank(&none).expect_err("unknown field").name(), "UnknownField");
}

#[test]
fn a_cap_rule_is_named_where_it_held_back() {
    let shop = shop().expect("opens");
    let ranking = ranked(&shop, Request::new().query("running shoes").rule(Rule::Cap(Cap::new("tags", 1))));
    let held: Vec<&Hit> = ranking.hits.iter().filter(|hit| rules(hit) == ["rules[0] cap"]).collect();
    assert!(!held.is_empty() && ranking.hits.len() == 7);
    assert!(rules(&ranking.hits[0]).is_empty());
    // A pinned item counts, and is under no cap itself.
    let pinned = Request::new().query("running shoes").cap("tags", 1).rule(pin("boots", 1)).limit(2);
    let ranking = ranked(&shop, pinned);
    assert_eq!(ranking.hits[0].id, "boots");
    assert!(!ranking.hits[1].id.contains("shoes"), "{ranking:?}");
}

#[test]
fn scenarios_are_stored_by_name() {
    let Shop { db, dir } = shop().expect("opens");
    assert!(db.scenarios().expect("reads").is_empty());
    let sale = vec![pin("teapot", 1), Rule::Require(Filter::less("price", 100.0))];
    let calm = vec![Rule::Bury { which: Which::ids(["teapot"]), amount: 0.1 }];
    db.set_scenario("sale", &sale).expect("stores");
    db.set_scenario("calm", &[]).expect("stores");
    db.set_scenario("calm", &calm).expect("replaces");
    let ranking = db.rank(&Request::new().scenario("sale").explain()).expect("ranks");
    assert_eq!((ranking.hits[0].id.as_str(), ranking.hits.len()), ("teapot", 5));
    assert_eq!(rules(&ranking.hits[0]), ["sale[0] pin", "sale[1] require"]);
    // The request's own rules come first.
    let own = db.rank(&Request::new().scenario("sale").rule(pin("kettle", 1))).expect("ranks");
    assert_eq!((own.hits[0].id.as_str(), own.hits[1].id.as_str()), ("kettle", "teapot"));
    let unknown = db.rank(&Request::new().scenario("sael")).expect_err("there is none");
    assert_eq!(unknown.name(), "UnknownScenario");
    assert!(unknown.to_string().contains("known scenarios are calm, sale"), "{unknown}");

    db.close().expect("closes");
    let db = Engine::open(dir.path().join("shop.onelist"), Config::default()).expect("opens again");
    let stored = db.scenarios().expect("reads");
    assert_eq!(stored.keys().collect::<Vec<_>>(), ["calm", "sale"]);
    assert_eq!((&stored["sale"], &stored["calm"]), (&sale, &calm));
    assert!(db.delete_scenario("sale").expect("deletes") && !db.delete_scenario("sale").expect("is gone"));
    assert_eq!(db.rank(&Request::new().scenario("sale")).expect_err("is gone").name(), "UnknownScenario");
    assert_eq!(db.scenarios().expect("reads").len(), 1);
}

#[test]
fn what_is_no_scenario_is_refused() {
    let shop = empty().expect("opens");
    let refused = |name: &str, rules: &[Rule]| shop.db.set_scenario(name, rules).expect_err("must be refused").name();
    assert_eq!(refused("", &[]), "InvalidArgument");
    assert_eq!(refused(&"x".repeat(129), &[]), "LimitExceeded");
    assert_eq!(refused("s", &[pin("a", 0)]), "InvalidArgument");
    assert_eq!(refused("s", &vec![pin("a", 1); 257]), "LimitExceeded");
    assert_eq!(refused("s", &[Rule::Require(Filter::equal("not", true))]), "InvalidArgument");
    assert!(shop.db.scenarios().expect("reads").is_empty(), "nothing was written");
    assert_eq!(shop.db.delete_scenario("").expect_err("refused").name(), "InvalidArgument");
    let odd = ["a\0b", "scenario:", "é/../", " "];
    odd.iter().for_each(|name| shop.db.set_scenario(name, &[pin("a", 1)]).expect("any text is a name"));
    assert_eq!(shop.db.scenarios().expect("reads").len(), odd.len());
    // An empty store has nothing to pin, and says so.
    let ranking = shop.db.rank(&Request::new().scenario(" ")).expect("ranks");
    assert!(ranking.hits.is_empty() && ranking.warnings.len() == 1);
}

#[test]
fn there_is_room_for_so_many_scenarios() {
    let shop = empty().expect("opens");
    // Many callers at a time, so that they share commits.
    let step = onelist::limits::MAX_SCENARIOS / 16;
    std::thread::scope(|scope| {
        for from in (0..onelist::limits::MAX_SCENARIOS).step_by(step) {
            let db = &shop.db;
            let store = move |n: usize| db.set_scenario(&format!("s{n}"), &[]).expect("fits");
            scope.spawn(move || (from..from + step).for_each(store));
        }
    });
    assert_eq!(shop.db.set_scenario("one more", &[]).expect_err("full").name(), "LimitExceeded");
    shop.db.set_scenario("s7", &[pin("a", 1)]).expect("a known name can be set again");
    let unknown = shop.db.rank(&Request::new().scenario("x")).expect_err("unknown").to_string();
    assert!(unknown.contains("and 1004 more") && unknown.len() < 400, "{unknown}");
}
