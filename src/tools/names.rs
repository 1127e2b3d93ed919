//! Names that every provider takes: `server__tool`, at most 64 letters, and back again.

use std::collections::BTreeMap;

use super::ToolId;

/// The longest name of a function.
const MOST: usize = 64;

/// Which tool goes by which name on the wire, for one set of tools. A name depends on its tool alone, so that it is
/// the same in every request; only where two would be equal the later one in order gets another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    by_name: BTreeMap<String, ToolId>,
    by_id: BTreeMap<ToolId, String>,
}

impl Names {
    pub fn new<'a>(tools: impl IntoIterator<Item = &'a ToolId>) -> Self {
        let mut names = Self::default();
        let mut ids: Vec<&ToolId> = tools.into_iter().collect();
        // Those that need no number first: nobody takes their names away.
        ids.sort_by_key(|id| (plain(id).is_none(), *id));
        ids.dedup();
        for id in ids {
            let free = |name: &String| !names.by_name.contains_key(name);
            let name = plain(id).filter(free).unwrap_or_else(|| {
                let mut tries = (0_u64..).map(|salt| numbered(id, salt));
                tries.find(free).expect("there are more numbers than tools")
            });
            names.by_name.insert(name.clone(), id.clone());
            names.by_id.insert(id.clone(), name);
        }
        names
    }

    /// The name on the wire.
    pub fn wire(&self, id: &ToolId) -> Option<&str> {
        self.by_id.get(id).map(String::as_str)
    }

    /// The tool that a model means: only the very name counts.
    pub fn tool(&self, wire: &str) -> Option<&ToolId> {
        self.by_name.get(wire)
    }
}

/// The name as it is, where it can be sent and can mean nothing else.
fn plain(id: &ToolId) -> Option<String> {
    let name = format!("{}__{}", id.server, id.name);
    let clear = !id.server.contains("__") && !id.server.ends_with('_') && !id.name.starts_with('_');
    let safe = !id.server.is_empty() && !id.name.is_empty() && name.chars().all(is_safe);
    (clear && safe && name.len() <= MOST).then_some(name)
}

/// What can be read of the name, and a number that is made of all of it.
fn numbered(id: &ToolId, salt: u64) -> String {
    let number = format!("_{:08x}", hash(id, salt) as u32);
    let safe = |text: &str| -> String { text.chars().map(|char| if is_safe(char) { char } else { '_' }).collect() };
    let mut name = format!("{}__{}", safe(&id.server), safe(&id.name));
    name.truncate(MOST - number.len());
    name + &number
}

fn is_safe(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '_' | '-')
}

/// FNV-1a: the same in every version and on every machine.
fn hash(id: &ToolId, salt: u64) -> u64 {
    let bytes = id.server.bytes().chain([b'/']).chain(id.name.bytes()).chain(salt.to_le_bytes());
    let sum = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    sum ^ (sum >> 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(ids: &[(&str, &str)]) -> (Vec<ToolId>, Names) {
        let ids: Vec<ToolId> = ids.iter().map(|(server, name)| ToolId::new(*server, *name)).collect();
        let names = Names::new(&ids);
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
        let wire: Vec<&str> = ids.iter().map(|id| names.wire(id).expect("it has one")).collect();
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
            assert_eq!(names.tool(wire), Some(id));
        }
        assert_eq!(names.tool("git__LOG"), None, "nearly is not it");
        assert_eq!(names.tool("log"), None);
    }

    #[test]
    fn a_name_does_not_depend_on_what_else_there_is() {
        let (ids, few) = names(&[("git", "log\u{200b}"), ("fs", "read")]);
        let (_, many) = names(&[("a", "b"), ("git", "log\u{200b}"), ("git", "log"), ("fs", "read"), ("z", "y")]);
        for id in &ids {
            assert_eq!(few.wire(id), many.wire(id));
        }
    }

    #[test]
    fn a_tool_that_is_called_as_another_would_be_gets_another_name() {
        let odd = ToolId::new("git", "log!");
        let taken = numbered(&odd, 0);
        let twin = ToolId::new("git", taken.strip_prefix("git__").expect("the server stands first"));
        let names = Names::new([&odd, &twin]);
        assert_eq!(names.wire(&twin), Some(taken.as_str()), "the plain name is its own");
        assert_ne!(names.wire(&odd), names.wire(&twin));
    }

    proptest! {
        #[test]
        fn all_names_are_safe_different_and_lead_back(
            ids in prop::collection::vec(("[a-z_!é\u{200b}]{0,70}", "\\PC{0,70}|[a-zA-Z_]{1,8}"), 0..12)
        ) {
            let ids: Vec<ToolId> = ids.into_iter().map(|(server, name)| ToolId::new(server, name)).collect();
            let names = Names::new(&ids);
            for id in &ids {
                let wire = names.wire(id).expect("it has one");
                prop_assert!((1..=MOST).contains(&wire.len()) && wire.chars().all(is_safe), "{wire}");
                prop_assert_eq!(names.tool(wire), Some(id));
            }
        }
    }
}
