// Plain words for the codes of the APIs: why nothing is dialled, why a contact is held, what became of a call or a row.

const known = (words: Record<string, string>) => (code: string): string => words[code] ?? plain(code)

/** A code nobody has put into words yet: still readable. */
export const plain = (code: string): string => {
  const text = code.replaceAll('_', ' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

export const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

/** Why a campaign's dialling is as it is: a part of a sentence, after “because”. */
export const becauseOf = known({
  workspace_paused: 'all calling of the workspace is paused',
  ready: 'contacts are due and lines are free',
  pace: 'the limit of calls per second is used up at this moment',
  all_lines_busy: 'all lines are busy: the limit of simultaneous calls is reached',
  daily_limit: 'today’s limit of calls is reached',
  no_contact_due: 'no contact is due before then',
  trunk_breaker_open: 'its trunk is being left alone: too many calls through it failed',
  trunk_busy: 'its trunk has no room for another call',
  outside_hours: 'it is outside the calling hours where the contacts are',
  blocked_date: 'it is a blocked date where the contacts are',
  public_holiday: 'it is a public holiday where the contacts are',
  before_start: 'the first day with calls has not come',
  ended: 'the last day with calls has passed',
  no_common_open_minute: 'the contacts’ possible time zones have no open minute in common',
  no_time_zone: 'the contacts’ time zone is not known',
  unknown_time_zone: 'the contacts’ time zone is not a known one',
  number_live: 'another call to the same number is in progress',
  frequency_cap: 'their numbers were called as often as they may be within a window',
  stale_list: 'a do-not-call list that the campaign needs is missing or too old',
  being_erased: 'the person’s data is being erased',
  unavailable: 'permits can’t be had at this moment',
  draft: 'the campaign has not been started',
  paused: 'the campaign is paused',
  completed: 'the campaign is completed',
  cancelled: 'the campaign was cancelled',
})

/** Why contacts that are due get no permit: the words of a row. */
export const heldBecause = known({
  workspace_paused: 'All calling of the workspace is paused',
  number_live: 'Another call to the number is in progress',
  frequency_cap: 'Called as often as it may be within a window',
  stale_list: 'A required do-not-call list is missing or too old',
  being_erased: 'The person’s data is being erased',
  trunk_breaker_open: 'Their trunk is being left alone',
  trunk_busy: 'Their trunk has no room',
  not_due: 'Not due yet',
  stale_settings: 'The settings have just changed',
  unavailable: 'Permits can’t be had at this moment',
})

/** What a contact's status came from. */
export const statusBecause = known({
  asked: 'Asked not to be called',
  suppressed: 'On the do-not-call list',
  list: 'On an uploaded do-not-call list',
  busy: 'Busy',
  declined: 'Declined',
  no_answer: 'Rang out',
  invalid_number: 'Number not in service',
  blocked: 'Blocked by the network',
  unwanted: 'Does not want such calls',
  carrier_error: 'A fault of the carrier',
  configuration: 'A fault of our configuration',
  cancelled: 'Hung up before an answer',
  unknown: 'Nothing was reported',
  not_placed: 'Never placed',
  machine: 'A mailbox picked up',
  goal_met: 'The goal was met',
  goal_not_met: 'The goal was not met',
  answered: 'A person answered',
  no_outcome_reported: 'The agent reported nothing in time',
  callback_not_possible: 'The callback asked for is not possible',
  no_common_open_minute: 'Its time zones have no open minute in common',
  no_time_zone: 'Its time zone is not known',
  no_consent: 'No consent on record',
  not_callable: 'Can’t be called under these settings',
  do_not_call: 'On the do-not-call list',
})

export const OUTCOMES: Record<string, string> = {
  human: 'A person answered',
  machine: 'Voicemail',
  fax: 'Fax machine',
  abandoned: 'Abandoned',
  no_answer: 'No answer',
  busy: 'Busy',
  declined: 'Declined',
  invalid_number: 'Number not in service',
  blocked: 'Blocked by the network',
  unwanted: 'Unwanted',
  configuration: 'Our configuration',
  carrier_error: 'Carrier fault',
  cancelled: 'Hung up before an answer',
  unknown: 'Unknown',
  not_placed: 'Not placed',
}

export const CONVERSATIONS: Record<string, string> = {
  goal_met: 'Goal met',
  goal_not_met: 'Goal not met',
  do_not_call: 'Asked not to be called',
  callback: 'Callback asked for',
}

export const turnedAwayBecause = known({
  lines_busy: 'All lines were busy',
  number_live: 'The person was on the phone with us already',
  outside_hours: 'Outside the hours',
  blocked_date: 'A blocked date',
  public_holiday: 'A public holiday',
  before_start: 'Before the first day',
  ended: 'After the last day',
  draft: 'The campaign was not started',
  paused: 'The campaign was paused',
  completed: 'The campaign had ended',
  cancelled: 'The campaign had been cancelled',
  workspace_paused: 'The workspace was paused',
  withheld_number: 'The number was withheld',
  unavailable: 'A service was away',
})

/** Why a trunk is left alone. */
export const breakerBecause = known({
  carrier_api: 'the carrier’s API fails',
  calls_fail: 'too many calls through it fail',
  numbers_invalid: 'too many numbers are refused as invalid',
  not_authorized: 'the carrier refuses our credentials',
  not_configured: 'it is not configured at the carrier',
})

/** Why a row of a contact file is no contact, or what was noted. */
export const rowBecause = known({
  empty: 'No number',
  not_a_number: 'Not a telephone number',
  letters: 'Letters in the number',
  extension: 'A number with an extension',
  several_numbers: 'Several numbers in one cell',
  digits_lost: 'Digits lost (the spreadsheet’s 4.9E+11)',
  no_country: 'A national number, and no default country',
  too_short: 'Number too short',
  too_long: 'Number too long',
  invalid_number: 'No number that exists',
  premium_rate: 'A premium-rate number',
  extra_fields: 'More values than columns',
  unclosed_quote: 'A quote that never closes',
  field_too_long: 'A value that is too long',
  suppressed: 'On the do-not-call list',
  normalized: 'Put into the standard form',
  time_zone_ignored: 'Time zone not known: ignored',
  updated: 'Details updated',
})

const UNREADY: Record<string, string> = {
  agent_id: 'an agent',
  agent: 'an agent',
  caller_numbers: 'a phone number',
  caller_number: 'a phone number',
}
export const missingPart = (name: string): string => UNREADY[name] ?? lower(plain(name))
