-- Records of several places of an account (organisations, shops, audiences) may come through one connection. Empty: the source did not say,
-- because its connection has one place.
alter table flow.record_state add column place text not null default '';
