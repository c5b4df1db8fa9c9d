//! Runs programs, with errors that name them. The only file that waits for a child.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::error::LabError;
use crate::interrupt;
use crate::progress::Progress;

/// Interval of progress messages of a long command.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(30);

/// Builds a command from a program and its arguments.
pub fn command<S: AsRef<std::ffi::OsStr>>(
    program: impl AsRef<std::ffi::OsStr>,
    args: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}

/// Builds a command from a line of words without quoting, e.g. `ip link show`.
pub fn words(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// The command line as text.
#[must_use]
pub fn render(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a command and returns its stdout; the error contains its stderr.
pub fn output(command: &mut Command) -> Result<String, LabError> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| LabError::Start {
            command: render(command),
            source,
        })?;
    check(
        command,
        output.status,
        &String::from_utf8_lossy(&output.stderr),
    )?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command given as a line of words (see [`words`]).
pub fn line(line: &str) -> Result<String, LabError> {
    output(&mut words(line))
}

/// Runs a command with `input` on its stdin.
pub fn with_input(command: &mut Command, input: &str) -> Result<String, LabError> {
    let rendered = render(command);
    let start = |source| LabError::Start {
        command: rendered.clone(),
        source,
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(start)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that exits without reading is judged by its exit status below.
        let _ended_early = std::io::Write::write_all(&mut stdin, input.as_bytes());
    }
    let output = child.wait_with_output().map_err(start)?;
    check(
        command,
        output.status,
        &String::from_utf8_lossy(&output.stderr),
    )?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a long command, e.g. a build: reports progress at intervals and kills it on an
/// interrupt.
pub fn long(command: &mut Command, what: &str, progress: &dyn Progress) -> Result<(), LabError> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| LabError::Start {
            command: render(command),
            source,
        })?;
    let reader = child.stderr.take().map(|mut pipe| {
        std::thread::spawn(move || {
            let mut text = String::new();
            // A partial text is sufficient for an error message.
            let _cut_short = pipe.read_to_string(&mut text);
            text
        })
    });
    let status = watch(command, &mut child, what, progress)?;
    let stderr = reader
        .and_then(|thread| thread.join().ok())
        .unwrap_or_default();
    check(command, status, tail(&stderr, 40))
}

fn watch(
    command: &Command,
    child: &mut Child,
    what: &str,
    progress: &dyn Progress,
) -> Result<ExitStatus, LabError> {
    let mut reported = Instant::now();
    loop {
        let polled = child.try_wait().map_err(|source| LabError::Start {
            command: render(command),
            source,
        })?;
        if let Some(status) = polled {
            return Ok(status);
        }
        if let Err(interrupted) = interrupt::check() {
            // Both fail only if the child has exited already.
            let _gone = child.kill();
            let _reaped = child.wait();
            return Err(interrupted);
        }
        if reported.elapsed() > PROGRESS_INTERVAL {
            reported = Instant::now();
            progress.step(&format!("still {what}"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn check(command: &Command, status: ExitStatus, stderr: &str) -> Result<(), LabError> {
    if status.success() {
        return Ok(());
    }
    interrupt::check()?;
    Err(LabError::Failed {
        command: render(command),
        status,
        stderr: stderr.trim().to_owned(),
    })
}

/// The last `lines` lines of a text.
#[must_use]
pub fn tail(text: &str, lines: usize) -> &str {
    let mut start = text.len();
    for (index, _) in text.trim_end().rmatch_indices('\n').take(lines) {
        start = index + 1;
    }
    if text.trim_end().matches('\n').count() < lines {
        text
    } else {
        &text[start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_contains_the_command_and_its_stderr() {
        let error = output(&mut command("sh", ["-c", "echo broken >&2; exit 3"])).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("sh -c") && text.contains("broken") && text.contains('3'),
            "{text}"
        );
    }

    #[test]
    fn the_program_reads_the_input() {
        assert_eq!(
            with_input(&mut Command::new("cat"), "hello").unwrap(),
            "hello"
        );
    }

    #[test]
    fn tail_keeps_only_the_last_lines() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc\n");
        assert_eq!(tail("a\nb", 5), "a\nb");
    }
}
