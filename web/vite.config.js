// Builds the page into the Python package. No file is fetched from anywhere else at run time.
import { readFileSync } from "node:fs"
import asc from "assemblyscript/asc"
import { defineConfig } from "vite"

/** Compiles AssemblyScript into a module of some kilobytes, which the script holds. */
const compiler = {
  name: "compiler",
  async load(id) {
    const [file, query] = id.split("?")
    if (query !== "kernels") return null
    this.addWatchFile(file)
    const made = {}
    const options = ["-O3", "--converge", "--noAssert", "--runtime", "stub", "--importMemory", "--enable", "simd"]
    const { error, stderr } = await asc.main(["kernels.ts", "--outFile", "kernels.wasm", ...options], {
      readFile: name => (name === "kernels.ts" ? readFileSync(file, "utf8") : null),
      writeFile: (name, content) => (made[name] = content),
      listFiles: () => [],
    })
    if (error) throw new Error(`${file}: ${error.message}\n${stderr.toString()}`)
    const text = Buffer.from(made["kernels.wasm"]).toString("base64")
    return `export default Uint8Array.from(atob("${text}"), character => character.charCodeAt(0))`
  },
}

export default defineConfig({
  base: "./",
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
  worker: { format: "iife", plugins: () => [compiler] },
  plugins: [compiler],
})
