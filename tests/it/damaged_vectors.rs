//! A flipped bit in a stored vector: no answer uses it, every answer tells of it, and putting the item again mends it.

use std::fs;
use std::path::Path;

use onelist::{Config, Engine, Item, Request, Value};

/// Components of a unit vector, told apart by their signs.
fn vector(n: usize) -> Vec<f32> {
    (0..16).map(|bit| if (n * 40_503) >> bit & 1 == 1 { -0.25 } else { 0.25 }).collect()
}

fn item(n: usize) -> Item {
    Item::new(format!("i{n}")).text("title", format!("thing {n}")).with("picture", Value::Vector(vector(n)))
}

fn open(path: &Path) -> Engine {
    Engine::open(path, Config::default()).expect("opens")
}

/// Flips a bit of one component of a stored vector, in every place that it has in the file; how many those are.
fn flip(path: &Path, n: usize, bit: usize) -> usize {
    let file = path.join("data.mdb");
    let mut bytes = fs::read(&file).expect("reads");
    // 0.25 as a half-precision number is 0x3400.
    let stored: Vec<u8> = vector(n).iter().flat_map(|x| [0, if *x < 0.0 { 0xb4 } else { 0x34 }]).collect();
    let places: Vec<usize> = (0..bytes.len() - stored.len()).filter(|at| bytes[*at..].starts_with(&stored)).collect();
    places.iter().for_each(|at| bytes[at + bit / 8] ^= 1 << (bit % 8));
    fs::write(&file, bytes).expect("writes");
    places.len()
}

fn asked(db: &Engine) -> (Vec<(String, f32)>, Vec<String>) {
    let request = Request::new().vector("picture", vector(7)).limit(5).unlogged();
    let ranking = db.rank(&request).expect("ranks");
    (ranking.hits.into_iter().map(|hit| (hit.id, hit.score)).collect(), ranking.warnings)
}

#[test]
fn a_flipped_bit_leads_no_list_and_is_mended_by_the_next_put() {
    // Of the exponent, of the sign, of the mantissa, and of the last component.
    for bit in [14, 15, 3, 16 * 15 + 14] {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("store");
        let db = open(&path);
        db.put((0..300).map(item).collect()).expect("puts");
        let (before, warnings) = asked(&db);
        assert!(before[0].0 == "i7" && warnings.is_empty(), "{before:?} {warnings:?}");
        db.close().expect("closes");
        assert!(flip(&path, 7, bit) > 0, "its vector is found");
        let db = open(&path);
        let (after, _) = asked(&db);
        assert!(after.iter().all(|(_, score)| *score <= before[0].1 + 1e-4), "bit {bit}: {after:?}");
        let check = db.verify_vectors().expect("reads");
        assert!(check.damaged == 1 && check.wrong >= 1, "{check:?}");
        let (_, warnings) = asked(&db);
        assert!(warnings.len() == 1 && warnings[0].contains("`i7`"), "{warnings:?}");
        // The same item, which is otherwise left alone.
        db.put(vec![item(7)]).expect("puts");
        assert_eq!(asked(&db), (before, Vec::new()), "bit {bit}");
        assert_eq!(db.verify_vectors().expect("reads").damaged, 0);
    }
}
