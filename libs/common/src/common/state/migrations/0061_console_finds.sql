-- People look for a record by the trace that they see in a log line or at the vendor.
create index journal_of_trace on flow.journal (trace_id) where trace_id <> '';
