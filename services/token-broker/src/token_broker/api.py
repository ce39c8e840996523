"""The broker's HTTP API, on one page.

Callers send `Authorization: Bearer <key>`; the key is the text of their own key file (`secrets/<service>.key`), the broker knows
only its SHA-256. Every answer carries `Cache-Control: no-store`; every refusal is `application/problem+json` with `code` from
`common.codes`, a sentence in `detail`, and `Retry-After` (seconds) where waiting helps.

Who: S = a service with the right `tokens` for the vendor, H = with `webhooks`, C = with `connections` (the console), K = with `keys`.

| Who | Method, path                               | Body                                               | Answer                                     |
|-----|--------------------------------------------|----------------------------------------------------|--------------------------------------------|
| S   | POST /v1/tokens/{connection}               | {} or {"generation": g, "reason": "unauthorised"}  | 200 Token                                  |
| H   | GET /v1/webhook-secrets/{connection}       |                                                    | 200 {"secrets": [Secret], "fresh_for_s"}   |
| H C | PUT /v1/webhook-secrets/{connection}       | {"vendor", "secret", "slot"?}                      | 200 {"slot", "version"}                    |
| H C | POST /v1/webhook-secrets/{connection}/rotate | {"vendor", "slot"?, "secret"?, "overlap_s"?}     | 200 {"slot", "version", "secret", "former_until"} |
| H C | DELETE /v1/webhook-secrets/{connection}?slot=S |                                                | 200 {"deleted": n}                         |
| C   | POST /v1/consents                          | {"connection", "vendor", "name", "site"?, "place"?, "by"?} | 201 Consent with `start_url`       |
| C   | GET /v1/consents/{id}                      | ?wait_s=0..25 waits for the next change            | 200 Consent                                |
| C   | POST /v1/consents/{id}/places              |                                                    | 200 Consent (asks the vendor again)        |
| C   | POST /v1/consents/{id}/place               | {"place"}                                          | 200 Consent, `state` = complete            |
| C   | DELETE /v1/consents/{id}                   |                                                    | 200 Consent, `state` = cancelled           |
| C   | PUT /v1/grants/{connection}/api-key        | {"vendor", "api_key"}                              | 200 Grant (the key was tried at the vendor)|
| C   | PUT /v1/grants/{connection}/client-credentials | {"vendor", "site", "place", "client_id"?, "client_secret"?} | 200 Grant                     |
| C   | GET /v1/grants                             |                                                    | 200 {"grants": [Grant]}                    |
| C   | GET /v1/grants/{connection}                |                                                    | 200 Grant                                  |
| C   | DELETE /v1/grants/{connection}             |                                                    | 200 {"revoked": "yes"|"later"|"not offered"|"nothing"} |
| C   | GET /v1/vendors                            |                                                    | 200 {"vendors": [{"vendor","title","ways","sites","ready"}]} |
| C   | GET /v1/access-log?connection=C&limit=N    |                                                    | 200 {"reads": [...]}                       |
| K   | GET /v1/keys                               |                                                    | 200 Keys                                   |
| K   | POST /v1/keys/rotate                       | {}                                                 | 202 Keys (read GET /v1/keys for progress)  |
| anyone | GET /connect/{ticket}                   | the one-time start address                         | 302 to the vendor, with a session cookie   |
| anyone | GET /oauth/{family}/callback            | the vendor's redirect                              | 200 or 4xx, a page that says what happened |

Token: {"connection", "vendor", "kind": "oauth"|"client_credentials"|"api_key", "token", "generation", "expires_at": RFC 3339 or null,
"good_for_s": number or null}. `good_for_s` (null: until it is refused) is how long the token may be used from now, by the business
clock; keep it no longer, and ask again then. A 401 of the vendor is reported by asking with the generation of the refused token and
`"reason": "unauthorised"`: an older generation than the broker's costs nothing and gets the newer token at once; the broker's own
generation is refreshed once (or, where nothing can be refreshed, tried at the vendor).

Refusals of POST /v1/tokens: 401 CALLER_UNKNOWN (no key, or a revoked one), 403 CALLER_NOT_ALLOWED, 404 GRANT_UNKNOWN,
409 NEEDS_REAUTH (a person must reconnect; asking again is no use), 409 TOKEN_NOT_AT_FAULT (the vendor accepts the reported token:
the call lacks a scope or names another organisation), 503 TOKEN_THROTTLED (the vendor's or our token budget; Retry-After),
503 TOKEN_UNAVAILABLE (vendor or database away; Retry-After), 503 APP_REFUSED (our client id or secret; the operator must act).

Secret: {"slot", "version", "secret", "until": RFC 3339 or null}; newest first, every one listed is valid now.

Consent: {"id", "connection", "vendor", "state", "code", "message", "next", "start_url"?, "expires_at", "site", "scopes", "places":
[{"id","title","details"}], "place", "details"}. `state`: waiting -> opened -> granted (asking for places) -> choose -> complete; or
denied | expired | cancelled | failed. `start_url` is told once, in the answer that creates it. `details` are what belongs into
`core.connection.details`.

Grant: {"connection", "vendor", "kind", "state": "active"|"needs_reauth"|"revoking", "reason", "site", "details", "scopes", "generation",
"granted_at", "granted_by", "expires_at", "refresh_at", "refreshed_at", "refresh_expires_at", "retry_at", "failures", "budget":
{"used","of","window_s"} or null, "siblings": {"held","of"} or null, "warnings": [..]}. Never a credential.

Keys: {"provider", "primary", "ring": [{"id","connections"}], "rotation": {"state": "idle"|"running"|"done"|"failed", "done", "total",
"started_at", "finished_at", "message"}}.
"""
