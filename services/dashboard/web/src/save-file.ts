/** Hands the user a file made on the page. */
export function saveFile(name: string, content: Blob): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/** A file's name from a campaign's: letters and digits of any script, and dashes. */
export const fileName = (name: string, what: string, ending: string): string =>
  `${name.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '').slice(0, 60) || 'campaign'}-${what}.${ending}`

/** One line of a CSV; no cell is taken for a formula. */
export const csvLine = (cells: (string | number | null)[]): string =>
  cells
    .map((cell) => {
      const text = cell === null ? '' : String(cell)
      const safe = typeof cell === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
      return /[",\n\r;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
    })
    .join(',')
