-- What operators send back: receipts by the operator's own number, receipts that wait for their message, and what became of call-backs.

-- Milliseconds from the hand-out (at) to the receipt that settled the message; NULL: no receipt has. So plain success needs no row of
-- attempt: accepted and delivered are told by this row alone.
ALTER TABLE message ADD COLUMN settled_ms BIGINT;

-- Whose message an operator's number is, as it was learned: one row per turn of the dispatcher, appended. entries: pairs of 8 bytes, little
-- endian: key of (channel, number), message id. Folded into provider_ref when a receipt asks; see core/delivery/provider_ref.h.
CREATE TABLE provider_ref_new (
    id @ID@,
    at BIGINT NOT NULL,
    entries @BLOB@ NOT NULL
);

CREATE TABLE provider_ref (
    key @KEY@,                          -- 63 bits of a hash of (channel, number); the newest message with it
    message_id BIGINT NOT NULL
);

-- Receipts whose message is not known, or not yet: matched when it becomes known, deleted then.
CREATE TABLE receipt_waiting (
    id @ID@,
    at BIGINT NOT NULL,                 -- when it came
    channel_id BIGINT NOT NULL,
    kind SMALLINT NOT NULL,             -- enum lantoa_event_kind
    reason SMALLINT NOT NULL,
    ref_key BIGINT NOT NULL,            -- as in provider_ref; 0: it names no number
    ref TEXT,
    address TEXT,
    detail TEXT
);
CREATE INDEX receipt_waiting_ref ON receipt_waiting (ref_key) WHERE ref_key <> 0;

-- What the channel made of a call-back: 0 taken, else why not (LANTOA_E*); NULL: waits, or from before this was kept.
ALTER TABLE hook ADD COLUMN result SMALLINT;
