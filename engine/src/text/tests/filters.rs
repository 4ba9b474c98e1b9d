//! Filters in the index and in the tail agree with [`Filter::matches`].

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::api::filter::{Compare, Filter, Scalar};
use crate::api::item::Value;
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
        proptest::option::of(number()),
        proptest::option::of(date()),
        proptest::option::of(any::<bool>()),
        proptest::option::of(place()),
        proptest::option::weighted(0.3, number()),
        any::<bool>(),
    );
    (texts, rest).prop_map(|((title, tags, note), (price, when, stock, place, odd, vector))| {
        let fields = [
            ("title", title.map(Value::Text)),
            ("tags", tags.map(Value::Tags)),
            ("a", note.map(Value::Text)),
            ("price", price.map(Value::Number)),
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
    let item = titled("full").tags("tags", ["red"]).text("a", "b").number("price", 7.0).number(ODD, 7.0);
    let item = item.with("when", Value::Date(Timestamp::MAX)).with("stock", Value::Bool(true));
    item.with("place", Value::Geo { lat: 1.0, lon: 1.0 }).with("image", Value::Vector(vec![1.0, 2.0]))
}

fn filter() -> impl Strategy<Value = Filter> {
    let compares =
        select(vec![Compare::Equal, Compare::Less, Compare::LessOrEqual, Compare::Greater, Compare::GreaterOrEqual]);
    let ordered =
        (select(vec!["price", "when", ODD]), compares, number(), date()).prop_map(|(field, compare, number, date)| {
            let value = if field == "when" { Scalar::Date(date) } else { Scalar::Number(number) };
            Filter::Compare { field: field.to_owned(), compare, value }
        });
    let text_fields = || select(vec!["title", "tags", "a"]);
    let meters = select(vec![0.0, 10.0, 350_000.0, 5e6, 1.9e7, 2.1e7]);
    let leaf = prop_oneof![
        3 => ordered,
        2 => (text_fields(), texts()).prop_map(|(field, text)| Filter::equal(field, text.as_str())),
        1 => text_fields().prop_map(|field| Filter::equal(field, "y".repeat(256).as_str())),
        1 => any::<bool>().prop_map(|flag| Filter::equal("stock", flag)),
        1 => proptest::collection::vec(number(), 0..8).prop_map(|values| Filter::one_of("price", values)),
        1 => proptest::collection::vec(date(), 0..8).prop_map(|values| Filter::one_of("when", values)),
        1 => (text_fields(), proptest::collection::vec(texts(), 0..3)).prop_map(|(field, values)| {
            Filter::one_of(field, values.iter().map(String::as_str))
        }),
        2 => select(vec!["title", "tags", "a", "price", "when", "stock", "place", ODD, "image"]).prop_map(Filter::exists),
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
