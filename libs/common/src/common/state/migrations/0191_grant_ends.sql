-- The token-broker tells people that a grant is about to end.
grant execute on function core.tell(text, text, text, text, timestamptz) to millrace_broker;
grant execute on function core.untell(text, text, timestamptz) to millrace_broker;
