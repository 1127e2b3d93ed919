//! Tests of where a mark goes, and of which addresses are one source.

use proptest::prelude::*;

use super::*;

#[test]
fn addresses_of_one_page_are_one_source() {
    for (one, other) in [
        ("https://a.example/x?utm_source=openai", "https://a.example/x"),
        ("http://A.example/x/", "https://a.example/x"),
        ("https://a.example/x?id=3&utm_medium=y", "https://a.example/x?id=3"),
        ("https://a.example/x#:~:text=words", "https://a.example/x"),
    ] {
        assert_eq!(address_key(one), address_key(other));
    }
    for (one, other) in [
        ("https://a.example/x", "https://a.example/X"),
        ("https://a.example/x#one", "https://a.example/x#two"),
        ("https://a.example/?p=1", "https://a.example/?p=2"),
    ] {
        assert_ne!(address_key(one), address_key(other));
    }
}

#[test]
fn a_mark_splits_no_flag() {
    let flags = "\u{1f1e9}\u{1f1ea}".repeat(60);
    for end in (4..flags.len()).step_by(4) {
        assert_eq!(mark_point(&flags, end) % 8, 0, "{end}");
    }
}

proptest! {
    #[test]
    fn a_mark_is_never_inside_a_cluster(text in "[a-c' .\u{e23}\u{e48}\u{301}日ア한\u{1f468}\u{200d}\u{1f1e9}\u{600}\u{915}\u{94d}\n]{1,40}", end in any::<prop::sample::Index>()) {
        let ends: Vec<usize> = text.char_indices().map(|(at, char)| at + char.len_utf8()).collect();
        let end = ends[end.index(ends.len())];
        let point = mark_point(&text, end);
        let ends_of_clusters = text::cluster_indices(&text).map(|(at, cluster)| at + cluster.len());
        prop_assert!(point == 0 || ends_of_clusters.into_iter().any(|at| at == point), "{point} of {text:?}");
        prop_assert!(text[..point].len() >= text[..end].trim_end().len());
    }
}
