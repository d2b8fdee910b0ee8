-- Approval by several people, the first wave of a step, and money booked message by message.

-- Who wrote a campaign: everybody who ever applied a version of its file. None of them may approve it where two pairs of eyes are asked for.
CREATE TABLE campaign_author (
    campaign_id BIGINT NOT NULL REFERENCES campaign (id),
    who TEXT NOT NULL,
    PRIMARY KEY (campaign_id, who)
);
INSERT INTO campaign_author (campaign_id, who)
    SELECT DISTINCT g.id, a.who FROM audit a JOIN campaign g ON a.object = 'campaign ' || g.name WHERE a.verb = 'apply';

-- What somebody said yes to. Append-only, but for the two columns that end it.
CREATE TABLE approval (
    id @ID@,
    campaign_id BIGINT NOT NULL REFERENCES campaign (id),
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    basis TEXT NOT NULL,                -- SHA-256 over audience, content, time, channels and rules
    hash TEXT NOT NULL,                 -- SHA-256 over the basis and the figures below: what is shown
    messages BIGINT NOT NULL,
    units BIGINT NOT NULL,
    minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    reason TEXT,                        -- why, where the rules ask for it
    until_at BIGINT,                    -- NULL: does not lapse by itself
    void_at BIGINT,                     -- NULL: stands
    void_reason TEXT
);
CREATE INDEX approval_campaign ON approval (campaign_id);

-- The first wave of a step: 0 none, 1 out and the rest waits, 2 judged.
ALTER TABLE step ADD COLUMN wave_state SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE step ADD COLUMN wave_last BIGINT;  -- highest message id of the wave
ALTER TABLE step ADD COLUMN wave_at BIGINT;    -- when its last message was handed out; NULL: not yet

-- What the operator charges for this message, set when it is handed out, gone again when the operator did not take it.
ALTER TABLE message ADD COLUMN units SMALLINT;
ALTER TABLE message ADD COLUMN minor BIGINT;
