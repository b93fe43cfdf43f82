//! BM25 over the two streams.
//!
//! Everything is counted over the live rows that the caller may see, and added up in the order of the
//! plan: the score depends neither on how the rows lie in segments nor on what is hidden.
//!
//! Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009, with
//! the inverse document frequency of Lucene, which is never negative; `SEARCH.md`, section 4.

use super::{
    error::Result,
    expansion::Wanted,
    schema::Stream,
    snapshot::{Counts, Snapshot},
};

const K1: f64 = 1.2;
const B: f64 = 0.75;
/// What a whole word counts beside its beginning, which counts 1.
const EXACT: f64 = 0.5;
/// Scores are compared in millionths, so that rounding in the last digit orders nothing.
const MILLION: f64 = 1_000_000.0;

/// How telling a term is that `frequency` of `rows` rows hold.
pub fn rarity(rows: usize, frequency: usize) -> f64 {
    let (rows, frequency) = (real(rows), real(frequency));
    (1.0 + (rows - frequency + 0.5) / (frequency + 0.5)).ln()
}

/// A count as a real number.
#[expect(clippy::cast_precision_loss, reason = "nothing that is counted here comes near 2^52")]
pub const fn real(count: usize) -> f64 {
    count as f64
}

/// A score in millionths; above 0 whenever the score is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "scores are positive and small, and a cast of floats saturates"
)]
pub fn millionths(score: f64) -> u64 {
    if score > 0.0 { ((score * MILLION + 0.5) as u64).max(1) } else { 0 }
}

/// The score that so many millionths are.
#[expect(clippy::cast_precision_loss, reason = "scores are small")]
pub const fn score_of(millionths: u64) -> f64 {
    millionths as f64 / MILLION
}

/// The scores of all rows, segment by segment; 0 for those that match nothing or are hidden.
pub fn scores(snapshot: &Snapshot, wanted: &[Wanted], level: u8) -> Result<Vec<Vec<f64>>> {
    let mut scores: Vec<Vec<f64>> =
        snapshot.segments.iter().map(|segment| vec![0.0; segment.table.rows.len()]).collect();
    let Counts { rows, length, .. } = snapshot.counts(level);
    let average = real(usize::try_from(length).unwrap_or(usize::MAX)) / real(rows.max(1));
    let by_length = K1 * B / average.max(1.0);
    let mut found = Vec::new();
    for Wanted { stream, term, weight } in wanted {
        let parts = snapshot.postings(*stream, term, level, &mut found)?;
        let stream = if *stream == Stream::Exact { EXACT } else { 1.0 };
        let factor = weight * stream * (K1 + 1.0) * rarity(rows, found.len());
        for ((part, scores), segment) in parts.into_iter().zip(&mut scores).zip(&snapshot.segments) {
            for (row, frequency) in &found[part] {
                let row = *row as usize;
                let frequency = f64::from(*frequency) / 10.0;
                let length = f64::from(segment.table.rows[row].length);
                scores[row] += factor * frequency / (frequency + K1 * (1.0 - B) + by_length * length);
            }
        }
    }
    Ok(scores)
}
