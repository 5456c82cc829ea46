//! The commands `localnet` and `client` as processes.
#![allow(dead_code, missing_docs, unreachable_pub)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The binary of the client. Cargo builds it beside the one of the localnet, and not before the tests of
/// another package: so it is built here, unless `CLIENT` names one that is built.
pub fn client_binary() -> PathBuf {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let build = || {
        if let Some(built) = std::env::var_os("CLIENT") {
            return built.into();
        }
        let folder = Path::new(env!("CARGO_BIN_EXE_localnet")).parent().unwrap();
        let profile = folder.file_name().unwrap().to_str().unwrap();
        let profile = if profile == "debug" { "dev" } else { profile };
        let arguments = [
            "build",
            "--quiet",
            "--package",
            "client",
            "--profile",
            profile,
        ];
        let status = Command::new(env!("CARGO")).args(arguments).status();
        assert!(status.unwrap().success());
        folder
            .join("client")
            .with_extension(std::env::consts::EXE_EXTENSION)
    };
    BUILT.get_or_init(build).clone()
}

/// Runs the client.
pub fn client(arguments: &[&str]) -> Output {
    let mut command = Command::new(client_binary());
    command
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The events that a command printed.
pub fn events(output: &Output) -> Vec<Value> {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The event of a kind.
pub fn event(events: &[Value], kind: &str) -> Value {
    let mut found = events.iter().filter(|event| event["event"] == kind);
    found
        .next()
        .unwrap_or_else(|| panic!("no {kind} in {events:?}"))
        .clone()
}

/// A network in a process of its own, which is killed at the end.
pub struct Process {
    child: Child,
    pub data_dir: PathBuf,
    pub event: Value,
}

impl Process {
    pub fn start(data_dir: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_localnet"))
            .args(["--json", "serve", "--data-dir"])
            .arg(data_dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let event = serde_json::from_str(&line).unwrap();
        Self {
            child,
            data_dir: data_dir.to_owned(),
            event,
        }
    }

    /// As `kill -9` does it.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// What `network.json` says.
    pub fn public(&self) -> Value {
        let text = std::fs::read(self.data_dir.join("network.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// An order to it.
    pub fn ctl(&self, arguments: &[&str]) -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_localnet"))
            .args(["--json", "ctl", "--data-dir"])
            .arg(&self.data_dir)
            .args(arguments)
            .output()
            .unwrap();
        events(&output).remove(0)
    }

    /// Runs the client as an account of this network.
    pub fn client(&self, who: &Path, arguments: &[&str]) -> Output {
        let state = who.with_extension("state");
        let (url, pem) = (
            self.event["seed_url"].as_str().unwrap(),
            self.data_dir.join("seed.pem"),
        );
        let mut all = arguments.to_vec();
        let [who, state, pem] = [who, &state, &pem].map(|path| path.to_str().unwrap());
        all.extend(["--json", "--phrase-file", who, "--state", state]);
        all.extend(["--seed-url", url, "--seed-cert", pem]);
        client(&all)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes an account and returns its id.
pub fn account(file: &Path) -> String {
    let made = client(&["new", "--json", "--phrase-file", file.to_str().unwrap()]);
    events(&made)[0]["id"].as_str().unwrap().to_owned()
}
