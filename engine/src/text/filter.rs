//! Filters, evaluated in the index: one bitmap of documents for each segment.
//!
//! Every condition is a posting list or a range of a column, so a filter costs what its conditions cost and nothing for
//! each item. The meaning is that of [`Filter::matches`]; a property test holds the two together.

use std::ops::RangeInclusive;

use roaring::RoaringBitmap;
use tantivy::Term;
use tantivy::columnar::{Column, MonotonicallyMappableToU64};
use tantivy::fastfield::FastFieldReaders;
use tantivy::schema::IndexRecordOption;

use super::error::failed;
use super::fields::{Column as Kind, Mark, Places, column_path};
use super::geo::Circle;
use super::plan::Plan;
use super::segment::Segment;
use crate::api::filter::{Compare, Filter, Scalar, ordered};
use crate::base::error::Result;
use crate::base::number::Number;

/// Up to so many numbers, each is looked up as a range; beyond, the column is read once for all of them.
const FEW_VALUES: usize = 4;

impl Segment {
    /// The documents that match, deleted ones included.
    pub(super) fn matching(&self, plan: &Plan<'_>, places: &Places) -> Result<RoaringBitmap> {
        match plan {
            Plan::All(all) => {
                let mut docs = self.everything();
                for plan in all {
                    if docs.is_empty() {
                        break;
                    }
                    docs &= self.matching(plan, places)?;
                }
                Ok(docs)
            }
            Plan::Any(any) => {
                let mut docs = RoaringBitmap::new();
                for plan in any {
                    docs |= self.matching(plan, places)?;
                }
                Ok(docs)
            }
            Plan::Not(inner) => Ok(self.everything() - self.matching(inner, places)?),
            Plan::Words(words) => {
                let mut docs = self.everything();
                for word in words {
                    if docs.is_empty() {
                        break;
                    }
                    docs &= self.postings(&Term::from_field_text(places.slots[usize::from(word.slot)], &word.text))?;
                }
                Ok(docs)
            }
            Plan::Nothing => Ok(RoaringBitmap::new()),
            Plan::Leaf(filter) => self.leaf(filter, places),
        }
    }

    fn leaf(&self, filter: &Filter, places: &Places) -> Result<RoaringBitmap> {
        match filter {
            Filter::Exists { field } => self.postings(&places.mark_term(Mark::Has(field))),
            Filter::Compare { field, compare, value } => self.compare(field, *compare, value, places),
            Filter::In { field, values } => self.one_of(field, values, places),
            Filter::Near { field, lat, lon, meters } => self.near(field, &Circle::new(*lat, *lon, *meters)),
            // The rest are no leaves: `Plan::new` takes them apart.
            Filter::Match { .. } | Filter::And(_) | Filter::Or(_) | Filter::Not(_) => Ok(RoaringBitmap::new()),
        }
    }

    fn compare(&self, field: &str, compare: Compare, value: &Scalar, places: &Places) -> Result<RoaringBitmap> {
        match value {
            // Texts and flags only have equality: `Filter::resolve` refuses the rest.
            Scalar::Text(text) => self.postings(&places.mark_term(Mark::Equals(field, text))),
            Scalar::Bool(flag) => self.postings(&places.mark_term(Mark::Is(field, *flag))),
            Scalar::Number(number) => self.numeric(field, compare, Number::Float(*number)),
            Scalar::Integer(integer) => self.numeric(field, compare, Number::Integer(*integer)),
            Scalar::Date(time) => self.range(Kind::Date, field, dates(compare, time.millis())),
        }
    }

    fn one_of(&self, field: &str, values: &[Scalar], places: &Places) -> Result<RoaringBitmap> {
        let mut docs = RoaringBitmap::new();
        let (mut some_numbers, mut some_dates) = (Vec::new(), Vec::new());
        for value in values {
            match value {
                Scalar::Number(_) | Scalar::Integer(_) => match value.number().map(Number::parts) {
                    Some((nearest, _)) if is_exact(nearest) => some_numbers.push(nearest),
                    _ => docs |= self.compare(field, Compare::Equal, value, places)?,
                },
                Scalar::Date(time) => some_dates.push(time.millis()),
                Scalar::Text(_) | Scalar::Bool(_) => docs |= self.compare(field, Compare::Equal, value, places)?,
            }
        }
        some_numbers.sort_unstable_by(f64::total_cmp);
        some_dates.sort_unstable();
        docs |= self.members(Kind::Number, field, &some_numbers, |a, b| a.total_cmp(b))?;
        docs |= self.members(Kind::Date, field, &some_dates, |a, b| a.cmp(b))?;
        Ok(docs)
    }

    /// The documents whose column holds one of `values` (ascending).
    fn members<T: ColumnType>(
        &self,
        kind: Kind,
        field: &str,
        values: &[T],
        order: impl Fn(&T, &T) -> std::cmp::Ordering,
    ) -> Result<RoaringBitmap> {
        let (Some(first), Some(last)) = (values.first(), values.last()) else { return Ok(RoaringBitmap::new()) };
        let Some(column) = self.column::<T>(kind, field)? else { return Ok(RoaringBitmap::new()) };
        let mut docs = RoaringBitmap::new();
        if values.len() <= FEW_VALUES {
            for value in values {
                docs |= self.between(&column, *value..=*value);
            }
            return Ok(docs);
        }
        let candidates = self.between(&column, *first..=*last);
        docs.extend(candidates.into_iter().filter(|doc| {
            column.values_for_doc(*doc).any(|found| values.binary_search_by(|value| order(value, &found)).is_ok())
        }));
        Ok(docs)
    }

    /// The documents of which a number compares so with `value`.
    fn numeric(&self, field: &str, compare: Compare, value: Number) -> Result<RoaringBitmap> {
        let (nearest, lacks) = value.parts();
        if is_exact(nearest) {
            return self.range(Kind::Number, field, numbers(compare, nearest));
        }
        // Those whose nearest double is another one are told by it, the others by what it lacks.
        let mut docs = match compare {
            Compare::Equal => RoaringBitmap::new(),
            Compare::Less | Compare::LessOrEqual => self.range(Kind::Number, field, numbers(Compare::Less, nearest))?,
            Compare::Greater | Compare::GreaterOrEqual => {
                self.range(Kind::Number, field, numbers(Compare::Greater, nearest))?
            }
        };
        let Some(column) = self.column::<f64>(Kind::Number, field)? else { return Ok(docs) };
        let lacking = self.column::<i64>(Kind::Lacking, field)?;
        let tied = self.between(&column, nearest..=nearest).into_iter().filter(|doc| {
            let mut lacking = lacking.iter().flat_map(|lacking| lacking.values_for_doc(*doc));
            column.values_for_doc(*doc).any(|found| {
                let lacked = lacking.next().unwrap_or(0);
                found == nearest && ordered(compare, Some(lacked.cmp(&lacks)))
            })
        });
        docs.extend(tied);
        Ok(docs)
    }

    fn near(&self, field: &str, circle: &Circle) -> Result<RoaringBitmap> {
        let latitudes = self.column::<f64>(Kind::Latitude, field)?;
        let longitudes = self.column::<f64>(Kind::Longitude, field)?;
        let (Some(latitudes), Some(longitudes)) = (latitudes, longitudes) else { return Ok(RoaringBitmap::new()) };
        let band = self.between(&latitudes, circle.latitudes());
        let inside = band.into_iter().filter(|doc| match (latitudes.first(*doc), longitudes.first(*doc)) {
            (Some(lat), Some(lon)) => circle.holds(lat, lon),
            _ => false,
        });
        let mut docs = RoaringBitmap::new();
        docs.extend(inside);
        Ok(docs)
    }

    fn range<T: ColumnType>(&self, kind: Kind, field: &str, values: RangeInclusive<T>) -> Result<RoaringBitmap> {
        Ok(match self.column::<T>(kind, field)? {
            Some(column) => self.between(&column, values),
            None => RoaringBitmap::new(),
        })
    }

    fn between<T: ColumnType>(&self, column: &Column<T>, values: RangeInclusive<T>) -> RoaringBitmap {
        // Tantivy takes a range that ends below the smallest value for one that ends at it.
        if *values.end() < column.min_value() || *values.start() > column.max_value() {
            return RoaringBitmap::new();
        }
        let mut found = Vec::new();
        column.get_docids_for_value_range(values, 0..self.reader.max_doc(), &mut found);
        self.bitmap(&found)
    }

    /// The bitmap of documents. Many of them go through a plain bit set: adding each to the bitmap costs more than
    /// finding it.
    fn bitmap(&self, docs: &[u32]) -> RoaringBitmap {
        let max_doc = self.reader.max_doc() as usize;
        if docs.len() < max_doc / 64 {
            return docs.iter().copied().collect();
        }
        let mut bits = vec![0u8; max_doc.div_ceil(8)];
        for doc in docs {
            if let Some(byte) = bits.get_mut(*doc as usize / 8) {
                *byte |= 1 << (doc % 8);
            }
        }
        RoaringBitmap::from_lsb0_bytes(0, &bits)
    }

    /// The column of a field; None when no document of the segment has it.
    fn column<T: ColumnType>(&self, kind: Kind, field: &str) -> Result<Option<Column<T>>> {
        T::open(self.reader.fast_fields(), &column_path(kind, field)).map_err(failed)
    }

    fn everything(&self) -> RoaringBitmap {
        let mut docs = RoaringBitmap::new();
        docs.insert_range(0..self.reader.max_doc());
        docs
    }

    /// The documents that have a term.
    fn postings(&self, term: &Term) -> Result<RoaringBitmap> {
        let index = self.reader.inverted_index(term.field()).map_err(failed)?;
        let Some(info) = index.get_term_info(term).map_err(failed)? else { return Ok(RoaringBitmap::new()) };
        if info.doc_freq == self.reader.max_doc() {
            return Ok(self.everything());
        }
        let basic = IndexRecordOption::Basic;
        let mut blocks = index.read_block_postings_from_terminfo(&info, basic).map_err(failed)?;
        let mut found = Vec::with_capacity(info.doc_freq.min(self.reader.max_doc()) as usize);
        while !blocks.docs().is_empty() {
            found.extend_from_slice(blocks.docs());
            blocks.advance();
        }
        Ok(self.bitmap(&found))
    }
}

/// Whether every number with this nearest double is that double.
fn is_exact(nearest: f64) -> bool {
    nearest.abs() < 9_007_199_254_740_992.0
}

/// What a column of comparisons can hold.
trait ColumnType: MonotonicallyMappableToU64 {
    /// The column at a path, when the segment has it.
    fn open(readers: &FastFieldReaders, path: &str) -> tantivy::Result<Option<Column<Self>>>;
}

impl ColumnType for f64 {
    fn open(readers: &FastFieldReaders, path: &str) -> tantivy::Result<Option<Column<f64>>> {
        readers.column_opt(path)
    }
}

impl ColumnType for i64 {
    fn open(readers: &FastFieldReaders, path: &str) -> tantivy::Result<Option<Column<i64>>> {
        readers.column_opt(path)
    }
}

/// The closed range of numbers that compare so with `value`.
fn numbers(compare: Compare, value: f64) -> RangeInclusive<f64> {
    match compare {
        Compare::Equal => value..=value,
        // The neighbour of 0.0 below it is the smallest negative number: columns hold no -0.0.
        Compare::Less => f64::NEG_INFINITY..=value.next_down(),
        Compare::LessOrEqual => f64::NEG_INFINITY..=value,
        Compare::Greater => value.next_up()..=f64::INFINITY,
        Compare::GreaterOrEqual => value..=f64::INFINITY,
    }
}

/// The closed range of dates that compare so with `value`. Dates are far from the ends of `i64`.
fn dates(compare: Compare, value: i64) -> RangeInclusive<i64> {
    match compare {
        Compare::Equal => value..=value,
        Compare::Less => i64::MIN..=value.saturating_sub(1),
        Compare::LessOrEqual => i64::MIN..=value,
        Compare::Greater => value.saturating_add(1)..=i64::MAX,
        Compare::GreaterOrEqual => value..=i64::MAX,
    }
}
