// Builds the page into the Python package. No file is fetched from anywhere else at run time.
import { readFileSync } from "node:fs"
import { gzipSync } from "node:zlib"
import { defineConfig } from "vite"
import wabt from "wabt"

const ort = new URL("node_modules/onnxruntime-web/", import.meta.url)
const { version } = JSON.parse(readFileSync(new URL("package.json", ort), "utf8"))

/** ONNX Runtime's WebAssembly, compressed: the page unpacks it itself and hands it over, whatever the host. */
const runtime = {
  name: "runtime",
  generateBundle() {
    const wasm = readFileSync(new URL("dist/ort-wasm-simd-threaded.wasm", ort))
    this.emitFile({ type: "asset", fileName: `runtime-${version}.bin`, source: gzipSync(wasm, { level: 9 }) })
  },
}

/** Keeps the bundler from adding the same WebAssembly once more, uncompressed, for a path that is not taken. */
const noSecondRuntime = {
  name: "no-second-runtime",
  transform(code, id) {
    if (!id.includes("ort.wasm.bundle")) return null
    return { code: code.replaceAll('new URL("ort-wasm-simd-threaded.wasm",import.meta.url)', '{href:""}'), map: null }
  },
}

/** Assembles WebAssembly text into a module of a few hundred bytes, which the script holds. */
const assembler = {
  name: "assembler",
  async load(id) {
    if (!id.endsWith(".wat")) return null
    const parsed = (await wabt()).parseWat(id, readFileSync(id, "utf8"), { simd: true })
    const { buffer } = parsed.toBinary({})
    const text = Buffer.from(buffer).toString("base64")
    return `export default Uint8Array.from(atob("${text}"), character => character.charCodeAt(0))`
  },
}

export default defineConfig({
  base: "./",
  define: { RUNTIME: JSON.stringify({ version }) },
  build: {
    outDir: "../src/minifaces/explorer/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
    rollupOptions: { output: { codeSplitting: false } },
  },
  // A classic script: from disk, modules in workers are refused.
  worker: { format: "iife", plugins: () => [noSecondRuntime, assembler] },
  plugins: [runtime, noSecondRuntime, assembler],
})
