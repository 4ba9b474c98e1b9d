//! Weights that were fitted to a log: where they are in force, for which model, and under which names.

use crate::api::event::Action;
use crate::api::feature::Feature;
use crate::api::tuning::{RequestContext, Tuning, WeightSet};
use crate::base::time::Timestamp;
use crate::catalog::CatalogWrite;
use crate::store::tunings::{add, all, is_due, use_version};
use crate::store::weights::{ActiveWeights, IN_FORCE, InForce, KEPT, fits, kept};
use crate::testing::{Shop, event};

const WIDTH: usize = Feature::COLUMNS + Feature::GRAPH;

fn set(context: RequestContext, weight: f32, kept: bool) -> WeightSet {
    let weights = vec![weight; WIDTH];
    WeightSet { context, samples: 9, held_out: 3, ndcg_before: 0.1, ndcg_after: 0.2, kept, weights }
}

fn tuning(shop: &Shop, version: u64, sets: Vec<WeightSet>) -> Tuning {
    let model = shop.stores.model();
    let (features, model) = (model.all_features().to_vec(), model.stats().sha256);
    Tuning { version, time: Timestamp::MIN, events: 12, model, features, sets }
}

/// Writes records as a store may have them, and reads what they put in force.
fn stored(shop: &Shop, kept: &[Tuning], version: u64) -> ActiveWeights {
    let model = shop.stores.model();
    let write = |change: &dyn Fn(&mut CatalogWrite)| {
        let mut write = shop.stores.catalog.write().unwrap();
        change(&mut write);
        write.commit_bookkeeping().unwrap();
    };
    write(&|write| write.set_meta(KEPT, &kept.to_vec()).unwrap());
    write(&|write| write.set_meta(IN_FORCE, &InForce::from([(model.stats().sha256, version)])).unwrap());
    ActiveWeights::read(shop.stores.catalog.read().unwrap().view(), &model).unwrap()
}

#[test]
fn fitted_rows_stand_in_the_cell_of_their_request_context_alone() {
    let shop = Shop::open(|_| {});
    let model = shop.stores.model();
    let shipped = ActiveWeights::shipped(&model);
    assert_eq!(shipped.version, 0);
    let own = model.shipped_weights();
    for context in RequestContext::ALL {
        assert!(shipped.feed(context).is_none(), "the model has its own");
        assert_eq!(shipped.row(context), own[context.cell() * WIDTH..][..WIDTH]);
    }
    let fitted = RequestContext::ALL[5];
    let weights = shipped.clone().with(3, &[set(fitted, 0.5, true)]);
    assert_eq!((weights.version, weights.row(fitted)), (3, vec![0.5; WIDTH]));
    for context in RequestContext::ALL.into_iter().filter(|of| *of != fitted) {
        assert!(weights.feed(context).is_none());
        assert_eq!(weights.row(context), shipped.row(context), "{}", context.name());
    }
    let rows: Vec<&[f32]> = weights.feed(fitted).unwrap().chunks(WIDTH).collect();
    assert_eq!((rows.len(), rows[fitted.cell()]), (4, &[0.5; WIDTH][..]));
    let others = (0..4).filter(|cell| *cell != fitted.cell());
    others.for_each(|cell| assert_eq!(rows[cell], &own[cell * WIDTH..][..WIDTH]));
    let ones = ActiveWeights::ones(&model);
    assert!(
        RequestContext::ALL
            .iter()
            .all(|of| ones.row(*of) == [1.0; WIDTH] && ones.feed(*of).unwrap() == [1.0; 4 * WIDTH])
    );
}

#[test]
fn every_request_context_has_its_name_and_its_cell() {
    let names: Vec<String> = RequestContext::ALL.iter().map(|of| of.name()).collect();
    assert!(crate::testing::all_differ(&names), "{names:?}");
    assert_eq!(names[0], "first visit");
    assert_eq!(names[9], "personal search, new items, in a visit");
    for context in RequestContext::ALL {
        assert_eq!(context.cell(), usize::from(context.query) * 2 + usize::from(context.history));
        assert!(context.history || !(context.exclude_seen || context.in_visit), "nobody has no visit");
    }
}

#[test]
fn weights_that_were_stored_under_former_names_are_in_force() {
    let shop = Shop::open(|_| {});
    let mut old = tuning(&shop, 4, vec![set(RequestContext::ALL[2], 0.25, true)]);
    old.features = old.features.iter().map(|name| Feature::of(name).unwrap().declaration().former.to_owned()).collect();
    let read = stored(&shop, &[old.clone()], 4);
    assert_eq!((read.version, read.row(RequestContext::ALL[2])), (4, vec![0.25; WIDTH]));
    let names = kept(shop.stores.catalog.read().unwrap().view()).unwrap().remove(0).features;
    assert_eq!(names, shop.stores.model().all_features());
    old.features[3] = "a name that nobody had".to_owned();
    assert_eq!(stored(&shop, &[old], 4).version, 0, "and what is no feature was fitted for another model");
}

#[test]
fn weights_of_another_model_or_shape_are_not_in_force() {
    let shop = Shop::open(|_| {});
    let good = || tuning(&shop, 4, vec![set(RequestContext::ALL[2], 0.25, true)]);
    type Spoil = fn(&mut Tuning);
    let spoilt: [(&str, Spoil); 5] = [
        ("another model", |of| of.model = "0".repeat(64)),
        ("another order", |of| of.features.swap(0, 1)),
        ("a feature more", |of| of.features.push("network".to_owned())),
        ("a short row", |of| of.sets[0].weights.truncate(WIDTH - 1)),
        ("no number", |of| of.sets[0].weights[5] = f32::NAN),
    ];
    assert!(fits(&good(), &shop.stores.model()));
    assert_eq!(stored(&shop, &[good()], 4).version, 4);
    for (what, spoil) in spoilt {
        let mut tuning = good();
        spoil(&mut tuning);
        assert!(!fits(&tuning, &shop.stores.model()), "{what}");
        assert_eq!(stored(&shop, &[tuning], 4).version, 0, "{what}");
    }
    assert_eq!(stored(&shop, &[good()], 3).version, 0, "a version that is not kept");
    assert_eq!(stored(&shop, &[], 0), ActiveWeights::shipped(&shop.stores.model()));
}

#[test]
fn what_is_better_comes_into_force_and_what_is_not_is_kept_beside() {
    let shop = Shop::open(|_| {});
    let fitted = |sets: Vec<WeightSet>| add(&shop.stores, &shop.stores.active(), 100, 100, sets).unwrap().version;
    let [one, two] = [RequestContext::ALL[0], RequestContext::ALL[2]];
    assert_eq!(fitted(Vec::new()), 0, "nothing was fitted: what ships stays");
    assert_eq!(all(&shop.stores).unwrap().0.len(), 0);
    assert_eq!(fitted(vec![set(one, 0.5, true)]), 1);
    assert_eq!((shop.stores.weights().version, shop.stores.weights().row(one)), (1, vec![0.5; WIDTH]));
    assert_eq!(fitted(vec![set(two, 9.0, false)]), 2, "no set is better");
    assert_eq!(shop.stores.weights().version, 1, "so the one before stays in force");
    assert_eq!(fitted(Vec::new()), 1);
    let versions = |shop: &Shop| all(&shop.stores).unwrap().0.iter().map(|kept| kept.version).collect::<Vec<_>>();
    assert_eq!(versions(&shop), [1, 2]);
    use_version(&shop.stores, 2).unwrap();
    assert_eq!((shop.stores.weights().version, shop.stores.weights().row(two)), (2, vec![9.0; WIDTH]));
    use_version(&shop.stores, 0).unwrap();
    assert_eq!(*shop.stores.weights(), ActiveWeights::shipped(&shop.stores.model()));
    let refused = use_version(&shop.stores, 7).err().unwrap().to_string();
    assert!(refused.contains("(1, 2)") && refused.contains('7'), "{refused}");
    (3..=14).for_each(|version| assert_eq!(fitted(vec![set(one, 0.1, true)]), version));
    assert_eq!(versions(&shop), (7..=14).collect::<Vec<_>>(), "the newest eight, and no number twice");
}

#[test]
fn weights_are_due_when_the_log_has_grown_by_the_factor() {
    let shop = Shop::of(3);
    let log = |from: usize, to: usize| shop.log((from..to).map(|n| event(&format!("u{n}"), Action::View, n % 3, 1.0)));
    let due = |least, growth| is_due(&shop.stores, least, growth).unwrap();
    log(0, 20);
    shop.core.flush().unwrap();
    assert!(due(20, 1.5) && !due(21, 1.5), "never fitted, and few events are too few");
    add(&shop.stores, &shop.stores.active(), 20, 20, Vec::new()).unwrap();
    assert!(!due(1, 1.5), "they were tried with these");
    log(20, 29);
    shop.core.flush().unwrap();
    assert!(!due(1, 1.5), "29 of 30");
    log(29, 31);
    shop.core.flush().unwrap();
    assert!(due(1, 1.5) && !due(1, 2.0));
}
