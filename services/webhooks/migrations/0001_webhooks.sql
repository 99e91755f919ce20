-- Who wants to be told what, what is to be told, and how far the telling is.

-- The last applied position of each partition that is read.
CREATE TABLE positions (
    topic text NOT NULL,
    partition integer NOT NULL,
    log uuid NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- An address of a workspace. A deleted one stays until its deliveries are gone. No secret is kept: it is derived from the service's key, the id and `secret_version`.
CREATE TABLE webhooks (
    id uuid PRIMARY KEY,
    workspace uuid NOT NULL,
    address text NOT NULL,
    types text[] NOT NULL,
    description text NOT NULL,
    secret_version integer NOT NULL DEFAULT 1,
    rotated_at timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE UNIQUE INDEX webhooks_of_workspace ON webhooks (workspace, address) WHERE deleted_at IS NULL;
CREATE INDEX webhooks_deleted ON webhooks (deleted_at) WHERE deleted_at IS NOT NULL;

-- A fact that at least one webhook of its workspace wanted when it came, once for all of them.
CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace uuid NOT NULL,
    topic text NOT NULL,
    event_id text NOT NULL UNIQUE,
    position bigint NOT NULL,
    type text NOT NULL,
    subject uuid NOT NULL,
    at timestamptz NOT NULL,
    line text NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX events_by_position ON events (workspace, topic, position);
CREATE INDEX events_by_time ON events (workspace, at);
CREATE INDEX events_by_age ON events (stored_at);

CREATE TABLE replays (
    id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL REFERENCES webhooks,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    asked_for jsonb NOT NULL,
    deliveries integer NOT NULL
);
CREATE INDEX replays_of_webhook ON replays (webhook_id, asked_at DESC, id);

-- One fact for one webhook. Open: pending (not tried yet) and failed (tried, and tried again at `next_at`).
CREATE TABLE deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id uuid NOT NULL REFERENCES webhooks,
    event_id bigint NOT NULL REFERENCES events,
    subject uuid NOT NULL,
    replay_id uuid REFERENCES replays,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'failed', 'delivered', 'given_up')),
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    next_at timestamptz,
    last_attempt_at timestamptz,
    last_status_code integer,
    last_error text,
    last_response text,
    done_at timestamptz
);
CREATE INDEX deliveries_open ON deliveries (webhook_id, subject, id) WHERE status IN ('pending', 'failed');
CREATE INDEX deliveries_of_webhook ON deliveries (webhook_id, id DESC);
CREATE INDEX deliveries_of_campaign ON deliveries (webhook_id, subject, id DESC);
CREATE INDEX deliveries_of_status ON deliveries (webhook_id, status, id DESC);
CREATE INDEX deliveries_of_event ON deliveries (event_id);
CREATE INDEX deliveries_of_replay ON deliveries (replay_id) WHERE replay_id IS NOT NULL;
CREATE INDEX deliveries_by_age ON deliveries (done_at) WHERE done_at IS NOT NULL;

-- The queue of one campaign (or workspace) at one webhook: its open deliveries go out one after the other. One process
-- at a time holds a lane, until `held_until`; without open deliveries there is no row.
CREATE TABLE lanes (
    webhook_id uuid NOT NULL REFERENCES webhooks,
    subject uuid NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now(),
    holder uuid,
    held_until timestamptz,
    PRIMARY KEY (webhook_id, subject)
) WITH (fillfactor = 70);
CREATE INDEX lanes_due ON lanes (webhook_id, due_at);
