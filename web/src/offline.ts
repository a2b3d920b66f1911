// An exported site opens again offline: its service worker, public/sw.js, keeps what is fetched. Only such a site has a
// manifest; the single file and `minifaces explore` have neither.

async function keep(): Promise<void> {
  await navigator.serviceWorker.register("sw.js")
  if (navigator.serviceWorker.controller) return
  // What a first visit fetches does not pass through the worker.
  const { active } = await navigator.serviceWorker.ready
  active!.postMessage([location.href])
  const fetched = new PerformanceObserver(list => active!.postMessage(list.getEntries().map(({ name }) => name)))
  fetched.observe({ type: "resource", buffered: true })
}

// Browsers have service workers for https and for their own machine only, some not in private windows.
if (document.querySelector("link[rel=manifest]") && "serviceWorker" in navigator) addEventListener("load", () => keep().catch(() => {}))
