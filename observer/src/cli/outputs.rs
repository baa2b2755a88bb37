//! Where a command writes to: opened before anything else is done, so that nothing is half-written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use indicatif::ProgressBar;
use rustix::fs::OFlags;

use crate::sink::ndjson::{Ndjson, Which};
use crate::sink::prometheus::Page;
use crate::sink::report::{Lines, Report};
use crate::sink::terminal::{Style, Terminal};
use crate::sink::writer::{Output, WhenFull, Writer};
use crate::stop::Stop;

use super::Error;
use super::options::{EventOptions, is_standard_stream};

/// What becomes of an events file that is there already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Existing {
    /// Events are added at its end: a run that is started again.
    Kept,
    /// It is replaced: a replay that is done again.
    Replaced,
}

/// Where `--events` go to: opened, and nobody writes there yet.
pub(super) struct Events {
    path: PathBuf,
    output: Output,
    which: Which,
}

impl Events {
    /// Opens what `--events` names, if that was asked for.
    /// Waits for somebody who reads a pipe until the end is asked for.
    pub(super) fn open(
        options: &EventOptions,
        existing: Existing,
        stop: &Stop,
    ) -> Result<Option<Self>, Error> {
        let Some(path) = &options.path else {
            return Ok(None);
        };
        let output = if is_standard_stream(path) {
            Output::Stream(Box::new(io::stdout()))
        } else {
            open(path, existing, stop).map_err(|error| cannot_write(path, &error))?
        };
        Ok(Some(Self {
            path: path.clone(),
            output,
            which: options.which(),
        }))
    }

    /// Starts the thread that writes.
    pub(super) fn start(self, when_full: WhenFull) -> Result<Ndjson, Error> {
        let writer = Writer::start(self.output, when_full)
            .map_err(|error| cannot_write(&self.path, &error))?;
        Ok(Ndjson::new(writer, self.which))
    }
}

/// What a person reads: on standard output, or the summary alone on standard error when standard
/// output has the events.
/// `bar` is on the terminal meanwhile.
pub(super) fn report(
    options: &EventOptions,
    when_full: WhenFull,
    bar: Option<&ProgressBar>,
) -> Result<Report, Error> {
    let (output, style, lines): (Box<dyn Write + Send>, _, _) = if options.to_standard_output() {
        let stream = io::stderr();
        let style = Style::of(&stream);
        (Box::new(stream), style, Lines::Silent)
    } else {
        let stream = io::stdout();
        let style = Style::of(&stream);
        (Box::new(stream), style, Lines::Told)
    };
    let output: Box<dyn Write + Send> = match bar {
        Some(bar) => Box::new(Beside {
            bar: bar.clone(),
            output,
        }),
        None => output,
    };
    let writer = Writer::start(Output::Stream(output), when_full)
        .map_err(|error| Error::Failed(format!("starting a thread for output: {error}")))?;
    Ok(Report::new(Terminal::new(writer, style), lines))
}

/// Writes while a bar is on the terminal, which makes way.
struct Beside {
    bar: ProgressBar,
    output: Box<dyn Write + Send>,
}

impl Write for Beside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { bar, output } = self;
        bar.suspend(|| {
            output
                .write(bytes)
                .and_then(|count| output.flush().map(|()| count))
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// A metrics page in the making: written beside its place and renamed at the end, so that nobody ever
/// reads half of it.
pub(super) struct MetricsFile {
    path: PathBuf,
    partial: NamedPartial,
    file: File,
}

impl MetricsFile {
    /// Makes sure that the page can be written.
    pub(super) fn create(path: PathBuf) -> Result<Self, Error> {
        let mut partial = path.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = File::create(&partial).map_err(|error| cannot_write(&path, &error))?;
        Ok(Self {
            path,
            partial: NamedPartial(partial),
            file,
        })
    }

    /// Writes the page and puts it in its place.
    pub(super) fn write(mut self, page: &Page) -> Result<(), Error> {
        let text = page
            .text()
            .map_err(|error| Error::Failed(format!("writing the metrics: {error}")))?;
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| std::fs::rename(&self.partial.0, &self.path))
            .map_err(|error| cannot_write(&self.path, &error))
    }
}

/// Removed when dropped, if it is still there.
struct NamedPartial(PathBuf);

impl Drop for NamedPartial {
    fn drop(&mut self) {
        // It is gone when it was renamed.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Why a file cannot be written.
fn cannot_write(path: &Path, error: &io::Error) -> Error {
    Error::Failed(format!(
        "cannot write {}: {error}. Check the path, its permissions and the space left",
        path.display()
    ))
}

fn open(path: &Path, existing: Existing, stop: &Stop) -> io::Result<Output> {
    let file = open_to_write(path, stop)?;
    if !file.metadata()?.is_file() {
        return Ok(Output::Stream(Box::new(file)));
    }
    if existing == Existing::Replaced {
        file.set_len(0)?;
    }
    Ok(Output::File(file))
}

fn open_to_write(path: &Path, stop: &Stop) -> io::Result<File> {
    // Events are about other people: nobody else reads a file that is made here.
    let mut options = OpenOptions::new();
    options
        .append(true)
        .create(true)
        .mode(0o600)
        // A pipe that nobody reads refuses then, instead of holding up even a signal.
        .custom_flags(libc::O_NONBLOCK);
    let mut told = false;
    let file = loop {
        match options.open(path) {
            Err(error) if nobody_reads(path, &error) => {
                if stop.requested() {
                    return Err(io::Error::other("nobody read it until the run was ended"));
                }
                if !told {
                    // To whoever started it; nothing depends on it.
                    let _ = writeln!(
                        io::stderr(),
                        "waiting for somebody who reads {}",
                        path.display()
                    );
                    told = true;
                }
                thread::sleep(LOOKS_AGAIN);
            }
            opened => break opened?,
        }
    };
    let flags = rustix::fs::fcntl_getfl(&file)?;
    rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
    Ok(file)
}

/// How a pipe without a reader refuses. Sockets refuse likewise.
fn nobody_reads(path: &Path, error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENXIO)
        && std::fs::metadata(path).is_ok_and(|about| about.file_type().is_fifo())
}

const LOOKS_AGAIN: Duration = Duration::from_millis(50);
