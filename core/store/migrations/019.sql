-- Accounts in networks, and what the networks count.

ALTER TABLE channel ADD COLUMN account TEXT; -- from the manifest: the attribute of contacts that the channel writes to; NULL: none

-- The newest figure of each name that a network told of a message.
CREATE TABLE message_figure (
    message_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    value BIGINT,                       -- NULL: the network does not give it
    at BIGINT NOT NULL,
    PRIMARY KEY (message_id, name)
);

-- A way to find contacts by an account, made from their attributes (core/audience/account.c); what counts are those.
CREATE TABLE contact_account (
    name TEXT NOT NULL,                 -- of the attribute
    account TEXT NOT NULL,
    contact_id BIGINT NOT NULL,
    PRIMARY KEY (name, account, contact_id)
);
