import { Button, type ButtonProps } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Firing } from './api'

type Props<Input> = ButtonProps & { command: Firing<Input>; input: Input; children: ReactNode }

/** A button that sends its command once, however often it is clicked, and shows that it is on its way. */
export function CommandButton<Input>({ command, input, children, ...button }: Props<Input>) {
  return (
    <Button {...button} loading={command.isBusy} onClick={() => void command.fire(input)}>
      {children}
    </Button>
  )
}
