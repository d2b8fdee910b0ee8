-- Email addresses are compared without regard to case: suppressions stand in small letters, and contacts whose address has a capital
-- letter are found by an index of their own, which is small.

DELETE FROM suppression WHERE kind = 'email' AND address NOT IN (
    SELECT max(address) FROM suppression WHERE kind = 'email' GROUP BY lower(address));
UPDATE suppression SET address = lower(address) WHERE kind = 'email' AND address <> lower(address);
CREATE INDEX contact_email_mixed ON contact (lower(email)) WHERE email <> lower(email);
