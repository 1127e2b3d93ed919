//! The tree and the comparison of versions at every size, and in ASCII.

use ibid::{config::GlyphSet, store::StoreReply};
use insta::assert_snapshot;

use crate::support::{
    branched,
    harness::{Harness, default_start},
};

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (200, 60), (40, 10)];

fn at_every_size(name: &str, keys: &str) {
    for (width, height) in SIZES {
        let mut app = branched::opened(branched::conversation(), width, height);
        app.press(keys);
        assert_snapshot!(format!("{name}-{width}x{height}"), app.screen());
    }
}

#[test]
fn tree() {
    at_every_size("tree", "ctrl-x t k k k");
}

#[test]
fn compared_versions() {
    at_every_size("versions", "ctrl-x t k k c ]");
}

#[test]
fn tree_in_the_rail() {
    at_every_size("rail-tree", "ctrl-x s l l");
}

#[test]
fn the_tree_is_ascii_where_the_terminal_is() {
    let mut start = default_start(120, 40);
    start.config.glyphs = GlyphSet::Ascii;
    start.initial_conversation = ibid::ui::InitialConversation::Latest;
    let mut app = Harness::with_start(start);
    let conversation = branched::conversation();
    app.store_reply(StoreReply::Opened { newest: vec![conversation.summary()], total: 1, new_draft: String::new() });
    app.store_reply(StoreReply::Loaded(Box::new(conversation)));
    app.press("ctrl-x t m");
    assert_eq!(app.screen().chars().find(|char| !char.is_ascii()), None, "{}", app.screen());
    app.press("k k c");
    assert_eq!(app.screen().chars().find(|char| !char.is_ascii()), None, "{}", app.screen());
}
