//! What Falco calls: the SDK's traits, and the C functions that it makes of them.

// The SDK's macros write the exported C functions.
#![allow(unsafe_code, missing_docs)]

use crate::fields::{Event, FdWhich, Which};
use crate::source::{Batch, Source};
use falco_plugin::anyhow::{Context, Error, anyhow};
use falco_plugin::base::{Json, Metric, MetricLabel, MetricType, MetricValue, Plugin};
use falco_plugin::event::events::{Event as PluginMessage, EventMetadata};
use falco_plugin::extract::{ExtractFieldInfo, ExtractPlugin, ExtractRequest, field};
use falco_plugin::source::{EventBatch, EventInput, PluginEvent, SourcePlugin, SourcePluginInstance};
use falco_plugin::tables::TablesInput;
use falco_plugin::{FailureReason, extract_plugin, plugin, source_plugin};
use smtrace_feed::Config;
use std::ffi::{CStr, CString};

/// The plugin.
pub struct Smtrace {
    init_config: String,
    counts: [u64; 3],
}

impl Plugin for Smtrace {
    const NAME: &'static CStr = c"linux_ebpf";
    const PLUGIN_VERSION: &'static CStr = c"0.1.0";
    const DESCRIPTION: &'static CStr = c"System calls of processes under smtrace, without anything in the kernel";
    const CONTACT: &'static CStr = c"the smtrace project";
    type ConfigType = Json<Config>;

    fn new(_: Option<&TablesInput>, Json(config): Self::ConfigType) -> Result<Self, Error> {
        config.check().map_err(Error::msg)?;
        Ok(Smtrace { init_config: config.0, counts: [0; 3] })
    }

    fn set_config(&mut self, Json(config): Self::ConfigType) -> Result<(), Error> {
        config.check().map_err(Error::msg)?;
        self.init_config = config.0;
        Ok(())
    }

    fn get_metrics(&mut self) -> impl IntoIterator<Item = Metric> {
        let metric = |name, count| Metric::new(MetricLabel::new(name, MetricType::Monotonic), MetricValue::U64(count));
        [(c"events", 0), (c"left_out", 1), (c"malformed", 2)]
            .map(|(name, at)| metric(name, self.counts.get(at).copied().unwrap_or(0)))
    }
}

/// An open source.
pub struct Instance(Source);

impl SourcePlugin for Smtrace {
    type Instance = Instance;
    const EVENT_SOURCE: &'static CStr = c"linux_ebpf";
    // The number that the registry of plugins reserves for those that are not in it.
    const PLUGIN_ID: u32 = 999;
    type Event<'a> = PluginMessage<PluginEvent<&'a [u8]>>;

    fn open(&mut self, params: Option<&str>) -> Result<Instance, Error> {
        Source::open(&self.init_config, params.unwrap_or_default()).map(Instance)
    }

    fn event_to_string(&mut self, event: &EventInput<Self::Event<'_>>) -> Result<CString, Error> {
        Ok(c_text(&String::from_utf8_lossy(event.event()?.params.event_data)))
    }
}

impl SourcePluginInstance for Instance {
    type Plugin = Smtrace;

    fn next_batch(&mut self, plugin: &mut Smtrace, batch: &mut EventBatch<'_>) -> Result<(), Error> {
        let came = self.0.batch(|line, ts| {
            let params = PluginEvent { plugin_id: Smtrace::PLUGIN_ID, event_data: line };
            batch.add(PluginMessage { metadata: EventMetadata { ts, tid: -1 }, params })
        });
        plugin.counts = self.0.counts;
        match came? {
            Batch::Events => Ok(()),
            Batch::Nothing => Err(anyhow!("no event yet").context(FailureReason::Timeout)),
            Batch::End => Err(anyhow!("the source ended").context(FailureReason::Eof)),
        }
    }
}

/// Text for C: it ends at its first NUL, so one within is shown as such.
fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "\\x00")).unwrap_or_default()
}

type Request<'c, 'e, 'r, 't> = ExtractRequest<'c, 'e, 'r, 't, Smtrace>;

/// The event of a request, read once for all its fields.
fn event<'c>(request: &'c mut Request<'_, '_, '_, '_>) -> Result<&'c Event, Error> {
    if request.context.is_none() {
        let raw = request.event.event()?;
        *request.context = Some(Event::parse(raw.params.event_data).context("this is no event of smtrace")?);
    }
    request.context.as_ref().context("this is no event of smtrace")
}

fn key(arg: Option<&CStr>) -> Result<Option<&str>, Error> {
    arg.map(CStr::to_str).transpose().context("the argument of a field is no text")
}

fn which(arg: Option<&CStr>) -> Result<Which, Error> {
    Which::parse(key(arg)?).context("give [key], [value] or no argument")
}

fn one(text: Option<String>) -> Option<CString> {
    text.map(|text| c_text(&text))
}

fn many(texts: Vec<String>) -> Option<Vec<CString>> {
    (!texts.is_empty()).then(|| texts.iter().map(|text| c_text(text)).collect())
}

impl Smtrace {
    fn sort(&mut self, mut request: Request<'_, '_, '_, '_>, arg: Option<&CStr>) -> Result<Option<CString>, Error> {
        Ok(one(event(&mut request)?.sort(which(arg)?)))
    }

    fn user(&mut self, mut request: Request<'_, '_, '_, '_>, arg: Option<&CStr>) -> Result<Option<CString>, Error> {
        Ok(one(event(&mut request)?.user(which(arg)?)))
    }

    fn group(&mut self, mut request: Request<'_, '_, '_, '_>, arg: Option<&CStr>) -> Result<Option<CString>, Error> {
        Ok(one(event(&mut request)?.group(which(arg)?)))
    }

    fn fds(&mut self, mut request: Request<'_, '_, '_, '_>, arg: Option<&CStr>) -> Result<Option<Vec<CString>>, Error> {
        let which = FdWhich::parse(key(arg)?).context("give [key], [value], a number or no argument")?;
        Ok(many(event(&mut request)?.fds(&which)))
    }

    fn args(
        &mut self,
        mut request: Request<'_, '_, '_, '_>,
        arg: Option<&CStr>,
    ) -> Result<Option<Vec<CString>>, Error> {
        Ok(many(event(&mut request)?.args(key(arg)?)))
    }

    fn time(&mut self, mut request: Request<'_, '_, '_, '_>) -> Result<Option<CString>, Error> {
        Ok(one(event(&mut request)?.time()))
    }

    fn dir(&mut self, mut request: Request<'_, '_, '_, '_>) -> Result<Option<CString>, Error> {
        Ok(one(event(&mut request)?.dir()))
    }

    fn comm(&mut self, mut request: Request<'_, '_, '_, '_>) -> Result<Option<CString>, Error> {
        Ok(one(event(&mut request)?.comm()))
    }

    fn cmdline(&mut self, mut request: Request<'_, '_, '_, '_>) -> Result<Option<CString>, Error> {
        Ok(one(event(&mut request)?.cmdline()))
    }

    fn fullpath(&mut self, mut request: Request<'_, '_, '_, '_>) -> Result<Option<CString>, Error> {
        Ok(one(event(&mut request)?.fullpath()))
    }

    fn res(&mut self, mut request: Request<'_, '_, '_, '_>) -> Result<Option<CString>, Error> {
        Ok(one(event(&mut request)?.res()))
    }

    fn pid(&mut self, mut request: Request<'_, '_, '_, '_>) -> Result<Option<u64>, Error> {
        Ok(event(&mut request)?.id("pid"))
    }

    fn tid(&mut self, mut request: Request<'_, '_, '_, '_>) -> Result<Option<u64>, Error> {
        Ok(event(&mut request)?.id("tid"))
    }

    fn ppid(&mut self, mut request: Request<'_, '_, '_, '_>) -> Result<Option<u64>, Error> {
        Ok(event(&mut request)?.id("ppid"))
    }
}

impl ExtractPlugin for Smtrace {
    type Event<'a> = PluginMessage<PluginEvent<&'a [u8]>>;
    type ExtractContext = Option<Event>;

    const EXTRACT_FIELDS: &'static [ExtractFieldInfo<Self>] = &[
        field("linux.type", &Self::sort)
            .with_display("Call")
            .with_description("The call as number(name), 3(close); [key] the number, [value] the name"),
        field("linux.user", &Self::user)
            .with_display("User")
            .with_description("The effective user as number(name); [key] the number, [value] the name"),
        field("linux.group", &Self::group)
            .with_display("Group")
            .with_description("The effective group as number(name); [key] the number, [value] the name"),
        field("linux.fds", &Self::fds).with_display("Open files").with_description(
            "The open files as number(target); [key] the numbers, [value] the targets, [3] what 3 is",
        ),
        field("linux.args", &Self::args)
            .with_display("Arguments")
            .with_description("The arguments as name=value; [NAME] the value of one"),
        field("linux.time", &Self::time).with_display("Time").with_description("When it happened, in local time"),
        field("linux.dir", &Self::dir).with_display("Direction").with_description("> entered, < returned"),
        field("linux.comm", &Self::comm).with_display("Name").with_description("The thread's name"),
        field("linux.pid", &Self::pid).with_display("Process").with_description("The process"),
        field("linux.tid", &Self::tid).with_display("Thread").with_description("The thread"),
        field("linux.ppid", &Self::ppid).with_display("Parent").with_description("The parent process"),
        field("linux.cmdline", &Self::cmdline).with_display("Command line").with_description("The command line"),
        field("linux.fullpath", &Self::fullpath).with_display("Program").with_description("The path of the program"),
        field("linux.res", &Self::res)
            .with_display("Result")
            .with_description("What the call returned, -errno on failure"),
    ];
}

plugin!(Smtrace);
source_plugin!(Smtrace);
extract_plugin!(Smtrace);
