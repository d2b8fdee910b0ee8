-- Which parts of a long message have arrived, by the operator's number of the part; only of receipts that name nothing else.

CREATE TABLE receipt_part (
    message_id BIGINT NOT NULL,
    key BIGINT NOT NULL,                -- as in provider_ref
    PRIMARY KEY (message_id, key)
);
