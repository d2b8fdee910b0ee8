-- What people say back, and what was answered.

-- Everything a person said back, as it came. What a keyword rule settled is closed; the rest is open until staff close it.
CREATE TABLE inbound (
    id @ID@,
    at BIGINT NOT NULL,
    channel_id BIGINT NOT NULL,
    address TEXT,                       -- normal form of contact addresses when it has one, else as it came
    contact_id BIGINT,                  -- NULL: nobody we know
    message_id BIGINT,                  -- what it answers, when that is known
    kind TEXT NOT NULL,                 -- message, opt_out, complaint
    act TEXT NOT NULL,                  -- of the keyword rule: opt_out, interest, help; else empty
    text TEXT NOT NULL,
    state SMALLINT NOT NULL,            -- enum inbox_state: 0 open, 1 answered, 2 closed
    assigned TEXT,                      -- who looks after it
    note TEXT                           -- why it is open though a rule fitted
);
CREATE INDEX inbound_open ON inbound (id) WHERE state = 0;
CREATE INDEX inbound_address ON inbound (address, at);

-- What staff did with it. Append-only.
CREATE TABLE inbound_act (
    id @ID@,
    inbound_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    verb TEXT NOT NULL,                 -- answer, answer_by_hand, close, assign
    text TEXT,
    message_id BIGINT                   -- the answer in the ledger
);
CREATE INDEX inbound_act_inbound ON inbound_act (inbound_id);

-- What a person made known: interest, a refusal, a complaint.
CREATE TABLE contact_event (
    id @ID@,
    contact_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,                 -- interest, opt_out, complaint
    channel TEXT NOT NULL,              -- kind of the channel it came by
    text TEXT NOT NULL,
    message_id BIGINT,                  -- what it answers, when that is known
    inbound_id BIGINT
);
CREATE INDEX contact_event_contact ON contact_event (contact_id);

-- The text of a ledger message that has one of its own: confirmations and answers to one person.
CREATE TABLE message_text (
    message_id BIGINT PRIMARY KEY,
    text TEXT NOT NULL
);
