//! Actions: what a person did, and what that says of the item.
//!
//! The names that logs usually have are in one table with their meaning ([`STANDARD`]). Any other name has to be declared
//! ([`Config::actions`]) before events with it are taken: a misspelt `dislike` must not count for its item.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::api::config::Meaning::{self, Negative, Neutral, Positive};
use crate::api::config::{ActionConfig, Config};
use crate::api::decode::shortened;
use crate::base::error::{Error, Result};
use crate::base::limits::{self, at_most};

/// What a person did.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub enum Action {
    /// Saw the item's page.
    View,
    /// Chose the item from a list.
    Click,
    /// Put it into the basket.
    Cart,
    /// Bought it.
    Buy,
    /// Said it is good.
    Like,
    /// Said it is bad.
    Dislike,
    /// Passed over it.
    Skip,
    /// Asked not to see it again.
    Hide,
    /// Rated it; `value` is the rating.
    Rate,
    /// Told somebody about it.
    Share,
    /// Searched; the event has a query instead of an item.
    Search,
    /// Any other action: one of the standard actions without a variant, such as `wishlist`, or one that
    /// [`Config::actions`] declares.
    Other(String),
}

/// A standard action.
struct Standard {
    name: &'static str,
    /// The name of the action that it is another word for, else its own.
    same_as: &'static str,
    /// The model's row for it.
    row: &'static str,
    meaning: Meaning,
    weight: f32,
}

const fn standard(
    name: &'static str,
    same_as: &'static str,
    row: &'static str,
    meaning: Meaning,
    weight: f32,
) -> Standard {
    Standard { name, same_as, row, meaning, weight }
}

/// The standard actions, in order of name.
#[rustfmt::skip]
const STANDARD: &[Standard] = &[
    standard("add_to_basket", "cart", "cart", Positive, 1.5),
    standard("add_to_cart", "cart", "cart", Positive, 1.5),
    standard("add_to_list", "wishlist", "like", Positive, 1.5),
    standard("add_to_playlist", "add_to_playlist", "like", Positive, 1.5),
    standard("add_to_wishlist", "wishlist", "like", Positive, 1.5),
    standard("block", "block", "hide", Negative, 1.0),
    standard("book", "book", "buy", Positive, 2.0),
    standard("bookmark", "bookmark", "like", Positive, 1.5),
    standard("buy", "buy", "buy", Positive, 2.0),
    standard("cancel", "cancel", "dislike", Negative, 1.0),
    standard("cart", "cart", "cart", Positive, 1.5),
    standard("checkout", "checkout", "cart", Positive, 1.5),
    standard("click", "click", "click", Positive, 1.0),
    standard("comment", "comment", "custom", Positive, 1.0),
    standard("complete", "complete", "custom", Positive, 1.5),
    standard("dislike", "dislike", "dislike", Negative, 1.0),
    standard("dismiss", "skip", "skip", Negative, 0.2),
    standard("download", "download", "custom", Positive, 1.5),
    standard("downvote", "dislike", "dislike", Negative, 1.0),
    standard("favorite", "like", "like", Positive, 2.0),
    standard("favourite", "like", "like", Positive, 2.0),
    standard("finish", "complete", "custom", Positive, 1.5),
    standard("follow", "follow", "like", Positive, 1.5),
    standard("hide", "hide", "hide", Negative, 1.0),
    standard("ignore", "skip", "skip", Negative, 0.2),
    standard("impression", "impression", "pad", Neutral, 1.0),
    standard("install", "install", "custom", Positive, 1.5),
    standard("like", "like", "like", Positive, 2.0),
    standard("listen", "listen", "custom", Positive, 1.0),
    standard("love", "like", "like", Positive, 2.0),
    standard("not_interested", "hide", "hide", Negative, 1.0),
    standard("open", "view", "view", Positive, 0.5),
    standard("order", "buy", "buy", Positive, 2.0),
    standard("page_view", "view", "view", Positive, 0.5),
    standard("pageview", "view", "view", Positive, 0.5),
    standard("pass", "skip", "skip", Negative, 0.2),
    standard("play", "play", "custom", Positive, 1.0),
    standard("preview", "view", "view", Positive, 0.5),
    standard("purchase", "buy", "buy", Positive, 2.0),
    standard("rate", "rate", "rate", Positive, 1.0),
    standard("rating", "rate", "rate", Positive, 1.0),
    standard("read", "read", "custom", Positive, 1.0),
    standard("refund", "refund", "dislike", Negative, 1.0),
    standard("refunded", "refund", "dislike", Negative, 1.0),
    standard("remove_from_basket", "remove_from_cart", "dislike", Negative, 0.5),
    standard("remove_from_cart", "remove_from_cart", "dislike", Negative, 0.5),
    standard("remove_from_wishlist", "remove_from_wishlist", "dislike", Negative, 0.5),
    standard("rent", "rent", "buy", Positive, 2.0),
    standard("report", "report", "hide", Negative, 1.0),
    standard("repost", "share", "share", Positive, 1.5),
    standard("reserve", "reserve", "cart", Positive, 1.5),
    standard("return", "return", "dislike", Negative, 1.0),
    standard("returned", "return", "dislike", Negative, 1.0),
    standard("review", "review", "custom", Positive, 1.0),
    standard("save", "save", "like", Positive, 1.5),
    standard("search", "search", "search", Neutral, 1.0),
    standard("select", "click", "click", Positive, 1.0),
    standard("share", "share", "share", Positive, 1.5),
    standard("skip", "skip", "skip", Negative, 0.2),
    standard("star", "like", "like", Positive, 2.0),
    standard("stream", "stream", "custom", Positive, 1.0),
    standard("subscribe", "subscribe", "buy", Positive, 2.0),
    standard("tap", "click", "click", Positive, 1.0),
    standard("thumbs_down", "dislike", "dislike", Negative, 1.0),
    standard("thumbs_up", "like", "like", Positive, 2.0),
    standard("unfavorite", "unlike", "dislike", Negative, 1.0),
    standard("unfavourite", "unlike", "dislike", Negative, 1.0),
    standard("unfollow", "unfollow", "dislike", Negative, 1.0),
    standard("uninstall", "uninstall", "dislike", Negative, 1.0),
    standard("unlike", "unlike", "dislike", Negative, 1.0),
    standard("unsave", "unsave", "dislike", Negative, 0.5),
    standard("unsubscribe", "unsubscribe", "dislike", Negative, 1.0),
    standard("upvote", "like", "like", Positive, 2.0),
    standard("view", "view", "view", Positive, 0.5),
    standard("visit", "view", "view", Positive, 0.5),
    standard("watch", "watch", "custom", Positive, 1.0),
    standard("wish", "wishlist", "like", Positive, 1.5),
    standard("wishlist", "wishlist", "like", Positive, 1.5),
];

/// The places in [`STANDARD`] of the actions with a variant, in the order of the variants: looked up once, when compiled.
const PLACES: [usize; 11] = [
    place_of("view"),
    place_of("click"),
    place_of("cart"),
    place_of("buy"),
    place_of("like"),
    place_of("dislike"),
    place_of("skip"),
    place_of("hide"),
    place_of("rate"),
    place_of("share"),
    place_of("search"),
];

/// The place of a name in [`STANDARD`], or its length.
const fn place_of(name: &str) -> usize {
    let mut place = 0;
    while place < STANDARD.len() && !same(STANDARD[place].name.as_bytes(), name.as_bytes()) {
        place += 1;
    }
    place
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// A name without blanks around it, in lower case, with `_` for blanks and hyphens inside.
fn folded(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
        return Cow::Borrowed(name);
    }
    let lower = name.trim().to_lowercase();
    Cow::Owned(lower.replace(|c: char| c.is_whitespace() || c == '-', "_"))
}

impl Action {
    /// The action of a name as bindings give it. Case, blanks around the name and blanks or hyphens in it make no
    /// difference: `Add to cart` is `add_to_cart`.
    pub fn named(name: &str) -> Action {
        match &*folded(name) {
            "view" => Action::View,
            "click" => Action::Click,
            "cart" => Action::Cart,
            "buy" => Action::Buy,
            "like" => Action::Like,
            "dislike" => Action::Dislike,
            "skip" => Action::Skip,
            "hide" => Action::Hide,
            "rate" => Action::Rate,
            "share" => Action::Share,
            "search" => Action::Search,
            other => Action::Other(other.to_owned()),
        }
    }

    /// The name, as [`Action::named`] takes it.
    pub fn name(&self) -> &str {
        match self {
            Action::View => "view",
            Action::Click => "click",
            Action::Cart => "cart",
            Action::Buy => "buy",
            Action::Like => "like",
            Action::Dislike => "dislike",
            Action::Skip => "skip",
            Action::Hide => "hide",
            Action::Rate => "rate",
            Action::Share => "share",
            Action::Search => "search",
            Action::Other(name) => name,
        }
    }

    /// The names of all standard actions, in order.
    pub fn standard() -> impl Iterator<Item = &'static str> {
        STANDARD.iter().map(|action| action.name)
    }

    /// Whether both are the same action, by one word or by two: `purchase` is `buy`.
    pub(crate) fn is_same(&self, other: &Action) -> bool {
        self == other || self.canonical() == other.canonical()
    }

    /// The action that it is another word for, else itself.
    pub(crate) fn without_synonyms(&self) -> Action {
        self.entry().map_or_else(|| self.clone(), |entry| Action::named(entry.same_as))
    }

    /// The one name of an action that has several.
    fn canonical(&self) -> Cow<'_, str> {
        self.entry().map_or_else(|| folded(self.name()), |entry| Cow::Borrowed(entry.same_as))
    }

    /// Its row in the table.
    fn entry(&self) -> Option<&'static Standard> {
        let variant = match self {
            Action::View => 0,
            Action::Click => 1,
            Action::Cart => 2,
            Action::Buy => 3,
            Action::Like => 4,
            Action::Dislike => 5,
            Action::Skip => 6,
            Action::Hide => 7,
            Action::Rate => 8,
            Action::Share => 9,
            Action::Search => 10,
            Action::Other(name) => {
                let name = folded(name);
                return STANDARD.get(STANDARD.binary_search_by_key(&&*name, |action| action.name).ok()?);
            }
        };
        STANDARD.get(PLACES[variant])
    }

    /// What the configuration says about the action: by its own name, else by the one that it is another word for.
    fn declared<'c>(&self, config: &'c Config) -> Option<&'c ActionConfig> {
        if config.actions.is_empty() {
            return None;
        }
        let of = |name: &str| {
            let folds = || config.actions.iter().find(|(declared, _)| folded(declared) == name).map(|(_, found)| found);
            config.actions.get(name).or_else(folds)
        };
        of(&folded(self.name())).or_else(|| self.entry().and_then(|entry| of(entry.same_as)))
    }

    /// The name of this action's row in the model. Ratings become likes and dislikes at the ends of `scale`.
    fn row_name(&self, value: Option<f64>, scale: (f64, f64)) -> &'static str {
        let row = self.entry().map_or("custom", |entry| entry.row);
        match (row, value) {
            ("rate", Some(value)) => {
                let share = (value - scale.0) / (scale.1 - scale.0);
                if share >= 0.75 {
                    "like"
                } else if share <= 0.375 {
                    "dislike"
                } else {
                    "rate"
                }
            }
            _ => row,
        }
    }

    /// The name of this action's row in the model, under a configuration.
    pub(crate) fn model_row(&self, value: Option<f64>, config: &Config) -> &'static str {
        match self.declared(config).map(|action| action.meaning) {
            Some(Meaning::Negative) => "dislike",
            // The row of padding: the event weighs nothing.
            Some(Meaning::Neutral) => "pad",
            Some(Meaning::Positive) if self.entry().is_some_and(|entry| entry.meaning == Negative) => "custom",
            _ => self.row_name(value, config.rating_scale),
        }
    }

    /// What this action says of its item, and how loudly: as configured, else as the table has it. A rating at the low end
    /// of the scale is a dislike. An action that is neither in the table nor declared, which a store of an older version
    /// may hold, counts as a click.
    pub(crate) fn meaning(&self, value: Option<f64>, config: &Config) -> (Meaning, f32) {
        if let Some(action) = self.declared(config) {
            return (action.meaning, action.weight);
        }
        let Some(entry) = self.entry() else { return (Positive, 1.0) };
        match self.row_name(value, config.rating_scale) {
            "dislike" if entry.row == "rate" => (Negative, 1.0),
            _ => (entry.meaning, entry.weight),
        }
    }

    /// Refuses an action that is neither standard nor declared.
    pub(crate) fn check_known(&self, config: &Config) -> Result<()> {
        at_most("bytes of an action's name", limits::MAX_FIELD_NAME_BYTES, self.name().len())?;
        if self.name().trim().is_empty() {
            return Err(Error::argument("action", "the name of what was done", "an empty text"));
        }
        if self.entry().is_none() && self.declared(config).is_none() {
            return Err(self.unknown(config));
        }
        Ok(())
    }

    /// Refuses what [`Action::check_known`] does, and a rating without a value on the scale.
    pub(crate) fn check(&self, value: Option<f64>, config: &Config) -> Result<()> {
        self.check_known(config)?;
        if self.canonical() != "rate" {
            return Ok(());
        }
        let (low, high) = config.rating_scale;
        let expected = || format!("a number from {low} to {high} for a `{}` event (Config::rating_scale)", self.name());
        match value {
            Some(value) if (low..=high).contains(&value) => Ok(()),
            Some(value) => Err(Error::argument("value", expected(), value.to_string())),
            None => Err(Error::argument("value", expected(), "none")),
        }
    }

    fn unknown(&self, config: &Config) -> Error {
        let name = folded(self.name());
        let standard = STANDARD.iter().map(|action| -> &str { action.name });
        let known = standard.chain(config.actions.keys().map(String::as_str));
        let nearest = known.min_by_key(|other| distance(&name, other)).unwrap_or("click");
        let declared = format!("{{\"{}\": {{\"meaning\": \"positive\"}}}}", shortened(&name));
        let expected = format!(
            "a standard action (did you mean `{nearest}`?), or one that `actions` of the configuration declares, as in {declared}"
        );
        Error::argument("action", expected, format!("`{}`", shortened(self.name())))
    }
}

/// How many letters are to be inserted, removed or replaced to get from one word to another (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// The name where people read it (JSON), the number of the variant in records.
impl Serialize for Action {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        if to.is_human_readable() { to.serialize_str(self.name()) } else { Action::serialize(self, to) }
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        if from.is_human_readable() {
            return String::deserialize(from).map(|name| Action::named(&name));
        }
        Action::deserialize(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VARIANTS: [&str; 11] =
        ["view", "click", "cart", "buy", "like", "dislike", "skip", "hide", "rate", "share", "search"];

    #[test]
    fn the_table_is_sorted_and_its_synonyms_are_in_it() {
        assert!(Action::standard().collect::<Vec<_>>().is_sorted_by(|a, b| a < b));
        for action in STANDARD {
            let same = Action::named(action.same_as).entry().expect("is in the table");
            assert_eq!(
                (same.row, same.meaning, same.weight),
                (action.row, action.meaning, action.weight),
                "{}",
                action.name
            );
            assert_eq!(same.same_as, action.same_as, "{}: one step leads to the one name", action.name);
        }
        for name in VARIANTS {
            let action = Action::named(name);
            assert_eq!((action.name(), action.entry().map(|entry| entry.name)), (name, Some(name)));
            assert!(!matches!(action, Action::Other(_)), "{name}");
        }
    }

    #[test]
    fn case_blanks_and_hyphens_make_no_other_action() {
        for (name, same) in
            [("Buy", "buy"), (" BUY\t", "buy"), ("Add to cart", "add_to_cart"), ("thumbs-up", "thumbs_up")]
        {
            assert_eq!(Action::named(name), Action::named(same), "{name:?}");
        }
        assert_eq!(Action::named("Quux"), Action::Other("quux".to_owned()));
        assert_eq!(Action::named("purchase").name(), "purchase", "what was logged stays readable");
        for (one, other, is_same) in [
            ("purchase", "buy", true),
            ("order", "purchase", true),
            ("favourite", "like", true),
            ("returned", "return", true),
            ("wishlist", "like", false),
            ("quux", "Quux", true),
            ("quux", "buy", false),
        ] {
            assert_eq!(Action::named(one).is_same(&Action::named(other)), is_same, "{one} {other}");
        }
        // As an older version stored them.
        let stored = Action::Other("Dislike".to_owned());
        assert_eq!(stored.meaning(None, &Config::default()), (Negative, 1.0));
        assert!(stored.is_same(&Action::Dislike));
    }

    #[test]
    fn actions_speak_for_or_against_with_their_weights() {
        let config = Config::default();
        let meaning = |name: &str| Action::named(name).meaning(None, &config);
        for (name, weight) in [
            ("view", 0.5),
            ("click", 1.0),
            ("cart", 1.5),
            ("buy", 2.0),
            ("like", 2.0),
            ("rate", 1.0),
            ("share", 1.5),
            ("purchase", 2.0),
            ("wishlist", 1.5),
            ("add_to_cart", 1.5),
            ("watch", 1.0),
            ("quux", 1.0),
        ] {
            assert_eq!(meaning(name), (Positive, weight), "{name}");
        }
        for (name, weight) in [
            ("dislike", 1.0),
            ("hide", 1.0),
            ("skip", 0.2),
            ("unlike", 1.0),
            ("refund", 1.0),
            ("remove_from_cart", 0.5),
        ] {
            assert_eq!(meaning(name), (Negative, weight), "{name}");
        }
        assert_eq!((meaning("search").0, meaning("impression").0), (Neutral, Neutral));
    }

    #[test]
    fn a_rating_speaks_by_its_place_on_the_scale() {
        let rated = |scale: (f64, f64), value: f64| {
            let config = Config { rating_scale: scale, ..Config::default() };
            (Action::Rate.meaning(Some(value), &config), Action::named("rating").model_row(Some(value), &config))
        };
        // On a scale of 1 to 5, from 4 a like and up to 2.5 a dislike; on one of 0 to 100, from 75 and up to 37.5.
        for (scale, value, meaning, row) in [
            ((1.0, 5.0), 5.0, Positive, "like"),
            ((1.0, 5.0), 4.0, Positive, "like"),
            ((1.0, 5.0), 3.9, Positive, "rate"),
            ((1.0, 5.0), 2.6, Positive, "rate"),
            ((1.0, 5.0), 2.5, Negative, "dislike"),
            ((1.0, 5.0), 1.0, Negative, "dislike"),
            ((0.0, 100.0), 75.0, Positive, "like"),
            ((0.0, 100.0), 37.5, Negative, "dislike"),
            ((0.0, 100.0), 38.0, Positive, "rate"),
        ] {
            assert_eq!(rated(scale, value), ((meaning, 1.0), row), "{value} of {scale:?}");
        }
    }

    #[test]
    fn the_configuration_has_the_last_word_on_what_an_action_means() {
        let config = Config::default()
            .action("view", Neutral, 3.0)
            .action("Quux", Negative, 0.5)
            .action("buy", Positive, 9.0)
            .action("skip", Positive, 0.1);
        let read =
            |name: &str| (Action::named(name).meaning(None, &config), Action::named(name).model_row(None, &config));
        assert_eq!(read("view"), ((Neutral, 3.0), "pad"), "it weighs nothing in the model");
        assert_eq!(read("page_view"), ((Neutral, 3.0), "pad"), "nor does another word for it");
        assert_eq!(read("quux"), ((Negative, 0.5), "dislike"), "names are compared as those of events are");
        assert_eq!(read("skip"), ((Positive, 0.1), "custom"), "its own row speaks against");
        assert_eq!((read("buy"), read("purchase")), (((Positive, 9.0), "buy"), ((Positive, 9.0), "buy")));
        let own = config.clone().action("purchase", Positive, 4.0);
        assert_eq!(Action::named("purchase").meaning(None, &own), (Positive, 4.0), "its own name comes first");
        assert_eq!(read("lend"), ((Positive, 1.0), "custom"));
    }

    #[test]
    fn an_action_that_is_not_known_is_refused_with_the_nearest_and_how_to_declare_it() {
        let config = Config::default().action("stock check", Neutral, 1.0);
        let refused = |name: &str| Action::named(name).check(None, &config).err().map(|error| error.to_string());
        for (name, nearest) in
            [("clik", "click"), ("dislikes", "dislike"), ("wishlst", "wishlist"), ("stock chek", "stock check")]
        {
            let text = refused(name).expect(name);
            assert!(
                text.contains(&format!("`{nearest}`")) && text.contains(&format!("{{\"{}\"", folded(name))),
                "{text}"
            );
        }
        for known in ["stock check", "Stock-Check", "Dislike", " purchase "] {
            assert_eq!(refused(known), None, "{known}");
        }
        for empty in ["", "  ", "\t"] {
            assert!(refused(empty).expect("is empty").starts_with("action: "), "{empty:?}");
        }
        let long = refused(&"x".repeat(limits::MAX_FIELD_NAME_BYTES)).expect("is not known");
        assert!(long.len() < 400, "{long}");
        assert_eq!(Action::named(&"x".repeat(129)).check(None, &config).expect_err("too long").name(), "LimitExceeded");
    }

    #[test]
    fn a_rating_needs_a_value_on_the_scale() {
        let config = |low, high| Config { rating_scale: (low, high), ..Config::default() };
        let refused = |name: &str, value: Option<f64>, scale: &Config| {
            Action::named(name).check(value, scale).err().map(|error| error.to_string())
        };
        let stars = config(1.0, 5.0);
        for value in
            [None, Some(0.0), Some(6.0), Some(-1.0), Some(100.0), Some(f64::NAN), Some(f64::INFINITY), Some(0.999)]
        {
            for name in ["rate", "rating"] {
                assert!(refused(name, value, &stars).expect("is refused").contains("from 1 to 5"), "{value:?}");
            }
        }
        for (value, scale) in
            [(1.0, &stars), (5.0, &stars), (2.5, &stars), (0.0, &config(0.0, 10.0)), (-3.0, &config(-5.0, 5.0))]
        {
            assert_eq!(refused("rate", Some(value), scale), None, "{value}");
        }
        assert_eq!(refused("buy", Some(100.0), &stars), None, "a quantity");
    }

    #[test]
    fn distances_count_letters() {
        for (a, b, wanted) in
            [("", "", 0), ("buy", "", 3), ("buy", "buy", 0), ("clik", "click", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (wanted, wanted), "{a} {b}");
        }
    }
}
