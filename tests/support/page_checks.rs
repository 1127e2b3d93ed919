//! What a check finds on pages of a given text.

use ibid::citations::{
    check::{CheckOutcome, CheckQuestion, CheckedPage},
    quote::PageText,
};

/// Reads this text as the page of each question.
pub fn read_pages(questions: &[CheckQuestion], text: &str) -> Vec<(String, CheckOutcome)> {
    let page = PageText::new(text);
    let read = |question: &CheckQuestion| {
        let page = CheckedPage {
            url: question.page().to_owned(),
            hash: "00".into(),
            word_count: page.word_count(),
            truncated_at_mb: None,
            findings: question.look_on(&page),
            evidence: page.evidence(&question.claims.join(" ")),
        };
        (question.source.clone(), CheckOutcome::Read(page))
    };
    questions.iter().map(read).collect()
}
