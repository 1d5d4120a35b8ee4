"""Reads attestation.json with in-toto's own library, which must find it well-formed and lose nothing of it.

    statement.py ATTESTATION
"""

import json
import sys

from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement

text = open(sys.argv[1]).read()
written = json.loads(text)
# Statement v1 as protobuf: a field that it does not know is an error.
message = json_format.Parse(text, statement_pb2.Statement())
Statement.copy_from_pb(message).validate()
assert json_format.MessageToDict(message) == written, "the library reads something else than was written"

# The library has no message for this predicate: its resource descriptors are checked one by one, and against the specification
# of runtime-trace v0.1 what it requires.
predicate = written["predicate"]
assert written["predicateType"] == "https://in-toto.io/attestation/runtime-trace/v0.1", written["predicateType"]
assert predicate["monitor"]["type"], "monitor.type"
for name in ("hostID", "type", "event"):
    assert predicate["monitoredProcess"][name], f"monitoredProcess.{name}"
log = predicate["monitorLog"]
assert any(log.get(name) for name in ("process", "network", "fileAccess")), "monitorLog is empty"
for name in ("buildStartedOn", "buildFinishedOn"):
    assert predicate["metadata"][name].endswith("Z"), name
digests = 0
for described in log.get("fileAccess", []):
    resource = json_format.ParseDict(described, statement_pb2.Statement().subject.add())
    ResourceDescriptor.copy_from_pb(resource).validate()
    digests += bool(described.get("digest"))
print(f"in-toto: {len(log.get('process', []))} processes, {len(log.get('fileAccess', []))} files, {digests} with digests")
