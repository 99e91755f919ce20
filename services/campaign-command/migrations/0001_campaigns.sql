-- The event table is the outbox: positions (notification_id) follow commit order, because each transaction that
-- appends holds the append lock to its end. Everything else here is written in the transaction of the facts.

CREATE TYPE stored_event_uuid AS (originator_id uuid, originator_version bigint, topic text, state bytea);

CREATE TABLE campaign_command_events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text,
    state bytea,
    notification_id bigserial,
    PRIMARY KEY (originator_id, originator_version)
) WITH (autovacuum_vacuum_threshold = 100000000, autovacuum_vacuum_scale_factor = 0.5,
        autovacuum_analyze_threshold = 1000, autovacuum_analyze_scale_factor = 0.01);
CREATE UNIQUE INDEX campaign_command_events_notification_id_idx ON campaign_command_events (notification_id);

-- One row: the identity of this log. A restored or new database is another log.
CREATE TABLE log (log uuid PRIMARY KEY DEFAULT gen_random_uuid(), only_one boolean UNIQUE DEFAULT true CHECK (only_one));
INSERT INTO log DEFAULT VALUES;

-- Which facts belong to a campaign, in order, whatever stream they stand in.
CREATE TABLE campaign_facts (
    campaign_id uuid NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (campaign_id, position)
);

-- What the relay has published. `published` is one position for all; `priors` the last one per Kafka partition.
CREATE TABLE relay (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    published bigint NOT NULL DEFAULT 0,
    priors jsonb NOT NULL DEFAULT '{}'
);
INSERT INTO relay DEFAULT VALUES;

-- The last applied position of each partition of call-events, moved in the transaction of its effect.
CREATE TABLE positions (
    topic text NOT NULL,
    partition integer NOT NULL,
    log uuid NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- A campaign: what is needed to find it and to decide set-wise about its contacts. Its stream is the truth.
CREATE TABLE campaigns (
    campaign_id uuid PRIMARY KEY,
    workspace uuid NOT NULL,
    status text NOT NULL,
    type text NOT NULL,
    max_attempts integer NOT NULL,
    settings_version integer NOT NULL DEFAULT 1,
    list_version bigint NOT NULL DEFAULT 0,
    position bigint NOT NULL,
    ends_at timestamptz,
    deleted boolean NOT NULL DEFAULT false
);
CREATE INDEX campaigns_ending ON campaigns (ends_at) WHERE status = 'running' AND ends_at IS NOT NULL;
CREATE INDEX campaigns_deleted ON campaigns (campaign_id) WHERE deleted;

-- A contact: its snapshot (equal to the fold of the log) and its details, which never leave this service but in a permit.
CREATE TABLE contacts (
    contact_id uuid PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    workspace uuid NOT NULL,
    campaign_id uuid NOT NULL,
    number text NOT NULL,
    first_name text,
    last_name text,
    name text,
    email text,
    external_id text,
    consent_basis text,
    consent_at text,
    consent_source text,
    variables jsonb NOT NULL DEFAULT '{}',
    time_zones text[] NOT NULL,
    zone_source text NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    status text NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    reason text,
    due_at timestamptz,
    tries jsonb NOT NULL DEFAULT '{}',
    callable boolean NOT NULL DEFAULT true,
    not_callable_reason text,
    not_callable_under integer,
    reached_by uuid,
    call jsonb,
    -- The file it came with, and the line: how a later row of that file finds the line it repeats.
    import_id uuid,
    import_line bigint,
    added_at timestamptz NOT NULL DEFAULT now()
);
-- Each number once a campaign; the operator class also gives numbers by their beginning, in order.
CREATE UNIQUE INDEX contacts_once ON contacts (campaign_id, number text_pattern_ops);
CREATE INDEX contacts_in_order ON contacts (campaign_id, seq);
CREATE INDEX contacts_by_status ON contacts (campaign_id, status, seq);
CREATE INDEX contacts_by_number ON contacts (workspace, number);
-- Found not callable under some version of the settings; looked at again under the next.
CREATE INDEX contacts_not_callable ON contacts (campaign_id, not_callable_under) WHERE NOT callable;
-- What may be open; the few columns let completion be decided from the index.
CREATE INDEX contacts_open ON contacts (campaign_id, status, attempt)
    WHERE status = 'in_progress'
       OR (callable AND (status IN ('pending', 'rescheduled') OR (status IN ('no_answer', 'voicemail') AND due_at IS NOT NULL)));

-- How many contacts of each status a campaign has, kept by the transactions that change them.
CREATE TABLE contact_counts (
    campaign_id uuid NOT NULL,
    status text NOT NULL,
    contacts bigint NOT NULL,
    PRIMARY KEY (campaign_id, status)
) WITH (fillfactor = 50);

-- One live call a number in the workspace. Outlives a deleted campaign; ends with the final report or the deadline.
CREATE TABLE live_calls (
    call_id uuid PRIMARY KEY,
    workspace uuid NOT NULL,
    number text NOT NULL,
    campaign_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    attempt integer NOT NULL,
    settings_version integer NOT NULL,
    campaign_version bigint NOT NULL,
    caller_number text NOT NULL,
    granted_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    deadline_at timestamptz NOT NULL,
    reported boolean NOT NULL DEFAULT false,
    UNIQUE (workspace, number)
);
CREATE INDEX live_calls_unreported ON live_calls (campaign_id, expires_at) WHERE NOT reported;
CREATE INDEX live_calls_deadline ON live_calls (deadline_at);

-- Who must not be called. The number is kept while the entry stands; a lifted one keeps only the keyed hash.
CREATE TABLE suppressions (
    suppression_id uuid PRIMARY KEY,
    version bigint NOT NULL DEFAULT 1,
    workspace uuid NOT NULL,
    number text,
    number_hash text NOT NULL,
    scope uuid,
    source text NOT NULL,
    reason text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    lifted_at timestamptz
);
CREATE INDEX suppressions_by_number ON suppressions (workspace, number) WHERE lifted_at IS NULL;
CREATE INDEX suppressions_in_order ON suppressions (workspace, created_at, suppression_id);
CREATE UNIQUE INDEX suppressions_once ON suppressions (workspace, number, coalesce(scope, workspace)) WHERE lifted_at IS NULL;

-- Answers kept for 24 hours under the client's Idempotency-Key, stored in the transaction of the effect.
CREATE TABLE idempotency_keys (
    workspace uuid NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status integer NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
