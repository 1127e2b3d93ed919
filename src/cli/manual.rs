//! `ibid completions` and `ibid man`: what a shell and `man` know about the command line, written from its definition.

use std::io::{self, Write};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{CliError, ProgramExit, args::CliArgs};
use crate::text;

/// Prints the completions of a shell.
pub(super) fn print_completions(shell: Shell) -> Result<ProgramExit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CliArgs::command(), "ibid", &mut script);
    print_whole(&script)
}

/// Prints the manual page, in the language of `man`.
pub(super) fn print_manual() -> Result<ProgramExit, CliError> {
    print_whole(&manual_page()?)
}

fn print_whole(text: &[u8]) -> Result<ProgramExit, CliError> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::failure(format!("it cannot be printed: {}", text::error_words(&error))))
        }
        _ => Ok(ProgramExit::Done),
    }
}

/// One page for the program and all its commands.
fn manual_page() -> io::Result<Vec<u8>> {
    let mut program = CliArgs::command();
    program.build();
    let page = Man::new(program.clone()).manual("User commands");
    let mut out = Vec::new();
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    page.render_synopsis_section(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    out.extend(b".SH COMMANDS\n");
    for command in program.get_subcommands().filter(|command| !command.is_hide_set()) {
        render_command(command, &mut out)?;
    }
    out.extend(FURTHER_SECTIONS.as_bytes());
    Ok(out)
}

/// The section of one command, with the options that only it has.
fn render_command(command: &Command, out: &mut Vec<u8>) -> io::Result<()> {
    let mut own = command.clone();
    let shared: Vec<_> =
        own.get_arguments().filter(|argument| argument.is_global_set()).map(clap::Arg::get_id).cloned().collect();
    for id in shared {
        own = own.mut_arg(id, |argument| argument.hide(true));
    }
    let page = Man::new(own);
    writeln!(out, ".SS ibid {}", command.get_name())?;
    let mut section = Vec::new();
    page.render_synopsis_section(&mut section)?;
    page.render_description_section(&mut section)?;
    page.render_options_section(&mut section)?;
    // The command's own heading takes the place of theirs.
    let section = String::from_utf8_lossy(&section).into_owned();
    for line in section.lines() {
        writeln!(out, "{}", if line.starts_with(".SH ") { ".PP" } else { line })?;
    }
    Ok(())
}

const FURTHER_SECTIONS: &str = r".SH EXIT STATUS
0 done, 1 failed, 2 wrong usage, 130 interrupted.
.SH ENVIRONMENT
.TP
\fBOPENROUTER_API_KEY\fR, \fBOPENROUTER_BASE_URL\fR
the key and the address of the built\-in server
.TP
\fBIBID_CONFIG\fR, \fBIBID_DATA_DIR\fR, \fBIBID_LOG\fR
the config file, the folder of the database, the log
.TP
\fBVISUAL\fR, \fBEDITOR\fR, \fBPAGER\fR
the editor of drafts, and what shows long listings
.TP
\fBNO_COLOR\fR, \fBHTTPS_PROXY\fR, \fBHTTP_PROXY\fR, \fBNO_PROXY\fR, \fBSSL_CERT_FILE\fR
as in other programs
.SH FILES
.TP
\fI$XDG_CONFIG_HOME/ibid/config.toml\fR
the config; \fI~/.config\fR where the variable is not set
.TP
\fI$XDG_DATA_HOME/ibid/ibid.db\fR
the conversations; \fI~/.local/share\fR where the variable is not set
";

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn the_page_has_every_command_and_option_and_no_hidden_one() {
        let page = String::from_utf8(manual_page().expect("the page is written")).expect("the page is text");
        let plain = page.replace('\\', "");
        let program = CliArgs::command();
        for command in program.get_subcommands() {
            assert_eq!(plain.contains(&format!(".SS ibid {}\n", command.get_name())), !command.is_hide_set());
            let options = command.get_arguments().filter_map(clap::Arg::get_long);
            let is_missing = |option: &&str| !plain.contains(&format!("--{option}"));
            assert_eq!(options.filter(|_| !command.is_hide_set()).find(is_missing), None);
        }
        assert!(program.get_arguments().filter_map(clap::Arg::get_long).all(|option| plain.contains(option)));
        assert_eq!(plain.matches("The address of a server").count(), 1, "shared options are listed once: {page}");
    }

    #[test]
    fn every_shell_completes_the_commands() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut CliArgs::command(), "ibid", &mut script);
            let script = String::from_utf8(script).expect("a script is text");
            assert!(["models", "completions", "demo"].iter().all(|word| script.contains(word)), "{shell}");
        }
    }
}
