//! What leaves as JSON or as a page comes back, and says whether it is all of it.

use ibid::exchange::{
    export::{ExportDensity, ExportForm, ExportOptions, ExportedPart, SecretHandling},
    portable::PortableConversation,
};

use super::exported;
use crate::support::export_sample as sample;

fn options(form: ExportForm) -> ExportOptions {
    ExportOptions { form, part: ExportedPart::Tree, ..ExportOptions::default() }
}

fn json_of(form: ExportForm, text: &str) -> &str {
    if form == ExportForm::Html { PortableConversation::find_in_page(text).expect("the page holds it") } else { text }
}

#[test]
fn a_whole_tree_comes_back_from_json_and_from_a_page() {
    let whole = sample::everything();
    for form in [ExportForm::Json, ExportForm::Html] {
        let out = exported(&whole, &options(form));
        let read = PortableConversation::parse(json_of(form, &out.text)).expect("it can be read");
        assert!(read.notes.is_empty() && read.conversation.extent.is_whole(), "{form:?}");
        let value = |conversation: &PortableConversation| serde_json::to_value(conversation).expect("it is JSON");
        assert_eq!(value(&read.conversation), value(&PortableConversation::new(&whole)), "{form:?}");
        assert!(out.summary.ends_with("ibid import gives the whole tree back"), "{}", out.summary);
    }
}

#[test]
fn what_is_not_the_whole_tree_says_so_in_itself_and_in_words() {
    let whole = sample::everything();
    let parts = [
        ExportOptions { part: ExportedPart::Branch, ..options(ExportForm::Json) },
        ExportOptions { density: ExportDensity::Answers, ..options(ExportForm::Json) },
        ExportOptions { secrets: SecretHandling::Mask, ..options(ExportForm::Json) },
    ];
    for part in parts {
        for form in [ExportForm::Json, ExportForm::Html] {
            let out = exported(&whole, &ExportOptions { form, ..part.clone() });
            let read = PortableConversation::parse(json_of(form, &out.text)).expect("it can be read").conversation;
            assert!(!read.extent.is_whole(), "{part:?}");
            assert!(out.summary.ends_with("this does not give the tree back"), "{}", out.summary);
            assert_eq!(form == ExportForm::Html, out.text.contains("This page does not give the whole tree back."));
        }
    }
}

#[test]
fn the_data_of_a_page_is_exactly_what_it_shows() {
    let whole = sample::everything();
    let answers =
        ExportOptions { density: ExportDensity::Answers, part: ExportedPart::Branch, ..options(ExportForm::Html) };
    let page = exported(&whole, &answers).text;
    let json = PortableConversation::find_in_page(&page).expect("the page holds it");
    for hidden in ["Looking at locks", "sqlite wal nfs", "two notes", "Be brief", "It breaks off"] {
        assert!(!page.contains(hidden), "{hidden}");
    }
    assert!(json.contains("WAL needs shared memory"), "{json}");

    let masked = exported(&whole, &ExportOptions { secrets: SecretHandling::Mask, ..options(ExportForm::Html) }).text;
    assert!(!masked.contains("0123456789abcdef0123456789abcdef"));
    assert!(PortableConversation::find_in_page(&masked).expect("the page holds it").contains("sk-or-v1-████"));
}
