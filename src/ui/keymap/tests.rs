//! Tests of the table of keys, and of what the config may change in it.

use std::collections::HashSet;

use super::*;

fn key(text: &str) -> KeyPress {
    text.parse().expect("the test's key is valid")
}

/// Returns the keys that cannot do what they are bound to, as `keys: action, action`.
fn conflicts(keymap: &Keymap) -> Vec<String> {
    let mut found = Vec::new();
    for (nth, bound) in keymap.bindings.iter().enumerate() {
        for other in keymap.bindings[nth + 1..].iter().filter(|other| other.conflicts_with(bound)) {
            let [one, two] = [bound, other].map(|bound| bound.action.entry().name);
            found.push(format!("{}: {one}, {two}", format_sequence(&bound.keys)));
        }
    }
    found
}

#[test]
fn every_key_in_the_table_parses_and_does_one_thing_in_a_context_and_in_those_below() {
    assert!(
        ACTIONS.iter().flat_map(|entry| entry.keys).all(|(_, keys)| parse_sequence(keys).is_ok()),
        "a key has no name"
    );
    assert_eq!(conflicts(&Keymap::default()), Vec::<String>::new());
    let dead: Vec<String> = Keymap::default()
        .bindings
        .iter()
        .filter(|bound| bound.context.types(bound.keys[0]))
        .map(|bound| format!("{} in {}", format_sequence(&bound.keys), bound.context.name()))
        .collect();
    assert_eq!(dead, Vec::<String>::new(), "these type text");
}

#[test]
fn a_context_is_named_unlike_any_action_and_unlike_any_other_context() {
    let mut names: Vec<&str> = ACTIONS.iter().map(|entry| entry.name).collect();
    names.extend(KeyContext::ALL.map(KeyContext::name));
    let all = names.len();
    assert_eq!(names.into_iter().collect::<HashSet<_>>().len(), all, "[keys.NAME] and `NAME = …` must differ");
}

#[test]
fn no_key_can_be_remapped_so_that_two_actions_have_it_in_one_place() {
    let remapped = |steps: &[(&str, &str, &str)]| {
        let mut keymap = Keymap::default();
        let results: Vec<_> = steps
            .iter()
            .map(|(context, action, keys)| {
                let context = Some(*context).filter(|context| !context.is_empty());
                keymap.remap(context, action, &[(*keys).to_owned()]).err().map(|error| error.to_string())
            })
            .collect();
        assert_eq!(conflicts(&keymap), Vec::<String>::new(), "{steps:?}");
        results
    };
    let refusal = |context, action, keys| remapped(&[(context, action, keys)]).remove(0).unwrap_or_default();
    assert_eq!(refusal("", "web", "ctrl-n"), "`^N` is already bound to `new` there");
    assert_eq!(refusal("", "web", "ctrl-j"), "`^J` is already bound to `newline` there", "it would be hidden");
    assert_eq!(refusal("text", "web", "ctrl-n"), "`^N` is already bound to `new` there", "it would hide");
    assert_eq!(refusal("selection", "web", "w"), "`w` is already bound to `select-word-right` there");
    assert_eq!(refusal("selection", "web", "o"), "", "a mode may hide what it is above");
    assert_eq!(refusal("selection", "web", "esc"), "`Esc` is already bound to `back` there", "but no way out");
    assert_eq!(refusal("", "web", "ctrl-x"), "`^X` is already bound to `commands` there", "it begins sequences");
    assert_eq!(refusal("", "web", "ctrl-n w"), "`^N w` is already bound to `new` there", "it could not be reached");
    assert_eq!(refusal("picker", "accept", "ctrl-p"), "`^P` is already bound to `row-up` there");
    assert_eq!(refusal("picker", "accept", "x"), "`x` types text there");
    assert_eq!(refusal("nowhere", "accept", "x"), "there are no keys of their own in `nowhere`");
    assert_eq!(
        remapped(&[("", "web", "f7"), ("", "rail", "f7")])[1].as_deref(),
        Some("`F7` is already bound to `web` there")
    );
    // One of its contexts has the key for something else, so none of them changes.
    let mut keymap = Keymap::default();
    assert_eq!(
        keymap.remap(None, "next-match", &["s".into()]).unwrap_err().to_string(),
        "`s` is already bound to `save` there"
    );
    assert_eq!(keymap, Keymap::default());
}

#[test]
fn two_actions_can_swap_their_keys_and_only_the_lines_that_cannot_be_used_are_refused() {
    let keys = |keys: &str| [keys.to_owned()];
    let (send, newline, web, none) = (keys("ctrl-s"), keys("enter"), keys("ctrl-n"), keys("hyper-x"));
    let line = |action, keys| KeyLine { context: None, action, keys };
    let mut keymap = Keymap::default();
    let lines = [line("newline", &newline), line("web", &web), line("send", &send), line("rail", &none)];
    let refused = keymap.remap_all(&lines);
    assert_eq!(
        refused.iter().map(|(nth, error)| format!("{nth}: {error}")).collect::<Vec<_>>(),
        ["1: `^N` is already bound to `new` there", "3: no key is called `hyper-x`"]
    );
    assert_eq!(keymap.meaning(KeyContext::Composer, &[], key("enter")), KeyMeaning::Run(Action::Newline));
    assert_eq!(keymap.meaning(KeyContext::Composer, &[], key("ctrl-s")), KeyMeaning::Run(Action::Send));
    assert_eq!(conflicts(&keymap), Vec::<String>::new());
}

#[test]
fn a_remapped_action_has_its_new_keys_in_every_context_or_in_the_named_one() {
    let mut keymap = Keymap::default();
    keymap.remap(None, "row-down", &["ctrl-e".into()]).unwrap();
    for context in [KeyContext::Transcript, KeyContext::Rail, KeyContext::Xray, KeyContext::Picker] {
        assert_eq!(keymap.meaning(context, &[], key("ctrl-e")), KeyMeaning::Run(Action::RowDown), "{context:?}");
        assert_ne!(keymap.meaning(context, &[], key("down")), KeyMeaning::Run(Action::RowDown), "{context:?}");
    }
    let mut keymap = Keymap::default();
    keymap.remap(Some("result"), "row-down", &["e".into()]).unwrap();
    assert_eq!(keymap.meaning(KeyContext::Pager, &[], key("e")), KeyMeaning::Run(Action::RowDown));
    assert_eq!(keymap.meaning(KeyContext::Transcript, &[], key("e")), KeyMeaning::Run(Action::EditPrompt));
    let mut keymap = Keymap::default();
    keymap.remap(None, "row-down", &["x".into()]).unwrap();
    assert_eq!(keymap.meaning(KeyContext::Picker, &[], key("x")), KeyMeaning::Unbound, "it is typed");
    assert_eq!(keymap.meaning(KeyContext::Picker, &[], key("down")), KeyMeaning::Run(Action::RowDown));
}

#[test]
fn no_binding_is_a_prefix_of_another() {
    let keymap = Keymap::default();
    for entry in ACTIONS {
        for (context, keys) in entry.keys {
            let keys = parse_sequence(keys).unwrap();
            let (last, before) = keys.split_last().unwrap();
            for cut in 0..before.len() {
                assert_eq!(keymap.meaning(*context, &before[..cut], before[cut]), KeyMeaning::Prefix, "{}", entry.name);
            }
            assert_eq!(keymap.meaning(*context, before, *last), KeyMeaning::Run(entry.action), "{}", entry.name);
        }
    }
}

#[test]
fn ctrl_is_ignored_within_a_sequence() {
    let keymap = Keymap::default();
    let leader = [key("ctrl-x")];
    assert_eq!(keymap.meaning(KeyContext::Composer, &leader, key("m")), KeyMeaning::Run(Action::ChooseModel));
    assert_eq!(keymap.meaning(KeyContext::Composer, &leader, key("ctrl-m")), KeyMeaning::Run(Action::ChooseModel));
    assert_eq!(keymap.meaning(KeyContext::Composer, &leader, key("ctrl-é")), KeyMeaning::Unbound);
}

#[test]
fn a_remapped_action_has_only_its_new_keys() {
    let mut keymap = Keymap::default();
    keymap.remap(None, "models", &["ctrl-x o".into(), "f3".into()]).unwrap();
    assert_eq!(keymap.meaning(KeyContext::Composer, &[], key("f3")), KeyMeaning::Run(Action::ChooseModel));
    assert_eq!(keymap.meaning(KeyContext::Composer, &[key("ctrl-x")], key("m")), KeyMeaning::Unbound);
    assert_eq!(keymap.keys_of(Action::ChooseModel).as_deref(), Some("^X o"));
    assert_eq!(keymap.both_keys_of(Action::ChooseModel, Action::ScrollCodeLeft, "and"), "^X o and h");
}

#[test]
fn remapping_to_a_taken_key_changes_nothing_and_names_the_owner() {
    let mut keymap = Keymap::default();
    let error = keymap.remap(None, "models", &["ctrl-n".into()]).unwrap_err();
    assert_eq!(error.to_string(), "`^N` is already bound to `new` there");
    assert_eq!(keymap.meaning(KeyContext::Composer, &[key("ctrl-x")], key("m")), KeyMeaning::Run(Action::ChooseModel));
}
