"""The one register of metrics: name, kind, meaning, unit and labels of each figure Millrace shows.

Labels are bounded by configuration. Never a record, an e-mail, a run or a trace id: exemplars carry the trace id.
"""

from __future__ import annotations

from dataclasses import dataclass

# Labels a metric may have; each has as many values as there are vendors, syncs, services or words in a closed list.
LABELS = frozenset(
    {
        "system",
        "sync",
        "service",
        "part",
        "outcome",
        "code",
        "status_class",
        "operation",
        "connection",
        "group",
        "topic",
        "version",
        "revision",
        "table",
        "kind",
        "field",
    }
)

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
CALL = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
ROAD = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21600.0)


@dataclass(frozen=True, slots=True)
class CounterMetric:
    """A figure that only grows."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    unit: str = "items"


@dataclass(frozen=True, slots=True)
class GaugeMetric:
    """A figure that goes up and down."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    unit: str = "items"


@dataclass(frozen=True, slots=True)
class HistogramMetric:
    """A distribution of values."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = FAST
    unit: str = "seconds"


Metric = CounterMetric | GaugeMetric | HistogramMetric

WEBHOOKS_RECEIVED = CounterMetric(
    "millrace_webhooks_received_total",
    "Webhook requests by what became of them: accepted, duplicate, bad_signature, rejected or unavailable.",
    ("system", "outcome"),
)
WEBHOOK_EVENTS = CounterMetric(
    "millrace_webhook_events_total",
    "Events in webhooks of applications by what became of them: kept, unknown_account or unreadable.",
    ("system", "outcome"),
)
INGEST_ACK = HistogramMetric("millrace_ingest_ack_seconds", "Time from a webhook's headers to our answer.", ("system",))
RECORDS = CounterMetric(
    "millrace_records_total",
    "Records that reached an end: added, updated, removed, unchanged, skipped, failed or superseded.",
    ("sync", "outcome"),
)
RECORD_LATENCY = HistogramMetric(
    "millrace_record_latency_seconds",
    "Time from the change at the source to the write at the target.",
    ("sync",),
    buckets=ROAD,
)
PROCESS = HistogramMetric("millrace_process_seconds", "Time a service spent on one batch or request.", ("service",))
INFLIGHT = GaugeMetric("millrace_inflight", "Batches, requests and calls a service is working on.", ("service",))
PART_DOWN = GaugeMetric(
    "millrace_part_down",
    "1 while a part of a service rests after a crash; its neighbours work on.",
    ("service", "part"),
)
PART_CRASHES = CounterMetric(
    "millrace_part_crashes_total",
    "Crashes of a part of a service; each is followed by a new start.",
    ("service", "part"),
)
VENDOR_REQUESTS = CounterMetric(
    "millrace_vendor_requests_total",
    "Calls to vendors by the class of the answer's status.",
    ("system", "operation", "status_class"),
)
VENDOR_REQUEST = HistogramMetric(
    "millrace_vendor_request_seconds",
    "Time a vendor took to answer.",
    ("system", "operation", "status_class"),
    buckets=CALL,
)
VENDOR_QUOTA_REMAINING = GaugeMetric(
    "millrace_vendor_quota_remaining_ratio",
    "Share of a connection's tightest quota that is left.",
    ("system", "connection"),
    unit="ratio",
)
VENDOR_QUOTA_SATURATED = GaugeMetric(
    "millrace_vendor_quota_saturated_use_ratio",
    "Share of what is ours of a vendor's quota that was used in the last window, seen while calls waited for it.",
    ("system", "connection"),
    unit="ratio",
)
VENDOR_MONTH_USED = GaugeMetric(
    "millrace_vendor_month_used_ratio",
    "Share of what is ours of a connection's tightest month of calls that is used.",
    ("system", "connection"),
    unit="ratio",
)
VENDOR_MONTH_FORECAST = GaugeMetric(
    "millrace_vendor_month_forecast_ratio",
    "Share of what is ours of a connection's tightest month of calls that will be used at its end, if it goes on like the last days.",
    ("system", "connection"),
    unit="ratio",
)
QUOTA_WAIT = HistogramMetric(
    "millrace_quota_wait_seconds", "Time a call waited for its budget.", ("system", "connection"), buckets=CALL
)
RETRIES = CounterMetric("millrace_retries_total", "Attempts that will be made again, by reason.", ("service", "code"))
DEAD_LETTERS = CounterMetric("millrace_dead_letters_total", "Dead letters written, by reason.", ("service", "code"))
DEAD_LETTERS_OPEN = GaugeMetric(
    "millrace_dead_letters_open", "Dead letters that wait for a person, by reason.", ("service", "code")
)
DRIFT_RECORDS = GaugeMetric(
    "millrace_drift_records",
    "Records that the last reconciliation of both sides of a sync found not to be as they shall be: drifted, missing or superfluous.",
    ("sync", "kind"),
)
DRIFT_FIELDS = GaugeMetric(
    "millrace_drift_fields",
    "Records that the last reconciliation of both sides of a sync found to differ in a field.",
    ("sync", "field"),
)
TOKEN_EXPIRY = GaugeMetric(
    "millrace_token_expiry_timestamp_seconds",
    "When a connection's access token expires, as a Unix time.",
    ("system", "connection"),
    unit="seconds",
)
TOKEN_REFRESH = CounterMetric(
    "millrace_token_refresh_total", "Refreshes of access tokens by outcome.", ("system", "outcome")
)
CONSUMER_LAG_RECORDS = GaugeMetric(
    "millrace_kafka_consumer_lag_records", "Records a consumer group has not committed.", ("group", "topic")
)
CONSUMER_LAG = GaugeMetric(
    "millrace_kafka_consumer_lag_seconds",
    "Age of the oldest record a consumer group has not committed, as of its member's last look.",
    ("group", "topic"),
    unit="seconds",
)
COMMIT_FAILURES = CounterMetric(
    "millrace_kafka_commit_failures_total",
    "Offset commits the broker refused; the records come again and are seen as repeats.",
    ("group", "topic"),
)
UPKEEP_REMOVED = CounterMetric(
    "millrace_upkeep_removed_total",
    "Old rows that the nightly upkeep took away; whole months of the journal.",
    ("table",),
)
UPKEEP_ENDED = GaugeMetric(
    "millrace_upkeep_ended_timestamp_seconds",
    "When a table was last tidied to the end by this process, as a Unix time.",
    ("table",),
    unit="seconds",
)
BUILD_INFO = GaugeMetric("millrace_build_info", "1, labelled with the build that runs.", ("version", "revision"))

METRICS: tuple[Metric, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, CounterMetric | GaugeMetric | HistogramMetric)
)
