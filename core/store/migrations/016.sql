-- Lots over places and arms drawn elsewhere: who stands in which arm, frozen before the first message.

CREATE TABLE experiment (
    campaign_id BIGINT PRIMARY KEY,
    design TEXT NOT NULL,               -- lottery, waves: drawn here when planned; imported: drawn elsewhere
    unit TEXT NOT NULL,                 -- contact, household, place: what the lot was over
    measure_only SMALLINT NOT NULL,     -- 1: the arms decide nothing about messages
    hash TEXT NOT NULL,                 -- SHA-256 over the arms in order of unit
    drawn_at BIGINT NOT NULL,
    drawn_by TEXT NOT NULL
);

-- arm: 0 control, 1 treated; of waves: the number of the wave, from 1.
CREATE TABLE experiment_unit (
    campaign_id BIGINT NOT NULL,
    unit_id BIGINT NOT NULL,            -- place, or contact (each of a household)
    arm SMALLINT NOT NULL,
    stratum TEXT NOT NULL,
    PRIMARY KEY (campaign_id, unit_id)
);
