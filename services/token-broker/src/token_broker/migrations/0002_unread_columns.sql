-- Never written: a call's outcome and the vendor's words are all that is stored of its answer.
alter table vault.token_call drop column code;
