//! Many threads at once: writers share commits, readers see whole batches, nobody waits for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use onelist::{Action, Event, Item, Request, Value};
use onelist_tests::{empty, ids};

#[test]
fn readers_see_whole_batches_while_writers_write() {
    let shop = Arc::new(empty().expect("opens"));
    let done = Arc::new(AtomicBool::new(false));
    // Every batch gives all ten items one new version: a reader must never see two versions at once.
    let put = |version: u32| {
        let item = |n: u32| {
            Item::new(format!("i{n}")).text("title", format!("thing number{n}")).number("version", f64::from(version))
        };
        shop.db.put((0..10).map(item).collect()).expect("puts");
    };
    put(0);
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (shop, done) = (shop.clone(), done.clone());
            std::thread::spawn(move || {
                let mut looks = 0;
                while !done.load(Ordering::SeqCst) || looks == 0 {
                    for request in [Request::new().query("thing"), Request::new()] {
                        let hits = shop.db.rank(&request).expect("ranks").hits;
                        let versions: Vec<_> = hits.iter().map(|hit| hit.fields.get("version").cloned()).collect();
                        assert_eq!(hits.len(), 10, "no item is missing in between");
                        assert!(versions.windows(2).all(|pair| pair[0] == pair[1]), "{versions:?}");
                    }
                    looks += 1;
                }
                looks
            })
        })
        .collect();
    for version in 1..60 {
        put(version);
    }
    done.store(true, Ordering::SeqCst);
    let looks: usize = readers.into_iter().map(|reader| reader.join().expect("a reader panicked")).sum();
    println!("{looks} looks at 60 batches");
    let found = ids(&shop.db, &Request::new().query("number7").limit(1)).expect("ranks");
    assert_eq!(found, ["i7"]);
    assert_eq!(shop.db.get(&["i7"]).expect("reads")[0].as_ref().expect("there").fields["version"], Value::Number(59.0));
}

#[test]
fn many_writers_share_commits_and_lose_nothing() {
    let shop = Arc::new(empty().expect("opens"));
    shop.db.put(vec![Item::new("thing")]).expect("puts");
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let shop = shop.clone();
            std::thread::spawn(move || {
                for n in 0..20 {
                    shop.db.log(vec![Event::new(format!("u{writer}"), Action::View).item("thing")]).expect("logs");
                    if n % 10 == 0 {
                        shop.db.put(vec![Item::new(format!("{writer}-{n}")).text("title", "x")]).expect("puts");
                    }
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().expect("a writer panicked"));
    let stats = shop.db.stats().expect("counts");
    assert_eq!((stats.events, stats.users, stats.items), (320, 16, 33));
    assert!(stats.seq < 353, "some of the 353 writes shared a commit: {}", stats.seq);
}

#[test]
fn one_bad_batch_does_not_spoil_the_others_of_its_commit() {
    let shop = Arc::new(empty().expect("opens"));
    shop.db.put(vec![Item::new("typed").number("price", 1.0)]).expect("puts");
    let writers: Vec<_> = (0..16)
        .map(|n| {
            let shop = shop.clone();
            std::thread::spawn(move || {
                let good = shop.db.put(vec![Item::new(format!("good{n}")).number("price", 2.0)]);
                let bad = shop.db.put(vec![Item::new(format!("bad{n}")).text("price", "two")]);
                (good.is_ok(), bad.map_err(|e| e.name()))
            })
        })
        .collect();
    for writer in writers {
        assert_eq!(writer.join().expect("a writer panicked"), (true, Err("FieldType")));
    }
    assert_eq!(shop.db.stats().expect("counts").items, 17);
}

#[test]
fn closing_waits_for_calls_that_run() {
    let shop = Arc::new(onelist_tests::shop().expect("opens"));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let shop = shop.clone();
            std::thread::spawn(move || {
                loop {
                    match shop.db.rank(&Request::new().query("shoes")) {
                        Ok(ranking) => assert_eq!(ranking.hits.len(), 7),
                        Err(error) => return error.name(),
                    }
                }
            })
        })
        .collect();
    std::thread::sleep(std::time::Duration::from_millis(50));
    shop.db.close().expect("closes");
    for caller in callers {
        assert_eq!(caller.join().expect("a caller panicked"), "Closed");
    }
}
