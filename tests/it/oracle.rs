//! No parameter of any read tells a caller what they may not read.
//!
//! Two services hold the same but for what is private to somebody. Whatever that caller asks, with every
//! parameter that the document declares, both answer alike, byte for byte. What is private follows from the
//! schemas of what is written, what is asked from the document: a new field joins by itself.

mod questions;
mod worlds;

use questions::questions;
use worlds::{HiddenFrom, world};

use crate::app::{Answer, As};

/// What somebody can tell an answer by.
fn told(answer: &Answer) -> String {
    let headers = ["etag", "last-modified", "link", "location", "content-language", "cache-control"];
    let headers = headers.map(|name| answer.header(name));
    format!("{} {headers:?} {}", answer.status, answer.text_without_id())
}

/// Asks both worlds as each of `callers`, who ask every `step`th question: all of them take minutes. Those about
/// one field stand together.
async fn compare(hidden: HiddenFrom, callers: &[(As, usize)]) {
    let first = world(hidden, None).await;
    let second = world(hidden, Some(&first)).await;
    let questions = questions(&first, &second).await;
    let ask = async |question: &str, who: &As| {
        (first.get(question, who.clone()).await, second.get(question, who.clone()).await)
    };
    let mut answered = 0;
    for (who, step) in callers {
        for question in questions.iter().step_by(*step) {
            let (one, other) = ask(question, who).await;
            assert_eq!(told(&one), told(&other), "{question} as {who:?}");
            answered += usize::from(one.status == 200);
            // The next page is as good a place to tell something.
            if let Some(cursor) = one.body["page"]["next_cursor"].as_str() {
                let question = format!("{question}&cursor={cursor}");
                let (one, other) = ask(&question, who).await;
                assert_eq!(told(&one), told(&other), "{question} as {who:?}");
            }
        }
    }
    let mut told_inside = 0;
    for question in questions.iter().step_by(10) {
        let (one, other) = ask(question, &As::Editor).await;
        told_inside += usize::from(told(&one) != told(&other));
    }
    assert!(answered > 300, "{answered} questions were answered");
    assert!(told_inside > 20, "an editor can tell the worlds apart by {told_inside} questions only");
}

#[tokio::test]
async fn whoever_reads_what_is_public_learns_nothing_else() {
    compare(HiddenFrom::ThePublic, &[(As::Publishable, 2)]).await;
}

#[tokio::test]
async fn partners_learn_nothing_of_what_is_inside() {
    compare(HiddenFrom::Partners, &[(As::Partner, 3)]).await;
}

#[tokio::test]
async fn whoever_reads_inside_learns_nothing_of_what_is_being_written() {
    compare(HiddenFrom::Readers, &[(As::Viewer, 5), (As::Author, 7)]).await;
}
