"""From what the network, the detection and the agent say to what a call came to."""

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_events.settings import Conversation, Outcome, SuccessRule
from dialer.outcomes import Report, ReportRefused, accept_report, is_settled, outcome_of, settle

NETWORK_BLOCKED = "Network Blocked"
REASON_603_PLUS = 'Q.850;cause=21;text="v=analytics1;url=https://carrier.example;tel=+15550100";location=LN'


def unanswered(
    *,
    sip: int | None = None,
    q850: int | None = None,
    rang: bool = False,
    text: str | None = None,
    hung_up_by_us: bool = False,
) -> Outcome:
    return outcome_of(
        answered=False,
        answered_by=None,
        rang=rang,
        sip_code=sip,
        q850_cause=q850,
        reason_text=text,
        hung_up_by_us=hung_up_by_us,
    )


def answered(by: str | None, *, sip: int | None = 200, q850: int | None = 16, attended: bool = True) -> Outcome:
    return outcome_of(
        answered=True,
        answered_by=by,
        rang=True,
        sip_code=sip,
        q850_cause=q850,
        reason_text=None,
        hung_up_by_us=False,
        attended=attended,
    )


SIP = {
    Outcome.BUSY: [486, 600],
    Outcome.NO_ANSWER: [480, 487],
    Outcome.DECLINED: [603],
    Outcome.UNWANTED: [607],
    Outcome.BLOCKED: [608],
    Outcome.INVALID_NUMBER: [404, 410, 484, 485, 604],
    Outcome.CONFIGURATION: [401, 402, 403, 405, 406, 407, 415, 420, 488, 606],
    Outcome.CARRIER_ERROR: [300, 302, 400, 408, 409, 413, 422, 482, 491, 499, 500, 502, 503, 504, 580, 599, 605, 699],
    Outcome.UNKNOWN: [-1, 0, 100, 180, 183, 202, 299, 700, 999],
}
Q850 = {
    Outcome.BUSY: [17],
    Outcome.NO_ANSWER: [18, 19, 20, 31],
    Outcome.DECLINED: [21],
    Outcome.INVALID_NUMBER: [1, 22, 26, 28],
    Outcome.CONFIGURATION: [29, 55, 57, 58, 63, 65, 79, 88],
    Outcome.CARRIER_ERROR: [2, 3, 23, 25, 27, 34, 38, 41, 42, 44, 47, 102, 111, 127, 5, 50, 90],
    Outcome.UNKNOWN: [-1, 0, 16, 128, 999],
}


@pytest.mark.parametrize(
    ("sip", "expected"), [pytest.param(c, o, id=f"{c} is {o}") for o, codes in SIP.items() for c in codes]
)
def test_a_sip_code_of_an_unanswered_call(sip: int, expected: Outcome) -> None:
    assert unanswered(sip=sip) is expected


@pytest.mark.parametrize(
    ("q850", "expected"), [pytest.param(c, o, id=f"{c} is {o}") for o, causes in Q850.items() for c in causes]
)
def test_a_q850_cause_decides_where_there_is_no_sip_code(q850: int, expected: Outcome) -> None:
    assert unanswered(q850=q850) is expected


@pytest.mark.parametrize(
    ("expected", "call"),
    [
        pytest.param(Outcome.NO_ANSWER, {"sip": 487, "q850": 19, "rang": True}, id="487 after our ring timeout"),
        pytest.param(Outcome.NO_ANSWER, {"sip": 408, "rang": True}, id="408 after ringing"),
        pytest.param(Outcome.CARRIER_ERROR, {"sip": 408}, id="408 without ringing"),
        pytest.param(Outcome.NO_ANSWER, {"q850": 0, "rang": True}, id="cause 0 after ringing is our ring timeout"),
        pytest.param(Outcome.NO_ANSWER, {"q850": 16, "rang": True}, id="cleared while ringing"),
        pytest.param(Outcome.DECLINED, {"sip": 603, "q850": 21, "text": "Decline"}, id="603 Decline"),
        pytest.param(Outcome.BLOCKED, {"sip": 603, "text": NETWORK_BLOCKED}, id="603 Network Blocked"),
        pytest.param(Outcome.BLOCKED, {"sip": 603, "text": "603 NETWORK BLOCKED"}, id="603 in capitals"),
        pytest.param(Outcome.BLOCKED, {"sip": 603, "q850": 21, "text": REASON_603_PLUS}, id="603 with a Reason header"),
        pytest.param(Outcome.BLOCKED, {"q850": 21, "text": "Q.850;cause=21;location=TN"}, id="21 from a network"),
        pytest.param(Outcome.DECLINED, {"q850": 21, "text": "Q.850;cause=21;location=U"}, id="21 from the user"),
        pytest.param(Outcome.DECLINED, {"q850": 21, "text": "location=RPN"}, id="21 from the callee's own exchange"),
        pytest.param(Outcome.BUSY, {"sip": 486, "text": "location=LN"}, id="busy is busy wherever it is said"),
        pytest.param(Outcome.CARRIER_ERROR, {"sip": 404, "q850": 2}, id="404 with no route to the network"),
        pytest.param(Outcome.CARRIER_ERROR, {"sip": 404, "q850": 3}, id="404 with no route to the destination"),
        pytest.param(Outcome.INVALID_NUMBER, {"sip": 404, "q850": 1}, id="404 with an unallocated number"),
        pytest.param(Outcome.CARRIER_ERROR, {"sip": 503, "q850": 17}, id="the SIP code comes before the cause"),
        pytest.param(Outcome.CANCELLED, {"sip": 487, "hung_up_by_us": True}, id="we hung up before ringing"),
        pytest.param(Outcome.CANCELLED, {"sip": 487, "rang": True, "hung_up_by_us": True}, id="we hung up in ringing"),
        pytest.param(Outcome.CANCELLED, {"hung_up_by_us": True}, id="we hung up and nothing was said"),
        pytest.param(Outcome.CANCELLED, {"q850": 16, "hung_up_by_us": True}, id="we hung up, normal clearing"),
        pytest.param(Outcome.UNWANTED, {"sip": 607, "hung_up_by_us": True}, id="607 that crosses our hang-up counts"),
        pytest.param(Outcome.BUSY, {"sip": 486, "hung_up_by_us": True}, id="486 that crosses our hang-up counts"),
        pytest.param(Outcome.UNKNOWN, {}, id="nothing known"),
        pytest.param(Outcome.UNKNOWN, {"rang": True}, id="nothing known but the ringing"),
        pytest.param(Outcome.HUMAN, {"sip": 200}, id="200 means that something picked up"),
    ],
)
def test_an_unanswered_call(expected: Outcome, call: dict[str, int | str | bool]) -> None:
    assert unanswered(**call) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("human", Outcome.HUMAN),
        (None, Outcome.HUMAN),
        ("machine", Outcome.MACHINE),
        ("fax", Outcome.FAX),
        ("hologram", Outcome.UNKNOWN),
        ("", Outcome.UNKNOWN),
    ],
)
def test_after_an_answer_who_picked_up_decides(by: str | None, expected: Outcome) -> None:
    assert answered(by) is expected


def test_a_person_whom_nobody_attends_is_abandoned() -> None:
    assert answered("human", attended=False) is Outcome.ABANDONED
    assert answered(None, attended=False) is Outcome.ABANDONED
    assert answered("machine", attended=False) is Outcome.MACHINE


CODES = st.none() | st.integers(-10, 1000) | st.integers()
TEXTS = st.none() | st.text(max_size=30) | st.sampled_from([NETWORK_BLOCKED, REASON_603_PLUS, "Decline"])
TELEPHONY = set(Outcome) - {Outcome.NOT_PLACED}


@given(
    answered=st.booleans(),
    answered_by=st.none() | st.sampled_from(["human", "machine", "fax"]) | st.text(max_size=10),
    rang=st.booleans(),
    sip_code=CODES,
    q850_cause=CODES,
    reason_text=TEXTS,
    hung_up_by_us=st.booleans(),
    attended=st.booleans(),
)
def test_whatever_a_carrier_says_has_an_outcome(**said: object) -> None:
    assert outcome_of(**said) in TELEPHONY  # type: ignore[arg-type]


def test_every_pair_of_codes_has_an_outcome() -> None:
    sips, causes = [None, *range(100, 700)], [None, *range(128)]
    found = {unanswered(sip=sip, q850=q850) for sip, q850 in product(sips, causes)}
    assert found <= TELEPHONY - {Outcome.MACHINE, Outcome.FAX, Outcome.ABANDONED, Outcome.CANCELLED}
    assert Outcome.UNKNOWN in found


@given(sip_code=CODES, q850_cause=CODES, reason_text=TEXTS, hung_up_by_us=st.booleans())
def test_after_an_answer_failure_codes_no_longer_apply(
    sip_code: int | None, q850_cause: int | None, reason_text: str | None, hung_up_by_us: bool
) -> None:
    for by, expected in (("human", Outcome.HUMAN), ("machine", Outcome.MACHINE), ("fax", Outcome.FAX)):
        got = outcome_of(
            answered=True,
            answered_by=by,
            rang=True,
            sip_code=sip_code,
            q850_cause=q850_cause,
            reason_text=reason_text,
            hung_up_by_us=hung_up_by_us,
        )
        assert got is expected


@given(sip=CODES, q850=CODES, rang=st.booleans(), text=TEXTS, hung_up_by_us=st.booleans())
def test_unwanted_is_said_by_607_alone(
    sip: int | None, q850: int | None, rang: bool, text: str | None, hung_up_by_us: bool
) -> None:
    got = unanswered(sip=sip, q850=q850, rang=rang, text=text, hung_up_by_us=hung_up_by_us)
    assert (got is Outcome.UNWANTED) == (sip == 607)


@pytest.mark.parametrize("sip", [486, 603])
@given(q850=CODES, rang=st.booleans(), text=TEXTS, hung_up_by_us=st.booleans())
def test_do_not_call_is_never_taken_from_busy_or_declined(
    sip: int, q850: int | None, rang: bool, text: str | None, hung_up_by_us: bool
) -> None:
    telephony = unanswered(sip=sip, q850=q850, rang=rang, text=text, hung_up_by_us=hung_up_by_us)
    outcome, conversation = settle(telephony, None)
    assert outcome in {Outcome.BUSY, Outcome.DECLINED, Outcome.BLOCKED}
    assert conversation is None


# --- after the answer -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("telephony", sorted(TELEPHONY))
def test_do_not_call_goes_with_whatever_picked_up(telephony: Outcome) -> None:
    assert settle(telephony, Conversation.DO_NOT_CALL) == (telephony, Conversation.DO_NOT_CALL)


@pytest.mark.parametrize("telephony", sorted(TELEPHONY))
@pytest.mark.parametrize("report", [Conversation.GOAL_MET, Conversation.GOAL_NOT_MET, Conversation.CALLBACK])
def test_an_agents_report_stands_against_detection_and_lost_events(telephony: Outcome, report: Conversation) -> None:
    assert settle(telephony, report) == (Outcome.HUMAN, report)


@pytest.mark.parametrize("telephony", sorted(TELEPHONY))
def test_without_a_report_telephony_stands_and_the_conversation_is_open(telephony: Outcome) -> None:
    assert settle(telephony, None) == (telephony, None)


def test_a_machine_found_after_the_call_changes_the_verdict_unless_the_agent_has_reported() -> None:
    by_default, late = settle(answered(None), None), settle(answered("machine"), None)
    assert by_default == (Outcome.HUMAN, None)
    assert late == (Outcome.MACHINE, None)
    assert settle(answered("machine"), Conversation.GOAL_MET) == settle(answered(None), Conversation.GOAL_MET)


@pytest.mark.parametrize(
    ("telephony", "report", "success_rule", "grace_over", "expected"),
    [
        pytest.param(None, None, "answered", False, False, id="live"),
        pytest.param(None, Conversation.GOAL_MET, "answered", True, False, id="live and reported: at its end"),
        pytest.param(Outcome.BUSY, None, "reported", False, True, id="never answered: at its end"),
        pytest.param(Outcome.MACHINE, None, "reported", False, True, id="machine: at its end"),
        pytest.param(Outcome.ABANDONED, None, "reported", False, True, id="abandoned: at its end"),
        pytest.param(Outcome.HUMAN, None, "answered", False, True, id="person, answered is success: at its end"),
        pytest.param(Outcome.HUMAN, None, "reported", False, False, id="person, report awaited"),
        pytest.param(Outcome.HUMAN, Conversation.GOAL_NOT_MET, "reported", False, True, id="person, reported"),
        pytest.param(Outcome.HUMAN, None, "reported", True, True, id="person, grace over"),
    ],
)
def test_when_a_call_is_settled(
    telephony: Outcome | None,
    report: Conversation | None,
    success_rule: SuccessRule,
    grace_over: bool,
    expected: bool,
) -> None:
    assert is_settled(telephony=telephony, report=report, success_rule=success_rule, grace_over=grace_over) is expected


GOAL_MET = Report(Conversation.GOAL_MET)
DO_NOT_CALL = Report(Conversation.DO_NOT_CALL)
CALLBACK = Report(Conversation.CALLBACK, datetime(2026, 3, 2, 9, tzinfo=UTC))
CALLBACK_LATER = Report(Conversation.CALLBACK)


@pytest.mark.parametrize("report", [GOAL_MET, DO_NOT_CALL, CALLBACK, CALLBACK_LATER])
def test_the_first_report_counts_and_the_same_again_changes_nothing(report: Report) -> None:
    assert accept_report(first=None, later=report) == report
    assert accept_report(first=report, later=report) == report


@pytest.mark.parametrize("first", [GOAL_MET, CALLBACK, CALLBACK_LATER])
def test_do_not_call_may_follow_any_report(first: Report) -> None:
    assert accept_report(first=first, later=DO_NOT_CALL) == DO_NOT_CALL


@pytest.mark.parametrize(
    ("first", "later"), [(GOAL_MET, CALLBACK), (CALLBACK, CALLBACK_LATER), (DO_NOT_CALL, GOAL_MET)]
)
def test_a_second_different_report_is_refused(first: Report, later: Report) -> None:
    with pytest.raises(ReportRefused, match="allowed: the same again, or do_not_call"):
        accept_report(first=first, later=later)
