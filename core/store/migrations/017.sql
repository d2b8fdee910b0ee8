-- Who has died, by the registry: gets no message any more.
ALTER TABLE contact ADD COLUMN died_on TEXT;    -- date of the event; NULL: not known to have died
UPDATE contact SET died_on = (SELECT max(e.event_date) FROM enrolment e WHERE e.contact_id = contact.id AND e.event = 'died')
WHERE id IN (SELECT e.contact_id FROM enrolment e WHERE e.event = 'died' AND NOT EXISTS (SELECT 1 FROM enrolment l
    WHERE l.contact_id = e.contact_id AND l.event IN ('new', 'returned', 'renewed') AND l.event_date > e.event_date));
