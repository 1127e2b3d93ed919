//! The keys of the config, read from the example that documents all of them.

use std::collections::BTreeSet;

use toml_edit::{Document, TableLike};

use super::EXAMPLE_CONFIG;

/// The tables whose entries the user names, or that are a list.
const NAMED_TABLES: [&str; 3] = ["endpoints", "mcp", "tool"];

/// Returns the path of every key of the example, commented out or not; `*` stands for a name chosen by the user.
pub(super) fn documented_keys() -> BTreeSet<Vec<String>> {
    let mut keys = BTreeSet::new();
    let mut section = Vec::new();
    for line in EXAMPLE_CONFIG.lines() {
        let line = line.trim_start_matches(['#', ' ']);
        let Ok(document) = Document::parse(line) else { continue }; // An explanation.
        if line.starts_with('[') {
            section = section_path(line);
            keys.extend((1..=section.len()).map(|len| section[..len].to_vec()));
        } else {
            add_keys(document.as_table(), &section, &mut keys);
        }
    }
    keys
}

/// Returns the path of a table, given its header.
fn section_path(header: &str) -> Vec<String> {
    let mut path: Vec<String> = header.trim_matches(['[', ']']).split('.').map(str::to_owned).collect();
    if NAMED_TABLES.contains(&path[0].as_str()) {
        path.splice(1..path.len().min(2), ["*".to_owned()]);
    }
    path
}

fn add_keys(table: &dyn TableLike, parent: &[String], keys: &mut BTreeSet<Vec<String>>) {
    for (name, item) in table.iter() {
        let path = [parent, &[name.to_owned()]].concat();
        if let Some(inner) = item.as_table_like() {
            add_keys(inner, &path, keys);
        }
        keys.insert(path);
    }
}

#[cfg(test)]
mod tests {
    use serde::{
        Deserialize, Deserializer,
        de::{DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor, value::Error},
        forward_to_deserialize_any,
    };

    use super::*;
    use crate::config::Config;

    #[test]
    fn every_key_of_the_config_is_documented() {
        let mut keys = BTreeSet::new();
        Config::deserialize(KeyRecorder { path: Vec::new(), keys: &mut keys }).expect("every type is recorded");
        let dotted = |path: &Vec<String>| path.join(".");
        assert!(keys.iter().map(dotted).any(|key| key == "endpoints.*.timeouts.first_byte"), "{keys:?}");
        let missing: Vec<String> = keys.difference(&documented_keys()).map(dotted).collect();
        assert_eq!(missing, Vec::<String>::new(), "not in assets/config.toml");
    }

    /// Deserializes something from nothing, and notes the keys of the structs in it.
    struct KeyRecorder<'a> {
        path: Vec<String>,
        keys: &'a mut BTreeSet<Vec<String>>,
    }

    /// The fields of a struct, or one entry of a map or a list, whose name is `*`.
    struct RecordedEntries<'a> {
        names: std::iter::Copied<std::slice::Iter<'a, &'static str>>,
        name: &'static str,
        recorder: KeyRecorder<'a>,
    }

    impl KeyRecorder<'_> {
        fn child(&mut self, name: &str) -> KeyRecorder<'_> {
            KeyRecorder { path: [&self.path[..], &[name.to_owned()]].concat(), keys: self.keys }
        }
    }

    impl<'a> RecordedEntries<'a> {
        fn new(names: &'a [&'static str], recorder: KeyRecorder<'a>) -> Self {
            Self { names: names.iter().copied(), name: "*", recorder }
        }
    }

    impl<'de> Deserializer<'de> for KeyRecorder<'_> {
        type Error = Error;

        fn deserialize_struct<V: Visitor<'de>>(
            mut self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Error> {
            for field in fields {
                let path = self.child(field).path;
                self.keys.insert(path);
            }
            visitor.visit_map(RecordedEntries::new(fields, self))
        }

        fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_map(RecordedEntries::new(&["*"], self))
        }

        fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_seq(RecordedEntries::new(&["*"], self))
        }

        fn deserialize_enum<V: Visitor<'de>>(
            self,
            _: &'static str,
            variants: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Error> {
            visitor.visit_enum(variants[0].into_deserializer())
        }

        fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_some(self)
        }

        fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_bool(false)
        }

        fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_str("text")
        }

        /// Most types that accept anything accept a number, but keys of the keyboard are texts.
        fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            if self.path[0] == "keys" { visitor.visit_str("enter") } else { visitor.visit_i64(1) }
        }

        forward_to_deserialize_any! {
            i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str bytes byte_buf unit unit_struct newtype_struct tuple
            tuple_struct identifier ignored_any
        }
    }

    impl<'de> MapAccess<'de> for RecordedEntries<'_> {
        type Error = Error;

        fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
            let Some(name) = self.names.next() else { return Ok(None) };
            self.name = name;
            // A map's key may be of any type; its name is of no interest.
            if name == "*" {
                seed.deserialize(self.recorder.child(name)).map(Some)
            } else {
                seed.deserialize(name.into_deserializer()).map(Some)
            }
        }

        fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
            seed.deserialize(self.recorder.child(self.name))
        }
    }

    impl<'de> SeqAccess<'de> for RecordedEntries<'_> {
        type Error = Error;

        fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
            let Some(name) = self.names.next() else { return Ok(None) };
            seed.deserialize(self.recorder.child(name)).map(Some)
        }
    }
}
