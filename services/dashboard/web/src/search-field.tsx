// A field to search by words: it asks when the typing pauses, and follows the URL when that changes by another way.
import { CloseButton, TextInput, type TextInputProps } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useState } from 'react'

const TYPING_MS = 250

type Props = Omit<TextInputProps, 'value' | 'onChange'> & { value: string; onChange: (words: string) => void }

export function SearchField({ value, onChange, ...look }: Props) {
  const [typed, setTyped] = useState(value)
  useEffect(() => setTyped(value), [value])
  const change = useDebouncedCallback(onChange, TYPING_MS)
  return (
    <TextInput
      type="search"
      maxLength={200}
      {...look}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value)
        change(event.currentTarget.value.trim())
      }}
      rightSection={
        typed ? (
          <CloseButton
            size="sm"
            aria-label="Clear the search"
            onClick={() => {
              setTyped('')
              change('')
            }}
          />
        ) : null
      }
    />
  )
}
