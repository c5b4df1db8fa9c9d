//! `cargo lab demo`: shows a failover of FerroLB step by step and succeeds only if
//! every step is observed. Here are setup, cleanup and errors; the steps are in
//! `steps`.

mod printer;
mod samples;
mod steps;

use std::io::{self, Write};
use std::net::Ipv4Addr;

use ferrolb_core::text::Chain;
use thiserror::Error;

use self::printer::Printer;
use self::samples::Samples;
use crate::error::LabError;
use crate::lab::{Lab, Options};
use crate::probe::ProbeError;
use crate::progress::Progress;

/// The step at which the demo failed, and why.
#[derive(Debug, Error)]
#[error("the demo failed {position}")]
pub struct DemoError {
    /// The step, by number and title.
    position: String,
    /// The cause.
    #[source]
    cause: StepError,
}

/// Why a step failed.
#[derive(Debug, Error)]
pub(crate) enum StepError {
    /// An operation on the lab failed.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// Probing failed.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The output could not be written.
    #[error("cannot write the output of the demo")]
    Write(#[from] io::Error),
    /// The address is configured on an interface of these nodes.
    #[error("{ip} is configured on an interface of {nodes}, but must not be on any")]
    OnInterface {
        /// The address.
        ip: Ipv4Addr,
        /// Names of the nodes.
        nodes: String,
    },
}

impl DemoError {
    fn at(position: &str, cause: StepError) -> Self {
        Self {
            position: position.to_owned(),
            cause,
        }
    }

    /// Whether the user interrupted it.
    fn is_interrupt(&self) -> bool {
        matches!(self.cause, StepError::Lab(LabError::Interrupted))
    }

    /// The error, its causes, and where to look next.
    #[must_use]
    pub fn sentence(&self) -> String {
        Chain(self).to_string()
            + "\nTo investigate: cargo lab status; cargo lab logs controller (or speaker-1, speaker-2, …); \
                  cargo lab kubectl -n demo get events. To remove the lab: cargo lab down."
    }
}

/// `lab demo`: starts the lab if it is down, runs the steps with output on `out`, and
/// stops the lab if it started it. After a failure the lab stays up for inspection;
/// after Ctrl-C it does not.
pub fn run(
    lab: &Lab,
    progress: &dyn Progress,
    out: &mut dyn Write,
    colour: bool,
) -> Result<(), DemoError> {
    let was_up = lab.is_up();
    if !was_up {
        lab.up(&Options::default(), progress)
            .map_err(|error| DemoError::at("while starting the lab", error.into()))?;
    }
    let result = check_size(lab).and_then(|()| run_steps(lab, out, colour));
    let stop = !matches!(&result, Err(error) if !error.is_interrupt());
    if !was_up && stop {
        lab.down(progress)
            .map_err(|error| DemoError::at("while stopping the lab", error.into()))?;
    }
    result
}

/// Rejects a lab in which no failover is possible.
fn check_size(lab: &Lab) -> Result<(), DemoError> {
    let rejected = |error: LabError| DemoError::at("before its first step", error.into());
    let options = lab.options().map_err(rejected)?;
    if options.bare || options.nodes < 2 {
        return Err(rejected(LabError::DemoNeedsNodes));
    }
    Ok(())
}

/// Runs the steps and removes the samples. After a failure the samples stay for
/// inspection.
fn run_steps(lab: &Lab, out: &mut dyn Write, colour: bool) -> Result<(), DemoError> {
    let mut out = Printer::new(out, colour);
    let result = Samples::prepare(lab)
        .map_err(StepError::from)
        .and_then(|samples| {
            steps::run(lab, &samples, &mut out)?;
            out.step("Clean up")?;
            samples.clean()?;
            Ok(out.text("The samples are deleted. The demo succeeded.")?)
        });
    result.map_err(|cause| DemoError {
        position: out.position(),
        cause,
    })
}
