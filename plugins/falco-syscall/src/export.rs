//! What Falco calls: the SDK's traits, and the C functions that it makes of them.

// The SDK's macros write the exported C functions.
#![allow(unsafe_code, missing_docs)]

use crate::source::{Batch, Source};
use falco_plugin::anyhow::{Error, anyhow};
use falco_plugin::base::{Json, Plugin};
use falco_plugin::event::events::RawEvent;
use falco_plugin::source::{EventBatch, EventInput, SourcePlugin, SourcePluginInstance};
use falco_plugin::tables::TablesInput;
use falco_plugin::{FailureReason, plugin, source_plugin};
use smtrace_feed::Config;
use std::ffi::{CStr, CString};

/// The plugin.
pub struct Smtrace {
    init_config: String,
}

impl Plugin for Smtrace {
    const NAME: &'static CStr = c"smtrace_syscall";
    const PLUGIN_VERSION: &'static CStr = c"0.1.0";
    const DESCRIPTION: &'static CStr = c"System calls of processes under smtrace as Falco's driver gives them";
    const CONTACT: &'static CStr = c"the smtrace project";
    type ConfigType = Json<Config>;

    fn new(_: Option<&TablesInput>, Json(config): Self::ConfigType) -> Result<Self, Error> {
        config.check().map_err(Error::msg)?;
        Ok(Smtrace { init_config: config.0 })
    }

    fn set_config(&mut self, Json(config): Self::ConfigType) -> Result<(), Error> {
        config.check().map_err(Error::msg)?;
        self.init_config = config.0;
        Ok(())
    }
}

/// An open source.
pub struct Instance(Source);

impl SourcePlugin for Smtrace {
    type Instance = Instance;
    // Neither a name nor an id: the events are Falco's own.
    const EVENT_SOURCE: &'static CStr = c"";
    const PLUGIN_ID: u32 = 0;
    type Event<'a> = RawEvent<'a>;

    fn open(&mut self, params: Option<&str>) -> Result<Instance, Error> {
        Source::open(&self.init_config, params.unwrap_or_default()).map(Instance)
    }

    fn event_to_string(&mut self, event: &EventInput<Self::Event<'_>>) -> Result<CString, Error> {
        Ok(CString::new(format!("event type {}", event.event()?.event_type))?)
    }
}

impl SourcePluginInstance for Instance {
    type Plugin = Smtrace;

    fn next_batch(&mut self, _: &mut Smtrace, batch: &mut EventBatch<'_>) -> Result<(), Error> {
        match self.0.batch(|event| batch.add(event))? {
            Batch::Events => Ok(()),
            Batch::Nothing => Err(anyhow!("no event yet").context(FailureReason::Timeout)),
            Batch::End => Err(anyhow!("the source ended").context(FailureReason::Eof)),
        }
    }
}

plugin!(Smtrace);
source_plugin!(Smtrace);
