-- A refusal from an address that no contact has is confirmed to that address.

ALTER TABLE message_text ADD COLUMN address TEXT;   -- where it goes when the ledger's recipient is nobody we know; NULL: to the contact
