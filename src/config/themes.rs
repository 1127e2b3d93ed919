//! The reader's own themes: files beside the config, read here and understood elsewhere.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// A theme is a page of text; what is longer is something else.
const LONGEST: u64 = 64 * 1024;
const MOST: usize = 200;

/// A file of the folder `themes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeFile {
    /// What it is chosen by: the file's name without `.toml`.
    pub name: String,
    pub path: PathBuf,
    /// Or why it cannot be read, in a few words.
    pub text: Result<String, String>,
}

/// The themes of a folder by name; none where there is no folder.
pub fn read_themes(folder: &Path) -> Vec<ThemeFile> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml") && path.is_file())
        .collect();
    paths.sort();
    paths.truncate(MOST);
    let theme = |path: PathBuf| {
        let name = path.file_stem()?.to_str()?.to_owned();
        let text = read(&path).map_err(|error| error.to_string());
        Some(ThemeFile { name, path, text })
    };
    paths.into_iter().filter_map(theme).collect()
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::other("it is too long for a theme"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_themes_of_a_folder_come_by_name_and_one_that_cannot_be_read_says_why() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(read_themes(&folder.path().join("nowhere")), []);
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("a file");
        write("sea.toml", b"base = \"ink\"\n");
        write("long.toml", &vec![b'#'; 70_000]);
        write("broken.toml", b"\xff");
        write("notes.md", b"none");
        fs::create_dir(folder.path().join("folder.toml")).expect("a folder");
        let said: Vec<(String, Result<String, String>)> =
            read_themes(folder.path()).into_iter().map(|file| (file.name, file.text)).collect();
        assert_eq!(said.len(), 3);
        assert_eq!(said[0], ("broken".into(), Err("stream did not contain valid UTF-8".into())));
        assert_eq!(said[1], ("long".into(), Err("it is too long for a theme".into())));
        assert_eq!(said[2], ("sea".into(), Ok("base = \"ink\"\n".into())));
    }
}
