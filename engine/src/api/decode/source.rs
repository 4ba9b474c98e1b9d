//! What a value of some language is, as the readers look at it.

use std::borrow::Cow;

use super::refused::Refused;

/// A value of some language or format.
pub trait Source: Sized {
    /// A failure of the source itself, such as an exception of the caller's own code.
    type Failure;

    /// A key of an object.
    type Key: AsRef<str>;

    /// Whether one text may stand for a list of one.
    const LONE_TEXTS: bool;

    /// Whether there are whole numbers besides others; where there are none, a number may be whole by its value.
    const WHOLE_NUMBERS: bool;

    /// What the value is.
    ///
    /// # Errors
    /// What fails when it is looked at.
    fn shape(&self) -> Result<Shape<'_, Self>, Refused<Self::Failure>>;

    /// Whether it is nothing; asked before its key is handed over.
    fn is_null(&self) -> bool;

    /// The value in a few words, for errors.
    fn described(&self) -> String;

    /// A number as seconds since 1970, where a time is asked for.
    ///
    /// # Errors
    /// For a number that is no time.
    fn seconds(&self, number: f64) -> Result<f64, Refused<Self::Failure>> {
        Ok(number)
    }
}

/// What is in a list or an object, one after the other.
pub type Items<'s, T, F> = Box<dyn Iterator<Item = Result<T, Refused<F>>> + 's>;

/// What a value is.
pub enum Shape<'s, S: Source> {
    /// Nothing: a key that is not given.
    Null,
    /// A mark for a value that is missing, such as pandas' `NA` and `NaT`. Where a value may be left out it is one that is
    /// left out, as NaN is; anywhere else it is an error.
    Missing,
    /// True or false.
    Bool(bool),
    /// A whole number. One beyond the range is its end, which is an error wherever it is not a count.
    Whole(i128),
    /// Any number.
    Number(f64),
    /// A text.
    Text(Cow<'s, str>),
    /// A point in time, in seconds since 1970.
    Time(f64),
    /// A vector of numbers.
    Vector(Vec<f32>),
    /// A list of values.
    List(Items<'s, S, S::Failure>),
    /// Values without an order, sorted; where a list could mean other things, it is of texts.
    Set(Items<'s, S, S::Failure>),
    /// Values by their keys, no key twice.
    Map(Items<'s, (S::Key, S), S::Failure>),
    /// No value that any type of the engine's is read from.
    Other,
}
