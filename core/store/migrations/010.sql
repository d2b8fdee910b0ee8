-- What speaks to a place and not to a person, and what it says.

CREATE TABLE outlet (
    id @ID@,
    code TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,             -- search key of the name
    kind TEXT NOT NULL,                 -- station, cluster
    owner TEXT NOT NULL,                -- commune, village
    place_id BIGINT NOT NULL REFERENCES place (id),
    device TEXT UNIQUE,                 -- the address its channel knows it by; NULL: none yet
    channel TEXT NOT NULL,              -- name of the channel
    households BIGINT NOT NULL,         -- covered, an estimate: the sum over outlet_coverage
    languages TEXT NOT NULL,            -- of its locality, blank-separated, the preferred one first
    windows @JSON@ NOT NULL,            -- [{"days":"mo-su","from":"05:00","to":"05:30"}]
    quiet @JSON@,                       -- the same form; NULL: as the outlet rules have it
    minutes_per_day INTEGER NOT NULL,
    lat DOUBLE PRECISION,
    lon DOUBLE PRECISION,
    state TEXT NOT NULL,                -- active, retired
    batch_id BIGINT,                    -- import that added the row
    changed_at BIGINT NOT NULL
);
CREATE INDEX outlet_place ON outlet (place_id);
CREATE INDEX outlet_channel ON outlet (channel);

CREATE TABLE outlet_coverage (
    outlet_id BIGINT NOT NULL REFERENCES outlet (id),
    place_id BIGINT NOT NULL REFERENCES place (id),
    households BIGINT NOT NULL,         -- an estimate
    share SMALLINT NOT NULL,            -- 0: the file gave the number; 1: a part of the outlet's number
    PRIMARY KEY (outlet_id, place_id)
);
CREATE INDEX outlet_coverage_place ON outlet_coverage (place_id);

-- What an outlet was before an import changed it; undo puts it back.
CREATE TABLE outlet_before (
    batch_id BIGINT NOT NULL REFERENCES import_batch (id),
    outlet_id BIGINT NOT NULL,
    before @JSON@ NOT NULL,
    PRIMARY KEY (batch_id, outlet_id)
);

-- A material as it is played: one row for each language. The sound lies in DATA/materials under its sha256. A row that was listened to is
-- never changed: a new recording is a new row, and the old one is replaced.
CREATE TABLE recording (
    id @ID@,
    theme TEXT,                         -- name of the theme; NULL: of none
    name TEXT NOT NULL,                 -- of the material
    lang TEXT NOT NULL,
    title TEXT,                         -- as people read it in a schedule; NULL: the name
    sha256 TEXT NOT NULL,               -- of the file that is played
    bytes BIGINT NOT NULL,
    length_ms BIGINT NOT NULL,
    loudness_lufs DOUBLE PRECISION NOT NULL, -- integrated, EBU R128, of the file that is played
    peak_dbtp DOUBLE PRECISION NOT NULL,
    format TEXT NOT NULL,               -- ogg/opus 48000 mono
    origin TEXT NOT NULL,               -- recorded, speech
    source TEXT,                        -- recorded: the name of the uploaded file; speech: voice and program
    source_sha256 TEXT NOT NULL,        -- of the uploaded file, or of the text as it was spoken
    findings @JSON@ NOT NULL,           -- list of what the check found: texts
    script TEXT,                        -- speech: the text as written; recorded: NULL, or what is said
    state TEXT NOT NULL,                -- draft, listened, approved, replaced
    made_at BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    listened_at BIGINT,
    listened_by TEXT,
    approved_at BIGINT,
    approved_by TEXT
);
CREATE UNIQUE INDEX recording_now ON recording (name, lang) WHERE state <> 'replaced';
