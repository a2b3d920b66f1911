// The service worker of an exported site: keeps what the page has fetched, so that it opens again offline.
// `minifaces export-site` writes a line before this: const FILES = [...], the names of all files of the site. A site
// of other files therefore has another worker, which drops what the site no longer has, once no old page is open.

const CACHE = `minifaces ${registration.scope}` // other sites may have the same origin
// A name that holds a part of a hash means the same for ever.
const LASTING = /^(?:assets|data)\/[^/]+-[\w-]{8}\.\w+$/
// What is there before any face: small, and in part fetched where the page does not see it.
const SHELL = FILES.filter(name => /^(?:assets\/|favicon|icon-|manifest)/.test(name))

/** A file's name within the site, or null of what is none of it. */
function nameOf(address) {
  const { origin, pathname } = new URL(address)
  const path = origin + pathname
  if (!path.startsWith(registration.scope)) return null
  const name = path.slice(registration.scope.length) || "index.html"
  return LASTING.test(name) || FILES.includes(name) ? name : null
}

/** Keep a copy of an answer that is whole; where there is no room, go on without. */
function keep(event, cache, name, answer) {
  if (answer.status === 200) event.waitUntil(cache.put(name, answer.clone()).catch(() => {}))
  return answer
}

async function lasting(event, name) {
  const cache = await caches.open(CACHE)
  return (await cache.match(name, { ignoreVary: true })) ?? keep(event, cache, name, await fetch(event.request))
}

/** The page and the description of its data, which must be of one export: asked for anew as long as there is a server. */
async function newest(event, name) {
  const cache = await caches.open(CACHE)
  const answer = await fetch(event.request, { cache: "no-cache" }).catch(() => null)
  if (answer && answer.status < 500) return keep(event, cache, name, answer)
  return (await cache.match(name, { ignoreVary: true })) ?? answer ?? Response.error()
}

/** Keep what was fetched past this worker, which the browser has at hand. */
async function told(event, addresses) {
  const cache = await caches.open(CACHE)
  for (const address of addresses) {
    const name = nameOf(address)
    if (!name || (await cache.match(name, { ignoreVary: true }))) continue
    keep(event, cache, name, await fetch(address, { cache: "force-cache" }))
  }
}

async function drop() {
  const cache = await caches.open(CACHE)
  for (const request of await cache.keys()) if (!FILES.includes(nameOf(request.url))) await cache.delete(request)
}

/** The page's own files; a host that does not serve one of them is none to fail for. */
async function settle() {
  const cache = await caches.open(CACHE)
  await Promise.all(SHELL.map(name => cache.add(name).catch(() => {})))
}

addEventListener("install", event => event.waitUntil(settle()))
addEventListener("activate", event => event.waitUntil(drop()))
addEventListener("message", event => event.waitUntil(told(event, event.data).catch(() => {})))
addEventListener("fetch", event => {
  const name = event.request.method === "GET" && nameOf(event.request.url)
  if (!name) return
  const answer = LASTING.test(name) ? lasting(event, name) : newest(event, name)
  // Storage may fail where the server does not; an answer that is an error is told by the page, a rejection twice.
  event.respondWith(answer.catch(() => fetch(event.request)).catch(() => Response.error()))
})
