//! A strict reader of pages: it refuses what a browser would only guess at.

/// An element of a page with its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageElement {
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

/// Elements that have no end.
const VOID: [&str; 5] = ["meta", "br", "hr", "img", "link"];

/// Reads every element of a page. Panics if a tag is not closed, not in its parent, or not written plainly.
pub fn elements(page: &str) -> Vec<PageElement> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("the page begins with its type");
    let (mut found, mut open): (Vec<PageElement>, Vec<String>) = (Vec::new(), Vec::new());
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "a bare > in {:?}", &rest[..start]);
        let end = rest[start..].find('>').expect("a tag ends") + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "the innermost element is closed, after {found:?}");
            continue;
        }
        let element = read_tag(tag);
        let name = element.name.clone();
        found.push(element);
        if matches!(name.as_str(), "style" | "script") {
            let (_, after) = rest.split_once(&format!("</{name}>")).expect("it is closed");
            rest = after;
        } else if !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<String>::new(), "every element is closed");
    found
}

fn read_tag(tag: &str) -> PageElement {
    let (name, mut rest) = tag.split_at(tag.find(' ').unwrap_or(tag.len()));
    assert!(name.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit()), "an odd name: {tag:?}");
    let mut attributes = Vec::new();
    while let Some(attribute) = rest.strip_prefix(' ') {
        let (key, value) = attribute.split_once("=\"").unwrap_or_else(|| panic!("no plain attribute: {tag:?}"));
        assert!(key.chars().all(|char| char.is_ascii_lowercase() || char == '-'), "an odd attribute: {tag:?}");
        let (value, after) = value.split_once('"').expect("a value ends");
        attributes.push((key.to_owned(), value.to_owned()));
        rest = after;
    }
    assert_eq!(rest, "", "nothing else is in {tag:?}");
    PageElement { name: name.to_owned(), attributes }
}
