//! Vectors of fields: those that are asked with, and those that a history makes; and popularity by segment.

use crate::api::event::Action;
use crate::api::item::{Item, Value};
use crate::api::request::Request;
use crate::base::limits;
use crate::testing::{Shop, ago, close, dated, event, request};
use crate::understand::field_vectors::FieldVector;

/// Things on a circle, and every third without a picture.
fn shop() -> Shop {
    let shop = Shop::open(|_| {});
    shop.put((0..30).map(|n| match n % 3 {
        0 => dated(n, 1.0),
        _ => dated(n, 1.0).with("image", Value::Vector(picture(n))),
    }));
    shop
}

fn picture(n: usize) -> Vec<f32> {
    let (sin, cos) = (n as f32 / 10.0).sin_cos();
    vec![sin, cos]
}

fn vectors(shop: &Shop, request: &Request) -> Vec<FieldVector> {
    shop.ask(request, |cx| cx.understood.vectors.clone())
}

fn check(found: &[f32], expected: &[f32]) {
    // Stored components are 16-bit floats.
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-3),
        "{found:?} {expected:?}"
    );
}

#[test]
fn vectors_that_are_given_are_brought_to_length_one_and_seeds_give_their_own() {
    let shop = shop();
    let found = vectors(&shop, &request().vector("image", vec![30.0, 40.0]));
    assert_eq!((found.len(), found[0].usual, found[0].name.as_str()), (1, 0.0, "field:image"));
    check(&found[0].vector, &[0.6, 0.8]);
    let found = vectors(&shop, &request().like(["thing-3", "thing-4", "thing-8"]));
    assert_eq!(found.len(), 2, "one for each seed that has a picture");
    check(&found[0].vector, &picture(4));
    check(&found[1].vector, &picture(8));
    let found = vectors(&shop, &request().like(["thing-4"]).vector("image", vec![1.0, 0.0]));
    assert_eq!(found.len(), 1, "what is given stands for the field");
    check(&found[0].vector, &[1.0, 0.0]);
    let found = vectors(&shop, &request().query("boot").history(["thing-4"]));
    assert!(found.is_empty(), "where words are searched for, the pictures of a history are silent");
}

#[test]
fn a_vector_that_fits_no_field_is_refused_with_what_was_expected() {
    let shop = shop();
    let refused = |field: &str, vector: Vec<f32>| shop.refuses(&request().vector(field, vector));
    let (kind, text) = refused("image", vec![1.0; 3]);
    assert!(kind == "DimMismatch" && text.contains('2') && text.contains('3') && text.contains("image"), "{text}");
    let (kind, text) = refused("title", vec![1.0, 0.0]);
    assert!(kind == "InvalidArgument" && text.contains("vectors.title") && text.contains("text"), "{text}");
    let (kind, text) = refused("img", vec![1.0, 0.0]);
    assert!(kind == "UnknownField" && text.contains("image"), "the known ones are listed: {text}");
    assert_eq!(refused("image", vec![0.0, 0.0]).0, "ZeroNorm");
    for wrong in [f32::NAN, f32::INFINITY] {
        assert_eq!(refused("image", vec![wrong, 0.0]).0, "NonFinite");
    }
    assert_ne!(refused("image", vec![limits::MAX_COMPONENT * 2.0, 0.0]).0, "DimMismatch");
}

#[test]
fn a_history_s_vector_is_the_mean_of_its_distinct_items_the_newest_counting_most() {
    let shop = shop();
    // Oldest first; 4 twice, and 3 has no picture but takes its step.
    let found = vectors(&shop, &request().history(["thing-10", "thing-4", "thing-3", "thing-4", "thing-7"]));
    let mut mean = [0.0, 0.0];
    for (n, weight) in [(7, 1.0), (4, 0.9), (10, 0.9f32.powi(3))] {
        picture(n).iter().zip(&mut mean).for_each(|(x, sum)| *sum += weight * x);
    }
    let length = (mean[0] * mean[0] + mean[1] * mean[1]).sqrt();
    assert_eq!(found.len(), 1);
    check(&found[0].vector, &mean.map(|x| x / length));
    // What the mean has in common with the pictures of the store: all twenty are looked at, evenly by key.
    let cosine = |n: usize| f64::from(picture(n).iter().zip(&found[0].vector).map(|(a, b)| a * b).sum::<f32>());
    let all: Vec<usize> = (0..30).filter(|n| n % 3 != 0).collect();
    let bounds = all.iter().map(|n| cosine(*n)).fold((1.0f64, -1.0f64), |(low, high), x| (low.min(x), high.max(x)));
    let mean = all.iter().map(|n| cosine(*n)).sum::<f64>() / all.len() as f64;
    assert!((f64::from(found[0].usual) - mean).abs() < 0.15 * (bounds.1 - bounds.0), "{} {mean}", found[0].usual);
}

#[test]
fn a_history_without_pictures_or_of_dislikes_alone_shows_nothing() {
    let shop = Shop::open(|_| {});
    let picture = |n: usize, x: f32| dated(n, 1.0).with("image", Value::Vector(vec![x, 0.0]));
    shop.put([picture(0, 1.0), picture(1, -1.0), dated(2, 1.0)]);
    // They point away from each other; the newer one counts 1 and the older 0.9.
    check(&vectors(&shop, &request().history(["thing-0", "thing-1"]))[0].vector, &[-1.0, 0.0]);
    assert!(vectors(&shop, &request().history(["thing-2"])).is_empty());
    assert!(vectors(&shop, &request()).is_empty());
    shop.log([event("ada", Action::Dislike, 0, 1.0)]);
    assert!(vectors(&shop, &request().user("ada")).is_empty());
}

#[test]
fn seeds_that_cancel_out_have_no_direction() {
    let shop = shop();
    let direction =
        |ids: &[&str]| shop.ask(&request().like(ids.iter().copied()), |cx| cx.understood.seed_vector.clone());
    assert!(direction(&["no such thing"]).is_none());
    let (one, two) = (direction(&["thing-1"]).unwrap(), direction(&["thing-2"]).unwrap());
    let both = direction(&["thing-1", "thing-2"]).unwrap();
    assert!(both.iter().zip(one.iter().zip(&two)).all(|(sum, (a, b))| close(f64::from(*sum), f64::from(a + b))));
    shop.put([Item::new("bare").number("n", 1.0)]);
    assert!(direction(&["bare"]).is_none(), "an item without text points nowhere");
}

#[test]
fn the_segments_of_a_request_stand_for_those_of_its_user() {
    let shop = Shop::of(10);
    let visit = |user: &str, n, country: &str| event(user, Action::Buy, n, 2.0).segment("country", country);
    shop.log([visit("ada", 1, "UK"), visit("bob", 2, "FR"), visit("cy", 3, "UK")]);
    let known = |request: &Request| {
        let mut keys: Vec<_> = shop.ask(request, |cx| cx.understood.segments.items().collect());
        keys.sort_unstable();
        shop.numbers(keys)
    };
    for _ in 0..2 {
        assert_eq!(known(&request().user("bob").segment("country", "UK")), known(&request().segment("country", "UK")));
        shop.core.flush().unwrap();
        assert_eq!(known(&request().user("ada")), [1, 3]);
        assert_eq!(known(&request().user("bob")), [2]);
        assert!(known(&request().user("nobody")).is_empty());
        assert!(known(&request().user("ada").now(ago(3.0))).is_empty(), "what is still to come is not known");
    }
    let score = shop.ask(&request().user("ada"), |cx| cx.understood.segments.of(shop.nth(1)));
    let count = 2.0 * (-2.0f64 / 90.0).exp2();
    assert!(close(f64::from(score), count.ln_1p() / 21f64.ln()), "shrunk as if twenty events were the most: {score}");
}
