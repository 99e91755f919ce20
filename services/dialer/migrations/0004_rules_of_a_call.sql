-- What a call is for: `test` calls belong to no contact, `inbound` ones come from outside.
ALTER TABLE calls
    ADD COLUMN kind text NOT NULL DEFAULT 'campaign' CHECK (kind IN ('campaign', 'test', 'inbound')),
    -- from the permit: how long the call may last, and whether a callback came in time
    ADD COLUMN max_call_seconds integer,
    ADD COLUMN callback text,
    -- from the carrier: whether somebody on our side took the call; null: it did not say
    ADD COLUMN attended boolean,
    -- from the agent, words like the summary; `data` is `json`, for it keeps what the agent sent
    ADD COLUMN recording_url text,
    ADD COLUMN transcript_url text,
    ADD COLUMN data json;

-- How many test calls a workspace has asked for lately.
CREATE INDEX calls_of_tests ON calls (workspace, created_at) WHERE kind = 'test';

-- Why a contact is held back: the code of the permit's refusal; null: its call's facts are waited for.
ALTER TABLE queue ADD COLUMN hold_reason text;
