//! Finds the configured servers, in the config and in `mcp.json` files, and decides which of them may run.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use super::variables::{expand_visible, variable_names};
use crate::{
    config::{ConfigProblem, McpServerConfig, parse_mcp_servers},
    files::{self, FileAccess},
    secrets, text,
    tools::{ToolOrigin, grants::content_hash},
};

/// Looks up a variable of our environment.
pub(super) type VariableLookup = fn(&str) -> Option<OsString>;

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
    /// What the settings come to here.
    pub target: ServerTarget,
    pub permission: RunPermission,
    /// The hash of a project's file, with what its servers come to. `None` for files of the user.
    pub file_hash: Option<String>,
}

/// What the settings of a server come to, with the folder of its file and our environment. Variables that name a secret
/// stay as they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerTarget {
    /// The program and its arguments; empty for a server at an address.
    pub argv: Vec<String>,
    pub url: Option<String>,
    pub cwd: Option<PathBuf>,
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

impl ServerTarget {
    fn new(settings: &McpServerConfig, folder: &Path, env: VariableLookup) -> Self {
        let program = settings.command.as_deref().map(|command| place_program(folder, &expand_visible(command, env)));
        let arguments = settings.args.iter().map(|argument| expand_visible(argument, env));
        let cwd = settings.cwd.as_ref().map(|cwd| expand_visible(&cwd.to_string_lossy(), env));
        Self {
            argv: program.into_iter().chain(arguments).collect(),
            url: settings.url.as_deref().map(|url| expand_visible(url, env)),
            cwd: cwd.map(|cwd| plain_path(&join_folder(folder, &cwd))),
        }
    }

    /// The texts that tell it from any other target.
    fn texts(&self) -> Vec<String> {
        let cwd = self.cwd.iter().map(|cwd| cwd.display().to_string()).collect();
        [self.argv.clone(), self.url.iter().cloned().collect(), cwd]
            .iter()
            .map(|part| serde_json::json!(part).to_string())
            .collect()
    }
}

impl ConfiguredServer {
    /// The folder from which its relative paths count.
    pub fn folder(&self) -> &Path {
        self.origin.path().parent().unwrap_or(Path::new(""))
    }

    /// Refuses to start a server of a project that would get a key of ours.
    ///
    /// # Errors
    /// Returns which variable holds the key.
    pub(super) fn check_keys(&self, env: VariableLookup) -> Result<(), String> {
        let is_project = matches!(self.origin, ServerOrigin::Project(_));
        let variable = is_project.then(|| own_key(&self.settings, env)).flatten();
        variable.map_or(Ok(()), |variable| Err(key_refusal(&variable)))
    }

    /// Returns where its tools come from, for the grants of the user.
    pub fn tool_origin(&self) -> ToolOrigin {
        let mut target = self.target.texts();
        target.push(serde_json::json!([self.settings.env, self.settings.inherit]).to_string());
        ToolOrigin { file: self.origin.path().display().to_string(), target }
    }

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
    pub(super) fn find_servers(&self, env: VariableLookup) -> (Vec<ConfiguredServer>, Vec<String>) {
        let mut found = FoundServers::default();
        let config_file = std::path::absolute(&self.config_file).unwrap_or_else(|_| self.config_file.clone());
        found.add(&ServerOrigin::Config(config_file.clone()), self.servers.clone(), None, env, |_| true);
        self.read_file(&ServerOrigin::Config(config_file.with_file_name(SIBLING_FILE)), &mut found, env);
        match self.project_file() {
            Some(Ok(path)) => self.read_file(&ServerOrigin::Project(path), &mut found, env),
            Some(Err(complaint)) => found.complaints.push(complaint),
            None => (),
        }
        let complaints = found.complaints.iter().map(|said| text::clean(said).into_owned()).collect();
        (found.servers.into_values().collect(), complaints)
    }

    /// Adds the servers of one file. What is parsed is what is hashed.
    fn read_file(&self, origin: &ServerOrigin, found: &mut FoundServers, env: VariableLookup) {
        let path = origin.path();
        let bytes = match read_bounded(path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return,
            Err(why) => return found.complaints.push(format!("{}: {why}", path.display())),
        };
        match parse_mcp_servers(&bytes, path) {
            Ok((servers, warnings)) => {
                found.complaints.extend(warnings.iter().map(ConfigProblem::to_string));
                found.add(origin, servers, Some(&bytes), env, |hash| self.is_trusted(path, hash));
            }
            Err(complaint) => found.complaints.push(complaint.to_string()),
        }
    }

    fn sibling_file(&self) -> PathBuf {
        self.config_file.with_file_name(SIBLING_FILE)
    }

    /// Returns the file in the working folder, or else the one at the root of its repository.
    ///
    /// # Errors
    /// The file is a link that leads out of the project; returns a message for the user.
    fn project_file(&self) -> Option<Result<PathBuf, String>> {
        let here = plain_path(&self.working_dir);
        let root = here.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&here);
        let file = [&here, root].into_iter().map(|folder| folder.join(PROJECT_FILE)).find(|path| path.is_file())?;
        let is_inside = match (fs::canonicalize(&file), fs::canonicalize(root)) {
            (Ok(target), Ok(root)) => target.starts_with(root),
            _ => false,
        };
        Some(if is_inside {
            Ok(file)
        } else {
            Err(format!("{}: it is a link that leads out of the project, so it is not used", file.display()))
        })
    }

    /// Trusts a project's file as it was shown.
    ///
    /// # Errors
    /// The decision cannot be saved.
    pub(super) fn trust(&self, path: &Path, hash: &str) -> io::Result<()> {
        let mut trusted = self.trusted_hashes();
        trusted.insert(path.display().to_string(), hash.to_owned());
        let text = serde_json::to_string_pretty(&trusted)?;
        files::write_atomically(&self.trust_file, text.as_bytes(), FileAccess::Owner)
    }

    fn is_trusted(&self, path: &Path, hash: &str) -> bool {
        self.trusted_hashes().get(&path.display().to_string()).is_some_and(|trusted| trusted == hash)
    }

    /// Returns the hashes of the trusted files by path. If the record cannot be read, nothing is trusted.
    fn trusted_hashes(&self) -> BTreeMap<String, String> {
        files::narrow(&self.trust_file);
        files::read(&self.trust_file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }
}

/// The servers found so far.
#[derive(Default)]
struct FoundServers {
    servers: BTreeMap<String, ConfiguredServer>,
    complaints: Vec<String>,
}

impl FoundServers {
    /// Adds the servers of a file. `bytes` are its content if it is not the config.
    fn add(
        &mut self,
        origin: &ServerOrigin,
        servers: BTreeMap<String, McpServerConfig>,
        bytes: Option<&[u8]>,
        env: VariableLookup,
        is_trusted: impl Fn(&str) -> bool,
    ) {
        let path = origin.path();
        let folder = path.parent().unwrap_or(Path::new(""));
        let is_project = matches!(origin, ServerOrigin::Project(_));
        let mut placed: BTreeMap<String, (McpServerConfig, ServerTarget)> = BTreeMap::new();
        for (name, mut settings) in servers {
            if let Some(variable) = own_key(&settings, env).filter(|_| is_project) {
                let refusal = key_refusal(&variable);
                self.complaints.push(format!("{}: mcpServers.{name}: {refusal}", path.display()));
                continue;
            }
            if is_project {
                settings.cwd.get_or_insert_with(|| folder.to_owned());
            }
            let target = ServerTarget::new(&settings, folder, env);
            placed.insert(name, (settings, target));
        }
        let file_hash = bytes.filter(|_| is_project).map(|bytes| {
            // A server of another file hides the one of the same name; without it, that one was never shown.
            let shown = placed.iter().filter(|(name, _)| !self.servers.contains_key(*name));
            let targets = shown.flat_map(|(name, (_, target))| [vec![name.clone()], target.texts()].concat());
            let parts = [bytes.to_vec(), path.as_os_str().as_encoded_bytes().to_vec()];
            content_hash(parts.into_iter().chain(targets.map(String::into_bytes)))
        });
        let may_run = file_hash.as_deref().is_none_or(is_trusted);
        for (name, (settings, target)) in placed {
            let permission = match (settings.is_enabled(), may_run) {
                (false, _) => RunPermission::Off,
                (true, false) => RunPermission::Untrusted,
                (true, true) => RunPermission::On,
            };
            let file_hash = file_hash.clone();
            let server = ConfiguredServer {
                name: name.clone(),
                origin: origin.clone(),
                settings,
                target,
                permission,
                file_hash,
            };
            self.servers.entry(name).or_insert(server);
        }
    }
}

fn key_refusal(variable: &str) -> String {
    format!("it asks for {variable}, which holds a key of ibid, so it is not used")
}

/// Returns the variable with a key of ours that a server would get.
fn own_key(settings: &McpServerConfig, env: VariableLookup) -> Option<String> {
    let McpServerConfig { command, args, env: variables, inherit, cwd, url, bearer_env, headers, .. } = settings;
    let cwd = cwd.as_ref().map(|cwd| cwd.to_string_lossy());
    let texts = [command.as_deref(), url.as_deref(), cwd.as_deref()].into_iter().flatten();
    let texts =
        texts.chain([args].into_iter().flatten().chain(variables.values()).chain(headers.values()).map(String::as_str));
    let named = texts.flat_map(variable_names).chain(inherit.iter().chain(bearer_env).map(String::as_str));
    let is_own = |name: &str| secrets::holds_key(name.as_ref(), &env(name).unwrap_or_default());
    named.into_iter().find(|name| is_own(name)).map(str::to_owned)
}

/// Returns the program as it is started: a relative path counts from the folder, a bare name is looked up in the PATH.
pub(super) fn place_program(folder: &Path, command: &str) -> String {
    if command.contains(['/', '\\']) {
        join_folder(folder, command).to_string_lossy().into_owned()
    } else {
        command.to_owned()
    }
}

/// Returns a path that counts from the folder if it is relative.
pub(super) fn join_folder(folder: &Path, path: &str) -> PathBuf {
    folder.join(path).components().collect()
}

/// Returns the path without links. On Windows links stay, because programs do not accept the form without them.
fn plain_path(path: &Path) -> PathBuf {
    let plain = if cfg!(windows) { std::path::absolute(path) } else { fs::canonicalize(path) };
    plain.unwrap_or_else(|_| path.to_owned())
}

fn read_bounded(path: &Path) -> Result<Option<Vec<u8>>, String> {
    match fs::metadata(path) {
        Ok(found) if found.len() > MAX_FILE_BYTES => return Err("the file is too large for a list of servers".into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        _ => (),
    }
    files::read(path).map(Some).map_err(|error| format!("the file cannot be read ({})", text::error_words(&error)))
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

    fn env(name: &str) -> Option<OsString> {
        match name {
            "OPENROUTER_API_KEY" => Some("sk-discovery-own-key".into()),
            "COPY_OF_KEY" => Some("Bearer sk-discovery-own-key".into()),
            "PLACE" => Some("here".into()),
            "ATLAS_TOKEN" => Some("atlas-secret".into()),
            _ => None,
        }
    }

    /// Trusts the project's file as it is now.
    fn trust_shown(places: &ServerDiscovery) {
        let (servers, _) = places.find_servers(env);
        let shown = servers.iter().find(|server| server.permission == RunPermission::Untrusted).expect("one waits");
        places.trust(shown.origin.path(), shown.file_hash.as_deref().expect("it has one")).expect("it is saved");
    }

    fn names(places: &ServerDiscovery) -> Vec<(String, RunPermission)> {
        places.find_servers(env).0.into_iter().map(|configured| (configured.name, configured.permission)).collect()
    }

    fn write_file(path: &Path, text: &str) {
        files::create_folder(path.parent().expect("it is in a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// A folder, without links in its path, with a repository in `work`.
    fn project_folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let root = plain_path(folder.path());
        write_file(&root.join("work/deep/er/x"), "");
        write_file(&root.join("work/.git/HEAD"), "");
        (folder, root)
    }

    fn servers_json(names: &[&str]) -> String {
        let servers: Vec<String> = names.iter().map(|name| format!(r#""{name}": {{"command": "{name}"}}"#)).collect();
        format!(r#"{{"mcpServers": {{{}}}}}"#, servers.join(","))
    }

    #[test]
    fn a_project_file_is_trusted_only_until_it_changes() {
        let (_folder, root) = project_folder();
        let mut places = places(&root);
        assert!(!places.has_any());
        let file = root.join("work/.mcp.json");
        write_file(&file, &servers_json(&["a"]));
        assert!(places.has_any());
        assert_eq!(names(&places), [("a".into(), RunPermission::Untrusted)]);
        trust_shown(&places);
        assert_eq!(names(&places), [("a".into(), RunPermission::On)]);
        assert_eq!(places.find_servers(env).0[0].target.cwd.as_deref(), file.parent());

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
        // The project's own `b` was not shown by then.
        trust_shown(&places);
        assert_eq!(names(&places)[0].1, RunPermission::On);
        places.servers.clear();
        assert_eq!(names(&places), [("a".into(), RunPermission::Untrusted), ("b".into(), RunPermission::Untrusted)]);
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
        let complaints = places.find_servers(env).1.join("\n");
        assert!(complaints.ends_with("mcp.json:1: mcpServers.b.zzz: unknown setting, ignored"), "{complaints}");
        write_file(&places.config_file.with_file_name("mcp.json"), "{\n\"mcpServers\": 7}");
        let (servers, complaints) = places.find_servers(env);
        let said = "mcp.json:2: mcpServers: this is a number and should be an object";
        assert!(servers.is_empty() && complaints[0].ends_with(said), "{complaints:?}");
    }

    #[test]
    fn what_the_settings_come_to_is_a_part_of_what_is_trusted() {
        fn other_env(name: &str) -> Option<OsString> {
            if name == "PLACE" { Some("elsewhere".into()) } else { env(name) }
        }
        fn new_token(name: &str) -> Option<OsString> {
            if name == "ATLAS_TOKEN" { Some("rotated".into()) } else { env(name) }
        }
        let (_folder, root) = project_folder();
        let places = places(&root);
        let text = r#"{"mcpServers": {"a": {"command": "./run", "args": ["${PLACE}", "${ATLAS_TOKEN}"]}}}"#;
        write_file(&root.join("work/.mcp.json"), text);
        trust_shown(&places);
        let permission = |env| places.find_servers(env).0[0].permission;
        let now = [permission(env), permission(new_token), permission(other_env)];
        assert_eq!(now, [RunPermission::On, RunPermission::On, RunPermission::Untrusted]);
        let target = &places.find_servers(env).0[0].target;
        let program = root.join("work/run").display().to_string();
        assert_eq!(target.argv, [program, "here".to_owned(), "${ATLAS_TOKEN}".to_owned()]);
        assert_eq!(target.cwd.as_deref(), Some(root.join("work").as_path()));
    }

    #[test]
    fn trust_that_was_given_without_the_targets_asks_once_more() {
        let (_folder, root) = project_folder();
        let (places, file) = (places(&root), root.join("work/.mcp.json"));
        write_file(&file, &servers_json(&["a"]));
        let old = serde_json::json!({ file.display().to_string(): "sha256:0011" });
        write_file(&places.trust_file, &old.to_string());
        assert_eq!(names(&places), [("a".into(), RunPermission::Untrusted)]);
        trust_shown(&places);
        assert_eq!(names(&places), [("a".into(), RunPermission::On)]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_only_within_the_project() {
        let (_folder, root) = project_folder();
        let (places, file) = (places(&root), root.join("work/.mcp.json"));
        write_file(&root.join("outside.json"), &servers_json(&["a"]));
        std::os::unix::fs::symlink(root.join("outside.json"), &file).expect("a link");
        let (servers, complaints) = places.find_servers(env);
        assert!(servers.is_empty() && complaints[0].contains("leads out of the project"), "{complaints:?}");
        fs::remove_file(&file).expect("it is gone");
        write_file(&root.join("work/tools/mcp.json"), &servers_json(&["a"]));
        std::os::unix::fs::symlink("tools/mcp.json", &file).expect("a link");
        assert_eq!(names(&places), [("a".into(), RunPermission::Untrusted)]);
        assert_eq!(places.find_servers(env).0[0].folder(), root.join("work"));
        // The same project, reached by a link to its folder.
        std::os::unix::fs::symlink(root.join("work"), root.join("shortcut")).expect("a link");
        trust_shown(&places);
        let linked = ServerDiscovery { working_dir: root.join("shortcut"), ..places };
        assert_eq!(names(&linked), [("a".into(), RunPermission::On)]);
    }

    #[test]
    fn a_project_gets_no_key_of_ours() {
        secrets::note_key(&"sk-discovery-own-key".into(), "OPENROUTER_API_KEY");
        secrets::note_variable("DISCOVERY_SERVER_KEY");
        let (_folder, root) = project_folder();
        let places = places(&root);
        let asking = [
            r#"{"command": "x", "env": {"A": "${OPENROUTER_API_KEY}"}}"#,
            r#"{"command": "x", "args": ["--key=${OPENROUTER_API_KEY:-none}"]}"#,
            r#"{"command": "x", "inherit": ["PATH", "DISCOVERY_SERVER_KEY"]}"#,
            r#"{"command": "x", "inherit": ["COPY_OF_KEY"]}"#,
            r#"{"url": "https://a.example", "bearer_env": "OPENROUTER_API_KEY"}"#,
            r#"{"url": "https://a.example", "headers": {"X": "${openrouter_api_key}"}}"#,
            r#"{"url": "https://a.example/${DISCOVERY_SERVER_KEY}"}"#,
        ];
        for settings in asking {
            let text =
                format!(r#"{{"mcpServers": {{"bad": {settings}, "good": {{"command": "y", "inherit": ["HOME"]}}}}}}"#);
            write_file(&root.join("work/.mcp.json"), &text);
            assert_eq!(names(&places), [("good".into(), RunPermission::Untrusted)], "{settings}");
            let complaints = places.find_servers(env).1.join("\n");
            assert!(complaints.contains("mcpServers.bad: it asks for"), "{complaints}");
        }
        // The user's own config may pass on what the user names.
        let own = McpServerConfig {
            command: Some("x".into()),
            inherit: vec!["OPENROUTER_API_KEY".into()],
            ..McpServerConfig::default()
        };
        let places = ServerDiscovery { servers: [("mine".to_owned(), own)].into(), ..places };
        assert!(names(&places).contains(&("mine".into(), RunPermission::On)));
    }
}
