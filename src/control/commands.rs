//! What other threads ask of the tracing thread and of the log's reader, and how they get an answer.

use crate::capture::Wanted;
use crate::model::{CallSet, Pid, Plan};
use std::sync::mpsc;

/// What the tracing thread is to do.
#[derive(Debug)]
pub enum Command {
    /// Trace these calls from here on.
    Calls(Box<CallSet>),
    /// Collect events from here on, or not.
    Collect(bool),
    /// Capture what the log shows from here on.
    Want(Wanted),
    /// Capture what clients need besides.
    Extra(Option<Wanted>),
    /// Trace another process.
    Attach(Pid),
    /// Let a process go.
    Detach(Pid),
    /// Send a marked record to every reader.
    Test(u64),
    /// Say which tasks are not reached yet by the last change of calls.
    Unreached,
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    /// A sentence, or why not.
    pub text: Result<String, String>,
    /// What was sent before this place of the bus was sent before the command took effect.
    pub position: u64,
    /// The tasks that [`Command::Unreached`] asks for.
    pub tasks: Vec<Pid>,
}

/// A command and where its answer goes.
#[derive(Debug)]
pub struct Order {
    /// What is to be done.
    pub command: Command,
    /// Who waits for it.
    pub reply: Option<mpsc::Sender<Done>>,
}

/// What the log's reader is to do.
#[derive(Debug)]
pub enum Turn {
    /// Show events as this plan says.
    Show(Box<Plan>),
    /// Open the file again.
    Rotate,
}

/// A [`Turn`] and where its answer goes.
#[derive(Debug)]
pub struct ReaderOrder {
    /// What is to be done.
    pub turn: Turn,
    /// Who waits for it.
    pub reply: mpsc::Sender<Result<String, String>>,
}
