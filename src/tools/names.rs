//! Tool names on the wire, in a form that every provider accepts: `server__tool`, at most 64 characters.

use std::collections::BTreeMap;

use super::ToolId;

/// The longest name of a function, in bytes.
const MAX_NAME_LEN: usize = 64;

/// The names on the wire for a set of tools. A name depends only on its tool, so that it is the same in every
/// request. Only if two names would be equal does the later tool get a different one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WireNames {
    by_name: BTreeMap<String, ToolId>,
    by_id: BTreeMap<ToolId, String>,
}

impl WireNames {
    pub fn new<'a>(tools: impl IntoIterator<Item = &'a ToolId>) -> Self {
        let mut names = Self::default();
        let mut ids: Vec<&ToolId> = tools.into_iter().collect();
        // Tools with a plain name come first, so that no other tool takes it.
        ids.sort_by_key(|id| (plain_name(id).is_none(), *id));
        ids.dedup();
        for id in ids {
            let free = |name: &String| !names.by_name.contains_key(name);
            let name = plain_name(id).filter(free).unwrap_or_else(|| {
                let mut tries = (0_u64..).map(|salt| numbered_name(id, salt));
                tries.find(free).expect("there are more numbers than tools")
            });
            names.by_name.insert(name.clone(), id.clone());
            names.by_id.insert(id.clone(), name);
        }
        names
    }

    /// Returns the name of a tool on the wire.
    pub fn wire_name(&self, id: &ToolId) -> Option<&str> {
        self.by_id.get(id).map(String::as_str)
    }

    /// Returns the tool with exactly this name on the wire.
    pub fn by_wire_name(&self, wire: &str) -> Option<&ToolId> {
        self.by_name.get(wire)
    }
}

/// Returns the name without a number, if it can be sent and is unambiguous.
fn plain_name(id: &ToolId) -> Option<String> {
    let name = format!("{}__{}", id.server, id.name);
    let clear = !id.server.contains("__") && !id.server.ends_with('_') && !id.name.starts_with('_');
    let safe = !id.server.is_empty() && !id.name.is_empty() && name.chars().all(is_safe);
    (clear && safe && name.len() <= MAX_NAME_LEN).then_some(name)
}

/// Returns the readable part of the name, followed by a hash of the full name.
fn numbered_name(id: &ToolId, salt: u64) -> String {
    let number = format!("_{:08x}", hash(id, salt) as u32);
    let safe = |text: &str| -> String { text.chars().map(|char| if is_safe(char) { char } else { '_' }).collect() };
    let mut name = format!("{}__{}", safe(&id.server), safe(&id.name));
    name.truncate(MAX_NAME_LEN - number.len());
    name + &number
}

fn is_safe(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '_' | '-')
}

/// The FNV-1a hash, which is the same in every version and on every machine.
fn hash(id: &ToolId, salt: u64) -> u64 {
    let bytes = id.server.bytes().chain([b'/']).chain(id.name.bytes()).chain(salt.to_le_bytes());
    let sum = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    sum ^ (sum >> 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(ids: &[(&str, &str)]) -> (Vec<ToolId>, WireNames) {
        let ids: Vec<ToolId> = ids.iter().map(|(server, name)| ToolId::new(*server, *name)).collect();
        let names = WireNames::new(&ids);
        (ids, names)
    }

    #[test]
    fn a_plain_name_is_sent_as_it_is_and_any_other_gets_a_number() {
        let (ids, names) = names(&[
            ("git", "log"),
            ("git", "log\u{200b}"),
            ("git", "l\u{43e}g"),
            ("my server", "read/file"),
            ("git", "Log"),
            ("a", "_b"),
            ("a_", "b"),
            ("a", "b_"),
        ]);
        let wire: Vec<&str> = ids.iter().map(|id| names.wire_name(id).expect("it has one")).collect();
        insta::assert_snapshot!(wire.join("\n"), @r##"
        git__log
        git__log__cd0c879b
        git__l_g_71f94ca7
        my_server__read_file_d9cd6b34
        git__Log
        a___b_9f7e7c99
        a___b_c9053288
        a__b_
        "##);
        for (id, wire) in ids.iter().zip(wire) {
            assert_eq!(names.by_wire_name(wire), Some(id));
        }
        assert_eq!(names.by_wire_name("git__LOG"), None, "only the exact name counts");
        assert_eq!(names.by_wire_name("log"), None);
    }

    #[test]
    fn a_name_does_not_depend_on_the_other_tools() {
        let (ids, few) = names(&[("git", "log\u{200b}"), ("fs", "read")]);
        let (_, many) = names(&[("a", "b"), ("git", "log\u{200b}"), ("git", "log"), ("fs", "read"), ("z", "y")]);
        for id in &ids {
            assert_eq!(few.wire_name(id), many.wire_name(id));
        }
    }

    #[test]
    fn a_plain_name_is_never_taken_by_a_numbered_one() {
        let odd = ToolId::new("git", "log!");
        let taken = numbered_name(&odd, 0);
        let twin = ToolId::new("git", taken.strip_prefix("git__").expect("the server comes first"));
        let names = WireNames::new([&odd, &twin]);
        assert_eq!(names.wire_name(&twin), Some(taken.as_str()), "the plain name is its own");
        assert_ne!(names.wire_name(&odd), names.wire_name(&twin));
    }

    proptest! {
        #[test]
        fn all_names_are_safe_different_and_lead_back(
            ids in prop::collection::vec(("[a-z_!é\u{200b}]{0,70}", "\\PC{0,70}|[a-zA-Z_]{1,8}"), 0..12)
        ) {
            let ids: Vec<ToolId> = ids.into_iter().map(|(server, name)| ToolId::new(server, name)).collect();
            let names = WireNames::new(&ids);
            for id in &ids {
                let wire = names.wire_name(id).expect("it has one");
                prop_assert!((1..=MAX_NAME_LEN).contains(&wire.len()) && wire.chars().all(is_safe), "{wire}");
                prop_assert_eq!(names.by_wire_name(wire), Some(id));
            }
        }
    }
}
