//! The user's own themes: files beside the config, read here and parsed elsewhere.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{files, text};

/// The longest theme file that is read, in bytes; a real theme is a page of text.
const MAX_THEME_BYTES: u64 = 64 * 1024;
const MAX_THEMES: usize = 200;

/// A file in the `themes` folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeFile {
    /// The theme's name: the file name without `.toml`.
    pub name: String,
    pub path: PathBuf,
    /// The contents, or a short reason why the file cannot be read.
    pub text: Result<String, String>,
}

/// Reads the theme files of a folder, sorted by name; none if there is no folder.
pub fn read_themes(folder: &Path) -> Vec<ThemeFile> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml") && path.is_file())
        .collect();
    paths.sort();
    paths.truncate(MAX_THEMES);
    let theme = |path: PathBuf| {
        let name = path.file_stem()?.to_str()?.to_owned();
        let text = read_theme(&path).map_err(|error| text::error_words(&error));
        Some(ThemeFile { name, path, text })
    };
    paths.into_iter().filter_map(theme).collect()
}

fn read_theme(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    files::open(path)?.take(MAX_THEME_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_THEME_BYTES {
        return Err(io::Error::other("it is too long for a theme"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn themes_are_sorted_by_name_and_unreadable_ones_carry_the_reason() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(read_themes(&folder.path().join("nowhere")), []);
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("a file");
        write("sea.toml", b"base = \"ink\"\n");
        write("long.toml", &vec![b'#'; 70_000]);
        write("broken.toml", b"\xff");
        write("notes.md", b"none");
        fs::create_dir(folder.path().join("folder.toml")).expect("a folder");
        let themes: Vec<(String, Result<String, String>)> =
            read_themes(folder.path()).into_iter().map(|file| (file.name, file.text)).collect();
        assert_eq!(themes.len(), 3);
        assert_eq!(themes[0], ("broken".into(), Err("stream did not contain valid UTF-8".into())));
        assert_eq!(themes[1], ("long".into(), Err("it is too long for a theme".into())));
        assert_eq!(themes[2], ("sea".into(), Ok("base = \"ink\"\n".into())));
    }
}
