-- The newest consent of a person is the first found; nobody sorts.

DROP INDEX consent_contact;
CREATE INDEX consent_contact ON consent (contact_id, at, id);
