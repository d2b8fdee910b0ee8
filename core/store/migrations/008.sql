-- Reports that go out by themselves.

CREATE TABLE report_schedule (
    id @ID@,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,                 -- of report/kinds.h
    subject TEXT,                       -- what the report is of: a campaign, a theme, ...; NULL: none
    options @JSON@ NOT NULL,            -- object option -> value, as on the command line
    form TEXT NOT NULL,                 -- pdf, xlsx, html, csv, json, text
    lang TEXT NOT NULL,                 -- vi, en
    channel_id BIGINT NOT NULL REFERENCES channel (id),
    recipients @JSON@ NOT NULL,         -- list of contact ids
    rrule TEXT NOT NULL,                -- RFC 5545
    first_at TEXT NOT NULL,             -- local 'YYYY-MM-DDTHH:MM'
    timezone TEXT NOT NULL,
    next_at BIGINT,                     -- the period that is due next; NULL: the rule has ended
    try_at BIGINT,                      -- not before this: later than next_at after a failure
    last_at BIGINT,                     -- the period that was made last
    fault TEXT                          -- why the last attempt made none
);
