-- Figures of reports that are kept, and what tells whether they still hold (store/db.h, core/report/kept.h).

-- How often the rows of a step changed: the database driver adds one per step and transaction, in the transaction itself.
CREATE TABLE ledger_change (
    step_id @KEY@,                      -- 0: a contact was altered or deleted; -1: contacts of any kind came or went
    times BIGINT NOT NULL
);

-- What a walk over the rows of a step gave. Valid while both counters stand where they stood before the walk.
CREATE TABLE report_kept (
    step_id @KEY@,                      -- 0: the places of the contacts
    times BIGINT NOT NULL,              -- of the step
    people_times BIGINT NOT NULL,       -- of step_id 0; in the row of the contacts: of -1
    offset_min INTEGER NOT NULL,        -- minutes east of UTC of its days
    figures @BLOB@ NOT NULL,            -- by state and reason, and by place
    people @BLOB@ NOT NULL,             -- who was reached
    days @BLOB@ NOT NULL                -- by day
);
