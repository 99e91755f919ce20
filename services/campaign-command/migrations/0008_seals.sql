-- The chain of digests over the event table, a chunk a row. `up_to` is the chunk's last position; `facts` counts all
-- that are sealed, and `digest` covers the digest before it. `prior` allows one successor to each chunk only.
CREATE TABLE seals (
    up_to bigint PRIMARY KEY,
    prior bigint NOT NULL UNIQUE,
    facts bigint NOT NULL,
    digest bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- How far the log was published again into a topic, so that a backfill that was interrupted goes on.
CREATE TABLE backfills (
    topic text PRIMARY KEY,
    source text NOT NULL,
    first bigint NOT NULL,
    up_to bigint NOT NULL,
    done bigint NOT NULL,
    priors jsonb NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now()
);
