//! "Did you mean": a query with its typing errors corrected, spelled as titles spell it.

use std::ops::Range;

use uuid::Uuid;

use super::{
    analysis::{Purpose, tokens},
    error::Result,
    record::level,
    snapshot::Snapshot,
    store::Index,
};
use crate::entity::vocabulary::Visibility;

/// `text` with the parts replaced.
pub fn corrected(text: &str, corrections: &[(Range<usize>, String)]) -> String {
    let mut corrected = text.to_owned();
    let mut parts: Vec<&(Range<usize>, String)> = corrections.iter().collect();
    parts.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    for (range, word) in parts {
        corrected.replace_range(range.clone(), word);
    }
    corrected
}

impl Index {
    /// The corrections as the titles of `entries` spell them; folded where no title has the word.
    pub(super) fn spelled(
        &self,
        snapshot: &Snapshot,
        corrections: &[(Range<usize>, String)],
        entries: impl Iterator<Item = Uuid>,
        audience: Visibility,
    ) -> Result<Vec<(Range<usize>, String)>> {
        let mut spelled = corrections.to_vec();
        for entry in entries {
            let Some((number, entry)) = snapshot.find(entry, level(audience)) else { continue };
            let segment = &snapshot.segments[number];
            for row in segment.table.rows_of(entry) {
                let stored = segment.stored(&self.schema, row)?;
                for completion in &stored.completions {
                    for token in tokens(&completion.text, Purpose::Query) {
                        let found = corrections.iter().position(|(_, word)| *word == token.exact);
                        if let Some(index) = found.filter(|index| spelled[*index] == corrections[*index]) {
                            spelled[index].1 = lower_case(&completion.text[token.range], &stored.locale);
                        }
                    }
                }
            }
        }
        Ok(spelled)
    }
}

/// Lower case as the language has it.
fn lower_case(word: &str, locale: &str) -> String {
    if !locale.starts_with("tr") {
        return word.to_lowercase();
    }
    let letters = word.chars().flat_map(|letter| match letter {
        'I' => vec!['ı'],
        'İ' => vec!['i'],
        other => other.to_lowercase().collect(),
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_replaced_where_they_stand() {
        let corrections = [(0..3, "kadın".to_owned()), (4..7, "ev".to_owned())];
        assert_eq!(corrected("kdn eev!", &corrections), "kadın ev!");
        assert_eq!((lower_case("IŞIĞI", "tr"), lower_case("ISSUE", "en")), ("ışığı".into(), "issue".into()));
    }
}
