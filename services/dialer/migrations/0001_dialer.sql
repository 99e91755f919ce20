-- What the dialer knows and owns. `campaigns`, `zone_lists` and the first half of `queue` are a fold of campaign-events;
-- `calls` and `outbox` are the dialer's own: what happened, and what it says of it.

CREATE TABLE log (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO log DEFAULT VALUES;

-- The last applied position of each partition that is read.
CREATE TABLE positions (
    topic text NOT NULL,
    partition integer NOT NULL,
    log uuid NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- Raised at each take-over of a partition: only the holder of the newest one asks and places.
CREATE TABLE epochs (
    partition integer PRIMARY KEY,
    epoch bigint NOT NULL DEFAULT 0
);
INSERT INTO epochs (partition) SELECT generate_series(0, 11);

CREATE TABLE campaigns (
    id uuid PRIMARY KEY,
    workspace uuid NOT NULL,
    partition integer NOT NULL,
    status text NOT NULL,
    settings jsonb NOT NULL,
    settings_version integer NOT NULL
);
CREATE INDEX campaigns_running ON campaigns (partition) WHERE status = 'running';

-- The distinct lists of candidate zones of a campaign's contacts: few, so the schedule is asked once per list.
CREATE TABLE zone_lists (
    campaign_id uuid NOT NULL,
    key bigint NOT NULL,
    zones text[] NOT NULL,
    PRIMARY KEY (campaign_id, key)
);

CREATE TABLE queue (
    campaign_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    -- from facts only
    zones_key bigint NOT NULL,
    status text NOT NULL,
    attempt integer NOT NULL,
    due_at timestamptz,
    added_at timestamptz NOT NULL,
    callable boolean NOT NULL,
    call_id uuid,
    changed_at timestamptz NOT NULL,
    -- local: not to be asked for again before, and the settings version under which it was said not to be callable
    hold_until timestamptz,
    not_callable_version integer,
    -- when it may be claimed; null: not before another fact
    claim_at timestamptz GENERATED ALWAYS AS (
        CASE
            WHEN callable AND (status = 'pending'
                               OR (status IN ('rescheduled', 'no_answer', 'voicemail') AND due_at IS NOT NULL))
            THEN greatest(coalesce(due_at, added_at), hold_until)
        END
    ) STORED,
    is_callback boolean GENERATED ALWAYS AS (status = 'rescheduled') STORED,
    PRIMARY KEY (campaign_id, contact_id)
);
CREATE INDEX queue_claims ON queue (campaign_id, zones_key, is_callback, claim_at) WHERE claim_at IS NOT NULL;
CREATE INDEX queue_in_progress ON queue (changed_at) WHERE status = 'in_progress';

CREATE TABLE calls (
    id uuid PRIMARY KEY,
    workspace uuid NOT NULL,
    campaign_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    partition integer NOT NULL,
    epoch bigint NOT NULL,
    attempt integer NOT NULL,
    settings_version integer NOT NULL,
    success_rule text NOT NULL,
    day date NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL CHECK (
        state IN ('asked', 'placing', 'unknown', 'placed', 'ringing', 'answered', 'ended', 'settled')
    ),
    -- from the permit; the evidence why this moment was allowed
    number text,
    caller_number text,
    agent_id text,
    ring_timeout_seconds integer,
    permit_ends_at timestamptz,
    not_after timestamptz,
    deciding_zones text[],
    window_until timestamptz,
    -- what the carrier says, in its own times
    started_at timestamptz,
    ringing_at timestamptz,
    answered_at timestamptz,
    answered_by text,
    answered_by_at timestamptz,
    ended_at timestamptz,
    duration_seconds double precision,
    sip_code integer,
    q850_cause integer,
    raw_reason text,
    retry_after_seconds double precision,
    -- what we and the agent say
    hangup_asked_at timestamptz,
    reported_at timestamptz,
    conversation text,
    callback_at timestamptz,
    summary text,
    given_outcome text,
    outcome text,
    settled_at timestamptz,
    -- when to look at it again, and how many looks in a row had no answer
    check_at timestamptz,
    checks integer NOT NULL DEFAULT 0,
    facts integer NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX calls_one_open_per_contact ON calls (contact_id) WHERE state <> 'settled';
CREATE INDEX calls_open ON calls (campaign_id) WHERE state <> 'settled';
CREATE INDEX calls_of_campaign ON calls (campaign_id, created_at, id);
CREATE INDEX calls_of_contact ON calls (contact_id, created_at, id);
CREATE INDEX calls_of_workspace ON calls (workspace, created_at, id);

-- Positions follow commit order: each insert holds an advisory lock until its commit. Rows are kept, they are the log.
CREATE TABLE outbox (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace uuid NOT NULL,
    campaign_id uuid NOT NULL,
    call_id uuid,
    stream_version integer NOT NULL,
    type text NOT NULL,
    fact jsonb NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- How far the outbox is published, and the last published position of each Kafka partition.
CREATE TABLE relay (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL DEFAULT 0,
    priors bigint[] NOT NULL DEFAULT array_fill(0::bigint, ARRAY[12])
);
INSERT INTO relay DEFAULT VALUES;
