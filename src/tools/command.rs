//! Command tools: programs as functions. Arguments go to standard input or into the argv, never through a shell.

use std::path::PathBuf;

use serde_json::Value;

use super::{COMMAND_SERVER, ToolDefinition, ToolFailure, ToolHints, ToolId, schema};

/// A command tool as the config describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCommand {
    pub name: String,
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
    /// The program and its arguments. `{city}` in an argument is replaced by the call's argument of that name.
    pub argv: Vec<String>,
    /// The time limit, in seconds.
    pub timeout_secs: u64,
    /// The most output, in bytes. Of a longer one the beginning and the end remain. The model may
    /// read less.
    pub max_output_bytes: usize,
    /// The working folder; that of ibid if `None`.
    pub working_dir: Option<PathBuf>,
    /// Environment variables that it gets besides the few that every program needs.
    pub inherited_env: Vec<String>,
    pub strict: bool,
    pub hints: ToolHints,
}

/// The command line and input for one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandInvocation {
    pub argv: Vec<String>,
    /// All arguments as JSON, if the argv has no placeholder.
    pub stdin: Option<String>,
}

impl ToolCommand {
    pub fn tool(&self) -> ToolDefinition {
        ToolDefinition {
            id: ToolId::new(COMMAND_SERVER, &self.name),
            title: None,
            description: self.description.clone(),
            parameters: self.parameters.clone(),
            strict: self.strict,
            hints: self.hints,
        }
    }

    /// Builds the command line for these arguments. An argument that is only a placeholder is left out if its value is
    /// missing, together with the option before it if that takes the value.
    ///
    /// # Errors
    /// A value is missing, would be taken for an option, or is left out where an option may take the next word instead.
    pub fn invocation(&self, arguments: &Value) -> Result<CommandInvocation, ToolFailure> {
        let Some((program, rest)) = self.argv.split_first() else {
            return Err(ToolFailure::Start("its argv is empty".into()));
        };
        schema::check_required(&self.parameters, arguments)?;
        let mut argv = vec![program.clone()];
        let mut has_placeholders = false;
        let mut after_options = false;
        for (index, template) in rest.iter().enumerate() {
            let parts = self.template_parts(template);
            let placeholders = parts.iter().filter(|piece| matches!(piece, TemplatePart::Argument(_))).count();
            has_placeholders |= placeholders > 0;
            after_options |= template == "--";
            let value = |name: &str| arguments.get(name).filter(|value| !value.is_null());
            if let [TemplatePart::Argument(name)] = parts[..]
                && value(name).is_none()
            {
                let option = index.checked_sub(1).map(|before| rest[before].as_str());
                if let Some(option) = option.filter(|word| !after_options && self.may_take_value(word)) {
                    match self.option_use(option, name) {
                        OptionUse::TakesPlace => _ = argv.pop(),
                        OptionUse::Unknown if index + 1 == rest.len() => (), // There is no next word.
                        OptionUse::Unknown => {
                            let why = format!("{name} is missing, and {option} before it may take the next word");
                            return Err(ToolFailure::Arguments(why));
                        }
                    }
                }
                continue;
            }
            let mut argument = String::new();
            for piece in &parts {
                match piece {
                    TemplatePart::Literal(words) => argument.push_str(words),
                    TemplatePart::Argument(name) => match value(name) {
                        Some(Value::String(text)) => argument.push_str(text),
                        Some(value) => argument.push_str(&value.to_string()),
                        None => return Err(ToolFailure::Arguments(format!("{name} is missing"))),
                    },
                }
            }
            let begins_with_value = matches!(parts.first(), Some(TemplatePart::Argument(_)));
            if begins_with_value && argument.starts_with('-') && !after_options {
                return Err(ToolFailure::Arguments(format!("“{argument}” would be taken for an option")));
            }
            if argument.contains('\0') {
                return Err(ToolFailure::Arguments("they contain a null character".into()));
            }
            argv.push(argument);
        }
        Ok(CommandInvocation { argv, stdin: (!has_placeholders).then(|| arguments.to_string()) })
    }

    /// Whether a word of the template is an option that may take the next word as its value.
    fn may_take_value(&self, word: &str) -> bool {
        let is_literal = matches!(self.template_parts(word)[..], [TemplatePart::Literal(_)]);
        is_literal && word.len() > 1 && word.starts_with('-') && word != "--" && !word.contains('=')
    }

    /// What an option does with the place right behind it. An option without a value before a number is unusual; before
    /// a text it is not, so there it must have the name of the place.
    fn option_use(&self, option: &str, place: &str) -> OptionUse {
        let name = option.trim_start_matches('-').replace('-', "_").to_ascii_lowercase();
        let kind = &self.parameters["properties"][place]["type"];
        let is_number = kind == "integer" || kind == "number";
        if is_number || place.replace('-', "_").to_ascii_lowercase().starts_with(&name) {
            OptionUse::TakesPlace
        } else {
            OptionUse::Unknown
        }
    }

    /// Splits a template at its placeholders: an argument's name in braces. Other braces are literal.
    fn template_parts<'a>(&self, template: &'a str) -> Vec<TemplatePart<'a>> {
        let is_argument = |name: &str| self.parameters["properties"].get(name).is_some();
        let (mut parts, mut rest, mut from) = (Vec::new(), template, 0);
        while let Some(open) = rest[from..].find('{').map(|at| from + at) {
            let Some(close) = rest[open..].find('}').map(|at| open + at) else { break };
            let name = &rest[open + 1..close];
            if !is_argument(name) {
                from = open + 1;
                continue;
            }
            if open > 0 {
                parts.push(TemplatePart::Literal(&rest[..open]));
            }
            parts.push(TemplatePart::Argument(name));
            (rest, from) = (&rest[close + 1..], 0);
        }
        if !rest.is_empty() || parts.is_empty() {
            parts.push(TemplatePart::Literal(rest));
        }
        parts
    }
}

/// What an option does with the place behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OptionUse {
    /// The place is its value.
    TakesPlace,
    /// It may also stand for itself.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TemplatePart<'a> {
    Literal(&'a str),
    Argument(&'a str),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn command(argv: &[&str]) -> ToolCommand {
        ToolCommand {
            name: "weather".into(),
            description: String::new(),
            parameters: json!({ "type": "object", "properties": { "city": {}, "days": {} } }),
            argv: argv.iter().map(|&word| word.into()).collect(),
            timeout_secs: 30,
            max_output_bytes: 1000,
            working_dir: None,
            inherited_env: Vec::new(),
            strict: false,
            hints: ToolHints::default(),
        }
    }

    fn argv(template: &[&str], arguments: &Value) -> Result<Vec<String>, String> {
        command(template).invocation(arguments).map(|run| run.argv).map_err(|failure| failure.message())
    }

    #[test]
    fn arguments_replace_placeholders_unchanged_and_no_shell_reads_them() {
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
    fn without_a_placeholder_all_arguments_go_to_standard_input() {
        let run = command(&["w", "{}"]).invocation(&json!({ "city": "Paris" })).unwrap();
        assert_eq!((run.argv.len(), run.stdin.as_deref()), (2, Some(r#"{"city":"Paris"}"#)));
        let run = command(&["w", "{city}"]).invocation(&json!({ "city": "Paris" })).unwrap();
        assert_eq!(run.stdin, None);
    }

    #[test]
    fn a_missing_required_argument_is_refused() {
        let mut weather = command(&["w", "{city}", "{days}"]);
        let refused = |tool: &ToolCommand, arguments: Value| tool.invocation(&arguments).map_err(|why| why.message());
        assert!(refused(&weather, json!({})).is_ok(), "nothing is required");
        weather.parameters["required"] = json!(["city", "days"]);
        weather.parameters["properties"]["days"] = json!({ "type": ["integer", "null"] });
        assert_eq!(
            refused(&weather, json!({ "days": null, "city": null })),
            Err("the arguments were not accepted: city is missing".into())
        );
        assert_eq!(refused(&weather, json!({})), Err("the arguments were not accepted: city, days are missing".into()));
        assert!(refused(&weather, json!({ "days": null, "city": "Bonn" })).is_ok());
        weather.argv.truncate(1);
        assert!(refused(&weather, json!({ "days": 1 })).is_err(), "on standard input, too");
    }

    #[test]
    fn a_place_that_is_left_out_never_lets_the_option_before_it_take_the_next_word() {
        let left_out = |template: &[&str]| argv(template, &json!({ "days": "3" })).map(|argv| argv.join(" "));
        assert_eq!(left_out(&["w", "--city", "{city}", "--", "{days}"]).as_deref(), Ok("w -- 3"));
        assert_eq!(left_out(&["w", "-c", "{city}", "{days}"]).as_deref(), Ok("w 3"));
        assert_eq!(left_out(&["w", "--city", "{city}"]).as_deref(), Ok("w"));
        assert_eq!(left_out(&["w", "--lang=de", "{city}", "{days}"]).as_deref(), Ok("w --lang=de 3"));
        assert_eq!(left_out(&["w", "now", "{city}", "{days}"]).as_deref(), Ok("w now 3"));
        assert_eq!(left_out(&["w", "--", "-x", "{city}", "{days}"]).as_deref(), Ok("w -- -x 3"));
        // It may be an option without a value, which must not be lost.
        assert_eq!(left_out(&["w", "--dry-run", "{city}"]).as_deref(), Ok("w --dry-run"));
        let refused = left_out(&["w", "--dry-run", "{city}", "{days}"]).expect_err("it may take the next word");
        assert!(refused.ends_with("city is missing, and --dry-run before it may take the next word"), "{refused}");
        let mut numbered = command(&["w", "-n", "{days}", "{city}"]);
        numbered.parameters["properties"]["days"] = json!({ "type": "integer" });
        let run = numbered.invocation(&json!({ "city": "Bonn" })).map(|run| run.argv.join(" "));
        assert_eq!(run, Ok("w Bonn".into()));
    }

    #[test]
    fn no_value_becomes_an_option_or_is_invented() {
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
