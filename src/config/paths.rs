//! Where the program's files are on this system.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// How an environment variable is looked up; a test passes its own.
pub type EnvLookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The paths of the config file and the directories for data, log and cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPaths {
    /// The config file itself.
    pub config_file: PathBuf,
    pub data_dir: PathBuf,
    pub state_dir: PathBuf,
    pub cache_dir: PathBuf,
}

impl AppPaths {
    /// Finds the paths from the environment, else the platform's own; `None` without a home folder.
    pub fn find(env: EnvLookup) -> Option<Self> {
        let bases = base_dirs(env)?;
        let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Some(Self {
            config_file: set("IBID_CONFIG").unwrap_or_else(|| bases.config.join("ibid").join("config.toml")),
            data_dir: set("IBID_DATA_DIR").unwrap_or_else(|| bases.data.join("ibid")),
            state_dir: bases.state.join("ibid"),
            cache_dir: bases.cache.join("ibid"),
        })
    }

    pub fn database_file(&self) -> PathBuf {
        self.data_dir.join("ibid.db")
    }

    /// The demo's own database, so that it never mixes with real conversations.
    pub fn demo_database_file(&self) -> PathBuf {
        self.data_dir.join("demo.db")
    }

    /// The folder with the user's own themes, beside the config.
    pub fn themes_dir(&self) -> PathBuf {
        self.config_file.with_file_name("themes")
    }

    /// The folder with one file for each endpoint that has a stored key.
    pub fn keys_dir(&self) -> PathBuf {
        self.data_dir.join("keys")
    }

    pub fn log_file(&self) -> PathBuf {
        self.state_dir.join("ibid.log")
    }
}

struct BaseDirs {
    config: PathBuf,
    data: PathBuf,
    state: PathBuf,
    cache: PathBuf,
}

/// Returns the base directories. XDG variables win on every platform, because they are set on purpose; a relative path
/// counts as unset.
fn base_dirs(env: EnvLookup) -> Option<BaseDirs> {
    let home = env("HOME").filter(|home| !home.is_empty()).map(PathBuf::from).or_else(std::env::home_dir)?;
    let platform = platform_dirs(&home, env);
    let xdg = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    Some(BaseDirs {
        config: xdg("XDG_CONFIG_HOME").unwrap_or(platform.config),
        data: xdg("XDG_DATA_HOME").unwrap_or(platform.data),
        state: xdg("XDG_STATE_HOME").unwrap_or(platform.state),
        cache: xdg("XDG_CACHE_HOME").unwrap_or(platform.cache),
    })
}

#[cfg(not(any(target_os = "macos", windows)))]
fn platform_dirs(home: &Path, _env: EnvLookup) -> BaseDirs {
    BaseDirs {
        config: home.join(".config"),
        data: home.join(".local/share"),
        state: home.join(".local/state"),
        cache: home.join(".cache"),
    }
}

#[cfg(target_os = "macos")]
fn platform_dirs(home: &Path, _env: EnvLookup) -> BaseDirs {
    let library = home.join("Library");
    let support = library.join("Application Support");
    BaseDirs { config: support.clone(), data: support.clone(), state: support, cache: library.join("Caches") }
}

/// Windows copies the roaming folder at every log-on, which is no place for a database: only the config is in it.
#[cfg(windows)]
fn platform_dirs(home: &Path, env: EnvLookup) -> BaseDirs {
    let set = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let roaming = set("APPDATA").unwrap_or_else(|| home.join("AppData").join("Roaming"));
    let local = set("LOCALAPPDATA").unwrap_or_else(|| home.join("AppData").join("Local"));
    BaseDirs { config: roaming, data: local.clone(), state: local.clone(), cache: local }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn find(set: &[(&str, &str)]) -> Option<AppPaths> {
        AppPaths::find(&|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn without_xdg_variables_the_paths_are_below_home() {
        let paths = find(&[("HOME", "/home/me")]).expect("a home is set");
        assert_eq!(
            paths,
            AppPaths {
                config_file: "/home/me/.config/ibid/config.toml".into(),
                data_dir: "/home/me/.local/share/ibid".into(),
                state_dir: "/home/me/.local/state/ibid".into(),
                cache_dir: "/home/me/.cache/ibid".into(),
            }
        );
        assert_eq!(paths.database_file(), Path::new("/home/me/.local/share/ibid/ibid.db"));
        assert_eq!(paths.demo_database_file(), Path::new("/home/me/.local/share/ibid/demo.db"));
        assert_eq!(paths.log_file(), Path::new("/home/me/.local/state/ibid/ibid.log"));
    }

    #[test]
    fn a_relative_or_empty_xdg_variable_counts_as_unset() {
        let plain = find(&[("HOME", "/home/me")]);
        assert_eq!(find(&[("HOME", "/home/me"), ("XDG_DATA_HOME", "here"), ("XDG_CONFIG_HOME", "")]), plain);
    }

    #[test]
    fn xdg_and_ibid_variables_move_the_paths() {
        let paths = find(&[
            ("HOME", "/home/me"),
            ("XDG_DATA_HOME", "/data"),
            ("XDG_CONFIG_HOME", "/config"),
            ("XDG_STATE_HOME", "/state"),
            ("XDG_CACHE_HOME", "/cache"),
        ]);
        let expected = AppPaths {
            config_file: "/config/ibid/config.toml".into(),
            data_dir: "/data/ibid".into(),
            state_dir: "/state/ibid".into(),
            cache_dir: "/cache/ibid".into(),
        };
        assert_eq!(paths.as_ref(), Some(&expected));
        let own = find(&[("HOME", "/home/me"), ("IBID_CONFIG", "my.toml"), ("IBID_DATA_DIR", "/elsewhere")]);
        let own = own.expect("a home is set");
        assert_eq!((own.config_file, own.data_dir), ("my.toml".into(), "/elsewhere".into()));
    }
}
