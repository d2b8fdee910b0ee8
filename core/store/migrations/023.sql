-- How early an outlet is given what it is to play.
ALTER TABLE outlet ADD COLUMN lead_hours BIGINT;    -- NULL: as the rules of outlets say for its kind of device
