//! Every operation beside its floor, as a table and as plots.
//!
//! ```text
//! cargo bench -p performance                    all of it, printed
//! cargo bench -p performance -- onion           what has "onion" in its name or group
//! cargo bench -p performance -- --quick         a few milliseconds each, to see that it runs
//! cargo bench -p performance -- --save F        writes the times to F as well
//! cargo bench -p performance -- --plots docs/performance config
//!                                               writes the plots that have "config" in their name
//! cargo bench -p performance -- --write docs --native F --graviola G
//!                                               writes docs/performance.md and its plots, with
//!                                               the times of F and G in columns
//! ```
#![allow(clippy::disallowed_methods, missing_docs)]

mod community;
mod config;
mod crypto;
mod floors;
mod group;
mod growth;
mod identity;
mod message;
mod onion;
mod proto;
mod swarm;
mod v2;

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs, process};

use performance::allocations::Counting;
use performance::measure::{Effort, Measured, measure, measure_prepared};
use performance::report::{Row, table, times};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What is measured, and what came of it so far.
pub struct Suite {
    effort: Effort,
    filter: Vec<String>,
    rows: Vec<Row>,
}

/// An operation that is going to be measured.
pub struct Operation<'a> {
    suite: &'a mut Suite,
    group: &'static str,
    name: String,
    floor: Option<(&'static str, &'a mut dyn FnMut())>,
    reference: Option<f64>,
    bytes: Option<usize>,
}

impl Suite {
    pub fn operation<'a>(&'a mut self, group: &'static str, name: &str) -> Operation<'a> {
        Operation {
            suite: self,
            group,
            name: name.to_owned(),
            floor: None,
            reference: None,
            bytes: None,
        }
    }

    /// Whether the filter of the command line lets it pass.
    pub fn wants(&self, group: &str, name: &str) -> bool {
        let name = format!("{group} {name}");
        self.filter.is_empty() || self.filter.iter().any(|filter| name.contains(filter))
    }
}

impl<'a> Operation<'a> {
    /// The primitives that it cannot avoid, and how to call them.
    pub fn floor(mut self, name: &'static str, floor: &'a mut dyn FnMut()) -> Self {
        self.floor = Some((name, floor));
        self
    }

    /// Microseconds of the C++ library on a machine of the same kind.
    pub const fn reference(mut self, microseconds: f64) -> Self {
        self.reference = Some(microseconds);
        self
    }

    /// Bytes that one operation works through.
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// Measures it.
    pub fn run<T>(mut self, operation: impl FnMut() -> T) {
        if !self.suite.wants(self.group, &self.name) {
            return;
        }
        let (floor_name, floor) = match self.floor.take() {
            Some((name, floor)) => (name, Some(floor)),
            None => ("", None),
        };
        let measured = measure(self.suite.effort, operation, floor);
        self.keep(floor_name, measured);
    }

    /// Measures it without what `prepare` does before each run.
    pub fn run_prepared<S, T>(self, prepare: impl FnMut() -> S, operation: impl FnMut(S) -> T) {
        if !self.suite.wants(self.group, &self.name) {
            return;
        }
        let measured = measure_prepared(self.suite.effort, prepare, operation);
        self.keep("", measured);
    }

    fn keep(self, floor: &'static str, measured: Measured) {
        let row = Row {
            group: self.group,
            name: self.name,
            floor,
            measured,
            reference: self.reference,
            bytes: self.bytes,
        };
        println!("{}", row.line());
        self.suite.rows.push(row);
    }
}

struct Arguments {
    quick: bool,
    filter: Vec<String>,
    save: Option<PathBuf>,
    write: Option<PathBuf>,
    plots: Option<PathBuf>,
    native: Option<PathBuf>,
    graviola: Option<PathBuf>,
}

impl Arguments {
    fn parse() -> Option<Self> {
        let mut this = Self {
            quick: false,
            filter: Vec::new(),
            save: None,
            write: None,
            plots: None,
            native: None,
            graviola: None,
        };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // What cargo itself says to every bench.
                "--bench" => {}
                "--quick" => this.quick = true,
                "--save" => this.save = Some(arguments.next()?.into()),
                "--write" => this.write = Some(arguments.next()?.into()),
                "--plots" => this.plots = Some(arguments.next()?.into()),
                "--graviola" => this.graviola = Some(arguments.next()?.into()),
                "--native" => this.native = Some(arguments.next()?.into()),
                option if option.starts_with('-') => return None,
                _ => this.filter.push(argument),
            }
        }
        Some(this)
    }
}

fn main() {
    let Some(arguments) = Arguments::parse() else {
        eprintln!(
            "usage: [--quick] [--save FILE] [--plots DIRECTORY] [--write DIRECTORY [--native FILE] [--graviola FILE]] [NAME...]"
        );
        process::exit(2);
    };
    let mut suite = Suite {
        effort: match arguments.quick {
            true => Effort::QUICK,
            false => Effort::FULL,
        },
        filter: arguments.filter,
        rows: Vec::new(),
    };
    // Cargo runs benches in the directory of their package.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if let Some(directory) = arguments.plots {
        for (name, plot) in growth::plots(suite.effort, &|name| suite.wants(name, "")) {
            let file = root.join(&directory).join(format!("{name}.svg"));
            fs::write(file, plot.svg()).unwrap();
            print!("{}", plot.points());
        }
        return;
    }
    identity::run(&mut suite);
    crypto::run(&mut suite);
    proto::run(&mut suite);
    message::run(&mut suite);
    community::run(&mut suite);
    config::run(&mut suite);
    group::run(&mut suite);
    v2::run(&mut suite);
    onion::run(&mut suite);
    swarm::run(&mut suite);

    if let Some(file) = arguments.save {
        let saved: String = suite.rows.iter().map(Row::saved).collect();
        fs::write(root.join(file), saved).unwrap();
    }
    if let Some(directory) = arguments.write {
        let saved = |file: Option<PathBuf>| {
            file.map(|file| times(&fs::read_to_string(root.join(file)).unwrap()))
                .unwrap_or_default()
        };
        let (native, graviola) = (saved(arguments.native), saved(arguments.graviola));
        write(&suite, &root.join(directory), &native, &graviola);
    }
}

/// Writes the page and its plots.
fn write(
    suite: &Suite,
    directory: &Path,
    native: &[((String, String), f64)],
    graviola: &[((String, String), f64)],
) {
    let plots = directory.join("performance");
    fs::create_dir_all(&plots).unwrap();
    let mut pictures = String::new();
    for (name, plot) in growth::plots(suite.effort, &|_| true) {
        println!("plotted {name}");
        fs::write(plots.join(format!("{name}.svg")), plot.svg()).unwrap();
        pictures += &format!("![{}](performance/{name}.svg)\n\n", plot.title);
    }
    let page = format!(
        "{}\n\nMeasured on {} with {}, {}.\n\n{}\n{}\n{}",
        include_str!("head.md").trim_end(),
        date(),
        processor(),
        compiler(),
        "## Operations",
        table(&suite.rows, native, graviola),
        include_str!("tail.md").replace("PLOTS\n", &pictures),
    );
    fs::write(directory.join("performance.md"), page).unwrap();
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| {
        let model = line.strip_prefix("model name")?.split_once(':')?.1;
        Some(model.trim().to_owned())
    });
    let flags = info.lines().find(|line| line.starts_with("flags"));
    let has = |flag| flags.is_some_and(|flags| flags.split(' ').any(|it| it == flag));
    let vector = match (has("avx512ifma"), has("avx2")) {
        (true, _) => ", AVX-512 IFMA",
        (_, true) => ", AVX2",
        _ => "",
    };
    let model = model.unwrap_or_else(|| "an unknown processor".to_owned());
    format!("one core of {model} ({}{vector})", env::consts::ARCH)
}

fn compiler() -> String {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = process::Command::new(rustc).arg("-V").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let version = version.unwrap_or_default();
    // Without the hash and the date in brackets.
    version.split(" (").next().unwrap_or_default().to_owned()
}

/// The day in UTC, as 2026-01-31.
fn date() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let days = since.unwrap().as_secs() / 86_400;
    // Days since 0000-03-01, in the proleptic Gregorian calendar.
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}
