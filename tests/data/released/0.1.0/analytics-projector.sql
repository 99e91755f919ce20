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

--
-- Name: pg_trgm; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;


--
-- Name: EXTENSION pg_trgm; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: campaign_days; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.campaign_days (
    generation integer NOT NULL,
    campaign_id uuid NOT NULL,
    day date NOT NULL,
    placed integer NOT NULL,
    answered integer NOT NULL,
    completed integer NOT NULL,
    failed integer NOT NULL,
    no_answer integer NOT NULL,
    voicemail integer NOT NULL,
    do_not_call integer NOT NULL,
    rescheduled integer NOT NULL,
    reached integer NOT NULL,
    talk_milliseconds bigint NOT NULL,
    talk_calls integer NOT NULL
)
WITH (fillfactor='50');


--
-- Name: campaign_settings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.campaign_settings (
    generation integer NOT NULL,
    campaign_id uuid NOT NULL,
    settings json NOT NULL
);


--
-- Name: campaigns; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.campaigns (
    generation integer NOT NULL,
    id uuid NOT NULL,
    workspace uuid NOT NULL,
    "position" bigint NOT NULL,
    deleted boolean NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    paused_reason text,
    agent_id text,
    settings_version integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    reached integer NOT NULL,
    retries jsonb NOT NULL,
    max_attempts integer NOT NULL,
    max_simultaneous_calls integer NOT NULL,
    calls_per_second integer NOT NULL,
    calls_per_day integer,
    time_zone text NOT NULL,
    start_date date,
    end_date date,
    contacts_total integer NOT NULL,
    contacts_pending integer NOT NULL,
    contacts_in_progress integer NOT NULL,
    contacts_completed integer NOT NULL,
    contacts_failed integer NOT NULL,
    contacts_no_answer integer NOT NULL,
    contacts_voicemail integer NOT NULL,
    contacts_do_not_call integer NOT NULL,
    contacts_rescheduled integer NOT NULL,
    calls_placed integer NOT NULL,
    calls_answered integer NOT NULL,
    calls_completed integer NOT NULL,
    calls_failed integer NOT NULL,
    calls_no_answer integer NOT NULL,
    calls_voicemail integer NOT NULL,
    calls_do_not_call integer NOT NULL,
    calls_rescheduled integer NOT NULL,
    calls_reached integer NOT NULL,
    calls_talk_milliseconds bigint NOT NULL,
    calls_talk_calls integer NOT NULL,
    CONSTRAINT campaigns_check CHECK ((contacts_total = (((((((contacts_pending + contacts_in_progress) + contacts_completed) + contacts_failed) + contacts_no_answer) + contacts_voicemail) + contacts_do_not_call) + contacts_rescheduled)))
)
WITH (fillfactor='50');


--
-- Name: live; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.live (
    only_one boolean DEFAULT true NOT NULL,
    generation integer NOT NULL,
    retired_logs uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    CONSTRAINT live_only_one_check CHECK (only_one)
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
-- Name: positions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.positions (
    generation integer NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    log uuid,
    "position" bigint DEFAULT 0 NOT NULL,
    event_time timestamp with time zone
);


--
-- Data for Name: campaign_days; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.campaign_days VALUES (1, '40fa5104-ac64-4db5-8e80-0630551fc9f5', '2026-11-25', 10, 4, 2, 3, 3, 1, 1, 0, 4, 1539, 4);
INSERT INTO public.campaign_days VALUES (1, 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '2026-11-25', 35, 11, 4, 8, 16, 4, 3, 0, 11, 4252, 11);


--
-- Data for Name: campaign_settings; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.campaign_settings VALUES (1, 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '{"name":"Ended","description":"","type":"outbound","agent_id":"agent-1","caller_numbers":["+493023125000"],"custom_prompt":"","default_country":null,"limits":{"max_simultaneous_calls":5,"calls_per_second":10,"calls_per_day":null,"max_attempts":2,"ring_timeout_seconds":30},"retry":{"no_answer":{"delays_seconds":[1],"max_retries":null},"busy":{"delays_seconds":[1],"max_retries":null},"declined":{"delays_seconds":[86400],"max_retries":1},"voicemail":{"delays_seconds":[7200],"max_retries":0},"carrier_error":{"delays_seconds":[120,240,480],"max_retries":2}},"callback_delay_seconds":86400,"success_rule":"answered","schedule":{"time_zone":"Europe/Berlin","use_callee_time_zone":true,"weekly":{"mon":[["00:00","24:00"]],"tue":[["00:00","24:00"]],"wed":[["00:00","24:00"]],"thu":[["00:00","24:00"]],"fri":[["00:00","24:00"]],"sat":[["00:00","24:00"]],"sun":[["00:00","24:00"]]},"blocked_dates":[],"public_holidays":null,"start_date":null,"end_date":null},"preset":null,"preset_version":null,"requires_consent":false,"frequency_caps":[],"required_lists":[]}');
INSERT INTO public.campaign_settings VALUES (1, '40fa5104-ac64-4db5-8e80-0630551fc9f5', '{"name":"Paused","description":"","type":"outbound","agent_id":"agent-1","caller_numbers":["+493023125000"],"custom_prompt":"","default_country":null,"limits":{"max_simultaneous_calls":5,"calls_per_second":10,"calls_per_day":null,"max_attempts":2,"ring_timeout_seconds":30},"retry":{"no_answer":{"delays_seconds":[1],"max_retries":null},"busy":{"delays_seconds":[1],"max_retries":null},"declined":{"delays_seconds":[86400],"max_retries":1},"voicemail":{"delays_seconds":[7200],"max_retries":0},"carrier_error":{"delays_seconds":[120,240,480],"max_retries":2}},"callback_delay_seconds":86400,"success_rule":"answered","schedule":{"time_zone":"Europe/Berlin","use_callee_time_zone":true,"weekly":{"mon":[["00:00","24:00"]],"tue":[["00:00","24:00"]],"wed":[["00:00","24:00"]],"thu":[["00:00","24:00"]],"fri":[["00:00","24:00"]],"sat":[["00:00","24:00"]],"sun":[["00:00","24:00"]]},"blocked_dates":[],"public_holidays":null,"start_date":null,"end_date":null},"preset":null,"preset_version":null,"requires_consent":false,"frequency_caps":[],"required_lists":[]}');
INSERT INTO public.campaign_settings VALUES (1, 'd3578721-44dd-436e-b600-4e4a2d09054f', '{"name":"Draft","description":"","type":"outbound","agent_id":"agent-1","caller_numbers":["+493023125000"],"custom_prompt":"","default_country":null,"limits":{"max_simultaneous_calls":5,"calls_per_second":10,"calls_per_day":null,"max_attempts":2,"ring_timeout_seconds":30},"retry":{"no_answer":{"delays_seconds":[1],"max_retries":null},"busy":{"delays_seconds":[1],"max_retries":null},"declined":{"delays_seconds":[86400],"max_retries":1},"voicemail":{"delays_seconds":[7200],"max_retries":0},"carrier_error":{"delays_seconds":[120,240,480],"max_retries":2}},"callback_delay_seconds":86400,"success_rule":"answered","schedule":{"time_zone":"Europe/Berlin","use_callee_time_zone":true,"weekly":{"mon":[["00:00","24:00"]],"tue":[["00:00","24:00"]],"wed":[["00:00","24:00"]],"thu":[["00:00","24:00"]],"fri":[["00:00","24:00"]],"sat":[["00:00","24:00"]],"sun":[["00:00","24:00"]]},"blocked_dates":[],"public_holidays":null,"start_date":null,"end_date":null},"preset":null,"preset_version":null,"requires_consent":false,"frequency_caps":[],"required_lists":[]}');


--
-- Data for Name: campaigns; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.campaigns VALUES (1, 'fda20fae-e4d9-4318-8e0b-659d6876dde6', '00000000-0000-4000-8000-000000000001', 113, false, 'Ended', '', 'outbound', 'completed', NULL, 'agent-1', 1, '2026-11-25 16:32:39.620465+00', '2026-11-25 16:32:39.943123+00', '2026-11-25 16:32:58.284995+00', 11, '{"2": 8}', 2, 5, 10, NULL, 'Europe/Berlin', NULL, NULL, 29, 0, 0, 4, 8, 8, 4, 5, 0, 35, 11, 4, 8, 16, 4, 3, 0, 11, 4252, 11);
INSERT INTO public.campaigns VALUES (1, 'd3578721-44dd-436e-b600-4e4a2d09054f', '00000000-0000-4000-8000-000000000001', 91, false, 'Draft', '', 'outbound', 'draft', NULL, 'agent-1', 1, '2026-11-25 16:32:39.855836+00', NULL, NULL, 0, '{}', 2, 5, 10, NULL, 'Europe/Berlin', NULL, NULL, 29, 24, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.campaigns VALUES (1, '40fa5104-ac64-4db5-8e80-0630551fc9f5', '00000000-0000-4000-8000-000000000001', 90, false, 'Paused', '', 'outbound', 'paused', 'requested', 'agent-1', 1, '2026-11-25 16:32:39.759702+00', '2026-11-25 16:32:39.966139+00', NULL, 4, '{"1": 3}', 2, 5, 10, NULL, 'Europe/Berlin', NULL, NULL, 29, 15, 0, 2, 3, 3, 1, 5, 0, 10, 4, 2, 3, 3, 1, 1, 0, 4, 1539, 4);


--
-- Data for Name: live; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.live VALUES (true, 1, '{}');


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.migrations VALUES (1, 'views', '2026-11-25 16:32:36.836904+00');


--
-- Data for Name: positions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.positions VALUES (1, 'campaign-events', 1, NULL, 0, NULL);
INSERT INTO public.positions VALUES (1, 'campaign-events', 3, NULL, 0, NULL);
INSERT INTO public.positions VALUES (1, 'campaign-events', 5, NULL, 0, NULL);
INSERT INTO public.positions VALUES (1, 'campaign-events', 6, NULL, 0, NULL);
INSERT INTO public.positions VALUES (1, 'campaign-events', 7, NULL, 0, NULL);
INSERT INTO public.positions VALUES (1, 'campaign-events', 8, NULL, 0, NULL);
INSERT INTO public.positions VALUES (1, 'campaign-events', 9, NULL, 0, NULL);
INSERT INTO public.positions VALUES (1, 'campaign-events', 10, NULL, 0, NULL);
INSERT INTO public.positions VALUES (1, 'campaign-events', 11, NULL, 0, NULL);
INSERT INTO public.positions VALUES (1, 'campaign-events', 0, '52a181ca-7b33-4a83-823c-4c435cde5294', 90, '2026-11-25 16:32:43.445555+00');
INSERT INTO public.positions VALUES (1, 'campaign-events', 4, '52a181ca-7b33-4a83-823c-4c435cde5294', 91, '2026-11-25 16:32:43.445555+00');
INSERT INTO public.positions VALUES (1, 'campaign-events', 2, '52a181ca-7b33-4a83-823c-4c435cde5294', 113, '2026-11-25 16:32:58.284995+00');


--
-- Name: campaign_days campaign_days_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_days
    ADD CONSTRAINT campaign_days_pkey PRIMARY KEY (generation, campaign_id, day);


--
-- Name: campaign_settings campaign_settings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_settings
    ADD CONSTRAINT campaign_settings_pkey PRIMARY KEY (generation, campaign_id);


--
-- Name: campaigns campaigns_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_pkey PRIMARY KEY (generation, id);


--
-- Name: live live_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.live
    ADD CONSTRAINT live_pkey PRIMARY KEY (only_one);


--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);


--
-- Name: positions positions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.positions
    ADD CONSTRAINT positions_pkey PRIMARY KEY (generation, topic, partition);


--
-- Name: campaigns_by_creation; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX campaigns_by_creation ON public.campaigns USING btree (generation, workspace, created_at, id) WHERE (NOT deleted);


--
-- Name: campaigns_by_name; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX campaigns_by_name ON public.campaigns USING btree (generation, workspace, lower(name), id) WHERE (NOT deleted);


--
-- Name: campaigns_by_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX campaigns_by_status ON public.campaigns USING btree (generation, workspace, status, id) WHERE (NOT deleted);


--
-- Name: campaigns_by_words; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX campaigns_by_words ON public.campaigns USING gin (name public.gin_trgm_ops, description public.gin_trgm_ops) WHERE (NOT deleted);


--
-- PostgreSQL database dump complete
--


