//! Command tools: any program as a function, its arguments on standard input or in its argv, never through a shell.

use std::path::PathBuf;

use serde_json::Value;

use super::{COMMANDS, Failure, Hints, Tool, ToolId};

/// A program as the config describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    pub name: String,
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
    /// The program and its arguments; `{city}` in one of them stands for the argument of that name.
    pub argv: Vec<String>,
    /// In seconds.
    pub timeout: u64,
    /// How much of its output is kept, in bytes; of one that goes on beyond that its beginning and its end. How much of it
    /// a model reads is another matter.
    pub max_output: usize,
    /// Where it runs; without one where the program runs.
    pub folder: Option<PathBuf>,
    /// Variables that it gets besides the few that every program needs.
    pub env: Vec<String>,
    pub strict: bool,
    pub hints: Hints,
}

/// What is run for one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    pub argv: Vec<String>,
    /// All arguments as JSON, where the argv has a place for none.
    pub stdin: Option<String>,
}

impl Command {
    pub fn tool(&self) -> Tool {
        Tool {
            id: ToolId::new(COMMANDS, &self.name),
            title: None,
            description: self.description.clone(),
            parameters: self.parameters.clone(),
            strict: self.strict,
            hints: self.hints,
        }
    }

    /// The argv for these arguments. An argument of the argv that is only a place is left out with its value.
    ///
    /// # Errors
    /// A value is missing, or could be taken for an option.
    pub fn invocation(&self, arguments: &Value) -> Result<Invocation, Failure> {
        let Some((program, rest)) = self.argv.split_first() else {
            return Err(Failure::Start("its argv is empty".into()));
        };
        let mut argv = vec![program.clone()];
        let mut has_places = false;
        let mut after_options = false;
        for template in rest {
            let pieces = self.pieces(template);
            let places = pieces.iter().filter(|piece| matches!(piece, Piece::Place(_))).count();
            has_places |= places > 0;
            after_options |= template == "--";
            let value = |name: &str| arguments.get(name).filter(|value| !value.is_null());
            if let [Piece::Place(name)] = pieces[..]
                && value(name).is_none()
            {
                continue;
            }
            let mut argument = String::new();
            for piece in &pieces {
                match piece {
                    Piece::Words(words) => argument.push_str(words),
                    Piece::Place(name) => match value(name) {
                        Some(Value::String(text)) => argument.push_str(text),
                        Some(value) => argument.push_str(&value.to_string()),
                        None => return Err(Failure::Arguments(format!("{name} is missing"))),
                    },
                }
            }
            let begins_with_value = matches!(pieces.first(), Some(Piece::Place(_)));
            if begins_with_value && argument.starts_with('-') && !after_options {
                return Err(Failure::Arguments(format!("“{argument}” would be taken for an option")));
            }
            if argument.contains('\0') {
                return Err(Failure::Arguments("a null character".into()));
            }
            argv.push(argument);
        }
        Ok(Invocation { argv, stdin: (!has_places).then(|| arguments.to_string()) })
    }

    /// A template at its places: braces around the name of an argument; others are only braces.
    fn pieces<'a>(&self, template: &'a str) -> Vec<Piece<'a>> {
        let is_argument = |name: &str| self.parameters["properties"].get(name).is_some();
        let (mut pieces, mut rest, mut from) = (Vec::new(), template, 0);
        while let Some(open) = rest[from..].find('{').map(|at| from + at) {
            let Some(close) = rest[open..].find('}').map(|at| open + at) else { break };
            let name = &rest[open + 1..close];
            if !is_argument(name) {
                from = open + 1;
                continue;
            }
            if open > 0 {
                pieces.push(Piece::Words(&rest[..open]));
            }
            pieces.push(Piece::Place(name));
            (rest, from) = (&rest[close + 1..], 0);
        }
        if !rest.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Words(rest));
        }
        pieces
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Words(&'a str),
    Place(&'a str),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn command(argv: &[&str]) -> Command {
        Command {
            name: "weather".into(),
            description: String::new(),
            parameters: json!({ "type": "object", "properties": { "city": {}, "days": {} } }),
            argv: argv.iter().map(|&word| word.into()).collect(),
            timeout: 30,
            max_output: 1000,
            folder: None,
            env: Vec::new(),
            strict: false,
            hints: Hints::default(),
        }
    }

    fn argv(template: &[&str], arguments: &Value) -> Result<Vec<String>, String> {
        command(template).invocation(arguments).map(|run| run.argv).map_err(|failure| failure.words())
    }

    #[test]
    fn arguments_go_into_their_places_whole_and_no_shell_reads_them() {
        let nasty = json!({ "city": "Paris; rm -rf ~ $(id) `id` \"{days}\"", "days": 3 });
        assert_eq!(
            argv(&["w", "-d{days}", "--city={city}", "{city}", "{unknown} {"], &nasty),
            Ok(vec![
                "w".into(),
                "-d3".into(),
                "--city=Paris; rm -rf ~ $(id) `id` \"{days}\"".into(),
                "Paris; rm -rf ~ $(id) `id` \"{days}\"".into(),
                "{unknown} {".into()
            ])
        );
    }

    #[test]
    fn without_a_place_all_arguments_go_to_standard_input() {
        let run = command(&["w", "{}"]).invocation(&json!({ "city": "Paris" })).unwrap();
        assert_eq!((run.argv.len(), run.stdin.as_deref()), (2, Some(r#"{"city":"Paris"}"#)));
        let run = command(&["w", "{city}"]).invocation(&json!({ "city": "Paris" })).unwrap();
        assert_eq!(run.stdin, None);
    }

    #[test]
    fn no_value_becomes_an_option_or_is_made_up() {
        let refused = |template: &[&str], arguments: Value| argv(template, &arguments).unwrap_err();
        assert!(refused(&["w", "{city}"], json!({ "city": "--output=/etc/x" })).contains("taken for an option"));
        assert!(refused(&["w", "{city}{days}"], json!({ "city": "", "days": "-x" })).contains("taken for an option"));
        assert!(argv(&["w", "--", "{city}"], &json!({ "city": "-x" })).is_ok(), "options end at --");
        assert!(refused(&["w", "in:{city}"], json!({})).contains("city is missing"));
        assert_eq!(
            argv(&["w", "{city}", "{days}"], &json!({ "days": null, "city": "P" })),
            Ok(vec!["w".into(), "P".into()])
        );
        assert!(refused(&["w", "{city}"], json!({ "city": "a\0b" })).contains("null"));
    }
}
