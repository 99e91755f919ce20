// One figure, large, with its name; its formula on hover and on focus.
import { Group, Stack, Text, Tooltip, UnstyledButton } from '@mantine/core'
import type { ReactNode } from 'react'

type Props = { name: string; value: ReactNode; formula?: string; note?: ReactNode }

export function Figure({ name, value, formula, note }: Props) {
  return (
    <Stack gap={2} className="surface" p="sm" component="dl" m={0}>
      <Group gap={6} wrap="nowrap" component="dt">
        <Text span size="sm" c="dimmed">
          {name}
        </Text>
        {formula ? (
          <Tooltip label={formula} events={{ hover: true, focus: true, touch: true }} openDelay={0}>
            <UnstyledButton c="dimmed" fz="sm" td="underline dotted" lh={1} aria-label={`How ${name.toLowerCase()} is computed`}>
              ?
            </UnstyledButton>
          </Tooltip>
        ) : null}
      </Group>
      <Text component="dd" m={0} fz={22} fw={620} lh={1.25} className="number">
        {value}
      </Text>
      {note ? (
        <Text component="dd" m={0} size="sm" c="dimmed">
          {note}
        </Text>
      ) : null}
    </Stack>
  )
}

export const FORMULAS = {
  progress: 'Reached contacts / all contacts. Reached: a person answered at least one of its calls.',
  worked: 'Contacts with nothing left to do / all contacts: a finished list has worked 100 %, and reached fewer.',
  success: 'Completed calls / calls placed. Placed: calls that count as attempts, without carrier faults and calls never placed.',
  answer: 'Calls answered by a person / calls placed.',
  conversion: 'Completed calls / calls answered by a person.',
  duration: 'Mean time from answer to end, over calls answered by a person.',
  successInbound: 'Completed calls / calls received.',
  answerInbound: 'Calls answered / calls received.',
  abandoned: 'Calls answered by a person with nobody on our side / calls answered by a person, over the last 30 days.',
} as const
