# What Schemathesis can't know of this API: ids of things that exist, Plans that the server takes, and archives.

import gzip
import io
import json
import os
import tarfile
import zlib

import schemathesis

KNOWN = json.loads(os.environ["KNITFAB_KNOWN_IDS"])  # {"planId": [...], "runId": [...], "knitId": [...]}
UUID_LENGTH = 36


def chosen(items, by):
    """One of the items, or None for half of what it is chosen by; the same for the same, so that failures come again."""
    number = zlib.crc32(repr(by).encode("utf-8", "surrogatepass"))
    return items[number // 2 % len(items)] if number % 2 == 0 else None


def with_known_ids(parameters):
    for name, value in (parameters or {}).items():
        known = KNOWN.get(name)
        if known and isinstance(value, str) and len(value) == UUID_LENGTH:
            parameters[name] = chosen(known, value) or value
    return parameters


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    return with_known_ids(path_parameters)


@schemathesis.hook
def map_query(context, query):
    return with_known_ids(query)


@schemathesis.hook
def map_body(context, body):
    """Half of the Plans name an image that this server runs, and a command that harms nobody."""
    is_plan = context.operation.label == "POST /api/plans" and isinstance(body, dict)
    if is_plan and isinstance(body.get("image"), str) and isinstance(body.get("entrypoint", []), (list, type(None))):
        image = chosen(["host:v1", "host:v2"], body)
        if image:
            body = {**body, "image": image, "entrypoint": ["true"], "resources": None}
    return body


def archive(value):
    text = json.dumps(value, sort_keys=True).encode() if not isinstance(value, bytes) else value
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("file")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    plain = buffer.getvalue()
    # Whole, cut off, damaged, or none at all.
    kinds = [plain, plain, plain[:-700], bytes([plain[0] ^ 255]) + plain[1:], text, b""]
    return kinds[zlib.crc32(text) % len(kinds)]


@schemathesis.serializer("application/x-tar")
def plain_archive(context, value):
    return archive(value)


@schemathesis.serializer("application/tar+gzip")
def gzipped_archive(context, value):
    return gzip.compress(archive(value))
