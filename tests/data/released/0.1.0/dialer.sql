--
-- PostgreSQL database dump
--


-- Dumped from database version 18.6
-- Dumped by pg_dump version 18.6

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: calls; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.calls (
    id uuid NOT NULL,
    workspace uuid NOT NULL,
    campaign_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    partition integer NOT NULL,
    epoch bigint NOT NULL,
    attempt integer NOT NULL,
    settings_version integer NOT NULL,
    success_rule text NOT NULL,
    day date NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    state text NOT NULL,
    number text,
    caller_number text,
    agent_id text,
    ring_timeout_seconds integer,
    permit_ends_at timestamp with time zone,
    not_after timestamp with time zone,
    deciding_zones text[],
    window_until timestamp with time zone,
    started_at timestamp with time zone,
    ringing_at timestamp with time zone,
    answered_at timestamp with time zone,
    answered_by text,
    answered_by_at timestamp with time zone,
    ended_at timestamp with time zone,
    duration_seconds double precision,
    sip_code integer,
    q850_cause integer,
    raw_reason text,
    retry_after_seconds double precision,
    hangup_asked_at timestamp with time zone,
    reported_at timestamp with time zone,
    conversation text,
    callback_at timestamp with time zone,
    summary text,
    given_outcome text,
    outcome text,
    settled_at timestamp with time zone,
    check_at timestamp with time zone,
    checks integer DEFAULT 0 NOT NULL,
    facts integer DEFAULT 0 NOT NULL,
    number_hash text,
    forgotten_at timestamp with time zone,
    CONSTRAINT calls_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'placing'::text, 'unknown'::text, 'placed'::text, 'ringing'::text, 'answered'::text, 'ended'::text, 'settled'::text])))
);


--
-- Name: campaigns; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.campaigns (
    id uuid NOT NULL,
    workspace uuid NOT NULL,
    partition integer NOT NULL,
    status text NOT NULL,
    settings jsonb NOT NULL,
    settings_version integer NOT NULL
);


--
-- Name: epochs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.epochs (
    partition integer NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL
);


--
-- Name: log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.log (
    one boolean DEFAULT true NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT log_one_check CHECK (one)
);


--
-- Name: migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.migrations (
    number integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: outbox; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox (
    "position" bigint NOT NULL,
    workspace uuid NOT NULL,
    campaign_id uuid NOT NULL,
    call_id uuid,
    stream_version integer NOT NULL,
    type text NOT NULL,
    fact jsonb NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);


--
-- Name: outbox_position_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.outbox ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: positions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.positions (
    topic text NOT NULL,
    partition integer NOT NULL,
    log uuid NOT NULL,
    "position" bigint NOT NULL
);


--
-- Name: queue; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.queue (
    campaign_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    zones_key bigint NOT NULL,
    status text NOT NULL,
    attempt integer NOT NULL,
    due_at timestamp with time zone,
    added_at timestamp with time zone NOT NULL,
    callable boolean NOT NULL,
    call_id uuid,
    changed_at timestamp with time zone NOT NULL,
    hold_until timestamp with time zone,
    not_callable_version integer,
    claim_at timestamp with time zone GENERATED ALWAYS AS (
CASE
    WHEN (callable AND ((status = 'pending'::text) OR ((status = ANY (ARRAY['rescheduled'::text, 'no_answer'::text, 'voicemail'::text])) AND (due_at IS NOT NULL)))) THEN GREATEST(COALESCE(due_at, added_at), hold_until)
    ELSE NULL::timestamp with time zone
END) STORED,
    is_callback boolean GENERATED ALWAYS AS ((status = 'rescheduled'::text)) STORED
);


--
-- Name: relay; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.relay (
    one boolean DEFAULT true NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL,
    priors bigint[] DEFAULT array_fill((0)::bigint, ARRAY[12]) NOT NULL,
    CONSTRAINT relay_one_check CHECK (one)
);


--
-- Name: wordless_campaigns; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.wordless_campaigns (
    campaign_id uuid NOT NULL,
    deleted_at timestamp with time zone DEFAULT now() NOT NULL,
    swept boolean DEFAULT false NOT NULL
);


--
-- Name: workspaces; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.workspaces (
    workspace uuid NOT NULL,
    paused boolean DEFAULT false NOT NULL,
    retention_days integer DEFAULT 1826 NOT NULL
);


--
-- Name: zone_lists; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.zone_lists (
    campaign_id uuid NOT NULL,
    key bigint NOT NULL,
    zones text[] NOT NULL
);


--
-- Data for Name: calls; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.calls VALUES ('897b248b-1354-4737-934a-640ebb08d7f4', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-bdaa-98b3e9ca7233', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.028883+00', 'settled', '+33199009902', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.024375+00', '2026-11-25 16:32:43.024375+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.101664+00', '2026-11-25 16:32:41.101972+00', '2026-11-25 16:32:41.119461+00', 'human', '2026-11-25 16:32:41.147091+00', '2026-11-25 16:32:41.609496+00', 0.490035, 200, 16, 'Normal call clearing', NULL, NULL, '2026-11-25 16:32:41.566279+00', 'do_not_call', NULL, 'The person asked not to be called again.', NULL, 'human', '2026-11-25 16:32:41.615671+00', NULL, 0, 3, '48ca129f0f497639bd8d47ea6d312479f153985b0dc545b18826aaa960e18123', NULL);
INSERT INTO public.calls VALUES ('49d2ccd7-232a-4963-823c-fa81e94cdeb4', '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-a6da-3428a0e5fe60', 0, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.174274+00', 'settled', '+33199009930', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.174197+00', '2026-11-25 16:32:43.174197+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.237225+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:41.243711+00', NULL, 486, 17, 'Busy Here', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'busy', '2026-11-25 16:32:41.277292+00', NULL, 0, 2, '14e0df3557264ecb37480b0b444961f87d12ca80aabc0f3fc3564af64656faf6', NULL);
INSERT INTO public.calls VALUES ('ccf7584c-9677-4f5e-870c-8dbb4e3feaca', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9454-9340b1e96cb1', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.028883+00', 'settled', '+33199009910', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.024375+00', '2026-11-25 16:32:43.024375+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.102278+00', '2026-11-25 16:32:41.102463+00', '2026-11-25 16:32:41.130407+00', 'machine', '2026-11-25 16:32:41.147106+00', '2026-11-25 16:32:41.229496+00', 0.099089, 200, 16, 'Normal call clearing', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'machine', '2026-11-25 16:32:41.277526+00', NULL, 0, 3, '6cc00ab56d0f9d7fa40d7d04871bd878c9b4ef1dc3774414255ed23c1e6f1230', NULL);
INSERT INTO public.calls VALUES ('b18dce8b-40a6-4da4-8baf-86d1c085a35b', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-bc57-d1c0a5e43540', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.028883+00', 'settled', '+33199009920', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.024375+00', '2026-11-25 16:32:43.024375+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.102659+00', '2026-11-25 16:32:41.102768+00', NULL, NULL, NULL, '2026-11-25 16:32:41.302702+00', NULL, 487, 19, 'ring timeout', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'no_answer', '2026-11-25 16:32:41.314919+00', NULL, 0, 2, '186a0b44b9fe7ff0e06ccbcd9a2786fdf8be93169508ba69f40a40b18f3dc4bd', NULL);
INSERT INTO public.calls VALUES ('d3af4435-6dc4-4000-aa0e-73fe3614bade', '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-8711-b48792e6791d', 0, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.174274+00', 'settled', '+33199009950', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.174197+00', '2026-11-25 16:32:43.174197+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.238579+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:41.251674+00', NULL, 404, 1, 'Not Found', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'invalid_number', '2026-11-25 16:32:41.315018+00', NULL, 0, 2, '1598dcd5a15c11bc643b0edba9d357e5b394d6b5e9936eba120e9aac1a88e2bf', NULL);
INSERT INTO public.calls VALUES ('f2d0f3e2-4acb-4bcb-985e-4dd8948874fa', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9ef7-5c01f613febe', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.028883+00', 'settled', '+33199009900', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.024375+00', '2026-11-25 16:32:43.024375+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.091549+00', '2026-11-25 16:32:41.092196+00', '2026-11-25 16:32:41.117154+00', 'human', '2026-11-25 16:32:41.147074+00', '2026-11-25 16:32:41.422119+00', 0.304965, 200, 16, 'Normal call clearing', NULL, NULL, '2026-11-25 16:32:41.397127+00', 'goal_met', NULL, 'The person agreed.', NULL, 'human', '2026-11-25 16:32:41.452836+00', NULL, 0, 3, '9ad0f6541596b5ee40228edc1517ba3c67d6b9038ffbe7784d8dd55df87d8689', NULL);
INSERT INTO public.calls VALUES ('2979511d-d26b-4cb2-8f8a-02ae445cc3f1', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-b495-77f9ad5b459c', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.312078+00', 'settled', '+33199009930', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.298537+00', '2026-11-25 16:32:43.298537+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.481564+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:41.491027+00', NULL, 486, 17, 'Busy Here', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'busy', '2026-11-25 16:32:41.518504+00', NULL, 0, 2, '14e0df3557264ecb37480b0b444961f87d12ca80aabc0f3fc3564af64656faf6', NULL);
INSERT INTO public.calls VALUES ('3da948ff-0b6b-49d2-83d3-f4e4dcf96291', '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-8fdd-3b3ddf99eb6c', 0, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.297963+00', 'settled', '+33199019910', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.29788+00', '2026-11-25 16:32:43.29788+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.352912+00', '2026-11-25 16:32:41.353177+00', '2026-11-25 16:32:41.392207+00', 'machine', '2026-11-25 16:32:41.406281+00', '2026-11-25 16:32:41.502723+00', 0.110516, 200, 16, 'Normal call clearing', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'machine', '2026-11-25 16:32:41.51863+00', NULL, 0, 3, '28bc975d5f38f2197d516c10931162da3080bb779453ec082dec0ea7b5a01548', NULL);
INSERT INTO public.calls VALUES ('6d5c8072-dbed-4f36-a047-89cfc81dbd31', '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-aeb7-3f0781853bbe', 0, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.174274+00', 'settled', '+33199019901', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.174197+00', '2026-11-25 16:32:43.174197+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.241105+00', '2026-11-25 16:32:41.241268+00', '2026-11-25 16:32:41.278143+00', 'human', '2026-11-25 16:32:41.302586+00', '2026-11-25 16:32:41.49115+00', 0.213007, 200, 16, 'Normal call clearing', NULL, NULL, '2026-11-25 16:32:41.472619+00', 'goal_not_met', NULL, 'The person was not interested.', NULL, 'human', '2026-11-25 16:32:41.518705+00', NULL, 0, 3, '2c0eb73f4e3535101b7d4501363527b00245a93202791b08612a0f9a1c28aa66', NULL);
INSERT INTO public.calls VALUES ('89a20a20-eb82-4354-beaf-693166a53401', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-b8cc-c4f082a6f6eb', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.028883+00', 'settled', '+33199009901', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.024375+00', '2026-11-25 16:32:43.024375+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.100862+00', '2026-11-25 16:32:41.101286+00', '2026-11-25 16:32:41.122129+00', 'human', '2026-11-25 16:32:41.146974+00', '2026-11-25 16:32:41.497362+00', 0.375233, 200, 16, 'Normal call clearing', NULL, NULL, '2026-11-25 16:32:41.462413+00', 'goal_not_met', NULL, 'The person was not interested.', NULL, 'human', '2026-11-25 16:32:41.518779+00', NULL, 0, 3, 'dfefec125eb667bd16abdfabd10f9ac57d39bd58eb32f588c6de2069acee9b82', NULL);
INSERT INTO public.calls VALUES ('9a02ddda-1f4c-4922-a033-863f613f6fbe', '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-9d71-e1d5698cf810', 0, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.174274+00', 'settled', '+33199019902', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.174197+00', '2026-11-25 16:32:43.174197+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.243361+00', '2026-11-25 16:32:41.243593+00', '2026-11-25 16:32:41.270662+00', 'human', '2026-11-25 16:32:41.294135+00', '2026-11-25 16:32:41.583806+00', 0.313144, 200, 16, 'Normal call clearing', NULL, NULL, '2026-11-25 16:32:41.554185+00', 'do_not_call', NULL, 'The person asked not to be called again.', NULL, 'human', '2026-11-25 16:32:41.615793+00', NULL, 0, 3, '317422243ebe76c1bc2c2bfe71549e765ad4af89b741466ae412d6b17563cb7b', NULL);
INSERT INTO public.calls VALUES ('4536c3e2-cb02-46f3-86ee-52dca493318f', '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-b780-cf62d34420ba', 0, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.174274+00', 'settled', '+33199019900', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.174197+00', '2026-11-25 16:32:43.174197+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.239649+00', '2026-11-25 16:32:41.239846+00', '2026-11-25 16:32:41.270488+00', 'human', '2026-11-25 16:32:41.281381+00', '2026-11-25 16:32:41.749008+00', 0.47852, 200, 16, 'Normal call clearing', NULL, NULL, '2026-11-25 16:32:41.703839+00', 'goal_met', NULL, 'The person agreed.', NULL, 'human', '2026-11-25 16:32:41.785177+00', NULL, 0, 3, 'a221c9b7512cc4384072c0d9fb684cb5b45350f46f293616e01c0e0e1c0b6514', NULL);
INSERT INTO public.calls VALUES ('4d410d6f-54ce-4439-86bf-90119bde4bb5', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-a3a6-45b60a031514', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:42.038673+00', 'settled', '+33199029901', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:44.038592+00', '2026-11-25 16:32:44.038592+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:42.073842+00', '2026-11-25 16:32:42.074104+00', '2026-11-25 16:32:42.107851+00', 'human', '2026-11-25 16:32:42.130757+00', '2026-11-25 16:32:42.398574+00', 0.290723, 200, 16, 'Normal call clearing', NULL, NULL, '2026-11-25 16:32:42.370439+00', 'goal_not_met', NULL, 'The person was not interested.', NULL, 'human', '2026-11-25 16:32:42.421225+00', NULL, 0, 3, '5eab2012cc5cc6682d7905c3d43cab85b2abc5935d7beb52665f91f753b8a501', NULL);
INSERT INTO public.calls VALUES ('9b13115d-9c62-4242-9e1d-5954110478b5', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-a4fa-15e5fbd80c2e', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:42.218148+00', 'settled', '+33199029950', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:44.218041+00', '2026-11-25 16:32:44.218041+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:42.255833+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:42.265306+00', NULL, 404, 1, 'Not Found', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'invalid_number', '2026-11-25 16:32:42.28762+00', NULL, 0, 2, '25808d08d8c37a304b4e5d04b77586f5de6e7b7b0e1eb52106ba282f59a69dd7', NULL);
INSERT INTO public.calls VALUES ('8f5e4c4e-68da-4ab7-bf9e-157f1a5be413', '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-8c7d-c98394bcda39', 0, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.724231+00', 'settled', '+33199029900', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.72414+00', '2026-11-25 16:32:43.72414+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.873467+00', '2026-11-25 16:32:41.873711+00', '2026-11-25 16:32:41.917627+00', 'human', '2026-11-25 16:32:41.940241+00', '2026-11-25 16:32:42.451442+00', 0.533815, 200, 16, 'Normal call clearing', NULL, NULL, '2026-11-25 16:32:42.397899+00', 'goal_met', NULL, 'The person agreed.', NULL, 'human', '2026-11-25 16:32:42.474879+00', NULL, 0, 3, '535b6a54dba74a701d47cfa8bfe91c0913b6e88f0d71379db346a8cdadc3dae7', NULL);
INSERT INTO public.calls VALUES ('650b4e09-dc0c-437c-9ccd-6eb74d49504b', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9f4a-7c017976f200', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:42.520366+00', 'settled', '+33199039900', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:44.520285+00', '2026-11-25 16:32:44.520285+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:42.54628+00', '2026-11-25 16:32:42.546618+00', '2026-11-25 16:32:42.563965+00', 'human', '2026-11-25 16:32:42.589283+00', '2026-11-25 16:32:43.045447+00', 0.481482, 200, 16, 'Normal call clearing', NULL, NULL, '2026-11-25 16:32:42.998874+00', 'goal_met', NULL, 'The person agreed.', NULL, 'human', '2026-11-25 16:32:43.069151+00', NULL, 0, 3, 'ca253b48ad5259fbb1b1f216ff5afd06a22306ff7d9075435f81d9f232f07894', NULL);
INSERT INTO public.calls VALUES ('8474f3e9-4dcf-4db6-8546-b519559aaffc', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-942d-7f21ac600912', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.537689+00', 'settled', '+33199009950', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.534756+00', '2026-11-25 16:32:43.534756+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.624968+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:41.634081+00', NULL, 404, 1, 'Not Found', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'invalid_number', '2026-11-25 16:32:41.664887+00', NULL, 0, 2, '1598dcd5a15c11bc643b0edba9d357e5b394d6b5e9936eba120e9aac1a88e2bf', NULL);
INSERT INTO public.calls VALUES ('5fc564bf-6d38-43ca-8397-97e26281daba', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-a895-b8787198d8b7', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.706422+00', 'settled', '+33199019910', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.687604+00', '2026-11-25 16:32:43.687604+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.820859+00', '2026-11-25 16:32:41.821137+00', '2026-11-25 16:32:41.863875+00', 'machine', '2026-11-25 16:32:41.882952+00', '2026-11-25 16:32:41.988598+00', 0.124723, 200, 16, 'Normal call clearing', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'machine', '2026-11-25 16:32:42.01031+00', NULL, 0, 3, '28bc975d5f38f2197d516c10931162da3080bb779453ec082dec0ea7b5a01548', NULL);
INSERT INTO public.calls VALUES ('4fa0cca4-1a60-4782-a135-20529981e108', '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-a838-0eb11bdfc8b1', 0, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.568071+00', 'settled', '+33199019950', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.567982+00', '2026-11-25 16:32:43.567982+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.671748+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:41.684254+00', NULL, 404, 1, 'Not Found', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'invalid_number', '2026-11-25 16:32:41.744078+00', NULL, 0, 2, '473317b6349d8fd8047fafea37d90098680677fb66c31013032073f20309feea', NULL);
INSERT INTO public.calls VALUES ('9c68f486-f201-4c57-adff-9f9d88be7c43', '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-86ba-bae639e9fb3c', 0, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.568071+00', 'settled', '+33199019930', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.567982+00', '2026-11-25 16:32:43.567982+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.670895+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:41.676758+00', NULL, 486, 17, 'Busy Here', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'busy', '2026-11-25 16:32:41.744192+00', NULL, 0, 2, 'f8f3ed5851d6b6c6a18996be28f13906780bb98a335e86320a95384405a11013', NULL);
INSERT INTO public.calls VALUES ('e83a3673-9fb5-49be-aee8-1cbcf8c1a43b', '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-b6d5-ac19bb7132f4', 0, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.407975+00', 'settled', '+33199019920', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.407878+00', '2026-11-25 16:32:43.407878+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.510192+00', '2026-11-25 16:32:41.510408+00', NULL, NULL, NULL, '2026-11-25 16:32:41.710214+00', NULL, 487, 19, 'ring timeout', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'no_answer', '2026-11-25 16:32:41.744255+00', NULL, 0, 2, 'f264eed4314ee75298c6713a75fb62961410f73d1234820bba3094aec023cb48', NULL);
INSERT INTO public.calls VALUES ('75cfbab2-c7d6-4622-98de-f913623d15d9', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-a110-671131198649', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:41.877917+00', 'settled', '+33199019950', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:43.877767+00', '2026-11-25 16:32:43.877767+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:41.987941+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:41.999991+00', NULL, 404, 1, 'Not Found', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'invalid_number', '2026-11-25 16:32:42.010416+00', NULL, 0, 2, '473317b6349d8fd8047fafea37d90098680677fb66c31013032073f20309feea', NULL);
INSERT INTO public.calls VALUES ('4eb109d1-b92b-4b8c-83d6-bd937ec50317', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9053-03812b9493af', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:42.139164+00', 'settled', '+33199029930', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:44.127736+00', '2026-11-25 16:32:44.127736+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:42.188778+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:42.188778+00', NULL, 486, 17, 'Busy Here', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'busy', '2026-11-25 16:32:42.198213+00', NULL, 0, 2, '7dc0bcd63d0ba20f3384d0ffd9c8d8429f9c244e34a6b6b640ab0c1543d23b8a', NULL);
INSERT INTO public.calls VALUES ('3f929088-e609-4b1c-b64b-357af695af8e', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-a0dc-7e854c20e6a9', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:42.991451+00', 'settled', '+33199039910', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:44.99137+00', '2026-11-25 16:32:44.99137+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:43.022265+00', '2026-11-25 16:32:43.022528+00', '2026-11-25 16:32:43.07233+00', 'machine', '2026-11-25 16:32:43.091608+00', '2026-11-25 16:32:43.152137+00', 0.079807, 200, 16, 'Normal call clearing', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'machine', '2026-11-25 16:32:43.174386+00', NULL, 0, 3, '5f30b47fbc853d6066d73fb9e272eb625e5354997964648f2d8e571c14d22ec2', NULL);
INSERT INTO public.calls VALUES ('f201d5f7-cdf0-42f4-b494-02387b9f5f9e', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-a84e-8c4cf6a39256', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:42.139164+00', 'settled', '+33199029910', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:44.127736+00', '2026-11-25 16:32:44.127736+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:42.169839+00', '2026-11-25 16:32:42.17002+00', '2026-11-25 16:32:42.19713+00', 'machine', '2026-11-25 16:32:42.223217+00', '2026-11-25 16:32:42.276848+00', 0.079718, 200, 16, 'Normal call clearing', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'machine', '2026-11-25 16:32:42.287742+00', NULL, 0, 3, '9ff9313d93582cc5f8d34d756cbfd799f08f1e9b58cdbcb62708c2e6425ab5fe', NULL);
INSERT INTO public.calls VALUES ('6968e4a1-e737-4b2b-adf1-5b70374f9432', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9659-22e4542f815e', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:42.139164+00', 'settled', '+33199029902', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:44.127736+00', '2026-11-25 16:32:44.127736+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:42.168314+00', '2026-11-25 16:32:42.168574+00', '2026-11-25 16:32:42.188859+00', 'human', '2026-11-25 16:32:42.211578+00', '2026-11-25 16:32:42.375382+00', 0.186523, 200, 16, 'Normal call clearing', NULL, NULL, '2026-11-25 16:32:42.357595+00', 'do_not_call', NULL, 'The person asked not to be called again.', NULL, 'human', '2026-11-25 16:32:42.392975+00', NULL, 0, 3, 'c3d0d55aa156fa3a8de7f3f9dc14b7da7c1b4ba0398dbd3558b40872a58484ca', NULL);
INSERT INTO public.calls VALUES ('d6736248-ae92-4c9a-bc2d-b8bb9b285edd', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9fcf-a27b4cbe57de', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:42.139164+00', 'settled', '+33199029920', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:44.127736+00', '2026-11-25 16:32:44.127736+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:42.170336+00', '2026-11-25 16:32:42.170435+00', NULL, NULL, NULL, '2026-11-25 16:32:42.370763+00', NULL, 480, 19, 'Temporarily Unavailable', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'no_answer', '2026-11-25 16:32:42.393099+00', NULL, 0, 2, '3f202594f06a6339009bf2420b026c67dfa073b9bab740509d67e3343517d0bc', NULL);
INSERT INTO public.calls VALUES ('d56a0cc2-a258-412f-9b40-cd84e499cb4b', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-a269-5bcf1a703199', 2, 1, 2, 1, 'answered', '2026-11-25', '2026-11-25 16:32:58.000948+00', 'settled', '+33199019920', '+493023125000', 'agent-1', 30, '2026-11-25 16:33:00.000585+00', '2026-11-25 16:33:00.000585+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:58.033735+00', '2026-11-25 16:32:58.034132+00', NULL, NULL, NULL, '2026-11-25 16:32:58.234733+00', NULL, 487, 19, 'ring timeout', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'no_answer', '2026-11-25 16:32:58.258838+00', NULL, 0, 2, 'f264eed4314ee75298c6713a75fb62961410f73d1234820bba3094aec023cb48', NULL);
INSERT INTO public.calls VALUES ('00b1d0c2-c155-4ffe-bb55-e86ed0202e9c', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-8f5c-41df14f50d9a', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:42.647056+00', 'settled', '+33199039901', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:44.647002+00', '2026-11-25 16:32:44.647002+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:42.663042+00', '2026-11-25 16:32:42.66337+00', '2026-11-25 16:32:42.687522+00', 'human', '2026-11-25 16:32:42.712943+00', '2026-11-25 16:32:43.203321+00', 0.515799, 200, 16, 'Normal call clearing', NULL, NULL, '2026-11-25 16:32:43.153558+00', 'goal_not_met', NULL, 'The person was not interested.', NULL, 'human', '2026-11-25 16:32:43.230181+00', NULL, 0, 3, '9f6a5d296f150bf0a0b8fb4c87332dedd40c5072d03c9193c0b812c0578982fe', NULL);
INSERT INTO public.calls VALUES ('9e0ac1d6-9340-4004-ae22-b85d84b45367', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-86d7-4cd187b0ef27', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:43.220325+00', 'settled', '+33199039930', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:45.216282+00', '2026-11-25 16:32:45.216282+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:43.25909+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:43.266105+00', NULL, 486, 17, 'Busy Here', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'busy', '2026-11-25 16:32:43.290624+00', NULL, 0, 2, '4c8832f442a4a90c15cbed06b24e66e08f3435458d6bf3cf8782b485537e6538', NULL);
INSERT INTO public.calls VALUES ('de4f6fe5-34e4-481a-b99a-c9b5b7283f08', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9a0e-72f929cf1a62', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:43.220325+00', 'settled', '+33199039950', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:45.216282+00', '2026-11-25 16:32:45.216282+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:43.259669+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:43.267587+00', NULL, 404, 1, 'Not Found', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'invalid_number', '2026-11-25 16:32:43.290745+00', NULL, 0, 2, '11220682358bf40703aec94eaae27a2dbe1d1cc261f5661a70b25d75c5c4de04', NULL);
INSERT INTO public.calls VALUES ('70bebf13-3522-42fd-9d43-b6c04b31d8ac', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-bc57-d1c0a5e43540', 2, 1, 2, 1, 'answered', '2026-11-25', '2026-11-25 16:32:43.309247+00', 'settled', '+33199009920', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:45.3092+00', '2026-11-25 16:32:45.3092+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:43.326716+00', '2026-11-25 16:32:43.327446+00', NULL, NULL, NULL, '2026-11-25 16:32:43.527381+00', NULL, 487, 19, 'ring timeout', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'no_answer', '2026-11-25 16:32:43.554264+00', NULL, 0, 2, '186a0b44b9fe7ff0e06ccbcd9a2786fdf8be93169508ba69f40a40b18f3dc4bd', NULL);
INSERT INTO public.calls VALUES ('2ef0258d-950c-4e7f-ad92-edff190bc97c', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-b495-77f9ad5b459c', 2, 1, 2, 1, 'answered', '2026-11-25', '2026-11-25 16:32:43.309247+00', 'settled', '+33199009930', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:45.3092+00', '2026-11-25 16:32:45.3092+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:43.327166+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:43.337517+00', NULL, 486, 17, 'Busy Here', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'busy', '2026-11-25 16:32:43.348517+00', NULL, 0, 2, '14e0df3557264ecb37480b0b444961f87d12ca80aabc0f3fc3564af64656faf6', NULL);
INSERT INTO public.calls VALUES ('7e06295a-ebcc-42e6-a650-c0d923437b58', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9053-03812b9493af', 2, 1, 2, 1, 'answered', '2026-11-25', '2026-11-25 16:32:43.309247+00', 'settled', '+33199029930', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:45.3092+00', '2026-11-25 16:32:45.3092+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:43.327361+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:43.33174+00', NULL, 486, 17, 'Busy Here', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'busy', '2026-11-25 16:32:43.348745+00', NULL, 0, 2, '7dc0bcd63d0ba20f3384d0ffd9c8d8429f9c244e34a6b6b640ab0c1543d23b8a', NULL);
INSERT INTO public.calls VALUES ('abb34a82-3de8-4ed0-a734-2730cb892a4e', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-aba2-1b9cea996d56', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:43.129408+00', 'settled', '+33199039920', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:45.12934+00', '2026-11-25 16:32:45.12934+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:43.160489+00', '2026-11-25 16:32:43.160857+00', NULL, NULL, NULL, '2026-11-25 16:32:43.36052+00', NULL, 487, 19, 'ring timeout', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'no_answer', '2026-11-25 16:32:43.387599+00', NULL, 0, 2, '833a1844febac3b8853a82c1b748751317499a70eecc67c950acf4b40fda4bbc', NULL);
INSERT INTO public.calls VALUES ('a5296fae-11a9-4c5f-b253-52289f7de27b', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-89eb-4279d9cdb79b', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:42.827778+00', 'settled', '+33199039902', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:44.827625+00', '2026-11-25 16:32:44.827625+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:42.850196+00', '2026-11-25 16:32:42.850476+00', '2026-11-25 16:32:42.880236+00', 'human', '2026-11-25 16:32:42.880384+00', '2026-11-25 16:32:43.387785+00', 0.507549, 200, 16, 'Normal call clearing', NULL, NULL, '2026-11-25 16:32:43.337116+00', 'do_not_call', NULL, 'The person asked not to be called again.', NULL, 'human', '2026-11-25 16:32:43.415347+00', NULL, 0, 3, '841d9f413f4eea846e85f70932925a477bae349b9487ad4eb025582e63eb6170', NULL);
INSERT INTO public.calls VALUES ('e540433f-6ac1-4f80-aa52-d7d2f627fc14', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9fcf-a27b4cbe57de', 2, 1, 2, 1, 'answered', '2026-11-25', '2026-11-25 16:32:43.552816+00', 'settled', '+33199029920', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:45.552747+00', '2026-11-25 16:32:45.552747+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:43.584914+00', '2026-11-25 16:32:43.585191+00', NULL, NULL, NULL, '2026-11-25 16:32:43.785649+00', NULL, 480, 19, 'Temporarily Unavailable', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'no_answer', '2026-11-25 16:32:43.807624+00', NULL, 0, 2, '3f202594f06a6339009bf2420b026c67dfa073b9bab740509d67e3343517d0bc', NULL);
INSERT INTO public.calls VALUES ('6a4ae979-c896-4b5d-a840-64fdfb871d44', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-86d7-4cd187b0ef27', 2, 1, 2, 1, 'answered', '2026-11-25', '2026-11-25 16:32:44.267179+00', 'settled', '+33199039930', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:46.267112+00', '2026-11-25 16:32:46.267112+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:44.290341+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:44.298779+00', NULL, 486, 17, 'Busy Here', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'busy', '2026-11-25 16:32:44.321526+00', NULL, 0, 2, '4c8832f442a4a90c15cbed06b24e66e08f3435458d6bf3cf8782b485537e6538', NULL);
INSERT INTO public.calls VALUES ('6c1e63cf-bce9-44ea-acb5-5929bf8746c7', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-aba2-1b9cea996d56', 2, 1, 2, 1, 'answered', '2026-11-25', '2026-11-25 16:32:44.415112+00', 'settled', '+33199039920', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:46.41501+00', '2026-11-25 16:32:46.41501+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:44.44102+00', '2026-11-25 16:32:44.441277+00', NULL, NULL, NULL, '2026-11-25 16:32:44.641726+00', NULL, 480, 19, 'Temporarily Unavailable', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'no_answer', '2026-11-25 16:32:44.663755+00', NULL, 0, 2, '833a1844febac3b8853a82c1b748751317499a70eecc67c950acf4b40fda4bbc', NULL);
INSERT INTO public.calls VALUES ('3b191223-a51e-4d67-94f6-f4fe56a0e0b8', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9c1e-5c47fb8eb79f', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:56.558855+00', 'settled', '+33199019900', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:58.55873+00', '2026-11-25 16:32:58.55873+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:56.59259+00', '2026-11-25 16:32:56.592952+00', '2026-11-25 16:32:56.611887+00', 'human', '2026-11-25 16:32:56.631365+00', '2026-11-25 16:32:57.116603+00', 0.504716, 200, 16, 'Normal call clearing', NULL, NULL, '2026-11-25 16:32:57.065886+00', 'goal_met', NULL, 'The person agreed.', NULL, 'human', '2026-11-25 16:32:57.138564+00', NULL, 0, 3, 'a221c9b7512cc4384072c0d9fb684cb5b45350f46f293616e01c0e0e1c0b6514', NULL);
INSERT INTO public.calls VALUES ('86cf8641-72c7-4f2c-badf-3827d789954d', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-a269-5bcf1a703199', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:56.757331+00', 'settled', '+33199019920', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:58.757231+00', '2026-11-25 16:32:58.757231+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:56.781349+00', '2026-11-25 16:32:56.781727+00', NULL, NULL, NULL, '2026-11-25 16:32:56.981364+00', NULL, 487, 19, 'ring timeout', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'no_answer', '2026-11-25 16:32:57.008392+00', NULL, 0, 2, 'f264eed4314ee75298c6713a75fb62961410f73d1234820bba3094aec023cb48', NULL);
INSERT INTO public.calls VALUES ('2649246d-a244-46ab-a8b3-f0cd8636e1fa', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-8c11-22451dd41e47', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:56.757331+00', 'settled', '+33199019930', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:58.757231+00', '2026-11-25 16:32:58.757231+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:56.78204+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:56.812238+00', NULL, 486, 17, 'Busy Here', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'busy', '2026-11-25 16:32:56.813736+00', NULL, 0, 2, 'f8f3ed5851d6b6c6a18996be28f13906780bb98a335e86320a95384405a11013', NULL);
INSERT INTO public.calls VALUES ('6eb99581-e279-4662-8a3f-68c45d37a667', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-b84f-fcee503f211f', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:56.558855+00', 'settled', '+33199019901', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:58.55873+00', '2026-11-25 16:32:58.55873+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:56.596254+00', '2026-11-25 16:32:56.596492+00', '2026-11-25 16:32:56.63154+00', 'human', '2026-11-25 16:32:56.656294+00', '2026-11-25 16:32:57.020774+00', 0.389234, 200, 16, 'Normal call clearing', NULL, NULL, '2026-11-25 16:32:56.982096+00', 'goal_not_met', NULL, 'The person was not interested.', NULL, 'human', '2026-11-25 16:32:57.044228+00', NULL, 0, 3, '2c0eb73f4e3535101b7d4501363527b00245a93202791b08612a0f9a1c28aa66', NULL);
INSERT INTO public.calls VALUES ('cf50db55-23f6-47cc-943e-ba22abfc41a7', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9d35-d3750b68fc7a', 2, 1, 1, 1, 'answered', '2026-11-25', '2026-11-25 16:32:56.961195+00', 'settled', '+33199029900', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:58.961106+00', '2026-11-25 16:32:58.961106+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:56.993991+00', '2026-11-25 16:32:56.994238+00', '2026-11-25 16:32:57.028148+00', 'human', '2026-11-25 16:32:57.04189+00', '2026-11-25 16:32:57.233266+00', 0.205118, 200, 16, 'Normal call clearing', NULL, NULL, '2026-11-25 16:32:57.213652+00', 'goal_met', NULL, 'The person agreed.', NULL, 'human', '2026-11-25 16:32:57.25544+00', NULL, 0, 3, '535b6a54dba74a701d47cfa8bfe91c0913b6e88f0d71379db346a8cdadc3dae7', NULL);
INSERT INTO public.calls VALUES ('ce4997e6-7b3b-4f66-ac0d-b9cda4d9fd25', '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-8c11-22451dd41e47', 2, 1, 2, 1, 'answered', '2026-11-25', '2026-11-25 16:32:57.813132+00', 'settled', '+33199019930', '+493023125000', 'agent-1', 30, '2026-11-25 16:32:59.813018+00', '2026-11-25 16:32:59.813018+00', '{Europe/Paris}', '2027-11-26 16:32:40+00', '2026-11-25 16:32:57.835457+00', NULL, NULL, NULL, NULL, '2026-11-25 16:32:57.847102+00', NULL, 486, 17, 'Busy Here', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'busy', '2026-11-25 16:32:57.874332+00', NULL, 0, 2, 'f8f3ed5851d6b6c6a18996be28f13906780bb98a335e86320a95384405a11013', NULL);


--
-- Data for Name: campaigns; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.campaigns VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '00000000-0000-4000-8000-000000000001', 4, 'draft', '{"name": "Draft", "type": "outbound", "retry": {"busy": {"max_retries": null, "delays_seconds": [1]}, "declined": {"max_retries": 1, "delays_seconds": [86400]}, "no_answer": {"max_retries": null, "delays_seconds": [1]}, "voicemail": {"max_retries": 0, "delays_seconds": [7200]}, "carrier_error": {"max_retries": 2, "delays_seconds": [120, 240, 480]}}, "limits": {"max_attempts": 2, "calls_per_day": null, "calls_per_second": 10, "ring_timeout_seconds": 30, "max_simultaneous_calls": 5}, "preset": null, "agent_id": "agent-1", "schedule": {"weekly": {"fri": [["00:00", "24:00"]], "mon": [["00:00", "24:00"]], "sat": [["00:00", "24:00"]], "sun": [["00:00", "24:00"]], "thu": [["00:00", "24:00"]], "tue": [["00:00", "24:00"]], "wed": [["00:00", "24:00"]]}, "end_date": null, "time_zone": "Europe/Berlin", "start_date": null, "blocked_dates": [], "public_holidays": null, "use_callee_time_zone": true}, "description": "", "success_rule": "answered", "custom_prompt": "", "caller_numbers": ["+493023125000"], "frequency_caps": [], "preset_version": null, "required_lists": [], "default_country": null, "requires_consent": false, "callback_delay_seconds": 86400}', 1);
INSERT INTO public.campaigns VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '00000000-0000-4000-8000-000000000001', 0, 'paused', '{"name": "Paused", "type": "outbound", "retry": {"busy": {"max_retries": null, "delays_seconds": [1]}, "declined": {"max_retries": 1, "delays_seconds": [86400]}, "no_answer": {"max_retries": null, "delays_seconds": [1]}, "voicemail": {"max_retries": 0, "delays_seconds": [7200]}, "carrier_error": {"max_retries": 2, "delays_seconds": [120, 240, 480]}}, "limits": {"max_attempts": 2, "calls_per_day": null, "calls_per_second": 10, "ring_timeout_seconds": 30, "max_simultaneous_calls": 5}, "preset": null, "agent_id": "agent-1", "schedule": {"weekly": {"fri": [["00:00", "24:00"]], "mon": [["00:00", "24:00"]], "sat": [["00:00", "24:00"]], "sun": [["00:00", "24:00"]], "thu": [["00:00", "24:00"]], "tue": [["00:00", "24:00"]], "wed": [["00:00", "24:00"]]}, "end_date": null, "time_zone": "Europe/Berlin", "start_date": null, "blocked_dates": [], "public_holidays": null, "use_callee_time_zone": true}, "description": "", "success_rule": "answered", "custom_prompt": "", "caller_numbers": ["+493023125000"], "frequency_caps": [], "preset_version": null, "required_lists": [], "default_country": null, "requires_consent": false, "callback_delay_seconds": 86400}', 1);
INSERT INTO public.campaigns VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '00000000-0000-4000-8000-000000000001', 2, 'completed', '{"name": "Ended", "type": "outbound", "retry": {"busy": {"max_retries": null, "delays_seconds": [1]}, "declined": {"max_retries": 1, "delays_seconds": [86400]}, "no_answer": {"max_retries": null, "delays_seconds": [1]}, "voicemail": {"max_retries": 0, "delays_seconds": [7200]}, "carrier_error": {"max_retries": 2, "delays_seconds": [120, 240, 480]}}, "limits": {"max_attempts": 2, "calls_per_day": null, "calls_per_second": 10, "ring_timeout_seconds": 30, "max_simultaneous_calls": 5}, "preset": null, "agent_id": "agent-1", "schedule": {"weekly": {"fri": [["00:00", "24:00"]], "mon": [["00:00", "24:00"]], "sat": [["00:00", "24:00"]], "sun": [["00:00", "24:00"]], "thu": [["00:00", "24:00"]], "tue": [["00:00", "24:00"]], "wed": [["00:00", "24:00"]]}, "end_date": null, "time_zone": "Europe/Berlin", "start_date": null, "blocked_dates": [], "public_holidays": null, "use_callee_time_zone": true}, "description": "", "success_rule": "answered", "custom_prompt": "", "caller_numbers": ["+493023125000"], "frequency_caps": [], "preset_version": null, "required_lists": [], "default_country": null, "requires_consent": false, "callback_delay_seconds": 86400}', 1);


--
-- Data for Name: epochs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.epochs VALUES (0, 1);
INSERT INTO public.epochs VALUES (1, 1);
INSERT INTO public.epochs VALUES (2, 1);
INSERT INTO public.epochs VALUES (3, 1);
INSERT INTO public.epochs VALUES (4, 1);
INSERT INTO public.epochs VALUES (5, 1);
INSERT INTO public.epochs VALUES (6, 1);
INSERT INTO public.epochs VALUES (7, 1);
INSERT INTO public.epochs VALUES (8, 1);
INSERT INTO public.epochs VALUES (9, 1);
INSERT INTO public.epochs VALUES (10, 1);
INSERT INTO public.epochs VALUES (11, 1);


--
-- Data for Name: log; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.log VALUES (true, '29dc8e7c-6e03-40f0-ae39-b369e254eaaf');


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.migrations VALUES (1, 'dialer', '2026-11-25 16:32:35.960366+00');
INSERT INTO public.migrations VALUES (2, 'retention', '2026-11-25 16:32:35.975073+00');


--
-- Data for Name: outbox; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (1, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'f2d0f3e2-4acb-4bcb-985e-4dd8948874fa', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.104181Z", "attempt": 1, "call_id": "f2d0f3e2-4acb-4bcb-985e-4dd8948874fa", "contact_id": "01a2138d-5719-78d5-9ef7-5c01f613febe", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:41.115348+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (2, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '897b248b-1354-4737-934a-640ebb08d7f4', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.124354Z", "attempt": 1, "call_id": "897b248b-1354-4737-934a-640ebb08d7f4", "contact_id": "01a2138d-5719-78d5-bdaa-98b3e9ca7233", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:41.134198+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (3, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '89a20a20-eb82-4354-beaf-693166a53401', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.124442Z", "attempt": 1, "call_id": "89a20a20-eb82-4354-beaf-693166a53401", "contact_id": "01a2138d-5719-78d5-b8cc-c4f082a6f6eb", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:41.134212+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (4, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'b18dce8b-40a6-4da4-8baf-86d1c085a35b', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.124499Z", "attempt": 1, "call_id": "b18dce8b-40a6-4da4-8baf-86d1c085a35b", "contact_id": "01a2138d-5719-78d5-bc57-d1c0a5e43540", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:41.134214+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (5, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'ccf7584c-9677-4f5e-870c-8dbb4e3feaca', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.124552Z", "attempt": 1, "call_id": "ccf7584c-9677-4f5e-870c-8dbb4e3feaca", "contact_id": "01a2138d-5719-78d5-9454-9340b1e96cb1", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:41.134216+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (6, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '897b248b-1354-4737-934a-640ebb08d7f4', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:41.149426Z", "call_id": "897b248b-1354-4737-934a-640ebb08d7f4", "contact_id": "01a2138d-5719-78d5-bdaa-98b3e9ca7233", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6"}', '2026-11-25 16:32:41.176188+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (7, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'f2d0f3e2-4acb-4bcb-985e-4dd8948874fa', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:41.150197Z", "call_id": "f2d0f3e2-4acb-4bcb-985e-4dd8948874fa", "contact_id": "01a2138d-5719-78d5-9ef7-5c01f613febe", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6"}', '2026-11-25 16:32:41.17625+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (8, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '89a20a20-eb82-4354-beaf-693166a53401', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:41.214945Z", "call_id": "89a20a20-eb82-4354-beaf-693166a53401", "contact_id": "01a2138d-5719-78d5-b8cc-c4f082a6f6eb", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6"}', '2026-11-25 16:32:41.21578+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (9, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'ccf7584c-9677-4f5e-870c-8dbb4e3feaca', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:41.215054Z", "call_id": "ccf7584c-9677-4f5e-870c-8dbb4e3feaca", "contact_id": "01a2138d-5719-78d5-9454-9340b1e96cb1", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6"}', '2026-11-25 16:32:41.215789+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (10, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '4536c3e2-cb02-46f3-86ee-52dca493318f', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.244713Z", "attempt": 1, "call_id": "4536c3e2-cb02-46f3-86ee-52dca493318f", "contact_id": "01a2138d-5778-7290-b780-cf62d34420ba", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "settings_version": 1}', '2026-11-25 16:32:41.250957+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (11, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '49d2ccd7-232a-4963-823c-fa81e94cdeb4', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.244799Z", "attempt": 1, "call_id": "49d2ccd7-232a-4963-823c-fa81e94cdeb4", "contact_id": "01a2138d-5778-7290-a6da-3428a0e5fe60", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "settings_version": 1}', '2026-11-25 16:32:41.250972+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (12, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '6d5c8072-dbed-4f36-a047-89cfc81dbd31', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.244849Z", "attempt": 1, "call_id": "6d5c8072-dbed-4f36-a047-89cfc81dbd31", "contact_id": "01a2138d-5778-7290-aeb7-3f0781853bbe", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "settings_version": 1}', '2026-11-25 16:32:41.250973+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (13, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', 'd3af4435-6dc4-4000-aa0e-73fe3614bade', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.244896Z", "attempt": 1, "call_id": "d3af4435-6dc4-4000-aa0e-73fe3614bade", "contact_id": "01a2138d-5778-7290-8711-b48792e6791d", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "settings_version": 1}', '2026-11-25 16:32:41.250974+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (14, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '9a02ddda-1f4c-4922-a033-863f613f6fbe', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.271030Z", "attempt": 1, "call_id": "9a02ddda-1f4c-4922-a033-863f613f6fbe", "contact_id": "01a2138d-5778-7290-9d71-e1d5698cf810", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "settings_version": 1}', '2026-11-25 16:32:41.273817+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (15, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '49d2ccd7-232a-4963-823c-fa81e94cdeb4', 2, 'CallEnded', '{"at": "2026-11-25T16:32:41.277292Z", "rang": false, "attempt": 1, "call_id": "49d2ccd7-232a-4963-823c-fa81e94cdeb4", "outcome": "busy", "ended_at": "2026-11-25T16:32:41.243711Z", "sip_code": 486, "contact_id": "01a2138d-5778-7290-a6da-3428a0e5fe60", "q850_cause": 17, "started_at": "2026-11-25T16:32:41.237225Z", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "settings_version": 1}', '2026-11-25 16:32:41.282255+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (16, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'ccf7584c-9677-4f5e-870c-8dbb4e3feaca', 3, 'CallEnded', '{"at": "2026-11-25T16:32:41.277526Z", "rang": true, "attempt": 1, "call_id": "ccf7584c-9677-4f5e-870c-8dbb4e3feaca", "outcome": "machine", "ended_at": "2026-11-25T16:32:41.229496Z", "sip_code": 200, "contact_id": "01a2138d-5719-78d5-9454-9340b1e96cb1", "q850_cause": 16, "started_at": "2026-11-25T16:32:41.102278Z", "answered_at": "2026-11-25T16:32:41.130407Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "duration_seconds": 0.099089, "settings_version": 1}', '2026-11-25 16:32:41.282266+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (17, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '4536c3e2-cb02-46f3-86ee-52dca493318f', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:41.313258Z", "call_id": "4536c3e2-cb02-46f3-86ee-52dca493318f", "contact_id": "01a2138d-5778-7290-b780-cf62d34420ba", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5"}', '2026-11-25 16:32:41.328522+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (18, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '6d5c8072-dbed-4f36-a047-89cfc81dbd31', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:41.313802Z", "call_id": "6d5c8072-dbed-4f36-a047-89cfc81dbd31", "contact_id": "01a2138d-5778-7290-aeb7-3f0781853bbe", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5"}', '2026-11-25 16:32:41.328579+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (19, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '9a02ddda-1f4c-4922-a033-863f613f6fbe', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:41.314798Z", "call_id": "9a02ddda-1f4c-4922-a033-863f613f6fbe", "contact_id": "01a2138d-5778-7290-9d71-e1d5698cf810", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5"}', '2026-11-25 16:32:41.328581+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (20, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'b18dce8b-40a6-4da4-8baf-86d1c085a35b', 2, 'CallEnded', '{"at": "2026-11-25T16:32:41.314919Z", "rang": true, "attempt": 1, "call_id": "b18dce8b-40a6-4da4-8baf-86d1c085a35b", "outcome": "no_answer", "ended_at": "2026-11-25T16:32:41.302702Z", "sip_code": 487, "contact_id": "01a2138d-5719-78d5-bc57-d1c0a5e43540", "q850_cause": 19, "started_at": "2026-11-25T16:32:41.102659Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:41.328583+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (23, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '3da948ff-0b6b-49d2-83d3-f4e4dcf96291', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:41.418571Z", "call_id": "3da948ff-0b6b-49d2-83d3-f4e4dcf96291", "contact_id": "01a2138d-5778-7290-8fdd-3b3ddf99eb6c", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5"}', '2026-11-25 16:32:41.419904+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (21, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', 'd3af4435-6dc4-4000-aa0e-73fe3614bade', 2, 'CallEnded', '{"at": "2026-11-25T16:32:41.315018Z", "rang": false, "attempt": 1, "call_id": "d3af4435-6dc4-4000-aa0e-73fe3614bade", "outcome": "invalid_number", "ended_at": "2026-11-25T16:32:41.251674Z", "sip_code": 404, "contact_id": "01a2138d-5778-7290-8711-b48792e6791d", "q850_cause": 1, "started_at": "2026-11-25T16:32:41.238579Z", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "settings_version": 1}', '2026-11-25 16:32:41.328584+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (22, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '3da948ff-0b6b-49d2-83d3-f4e4dcf96291', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.357294Z", "attempt": 1, "call_id": "3da948ff-0b6b-49d2-83d3-f4e4dcf96291", "contact_id": "01a2138d-5778-7290-8fdd-3b3ddf99eb6c", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "settings_version": 1}', '2026-11-25 16:32:41.358608+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (26, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', 'e83a3673-9fb5-49be-aee8-1cbcf8c1a43b', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.513912Z", "attempt": 1, "call_id": "e83a3673-9fb5-49be-aee8-1cbcf8c1a43b", "contact_id": "01a2138d-5778-7290-b6d5-ac19bb7132f4", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "settings_version": 1}', '2026-11-25 16:32:41.517047+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (34, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '9c68f486-f201-4c57-adff-9f9d88be7c43', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.673119Z", "attempt": 1, "call_id": "9c68f486-f201-4c57-adff-9f9d88be7c43", "contact_id": "01a2138d-5778-7290-86ba-bae639e9fb3c", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "settings_version": 1}', '2026-11-25 16:32:41.678152+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (36, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '4fa0cca4-1a60-4782-a135-20529981e108', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.684914Z", "attempt": 1, "call_id": "4fa0cca4-1a60-4782-a135-20529981e108", "contact_id": "01a2138d-5778-7290-a838-0eb11bdfc8b1", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "settings_version": 1}', '2026-11-25 16:32:41.722475+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (37, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '4fa0cca4-1a60-4782-a135-20529981e108', 2, 'CallEnded', '{"at": "2026-11-25T16:32:41.744078Z", "rang": false, "attempt": 1, "call_id": "4fa0cca4-1a60-4782-a135-20529981e108", "outcome": "invalid_number", "ended_at": "2026-11-25T16:32:41.684254Z", "sip_code": 404, "contact_id": "01a2138d-5778-7290-a838-0eb11bdfc8b1", "q850_cause": 1, "started_at": "2026-11-25T16:32:41.671748Z", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "settings_version": 1}', '2026-11-25 16:32:41.747556+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (38, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '9c68f486-f201-4c57-adff-9f9d88be7c43', 2, 'CallEnded', '{"at": "2026-11-25T16:32:41.744192Z", "rang": false, "attempt": 1, "call_id": "9c68f486-f201-4c57-adff-9f9d88be7c43", "outcome": "busy", "ended_at": "2026-11-25T16:32:41.676758Z", "sip_code": 486, "contact_id": "01a2138d-5778-7290-86ba-bae639e9fb3c", "q850_cause": 17, "started_at": "2026-11-25T16:32:41.670895Z", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "settings_version": 1}', '2026-11-25 16:32:41.74757+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (39, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', 'e83a3673-9fb5-49be-aee8-1cbcf8c1a43b', 2, 'CallEnded', '{"at": "2026-11-25T16:32:41.744255Z", "rang": true, "attempt": 1, "call_id": "e83a3673-9fb5-49be-aee8-1cbcf8c1a43b", "outcome": "no_answer", "ended_at": "2026-11-25T16:32:41.710214Z", "sip_code": 487, "contact_id": "01a2138d-5778-7290-b6d5-ac19bb7132f4", "q850_cause": 19, "started_at": "2026-11-25T16:32:41.510192Z", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "settings_version": 1}', '2026-11-25 16:32:41.747577+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (40, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '4536c3e2-cb02-46f3-86ee-52dca493318f', 3, 'CallEnded', '{"at": "2026-11-25T16:32:41.785177Z", "rang": true, "attempt": 1, "call_id": "4536c3e2-cb02-46f3-86ee-52dca493318f", "outcome": "human", "ended_at": "2026-11-25T16:32:41.749008Z", "sip_code": 200, "contact_id": "01a2138d-5778-7290-b780-cf62d34420ba", "q850_cause": 16, "started_at": "2026-11-25T16:32:41.239649Z", "answered_at": "2026-11-25T16:32:41.270488Z", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "conversation": "goal_met", "duration_seconds": 0.47852, "settings_version": 1}', '2026-11-25 16:32:41.788951+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (44, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '8f5e4c4e-68da-4ab7-bf9e-157f1a5be413', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:41.941492Z", "call_id": "8f5e4c4e-68da-4ab7-bf9e-157f1a5be413", "contact_id": "01a2138d-5778-7290-8c7d-c98394bcda39", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5"}', '2026-11-25 16:32:41.943511+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (24, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'f2d0f3e2-4acb-4bcb-985e-4dd8948874fa', 3, 'CallEnded', '{"at": "2026-11-25T16:32:41.452836Z", "rang": true, "attempt": 1, "call_id": "f2d0f3e2-4acb-4bcb-985e-4dd8948874fa", "outcome": "human", "ended_at": "2026-11-25T16:32:41.422119Z", "sip_code": 200, "contact_id": "01a2138d-5719-78d5-9ef7-5c01f613febe", "q850_cause": 16, "started_at": "2026-11-25T16:32:41.091549Z", "answered_at": "2026-11-25T16:32:41.117154Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "conversation": "goal_met", "duration_seconds": 0.304965, "settings_version": 1}', '2026-11-25 16:32:41.453529+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (27, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '2979511d-d26b-4cb2-8f8a-02ae445cc3f1', 2, 'CallEnded', '{"at": "2026-11-25T16:32:41.518504Z", "rang": false, "attempt": 1, "call_id": "2979511d-d26b-4cb2-8f8a-02ae445cc3f1", "outcome": "busy", "ended_at": "2026-11-25T16:32:41.491027Z", "sip_code": 486, "contact_id": "01a2138d-5719-78d5-b495-77f9ad5b459c", "q850_cause": 17, "started_at": "2026-11-25T16:32:41.481564Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:41.519686+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (28, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '3da948ff-0b6b-49d2-83d3-f4e4dcf96291', 3, 'CallEnded', '{"at": "2026-11-25T16:32:41.518630Z", "rang": true, "attempt": 1, "call_id": "3da948ff-0b6b-49d2-83d3-f4e4dcf96291", "outcome": "machine", "ended_at": "2026-11-25T16:32:41.502723Z", "sip_code": 200, "contact_id": "01a2138d-5778-7290-8fdd-3b3ddf99eb6c", "q850_cause": 16, "started_at": "2026-11-25T16:32:41.352912Z", "answered_at": "2026-11-25T16:32:41.392207Z", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "duration_seconds": 0.110516, "settings_version": 1}', '2026-11-25 16:32:41.519696+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (29, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '6d5c8072-dbed-4f36-a047-89cfc81dbd31', 3, 'CallEnded', '{"at": "2026-11-25T16:32:41.518705Z", "rang": true, "attempt": 1, "call_id": "6d5c8072-dbed-4f36-a047-89cfc81dbd31", "outcome": "human", "ended_at": "2026-11-25T16:32:41.491150Z", "sip_code": 200, "contact_id": "01a2138d-5778-7290-aeb7-3f0781853bbe", "q850_cause": 16, "started_at": "2026-11-25T16:32:41.241105Z", "answered_at": "2026-11-25T16:32:41.278143Z", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "conversation": "goal_not_met", "duration_seconds": 0.213007, "settings_version": 1}', '2026-11-25 16:32:41.519698+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (30, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '89a20a20-eb82-4354-beaf-693166a53401', 3, 'CallEnded', '{"at": "2026-11-25T16:32:41.518779Z", "rang": true, "attempt": 1, "call_id": "89a20a20-eb82-4354-beaf-693166a53401", "outcome": "human", "ended_at": "2026-11-25T16:32:41.497362Z", "sip_code": 200, "contact_id": "01a2138d-5719-78d5-b8cc-c4f082a6f6eb", "q850_cause": 16, "started_at": "2026-11-25T16:32:41.100862Z", "answered_at": "2026-11-25T16:32:41.122129Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "conversation": "goal_not_met", "duration_seconds": 0.375233, "settings_version": 1}', '2026-11-25 16:32:41.5197+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (31, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '897b248b-1354-4737-934a-640ebb08d7f4', 3, 'CallEnded', '{"at": "2026-11-25T16:32:41.615671Z", "rang": true, "attempt": 1, "call_id": "897b248b-1354-4737-934a-640ebb08d7f4", "outcome": "human", "ended_at": "2026-11-25T16:32:41.609496Z", "sip_code": 200, "contact_id": "01a2138d-5719-78d5-bdaa-98b3e9ca7233", "q850_cause": 16, "started_at": "2026-11-25T16:32:41.101664Z", "answered_at": "2026-11-25T16:32:41.119461Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "conversation": "do_not_call", "duration_seconds": 0.490035, "settings_version": 1}', '2026-11-25 16:32:41.617584+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (32, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '9a02ddda-1f4c-4922-a033-863f613f6fbe', 3, 'CallEnded', '{"at": "2026-11-25T16:32:41.615793Z", "rang": true, "attempt": 1, "call_id": "9a02ddda-1f4c-4922-a033-863f613f6fbe", "outcome": "human", "ended_at": "2026-11-25T16:32:41.583806Z", "sip_code": 200, "contact_id": "01a2138d-5778-7290-9d71-e1d5698cf810", "q850_cause": 16, "started_at": "2026-11-25T16:32:41.243361Z", "answered_at": "2026-11-25T16:32:41.270662Z", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "conversation": "do_not_call", "duration_seconds": 0.313144, "settings_version": 1}', '2026-11-25 16:32:41.617597+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (45, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '75cfbab2-c7d6-4622-98de-f913623d15d9', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.989804Z", "attempt": 1, "call_id": "75cfbab2-c7d6-4622-98de-f913623d15d9", "contact_id": "01a2138d-5719-78d5-a110-671131198649", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:41.99033+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (46, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '5fc564bf-6d38-43ca-8397-97e26281daba', 3, 'CallEnded', '{"at": "2026-11-25T16:32:42.010310Z", "rang": true, "attempt": 1, "call_id": "5fc564bf-6d38-43ca-8397-97e26281daba", "outcome": "machine", "ended_at": "2026-11-25T16:32:41.988598Z", "sip_code": 200, "contact_id": "01a2138d-5719-78d5-a895-b8787198d8b7", "q850_cause": 16, "started_at": "2026-11-25T16:32:41.820859Z", "answered_at": "2026-11-25T16:32:41.863875Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "duration_seconds": 0.124723, "settings_version": 1}', '2026-11-25 16:32:42.014177+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (47, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '75cfbab2-c7d6-4622-98de-f913623d15d9', 2, 'CallEnded', '{"at": "2026-11-25T16:32:42.010416Z", "rang": false, "attempt": 1, "call_id": "75cfbab2-c7d6-4622-98de-f913623d15d9", "outcome": "invalid_number", "ended_at": "2026-11-25T16:32:41.999991Z", "sip_code": 404, "contact_id": "01a2138d-5719-78d5-a110-671131198649", "q850_cause": 1, "started_at": "2026-11-25T16:32:41.987941Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:42.014186+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (48, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '4d410d6f-54ce-4439-86bf-90119bde4bb5', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:42.074895Z", "attempt": 1, "call_id": "4d410d6f-54ce-4439-86bf-90119bde4bb5", "contact_id": "01a2138d-5719-78d5-a3a6-45b60a031514", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:42.082394+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (49, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '4d410d6f-54ce-4439-86bf-90119bde4bb5', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:42.131828Z", "call_id": "4d410d6f-54ce-4439-86bf-90119bde4bb5", "contact_id": "01a2138d-5719-78d5-a3a6-45b60a031514", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6"}', '2026-11-25 16:32:42.136914+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (53, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '4eb109d1-b92b-4b8c-83d6-bd937ec50317', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:42.198213Z", "attempt": 1, "call_id": "4eb109d1-b92b-4b8c-83d6-bd937ec50317", "contact_id": "01a2138d-5719-78d5-9053-03812b9493af", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:42.204467+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (54, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '4eb109d1-b92b-4b8c-83d6-bd937ec50317', 2, 'CallEnded', '{"at": "2026-11-25T16:32:42.198213Z", "rang": false, "attempt": 1, "call_id": "4eb109d1-b92b-4b8c-83d6-bd937ec50317", "outcome": "busy", "ended_at": "2026-11-25T16:32:42.188778Z", "sip_code": 486, "contact_id": "01a2138d-5719-78d5-9053-03812b9493af", "q850_cause": 17, "started_at": "2026-11-25T16:32:42.188778Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:42.204483+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (55, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '6968e4a1-e737-4b2b-adf1-5b70374f9432', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:42.198368Z", "call_id": "6968e4a1-e737-4b2b-adf1-5b70374f9432", "contact_id": "01a2138d-5719-78d5-9659-22e4542f815e", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6"}', '2026-11-25 16:32:42.204485+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (25, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '2979511d-d26b-4cb2-8f8a-02ae445cc3f1', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.483569Z", "attempt": 1, "call_id": "2979511d-d26b-4cb2-8f8a-02ae445cc3f1", "contact_id": "01a2138d-5719-78d5-b495-77f9ad5b459c", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:41.485333+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (33, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '8474f3e9-4dcf-4db6-8546-b519559aaffc', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.627847Z", "attempt": 1, "call_id": "8474f3e9-4dcf-4db6-8546-b519559aaffc", "contact_id": "01a2138d-5719-78d5-942d-7f21ac600912", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:41.629768+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (35, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '8474f3e9-4dcf-4db6-8546-b519559aaffc', 2, 'CallEnded', '{"at": "2026-11-25T16:32:41.664887Z", "rang": false, "attempt": 1, "call_id": "8474f3e9-4dcf-4db6-8546-b519559aaffc", "outcome": "invalid_number", "ended_at": "2026-11-25T16:32:41.634081Z", "sip_code": 404, "contact_id": "01a2138d-5719-78d5-942d-7f21ac600912", "q850_cause": 1, "started_at": "2026-11-25T16:32:41.624968Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:41.684172+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (41, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '5fc564bf-6d38-43ca-8397-97e26281daba', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.826654Z", "attempt": 1, "call_id": "5fc564bf-6d38-43ca-8397-97e26281daba", "contact_id": "01a2138d-5719-78d5-a895-b8787198d8b7", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:41.836072+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (42, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '8f5e4c4e-68da-4ab7-bf9e-157f1a5be413', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:41.879675Z", "attempt": 1, "call_id": "8f5e4c4e-68da-4ab7-bf9e-157f1a5be413", "contact_id": "01a2138d-5778-7290-8c7d-c98394bcda39", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "settings_version": 1}', '2026-11-25 16:32:41.887729+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (43, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '5fc564bf-6d38-43ca-8397-97e26281daba', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:41.900464Z", "call_id": "5fc564bf-6d38-43ca-8397-97e26281daba", "contact_id": "01a2138d-5719-78d5-a895-b8787198d8b7", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6"}', '2026-11-25 16:32:41.905266+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (50, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '6968e4a1-e737-4b2b-adf1-5b70374f9432', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:42.174424Z", "attempt": 1, "call_id": "6968e4a1-e737-4b2b-adf1-5b70374f9432", "contact_id": "01a2138d-5719-78d5-9659-22e4542f815e", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:42.184506+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (51, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'd6736248-ae92-4c9a-bc2d-b8bb9b285edd', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:42.174514Z", "attempt": 1, "call_id": "d6736248-ae92-4c9a-bc2d-b8bb9b285edd", "contact_id": "01a2138d-5719-78d5-9fcf-a27b4cbe57de", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:42.184573+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (52, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'f201d5f7-cdf0-42f4-b494-02387b9f5f9e', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:42.174570Z", "attempt": 1, "call_id": "f201d5f7-cdf0-42f4-b494-02387b9f5f9e", "contact_id": "01a2138d-5719-78d5-a84e-8c4cf6a39256", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:42.184575+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (62, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '4d410d6f-54ce-4439-86bf-90119bde4bb5', 3, 'CallEnded', '{"at": "2026-11-25T16:32:42.421225Z", "rang": true, "attempt": 1, "call_id": "4d410d6f-54ce-4439-86bf-90119bde4bb5", "outcome": "human", "ended_at": "2026-11-25T16:32:42.398574Z", "sip_code": 200, "contact_id": "01a2138d-5719-78d5-a3a6-45b60a031514", "q850_cause": 16, "started_at": "2026-11-25T16:32:42.073842Z", "answered_at": "2026-11-25T16:32:42.107851Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "conversation": "goal_not_met", "duration_seconds": 0.290723, "settings_version": 1}', '2026-11-25 16:32:42.421875+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (69, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'a5296fae-11a9-4c5f-b253-52289f7de27b', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:42.882109Z", "call_id": "a5296fae-11a9-4c5f-b253-52289f7de27b", "contact_id": "01a2138d-5719-78d5-89eb-4279d9cdb79b", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6"}', '2026-11-25 16:32:42.883523+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (73, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'abb34a82-3de8-4ed0-a734-2730cb892a4e', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:43.164360Z", "attempt": 1, "call_id": "abb34a82-3de8-4ed0-a734-2730cb892a4e", "contact_id": "01a2138d-5719-78d5-aba2-1b9cea996d56", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:43.164945+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (74, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '3f929088-e609-4b1c-b64b-357af695af8e', 3, 'CallEnded', '{"at": "2026-11-25T16:32:43.174386Z", "rang": true, "attempt": 1, "call_id": "3f929088-e609-4b1c-b64b-357af695af8e", "outcome": "machine", "ended_at": "2026-11-25T16:32:43.152137Z", "sip_code": 200, "contact_id": "01a2138d-5719-78d5-a0dc-7e854c20e6a9", "q850_cause": 16, "started_at": "2026-11-25T16:32:43.022265Z", "answered_at": "2026-11-25T16:32:43.072330Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "duration_seconds": 0.079807, "settings_version": 1}', '2026-11-25 16:32:43.175122+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (75, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '00b1d0c2-c155-4ffe-bb55-e86ed0202e9c', 3, 'CallEnded', '{"at": "2026-11-25T16:32:43.230181Z", "rang": true, "attempt": 1, "call_id": "00b1d0c2-c155-4ffe-bb55-e86ed0202e9c", "outcome": "human", "ended_at": "2026-11-25T16:32:43.203321Z", "sip_code": 200, "contact_id": "01a2138d-5719-78d5-8f5c-41df14f50d9a", "q850_cause": 16, "started_at": "2026-11-25T16:32:42.663042Z", "answered_at": "2026-11-25T16:32:42.687522Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "conversation": "goal_not_met", "duration_seconds": 0.515799, "settings_version": 1}', '2026-11-25 16:32:43.23272+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (76, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '9e0ac1d6-9340-4004-ae22-b85d84b45367', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:43.260626Z", "attempt": 1, "call_id": "9e0ac1d6-9340-4004-ae22-b85d84b45367", "contact_id": "01a2138d-5719-78d5-86d7-4cd187b0ef27", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:43.261604+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (77, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'de4f6fe5-34e4-481a-b99a-c9b5b7283f08', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:43.260745Z", "attempt": 1, "call_id": "de4f6fe5-34e4-481a-b99a-c9b5b7283f08", "contact_id": "01a2138d-5719-78d5-9a0e-72f929cf1a62", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:43.261615+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (78, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '9e0ac1d6-9340-4004-ae22-b85d84b45367', 2, 'CallEnded', '{"at": "2026-11-25T16:32:43.290624Z", "rang": false, "attempt": 1, "call_id": "9e0ac1d6-9340-4004-ae22-b85d84b45367", "outcome": "busy", "ended_at": "2026-11-25T16:32:43.266105Z", "sip_code": 486, "contact_id": "01a2138d-5719-78d5-86d7-4cd187b0ef27", "q850_cause": 17, "started_at": "2026-11-25T16:32:43.259090Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:43.294527+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (79, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'de4f6fe5-34e4-481a-b99a-c9b5b7283f08', 2, 'CallEnded', '{"at": "2026-11-25T16:32:43.290745Z", "rang": false, "attempt": 1, "call_id": "de4f6fe5-34e4-481a-b99a-c9b5b7283f08", "outcome": "invalid_number", "ended_at": "2026-11-25T16:32:43.267587Z", "sip_code": 404, "contact_id": "01a2138d-5719-78d5-9a0e-72f929cf1a62", "q850_cause": 1, "started_at": "2026-11-25T16:32:43.259669Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:43.294539+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (56, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'f201d5f7-cdf0-42f4-b494-02387b9f5f9e', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:42.239113Z", "call_id": "f201d5f7-cdf0-42f4-b494-02387b9f5f9e", "contact_id": "01a2138d-5719-78d5-a84e-8c4cf6a39256", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6"}', '2026-11-25 16:32:42.243676+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (57, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '9b13115d-9c62-4242-9e1d-5954110478b5', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:42.257062Z", "attempt": 1, "call_id": "9b13115d-9c62-4242-9e1d-5954110478b5", "contact_id": "01a2138d-5719-78d5-a4fa-15e5fbd80c2e", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:42.259771+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (58, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '9b13115d-9c62-4242-9e1d-5954110478b5', 2, 'CallEnded', '{"at": "2026-11-25T16:32:42.287620Z", "rang": false, "attempt": 1, "call_id": "9b13115d-9c62-4242-9e1d-5954110478b5", "outcome": "invalid_number", "ended_at": "2026-11-25T16:32:42.265306Z", "sip_code": 404, "contact_id": "01a2138d-5719-78d5-a4fa-15e5fbd80c2e", "q850_cause": 1, "started_at": "2026-11-25T16:32:42.255833Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:42.288955+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (59, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'f201d5f7-cdf0-42f4-b494-02387b9f5f9e', 3, 'CallEnded', '{"at": "2026-11-25T16:32:42.287742Z", "rang": true, "attempt": 1, "call_id": "f201d5f7-cdf0-42f4-b494-02387b9f5f9e", "outcome": "machine", "ended_at": "2026-11-25T16:32:42.276848Z", "sip_code": 200, "contact_id": "01a2138d-5719-78d5-a84e-8c4cf6a39256", "q850_cause": 16, "started_at": "2026-11-25T16:32:42.169839Z", "answered_at": "2026-11-25T16:32:42.197130Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "duration_seconds": 0.079718, "settings_version": 1}', '2026-11-25 16:32:42.288967+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (60, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '6968e4a1-e737-4b2b-adf1-5b70374f9432', 3, 'CallEnded', '{"at": "2026-11-25T16:32:42.392975Z", "rang": true, "attempt": 1, "call_id": "6968e4a1-e737-4b2b-adf1-5b70374f9432", "outcome": "human", "ended_at": "2026-11-25T16:32:42.375382Z", "sip_code": 200, "contact_id": "01a2138d-5719-78d5-9659-22e4542f815e", "q850_cause": 16, "started_at": "2026-11-25T16:32:42.168314Z", "answered_at": "2026-11-25T16:32:42.188859Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "conversation": "do_not_call", "duration_seconds": 0.186523, "settings_version": 1}', '2026-11-25 16:32:42.393698+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (61, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'd6736248-ae92-4c9a-bc2d-b8bb9b285edd', 2, 'CallEnded', '{"at": "2026-11-25T16:32:42.393099Z", "rang": true, "attempt": 1, "call_id": "d6736248-ae92-4c9a-bc2d-b8bb9b285edd", "outcome": "no_answer", "ended_at": "2026-11-25T16:32:42.370763Z", "sip_code": 480, "contact_id": "01a2138d-5719-78d5-9fcf-a27b4cbe57de", "q850_cause": 19, "started_at": "2026-11-25T16:32:42.170336Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:42.39371+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (63, '00000000-0000-4000-8000-000000000001', '40fa5104-ac64-4db5-8e80-0630551fc9f5', '8f5e4c4e-68da-4ab7-bf9e-157f1a5be413', 3, 'CallEnded', '{"at": "2026-11-25T16:32:42.474879Z", "rang": true, "attempt": 1, "call_id": "8f5e4c4e-68da-4ab7-bf9e-157f1a5be413", "outcome": "human", "ended_at": "2026-11-25T16:32:42.451442Z", "sip_code": 200, "contact_id": "01a2138d-5778-7290-8c7d-c98394bcda39", "q850_cause": 16, "started_at": "2026-11-25T16:32:41.873467Z", "answered_at": "2026-11-25T16:32:41.917627Z", "campaign_id": "40fa5104-ac64-4db5-8e80-0630551fc9f5", "conversation": "goal_met", "duration_seconds": 0.533815, "settings_version": 1}', '2026-11-25 16:32:42.475696+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (64, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '650b4e09-dc0c-437c-9ccd-6eb74d49504b', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:42.547088Z", "attempt": 1, "call_id": "650b4e09-dc0c-437c-9ccd-6eb74d49504b", "contact_id": "01a2138d-5719-78d5-9f4a-7c017976f200", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:42.547432+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (65, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '650b4e09-dc0c-437c-9ccd-6eb74d49504b', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:42.568513Z", "call_id": "650b4e09-dc0c-437c-9ccd-6eb74d49504b", "contact_id": "01a2138d-5719-78d5-9f4a-7c017976f200", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6"}', '2026-11-25 16:32:42.569066+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (66, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '00b1d0c2-c155-4ffe-bb55-e86ed0202e9c', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:42.674153Z", "attempt": 1, "call_id": "00b1d0c2-c155-4ffe-bb55-e86ed0202e9c", "contact_id": "01a2138d-5719-78d5-8f5c-41df14f50d9a", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:42.674988+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (67, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '00b1d0c2-c155-4ffe-bb55-e86ed0202e9c', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:42.709393Z", "call_id": "00b1d0c2-c155-4ffe-bb55-e86ed0202e9c", "contact_id": "01a2138d-5719-78d5-8f5c-41df14f50d9a", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6"}', '2026-11-25 16:32:42.709924+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (68, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'a5296fae-11a9-4c5f-b253-52289f7de27b', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:42.855452Z", "attempt": 1, "call_id": "a5296fae-11a9-4c5f-b253-52289f7de27b", "contact_id": "01a2138d-5719-78d5-89eb-4279d9cdb79b", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:42.857655+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (70, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '3f929088-e609-4b1c-b64b-357af695af8e', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:43.025054Z", "attempt": 1, "call_id": "3f929088-e609-4b1c-b64b-357af695af8e", "contact_id": "01a2138d-5719-78d5-a0dc-7e854c20e6a9", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:43.026159+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (71, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '650b4e09-dc0c-437c-9ccd-6eb74d49504b', 3, 'CallEnded', '{"at": "2026-11-25T16:32:43.069151Z", "rang": true, "attempt": 1, "call_id": "650b4e09-dc0c-437c-9ccd-6eb74d49504b", "outcome": "human", "ended_at": "2026-11-25T16:32:43.045447Z", "sip_code": 200, "contact_id": "01a2138d-5719-78d5-9f4a-7c017976f200", "q850_cause": 16, "started_at": "2026-11-25T16:32:42.546280Z", "answered_at": "2026-11-25T16:32:42.563965Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "conversation": "goal_met", "duration_seconds": 0.481482, "settings_version": 1}', '2026-11-25 16:32:43.070975+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (72, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '3f929088-e609-4b1c-b64b-357af695af8e', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:43.096417Z", "call_id": "3f929088-e609-4b1c-b64b-357af695af8e", "contact_id": "01a2138d-5719-78d5-a0dc-7e854c20e6a9", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6"}', '2026-11-25 16:32:43.097111+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (85, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'abb34a82-3de8-4ed0-a734-2730cb892a4e', 2, 'CallEnded', '{"at": "2026-11-25T16:32:43.387599Z", "rang": true, "attempt": 1, "call_id": "abb34a82-3de8-4ed0-a734-2730cb892a4e", "outcome": "no_answer", "ended_at": "2026-11-25T16:32:43.360520Z", "sip_code": 487, "contact_id": "01a2138d-5719-78d5-aba2-1b9cea996d56", "q850_cause": 19, "started_at": "2026-11-25T16:32:43.160489Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:43.390838+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (89, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'e540433f-6ac1-4f80-aa52-d7d2f627fc14', 2, 'CallEnded', '{"at": "2026-11-25T16:32:43.807624Z", "rang": true, "attempt": 2, "call_id": "e540433f-6ac1-4f80-aa52-d7d2f627fc14", "outcome": "no_answer", "ended_at": "2026-11-25T16:32:43.785649Z", "sip_code": 480, "contact_id": "01a2138d-5719-78d5-9fcf-a27b4cbe57de", "q850_cause": 19, "started_at": "2026-11-25T16:32:43.584914Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:43.808377+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (80, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '70bebf13-3522-42fd-9d43-b6c04b31d8ac', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:43.327547Z", "attempt": 2, "call_id": "70bebf13-3522-42fd-9d43-b6c04b31d8ac", "contact_id": "01a2138d-5719-78d5-bc57-d1c0a5e43540", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:43.327953+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (81, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '2ef0258d-950c-4e7f-ad92-edff190bc97c', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:43.329928Z", "attempt": 2, "call_id": "2ef0258d-950c-4e7f-ad92-edff190bc97c", "contact_id": "01a2138d-5719-78d5-b495-77f9ad5b459c", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:43.330339+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (82, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '7e06295a-ebcc-42e6-a650-c0d923437b58', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:43.330003Z", "attempt": 2, "call_id": "7e06295a-ebcc-42e6-a650-c0d923437b58", "contact_id": "01a2138d-5719-78d5-9053-03812b9493af", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:43.330347+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (83, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '2ef0258d-950c-4e7f-ad92-edff190bc97c', 2, 'CallEnded', '{"at": "2026-11-25T16:32:43.348517Z", "rang": false, "attempt": 2, "call_id": "2ef0258d-950c-4e7f-ad92-edff190bc97c", "outcome": "busy", "ended_at": "2026-11-25T16:32:43.337517Z", "sip_code": 486, "contact_id": "01a2138d-5719-78d5-b495-77f9ad5b459c", "q850_cause": 17, "started_at": "2026-11-25T16:32:43.327166Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:43.349273+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (84, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '7e06295a-ebcc-42e6-a650-c0d923437b58', 2, 'CallEnded', '{"at": "2026-11-25T16:32:43.348745Z", "rang": false, "attempt": 2, "call_id": "7e06295a-ebcc-42e6-a650-c0d923437b58", "outcome": "busy", "ended_at": "2026-11-25T16:32:43.331740Z", "sip_code": 486, "contact_id": "01a2138d-5719-78d5-9053-03812b9493af", "q850_cause": 17, "started_at": "2026-11-25T16:32:43.327361Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:43.349281+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (86, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'a5296fae-11a9-4c5f-b253-52289f7de27b', 3, 'CallEnded', '{"at": "2026-11-25T16:32:43.415347Z", "rang": true, "attempt": 1, "call_id": "a5296fae-11a9-4c5f-b253-52289f7de27b", "outcome": "human", "ended_at": "2026-11-25T16:32:43.387785Z", "sip_code": 200, "contact_id": "01a2138d-5719-78d5-89eb-4279d9cdb79b", "q850_cause": 16, "started_at": "2026-11-25T16:32:42.850196Z", "answered_at": "2026-11-25T16:32:42.880236Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "conversation": "do_not_call", "duration_seconds": 0.507549, "settings_version": 1}', '2026-11-25 16:32:43.415964+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (87, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '70bebf13-3522-42fd-9d43-b6c04b31d8ac', 2, 'CallEnded', '{"at": "2026-11-25T16:32:43.554264Z", "rang": true, "attempt": 2, "call_id": "70bebf13-3522-42fd-9d43-b6c04b31d8ac", "outcome": "no_answer", "ended_at": "2026-11-25T16:32:43.527381Z", "sip_code": 487, "contact_id": "01a2138d-5719-78d5-bc57-d1c0a5e43540", "q850_cause": 19, "started_at": "2026-11-25T16:32:43.326716Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:43.555052+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (88, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'e540433f-6ac1-4f80-aa52-d7d2f627fc14', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:43.586023Z", "attempt": 2, "call_id": "e540433f-6ac1-4f80-aa52-d7d2f627fc14", "contact_id": "01a2138d-5719-78d5-9fcf-a27b4cbe57de", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:43.58794+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (91, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '6a4ae979-c896-4b5d-a840-64fdfb871d44', 2, 'CallEnded', '{"at": "2026-11-25T16:32:44.321526Z", "rang": false, "attempt": 2, "call_id": "6a4ae979-c896-4b5d-a840-64fdfb871d44", "outcome": "busy", "ended_at": "2026-11-25T16:32:44.298779Z", "sip_code": 486, "contact_id": "01a2138d-5719-78d5-86d7-4cd187b0ef27", "q850_cause": 17, "started_at": "2026-11-25T16:32:44.290341Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:44.323052+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (92, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '6c1e63cf-bce9-44ea-acb5-5929bf8746c7', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:44.442092Z", "attempt": 2, "call_id": "6c1e63cf-bce9-44ea-acb5-5929bf8746c7", "contact_id": "01a2138d-5719-78d5-aba2-1b9cea996d56", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:44.442787+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (93, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '6c1e63cf-bce9-44ea-acb5-5929bf8746c7', 2, 'CallEnded', '{"at": "2026-11-25T16:32:44.663755Z", "rang": true, "attempt": 2, "call_id": "6c1e63cf-bce9-44ea-acb5-5929bf8746c7", "outcome": "no_answer", "ended_at": "2026-11-25T16:32:44.641726Z", "sip_code": 480, "contact_id": "01a2138d-5719-78d5-aba2-1b9cea996d56", "q850_cause": 19, "started_at": "2026-11-25T16:32:44.441020Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:44.664468+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (94, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '3b191223-a51e-4d67-94f6-f4fe56a0e0b8', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:56.598361Z", "attempt": 1, "call_id": "3b191223-a51e-4d67-94f6-f4fe56a0e0b8", "contact_id": "01a2138d-5719-78d5-9c1e-5c47fb8eb79f", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:56.602123+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (95, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '6eb99581-e279-4662-8a3f-68c45d37a667', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:56.603799Z", "attempt": 1, "call_id": "6eb99581-e279-4662-8a3f-68c45d37a667", "contact_id": "01a2138d-5719-78d5-b84f-fcee503f211f", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:56.605994+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (96, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '3b191223-a51e-4d67-94f6-f4fe56a0e0b8', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:56.616785Z", "call_id": "3b191223-a51e-4d67-94f6-f4fe56a0e0b8", "contact_id": "01a2138d-5719-78d5-9c1e-5c47fb8eb79f", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6"}', '2026-11-25 16:32:56.618595+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (97, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '6eb99581-e279-4662-8a3f-68c45d37a667', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:56.654467Z", "call_id": "6eb99581-e279-4662-8a3f-68c45d37a667", "contact_id": "01a2138d-5719-78d5-b84f-fcee503f211f", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6"}', '2026-11-25 16:32:56.655111+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (105, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '3b191223-a51e-4d67-94f6-f4fe56a0e0b8', 3, 'CallEnded', '{"at": "2026-11-25T16:32:57.138564Z", "rang": true, "attempt": 1, "call_id": "3b191223-a51e-4d67-94f6-f4fe56a0e0b8", "outcome": "human", "ended_at": "2026-11-25T16:32:57.116603Z", "sip_code": 200, "contact_id": "01a2138d-5719-78d5-9c1e-5c47fb8eb79f", "q850_cause": 16, "started_at": "2026-11-25T16:32:56.592590Z", "answered_at": "2026-11-25T16:32:56.611887Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "conversation": "goal_met", "duration_seconds": 0.504716, "settings_version": 1}', '2026-11-25 16:32:57.139224+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (106, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'cf50db55-23f6-47cc-943e-ba22abfc41a7', 3, 'CallEnded', '{"at": "2026-11-25T16:32:57.255440Z", "rang": true, "attempt": 1, "call_id": "cf50db55-23f6-47cc-943e-ba22abfc41a7", "outcome": "human", "ended_at": "2026-11-25T16:32:57.233266Z", "sip_code": 200, "contact_id": "01a2138d-5719-78d5-9d35-d3750b68fc7a", "q850_cause": 16, "started_at": "2026-11-25T16:32:56.993991Z", "answered_at": "2026-11-25T16:32:57.028148Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "conversation": "goal_met", "duration_seconds": 0.205118, "settings_version": 1}', '2026-11-25 16:32:57.256003+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (90, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '6a4ae979-c896-4b5d-a840-64fdfb871d44', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:44.296254Z", "attempt": 2, "call_id": "6a4ae979-c896-4b5d-a840-64fdfb871d44", "contact_id": "01a2138d-5719-78d5-86d7-4cd187b0ef27", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:44.297488+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (98, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '86cf8641-72c7-4f2c-badf-3827d789954d', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:56.782282Z", "attempt": 1, "call_id": "86cf8641-72c7-4f2c-badf-3827d789954d", "contact_id": "01a2138d-5719-78d5-a269-5bcf1a703199", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:56.782822+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (99, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '2649246d-a244-46ab-a8b3-f0cd8636e1fa', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:56.791147Z", "attempt": 1, "call_id": "2649246d-a244-46ab-a8b3-f0cd8636e1fa", "contact_id": "01a2138d-5719-78d5-8c11-22451dd41e47", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:56.793362+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (100, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '2649246d-a244-46ab-a8b3-f0cd8636e1fa', 2, 'CallEnded', '{"at": "2026-11-25T16:32:56.813736Z", "rang": false, "attempt": 1, "call_id": "2649246d-a244-46ab-a8b3-f0cd8636e1fa", "outcome": "busy", "ended_at": "2026-11-25T16:32:56.812238Z", "sip_code": 486, "contact_id": "01a2138d-5719-78d5-8c11-22451dd41e47", "q850_cause": 17, "started_at": "2026-11-25T16:32:56.782040Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:56.81434+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (102, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '86cf8641-72c7-4f2c-badf-3827d789954d', 2, 'CallEnded', '{"at": "2026-11-25T16:32:57.008392Z", "rang": true, "attempt": 1, "call_id": "86cf8641-72c7-4f2c-badf-3827d789954d", "outcome": "no_answer", "ended_at": "2026-11-25T16:32:56.981364Z", "sip_code": 487, "contact_id": "01a2138d-5719-78d5-a269-5bcf1a703199", "q850_cause": 19, "started_at": "2026-11-25T16:32:56.781349Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:57.011171+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (103, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '6eb99581-e279-4662-8a3f-68c45d37a667', 3, 'CallEnded', '{"at": "2026-11-25T16:32:57.044228Z", "rang": true, "attempt": 1, "call_id": "6eb99581-e279-4662-8a3f-68c45d37a667", "outcome": "human", "ended_at": "2026-11-25T16:32:57.020774Z", "sip_code": 200, "contact_id": "01a2138d-5719-78d5-b84f-fcee503f211f", "q850_cause": 16, "started_at": "2026-11-25T16:32:56.596254Z", "answered_at": "2026-11-25T16:32:56.631540Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "conversation": "goal_not_met", "duration_seconds": 0.389234, "settings_version": 1}', '2026-11-25 16:32:57.044955+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (104, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'cf50db55-23f6-47cc-943e-ba22abfc41a7', 2, 'CallAnswered', '{"at": "2026-11-25T16:32:57.044349Z", "call_id": "cf50db55-23f6-47cc-943e-ba22abfc41a7", "contact_id": "01a2138d-5719-78d5-9d35-d3750b68fc7a", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6"}', '2026-11-25 16:32:57.044967+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (109, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'd56a0cc2-a258-412f-9b40-cd84e499cb4b', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:58.035063Z", "attempt": 2, "call_id": "d56a0cc2-a258-412f-9b40-cd84e499cb4b", "contact_id": "01a2138d-5719-78d5-a269-5bcf1a703199", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:58.035753+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (101, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'cf50db55-23f6-47cc-943e-ba22abfc41a7', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:56.997457Z", "attempt": 1, "call_id": "cf50db55-23f6-47cc-943e-ba22abfc41a7", "contact_id": "01a2138d-5719-78d5-9d35-d3750b68fc7a", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:57.002498+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (108, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'ce4997e6-7b3b-4f66-ac0d-b9cda4d9fd25', 2, 'CallEnded', '{"at": "2026-11-25T16:32:57.874332Z", "rang": false, "attempt": 2, "call_id": "ce4997e6-7b3b-4f66-ac0d-b9cda4d9fd25", "outcome": "busy", "ended_at": "2026-11-25T16:32:57.847102Z", "sip_code": 486, "contact_id": "01a2138d-5719-78d5-8c11-22451dd41e47", "q850_cause": 17, "started_at": "2026-11-25T16:32:57.835457Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:57.878238+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (110, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'd56a0cc2-a258-412f-9b40-cd84e499cb4b', 2, 'CallEnded', '{"at": "2026-11-25T16:32:58.258838Z", "rang": true, "attempt": 2, "call_id": "d56a0cc2-a258-412f-9b40-cd84e499cb4b", "outcome": "no_answer", "ended_at": "2026-11-25T16:32:58.234733Z", "sip_code": 487, "contact_id": "01a2138d-5719-78d5-a269-5bcf1a703199", "q850_cause": 19, "started_at": "2026-11-25T16:32:58.033735Z", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:58.262322+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (107, '00000000-0000-4000-8000-000000000001', 'fda20fae-e4d9-4318-8e0b-659d6876dde6', 'ce4997e6-7b3b-4f66-ac0d-b9cda4d9fd25', 1, 'CallPlaced', '{"at": "2026-11-25T16:32:57.837304Z", "attempt": 2, "call_id": "ce4997e6-7b3b-4f66-ac0d-b9cda4d9fd25", "contact_id": "01a2138d-5719-78d5-8c11-22451dd41e47", "campaign_id": "fda20fae-e4d9-4318-8e0b-659d6876dde6", "settings_version": 1}', '2026-11-25 16:32:57.840357+00');


--
-- Data for Name: positions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.positions VALUES ('campaign-events', 0, '52a181ca-7b33-4a83-823c-4c435cde5294', 90);
INSERT INTO public.positions VALUES ('campaign-events', 4, '52a181ca-7b33-4a83-823c-4c435cde5294', 91);
INSERT INTO public.positions VALUES ('suppression-events', 6, '52a181ca-7b33-4a83-823c-4c435cde5294', 89);
INSERT INTO public.positions VALUES ('campaign-events', 2, '52a181ca-7b33-4a83-823c-4c435cde5294', 113);


--
-- Data for Name: queue; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-8d5a-10f2d8c8bbfd', -7354178200203223173, 'do_not_call', 0, NULL, '2026-11-25 16:32:39.7031+00', true, NULL, '2026-11-25 16:32:39.7031+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-a614-e725931fb2e1', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.797895+00', true, NULL, '2026-11-25 16:32:39.797895+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-be38-0f78e4f947f0', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.797897+00', true, NULL, '2026-11-25 16:32:39.797897+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-ae93-35f62cebd378', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.797898+00', true, NULL, '2026-11-25 16:32:39.797898+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-89f9-824ccb681eea', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.797899+00', true, NULL, '2026-11-25 16:32:39.797899+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-84a6-353b2c33e6ab', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.7979+00', true, NULL, '2026-11-25 16:32:39.7979+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-9d70-f2cba96a39c8', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.797901+00', true, NULL, '2026-11-25 16:32:39.797901+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-a0bd-9aab89dfe934', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.797902+00', true, NULL, '2026-11-25 16:32:39.797902+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-a027-c99ee511939a', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.797904+00', true, NULL, '2026-11-25 16:32:39.797904+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-8756-9e2e4ce52db2', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.797905+00', true, NULL, '2026-11-25 16:32:39.797905+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-9c5e-0534a60f63d2', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.797906+00', true, NULL, '2026-11-25 16:32:39.797906+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-b427-5e7644f873b2', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.797907+00', true, NULL, '2026-11-25 16:32:39.797907+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-a944-b457c839d685', -7354178200203223173, 'do_not_call', 0, NULL, '2026-11-25 16:32:39.797908+00', true, NULL, '2026-11-25 16:32:39.797908+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-bae4-0329aab20723', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.90919+00', true, NULL, '2026-11-25 16:32:39.90919+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-a1cb-60b4c5437929', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909191+00', true, NULL, '2026-11-25 16:32:39.909191+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-8028-00cdaf369e37', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909193+00', true, NULL, '2026-11-25 16:32:39.909193+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-8c64-0cbfe3f2dec1', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.79788+00', true, NULL, '2026-11-25 16:32:39.79788+00', '2026-11-25 16:32:56.059447+00', NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-93df-07da08d51045', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.797881+00', true, NULL, '2026-11-25 16:32:39.797881+00', '2026-11-25 16:32:56.059447+00', NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-b6f2-7128edd093b9', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.797883+00', true, NULL, '2026-11-25 16:32:39.797883+00', '2026-11-25 16:32:56.059447+00', NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-a6da-3428a0e5fe60', -3733004169327072412, 'no_answer', 1, '2026-11-25 16:32:42.243711+00', '2026-11-25 16:32:39.797885+00', true, '49d2ccd7-232a-4963-823c-fa81e94cdeb4', '2026-11-25 16:32:41.329394+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-8711-b48792e6791d', -3733004169327072412, 'failed', 1, NULL, '2026-11-25 16:32:39.797886+00', true, 'd3af4435-6dc4-4000-aa0e-73fe3614bade', '2026-11-25 16:32:41.3584+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-aeb7-3f0781853bbe', -3733004169327072412, 'failed', 1, NULL, '2026-11-25 16:32:39.797888+00', true, '6d5c8072-dbed-4f36-a047-89cfc81dbd31', '2026-11-25 16:32:41.601741+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-8fdd-3b3ddf99eb6c', -3733004169327072412, 'voicemail', 1, NULL, '2026-11-25 16:32:39.79789+00', true, '3da948ff-0b6b-49d2-83d3-f4e4dcf96291', '2026-11-25 16:32:41.601741+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-810d-b9341a861cc5', -3733004169327072412, 'do_not_call', 0, NULL, '2026-11-25 16:32:39.909192+00', true, NULL, '2026-11-25 16:32:41.671864+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-a907-518e2d51e6a8', -3733004169327072412, 'do_not_call', 0, NULL, '2026-11-25 16:32:39.797882+00', true, NULL, '2026-11-25 16:32:41.671864+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-942d-7f21ac600912', -3733004169327072412, 'failed', 1, NULL, '2026-11-25 16:32:39.703078+00', true, '8474f3e9-4dcf-4db6-8546-b519559aaffc', '2026-11-25 16:32:41.845246+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-b6d5-ac19bb7132f4', -3733004169327072412, 'no_answer', 1, '2026-11-25 16:32:42.710214+00', '2026-11-25 16:32:39.797891+00', true, 'e83a3673-9fb5-49be-aee8-1cbcf8c1a43b', '2026-11-25 16:32:41.871909+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-86ba-bae639e9fb3c', -3733004169327072412, 'no_answer', 1, '2026-11-25 16:32:42.676758+00', '2026-11-25 16:32:39.797892+00', true, '9c68f486-f201-4c57-adff-9f9d88be7c43', '2026-11-25 16:32:41.871909+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-a838-0eb11bdfc8b1', -3733004169327072412, 'failed', 1, NULL, '2026-11-25 16:32:39.797893+00', true, '4fa0cca4-1a60-4782-a135-20529981e108', '2026-11-25 16:32:41.871909+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-b780-cf62d34420ba', -3733004169327072412, 'completed', 1, NULL, '2026-11-25 16:32:39.797887+00', true, '4536c3e2-cb02-46f3-86ee-52dca493318f', '2026-11-25 16:32:41.944046+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-a895-b8787198d8b7', -3733004169327072412, 'voicemail', 1, NULL, '2026-11-25 16:32:39.703082+00', true, '5fc564bf-6d38-43ca-8397-97e26281daba', '2026-11-25 16:32:42.061215+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-a110-671131198649', -3733004169327072412, 'failed', 1, NULL, '2026-11-25 16:32:39.703085+00', true, '75cfbab2-c7d6-4622-98de-f913623d15d9', '2026-11-25 16:32:42.061215+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-a84e-8c4cf6a39256', -3733004169327072412, 'voicemail', 1, NULL, '2026-11-25 16:32:39.703089+00', true, 'f201d5f7-cdf0-42f4-b494-02387b9f5f9e', '2026-11-25 16:32:42.314474+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-a4fa-15e5fbd80c2e', -3733004169327072412, 'failed', 1, NULL, '2026-11-25 16:32:39.703092+00', true, '9b13115d-9c62-4242-9e1d-5954110478b5', '2026-11-25 16:32:42.314474+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-91a8-b5a7e2459141', -3733004169327072412, 'do_not_call', 0, NULL, '2026-11-25 16:32:39.797896+00', true, NULL, '2026-11-25 16:32:42.41135+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9659-22e4542f815e', -3733004169327072412, 'do_not_call', 1, NULL, '2026-11-25 16:32:39.703088+00', true, '6968e4a1-e737-4b2b-adf1-5b70374f9432', '2026-11-25 16:32:42.41135+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-a3a6-45b60a031514', -3733004169327072412, 'failed', 1, NULL, '2026-11-25 16:32:39.703087+00', true, '4d410d6f-54ce-4439-86bf-90119bde4bb5', '2026-11-25 16:32:42.438181+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9f4a-7c017976f200', -3733004169327072412, 'completed', 1, NULL, '2026-11-25 16:32:39.703093+00', true, '650b4e09-dc0c-437c-9ccd-6eb74d49504b', '2026-11-25 16:32:43.082052+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-a0dc-7e854c20e6a9', -3733004169327072412, 'voicemail', 1, NULL, '2026-11-25 16:32:39.703096+00', true, '3f929088-e609-4b1c-b64b-357af695af8e', '2026-11-25 16:32:43.195088+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-8f5c-41df14f50d9a', -3733004169327072412, 'failed', 1, NULL, '2026-11-25 16:32:39.703094+00', true, '00b1d0c2-c155-4ffe-bb55-e86ed0202e9c', '2026-11-25 16:32:43.249357+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9a0e-72f929cf1a62', -3733004169327072412, 'failed', 1, NULL, '2026-11-25 16:32:39.703099+00', true, 'de4f6fe5-34e4-481a-b99a-c9b5b7283f08', '2026-11-25 16:32:43.382045+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-b495-77f9ad5b459c', -3733004169327072412, 'no_answer', 2, '2026-11-25 16:32:44.337517+00', '2026-11-25 16:32:39.703077+00', true, '2ef0258d-950c-4e7f-ad92-edff190bc97c', '2026-11-25 16:32:43.409679+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9053-03812b9493af', -3733004169327072412, 'no_answer', 2, '2026-11-25 16:32:44.33174+00', '2026-11-25 16:32:39.703091+00', true, '7e06295a-ebcc-42e6-a650-c0d923437b58', '2026-11-25 16:32:43.409679+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-bde5-f8e051db35e3', -3733004169327072412, 'do_not_call', 0, NULL, '2026-11-25 16:32:39.797903+00', true, NULL, '2026-11-25 16:32:43.445555+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-89eb-4279d9cdb79b', -3733004169327072412, 'do_not_call', 1, NULL, '2026-11-25 16:32:39.703095+00', true, 'a5296fae-11a9-4c5f-b253-52289f7de27b', '2026-11-25 16:32:43.445555+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9fcf-a27b4cbe57de', -3733004169327072412, 'no_answer', 2, '2026-11-25 16:32:44.785649+00', '2026-11-25 16:32:39.70309+00', true, 'e540433f-6ac1-4f80-aa52-d7d2f627fc14', '2026-11-25 16:32:43.824505+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-86d7-4cd187b0ef27', -3733004169327072412, 'no_answer', 2, '2026-11-25 16:32:45.298779+00', '2026-11-25 16:32:39.703098+00', true, '6a4ae979-c896-4b5d-a840-64fdfb871d44', '2026-11-25 16:32:44.330155+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-aba2-1b9cea996d56', -3733004169327072412, 'no_answer', 2, '2026-11-25 16:32:45.641726+00', '2026-11-25 16:32:39.703097+00', true, '6c1e63cf-bce9-44ea-acb5-5929bf8746c7', '2026-11-25 16:32:44.67753+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-b84f-fcee503f211f', -3733004169327072412, 'failed', 1, NULL, '2026-11-25 16:32:39.70308+00', true, '6eb99581-e279-4662-8a3f-68c45d37a667', '2026-11-25 16:32:57.07873+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9c1e-5c47fb8eb79f', -3733004169327072412, 'completed', 1, NULL, '2026-11-25 16:32:39.703079+00', true, '3b191223-a51e-4d67-94f6-f4fe56a0e0b8', '2026-11-25 16:32:57.154974+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9d35-d3750b68fc7a', -3733004169327072412, 'completed', 1, NULL, '2026-11-25 16:32:39.703086+00', true, 'cf50db55-23f6-47cc-943e-ba22abfc41a7', '2026-11-25 16:32:57.265339+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-a269-5bcf1a703199', -3733004169327072412, 'no_answer', 2, '2026-11-25 16:32:59.234733+00', '2026-11-25 16:32:39.703083+00', true, 'd56a0cc2-a258-412f-9b40-cd84e499cb4b', '2026-11-25 16:32:58.276294+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-a831-ec1e7c7d1b90', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909194+00', true, NULL, '2026-11-25 16:32:39.909194+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-9a6a-64e2cec3c348', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909195+00', true, NULL, '2026-11-25 16:32:39.909195+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-aeee-83b79afa6c88', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909196+00', true, NULL, '2026-11-25 16:32:39.909196+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-8527-46943d250524', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909197+00', true, NULL, '2026-11-25 16:32:39.909197+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-b401-431ce8528218', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909198+00', true, NULL, '2026-11-25 16:32:39.909198+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-9de9-72efa51dabb5', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.9092+00', true, NULL, '2026-11-25 16:32:39.9092+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-b66b-6902026c6b0b', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909201+00', true, NULL, '2026-11-25 16:32:39.909201+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-bb13-7a932469ef29', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909202+00', true, NULL, '2026-11-25 16:32:39.909202+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-8bbd-1c0b13a5ce12', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909203+00', true, NULL, '2026-11-25 16:32:39.909203+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-b4cc-9d6a85f0e31f', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909204+00', true, NULL, '2026-11-25 16:32:39.909204+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-8499-319c8d2b9d55', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909205+00', true, NULL, '2026-11-25 16:32:39.909205+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-9f14-f8d316a07f1e', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909207+00', true, NULL, '2026-11-25 16:32:39.909207+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-a196-b33f219a8aa7', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909208+00', true, NULL, '2026-11-25 16:32:39.909208+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-8c10-8d93a41bb9ea', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909209+00', true, NULL, '2026-11-25 16:32:39.909209+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-b42f-4819ada372e2', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.90921+00', true, NULL, '2026-11-25 16:32:39.90921+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-8823-d966ebb9d9ef', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909211+00', true, NULL, '2026-11-25 16:32:39.909211+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-90bd-5111b7f81c63', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909212+00', true, NULL, '2026-11-25 16:32:39.909212+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-8220-d3c291326283', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909214+00', true, NULL, '2026-11-25 16:32:39.909214+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-bca0-9f8a97498b02', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909215+00', true, NULL, '2026-11-25 16:32:39.909215+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-8401-cbf1b41e4ccf', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909216+00', true, NULL, '2026-11-25 16:32:39.909216+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-af9c-c1d8ad06d77c', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.909217+00', true, NULL, '2026-11-25 16:32:39.909217+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-9aff-95b7916a65ef', -7354178200203223173, 'do_not_call', 0, NULL, '2026-11-25 16:32:39.909218+00', true, NULL, '2026-11-25 16:32:39.909218+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-8058-cad51f1ff9db', -3733004169327072412, 'pending', 0, NULL, '2026-11-25 16:32:39.797884+00', true, NULL, '2026-11-25 16:32:39.797884+00', '2026-11-25 16:32:56.059447+00', NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9454-9340b1e96cb1', -3733004169327072412, 'voicemail', 1, NULL, '2026-11-25 16:32:39.703075+00', true, 'ccf7584c-9677-4f5e-870c-8dbb4e3feaca', '2026-11-25 16:32:41.329394+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-9ef7-5c01f613febe', -3733004169327072412, 'completed', 1, NULL, '2026-11-25 16:32:39.703072+00', true, 'f2d0f3e2-4acb-4bcb-985e-4dd8948874fa', '2026-11-25 16:32:41.539269+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-b8cc-c4f082a6f6eb', -3733004169327072412, 'failed', 1, NULL, '2026-11-25 16:32:39.703073+00', true, '89a20a20-eb82-4354-beaf-693166a53401', '2026-11-25 16:32:41.601741+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-aa03-ddb34a63045b', -3733004169327072412, 'do_not_call', 0, NULL, '2026-11-25 16:32:39.909199+00', true, NULL, '2026-11-25 16:32:41.671864+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-bdaa-98b3e9ca7233', -3733004169327072412, 'do_not_call', 1, NULL, '2026-11-25 16:32:39.703074+00', true, '897b248b-1354-4737-934a-640ebb08d7f4', '2026-11-25 16:32:41.671864+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-9d71-e1d5698cf810', -3733004169327072412, 'do_not_call', 1, NULL, '2026-11-25 16:32:39.797889+00', true, '9a02ddda-1f4c-4922-a033-863f613f6fbe', '2026-11-25 16:32:41.671864+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-940e-d2f09a2306cd', -3733004169327072412, 'do_not_call', 0, NULL, '2026-11-25 16:32:39.703081+00', true, NULL, '2026-11-25 16:32:41.671864+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-9c14-adef94ec7b44', -3733004169327072412, 'do_not_call', 0, NULL, '2026-11-25 16:32:39.909206+00', true, NULL, '2026-11-25 16:32:42.41135+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', '01a2138d-5778-7290-8c7d-c98394bcda39', -3733004169327072412, 'completed', 1, NULL, '2026-11-25 16:32:39.797894+00', true, '8f5e4c4e-68da-4ab7-bf9e-157f1a5be413', '2026-11-25 16:32:42.48594+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', '01a2138d-57e6-7e65-b426-21c20d4504e2', -3733004169327072412, 'do_not_call', 0, NULL, '2026-11-25 16:32:39.909213+00', true, NULL, '2026-11-25 16:32:43.445555+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-bc57-d1c0a5e43540', -3733004169327072412, 'no_answer', 2, '2026-11-25 16:32:44.527381+00', '2026-11-25 16:32:39.703076+00', true, '70bebf13-3522-42fd-9d43-b6c04b31d8ac', '2026-11-25 16:32:43.577616+00', NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO public.queue VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', '01a2138d-5719-78d5-8c11-22451dd41e47', -3733004169327072412, 'no_answer', 2, '2026-11-25 16:32:58.847102+00', '2026-11-25 16:32:39.703084+00', true, 'ce4997e6-7b3b-4f66-ac0d-b9cda4d9fd25', '2026-11-25 16:32:57.884345+00', NULL, NULL, DEFAULT, DEFAULT);


--
-- Data for Name: relay; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.relay VALUES (true, 110, '{63,0,110,0,0,0,0,0,0,0,0,0}');


--
-- Data for Name: wordless_campaigns; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: workspaces; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: zone_lists; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.zone_lists VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', -3733004169327072412, '{Europe/Paris}');
INSERT INTO public.zone_lists VALUES ('fda20fae-e4d9-4318-8e0b-659d6876dde6', -7354178200203223173, '{Europe/Berlin}');
INSERT INTO public.zone_lists VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', -3733004169327072412, '{Europe/Paris}');
INSERT INTO public.zone_lists VALUES ('40fa5104-ac64-4db5-8e80-0630551fc9f5', -7354178200203223173, '{Europe/Berlin}');
INSERT INTO public.zone_lists VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', -3733004169327072412, '{Europe/Paris}');
INSERT INTO public.zone_lists VALUES ('d3578721-44dd-436e-b600-4e4a2d09054f', -7354178200203223173, '{Europe/Berlin}');


--
-- Name: outbox_position_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.outbox_position_seq', 110, true);


--
-- Name: calls calls_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.calls
    ADD CONSTRAINT calls_pkey PRIMARY KEY (id);


--
-- Name: campaigns campaigns_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_pkey PRIMARY KEY (id);


--
-- Name: epochs epochs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.epochs
    ADD CONSTRAINT epochs_pkey PRIMARY KEY (partition);


--
-- Name: log log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.log
    ADD CONSTRAINT log_pkey PRIMARY KEY (one);


--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);


--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY ("position");


--
-- Name: positions positions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.positions
    ADD CONSTRAINT positions_pkey PRIMARY KEY (topic, partition);


--
-- Name: queue queue_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.queue
    ADD CONSTRAINT queue_pkey PRIMARY KEY (campaign_id, contact_id);


--
-- Name: relay relay_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.relay
    ADD CONSTRAINT relay_pkey PRIMARY KEY (one);


--
-- Name: wordless_campaigns wordless_campaigns_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.wordless_campaigns
    ADD CONSTRAINT wordless_campaigns_pkey PRIMARY KEY (campaign_id);


--
-- Name: workspaces workspaces_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (workspace);


--
-- Name: zone_lists zone_lists_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.zone_lists
    ADD CONSTRAINT zone_lists_pkey PRIMARY KEY (campaign_id, key);


--
-- Name: calls_forgotten; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX calls_forgotten ON public.calls USING btree (forgotten_at) WHERE (forgotten_at IS NOT NULL);


--
-- Name: calls_of_campaign; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX calls_of_campaign ON public.calls USING btree (campaign_id, created_at, id);


--
-- Name: calls_of_contact; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX calls_of_contact ON public.calls USING btree (contact_id, created_at, id);


--
-- Name: calls_of_person; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX calls_of_person ON public.calls USING btree (workspace, number_hash) WHERE (number_hash IS NOT NULL);


--
-- Name: calls_of_workspace; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX calls_of_workspace ON public.calls USING btree (workspace, created_at, id);


--
-- Name: calls_one_open_per_contact; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX calls_one_open_per_contact ON public.calls USING btree (contact_id) WHERE (state <> 'settled'::text);


--
-- Name: calls_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX calls_open ON public.calls USING btree (campaign_id) WHERE (state <> 'settled'::text);


--
-- Name: calls_to_forget; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX calls_to_forget ON public.calls USING btree (workspace, created_at) WHERE (number IS NOT NULL);


--
-- Name: campaigns_running; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX campaigns_running ON public.campaigns USING btree (partition) WHERE (status = 'running'::text);


--
-- Name: queue_claims; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX queue_claims ON public.queue USING btree (campaign_id, zones_key, is_callback, claim_at) WHERE (claim_at IS NOT NULL);


--
-- Name: queue_in_progress; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX queue_in_progress ON public.queue USING btree (changed_at) WHERE (status = 'in_progress'::text);


--
-- PostgreSQL database dump complete
--


