-- What an enrolment said before a later file corrected it; comes back when that file is taken back.
CREATE TABLE enrolment_correction (
    batch_id BIGINT NOT NULL,           -- of the file that corrected
    enrolment_id BIGINT NOT NULL,
    registered_date TEXT,
    place_id BIGINT,
    income BIGINT,
    months INTEGER,
    method TEXT,
    support_group TEXT,
    PRIMARY KEY (batch_id, enrolment_id)
);
