//! Command tools: programs as functions. Arguments go to standard input or into the argv, never through a shell.

use std::path::PathBuf;

use serde_json::Value;

use super::{COMMAND_SERVER, ToolDefinition, ToolFailure, ToolHints, ToolId};

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
    /// How much of its output is kept, in bytes. Of a longer output the beginning and the end are kept. The model may
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
    /// missing.
    ///
    /// # Errors
    /// A value is missing, or would be taken for an option.
    pub fn invocation(&self, arguments: &Value) -> Result<CommandInvocation, ToolFailure> {
        let Some((program, rest)) = self.argv.split_first() else {
            return Err(ToolFailure::Start("its argv is empty".into()));
        };
        let mut argv = vec![program.clone()];
        let mut has_placeholders = false;
        let mut after_options = false;
        for template in rest {
            let parts = self.template_parts(template);
            let placeholders = parts.iter().filter(|piece| matches!(piece, TemplatePart::Argument(_))).count();
            has_placeholders |= placeholders > 0;
            after_options |= template == "--";
            let value = |name: &str| arguments.get(name).filter(|value| !value.is_null());
            if let [TemplatePart::Argument(name)] = parts[..]
                && value(name).is_none()
            {
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
