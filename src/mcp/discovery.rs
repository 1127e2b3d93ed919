//! Finds the configured servers, in the config and in `mcp.json` files, and decides which of them may run.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{
    config::{ConfigProblem, McpServerConfig, parse_mcp_servers},
    files::{self, FileAccess},
    text,
};

/// Where to look for servers.
#[derive(Debug, Clone, Default)]
pub struct ServerDiscovery {
    /// The config file.
    pub config_file: PathBuf,
    /// The servers that the config file names.
    pub servers: BTreeMap<String, McpServerConfig>,
    /// The folder in which the program was started.
    pub working_dir: PathBuf,
    /// The file that records which project files are trusted.
    pub trust_file: PathBuf,
}

/// A server that one of the files names.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfiguredServer {
    pub name: String,
    pub origin: ServerOrigin,
    pub settings: McpServerConfig,
    pub permission: RunPermission,
}

/// The file that names a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerOrigin {
    Config(PathBuf),
    /// A file that came with a project, perhaps written by others.
    Project(PathBuf),
}

/// Whether a server may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPermission {
    On,
    /// Switched off in its file.
    Off,
    /// The user has not yet trusted the current contents of this file.
    Untrusted,
}

/// The name of a project's file.
const PROJECT_FILE: &str = ".mcp.json";
/// The name of the file beside the config, in the form that other programs use.
const SIBLING_FILE: &str = "mcp.json";

/// The largest file that is read, in bytes: more than anyone writes by hand.
const MAX_FILE_BYTES: u64 = 1 << 20;

impl ServerOrigin {
    pub fn path(&self) -> &Path {
        match self {
            Self::Config(path) | Self::Project(path) => path,
        }
    }
}

impl ConfiguredServer {
    /// Returns the command line or the address in one line. Variables are not expanded, so that no secret is shown.
    pub fn target_line(&self) -> String {
        let McpServerConfig { command, args, url, .. } = &self.settings;
        let line = match (command, url) {
            (Some(command), _) => std::iter::once(command).chain(args).cloned().collect::<Vec<_>>().join(" "),
            (None, url) => url.clone().unwrap_or_default(),
        };
        text::show_invisible_in_line(&line)
    }
}

impl ServerDiscovery {
    /// Whether any server may be configured. Does not read the files.
    pub fn has_any(&self) -> bool {
        !self.servers.is_empty() || self.sibling_file().is_file() || self.project_file().is_some()
    }

    /// Returns all servers by name, and the problems in the files. If several files name one server, the config wins,
    /// then the file beside it.
    pub(super) fn find_servers(&self) -> (Vec<ConfiguredServer>, Vec<String>) {
        let mut found: BTreeMap<String, ConfiguredServer> = BTreeMap::new();
        let mut complaints = Vec::new();
        let mut add = |name: String, settings: McpServerConfig, source: ServerOrigin, trusted: bool| {
            let standing = match (settings.is_enabled(), trusted) {
                (false, _) => RunPermission::Off,
                (true, false) => RunPermission::Untrusted,
                (true, true) => RunPermission::On,
            };
            found.entry(name.clone()).or_insert(ConfiguredServer {
                name,
                origin: source,
                settings,
                permission: standing,
            });
        };
        for (name, settings) in &self.servers {
            add(name.clone(), settings.clone(), ServerOrigin::Config(self.config_file.clone()), true);
        }
        for source in [Some(ServerOrigin::Config(self.sibling_file())), self.project_file().map(ServerOrigin::Project)]
            .into_iter()
            .flatten()
        {
            let path = source.path().to_owned();
            let bytes = match read_bounded(&path) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => continue,
                Err(why) => {
                    complaints.push(format!("{}: {why}", path.display()));
                    continue;
                }
            };
            let trusted = matches!(source, ServerOrigin::Config(_)) || self.is_trusted(&path, &bytes);
            match parse_mcp_servers(&String::from_utf8_lossy(&bytes), &path) {
                Ok((servers, warnings)) => {
                    complaints.extend(warnings.iter().map(ConfigProblem::to_string));
                    for (name, mut settings) in servers {
                        if let (ServerOrigin::Project(_), None) = (&source, &settings.cwd) {
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

    fn sibling_file(&self) -> PathBuf {
        self.config_file.with_file_name(SIBLING_FILE)
    }

    /// Returns the file in the working folder, or else the one at the root of its repository.
    fn project_file(&self) -> Option<PathBuf> {
        let root = self.working_dir.ancestors().find(|folder| folder.join(".git").exists());
        let folders = [Some(self.working_dir.as_path()), root];
        folders.into_iter().flatten().map(|folder| folder.join(PROJECT_FILE)).find(|path| path.is_file())
    }

    /// Trusts the current contents of a project's file.
    ///
    /// # Errors
    /// The file cannot be read, or the decision cannot be saved.
    pub(super) fn trust(&self, path: &Path) -> io::Result<()> {
        let Some(bytes) = read_bounded(path).map_err(io::Error::other)? else { return Ok(()) };
        let mut trusted = self.trusted_hashes();
        trusted.insert(path_key(path), content_hash(&bytes));
        let text = serde_json::to_string_pretty(&trusted)?;
        files::write_atomically(&self.trust_file, text.as_bytes(), FileAccess::Owner)
    }

    fn is_trusted(&self, path: &Path, bytes: &[u8]) -> bool {
        self.trusted_hashes().get(&path_key(path)).is_some_and(|hash_then| *hash_then == content_hash(bytes))
    }

    /// Returns the hashes of the trusted files by path. If the record cannot be read, nothing is trusted.
    fn trusted_hashes(&self) -> BTreeMap<String, String> {
        files::narrow(&self.trust_file);
        files::read(&self.trust_file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }
}

/// Returns the same key for every path to the same file.
fn path_key(path: &Path) -> String {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

fn content_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::from("sha256:"), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}"); // Writing to a string cannot fail.
        hash
    })
}

fn read_bounded(path: &Path) -> Result<Option<Vec<u8>>, String> {
    match fs::metadata(path) {
        Ok(found) if found.len() > MAX_FILE_BYTES => return Err("the file is too large for a list of servers".into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        _ => (),
    }
    files::read(path).map(Some).map_err(|error| format!("the file cannot be read ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(folder: &Path) -> ServerDiscovery {
        ServerDiscovery {
            config_file: folder.join("config/config.toml"),
            servers: BTreeMap::new(),
            working_dir: folder.join("work/deep/er"),
            trust_file: folder.join("state/trusted.json"),
        }
    }

    fn names(places: &ServerDiscovery) -> Vec<(String, RunPermission)> {
        places.find_servers().0.into_iter().map(|configured| (configured.name, configured.permission)).collect()
    }

    fn write_file(path: &Path, text: &str) {
        files::create_folder(path.parent().expect("it is in a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn servers_json(names: &[&str]) -> String {
        let servers: Vec<String> = names.iter().map(|name| format!(r#""{name}": {{"command": "{name}"}}"#)).collect();
        format!(r#"{{"mcpServers": {{{}}}}}"#, servers.join(","))
    }

    #[test]
    fn a_project_file_is_trusted_only_until_it_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut places = places(folder.path());
        assert!(!places.has_any());
        let file = folder.path().join("work/.mcp.json");
        write_file(&places.working_dir.join("x"), "");
        write_file(&folder.path().join("work/.git/HEAD"), "");
        write_file(&file, &servers_json(&["a"]));
        assert!(places.has_any());
        assert_eq!(names(&places), [("a".into(), RunPermission::Untrusted)]);
        places.trust(&file).expect("it is saved");
        assert_eq!(names(&places), [("a".into(), RunPermission::On)]);
        assert_eq!(places.find_servers().0[0].settings.cwd.as_deref(), file.parent());

        // The same contents elsewhere, and other contents there, were never trusted.
        write_file(&places.working_dir.join(".mcp.json"), &servers_json(&["a"]));
        assert_eq!(names(&places), [("a".into(), RunPermission::Untrusted)]);
        fs::remove_file(places.working_dir.join(".mcp.json")).expect("it is gone");
        write_file(&file, &servers_json(&["a", "b"]));
        assert_eq!(names(&places), [("a".into(), RunPermission::Untrusted), ("b".into(), RunPermission::Untrusted)]);
        // A server in the config wins, and is trusted.
        places
            .servers
            .insert("b".into(), McpServerConfig { command: Some("mine".into()), ..McpServerConfig::default() });
        assert_eq!(names(&places), [("a".into(), RunPermission::Untrusted), ("b".into(), RunPermission::On)]);
        write_file(&places.trust_file, "garbled");
        assert_eq!(names(&places)[0].1, RunPermission::Untrusted);
    }

    #[test]
    fn the_file_beside_the_config_is_trusted() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = places(folder.path());
        write_file(
            &places.config_file.with_file_name("mcp.json"),
            r#"{"mcpServers": {"a": {"command": "x", "disabled": true}, "b": {"url": "http://x", "zzz": 1}}}"#,
        );
        assert_eq!(names(&places), [("a".into(), RunPermission::Off), ("b".into(), RunPermission::On)]);
        let complaints = places.find_servers().1.join("\n");
        assert!(complaints.ends_with("mcp.json: mcpServers.b.zzz: unknown setting, ignored"), "{complaints}");
        write_file(&places.config_file.with_file_name("mcp.json"), "{\n\"mcpServers\": 7}");
        let (servers, complaints) = places.find_servers();
        assert!(servers.is_empty() && complaints[0].contains("mcp.json:2:15: invalid type"), "{complaints:?}");
    }
}
