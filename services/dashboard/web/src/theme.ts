// Colours, type and density. Mantine's own dimmed, placeholder and error colours fail WCAG AA on its backgrounds: ours pass.
import {
  Alert,
  Badge,
  createTheme,
  Drawer,
  Modal,
  Paper,
  Skeleton,
  Table,
  Tooltip,
  type CSSVariablesResolver,
  type MantineColorsTuple,
} from '@mantine/core'

const brand: MantineColorsTuple = [
  '#eaf2fc', '#d3e2f5', '#a5c4ec', '#74a4e3', '#4d89dc', '#3579d8', '#2671d6', '#1a60be', '#1155ab', '#004a97',
]
const dark: MantineColorsTuple = [
  '#e3e6ea', '#c3c8cf', '#a9b0ba', '#828b97', '#434b55', '#353c45', '#2a3038', '#1e2329', '#16191d', '#101215',
]

export const theme = createTheme({
  colors: { brand, dark },
  primaryColor: 'brand',
  primaryShade: { light: 8, dark: 7 },
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  headings: {
    fontWeight: '620',
    sizes: {
      h1: { fontSize: '1.375rem', lineHeight: '1.3' },
      h2: { fontSize: '1.0625rem', lineHeight: '1.35' },
      h3: { fontSize: '0.9375rem', lineHeight: '1.4' },
    },
  },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Alert: Alert.extend({ classNames: { title: 'alert-title' } }), // its own colour is too pale to read
    Badge: Badge.extend({ defaultProps: { variant: 'dot', radius: 'sm', tt: 'none', fw: 500 } }),
    Drawer: Drawer.extend({ defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } }),
    Modal: Modal.extend({
      defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.45 }, closeButtonProps: { 'aria-label': 'Close' } },
    }),
    Paper: Paper.extend({ defaultProps: { withBorder: true } }),
    Skeleton: Skeleton.extend({ defaultProps: { radius: 'sm' } }),
    Table: Table.extend({ defaultProps: { verticalSpacing: 8, horizontalSpacing: 'md' } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 300, multiline: true, maw: 320 } }),
  },
})

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#f7f8fa',
    '--mantine-color-text': '#1c2127',
    '--mantine-color-dimmed': '#59626e',
    '--mantine-color-placeholder': '#6a737f',
    '--mantine-color-error': '#b3261e',
    '--mantine-color-anchor': '#1155ab',
    '--surface': '#ffffff',
    '--line': '#e2e6ea',
    '--quiet': '#f1f3f6',
  },
  dark: {
    '--mantine-color-body': '#16191d',
    '--mantine-color-text': '#dde1e6',
    '--mantine-color-dimmed': '#a3abb6',
    '--mantine-color-placeholder': '#98a1ad',
    '--mantine-color-error': '#ff9d96',
    '--mantine-color-anchor': '#8ab8f5',
    '--surface': '#1e2329',
    '--line': '#333a43',
    '--quiet': '#252b32',
  },
})
