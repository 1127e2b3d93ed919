//! Which servers there are: those of the config, those of files in the common form, and whether a project's may run.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{
    config::{Complaint, McpServer, read_servers},
    files::{self, Readers},
    text,
};

/// Where servers are looked for.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The config file, and what it says.
    pub config: PathBuf,
    pub servers: BTreeMap<String, McpServer>,
    /// The folder that the program was started in.
    pub folder: PathBuf,
    /// Which files of projects were trusted.
    pub trusted: PathBuf,
}

/// A server that some file names.
#[derive(Debug, Clone, PartialEq)]
pub struct Configured {
    pub name: String,
    pub source: Source,
    pub settings: McpServer,
    pub standing: Standing,
}

/// Which file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Config(PathBuf),
    /// A file that came with a project: of others, perhaps.
    Project(PathBuf),
}

/// Whether it may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    On,
    /// Switched off in its file.
    Off,
    /// Nobody has said yet that this file, as it is now, may be used.
    Untrusted,
}

/// The file of a project, and of other programs beside the config.
const PROJECT: &str = ".mcp.json";
const BESIDE: &str = "mcp.json";

/// Nobody writes more by hand.
const LARGEST: u64 = 1 << 20;

impl Source {
    pub fn path(&self) -> &Path {
        match self {
            Self::Config(path) | Self::Project(path) => path,
        }
    }
}

impl Configured {
    /// What runs or is spoken to, in one line; variables are not filled in, so that no secret is shown.
    pub fn how(&self) -> String {
        let McpServer { command, args, url, .. } = &self.settings;
        let line = match (command, url) {
            (Some(command), _) => std::iter::once(command).chain(args).cloned().collect::<Vec<_>>().join(" "),
            (None, url) => url.clone().unwrap_or_default(),
        };
        text::visible(&line).replace('\n', "⟨U+000A⟩")
    }
}

impl Places {
    /// Whether there can be any server at all; reads nothing.
    pub fn any(&self) -> bool {
        !self.servers.is_empty() || self.beside().is_file() || self.project().is_some()
    }

    /// All servers by name, and what is wrong. Where two files name the same one the config wins, then the file beside it.
    pub(super) fn look(&self) -> (Vec<Configured>, Vec<String>) {
        let mut found: BTreeMap<String, Configured> = BTreeMap::new();
        let mut complaints = Vec::new();
        let mut add = |name: String, settings: McpServer, source: Source, trusted: bool| {
            let standing = match (settings.is_on(), trusted) {
                (false, _) => Standing::Off,
                (true, false) => Standing::Untrusted,
                (true, true) => Standing::On,
            };
            found.entry(name.clone()).or_insert(Configured { name, source, settings, standing });
        };
        for (name, settings) in &self.servers {
            add(name.clone(), settings.clone(), Source::Config(self.config.clone()), true);
        }
        for source in [Some(Source::Config(self.beside())), self.project().map(Source::Project)].into_iter().flatten() {
            let path = source.path().to_owned();
            let bytes = match read(&path) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => continue,
                Err(why) => {
                    complaints.push(format!("{}: {why}", path.display()));
                    continue;
                }
            };
            let trusted = matches!(source, Source::Config(_)) || self.trusts(&path, &bytes);
            match read_servers(&String::from_utf8_lossy(&bytes), &path) {
                Ok((servers, odd)) => {
                    complaints.extend(odd.iter().map(Complaint::to_string));
                    for (name, mut settings) in servers {
                        if let (Source::Project(_), None) = (&source, &settings.cwd) {
                            settings.cwd = path.parent().map(Path::to_owned);
                        }
                        add(name, settings, source.clone(), trusted);
                    }
                }
                Err(complaint) => complaints.push(complaint.to_string()),
            }
        }
        (found.into_values().collect(), complaints.iter().map(|said| text::clean(said).into_owned()).collect())
    }

    fn beside(&self) -> PathBuf {
        self.config.with_file_name(BESIDE)
    }

    /// The file in the folder we work in, else at the root of its repository.
    fn project(&self) -> Option<PathBuf> {
        let root = self.folder.ancestors().find(|folder| folder.join(".git").exists());
        let folders = [Some(self.folder.as_path()), root];
        folders.into_iter().flatten().map(|folder| folder.join(PROJECT)).find(|path| path.is_file())
    }

    /// Takes a project's file, as it is now, as one's own.
    ///
    /// # Errors
    /// It cannot be read, or that cannot be written down.
    pub(super) fn trust(&self, path: &Path) -> io::Result<()> {
        let Some(bytes) = read(path).map_err(io::Error::other)? else { return Ok(()) };
        let mut trusted = self.all_trusted();
        trusted.insert(key(path), hash(&bytes));
        let text = serde_json::to_string_pretty(&trusted)?;
        files::replace(&self.trusted, text.as_bytes(), Readers::Owner)
    }

    fn trusts(&self, path: &Path, bytes: &[u8]) -> bool {
        self.all_trusted().get(&key(path)).is_some_and(|hash_then| *hash_then == hash(bytes))
    }

    /// By path, what the file held when it was trusted. One that cannot be read trusts nobody.
    fn all_trusted(&self) -> BTreeMap<String, String> {
        fs::read(&self.trusted).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }
}

/// The same file by any way to it.
fn key(path: &Path) -> String {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::from("sha256:"), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}"); // A string takes everything.
        hash
    })
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    match fs::metadata(path) {
        Ok(found) if found.len() > LARGEST => return Err("this is too large for a list of servers".into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        _ => (),
    }
    fs::read(path).map(Some).map_err(|error| format!("the file cannot be read ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(folder: &Path) -> Places {
        Places {
            config: folder.join("config/config.toml"),
            servers: BTreeMap::new(),
            folder: folder.join("work/deep/er"),
            trusted: folder.join("state/trusted.json"),
        }
    }

    fn names(places: &Places) -> Vec<(String, Standing)> {
        places.look().0.into_iter().map(|configured| (configured.name, configured.standing)).collect()
    }

    fn put(path: &Path, text: &str) {
        files::create_folder(path.parent().expect("it lies in a folder"), Readers::Anyone).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn of(names: &[&str]) -> String {
        let servers: Vec<String> = names.iter().map(|name| format!(r#""{name}": {{"command": "{name}"}}"#)).collect();
        format!(r#"{{"mcpServers": {{{}}}}}"#, servers.join(","))
    }

    #[test]
    fn a_projects_file_counts_after_it_was_trusted_and_until_it_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut places = places(folder.path());
        assert!(!places.any());
        let file = folder.path().join("work/.mcp.json");
        put(&places.folder.join("x"), "");
        put(&folder.path().join("work/.git/HEAD"), "");
        put(&file, &of(&["a"]));
        assert!(places.any());
        assert_eq!(names(&places), [("a".into(), Standing::Untrusted)]);
        places.trust(&file).expect("it is kept");
        assert_eq!(names(&places), [("a".into(), Standing::On)]);
        assert_eq!(places.look().0[0].settings.cwd.as_deref(), file.parent());

        // The same words elsewhere, and other words there, were never looked at.
        put(&places.folder.join(".mcp.json"), &of(&["a"]));
        assert_eq!(names(&places), [("a".into(), Standing::Untrusted)]);
        fs::remove_file(places.folder.join(".mcp.json")).expect("it is gone");
        put(&file, &of(&["a", "b"]));
        assert_eq!(names(&places), [("a".into(), Standing::Untrusted), ("b".into(), Standing::Untrusted)]);
        // The config's own wins, and is trusted.
        places.servers.insert("b".into(), McpServer { command: Some("mine".into()), ..McpServer::default() });
        assert_eq!(names(&places), [("a".into(), Standing::Untrusted), ("b".into(), Standing::On)]);
        put(&places.trusted, "garbled");
        assert_eq!(names(&places)[0].1, Standing::Untrusted);
    }

    #[test]
    fn the_file_beside_the_config_is_ones_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = places(folder.path());
        put(
            &places.config.with_file_name("mcp.json"),
            r#"{"mcpServers": {"a": {"command": "x", "disabled": true}, "b": {"url": "http://x", "zzz": 1}}}"#,
        );
        assert_eq!(names(&places), [("a".into(), Standing::Off), ("b".into(), Standing::On)]);
        let complaints = places.look().1.join("\n");
        assert!(
            complaints.ends_with("mcp.json: mcpServers.b.zzz: there is no such setting, it is ignored"),
            "{complaints}"
        );
        put(&places.config.with_file_name("mcp.json"), "{\n\"mcpServers\": 7}");
        let (servers, complaints) = places.look();
        assert!(servers.is_empty() && complaints[0].contains("mcp.json:2:15: invalid type"), "{complaints:?}");
    }
}
