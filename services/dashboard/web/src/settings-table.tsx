// Settings in words, and what differs between two versions of them.
import { Box, Text } from '@mantine/core'
import type { Change } from './setting-words'

const LONGEST = 300

export function SettingsTable({ rows }: { rows: { path: string; label: string; value: string }[] }) {
  return (
    <Box component="dl" m={0} className="facts">
      {rows.map(({ path, label, value }) => (
        <div key={path}>
          <Text component="dt" size="sm" c="dimmed">
            {label}
          </Text>
          <Text component="dd" m={0} dir="auto" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
            {value}
          </Text>
        </div>
      ))}
    </Box>
  )
}

type ChangesProps = { name: string; changes: Change[]; both?: ReadonlySet<string> }

/** `both`: the settings that somebody else has changed, too. */
export function ChangesTable({ name, changes, both }: ChangesProps) {
  return (
    <div role="group" aria-label={name}>
      <Box className="facts changes" component="dl" m={0}>
        {changes.map(({ path, label, from, to }) => (
          <div key={path}>
            <Text component="dt" size="sm" c="dimmed">
              {label}
              {both?.has(path) ? ' (changed by both)' : ''}
            </Text>
            <Text component="dd" m={0} style={{ overflowWrap: 'anywhere' }}>
              <Text span td="line-through" c="dimmed">
                <bdi>{shortened(from)}</bdi>
              </Text>
              {' → '}
              <bdi>{shortened(to)}</bdi>
            </Text>
          </div>
        ))}
      </Box>
    </div>
  )
}

const shortened = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)
