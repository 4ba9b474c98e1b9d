//! Filters in the index and in the tail agree with [`Filter::matches`].

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::api::filter::{Compare, Filter, Scalar};
use crate::api::item::Value;
use crate::base::number::Number;
use crate::base::time::Timestamp;
use crate::text::analyse::words;

/// A name with everything that a path syntax might trip over.
const ODD: &str = "a.b\\\u{0}\u{1}ü:$";

fn texts() -> impl Strategy<Value = String> {
    select(vec!["", "red", "Red", "red shoes", "running shoe", "a\u{0}b", "ﬃ", "*(a", "x\u{202e}y"])
        .prop_map(str::to_owned)
}

fn number() -> impl Strategy<Value = f64> {
    select(vec![0.0, -0.0, 1.0, 1.5, -3.0, 5e-324, -5e-324, f64::MAX, f64::MIN, 1e300, 42.0])
}

/// Whole numbers where doubles are too coarse, and doubles beside them.
fn any_number() -> impl Strategy<Value = Number> {
    let (two_53, two_63) = (1i128 << 53, 1i128 << 63);
    let whole = select(vec![
        0,
        1,
        42,
        two_53 - 1,
        two_53,
        two_53 + 1,
        two_53 + 2,
        -two_53 - 1,
        two_63 - 1,
        two_63,
        two_63 + 1,
        two_63 + 5,
        i128::from(u64::MAX),
        i128::from(u64::MAX) - 1,
        i128::from(i64::MIN),
        i128::from(i64::MIN) + 1,
    ]);
    let float =
        prop_oneof![number(), select(vec![two_53 as f64, two_63 as f64, -two_53 as f64, 1.8446744073709552e19])];
    prop_oneof![whole.prop_map(Number::Integer), float.prop_map(Number::Float)]
}

fn value(number: Number) -> Value {
    match number {
        Number::Integer(integer) => Value::Integer(integer),
        Number::Float(float) => Value::Number(float),
    }
}

fn scalar(number: Number) -> Scalar {
    match number {
        Number::Integer(integer) => Scalar::Integer(integer),
        Number::Float(float) => Scalar::Number(float),
    }
}

fn date() -> impl Strategy<Value = Timestamp> {
    select(vec![
        Timestamp::MIN,
        Timestamp::MAX,
        Timestamp::from_millis(0),
        Timestamp::from_millis(-1),
        Timestamp::from_millis(1_700_000_000_123),
    ])
}

fn place() -> impl Strategy<Value = (f64, f64)> {
    (
        select(vec![-90.0, -45.0, 0.0, 48.85, 51.5, 89.99, 90.0]),
        select(vec![-180.0, -179.9, -0.1, 0.0, 2.35, 179.9, 180.0]),
    )
}

fn item() -> impl Strategy<Value = Item> {
    let long = select(vec!["y".repeat(256), "z ".repeat(200)]);
    let texts = (
        proptest::option::weighted(0.7, prop_oneof![4 => texts(), 1 => long]),
        proptest::option::weighted(0.7, proptest::collection::vec(texts(), 0..4)),
        proptest::option::weighted(0.3, texts()),
    );
    let rest = (
        (proptest::option::of(any_number()), proptest::collection::vec(any_number(), 0..5)),
        proptest::option::of(date()),
        proptest::option::of(any::<bool>()),
        proptest::option::of(place()),
        proptest::option::weighted(0.3, number()),
        any::<bool>(),
    );
    (texts, rest).prop_map(|((title, tags, note), ((price, sizes), when, stock, place, odd, vector))| {
        let fields = [
            ("title", title.map(Value::Text)),
            ("tags", tags.map(Value::Tags)),
            ("a", note.map(Value::Text)),
            ("price", price.map(value)),
            ("sizes", Some(sizes).filter(|sizes| !sizes.is_empty()).map(Value::Numbers)),
            ("when", when.map(Value::Date)),
            ("stock", stock.map(Value::Bool)),
            ("place", place.map(|(lat, lon)| Value::Geo { lat, lon })),
            (ODD, odd.map(Value::Number)),
            ("image", vector.then(|| Value::Vector(vec![1.0, 2.0]))),
        ];
        let present = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        present.fold(Item::new("x"), |item, (name, value)| item.with(name, value))
    })
}

/// An item that has every field, so that the schema knows them all.
fn full() -> Item {
    let sizes = Value::Numbers(vec![Number::Integer(7), Number::Float(0.5)]);
    let item =
        titled("full").with("sizes", sizes).tags("tags", ["red"]).text("a", "b").number("price", 7.0).number(ODD, 7.0);
    let item = item.with("when", Value::Date(Timestamp::MAX)).with("stock", Value::Bool(true));
    item.with("place", Value::Geo { lat: 1.0, lon: 1.0 }).with("image", Value::Vector(vec![1.0, 2.0]))
}

fn filter() -> impl Strategy<Value = Filter> {
    let compares =
        select(vec![Compare::Equal, Compare::Less, Compare::LessOrEqual, Compare::Greater, Compare::GreaterOrEqual]);
    let ordered = (select(vec!["price", "sizes", "when", ODD]), compares, any_number(), date()).prop_map(
        |(field, compare, number, date)| {
            let value = if field == "when" { Scalar::Date(date) } else { scalar(number) };
            Filter::Compare { field: field.to_owned(), compare, value }
        },
    );
    let text_fields = || select(vec!["title", "tags", "a"]);
    let meters = select(vec![0.0, 10.0, 350_000.0, 5e6, 1.9e7, 2.1e7]);
    let leaf = prop_oneof![
        4 => ordered,
        2 => (text_fields(), texts()).prop_map(|(field, text)| Filter::equal(field, text.as_str())),
        1 => text_fields().prop_map(|field| Filter::equal(field, "y".repeat(256).as_str())),
        1 => any::<bool>().prop_map(|flag| Filter::equal("stock", flag)),
        1 => (select(vec!["price", "sizes"]), proptest::collection::vec(any_number().prop_map(scalar), 0..8))
            .prop_map(|(field, values)| Filter::one_of(field, values)),
        1 => proptest::collection::vec(date(), 0..8).prop_map(|values| Filter::one_of("when", values)),
        1 => (text_fields(), proptest::collection::vec(texts(), 0..3)).prop_map(|(field, values)| {
            Filter::one_of(field, values.iter().map(String::as_str))
        }),
        2 => select(vec!["title", "tags", "a", "price", "sizes", "when", "stock", "place", ODD, "image"]).prop_map(Filter::exists),
        2 => (text_fields(), texts()).prop_map(|(field, text)| Filter::matches_text(field, text)),
        2 => (place(), meters).prop_map(|((lat, lon), meters)| Filter::near("place", lat, lon, meters)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(Filter::not),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn index_and_tail_agree_with_the_meaning(
        items in proptest::collection::vec(item(), 1..40),
        filters in proptest::collection::vec(filter(), 1..24),
    ) {
        let mut fixture = Fixture::new();
        let numbered: Vec<(u64, Item)> = items.into_iter().enumerate().map(|(key, item)| (key as u64 + 1, item)).collect();
        // Two segments, with a replaced and a deleted item, and a tail.
        let (index, tail) = numbered.split_at(numbered.len() / 2);
        let changes = fixture.put(index.iter().cloned().chain([(0, full()), (1000, full())]));
        fixture.commit(changes);
        let mut changes = fixture.put([(0, titled("red")), (2000, full())]);
        changes.extend(fixture.delete(&[1000]));
        fixture.commit(changes);
        fixture.put(tail.iter().cloned());
        let view = fixture.view();
        for filter in filters {
            let filter = filter.resolve(&fixture.schema).expect("resolves");
            let expected: Vec<u64> = fixture.catalog.iter()
                .filter(|(_, (_, fields))| filter.matches(fields, &words)).map(|(key, _)| key.0).collect();
            let found = view.matching(&filter, &fixture.schema, &fixture.is_current()).expect("evaluates");
            prop_assert_eq!(&expected, &found.iter().collect::<Vec<_>>(), "{:?}", &filter);
            let query = view.query("red shoe running", &fixture.fields()).expect("analyses").expect("has words");
            let all = view.search(&query, None, &fixture.schema, 1000, &fixture.is_current()).expect("searches");
            let kept: Vec<_> = all.into_iter().filter(|(key, _)| expected.contains(&key.0)).collect();
            let found = view.search(&query, Some(&filter), &fixture.schema, 1000, &fixture.is_current()).expect("searches");
            prop_assert_eq!(kept, found);
        }
    }
}

#[test]
fn a_sparse_filter_and_a_dense_one_give_the_same_scores() {
    let mut fixture = Fixture::new();
    let items = (0..3000u64).map(|key| (key, titled(&format!("common w{}", key % 10)).number("n", key as f64)));
    let changes = fixture.put(items);
    fixture.commit(changes);
    let view = fixture.view();
    let query = view.query("common w3", &fixture.fields()).expect("analyses").expect("has words");
    let search = |filter: &Filter, k: usize| {
        view.search(&query, Some(filter), &fixture.schema, k, &fixture.is_current()).expect("searches")
    };
    // 30 documents are scored one by one; 2,900 are pruned.
    let sparse = search(&Filter::less("n", 30.0), 20);
    let dense = search(&Filter::less("n", 2900.0), 3000);
    let expected: Vec<_> = dense.into_iter().filter(|(key, _)| key.0 < 30).take(20).collect();
    assert_eq!(sparse, expected);
    assert_eq!(sparse.len(), 20);
}

#[test]
fn ids_of_a_shop_beyond_the_doubles_are_told_apart_in_index_and_tail() {
    let mut fixture = Fixture::new();
    let first = (1i128 << 63) - 100;
    let items = |from: u64| (from..from + 100).map(move |key| (key, titled("x").integer("n", first + i128::from(key))));
    let changes = fixture.put(items(0));
    fixture.commit(changes);
    fixture.put(items(100));
    let view = fixture.view();
    let found = |compare: Compare, key: u64| {
        let value = Scalar::Integer(first + i128::from(key));
        let filter = Filter::Compare { field: "n".to_owned(), compare, value };
        view.matching(&filter, &fixture.schema, &fixture.is_current()).expect("evaluates").len()
    };
    for key in [0, 1, 57, 99, 100, 101, 150, 199] {
        assert_eq!(found(Compare::Equal, key), 1, "{key}");
        assert_eq!((found(Compare::Less, key), found(Compare::LessOrEqual, key)), (key, key + 1));
        assert_eq!((found(Compare::Greater, key), found(Compare::GreaterOrEqual, key)), (199 - key, 200 - key));
    }
    let several = Filter::one_of("n", (0..200u64).step_by(10).map(|key| Scalar::Integer(first + i128::from(key))));
    let keys: Vec<u64> =
        view.matching(&several, &fixture.schema, &fixture.is_current()).expect("evaluates").iter().collect();
    assert_eq!(keys, (0..200).step_by(10).collect::<Vec<_>>());
}

#[test]
fn a_field_beyond_the_sixteenth_is_searched_and_filtered_like_the_others() {
    let mut fixture = Fixture::new();
    let many =
        |item: Item, text: &str| (0..40).fold(item, |item, n| item.text(format!("f{n:02}"), format!("{text} only{n}")));
    // Enough documents for blocks of postings, of which the best stand anywhere.
    let items = |from: u64| {
        (from..from + 1_500).map(move |key| {
            let often = "rare ".repeat(1 + key as usize % 7);
            (key, many(Item::new("x"), "common").text("last", format!("{often} word{}", key % 3)))
        })
    };
    let changes = fixture.put(items(0));
    fixture.commit(changes);
    let in_index = fixture.search("rare word1", 20);
    assert_eq!((in_index.len(), fixture.search("rare", 5_000).len()), (20, 1_500));
    // Pruning must not lose the best: they are those of all, sorted.
    let all: Vec<(u64, f32)> = fixture.search("rare word1", 5_000).into_iter().take(20).collect();
    assert_eq!(in_index, all);
    assert!(in_index.iter().all(|(key, _)| key % 7 == 6 && key % 3 == 1), "{in_index:?}");
    fixture.put(items(2_100));
    // The same texts in the tail have the same scores as in the index.
    let both = fixture.search("rare word1", 5_000);
    let score = |wanted: u64| both.iter().find(|(key, _)| *key == wanted).expect("found").1;
    for key in [0, 6, 13, 1_000] {
        assert_eq!(score(key), score(2_100 + key), "{key}");
    }
    let view = fixture.view();
    let matching = |field: &str, text: &str| {
        let filter = Filter::matches_text(field, text);
        view.matching(&filter, &fixture.schema, &fixture.is_current()).expect("evaluates").len()
    };
    assert_eq!((matching("f39", "only39"), matching("f39", "only38"), matching("f05", "only5")), (3_000, 0, 3_000));
}
