"""JSON Schema snapshots of every message and record, and the AsyncAPI document of topics."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from common.contracts.messages import ChangeEvent, Receipt, WriteCommand
from common.contracts.records import RECORDS
from common.contracts.topics import Topic

FOLDER = Path(__file__).parent / "schemas"
HEADERS = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_sequence", "traceparent")


def models() -> dict[str, type[BaseModel]]:
    """Everything that leaves a process, by the name of its snapshot."""
    messages: dict[str, type[BaseModel]] = {
        "receipt": Receipt,
        "change-event": ChangeEvent,
        "write-command": WriteCommand,
    }
    return messages | {f"record-{name}": model for name, model in RECORDS.items()}


def current() -> dict[str, dict[str, Any]]:
    """The schemas as today's code has them."""
    return {name: model.model_json_schema(mode="serialization") for name, model in models().items()}


def snapshot(name: str) -> dict[str, Any]:
    """The schema that was last published."""
    loaded: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return loaded


def publish() -> list[str]:
    """Writes today's schemas as snapshots; `python -m common.contracts.schemas`."""
    FOLDER.mkdir(exist_ok=True)
    for name, schema in current().items():
        (FOLDER / f"{name}.json").write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n")
    return sorted(current())


def removals(old: dict[str, Any], new: dict[str, Any], at: str = "") -> list[str]:
    """What a reader of `old` would miss in `new`: a gone property, a changed type, a value no longer allowed, a new duty."""
    found = [f"{at}/{name}: gone" for name in old.get("properties", {}) if name not in new.get("properties", {})]
    found += [f"{at}/{name}: newly required" for name in new.get("required", []) if name not in old.get("required", [])]
    if old.get("type") != new.get("type"):
        found.append(f"{at}: type {old.get('type')} became {new.get('type')}")
    found += [f"{at}: value {value!r} gone" for value in old.get("enum", []) if value not in new.get("enum", [])]
    for name, child in old.get("properties", {}).items():
        found += removals(child, new.get("properties", {}).get(name, child), f"{at}/{name}")
    for name, child in old.get("$defs", {}).items():
        found += removals(child, new.get("$defs", {}).get(name, {}), f"{at}#{name}")
    return found + _choices_gone(old, new, at)


def _choices_gone(old: dict[str, Any], new: dict[str, Any], at: str) -> list[str]:
    """A union may gain members and lose none; so may a reference or an item type not become another."""
    gone = [f"{at}: choice {choice} gone" for choice in old.get("anyOf", []) if choice not in new.get("anyOf", [])]
    return gone + [f"{at}: {word} changed" for word in ("$ref", "items", "const") if old.get(word) != new.get(word)]


def asyncapi(version: str, topics: Sequence[Topic]) -> dict[str, Any]:
    """The AsyncAPI 3.0 document: one channel a topic, one message a schema."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Millrace", "version": version, "description": "The topics on which a record travels."},
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in topics},
        "operations": {
            f"send.{topic.name}": {"action": "send", "channel": {"$ref": f"#/channels/{topic.name}"}}
            for topic in topics
        },
        "components": {"messages": {topic.message.__name__: _message(topic) for topic in topics}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": topic.meaning,
        "messages": {topic.message.__name__: {"$ref": f"#/components/messages/{topic.message.__name__}"}},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {"retention.ms": int(topic.retention.total_seconds() * 1000)},
            }
        },
        "x-key": topic.key,
    }


def _message(topic: Topic) -> dict[str, Any]:
    headers = {"type": "object", "properties": {name: {"type": "string"} for name in HEADERS}}
    return {
        "name": topic.message.__name__,
        "headers": headers,
        "payload": topic.message.model_json_schema(mode="serialization"),
    }


if __name__ == "__main__":
    publish()
