//! How like texts are: the cosine of their vectors.
//!
//! Source: `SEARCH.md`, section 6. The vectors of the other rows are taken as long as they are without
//! the rarity of their terms (SMART's `lnc.ltc`): that length does not change with every commit.

use std::ops::Range;

use super::{
    error::Result,
    ranking::real,
    record::{Stored, dampened, norm},
    schema::Stream,
    snapshot::Snapshot,
    table::RowColumns,
};

/// How many terms of the entry are looked up: the weightiest.
const TERMS: usize = 40;

/// How like the texts of other rows are to that of one.
pub struct Texts {
    /// For every row, segment by segment: the product of its vector with that of the row; 0 in other
    /// languages.
    products: Vec<Vec<f64>>,
    /// What the product is divided by beside the length of the other vector.
    length: f64,
}

impl Texts {
    /// Compares `own` with all rows in its language that `level` may see.
    pub fn new(snapshot: &Snapshot, own: &Stored, level: u8) -> Result<Self> {
        let spoken: Vec<Option<u16>> =
            snapshot.segments.iter().map(|segment| segment.table.locale_number(&own.locale)).collect();
        let rows = snapshot.spoken(level, &own.locale);
        let mut terms = Vec::new();
        for (term, frequency) in &own.vector {
            let mut found = Vec::new();
            let mut parts = snapshot.postings(Stream::Beginnings, term, level, &mut found)?;
            for ((part, segment), spoken) in parts.iter_mut().zip(&snapshot.segments).zip(&spoken) {
                retain(&mut found, part, |row| Some(segment.table.rows[row].locale) == *spoken);
            }
            let count: usize = parts.iter().map(ExactSizeIterator::len).sum();
            // A word of one entry only is like nothing.
            if count > 1 {
                let rarity = (real(rows) / real(count)).ln();
                let weight = dampened(*frequency) * rarity;
                terms.push(Term { weight, frequency: *frequency, rarity, found, parts });
            }
        }
        let length = terms.iter().map(|term| term.weight * term.weight).sum::<f64>().sqrt();
        let typical_rarity = length / norm(terms.iter().map(|term| term.frequency)).max(1.0);
        // Stable: among equals in the order of the terms.
        terms.sort_by(|one, other| other.weight.total_cmp(&one.weight));
        terms.truncate(TERMS);
        let mut products: Vec<Vec<f64>> =
            snapshot.segments.iter().map(|segment| vec![0.0; segment.table.rows.len()]).collect();
        for term in &terms {
            for (part, products) in term.parts.iter().zip(&mut products) {
                for (row, frequency) in &term.found[part.clone()] {
                    products[*row as usize] += term.weight * term.rarity * dampened(*frequency);
                }
            }
        }
        Ok(Self { products, length: length * typical_rarity })
    }

    /// The likeness of a row, between 0 and about 1.
    pub fn likeness(&self, number: usize, row: usize, columns: RowColumns) -> f64 {
        let product = self.products[number][row];
        if product > 0.0 { product / (self.length * f64::from(columns.norm) / 1000.0) } else { 0.0 }
    }
}

/// A term of the row that others are compared with, and the rows that hold it.
struct Term {
    weight: f64,
    frequency: u32,
    rarity: f64,
    found: Vec<(u32, u32)>,
    /// The part of `found` that belongs to each segment.
    parts: Vec<Range<usize>>,
}

/// Moves the postings in `part` whose row is kept to its beginning, and makes it as short.
fn retain(found: &mut [(u32, u32)], part: &mut Range<usize>, keeps: impl Fn(usize) -> bool) {
    let mut end = part.start;
    for index in part.clone() {
        if keeps(found[index].0 as usize) {
            found[end] = found[index];
            end += 1;
        }
    }
    part.end = end;
}
