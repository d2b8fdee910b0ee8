-- The first schema. One text for SQLite and PostgreSQL; @...@ are the named fragments of store/db.h.
-- Times are milliseconds since 1970 (BIGINT); dates without a time are TEXT 'YYYY-MM-DD'; enums are the numbers of core/delivery/ledger.h.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- A dated tree. A code alone never identifies a place: (code, valid_from) does.
CREATE TABLE place (
    id @ID@,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,             -- search key of the full name
    short_key TEXT NOT NULL,            -- the same without "xa", "phuong", "huyen", "tinh", ...
    level TEXT NOT NULL,                -- province, district, commune, village
    parent_id BIGINT REFERENCES place (id),
    valid_from TEXT NOT NULL,
    valid_to TEXT,                      -- first day it no longer stands; NULL: stands
    batch_id BIGINT,
    UNIQUE (code, level, valid_from)
);
CREATE INDEX place_parent ON place (parent_id);
CREATE INDEX place_short ON place (short_key);

CREATE TABLE place_successor (
    place_id BIGINT NOT NULL REFERENCES place (id),
    successor_id BIGINT NOT NULL REFERENCES place (id),
    since TEXT NOT NULL,
    share DOUBLE PRECISION NOT NULL DEFAULT 1,   -- of the old place's people; the shares of one place sum to 1
    PRIMARY KEY (place_id, successor_id)
);
CREATE INDEX place_successor_back ON place_successor (successor_id);

CREATE TABLE import_batch (
    id @ID@,
    kind TEXT NOT NULL,                 -- place, contact, consent, suppression
    file TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,                 -- NULL: still running, or ended half way
    rows_read BIGINT NOT NULL DEFAULT 0,
    added BIGINT NOT NULL DEFAULT 0,
    updated BIGINT NOT NULL DEFAULT 0,
    unchanged BIGINT NOT NULL DEFAULT 0,
    rejected BIGINT NOT NULL DEFAULT 0,
    undone_at BIGINT
);

CREATE TABLE contact (
    id @ID@,
    batch_id BIGINT,                    -- import that added the row
    ref TEXT,                           -- the identifier the owner of the file uses
    person_id TEXT,                     -- 12-digit personal ID
    si_code TEXT,                       -- old 10-digit social-insurance code, kept as history
    name TEXT,
    name_key TEXT,
    email TEXT,                         -- valid syntax, domain in lower case; an invalid one is kept in attrs.email_invalid
    phone TEXT,                         -- E.164; an invalid one is kept in attrs.phone_invalid
    lang TEXT,                          -- BCP 47: vi, en, ...; NULL: not known
    birth_date TEXT,                    -- YYYY-MM-DD, or YYYY when only the year is known
    sex TEXT,                           -- f or m
    household TEXT,
    place_id BIGINT REFERENCES place (id),
    enrolled_on TEXT,                   -- date of the enrolment event; NULL: not enrolled
    enrolled_at BIGINT,                 -- when we learned it
    attrs @JSON@                        -- flat object of texts and numbers, keys [a-z][a-z0-9_]*; NULL: none
);
CREATE INDEX contact_ref ON contact (ref) WHERE ref IS NOT NULL;
CREATE INDEX contact_person ON contact (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX contact_si ON contact (si_code) WHERE si_code IS NOT NULL;
CREATE INDEX contact_email ON contact (email) WHERE email IS NOT NULL;
CREATE INDEX contact_phone ON contact (phone) WHERE phone IS NOT NULL;

-- Names of custom attributes ever imported, so that a campaign naming an unknown one is told so.
CREATE TABLE attribute (
    name TEXT PRIMARY KEY,
    heading TEXT NOT NULL,              -- as the file had it
    batch_id BIGINT
);

-- What a contact was before an import changed it; undo puts it back. Rows an import added carry its batch_id.
CREATE TABLE import_before (
    batch_id BIGINT NOT NULL REFERENCES import_batch (id),
    contact_id BIGINT NOT NULL,
    before @JSON@ NOT NULL,
    PRIMARY KEY (batch_id, contact_id)
);

-- Append-only. The newest row for (contact, channel kind, purpose) counts; '*' stands for all.
CREATE TABLE consent (
    id @ID@,
    contact_id BIGINT NOT NULL,
    channel TEXT NOT NULL,              -- channel kind: email, sms, ..., or *
    purpose TEXT NOT NULL,              -- message class: advertising, ..., or *
    action SMALLINT NOT NULL,           -- 1 given, 0 withdrawn
    at BIGINT NOT NULL,
    source TEXT NOT NULL,               -- form, sms, call, web, import, ...
    evidence TEXT,
    text_hash TEXT,
    batch_id BIGINT
);
CREATE INDEX consent_contact ON consent (contact_id);

-- Addresses nobody may send to.
CREATE TABLE suppression (
    kind TEXT NOT NULL,                 -- email or phone
    address TEXT NOT NULL,
    reason TEXT NOT NULL,               -- opted_out, do_not_call, invalid
    at BIGINT NOT NULL,
    source TEXT NOT NULL,
    batch_id BIGINT,
    PRIMARY KEY (kind, address)
);

CREATE TABLE segment (
    id @ID@,
    name TEXT NOT NULL UNIQUE,
    expression TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE theme (
    id @ID@,
    name TEXT NOT NULL UNIQUE,
    spec TEXT NOT NULL,                 -- the JSON file as applied
    changed_at BIGINT NOT NULL
);

CREATE TABLE channel (
    id @ID@,
    name TEXT NOT NULL UNIQUE,
    plugin TEXT NOT NULL,
    spec TEXT NOT NULL,                 -- the JSON file as applied
    manifest TEXT NOT NULL,             -- what lantoa-channel --describe said of the plugin
    kind TEXT,                          -- from the manifest: email, sms, ...
    address SMALLINT,                   -- from the manifest: enum lantoa_address_kind
    state TEXT NOT NULL,                -- ready, parked
    parked_reason TEXT,
    changed_at BIGINT NOT NULL
);

CREATE TABLE campaign (
    id @ID@,
    name TEXT NOT NULL UNIQUE,
    theme_id BIGINT NOT NULL REFERENCES theme (id),
    spec TEXT NOT NULL,                 -- the JSON file as applied
    class TEXT,                         -- from the file: state_information, advertising, ...
    state SMALLINT NOT NULL,            -- enum campaign_state
    wait_reason TEXT,                   -- why it waits for a person: paused by hand, missed start, restored backup
    experiment_key @BLOB@ NOT NULL,     -- of the holdout lot, frozen at the first apply
    assignment_hash TEXT,               -- SHA-256 over the frozen assignment
    changed_at BIGINT NOT NULL,
    planned_at BIGINT,
    approved_at BIGINT,
    approved_by TEXT,
    started_at BIGINT,
    ended_at BIGINT
);

-- One row per occurrence: a recurring step has several.
CREATE TABLE step (
    id @ID@,
    campaign_id BIGINT NOT NULL REFERENCES campaign (id),
    position INTEGER NOT NULL,          -- 0-based place in the file
    occurrence INTEGER NOT NULL,        -- 1-based; 1 for steps that happen once
    name TEXT NOT NULL,
    channel_id BIGINT NOT NULL REFERENCES channel (id),
    state SMALLINT NOT NULL,            -- enum step_state
    start_at BIGINT,                    -- due time; NULL for "now" until started, and for steps that follow another
    after_id BIGINT REFERENCES step (id),
    first_sent_at BIGINT,               -- first and last hand-out: the first opens the steps that follow this one, the last lets the
    last_sent_at BIGINT,                -- cap check skip steps that are too old to matter
    UNIQUE (campaign_id, position, occurrence)
);

-- The ledger. id = step_id << 43 | outlet << 42 | recipient_id << 4 | generation (see core/delivery/ledger.h), so that the primary
-- key itself is UNIQUE (step, recipient, generation), the rows of a step lie together, and no further unique index is needed.
CREATE TABLE message (
    id @KEY@,
    state SMALLINT NOT NULL,            -- enum message_state
    reason SMALLINT NOT NULL DEFAULT 0, -- enum message_reason
    tries SMALLINT NOT NULL DEFAULT 0,  -- times handed out
    due_at BIGINT,                      -- only for rows that wait for a time of their own: held, or to be retried
    at BIGINT NOT NULL,                 -- last hand-out; for rows never handed out: when they got their state
    ref TEXT,                           -- the operator's reference
    detail TEXT                         -- the last reply or reason in the operator's words
);
CREATE INDEX message_due ON message ((id >> 43), due_at) WHERE due_at IS NOT NULL;

-- What happened to a message besides plain success: retries, failures, receipts, acts of people.
CREATE TABLE attempt (
    id @ID@,
    message_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    state SMALLINT NOT NULL,
    reason SMALLINT NOT NULL,
    detail TEXT
);
CREATE INDEX attempt_message ON attempt (message_id);

-- Who did what. Append-only.
CREATE TABLE audit (
    id @ID@,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    verb TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT
);
