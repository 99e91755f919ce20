-- W3C trace contexts: of what placed a call, and of what a fact came from. Null where nobody traces.
ALTER TABLE calls ADD COLUMN traceparent text;
ALTER TABLE outbox ADD COLUMN traceparent text;
