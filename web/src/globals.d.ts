/** Written into the script when it is built: vite.config.js. */
declare const RUNTIME: { version: string }
