-- What comes back through the HTTP door: links, clicks, call-backs.

-- The addresses in a step's content, numbered; written when the step is planned.
CREATE TABLE link (
    step_id BIGINT NOT NULL,
    number SMALLINT NOT NULL,           -- 0..31, part of the code of a short link
    url TEXT NOT NULL,
    PRIMARY KEY (step_id, number)
);

-- Append-only, in the order of arrival. No index: counting folds it, in order, into click_first and click_count.
CREATE TABLE click (
    id @ID@,
    message_id BIGINT NOT NULL,
    link SMALLINT NOT NULL,             -- number of the link; -1: the message was opened
    at BIGINT NOT NULL,
    machine SMALLINT NOT NULL,          -- enum click_machine; 0: a person
    agent_hash BIGINT NOT NULL          -- of the User-Agent, to tell crowds of one program apart
);

-- The first time a person followed a link.
CREATE TABLE click_first (
    message_id BIGINT NOT NULL,
    link SMALLINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (message_id, link)
);

CREATE TABLE click_count (
    step_id BIGINT NOT NULL,
    link SMALLINT NOT NULL,
    people BIGINT NOT NULL DEFAULT 0,   -- messages whose receiver did it at least once
    human BIGINT NOT NULL DEFAULT 0,
    machine BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (step_id, link)
);

-- Call-backs of providers as they came, kept until somebody has worked them off and after.
CREATE TABLE hook (
    id @ID@,
    channel_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    remote TEXT NOT NULL,
    headers @JSON@ NOT NULL,            -- object name (lower case) -> value
    body @BLOB@ NOT NULL,
    done_at BIGINT                      -- NULL: waits
);
CREATE INDEX hook_open ON hook (channel_id, id) WHERE done_at IS NULL;
