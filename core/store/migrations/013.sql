-- An address may be suppressed for several reasons at once: who refused and stands in the do-not-call list stays refused when the list
-- changes. What a do-not-call list brought carries its source, so that the next list can take its place.

CREATE TABLE suppression_all (
    kind TEXT NOT NULL,                 -- email or phone
    address TEXT NOT NULL,              -- in normal form, email addresses in small letters
    reason TEXT NOT NULL,               -- opted_out, do_not_call, invalid
    at BIGINT NOT NULL,                 -- when it was first said
    source TEXT NOT NULL,               -- do-not-call: the list
    batch_id BIGINT,
    PRIMARY KEY (kind, address, reason)
);
INSERT INTO suppression_all (kind, address, reason, at, source, batch_id)
    SELECT kind, address, reason, at,
        CASE WHEN reason = 'do_not_call' AND source = 'import' AND EXISTS (SELECT 1 FROM meta WHERE key = 'do_not_call_dated')
            THEN 'do-not-call' ELSE source END,
        batch_id
    FROM suppression;
DROP TABLE suppression;
ALTER TABLE suppression_all RENAME TO suppression;
