-- Airtime: what is booked on which outlet, and what the planner could not place.

-- One booked broadcast. Its ledger row is step_id << 43 | 1 << 42 | id << 4 | generation.
CREATE TABLE airing (
    id @ID@,
    campaign_id BIGINT NOT NULL REFERENCES campaign (id),
    position INTEGER NOT NULL,          -- of its step in the file, and which occurrence: so that what a commune decided outlives planning
    occurrence INTEGER NOT NULL,        -- again
    step_id BIGINT,                     -- NULL while its campaign is not planned
    outlet_id BIGINT NOT NULL REFERENCES outlet (id),
    recording_id BIGINT NOT NULL REFERENCES recording (id),
    start_at BIGINT NOT NULL,           -- 0: an emergency that begins with its step
    ends_at BIGINT NOT NULL,            -- the last moment it may begin
    seconds INTEGER NOT NULL,
    priority SMALLINT NOT NULL,         -- enum airtime_priority: 1 normal, 2 priority, 3 emergency
    state SMALLINT NOT NULL,            -- enum airing_state: 0 offered, 1 approved, 2 declined
    clash SMALLINT NOT NULL DEFAULT 0,  -- 1: placed over what others have; approved only when the commune makes room
    decided_by TEXT,
    decided_at BIGINT,
    reason TEXT,                        -- why declined or moved, in words
    resumed_of BIGINT,                  -- the airing an emergency cut off, of which this is the repeat
    played_at BIGINT,                   -- as run, by the clock of the program; NULL: not known to have begun
    played_ms BIGINT,                   -- how much of it was heard
    confirmed_by TEXT,                  -- a person who says that it was played
    confirmed_at BIGINT
);
CREATE INDEX airing_outlet ON airing (outlet_id, start_at);
CREATE INDEX airing_campaign ON airing (campaign_id, position, occurrence);

-- Airings that were asked for and have no place.
CREATE TABLE airing_refusal (
    campaign_id BIGINT NOT NULL REFERENCES campaign (id),
    step_id BIGINT NOT NULL,
    outlet_id BIGINT NOT NULL REFERENCES outlet (id),
    day TEXT NOT NULL,                  -- local date
    asked INTEGER NOT NULL,
    got INTEGER NOT NULL,
    reason TEXT NOT NULL,               -- word of enum airtime_reason
    by_airing BIGINT,                   -- the first that stands in the way; NULL: others of the same plan, or nobody
    PRIMARY KEY (step_id, outlet_id, day)
);
CREATE INDEX airing_refusal_outlet ON airing_refusal (outlet_id, day);
