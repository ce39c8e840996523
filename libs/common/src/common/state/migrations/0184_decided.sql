-- Who discards a question about a record has decided it: the mark of what was shown is kept with what is known of the target record.
grant update (memory) on flow.target_record to millrace_console;
