// Builds the page anew and compares it with the one that is committed: node verify.js
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { gunzipSync } from "node:zlib"
import { build } from "vite"

const committed = fileURLToPath(new URL("../src/minifaces/explorer/static", import.meta.url))
const fresh = mkdtempSync(join(tmpdir(), "explorer-"))

/** Every file's content by its name. What gzip makes of the same content depends on its version: it is unpacked. */
function contents(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return new Map(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name)
      const content = readFileSync(path)
      return [relative(folder, path), name.endsWith(".bin") ? gunzipSync(content) : content]
    }),
  )
}

try {
  await build({ configFile: fileURLToPath(new URL("vite.config.js", import.meta.url)), build: { outDir: fresh }, logLevel: "warn" })
  const [then, now] = [contents(committed), contents(fresh)]
  const names = [...new Set([...then.keys(), ...now.keys()])].sort()
  const different = names.filter(name => !(then.has(name) && now.has(name) && then.get(name).equals(now.get(name))))
  if (different.length) {
    console.error(`not what is committed: ${different.join(", ")}; run \`npm run build\` and commit src/minifaces/explorer/static`)
    process.exitCode = 1
  } else console.log(`built: the ${names.length} files that are committed`)
} finally {
  rmSync(fresh, { recursive: true })
}
