//! Checks whether the cited pages contain what an answer says they do: what is looked for, what was found, and the
//! verdict on each source.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    annotations::{AnswerCitations, CitedClaim, Source},
    claim::quotations,
    quote::{self, MatchQuality, PageText, QuoteMatch},
};
use crate::chat::{Answer, MessageId, Timestamp};

/// Asks whether the page of a source contains some texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckQuestion {
    /// The address of the source.
    pub source: String,
    pub texts: Vec<SoughtText>,
    /// What the answer says with this source.
    pub claims: Vec<String>,
}

/// A text that is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoughtText {
    /// A passage of the excerpt that came with the citation.
    Excerpt(String),
    /// Words that the answer quotes.
    Quotation(String),
    /// A claim in the answer's own words, if there is neither an excerpt nor a quotation.
    Claim(String),
}

/// The state of the check of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageCheck {
    /// Waiting for the reader to allow the page to be fetched.
    Asking {
        since: Timestamp,
    },
    Running {
        since: Timestamp,
    },
    Done {
        at: Timestamp,
        result: CheckResult,
    },
}

/// What is kept of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    pub outcome: CheckOutcome,
    /// What a model said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judgement: Option<ModelJudgement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    Read(CheckedPage),
    /// The page could not be read: why.
    Unread(String),
}

/// A page that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedPage {
    /// Its address, after all redirects.
    pub url: String,
    /// SHA-256 of the bytes that were read.
    pub hash: String,
    pub word_count: usize,
    /// The megabytes that were read, if the page was longer.
    pub truncated_at_mb: Option<u64>,
    pub findings: Vec<TextFinding>,
    /// What on the page comes closest to the claims.
    pub evidence: String,
}

/// What was found of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextFinding {
    pub sought: SoughtText,
    pub found: QuoteMatch,
}

/// What a check says about a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckVerdict {
    /// The words are on the page.
    Found,
    /// Similar words, some of them, or only a paraphrase.
    Similar,
    /// Quoted words are not on the page.
    NotFound,
    /// The page could not be read.
    Unread,
}

/// What a model says about the claims of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelJudgement {
    pub model: String,
    pub verdict: JudgedVerdict,
    /// One sentence.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgedVerdict {
    Supported,
    Partly,
    NotSupported,
    CannotTell,
}

/// The checks of the sources of a conversation.
#[derive(Debug, Clone, Default)]
pub struct SourceChecks {
    checks: BTreeMap<(MessageId, String), PageCheck>,
    /// Incremented by every change.
    pub rev: u64,
}

/// How the checks of an answer stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckSummary {
    /// Sources whose words were found, also similar ones.
    pub confirmed: usize,
    /// Sources whose page was read.
    pub read: usize,
    pub unread: usize,
    /// Sources with quoted words that are not there.
    pub not_found: usize,
    pub running: usize,
    /// When the first of the running checks was started, or the last of the others was done.
    pub at: Option<Timestamp>,
}

/// The most texts that are looked for on a page.
const MAX_SOUGHT: usize = 20;

impl CheckQuestion {
    /// Returns what to look for on the page of a source; `None` if it has no page, or if there is nothing to look for.
    pub fn new(source: &Source, claims: &[CitedClaim]) -> Option<Self> {
        let url = source.page_url()?.to_owned();
        let excerpt = source.excerpt.as_deref().map(quote::passages).unwrap_or_default();
        let mut texts: Vec<SoughtText> = excerpt.into_iter().map(SoughtText::Excerpt).collect();
        texts.extend(claims.iter().flat_map(|claim| quotations(&claim.text)).map(SoughtText::Quotation));
        if texts.is_empty() {
            let claims = claims.iter().filter(|claim| !claim.text.is_empty());
            texts.extend(claims.map(|claim| SoughtText::Claim(claim.text.clone())));
        }
        let mut unique: Vec<SoughtText> = Vec::new();
        for text in texts {
            if !unique.contains(&text) {
                unique.push(text);
            }
        }
        unique.truncate(MAX_SOUGHT);
        let claims = claims.iter().map(|claim| claim.text.clone()).filter(|text| !text.is_empty()).collect();
        (!unique.is_empty()).then_some(Self { source: url, texts: unique, claims })
    }

    /// Returns the questions about all sources of an answer.
    pub fn all_of(answer: &Answer) -> Vec<Self> {
        let mut citations = AnswerCitations::default();
        citations.refresh(answer);
        let sources = citations.sources().iter();
        sources.filter_map(|source| Self::new(source, &citations.claims(source.number, answer))).collect()
    }

    /// The address of the page: that of the source without the place in it.
    pub fn page(&self) -> &str {
        self.source.split('#').next().unwrap_or_default()
    }

    /// Looks for the texts on a page.
    pub fn look_on(&self, page: &PageText) -> Vec<TextFinding> {
        let find = |sought: &SoughtText| TextFinding { sought: sought.clone(), found: page.find(sought.as_str()) };
        self.texts.iter().map(find).collect()
    }

    /// The name of what is looked for on the screen.
    pub fn label(&self) -> &'static str {
        match self.texts.first() {
            Some(SoughtText::Excerpt(_)) => "the excerpt",
            Some(SoughtText::Quotation(_)) => "the quoted words",
            Some(SoughtText::Claim(_)) | None => "the claim",
        }
    }
}

impl SoughtText {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Excerpt(words) | Self::Quotation(words) | Self::Claim(words) => words,
        }
    }

    /// Whether the page should have just these words.
    fn is_verbatim(&self) -> bool {
        match self {
            Self::Excerpt(_) | Self::Quotation(_) => true,
            Self::Claim(_) => false,
        }
    }
}

impl CheckOutcome {
    pub fn verdict(&self) -> CheckVerdict {
        match self {
            Self::Read(page) => page.verdict(),
            Self::Unread(_) => CheckVerdict::Unread,
        }
    }
}

impl CheckedPage {
    /// The quoted words decide, then the excerpt, then the claim. Of a page that was not read to its end nobody can say
    /// that it lacks something.
    pub fn verdict(&self) -> CheckVerdict {
        let is_missing = |finding: &TextFinding| finding.found.quality == MatchQuality::NotFound;
        let lacks_quotation =
            self.findings.iter().any(|it| matches!(it.sought, SoughtText::Quotation(_)) && is_missing(it));
        let is_paraphrase = !self.findings.iter().any(|finding| finding.sought.is_verbatim());
        let lacks_all = self.findings.iter().all(is_missing);
        match () {
            () if self.findings.iter().all(|finding| finding.found.quality == MatchQuality::Exact) => {
                CheckVerdict::Found
            }
            () if lacks_quotation || lacks_all && !is_paraphrase => {
                if self.truncated_at_mb.is_some() {
                    CheckVerdict::Unread
                } else {
                    CheckVerdict::NotFound
                }
            }
            () => CheckVerdict::Similar,
        }
    }

    /// Whether a paraphrase was looked for, and its wording is not on the page.
    pub fn is_only_paraphrased(&self) -> bool {
        let is_missing =
            |finding: &TextFinding| !finding.sought.is_verbatim() && finding.found.quality == MatchQuality::NotFound;
        self.findings.iter().all(is_missing)
    }

    /// The best match.
    pub fn best(&self) -> Option<&QuoteMatch> {
        self.findings.iter().map(|finding| &finding.found).min_by_key(|found| match found.quality {
            MatchQuality::Exact => 0,
            MatchQuality::Similar(percent) => 200 - u32::from(percent),
            MatchQuality::NotFound => 300,
        })
    }
}

impl PageCheck {
    pub fn verdict(&self) -> Option<CheckVerdict> {
        match self {
            Self::Asking { .. } | Self::Running { .. } => None,
            Self::Done { result, .. } => Some(result.outcome.verdict()),
        }
    }
}

impl SourceChecks {
    pub fn get(&self, message: MessageId, source: &str) -> Option<&PageCheck> {
        // The address is borrowed in the lookup, so the range is searched.
        self.of_message(message).find(|(url, _)| *url == source).map(|(_, check)| check)
    }

    /// Sets the state of a check; `None` removes it.
    pub fn set(&mut self, message: MessageId, source: String, check: Option<PageCheck>) {
        match check {
            Some(check) => self.checks.insert((message, source), check),
            None => self.checks.remove(&(message, source)),
        };
        self.rev += 1;
    }

    /// Forgets the questions that were not answered.
    pub fn drop_questions(&mut self) {
        let count = self.checks.len();
        self.checks.retain(|_, check| !matches!(check, PageCheck::Asking { .. }));
        self.rev += u64::from(self.checks.len() != count);
    }

    /// The checks of an answer, by the address of the source.
    pub fn of_message(&self, message: MessageId) -> impl Iterator<Item = (&str, &PageCheck)> {
        let from = self.checks.range((message, String::new())..);
        from.take_while(move |((of, _), _)| *of == message).map(|((_, source), check)| (source.as_str(), check))
    }

    /// The start times of the running checks.
    pub fn running(&self) -> impl Iterator<Item = (MessageId, Timestamp)> {
        self.checks.iter().filter_map(|((message, _), check)| match check {
            PageCheck::Running { since } => Some((*message, *since)),
            PageCheck::Asking { .. } | PageCheck::Done { .. } => None,
        })
    }

    pub fn summary(&self, message: MessageId) -> CheckSummary {
        let mut summary = CheckSummary::default();
        for (_, check) in self.of_message(message) {
            match check {
                PageCheck::Asking { .. } => (),
                PageCheck::Running { since } => {
                    let first = summary.at.filter(|_| summary.running > 0).map_or(*since, |at| at.min(*since));
                    (summary.running, summary.at) = (summary.running + 1, Some(first));
                }
                PageCheck::Done { at, result } => {
                    if summary.running == 0 {
                        summary.at = summary.at.max(Some(*at));
                    }
                    summary.count(result);
                }
            }
        }
        summary
    }
}

impl CheckSummary {
    fn count(&mut self, result: &CheckResult) {
        let verdict = result.outcome.verdict();
        self.read += usize::from(verdict != CheckVerdict::Unread);
        match &result.outcome {
            CheckOutcome::Read(page) => match verdict {
                CheckVerdict::Found => self.confirmed += 1,
                CheckVerdict::Similar => self.confirmed += usize::from(!page.is_only_paraphrased()),
                CheckVerdict::NotFound => self.not_found += 1,
                CheckVerdict::Unread => self.unread += 1,
            },
            CheckOutcome::Unread(_) => self.unread += 1,
        }
    }

    /// The verdict on the whole answer.
    pub fn verdict(&self) -> CheckVerdict {
        match () {
            () if self.read == 0 => CheckVerdict::Unread,
            () if self.confirmed == self.read => CheckVerdict::Found,
            () if self.confirmed == 0 && self.not_found > 0 => CheckVerdict::NotFound,
            () => CheckVerdict::Similar,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::ItemSlot;

    fn page(findings: &[(SoughtText, MatchQuality)], truncated_at_mb: Option<u64>) -> CheckedPage {
        let finding = |(sought, quality): &(SoughtText, MatchQuality)| TextFinding {
            sought: sought.clone(),
            found: QuoteMatch { quality: *quality, place: None },
        };
        CheckedPage {
            url: "https://a.example/".into(),
            hash: "00".into(),
            word_count: 100,
            truncated_at_mb,
            findings: findings.iter().map(finding).collect(),
            evidence: String::new(),
        }
    }

    #[test]
    fn only_quoted_words_that_are_not_there_are_false() {
        use MatchQuality::{Exact, NotFound, Similar};
        let excerpt = || SoughtText::Excerpt("an excerpt".into());
        let quotation = || SoughtText::Quotation("a quotation".into());
        let claim = || SoughtText::Claim("a claim".into());
        for (findings, verdict) in [
            (vec![(excerpt(), Exact)], CheckVerdict::Found),
            (vec![(excerpt(), Exact), (quotation(), Exact)], CheckVerdict::Found),
            (vec![(claim(), Exact)], CheckVerdict::Found),
            (vec![(excerpt(), Similar(90))], CheckVerdict::Similar),
            (vec![(excerpt(), Exact), (excerpt(), NotFound)], CheckVerdict::Similar),
            (vec![(excerpt(), NotFound), (quotation(), Exact)], CheckVerdict::Similar),
            (vec![(claim(), NotFound)], CheckVerdict::Similar),
            (vec![(claim(), Exact), (claim(), NotFound)], CheckVerdict::Similar),
            (vec![(excerpt(), NotFound)], CheckVerdict::NotFound),
            (vec![(excerpt(), Exact), (quotation(), NotFound)], CheckVerdict::NotFound),
        ] {
            assert_eq!(page(&findings, None).verdict(), verdict, "{findings:?}");
            let of_a_part = if verdict == CheckVerdict::NotFound { CheckVerdict::Unread } else { verdict };
            assert_eq!(page(&findings, Some(2)).verdict(), of_a_part, "{findings:?}, not read to the end");
        }
        assert!(page(&[(claim(), NotFound)], None).is_only_paraphrased());
        assert!(!page(&[(claim(), NotFound), (claim(), Exact)], None).is_only_paraphrased());
    }

    #[test]
    fn what_is_looked_for_is_the_excerpt_and_the_quotations_and_else_the_claims() {
        let mut source = Source {
            number: 1,
            kind: "url_citation".into(),
            title: "WAL".into(),
            site: "a.example".into(),
            url: Some("https://a.example/wal#nfs".into()),
            excerpt: Some("The first passage of it. [...] The second passage of it.".into()),
            claim_count: 2,
        };
        let claim = |annotation, text: &str| CitedClaim {
            part: (ItemSlot { step: 0, index: 0 }, 0),
            annotation,
            text: text.into(),
        };
        let claims = [claim(0, "It says “not over NFS”."), claim(1, "It is slow.")];
        let texts = |source: &Source, claims: &[CitedClaim]| CheckQuestion::new(source, claims).map(|it| it.texts);
        let quotation = SoughtText::Quotation("not over NFS".into());
        let passages =
            ["The first passage of it.", "The second passage of it."].map(|it| SoughtText::Excerpt(it.into()));
        let both = passages.into_iter().chain([quotation.clone()]).collect::<Vec<_>>();
        assert_eq!(texts(&source, &claims), Some(both));
        source.excerpt = None;
        assert_eq!(texts(&source, &claims), Some(vec![quotation]));
        assert_eq!(texts(&source, &claims[1..]), Some(vec![SoughtText::Claim("It is slow.".into())]));
        assert_eq!(texts(&source, &[]), None);
        let question = CheckQuestion::new(&source, &claims).expect("a question");
        assert_eq!(question.page(), "https://a.example/wal");
        source.url = Some("ftp://a.example/wal".into());
        assert_eq!(texts(&source, &claims), None);
    }
}
