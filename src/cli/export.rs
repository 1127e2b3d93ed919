//! `ibid export`: conversations as Markdown, JSON, plain text or web pages.

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
};

use jiff::tz::TimeZone;

use super::{CliError, ProgramExit, args::ExportArgs, env, launch::LaunchSettings, paged::PagedOutput};
use crate::{
    chat::ConversationId,
    clock, console,
    exchange::export::{
        self, ExportForm, ExportOptions, ExportScope, ExportSetting, ExportedPart, ExportedText, SecretHandling,
    },
    files, runtime,
    store::ExchangeDatabase,
    text,
};

/// Exports one conversation, or all of them.
pub(super) fn export(settings: &LaunchSettings, args: &ExportArgs) -> Result<ProgramExit, CliError> {
    // Keys that cannot be found mask nothing; the export goes on without them.
    if let Ok(servers) = settings.servers() {
        servers.note_keys(&env);
    }
    let options = options(args)?;
    let path = settings.paths.database_file();
    if !path.exists() {
        return Err(CliError::failure(format!("there are no conversations yet: {} does not exist", path.display())));
    }
    let mut database = ExchangeDatabase::open(&path).map_err(|error| CliError::failure(error.to_string()))?;
    let exporter = Exporter { options, setting: setting(settings), is_overwriting: args.overwrite };
    match (&args.all, &args.conversation) {
        (Some(folder), _) => exporter.export_all(&mut database, folder),
        (None, Some(name)) => {
            let id = database.find(name).map_err(|error| CliError::failure(error.to_string()))?;
            exporter.export_one(&mut database, id, args.output.as_deref())
        }
        (None, None) => Err(CliError {
            exit: ProgramExit::Usage,
            message: "which conversation? Name its id or title, or give --all DIR".into(),
        }),
    }
}

fn setting(settings: &LaunchSettings) -> ExportSetting {
    ExportSetting { now: clock::now(), zone: TimeZone::system(), line_breaks: settings.config.line_breaks }
}

fn options(args: &ExportArgs) -> Result<ExportOptions, CliError> {
    let from_path = args.output.as_deref().and_then(ExportForm::of_path);
    let form = args.format.or(from_path).unwrap_or_default();
    let scope = args.scope.unwrap_or(form.usual_scope());
    let part = match scope {
        ExportScope::Tree => ExportedPart::Tree,
        ExportScope::Branch => ExportedPart::Branch,
        ExportScope::Answer => ExportedPart::Answer(None),
        ExportScope::Selection => {
            let message = "--scope selection works only in the app; the scopes are tree, branch and answer";
            return Err(CliError { exit: ProgramExit::Usage, message: message.into() });
        }
    };
    let secrets = if args.mask_secrets { SecretHandling::Mask } else { SecretHandling::Keep };
    Ok(ExportOptions { form, part, density: args.density.unwrap_or_default(), secrets })
}

struct Exporter {
    options: ExportOptions,
    setting: ExportSetting,
    is_overwriting: bool,
}

impl Exporter {
    fn export_one(
        &self,
        database: &mut ExchangeDatabase,
        id: ConversationId,
        output: Option<&str>,
    ) -> Result<ProgramExit, CliError> {
        let (_, exported) = self.exported(database, id)?;
        if exported.message_count == 0 {
            return Err(CliError::failure(format!("the conversation has no {} to export", self.missing_part())));
        }
        match output {
            None | Some("-") => print(&exported.text),
            Some(path) => {
                let written = files::write_at_user_path(path, exported.text.as_bytes(), self.is_overwriting);
                let path = written.map_err(|error| CliError::failure(write_failure(path, &error)))?;
                console::print_line(&format!("{}: {}", path.display(), exported.summary));
                Ok(ProgramExit::Done)
            }
        }
    }

    /// Writes a file for each conversation; one that fails keeps no other from being written.
    fn export_all(&self, database: &mut ExchangeDatabase, folder: &Path) -> Result<ProgramExit, CliError> {
        let conversations = database.list().map_err(|error| CliError::failure(error.to_string()))?;
        if conversations.is_empty() {
            return Err(CliError::failure("there are no conversations to export".into()));
        }
        files::create_folder(folder).map_err(|error| {
            CliError::failure(format!("the folder {} cannot be made: {}", folder.display(), text::error_words(&error)))
        })?;
        let (mut written, mut failed) = (0_usize, 0_usize);
        for summary in conversations {
            let result = self.exported(database, summary.id).and_then(|(title, exported)| {
                if exported.message_count == 0 {
                    return Ok(()); // Nothing was said in it, or nothing of that scope.
                }
                let stem = export::file_stem(&title);
                let path = files::write_numbered(folder, &stem, self.options.form.name(), exported.text.as_bytes())?;
                console::print_line(&path.display().to_string());
                written += 1;
                Ok(())
            });
            if let Err(error) = result {
                failed += 1;
                console::complain(&format!("{} was not exported: {}", summary.title, error.message));
            }
        }
        if failed > 0 {
            return Err(CliError::failure(format!("{failed} of {} conversations were not exported", written + failed)));
        }
        Ok(ProgramExit::Done)
    }

    /// Exports a conversation, and lists on standard error what looks like a secret in it.
    fn exported(
        &self,
        database: &mut ExchangeDatabase,
        id: ConversationId,
    ) -> Result<(String, ExportedText), CliError> {
        let whole = database.load(id).map_err(|error| CliError::failure(error.to_string()))?;
        let title = whole.header.title.clone();
        let mut highlighter = runtime::code_highlighter();
        let exported = export::export(whole, &self.options, &self.setting, &mut highlighter);
        let verb = if self.options.secrets == SecretHandling::Mask { "masked" } else { "not masked" };
        for suspect in &exported.suspects {
            console::complain(&format!("{verb}: {suspect} of “{title}”"));
        }
        if !exported.suspects.is_empty() && self.options.secrets == SecretHandling::Keep {
            console::complain("--mask-secrets masks what looks like a secret");
        }
        Ok((title, exported))
    }

    fn missing_part(&self) -> &'static str {
        if self.options.part.scope() == ExportScope::Answer { "answer" } else { "message" }
    }
}

/// Prints a document: through the pager on a terminal, else byte for byte.
fn print(text: &str) -> Result<ProgramExit, CliError> {
    if io::stdout().is_terminal() {
        let mut out = PagedOutput::open();
        for line in text.lines() {
            out.line(line)?;
        }
        return out.finish();
    }
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::failure(format!("the export cannot be printed: {}", text::error_words(&error))))
        }
        Ok(()) | Err(_) => Ok(ProgramExit::Done),
    }
}

fn write_failure(path: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AlreadyExists => format!("{path} exists already; name another file, or give --overwrite"),
        _ => format!("{path} was not written: {}", text::error_words(error)),
    }
}
