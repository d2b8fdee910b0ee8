-- What an outlet's change means for airings that are booked on it.
ALTER TABLE airing ADD COLUMN device TEXT;  -- the outlet's device when it was handed out; NULL: it was not
ALTER TABLE outlet ADD COLUMN unsettled SMALLINT NOT NULL DEFAULT 0;    -- 1: changed since its airings were looked at
CREATE INDEX outlet_unsettled ON outlet (id) WHERE unsettled = 1;
