-- What a workspace has set. Written in the transaction of its facts; a workspace without a row has the defaults.
CREATE TABLE workspaces (
    workspace uuid PRIMARY KEY,
    -- counts the facts of its stream
    version bigint NOT NULL,
    settings_version integer NOT NULL,
    caps jsonb NOT NULL,
    retention_days integer NOT NULL,
    paused boolean NOT NULL,
    -- of the last pause, also when it is over: a permit from before it is void for good
    paused_at timestamptz
);

-- The calls that frequency caps count, under the number's keyed hash. `at`: from then on the phone did not begin to ring.
CREATE TABLE counted_calls (
    call_id uuid PRIMARY KEY,
    workspace uuid NOT NULL,
    number_hash bytea NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX counted_calls_of_number ON counted_calls (workspace, number_hash, at);
CREATE INDEX counted_calls_by_age ON counted_calls (at);

-- Persons whose data was asked to be erased. The number stays only while a call to it has to end first.
CREATE TABLE erasures (
    erasure_id uuid PRIMARY KEY,
    workspace uuid NOT NULL,
    number text,
    number_hash text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    done_at timestamptz,
    contacts integer NOT NULL DEFAULT 0,
    on_do_not_call_list boolean NOT NULL DEFAULT false,
    -- words of rejected file rows are looked through after the transaction, with these digits
    digits text
);
CREATE UNIQUE INDEX erasures_waiting ON erasures (workspace, number) WHERE number IS NOT NULL;
CREATE INDEX erasures_unswept ON erasures (requested_at) WHERE digits IS NOT NULL;

CREATE INDEX suppressions_lifted ON suppressions (workspace, number_hash) WHERE lifted_at IS NOT NULL;

-- Answers may hold numbers: those about a campaign go with it.
ALTER TABLE idempotency_keys ADD COLUMN campaign_id uuid;
CREATE INDEX idempotency_keys_of_campaign ON idempotency_keys (campaign_id) WHERE campaign_id IS NOT NULL;
