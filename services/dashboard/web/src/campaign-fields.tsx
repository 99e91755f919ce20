// The parts of the form with a campaign's settings: the same when one is created and when one is edited.
import {
  ActionIcon,
  Alert,
  Box,
  Button,
  Fieldset,
  Group,
  List,
  NumberInput,
  Pill,
  Radio,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  TagsInput,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import { useState } from 'react'
import { commandQuery } from './api'
import { RETRIES, withPreset, ZONES, type Fields, type Num, type Preset, type RetryName, type Wrong } from './campaign-form'
import { capsInWords, COUNTRIES, countryName } from './setting-words'
import { WeekHours } from './week-grid'
import { weekInWords } from './week'
import { day, percent } from './words'

export type PartProps = {
  fields: Fields
  onChange: (fields: Fields) => void
  wrong: Wrong
  /** the type is chosen when a campaign is created, and stays */
  isNew?: boolean
}

const GRID = { base: 1, sm: 2 }

export function BasicFields({ fields, onChange, wrong, isNew }: PartProps) {
  const set = (changes: Partial<Fields>): void => onChange({ ...fields, ...changes })
  return (
    <Stack gap="md">
      <TextInput
        label="Name"
        required
        dir="auto"
        autoComplete="off"
        value={fields.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        error={wrong('name')}
      />
      <Textarea
        label="Description"
        description="What it is for, and for whom: seen by your colleagues only"
        dir="auto"
        autosize
        minRows={2}
        maxRows={8}
        value={fields.description}
        onChange={(event) => set({ description: event.currentTarget.value })}
        error={wrong('description')}
      />
      {isNew ? (
        <Radio.Group
          label="Type"
          description="It can’t be changed later"
          value={fields.type}
          onChange={(type) => set({ type: type as Fields['type'] })}
          error={wrong('type')}
        >
          <Stack gap="xs" mt={6}>
            <Radio value="outbound" label="Outbound" description="Calls a list of contacts" />
            <Radio value="inbound" label="Inbound" description="Answers those who ring one of its numbers" />
          </Stack>
        </Radio.Group>
      ) : null}
      {fields.type === 'inbound' ? (
        <Radio.Group
          label="When it can’t answer"
          description="Out of hours, paused, or ended"
          value={fields.when_closed}
          onChange={(value) => set({ when_closed: value as Fields['when_closed'] })}
          error={wrong('inbound.when_closed') ?? wrong('inbound', { exactly: true })}
        >
          <Stack gap="xs" mt={6}>
            <Radio value="reject" label="Reject the call" />
            <Radio value="message" label="Play a message of the carrier" />
          </Stack>
        </Radio.Group>
      ) : null}
      {fields.type === 'inbound' && fields.when_closed === 'message' ? (
        <TextInput
          label="Message"
          description="The carrier’s name of what it plays"
          autoComplete="off"
          value={fields.message_id}
          onChange={(event) => set({ message_id: event.currentTarget.value })}
          error={wrong('inbound.message_id')}
        />
      ) : null}
    </Stack>
  )
}

const VARIABLE = /(?<!\{)\{([^\W\d][\w .-]{0,99})\}(?!\})/g
const tidyNumber = (text: string): string => text.replace(/[\s().\-/]/g, '').replace(/^00/, '+')

export function AgentFields({ fields, onChange, wrong }: PartProps) {
  const set = (changes: Partial<Fields>): void => onChange({ ...fields, ...changes })
  const registered = commandQuery.useQuery('get', '/v1/phone-numbers', {}, { staleTime: 60_000 }).data?.phone_numbers ?? []
  const presets = usePresets()
  const variables = [...new Set([...fields.custom_prompt.matchAll(VARIABLE)].map((found) => found[1]!.trim()))]
  const setCountry = (default_country: string | null): void => {
    const before = byDefault(presets, fields.default_country)
    const next = { ...fields, default_country }
    // Whoever has chosen a preset keeps it.
    const follows = fields.type === 'outbound' && (fields.preset ?? undefined) === before?.name
    const preset = byDefault(presets, default_country)
    onChange(follows && preset !== before ? withPreset(next, preset) : next)
  }
  return (
    <Stack gap="md">
      <TextInput
        label="Voice agent"
        description="The id of the agent that speaks; needed to start"
        autoComplete="off"
        value={fields.agent_id}
        onChange={(event) => set({ agent_id: event.currentTarget.value })}
        error={wrong('agent_id')}
      />
      <TagsInput
        label={fields.type === 'inbound' ? 'Numbers it answers' : 'Caller numbers'}
        description={
          registered.length > 0
            ? 'Your registered numbers, such as +493023125000; needed to start'
            : 'International, such as +493023125000; Enter adds one; needed to start'
        }
        data={registered.map(({ number }) => number)}
        renderOption={({ option }) => {
          const label = registered.find(({ number }) => number === option.value)?.label
          return label ? `${option.value} · ${label}` : option.value
        }}
        splitChars={[',', ';']}
        clearable
        value={fields.caller_numbers}
        onChange={(numbers) => set({ caller_numbers: [...new Set(numbers.flatMap((text) => text.split(/[,;]/)).map(tidyNumber).filter(Boolean))] })}
        error={wrong('caller_numbers')}
      />
      <Select
        label="Default country"
        description="National numbers of a contact file are read in it"
        placeholder="None: international numbers only"
        data={COUNTRIES}
        searchable
        clearable
        limit={60}
        value={fields.default_country}
        onChange={setCountry}
        error={wrong('default_country')}
      />
      <Textarea
        label="Prompt"
        description="What the agent is to say and to find out. {first_name} stands for that field or variable of each contact; {{ }} writes braces."
        dir="auto"
        autosize
        minRows={4}
        maxRows={16}
        value={fields.custom_prompt}
        onChange={(event) => set({ custom_prompt: event.currentTarget.value })}
        error={wrong('custom_prompt')}
      />
      {variables.length > 0 ? (
        <Box role="note" aria-label="Variables" bg="var(--quiet)" p="sm" style={{ borderRadius: 'var(--mantine-radius-md)' }}>
          <Text fw={550} mb={6}>
            Each contact needs these variables
          </Text>
          <Group gap={6}>
            {variables.map((name) => (
              <Pill key={name} bg="var(--surface)">{name}</Pill>
            ))}
          </Group>
          <Text size="sm" mt={6}>
            They come from the contact file’s columns. Contacts that lack one are counted before the start.
          </Text>
        </Box>
      ) : null}
      <Radio.Group
        label="A success is"
        value={fields.success_rule}
        onChange={(value) => set({ success_rule: value as Fields['success_rule'] })}
        error={wrong('success_rule')}
      >
        <Stack gap="xs" mt={6}>
          <Radio value="answered" label="A call that a person answered" description="Unless the agent reports otherwise" />
          <Radio value="reported" label="Only a call that the agent reports as one" />
        </Stack>
      </Radio.Group>
    </Stack>
  )
}

// --- schedule --------------------------------------------------------------------------------------------------------

function usePresets(): Preset[] | undefined {
  return commandQuery.useQuery('get', '/v1/presets', {}, { staleTime: Infinity }).data?.items as Preset[] | undefined
}

const byDefault = (presets: Preset[] | undefined, country: string | null): Preset | undefined =>
  presets?.find((preset) => country !== null && preset.countries.includes(country))

export function ScheduleFields({ fields, onChange, wrong }: PartProps) {
  const set = (changes: Partial<Fields>): void => onChange({ ...fields, ...changes })
  const presets = usePresets()
  const chosen = presets?.find(({ name }) => name === fields.preset)
  const isOutbound = fields.type === 'outbound'
  return (
    <Stack gap="md">
      {wrong('schedule', { exactly: true }) ? (
        <Alert color="red" variant="light" role="alert" title="The schedule can’t be so">
          {wrong('schedule', { exactly: true })}
        </Alert>
      ) : null}
      {isOutbound ? (
        <Stack gap="xs">
          <Select
            label="Preset"
            description="A law’s hours and ceilings: your settings may be stricter, never looser. No legal advice."
            placeholder="None: your own hours"
            data={(presets ?? []).map(({ name }) => name)}
            clearable
            value={fields.preset}
            onChange={(name) => onChange(withPreset(fields, presets?.find((preset) => preset.name === name)))}
            error={wrong('preset')}
          />
          {chosen ? <PresetCard preset={chosen} /> : null}
        </Stack>
      ) : null}
      <SimpleGrid cols={GRID}>
        <Select
          label="Time zone"
          description="The campaign’s own; its days are counted in it"
          data={ZONES}
          searchable
          limit={60}
          allowDeselect={false}
          nothingFoundMessage="No such zone: names are such as Europe/Berlin"
          value={fields.time_zone}
          onChange={(zone) => zone && set({ time_zone: zone })}
          error={wrong('schedule.time_zone')}
        />
        {isOutbound ? (
          <Switch
            mt={{ base: 0, sm: 44 }}
            label="Hours in the contact’s own time zone"
            description={
              fields.use_callee_time_zone
                ? 'Where a number may be in several zones, all of them must be open'
                : `All contacts are called by the clock of ${fields.time_zone}`
            }
            checked={fields.use_callee_time_zone}
            onChange={(event) => set({ use_callee_time_zone: event.currentTarget.checked })}
            error={wrong('schedule.use_callee_time_zone')}
          />
        ) : null}
      </SimpleGrid>
      <WeekHours week={fields.weekly} onChange={(weekly) => set({ weekly })} wrong={wrong} />
      <SimpleGrid cols={GRID}>
        <TextInput
          type="date"
          label="First day"
          description="Empty: at once"
          max="2100-12-31"
          value={fields.start_date}
          onChange={(event) => set({ start_date: event.currentTarget.value })}
          error={wrong('schedule.start_date')}
        />
        <TextInput
          type="date"
          label="Last day"
          description="Empty: until all contacts are done"
          max="2100-12-31"
          value={fields.end_date}
          onChange={(event) => set({ end_date: event.currentTarget.value })}
          error={wrong('schedule.end_date')}
        />
        <Select
          label="No calls on the public holidays of"
          placeholder="Nowhere"
          data={COUNTRIES}
          searchable
          clearable
          limit={60}
          value={fields.holiday_country}
          onChange={(holiday_country) => set({ holiday_country, holiday_subdivision: '' })}
          error={wrong('schedule.public_holidays.country') ?? wrong('schedule.public_holidays', { exactly: true })}
        />
        {fields.holiday_country ? (
          <TextInput
            label="Part of the country"
            placeholder="None; such as BY"
            value={fields.holiday_subdivision}
            onChange={(event) => set({ holiday_subdivision: event.currentTarget.value })}
            error={wrong('schedule.public_holidays.subdivision')}
          />
        ) : null}
      </SimpleGrid>
      <Dates dates={fields.blocked_dates} onChange={(blocked_dates) => set({ blocked_dates })} wrong={wrong} />
    </Stack>
  )
}

function PresetCard({ preset }: { preset: Preset }) {
  const also = [
    preset.frequency_caps.length > 0 ? `at most ${capsInWords(preset.frequency_caps)} to one number` : null,
    preset.public_holidays ? `no calls on public holidays in ${countryName(preset.public_holidays.country)}` : null,
    preset.requires_consent ? 'only contacts with consent on record' : null,
    preset.min_ring_timeout_seconds !== null ? `rings ${preset.min_ring_timeout_seconds} s or longer` : null,
    preset.max_abandoned_percent !== null ? `abandoned calls at most ${percent(preset.max_abandoned_percent / 100)} over 30 days` : null,
    preset.refusal_silence_days !== null ? `who refuses is left alone for ${preset.refusal_silence_days} days` : null,
  ].filter((part) => part !== null)
  return (
    <Box role="note" aria-label={`What ${preset.name} asks for`} bg="var(--quiet)" p="sm" style={{ borderRadius: 'var(--mantine-radius-md)' }}>
      <Text fw={550} mb={4}>
        What {preset.name} asks for
      </Text>
      <List size="md" spacing={2}>
        <List.Item>{preset.weekly ? `${weekInWords(preset.weekly)}, where the contact is` : 'your own hours'}</List.Item>
        {also.map((part) => (
          <List.Item key={part}>{part}</List.Item>
        ))}
      </List>
      <Text size="xs" c="dimmed" mt={6}>
        Source: {preset.source} · version {preset.version}
      </Text>
    </Box>
  )
}

function Dates({ dates, onChange, wrong }: { dates: string[]; onChange: (dates: string[]) => void; wrong: Wrong }) {
  const [date, setDate] = useState('')
  const add = (): void => {
    onChange([...new Set([...dates, date])].sort())
    setDate('')
  }
  return (
    <Stack gap={6}>
      <Group gap="xs" align="flex-end">
        <TextInput
          type="date"
          label="Other days without calls"
          max="2100-12-31"
          value={date}
          onChange={(event) => setDate(event.currentTarget.value)}
          error={wrong('schedule.blocked_dates')}
        />
        <Button variant="default" disabled={date === ''} onClick={add}>
          Add the day
        </Button>
      </Group>
      {dates.length > 0 ? (
        <Pill.Group>
          {dates.map((each) => (
            <Pill
              key={each}
              withRemoveButton
              onRemove={() => onChange(dates.filter((other) => other !== each))}
              removeButtonProps={{ 'aria-label': `Remove ${day(each)}`, 'aria-hidden': false, tabIndex: 0 }}
            >
              {day(each)}
            </Pill>
          ))}
        </Pill.Group>
      ) : null}
    </Stack>
  )
}

// --- limits and retries ----------------------------------------------------------------------------------------------

export function LimitFields({ fields, onChange, wrong }: PartProps) {
  type Limit = keyof Fields['limits']
  const input = (name: Limit, label: string, description: string, suffix?: string) => (
    <NumberInput
      key={name}
      label={label}
      description={description}
      suffix={suffix}
      allowDecimal={false}
      thousandSeparator=","
      hideControls
      value={fields.limits[name]}
      onChange={(value: Num) => onChange({ ...fields, limits: { ...fields.limits, [name]: value } })}
      error={wrong(`limits.${name}`)}
    />
  )
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }}>
      {input('max_simultaneous_calls', 'Calls at one time', '1 to 1,000')}
      {fields.type === 'outbound' ? (
        <>
          {input('calls_per_second', 'Calls begun per second', '1 to 500')}
          {input('calls_per_day', 'Calls per day', 'Empty: no limit')}
          {input('max_attempts', 'Attempts per contact', '1 to 20, over all reasons')}
          {input('ring_timeout_seconds', 'Let it ring for', '15 to 120 seconds', ' s')}
        </>
      ) : null}
      {input('max_call_seconds', 'Longest call', '10 to 14,400 seconds; then it is hung up', ' s')}
    </SimpleGrid>
  )
}

const RETRY_HELP: Record<RetryName, string> = {
  no_answer: 'Nobody picked up',
  busy: 'The line was busy',
  declined: 'The call was declined',
  voicemail: 'A mailbox picked up; 0 retries: once is enough',
  carrier_error: 'A fault on the way',
}

export function RetryFields({ fields, onChange, wrong }: PartProps) {
  const set = (changes: Partial<Fields>): void => onChange({ ...fields, ...changes })
  return (
    <Stack gap="md">
      {Object.entries(RETRIES).map(([key, label]) => {
        const name = key as RetryName
        const rule = fields.retry[name]
        const setRule = (changes: Partial<typeof rule>): void => set({ retry: { ...fields.retry, [name]: { ...rule, ...changes } } })
        return (
          <Group key={name} gap="sm" align="flex-start" role="group" aria-label={label}>
            <div style={{ width: 190 }}>
              <Text size="sm" fw={500}>
                {label}
              </Text>
              <Text size="xs" c="dimmed">
                {RETRY_HELP[name]}
              </Text>
            </div>
            <TextInput
              aria-label={`${label}: try again after`}
              w={200}
              leftSection={<Text size="xs" c="dimmed">after</Text>}
              leftSectionWidth={44}
              value={rule.delays}
              onChange={(event) => setRule({ delays: event.currentTarget.value })}
              error={wrong(`retry.${name}.delays_seconds`)}
            />
            <NumberInput
              aria-label={`${label}: retries at most`}
              w={180}
              allowDecimal={false}
              hideControls
              placeholder="while attempts are left"
              suffix={rule.retries === 1 ? ' retry at most' : ' retries at most'}
              value={rule.retries}
              onChange={(retries: Num) => setRule({ retries })}
              error={wrong(`retry.${name}.max_retries`)}
            />
          </Group>
        )
      })}
      <Text size="xs" c="dimmed">
        Several waits, such as 2 min, 4 min, 8 min: the n-th retry waits the n-th of them, the last one repeats. All within the
        attempts per contact.
      </Text>
      <SimpleGrid cols={GRID}>
        <TextInput
          label="“Call me later” means in"
          description="When the person names no time"
          value={fields.callback_delay}
          onChange={(event) => set({ callback_delay: event.currentTarget.value })}
          error={wrong('callback_delay_seconds')}
        />
        <TextInput
          label="A callback is late after"
          description="Then it is flagged"
          value={fields.callback_tolerance}
          onChange={(event) => set({ callback_tolerance: event.currentTarget.value })}
          error={wrong('callback_tolerance_seconds')}
        />
      </SimpleGrid>
    </Stack>
  )
}

type CapsProps = { caps: Fields['caps']; onChange: (caps: Fields['caps']) => void; wrong: Wrong; at: string; most: number }

/** Rows of “calls in a window”; of a campaign, and of the workspace. */
export function CapFields({ caps, onChange, wrong, at, most }: CapsProps) {
  return (
    <Stack gap="xs">
      {wrong(at, { exactly: true }) ? (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {wrong(at, { exactly: true })}
        </Text>
      ) : null}
      {caps.length === 0 ? (
        <Text size="sm" c="dimmed">
          No cap
        </Text>
      ) : null}
      {caps.map((cap, index) => {
        const set = (changes: Partial<typeof cap>): void => onChange(caps.with(index, { ...cap, ...changes }))
        return (
          <Group key={index} gap="xs" align="flex-start" wrap="nowrap">
            <NumberInput
              aria-label={`Cap ${index + 1}: calls`}
              w={130}
              allowDecimal={false}
              hideControls
              suffix={cap.calls === 1 ? ' call' : ' calls'}
              value={cap.calls}
              onChange={(calls: Num) => set({ calls })}
              error={wrong(`${at}.${index}.calls`)}
            />
            <TextInput
              aria-label={`Cap ${index + 1}: within`}
              w={150}
              leftSection={<Text size="xs" c="dimmed">within</Text>}
              leftSectionWidth={50}
              value={cap.window}
              onChange={(event) => set({ window: event.currentTarget.value })}
              error={wrong(`${at}.${index}.window_seconds`)}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={`Remove cap ${index + 1}`}
              onClick={() => onChange(caps.toSpliced(index, 1))}
            >
              ×
            </ActionIcon>
          </Group>
        )
      })}
      <Group>
        <Button
          variant="subtle"
          size="compact-sm"
          disabled={caps.length >= most}
          onClick={() => onChange([...caps, { calls: 3, window: '1 d' }])}
        >
          Add a cap
        </Button>
      </Group>
    </Stack>
  )
}

/** Limits, caps and retries, each with its heading. */
export function PaceFields(props: PartProps) {
  const { fields, onChange, wrong } = props
  return (
    <Stack gap="md">
      <Fieldset legend="Limits">
        <LimitFields {...props} />
      </Fieldset>
      {fields.type === 'outbound' ? (
        <>
          <Fieldset legend="When a call doesn’t reach the person, try again">
            <RetryFields {...props} />
          </Fieldset>
          <Fieldset legend="Calls to one number, over all campaigns">
            <CapFields caps={fields.caps} onChange={(caps) => onChange({ ...fields, caps })} wrong={wrong} at="frequency_caps" most={10} />
          </Fieldset>
        </>
      ) : null}
    </Stack>
  )
}

// --- contacts --------------------------------------------------------------------------------------------------------

export function ContactRules({ fields, onChange, wrong }: PartProps) {
  const set = (changes: Partial<Fields>): void => onChange({ ...fields, ...changes })
  return (
    <Stack gap="md">
      <Switch
        label="Call only contacts with consent on record"
        description="A contact without a consent basis waits, and is counted before the start"
        checked={fields.requires_consent}
        onChange={(event) => set({ requires_consent: event.currentTarget.checked })}
        error={wrong('requires_consent')}
      />
      <Switch
        label="A contact who rings in is done"
        description="Somebody who waits here and rings an inbound campaign gets that call’s outcome"
        checked={fields.join_inbound}
        onChange={(event) => set({ join_inbound: event.currentTarget.checked })}
        error={wrong('join_inbound')}
      />
      <TagsInput
        label="Do-not-call lists it needs"
        description="Names of uploaded lists: nobody is called while one of them is missing or too old"
        splitChars={[',', ';', ' ']}
        value={fields.required_lists}
        onChange={(required_lists) => set({ required_lists })}
        error={wrong('required_lists')}
      />
    </Stack>
  )
}
