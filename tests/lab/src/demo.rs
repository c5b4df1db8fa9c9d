//! `demo`: the main job of FerroLB told as a story that ends well only if all
//! of it happened. Here are its frame and its errors; the steps are in `story`.

mod printer;
mod samples;
mod steps;

use std::io::{self, Write};

use thiserror::Error;

use self::printer::Printer;
use self::samples::Samples;
use crate::error::LabError;
use crate::lab::{Lab, Options};
use crate::probe::ProbeError;
use crate::progress::Progress;

/// Where and why the story ended early.
#[derive(Debug, Error)]
#[error("the demo failed {place}")]
pub struct DemoError {
    /// The step, by number and title.
    place: String,
    /// The reason.
    #[source]
    trouble: Trouble,
}

/// Why a step failed.
#[derive(Debug, Error)]
pub(crate) enum Trouble {
    /// The lab could not do or see something.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// Probing failed.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The story could not be written out.
    #[error("writing the story")]
    Tell(#[from] io::Error),
    /// What was seen is not what FerroLB promises.
    #[error("{0}")]
    Claim(String),
}

impl DemoError {
    fn at(place: &str, trouble: Trouble) -> Self {
        Self {
            place: place.to_owned(),
            trouble,
        }
    }

    /// Whether it ended because the user wanted it to.
    fn is_interrupt(&self) -> bool {
        matches!(self.trouble, Trouble::Lab(LabError::Interrupted))
    }

    /// The error, its causes, and where to look next, for a person.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        text + "\nwhere to look: cargo lab status; cargo lab logs controller (speaker-1, speaker-2, …); \
            cargo lab kubectl -n demo get events. A lab that is left up goes with cargo lab down."
    }
}

/// `lab demo`: brings the lab up if it is down, tells the story on `out`, and
/// takes down what it brought up. After a failure the lab stays, to be looked
/// at; after Ctrl-C it does not.
pub fn run(
    lab: &Lab,
    progress: &dyn Progress,
    out: &mut dyn Write,
    colour: bool,
) -> Result<(), DemoError> {
    let was_up = lab.is_up();
    if !was_up {
        lab.up(&Options::default(), progress)
            .map_err(|error| DemoError::at("while bringing the lab up", error.into()))?;
    }
    let told = suits(lab).and_then(|()| tell(lab, out, colour));
    let over = !matches!(&told, Err(error) if !error.is_interrupt());
    if !was_up && over {
        lab.down(progress)
            .map_err(|error| DemoError::at("while taking the lab down", error.into()))?;
    }
    told
}

/// Refuses a lab in which the story cannot happen.
fn suits(lab: &Lab) -> Result<(), DemoError> {
    let wrong = |error: LabError| DemoError::at("before its first step", error.into());
    let options = lab.options().map_err(wrong)?;
    if options.bare || options.nodes < 2 {
        return Err(wrong(LabError::DemoNeedsNodes));
    }
    Ok(())
}

/// The story, and the samples taken away after it. A story that ended early
/// leaves them, so that the failure can be looked at.
fn tell(lab: &Lab, out: &mut dyn Write, colour: bool) -> Result<(), DemoError> {
    let mut out = Printer::new(out, colour);
    let told = Samples::prepare(lab)
        .map_err(Trouble::from)
        .and_then(|samples| {
            steps::tell(lab, &samples, &mut out)?;
            out.step("The samples are taken away")?;
            samples.clean()?;
            Ok(out.text("done: all of it happened")?)
        });
    told.map_err(|trouble| DemoError {
        place: out.position(),
        trouble,
    })
}
