//! The fields of a row in the engine, and how terms come to it with a frequency of ours.

use std::fmt::Write;

use tantivy::{
    TantivyDocument,
    schema::{Field, IndexRecordOption, STORED, Schema as Fields, Term, TextFieldIndexing, TextOptions},
    tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager},
};
use uuid::Uuid;

use super::record::{Analysed, Entry, Stored, Terms, analyse};

/// The name under which the engine finds [`Weighted`].
const TOKENIZER: &str = "weighted";

/// One of the two streams of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Whole words.
    Exact,
    /// Their first letters.
    Beginnings,
}

/// The fields.
#[derive(Clone, Debug)]
pub struct Schema {
    fields: Fields,
    entry: Field,
    exact: Field,
    beginnings: Field,
    /// What a row stores ([`Stored`]).
    pub stored: Field,
}

impl Schema {
    /// The only schema there is.
    pub fn new() -> Self {
        let mut fields = Fields::builder();
        let terms = |tokenizer, option| {
            let indexing = TextFieldIndexing::default();
            let indexing = indexing.set_tokenizer(tokenizer).set_fieldnorms(false).set_index_option(option);
            TextOptions::default().set_indexing_options(indexing)
        };
        let weighted = terms(TOKENIZER, IndexRecordOption::WithFreqs);
        Self {
            entry: fields.add_text_field("entry", terms("raw", IndexRecordOption::Basic)),
            exact: fields.add_text_field("exact", weighted.clone()),
            beginnings: fields.add_text_field("beginnings", weighted),
            stored: fields.add_bytes_field("stored", STORED),
            fields: fields.build(),
        }
    }

    /// The schema as the engine wants it.
    pub fn fields(&self) -> Fields {
        self.fields.clone()
    }

    /// The tokenizers as the engine wants them.
    pub fn tokenizers() -> TokenizerManager {
        let tokenizers = TokenizerManager::default();
        tokenizers.register(TOKENIZER, TextAnalyzer::from(Weighted::default()));
        tokenizers
    }

    /// The field of a stream.
    pub const fn field(&self, stream: Stream) -> Field {
        match stream {
            Stream::Exact => self.exact,
            Stream::Beginnings => self.beginnings,
        }
    }

    /// The term that all rows of an entry have.
    pub fn entry(&self, id: Uuid) -> Term {
        Term::from_field_text(self.entry, &id.simple().to_string())
    }

    /// The rows of `entry` as documents.
    pub fn documents<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = TantivyDocument> + 'a {
        entry.rows.iter().enumerate().map(|(index, row)| {
            let analysed: Analysed = analyse(row);
            let mut document = TantivyDocument::new();
            document.add_text(self.entry, entry.id.simple().to_string());
            document.add_text(self.exact, weighted(&analysed.exact));
            document.add_text(self.beginnings, weighted(&analysed.beginnings));
            document.add_bytes(self.stored, &Stored::new(entry, index, &analysed).encode());
            document
        })
    }
}

/// Terms with their frequencies as one text, for [`Weighted`] to read.
fn weighted(terms: &Terms) -> String {
    let mut text = String::new();
    for (term, frequency) in terms {
        // Writing to a string does not fail.
        let _ = write!(text, "{term} {frequency} ");
    }
    text
}

/// Reads terms with frequencies and gives each term as often as its frequency says: the engine counts.
#[derive(Clone, Default)]
struct Weighted {
    token: Token,
}

impl Tokenizer for Weighted {
    type TokenStream<'a> = WeightedStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WeightedStream<'a> {
        // Positions are not stored; the default one is the largest number, which the engine adds to.
        self.token.position = 0;
        WeightedStream { words: text.split_ascii_whitespace(), left: 0, token: &mut self.token }
    }
}

struct WeightedStream<'a> {
    words: std::str::SplitAsciiWhitespace<'a>,
    left: u32,
    token: &'a mut Token,
}

impl TokenStream for WeightedStream<'_> {
    fn advance(&mut self) -> bool {
        while self.left == 0 {
            let (Some(term), Some(frequency)) = (self.words.next(), self.words.next()) else { return false };
            self.token.text.clear();
            self.token.text.push_str(term);
            self.left = frequency.parse().unwrap_or_default();
        }
        self.left -= 1;
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
