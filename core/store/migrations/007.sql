-- Enrolments: what the registry's files say, matched to contacts; and the targets they are counted against.

-- One row per event. Identifiers stand here only as keyed hashes (first 63 bits of HMAC-SHA-256 under the folder's key).
CREATE TABLE enrolment (
    id @ID@,
    batch_id BIGINT NOT NULL,
    line BIGINT NOT NULL,               -- of the file
    event TEXT NOT NULL,                -- new, returned, renewed, lapsed, to_compulsory, pensioned, lump_sum_exit, died, moved
    event_date TEXT NOT NULL,
    registered_date TEXT,               -- when the registry took it up
    imported_at BIGINT NOT NULL,        -- when we learned it
    place_id BIGINT REFERENCES place (id),
    from_place_id BIGINT REFERENCES place (id), -- moved: where from, when the file says so
    income BIGINT,
    months INTEGER,
    method TEXT,                        -- word of campaign/contribution.h
    support_group TEXT,                 -- names of groups, with ';' between them
    sponsor TEXT,                       -- who gave the book; NULL: nobody did
    contact_id BIGINT,                  -- NULL: nobody we know, or not settled
    matched_by TEXT,                    -- person_id, si_code, phone, name, hand
    review SMALLINT NOT NULL DEFAULT 0, -- 1: several people fit, waits for a person; 2: a person said it is none of ours
    person_hash BIGINT,                 -- of the 12-digit ID
    si_hash BIGINT,                     -- of the old 10-digit code
    phone_hash BIGINT,
    name_hash BIGINT,                   -- of folded name, birth date and place
    fingerprint BIGINT NOT NULL UNIQUE  -- of person, event and date: the same event twice is one
);
CREATE INDEX enrolment_contact ON enrolment (contact_id, event_date) WHERE contact_id IS NOT NULL;
CREATE INDEX enrolment_open ON enrolment (id) WHERE contact_id IS NULL;
CREATE INDEX enrolment_place ON enrolment (place_id, event_date);
CREATE INDEX enrolment_batch ON enrolment (batch_id);

-- What a contact's own record said before the registry spoke; comes back when the registry's rows are taken back.
CREATE TABLE enrolment_before (
    contact_id BIGINT PRIMARY KEY,
    enrolled_on TEXT,
    enrolled_at BIGINT
);

-- Until when an enrolled person has paid, and when the next payment is due at the latest.
CREATE TABLE enrolment_due (
    contact_id BIGINT PRIMARY KEY,
    paid_to TEXT NOT NULL,              -- last day covered
    due_on TEXT NOT NULL,               -- last day to pay for the next period; lapses the day after
    method TEXT NOT NULL
);
CREATE INDEX enrolment_due_on ON enrolment_due (due_on);

-- Mappings of import files, kept under a name.
CREATE TABLE import_profile (
    kind TEXT NOT NULL,                 -- enrolment, target
    name TEXT NOT NULL,
    options @JSON@ NOT NULL,            -- {"map": ["a=b", ...], "set": [...]}
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);

-- Goals of a place for a period. Append-only: a revision is a row with a later day of decision.
CREATE TABLE target (
    id @ID@,
    batch_id BIGINT,                    -- NULL: set by hand
    place_id BIGINT NOT NULL REFERENCES place (id),
    kind TEXT NOT NULL,                 -- stock: participants at the end; flow: new and returned within the period
    period_from TEXT NOT NULL,
    period_to TEXT NOT NULL,            -- last day
    value BIGINT NOT NULL,
    decided_on TEXT NOT NULL,
    document TEXT NOT NULL,             -- the decision or plan that sets it
    recorded_at BIGINT NOT NULL,
    recorded_by TEXT NOT NULL,
    UNIQUE (place_id, kind, period_from, period_to, decided_on)
);
