import "./style.css"
import { openEngine } from "./engine/open"

const engine = await openEngine(new URL("data/", document.baseURI).href)
// For whoever opens the console, and for the tests.
Object.assign(globalThis, { explorer: engine })
