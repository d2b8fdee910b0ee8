-- Airings to be taken back from the device that has them: 1 wanted, 2 the channel has been asked.
ALTER TABLE airing ADD COLUMN withdraw SMALLINT NOT NULL DEFAULT 0;
CREATE INDEX airing_withdraw ON airing (step_id) WHERE withdraw > 0;
