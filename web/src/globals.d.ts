/** Written into the script when it is built: vite.config.js. */
declare const RUNTIME: { version: string }

/** A WebAssembly text file, assembled when the page is built. */
declare module "*.wat" {
  const module: Uint8Array<ArrayBuffer>
  export default module
}
