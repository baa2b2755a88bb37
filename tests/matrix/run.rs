//! The whole of it: start, send, observe, judge, tell.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use observer_tests::mint::{AUDIENCE, ISSUER};

use crate::answers::{Readings, States};
use crate::catalogue::{Details, VALIDATORS, Validator};
use crate::judge::{Facts, Knows, Standing, judge};
use crate::keys::Keys;
use crate::observe::{Given, Seen, Watch, replay};
use crate::process::{Ports, Service};
use crate::requests::{REQUESTS, Request};
use crate::send::{Answer, send};
use crate::{Options, page, root, versions};

/// A validator with details on or off.
pub struct Column {
    pub validator: &'static Validator,
    pub details: Details,
    /// Its packages with their versions.
    pub versions: String,
    pub port: u16,
}

/// A request that was sent, and what came back.
pub struct Sent {
    /// Which column, by its place.
    pub column: usize,
    pub request: &'static Request,
    pub answer: Answer,
}

/// What observer said of all that was sent, knowing so much.
pub struct Sight {
    pub name: &'static str,
    pub cells: Vec<Cell>,
}

/// One of it.
pub struct Cell {
    pub column: usize,
    pub request: &'static Request,
    pub given: Given,
    pub standing: Standing,
    /// Why the server says what is not so, where it does.
    pub misstatement: Option<String>,
}

impl Column {
    /// Its name in the matrix.
    pub fn name(&self) -> String {
        format!("{}{}", self.validator.name, self.details.suffix())
    }
}

/// Runs the lab. Gives whether all targets were met.
///
/// # Errors
/// When it could not be run, or is at fault itself.
pub fn run(options: &Options) -> Result<bool, String> {
    let root = root()?;
    let readings = Readings::read(&root)?;
    let keys = Keys::make()?;
    let (columns, services) = start(&root, &keys, options)?;
    println!("{} validators listen", columns.len());

    let folder = fresh(&root.join("target/validators/run"))?;
    let ports: Vec<_> = columns.iter().map(|column| column.port).collect();
    let with_keys = vec!["--jwks".to_owned(), keys.jwks()];
    let watch = Watch::start(&options.program, &folder, &ports, &with_keys)?;
    let began = Instant::now();
    let sent = send_all(&columns, &keys)?;
    println!(
        "{} requests in {:.1} s",
        sent.len(),
        began.elapsed().as_secs_f64()
    );
    let (live, client, capture) = watch.stop()?;
    drop(services);

    let replayed = |more: &[String]| replay(&options.program, &folder, &capture, more);
    let captured = replayed(&with_keys)?;
    same("live at the client", &columns, &sent, &live, &client)?;
    same("from the capture", &columns, &sent, &live, &captured)?;
    let expectations: Vec<_> = columns.iter().enumerate().flat_map(expectation).collect();
    let sights = [
        (
            "with the issuer's keys, live and from a capture",
            live,
            true,
            false,
        ),
        ("with nothing but the traffic", replayed(&[])?, false, false),
        (
            "with keys and what each service takes",
            replayed(&[with_keys, expectations].concat())?,
            true,
            true,
        ),
    ];
    unread(&root, &readings, &columns, &sent)?;
    let mut judged = Vec::new();
    for (name, seen, keys, expectation) in sights {
        let knows = Knows { keys, expectation };
        let cells = cells(&readings, &columns, &sent, &seen, knows)?;
        judged.push(Sight { name, cells });
    }
    page::tell(&columns, &judged, options.page.as_deref())
}

/// An empty folder, in which what was seen stays.
fn fresh(folder: &Path) -> Result<PathBuf, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder).map_err(failed)?;
    Ok(folder.to_owned())
}

fn start(
    root: &Path,
    keys: &Keys,
    options: &Options,
) -> Result<(Vec<Column>, Vec<Service>), String> {
    let wanted = |validator: &&Validator| match &options.only {
        Some(name) => validator.name == name,
        None => validator.small || !options.small,
    };
    let (mut columns, mut services) = (Vec::new(), Vec::new());
    // One for each column, and one for what is behind nginx.
    let mut ports = Ports::hold(3 * VALIDATORS.len())?;
    for validator in VALIDATORS.iter().filter(wanted) {
        for details in validator.details {
            let service = Service::start(root, keys, validator, *details, &mut ports)?;
            columns.push(Column {
                validator,
                details: *details,
                versions: versions::of(root, validator)?,
                port: service.port,
            });
            services.push(service);
        }
    }
    for (service, column) in services.iter_mut().zip(&columns) {
        service.ready(column.validator.name)?;
    }
    if columns.is_empty() {
        return Err("there is no such validator".to_owned());
    }
    Ok((columns, services))
}

fn send_all(columns: &[Column], keys: &Keys) -> Result<Vec<Sent>, String> {
    let mut sent = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        for request in REQUESTS {
            if let Some(field) = request.for_(keys, column.validator) {
                let answer = send(column.port, &request.path(), &field)
                    .map_err(|error| format!("{}: {error}", column.name()))?;
                sent.push(Sent {
                    column: at,
                    request,
                    answer,
                });
            }
        }
    }
    Ok(sent)
}

/// `--name` and `--expect` for a column.
fn expectation((at, column): (usize, &Column)) -> [String; 4] {
    [
        "--name".to_owned(),
        format!("127.0.0.1:{}=lab-{at}", column.port),
        "--expect".to_owned(),
        format!("lab-{at}:iss={ISSUER},aud={AUDIENCE}"),
    ]
}

/// The same was said of every exchange, but for sentences.
fn same(
    what: &str,
    columns: &[Column],
    sent: &[Sent],
    live: &Seen,
    other: &Seen,
) -> Result<(), String> {
    let mut differences = Vec::new();
    for one in sent {
        let (column, here) = (column(columns, one)?, key(columns, one)?);
        let bare = |seen: &Seen| {
            let given = seen.get(&here).cloned();
            given.map(|given| Given {
                explanation: String::new(),
                ..given
            })
        };
        let (left, right) = (bare(live), bare(other));
        if left != right || left.is_none() {
            differences.push(format!(
                "{}, {}: {left:?} live, {right:?} {what}",
                column.name(),
                one.request.id
            ));
        }
    }
    if differences.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "what was said differs:\n{}",
            differences.join("\n")
        ))
    }
}

/// Answers that nobody has read yet are written where someone can; nothing is judged before.
fn unread(
    root: &Path,
    readings: &Readings,
    columns: &[Column],
    sent: &[Sent],
) -> Result<(), String> {
    let mut unread = BTreeSet::new();
    for one in sent {
        let (column, answer) = (column(columns, one)?, &one.answer);
        let is_accepted = (200..=299).contains(&answer.status);
        if !is_accepted && readings.of(column.validator.name, answer).is_none() {
            let words = answer.words.replace('\t', " ").replace('\n', "\\n");
            unread.insert(format!(
                "{}\t{}\t={words}\t{}",
                column.validator.name, answer.status, one.request.id
            ));
        }
    }
    if unread.is_empty() {
        return Ok(());
    }
    let file = root.join("target/validators/unread.tsv");
    let text: String = unread.iter().map(|line| format!("{line}\n")).collect();
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    let count = unread.len();
    Err(format!(
        "{count} answers say what nobody has read yet: {} has them, with the request in the place of what \
         they state; tests/lab/answers.tsv wants them",
        file.display()
    ))
}

fn cells(
    readings: &Readings,
    columns: &[Column],
    sent: &[Sent],
    seen: &Seen,
    knows: Knows,
) -> Result<Vec<Cell>, String> {
    let (mut cells, mut faults) = (Vec::new(), Vec::new());
    for one in sent {
        let (column, id) = (column(columns, one)?, one.request.id);
        let name = column.validator.name;
        let given = seen.get(&key(columns, one)?).cloned().unwrap_or_default();
        let states = readings.of(name, &one.answer).unwrap_or(&States::Refusal);
        let misstatement = readings.misstatement(&column.name(), id);
        let facts = Facts {
            validator: column.validator,
            request: one.request,
            status: one.answer.status,
            states,
            misstates: misstatement.is_some(),
            given: &given,
        };
        match judge(&facts, knows) {
            Ok(standing) => cells.push(Cell {
                column: one.column,
                request: one.request,
                standing,
                misstatement: misstatement.map(|misstatement| misstatement.why.clone()),
                given,
            }),
            Err(why) => faults.push(format!(
                "{}, {id}: {why} ({} {:?})",
                column.name(),
                one.answer.status,
                one.answer.words
            )),
        }
    }
    if faults.is_empty() {
        Ok(cells)
    } else {
        Err(format!("the lab is not in order:\n{}", faults.join("\n")))
    }
}

fn column<'a>(columns: &'a [Column], sent: &Sent) -> Result<&'a Column, String> {
    columns
        .get(sent.column)
        .ok_or_else(|| "a column is missing".to_owned())
}

fn key(columns: &[Column], sent: &Sent) -> Result<(u16, String), String> {
    Ok((column(columns, sent)?.port, sent.request.path()))
}
