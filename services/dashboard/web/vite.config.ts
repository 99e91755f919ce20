import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// The bundle goes beside the Python that serves it: it ships in the wheel, and is in no commit.
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: '../dashboard/bundle',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // every file by its own address: the content policy allows no data: scripts or fonts
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 800,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8105', '/session': 'http://127.0.0.1:8105' } },
})
