//! A page does nothing, whatever is in the conversation: hostile texts in every place stay text.

use super::exported;
use crate::support::{
    export_sample as sample,
    hostile_texts::{HOSTILE, hostile_conversation},
    html_outline::{PageElement, elements},
};
use ibid::{
    chat::WholeConversation,
    exchange::{
        export::{ExportForm, ExportOptions, ExportedPart},
        portable::PortableConversation,
    },
};

/// Elements that a page may have, and the attributes of each besides `class`, `id` and `dir`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("html", &[]),
    ("head", &[]),
    ("meta", &["charset", "http-equiv", "content", "name"]),
    ("title", &[]),
    ("style", &[]),
    ("body", &[]),
    ("header", &[]),
    ("main", &[]),
    ("footer", &[]),
    ("article", &[]),
    ("section", &[]),
    ("h1", &[]),
    ("h2", &[]),
    ("h3", &[]),
    ("h4", &[]),
    ("h5", &[]),
    ("h6", &[]),
    ("p", &[]),
    ("div", &[]),
    ("span", &[]),
    ("ul", &[]),
    ("ol", &["start"]),
    ("li", &[]),
    ("blockquote", &[]),
    ("pre", &[]),
    ("code", &[]),
    ("table", &[]),
    ("thead", &[]),
    ("tbody", &[]),
    ("tr", &[]),
    ("th", &[]),
    ("td", &[]),
    ("details", &[]),
    ("summary", &[]),
    ("em", &[]),
    ("strong", &[]),
    ("del", &[]),
    ("b", &[]),
    ("i", &[]),
    ("u", &[]),
    ("s", &[]),
    ("mark", &[]),
    ("sup", &[]),
    ("sub", &[]),
    ("br", &[]),
    ("hr", &[]),
    ("a", &["href", "rel"]),
    ("script", &["type"]),
];

fn page(whole: &WholeConversation) -> String {
    let options = ExportOptions { form: ExportForm::Html, part: ExportedPart::Tree, ..ExportOptions::default() };
    exported(whole, &options).text
}

fn check(element: &PageElement, words: &str) {
    let (_, attributes) =
        ALLOWED.iter().find(|(name, _)| *name == element.name).unwrap_or_else(|| panic!("{element:?} for {words:?}"));
    for (name, value) in &element.attributes {
        let is_allowed = ["class", "id", "dir"].contains(&name.as_str()) || attributes.contains(&name.as_str());
        assert!(is_allowed, "{name}={value:?} of {element:?} for {words:?}");
        if name == "href" {
            let leads = ["https://", "http://", "mailto:", "#m"].iter().any(|start| value.starts_with(start));
            assert!(leads, "{value:?} for {words:?}");
        }
        if ["id", "class", "dir"].contains(&name.as_str()) {
            assert!(
                value.chars().all(|char| char.is_ascii_alphanumeric() || "- ".contains(char)),
                "{element:?} for {words:?}"
            );
        }
    }
}

#[test]
fn hostile_texts_in_every_place_add_no_element_and_no_attribute() {
    for words in HOSTILE {
        let page = page(&hostile_conversation(words));
        let elements = elements(&page);
        for element in &elements {
            check(element, words);
        }
        let count = |name: &str| elements.iter().filter(|element| element.name == name).count();
        assert_eq!((count("script"), count("style"), count("meta")), (1, 1, 6), "{words:?}");
        let ids: Vec<&String> = elements
            .iter()
            .flat_map(|element| &element.attributes)
            .filter(|(name, _)| name == "id")
            .map(|(_, id)| id)
            .collect();
        let distinct: std::collections::BTreeSet<&&String> = ids.iter().collect();
        assert_eq!(ids.len(), distinct.len(), "an id twice for {words:?}");
    }
}

/// A conversation as a value: the escapes of a page are those of JSON.
fn value(conversation: &PortableConversation) -> serde_json::Value {
    serde_json::to_value(conversation).expect("it is JSON")
}

#[test]
fn hostile_texts_come_back_as_they_were_written() {
    for words in HOSTILE {
        let whole = hostile_conversation(words);
        let page = page(&whole);
        let json = PortableConversation::find_in_page(&page).expect("the page holds its conversation");
        let read = PortableConversation::parse(json).expect("it can be read").conversation;
        assert!(value(&read) == value(&PortableConversation::new(&whole)), "{words:?}");
    }
}

#[test]
fn every_link_within_the_page_leads_somewhere_and_footnotes_lead_back() {
    let page = page(&sample::everything());
    let elements = elements(&page);
    let values = |name: &str| -> Vec<String> {
        let all = elements.iter().flat_map(|element| &element.attributes);
        all.filter(|(attribute, _)| attribute == name).map(|(_, value)| value.clone()).collect()
    };
    let ids = values("id");
    let inner: Vec<String> =
        values("href").into_iter().filter_map(|href| href.strip_prefix('#').map(str::to_owned)).collect();
    for target in &inner {
        assert!(ids.contains(target), "{target} is nowhere");
    }
    for (mark, source) in [("m2b3c1", "m2s1"), ("m2b3c2", "m2s2"), ("m2b3g1-1", "m2b3f1")] {
        assert!(
            inner.iter().any(|target| target == mark) && inner.iter().any(|target| target == source),
            "{mark} {source} in {inner:?}"
        );
    }
}
