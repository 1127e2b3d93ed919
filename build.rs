//! What the linker does so that less of the program is in memory when the first frame is drawn. On Linux only, and not asked of a linker
//! that somebody chose: the one that comes with the compiler and GNU's know it.

use std::{env, fmt::Write, fs, path::Path, process::Command};

/// The version of glibc that starts a program with packed relocations.
const SINCE: (u32, u32) = (2, 36);

/// Functions that are called until the first frame stands, and behind an empty line those until an answer is read, as `.ci/called` wrote them;
/// `*` stands for what every compiler names anew.
const CALLED: &str = "assets/called.txt";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={CALLED}");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|is| is == value);
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let own = env::var_os("RUSTC_LINKER").is_none() && !flags.contains("link") && !flags.contains("fuse-ld");
    if !is("CARGO_CFG_TARGET_OS", "linux") || !own {
        return;
    }
    if is("PROFILE", "release") {
        link(&format!("-T,{}", together(Path::new(CALLED))));
    }
    let at_home = env::var("HOST").ok() == env::var("TARGET").ok();
    if at_home && glibc().is_some_and(|version| version >= SINCE) {
        link("-z,pack-relative-relocs");
    }
}

fn link(option: &str) {
    println!("cargo::rustc-link-arg-bins=-Wl,{option}");
}

/// A script for the linker that puts what is called together: strewn over the program, as it comes, it brings most of that into memory,
/// because the system reads sixteen pages at once.
fn together(called: &Path) -> String {
    let list = fs::read_to_string(called).expect("the list of what is called");
    let mut script = String::from("SECTIONS { .text.called : {");
    for group in list.split("\n\n") {
        let sections: String = group.lines().flat_map(|name| [" .text.", name]).collect();
        write!(script, " *({sections} )").expect("a String takes what is written");
    }
    script.push_str(" } } INSERT BEFORE .text;\n");
    let path = Path::new(&env::var_os("OUT_DIR").expect("cargo names it")).join("called.ld");
    fs::write(&path, script).expect("cargo's folder can be written");
    path.display().to_string()
}

/// The version of this machine's C library; `None` where it is another.
fn glibc() -> Option<(u32, u32)> {
    let told = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let told = String::from_utf8(told.stdout).ok()?;
    let (major, rest) = told.trim().strip_prefix("glibc ")?.split_once('.')?;
    let minor = rest.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
